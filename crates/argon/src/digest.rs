//! BLAKE2b, at both ends: from the password to the first blocks, from the last blocks to the tag.

use blake2::digest::block_api::{UpdateCore, VariableOutputCore};
use blake2::digest::block_buffer::LazyBuffer;
use blake2::{Blake2b512, Blake2bVarCore, Digest};
use zeroize::Zeroizing;

use crate::Cost;
use crate::compress::Block;

const DIGEST_BYTES: usize = 64;
/// All digests but the last one of a block give this many bytes of it.
const STEP_BYTES: usize = DIGEST_BYTES / 2;
const BLOCK_BYTES: usize = size_of::<Block>();

/// What everything else follows from.
pub(crate) type Start = Zeroizing<[u8; DIGEST_BYTES]>;

/// The digest of all that is given: password, salt, key and further data.
pub(crate) fn start(cost: Cost, given: [&[u8]; 4], tag_bytes: usize) -> Start {
    let Cost { variant, version, memory_kib, passes, lanes } = cost;
    let mut digest = Blake2b512::new();
    let tag_bytes = length(tag_bytes);
    for number in [lanes, tag_bytes, memory_kib, passes, version as u32, variant as u32] {
        digest.update(number.to_le_bytes());
    }
    for bytes in given {
        digest.update(length(bytes.len()).to_le_bytes());
        digest.update(bytes);
    }
    Zeroizing::new(digest.finalize().into())
}

/// The block at a place where there is none before it yet.
pub(crate) fn first_block(start: &Start, column: u32, lane: u32) -> Block {
    let parts: [&[u8]; 4] = [
        &length(BLOCK_BYTES).to_le_bytes(),
        start.as_slice(),
        &column.to_le_bytes(),
        &lane.to_le_bytes(),
    ];
    let mut bytes = Zeroizing::new([0; BLOCK_BYTES]);
    let mut digest = Blake2b512::new();
    for part in parts {
        digest.update(part);
    }
    let mut digest: Zeroizing<[u8; DIGEST_BYTES]> = Zeroizing::new(digest.finalize().into());
    let (steps, last) = bytes.split_at_mut(BLOCK_BYTES - DIGEST_BYTES);
    for step in steps.chunks_exact_mut(STEP_BYTES) {
        step.copy_from_slice(digest.split_at(STEP_BYTES).0);
        *digest = Blake2b512::digest(digest.as_slice()).into();
    }
    last.copy_from_slice(digest.as_slice());
    let mut block: Block = bytemuck::cast(*bytes);
    block.as_flattened_mut().iter_mut().for_each(|word| *word = u64::from_le(*word));
    block
}

/// The digest of the last block, of the length of the tag.
pub(crate) fn finish(last: &Block, tag: &mut [u8]) {
    let mut words = Zeroizing::new(*last);
    words.as_flattened_mut().iter_mut().for_each(|word| *word = word.to_le());
    let mut digest = Blake2bVarCore::new(tag.len()).expect("BLAKE2b gives up to 64 bytes");
    let mut buffer = LazyBuffer::new(&length(tag.len()).to_le_bytes());
    let bytes: &[u8] = bytemuck::bytes_of(&*words);
    buffer.digest_blocks(bytes, |blocks| digest.update_blocks(blocks));
    let mut output = Default::default();
    digest.finalize_variable_core(&mut buffer, &mut output);
    for (to, from) in tag.iter_mut().zip(output.iter()) {
        *to = *from;
    }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("checked before")
}
