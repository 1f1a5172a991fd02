//! How the unseal key is split.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::SealError;

/// The only layout of the stored configuration so far.
const VERSION: u32 = 1;

/// The most shares there can be: each has its own point, and zero is the secret's.
const SHARES_MAX: i64 = 255;

/// How many shares there are, and how many of them open the seal.
///
/// Invariant: `1 <= threshold <= count`, and more than one share needs a threshold of more than
/// one; [`Shares::new`] keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    count: u8,
    threshold: u8,
}

/// What is stored in clear, because a sealed node has to know it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    version: u32,
    shares: u8,
    threshold: u8,
}

impl Shares {
    /// A split of which something can come, from numbers as a client gave them.
    ///
    /// # Errors
    /// [`SealError::Shares`] with the sentence that says what is wrong.
    pub fn new(count: i64, threshold: i64) -> Result<Self, SealError> {
        let wrong = match (count, threshold) {
            (..=0, _) => "shares must be at least one",
            (_, ..=0) => "threshold must be at least one",
            (2.., 1) => "threshold must be greater than one for multiple shares",
            _ if count > SHARES_MAX => "shares must be less than 256",
            _ if threshold > SHARES_MAX => "threshold must be less than 256",
            _ if threshold > count => "threshold cannot be larger than shares",
            _ => "",
        };
        match (u8::try_from(count), u8::try_from(threshold)) {
            (Ok(count), Ok(threshold)) if wrong.is_empty() => Ok(Self { count, threshold }),
            _ => Err(SealError::Shares(wrong)),
        }
    }

    /// How many shares there are.
    pub fn count(self) -> u8 {
        self.count
    }

    /// How many shares open the seal.
    pub fn threshold(self) -> u8 {
        self.threshold
    }

    /// As it is stored.
    pub(super) fn encode(self) -> Bytes {
        let Self { count, threshold } = self;
        let configuration = Configuration { version: VERSION, shares: count, threshold };
        serde_json::to_vec(&configuration).expect("three numbers are always JSON").into()
    }

    /// What [`encode`](Self::encode) wrote, or nothing if it did not write this.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let configuration: Configuration = serde_json::from_slice(bytes).ok()?;
        let Configuration { version, shares, threshold } = configuration;
        let shares = Self::new(shares.into(), threshold.into()).ok()?;
        (version == VERSION).then_some(shares)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[track_caller]
    fn check(count: i64, threshold: i64, expected: &str) {
        let answer = match Shares::new(count, threshold) {
            Ok(shares) => format!("{} of {}", shares.threshold(), shares.count()),
            Err(error) => error.to_string(),
        };
        assert_eq!(answer.trim_start_matches("invalid seal configuration: "), expected);
    }

    #[test]
    fn only_a_split_that_can_be_put_together_is_made() {
        check(1, 1, "1 of 1");
        check(5, 3, "3 of 5");
        check(2, 2, "2 of 2");
        check(255, 255, "255 of 255");
        check(0, 0, "shares must be at least one");
        check(-1, 1, "shares must be at least one");
        check(i64::MIN, 1, "shares must be at least one");
        check(1, 0, "threshold must be at least one");
        check(5, i64::MIN, "threshold must be at least one");
        check(2, 1, "threshold must be greater than one for multiple shares");
        check(256, 2, "shares must be less than 256");
        check(i64::MAX, i64::MAX, "shares must be less than 256");
        check(255, 256, "threshold must be less than 256");
        check(3, 4, "threshold cannot be larger than shares");
        check(1, 2, "threshold cannot be larger than shares");
    }

    #[test]
    fn what_is_stored_is_read_back_and_nothing_else() {
        let shares = Shares::new(5, 3).unwrap();
        let stored = shares.encode();
        assert_eq!(stored, &br#"{"version":1,"shares":5,"threshold":3}"#[..]);
        assert_eq!(Shares::decode(&stored), Some(shares));
        assert_eq!(Shares::decode(br#"{"version":2,"shares":5,"threshold":3}"#), None);
        assert_eq!(Shares::decode(br#"{"version":1,"shares":3,"threshold":5}"#), None);
        assert_eq!(Shares::decode(br#"{"version":1,"shares":5}"#), None);
        assert_eq!(Shares::decode(b""), None);
    }
}
