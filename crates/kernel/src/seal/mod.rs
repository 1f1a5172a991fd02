//! Whether a node may see anything at all, and how people with shares let it.
//!
//! A store is nobody's until [`Seal::initialize`]; from then on every node that starts on it is
//! sealed, until enough of the shares made at initialisation have been submitted to that node. The
//! shares together are the unseal key, which opens the root key, which opens the rest (see
//! [`barrier`](crate::barrier)).
//!
//! A wrong share shows only when enough of them are there, and then nobody learns which it was.
//!
//! Reading order: [`Seal`], [`Founding`], `configuration`, `shamir`, `decode`.

mod configuration;
mod decode;
mod error;
mod founding;
mod shamir;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use storage::Error;

use crate::barrier::{Barrier, Key32, OpeningError};
use crate::entropy::Entropy;
pub use configuration::Shares;
pub use decode::decode_share;
pub use error::SealError;
pub use founding::Founding;
pub use shamir::{CombineError, Share};

/// Bytes of the shortest share that is looked at.
const SHARE_BYTES_MIN: usize = 16;

/// Bytes of the longest: a key and its point.
const SHARE_BYTES_MAX: usize = 33;

/// The seal of one node. Shares submitted to another node do not count here.
pub struct Seal {
    barrier: Arc<Barrier>,
    entropy: Arc<dyn Entropy>,
    // A lock, although the kernel has none elsewhere: shares are on their way into memory and must
    // never be stored. It is never held across an await.
    progress: Mutex<Progress>,
}

/// What anyone may know about the seal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Whether the store has keys at all.
    pub initialized: bool,
    /// Whether this node lacks them.
    pub sealed: bool,
    /// How many shares there are; zero while uninitialised.
    pub shares: u8,
    /// How many of them unseal a node; zero while uninitialised.
    pub threshold: u8,
    /// How many were submitted to this node since the last attempt.
    pub progress: u8,
    /// Names the attempt that is in progress; empty when there is none.
    pub nonce: String,
}

/// The shares submitted so far.
#[derive(Default)]
struct Progress {
    parts: Vec<Share>,
    nonce: String,
    /// The configuration under which they were collected; under another one they mean nothing.
    configuration: Bytes,
    /// How often this node was sealed. An attempt that began before a sealing must not undo it.
    sealings: u64,
}

/// Enough shares to try, and what to try them on.
struct Attempt {
    parts: Vec<Share>,
    configuration: Bytes,
    sealings: u64,
}

impl Seal {
    /// The seal of `barrier`, which is sealed until shares arrive.
    pub fn new(barrier: Arc<Barrier>, entropy: Arc<dyn Entropy>) -> Self {
        Self { barrier, entropy, progress: Mutex::default() }
    }

    /// How things stand.
    ///
    /// # Errors
    /// [`SealError::Store`] when the store cannot say.
    pub async fn status(&self) -> Result<Status, SealError> {
        match self.configuration().await {
            Ok((shares, configuration)) => Ok(self.status_with(shares, &configuration)),
            Err(SealError::NotInitialized) => Ok(Status { sealed: true, ..Status::default() }),
            Err(error) => Err(error),
        }
    }

    /// Prepares keys for a store that has none; see [`Founding`] for what to do with them.
    ///
    /// # Errors
    /// [`SealError::AlreadyInitialized`], or [`SealError::Store`] when the store cannot say.
    pub async fn initialize(&self, shares: Shares) -> Result<Founding, SealError> {
        if self.barrier.configuration().await.map_err(SealError::Store)?.is_some() {
            return Err(SealError::AlreadyInitialized);
        }
        Ok(Founding::new(Arc::clone(&self.barrier), Arc::clone(&self.entropy), shares))
    }

    /// Takes one share; with enough of them, tries to unseal. Right or wrong, an attempt uses up
    /// its shares. One that is there already changes nothing, and neither does one too many.
    ///
    /// # Errors
    /// [`SealError::is_callers`] for shares that cannot be or did not fit; else the store.
    pub async fn submit(&self, share: Share) -> Result<Status, SealError> {
        let (shares, configuration) = self.configuration().await?;
        if !self.barrier.is_sealed() {
            return Ok(self.status_with(shares, &configuration));
        }
        match share.as_bytes().len() {
            ..SHARE_BYTES_MIN => return Err(SealError::ShareTooShort),
            SHARE_BYTES_MIN..=SHARE_BYTES_MAX => (),
            _ => return Err(SealError::ShareTooLong),
        }
        if let Some(attempt) = self.collect(share, shares, &configuration) {
            self.unseal(attempt).await?;
        }
        Ok(self.status_with(shares, &configuration))
    }

