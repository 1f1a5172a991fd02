//! How often a data key may still be used.
//!
//! Nonces are random, so after about 2^32 encryptions under one key two of them would be equal with
//! a chance worth worrying about. Encryptions are therefore counted for all nodes together, in one
//! record beside the keyring, and counted before they happen: a node takes a whole block out of the
//! record and then spends it from memory. What it has not spent when it stops is lost, so the
//! record may say too much and never too little.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use storage::{Commit, CommitError, Error, Result};

use super::envelope::{Binding, Cipher, Envelope};
use super::keyring::Keyring;
use super::records::BUDGETS;
use super::{Barrier, Keys, corrupt};

/// Encryptions a node reserves at a time: one more durable write in a million.
const BLOCK: u64 = 1 << 20;

/// Encryptions one key may do, on all nodes together, before a new one takes over.
const TERM: u64 = 1 << 31;

/// How much may be encrypted, and in which portions it is reserved.
#[derive(Clone, Copy)]
pub(super) struct Allowance {
    /// Encryptions a node reserves at a time.
    pub(super) block: u64,
    /// Encryptions one key may do.
    pub(super) term: u64,
}

/// What this node has reserved for the active term.
#[derive(Default)]
pub(super) struct Budget {
    /// Reserved and not yet spent.
    remaining: AtomicU64,
    /// The highest count this node has seen in the store; a lower one was put back by someone.
    seen: AtomicU64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { block: BLOCK, term: TERM }
    }
}

impl Budget {
    /// Spends `count` encryptions if as many are reserved.
    pub(super) fn spend(&self, count: u64) -> bool {
        let spend = |remaining: u64| remaining.checked_sub(count);
        self.remaining.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }

    fn add(&self, block: u64, counted: u64) {
        self.seen.fetch_max(counted, Ordering::Relaxed);
        self.remaining.fetch_add(block, Ordering::Relaxed);
    }
}

impl Barrier {
    /// Reserves at least `count` more encryptions for this node, or moves on to the next term.
    ///
    /// Returning without an error means "look again", not "there is enough": another request may
    /// have taken what was reserved, or another node may have been faster.
    pub(super) async fn reserve_block(&self, keys: &Arc<Keys>, count: u64) -> Result<()> {
        let path = path(keys.keyring.active());
        // Looked at first: what is read after this can only be as high or higher.
        let seen = keys.budget.seen.load(Ordering::Relaxed);
        let Some(record) = self.raw.get(&path).await? else {
            // The record goes away with its term. If the term is still active, someone removed it.
            let newer = self.reload(keys).await?;
            let rotated = newer.keyring.active() > keys.keyring.active();
            return if rotated { Ok(()) } else { Err(corrupt(&path)) };
        };
        let counted = open_count(&keys.keyring, &record.value).ok_or_else(|| corrupt(&path))?;
        if counted < seen {
            return Err(corrupt(&path));
        }
        let block = self.allowance.block.max(count);
        let total = counted.saturating_add(block);
        if total > self.allowance.term {
            return self.rotate_once(keys).await.map_err(nothing_written);
        }
        let mut commit = Commit::default();
        commit.puts.insert(path.clone(), self.seal_count(&keys.keyring, total)?);
        commit.checks.insert(path, Some(record.revision));
        match self.raw.commit(commit).await {
            Ok(_) => keys.budget.add(block, total),
            Err(CommitError::Conflict { .. }) => (),
            Err(error) => return Err(nothing_written(error)),
        }
        Ok(())
    }

    /// The count of the active term as it is to be stored.
    pub(super) fn seal_count(&self, keyring: &Keyring, count: u64) -> Result<Bytes> {
        let path = path(keyring.active());
        self.seal_with(&cipher(keyring), Binding::of_record(&path), &count.to_be_bytes())
    }
}

/// Where the count of `term` lies.
pub(super) fn path(term: u32) -> String {
    format!("{BUDGETS}{term}")
}

/// The cipher of the counts: a key of its own, so that counting does not cost what it counts.
fn cipher(keyring: &Keyring) -> Cipher {
    Cipher::new(&keyring.budget_key())
}

/// The count that `value` holds, if it is the active term's.
pub(super) fn open_count(keyring: &Keyring, value: &[u8]) -> Option<u64> {
    let path = path(keyring.active());
    let count = cipher(keyring).open(Binding::of_record(&path), &Envelope::parse(value)?)?;
    Some(u64::from_be_bytes(count.try_into().ok()?))
}

/// What a caller whose own writes were not tried yet has to know of a failed reservation.
///
/// If its outcome is unknown, at worst a block is lost: for the caller that is a store which cannot
/// be reached, not a write that may have happened.
fn nothing_written(error: CommitError) -> Error {
    match error {
        CommitError::Store(error) => error,
        CommitError::Conflict { .. } | CommitError::Unknown(_) => {
            Error::Unavailable(error.to_string())
        }
    }
}
