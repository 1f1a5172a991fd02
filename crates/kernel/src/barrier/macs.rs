//! Keys that every request uses, kept ready beside the keys they come from.
//!
//! Deriving one costs more than using it. They go when the barrier forgets its keys, since they
//! live in the same place.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::hmac;

use super::keyring::Keyring;

/// What a ready key is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// Makes the names of token records from tokens.
    TokenIndex,
    /// Makes the key of each batch token.
    BatchTokens,
}

/// The ready keys.
#[derive(Default)]
pub(super) struct Macs {
    token_index: OnceLock<Arc<hmac::Key>>,
    batch_tokens: OnceLock<Arc<hmac::Key>>,
}

impl Purpose {
    /// Names the key among those the barrier derives.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::TokenIndex => "token index",
            Self::BatchTokens => "batch token",
        }
    }
}

impl Macs {
    /// The key for `purpose` that `keyring` gives, the same in every term.
    pub(super) fn key(&self, purpose: Purpose, keyring: &Keyring) -> Arc<hmac::Key> {
        let ready = match purpose {
            Purpose::TokenIndex => &self.token_index,
            Purpose::BatchTokens => &self.batch_tokens,
        };
        let derive = || {
            let subkey = keyring.subkey(purpose.label());
            Arc::new(hmac::Key::new(hmac::HMAC_SHA256, subkey.as_bytes()))
        };
        ready.get_or_init(derive).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::testing::Seeded;

    #[test]
    fn a_ready_key_is_the_one_that_would_be_derived() {
        let entropy = Seeded::new(1);
        let (keyring, macs) = (Keyring::new(&entropy), Macs::default());
        let signed = |key: &hmac::Key| hmac::sign(key, b"text").as_ref().to_vec();
        for purpose in [Purpose::TokenIndex, Purpose::BatchTokens] {
            let subkey = keyring.subkey(purpose.label());
            let derived = hmac::Key::new(hmac::HMAC_SHA256, subkey.as_bytes());
            for _ in 0..2 {
                assert_eq!(signed(&macs.key(purpose, &keyring)), signed(&derived));
            }
        }
        assert_ne!(Purpose::TokenIndex.label(), Purpose::BatchTokens.label());
    }
}
