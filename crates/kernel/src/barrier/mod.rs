//! The store that only holds ciphertext: everything above it reads and writes through here.
//!
//! The [`Barrier`] owns the raw store and is itself a [`Store`], so nothing above knows that it is
//! there, except that every operation answers [`Error::Sealed`] until the seal has handed it the
//! keys. Names of keys pass through unchanged; values are sealed with AES-256-GCM and bound to the
//! key they lie under.
//!
//! Keys come in a row: shares give the *unseal key*, which opens the *root key*, which opens the
//! *keyring*, whose active *data key* seals values and whose derivation secret gives *subkeys*.
//!
//! What the barrier does not promise: that a record, or the whole store, was not put back to an
//! older version of itself. It notices that only for its own keyring and count, and only while a
//! node runs.
//!
//! Reading order: [`Barrier`], `envelope` (one value), `keyring`, `records` (what lies under
//! `core/`), `foundation` and `opening` (from nothing, and from shares), `rotation`, `budget`,
//! `macs` (keys that every request uses).

mod budget;
mod envelope;
mod foundation;
mod key;
mod keyring;
mod macs;
mod opening;
mod records;
mod rotation;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use aws_lc_rs::hmac;
use bytes::Bytes;
use storage::{Commit, CommitError, Error, Record, Result, Revision, Store, Watch};

use crate::entropy::Entropy;
use budget::{Allowance, Budget};
use envelope::{Binding, Envelope, NonceBytes};
pub(crate) use foundation::{Foundation, Guard};
pub use key::{KEY_BYTES, Key32};
use keyring::Keyring;
use macs::Macs;
pub(crate) use macs::Purpose;
pub(crate) use opening::OpeningError;
pub(crate) use records::is_reserved;
use records::{CORE, CORE_RECORDS_MAX, KEYRING};

/// Rotations by other nodes that one commit may run into. Rotations are years apart; this many in
/// a row mean that something is wrong.
const COMMIT_ATTEMPTS_MAX: usize = 8;

/// Reservations one commit may lose to its neighbours before it gives up.
const RESERVATIONS_MAX: usize = 64;

/// A store whose every value is sealed in the raw store below it.
pub struct Barrier {
    raw: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    allowance: Allowance,
    // Not in the store, where state belongs, because it is what opens the store. Readers take a
    // copy of the pointer and nobody waits; keys are overwritten when the last reader lets go.
    keys: ArcSwapOption<Keys>,
}

/// What an unsealed node holds.
struct Keys {
    root: Arc<Key32>,
    keyring: Keyring,
    /// The version of the keyring's record that this is.
    revision: Revision,
    budget: Budget,
    macs: Macs,
}

impl Barrier {
    /// A sealed barrier over `raw`. From here on nothing else may use `raw`.
    pub fn new(raw: Arc<dyn Store>, entropy: Arc<dyn Entropy>) -> Self {
        Self { raw, entropy, allowance: Allowance::default(), keys: ArcSwapOption::empty() }
    }

    /// Whether the keys are missing.
    pub fn is_sealed(&self) -> bool {
        self.keys.load().is_none()
    }

    /// The term that new values are sealed with, as far as this node knows.
    ///
    /// # Errors
    /// [`Error::Sealed`].
    pub fn active_term(&self) -> Result<u32> {
        Ok(self.keys()?.keyring.active())
    }

    /// A key for one purpose: the same on every node and in every term, and useless for any other.
    ///
    /// # Errors
    /// [`Error::Sealed`].
    pub fn subkey(&self, label: &str) -> Result<Key32> {
        Ok(self.keys()?.keyring.subkey(label))
    }

    /// The key for one purpose, ready to use: derived once while unsealed, not once per request.
    ///
    /// # Errors
    /// [`Error::Sealed`].
    pub(crate) fn mac(&self, purpose: Purpose) -> Result<Arc<hmac::Key>> {
        let keys = self.keys()?;
        Ok(keys.macs.key(purpose, &keys.keyring))
    }

    /// Forgets the keys. Operations that are under way end with the keys they began with.
    pub(crate) fn seal(&self) {
        self.keys.store(None);
    }

    fn keys(&self) -> Result<Arc<Keys>> {
        self.keys.load_full().ok_or(Error::Sealed)
    }

    /// Keys with enough left in their budget to seal `count` values, which is spent hereby.
    async fn reserve(&self, count: usize) -> Result<Arc<Keys>> {
        let count = count as u64;
        if count > self.allowance.term {
            return Err(Error::Unavailable("a commit has more values than a key may seal".into()));
        }
        for _ in 0..RESERVATIONS_MAX {
            let keys = self.keys()?;
            if keys.budget.spend(count) {
                return Ok(keys);
            }
            self.reserve_block(&keys, count).await?;
        }
        Err(Error::Unavailable("the encryption budget cannot be reserved".to_owned()))
    }

