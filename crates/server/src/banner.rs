//! What a server says when it starts, for people and for the tools that read it.

use std::collections::BTreeMap;

use crate::assemble::StartError;
use crate::configuration::{Configuration, ListenerSettings};
use crate::{PRODUCT, VERSION};

/// How wide the names of the settings are.
const WIDTH: usize = 24;

/// What the server runs with.
pub(crate) struct Banner<'a> {
    pub(crate) configuration: &'a Configuration,
    pub(crate) log_level: &'a str,
    /// Whether memory is locked; why not does not matter here.
    pub(crate) locked: Result<(), StartError>,
    /// Names of the variables of the process. Their values may be secret.
    pub(crate) variables: &'a [String],
}

impl Banner<'_> {
    /// The whole text.
    pub(crate) fn text(&self) -> String {
        let configuration = self.configuration;
        let mut lines = BTreeMap::new();
        let mut say = |name: String, value: String| {
            lines.insert(name, value);
        };
        if let Some(address) = &configuration.api_addr {
            say("Api Address".to_owned(), address.clone());
        }
        say("Environment Variables".to_owned(), self.variables.join(","));
        for (place, listener) in configuration.listeners.iter().enumerate() {
            say(format!("Listener {}", place + 1), describe(listener));
        }
        say("Log Level".to_owned(), self.log_level.to_owned());
        let mlock = format!("supported: true, enabled: {}", self.locked.is_ok());
        say("Mlock".to_owned(), mlock);
        say("Storage".to_owned(), configuration.storage.kind.clone());
        say("Version".to_owned(), format!("{PRODUCT} v{VERSION}"));
        let lines: String =
            lines.iter().map(|(name, value)| format!("{name:>WIDTH$}: {value}\n")).collect();
        format!("==> {PRODUCT} server configuration:\n\n{lines}")
    }
}

fn describe(listener: &ListenerSettings) -> String {
    let limits = &listener.limits;
    let tls = if listener.tls.is_some() { "enabled" } else { "disabled" };
    format!(
        "tcp (addr: {:?}, max_request_duration: {:?}, max_request_size: \"{}\", tls: {tls:?})",
        listener.address,
        api::duration::go_style(limits.request.as_secs()),
        limits.body_bytes_max,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::*;
    use crate::configuration::Draft;

    #[test]
    fn settings_stand_in_one_column() {
        let text = "storage \"inmem\" {} listener \"tcp\" { tls_disable = 1 } api_addr = \"a\"";
        let configuration = Draft::parse(Path::new("a"), text).and_then(Draft::finish).unwrap();
        let variables = ["HOME".to_owned(), "PATH".to_owned()];
        let banner = Banner {
            configuration: &configuration,
            log_level: "info",
            locked: Err(StartError::new("")),
            variables: &variables,
        };
        let expected = format!(
            "==> Strongroom server configuration:\n\n             Api Address: a\n   \
             Environment Variables: HOME,PATH\n              Listener 1: tcp (addr: \
             \"127.0.0.1:8200\", max_request_duration: \"1m30s\", max_request_size: \"33554432\", \
             tls: \"disabled\")\n               Log Level: info\n                   Mlock: \
             supported: true, enabled: false\n                 Storage: inmem\n                 \
             Version: Strongroom v{VERSION}\n"
        );
        assert_eq!(banner.text(), expected);
    }
}
