//! A server of the built binary, from its first start to its last.
//!
//! Whether it is ready is read from what it prints, so nobody here waits for time to pass.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::call::Call;

/// The program itself.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_strongroom");

/// How long a process may take for anything. A whole suite may run beside it on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often another port is tried, when somebody else was quicker.
const ATTEMPTS_MAX: usize = 20;
/// Into how many shares the key is split, and how many of them unseal.
const SHARES: (usize, usize) = (3, 2);
/// What a server prints once its socket is open.
const STARTED: &str = "server started!";

/// How bytes travel to the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Plain,
    Tls,
}

/// One server and its folder, which outlives every process that serves from it.
pub(crate) struct Server {
    folder: TempDir,
    wire: Wire,
    /// What stands in its configuration beside the listener.
    configuration: String,
    address: String,
    process: Option<Process>,
    /// Shares of the key, as `operator init` printed them.
    pub(crate) shares: Vec<String>,
    /// The root token.
    pub(crate) root: String,
}

/// One process, and what it says.
struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Server {
    /// A server that somebody has initialised and unsealed.
    pub(crate) fn ready(wire: Wire) -> Server {
        let mut server = Server::fresh(wire);
        server.initialize();
        server.unseal();
        server
    }

    /// A server on an empty folder, which has just started for the first time.
    pub(crate) fn fresh(wire: Wire) -> Server {
        Server::configured(wire, "storage \"file\" { path = \"{folder}/store\" }")
    }

    /// The same with another configuration, in which `{folder}` is the folder of the server. One
    /// that has a `{socket}` has a listener of its own, others are given one.
    pub(crate) fn configured(wire: Wire, configuration: &str) -> Server {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "server"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        if wire == Wire::Tls {
            write_certificate(folder.path());
        }
        let configuration = configuration.replace("{folder}", folder.path().to_str().unwrap());
        let mut server = Server {
            folder,
            wire,
            configuration,
            address: String::new(),
            process: None,
            shares: Vec::new(),
            root: String::new(),
        };
        server.launch();
        server
    }

    /// Starts the process, which is the first one or follows another.
    pub(crate) fn launch(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        for _ in 0..ATTEMPTS_MAX {
            let socket = free_socket();
            self.write_configuration(&socket);
            let scheme = if self.wire == Wire::Tls { "https" } else { "http" };
            self.address = format!("{scheme}://{socket}");
            let mut command = Command::new(BINARY);
            command.arg("server").arg(format!("-config={}", self.written().display()));
            match Process::start(&mut command, &self.path("server"), &self.log()) {
                Ok(process) => return self.process = Some(process),
                Err(said) => {
                    assert!(said.contains("Address already in use"), "the server ended: {said}")
                }
            }
        }
        panic!("no free port in {ATTEMPTS_MAX} attempts");
    }

    /// The file with the configuration.
    fn written(&self) -> PathBuf {
        let is_json = self.configuration.starts_with('{');
        self.path(if is_json { "server.json" } else { "server.hcl" })
    }

    fn write_configuration(&self, socket: &str) {
        let own = self.configuration.replace("{socket}", socket);
        let (chain, key) = (self.path("chain.pem"), self.path("key.pem"));
        let tls = match self.wire {
            Wire::Plain => "tls_disable = true".to_owned(),
            Wire::Tls => format!("tls_cert_file = {chain:?}\n  tls_key_file = {key:?}"),
        };
        let listener = format!("listener \"tcp\" {{\n  address = \"{socket}\"\n  {tls}\n}}\n");
        let text = if own == self.configuration { format!("{own}\n{listener}") } else { own };
        std::fs::write(self.written(), text).unwrap();
    }

    pub(crate) fn initialize(&mut self) {
        let (shares, threshold) = SHARES;
        let said = self
            .strongroom("operator init -format=json")
            .argument(&format!("-key-shares={shares}"))
            .argument(&format!("-key-threshold={threshold}"))
            .end();
        let made: Value = serde_json::from_str(&said.exits(0).stdout).unwrap();
        let shares = made["unseal_keys_b64"].as_array().unwrap();
        self.shares = shares.iter().map(|share| share.as_str().unwrap().to_owned()).collect();
        self.root = made["root_token"].as_str().unwrap().to_owned();
    }

    /// Brings as many shares as it takes.
    pub(crate) fn unseal(&self) {
        for share in &self.shares[..SHARES.1] {
            self.strongroom("operator unseal").argument(share).end().exits(0);
        }
        self.strongroom("status").end().exits(0);
    }

    /// Asks the process to stop, and insists that it does so in order.
    pub(crate) fn stop(&mut self) {
        let status = self.process.take().unwrap().end_by(Signal::TERM);
        assert_eq!(status.code(), Some(0), "{}", self.log_text());
    }

    /// Ends the process in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        let status = self.process.take().unwrap().end_by(Signal::KILL);
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
    }

    /// A command line against this server, by nobody in particular.
    pub(crate) fn strongroom(&self, line: &str) -> Call {
        let call = Call::new(line, &self.home()).variable("VAULT_ADDR", &self.address);
        match self.certificate() {
            Some(file) => call.variable("VAULT_CACERT", file.to_str().unwrap()),
            None => call,
        }
    }

    /// The same with the root token.
    pub(crate) fn as_root(&self, line: &str) -> Call {
        self.strongroom(line).token(&self.root)
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The certificate to believe, when there is one.
    pub(crate) fn certificate(&self) -> Option<PathBuf> {
        (self.wire == Wire::Tls).then(|| self.path("chain.pem"))
    }

    /// The home folder of everybody who calls this server.
    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Where the server keeps everything.
    pub(crate) fn store(&self) -> PathBuf {
        self.path("store")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file where commands find it by its name alone.
    pub(crate) fn file(&self, name: &str, content: &str) {
        std::fs::write(self.home().join(name), content).unwrap();
    }

    fn log(&self) -> PathBuf {
        self.path("server.log")
    }

    /// What all processes of this server have complained about.
    pub(crate) fn log_text(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap()
    }
}

impl Drop for Server {
    /// A test that fails leaves no process behind.
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end_by(Signal::KILL);
        }
    }
}

