//! The one thread that writes: many commits, one sync.
//!
//! What a caller is told when something goes wrong depends on how far its batch got. Before the SQL
//! `COMMIT` began, nothing was written, and the next batch may well succeed. From then on only the
//! disk knows, and a sync that failed once cannot be repeated (the kernel forgets what it could not
//! write), so the store stops writing until a restart has read the disk afresh. A full disk is the
//! exception: it fails before anything is synced, and passes.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use rusqlite::{Connection, ErrorCode};
use storage::{Commit, CommitError, Error, Revision};
use tokio::sync::{mpsc, oneshot};

use super::MakeDurable;
use super::checkpoints::Checkpoints;
use super::database;
use super::folder::Folder;
use super::gathering::{Batch, size_bytes};
use super::publication::Publication;
use crate::OpenError;

/// A commit, and who waits for its outcome.
pub(super) struct Job {
    pub(super) commit: Commit,
    pub(super) answer: Answer,
}

/// Answers exactly once, even if it is only dropped.
pub(super) struct Answer {
    caller: Option<oneshot::Sender<Outcome>>,
    attempted: bool,
}

/// What a caller is told.
pub(super) type Outcome = Result<Revision, CommitError>;

/// Of a commit in a batch: the revision it got, or the key whose check did not hold.
type Verdict = Result<Revision, String>;

/// The keys that a batch changes, and the revision each would be at: `None` for a deleted one.
type Staged<'a> = HashMap<&'a str, Option<Revision>>;

/// What the thread works with.
pub(super) struct Writer {
    connection: Connection,
    checkpoints: Checkpoints,
    publication: Arc<Publication>,
    make_durable: MakeDurable,
    // The newest revision given, also to commits that came to nothing: none is given twice.
    revision: Revision,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        folder: &Arc<Folder>,
        publication: &Arc<Publication>,
        make_durable: MakeDurable,
    ) -> Result<Self, OpenError> {
        let revision = database::newest(&connection).map_err(|error| folder.refused(&error))?;
        let checkpoints = Checkpoints::start(folder, publication)?;
        Ok(Self {
            connection,
            checkpoints,
            publication: publication.clone(),
            make_durable,
            revision,
        })
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut previous = 0;
        while let Some(first) = jobs.blocking_recv() {
            let batch = Batch::gather(first, &mut jobs, previous, thread::yield_now).jobs;
            previous = batch.len();
            if let Some(cause) = self.publication.stopped() {
                refuse(batch, &cause);
                continue;
            }
            // What a panic leaves behind is never written with again: the store stops.
            if catch_unwind(AssertUnwindSafe(|| self.carry_out(batch))).is_err() {
                self.publication.stop("the writer panicked");
            }
        }
        self.close();
    }

    fn carry_out(&mut self, mut batch: Vec<Job>) {
        if let Err(error) = self.checkpoints.take_break(&self.connection) {
            self.publication.stop(&format!("a checkpoint did not succeed: {error}"));
            return refuse(batch, &error.to_string());
        }
        let verdicts = match self.stage(&batch) {
            Ok(verdicts) => verdicts,
            Err(error) => {
                self.roll_back();
                return refuse(batch, &error.to_string());
            }
        };
        if verdicts.iter().all(Result::is_err) {
            self.roll_back();
            return settle(batch, verdicts, Ok);
        }
        batch.iter_mut().for_each(|job| job.answer.attempted = true);
        if let Err(error) = (self.make_durable)(&self.connection) {
            self.doubt(&error);
            let unknown = CommitError::Unknown(error.to_string());
            return settle(batch, verdicts, |_| Err(unknown.clone()));
        }
        let commits = batch.iter().zip(&verdicts);
        let commits: Vec<(Revision, &Commit)> = commits
            .filter_map(|(job, verdict)| Some((*verdict.as_ref().ok()?, &job.commit)))
            .collect();
        self.publication.publish(&commits);
        self.checkpoints.appended(commits.iter().map(|(_, commit)| size_bytes(commit)).sum());
        settle(batch, verdicts, Ok);
    }

    /// Does everything but make it durable. Each commit is checked against the ones before it.
    fn stage(&mut self, batch: &[Job]) -> rusqlite::Result<Vec<Verdict>> {
        database::begin(&self.connection)?;
        let mut verdicts = Vec::with_capacity(batch.len());
        let mut staged = Staged::new();
        for Job { commit, .. } in batch {
            if let Some(key) = self.lost(commit, &staged)? {
                verdicts.push(Err(key));
                continue;
            }
            self.revision += 1;
            database::apply(&self.connection, commit, self.revision)?;
            staged.extend(commit.deletes.iter().map(|key| (key.as_str(), None)));
            staged.extend(commit.puts.keys().map(|key| (key.as_str(), Some(self.revision))));
            verdicts.push(Ok(self.revision));
        }
        database::record_newest(&self.connection, self.revision)?;
        Ok(verdicts)
    }

    /// The first key whose check does not hold once what is `staged` is there.
    ///
    /// Before anything is staged, all that is in the database is published: so the cache knows as
    /// well as SQLite, and much sooner. Nearly every check is on what was just read.
    fn lost(&self, commit: &Commit, staged: &Staged<'_>) -> rusqlite::Result<Option<String>> {
        for (key, expected) in &commit.checks {
            let staged = staged.get(key.as_str()).copied();
            let found = match staged.or_else(|| self.publication.cached_revision(key)) {
                Some(known) => known,
                None => database::revision_of(&self.connection, key)?,
            };
            if found != *expected {
                return Ok(Some(key.clone()));
            }
        }
        Ok(None)
    }

    /// After a `COMMIT` that may or may not have reached the disk.
    fn doubt(&self, error: &rusqlite::Error) {
        if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
            return self.roll_back();
        }
        self.publication.stop(&format!("a commit did not reach the disk: {error}"));
    }

    fn roll_back(&self) {
        // After some errors SQLite has done it already.
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            self.publication.stop(&format!("a commit could not be taken back: {error}"));
        }
    }

    fn close(self) {
        let Self { connection, checkpoints, publication, .. } = self;
        if publication.stopped().is_some() {
            return;
        }
        if let Err(error) = checkpoints.finish(&connection) {
            // Nothing is lost: the next start reads the log instead.
            tracing::warn!(%error, "the store was closed without copying its log");
        }
    }
}

/// Tells everyone how it went; `applied` is for those whose checks held.
fn settle(batch: Vec<Job>, verdicts: Vec<Verdict>, applied: impl Fn(Revision) -> Outcome) {
    for (job, verdict) in batch.into_iter().zip(verdicts) {
        let conflict = |key| Err(CommitError::Conflict { key });
        job.answer.give(verdict.map_or_else(conflict, &applied));
    }
}

/// Tells everyone that nothing was written.
fn refuse(batch: Vec<Job>, cause: &str) {
    for job in batch {
        job.answer.give(Err(CommitError::Store(Error::Unavailable(cause.to_owned()))));
    }
}

impl Answer {
    pub(super) fn to(caller: oneshot::Sender<Outcome>) -> Self {
        Self { caller: Some(caller), attempted: false }
    }

    fn give(mut self, outcome: Outcome) {
        if let Some(caller) = self.caller.take() {
            // A caller who has gone away does not want to know.
            let _ = caller.send(outcome);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let Some(caller) = self.caller.take() else { return };
        let cause = "the writer broke off".to_owned();
        let _ = caller.send(Err(match self.attempted {
            true => CommitError::Unknown(cause),
            false => CommitError::Store(Error::Unavailable(cause)),
        }));
    }
}
