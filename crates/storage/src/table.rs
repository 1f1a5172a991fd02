//! Typed records in a corner of the store.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use crate::{CommitError, Copied, Error, Transaction};

/// Sorts after every other character, so `folder/` plus this sorts after nearly all that is in it;
/// what begins with it is met again and recognised.
const LAST: char = char::MAX;
/// Keys fetched at a time while collecting the entries of a folder.
const PAGE_KEYS: usize = 256;

/// A transaction seen through one corner: keys outside `prefix` cannot be named.
#[derive(Clone)]
pub struct View {
    transaction: Arc<Transaction>,
    prefix: Cow<'static, str>,
}

/// A typed family of records under one prefix: `const USERS: Table<User> = Table::new("user/")`.
///
/// Records are stored as JSON.
pub struct Table<T> {
    prefix: &'static str,
    record: PhantomData<fn() -> T>,
}

impl View {
    /// The corner of `transaction` whose keys all start with `prefix`.
    pub fn new(transaction: &Arc<Transaction>, prefix: impl Into<Cow<'static, str>>) -> Self {
        Self { transaction: transaction.clone(), prefix: prefix.into() }
    }

    /// A corner of this corner.
    #[must_use]
    pub fn within(&self, prefix: &str) -> Self {
        Self::new(&self.transaction, self.key(prefix))
    }

    /// The transaction this corner belongs to.
    pub fn transaction(&self) -> &Arc<Transaction> {
        &self.transaction
    }

    /// The full key of `name` in this corner.
    pub fn key(&self, name: &str) -> String {
        [&self.prefix, name].concat()
    }
}

impl<T: Serialize + DeserializeOwned> Table<T> {
    /// The family of records under `prefix`, which ends in a slash.
    pub const fn new(prefix: &'static str) -> Self {
        Self { prefix, record: PhantomData }
    }

    /// The record called `name`, if there is one.
    ///
    /// # Errors
    /// A lost race, an unavailable store, or [`Error::Corrupt`] when it is not such a record.
    pub async fn get(&self, view: &View, name: &str) -> Result<Option<T>, CommitError> {
        let key = self.key(view, name);
        let Some(bytes) = view.transaction.get(&key).await? else {
            return Ok(None);
        };
        decoded(&key, &bytes).map(Some)
    }

    /// The record called `name`, if there is one: perhaps a copy that was decoded for another
    /// request. For records that are read far more often than they are changed, and whose copies
    /// may lie in memory.
    ///
    /// # Errors
    /// As [`Table::get`].
    pub async fn shared(&self, view: &View, name: &str) -> Result<Option<Arc<T>>, CommitError>
    where
        T: Send + Sync + 'static,
    {
        let key = self.key(view, name);
        let transaction = &view.transaction;
        let Some(copies) = transaction.copies().filter(|_| transaction.written(&key).is_none())
        else {
            return Ok(self.get(view, name).await?.map(Arc::new));
        };
        if let Some(copied) = copies.find(&key)
            && let Ok(record) = copied.record.downcast::<T>()
        {
            transaction.expect(key, Some(copied.revision))?;
            return Ok(Some(record));
        }
        let age = copies.age();
        let Some(stored) = transaction.read(&key).await? else { return Ok(None) };
        let record: Arc<T> = Arc::new(decoded(&key, &stored.value)?);
        let (revision, encoded_bytes) = (stored.revision, stored.value.len());
        copies.keep(age, &key, Copied { revision, encoded_bytes, record: record.clone() });
        Ok(Some(record))
    }

    /// Stores `record` as `name`.
    pub fn put(&self, view: &View, name: &str, record: &T) {
        let bytes = serde_json::to_vec(record).expect("records are plain data with text keys");
        view.transaction.put(&self.key(view, name), bytes);
    }

    /// Removes the record called `name`, if there is one.
    pub fn delete(&self, view: &View, name: &str) {
        view.transaction.delete(&self.key(view, name));
    }

