//! The devices of this node, opened at their first use.
//!
//! What is enabled stands in the store; that a file is open is a matter of this process, and the
//! lock around it is never held across an await.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file::FileSink;
use super::{Device, Kind};

/// Open devices, by salt: a device that was disabled and enabled again is another one.
#[derive(Default)]
pub(crate) struct Devices(Mutex<HashMap<String, Arc<FileSink>>>);

impl Devices {
    /// Writes one line to `device`.
    ///
    /// # Errors
    /// Why it did not take it.
    pub(super) async fn write(&self, device: &Device, line: Vec<u8>) -> Result<(), String> {
        let open = self.open().get(&device.salt).cloned();
        let sink = match open {
            Some(sink) => sink,
            None => self.open_anew(device)?,
        };
        let written = sink.write(line).await;
        if written.is_err() {
            // Whatever is the matter, the next entry begins with a fresh look at the file.
            self.open().remove(&device.salt);
        }
        written
    }

    /// Forgets a device that was disabled.
    pub(super) fn close(&self, device: &Device) {
        self.open().remove(&device.salt);
    }

    /// Opens every file anew at its next use.
    pub(crate) fn close_all(&self) {
        self.open().clear();
    }

    fn open_anew(&self, device: &Device) -> Result<Arc<FileSink>, String> {
        let sink = match device.kind {
            Kind::File => Arc::new(FileSink::open(&device.options)?),
        };
        self.open().insert(device.salt.clone(), sink.clone());
        Ok(sink)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Arc<FileSink>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
