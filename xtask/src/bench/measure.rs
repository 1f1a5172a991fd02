//! Every figure, in the order of the table.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hyper::Method;

use super::arguments::{Arguments, Topic};
use super::durable::Durable;
use super::failure::{Failure, Outcome};
use super::hashing::{Hashing, Work};
use super::load::{self, Asking};
use super::process::{Running, free_address};
use super::report::{Report, Unit};
use super::rounds::{ROUNDS, Turns, median, take_turns};
use super::server::{self, Filled, Place};
use super::{flood, folders, hostile, imported, leases, memory, timing, tokens, writes};

/// How many clients ask at the same time, where a figure does not say otherwise.
const CLIENTS: usize = 16;
/// How often the server is started to see how long that takes.
const STARTS: u32 = 5;

/// Measures everything that the table says.
pub(super) async fn everything(arguments: &Arguments) -> Outcome<Report> {
    let here = env::current_exe()?;
    let beside = here.parent().unwrap_or(Path::new("."));
    let binary = arguments.binary.clone().unwrap_or_else(|| beside.join("strongroom"));
    // Beside the program, since many systems keep their folder for temporary files in memory, where
    // writing durably costs nothing.
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
    let bench = Bench {
        binary,
        here: here.clone(),
        folder: folder.path().to_owned(),
        round: arguments.duration / ROUNDS,
        count: arguments.count,
    };
    let mut report = Report::new(arguments.duration);
    match arguments.topic {
        Topic::Speed => bench.measure(&mut report).await?,
        Topic::Imported => imported::measure(&bench, &mut report).await?,
        Topic::Flood => flood::measure(&bench, &mut report).await?,
        Topic::Timing => timing::measure(&bench, &mut report).await?,
        Topic::Tokens => tokens::measure(&bench, &mut report).await?,
        Topic::Folders => folders::measure(&bench, &mut report).await?,
        Topic::Leases => leases::measure(&bench, &mut report).await?,
        Topic::Writes => writes::measure(&bench, &mut report).await?,
        Topic::Memory => memory::measure(&bench, &mut report).await?,
        Topic::Hostile => hostile::measure(&bench, &mut report).await?,
    }
    Ok(report)
}

/// What all figures need.
pub(super) struct Bench {
    binary: PathBuf,
    here: PathBuf,
    pub(super) folder: PathBuf,
    /// How long one round takes.
    pub(super) round: Duration,
    /// How many of whatever the topic counts.
    pub(super) count: usize,
}

/// What runs while requests are measured.
struct Sides {
    ours: Running,
    bare: Running,
    filled: Filled,
}

impl Bench {
    async fn measure(&self, report: &mut Report) -> Outcome<()> {
        report.alone("size of the binary", Unit::Bytes, self.size()?);
        let sides = self.start(report).await?;
        let Sides { ours, bare, filled } = &sides;
        let idle = (ours.resident_bytes()?, bare.resident_bytes()?);
        self.logins(&sides, report).await?;
        let requests = [
            ("token lookups", filled.looks_up()),
            ("kv version 1 reads", filled.reads_version_1()),
            ("kv version 2 reads", filled.reads_version_2()),
        ];
        for (name, asking) in requests {
            self.requests(name, &asking, &sides, report).await?;
        }
        writes::compare(self, (ours, filled), report).await?;
        self.renewals(&sides, report).await?;
        report.beside("memory, idle", Unit::Bytes, idle);
        let loaded = (ours.resident_bytes()?, bare.resident_bytes()?);
        report.beside("memory, after all this", Unit::Bytes, loaded);
        sides.ours.stop().await
    }

    fn size(&self) -> Outcome<f64> {
        let found = fs::metadata(&self.binary).map_err(|error| {
            Failure::new(format!("{}: {error}; build it first", self.binary.display()))
        })?;
        Ok(found.len() as f64)
    }

    /// Starts everything, and measures how long that takes.
    async fn start(&self, report: &mut Report) -> Outcome<Sides> {
        let mut first_answers = Vec::new();
        for number in 0..STARTS {
            let (running, took) = self.place(&format!("empty-{number}"))?.start().await?;
            first_answers.push(milliseconds(took));
            running.stop().await?;
        }
        report.alone("start to first answer", Unit::Milliseconds, median(first_answers));
        let place = self.place("filled")?;
        let (mut ours, _) = place.start().await?;
        let filled = server::fill(&ours).await?;
        let mut first_answers = Vec::new();
        for _ in 0..STARTS {
            ours.stop().await?;
            let (again, took) = place.start_unsealed(&filled).await?;
            first_answers.push(milliseconds(took));
            ours = again;
        }
        let name = "start on 2,000 secrets to first answer, unsealed";
        report.alone(name, Unit::Milliseconds, median(first_answers));
        Ok(Sides { ours, bare: self.start_bare(None).await?, filled })
    }

    pub(super) fn place(&self, name: &str) -> Outcome<Place> {
        Place::new(&self.binary, self.folder.join(name))
    }

    /// Starts a server that does nothing, or that does nothing but write to a store in `folder`.
    pub(super) async fn start_bare(&self, folder: Option<&Path>) -> Outcome<Running> {
        let address = free_address()?;
        let mut command = Command::new(&self.here);
        command.arg("bare-server").arg(address.to_string()).args(folder);
        let mut running = Running::start(&mut command, address, &self.folder)?;
        running.answers(&server::question(Method::GET, "")).await?;
        Ok(running)
    }

    async fn logins(&self, sides: &Sides, report: &mut Report) -> Outcome<()> {
        let asking = sides.filled.logs_in();
        let mut hashing = Hashing::new(Work::Argon2);
        let threads = hashing.threads();
        let turns = take_turns(
            || load::round(&sides.ours, CLIENTS, self.round, &asking),
            async || hashing.round(self.round).await,
        );
        let name = format!("logins, {CLIENTS} clients; beside: Argon2id on {threads} threads");
        report.pair(&name, Unit::PerSecond, turns.await?.per_second());
        Ok(())
    }

    async fn requests(
        &self,
        name: &str,
        asking: &Asking,
        sides: &Sides,
        report: &mut Report,
    ) -> Outcome<()> {
        let turns = take_turns(
            || load::round(&sides.ours, CLIENTS, self.round, asking),
            || load::round(&sides.bare, CLIENTS, self.round, asking),
        );
        let turns = turns.await?;
        let full_name = format!("{name}, {CLIENTS} clients; beside: bare server");
        report.pair(&full_name, Unit::PerSecond, turns.per_second());
        tell_processor_time(name, &turns, report);
        Ok(())
    }

    async fn renewals(&self, sides: &Sides, report: &mut Report) -> Outcome<()> {
        let store = Durable::open(&self.folder.join("durable-renewals")).await?;
        let tokens = server::make_tokens(&sides.ours, &sides.filled, CLIENTS).await?;
        let asking = server::renews(tokens);
        let turns = take_turns(
            || load::round(&sides.ours, CLIENTS, self.round, &asking),
            || store.round(CLIENTS, self.round),
        );
        let name = format!("token renewals, {CLIENTS} clients; beside: embedded store");
        report.pair(&name, Unit::PerSecond, turns.await?.per_second());
        Ok(())
    }
}

/// Only of the server's process; the clients' comes on top, alike for both sides.
pub(super) fn tell_processor_time(name: &str, turns: &Turns, report: &mut Report) {
    if let Some(used) = turns.processor_microseconds() {
        report.pair(&format!("{name}, processor time for each"), Unit::Microseconds, used);
    }
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
