//! In-memory copies of records that nearly every request needs.
//!
//! A copy is allowed to be stale, because nothing can be answered on the strength of a stale one:
//! every use adds "this record is still at that revision" to the transaction's checks. Forgetting
//! in time makes staleness rare; the check makes it harmless. This is one of the two places in the
//! kernel that hold a lock; it is never held across an await.

use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache;
use serde::de::DeserializeOwned;
use storage::{Error, Revision, Transaction};

use api::Result;

/// A decoded record and the revision it was decoded from.
type Copy<T> = (Option<Revision>, Arc<T>);

/// A copy of one record.
pub(crate) struct Mirror<T> {
    key: &'static str,
    copy: Mutex<Option<Copy<T>>>,
}

/// Copies of the records under one prefix, as many as fit.
pub(crate) struct Mirrors<T> {
    prefix: &'static str,
    decode: fn(&[u8]) -> std::result::Result<T, String>,
    copies: Cache<String, Copy<Option<T>>>,
}

impl<T: DeserializeOwned + Default> Mirror<T> {
    pub(crate) fn new(key: &'static str) -> Self {
        Self { key, copy: Mutex::default() }
    }

    /// The record, or its default when there is none.
    pub(crate) async fn get(&self, transaction: &Transaction) -> Result<Arc<T>> {
        let copy = self.copy().clone();
        if let Some((revision, value)) = copy {
            transaction.expect(self.key, revision)?;
            return Ok(value);
        }
        let record = transaction.read(self.key).await?;
        let corrupt = |_| Error::Corrupt { key: self.key.to_owned() };
        let value = match &record {
            Some(record) => serde_json::from_slice(&record.value).map_err(corrupt)?,
            None => T::default(),
        };
        let value = Arc::new(value);
        *self.copy() = Some((record.map(|record| record.revision), value.clone()));
        Ok(value)
    }

    /// Called when a commit finds the copy of `key` stale.
    pub(crate) fn forget_if(&self, key: &str) {
        if key == self.key {
            self.forget();
        }
    }

    /// Called when the barrier is sealed.
    pub(crate) fn forget(&self) {
        *self.copy() = None;
    }

    fn copy(&self) -> std::sync::MutexGuard<'_, Option<Copy<T>>> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Mirrors<T> {
    /// Copies of what `decode` makes of the records under `prefix`; at most `count_max`.
    pub(crate) fn new(
        prefix: &'static str,
        count_max: usize,
        decode: fn(&[u8]) -> std::result::Result<T, String>,
    ) -> Self {
        Self { prefix, decode, copies: Cache::new(count_max) }
    }

    /// The record called `name` and its revision. That there is none is remembered as well.
    pub(crate) async fn get(
        &self,
        transaction: &Transaction,
        name: &str,
    ) -> Result<(Option<Revision>, Arc<Option<T>>)> {
        let key = format!("{}{name}", self.prefix);
        if let Some((revision, value)) = self.copies.get(&key) {
            transaction.expect(&key, revision)?;
            return Ok((revision, value));
        }
        let record = transaction.read(&key).await?;
        let decode = |record: &storage::Record| (self.decode)(&record.value);
        let value = record.as_ref().map(decode).transpose();
        let value = Arc::new(value.map_err(|_| Error::Corrupt { key: key.clone() })?);
        let revision = record.map(|record| record.revision);
        self.copies.insert(key, (revision, value.clone()));
        Ok((revision, value))
    }

    /// Called when a commit finds the copy of `key` stale.
    pub(crate) fn forget_if(&self, key: &str) {
        self.copies.remove(key);
    }

    /// Called when the barrier is sealed.
    pub(crate) fn forget_all(&self) {
        self.copies.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use storage::{CommitError, Memory, Store};

    use super::*;

    #[tokio::test]
    async fn nothing_can_be_answered_on_the_strength_of_a_stale_copy() {
        let store: Arc<dyn Store> = Arc::new(Memory::default());
        let mirror = Mirror::<Vec<String>>::new("mounts");
        let warm = Transaction::begin(store.clone());
        assert!(mirror.get(&warm).await.unwrap().is_empty());

        let other_node = Transaction::begin(store.clone());
        other_node.put("mounts", br#"["secret/"]"#.to_vec());
        other_node.commit().await.unwrap();

        for write in [true, false] {
            let stale = Transaction::begin(store.clone());
            assert!(mirror.get(&stale).await.unwrap().is_empty());
            if write {
                stale.put("secret", b"x".to_vec());
            }
            assert!(matches!(stale.commit().await, Err(CommitError::Conflict { .. })));
        }

        mirror.forget();
        let fresh = Transaction::begin(store.clone());
        assert_eq!(*mirror.get(&fresh).await.unwrap(), ["secret/"]);
        fresh.put("secret", b"x".to_vec());
        fresh.commit().await.unwrap();
    }
}
