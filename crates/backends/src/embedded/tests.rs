//! What happens between the steps of a commit, and when the disk or the writer fails.
//!
//! What others can see from outside is tested in `tests/`; here the disk is replaced.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use rusqlite::ffi;
use tempfile::TempDir;

use super::*;

fn put(key: &str, value: &str) -> Commit {
    Commit { puts: [(key.to_owned(), value.to_owned().into())].into(), ..Commit::default() }
}

fn ask(key: &str, seen: Option<Revision>) -> Commit {
    Commit { checks: [(key.to_owned(), seen)].into(), ..Commit::default() }
}

/// On one thread: lets every task run until it waits. One turn is for about sixty of them.
async fn let_others_wait() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

async fn value(store: &Embedded, key: &str) -> Option<String> {
    let record = store.get(key).await.unwrap()?;
    Some(String::from_utf8(record.value.to_vec()).unwrap())
}

fn io_error() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None)
}

fn full() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None)
}

fn commit_now(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("COMMIT")
}

/// A store whose `nth` durable transaction (the first is 1) ends as `fault` says.
fn failing_at(
    nth: usize,
    folder: &TempDir,
    fault: impl Fn(&Connection) -> rusqlite::Result<()> + Send + 'static,
) -> Embedded {
    let mut count = 0;
    let make_durable = move |connection: &Connection| {
        count += 1;
        if count == nth { fault(connection) } else { commit_now(connection) }
    };
    Embedded::open_on(folder.path(), Box::new(make_durable)).unwrap()
}

/// A disk that stops at each transaction until told to go on.
struct SlowDisk {
    arrived: Receiver<()>,
    go: Sender<()>,
    syncs: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Stop {
    BeforeDurable,
    AfterDurable,
}

fn on_slow_disk(folder: &TempDir, stop: Stop) -> (Arc<Embedded>, SlowDisk) {
    let (arrive, arrived) = channel();
    let (go, gone) = channel();
    let syncs = Arc::new(AtomicUsize::new(0));
    let counted = syncs.clone();
    let make_durable = move |connection: &Connection| {
        if stop == Stop::AfterDurable {
            commit_now(connection)?;
        }
        arrive.send(()).unwrap();
        gone.recv().unwrap();
        counted.fetch_add(1, Ordering::Relaxed);
        if stop == Stop::BeforeDurable { commit_now(connection) } else { Ok(()) }
    };
    let store = Embedded::open_on(folder.path(), Box::new(make_durable)).unwrap();
    (Arc::new(store), SlowDisk { arrived, go, syncs })
}

impl SlowDisk {
    async fn commit(&self, store: &Arc<Embedded>, commit: Commit) -> Revision {
        self.go.send(()).unwrap();
        let revision = store.commit(commit).await.unwrap();
        self.arrived.recv().unwrap();
        revision
    }

