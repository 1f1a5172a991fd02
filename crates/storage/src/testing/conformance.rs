//! One suite that every store passes; what it asserts is the contract of [`Store`].
//!
//! Each promise gets a fresh store. [`run`] takes the store at its word: a conflict nobody caused
//! is a failure. [`run_busy`] runs the same promises among others who win a third of all races.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::task::JoinSet;

use super::{Busy, Flaky};
use crate::{Change, Commit, CommitError, Record, Revision, Store, Transaction};

/// Tasks that write at the same time.
const WRITERS: u64 = 8;
/// What each of them commits.
const ROUNDS: u64 = 25;
/// A task that loses this many races in a row was starved.
const ATTEMPTS_MAX: usize = 10_000;

/// A store under test, and how many attempts an uncontested commit may take.
#[derive(Clone)]
struct Subject {
    store: Arc<dyn Store>,
    attempts_max: usize,
}

/// Every promise, each on a fresh store from `make`.
///
/// # Panics
/// When a promise is broken.
pub async fn run(make: impl AsyncFn() -> Arc<dyn Store>) {
    promises(async || Subject { store: make().await, attempts_max: 1 }).await;
}

/// Every promise, each on a fresh [`Busy`] store around one from `make`, for `seed`.
///
/// # Panics
/// When a promise is broken.
pub async fn run_busy(make: impl AsyncFn() -> Arc<dyn Store>, seed: u64) {
    promises(async || {
        let store = Arc::new(Busy::new(make().await, seed));
        Subject { store, attempts_max: ATTEMPTS_MAX }
    })
    .await;
}

async fn promises(make: impl AsyncFn() -> Subject) {
    what_was_put_is_there_until_deleted(make().await).await;
    values_come_back_byte_for_byte(make().await).await;
    keys_sort_by_their_bytes(make().await).await;
    listings_keep_to_their_bounds(make().await).await;
    a_commit_applies_only_if_every_check_holds(make().await).await;
    a_lost_commit_writes_nothing(make().await).await;
    asking_is_validated_and_writes_nothing(make().await).await;
    revisions_only_grow(make().await).await;
    a_recreated_key_is_not_mistaken_for_its_former_self(make().await).await;
    concurrent_increments_lose_nothing(make().await).await;
    only_one_of_many_creates_a_key(make().await).await;
    a_commit_is_seen_whole_or_not_at_all(make().await).await;
    a_validated_read_is_of_one_moment(make().await).await;
    a_listing_is_of_one_moment(make().await).await;
    watchers_hear_of_every_key(make().await).await;
    a_failing_store_never_does_half(make().await).await;
}

impl Subject {
    /// Commits what nobody else contests.
    async fn commit(&self, commit: Commit) -> Revision {
        for _ in 0..self.attempts_max {
            match self.store.commit(commit.clone()).await {
                Err(CommitError::Conflict { .. }) => {}
                outcome => return outcome.unwrap(),
            }
        }
        panic!("an uncontested commit was refused: {commit:?}")
    }

    async fn put(&self, key: &str, value: impl Into<Bytes>) -> Revision {
        self.commit(put(key, value)).await
    }

    async fn delete(&self, key: &str) -> Revision {
        self.commit(Commit { deletes: [key.to_owned()].into(), ..Commit::default() }).await
    }

    async fn record(&self, key: &str) -> Option<Record> {
        self.store.get(key).await.unwrap()
    }

    async fn revision(&self, key: &str) -> Option<Revision> {
        self.record(key).await.map(|record| record.revision)
    }

    async fn value(&self, key: &str) -> Option<Bytes> {
        self.record(key).await.map(|record| record.value)
    }

    async fn number(&self, key: &str) -> u64 {
        number(self.value(key).await)
    }

    async fn check_list(&self, (prefix, after, limit): (&str, &str, usize), expected: &[&str]) {
        let keys = self.store.list(prefix, after, limit).await.unwrap();
        assert_eq!(keys, expected, "list({prefix:?}, {after:?}, {limit})");
    }

