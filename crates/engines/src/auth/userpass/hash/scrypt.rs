//! scrypt (RFC 7914), written as a PHC string, `$scrypt$ln=16,r=8,p=1$salt$tag`, or as `crypt(3)`
//! has it, `$7$`, a letter for N, five each for r and p, the salt as it is, `$`, the tag.

use api::{Error, Result, Scratch};

use super::kind::Algorithm;
use super::notation::{self, crypt_base64, crypt_number, labelled, numbers};
use super::{Kind, Limits, Opened};

/// A block of the smallest size that scrypt is defined for.
const BLOCK_BYTES: u64 = 128;
const LOG_N_MAX: u32 = 31;
const TAG_BYTES: usize = 32;

/// What one hash costs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in super::super) struct Cost {
    /// The binary logarithm of N.
    log_n: u32,
    /// The size of a block, in units of 128 bytes.
    r: u32,
    /// How often the whole is done, "parallelization".
    p: u32,
}

pub(super) fn read(text: &str) -> Option<Result<Opened>> {
    let invalid = || {
        Error::invalid(
            "password_hash is not a valid scrypt hash; it looks like \
             $scrypt$ln=16,r=8,p=1$salt$hash or $7$CU..../....salt$hash",
        )
    };
    if text.starts_with("$scrypt$") {
        return Some(phc_fields(text).ok_or_else(invalid));
    }
    text.starts_with("$7$").then(|| crypt_fields(text).ok_or_else(invalid))
}

fn phc_fields(text: &str) -> Option<Opened> {
    let fields: Vec<&str> = text.split('$').collect();
    let ["", "scrypt", costs, salt, tag] = fields.as_slice() else { return None };
    let [log_n, r, p] = numbers(costs, ["ln=", "r=", "p="])?;
    opened(Cost { log_n, r, p }, notation::base64(salt)?, notation::base64(tag)?)
}

fn crypt_fields(text: &str) -> Option<Opened> {
    let fields: Vec<&str> = text.split('$').collect();
    let ["", "7", costs_and_salt, tag] = fields.as_slice() else { return None };
    let (log_n, rest) = costs_and_salt.split_at_checked(1)?;
    let (r, rest) = rest.split_at_checked(5)?;
    let (p, salt) = rest.split_at_checked(5)?;
    let cost = Cost { log_n: crypt_number(log_n)?, r: crypt_number(r)?, p: crypt_number(p)? };
    opened(cost, salt.as_bytes().to_vec(), crypt_base64(tag)?)
}

fn opened(cost: Cost, salt: Vec<u8>, tag: Vec<u8>) -> Option<Opened> {
    let (salt, tag) = (notation::salt(salt)?, notation::tag(tag)?);
    cost.is_possible().then_some(Opened { kind: Kind::Scrypt(cost), salt, tag })
}

impl Cost {
    pub(super) fn named(parts: &[&str]) -> Option<Self> {
        let ["scrypt", log_n, r, p] = parts else { return None };
        let cost =
            Self { log_n: labelled(log_n, "n")?, r: labelled(r, "r")?, p: labelled(p, "p")? };
        cost.is_possible().then_some(cost)
    }

    /// Whether scrypt is defined for this, as far as any computer of today could tell.
    fn is_possible(self) -> bool {
        (1..=LOG_N_MAX).contains(&self.log_n) && self.r > 0 && self.p > 0
    }

    fn memory_kib(self) -> u64 {
        (BLOCK_BYTES * u64::from(self.r)).saturating_mul(1 << self.log_n) / 1024
    }
}

impl Algorithm for Cost {
    fn check(&self, limits: &Limits) -> Result<()> {
        let memory_kib = self.memory_kib();
        let work_kib = memory_kib.saturating_mul(u64::from(self.p));
        if memory_kib <= u64::from(limits.memory_kib_max) && work_kib <= limits.work_kib_max {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "scrypt costs exceed the maximum of {} KiB of memory, and {} for memory times p",
            limits.memory_kib_max, limits.work_kib_max,
        )))
    }

    fn tag_bytes(&self) -> usize {
        TAG_BYTES
    }

    /// The first thing done to a password is HMAC, which fills it up with zero bytes.
    fn takes(&self, password: &[u8]) -> bool {
        !password.contains(&0)
    }

    fn derive(&self, of: (&[u8], &[u8]), tag: &mut [u8], _: &mut Scratch) -> Result<()> {
        let (password, salt) = of;
        let log_n = u8::try_from(self.log_n).map_err(Error::internal)?;
        let params = ::scrypt::Params::new(log_n, self.r, self.p).map_err(Error::internal)?;
        ::scrypt::scrypt(password, salt, &params, tag).map_err(Error::internal)
    }

    fn name(&self) -> String {
        let Self { log_n, r, p } = self;
        format!("scrypt-n{log_n}-r{r}-p{p}")
    }
}
