//! What a service token looks like, and what is stored instead of it.
//!
//! `hvs.` and 56 URL-safe base64 characters: 6 bytes of time, 32 random bytes (256 bits), and a
//! checksum by which secret scanners can tell our tokens from others. The time is not secret; it
//! stands in front of the storage name, so that new records fill the store in order.

use api::{Entropy, Moment, Secret, identifier};
use aws_lc_rs::hmac;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use zeroize::Zeroizing;

use super::TokenKey;

/// What the tokens of this family begin with, so that scanners and people recognise them.
const PREFIX: &str = "hvs.";
const TIME_BYTES: usize = 6;
const RANDOM_BYTES: usize = 32;
pub(super) const CHECKSUM_BYTES: usize = 4;
const TOKEN_BYTES: usize = TIME_BYTES + RANDOM_BYTES + CHECKSUM_BYTES;
/// Mixed into the checksum, so that it is ours.
const CHECKSUM_OF: &[u8] = b"strongroom service token";
/// How long the name of a token's record is: time, a dash, SHA-256.
const KEY_LETTERS: usize = 2 * TIME_BYTES + 1 + 2 * 32;
/// 22 letters and digits are 131 bits.
const ACCESSOR_RANDOM_LETTERS: usize = 22;
/// A token longer than this is nobody's.
const LENGTH_MAX: usize = 1024;

/// A token that its maker chose the text of.
pub(crate) struct Custom;

/// A new token.
pub(super) fn generate(entropy: &dyn Entropy, now: Moment) -> Secret {
    let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
    let (time, rest) = bytes.split_at_mut(TIME_BYTES);
    let (random, checksum) = rest.split_at_mut(RANDOM_BYTES);
    time.copy_from_slice(&time_bytes(now));
    entropy.fill(random);
    checksum.copy_from_slice(&checksum_of(&[CHECKSUM_OF, time, random]));
    Secret::new(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(bytes.as_slice())))
}

/// A new accessor: time first, then more than 128 bits that have nothing to do with the token.
pub(super) fn generate_accessor(entropy: &dyn Entropy, now: Moment) -> String {
    let random = identifier(entropy, ACCESSOR_RANDOM_LETTERS);
    format!("{}{random}", HEXLOWER.encode(&time_bytes(now)))
}

/// The time an accessor begins with, written as the names of tokens write it.
pub(super) fn time_of_accessor(accessor: &str) -> &str {
    accessor.get(..2 * TIME_BYTES).unwrap_or(accessor)
}

/// The name `token` is stored under, if it can be a token at all.
pub(super) fn key_of(token: &Secret, index: &hmac::Key) -> Option<TokenKey> {
    let text = token.reveal();
    if text.is_empty() || text.len() > LENGTH_MAX {
        return None;
    }
    let time = made_at(text).unwrap_or_default();
    let hash = hmac::sign(index, text.as_bytes());
    let mut key = String::with_capacity(KEY_LETTERS);
    HEXLOWER.encode_append(&time, &mut key);
    key.push('-');
    HEXLOWER.encode_append(hash.as_ref(), &mut key);
    Some(key)
}

impl Custom {
    /// Why `text` cannot be a token of the maker's choice.
    pub(crate) fn flaw(text: &str) -> Option<&'static str> {
        match text {
            _ if text.starts_with(PREFIX) => Some("custom token ID cannot have the 'hvs.' prefix"),
            _ if text.starts_with("s.") => Some("custom token ID cannot have the 's.' prefix"),
            _ if text.contains('.') => Some("custom token ID cannot have a '.' in the value"),
            _ if text.len() > LENGTH_MAX => Some("custom token ID is longer than 1024 characters"),
            _ => None,
        }
    }
}

/// The time one of our own tokens begins with.
fn made_at(text: &str) -> Option<[u8; TIME_BYTES]> {
    let text = text.strip_prefix(PREFIX)?.as_bytes();
    let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
    if BASE64URL_NOPAD.decode_len(text.len()).ok()? != TOKEN_BYTES {
        return None;
    }
    BASE64URL_NOPAD.decode_mut(text, bytes.as_mut_slice()).ok()?;
    let (time, rest) = bytes.split_at(TIME_BYTES);
    let (random, checksum) = rest.split_at(RANDOM_BYTES);
    if checksum_of(&[CHECKSUM_OF, time, random]) != checksum {
        return None;
    }
    time.try_into().ok()
}

fn time_bytes(now: Moment) -> [u8; TIME_BYTES] {
    let [_, _, time @ ..] = now.unix_milliseconds().to_be_bytes();
    time
}

/// What a token ends with: the checksum of all `parts`, of which the first makes it ours.
pub(super) fn checksum_of(parts: &[&[u8]]) -> [u8; CHECKSUM_BYTES] {
    let mut checksum = crc32fast::Hasher::new();
    parts.iter().for_each(|part| checksum.update(part));
    checksum.finalize().to_be_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use api::SystemEntropy;

    use super::*;

    fn index() -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[7; 32])
    }

    #[test]
    fn names_begin_with_the_time_and_do_not_contain_the_token() {
        let token = generate(&SystemEntropy, Moment::from_unix_milliseconds(0x0102_0304_0506));
        assert_eq!(token.reveal().len(), 60);
        let key = key_of(&token, &index()).unwrap();
        assert!(key.starts_with("010203040506-"));
        assert_eq!(key.len(), 12 + 1 + 64);
    }

    #[test]
    fn another_key_gives_another_name() {
        let token = generate(&SystemEntropy, Moment::from_unix(1));
        let other = hmac::Key::new(hmac::HMAC_SHA256, &[8; 32]);
        assert_ne!(key_of(&token, &index()), key_of(&token, &other));
    }

    #[test]
    fn anything_may_be_a_custom_token_but_ours_are_told_by_their_checksum() {
        let custom = key_of(&Secret::new("foobar"), &index()).unwrap();
        assert!(custom.starts_with("000000000000-"));
        let token = generate(&SystemEntropy, Moment::from_unix(1_800_000_000));
        let changed = format!("{}A", &token.reveal()[..59]);
        let changed = if changed == token.reveal() { changed.replace('A', "B") } else { changed };
        assert!(key_of(&Secret::new(changed), &index()).unwrap().starts_with("000000000000-"));
        assert_eq!(key_of(&Secret::new(""), &index()), None);
        assert_eq!(key_of(&Secret::new("x".repeat(1025)), &index()), None);
    }
}