    /// Starts a commit and answers when it waits for the disk.
    async fn start(
        &self,
        store: &Arc<Embedded>,
        commit: Commit,
    ) -> tokio::task::JoinHandle<std::result::Result<Revision, CommitError>> {
        let store = store.clone();
        let started = tokio::spawn(async move { store.commit(commit).await });
        let_others_wait().await;
        self.arrived.recv().unwrap();
        started
    }
}

#[tokio::test]
async fn readers_and_askers_never_wait_for_the_disk() {
    let folder = TempDir::new().unwrap();
    let (store, disk) = on_slow_disk(&folder, Stop::BeforeDurable);
    let first = disk.commit(&store, put("key", "old")).await;
    let writing = disk.start(&store, put("key", "new")).await;
    assert_eq!(value(&store, "key").await.unwrap(), "old");
    assert_eq!(value(&store, "absent").await, None);
    assert_eq!(store.list("", "", 9).await.unwrap(), ["key"]);
    assert_eq!(store.commit(ask("key", Some(first))).await, Ok(first));
    assert_eq!(store.commit(ask("never looked at", None)).await, Ok(first));
    disk.go.send(()).unwrap();
    let second = writing.await.unwrap().unwrap();
    assert_eq!(value(&store, "key").await.unwrap(), "new");
    assert_eq!(store.commit(ask("key", Some(second))).await, Ok(second));
}

#[tokio::test]
async fn what_is_durable_but_not_published_is_seen_by_nobody() {
    let folder = TempDir::new().unwrap();
    let (store, disk) = on_slow_disk(&folder, Stop::AfterDurable);
    let first = disk.commit(&store, put("key", "old")).await;
    let mut both = put("key", "new");
    both.puts.extend(put("other", "new").puts);
    let writing = disk.start(&store, both).await;
    // SQLite already shows it. The cache does not, and whoever sees it in SQLite has to wait.
    let (seen, found) =
        store.readers.snapshot(|connection| database::find(connection, "other")).await.unwrap();
    assert!(found.is_some() && seen > first);
    assert_eq!(value(&store, "key").await.unwrap(), "old");
    assert_eq!(store.commit(ask("key", Some(first))).await, Ok(first));
    tokio::select! {
        biased;
        _ = store.publication.reached(seen) => panic!("it is not published yet"),
        () = std::future::ready(()) => {}
    }
    store.publication.remember("other", found.as_ref(), seen);
    assert_eq!(store.publication.cached("other"), None);
    disk.go.send(()).unwrap();
    assert_eq!(writing.await.unwrap(), Ok(seen));
    store.publication.reached(seen).await.unwrap();
    assert_eq!(value(&store, "other").await.unwrap(), "new");
}

#[tokio::test]
async fn what_waits_together_is_synced_once() {
    let folder = TempDir::new().unwrap();
    let (store, disk) = on_slow_disk(&folder, Stop::BeforeDurable);
    let first = disk.start(&store, put("first", "")).await;
    let mut waiting = Vec::new();
    for n in 0..64 {
        let store = store.clone();
        let mut commit = put(&format!("key/{n}"), "");
        if n % 2 == 0 {
            // Half of them also claim the same key, which only the first can have.
            commit.checks.insert("throne".to_owned(), None);
            commit.puts.insert("throne".to_owned(), "".into());
        }
        waiting.push(tokio::spawn(async move { store.commit(commit).await }));
    }
    let_others_wait().await;
    disk.go.send(()).unwrap();
    disk.go.send(()).unwrap();
    first.await.unwrap().unwrap();
    let mut winners = 0;
    for outcome in waiting {
        match outcome.await.unwrap() {
            Ok(_) => winners += 1,
            Err(error) => assert_eq!(error, CommitError::Conflict { key: "throne".to_owned() }),
        }
    }
    assert_eq!(winners, 32 + 1);
    assert_eq!(store.list("key/", "", 99).await.unwrap().len(), winners);
    assert_eq!(disk.syncs.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn each_commit_of_a_batch_is_checked_against_those_before_it() {
    let folder = TempDir::new().unwrap();
    let (store, disk) = on_slow_disk(&folder, Stop::BeforeDurable);
    let old = disk.commit(&store, put("key", "old")).await;
    let first = disk.start(&store, put("first", "")).await;
    let checked = |seen, commit: Commit| Commit { checks: ask("key", seen).checks, ..commit };
    let delete = Commit { deletes: ["key".to_owned()].into(), ..Commit::default() };
    let mut waiting = Vec::new();
    for (commit, holds) in [
        (checked(None, put("too early", "")), false),
        (checked(Some(old), delete), true),
        (checked(Some(old), put("too late", "")), false),
        (checked(None, put("key", "new")), true),
        (checked(None, put("too late", "")), false),
        (checked(Some(old), put("too late", "")), false),
    ] {
        let store = store.clone();
        waiting.push((tokio::spawn(async move { store.commit(commit).await }), holds));
    }
    let_others_wait().await;
    disk.go.send(()).unwrap();
    disk.go.send(()).unwrap();
    first.await.unwrap().unwrap();
    for (place, (outcome, holds)) in waiting.into_iter().enumerate() {
        let outcome = outcome.await.unwrap();
        assert_eq!(outcome.is_ok(), holds, "{place}: {outcome:?}");
    }
    assert_eq!(disk.syncs.load(Ordering::Relaxed), 2 + 1);
    assert_eq!(value(&store, "key").await.unwrap(), "new");
    assert_eq!(store.list("", "", 9).await.unwrap(), ["first", "key"]);
}

#[tokio::test]
async fn checks_on_what_is_not_in_the_cache_are_made_all_the_same() {
    let folder = TempDir::new().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let first = store.commit(put("key", "old")).await.unwrap();
    drop(store);
    for (seen, holds) in [(None, false), (Some(first), true), (Some(first), false)] {
        let store = Embedded::open(folder.path()).unwrap();
        assert_eq!(store.publication.cached("key"), None);
        let commit = Commit { checks: ask("key", seen).checks, ..put("key", "new") };
        assert_eq!(store.commit(commit).await.is_ok(), holds);
    }
}

/// Asserts that after a commit ended in doubt the store only reads, until it is opened anew.
async fn check_fail_stop(
    fault: impl Fn(&Connection) -> rusqlite::Result<()> + Send + 'static,
    survives: bool,
) {
    let folder = TempDir::new().unwrap();
    let store = failing_at(2, &folder, fault);
    store.commit(put("key", "old")).await.unwrap();
    assert!(matches!(store.commit(put("key", "new")).await, Err(CommitError::Unknown(_))));
    let refused = store.commit(put("key", "newer")).await;
    assert!(
        matches!(&refused, Err(CommitError::Store(Error::Unavailable(text)))
        if text.contains("restart the server")),
        "{refused:?}"
    );
    assert_eq!(value(&store, "key").await.unwrap(), "old");
    // What SQLite shows but was never published is refused, and nobody waits for it for ever.
    assert_eq!(store.get("uncached").await.is_err(), survives);
    assert_eq!(store.list("", "", 9).await.is_err(), survives);
    drop(store);
    let store = Embedded::open(folder.path()).unwrap();
    assert_eq!(value(&store, "key").await.unwrap(), if survives { "new" } else { "old" });
    store.commit(put("key", "newest")).await.unwrap();
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_written_until_a_restart() {
    check_fail_stop(|_| Err(io_error()), false).await;
    let late = |connection: &Connection| commit_now(connection).and(Err(io_error()));
    check_fail_stop(late, true).await;
}

#[tokio::test]
async fn a_panic_of_the_writer_leaves_nobody_waiting() {
    check_fail_stop(|_| panic!("told to"), false).await;
    let late = |connection: &Connection| {
        commit_now(connection).unwrap();
        panic!("told to, a little later");
    };
    check_fail_stop(late, true).await;
}

#[tokio::test]
async fn those_still_queued_when_the_writer_breaks_are_told_that_nothing_was_written() {
    let folder = TempDir::new().unwrap();
    let (arrive, arrived) = channel::<()>();
    let (go, gone) = channel::<()>();
    let fault = move |_: &Connection| {
        arrive.send(()).unwrap();
        gone.recv().unwrap();
        panic!("told to")
    };
    let store = Arc::new(failing_at(1, &folder, fault));
    let disk = SlowDisk { arrived, go, syncs: Arc::default() };
    let broken = disk.start(&store, put("broken", "")).await;
    let queued = tokio::spawn({
        let store = store.clone();
        async move { store.commit(put("queued", "")).await }
    });
    let_others_wait().await;
    disk.go.send(()).unwrap();
    assert!(matches!(broken.await.unwrap(), Err(CommitError::Unknown(_))));
    assert!(matches!(queued.await.unwrap(), Err(CommitError::Store(_))));
}

#[tokio::test]
async fn a_full_disk_passes() {
    let folder = TempDir::new().unwrap();
    let store = failing_at(2, &folder, |_| Err(full()));
    let first = store.commit(put("key", "old")).await.unwrap();
    assert!(matches!(store.commit(put("key", "new")).await, Err(CommitError::Unknown(_))));
    assert_eq!(value(&store, "key").await.unwrap(), "old");
    let third = store.commit(put("key", "newer")).await.unwrap();
    assert!(third > first + 1, "a revision was given twice");
    assert_eq!(value(&store, "key").await.unwrap(), "newer");
}

#[tokio::test]
async fn a_batch_that_cannot_be_staged_writes_nothing_and_the_next_one_works() {
    let folder = TempDir::new().unwrap();
    let tight = |connection: &Connection| {
        commit_now(connection)?;
        connection.query_row("PRAGMA max_page_count = 16", [], |_| Ok(()))
    };
    let store = failing_at(1, &folder, tight);
    store.commit(put("key", "old")).await.unwrap();
    let mut large = put("large", &"x".repeat(1 << 20));
    large.puts.extend(put("key", "new").puts);
    let refused = store.commit(large).await;
    assert!(matches!(refused, Err(CommitError::Store(_))), "{refused:?}");
    assert_eq!(store.list("", "", 9).await.unwrap(), ["key"]);
    store.commit(put("key", "newer")).await.unwrap();
    assert_eq!(value(&store, "key").await.unwrap(), "newer");
}

#[tokio::test]
async fn the_log_starts_anew_however_steadily_it_is_written() {
    const LARGE_BYTES: usize = 4 << 20;
    let folder = TempDir::new().unwrap();
    let store = Arc::new(Embedded::open(folder.path()).unwrap());
    let log_bytes = async |n: u8| {
        let large = vec![n; LARGE_BYTES].into();
        let puts = [(format!("key/{}", n % 3), large)].into();
        store.commit(Commit { puts, ..Commit::default() }).await.unwrap();
        folder.path().join("strongroom.db-wal").metadata().unwrap().len()
    };
    for n in 0..20 {
        assert!(log_bytes(n).await < 48 << 20);
    }
    // A reader of the old pages is in the way of it all, but not of commits.
    let (go, gone) = channel::<()>();
    let (arrive, arrived) = channel();
    let readers = store.readers.clone();
    let reading = tokio::spawn(async move {
        let linger = move |_: &Connection| {
            arrive.send(()).unwrap();
            gone.recv().unwrap();
            Ok(())
        };
        readers.snapshot(linger).await
    });
    let_others_wait().await;
    arrived.recv().unwrap();
    for n in 20..32 {
        log_bytes(n).await;
    }
    assert!(log_bytes(32).await > 48 << 20);
    go.send(()).unwrap();
    reading.await.unwrap().unwrap();
    let mut after = 33..60;
    while log_bytes(after.next().unwrap()).await > 48 << 20 {}
    // What it started anew in is the same file, written over rather than made longer.
    for n in 60..80 {
        assert!(log_bytes(n).await > 24 << 20);
    }
}

#[tokio::test]
async fn every_connection_is_set_up_to_lose_nothing() {
    let folder = TempDir::new().unwrap();
    let check = |connection: &Connection| {
        let number =
            |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).unwrap();
        let journal =
            connection.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(journal, "wal");
        assert_eq!(number("PRAGMA synchronous"), 2);
        assert_eq!(number("PRAGMA fullfsync"), 1);
        assert_eq!(number("PRAGMA checkpoint_fullfsync"), 1);
        assert_eq!(number("PRAGMA wal_autocheckpoint"), 0);
        assert_eq!(number("PRAGMA secure_delete"), 1);
        Ok(())
    };
    let checked_commit =
        move |connection: &Connection| check(connection).and(commit_now(connection));
    let store = failing_at(1, &folder, checked_commit);
    store.commit(put("key", "")).await.unwrap();
    store.readers.snapshot(check).await.unwrap();
}
