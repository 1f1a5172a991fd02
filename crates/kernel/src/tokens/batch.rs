//! Batch tokens: kept nowhere. The text of one is its record, sealed.
//!
//! ```text
//! hvb. base64url( format (1 byte) | seed (32) | ciphertext | tag (16) | checksum (4) )
//! ```
//!
//! Every token is sealed with AES-256-GCM under a key of its own, which is an HMAC of its seed
//! under a subkey of the barrier. One key for all would have to be given up after some 2^32 random
//! nonces, and nobody can count tokens that are kept nowhere. So each key seals once, and the nonce
//! can stand still. The seed is an HMAC of fresh randomness and of what is sealed: even where the
//! randomness comes twice, as in two copies of one virtual machine, two records have two keys.
//!
//! What cannot be opened, whatever the reason, is a token nobody knows.

use std::net::IpAddr;

use api::{Entropy, Error, KeyValues, Moment, NameList, Result, Seconds, Secret};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::format::{CHECKSUM_BYTES, checksum_of};
use super::kind::Kind;
use super::record::{Owner, Token, TokenKey};

/// What batch tokens of this family begin with, so that scanners and people recognise them.
const PREFIX: &str = "hvb.";
/// The only layout so far.
const FORMAT: u8 = 1;
const SEED_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
/// Mixed into the checksum, so that it is ours.
const CHECKSUM_OF: &[u8] = b"strongroom batch token";
/// What no header of a request takes is of use to nobody.
const LENGTH_MAX: usize = 8 * 1024;
/// Keeps the two uses of one subkey apart.
const SEED_OF: &[u8] = b"seed";
const KEY_OF: &[u8] = b"key";

/// What a token carries, by short names: clients send it with every request.
#[derive(Deserialize, Serialize)]
struct Contents {
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    policies: NameList,
    #[serde(rename = "a")]
    path: String,
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    metadata: Option<KeyValues>,
    #[serde(rename = "d", default, skip_serializing_if = "String::is_empty")]
    display_name: String,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    parent: Option<TokenKey>,
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    parent_accessor: Option<String>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    mount: Option<String>,
    #[serde(rename = "i")]
    issued_milliseconds: u64,
    #[serde(rename = "t")]
    ttl: Seconds,
    #[serde(rename = "n", default, skip_serializing_if = "Vec::is_empty")]
    networks: Vec<IpNet>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    entity: Option<String>,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    owner: Option<Owner>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(rename = "g", default)]
    era: u64,
}

/// Whether `text` says of itself that it is a batch token.
pub(super) fn is_one(text: &Secret) -> bool {
    text.reveal().starts_with(PREFIX)
}

/// The text of `token`.
///
/// # Errors
/// [`Error::Invalid`] when no request could carry it.
pub(super) fn seal(token: Token, subkey: &hmac::Key, entropy: &dyn Entropy) -> Result<Secret> {
    let contents = serde_json::to_vec(&Contents::of(token)).map_err(Error::internal)?;
    let contents = Zeroizing::new(contents);
    let mut random = Zeroizing::new([0; SEED_BYTES]);
    entropy.fill(random.as_mut_slice());
    let seed = mac(subkey, &[SEED_OF, random.as_slice(), &contents]);

    let start = 1 + seed.len();
    let room = start + contents.len() + TAG_BYTES + CHECKSUM_BYTES;
    // All room at once: growing later would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    bytes.push(FORMAT);
    bytes.extend_from_slice(&seed);
    bytes.extend_from_slice(&contents);
    let (_, sealed) = bytes.split_at_mut(start);
    let tag = cipher(subkey, &seed)
        .seal_in_place_separate_tag(nonce(), Aad::from([FORMAT]), sealed)
        .map_err(|_| Error::internal("a token cannot be sealed"))?;
    bytes.extend_from_slice(tag.as_ref());
    let checksum = checksum_of(&[CHECKSUM_OF, &bytes]);
    bytes.extend_from_slice(&checksum);

    let text = Secret::new(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes)));
    match text.reveal().len() > LENGTH_MAX {
        true => Err(Error::invalid(
            "a batch token that carries all this would be longer than 8 KiB; \
             give it fewer policies or less metadata, or make a service token",
        )),
        false => Ok(text),
    }
}

