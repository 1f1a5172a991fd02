//! What is kept, sealed under a key that only the text of the wrapping token gives.
//!
//! An answer may hold a token, and nothing that is stored may give one away: not even to whoever
//! has the store and all unseal keys. The text of a wrapping token is not stored, so what lies here
//! can be opened only by who shows it.
//!
//! The key is an HMAC under the text, which has 256 random bits. Each key seals once, since every
//! wrapping token keeps one answer; so the nonce can stand still.

use api::{Error, Result, Secret};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

/// Says what the key is for.
const KEY_OF: &[u8] = b"strongroom wrapped answer";

/// Something only the holder of a token can open.
#[derive(Deserialize, Serialize)]
pub(super) struct Sealed {
    sealed: String,
}

impl Sealed {
    /// Seals `content` for whoever shows `token`.
    ///
    /// # Errors
    /// [`Error::Internal`] when the cipher refuses.
    pub(super) fn new(token: &Secret, content: &impl Serialize) -> Result<Self> {
        let mut bytes = Zeroizing::new(serde_json::to_vec(content).map_err(Error::internal)?);
        let tag = key(token)?
            .seal_in_place_separate_tag(nonce(), Aad::empty(), &mut bytes)
            .map_err(|_| Error::internal("an answer could not be sealed"))?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(Self { sealed: BASE64.encode(&bytes) })
    }

    /// What was sealed for `token`.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was sealed for another, or is damaged.
    pub(super) fn open<T: DeserializeOwned>(&self, token: &Secret) -> Result<T> {
        let damaged = || Error::internal("a wrapped answer is damaged");
        let bytes = BASE64.decode(self.sealed.as_bytes()).map_err(|_| damaged())?;
        let mut bytes = Zeroizing::new(bytes);
        let key = key(token)?;
        let content =
            key.open_in_place(nonce(), Aad::empty(), &mut bytes).map_err(|_| damaged())?;
        serde_json::from_slice(content).map_err(|_| damaged())
    }
}

fn key(token: &Secret) -> Result<LessSafeKey> {
    let from = hmac::Key::new(hmac::HMAC_SHA256, token.reveal().as_bytes());
    let key = UnboundKey::new(&AES_256_GCM, hmac::sign(&from, KEY_OF).as_ref());
    key.map(LessSafeKey::new).map_err(|_| Error::internal("an HMAC-SHA256 has 32 bytes"))
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_the_token_itself_opens_what_was_sealed_for_it() {
        let token = Secret::new("hvs.one");
        let sealed = Sealed::new(&token, &"an answer".to_owned()).unwrap();
        assert_eq!(sealed.open::<String>(&token).unwrap(), "an answer");
        assert!(sealed.open::<String>(&Secret::new("hvs.two")).is_err());
        assert!(!serde_json::to_string(&sealed).unwrap().contains("answer"));
    }
}
