//! How a mount hashes new passwords.

use api::{Error, Result, Scratch, Secret};
use argon::{Cost, Variant, Version};
use serde::{Deserialize, Serialize};

use super::kind::Algorithm;
use super::{Hashed, Kind, Limits, Opened, argon2};

/// The least memory, and the least memory times passes, that is worth the name: the cheapest of the
/// combinations that OWASP calls equally strong.
const MEMORY_KIB_MIN: u32 = 7 * 1024;
const WORK_KIB_MIN: u64 = 5 * 7 * 1024;
const TAG_BYTES: usize = 32;

/// What one Argon2id hash costs. The default is what OWASP recommends.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(in super::super) struct Parameters {
    #[serde(rename = "argon2_memory_kib")]
    pub(in super::super) memory_kib: u32,
    #[serde(rename = "argon2_passes")]
    pub(in super::super) passes: u32,
    #[serde(rename = "argon2_lanes")]
    pub(in super::super) lanes: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

impl Parameters {
    /// Refuses what is too weak to protect a password, and what would be a way to stop the server.
    pub(in super::super) fn check(self) -> Result<()> {
        let limits = Limits::default();
        let Self { memory_kib, passes, lanes } = self;
        within("argon2_memory_kib", memory_kib, (MEMORY_KIB_MIN, limits.memory_kib_max))?;
        within("argon2_passes", passes, (1, limits.argon2_passes_max))?;
        within("argon2_lanes", lanes, (1, limits.argon2_lanes_max))?;
        let work_kib = u64::from(memory_kib) * u64::from(passes);
        if (WORK_KIB_MIN..=limits.work_kib_max).contains(&work_kib) {
            return Ok(());
        }
        let (least, most) = (WORK_KIB_MIN, limits.work_kib_max);
        let text = format!("argon2_memory_kib times argon2_passes must be from {least} to {most}");
        Err(Error::invalid(text))
    }

    /// The kind of hashes that come of it.
    pub(in super::super) fn kind(self) -> Kind {
        Kind::Argon2(self.cost())
    }

    pub(super) fn hash(
        self,
        salt: &[u8],
        password: &Secret,
        scratch: &mut Scratch,
    ) -> Result<Hashed> {
        let mut tag = vec![0; TAG_BYTES];
        let password = password.reveal().as_bytes();
        self.cost().derive((password, salt), &mut tag, scratch)?;
        let text = argon2::write(self.cost(), salt, &tag);
        Ok(Hashed { text, opened: Opened { kind: self.kind(), salt: salt.to_vec(), tag } })
    }

    fn cost(self) -> Cost {
        let Self { memory_kib, passes, lanes } = self;
        Cost { variant: Variant::Id, version: Version::Current, memory_kib, passes, lanes }
    }
}

fn within(name: &str, value: u32, (least, most): (u32, u32)) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(format!("{name} must be from {least} to {most}")))
}