    /// Adds one to the number under each of `keys`, in one commit, however many races that takes.
    async fn increment(&self, keys: &[&str]) {
        for _ in 0..ATTEMPTS_MAX {
            match try_increment(&self.store, keys).await {
                Err(CommitError::Conflict { .. }) => {}
                outcome => {
                    outcome.unwrap();
                    return;
                }
            }
        }
        panic!("{ATTEMPTS_MAX} races lost in a row");
    }

    /// Runs `work` as several tasks at once, each with its own number.
    async fn crowd<F: Future<Output = ()> + Send + 'static>(&self, work: impl Fn(Self, u64) -> F) {
        let mut tasks = JoinSet::new();
        for task in 0..WRITERS {
            tasks.spawn(work(self.clone(), task));
        }
        while let Some(finished) = tasks.join_next().await {
            finished.unwrap();
        }
    }
}

async fn what_was_put_is_there_until_deleted(subject: Subject) {
    assert_eq!(subject.value("key").await, None);
    subject.put("key", "first").await;
    assert_eq!(subject.value("key").await.unwrap(), "first");
    subject.put("key", "second").await;
    assert_eq!(subject.value("key").await.unwrap(), "second");
    assert_eq!(subject.value("ke").await, None);
    assert_eq!(subject.value("key/").await, None);
    assert_eq!(subject.value("KEY").await, None);
    subject.delete("key").await;
    assert_eq!(subject.value("key").await, None);
    subject.check_list(("", "", 9), &[]).await;
    subject.delete("key").await;
    subject.delete("never").await;
    assert_eq!(subject.value("never").await, None);
}

async fn values_come_back_byte_for_byte(subject: Subject) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let megabyte: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    let values = [Vec::new(), vec![0], every_byte, megabyte];
    for (n, value) in values.iter().enumerate() {
        subject.put(&format!("value/{n}"), value.clone()).await;
    }
    for (n, value) in values.iter().enumerate() {
        assert_eq!(subject.value(&format!("value/{n}")).await.unwrap(), value);
    }
    // A large value gives way to a small one, and the other way round.
    subject.put("value/3", "small").await;
    assert_eq!(subject.value("value/3").await.unwrap(), "small");
    subject.put("value/3", values[3].clone()).await;
    assert_eq!(subject.value("value/3").await.unwrap(), values[3]);
    subject.delete("value/3").await;
    assert_eq!(subject.value("value/3").await, None);
}

async fn keys_sort_by_their_bytes(subject: Subject) {
    let long = format!("a{}", "x".repeat(4096));
    let mut keys = vec![
        "a", "a ", "a!", "a-", "a.", "a/", "a/a", "a/b", "a0", "aA", "a\0", "a\0b", "A", "B", "Z",
        "é", "ß", "日本", "😀", "a%", "a_", "a*", "a?", "[", "'", "\"", "\\",
    ];
    keys.extend([&long, "e\u{301}", "\u{FFFF}", "\u{10FFFF}", "\u{10FFFF}a"]);
    for key in &keys {
        subject.put(key, (*key).to_owned()).await;
    }
    keys.sort_unstable();
    subject.check_list(("", "", usize::MAX), &keys).await;
    for key in &keys {
        assert_eq!(subject.value(key).await.unwrap(), *key);
    }
    for (n, key) in keys.iter().enumerate() {
        subject.check_list(("", key, usize::MAX), &keys[n + 1..]).await;
        let within: Vec<&str> = keys.iter().filter(|k| k.starts_with(key)).copied().collect();
        subject.check_list((key, "", usize::MAX), &within).await;
    }
}

async fn listings_keep_to_their_bounds(subject: Subject) {
    for key in ["a", "b", "b-", "b/", "b/1", "b/2", "b/2/x", "b/3", "b0", "c"] {
        subject.put(key, "").await;
    }
    subject.check_list(("b/", "", 99), &["b/", "b/1", "b/2", "b/2/x", "b/3"]).await;
    subject.check_list(("b/", "b/", 99), &["b/1", "b/2", "b/2/x", "b/3"]).await;
    subject.check_list(("b/", "b/2", 99), &["b/2/x", "b/3"]).await;
    subject.check_list(("b/", "b/2", 1), &["b/2/x"]).await;
    subject.check_list(("b/", "b/25", 99), &["b/3"]).await;
    subject.check_list(("b/", "b/3", 99), &[]).await;
    subject.check_list(("b/", "a", 2), &["b/", "b/1"]).await;
    subject.check_list(("b/", "b", 1), &["b/"]).await;
    subject.check_list(("b/", "z", 99), &[]).await;
    subject.check_list(("b/", "", 0), &[]).await;
    subject.check_list(("", "", 0), &[]).await;
    subject.check_list(("", "", 3), &["a", "b", "b-"]).await;
    subject.check_list(("", "b0", usize::MAX), &["c"]).await;
    subject.check_list(("", "c", usize::MAX), &[]).await;
    subject.check_list(("b", "b/3", usize::MAX), &["b0"]).await;
    subject.check_list(("nothing", "", usize::MAX), &[]).await;
    subject.check_list(("\u{10FFFF}", "", usize::MAX), &[]).await;
}