impl Process {
    /// Starts a server and waits until it is ready. When it ends instead, says what it said.
    fn start(command: &mut Command, home: &Path, log: &Path) -> Result<Process, String> {
        let errors = File::options().create(true).append(true).open(log).unwrap();
        let begins = errors.metadata().unwrap().len();
        command.env_clear().env("HOME", home).current_dir(home);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        // Ends with the first answer that is not a line of the greeting.
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(STARTED) => return Ok(Process { child, lines }),
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    child.wait().unwrap();
                    let text = std::fs::read_to_string(log).unwrap();
                    return Err(text[usize::try_from(begins).unwrap()..].to_owned());
                }
                Err(RecvTimeoutError::Timeout) => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    panic!("the server says nothing");
                }
            }
        }
    }

    /// Ends by a signal. The end of its output is the end of the process.
    fn end_by(mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap(),
                Err(RecvTimeoutError::Timeout) => {
                    self.child.kill().unwrap();
                    self.child.wait().unwrap();
                    panic!("the server does not end by {signal:?}");
                }
            }
        }
    }
}

/// A server in dev mode, which has no folder to keep.
pub(crate) struct Development {
    pub(crate) home: TempDir,
    pub(crate) address: String,
    log: PathBuf,
    process: Option<Process>,
}

impl Development {
    pub(crate) fn start(flags: &[&str]) -> Development {
        let home = tempfile::tempdir().unwrap();
        for attempt in 0..ATTEMPTS_MAX {
            let socket = free_socket();
            let log = home.path().join(format!("log-{attempt}"));
            let mut command = Command::new(BINARY);
            command.args(["server", "-dev"]).arg(format!("-dev-listen-address={socket}"));
            match Process::start(command.args(flags), home.path(), &log) {
                Ok(process) => {
                    let address = format!("http://{socket}");
                    return Development { home, address, log, process: Some(process) };
                }
                Err(said) => {
                    assert!(said.contains("Address already in use"), "the server ended: {said}")
                }
            }
        }
        panic!("no free port in {ATTEMPTS_MAX} attempts");
    }

    pub(crate) fn strongroom(&self, line: &str) -> Call {
        Call::new(line, self.home.path()).variable("VAULT_ADDR", &self.address)
    }

    /// Stops it, and hands over everything it told its operator.
    pub(crate) fn stop(mut self) -> String {
        let status = self.process.take().unwrap().end_by(Signal::INT);
        let said = std::fs::read_to_string(&self.log).unwrap();
        assert_eq!(status.code(), Some(0), "{said}");
        said
    }
}

impl Drop for Development {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end_by(Signal::KILL);
        }
    }
}

/// Asks again until the answer is yes. Where a server must let time pass, nobody can tell when it
/// has, and a black box takes no clock from outside.
#[track_caller]
#[allow(clippy::disallowed_methods, reason = "a short pause between two questions to a process")]
pub(crate) fn until(what: &str, mut asked: impl FnMut() -> bool) {
    const PAUSE: Duration = Duration::from_millis(50);
    const QUESTIONS_MAX: usize = 600;
    for _ in 0..QUESTIONS_MAX {
        if asked() {
            return;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("not within {QUESTIONS_MAX} questions: {what}");
}

/// A port that was free a moment ago. Whoever takes it in between is met with another attempt.
pub(crate) fn free_socket() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody has to listen; the pipe must not fill up.
            let _ = sender.send(line);
        }
    });
    receiver
}

fn write_certificate(folder: &Path) {
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(folder.join("chain.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}
