//! How fast the embedded store is on this machine: `cargo run --release --example store_speed`.
//!
//! Prints durable commits of one put per second, with 1 and with 64 callers, and point reads per
//! second with 1 and 64 readers, from the cache and past it. Give a folder to measure its disk.

#![allow(clippy::disallowed_methods, reason = "a measurement looks at the clock")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backends::Embedded;
use storage::{Commit, Store};

const SECONDS: u64 = 3;
const VALUE_BYTES: usize = 1024;
/// Far more than the cache holds, so that nearly every read past it goes to SQLite.
const COLD_KEYS: usize = 100_000;
const HOT_KEYS: usize = 1000;
/// Commits while filling the store hold this many puts.
const FILL_PUTS: usize = 1000;

#[tokio::main]
async fn main() {
    let within = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(within).expect("a measurement needs a store that works");
    let store =
        Arc::new(Embedded::open(folder.path()).expect("a measurement needs a store that works"));
    fill(&store).await;
    for callers in [1, 64] {
        let rate = measure(&store, callers, Work::Commit).await;
        println!("durable 1-put commits/s, {callers:>2} callers: {rate:>8}");
    }
    for (name, keys) in [("cached", HOT_KEYS), ("mostly uncached", COLD_KEYS)] {
        for callers in [1, 64] {
            let rate = measure(&store, callers, Work::ReadAmong(keys)).await;
            println!("{name} point reads/s, {callers:>2} readers: {rate:>8}");
        }
    }
}

#[derive(Clone, Copy)]
enum Work {
    Commit,
    ReadAmong(usize),
}

/// How often per second `callers` at once get `work` done.
async fn measure(store: &Arc<Embedded>, callers: usize, work: Work) -> u64 {
    let end = Instant::now() + Duration::from_secs(SECONDS);
    let mut running = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let store = store.clone();
        running.spawn(async move {
            let mut done = 0;
            while Instant::now() < end {
                once(&store, work, (caller, done)).await;
                done += 1;
            }
            done as u64
        });
    }
    running.join_all().await.into_iter().sum::<u64>() / SECONDS
}

async fn once(store: &Embedded, work: Work, (caller, n): (usize, usize)) {
    match work {
        // Keys in the order of time, as tokens and leases have them.
        Work::Commit => {
            store
                .commit(put(n, &format!("new/{n:012}/{caller}")))
                .await
                .expect("a measurement needs a store that works");
        }
        Work::ReadAmong(keys) => {
            let key = format!("old/{:06}", (n * 7919 + caller * 104_729) % keys);
            assert!(
                store.get(&key).await.expect("a measurement needs a store that works").is_some()
            );
        }
    }
}

fn put(n: usize, key: &str) -> Commit {
    let value =
        vec![u8::try_from(n % 251).expect("a measurement needs a store that works"); VALUE_BYTES];
    Commit { puts: [(key.to_owned(), value.into())].into(), ..Commit::default() }
}

async fn fill(store: &Embedded) {
    for start in (0..COLD_KEYS).step_by(FILL_PUTS) {
        let mut commit = Commit::default();
        for n in start..start + FILL_PUTS {
            commit.puts.extend(put(n, &format!("old/{n:06}")).puts);
        }
        store.commit(commit).await.expect("a measurement needs a store that works");
    }
}