async fn a_commit_applies_only_if_every_check_holds(subject: Subject) {
    let there = subject.put("there", "").await;
    subject.put("target", "old").await;
    let check = async |checks: &[(&str, Option<Revision>)], applies: bool| {
        let checks: BTreeMap<_, _> =
            checks.iter().map(|(key, seen)| ((*key).to_owned(), *seen)).collect();
        let outcome = if applies {
            Ok(subject.commit(Commit { checks: checks.clone(), ..put("target", "new") }).await)
        } else {
            subject.store.commit(Commit { checks: checks.clone(), ..put("target", "new") }).await
        };
        match outcome {
            Ok(_) => assert!(applies, "applied although {checks:?}"),
            Err(CommitError::Conflict { key }) => assert!(checks.contains_key(&key)),
            Err(error) => panic!("{error}"),
        }
    };
    check(&[], true).await;
    check(&[("absent", None)], true).await;
    check(&[("there", Some(there))], true).await;
    check(&[("absent", None), ("there", Some(there))], true).await;
    check(&[("absent", Some(there))], false).await;
    check(&[("absent", Some(0))], false).await;
    check(&[("there", None)], false).await;
    check(&[("there", Some(there + 1))], false).await;
    check(&[("there", Some(there - 1))], false).await;
    check(&[("there", Some(u64::MAX))], false).await;
    check(&[("absent", None), ("there", None)], false).await;
    check(&[("absent", Some(1)), ("there", Some(there))], false).await;
    check(&[("target", None)], false).await;
}

async fn a_lost_commit_writes_nothing(subject: Subject) {
    let stale = subject.put("checked", "1").await;
    subject.put("checked", "2").await;
    subject.put("doomed", "").await;
    let revision = subject.put("kept", "old").await;
    let commit = Commit {
        checks: [("checked".to_owned(), Some(stale))].into(),
        puts: [("kept".to_owned(), "new".into()), ("created".to_owned(), "".into())].into(),
        deletes: ["doomed".to_owned()].into(),
    };
    let lost = Err(CommitError::Conflict { key: "checked".to_owned() });
    assert_eq!(subject.store.commit(commit).await, lost);
    subject.check_list(("", "", 9), &["checked", "doomed", "kept"]).await;
    let kept = Some(Record { value: "old".into(), revision });
    assert_eq!(subject.record("kept").await, kept);
}

async fn asking_is_validated_and_writes_nothing(subject: Subject) {
    let ask =
        |key: &str, seen| Commit { checks: [(key.to_owned(), seen)].into(), ..Commit::default() };
    let first = subject.put("key", "1").await;
    assert_eq!(subject.commit(ask("key", Some(first))).await, first);
    assert_eq!(subject.commit(ask("absent", None)).await, first);
    assert_eq!(subject.commit(Commit::default()).await, first);
    let second = subject.put("key", "2").await;
    let lost = Err(CommitError::Conflict { key: "key".to_owned() });
    assert_eq!(subject.store.commit(ask("key", Some(first))).await, lost);
    assert_eq!(subject.store.commit(ask("key", None)).await, lost);
    assert_eq!(subject.commit(ask("key", Some(second))).await, second);
    let third = subject.delete("key").await;
    assert_eq!(subject.store.commit(ask("key", Some(second))).await, lost);
    assert_eq!(subject.commit(ask("key", None)).await, third);
    subject.check_list(("", "", 9), &[]).await;
}

