//! In-memory copies of records that nearly every request needs.
//!
//! A copy is allowed to be stale, because nothing can be answered on the strength of a stale one:
//! every use adds "this record is still at that revision" to the transaction's checks. Forgetting
//! in time makes staleness rare; the check makes it harmless. This is one of the two places in the
//! kernel that hold a lock (inside the cache); it is never held across an await.
//!
//! Copies are decrypted, so none outlives the keys: whoever is about to keep one looks whether
//! everything was forgotten while they were reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use quick_cache::{Weighter, sync::Cache};
use serde::de::DeserializeOwned;
use storage::{Copied, Error, Revision, Transaction};

use api::Result;

/// What one of several copies takes besides its key and what it was decoded from, roughly.
const COPY_BYTES: u64 = 256;
/// What a copy takes altogether on average, roughly: it only sizes the tables.
const COPY_BYTES_TYPICAL: u64 = 2048;

/// A decoded record and the revision it was decoded from.
type Copy<T> = (Option<Revision>, Arc<T>);

/// A copy of one record.
pub(crate) struct Mirror<T> {
    key: &'static str,
    // Every request looks here, so looking must not make the cores wait for each other.
    copy: ArcSwapOption<Copy<T>>,
    forgotten: AtomicU64,
}

/// Copies of the records under one prefix, as many as fit.
pub(crate) struct Mirrors<T> {
    prefix: &'static str,
    decode: fn(&[u8]) -> std::result::Result<T, String>,
    copies: Cache<String, Found<T>, Bytesize>,
    forgotten: AtomicU64,
}

/// Copies of any records that engines want to share between requests, as many as fit.
pub(crate) struct Copies {
    copies: Cache<String, Copied, Bytesize>,
    forgotten: AtomicU64,
}

/// A record, decoded, or that there is none; and which revision of it.
pub(crate) struct Found<T> {
    pub(crate) revision: Option<Revision>,
    pub(crate) record: Option<Arc<T>>,
    encoded_bytes: u64,
}

#[derive(Clone)]
struct Bytesize;

impl<T: DeserializeOwned + Default> Mirror<T> {
    pub(crate) fn new(key: &'static str) -> Self {
        Self { key, copy: ArcSwapOption::empty(), forgotten: AtomicU64::new(0) }
    }

    /// The record, or its default when there is none.
    pub(crate) async fn get(&self, transaction: &Transaction) -> Result<Arc<T>> {
        if let Some((revision, value)) = self.copy.load().as_deref() {
            transaction.expect(self.key, *revision)?;
            return Ok(value.clone());
        }
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let record = transaction.read(self.key).await?;
        let corrupt = |_| Error::Corrupt { key: self.key.to_owned() };
        let value = match &record {
            Some(record) => serde_json::from_slice(&record.value).map_err(corrupt)?,
            None => T::default(),
        };
        let value = Arc::new(value);
        let revision = record.map(|record| record.revision);
        self.copy.store(Some(Arc::new((revision, value.clone()))));
        if self.forgotten.load(Ordering::SeqCst) != forgotten {
            self.copy.store(None);
        }
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
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.copy.store(None);
    }
}

impl<T> Mirrors<T> {
    /// Copies of what `decode` makes of the records under `prefix`; at most as many as were decoded
    /// from `bytes_max`.
    pub(crate) fn new(
        prefix: &'static str,
        bytes_max: u64,
        decode: fn(&[u8]) -> std::result::Result<T, String>,
    ) -> Self {
        let items = usize::try_from(bytes_max / COPY_BYTES_TYPICAL).unwrap_or(usize::MAX);
        let copies = Cache::with_weighter(items, bytes_max, Bytesize);
        Self { prefix, decode, copies, forgotten: AtomicU64::new(0) }
    }

    /// The record called `name` as it is stored. That there is none is remembered as well.
    pub(crate) async fn get(&self, transaction: &Transaction, name: &str) -> Result<Found<T>> {
        self.stored(transaction, self.key(name)).await
    }

    /// The record called `name` as `transaction` would leave it.
    pub(crate) async fn current(
        &self,
        transaction: &Transaction,
        name: &str,
    ) -> Result<Option<Arc<T>>> {
        let key = self.key(name);
        match transaction.written(&key) {
            None => Ok(self.stored(transaction, key).await?.record),
            Some(None) => Ok(None),
            Some(Some(value)) => Ok(Some(self.decode(&key, &value)?)),
        }
    }

    async fn stored(&self, transaction: &Transaction, key: String) -> Result<Found<T>> {
        if let Some(copy) = self.copies.get(&key) {
            transaction.expect(key, copy.revision)?;
            return Ok(copy);
        }
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let found = match transaction.read(&key).await? {
            None => Found { revision: None, record: None, encoded_bytes: 0 },
            Some(stored) => Found {
                revision: Some(stored.revision),
                record: Some(self.decode(&key, &stored.value)?),
                encoded_bytes: stored.value.len() as u64,
            },
        };
        self.copies.insert(key.clone(), found.clone());
        if self.forgotten.load(Ordering::SeqCst) != forgotten {
            self.copies.remove(&key);
        }
        Ok(found)
    }

    /// Called when a commit finds the copy of `key` stale, or makes it so.
    pub(crate) fn forget_if(&self, key: &str) {
        if key.starts_with(self.prefix) {
            self.copies.remove(key);
        }
    }

