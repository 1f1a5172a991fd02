//! One attempt at reading, deciding and writing.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::{Commit, CommitError, Copies, Error, Record, Revision, Store};

/// Cheap to throw away and start again: it holds what was read and what shall be written.
///
/// Everything read through it is checked once more when it commits, also when it writes nothing,
/// so an answer built from several reads is true of one moment. Listings are one moment each, but
/// are not checked again: what guards a list is a record read beside it (a parent's, a mount's).
pub struct Transaction {
    store: Arc<dyn Store>,
    copies: Option<Arc<dyn Copies>>,
    // Plain locks, never held across an await: handlers run by turns within one request.
    pending: Mutex<Commit>,
    kept: Mutex<Commit>,
}

impl Transaction {
    /// Starts an attempt on `store`.
    pub fn begin(store: Arc<dyn Store>) -> Self {
        Self { store, copies: None, pending: Mutex::default(), kept: Mutex::default() }
    }

    /// The same with decoded records from `copies`, which are of the same store.
    #[must_use]
    pub fn sharing(self, copies: Arc<dyn Copies>) -> Self {
        Self { copies: Some(copies), ..self }
    }

    /// Where decoded records are shared, if they are.
    pub(crate) fn copies(&self) -> Option<&dyn Copies> {
        self.copies.as_deref()
    }

