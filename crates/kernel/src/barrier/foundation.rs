//! The first keys, and the one commit that makes a store ours.

use std::collections::BTreeMap;

use bytes::Bytes;
use storage::{Commit, CommitError, Record, Result};

use super::key::Key32;
use super::keyring::Keyring;
use super::records::{KEYRING, ROOT_KEY, SEAL};
use super::{Barrier, budget, refuse_reserved};

/// Keys of a store that does not exist yet. Dropping them leaves no trace.
pub(crate) struct Foundation {
    root: Key32,
    keyring: Keyring,
}

/// What opens the root key.
pub(crate) struct Guard<'a> {
    /// The key that will be split and then forgotten.
    pub(crate) unseal_key: &'a Key32,
    /// How it will be split; stored in clear.
    pub(crate) configuration: Bytes,
}

impl Foundation {
    /// As [`Barrier::subkey`] will be.
    pub(crate) fn subkey(&self, label: &str) -> Key32 {
        self.keyring.subkey(label)
    }
}

impl Barrier {
    /// How the unseal key is split, as it was stored; `None` when the store is nobody's yet.
    pub(crate) async fn configuration(&self) -> Result<Option<Record>> {
        self.raw.get(SEAL).await
    }

    /// Draws the first keys. Nothing is stored.
    pub(crate) fn foundation(&self) -> Foundation {
        let entropy = self.entropy.as_ref();
        Foundation { root: Key32::random(entropy), keyring: Keyring::new(entropy) }
    }

    /// Stores the keys, how they are guarded, and the first records: all of it or nothing.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] on a reserved key (see `is_reserved`) when someone else was
    /// first; otherwise as a commit. Every record must be absent until now.
    pub(crate) async fn found(
        &self,
        foundation: &Foundation,
        guard: Guard<'_>,
        records: &BTreeMap<String, Bytes>,
    ) -> std::result::Result<(), CommitError> {
        let Guard { unseal_key, configuration } = guard;
        let root_key = self.seal_root_key(unseal_key, &foundation.root, &configuration);
        let root_key = root_key.map_err(CommitError::Store)?;
        let mut puts = self.first_records(foundation, records).map_err(CommitError::Store)?;
        puts.insert(SEAL.to_owned(), configuration);
        puts.insert(ROOT_KEY.to_owned(), root_key.clone());
        let checks = puts.keys().map(|key| (key.clone(), None)).collect();
        match self.raw.commit(Commit { checks, puts, ..Commit::default() }).await {
            Ok(_) => Ok(()),
            // Only this call can have written these very bytes, so the record tells the outcome.
            Err(CommitError::Unknown(cause)) => match self.raw.get(ROOT_KEY).await {
                Ok(Some(record)) if record.value == root_key => Ok(()),
                Ok(_) | Err(_) => Err(CommitError::Unknown(cause)),
            },
            Err(error) => Err(error),
        }
    }

    fn first_records(
        &self,
        foundation: &Foundation,
        records: &BTreeMap<String, Bytes>,
    ) -> Result<BTreeMap<String, Bytes>> {
        records.keys().try_for_each(|key| refuse_reserved(key))?;
        let Foundation { root, keyring } = foundation;
        let mut puts = self.seal_values(keyring, records)?;
        puts.insert(KEYRING.to_owned(), self.seal_keyring(root, keyring)?);
        let count = self.seal_count(keyring, records.len() as u64)?;
        puts.insert(budget::path(keyring.active()), count);
        Ok(puts)
    }
}
