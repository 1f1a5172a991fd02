//! Connections that only read, each used by one reader at a time, on threads that may block.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use storage::{Error, Result, Revision};
use tokio::sync::Semaphore;

use super::database;
use super::folder::Folder;

/// Readers at one time, and so connections; more would only fight for the same disk.
const READERS_MAX: usize = 8;

/// The connections, opened as they are needed.
pub(super) struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    // Held until the last reader is done, so that nobody else takes the folder meanwhile.
    folder: Arc<Folder>,
}

impl Readers {
    pub(super) fn new(folder: Arc<Folder>) -> Self {
        let permits = Arc::new(Semaphore::new(READERS_MAX));
        Self { idle: Mutex::default(), permits, folder }
    }

    /// What `read` finds, and the newest revision it could see: both of one moment.
    pub(super) async fn snapshot<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<(Revision, T)> {
        let ended = |_| Error::Unavailable("the store is closing".to_owned());
        let permit = self.permits.clone().acquire_owned().await.map_err(ended)?;
        let readers = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let found = readers.read(read).map_err(|error| readers.unavailable(&error));
            drop(permit);
            found
        });
        reading.await.map_err(|error| Error::Unavailable(format!("a read broke off: {error}")))?
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<(Revision, T)> {
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect()?,
        };
        // A deferred transaction takes its snapshot at the first read: the newest revision.
        let transaction = connection.transaction()?;
        let found = (database::newest(&transaction)?, read(&transaction)?);
        transaction.finish()?;
        // After an error the connection is not given back: the next reader opens a sound one.
        self.idle().push(connection);
        Ok(found)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = database::open(&self.folder)?;
        connection.execute_batch("PRAGMA query_only = ON")?;
        Ok(connection)
    }

    fn unavailable(&self, error: &rusqlite::Error) -> Error {
        Error::Unavailable(self.folder.refused(error).to_string())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        // A push or pop is whole or not at all, so a poisoned list is still sound.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
