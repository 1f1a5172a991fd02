//! Randomness. It is an argument, so that tests can repeat what happened.

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
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// `length` random bytes as hexadecimal digits.
pub fn hexadecimal<const LENGTH: usize>(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; LENGTH];
    entropy.fill(&mut bytes);
    HEXLOWER.encode(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_as_long_as_asked_and_differ() {
        let one = identifier(&SystemEntropy, 100);
        assert_eq!(one.len(), 100);
        assert!(one.bytes().all(|letter| letter.is_ascii_alphanumeric()));
        assert_ne!(one, identifier(&SystemEntropy, 100));
    }
}
