//! How many durable commits the embedded store takes by itself, on the disk the server uses.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backends::Embedded;
use storage::{Commit, CommitError, Revision, Store};
use tokio::task::JoinSet;

use super::failure::{Failure, Outcome};
use super::process;
use super::rounds::{Round, now, since};

/// As long as what the server stores for one small secret.
const VALUE_BYTES: usize = 52;
/// As long as what stands before the name of a secret in the keys of the server.
const FOLDER: &str = "mount/00000000-0000-0000-0000-000000000000/secret/";
/// Records whose names are as long as those that the server reads for a write and asks to be still
/// so when it commits: what is mounted and audited, who asks and what they may do, and the keys.
const STEADY: [&str; 7] = [
    "core/keyring",
    "sys/audit",
    "sys/entity/00000000-0000-0000-0000-000000000000",
    "sys/mounts",
    "sys/policy/bench",
    "sys/policy/default",
    "sys/token/000000000000-0000000000000000000000000000000000000000000000000000000000000000",
];
/// How many commits one caller makes in one round.
const COMMITS_MAX: usize = 1_000_000;

/// A store that is asked for what the server asks of it when one small secret is written.
pub(crate) struct Durable {
    store: Embedded,
    steady: BTreeMap<String, Option<Revision>>,
}

impl Durable {
    /// Opens an empty store in `folder`.
    pub(crate) async fn open(folder: &Path) -> Outcome<Arc<Self>> {
        std::fs::create_dir_all(folder)?;
        let store = Embedded::open(folder).map_err(|error| Failure::new(error.to_string()))?;
        let puts = STEADY.map(|key| (key.to_owned(), vec![0; VALUE_BYTES].into())).into();
        let revision = store.commit(Commit { puts, ..Commit::default() }).await?;
        let steady = STEADY.map(|key| (key.to_owned(), Some(revision))).into();
        Ok(Arc::new(Self { store, steady }))
    }

    /// Looks at the secret called `name` and commits a new value for it.
    pub(crate) async fn write(&self, name: &str) -> Result<(), CommitError> {
        let key = format!("{FOLDER}{name}");
        let found = self.store.get(&key).await.map_err(CommitError::Store)?;
        let mut checks = self.steady.clone();
        checks.insert(key.clone(), found.map(|record| record.revision));
        let puts = [(key, vec![0; VALUE_BYTES].into())].into();
        self.store.commit(Commit { checks, puts, ..Commit::default() }).await.map(|_| ())
    }

    /// Lets `callers` write one secret after the other for `duration`.
    pub(super) async fn round(
        self: &Arc<Self>,
        callers: usize,
        duration: Duration,
    ) -> Outcome<Round> {
        let before = process::own_processor_seconds()?;
        let start = now();
        let mut running = JoinSet::new();
        for caller in 0..callers {
            running.spawn(write_until(self.clone(), caller, start, duration));
        }
        let mut commits = 0;
        while let Some(committed) = running.join_next().await {
            commits += committed??;
        }
        let commits = commits as f64;
        let per_second = commits / since(start).as_secs_f64();
        let used = process::own_processor_seconds()? - before;
        Ok(Round { per_second, processor_microseconds: Some(used * 1e6 / commits) })
    }
}

async fn write_until(
    durable: Arc<Durable>,
    caller: usize,
    start: Instant,
    duration: Duration,
) -> Outcome<usize> {
    for number in 0..COMMITS_MAX {
        if since(start) >= duration {
            return Ok(number);
        }
        durable.write(&super::server::written_key(caller, number)).await?;
    }
    Ok(COMMITS_MAX)
}