/// The token with this text, and a name for it, if it is one of ours and nobody changed it.
pub(super) fn open(text: &Secret, subkey: &hmac::Key) -> Option<(TokenKey, Token)> {
    let text = text.reveal();
    if text.len() > LENGTH_MAX {
        return None;
    }
    let bytes = BASE64URL_NOPAD.decode(text.strip_prefix(PREFIX)?.as_bytes()).ok()?;
    let mut bytes = Zeroizing::new(bytes);
    let end = bytes.len().checked_sub(CHECKSUM_BYTES)?;
    let (body, checksum) = bytes.split_at_mut(end);
    if checksum_of(&[CHECKSUM_OF, body]) != *checksum {
        return None;
    }
    let (format, rest) = body.split_first_mut()?;
    let (seed, sealed) = rest.split_at_mut_checked(SEED_BYTES)?;
    if *format != FORMAT {
        return None;
    }
    let opened = cipher(subkey, seed).open_in_place(nonce(), Aad::from([FORMAT]), sealed).ok()?;
    let contents: Contents = serde_json::from_slice(opened).ok()?;
    if contents.parent.is_some() != contents.parent_accessor.is_some() {
        return None;
    }
    Some((format!("batch-{}", HEXLOWER.encode(seed)), contents.into_token()))
}

/// The cipher of the one token with this seed.
fn cipher(subkey: &hmac::Key, seed: &[u8]) -> LessSafeKey {
    let key = Zeroizing::new(mac(subkey, &[KEY_OF, seed]));
    let key = UnboundKey::new(&AES_256_GCM, key.as_slice());
    LessSafeKey::new(key.expect("a key of AES-256 has 32 bytes, as this one has"))
}

/// Every key seals once, so one nonce is enough.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn mac(subkey: &hmac::Key, parts: &[&[u8]]) -> [u8; SEED_BYTES] {
    let mut signing = hmac::Context::with_key(subkey);
    parts.iter().for_each(|part| signing.update(part));
    let mut bytes = [0; SEED_BYTES];
    bytes.copy_from_slice(signing.sign().as_ref());
    bytes
}

impl Contents {
    fn of(token: Token) -> Self {
        Self {
            policies: token.policies,
            path: token.path,
            metadata: token.metadata,
            display_name: token.display_name,
            parent: token.parent,
            parent_accessor: token.parent_accessor,
            mount: token.mount,
            issued_milliseconds: token.issued.unix_milliseconds(),
            ttl: token.ttl,
            networks: token.networks,
            role: token.role,
            entity: token.entity,
            owner: token.owner,
            address: token.address,
            era: token.era,
        }
    }

    fn into_token(self) -> Token {
        let issued = Moment::from_unix_milliseconds(self.issued_milliseconds);
        Token {
            accessor: String::new(),
            policies: self.policies,
            path: self.path,
            metadata: self.metadata,
            display_name: self.display_name,
            parent: self.parent,
            parent_accessor: self.parent_accessor,
            mount: self.mount,
            issued,
            renewed: None,
            expires: Some(issued.plus(self.ttl)),
            ttl_creation: self.ttl,
            ttl: self.ttl,
            ttl_explicit_max: Seconds::ZERO,
            period: Seconds::ZERO,
            renewable: false,
            networks: self.networks,
            kind: Kind::Batch,
            uses_left: None,
            role: self.role,
            entity: self.entity,
            owner: self.owner,
            address: self.address,
            era: self.era,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use api::testing::Seeded;

    use super::*;

    fn subkey(seed: u8) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[seed; 32])
    }

