//! bcrypt, in its own notation: `$2b$10$`, 22 letters of salt, 31 of hash.
//!
//! It looks at 72 bytes at most, and repeats a password up to there with a zero byte in between. So
//! a longer password, or one with a zero byte in it, matches what it should not: neither ever
//! matches here.

use api::{Error, Result, Scratch};
use zeroize::Zeroizing;

use super::kind::Algorithm;
use super::notation::{bcrypt_base64, labelled, number};
use super::{Kind, Limits, Opened};

/// What bcrypt is defined for.
const COST_MIN: u32 = 4;
const COST_MAX: u32 = 31;
const PASSWORD_BYTES_MAX: usize = 72;
const SALT_LETTERS: usize = 22;
const TAG_LETTERS: usize = 31;
const TAG_BYTES: usize = 23;

/// What one hash costs: the binary logarithm of the number of its rounds. The letter of its version
/// changes nothing for passwords that are taken here.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in super::super) struct Cost(u32);

pub(super) fn read(text: &str) -> Option<Result<Opened>> {
    let invalid = || Error::invalid("password_hash is not a valid bcrypt hash");
    text.starts_with("$2").then(|| fields(text).ok_or_else(invalid))
}

fn fields(text: &str) -> Option<Opened> {
    let fields: Vec<&str> = text.split('$').collect();
    let ["", "2a" | "2b" | "2y", cost, rest] = fields.as_slice() else { return None };
    let cost = two_digits(cost).filter(|cost| (COST_MIN..=COST_MAX).contains(cost))?;
    let (salt, tag) = rest.split_at_checked(SALT_LETTERS)?;
    if tag.len() != TAG_LETTERS {
        return None;
    }
    let (salt, tag) = (bcrypt_base64(salt)?, bcrypt_base64(tag)?);
    Some(Opened { kind: Kind::Bcrypt(Cost(cost)), salt, tag })
}

fn two_digits(text: &str) -> Option<u32> {
    if text.len() == 2 { number(text.strip_prefix('0').unwrap_or(text)) } else { None }
}

impl Cost {
    pub(super) fn named(parts: &[&str]) -> Option<Self> {
        let ["bcrypt", cost] = parts else { return None };
        labelled(cost, "").map(Self)
    }
}

impl Algorithm for Cost {
    fn check(&self, limits: &Limits) -> Result<()> {
        let (Self(cost), least, most) = (self, limits.bcrypt_cost_min, limits.bcrypt_cost_max);
        if *cost < least {
            let text = format!("bcrypt cost of {cost} is too low, want {least} at minimum");
            return Err(Error::invalid(text));
        }
        if *cost > most {
            let text = format!("bcrypt cost of {cost} exceeds maximum cost of {most}");
            return Err(Error::invalid(text));
        }
        Ok(())
    }

    fn tag_bytes(&self) -> usize {
        TAG_BYTES
    }

    fn takes(&self, password: &[u8]) -> bool {
        password.len() <= PASSWORD_BYTES_MAX && !password.contains(&0)
    }

    fn derive(&self, of: (&[u8], &[u8]), tag: &mut [u8], _: &mut Scratch) -> Result<()> {
        let (password, salt) = of;
        let salt = salt.try_into().map_err(Error::internal)?;
        // The zero byte at the end is part of the key, as far as there is room.
        let mut key = Zeroizing::new([0; PASSWORD_BYTES_MAX]);
        let used = PASSWORD_BYTES_MAX.min(password.len() + 1);
        for (to, from) in key.iter_mut().zip(password) {
            *to = *from;
        }
        let key = key.get(..used).unwrap_or_default();
        let derived = Zeroizing::new(::bcrypt::bcrypt(self.0, salt, key));
        for (to, from) in tag.iter_mut().zip(derived.iter()) {
            *to = *from;
        }
        Ok(())
    }

    fn name(&self) -> String {
        format!("bcrypt-{}", self.0)
    }
}
