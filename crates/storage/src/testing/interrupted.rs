//! A store in which somebody else comes first, once.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::{Commit, CommitError, Record, Result, Revision, Store, Watch};

type Act = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Lets somebody act right before a commit of a certain kind.
pub struct Interrupted {
    inner: Arc<dyn Store>,
    before: fn(&Commit) -> bool,
    act: Mutex<Option<Act>>,
}

impl Interrupted {
    /// `inner`, interrupted before a commit that `before` says so of; not before
    /// [`interrupt`](Self::interrupt) has said by what.
    pub fn new(inner: Arc<dyn Store>, before: fn(&Commit) -> bool) -> Self {
        Self { inner, before, act: Mutex::default() }
    }

    /// The next commit of that kind waits for `act`. Commits of `act` itself do not.
    pub fn interrupt(&self, act: impl Future<Output = ()> + Send + 'static) {
        *self.act.lock().unwrap() = Some(Box::pin(act));
    }

    /// Whether somebody is still to come between.
    pub fn is_waiting(&self) -> bool {
        self.act.lock().unwrap().is_some()
    }
}

#[async_trait]
impl Store for Interrupted {
    async fn get(&self, key: &str) -> Result<Option<Record>> {
        self.inner.get(key).await
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>> {
        self.inner.list(prefix, after, limit).await
    }

    async fn commit(&self, commit: Commit) -> std::result::Result<Revision, CommitError> {
        let act = match (self.before)(&commit) {
            true => self.act.lock().unwrap().take(),
            false => None,
        };
        if let Some(act) = act {
            act.await;
        }
        self.inner.commit(commit).await
    }

    fn watch(&self) -> Watch {
        self.inner.watch()
    }
}
