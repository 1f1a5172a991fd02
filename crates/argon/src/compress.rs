//! Making a block of two others: the function G of RFC 9106, section 3.5.
//!
//! A block is a matrix of 8 rows of 16 words. Each row, then each column (of two words) is mixed by
//! a round of BLAKE2b with multiplications in it. Two rows or two columns are mixed side by side,
//! since a step has to wait for the one before it, and two do that at the same time.

use fearless_simd::prelude::*;
use fearless_simd::{Simd, u64x4};

/// A KiB: 32 vectors of 4 words, four vectors to a row.
pub(crate) type Block = [[u64; 4]; BLOCK_VECTORS];

const BLOCK_VECTORS: usize = 32;
const LOW_HALF: u64 = 0xffff_ffff;

/// What becomes of what was in the place of the new block.
#[derive(Clone, Copy)]
pub(crate) enum Before {
    Overwritten,
    Added,
}

/// Two vectors that are worked on side by side.
type Pair<S> = [u64x4<S>; 2];

/// The sixteen words that are mixed, twice: in four quarters.
struct Words<S: Simd> {
    a: Pair<S>,
    b: Pair<S>,
    c: Pair<S>,
    d: Pair<S>,
}

/// Makes a block of `left` and `right`.
#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "every place is below 32")]
pub(crate) fn compress<S: Simd>(
    simd: S,
    (left, right): (&Block, &Block),
    into: &mut Block,
    before: Before,
) {
    let (mut mixed, mut kept) = (Block::default(), Block::default());
    for at in 0..BLOCK_VECTORS {
        let sum = u64x4::simd_from(simd, left[at]) ^ u64x4::simd_from(simd, right[at]);
        mixed[at] = sum.into();
        kept[at] = match before {
            Before::Overwritten => sum.into(),
            Before::Added => (sum ^ u64x4::simd_from(simd, into[at])).into(),
        };
    }
    for row in (0..8).step_by(2) {
        mix_two_rows(simd, &mut mixed, row);
    }
    for column in (0..8).step_by(2) {
        mix_two_columns(simd, &mut mixed, column);
    }
    for at in 0..BLOCK_VECTORS {
        into[at] = (u64x4::simd_from(simd, kept[at]) ^ u64x4::simd_from(simd, mixed[at])).into();
    }
}

/// Mixes this row and the next. A quarter of a row is a vector, so the diagonals are brought below
/// each other by turning vectors.
#[inline(always)]
fn mix_two_rows<S: Simd>(simd: S, block: &mut Block, row: usize) {
    let place = |quarter| [4 * row + quarter, 4 * row + 4 + quarter];
    let mut words = Words::load(simd, block, place);
    words.mix();
    words.b = words.b.map(|it| it.slide::<1>(it));
    words.c = words.c.map(|it| it.slide::<2>(it));
    words.d = words.d.map(|it| it.slide::<3>(it));
    words.mix();
    words.b = words.b.map(|it| it.slide::<3>(it));
    words.c = words.c.map(|it| it.slide::<2>(it));
    words.d = words.d.map(|it| it.slide::<1>(it));
    words.store(block, place);
}

/// Mixes this column and the next. A vector holds two words of each, so a quarter of both is a pair
/// of vectors, and the diagonals are brought below each other by shifting through the pair.
#[inline(always)]
fn mix_two_columns<S: Simd>(simd: S, block: &mut Block, column: usize) {
    let place = |quarter| [8 * quarter + column / 2, 8 * quarter + 4 + column / 2];
    let mut words = Words::load(simd, block, place);
    words.mix();
    words.b = forward(words.b);
    words.c.reverse();
    words.d = backward(words.d);
    words.mix();
    words.b = backward(words.b);
    words.c.reverse();
    words.d = forward(words.d);
    words.store(block, place);
}

/// The words of a quarter of two columns, each one place further on.
#[inline(always)]
fn forward<S: Simd>([low, high]: Pair<S>) -> Pair<S> {
    [low.slide_within_blocks::<1>(high), high.slide_within_blocks::<1>(low)]
}

/// As [`forward`], one place back.
#[inline(always)]
fn backward<S: Simd>([low, high]: Pair<S>) -> Pair<S> {
    [high.slide_within_blocks::<1>(low), low.slide_within_blocks::<1>(high)]
}

impl<S: Simd> Words<S> {
    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "every place is below 32")]
    fn load(simd: S, block: &Block, place: impl Fn(usize) -> [usize; 2]) -> Self {
        let quarter = |quarter| place(quarter).map(|at| u64x4::simd_from(simd, block[at]));
        Self { a: quarter(0), b: quarter(1), c: quarter(2), d: quarter(3) }
    }

    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "every place is below 32")]
    fn store(self, block: &mut Block, place: impl Fn(usize) -> [usize; 2]) {
        for (quarter, [low, high]) in [self.a, self.b, self.c, self.d].into_iter().enumerate() {
            let [at_low, at_high] = place(quarter);
            block[at_low] = low.into();
            block[at_high] = high.into();
        }
    }

    /// The four columns of the words, each mixed for itself.
    #[inline(always)]
    fn mix(&mut self) {
        let Self { a, b, c, d } = self;
        add(a, b);
        add_and_turn::<S, 32>(d, a);
        add(c, d);
        add_and_turn::<S, 24>(b, c);
        add(a, b);
        add_and_turn::<S, 16>(d, a);
        add(c, d);
        add_and_turn::<S, 63>(b, c);
    }
}

/// `left + right + 2 * low half of left * low half of right`
#[inline(always)]
fn add<S: Simd>(left: &mut Pair<S>, right: &Pair<S>) {
    for (left, right) in left.iter_mut().zip(right) {
        let product = (*left & LOW_HALF) * (*right & LOW_HALF);
        *left = *left + *right + (product + product);
    }
}

/// `left ^ right`, turned to the right by so many bits.
#[inline(always)]
fn add_and_turn<S: Simd, const BITS: u32>(left: &mut Pair<S>, right: &Pair<S>) {
    for (left, right) in left.iter_mut().zip(right) {
        let sum = *left ^ *right;
        *left = (sum >> BITS) | (sum << (u64::BITS - BITS));
    }
}
