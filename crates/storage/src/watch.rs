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
pub struct Watch(broadcast::Receiver<Arc<[String]>>);

/// The telling end, which a backend keeps.
#[derive(Clone)]
pub struct Announcer(broadcast::Sender<Arc<[String]>>);

impl Watch {
    /// Waits for the next change.
    pub async fn changed(&mut self) -> Change {
        match self.0.recv().await {
            Ok(keys) => Change::Keys(keys),
            Err(RecvError::Lagged(_)) => Change::Unknown,
            Err(RecvError::Closed) => Change::Closed,
        }
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
        Watch(self.0.subscribe())
    }
}

impl Default for Announcer {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG_MAX).0)
    }
}
