//! Chance that can be repeated: the same seed falls the same way.

use std::sync::atomic::{AtomicU64, Ordering};

/// A shared source of small numbers (SplitMix64).
pub(super) struct Dice(AtomicU64);

impl Dice {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A number below `sides`, which is at least one.
    pub(super) fn roll(&self, sides: u64) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }
}
