//! The one way to change a store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;

use crate::{Error, Revision};

/// Writes that apply together, if and only if every check still holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// What each key must still be: `None` means absent.
    pub checks: BTreeMap<String, Option<Revision>>,
    /// What to store under each key.
    pub puts: BTreeMap<String, Bytes>,
    /// Keys to remove, whether or not they exist. Never also in `puts`.
    pub deletes: BTreeSet<String>,
}

/// Why a commit was not acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub enum CommitError {
    /// Another writer changed `key` first. Nothing was written; read again and try again.
    Conflict {
        /// The first check that did not hold.
        key: String,
    },
    /// The store cannot say whether the commit was applied. Never blindly repeat it.
    Unknown(String),
    /// The store refused or could not be reached. Nothing was written.
    Store(Error),
}

impl Commit {
    /// Whether this commit only asks if its checks hold.
    pub fn is_read_only(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }
}

impl fmt::Display for CommitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { key } => write!(formatter, "another writer changed \"{key}\" first"),
            Self::Unknown(cause) => {
                write!(formatter, "it is not known whether the commit was applied: {cause}")
            }
            Self::Store(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for CommitError {}
