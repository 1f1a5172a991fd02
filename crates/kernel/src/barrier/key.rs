//! A secret key: 32 bytes that cannot be copied, printed or stored by accident.

use std::fmt;

use aws_lc_rs::hkdf;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::entropy::Entropy;

/// Bytes in a key.
pub const KEY_BYTES: usize = 32;

/// What sets our derivations apart from anyone else's use of the same secret.
const DERIVATION_SALT: &[u8] = b"strongroom subkeys 1";

/// A secret key. It lives in one place on the heap, so that moving it leaves no copy behind, and is
/// overwritten when dropped.
pub struct Key32(Box<[u8; KEY_BYTES]>);

impl Key32 {
    /// A new key that nobody has seen.
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut key = Self(Box::new([0; KEY_BYTES]));
        entropy.fill(key.0.as_mut_slice());
        key
    }

    /// The key with these bytes, if they are exactly as many as a key has.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != KEY_BYTES {
            return None;
        }
        let mut key = Self(Box::new([0; KEY_BYTES]));
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// Another key that only those who hold this one can find, for one purpose.
    ///
    /// HKDF with SHA-256: different labels give keys that tell nothing about each other.
    pub fn derive(&self, label: &str) -> Self {
        let mut key = Self(Box::new([0; KEY_BYTES]));
        hkdf::Salt::new(hkdf::HKDF_SHA256, DERIVATION_SALT)
            .extract(self.as_bytes())
            .expand(&[label.as_bytes()], KeyLength)
            .and_then(|output| output.fill(key.0.as_mut_slice()))
            .expect("one block of output is always within what HKDF can give");
        key
    }

    /// The bytes, for the algorithm that is keyed with them and nothing else.
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

/// How many bytes to ask HKDF for.
struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

impl Drop for Key32 {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Key32 {}

impl fmt::Debug for Key32 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[REDACTED]")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use aws_lc_rs::hmac;

    use super::*;

    #[test]
    fn a_key_has_exactly_its_bytes() {
        for length in [0, 16, 31, 33, 64] {
            assert!(Key32::from_bytes(&vec![7; length]).is_none(), "{length} bytes");
        }
        assert_eq!(Key32::from_bytes(&[7; 32]).unwrap().as_bytes(), &[7; 32]);
    }

    #[test]
    fn a_key_never_shows_its_bytes() {
        let key = Key32::from_bytes(&[0xA7; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "[REDACTED]");
    }

    #[test]
    fn subkeys_are_those_of_rfc_5869() {
        // HKDF written out: extract is one HMAC, and the first block of expand is another.
        let secret = [0x0B; 32];
        let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, DERIVATION_SALT), &secret);
        let expanding = hmac::Key::new(hmac::HMAC_SHA256, extracted.as_ref());
        let expected = hmac::sign(&expanding, b"tokens\x01");
        let derived = Key32::from_bytes(&secret).unwrap().derive("tokens");
        assert_eq!(derived.as_bytes().as_slice(), expected.as_ref());
    }

    #[test]
    fn subkeys_differ_by_label_and_from_their_source() {
        let secret = Key32::from_bytes(&[0x0B; 32]).unwrap();
        assert_eq!(secret.derive("a").as_bytes(), secret.derive("a").as_bytes());
        assert_ne!(secret.derive("a").as_bytes(), secret.derive("b").as_bytes());
        assert_ne!(secret.derive("").as_bytes(), secret.as_bytes());
    }
}
