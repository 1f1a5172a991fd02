//! Whatever was acknowledged survives `kill -9`, and nothing is ever half there.

#![allow(clippy::disallowed_methods, reason = "a child process is told its folder this way")]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use backends::Embedded;
use storage::{Commit, Store};
use tempfile::TempDir;

/// Tells the re-executed test where to write.
const FOLDER: &str = "STRONGROOM_CRASH_FOLDER";
/// How often to kill; set it higher to look harder.
const ROUNDS: &str = "STRONGROOM_CRASH_ROUNDS";
const ROUNDS_DEFAULT: usize = 6;
/// Callers that write at the same time.
const WRITERS: usize = 16;
/// What a line of the child about an acknowledged commit begins with.
const ACKNOWLEDGED: &str = "acknowledged ";
/// A commit leaves the pair of this many commits earlier deleted.
const KEPT: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    let rounds = std::env::var(ROUNDS).map_or(ROUNDS_DEFAULT, |rounds| rounds.parse().unwrap());
    let folder = TempDir::new().unwrap();
    let mut newest = 0;
    for round in 0..rounds {
        // Somewhere else each time; the exact moment is the scheduler's.
        let enough = 20 + round * 173 % 600;
        let acknowledged = write_until_killed(folder.path(), enough);
        assert!(acknowledged.len() >= enough);
        let store = Embedded::open(folder.path()).unwrap();
        newest = check(&store, &acknowledged, newest).await;
    }
}

/// Every acknowledged pair is there unless a later commit took it away; no pair is broken.
async fn check(store: &Embedded, acknowledged: &BTreeSet<(usize, usize)>, newest: u64) -> u64 {
    let left = store.list("left/", "", usize::MAX).await.unwrap();
    let right = store.list("right/", "", usize::MAX).await.unwrap();
    let name = |key: &String| key.split_once('/').unwrap().1.to_owned();
    let left: BTreeSet<String> = left.iter().map(name).collect();
    assert_eq!(left, right.iter().map(name).collect());
    for writer in 0..WRITERS {
        let Some(last) = acknowledged.iter().filter(|pair| pair.0 == writer).max() else {
            continue;
        };
        // The commit after the last acknowledged one may or may not have been applied.
        let expected = (last.1 + 2).saturating_sub(KEPT)..=last.1;
        for n in expected {
            assert!(left.contains(&format!("{writer}/{n:08}")), "lost {writer}/{n}");
        }
    }
    let revision = store.commit(pair(WRITERS, 0)).await.unwrap();
    assert!(revision > newest);
    store
        .commit(Commit {
            deletes: pair(WRITERS, 0).puts.into_keys().collect(),
            ..Commit::default()
        })
        .await
        .unwrap()
}

fn pair(writer: usize, n: usize) -> Commit {
    let name = format!("{writer}/{n:08}");
    let value = "value".repeat(n % 300);
    let puts = ["left", "right"].map(|side| (format!("{side}/{name}"), value.clone().into()));
    Commit { puts: puts.into(), ..Commit::default() }
}

fn write_until_killed(folder: &Path, enough: usize) -> BTreeSet<(usize, usize)> {
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_writes_until_it_is_killed", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = BTreeSet::new();
    let mut note = |line: &str| {
        // A line cut off by the kill has no end and counts for nothing.
        let Some(line) = line.strip_suffix('\n') else { return acknowledged.len() };
        if let Some((_, pair)) = line.split_once(ACKNOWLEDGED) {
            let (writer, n) = pair.split_once(' ').unwrap();
            acknowledged.insert((writer.parse().unwrap(), n.parse().unwrap()));
        }
        acknowledged.len()
    };
    let mut line = String::new();
    while note(&line) < enough {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the child ended by itself");
    }
    let refused = Embedded::open(folder).err().unwrap().to_string();
    assert!(refused.contains("is in use by another server"), "{refused}");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    for line in rest.split_inclusive('\n') {
        note(line);
    }
    acknowledged
}

/// The part that runs in a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = Arc::new(Embedded::open(Path::new(&folder)).unwrap());
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(store.clone(), writer));
    }
    writers.join_all().await;
}

async fn write(store: Arc<Embedded>, writer: usize) {
    let last = store.list(&format!("left/{writer}/"), "", usize::MAX).await.unwrap().pop();
    let first = last.map_or(0, |key| key.rsplit_once('/').unwrap().1.parse::<usize>().unwrap() + 1);
    for n in first.. {
        let mut commit = pair(writer, n);
        if n >= KEPT {
            commit.deletes = pair(writer, n - KEPT).puts.into_keys().collect();
        }
        store.commit(commit).await.unwrap();
        println!("{ACKNOWLEDGED}{writer} {n}");
    }
}
