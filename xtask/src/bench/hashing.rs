//! How many passwords this machine can hash: no server can take more logins than that.

use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use argon::{Cost, Memory, Variant, Version};
use tokio::task::JoinSet;

use super::failure::{Failure, Outcome};
use super::rounds::{Round, now, since};

/// What `userpass` hashes with; a test compares.
const COST: Cost = Cost {
    variant: Variant::Id,
    version: Version::Current,
    memory_kib: 19_456,
    passes: 2,
    lanes: 1,
};
const TAG_BYTES: usize = 32;

/// How many hashes one thread makes in one round.
const HASHES_MAX: usize = 100_000;

/// What is done over and over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    Argon2,
    /// One bcrypt hash of this cost, and then one of Argon2id.
    BcryptThenArgon2(u32),
}

/// Threads that hash, as many as the server's workshop has benches.
pub(super) struct Hashing {
    work: Work,
    /// Each thread's memory, kept as the workshop keeps it.
    arenas: Vec<Memory>,
}

impl Hashing {
    pub(super) fn new(work: Work) -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        Self { work, arenas: (0..threads).map(|_| Memory::default()).collect() }
    }

    pub(super) fn threads(&self) -> usize {
        self.arenas.len()
    }

    /// Hashes on all threads for `duration`.
    pub(super) async fn round(&mut self, duration: Duration) -> Outcome<Round> {
        let (start, work) = (now(), self.work);
        let mut hashing = JoinSet::new();
        for mut arena in self.arenas.drain(..) {
            hashing.spawn_blocking(move || {
                hash_until(work, (start, duration), &mut arena).map(|n| (n, arena))
            });
        }
        let mut hashes = 0;
        while let Some(hashed) = hashing.join_next().await {
            let (count, arena) = hashed??;
            hashes += count;
            self.arenas.push(arena);
        }
        let per_second = hashes as f64 / since(start).as_secs_f64();
        Ok(Round { per_second, processor_microseconds: None })
    }
}

fn hash_until(
    work: Work,
    (start, duration): (Instant, Duration),
    arena: &mut Memory,
) -> Outcome<usize> {
    for number in 0..HASHES_MAX {
        if since(start) >= duration {
            return Ok(number);
        }
        if let Work::BcryptThenArgon2(cost) = work {
            let hashed = bcrypt::hash("correct horse", cost);
            hashed.map_err(|error| Failure::new(error.to_string()))?;
        }
        let mut tag = [0; TAG_BYTES];
        argon::derive(COST, (b"correct horse", b"battery staple.."), &mut tag, arena)
            .map_err(|error| Failure::new(error.to_string()))?;
    }
    Ok(HASHES_MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn userpass_hashes_with_the_same_parameters() {
        let path = "../crates/engines/src/auth/userpass/hash/parameters.rs";
        let root = env!("CARGO_MANIFEST_DIR");
        let source = std::fs::read_to_string(format!("{root}/{path}")).unwrap();
        let source = source.replace('_', "");
        let Cost { memory_kib, passes, lanes, .. } = COST;
        let ours = format!("memorykib: {memory_kib}, passes: {passes}, lanes: {lanes} }}");
        assert!(source.contains(&ours), "change the constants above to those of {path}");
    }
}
