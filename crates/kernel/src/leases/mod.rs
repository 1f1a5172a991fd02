//! Leases: everything issued ends.
//!
//! What ends has one record under `due/`, named by the moment it ends, so that "what has ended?"
//! is the front of an ordered list, and a million leases cost nothing at start. Every node looks;
//! none is special. Two nodes that reach for the same lease both try to delete the same record,
//! and the store lets one of them.
//!
//! Reading order: this file (ending what is due), `index` (what leases are called), `prefix` (ending
//! many at once), `paths`.

mod index;
mod paths;
mod prefix;

use std::sync::Arc;

use api::{Moment, Result};
use serde::{Deserialize, Serialize};
use storage::{Table, View};

use crate::Kernel;
use crate::tokens::{self, Ended, TokenKey};
use crate::visit::Visit;
use crate::worker::pass_over_damage;

pub(crate) use index::{delete, put};
pub(crate) use paths::paths;
pub(crate) use prefix::{
    ENDED_PREFIXES_KEY, EndedPrefixes, clear_up_ended_prefixes, era, is_ended,
};

/// What ends when, by [`due_name`].
const DUE: Table<Due> = Table::new("due/");
/// Leases ended in one round.
const BATCH_MAX: usize = 64;

/// Something that ends.
#[derive(Deserialize, Serialize)]
struct Due {
    token: TokenKey,
}

/// The name of a due date: sorts by the moment first.
pub(crate) fn due_name(end: Moment, key: &TokenKey) -> String {
    format!("{:020}-{key}", end.unix_milliseconds())
}

/// Notes that a token ends at `end`.
pub(crate) fn put_due(system: &View, end: Moment, key: &TokenKey) {
    DUE.put(system, &due_name(end, key), &Due { token: key.clone() });
}

/// Forgets a due date, because the token ends earlier or later.
pub(crate) fn delete_due(system: &View, name: &str) {
    DUE.delete(system, name);
}

/// Ends what is due, a bounded number of leases at a time.
///
/// # Errors
/// When the store cannot answer; losing a race is none.
pub(crate) async fn end_due(kernel: &Arc<Kernel>) -> Result<usize> {
    if !kernel.is_ready() {
        return Ok(0);
    }
    let visit = Visit::of_worker(kernel);
    let due = DUE.list(&visit.system, "", BATCH_MAX).await?;
    let horizon = format!("{:020}.", visit.now.unix_milliseconds());
    let mut ended = 0;
    for name in due.iter().take_while(|name| name.as_str() < horizon.as_str()) {
        ended += match pass_over_damage(end_one(&Visit::of_worker(kernel), name).await) {
            Ok(ended) => usize::from(ended == Some(true)),
            // Another node took it.
            Err(error) if error.is_conflict() => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(ended)
}

async fn end_one(visit: &Visit, name: &str) -> Result<bool> {
    let Some(due) = DUE.get(&visit.system, name).await? else {
        return Ok(false);
    };
    let ended = tokens::end_if_due(visit, &due.token).await?;
    if let Ended::NotYet = ended {
        return Ok(false);
    }
    DUE.delete(&visit.system, name);
    visit.commit().await?;
    if let Ended::After(lived) = ended {
        tracing::debug!(lived = %lived, "a token has ended");
    }
    Ok(true)
}
