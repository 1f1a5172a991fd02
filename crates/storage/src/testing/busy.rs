//! A store that is never alone.

use std::sync::Arc;

use async_trait::async_trait;

use super::dice::Dice;
use crate::{Commit, CommitError, Record, Result, Revision, Store, Watch};

/// Of this many races, one is lost on average.
const LOST_ONE_IN: u64 = 3;
/// Other tasks get this many turns at most before a step goes on.
const TURNS_MAX: u64 = 3;

/// Lets other tasks run before and after every step, and loses every third race on average.
///
/// A lost race is a [`CommitError::Conflict`] although nothing changed. A commit without checks
/// runs no race and loses none.
pub struct Busy {
    inner: Arc<dyn Store>,
    lost_one_in: u64,
    dice: Dice,
}

impl Busy {
    /// `inner` among others; equal seeds lose the same races.
    pub fn new(inner: Arc<dyn Store>, seed: u64) -> Self {
        Self::losing_one_in(LOST_ONE_IN, inner, seed)
    }

    /// As [`Busy::new`], with one race in `races` lost; `u64::MAX` loses practically none.
    pub fn losing_one_in(races: u64, inner: Arc<dyn Store>, seed: u64) -> Self {
        Self { inner, lost_one_in: races.max(1), dice: Dice::seeded(seed) }
    }

    async fn let_others_run(&self) {
        for _ in 0..self.dice.roll(TURNS_MAX + 1) {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Store for Busy {
    async fn get(&self, key: &str) -> Result<Option<Record>> {
        self.let_others_run().await;
        let record = self.inner.get(key).await;
        self.let_others_run().await;
        record
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>> {
        self.let_others_run().await;
        let keys = self.inner.list(prefix, after, limit).await;
        self.let_others_run().await;
        keys
    }

    async fn commit(&self, commit: Commit) -> std::result::Result<Revision, CommitError> {
        self.let_others_run().await;
        if let Some(key) = commit.checks.keys().next()
            && self.dice.roll(self.lost_one_in) == 0
        {
            return Err(CommitError::Conflict { key: key.clone() });
        }
        let outcome = self.inner.commit(commit).await;
        self.let_others_run().await;
        outcome
    }

    fn watch(&self) -> Watch {
        self.inner.watch()
    }
}
