//! Puts a server together, runs it, and takes it apart again.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use api::{Seconds, SystemClock, SystemEntropy, Wordlists, Workshop};
use engines::{AUTH_METHODS, SECRETS_ENGINES};
use kernel::{Company, Foundation, Kernel, Settings};
use rustix::process::setpriority_process;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::banner::Banner;
use crate::configuration::{Configuration, ConfigurationError, ListenerSettings};
use crate::http::{Listener, Server, Stop, Tls};
use crate::reload::Reloadable;
use crate::telemetry::Telemetry;
use crate::{Development, PRODUCT, VERSION, announce, development, hardening, workers};

/// How long requests get to come to their end when the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// How many jobs may wait for each bench of the workshop.
const WAITING_PER_BENCH: usize = 32;
/// How far benches of the workshop step back, on the scale from -20 to 19: as far as possible. They
/// get what others leave, and a little of a core that others want all of.
const BENCH_NICENESS: i32 = 19;
/// When this version was made.
const RELEASE_DATE: &str = "2026-11-21T00:00:00Z";
/// When this program was built, if whoever built it says so.
const BUILD_DATE: &str = match option_env!("STRONGROOM_BUILD_DATE") {
    Some(date) => date,
    None => RELEASE_DATE,
};

/// What a server is made from.
pub(crate) struct Setup {
    pub(crate) configuration: Configuration,
    pub(crate) development: Option<Development>,
    pub(crate) telemetry: Telemetry,
    /// Names of the variables of the process.
    pub(crate) variables: Vec<String>,
    /// The configuration files to look at again for the log level.
    pub(crate) files: Vec<PathBuf>,
}

/// Why a server did not start: a text for the operator.
#[derive(Debug)]
pub(crate) struct StartError(String);

impl StartError {
    pub(crate) fn new(text: impl ToString) -> Self {
        Self(text.to_string())
    }
}

/// Runs a server until somebody stops it.
pub(crate) fn run(setup: Setup) -> Result<(), StartError> {
    hardening::raise_open_files();
    let locked = match setup.configuration.disable_mlock {
        true => Err(StartError::new("disabled")),
        false => hardening::lock_memory().map_err(|why| {
            tracing::warn!("{why}");
            StartError::new(why)
        }),
    };
    let runtime = Runtime::new().map_err(StartError::new)?;
    runtime.block_on(live(setup, locked))
}

async fn live(setup: Setup, locked: Result<(), StartError>) -> Result<(), StartError> {
    let Setup { configuration, development, telemetry, variables, files } = setup;
    // Before anything is open, so that no signal is missed once there is something to lose.
    let signals = Signals::listen().map_err(StartError::new)?;
    let kernel = found(&configuration)?;
    let listeners = bind(&configuration.listeners).await?;
    let certificates = listeners.iter().filter_map(|listener| listener.tls.clone()).collect();
    let log_level = telemetry.level();
    let banner = Banner { configuration: &configuration, log_level, locked, variables: &variables };
    announce(&banner.text());
    for warning in &configuration.warnings {
        tracing::warn!("{warning}");
    }
    let _pid_file = configuration.pid_file.as_deref().map(PidFile::write).transpose()?;
    let server = Server::new(kernel.clone(), Arc::new(SystemEntropy));
    let ready = match &development {
        Some(development) => {
            Some(development::prepare(&kernel, &SystemEntropy, development).await?)
        }
        None => None,
    };
    announce(&format!("==> {PRODUCT} server started! Log data will stream in below:\n"));
    if let (Some(ready), Some(mut development)) = (ready, development) {
        let address = configuration.listeners.first().map(|listener| listener.address.as_str());
        ready.tell(&format!("http://{}", address.unwrap_or_default()), &mut development);
    }
    let working = workers::start(&kernel);
    let reloadable = Reloadable { certificates, kernel: kernel.clone(), telemetry, files };
    let stop = Stop::new();
    tokio::select! {
        () = server.run(listeners, stop.clone(), GRACE) => {}
        () = signals.obey(&stop, &reloadable) => tracing::warn!("told twice; stopping at once"),
    }
    drop(working);
    // Whoever still holds the kernel finds it without keys.
    kernel.seal();
    Ok(())
}

