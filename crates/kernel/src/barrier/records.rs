//! The barrier's own records, all under `core/`, where nobody above the barrier can reach.
//!
//! | key | holds | sealed with |
//! |---|---|---|
//! | `core/seal` | how many shares there are and how many are needed | nothing, see below |
//! | `core/root-key` | the root key | the unseal key |
//! | `core/keyring` | the data keys and the derivation secret | the root key |
//! | `core/budget/<term>` | how often the active data key may have been used | a subkey |
//!
//! `core/seal` is the one value that is not ciphertext: a sealed node has to say how many shares it
//! waits for. It holds no secret, and the root key is bound to its bytes: once it has been changed,
//! the right shares do not open the root key any more.

use bytes::Bytes;
use storage::{Error, Result};
use zeroize::Zeroizing;

use super::Barrier;
use super::envelope::{Binding, Cipher, Envelope};
use super::key::Key32;
use super::keyring::Keyring;

/// Prefix of the keys that only the barrier may use.
pub(super) const CORE: &str = "core/";

/// More records than the barrier ever keeps at once, so that a listing can look past them.
pub(super) const CORE_RECORDS_MAX: usize = 16;

/// How the unseal key is split; in clear.
pub(super) const SEAL: &str = "core/seal";

/// The root key, sealed with the unseal key.
pub(super) const ROOT_KEY: &str = "core/root-key";

/// The keyring, sealed with the root key.
pub(super) const KEYRING: &str = "core/keyring";

/// Followed by a term: the count of that term's encryptions.
pub(super) const BUDGETS: &str = "core/budget/";

impl Barrier {
    pub(super) fn seal_root_key(
        &self,
        unseal_key: &Key32,
        root: &Key32,
        configuration: &[u8],
    ) -> Result<Bytes> {
        let binding = Binding { beside: configuration, ..Binding::of_record(ROOT_KEY) };
        self.seal_with(&Cipher::new(unseal_key), binding, root.as_bytes())
    }

    pub(super) fn seal_keyring(&self, root: &Key32, keyring: &Keyring) -> Result<Bytes> {
        self.seal_with(&Cipher::new(root), Binding::of_record(KEYRING), &keyring.encode())
    }

    /// Seals one record with a nonce drawn for it.
    pub(super) fn seal_with(
        &self,
        cipher: &Cipher,
        binding: Binding<'_>,
        plaintext: &[u8],
    ) -> Result<Bytes> {
        let mut nonce = [0; _];
        self.entropy.fill(&mut nonce);
        cipher.seal(binding, nonce, plaintext).ok_or_else(too_long)
    }
}

/// Whether `key` is one of the barrier's own.
pub(crate) fn is_reserved(key: &str) -> bool {
    key.starts_with(CORE)
}

/// The root key, if `unseal_key` and `configuration` are the ones it was sealed with.
pub(super) fn open_root_key(
    unseal_key: &Key32,
    sealed: &[u8],
    configuration: &[u8],
) -> Option<Key32> {
    let binding = Binding { beside: configuration, ..Binding::of_record(ROOT_KEY) };
    let bytes = Cipher::new(unseal_key).open(binding, &Envelope::parse(sealed)?)?;
    Key32::from_bytes(&Zeroizing::new(bytes))
}

/// The keyring, if it was sealed with `root`.
pub(super) fn open_keyring(root: &Key32, sealed: &[u8]) -> Option<Keyring> {
    let bytes = Cipher::new(root).open(Binding::of_record(KEYRING), &Envelope::parse(sealed)?)?;
    Keyring::decode(&Zeroizing::new(bytes))
}

pub(super) fn too_long() -> Error {
    Error::Unavailable("a value is too long to be encrypted".to_owned())
}
