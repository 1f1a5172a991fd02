//! The devices of this node, opened at their first use.
//!
//! What is enabled stands in the store; that a file is open is a matter of this process.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::file::FileSink;
use super::{AuditTable, Device, Kind};

/// Open devices, by salt: a device that was disabled and enabled again is another one.
///
/// Every request looks at them, and hardly any changes them: whoever does puts a changed copy in
/// their place.
#[derive(Default)]
pub(crate) struct Devices(ArcSwap<Open>);

type Open = HashMap<String, Arc<FileSink>>;

impl Devices {
    /// Writes one line to `device`.
    ///
    /// # Errors
    /// Why it did not take it.
    pub(super) async fn write(&self, device: &Device, line: Vec<u8>) -> Result<(), String> {
        let open = self.0.load().get(&device.salt).cloned();
        let sink = match open {
            Some(sink) => sink,
            None => self.open_anew(device)?,
        };
        let written = sink.write(line).await;
        if written.is_err() {
            // Whatever is the matter, the next entry begins with a fresh look at the file.
            self.change(|open| drop(open.remove(&device.salt)));
        }
        written
    }

    /// Closes what is open of devices that are not in `table`: they were disabled, here or by
    /// another node.
    pub(super) fn keep(&self, table: &AuditTable) {
        let is_kept = |salt: &String| table.devices.iter().any(|device| device.salt == *salt);
        if !self.0.load().keys().all(is_kept) {
            self.change(|open| open.retain(|salt, _| is_kept(salt)));
        }
    }

    /// Opens every file anew at its next use.
    pub(crate) fn close_all(&self) {
        self.0.store(Arc::default());
    }

    fn open_anew(&self, device: &Device) -> Result<Arc<FileSink>, String> {
        let sink = match device.kind {
            Kind::File => Arc::new(FileSink::open(&device.options)?),
        };
        self.change(|open| drop(open.insert(device.salt.clone(), sink.clone())));
        Ok(sink)
    }

    fn change(&self, change: impl Fn(&mut Open)) {
        self.0.rcu(|open| {
            let mut open = Open::clone(open);
            change(&mut open);
            open
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use api::Moment;

    use super::*;

    #[tokio::test]
    async fn a_device_that_is_disabled_does_not_stay_open() {
        let device = |salt: &str| Device {
            path: "file/".to_owned(),
            kind: Kind::File,
            description: String::new(),
            options: [("file_path".to_owned(), "discard".to_owned())].into(),
            local: false,
            salt: salt.to_owned(),
            since: Moment::default(),
        };
        let devices = Devices::default();
        for salt in ["old", "new"] {
            devices.write(&device(salt), b"x\n".to_vec()).await.unwrap();
        }
        devices.keep(&AuditTable { devices: vec![device("new")] });
        assert_eq!(devices.0.load().keys().collect::<Vec<_>>(), ["new"]);
    }
}