async fn bind(settings: &[ListenerSettings]) -> Result<Vec<Listener>, StartError> {
    let mut listeners = Vec::new();
    for ListenerSettings { address, tls, limits } in settings {
        let failed = |error: &dyn fmt::Display| {
            StartError(format!("Error initializing listener of type tcp: {address}: {error}"))
        };
        let tls = match tls {
            Some(tls) => {
                let loaded = Tls::load(tls.certificate.clone(), tls.oldest, tls.newest);
                Some(Arc::new(loaded.map_err(|error| failed(&error))?))
            }
            None => None,
        };
        let socket = TcpListener::bind(address).await.map_err(|error| failed(&error))?;
        listeners.push(Listener { socket, tls, limits: *limits });
    }
    Ok(listeners)
}

/// A kernel on the store of the configuration, sealed.
fn found(configuration: &Configuration) -> Result<Arc<Kernel>, StartError> {
    let storage = &configuration.storage;
    let failed =
        |error| StartError(format!("Error initializing storage of type {}: {error}", storage.kind));
    let backend = backends::find(&storage.kind).map_err(failed)?;
    let store = backend.open(&storage.settings).map_err(failed)?;
    let benches = available_parallelism().map_or(1, usize::from);
    Ok(Kernel::new(Foundation {
        store,
        engines: AUTH_METHODS.iter().chain(SECRETS_ENGINES).copied().collect(),
        clock: Arc::new(SystemClock),
        company: if backend.exclusive { Company::Alone } else { Company::Others },
        entropy: Arc::new(SystemEntropy),
        workshop: Arc::new(Workshop::with_benches(benches, benches * WAITING_PER_BENCH, step_back)),
        settings: Settings {
            ttl_default: Seconds(configuration.default_lease_ttl),
            ttl_max: Seconds(configuration.max_lease_ttl),
            wordlists: match &configuration.password_lists_directory {
                Some(directory) => Wordlists::in_directory(directory),
                None => Wordlists::default(),
            },
            lockout: configuration.lockout.clone(),
            storage_type: storage.kind.clone(),
            cluster_name: configuration.cluster_name.clone(),
            version: VERSION,
            build_date: BUILD_DATE,
        },
    }))
}

/// Lets everything else go before this thread, so that a flood of logins slows nothing else.
fn step_back() {
    // Without a process named, Linux means the calling thread. Stepping back is never refused, and
    // were it, the work would still be done.
    let _ = setpriority_process(None, BENCH_NICENESS);
}

/// What the system may tell a process.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Does as told. Told to stop, requests `stop`; told so again, ends.
    async fn obey(mut self, stop: &Stop, reloadable: &Reloadable) {
        let mut stopping = false;
        // Ends when told to stop twice, or when the server has stopped.
        loop {
            tokio::select! {
                _ = self.hang_up.recv() => {
                    announce(&format!("==> {PRODUCT} reload triggered"));
                    reloadable.reload();
                    continue;
                }
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
            if stopping {
                return;
            }
            stopping = true;
            announce(&format!("==> {PRODUCT} shutdown triggered"));
            stop.request();
        }
    }
}

/// A file that says which process this is, for as long as it is.
struct PidFile(PathBuf);

impl PidFile {
    fn write(path: &Path) -> Result<Self, StartError> {
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .open(path)
            .and_then(|mut file| writeln!(file, "{}", std::process::id()));
        let failed = |error| StartError(format!("cannot write {}: {error}", path.display()));
        written.map(|()| Self(path.to_owned())).map_err(failed)
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // It may be gone already; that is what was wanted.
        let _ = fs::remove_file(&self.0);
    }
}

impl From<ConfigurationError> for StartError {
    fn from(error: ConfigurationError) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
