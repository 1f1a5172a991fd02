//! Keeping the log short, out of the way of commits.
//!
//! A commit only appends to SQLite's log. This thread copies the log into the database file while
//! commits go on. If they go on so steadily that the log never gets to start anew, the thread raises
//! a flag, and the writer takes one short break to copy the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rusqlite::{Connection, ErrorCode};

use super::database;
use super::folder::Folder;
use super::publication::Publication;
use super::thread::Thread;
use crate::OpenError;

/// So much may be appended before it is copied.
const UNCOPIED_BYTES_MAX: u64 = 4 << 20;
/// A log of more pages (64 MiB) has to start anew even if commits must wait for it.
const LOG_PAGES_MAX: i64 = 16_384;

/// The writer's end: counts what is appended and wakes the thread in time.
pub(super) struct Checkpoints {
    // Dropped in this order: without a sender the thread ends.
    wake: SyncSender<()>,
    _thread: Thread,
    break_wanted: Arc<AtomicBool>,
    uncopied_bytes: u64,
}

impl Checkpoints {
    pub(super) fn start(
        folder: &Arc<Folder>,
        publication: &Arc<Publication>,
    ) -> Result<Self, OpenError> {
        let connection = database::open(folder).map_err(|error| folder.refused(&error))?;
        let (wake, woken) = sync_channel(1);
        let break_wanted = Arc::new(AtomicBool::new(false));
        let (publication, flag) = (publication.clone(), break_wanted.clone());
        let thread = Thread::start("store-checkpoints", move || {
            copy_when_woken(&connection, &woken, &publication, &flag);
        })?;
        Ok(Self { wake, _thread: thread, break_wanted, uncopied_bytes: 0 })
    }

    /// Notes that about this many bytes were appended.
    pub(super) fn appended(&mut self, bytes: u64) {
        self.uncopied_bytes = self.uncopied_bytes.saturating_add(bytes);
        if self.uncopied_bytes > UNCOPIED_BYTES_MAX {
            self.uncopied_bytes = 0;
            // Already awake is just as good.
            let _ = self.wake.try_send(());
        }
    }

    /// Copies the whole log on the writer's own connection if that cannot be put off any longer.
    pub(super) fn take_break(&self, connection: &Connection) -> rusqlite::Result<()> {
        if !self.break_wanted.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        copy(connection, "TRUNCATE").map(|_| ())
    }
}

fn copy_when_woken(
    connection: &Connection,
    woken: &Receiver<()>,
    publication: &Publication,
    break_wanted: &AtomicBool,
) {
    while woken.recv().is_ok() && publication.stopped().is_none() {
        match copy(connection, "PASSIVE") {
            Ok(pages) => break_wanted.store(pages > LOG_PAGES_MAX, Ordering::Relaxed),
            // Once a sync has failed, a later one may succeed without having written what the
            // first one lost. The log still has it all: it must not be thrown away.
            Err(error) => publication.stop(&format!("a checkpoint did not succeed: {error}")),
        }
    }
}

/// Copies what can be copied; answers the pages the log holds.
pub(super) fn copy(connection: &Connection, mode: &str) -> rusqlite::Result<i64> {
    match database::checkpoint(connection, mode) {
        // Somebody is reading the old pages, or copying already: the next time will do.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(0),
        outcome => outcome,
    }
}