    fn token() -> Token {
        let contents = r#"{"p":["default","dev"],"a":"auth/userpass/login/bob","d":"userpass-bob",
            "m":{"username":"bob"},"u":"parent","w":"whose","s":"mount","i":1790000000123,"t":3600,
            "n":["10.0.0.0/8"],"r":"role","e":"entity","f":"10.1.2.3","g":7,
            "o":{"alias":"alias","name":"bob","generation":3}}"#;
        serde_json::from_str::<Contents>(contents).unwrap().into_token()
    }

    fn sealed() -> Secret {
        seal(token(), &subkey(1), &Seeded::new(1)).unwrap()
    }

    #[test]
    fn what_is_sealed_is_opened_whole() {
        let (key, opened) = open(&sealed(), &subkey(1)).unwrap();
        assert_eq!(serde_json::to_value(opened).unwrap(), serde_json::to_value(token()).unwrap());
        assert_eq!(key.len(), 6 + 64);
        assert!(is_one(&sealed()) && sealed().reveal().len() < 600);
    }

    /// A token that lost its parent would outlive it.
    #[test]
    fn a_parent_that_is_not_known_for_sure_opens_nothing() {
        let forgetful = Token { parent_accessor: None, ..token() };
        let text = seal(forgetful, &subkey(1), &Seeded::new(1)).unwrap();
        assert!(open(&text, &subkey(1)).is_none());
        let orphan = Token { parent: None, parent_accessor: None, ..token() };
        let text = seal(orphan, &subkey(1), &Seeded::new(1)).unwrap();
        assert!(open(&text, &subkey(1)).is_some());
    }

    #[test]
    fn another_key_opens_nothing() {
        assert!(open(&sealed(), &subkey(2)).is_none());
    }

    /// The checksum is no protection, so it is made to fit every change.
    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let text = sealed();
        let bytes = BASE64URL_NOPAD.decode(&text.reveal().as_bytes()[4..]).unwrap();
        let body = &bytes[..bytes.len() - CHECKSUM_BYTES];
        let opens = |body: &[u8]| {
            let whole = [body, &checksum_of(&[CHECKSUM_OF, body])].concat();
            let text = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&whole));
            open(&Secret::new(text), &subkey(1)).is_some()
        };
        assert!(opens(body));
        for bit in 0..body.len() * 8 {
            let mut changed = body.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!opens(&changed), "bit {bit}");
        }
        for length in 0..body.len() {
            assert!(!opens(&body[..length]), "cut to {length}");
        }
    }

    #[test]
    fn nothing_else_is_one() {
        for text in ["", "hvb.", "hvb.A", "hvb.AAAAAA", "hvb.!", "hvs.AAAAAAAA"] {
            assert!(open(&Secret::new(text), &subkey(1)).is_none(), "{text}");
        }
        let checksum = format!("{}A", &sealed().reveal()[..sealed().reveal().len() - 1]);
        let changed = checksum != sealed().reveal();
        assert!(!changed || open(&Secret::new(checksum), &subkey(1)).is_none());
        assert!(open(&Secret::new(format!("hvb.{}", "A".repeat(9000))), &subkey(1)).is_none());
    }

    #[test]
    fn randomness_that_comes_twice_gives_no_key_twice() {
        let other = Token { display_name: "other".to_owned(), ..token() };
        let one = open(&sealed(), &subkey(1)).unwrap().0;
        let two = seal(other, &subkey(1), &Seeded::new(1)).unwrap();
        assert_ne!(open(&two, &subkey(1)).unwrap().0, one);
    }

    #[test]
    fn what_no_header_takes_is_not_made() {
        let policies: Vec<_> = (0..400).map(|number| format!("a-long-name-{number:08}")).collect();
        let large = Token { policies, ..token() };
        assert!(matches!(seal(large, &subkey(1), &Seeded::new(1)), Err(Error::Invalid(_))));
    }
}
