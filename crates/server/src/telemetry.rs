//! What the log says, and that it never says a secret.
//!
//! Only our own crates speak in detail: libraries that trace whole requests would trace the tokens
//! in them. A panic is logged by its place alone, for what it was about may be secret.

use std::io::{IsTerminal, stderr};
use std::panic;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::{fmt, reload};

use crate::assemble::StartError;

/// The crates that speak in detail.
const OWN: &[&str] =
    &["api", "backends", "cli", "client", "engines", "kernel", "server", "storage", "strongroom"];

const LEVELS: &[(&str, LevelFilter)] = &[
    ("trace", LevelFilter::TRACE),
    ("debug", LevelFilter::DEBUG),
    ("info", LevelFilter::INFO),
    ("warn", LevelFilter::WARN),
    ("warning", LevelFilter::WARN),
    ("error", LevelFilter::ERROR),
    ("err", LevelFilter::ERROR),
];

/// What is logged, and how.
pub(crate) struct Telemetry {
    level: String,
    format: Format,
    filter: reload::Handle<Targets, Registry>,
    layer: std::sync::Mutex<Option<reload::Layer<Targets, Registry>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Format {
    /// For people.
    Standard,
    /// For machines.
    Json,
}

impl Telemetry {
    /// Understands what is wanted; nothing is logged yet.
    pub(crate) fn prepare(level: Option<&str>, format: Option<&str>) -> Result<Self, StartError> {
        let level = level.filter(|level| !level.is_empty()).unwrap_or("info").to_lowercase();
        let format = match format.unwrap_or_default().to_lowercase().as_str() {
            "" | "standard" => Format::Standard,
            "json" => Format::Json,
            other => {
                let text = format!("unknown log format {other:?}; use \"standard\" or \"json\"");
                return Err(StartError::new(text));
            }
        };
        let (layer, filter) = reload::Layer::new(targets(&level)?);
        Ok(Self { level, format, filter, layer: std::sync::Mutex::new(Some(layer)) })
    }

    /// Starts to log, to the standard error channel.
    pub(crate) fn start(&self) {
        let layer = self.layer.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let Some(filter) = layer else { return };
        let lines = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
        let lines = match self.format {
            Format::Standard => lines.boxed(),
            Format::Json => lines.json().boxed(),
        };
        let subscriber = Registry::default().with(lines.with_filter(filter));
        // Somebody who logs already, as a test does, goes on as before.
        let _ = tracing::subscriber::set_global_default(subscriber);
        panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "a bug: something panicked");
        }));
    }

    /// How much is logged, by name.
    pub(crate) fn level(&self) -> &str {
        &self.level
    }

    /// Logs as much as `level` says from now on.
    pub(crate) fn change_level(&self, level: &str) -> Result<(), StartError> {
        self.filter.reload(targets(&level.to_lowercase())?).map_err(StartError::new)
    }
}

fn targets(level: &str) -> Result<Targets, StartError> {
    let Some((_, level)) = LEVELS.iter().find(|(name, _)| *name == level) else {
        let text = format!("unknown log level {level:?}; use trace, debug, info, warn or error");
        return Err(StartError::new(text));
    };
    let others = LevelFilter::WARN.min(*level);
    let own = OWN.iter().map(|name| (*name, *level));
    Ok(Targets::new().with_default(others).with_targets(own))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_never_speak_in_detail() {
        let targets = targets("trace").unwrap();
        assert!(targets.would_enable("kernel::serve", &Level::TRACE));
        assert!(targets.would_enable("hyper", &Level::WARN));
        for library in ["hyper", "h2::codec", "rustls", "serverless"] {
            let detailed = targets.would_enable(library, &Level::INFO);
            assert!(!detailed || library.starts_with("server"), "{library}");
        }
        assert!(!super::targets("error").unwrap().would_enable("hyper", &Level::WARN));
    }

    #[test]
    fn unknown_words_are_refused() {
        assert!(Telemetry::prepare(Some("WARN"), Some("JSON")).is_ok());
        assert!(Telemetry::prepare(None, None).is_ok());
        assert!(Telemetry::prepare(Some("loud"), None).is_err());
        assert!(Telemetry::prepare(None, Some("xml")).is_err());
    }
}
