//! A store in one folder of this machine: SQLite, one writer, and a cache in front.
//!
//! **Writing.** Commits queue up for one thread. It takes all that wait, runs them in one SQL
//! transaction and syncs once: that is what makes many small durable commits cheap. Only when they
//! are durable are they *published*: put into the cache, announced, and acknowledged.
//!
//! **Reading.** The cache answers first; what it does not know is read from SQLite on a connection
//! of its own, away from the writer. Asking whether reads still hold takes the same way, so it
//! never waits for a sync.
//!
//! Invariant: every answer is of a moment between two publications. A connection may see a commit
//! that is durable but not yet published; `Publication::reached` then waits the instant until it
//! is. `Publication` keeps the other half: nothing older than the last publication enters the
//! cache.
//!
//! **Failing.** After an error that leaves doubt about what is on the disk, nothing is written any
//! more until a restart has read the disk afresh; see `writer`.

mod checkpoints;
mod database;
mod folder;
mod gathering;
mod publication;
mod readers;
mod thread;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use storage::{Commit, CommitError, Error, Record, Result, Revision, Store, Watch};
use tokio::sync::{mpsc, oneshot};

use crate::OpenError;
use folder::Folder;
use publication::{Publication, Validity};
use readers::Readers;
use thread::Thread;
use writer::{Answer, Job, Writer};

/// Commits that may wait for the writer; the next ones wait for a place.
const QUEUE_MAX: usize = 1024;

/// Keeps everything in one folder of this machine. Dropping it finishes what was queued.
pub struct Embedded {
    // Dropped in this order: the closed queue ends the writer, and only then is the folder free.
    queue: mpsc::Sender<Job>,
    _writer: Thread,
    readers: Arc<Readers>,
    publication: Arc<Publication>,
}

/// How a transaction is made durable. Tests put a failing disk here.
type MakeDurable = Box<dyn FnMut(&Connection) -> rusqlite::Result<()> + Send>;

impl Embedded {
    /// Opens the store in `folder`; creates both if they are not there yet.
    ///
    /// # Errors
    /// When the folder cannot be used, or another server uses it.
    pub fn open(folder: &Path) -> std::result::Result<Self, OpenError> {
        Self::open_on(folder, Box::new(database::commit))
    }

    fn open_on(folder: &Path, make_durable: MakeDurable) -> std::result::Result<Self, OpenError> {
        let folder = Arc::new(Folder::claim(folder)?);
        let refused = |error| folder.refused(&error);
        let connection = database::open_to_write(&folder).map_err(refused)?;
        database::prepare(&connection, &folder)?;
        let newest = database::newest(&connection).map_err(refused)?;
        let publication = Arc::new(Publication::new(newest));
        let writer = Writer::new(connection, &folder, &publication, make_durable)?;
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let readers = Arc::new(Readers::new(folder.clone()));
        let writer = Thread::start("store-writer", move || {
            writer.run(jobs);
            // The folder is free for others only now.
            drop(folder);
        })?;
        Ok(Self { queue, _writer: writer, readers, publication })
    }

    /// Looks at SQLite itself, at a moment that is published when this returns.
    async fn look<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<(Revision, T)> {
        let (newest, found) = self.readers.snapshot(read).await?;
        self.publication.reached(newest).await?;
        Ok((newest, found))
    }

    async fn validate(&self, commit: Commit) -> std::result::Result<Revision, CommitError> {
        match self.publication.validate(&commit.checks) {
            Validity::Holds(newest) => return Ok(newest),
            Validity::Lost(key) => return Err(CommitError::Conflict { key }),
            Validity::NotCached => {}
        }
        // One snapshot of all keys is one moment by itself, so the cache has no say in it.
        match self.look(move |connection| database::lost(connection, &commit.checks)).await {
            Ok((newest, None)) => Ok(newest),
            Ok((_, Some(key))) => Err(CommitError::Conflict { key }),
            Err(error) => Err(CommitError::Store(error)),
        }
    }
}

#[async_trait]
impl Store for Embedded {
    async fn get(&self, key: &str) -> Result<Option<Record>> {
        if let Some(known) = self.publication.cached(key) {
            return Ok(known);
        }
        let wanted = key.to_owned();
        let (newest, record) =
            self.look(move |connection| database::find(connection, &wanted)).await?;
        self.publication.remember(key, record.as_ref(), newest);
        Ok(record)
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>> {
        let (prefix, after) = (prefix.to_owned(), after.to_owned());
        let keys =
            move |connection: &Connection| database::list(connection, (&prefix, &after), limit);
        Ok(self.look(keys).await?.1)
    }

    async fn commit(&self, commit: Commit) -> std::result::Result<Revision, CommitError> {
        if commit.is_read_only() {
            return self.validate(commit).await;
        }
        let (answer, answered) = oneshot::channel();
        let job = Job { commit, answer: Answer::to(answer) };
        if self.queue.send(job).await.is_err() {
            let cause = "its writer has ended; restart the server".to_owned();
            return Err(CommitError::Store(Error::Unavailable(cause)));
        }
        let silence = |_| Err(CommitError::Unknown("the writer ended without a word".to_owned()));
        answered.await.unwrap_or_else(silence)
    }

    fn watch(&self) -> Watch {
        self.publication.watch()
    }
}

#[cfg(test)]
mod tests;
