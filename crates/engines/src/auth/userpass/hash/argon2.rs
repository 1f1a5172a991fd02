//! Argon2, written as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$salt$tag` (RFC 9106).

use api::{Error, Result, Scratch};
use argon::{Cost, Memory, Variant, Version};
use data_encoding::BASE64_NOPAD;

use super::kind::Algorithm;
use super::notation::{self, labelled, numbers};
use super::{Kind, Limits, Opened};

const SALT_BYTES_MIN: usize = 8;
const TAG_BYTES: usize = 32;

pub(super) fn read(text: &str) -> Option<Result<Opened>> {
    let invalid = || {
        Error::invalid(
            "password_hash is not a valid Argon2 hash; it looks like \
             $argon2id$v=19$m=19456,t=2,p=1$salt$hash",
        )
    };
    text.starts_with("$argon2").then(|| fields(text).ok_or_else(invalid))
}

fn fields(text: &str) -> Option<Opened> {
    let fields: Vec<&str> = text.split('$').collect();
    let (name, version, costs, salt, tag) = match fields.as_slice() {
        ["", name, costs, salt, tag] => (name, Version::Old, costs, salt, tag),
        ["", name, "v=16", costs, salt, tag] => (name, Version::Old, costs, salt, tag),
        ["", name, "v=19", costs, salt, tag] => (name, Version::Current, costs, salt, tag),
        _ => return None,
    };
    let [memory_kib, passes, lanes] = numbers(costs, ["m=", "t=", "p="])?;
    let cost = Cost { variant: variant(name)?, version, memory_kib, passes, lanes };
    let salt = notation::salt(notation::base64(salt)?)?;
    let tag = notation::tag(notation::base64(tag)?)?;
    let possible = cost.is_possible() && salt.len() >= SALT_BYTES_MIN;
    possible.then_some(Opened { kind: Kind::Argon2(cost), salt, tag })
}

/// The cost in a kind's text form.
pub(super) fn named(parts: &[&str]) -> Option<Cost> {
    let (name, version, costs) = match parts {
        [name, "v16", costs @ ..] => (name, Version::Old, costs),
        [name, costs @ ..] => (name, Version::Current, costs),
        [] => return None,
    };
    let [memory_kib, passes, lanes] = costs else { return None };
    let cost = Cost {
        variant: variant(name)?,
        version,
        memory_kib: labelled(memory_kib, "m")?,
        passes: labelled(passes, "t")?,
        lanes: labelled(lanes, "p")?,
    };
    cost.is_possible().then_some(cost)
}

/// A hash as a PHC string.
pub(super) fn write(cost: Cost, salt: &[u8], tag: &[u8]) -> String {
    let Cost { variant, version, memory_kib, passes, lanes } = cost;
    let (name, version) = (name(variant), version as u32);
    let (salt, tag) = (BASE64_NOPAD.encode(salt), BASE64_NOPAD.encode(tag));
    format!("${name}$v={version}$m={memory_kib},t={passes},p={lanes}${salt}${tag}")
}

fn variant(text: &str) -> Option<Variant> {
    [Variant::D, Variant::I, Variant::Id].into_iter().find(|variant| name(*variant) == text)
}

fn name(variant: Variant) -> &'static str {
    match variant {
        Variant::D => "argon2d",
        Variant::I => "argon2i",
        Variant::Id => "argon2id",
    }
}

impl Algorithm for Cost {
    fn check(&self, limits: &Limits) -> Result<()> {
        let work_kib = u64::from(self.memory_kib) * u64::from(self.passes);
        let modest = self.memory_kib <= limits.memory_kib_max
            && work_kib <= limits.work_kib_max
            && self.passes <= limits.argon2_passes_max
            && self.lanes <= limits.argon2_lanes_max;
        if modest {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "Argon2 costs exceed the maximum of m={}, t={}, p={} and {} for m times t",
            limits.memory_kib_max,
            limits.argon2_passes_max,
            limits.argon2_lanes_max,
            limits.work_kib_max,
        )))
    }

    fn tag_bytes(&self) -> usize {
        TAG_BYTES
    }

    fn takes(&self, _: &[u8]) -> bool {
        true
    }

    fn derive(&self, of: (&[u8], &[u8]), tag: &mut [u8], scratch: &mut Scratch) -> Result<()> {
        argon::derive(*self, of, tag, scratch.of::<Memory>()).map_err(Error::internal)
    }

    fn name(&self) -> String {
        let Self { variant, version, memory_kib, passes, lanes } = self;
        let name = name(*variant);
        let version = match version {
            Version::Old => "-v16",
            Version::Current => "",
        };
        format!("{name}{version}-m{memory_kib}-t{passes}-p{lanes}")
    }
}
