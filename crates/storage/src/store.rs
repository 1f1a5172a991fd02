//! What a place must offer for Strongroom to live in it.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Commit, CommitError, Watch};

/// Grows with every commit; two equal revisions of a key hold equal values.
pub type Revision = u64;

/// What a store operation answers.
pub type Result<T> = std::result::Result<T, Error>;

/// One stored value, and which of its versions it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The bytes as they were put.
    pub value: Bytes,
    /// The commit that put them.
    pub revision: Revision,
}

/// Why a store could not answer. Texts are for the log, never for a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The barrier is sealed: nothing can be read or written until it is unsealed.
    Sealed,
    /// The store cannot be reached, or refuses; trying again later may help.
    Unavailable(String),
    /// What is stored under `key` is not what was put there.
    Corrupt {
        /// The key whose value is damaged.
        key: String,
    },
}

/// An ordered key-value store with optimistic commits, on one node or shared by many.
///
/// Keys are text and sort by their bytes. Every implementation passes
/// [`testing::conformance`](crate::testing::conformance).
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// What is stored under `key` now: everything whose commit was acknowledged is seen.
    ///
    /// # Errors
    /// [`Error`] when the store cannot answer.
    async fn get(&self, key: &str) -> Result<Option<Record>>;

    /// Keys that start with `prefix` and sort after `after`, in order, at most `limit` of them.
    /// One call sees one moment.
    ///
    /// # Errors
    /// [`Error`] when the store cannot answer.
    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>>;

    /// Applies all puts and deletes durably if every check still holds, or nothing at all.
    ///
    /// A commit without puts and deletes asks only "does all this still hold at one moment?" and
    /// answers with the newest revision; it costs no durable write.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when a check does not hold; [`CommitError::Unknown`] when the
    /// store cannot say whether the commit was applied; [`CommitError::Store`] when nothing was.
    async fn commit(&self, commit: Commit) -> std::result::Result<Revision, CommitError>;

    /// Reports keys as they change, by any node. Best effort: for freshness, never for truth.
    fn watch(&self) -> Watch;
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sealed => formatter.write_str("the barrier is sealed; unseal it first"),
            Self::Unavailable(cause) => write!(formatter, "the store is not available: {cause}"),
            Self::Corrupt { key } => write!(formatter, "the record at \"{key}\" is damaged"),
        }
    }
}

impl std::error::Error for Error {}
