//! Randomness. It is an argument, so that tests can repeat what happened.

use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;

/// A source of randomness.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes` with bits nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator, by way of the cryptography library.
pub struct SystemEntropy;

/// Letters of the identifiers we make: what URLs, shells and double clicks leave whole.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Bytes at or above this would make some letters likelier than others.
const UNBIASED_BELOW: u8 = 248;
/// Bytes of a UUID.
const UNIQUE_BYTES: usize = 16;
/// UUIDs drawn at a time where many are needed.
const UNIQUE_DRAWN: usize = 64;
/// Bytes drawn at a time while making an identifier.
const DRAW_BYTES: usize = 64;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the system can always give random bytes");
    }
}

/// `length` letters and digits, each 5.95 bits.
pub fn identifier(entropy: &dyn Entropy, length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; DRAW_BYTES];
        entropy.fill(&mut bytes);
        let fair = bytes.iter().filter(|byte| **byte < UNBIASED_BELOW);
        let letters = fair.filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()));
        text.extend(letters.take(length - text.len()).map(|letter| char::from(*letter)));
    }
    text
}

/// A random UUID (RFC 9562, version 4).
pub fn unique(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; UNIQUE_BYTES];
    entropy.fill(&mut bytes);
    written(bytes)
}

fn written(random: [u8; UNIQUE_BYTES]) -> String {
    let unique = uuid::Builder::from_random_bytes(random).into_uuid();
    unique.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).to_owned()
}

/// Random UUIDs for what needs one very often, drawn many at a time: each draw asks the system.
///
/// Only for names that are no secret. Those that are drawn but not yet used lie in memory, and a
/// copy of the whole machine would use them a second time.
pub struct UniqueNames {
    entropy: Arc<dyn Entropy>,
    drawn: Mutex<Vec<[u8; UNIQUE_BYTES]>>,
}

impl UniqueNames {
    /// Names from `entropy`.
    pub fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, drawn: Mutex::default() }
    }

    /// One that was not given out before.
    pub fn fresh(&self) -> String {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.is_empty() {
            let mut bytes = [[0; UNIQUE_BYTES]; UNIQUE_DRAWN];
            self.entropy.fill(bytes.as_flattened_mut());
            drawn.extend(bytes);
        }
        written(drawn.pop().expect("some were just drawn"))
    }
}

/// `length` random bytes as hexadecimal digits.
pub fn hexadecimal<const LENGTH: usize>(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; LENGTH];
    entropy.fill(&mut bytes);
    HEXLOWER.encode(&bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn identifiers_are_as_long_as_asked_and_differ() {
        let one = identifier(&SystemEntropy, 100);
        assert_eq!(one.len(), 100);
        assert!(one.bytes().all(|letter| letter.is_ascii_alphanumeric()));
        assert_ne!(one, identifier(&SystemEntropy, 100));
    }

    #[test]
    fn fresh_names_differ_also_from_one_draw_to_the_next() {
        let names = UniqueNames::new(Arc::new(SystemEntropy));
        let given: BTreeSet<_> = (0..3 * UNIQUE_DRAWN).map(|_| names.fresh()).collect();
        assert_eq!(given.len(), 3 * UNIQUE_DRAWN);
        assert!(given.iter().all(|name| name.len() == 36));
    }
}
