//! Which block is made of which: RFC 9106, section 3.4.
//!
//! The blocks are a matrix. A lane is a row of it, and a slice is a quarter of every lane; where
//! they cross is a segment.

use fearless_simd::{Level, Simd, dispatch};

use crate::compress::{Before, Block, compress};
use crate::digest::{Start, first_block};
use crate::{Cost, Variant, Version};

const SLICES: usize = 4;
/// How many random numbers a block gives.
const NUMBERS_PER_BLOCK: usize = size_of::<Block>() / size_of::<u64>();
const NOTHING: Block = [[0; 4]; 32];

/// The matrix of blocks.
#[derive(Clone, Copy)]
pub(crate) struct Matrix {
    cost: Cost,
    lanes: usize,
    passes: usize,
    lane_blocks: usize,
    segment_blocks: usize,
}

/// A part of the matrix, in one of the passes.
#[derive(Clone, Copy)]
struct Segment {
    pass: usize,
    slice: usize,
    lane: usize,
}

impl Matrix {
    /// As many blocks as there is memory, rounded down so that all segments are alike.
    pub(crate) fn of(cost: Cost) -> Self {
        let number = |number: u32| usize::try_from(number).expect("an address has 32 bits or more");
        let lanes = number(cost.lanes);
        let segment_blocks = number(cost.memory_kib) / (SLICES * lanes);
        let lane_blocks = segment_blocks * SLICES;
        Self { cost, lanes, passes: number(cost.passes), lane_blocks, segment_blocks }
    }

    pub(crate) fn blocks(self) -> usize {
        self.lanes * self.lane_blocks
    }

    /// Fills `blocks` with what follows from `start`.
    pub(crate) fn fill(self, start: &Start, blocks: &mut [Block]) {
        self.fill_at(Level::new(), start, blocks);
    }

    /// With the vectors that a processor of this `level` has.
    pub(crate) fn fill_at(self, level: Level, start: &Start, blocks: &mut [Block]) {
        for (lane, blocks) in (0..).zip(blocks.chunks_exact_mut(self.lane_blocks)) {
            for (column, block) in (0..2).zip(blocks) {
                *block = first_block(start, column, lane);
            }
        }
        dispatch!(level, simd => self.pass_over(simd, blocks));
    }

    /// The sum of the last blocks of all lanes.
    pub(crate) fn last(self, blocks: &[Block]) -> Block {
        let mut sum = NOTHING;
        for last in blocks.chunks_exact(self.lane_blocks).filter_map(<[Block]>::last) {
            for (sum, word) in sum.as_flattened_mut().iter_mut().zip(last.as_flattened()) {
                *sum ^= word;
            }
        }
        sum
    }

    #[inline(always)]
    fn pass_over<S: Simd>(self, simd: S, blocks: &mut [Block]) {
        for pass in 0..self.passes {
            for slice in 0..SLICES {
                for lane in 0..self.lanes {
                    self.fill_segment(simd, Segment { pass, slice, lane }, blocks);
                }
            }
        }
    }

    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "every place is one of the matrix")]
    fn fill_segment<S: Simd>(self, simd: S, segment: Segment, blocks: &mut [Block]) {
        let Segment { pass, slice, lane } = segment;
        let before = match self.cost.version {
            Version::Current if pass > 0 => Before::Added,
            _ => Before::Overwritten,
        };
        let mut numbers = self.foreseeable(segment).then(|| Numbers::of(self, segment));
        // The first two blocks of each lane are there from the start.
        let first = if pass == 0 && slice == 0 { 2 } else { 0 };
        for index in first..self.segment_blocks {
            let column = slice * self.segment_blocks + index;
            let previous =
                lane * self.lane_blocks + column.checked_sub(1).unwrap_or(self.lane_blocks - 1);
            let number = match &mut numbers {
                Some(numbers) => numbers.at(simd, index),
                None => blocks[previous][0][0],
            };
            let other = self.choose(segment, index, number);
            let place = lane * self.lane_blocks + column;
            // Only where there is little memory can two of the three be the same.
            match blocks.get_disjoint_mut([previous, other, place]) {
                Ok([previous, other, block]) => compress(simd, (previous, other), block, before),
                Err(_) => {
                    let (previous, other) = (blocks[previous], blocks[other]);
                    compress(simd, (&previous, &other), &mut blocks[place], before);
                }
            }
        }
    }

    /// Whether the blocks to mix in depend on the place only.
    fn foreseeable(self, Segment { pass, slice, .. }: Segment) -> bool {
        match self.cost.variant {
            Variant::D => false,
            Variant::I => true,
            Variant::Id => pass == 0 && slice < SLICES / 2,
        }
    }

    /// The place of the block to mix in: one that is finished, and the nearer the likelier.
    fn choose(self, segment: Segment, index: usize, number: u64) -> usize {
        let Segment { pass, slice, lane } = segment;
        // Everything waits for this, and a division takes a tenth of the time of a block.
        let chosen = match self.lanes {
            1 => lane,
            _ if pass == 0 && slice == 0 => lane,
            lanes => number_of(number >> 32) % lanes,
        };
        // How many blocks there are to choose from: the segments that nobody works on at the same
        // time, and of the own one all but the block before.
        let finished = if pass == 0 { slice } else { SLICES - 1 } * self.segment_blocks;
        let choices = match (chosen == lane, index) {
            (true, _) => finished + index - 1,
            (false, 0) => finished - 1,
            (false, _) => finished,
        };
        let square = ((number & 0xffff_ffff) * (number & 0xffff_ffff)) >> 32;
        let back = number_of((choices as u64 * square) >> 32);
        let oldest = if pass == 0 { 0 } else { (slice + 1) * self.segment_blocks };
        let column = oldest + choices - 1 - back;
        let column = column.checked_sub(self.lane_blocks).unwrap_or(column);
        chosen * self.lane_blocks + column
    }
}

/// Random numbers that depend on the place only.
struct Numbers {
    question: Block,
    answer: Block,
}

impl Numbers {
    fn of(matrix: Matrix, Segment { pass, slice, lane }: Segment) -> Self {
        let place = [pass, lane, slice, matrix.blocks(), matrix.passes].map(|it| it as u64);
        let [pass, lane, slice, blocks, passes] = place;
        let mut question = NOTHING;
        let [first, second, ..] = &mut question;
        *first = [pass, lane, slice, blocks];
        *second = [passes, matrix.cost.variant as u64, 0, 0];
        Self { question, answer: NOTHING }
    }

    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "a remainder is below what it is divided by")]
    fn at<S: Simd>(&mut self, simd: S, index: usize) -> u64 {
        let position = index % NUMBERS_PER_BLOCK;
        let [_, [.., count, _], ..] = &mut self.question;
        if position == 0 || *count == 0 {
            *count += 1;
            let mut half_way = NOTHING;
            compress(simd, (&NOTHING, &self.question), &mut half_way, Before::Overwritten);
            compress(simd, (&NOTHING, &half_way), &mut self.answer, Before::Overwritten);
        }
        self.answer.as_flattened()[position]
    }
}

fn number_of(number: u64) -> usize {
    usize::try_from(number).expect("an address has 32 bits or more")
}
