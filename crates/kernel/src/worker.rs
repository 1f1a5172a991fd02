//! Work that nobody asked for just now.

use std::sync::Arc;

use api::{BoxFuture, Error, Result};

use crate::{Kernel, leases, mounts, time, tokens};

/// A chore every node does, over and over.
///
/// It takes no input but the time: whatever it needs to know, it reads from the store. So it does
/// not matter who runs it, how many run it at once, or whether the last run was cut short.
pub struct Worker {
    /// What it does, for the log.
    pub name: &'static str,
    /// Does a bounded amount of work and says how much; 0 means there is nothing left for now.
    pub work: for<'a> fn(&'a Arc<Kernel>) -> BoxFuture<'a, Result<usize>>,
}

/// Every chore there is.
pub const WORKERS: &[Worker] = &[
    Worker { name: "keep the time", work: |kernel| Box::pin(time::keep_round(kernel)) },
    Worker { name: "end leases that are due", work: |kernel| Box::pin(leases::end_due(kernel)) },
    Worker {
        name: "end what lies below ended prefixes",
        work: |kernel| Box::pin(leases::clear_up_ended_prefixes(kernel)),
    },
    Worker {
        name: "clear up behind ended tokens",
        work: |kernel| Box::pin(tokens::clear_up_ended(kernel)),
    },
    Worker {
        name: "clear up behind owners whose tokens were all ended",
        work: |kernel| Box::pin(tokens::clear_up_owners(kernel)),
    },
    Worker {
        name: "clear up behind disabled mounts",
        work: |kernel| Box::pin(mounts::clear_up_disabled(kernel)),
    },
];

/// Passes over what cannot be dealt with, so that one damaged record holds up nothing behind it.
///
/// # Errors
/// Those that the next piece of the chore would meet as well, and lost races.
pub(crate) fn pass_over_damage<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Err(Error::Internal(cause)) => {
            tracing::error!(cause, "a chore met what it cannot deal with, and went on");
            Ok(None)
        }
        other => other.map(Some),
    }
}