    /// `commit` as the raw store shall see it, on condition that `keys` are still the newest.
    fn seal_commit(&self, keys: &Keys, commit: &Commit) -> Result<Commit> {
        let mut checks = commit.checks.clone();
        checks.insert(KEYRING.to_owned(), Some(keys.revision));
        let puts = self.seal_values(&keys.keyring, &commit.puts)?;
        Ok(Commit { checks, puts, deletes: commit.deletes.clone() })
    }

    fn seal_values(
        &self,
        keyring: &Keyring,
        values: &BTreeMap<String, Bytes>,
    ) -> Result<BTreeMap<String, Bytes>> {
        let term = keyring.active();
        let data_key = keyring.term(term).ok_or_else(|| corrupt(KEYRING))?;
        // One draw for the whole commit costs a fraction of one draw per value. None are kept for
        // later: a copy of a virtual machine would use them a second time.
        let mut nonces = vec![NonceBytes::default(); values.len()];
        self.entropy.fill(nonces.as_flattened_mut());
        let seal = |((path, value), nonce): ((&String, &Bytes), NonceBytes)| {
            let binding = Binding { term, path, beside: b"" };
            let sealed = data_key.cipher.seal(binding, nonce, value);
            Ok((path.clone(), sealed.ok_or_else(records::too_long)?))
        };
        values.iter().zip(nonces).map(seal).collect()
    }

    async fn open_value(&self, keys: &Arc<Keys>, path: &str, value: &[u8]) -> Result<Bytes> {
        let envelope = Envelope::parse(value).ok_or_else(|| corrupt(path))?;
        let binding = Binding { term: envelope.term, path, beside: b"" };
        let opened = match keys.keyring.term(envelope.term) {
            Some(data_key) => data_key.cipher.open(binding, &envelope),
            None => {
                // Another node may have rotated since this one last looked.
                let newer = self.reload(keys).await?;
                let data_key = newer.keyring.term(envelope.term);
                data_key.and_then(|data_key| data_key.cipher.open(binding, &envelope))
            }
        };
        opened.map(Bytes::from).ok_or_else(|| corrupt(path))
    }
}

#[async_trait]
impl Store for Barrier {
    async fn get(&self, key: &str) -> Result<Option<Record>> {
        let keys = self.keys()?;
        refuse_reserved(key)?;
        let Some(Record { value, revision }) = self.raw.get(key).await? else {
            return Ok(None);
        };
        Ok(Some(Record { value: self.open_value(&keys, key, &value).await?, revision }))
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>> {
        self.keys()?;
        refuse_reserved(prefix)?;
        if !CORE.starts_with(prefix) {
            return self.raw.list(prefix, after, limit).await;
        }
        // A listing that passes the barrier's own records takes as many keys more as those may be,
        // because it has to be of one moment and so cannot ask again.
        let wide = limit.saturating_add(CORE_RECORDS_MAX);
        let mut keys = self.raw.list(prefix, after, wide).await?;
        keys.retain(|key| !is_reserved(key));
        keys.truncate(limit);
        Ok(keys)
    }

    async fn commit(&self, commit: Commit) -> std::result::Result<Revision, CommitError> {
        self.keys().map_err(CommitError::Store)?;
        let named = commit.checks.keys().chain(commit.puts.keys()).chain(&commit.deletes);
        named.into_iter().try_for_each(|key| refuse_reserved(key)).map_err(CommitError::Store)?;
        if commit.puts.is_empty() {
            return self.raw.commit(commit).await;
        }
        let mut attempts = 0..COMMIT_ATTEMPTS_MAX;
        loop {
            let keys = self.reserve(commit.puts.len()).await.map_err(CommitError::Store)?;
            let sealed = self.seal_commit(&keys, &commit).map_err(CommitError::Store)?;
            match self.raw.commit(sealed).await {
                // Another node rotated, so nothing was written: seal it again, with the new key.
                Err(CommitError::Conflict { key })
                    if key == KEYRING && attempts.next().is_some() =>
                {
                    self.reload(&keys).await.map_err(CommitError::Store)?;
                }
                answer => return answer,
            }
        }
    }

    /// Passes on what the raw store reports, also while sealed: it names keys and tells no values.
    fn watch(&self) -> Watch {
        self.raw.watch().hiding(CORE)
    }
}

/// Keeps everyone above the barrier out of the barrier's own records.
fn refuse_reserved(key: &str) -> Result<()> {
    if is_reserved(key) {
        return Err(Error::Unavailable("keys under core/ are reserved for the barrier".to_owned()));
    }
    Ok(())
}

fn corrupt(key: &str) -> Error {
    Error::Corrupt { key: key.to_owned() }
}
