//! A store that fails where it is told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::dice::Dice;
use crate::{Commit, CommitError, Error, Record, Result, Revision, Store, Watch};

/// How a commit fails. A `get` or `list` can only fail in one way, whichever is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Nothing is written, and the caller is told so.
    Before,
    /// Nothing is written, but the caller is told that nobody knows.
    Middle,
    /// Everything is written, but the caller is told that nobody knows.
    After,
}

/// Counts operations (`get`, `list`, `commit`) and makes chosen ones fail; until told, none.
///
/// To crash at every step of some work: run it once to count its [`operations`](Flaky::operations),
/// then once for each of them with [`crash_at`](Flaky::crash_at), and look at the inner store.
pub struct Flaky {
    inner: Arc<dyn Store>,
    state: Mutex<State>,
}

struct State {
    operations: u64,
    plan: Plan,
}

enum Plan {
    Work,
    FailAt(u64, Fault),
    CrashAt(u64, Fault),
    Down,
    OneIn(u64, Dice),
}

impl Flaky {
    /// `inner`, which works until told otherwise.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, state: Mutex::new(State { operations: 0, plan: Plan::Work }) }
    }

    /// One operation in `operations` fails, in any of the three ways; equal seeds fail equally.
    pub fn failing_one_in(operations: u64, inner: Arc<dyn Store>, seed: u64) -> Self {
        let flaky = Self::new(inner);
        flaky.state().plan = Plan::OneIn(operations.max(1), Dice::seeded(seed));
        flaky
    }

    /// Operations so far, failed ones included.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// The `nth` operation from now fails (1 is the next); the ones after it work again.
    pub fn fail_at(&self, nth: u64, fault: Fault) {
        let mut state = self.state();
        state.plan = Plan::FailAt(state.operations + nth, fault);
    }

    /// The `nth` operation from now fails (1 is the next), and so does every later one until
    /// [`heal`](Flaky::heal): what a crash looks like to the one who crashes.
    pub fn crash_at(&self, nth: u64, fault: Fault) {
        let mut state = self.state();
        state.plan = Plan::CrashAt(state.operations + nth, fault);
    }

    /// Everything works again.
    pub fn heal(&self) {
        self.state().plan = Plan::Work;
    }

    /// Counts one operation and decides how it ends.
    fn step(&self) -> Option<Fault> {
        let mut state = self.state();
        state.operations += 1;
        match state.plan {
            Plan::FailAt(at, fault) if state.operations == at => Some(fault),
            Plan::CrashAt(at, fault) if state.operations == at => {
                state.plan = Plan::Down;
                Some(fault)
            }
            Plan::OneIn(operations, ref dice) if dice.roll(operations) == 0 => {
                Some([Fault::Before, Fault::Middle, Fault::After][dice.roll(3) as usize])
            }
            Plan::Down => Some(Fault::Before),
            Plan::Work | Plan::FailAt(..) | Plan::CrashAt(..) | Plan::OneIn(..) => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Flaky {
    async fn get(&self, key: &str) -> Result<Option<Record>> {
        match self.step() {
            Some(_) => Err(unavailable()),
            None => self.inner.get(key).await,
        }
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>> {
        match self.step() {
            Some(_) => Err(unavailable()),
            None => self.inner.list(prefix, after, limit).await,
        }
    }

    async fn commit(&self, commit: Commit) -> std::result::Result<Revision, CommitError> {
        let unknown = || CommitError::Unknown("this store was told to fail".to_owned());
        match self.step() {
            None => self.inner.commit(commit).await,
            Some(Fault::Before) => Err(CommitError::Store(unavailable())),
            Some(Fault::Middle) => Err(unknown()),
            Some(Fault::After) => {
                self.inner.commit(commit).await?;
                Err(unknown())
            }
        }
    }

    fn watch(&self) -> Watch {
        self.inner.watch()
    }
}

fn unavailable() -> Error {
    Error::Unavailable("this store was told to fail".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    fn put(key: &str) -> Commit {
        Commit { puts: [(key.to_owned(), "value".into())].into(), ..Commit::default() }
    }

    #[tokio::test]
    async fn each_fault_says_what_it_did_and_no_more() {
        let memory = Arc::new(Memory::default());
        let flaky = Flaky::new(memory.clone());
        flaky.fail_at(2, Fault::Before);
        flaky.commit(put("works")).await.unwrap();
        assert_eq!(flaky.commit(put("before")).await, Err(CommitError::Store(unavailable())));
        flaky.fail_at(1, Fault::Middle);
        assert!(matches!(flaky.commit(put("middle")).await, Err(CommitError::Unknown(_))));
        flaky.fail_at(1, Fault::After);
        assert!(matches!(flaky.commit(put("after")).await, Err(CommitError::Unknown(_))));
        assert_eq!(memory.keys(), ["after", "works"]);
        assert_eq!(flaky.operations(), 4);
    }

    #[tokio::test]
    async fn a_crashed_store_stays_down_until_it_is_healed() {
        let memory = Arc::new(Memory::default());
        let flaky = Flaky::new(memory.clone());
        flaky.crash_at(1, Fault::After);
        assert!(flaky.commit(put("last")).await.is_err());
        assert_eq!(flaky.get("last").await, Err(unavailable()));
        assert_eq!(flaky.list("", "", 9).await, Err(unavailable()));
        flaky.heal();
        assert_eq!(flaky.list("", "", 9).await.unwrap(), ["last"]);
    }
}