    /// Called when the barrier is sealed.
    pub(crate) fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.copies.clear();
    }

    fn key(&self, name: &str) -> String {
        [self.prefix, name].concat()
    }

    fn decode(&self, key: &str, value: &[u8]) -> Result<Arc<T>> {
        let corrupt = |_| Error::Corrupt { key: key.to_owned() };
        Ok(Arc::new((self.decode)(value).map_err(corrupt)?))
    }
}

impl Copies {
    /// At most as many as were decoded from `bytes_max`.
    pub(crate) fn new(bytes_max: u64) -> Self {
        let items = usize::try_from(bytes_max / COPY_BYTES_TYPICAL).unwrap_or(usize::MAX);
        let copies = Cache::with_weighter(items, bytes_max, Bytesize);
        Self { copies, forgotten: AtomicU64::new(0) }
    }

    /// Called when a commit finds the copy of `key` stale, or makes it so.
    pub(crate) fn forget(&self, key: &str) {
        self.copies.remove(key);
    }

    /// Called when the barrier is sealed.
    pub(crate) fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.copies.clear();
    }
}

impl storage::Copies for Copies {
    fn find(&self, key: &str) -> Option<Copied> {
        self.copies.get(key)
    }

    fn age(&self) -> u64 {
        self.forgotten.load(Ordering::SeqCst)
    }

    fn keep(&self, age: u64, key: &str, copied: Copied) {
        self.copies.insert(key.to_owned(), copied);
        if self.age() != age {
            self.copies.remove(key);
        }
    }
}

impl<T> Clone for Found<T> {
    fn clone(&self) -> Self {
        let Self { revision, record, encoded_bytes } = self;
        Self { revision: *revision, record: record.clone(), encoded_bytes: *encoded_bytes }
    }
}

impl<T> Weighter<String, Found<T>> for Bytesize {
    fn weight(&self, key: &String, found: &Found<T>) -> u64 {
        key.len() as u64 + found.encoded_bytes + COPY_BYTES
    }
}

impl Weighter<String, Copied> for Bytesize {
    fn weight(&self, key: &String, copied: &Copied) -> u64 {
        (key.len() + copied.encoded_bytes) as u64 + COPY_BYTES
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::OnceLock;

    use async_trait::async_trait;
    use storage::{Commit, CommitError, Copies as _, Memory, Record, Store, Watch};

    use super::*;

    fn texts() -> Mirrors<String> {
        let decode = |bytes: &[u8]| Ok(String::from_utf8_lossy(bytes).into_owned());
        Mirrors::new("text/", 1 << 20, decode)
    }

    /// A store whose node is sealed while it reads.
    struct SealedMeanwhile {
        memory: Memory,
        mirrors: OnceLock<Arc<Mirrors<String>>>,
    }

    #[async_trait]
    impl Store for SealedMeanwhile {
        async fn get(&self, key: &str) -> storage::Result<Option<Record>> {
            let record = self.memory.get(key).await;
            self.mirrors.get().iter().for_each(|mirrors| mirrors.forget_all());
            record
        }

        async fn list(
            &self,
            prefix: &str,
            after: &str,
            max: usize,
        ) -> storage::Result<Vec<String>> {
            self.memory.list(prefix, after, max).await
        }

        async fn commit(&self, commit: Commit) -> std::result::Result<Revision, CommitError> {
            self.memory.commit(commit).await
        }

        fn watch(&self) -> Watch {
            self.memory.watch()
        }
    }

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

    #[tokio::test]
    async fn a_transaction_sees_what_it_has_written_itself_and_nobody_else_does() {
        let store: Arc<dyn Store> = Arc::new(Memory::default());
        let texts = texts();
        let writer = Transaction::begin(store.clone());
        assert_eq!(texts.current(&writer, "a").await.unwrap(), None);
        writer.put("text/a", "new");
        assert_eq!(texts.current(&writer, "a").await.unwrap().unwrap().as_str(), "new");
        let reader = Transaction::begin(store.clone());
        assert_eq!(texts.current(&reader, "a").await.unwrap(), None);
        writer.commit().await.unwrap();
        texts.forget_if("text/a");
        let later = Transaction::begin(store);
        assert_eq!(texts.current(&later, "a").await.unwrap().unwrap().as_str(), "new");
        later.delete("text/a");
        assert_eq!(texts.current(&later, "a").await.unwrap(), None);
    }

    #[test]
    fn a_copy_of_an_age_that_has_ended_is_not_kept() {
        let copies = Copies::new(1 << 20);
        let copied = || Copied { revision: 1, encoded_bytes: 1, record: Arc::new(1_u64) };
        let age = copies.age();
        copies.keep(age, "a", copied());
        assert!(copies.find("a").is_some());
        copies.forget_all();
        copies.keep(age, "b", copied());
        assert!(copies.find("a").is_none() && copies.find("b").is_none());
    }

    #[test]
    fn no_more_copies_are_kept_than_may_be() {
        let copies = Copies::new(10_000);
        for number in 0..100_u64 {
            let record = Arc::new(number);
            let copied = Copied { revision: number, encoded_bytes: 1000, record };
            copies.keep(copies.age(), &number.to_string(), copied);
        }
        assert!(copies.copies.len() < 10, "{}", copies.copies.len());
    }

    #[tokio::test]
    async fn nothing_is_kept_that_was_decrypted_while_the_node_was_sealed() {
        let mirrors = Arc::new(texts());
        let store = SealedMeanwhile { memory: Memory::default(), mirrors: OnceLock::new() };
        store.mirrors.set(mirrors.clone()).ok().unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        for name in ["a", "b"] {
            mirrors.get(&Transaction::begin(store.clone()), name).await.unwrap();
        }
        assert_eq!(mirrors.copies.len(), 0);
    }
}
