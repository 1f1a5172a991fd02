//! The data keys of all terms, and the secret that the subkeys come from.
//!
//! A new term adds a key; old terms stay, so that what they sealed can still be read. The
//! derivation secret never changes: a token hashed before a rotation is found after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::envelope::Cipher;
use super::key::{KEY_BYTES, Key32};
use crate::entropy::Entropy;

/// Terms a keyring may hold. A keyring of this size still fits in one record of every backend, and
/// at 2^31 encryptions a term nobody reaches it without rotating by hand, in a loop.
pub(super) const TERMS_MAX: usize = 10_000;

/// The first byte of an encoded keyring.
const FORMAT: u8 = 1;

/// Bytes of one encoded term.
const TERM_BYTES: usize = 4 + KEY_BYTES;

/// All data keys, of which one is in use for writing.
pub(super) struct Keyring {
    derivation: Arc<Key32>,
    active: u32,
    terms: BTreeMap<u32, Arc<DataKey>>,
}

/// The key of one term, and the cipher that is ready to use with it.
pub(super) struct DataKey {
    key: Key32,
    pub(super) cipher: Cipher,
}

impl Keyring {
    /// A keyring of one term and a fresh derivation secret.
    pub(super) fn new(entropy: &dyn Entropy) -> Self {
        let derivation = Arc::new(Key32::random(entropy));
        let first = Arc::new(DataKey::new(Key32::random(entropy)));
        Self { derivation, active: 1, terms: BTreeMap::from([(1, first)]) }
    }

    /// The same keyring with one more term, which is active from then on; `None` when it is full.
    pub(super) fn with_new_term(&self, entropy: &dyn Entropy) -> Option<Self> {
        let active = self.active.checked_add(1)?;
        if self.terms.len() >= TERMS_MAX {
            return None;
        }
        let mut terms = self.terms.clone();
        terms.insert(active, Arc::new(DataKey::new(Key32::random(entropy))));
        Some(Self { derivation: Arc::clone(&self.derivation), active, terms })
    }

    /// The term that new values are sealed with.
    pub(super) fn active(&self) -> u32 {
        self.active
    }

    /// The key of one term, or nothing if there never was such a term.
    pub(super) fn term(&self, term: u32) -> Option<&DataKey> {
        self.terms.get(&term).map(Arc::as_ref)
    }

    /// A key for one purpose above the barrier, the same in every term.
    pub(super) fn subkey(&self, label: &str) -> Key32 {
        self.derivation.derive(&format!("purpose/{label}"))
    }

    /// The key of the encryption counts. Its label is none that a purpose can have.
    pub(super) fn budget_key(&self) -> Key32 {
        self.derivation.derive("barrier/budget")
    }

    /// The keyring as bytes. They are what everything else depends on: seal them at once.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let length = 1 + KEY_BYTES + 4 + self.terms.len() * TERM_BYTES;
        // All room at once: growing later would leave copies of keys behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        bytes.push(FORMAT);
        bytes.extend_from_slice(self.derivation.as_bytes());
        bytes.extend_from_slice(&self.active.to_be_bytes());
        for (term, data) in &self.terms {
            bytes.extend_from_slice(&term.to_be_bytes());
            bytes.extend_from_slice(data.key.as_bytes());
        }
        bytes
    }

    /// What [`encode`](Self::encode) wrote, or nothing if it did not write this.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (format, rest) = bytes.split_first()?;
        let (derivation, rest) = rest.split_first_chunk::<KEY_BYTES>()?;
        let (active, rest) = rest.split_first_chunk()?;
        let active = u32::from_be_bytes(*active);
        let entries = rest.chunks_exact(TERM_BYTES);
        let whole = entries.remainder().is_empty() && entries.len() <= TERMS_MAX;
        let mut terms = BTreeMap::new();
        for entry in entries {
            let (term, key) = entry.split_first_chunk()?;
            let data = DataKey::new(Key32::from_bytes(key)?);
            terms.insert(u32::from_be_bytes(*term), Arc::new(data));
        }
        let derivation = Arc::new(Key32::from_bytes(derivation)?);
        let sound = whole && *format == FORMAT && terms.contains_key(&active);
        sound.then_some(Self { derivation, active, terms })
    }
}

impl DataKey {
    fn new(key: Key32) -> Self {
        Self { cipher: Cipher::new(&key), key }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use crate::entropy::testing::Seeded;

    #[track_caller]
    fn check(bytes: &[u8], terms: Option<usize>) {
        assert_eq!(Keyring::decode(bytes).map(|keyring| keyring.terms.len()), terms);
    }

    #[test]
    fn what_is_encoded_is_decoded_and_nothing_else() {
        let entropy = Seeded::new(1);
        let keyring = Keyring::new(&entropy).with_new_term(&entropy).unwrap();
        let bytes = keyring.encode();
        assert_eq!(bytes.len(), bytes.capacity());
        check(&bytes, Some(2));
        check(&bytes[..bytes.len() - TERM_BYTES], None); // The active term is missing.
        check(&bytes[..bytes.len() - 1], None);
        check(&bytes[..20], None);
        check(b"", None);
        check(&[&bytes[..], &[0]].concat(), None);
        check(&[&[2], &bytes[1..]].concat(), None);
        assert_eq!(*Keyring::decode(&bytes).unwrap().encode(), *bytes);
    }

    #[test]
    fn a_new_term_keeps_the_old_ones_and_the_subkeys() {
        let entropy = Seeded::new(1);
        let old = Keyring::new(&entropy);
        let new = old.with_new_term(&entropy).unwrap();
        assert_eq!((old.active(), new.active()), (1, 2));
        assert_eq!(old.subkey("a").as_bytes(), new.subkey("a").as_bytes());
        assert_eq!(old.budget_key().as_bytes(), new.budget_key().as_bytes());
        assert_ne!(old.budget_key().as_bytes(), old.subkey("barrier/budget").as_bytes());
        let key = |keyring: &Keyring, term| *keyring.terms[&term].key.as_bytes();
        assert_eq!(key(&old, 1), key(&new, 1));
        assert_ne!(key(&new, 1), key(&new, 2));
        assert!(new.term(3).is_none());
    }

    #[test]
    fn a_keyring_does_not_grow_for_ever() {
        let entropy = Seeded::new(1);
        let mut keyring = Keyring::new(&entropy);
        for _ in 1..TERMS_MAX {
            keyring.active += 1;
            keyring.terms.insert(keyring.active, Arc::clone(&keyring.terms[&1]));
        }
        assert!(keyring.with_new_term(&entropy).is_none());
        check(&keyring.encode(), Some(TERMS_MAX));
    }
}
