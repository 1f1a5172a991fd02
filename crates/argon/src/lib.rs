//! Argon2 (RFC 9106, and version 0x10 before it), as fast as the processor allows.
//!
//! Each of a matrix of blocks of 1 KiB is made from the one before it and from another one, which
//! nobody can know early; in the end the last ones give the tag. All the time goes into making
//! blocks, which is done with vectors where the processor has them, and into waiting for memory,
//! which is kept from hash to hash in pages as large as the system has. Why this is not a library:
//! `docs/decisions/0010-password-hashing.md`.
//!
//! Reading order: [`derive()`], then `fill` (which blocks), `compress` (what is done to them),
//! `digest` (BLAKE2b around it) and `memory`.

use std::fmt;

mod compress;
mod digest;
mod fill;
mod memory;

pub use memory::Memory;

/// What one hash costs, and by which of the rules it is made.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Cost {
    /// How a block is chosen to be mixed in.
    pub variant: Variant,
    /// The version of the algorithm.
    pub version: Version,
    /// Memory, at least 8 KiB per lane.
    pub memory_kib: u32,
    /// How often all of the memory is written.
    pub passes: u32,
    /// How many parts of the memory could be written at the same time. Here it is done in turn.
    pub lanes: u32,
}

/// How a block is chosen to be mixed in.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Variant {
    /// By what was computed so far.
    D = 0,
    /// By its place only, so that who watches the memory learns nothing of the password.
    I = 1,
    /// As [`Variant::I`] in the first half of the first pass, then as [`Variant::D`].
    Id = 2,
}

/// The version of the algorithm.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Version {
    /// Before 2016: later passes overwrite what earlier ones left.
    Old = 0x10,
    /// That of RFC 9106: later passes are added to what earlier ones left.
    Current = 0x13,
}

/// Why nothing could be derived.
#[derive(Debug)]
pub enum Failure {
    /// Argon2 is not defined for this cost, or for a salt, password or tag of this length.
    Undefined,
    /// The system has no memory.
    Memory(std::io::Error),
}

/// The least of each that Argon2 is defined for.
const MEMORY_KIB_PER_LANE_MIN: u32 = 8;
const SALT_BYTES_MIN: usize = 8;
const TAG_BYTES_MIN: usize = 4;
/// The specification allows 4 GiB. Longer than this, BLAKE2b would have to be strung together.
const TAG_BYTES_MAX: usize = 64;

impl Cost {
    /// Whether Argon2 is defined for this.
    pub fn is_possible(self) -> bool {
        let needed = self.lanes.checked_mul(MEMORY_KIB_PER_LANE_MIN);
        self.passes > 0 && self.lanes > 0 && needed.is_some_and(|needed| self.memory_kib >= needed)
    }
}

/// Turns a password and a salt into `tag`.
///
/// # Errors
/// If Argon2 is not defined for what is asked, or there is no memory.
pub fn derive(
    cost: Cost,
    (password, salt): (&[u8], &[u8]),
    tag: &mut [u8],
    memory: &mut Memory,
) -> Result<(), Failure> {
    let lengths = salt.len() >= SALT_BYTES_MIN
        && (TAG_BYTES_MIN..=TAG_BYTES_MAX).contains(&tag.len())
        && u32::try_from(password.len().max(salt.len())).is_ok();
    if !lengths || !cost.is_possible() {
        return Err(Failure::Undefined);
    }
    let start = digest::start(cost, [password, salt, b"", b""], tag.len());
    let matrix = fill::Matrix::of(cost);
    let blocks = memory.blocks(matrix.blocks()).map_err(Failure::Memory)?;
    matrix.fill(&start, blocks);
    digest::finish(&matrix.last(blocks), tag);
    Ok(())
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined => formatter.write_str("argon2 is not defined for this"),
            Self::Memory(error) => write!(formatter, "no memory for a password hash: {error}"),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests;
