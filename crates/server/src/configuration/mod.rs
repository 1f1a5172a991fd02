//! What the operator wants, as files say it: HCL or JSON.
//!
//! Several files become one [`Draft`], a draft becomes a [`Configuration`] with nothing left open.
//! A key nobody knows is an error that names its place: a misspelt limit must not silently be no
//! limit. A key that other servers know and we do not act on is a warning where ignoring it is
//! harmless, and an error where it is not.

mod files;
mod keys;
mod listener;
mod lockout;
mod storage;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use api::hcl::{self, Body, Position};
use kernel::LockoutSettings;

pub use listener::{ListenerSettings, TlsSettings};
pub use storage::StorageSettings;

/// How long things live, and at most, where nobody says otherwise: 32 days.
pub const LEASE_TTL_SECONDS: u64 = 768 * 3600;

/// What the operator wants, with nothing left open.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Where everything is stored.
    pub storage: StorageSettings,
    /// Where clients connect; at least one.
    pub listeners: Vec<ListenerSettings>,
    /// What clients are told to call this server.
    pub api_addr: Option<String>,
    /// The name of the cluster, if it is to have a particular one.
    pub cluster_name: Option<String>,
    /// How long things live unless somebody says, in seconds.
    pub default_lease_ttl: u64,
    /// How long things live at most, in seconds.
    pub max_lease_ttl: u64,
    /// When names are locked after failed logins.
    pub lockout: LockoutSettings,
    /// How much is logged.
    pub log_level: Option<String>,
    /// In which form.
    pub log_format: Option<String>,
    /// Whether memory may be swapped out.
    pub disable_mlock: bool,
    /// Where to leave the number of the process.
    pub pid_file: Option<PathBuf>,
    /// Where the files are that auth methods may look words up in.
    pub password_lists_directory: Option<PathBuf>,
    /// What the operator should know besides.
    pub warnings: Vec<String>,
}

/// What one or several files say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    storage: Option<StorageSettings>,
    listeners: Vec<ListenerSettings>,
    /// What clients are told to call this server.
    pub api_addr: Option<String>,
    cluster_name: Option<String>,
    default_lease_ttl: Option<u64>,
    max_lease_ttl: Option<u64>,
    /// When names are locked after failed logins.
    pub lockout: LockoutSettings,
    /// How much is logged.
    pub log_level: Option<String>,
    log_format: Option<String>,
    /// Whether memory may be swapped out.
    pub disable_mlock: bool,
    password_lists_directory: Option<PathBuf>,
    pid_file: Option<PathBuf>,
    warnings: Vec<String>,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigurationError(String);

type Result<T> = std::result::Result<T, ConfigurationError>;

/// What all files at `paths` say together. Of a folder, the files ending in `.hcl` and `.json` are
/// read, in the order of their names.
///
/// # Errors
/// When a file cannot be read or understood.
pub fn load(paths: &[PathBuf]) -> Result<Draft> {
    let mut draft = Draft::default();
    for path in files::find(paths)? {
        let text = files::read(&path)?;
        draft.merge(Draft::parse(&path, &text)?);
    }
    Ok(draft)
}

impl Draft {
    /// A server for trying things out: nothing is kept, and nothing is encrypted on the way.
    pub fn development(address: &str) -> Self {
        let settings = backends::Settings::new();
        Self {
            storage: Some(StorageSettings { kind: "inmem".to_owned(), settings }),
            listeners: vec![ListenerSettings::plain(address)],
            api_addr: Some(format!("http://{address}")),
            disable_mlock: true,
            ..Self::default()
        }
    }