    /// The value under `key` as this transaction would leave it.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when an earlier read of the same key saw something else.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, CommitError> {
        match self.written(key) {
            Some(value) => Ok(value),
            None => Ok(self.read(key).await?.map(|record| record.value)),
        }
    }

    /// What is under `key` if this transaction itself has put or deleted it.
    pub fn written(&self, key: &str) -> Option<Option<Bytes>> {
        let pending = self.pending();
        match pending.puts.get(key) {
            Some(value) => Some(Some(value.clone())),
            None => pending.deletes.contains(key).then_some(None),
        }
    }

    /// The keys that this transaction has put or deleted.
    pub fn written_keys(&self) -> Vec<String> {
        let pending = self.pending();
        pending.puts.keys().chain(&pending.deletes).cloned().collect()
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
    pub fn expect(
        &self,
        key: impl AsRef<str> + Into<String>,
        revision: Option<Revision>,
    ) -> Result<(), CommitError> {
        let mut pending = self.pending();
        // Some keys are looked at many times in one request; their names are copied once.
        match pending.checks.get(key.as_ref()) {
            Some(first) if *first == revision => Ok(()),
            // The first look stays: an attempt that goes on after a disagreement must still fail.
            Some(_) => Err(CommitError::Conflict { key: key.into() }),
            None => {
                pending.checks.insert(key.into(), revision);
                Ok(())
            }
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
        // As many more as this transaction may hide, so that one look, at one moment, is enough.
        let hidden = in_range(&self.pending().deletes, prefix, after).count();
        let stored = self.store.list(prefix, after, limit.saturating_add(hidden)).await?;
        let pending = self.pending();
        let kept = stored.into_iter().filter(|key| !pending.deletes.contains(key));
        let added = pending.puts.range::<str, _>(beyond(prefix, after)).map(|(key, _)| key);
        let added = added.take_while(|key| key.starts_with(prefix)).take(limit).cloned();
        let mut found: Vec<String> = kept.chain(added).collect();
        found.sort_unstable();
        found.dedup();
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

    /// What is to be written so far is written even if the rest is refused: a use that is spent, a
    /// failure that is counted.
    pub fn keep(&self) {
        let pending = self.pending();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.puts.clone_from(&pending.puts);
        kept.deletes.clone_from(&pending.deletes);
    }

    /// Forgets what was to be written, which was [kept](Self::keep) and so is written if the rest
    /// is refused: what comes next sees nothing of it, and has to make good on it.
    pub fn hold_back_kept(&self) {
        let mut pending = self.pending();
        pending.puts.clear();
        pending.deletes.clear();
    }

    /// Forgets what was to be written, but for what was [kept](Self::keep), and remembers what was
    /// read: the end of a refused request.
    pub fn discard_writes(&self) {
        let mut pending = self.pending();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        pending.puts.clone_from(&kept.puts);
        pending.deletes.clone_from(&kept.deletes);
    }

    /// Applies the buffered writes if all that was read is still so; without any, asks only that.
    /// Nothing is left behind: to try again, begin again.
    ///
    /// # Errors
    /// See [`Store::commit`].
    pub async fn commit(&self) -> Result<Revision, CommitError> {
        let pending = std::mem::take(&mut *self.pending());
        // What was kept is written once, with what it rests on: a second commit has no checks left.
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Commit::default();
        self.store.commit(pending).await
    }

    fn pending(&self) -> MutexGuard<'_, Commit> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a listing of `prefix` after `after` begins.
pub(crate) fn beyond<'a>(prefix: &'a str, after: &'a str) -> (Bound<&'a str>, Bound<&'a str>) {
    let from = if after < prefix { Bound::Included(prefix) } else { Bound::Excluded(after) };
    (from, Bound::Unbounded)
}

fn in_range<'a>(
    keys: &'a BTreeSet<String>,
    prefix: &'a str,
    after: &'a str,
) -> impl Iterator<Item = &'a String> {
    keys.range::<str, _>(beyond(prefix, after)).take_while(move |key| key.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::Memory;
    use crate::testing::{Busy, Fault, Flaky};

    type Model = BTreeMap<String, String>;

    #[derive(Clone, Debug)]
    enum Step {
        Put(String, String),
        Delete(String),
        Get(String),
        List(String, String, usize),
        DiscardWrites,
    }

    fn any_key() -> impl Strategy<Value = String> {
        "[ab/é]{0,2}"
    }

    fn any_limit() -> impl Strategy<Value = usize> {
        prop_oneof![4 => 0..6_usize, 1 => Just(usize::MAX)]
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (any_key(), "[0-9]").prop_map(|(key, value)| Step::Put(key, value)),
            4 => any_key().prop_map(Step::Delete),
            2 => any_key().prop_map(Step::Get),
            4 => (any_key(), any_key(), any_limit()).prop_map(|(p, a, l)| Step::List(p, a, l)),
            1 => Just(Step::DiscardWrites),
        ]
    }

    async fn stored(records: &Model) -> Arc<Memory> {
        let memory = Memory::default();
        let puts = records.iter().map(|(key, value)| (key.clone(), value.clone().into()));
        memory.commit(Commit { puts: puts.collect(), ..Commit::default() }).await.unwrap();
        Arc::new(memory)
    }

    fn listed(model: &Model, prefix: &str, after: &str, limit: usize) -> Vec<String> {
        let found = model.keys().filter(|key| key.starts_with(prefix) && key.as_str() > after);
        found.take(limit).cloned().collect()
    }

    async fn behaves_like_a_plain_map(before: Model, steps: Vec<Step>) {
        let memory = stored(&before).await;
        let transaction = Transaction::begin(memory.clone());
        let mut model = before.clone();
        for step in steps {
            match step {
                Step::Put(key, value) => {
                    transaction.put(&key, value.clone());
                    model.insert(key, value);
                }
                Step::Delete(key) => {
                    transaction.delete(&key);
                    model.remove(&key);
                }
                Step::Get(key) => {
                    let found = transaction.get(&key).await.unwrap();
                    assert_eq!(found, model.get(&key).map(|value| value.clone().into()));
                }
                Step::List(prefix, after, limit) => {
                    let found = transaction.list(&prefix, &after, limit).await.unwrap();
                    assert_eq!(found, listed(&model, &prefix, &after, limit));
                }
                Step::DiscardWrites => {
                    transaction.discard_writes();
                    model.clone_from(&before);
                }
            }
        }
        transaction.commit().await.unwrap();
        assert_eq!(memory.keys(), model.keys().cloned().collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn a_transaction_behaves_like_a_plain_map(
            before in prop::collection::btree_map(any_key(), "[0-9]", 0..12),
            steps in prop::collection::vec(any_step(), 0..24),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(behaves_like_a_plain_map(before, steps));
        }
    }

    #[tokio::test]
    async fn two_looks_that_disagree_lose_even_if_nobody_listens() {
        let memory = stored(&Model::new()).await;
        let transaction = Transaction::begin(memory.clone());
        assert_eq!(transaction.get("key").await.unwrap(), None);
        let other = Transaction::begin(memory.clone());
        other.put("key", "theirs");
        other.commit().await.unwrap();
        let lost = CommitError::Conflict { key: "key".to_owned() };
        assert_eq!(transaction.get("key").await, Err(lost.clone()));
        transaction.put("key", "ours");
        assert_eq!(transaction.commit().await, Err(lost));
    }

    #[tokio::test]
    async fn a_refused_request_still_stands_by_what_it_read() {
        let memory = stored(&Model::from([("key".to_owned(), "old".to_owned())])).await;
        let transaction = Transaction::begin(memory.clone());
        transaction.get("key").await.unwrap();
        transaction.put("other", "never");
        let writer = Transaction::begin(memory.clone());
        writer.put("key", "new");
        writer.commit().await.unwrap();
        transaction.discard_writes();
        let lost = CommitError::Conflict { key: "key".to_owned() };
        assert_eq!(transaction.commit().await, Err(lost));
        assert_eq!(memory.keys(), ["key"]);
    }

    #[tokio::test]
    async fn what_is_kept_is_written_once_and_never_over_what_came_after() {
        let memory = stored(&Model::from([("uses".to_owned(), "2".to_owned())])).await;
        let transaction = Transaction::begin(memory.clone());
        transaction.get("uses").await.unwrap();
        transaction.put("uses", "1");
        transaction.keep();
        transaction.put("other", "never");
        transaction.discard_writes();
        transaction.commit().await.unwrap();
        assert_eq!(memory.get("uses").await.unwrap().unwrap().value, "1");
        let later = Transaction::begin(memory.clone());
        later.delete("uses");
        later.commit().await.unwrap();
        // A request that is refused for two reasons commits twice.
        transaction.discard_writes();
        transaction.commit().await.unwrap();
        assert_eq!(memory.keys(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_crash_at_any_step_leaves_all_or_nothing() {
        for fault in [Fault::Before, Fault::Middle, Fault::After] {
            for step in 1..=4 {
                let memory = stored(&Model::new()).await;
                let flaky = Flaky::new(memory.clone());
                flaky.crash_at(step, fault);
                let store = Arc::new(Busy::losing_one_in(u64::MAX, Arc::new(flaky), step));
                let transaction = Transaction::begin(store);
                let outcome = async {
                    transaction.get("one").await?;
                    transaction.get("two").await?;
                    transaction.put("one", "");
                    transaction.put("two", "");
                    transaction.commit().await
                };
                let acknowledged = outcome.await.is_ok();
                let applied = step == 4 || (step == 3 && fault == Fault::After);
                let keys: &[&str] = if applied { &["one", "two"] } else { &[] };
                assert_eq!(memory.keys(), keys, "{fault:?} at {step}");
                assert_eq!(acknowledged, step == 4);
            }
        }
    }
}
