//! Hearing about changes as they are committed.

use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};

/// Commits a listener may fall behind before it is told [`Change::Unknown`].
const BACKLOG_MAX: usize = 1024;

/// What happened to the store.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// These keys were put or deleted by one commit.
    Keys(Arc<[String]>),
    /// Some changes were missed: anything may be different.
    Unknown,
    /// The store is gone; nothing more will come.
    Closed,
}

/// The listening end.
pub struct Watch {
    changes: broadcast::Receiver<Arc<[String]>>,
    hidden: Option<&'static str>,
}

/// The telling end, which a backend keeps.
#[derive(Clone)]
pub struct Announcer(broadcast::Sender<Arc<[String]>>);

impl Watch {
    /// Waits for the next change.
    pub async fn changed(&mut self) -> Change {
        loop {
            let keys = match self.changes.recv().await {
                Ok(keys) => keys,
                Err(RecvError::Lagged(_)) => return Change::Unknown,
                Err(RecvError::Closed) => return Change::Closed,
            };
            let keys = self.visible(keys);
            if !keys.is_empty() {
                return Change::Keys(keys);
            }
        }
    }

    /// The same, without a word about keys that start with `prefix`.
    pub fn hiding(self, prefix: &'static str) -> Self {
        Self { hidden: Some(prefix), ..self }
    }

    fn visible(&self, keys: Arc<[String]>) -> Arc<[String]> {
        let Some(hidden) = self.hidden else { return keys };
        if !keys.iter().any(|key| key.starts_with(hidden)) {
            return keys;
        }
        keys.iter().filter(|key| !key.starts_with(hidden)).cloned().collect()
    }
}

impl Announcer {
    /// Tells every listener; without listeners, nobody.
    pub fn announce(&self, keys: impl Iterator<Item = String>) {
        if self.0.receiver_count() > 0 {
            // Sending fails only when the last listener left just now.
            let _ = self.0.send(keys.collect());
        }
    }

    /// A new listener, from this moment on.
    pub fn watch(&self) -> Watch {
        Watch { changes: self.0.subscribe(), hidden: None }
    }
}

impl Default for Announcer {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG_MAX).0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[tokio::test]
    async fn hidden_keys_are_not_heard_of() {
        let announcer = Announcer::default();
        let mut watch = announcer.watch().hiding("core/");
        let announce = |keys: &[&str]| announcer.announce(keys.iter().map(|key| (*key).to_owned()));
        announce(&["core/a", "core/b"]);
        announce(&["a", "core/a", "core"]);
        announce(&["b"]);
        assert_eq!(watch.changed().await, Change::Keys(["a".into(), "core".into()].into()));
        assert_eq!(watch.changed().await, Change::Keys(["b".into()].into()));
        drop(announcer);
        assert_eq!(watch.changed().await, Change::Closed);
    }
}
