//! What readers may see: the newest published revision, and the values kept close at hand.
//!
//! The lock inside the `watch` channel is the publication lock. Publishing holds it for writing
//! while it changes the cache and the revision together; everything that looks at more than one
//! thing holds it for reading.
//!
//! Invariant: a cached record is the one of the newest publication. A reader that looked at SQLite
//! some time ago may only add what it found if nothing was published since (`remember`
//! compares the revisions under the lock).

use std::collections::BTreeMap;

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use storage::{Announcer, Commit, Error, Record, Result, Revision, Watch};
use tokio::sync::watch;

/// What cached keys and values may take in memory.
const CACHE_BYTES_MAX: u64 = 32 << 20;
/// Larger values are always read from the disk: one of them would push out hundreds of others.
const VALUE_BYTES_MAX: usize = 64 << 10;
/// What an entry takes besides its key and value, roughly.
const ENTRY_BYTES: u64 = 128;
/// What a record takes on average, roughly: it only sizes the tables.
const RECORD_BYTES: u64 = 512;

/// Shared by the writer, which publishes, and by all readers.
pub(super) struct Publication {
    // `None` says that there is nothing under the key: as much asked for as what is there.
    cache: Cache<String, Option<Record>, Bytesize>,
    state: watch::Sender<State>,
    announcer: Announcer,
}

struct State {
    newest: Revision,
    stopped: Option<String>,
}

/// Whether checks hold, as far as the cache can tell.
#[derive(Debug, PartialEq)]
pub(super) enum Validity {
    /// All hold at the moment of this newest revision.
    Holds(Revision),
    /// The one on this key does not.
    Lost(String),
    /// Some keys are not cached, and none of the others is against it.
    NotCached,
}

#[derive(Clone)]
struct Bytesize;

impl Publication {
    pub(super) fn new(newest: Revision) -> Self {
        let items = usize::try_from(CACHE_BYTES_MAX / RECORD_BYTES).unwrap_or(usize::MAX);
        Self {
            cache: Cache::with_weighter(items, CACHE_BYTES_MAX, Bytesize),
            state: watch::Sender::new(State { newest, stopped: None }),
            announcer: Announcer::default(),
        }
    }

    /// What is known to be under `key`, if that is known.
    pub(super) fn cached(&self, key: &str) -> Option<Option<Record>> {
        // Without the lock, a batch could be seen half published.
        let _published = self.state.borrow();
        self.cache.get(key)
    }

    /// The revision of what is under `key`, if that is known. Only for the writer: since nobody
    /// else publishes, what it asks one after the other is of one moment for it alone.
    pub(super) fn cached_revision(&self, key: &str) -> Option<Option<Revision>> {
        Some(self.cache.get(key)?.map(|record| record.revision))
    }

    /// Keeps what a reader found under `key` when `seen` was the newest revision.
    pub(super) fn remember(&self, key: &str, record: Option<&Record>, seen: Revision) {
        let published = self.state.borrow();
        let large = record.is_some_and(|record| record.value.len() > VALUE_BYTES_MAX);
        if published.newest == seen && !large {
            self.cache.insert(key.to_owned(), record.cloned());
        }
    }

    /// Whether all of `checks` hold at one moment.
    pub(super) fn validate(&self, checks: &BTreeMap<String, Option<Revision>>) -> Validity {
        let published = self.state.borrow();
        let mut all_cached = true;
        for (key, expected) in checks {
            match self.cache.get(key) {
                Some(found) if found.as_ref().map(|found| found.revision) != *expected => {
                    return Validity::Lost(key.clone());
                }
                Some(_) => {}
                None => all_cached = false,
            }
        }
        if all_cached { Validity::Holds(published.newest) } else { Validity::NotCached }
    }

    /// Shows these commits, which are durable, to all readers at once.
    pub(super) fn publish(&self, commits: &[(Revision, &Commit)]) {
        self.state.send_modify(|state| {
            for (revision, commit) in commits {
                for key in &commit.deletes {
                    self.cache.insert(key.clone(), None);
                }
                for (key, value) in &commit.puts {
                    self.replace(key, value, *revision);
                }
                state.newest = *revision;
            }
        });
        for (_, commit) in commits {
            self.announcer.announce(commit.puts.keys().chain(&commit.deletes).cloned());
        }
    }

    /// Hears of every commit published from now on.
    pub(super) fn watch(&self) -> Watch {
        self.announcer.watch()
    }

    fn replace(&self, key: &str, value: &Bytes, revision: Revision) {
        if value.len() > VALUE_BYTES_MAX {
            self.cache.remove(key);
            return;
        }
        // A copy, because the caller's bytes may be a small part of a large buffer.
        let value = Bytes::copy_from_slice(value);
        self.cache.insert(key.to_owned(), Some(Record { value, revision }));
    }

    /// Waits until what a reader saw is published: the writer is at most an instant behind.
    pub(super) async fn reached(&self, seen: Revision) -> Result<()> {
        if self.state.borrow().newest >= seen {
            return Ok(());
        }
        let mut states = self.state.subscribe();
        let ended = |state: &State| state.newest >= seen || state.stopped.is_some();
        // The sender is our own, so waiting cannot fail.
        match states.wait_for(ended).await {
            Ok(state) if state.newest >= seen => Ok(()),
            _ => Err(Error::Unavailable(self.stopped().unwrap_or_default())),
        }
    }

    /// Nothing will be published any more. The first reason stays.
    pub(super) fn stop(&self, cause: &str) {
        tracing::error!(cause, "the store no longer writes");
        self.state.send_modify(|state| {
            let text = || format!("it no longer writes; restart the server ({cause})");
            state.stopped.get_or_insert_with(text);
        });
    }

    /// Why nothing will be published any more, if so.
    pub(super) fn stopped(&self) -> Option<String> {
        self.state.borrow().stopped.clone()
    }
}

impl Weighter<String, Option<Record>> for Bytesize {
    fn weight(&self, key: &String, record: &Option<Record>) -> u64 {
        let value = record.as_ref().map_or(0, |record| record.value.len());
        (key.len() + value) as u64 + ENTRY_BYTES
    }
}
