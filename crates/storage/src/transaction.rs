//! One attempt at reading, deciding and writing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::{Commit, CommitError, Error, Record, Revision, Store};

/// Cheap to throw away and start again: it holds what was read and what shall be written.
///
/// Everything read through it is checked once more when it commits, also when it writes nothing,
/// so an answer built from several reads is true of one moment. Listings are one moment each, but
/// are not checked again: what guards a list is a record read beside it (a parent's, a mount's).
pub struct Transaction {
    store: Arc<dyn Store>,
    // A plain lock, never held across an await: handlers run by turns within one request.
    pending: Mutex<Commit>,
}

impl Transaction {
    /// Starts an attempt on `store`.
    pub fn begin(store: Arc<dyn Store>) -> Self {
        Self { store, pending: Mutex::default() }
    }

    /// The value under `key` as this transaction would leave it.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when an earlier read of the same key saw something else.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, CommitError> {
        {
            let pending = self.pending();
            if let Some(value) = pending.puts.get(key) {
                return Ok(Some(value.clone()));
            }
            if pending.deletes.contains(key) {
                return Ok(None);
            }
        }
        Ok(self.read(key).await?.map(|record| record.value))
    }

    /// Reads what is stored, whatever this transaction is about to write.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn read(&self, key: &str) -> Result<Option<Record>, CommitError> {
        let record = self.store.get(key).await.map_err(CommitError::Store)?;
        self.expect(key, record.as_ref().map(|record| record.revision))?;
        Ok(record)
    }

    /// Commits only if `key` is still at `revision`; `None` means absent.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when an earlier look at the same key saw something else: two views
    /// of one key that disagree mean this attempt is already lost.
    pub fn expect(&self, key: &str, revision: Option<Revision>) -> Result<(), CommitError> {
        let seen_before = self.pending().checks.insert(key.to_owned(), revision);
        match seen_before {
            Some(before) if before != revision => Err(CommitError::Conflict { key: key.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Keys that start with `prefix` and sort after `after`, as this transaction would leave them.
    ///
    /// # Errors
    /// [`Error`] when the store cannot answer.
    pub async fn list(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        let mut found: Vec<String> = Vec::new();
        let mut cursor = after.to_owned();
        loop {
            let page = self.store.list(prefix, &cursor, limit).await?;
            let exhausted = page.len() < limit;
            let Some(last) = page.last() else { break };
            cursor.clone_from(last);
            let pending = self.pending();
            found.extend(page.into_iter().filter(|key| !pending.deletes.contains(key)));
            if exhausted || found.len() >= limit {
                break;
            }
        }
        let pending = self.pending();
        let added = pending.puts.keys().filter(|key| {
            key.starts_with(prefix) && key.as_str() > after && found.binary_search(key).is_err()
        });
        let added: Vec<_> = added.cloned().collect();
        if !added.is_empty() {
            found.extend(added);
            found.sort_unstable();
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Stores `value` under `key` when this transaction commits.
    pub fn put(&self, key: &str, value: impl Into<Bytes>) {
        let mut pending = self.pending();
        pending.deletes.remove(key);
        pending.puts.insert(key.to_owned(), value.into());
    }

    /// Removes `key` when this transaction commits.
    pub fn delete(&self, key: &str) {
        let mut pending = self.pending();
        pending.puts.remove(key);
        pending.deletes.insert(key.to_owned());
    }

    /// Forgets what was to be written and keeps what was read: the end of a refused request.
    pub fn discard_writes(&self) {
        let mut pending = self.pending();
        pending.puts.clear();
        pending.deletes.clear();
    }

    /// Applies the buffered writes if all that was read is still so; without writes, asks only that.
    ///
    /// # Errors
    /// See [`Store::commit`].
    pub async fn commit(&self) -> Result<Revision, CommitError> {
        let pending = std::mem::take(&mut *self.pending());
        self.store.commit(pending).await
    }

    fn pending(&self) -> MutexGuard<'_, Commit> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
