//! A thread that whoever drops it waits for.

use std::thread::{Builder, JoinHandle};

use crate::OpenError;

/// Joined when dropped. What tells it to end must have been dropped before.
pub(super) struct Thread(Option<JoinHandle<()>>);

impl Thread {
    pub(super) fn start(
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<Self, OpenError> {
        let started = Builder::new().name(name.to_owned()).spawn(work);
        let refused = |error| OpenError(format!("the thread \"{name}\" cannot start: {error}"));
        Ok(Self(Some(started.map_err(refused)?)))
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            // A panic was reported where it happened.
            let _ = handle.join();
        }
    }
}
