//! What one verification of a hash costs: the algorithm and its parameters.
//!
//! Two hashes of the same kind take equally long. A kind has a text form, such as
//! `argon2id-m19456-t2-p1` or `bcrypt-10`, which may be part of a storage key.

use std::fmt;
use std::str::FromStr;

use api::{Error, Result, Scratch};

use super::{Limits, argon2, bcrypt, pbkdf2, scrypt};

/// What one verification costs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in super::super) enum Kind {
    Argon2(argon::Cost),
    Bcrypt(bcrypt::Cost),
    Pbkdf2(pbkdf2::Cost),
    Scrypt(scrypt::Cost),
}

/// What all algorithms have in common.
pub(super) trait Algorithm {
    /// Refuses what makes no sense, and what would be a way to stop the server.
    fn check(&self, limits: &Limits) -> Result<()>;

    /// How long its hashes usually are.
    fn tag_bytes(&self) -> usize;

    /// Whether it can tell this password from every other one.
    fn takes(&self, password: &[u8]) -> bool;

    /// The work: turns a password and a salt into a tag.
    fn derive(&self, of: (&[u8], &[u8]), tag: &mut [u8], scratch: &mut Scratch) -> Result<()>;

    /// The text form of the kind.
    fn name(&self) -> String;
}

impl Kind {
    /// As [`Algorithm::check`].
    pub(super) fn check(self, limits: &Limits) -> Result<()> {
        self.algorithm().check(limits)
    }

    pub(super) fn algorithm(&self) -> &dyn Algorithm {
        match self {
            Self::Argon2(cost) => cost,
            Self::Bcrypt(cost) => cost,
            Self::Pbkdf2(cost) => cost,
            Self::Scrypt(cost) => cost,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.algorithm().name())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let kind = argon2::named(&parts)
            .map(Self::Argon2)
            .or_else(|| bcrypt::Cost::named(&parts).map(Self::Bcrypt))
            .or_else(|| pbkdf2::Cost::named(&parts).map(Self::Pbkdf2))
            .or_else(|| scrypt::Cost::named(&parts).map(Self::Scrypt))
            .ok_or_else(|| Error::internal("this is not the name of a kind of password hash"))?;
        kind.check(&Limits::default())?;
        Ok(kind)
    }
}