    /// Names that sort after `after`, in order, at most `limit` of them, slashes and all.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn list(&self, view: &View, after: &str, limit: usize) -> Result<Vec<String>, Error> {
        self.beneath(view, "", after, limit).await
    }

    /// Everything below `folder` (empty, or ending in a slash), however deep, named from there on.
    /// Names sort after `after`; at most `limit` of them.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn beneath(
        &self,
        view: &View,
        folder: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        let prefix = self.key(view, folder);
        let keys = view.transaction.list(&prefix, &format!("{prefix}{after}"), limit).await?;
        Ok(keys.iter().filter_map(|key| key.strip_prefix(&prefix)).map(str::to_owned).collect())
    }

    /// What lies directly in `folder` (empty, or ending in a slash): names, and sub-folders once
    /// each with a slash behind. Entries sort after `after`; at most `limit` of them.
    ///
    /// Takes time by what it returns, not by what the sub-folders hold.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn entries(
        &self,
        view: &View,
        folder: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        let prefix = self.key(view, folder);
        // Sub-folders up to and including the one `after` lies in sort before what is wanted.
        let mut cursor = match after.split_once('/') {
            Some((passed, _)) => format!("{prefix}{passed}/{LAST}"),
            None => format!("{prefix}{after}"),
        };
        let mut entries: Vec<String> = Vec::new();
        while entries.len() < limit {
            let page = view.transaction.list(&prefix, &cursor, PAGE_KEYS).await?;
            for name in page.iter().filter_map(|key| key.strip_prefix(&prefix)) {
                let entry = name.split_inclusive('/').next().unwrap_or(name);
                if entry > entries.last().map_or(after, String::as_str) {
                    entries.push(entry.to_owned());
                }
            }
            let Some(last) = page.last().filter(|_| page.len() == PAGE_KEYS) else { break };
            cursor = past_folder(&prefix, last);
        }
        entries.truncate(limit);
        Ok(entries)
    }

    fn key(&self, view: &View, name: &str) -> String {
        [&view.prefix, self.prefix, name].concat()
    }
}

fn decoded<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, CommitError> {
    let corrupt = |_| CommitError::Store(Error::Corrupt { key: key.to_owned() });
    serde_json::from_slice(bytes).map_err(corrupt)
}

