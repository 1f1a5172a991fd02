//! PBKDF2 with HMAC, in the three ways it is written: as a PHC string,
//! `$pbkdf2-sha256$i=600000,l=32$salt$tag`, as passlib does, `$pbkdf2-sha256$29000$salt$tag`, and
//! as Django does, `pbkdf2_sha256$600000$salt$tag`, where the salt stands as it is.

use std::num::NonZeroU32;

use api::{Error, Result, Scratch};
use aws_lc_rs::pbkdf2;
use data_encoding::BASE64;

use super::kind::Algorithm;
use super::notation::{self, labelled, number, numbers, passlib_base64};
use super::{Kind, Limits, Opened};

/// What one hash costs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in super::super) struct Cost {
    digest: Digest,
    iterations: NonZeroU32,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

pub(super) fn read(text: &str) -> Option<Result<Opened>> {
    let invalid = || {
        Error::invalid(
            "password_hash is not a valid PBKDF2 hash; it looks like \
             $pbkdf2-sha256$i=600000,l=32$salt$hash, $pbkdf2-sha256$600000$salt$hash or \
             pbkdf2_sha256$600000$salt$hash, and the hash is no longer than the digest",
        )
    };
    let ours = text.starts_with("$pbkdf2") || text.starts_with("pbkdf2_");
    ours.then(|| fields(text).ok_or_else(invalid))
}

fn fields(text: &str) -> Option<Opened> {
    let fields: Vec<&str> = text.split('$').collect();
    match fields.as_slice() {
        ["", name, costs, salt, tag] if costs.starts_with("i=") => {
            let tag = notation::base64(tag)?;
            let iterations = match numbers(costs, ["i=", "l="]) {
                Some([iterations, length]) if usize::try_from(length) == Ok(tag.len()) => {
                    iterations
                }
                Some(_) => return None,
                None => labelled(costs, "i=")?,
            };
            opened((Digest::after_dash(name)?, iterations), notation::base64(salt)?, tag)
        }
        ["", name, iterations, salt, tag] => {
            let cost = (Digest::after_dash(name)?, number(iterations)?);
            opened(cost, passlib_base64(salt)?, passlib_base64(tag)?)
        }
        [name, iterations, salt, tag] => {
            let digest = Digest::named(name.strip_prefix("pbkdf2_")?)?;
            let tag = BASE64.decode(tag.as_bytes()).ok()?;
            opened((digest, number(iterations)?), salt.as_bytes().to_vec(), tag)
        }
        _ => None,
    }
}

fn opened((digest, iterations): (Digest, u32), salt: Vec<u8>, tag: Vec<u8>) -> Option<Opened> {
    let cost = Cost { digest, iterations: NonZeroU32::new(iterations)? };
    let (salt, tag) = (notation::salt(salt)?, notation::tag(tag)?);
    // A longer tag would cost its owner as many times the iterations, and an attacker only once.
    (tag.len() <= cost.tag_bytes()).then_some(Opened { kind: Kind::Pbkdf2(cost), salt, tag })
}

impl Cost {
    pub(super) fn named(parts: &[&str]) -> Option<Self> {
        let ["pbkdf2", digest, iterations] = parts else { return None };
        let iterations = NonZeroU32::new(labelled(iterations, "i")?)?;
        Some(Self { digest: Digest::named(digest)?, iterations })
    }
}

impl Algorithm for Cost {
    fn check(&self, limits: &Limits) -> Result<()> {
        let most = limits.pbkdf2_iterations_max;
        if self.iterations.get() <= most {
            return Ok(());
        }
        Err(Error::invalid(format!("PBKDF2 iterations exceed the maximum of {most}")))
    }

    fn tag_bytes(&self) -> usize {
        match self.digest {
            Digest::Sha1 => 20,
            Digest::Sha256 => 32,
            Digest::Sha512 => 64,
        }
    }

    /// HMAC fills a password up with zero bytes, so that some would be as good as another.
    fn takes(&self, password: &[u8]) -> bool {
        !password.contains(&0)
    }

    fn derive(&self, of: (&[u8], &[u8]), tag: &mut [u8], _: &mut Scratch) -> Result<()> {
        let (password, salt) = of;
        let algorithm = match self.digest {
            Digest::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Digest::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Digest::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        };
        pbkdf2::derive(algorithm, self.iterations, salt, password, tag);
        Ok(())
    }

    fn name(&self) -> String {
        format!("pbkdf2-{}-i{}", self.digest.name(), self.iterations)
    }
}

impl Digest {
    /// The digest of a name such as `pbkdf2-sha256`. The bare name means the oldest.
    fn after_dash(name: &str) -> Option<Self> {
        match name.strip_prefix("pbkdf2")? {
            "" => Some(Self::Sha1),
            rest => Self::named(rest.strip_prefix('-')?),
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha512].into_iter().find(|digest| digest.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}
