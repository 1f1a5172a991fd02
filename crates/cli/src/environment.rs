//! The only place that reads the environment of the process.
//!
//! A setting `X` is the variable `BAO_X` if that exists, otherwise `VAULT_X`: scripts for either
//! product work unchanged. `Environment` has no `Debug` output, because one of its variables is a
//! token.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

/// The variables of the process, and what its three streams are connected to.
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    /// Whether a person can be asked for input.
    pub(crate) stdin_is_terminal: bool,
    /// Whether a person reads the output directly.
    pub(crate) stdout_is_terminal: bool,
}

impl Environment {
    /// What this process was started with. Variables that are not UTF-8 are left out.
    pub(crate) fn of_this_process() -> Environment {
        #[allow(clippy::disallowed_methods, reason = "this is the one place that reads it")]
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Environment {
            variables,
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
        }
    }

    /// A setting by its name without prefix, such as `ADDR`. An empty variable counts as absent.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        let own = self.variables.get(&format!("BAO_{name}"));
        let text = own.or_else(|| self.variables.get(&format!("VAULT_{name}")))?;
        Some(text.as_str()).filter(|text| !text.is_empty())
    }

    /// Every variable, with settings of the newer prefix under the older one.
    pub(crate) fn settings(&self) -> BTreeMap<String, String> {
        let mut all = self.variables.clone();
        for (name, value) in &self.variables {
            if let Some(setting) = name.strip_prefix("BAO_") {
                all.insert(format!("VAULT_{setting}"), value.clone());
            }
        }
        all
    }

    /// A variable by its whole name.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Where the token of the last login is kept.
    pub(crate) fn token_file(&self) -> Option<PathBuf> {
        if let Some(path) = self.setting("TOKEN_PATH") {
            return Some(PathBuf::from(path));
        }
        Some(PathBuf::from(self.variable("HOME")?).join(".vault-token"))
    }

    /// Whether errors and warnings may be coloured.
    pub(crate) fn wants_colour(&self) -> bool {
        self.stdout_is_terminal
            && self.setting("CLI_NO_COLOR").is_none()
            && self.variable("NO_COLOR").is_none()
    }
}

/// The words the program was called with, its own name first.
pub(crate) fn words() -> Vec<String> {
    std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
impl Environment {
    /// An environment made up by a test, with nobody at the terminal.
    pub(crate) fn made_of(variables: &[(&str, &str)]) -> Environment {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment {
            variables: owned.collect(),
            stdin_is_terminal: false,
            stdout_is_terminal: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &[(&str, &str)], expected: Option<&str>) {
        assert_eq!(Environment::made_of(variables).setting("ADDR"), expected);
    }

    #[test]
    fn the_newer_prefix_comes_first_when_it_is_present() {
        check(&[], None);
        check(&[("VAULT_ADDR", "a")], Some("a"));
        check(&[("BAO_ADDR", "b")], Some("b"));
        check(&[("VAULT_ADDR", "a"), ("BAO_ADDR", "b")], Some("b"));
        check(&[("VAULT_ADDR", "a"), ("BAO_ADDR", "")], None);
        check(&[("VAULT_ADDR", "")], None);
        check(&[("ADDR", "a")], None);
    }
}