/// Where to go on after `key`: when it lies in a sub-folder, behind the rest of that in one step.
fn past_folder(prefix: &str, key: &str) -> String {
    let name = key.strip_prefix(prefix).unwrap_or_default();
    let Some((folder, _)) = name.split_once('/') else {
        return key.to_owned();
    };
    // A key may itself contain `LAST`; never step back from it, or the walk would not end.
    format!("{prefix}{folder}/{LAST}").max(key.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;
    use crate::{Commit, Copies, Memory, Store};

    const NUMBERS: Table<u64> = Table::new("number/");

    /// A view of a store that holds `stored` and is about to delete and put some more.
    async fn view(stored: &[String], deleted: &[String], put: &[String]) -> View {
        let memory = Memory::default();
        let mut commit = Commit::default();
        for name in stored {
            commit.puts.insert(format!("mount/number/{name}"), "1".into());
        }
        // Neighbours that must never show.
        for key in ["mount", "mount/number", "mount/number/", "mount/number0", "other/number/a"] {
            commit.puts.insert(key.to_owned(), "1".into());
        }
        memory.commit(commit).await.unwrap();
        let view = View::new(&Arc::new(Transaction::begin(Arc::new(memory))), "mount/");
        for name in deleted {
            NUMBERS.delete(&view, name);
        }
        for name in put {
            NUMBERS.put(&view, name, &2);
        }
        view
    }

    /// Keeps the copies of one age.
    #[derive(Default)]
    struct Kept(Mutex<BTreeMap<String, Copied>>);

    impl Copies for Kept {
        fn find(&self, key: &str) -> Option<Copied> {
            self.0.lock().unwrap().get(key).cloned()
        }

        fn age(&self) -> u64 {
            0
        }

        fn keep(&self, _: u64, key: &str, copied: Copied) {
            self.0.lock().unwrap().insert(key.to_owned(), copied);
        }
    }

    #[tokio::test]
    async fn a_shared_record_is_decoded_once_and_good_only_as_long_as_it_is_the_newest() {
        let (memory, kept) = (Arc::new(Memory::default()), Arc::new(Kept::default()));
        let begin = || {
            let transaction = Transaction::begin(memory.clone()).sharing(kept.clone());
            View::new(&Arc::new(transaction), "mount/")
        };
        let writer = begin();
        assert_eq!(NUMBERS.shared(&writer, "a").await.unwrap(), None);
        NUMBERS.put(&writer, "a", &1);
        assert_eq!(NUMBERS.shared(&writer, "a").await.unwrap().as_deref(), Some(&1));
        assert!(kept.find("mount/number/a").is_none(), "kept before it was committed");
        writer.transaction().commit().await.unwrap();

        let (one, other) = (begin(), begin());
        let first = NUMBERS.shared(&one, "a").await.unwrap().unwrap();
        let second = NUMBERS.shared(&other, "a").await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &second));

        let writer = begin();
        NUMBERS.put(&writer, "a", &2);
        writer.transaction().commit().await.unwrap();
        for stale in [one, other, begin()] {
            assert_eq!(NUMBERS.shared(&stale, "a").await.unwrap().as_deref(), Some(&1));
            let refused = stale.transaction().commit().await;
            assert!(
                matches!(refused, Err(CommitError::Conflict { key }) if key == "mount/number/a")
            );
        }
        kept.0.lock().unwrap().clear();
        assert_eq!(NUMBERS.shared(&begin(), "a").await.unwrap().as_deref(), Some(&2));
    }

    /// The same, the slow and obvious way.
    fn expected(names: &BTreeSet<String>, folder: &str, after: &str, limit: usize) -> Vec<String> {
        let inside = names.iter().filter_map(|name| name.strip_prefix(folder));
        let entries: BTreeSet<&str> =
            inside.filter_map(|name| name.split_inclusive('/').next()).collect();
        entries.into_iter().filter(|entry| *entry > after).take(limit).map(str::to_owned).collect()
    }

    async fn check_entries(names: &[&str], (folder, after, limit): (&str, &str, usize)) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let view = view(&names, &[], &[]).await;
        let entries = NUMBERS.entries(&view, folder, after, limit).await.unwrap();
        assert_eq!(entries, expected(&names.into_iter().collect(), folder, after, limit));
    }

    fn any_names() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[ab/0\\-\u{10FFFF}]{1,4}", 0..12)
    }

    proptest! {
        #[test]
        fn entries_are_what_a_plain_walk_would_find(
            stored in any_names(),
            deleted in any_names(),
            put in any_names(),
            folder in "([ab-]{0,2}/)?",
            after in "[a/]{0,3}",
            limit in 0..6_usize,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let mut names: BTreeSet<String> = stored.iter().cloned().collect();
            names.retain(|name| !deleted.contains(name));
            names.extend(put.iter().cloned());
            runtime.block_on(async {
                let view = view(&stored, &deleted, &put).await;
                let found = NUMBERS.entries(&view, &folder, &after, limit).await.unwrap();
                assert_eq!(found, expected(&names, &folder, &after, limit));
                let listed = NUMBERS.list(&view, &after, usize::MAX).await.unwrap();
                let beyond: Vec<String> =
                    names.iter().filter(|name| **name > after).cloned().collect();
                assert_eq!(listed, beyond);
                let beneath = NUMBERS.beneath(&view, &folder, &after, limit).await.unwrap();
                let inside = names.iter().filter_map(|name| name.strip_prefix(&folder));
                let inside = inside.filter(|name| *name > after.as_str()).take(limit);
                assert_eq!(beneath, inside.collect::<Vec<_>>());
            });
        }
    }

    #[tokio::test]
    async fn entries_go_on_over_pages_and_over_full_folders() {
        let flat: Vec<String> = (0..PAGE_KEYS * 3 + 1).map(|n| format!("{n:05}")).collect();
        let deep: Vec<String> = (0..PAGE_KEYS * 3 + 1).map(|n| format!("b/{n:05}")).collect();
        let last: Vec<String> = (0..PAGE_KEYS * 2 + 1).map(|n| format!("c/{LAST}{n}")).collect();
        let mut names: Vec<&str> =
            flat.iter().chain(&deep).chain(&last).map(String::as_str).collect();
        names.extend(["a", "b", "b-", "b0", "c", "d"]);
        for limit in [0, 1, PAGE_KEYS, PAGE_KEYS + 1, usize::MAX] {
            check_entries(&names, ("", "", limit)).await;
            check_entries(&names, ("b/", "", limit)).await;
            check_entries(&names, ("b/", "00300", limit)).await;
            check_entries(&names, ("c/", "", limit)).await;
        }
        for after in ["a", "b", "b/", "b/00001", "b/z", "b0", "c/", "d", "z"] {
            check_entries(&names, ("", after, usize::MAX)).await;
        }
    }

    #[tokio::test]
    async fn a_record_that_is_none_is_named() {
        let view = view(&[], &[], &[]).await;
        NUMBERS.put(&view, "right", &7);
        view.transaction().put("mount/number/wrong", "seven");
        assert_eq!(NUMBERS.get(&view, "right").await, Ok(Some(7)));
        assert_eq!(NUMBERS.get(&view, "absent").await, Ok(None));
        let key = "mount/number/wrong".to_owned();
        let damaged = CommitError::Store(Error::Corrupt { key });
        assert_eq!(NUMBERS.get(&view, "wrong").await, Err(damaged));
    }
}
