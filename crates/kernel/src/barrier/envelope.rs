//! How one value lies in the store: sealed, and bound to the key it lies under.
//!
//! ```text
//! format (1 byte) | term of the key (4, big endian) | nonce (12) | ciphertext | tag (16)
//! ```
//!
//! Format, term and the path are authenticated with the ciphertext, so a record that was moved to
//! another path, or that claims another term, does not open. What this cannot see is a record put
//! back to an older version of itself: that takes a memory outside the store.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use bytes::Bytes;

use super::key::Key32;

/// The only layout so far.
const FORMAT: u8 = 1;

/// A value that is used for one encryption only.
pub(super) type NonceBytes = [u8; NONCE_LEN];

/// AES-256-GCM under one key.
pub(super) struct Cipher(LessSafeKey);

/// What a ciphertext is bound to, beside the format.
#[derive(Clone, Copy)]
pub(super) struct Binding<'a> {
    /// Which key of the keyring; zero for records that are not under one.
    pub(super) term: u32,
    /// Where the record lies.
    pub(super) path: &'a str,
    /// Another record that this one must not be read without.
    pub(super) beside: &'a [u8],
}

/// A stored value, taken apart but not opened.
pub(super) struct Envelope<'a> {
    /// Which key of the keyring it claims to be sealed with.
    pub(super) term: u32,
    nonce: &'a NonceBytes,
    ciphertext: &'a [u8],
}

impl Cipher {
    pub(super) fn new(key: &Key32) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key.as_bytes());
        Self(LessSafeKey::new(key.expect("a key of AES-256 has 32 bytes, as this one has")))
    }

    /// Seals `plaintext`; nothing only when it is longer than GCM can seal at once (64 GiB).
    pub(super) fn seal(
        &self,
        binding: Binding<'_>,
        nonce: NonceBytes,
        plaintext: &[u8],
    ) -> Option<Bytes> {
        let header = header(binding.term);
        let tag_bytes = AES_256_GCM.tag_len();
        let start = header.len() + nonce.len();
        // All room at once: growing later would leave a copy of the plaintext behind.
        let mut sealed = Vec::with_capacity(start + plaintext.len() + tag_bytes);
        sealed.extend_from_slice(&header);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let (_, text) = sealed.split_at_mut(start);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag =
            self.0.seal_in_place_separate_tag(nonce, Aad::from(binding.bytes()), text).ok()?;
        sealed.extend_from_slice(tag.as_ref());
        Some(sealed.into())
    }

    /// The plaintext, if every bit is as it was sealed and lies where it was put.
    pub(super) fn open(&self, binding: Binding<'_>, envelope: &Envelope<'_>) -> Option<Vec<u8>> {
        if envelope.term != binding.term {
            return None;
        }
        let nonce = Nonce::assume_unique_for_key(*envelope.nonce);
        let mut text = envelope.ciphertext.to_vec();
        let length = self.0.open_in_place(nonce, Aad::from(binding.bytes()), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

impl<'a> Binding<'a> {
    /// For a record of the barrier's own, which has a key of its own and therefore no term.
    pub(super) fn of_record(path: &'a str) -> Self {
        Self { term: 0, path, beside: b"" }
    }

    fn bytes(&self) -> Vec<u8> {
        // The length keeps path and neighbour from running into each other.
        let length = (self.path.len() as u64).to_be_bytes();
        [&header(self.term), length.as_slice(), self.path.as_bytes(), self.beside].concat()
    }
}

impl<'a> Envelope<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (format, rest) = bytes.split_first()?;
        let (term, rest) = rest.split_first_chunk()?;
        let (nonce, ciphertext) = rest.split_first_chunk()?;
        (*format == FORMAT).then(|| Self { term: u32::from_be_bytes(*term), nonce, ciphertext })
    }
}

fn header(term: u32) -> [u8; 5] {
    let [a, b, c, d] = term.to_be_bytes();
    [FORMAT, a, b, c, d]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    const HOME: Binding<'static> = Binding { term: 3, path: "kv/a", beside: b"" };

    fn cipher(seed: u8) -> Cipher {
        Cipher::new(&Key32::from_bytes(&[seed; 32]).unwrap())
    }

    #[track_caller]
    fn check(binding: Binding<'_>, seed: u8, opens: bool) {
        let sealed = cipher(1).seal(HOME, [9; 12], b"value").unwrap();
        let opened = cipher(seed).open(binding, &Envelope::parse(&sealed).unwrap());
        assert_eq!(opened, opens.then(|| b"value".to_vec()));
    }

    #[test]
    fn a_value_opens_only_where_and_as_it_was_sealed() {
        check(HOME, 1, true);
        check(HOME, 2, false);
        check(Binding { path: "kv/b", ..HOME }, 1, false);
        check(Binding { path: "kv/", ..HOME }, 1, false);
        check(Binding { term: 4, ..HOME }, 1, false);
        check(Binding { beside: b"x", ..HOME }, 1, false);
        check(Binding { path: "kv/", beside: b"a", ..HOME }, 1, false);
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let sealed = cipher(1).seal(HOME, [9; 12], b"value").unwrap();
        assert_eq!(sealed[..5], [1, 0, 0, 0, 3]);
        assert_eq!(sealed[5..17], [9; 12]);
        assert_eq!(sealed.len(), 17 + 5 + 16);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let sealed = cipher(1).seal(HOME, [9; 12], b"value").unwrap().to_vec();
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let opened = Envelope::parse(&damaged).and_then(|envelope| {
                cipher(1).open(Binding { term: envelope.term, ..HOME }, &envelope)
            });
            assert_eq!(opened, None, "bit {bit}");
        }
        for length in 0..sealed.len() {
            let envelope = Envelope::parse(&sealed[..length]);
            assert!(envelope.and_then(|cut| cipher(1).open(HOME, &cut)).is_none(), "{length}");
        }
    }
}
