//! Argon2, written as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$salt$tag` (RFC 9106).

use std::fmt;

use ::argon2::{Algorithm as Library, Argon2, Block, Params};
use api::{Error, Result, Scratch};
use data_encoding::BASE64_NOPAD;

use super::kind::Algorithm;
use super::notation::{self, labelled, numbers};
use super::{Kind, Limits, Opened};

/// The least that Argon2 is defined for.
const MEMORY_KIB_PER_LANE_MIN: u32 = 8;
const SALT_BYTES_MIN: usize = 8;
const TAG_BYTES: usize = 32;

/// What one hash costs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in super::super) struct Cost {
    pub(super) variant: Variant,
    pub(super) version: Version,
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in super::super) enum Variant {
    D,
    I,
    Id,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in super::super) enum Version {
    /// 0x10, before 2016. Strings that name no version are of it.
    Old = 0x10,
    /// 0x13, that of RFC 9106.
    Current = 0x13,
}

/// Memory that one hash needs, kept from job to job.
#[derive(Default)]
struct Arena(Vec<Block>);

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
    let variant = Variant::named(name)?;
    let [memory_kib, passes, lanes] = numbers(costs, ["m=", "t=", "p="])?;
    let cost = Cost { variant, version, memory_kib, passes, lanes };
    let salt = notation::salt(notation::base64(salt)?)?;
    let tag = notation::tag(notation::base64(tag)?)?;
    let possible = cost.is_possible() && salt.len() >= SALT_BYTES_MIN;
    possible.then_some(Opened { kind: Kind::Argon2(cost), salt, tag })
}

impl Cost {
    pub(super) fn named(parts: &[&str]) -> Option<Self> {
        let (name, version, costs) = match parts {
            [name, "v16", costs @ ..] => (name, Version::Old, costs),
            [name, costs @ ..] => (name, Version::Current, costs),
            [] => return None,
        };
        let [memory_kib, passes, lanes] = costs else { return None };
        let cost = Self {
            variant: Variant::named(name)?,
            version,
            memory_kib: labelled(memory_kib, "m")?,
            passes: labelled(passes, "t")?,
            lanes: labelled(lanes, "p")?,
        };
        cost.is_possible().then_some(cost)
    }

    pub(super) fn write(self, salt: &[u8], tag: &[u8]) -> String {
        let Self { variant, version, memory_kib, passes, lanes } = self;
        let (name, version) = (variant.name(), version as u32);
        let (salt, tag) = (BASE64_NOPAD.encode(salt), BASE64_NOPAD.encode(tag));
        format!("${name}$v={version}$m={memory_kib},t={passes},p={lanes}${salt}${tag}")
    }

    /// Whether Argon2 is defined for this.
    fn is_possible(self) -> bool {
        let needed = self.lanes.checked_mul(MEMORY_KIB_PER_LANE_MIN);
        self.passes > 0 && self.lanes > 0 && needed.is_some_and(|needed| self.memory_kib >= needed)
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
        let (password, salt) = of;
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(tag.len()))
            .map_err(Error::internal)?;
        let Arena(blocks) = scratch.of();
        if blocks.len() < params.block_count() {
            blocks.resize(params.block_count(), Block::new());
        }
        Argon2::new(self.variant.library(), self.version.library(), params)
            .hash_password_into_with_memory(password, salt, tag, blocks)
            .map_err(Error::internal)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variant, version, memory_kib, passes, lanes } = self;
        let name = variant.name();
        let version = match version {
            Version::Old => "-v16",
            Version::Current => "",
        };
        write!(formatter, "{name}{version}-m{memory_kib}-t{passes}-p{lanes}")
    }
}

impl Variant {
    fn named(name: &str) -> Option<Self> {
        [Self::D, Self::I, Self::Id].into_iter().find(|variant| variant.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::D => "argon2d",
            Self::I => "argon2i",
            Self::Id => "argon2id",
        }
    }

    fn library(self) -> Library {
        match self {
            Self::D => Library::Argon2d,
            Self::I => Library::Argon2i,
            Self::Id => Library::Argon2id,
        }
    }
}

impl Version {
    fn library(self) -> ::argon2::Version {
        match self {
            Self::Old => ::argon2::Version::V0x10,
            Self::Current => ::argon2::Version::V0x13,
        }
    }
}
