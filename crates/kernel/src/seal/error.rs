//! Why the seal did not do what was asked. The texts are the ones existing clients compare.

use std::fmt;

use storage::{CommitError, Error};

use super::{CombineError, SHARE_BYTES_MAX, SHARE_BYTES_MIN};
use crate::barrier::KEY_BYTES;

/// Why the seal did not do what was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum SealError {
    /// Somebody initialised this store before.
    AlreadyInitialized,
    /// Nobody has initialised this store yet.
    NotInitialized,
    /// There is no unseal in progress that could be reset: the node is unsealed.
    Unsealed,
    /// The numbers of shares and threshold make no sense; the sentence says why.
    Shares(&'static str),
    /// What was given as a share is neither hexadecimal nor base64.
    NotAShare,
    /// No share is this short.
    ShareTooShort,
    /// No share is this long.
    ShareTooLong,
    /// Enough shares were given, but they cannot belong together.
    Combine(CombineError),
    /// Enough shares were given, but what they give is no key.
    NotAKey {
        /// How many bytes came out.
        bytes: usize,
    },
    /// Enough shares were given, but they do not open what is stored.
    WrongKey,
    /// The store could not be read.
    Store(Error),
    /// The first records could not be stored, or it is not known whether they were.
    Commit(CommitError),
}

impl SealError {
    /// Whether the one who asked can do something about it; otherwise it is the store.
    pub fn is_callers(&self) -> bool {
        !matches!(self, Self::Store(_) | Self::Commit(_))
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyInitialized => formatter.write_str("Vault is already initialized"),
            Self::NotInitialized => formatter.write_str("Vault is not initialized"),
            Self::Unsealed => formatter.write_str("vault is unsealed"),
            Self::Shares(wrong) => write!(formatter, "invalid seal configuration: {wrong}"),
            Self::NotAShare => formatter.write_str("'key' must be a valid hex or base64 string"),
            Self::ShareTooShort => write!(
                formatter,
                "invalid key: key is shorter than minimum {SHARE_BYTES_MIN} bytes"
            ),
            Self::ShareTooLong => {
                write!(formatter, "invalid key: key is longer than maximum {SHARE_BYTES_MAX} bytes")
            }
            Self::Combine(error) => {
                write!(formatter, "invalid key: failed to compute combined key: {error}")
            }
            Self::NotAKey { bytes } => write!(
                formatter,
                "invalid key: failed to setup unseal key: \
                 the key has {bytes} bytes where {KEY_BYTES} are needed"
            ),
            Self::WrongKey => formatter.write_str(
                "invalid key: failed to decrypt keys from storage: \
                 cipher: message authentication failed",
            ),
            Self::Store(error) => error.fmt(formatter),
            Self::Commit(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for SealError {}
