//! That the tags are those of everybody else, whatever vectors the processor has.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use fearless_simd::Level;
use proptest::prelude::*;

use super::*;

const VARIANTS: [Variant; 3] = [Variant::D, Variant::I, Variant::Id];
const VERSIONS: [Version; 2] = [Version::Old, Version::Current];

fn cost(variant: Variant, version: Version, numbers: [u32; 3]) -> Cost {
    let [memory_kib, passes, lanes] = numbers;
    Cost { variant, version, memory_kib, passes, lanes }
}

/// The processor's own vectors, and those of lesser ones.
fn levels() -> Vec<Level> {
    let own = Level::new();
    #[cfg(target_arch = "x86_64")]
    let lesser = [
        own.as_sse2().map(Level::Sse2),
        own.as_sse4_2().map(Level::Sse4_2),
        own.as_avx2().map(Level::Avx2),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let lesser = [None];
    lesser.into_iter().flatten().chain([own]).collect()
}

/// The vectors of the RFC and of the reference implementation, which have a key and further data.
#[track_caller]
fn check(variant: Variant, version: Version, expected: &str) {
    let cost = cost(variant, version, [32, 3, 4]);
    for level in levels() {
        let given: [&[u8]; 4] = [&[1; 32], &[2; 16], &[3; 8], &[4; 12]];
        let start = digest::start(cost, given, 32);
        let matrix = fill::Matrix::of(cost);
        let mut memory = Memory::default();
        let blocks = memory.blocks(matrix.blocks()).unwrap();
        matrix.fill_at(level, &start, blocks);
        let mut tag = [0; 32];
        digest::finish(&matrix.last(blocks), &mut tag);
        let tag: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(tag, expected, "{level:?}");
    }
}

#[test]
fn the_tags_of_the_rfc() {
    use Variant::{D, I, Id};
    use Version::{Current, Old};
    check(D, Current, "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb");
    check(I, Current, "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8");
    check(Id, Current, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
    check(D, Old, "96a9d4e5a1734092c85e29f410a45914a5dd1f5cbf08b2670da68a0285abf32b");
    check(I, Old, "87aeedd6517ab830cd9765cd8231abb2e647a5dee08f7c05e02fcb763335d0fd");
    check(Id, Old, "b64615f07789b66b645b67ee9ed3b377ae350b6bfcbb0fc95141ea8f322613c0");
}

fn library(cost: Cost, (password, salt): (&[u8], &[u8]), tag: &mut [u8]) {
    let algorithm = match cost.variant {
        Variant::D => argon2::Algorithm::Argon2d,
        Variant::I => argon2::Algorithm::Argon2i,
        Variant::Id => argon2::Algorithm::Argon2id,
    };
    let version = match cost.version {
        Version::Old => argon2::Version::V0x10,
        Version::Current => argon2::Version::V0x13,
    };
    let Cost { memory_kib, passes, lanes, .. } = cost;
    let params = argon2::Params::new(memory_kib, passes, lanes, Some(tag.len())).unwrap();
    argon2::Argon2::new(algorithm, version, params)
        .hash_password_into(password, salt, tag)
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// One memory for all, so that what one hash leaves behind is there for the next.
    #[test]
    fn the_tags_of_the_library(
        (variant, version) in (prop::sample::select(&VARIANTS), prop::sample::select(&VERSIONS)),
        (lanes, more, passes) in (1_u32..6, 0_u32..2000, 1_u32..5),
        password in prop::collection::vec(any::<u8>(), 0..200),
        salt in prop::collection::vec(any::<u8>(), 8..70),
        tag_bytes in 4_usize..=64,
    ) {
        let cost = cost(variant, version, [8 * lanes + more, passes, lanes]);
        let mut memory = Memory::default();
        memory.blocks(2048).unwrap().fill([[7; 4]; 32]);
        let (mut tag, mut expected) = (vec![0; tag_bytes], vec![0; tag_bytes]);
        derive(cost, (&password, &salt), &mut tag, &mut memory).unwrap();
        library(cost, (&password, &salt), &mut expected);
        prop_assert_eq!(tag, expected);
    }
}

#[test]
fn what_argon2_is_not_defined_for_is_refused() {
    #[track_caller]
    fn check(numbers: [u32; 3], salt: &[u8], tag_bytes: usize) {
        let cost = cost(Variant::Id, Version::Current, numbers);
        let mut tag = vec![0; tag_bytes];
        let derived = derive(cost, (b"hunter2", salt), &mut tag, &mut Memory::default());
        assert!(matches!(derived, Err(Failure::Undefined)));
    }
    check([8, 0, 1], &[0; 16], 32);
    check([8, 1, 0], &[0; 16], 32);
    check([7, 1, 1], &[0; 16], 32);
    check([15, 1, 2], &[0; 16], 32);
    check([8, 1, u32::MAX], &[0; 16], 32);
    check([8, 1, 1], &[0; 7], 32);
    check([8, 1, 1], &[0; 16], 3);
    check([8, 1, 1], &[0; 16], 65);
}

#[test]
fn memory_is_kept_and_grows() {
    let mut memory = Memory::default();
    let small = memory.blocks(8).unwrap().as_ptr();
    assert_eq!(memory.blocks(2048).unwrap().as_ptr(), small);
    assert_eq!(memory.blocks(2049).unwrap().len(), 2049);
    assert_eq!(memory.blocks(8).unwrap().len(), 8);
}
