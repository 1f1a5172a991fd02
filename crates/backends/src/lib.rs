//! Places a store can live: one line each in [`BACKENDS`].
//!
//! A backend is one room with an `open` that takes the settings from the configuration file. The
//! conformance suite in `storage::testing` decides whether it is one.

mod embedded;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use storage::{Memory, Store};

pub use embedded::Embedded;

/// What the configuration file says about one storage backend.
pub type Settings = BTreeMap<String, String>;

/// Every backend there is.
pub const BACKENDS: &[Backend] = &[
    Backend { names: &["file"], settings: &["path"], exclusive: true, open: open_embedded },
    Backend {
        names: &["inmem", "inmem_ha", "inmem_transactional"],
        settings: &[],
        exclusive: true,
        open: open_memory,
    },
];

/// A kind of place a store can live.
pub struct Backend {
    /// What the configuration file may call it; the first is its own name.
    pub names: &'static [&'static str],
    /// Every setting it knows.
    pub settings: &'static [&'static str],
    /// Whether a store is one process's alone, and sees to that.
    pub exclusive: bool,
    open: fn(&Settings) -> Result<Arc<dyn Store>, OpenError>,
}

/// Why a store could not be opened: a text for the operator.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenError(String);

/// The backend called `name`.
///
/// # Errors
/// When there is none; the text lists those there are.
pub fn find(name: &str) -> Result<&'static Backend, OpenError> {
    BACKENDS.iter().find(|backend| backend.names.contains(&name)).ok_or_else(|| {
        let known: Vec<&str> = BACKENDS.iter().flat_map(|backend| backend.names).copied().collect();
        OpenError(format!("there is no storage \"{name}\"; choose one of: {}", known.join(", ")))
    })
}

impl Backend {
    /// Its own name.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// Settings it does not know, in order.
    pub fn unknown_settings<'a>(&self, settings: &'a Settings) -> Vec<&'a str> {
        let unknown = settings.keys().filter(|key| !self.settings.contains(&key.as_str()));
        unknown.map(String::as_str).collect()
    }

    /// Opens the store that `settings` describe, and creates it if it is not there yet.
    ///
    /// # Errors
    /// When a setting is missing, unknown or wrong, or the place cannot be used.
    pub fn open(&self, settings: &Settings) -> Result<Arc<dyn Store>, OpenError> {
        let unknown = self.unknown_settings(settings);
        if unknown.is_empty() {
            return (self.open)(settings);
        }
        let (name, unknown) = (self.name(), unknown.join("', '"));
        Err(OpenError(match self.settings {
            [] => format!("storage \"{name}\" takes no settings; remove '{unknown}'"),
            known => {
                let known = known.join("', '");
                format!("storage \"{name}\" does not know '{unknown}'; it knows '{known}'")
            }
        }))
    }
}

fn open_embedded(settings: &Settings) -> Result<Arc<dyn Store>, OpenError> {
    let Some(path) = settings.get("path").filter(|path| !path.is_empty()) else {
        return Err(OpenError("'path' must be set to the folder that holds the data".to_owned()));
    };
    Ok(Arc::new(Embedded::open(Path::new(path))?))
}

fn open_memory(_: &Settings) -> Result<Arc<dyn Store>, OpenError> {
    Ok(Arc::new(Memory::default()))
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[track_caller]
    fn check(name: &str, settings: &[(&str, &str)], expected: &str) {
        let settings =
            settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let outcome = find(name).and_then(|backend| backend.open(&settings));
        let said = outcome.map_or_else(|error| error.to_string(), |_| "opened".to_owned());
        assert_eq!(said, expected);
    }

    #[test]
    fn what_is_wrong_with_the_settings_is_said_clearly() {
        check("inmem", &[], "opened");
        check("inmem_ha", &[], "opened");
        check("inmem_transactional", &[], "opened");
        check("inmem", &[("path", "/x")], "storage \"inmem\" takes no settings; remove 'path'");
        check("file", &[], "'path' must be set to the folder that holds the data");
        check("file", &[("path", "")], "'path' must be set to the folder that holds the data");
        let unknown = "storage \"file\" does not know 'a', 'pth'; it knows 'path'";
        check("file", &[("pth", "/x"), ("path", "/x"), ("a", "")], unknown);
        let none = "there is no storage \"floppy\"; choose one of: file, inmem, inmem_ha, \
                    inmem_transactional";
        check("floppy", &[], none);
    }

    #[test]
    fn no_two_backends_share_a_name() {
        let mut names: Vec<&str> = BACKENDS.iter().flat_map(|b| b.names).copied().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
