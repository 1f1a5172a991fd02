//! Keeping the log short, out of the way of commits.
//!
//! A commit only appends to SQLite's log. A thread copies the log into the database file while
//! commits go on. As long as they do, the log cannot start anew by itself, so every now and then
//! the writer takes a short break for that; by then most of it has been copied.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::database::{self, Mode};
use super::folder::Folder;
use super::publication::Publication;
use super::thread::Thread;
use crate::OpenError;

/// So much may be appended before it is copied.
const UNCOPIED_BYTES_MAX: u64 = 4 << 20;
/// A log that may be longer has to start anew, even if commits must wait for it.
const LOG_BYTES_MAX: u64 = 32 << 20;
/// Longer than this, a break does not wait for readers of old pages; the next one will.
const BREAK_WAIT: Duration = Duration::from_millis(200);

/// The writer's end: counts what is appended and sees to it that it is copied in time.
pub(super) struct Checkpoints {
    // Dropped in this order: without a sender the thread ends.
    wake: SyncSender<()>,
    _thread: Thread,
    copying: Copying,
    uncopied_bytes: u64,
    log_bytes: u64,
}

/// Held by whoever copies: two at once would only be told to come back later.
type Copying = Arc<Mutex<()>>;

impl Checkpoints {
    pub(super) fn start(
        folder: &Arc<Folder>,
        publication: &Arc<Publication>,
    ) -> Result<Self, OpenError> {
        let connection = database::open(folder).map_err(|error| folder.refused(&error))?;
        let (wake, woken) = sync_channel(1);
        let copying = Copying::default();
        let (publication, shared) = (publication.clone(), copying.clone());
        let thread = Thread::start("checkpoints", move || {
            copy_when_woken(&connection, &woken, &publication, &shared);
        })?;
        Ok(Self { wake, _thread: thread, copying, uncopied_bytes: 0, log_bytes: 0 })
    }

    /// Notes that about this many bytes were appended.
    pub(super) fn appended(&mut self, bytes: u64) {
        self.log_bytes = self.log_bytes.saturating_add(bytes);
        self.uncopied_bytes = self.uncopied_bytes.saturating_add(bytes);
        if self.uncopied_bytes > UNCOPIED_BYTES_MAX {
            self.uncopied_bytes = 0;
            // Already awake is just as good.
            let _ = self.wake.try_send(());
        }
    }

    /// Lets the log start anew, between two commits, if it has become long.
    pub(super) fn take_break(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.log_bytes <= LOG_BYTES_MAX {
            return Ok(());
        }
        connection.busy_timeout(BREAK_WAIT)?;
        let done = copy(connection, Mode::Restart, &self.copying)?;
        connection.busy_timeout(database::WAIT)?;
        // With readers in the way, the next attempt is due after as much again as one copy takes.
        self.log_bytes = if done { 0 } else { LOG_BYTES_MAX - UNCOPIED_BYTES_MAX };
        Ok(())
    }

    /// Copies what is left, as the last thing before the store is closed.
    pub(super) fn finish(self, connection: &Connection) -> rusqlite::Result<()> {
        let Self { wake, _thread: thread, copying, .. } = self;
        drop((wake, thread));
        copy(connection, Mode::Truncate, &copying).map(|_| ())
    }
}

fn copy_when_woken(
    connection: &Connection,
    woken: &Receiver<()>,
    publication: &Publication,
    copying: &Copying,
) {
    while woken.recv().is_ok() && publication.stopped().is_none() {
        if let Err(error) = copy(connection, Mode::Passive, copying) {
            // Once a sync has failed, a later one may succeed without having written what the
            // first one lost. The log still has it all: it must not be thrown away.
            publication.stop(&format!("a checkpoint did not succeed: {error}"));
        }
    }
}

/// Whether all was copied that `mode` asks for.
fn copy(connection: &Connection, mode: Mode, copying: &Copying) -> rusqlite::Result<bool> {
    let _alone: MutexGuard<'_, ()> = copying.lock().unwrap_or_else(PoisonError::into_inner);
    match database::checkpoint(connection, mode) {
        // Somebody reads the old pages, or a tool of the operator's is at work.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
        outcome => outcome,
    }
}
