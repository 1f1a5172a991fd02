//! A process that answers HTTP, and what the system knows about it.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{interval, timeout};

use super::failure::{Failure, Outcome};
use super::load::{Connection, Question};
use super::rounds::now;

/// How long a process may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(1);
/// What the system counts processor time in.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process that was started here. Dropping it ends it.
pub(super) struct Running {
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) started: Instant,
    log: PathBuf,
}

impl Running {
    /// Starts `command`; what it says goes to a file in `folder`.
    pub(super) fn start(
        command: &mut Command,
        address: SocketAddr,
        folder: &Path,
    ) -> Outcome<Self> {
        let log = folder.join(format!("{}.log", address.port()));
        let output = File::create(&log)?;
        command.stdin(Stdio::piped()).stdout(output.try_clone()?).stderr(output);
        let started = now();
        let child = command.spawn().map_err(|error| {
            let program = command.get_program().display();
            Failure::new(format!("cannot start {program}: {error}"))
        })?;
        Ok(Self { child, address, started, log })
    }

    /// Waits until it answers `question`.
    pub(super) async fn answers(&mut self, question: &Question) -> Outcome<()> {
        let asking = async {
            let mut glances = interval(GLANCE);
            // Ends when it answers, dies, or patience does.
            loop {
                glances.tick().await;
                if self.child.try_wait()?.is_some() {
                    return Err(self.died());
                }
                let Ok(mut connection) = Connection::open(self.address).await else { continue };
                if connection.ask(question).await.is_ok() {
                    return Ok(());
                }
            }
        };
        timeout(PATIENCE, asking).await?
    }

    /// Asks it to stop, and waits until it has.
    pub(super) async fn stop(mut self) -> Outcome<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let id = id.ok_or_else(|| Failure::new("a process has no number"))?;
        kill_process(id, Signal::TERM)?;
        let waiting = async {
            let mut glances = interval(GLANCE);
            while self.child.try_wait()?.is_none() {
                glances.tick().await;
            }
            Ok(())
        };
        timeout(PATIENCE, waiting).await?
    }

    /// How much memory it takes up.
    pub(super) fn resident_bytes(&self) -> Outcome<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        resident_bytes(&status).ok_or_else(|| Failure::new("the system does not tell VmRSS"))
    }

    /// How much time of processors it has used.
    pub(super) fn processor_seconds(&self) -> Outcome<f64> {
        processor_seconds_of(&self.child.id().to_string())
    }

    fn died(&self) -> Failure {
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        Failure::new(format!("it ended instead of answering; it said:\n{said}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; that is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of this machine that nobody listens on.
pub(super) fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// How much time of processors this process has used.
pub(super) fn own_processor_seconds() -> Outcome<f64> {
    processor_seconds_of("self")
}

fn processor_seconds_of(process: &str) -> Outcome<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    processor_seconds(&stat).ok_or_else(|| Failure::new("the system does not tell CPU times"))
}

fn resident_bytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// User and system time. Names of programs may contain anything, so counting begins after them.
fn processor_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_tells_is_understood() {
        assert_eq!(resident_bytes("Name:\ta\nVmRSS:\t     12 kB\n"), Some(12_288.0));
        assert_eq!(resident_bytes("Name:\ta\n"), None);
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 90 0 0 0 250 50 0 0 20 0 3 0";
        assert_eq!(processor_seconds(stat), Some(3.0));
        assert_eq!(processor_seconds("7 (a) S"), None);
    }
}
