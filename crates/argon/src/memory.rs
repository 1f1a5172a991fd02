//! The memory that is filled, kept from hash to hash.

use std::io;

use memmap2::{Advice, MmapMut};

use crate::compress::Block;

/// Memory comes in pieces of this size, that of a large page, so that none is left half used.
const PIECE_BYTES: usize = 2 * 1024 * 1024;

/// Memory for hashing. It grows to what the largest hash needs, and what one hash leaves in it the
/// next one overwrites.
#[derive(Default)]
pub struct Memory(Option<MmapMut>);

impl Memory {
    /// This many blocks, with whatever an earlier hash left in them.
    pub(crate) fn blocks(&mut self, count: usize) -> io::Result<&mut [Block]> {
        let bytes = count.saturating_mul(size_of::<Block>());
        if self.0.as_ref().is_none_or(|map| map.len() < bytes) {
            // What was there before goes first, so that there is never more than needed.
            self.0 = None;
            let map = MmapMut::map_anon(bytes.next_multiple_of(PIECE_BYTES))?;
            // The processor finds its way in large pages without looking it up again and again. A
            // system that has none, or none left, gives small ones.
            #[cfg(target_os = "linux")]
            let _ = map.advise(Advice::HugePage);
            self.0 = Some(map);
        }
        let all = self.0.as_deref_mut().map(bytemuck::cast_slice_mut).unwrap_or_default();
        all.get_mut(..count).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }
}
