//! A store that keeps everything in memory: for tests and for `-dev`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::transaction::beyond;
use crate::{Announcer, Commit, CommitError, Record, Result, Revision, Store, Watch};

/// Keeps everything in memory; gone when dropped.
#[derive(Default)]
pub struct Memory {
    state: Mutex<State>,
    announcer: Announcer,
}

#[derive(Default)]
struct State {
    records: BTreeMap<String, Record>,
    revision: Revision,
}

impl Memory {
    /// Every key there is, in order. The census of the tests counts these.
    pub fn keys(&self) -> Vec<String> {
        self.state().records.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics between two writes, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Memory {
    async fn get(&self, key: &str) -> Result<Option<Record>> {
        Ok(self.state().records.get(key).cloned())
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>> {
        let state = self.state();
        let keys = state.records.range::<str, _>(beyond(prefix, after)).map(|(key, _)| key);
        Ok(keys.take_while(|key| key.starts_with(prefix)).take(limit).cloned().collect())
    }

    async fn commit(&self, commit: Commit) -> std::result::Result<Revision, CommitError> {
        let mut state = self.state();
        for (key, expected) in &commit.checks {
            if state.records.get(key).map(|record| record.revision) != *expected {
                return Err(CommitError::Conflict { key: key.clone() });
            }
        }
        if commit.is_read_only() {
            return Ok(state.revision);
        }
        state.revision += 1;
        let revision = state.revision;
        self.announcer.announce(commit.puts.keys().chain(&commit.deletes).cloned());
        for key in commit.deletes {
            state.records.remove(&key);
        }
        for (key, value) in commit.puts {
            state.records.insert(key, Record { value, revision });
        }
        Ok(revision)
    }

    fn watch(&self) -> Watch {
        self.announcer.watch()
    }
}