async fn revisions_only_grow(subject: Subject) {
    let mut newest = 0;
    for round in 0..10 {
        let revision = match round % 3 {
            0 => subject.put("key", "same").await,
            1 => subject.put("other", "same").await,
            _ => subject.delete("key").await,
        };
        assert!(revision > newest, "{revision} after {newest}");
        newest = revision;
    }
    let both = Commit {
        puts: [("key".to_owned(), "".into()), ("other".to_owned(), "".into())].into(),
        ..Commit::default()
    };
    let revision = Some(subject.commit(both).await);
    assert_eq!(subject.revision("key").await, revision);
    assert_eq!(subject.revision("other").await, revision);
}

async fn a_recreated_key_is_not_mistaken_for_its_former_self(subject: Subject) {
    let first = subject.put("key", "same").await;
    subject.delete("key").await;
    let second = subject.put("key", "same").await;
    assert!(second > first);
    let stale =
        Commit { checks: [("key".to_owned(), Some(first))].into(), ..put("key", "overwritten") };
    assert!(matches!(subject.store.commit(stale).await, Err(CommitError::Conflict { .. })));
    assert_eq!(subject.revision("key").await, Some(second));
}

async fn concurrent_increments_lose_nothing(subject: Subject) {
    // Equal revisions of a key must hold equal values, whoever reads them.
    let seen: Arc<Mutex<BTreeMap<Revision, Bytes>>> = Arc::default();
    let work = |subject: Subject, task: u64| {
        let seen = seen.clone();
        async move {
            for round in 0..ROUNDS {
                let own = format!("own/{task}");
                subject.increment(&["shared", &own]).await;
                assert_eq!(subject.number(&own).await, round + 1);
                let Record { value, revision } = subject.record("shared").await.unwrap();
                let before = seen.lock().unwrap().insert(revision, value.clone());
                assert!(before.is_none_or(|before| before == value));
            }
        }
    };
    subject.crowd(work).await;
    assert_eq!(subject.number("shared").await, WRITERS * ROUNDS);
}

async fn only_one_of_many_creates_a_key(subject: Subject) {
    let winners: Arc<Mutex<Vec<u64>>> = Arc::default();
    let work = |subject: Subject, task: u64| {
        let winners = winners.clone();
        async move {
            let claim = Commit {
                checks: [("throne".to_owned(), None)].into(),
                ..put("throne", task.to_string())
            };
            while subject.record("throne").await.is_none() {
                let _ = subject.store.commit(claim.clone()).await;
            }
            let winner = subject.number("throne").await;
            winners.lock().unwrap().push(winner);
        }
    };
    subject.crowd(work).await;
    let winners = winners.lock().unwrap();
    assert!(winners.iter().all(|winner| *winner == winners[0]), "{winners:?}");
}

/// Two keys always change together; who reads one after the other never sees time run backwards.
async fn a_commit_is_seen_whole_or_not_at_all(subject: Subject) {
    subject.commit(pair(0)).await;
    let work = async |subject: Subject, task: u64| {
        for _ in 0..ROUNDS {
            if task.is_multiple_of(2) {
                subject.increment(&["left", "right"]).await;
                continue;
            }
            let (one, other) = if task % 4 == 1 { ("left", "right") } else { ("right", "left") };
            let earlier = subject.record(one).await.unwrap();
            let later = subject.record(other).await.unwrap();
            assert!(later.revision >= earlier.revision, "{other} is older than {one}");
            assert!(number(Some(later.value)) >= number(Some(earlier.value)));
        }
    };
    subject.crowd(work).await;
    assert_eq!(subject.number("left").await, subject.number("right").await);
}