    /// Forgets the shares submitted so far.
    ///
    /// # Errors
    /// [`SealError::Unsealed`] when there is no use in it; [`SealError::NotInitialized`].
    pub async fn reset(&self) -> Result<Status, SealError> {
        let (shares, configuration) = self.configuration().await?;
        if !self.barrier.is_sealed() {
            return Err(SealError::Unsealed);
        }
        self.progress().clear();
        Ok(self.status_with(shares, &configuration))
    }

    /// Forgets the keys: from now on this node answers nothing.
    pub fn seal(&self) {
        let mut progress = self.progress();
        progress.clear();
        progress.sealings += 1;
        self.barrier.seal();
    }

    /// How the unseal key is split, and the very bytes that say so.
    async fn configuration(&self) -> Result<(Shares, Bytes), SealError> {
        let record = self.barrier.configuration().await.map_err(SealError::Store)?;
        let configuration = record.ok_or(SealError::NotInitialized)?.value;
        let damaged = || SealError::Store(Error::Corrupt { key: "core/seal".to_owned() });
        let shares = Shares::decode(&configuration).ok_or_else(damaged)?;
        Ok((shares, configuration))
    }

    fn status_with(&self, shares: Shares, configuration: &Bytes) -> Status {
        let progress = self.progress();
        let sealed = self.barrier.is_sealed();
        let counts = sealed && progress.configuration == configuration;
        Status {
            initialized: true,
            sealed,
            shares: shares.count(),
            threshold: shares.threshold(),
            // Never more than the threshold, which is a byte.
            progress: if counts { progress.parts.len() as u8 } else { 0 },
            nonce: if counts { progress.nonce.clone() } else { String::new() },
        }
    }

    /// Adds a share to the others, and hands out all of them when they are enough.
    fn collect(&self, share: Share, shares: Shares, configuration: &Bytes) -> Option<Attempt> {
        let mut progress = self.progress();
        if !self.barrier.is_sealed() {
            // Another submission was faster. What is added now would outlive its purpose.
            return None;
        }
        if progress.configuration != configuration {
            progress.clear();
            progress.configuration = configuration.clone();
        }
        if !progress.parts.iter().any(|part| part.is_same(&share)) {
            progress.parts.push(share);
        }
        if progress.nonce.is_empty() {
            progress.nonce = self.nonce();
        }
        if progress.parts.len() < usize::from(shares.threshold()) {
            return None;
        }
        let parts = std::mem::take(&mut progress.parts);
        progress.clear();
        let configuration = configuration.clone();
        Some(Attempt { parts, configuration, sealings: progress.sealings })
    }

    async fn unseal(&self, attempt: Attempt) -> Result<(), SealError> {
        let unseal_key = unseal_key(&attempt.parts)?;
        let opened = self.barrier.open(&unseal_key, &attempt.configuration).await;
        let opened = opened.map_err(|error| match error {
            OpeningError::Refused => SealError::WrongKey,
            OpeningError::Store(error) => SealError::Store(error),
        })?;
        let mut progress = self.progress();
        if progress.sealings == attempt.sealings {
            self.barrier.install(opened);
            progress.clear();
        }
        Ok(())
    }

    /// A name nobody can guess, in the form of a version 4 UUID.
    fn nonce(&self) -> String {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // Nothing in here panics between two changes, so a poisoned progress is still whole.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn clear(&mut self) {
        self.parts.clear();
        self.nonce.clear();
        self.configuration.clear();
    }
}

/// The key that the shares make: their combination, or the only share there is.
fn unseal_key(parts: &[Share]) -> Result<Key32, SealError> {
    let combined;
    let key = match parts {
        [only] => only.as_bytes(),
        several => {
            combined = shamir::combine(several).map_err(SealError::Combine)?;
            combined.as_slice()
        }
    };
    Key32::from_bytes(key).ok_or(SealError::NotAKey { bytes: key.len() })
}
