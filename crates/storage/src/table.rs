//! Typed records in a corner of the store.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use crate::{CommitError, Error, Transaction};

/// Sorts after every other character, so `folder/` plus this sorts after all that is in it.
const LAST: char = char::MAX;
/// Keys fetched at a time while collecting the entries of a folder.
const PAGE_KEYS: usize = 256;

/// A transaction seen through one corner: keys outside `prefix` cannot be named.
#[derive(Clone)]
pub struct View {
    transaction: Arc<Transaction>,
    prefix: String,
}

/// A typed family of records under one key prefix: `const USERS: Table<User> = Table::new("user/")`.
///
/// Records are stored as JSON.
pub struct Table<T> {
    prefix: &'static str,
    record: PhantomData<fn() -> T>,
}

impl View {
    /// The corner of `transaction` whose keys all start with `prefix`.
    pub fn new(transaction: &Arc<Transaction>, prefix: impl Into<String>) -> Self {
        Self { transaction: transaction.clone(), prefix: prefix.into() }
    }

    /// A corner of this corner.
    #[must_use]
    pub fn within(&self, prefix: &str) -> Self {
        Self::new(&self.transaction, format!("{}{prefix}", self.prefix))
    }

    /// The transaction this corner belongs to.
    pub fn transaction(&self) -> &Arc<Transaction> {
        &self.transaction
    }

    /// The full key of `name` in this corner.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
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
        let corrupt = |_| CommitError::Store(Error::Corrupt { key });
        serde_json::from_slice(&bytes).map(Some).map_err(corrupt)
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
        let prefix = self.key(view, "");
        let keys = view.transaction.list(&prefix, &self.key(view, after), limit).await?;
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
        let past = if after.ends_with('/') { LAST.to_string() } else { String::new() };
        let mut cursor = format!("{prefix}{after}{past}");
        let mut entries: Vec<String> = Vec::new();
        while entries.len() < limit {
            let page = view.transaction.list(&prefix, &cursor, PAGE_KEYS).await?;
            for name in page.iter().filter_map(|key| key.strip_prefix(&prefix)) {
                let entry = name.find('/').map_or(name, |slash| name.split_at(slash + 1).0);
                if entries.last().is_none_or(|last| last != entry) {
                    entries.push(entry.to_owned());
                }
            }
            if page.len() < PAGE_KEYS {
                break;
            }
            // A page that ends inside a folder: step over the rest of that folder in one go.
            cursor = match (entries.last(), page.last()) {
                (Some(entry), _) if entry.ends_with('/') => format!("{prefix}{entry}{LAST}"),
                (_, Some(key)) => key.clone(),
                _ => break,
            };
        }
        entries.truncate(limit);
        Ok(entries)
    }

    fn key(&self, view: &View, name: &str) -> String {
        format!("{}{}{name}", view.prefix, self.prefix)
    }
}