async fn a_validated_read_is_of_one_moment(subject: Subject) {
    subject.commit(pair(0)).await;
    let work = async |subject: Subject, task: u64| {
        for _ in 0..ROUNDS {
            if task.is_multiple_of(2) {
                subject.increment(&["left", "right"]).await;
                continue;
            }
            let transaction = Transaction::begin(subject.store.clone());
            let Ok(left) = transaction.get("left").await else { continue };
            let Ok(right) = transaction.get("right").await else { continue };
            match transaction.commit().await {
                Ok(_) => assert_eq!(left, right),
                Err(CommitError::Conflict { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    subject.crowd(work).await;
}

/// One stone wanders over many squares; a listing always shows exactly one.
async fn a_listing_is_of_one_moment(subject: Subject) {
    subject.put("board/000", "").await;
    let work = async |subject: Subject, task: u64| {
        for round in 0..ROUNDS {
            let seen = subject.store.list("board/", "", usize::MAX).await.unwrap();
            assert_eq!(seen.len(), 1, "{seen:?}");
            if task % 2 == 1 {
                continue;
            }
            let to = format!("board/{:03}", (round * 37 + task * 11) % 500);
            let revision = subject.revision(&seen[0]).await;
            if revision.is_none() || to == seen[0] {
                continue;
            }
            let step = Commit {
                checks: [(seen[0].clone(), revision)].into(),
                deletes: seen.into_iter().collect(),
                ..put(&to, "")
            };
            let _ = subject.store.commit(step).await;
        }
    };
    subject.crowd(work).await;
}

async fn watchers_hear_of_every_key(subject: Subject) {
    subject.put("before", "").await;
    let mut watch = subject.store.watch();
    let lost = Commit { checks: [("before".to_owned(), None)].into(), ..put("lost", "") };
    assert!(subject.store.commit(lost).await.is_err());
    subject.commit(Commit { deletes: ["before".to_owned()].into(), ..put("put", "") }).await;
    subject.put("later", "").await;
    let mut heard = Vec::new();
    while heard.len() < 3 {
        match watch.changed().await {
            Change::Keys(keys) => heard.extend(keys.iter().cloned()),
            other => panic!("{other:?}"),
        }
    }
    heard[..2].sort_unstable();
    assert_eq!(heard, ["before", "put", "later"]);
}

async fn a_failing_store_never_does_half(subject: Subject) {
    subject.commit(pair(0)).await;
    let flaky = Arc::new(Flaky::failing_one_in(3, subject.store.clone(), 7));
    let failing = Subject { store: flaky.clone(), ..subject.clone() };
    let acknowledged: Arc<Mutex<u64>> = Arc::default();
    let unknown: Arc<Mutex<u64>> = Arc::default();
    let work = |subject: Subject, _| {
        let (acknowledged, unknown) = (acknowledged.clone(), unknown.clone());
        async move {
            for _ in 0..ROUNDS {
                match try_increment(&subject.store, &["left", "right"]).await {
                    Ok(_) => *acknowledged.lock().unwrap() += 1,
                    Err(CommitError::Unknown(_)) => *unknown.lock().unwrap() += 1,
                    Err(CommitError::Conflict { .. } | CommitError::Store(_)) => {}
                }
            }
        }
    };
    failing.crowd(work).await;
    let left = subject.number("left").await;
    assert_eq!(left, subject.number("right").await);
    let (acknowledged, unknown) = (*acknowledged.lock().unwrap(), *unknown.lock().unwrap());
    assert!(acknowledged <= left && left <= acknowledged + unknown);
}

async fn try_increment(store: &Arc<dyn Store>, keys: &[&str]) -> Result<Revision, CommitError> {
    let transaction = Transaction::begin(store.clone());
    for key in keys {
        let value = number(transaction.get(key).await?);
        transaction.put(key, (value + 1).to_string());
    }
    transaction.commit().await
}

fn pair(value: u64) -> Commit {
    let value = Bytes::from(value.to_string());
    let puts = [("left".to_owned(), value.clone()), ("right".to_owned(), value)].into();
    Commit { puts, ..Commit::default() }
}

fn put(key: &str, value: impl Into<Bytes>) -> Commit {
    Commit { puts: [(key.to_owned(), value.into())].into(), ..Commit::default() }
}

fn number(value: Option<Bytes>) -> u64 {
    value.map_or(0, |value| str::from_utf8(&value).unwrap().parse().unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    async fn memory() -> Arc<dyn Store> {
        Arc::new(Memory::default())
    }

    #[tokio::test]
    async fn memory_keeps_every_promise() {
        run(memory).await;
    }

    #[tokio::test]
    async fn memory_keeps_every_promise_when_busy() {
        for seed in 0..8 {
            run_busy(memory, seed).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn memory_keeps_every_promise_on_many_threads() {
        run(memory).await;
        run_busy(memory, 1).await;
    }
}
