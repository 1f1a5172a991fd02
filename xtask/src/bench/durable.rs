//! How many durable commits the embedded store takes by itself, on the disk the server uses.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backends::Embedded;
use storage::{Commit, Store};
use tokio::task::JoinSet;

use super::failure::{Failure, Outcome};
use super::rounds::{Round, now, since};

/// As long as what the server writes for one small secret.
const VALUE_BYTES: usize = 128;
/// How many commits one caller makes in one round.
const COMMITS_MAX: usize = 1_000_000;

/// A store without a server.
pub(super) struct Durable(Arc<Embedded>);

impl Durable {
    pub(super) fn open(folder: &Path) -> Outcome<Self> {
        std::fs::create_dir_all(folder)?;
        let opened = Embedded::open(folder).map_err(|error| Failure::new(error.to_string()))?;
        Ok(Self(Arc::new(opened)))
    }

    /// Lets `callers` commit one put after the other for `duration`.
    pub(super) async fn round(&self, callers: usize, duration: Duration) -> Outcome<Round> {
        let start = now();
        let mut running = JoinSet::new();
        for caller in 0..callers {
            running.spawn(commit_until(self.0.clone(), caller, start, duration));
        }
        let mut commits = 0;
        while let Some(committed) = running.join_next().await {
            commits += committed??;
        }
        let per_second = commits as f64 / since(start).as_secs_f64();
        Ok(Round { per_second, processor_microseconds: None })
    }
}

async fn commit_until(
    store: Arc<Embedded>,
    caller: usize,
    start: Instant,
    duration: Duration,
) -> Outcome<usize> {
    for number in 0..COMMITS_MAX {
        if since(start) >= duration {
            return Ok(number);
        }
        let key = super::server::written_key(caller, number);
        let put = (key, vec![0; VALUE_BYTES].into());
        let commit = Commit { puts: [put].into(), ..Commit::default() };
        store.commit(commit).await.map_err(|error| Failure::new(error.to_string()))?;
    }
    Ok(COMMITS_MAX)
}