    /// What `text`, found at `path`, says.
    ///
    /// # Errors
    /// When it cannot be understood; the error names the place.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let body = hcl::parse(text).map_err(|error| at(path, &error))?;
        let mut warnings = keys::check(keys::TOP, &body, path)?;
        keys::check_seal(&body, path)?;
        let (storage, mut draft) = storage::read(&body, path, &mut warnings)?;
        draft.storage = storage;
        let reader = Reader { body: &body, path };
        let request = reader.seconds("default_max_request_duration")?;
        draft.listeners = listener::read(&body, path, request, &mut warnings)?;
        draft.api_addr = reader.text("api_addr")?.or(draft.api_addr);
        draft.cluster_name = reader.text("cluster_name")?;
        draft.default_lease_ttl = reader.seconds("default_lease_ttl")?;
        draft.max_lease_ttl = reader.seconds("max_lease_ttl")?;
        draft.lockout = lockout::read(&body, path)?;
        draft.log_level = reader.text("log_level")?;
        draft.log_format = reader.text("log_format")?;
        draft.disable_mlock = reader.truth("disable_mlock")?.unwrap_or(false);
        draft.password_lists_directory = reader.directory("password_lists_directory")?;
        draft.pid_file = reader.text("pid_file")?.map(PathBuf::from);
        draft.warnings = warnings;
        Ok(draft)
    }

    /// Adds what a later file says. Its words win, except that the longer TTL does, and that what
    /// one file turns on stays on.
    pub fn merge(&mut self, later: Self) {
        self.storage = later.storage.or(self.storage.take());
        self.listeners.extend(later.listeners);
        self.api_addr = later.api_addr.or(self.api_addr.take());
        self.cluster_name = later.cluster_name.or(self.cluster_name.take());
        self.default_lease_ttl = self.default_lease_ttl.max(later.default_lease_ttl);
        self.max_lease_ttl = self.max_lease_ttl.max(later.max_lease_ttl);
        lockout::merge(&mut self.lockout, later.lockout);
        self.log_level = later.log_level.or(self.log_level.take());
        self.log_format = later.log_format.or(self.log_format.take());
        self.disable_mlock |= later.disable_mlock;
        let directory = self.password_lists_directory.take();
        self.password_lists_directory = later.password_lists_directory.or(directory);
        self.pid_file = later.pid_file.or(self.pid_file.take());
        self.warnings.extend(later.warnings);
    }

    /// The draft with its gaps filled.
    ///
    /// # Errors
    /// When something is missing that has no default, or two things contradict each other.
    pub fn finish(self) -> Result<Configuration> {
        let storage = self.storage.ok_or_else(|| {
            wrong("A storage backend must be specified; add storage \"file\" { path = \"...\" }")
        })?;
        if self.listeners.is_empty() {
            return Err(wrong("A listener must be specified; add listener \"tcp\" { ... }"));
        }
        let max_lease_ttl = self.max_lease_ttl.filter(|ttl| *ttl > 0).unwrap_or(LEASE_TTL_SECONDS);
        let default_ttl = self.default_lease_ttl.filter(|ttl| *ttl > 0);
        let default_lease_ttl = default_ttl.unwrap_or(LEASE_TTL_SECONDS.min(max_lease_ttl));
        if default_lease_ttl > max_lease_ttl {
            return Err(wrong(
                "default_lease_ttl is longer than max_lease_ttl; raise one or lower the other",
            ));
        }
        Ok(Configuration {
            storage,
            listeners: self.listeners,
            api_addr: self.api_addr,
            cluster_name: self.cluster_name.filter(|name| !name.is_empty()),
            default_lease_ttl,
            max_lease_ttl,
            lockout: self.lockout,
            log_level: self.log_level,
            log_format: self.log_format,
            disable_mlock: self.disable_mlock,
            password_lists_directory: self.password_lists_directory,
            pid_file: self.pid_file,
            warnings: self.warnings,
        })
    }
}

/// One block of one file.
struct Reader<'a> {
    body: &'a Body,
    path: &'a Path,
}

impl Reader<'_> {
    fn text(&self, key: &str) -> Result<Option<String>> {
        self.value(key, |value| value.text().map(str::to_owned))
    }

    /// An absolute path: what a relative one means depends on where the server was started.
    fn directory(&self, key: &str) -> Result<Option<PathBuf>> {
        self.value(key, |value| {
            let path = PathBuf::from(value.text()?);
            let relative = || value.position.error("give an absolute path".to_owned());
            if path.is_absolute() { Ok(path) } else { Err(relative()) }
        })
    }

    fn truth(&self, key: &str) -> Result<Option<bool>> {
        self.value(key, hcl::Value::truth)
    }

    fn seconds(&self, key: &str) -> Result<Option<u64>> {
        self.value(key, hcl::Value::seconds)
    }

    fn value<T>(
        &self,
        key: &str,
        read: impl FnOnce(&hcl::Value) -> std::result::Result<T, hcl::Error>,
    ) -> Result<Option<T>> {
        let value = self.body.value(key).map_err(|error| at(self.path, &error))?;
        value.map(read).transpose().map_err(|error| {
            at(self.path, &hcl::Error { problem: format!("{key}: {}", error.problem), ..error })
        })
    }
}

fn at(path: &Path, error: &hcl::Error) -> ConfigurationError {
    ConfigurationError(format!("{} at {}", error.problem, place(path, error.position)))
}

fn place(path: &Path, position: Position) -> String {
    format!("{}:{}:{}", path.display(), position.line, position.column)
}

fn wrong(text: impl Into<String>) -> ConfigurationError {
    ConfigurationError(text.into())
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ConfigurationError {}
