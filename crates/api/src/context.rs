//! What an engine's handler may touch besides its parameters.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use storage::View;

use crate::{CanonicalPath, Entropy, Memory, Moment, Seconds, Services, Wordlists, Workshop};

/// One request as an engine sees it, inside the request's transaction.
pub struct Context {
    /// This mount's corner of the store.
    pub store: View,
    /// The time of this attempt. Time is an argument, so tests can hold it still.
    pub now: Moment,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
    /// The mount this request came to.
    pub mount: MountFacts,
    /// The whole path, names folded as declared.
    pub path: CanonicalPath,
    /// Who asks, where the path needs a token.
    pub caller: Option<Caller>,
    /// The address the request came from, if it came over a network.
    pub remote: Option<SocketAddr>,
    /// What the kernel does for engines, inside the same transaction.
    pub services: Arc<dyn Services>,
    /// The lists of words on this node, such as passwords that everybody tries first.
    pub wordlists: Wordlists,
    /// Where slow, memory-hungry work such as password hashing is done.
    pub workshop: Arc<Workshop>,
    /// What earlier attempts at this request found out at great cost.
    pub memory: Arc<Memory>,
    /// What the caller should be told besides the answer.
    pub warnings: Warnings,
}

/// What an engine may know of the mount it is answering for. Made anew for every request, so it has
/// what engines ask about and no more.
#[derive(Clone, Debug)]
pub struct MountFacts {
    /// Where requests find it, with a slash at its end: `auth/userpass/`.
    pub path: String,
    /// How long things issued here live, unless they say.
    pub ttl_default: Seconds,
    /// How long things issued here live at most.
    pub ttl_max: Seconds,
    /// When it was given to this engine by an earlier version of it, if it was: records of that
    /// one may still be there.
    pub upgraded: Option<Moment>,
}

/// Who asks. Made anew for every request, so it has what engines ask about and no more.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The accessor of their token.
    pub accessor: String,
    /// The name this mount knows them by, where it was this mount that gave them their token.
    pub alias: Option<String>,
}

/// What the caller should be told besides the answer.
#[derive(Default)]
pub struct Warnings(Mutex<Vec<String>>);

impl Context {
    /// Tells the caller something besides the answer.
    pub fn warn(&self, text: impl Into<String>) {
        self.warnings.add(text);
    }
}

impl Warnings {
    /// One more thing to tell.
    pub fn add(&self, text: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.into());
    }

    /// All there is to tell, in the order it came up.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
