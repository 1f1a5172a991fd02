//! Moving on to a new data key, and noticing that another node has.
//!
//! The keyring is one record and changes by compare-and-set, so of two nodes that rotate at once
//! one wins and the other sees a newer keyring. Every write checks that record's revision (see
//! `Barrier::commit`): from the moment a rotation is committed, no node writes with the old key.

use std::sync::Arc;

use storage::{Commit, CommitError, Error, Result};

use super::budget::{self, Budget};
use super::keyring::Keyring;
use super::macs::Macs;
use super::records::{self, KEYRING};
use super::{Barrier, Keys, corrupt};

/// Races a rotation may lose before it gives up. Each lost one means another node changed the
/// keyring or its count in the meantime, so losing this many means that something is wrong.
const ROTATIONS_MAX: usize = 16;

impl Barrier {
    /// Seals everything from now on with a new key, and tells the new term. Old values stay
    /// readable.
    ///
    /// One commit: either the old keyring is in place or the new one. When another node rotates at
    /// the same time, both share the one new term.
    ///
    /// # Errors
    /// [`CommitError::Unknown`] when the store cannot say whether the new keyring is in place;
    /// either way everything stays readable. [`CommitError::Store`] when it is not.
    pub async fn rotate(&self) -> std::result::Result<u32, CommitError> {
        // Seen afresh: a rotation another node did long ago is not the one asked for now.
        let keys = self.keys().map_err(CommitError::Store)?;
        let before = self.reload(&keys).await.map_err(CommitError::Store)?.keyring.active();
        for _ in 0..ROTATIONS_MAX {
            let keys = self.keys().map_err(CommitError::Store)?;
            if keys.keyring.active() > before {
                return Ok(keys.keyring.active());
            }
            self.rotate_once(&keys).await?;
        }
        Err(CommitError::Store(Error::Unavailable("the keyring keeps changing".to_owned())))
    }

    /// Tries to put a new term after the one in `keys`. A lost race is no error: look again.
    pub(super) async fn rotate_once(
        &self,
        keys: &Arc<Keys>,
    ) -> std::result::Result<(), CommitError> {
        let (commit, keyring) = self.rotation(keys).map_err(CommitError::Store)?;
        match self.raw.commit(commit).await {
            Ok(revision) => {
                let root = Arc::clone(&keys.root);
                let new = Keys {
                    root,
                    keyring,
                    revision,
                    budget: Budget::default(),
                    macs: Macs::default(),
                };
                self.replace(keys, new).map_err(CommitError::Store)?;
            }
            Err(CommitError::Conflict { .. }) => {
                self.reload(keys).await.map_err(CommitError::Store)?;
            }
            Err(CommitError::Unknown(cause)) => {
                // The keyring itself tells whether there is a new term.
                let now = self.reload(keys).await.map_err(CommitError::Store)?;
                if now.keyring.active() == keys.keyring.active() {
                    return Err(CommitError::Unknown(cause));
                }
            }
            Err(error @ CommitError::Store(_)) => return Err(error),
        }
        Ok(())
    }

    fn rotation(&self, keys: &Keys) -> Result<(Commit, Keyring)> {
        let full = || Error::Unavailable("the keyring has no room for another term".to_owned());
        let keyring = keys.keyring.with_new_term(self.entropy.as_ref()).ok_or_else(full)?;
        let mut commit = Commit::default();
        commit.checks.insert(KEYRING.to_owned(), Some(keys.revision));
        commit.deletes.insert(budget::path(keys.keyring.active()));
        commit.puts.insert(KEYRING.to_owned(), self.seal_keyring(&keys.root, &keyring)?);
        let count = self.seal_count(&keyring, 0)?;
        commit.puts.insert(budget::path(keyring.active()), count);
        Ok((commit, keyring))
    }

    /// What this node should go on with, after `stale` turned out not to be enough.
    pub(super) async fn reload(&self, stale: &Arc<Keys>) -> Result<Arc<Keys>> {
        let record = self.raw.get(KEYRING).await?.ok_or_else(|| corrupt(KEYRING))?;
        if record.revision == stale.revision {
            return Ok(Arc::clone(stale));
        }
        let keyring = records::open_keyring(&stale.root, &record.value);
        let keyring = keyring.ok_or_else(|| corrupt(KEYRING))?;
        if record.revision < stale.revision || keyring.active() < stale.keyring.active() {
            // Keyrings only grow: this is an old one, put back.
            return Err(corrupt(KEYRING));
        }
        let root = Arc::clone(&stale.root);
        let new = Keys {
            root,
            keyring,
            revision: record.revision,
            budget: Budget::default(),
            macs: Macs::default(),
        };
        self.replace(stale, new)
    }

    /// Puts `new` in the place of `stale`. If something else took that place meanwhile, that stays:
    /// a node that was sealed stays sealed.
    fn replace(&self, stale: &Arc<Keys>, new: Keys) -> Result<Arc<Keys>> {
        let new = Arc::new(new);
        let stale = Some(Arc::clone(stale));
        let found = self.keys.compare_and_swap(&stale, Some(Arc::clone(&new)));
        match found.as_ref() {
            None => Err(Error::Sealed),
            Some(held) if stale.as_ref().is_some_and(|stale| Arc::ptr_eq(held, stale)) => Ok(new),
            Some(held) => Ok(Arc::clone(held)),
        }
    }
}
