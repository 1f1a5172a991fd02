//! The process: what listens, what is configured, and how it is put together.
//!
//! Reading order: [`run`] (from the command line to the last answer), [`configuration`],
//! `assemble` (store, kernel, listeners), [`http`] (from a socket to the kernel and back).

mod assemble;
mod banner;
pub mod configuration;
mod development;
mod hardening;
pub mod http;
mod reload;
mod telemetry;
mod workers;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

pub use api::Secret;

use assemble::{Setup, StartError};
use configuration::{Configuration, Draft};
use telemetry::Telemetry;

/// What this program calls itself.
const PRODUCT: &str = "Strongroom";
const VERSION: &str = env!("CARGO_PKG_VERSION");

const DEVELOPMENT_ADDRESS: &str = "127.0.0.1:8200";

/// What the command line asked for.
#[derive(Default)]
pub struct Arguments {
    /// `-config`: files and folders, in order.
    pub configuration: Vec<PathBuf>,
    /// `-dev`: keep nothing, and be ready at once.
    pub development: Option<Development>,
    /// `-log-level`; wins over the environment, which wins over the file.
    pub log_level: Option<String>,
    /// `-log-format`, likewise.
    pub log_format: Option<String>,
    /// `-verify-only`: look at the configuration, and do nothing.
    pub verify_only: bool,
    /// The variables of the process, as the command line has read them.
    pub environment: BTreeMap<String, String>,
}

/// What the command line asked of a server that keeps nothing.
#[derive(Default)]
pub struct Development {
    /// `-dev-listen-address`; wins over the environment.
    pub listen_address: Option<String>,
    /// `-dev-root-token-id`.
    pub root_token_id: Option<Secret>,
    /// Keeps the root token for the command line's next call. `None` with `-dev-no-store-token`.
    pub keep_token: Option<KeepToken>,
}

/// Keeps a token for later; on failure, says why.
pub type KeepToken = Box<dyn FnOnce(&Secret) -> Result<(), String> + Send>;

/// Runs a server until somebody stops it, and says how the process should exit.
pub fn run(arguments: Arguments) -> u8 {
    match try_run(arguments) {
        Ok(()) => 0,
        Err(error) => {
            complain(&error.to_string());
            1
        }
    }
}

fn try_run(arguments: Arguments) -> Result<(), StartError> {
    hardening::forbid_core_dumps();
    let configuration = configure(&arguments)?;
    let Arguments { development, log_level, log_format, environment, .. } = arguments;
    let wanted = |flag: Option<String>, name: &str| flag.or_else(|| environment.get(name).cloned());
    let log_level = wanted(log_level, "VAULT_LOG_LEVEL");
    let log_format = wanted(log_format, "VAULT_LOG_FORMAT");
    // A level from the command line stands for as long as the process does.
    let files = if log_level.is_some() { vec![] } else { arguments.configuration };
    let telemetry = Telemetry::prepare(
        log_level.as_ref().or(configuration.log_level.as_ref()).map(String::as_str),
        log_format.as_ref().or(configuration.log_format.as_ref()).map(String::as_str),
    )?;
    if arguments.verify_only {
        return Ok(());
    }
    telemetry.start();
    let variables = environment.into_keys().collect();
    assemble::run(Setup { configuration, development, telemetry, variables, files })
}

fn configure(arguments: &Arguments) -> Result<Configuration, StartError> {
    let mut draft = match &arguments.development {
        Some(development) => {
            let given = development.listen_address.as_ref();
            let given = given.or_else(|| arguments.environment.get("VAULT_DEV_LISTEN_ADDRESS"));
            Draft::development(given.map_or(DEVELOPMENT_ADDRESS, String::as_str))
        }
        None => Draft::default(),
    };
    if arguments.development.is_none() || !arguments.configuration.is_empty() {
        draft.merge(configuration::load(&arguments.configuration)?);
    }
    let environment = &arguments.environment;
    let names = ["VAULT_API_ADDR", "VAULT_REDIRECT_ADDR", "VAULT_ADVERTISE_ADDR"];
    if let Some(address) = names.iter().find_map(|name| environment.get(*name)) {
        draft.api_addr = Some(address.clone());
    }
    draft.lockout.disabled = is_lockout_disabled(environment)?;
    Ok(draft.finish()?)
}

/// Whether the environment turns lockout off, or on, for every mount.
fn is_lockout_disabled(environment: &BTreeMap<String, String>) -> Result<Option<bool>, StartError> {
    let names = ["STRONGROOM_DISABLE_USER_LOCKOUT", "VAULT_DISABLE_USER_LOCKOUT"];
    let mut set = names.iter().filter_map(|name| Some((name, environment.get(*name)?)));
    match set.find(|(_, value)| !value.is_empty()) {
        None => Ok(None),
        Some((name, value)) => match value.to_lowercase().as_str() {
            "1" | "t" | "true" => Ok(Some(true)),
            "0" | "f" | "false" => Ok(Some(false)),
            _ => Err(StartError::new(format!("{name} has to be true or false, or not set"))),
        },
    }
}

/// Says something to the person at the terminal. That nobody may be listening is no reason to stop.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Says something on the other channel, which scripts read.
fn announce(text: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the environment says about lockout; `Err` when it is no word we know.
    #[track_caller]
    fn check(variables: &[(&str, &str)], expected: Result<Option<bool>, ()>) {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        assert_eq!(is_lockout_disabled(&owned.collect()).map_err(|_| ()), expected);
    }

    #[test]
    fn the_environment_turns_lockout_off_or_on_or_says_nothing() {
        check(&[], Ok(None));
        check(&[("VAULT_DISABLE_USER_LOCKOUT", "")], Ok(None));
        for word in ["1", "t", "T", "true", "TRUE", "True"] {
            check(&[("VAULT_DISABLE_USER_LOCKOUT", word)], Ok(Some(true)));
        }
        for word in ["0", "f", "F", "false", "FALSE", "False"] {
            check(&[("VAULT_DISABLE_USER_LOCKOUT", word)], Ok(Some(false)));
        }
        check(&[("VAULT_DISABLE_USER_LOCKOUT", "yes, please")], Err(()));
        let both = [("STRONGROOM_DISABLE_USER_LOCKOUT", "0"), ("VAULT_DISABLE_USER_LOCKOUT", "1")];
        check(&both, Ok(Some(false)));
    }
}
