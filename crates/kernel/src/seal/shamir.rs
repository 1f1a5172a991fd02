//! Splitting a secret so that some of the shares give it back, and fewer tell nothing about it.
//!
//! Every byte of the secret is the value at zero of a polynomial of its own over GF(256), whose
//! other coefficients are random; a share is all those polynomials at one point. A share is laid
//! out as Vault's: the values, then the point. The field is that of AES (polynomial 0x11B).
//!
//! Time and memory access do not depend on any secret: multiplication looks nothing up, and
//! neither branches nor indices are made of secret bytes. Points and lengths are not secret. Keep
//! it so: no tables, no `if`, `match`, `==` or `[]` on the bytes of a share or of the secret.

use std::fmt;
use std::hint::black_box;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Shares;
use crate::entropy::Entropy;

/// One part of a secret: it cannot be copied or printed, and is overwritten when dropped.
pub struct Share(Zeroizing<Vec<u8>>);

/// Why shares cannot belong to one secret.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CombineError {
    /// One share alone is no part of anything.
    TooFew,
    /// A share has no room for a value and a point.
    TooShort,
    /// Shares of one secret are equally long.
    DifferentLengths,
    /// A share lies at the point of the secret itself.
    PointZero,
    /// Two shares lie at the same point.
    SamePoint,
}

impl Share {
    /// The bytes, for whoever the share is handed to.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether both are the same, in a time that does not tell where they differ.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl From<Vec<u8>> for Share {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[REDACTED]")
    }
}

/// Splits `secret`; the shares are in the order of their points. One share alone is the secret.
pub(super) fn split(secret: &[u8], shares: Shares, entropy: &dyn Entropy) -> Vec<Share> {
    // `Shares` holds: a threshold of one goes with one share only.
    let degree = usize::from(shares.threshold()) - 1;
    if degree == 0 {
        return vec![Share::from(secret.to_vec())];
    }
    // Also the highest coefficient may be zero: were it never, some secrets could be ruled out.
    let mut coefficients = Zeroizing::new(vec![0; degree * secret.len()]);
    entropy.fill(&mut coefficients);
    let share_at = |point: u8| {
        let mut share = Zeroizing::new(Vec::with_capacity(secret.len() + 1));
        for (byte, higher) in secret.iter().zip(coefficients.chunks_exact(degree)) {
            share.push(evaluate(*byte, higher, point));
        }
        share.push(point);
        Share(share)
    };
    (1..=shares.count()).map(share_at).collect()
}

/// The secret whose shares these are, if they are; without a threshold's worth of right shares, it
/// is another secret, and nothing here can tell.
///
/// # Errors
/// [`CombineError`] when they cannot be shares of one secret.
pub(super) fn combine(shares: &[Share]) -> Result<Zeroizing<Vec<u8>>, CombineError> {
    let parts = parse(shares)?;
    let length = parts.first().map_or(0, |(_, values)| values.len());
    let mut secret = Zeroizing::new(vec![0; length]);
    for (point, values) in &parts {
        let weight = weight_at_zero(*point, parts.iter().map(|(other, _)| *other));
        for (byte, value) in secret.iter_mut().zip(*values) {
            *byte ^= multiply(*value, weight);
        }
    }
    Ok(secret)
}

/// Points and values of the shares, if they can belong together.
fn parse(shares: &[Share]) -> Result<Vec<(u8, &[u8])>, CombineError> {
    let mut parts: Vec<(u8, &[u8])> = Vec::with_capacity(shares.len());
    for share in shares {
        let (point, values) = share.0.split_last().ok_or(CombineError::TooShort)?;
        if values.is_empty() {
            return Err(CombineError::TooShort);
        }
        if parts.first().is_some_and(|(_, first)| first.len() != values.len()) {
            return Err(CombineError::DifferentLengths);
        }
        if *point == 0 {
            return Err(CombineError::PointZero);
        }
        if parts.iter().any(|(other, _)| other == point) {
            return Err(CombineError::SamePoint);
        }
        parts.push((*point, values));
    }
    if parts.len() < 2 {
        return Err(CombineError::TooFew);
    }
    Ok(parts)
}

/// How much the value at `point` counts at zero: Lagrange's coefficient. All points differ.
fn weight_at_zero(point: u8, points: impl Iterator<Item = u8>) -> u8 {
    points
        .filter(|other| *other != point)
        .fold(1, |weight, other| multiply(weight, multiply(other, invert(other ^ point))))
}

/// The polynomial with these coefficients, the constant first, at `point`.
fn evaluate(constant: u8, higher: &[u8], point: u8) -> u8 {
    let sum = higher.iter().rev().fold(0, |sum, next| multiply(sum ^ next, point));
    sum ^ constant
}

/// The product in GF(256): eight steps, each with the same work whatever the bits are.
fn multiply(mut left: u8, right: u8) -> u8 {
    let mut product = 0;
    for bit in 0..8 {
        // All ones or all zeros. The black box keeps the compiler from seeing that there are only
        // these two, and from making a branch of it.
        let chosen = black_box((right >> bit & 1).wrapping_neg());
        let carry = black_box((left >> 7).wrapping_neg());
        product ^= left & chosen;
        left = left << 1 ^ carry & 0x1B;
    }
    product
}

/// The inverse in GF(256), by the 254th power; zero, which has none, gives zero.
fn invert(value: u8) -> u8 {
    let mut power = value;
    for _ in 0..6 {
        power = multiply(multiply(power, power), value);
    }
    multiply(power, power)
}

impl fmt::Display for CombineError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooFew => "fewer than two parts cannot be put together",
            Self::TooShort => "parts must be at least two bytes long",
            Self::DifferentLengths => "all parts must be the same length",
            Self::PointZero => "a part has the reserved number zero",
            Self::SamePoint => "duplicate part detected",
        })
    }
}

impl std::error::Error for CombineError {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use crate::entropy::testing::Seeded;

    /// Fills with these bytes, over and over.
    struct Fixed(&'static [u8]);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.iter_mut().zip(self.0.iter().cycle()).for_each(|(byte, next)| *byte = *next);
        }
    }

    fn shares(count: i64, threshold: i64) -> Shares {
        Shares::new(count, threshold).unwrap()
    }

    /// Product as one does it on paper: multiply the polynomials, then divide by 0x11B.
    fn naive(left: u8, right: u8) -> u8 {
        let mut product: u16 = 0;
        for bit in 0..8 {
            if right & 1 << bit != 0 {
                product ^= u16::from(left) << bit;
            }
        }
        for bit in (8..16).rev() {
            if product & 1 << bit != 0 {
                product ^= 0x11B << (bit - 8);
            }
        }
        product as u8
    }

    #[test]
    fn multiplication_is_that_of_the_field_for_all_pairs() {
        for left in 0..=255 {
            for right in 0..=255 {
                assert_eq!(multiply(left, right), naive(left, right), "{left} * {right}");
            }
        }
        // From FIPS 197, section 4.2.
        assert_eq!(multiply(0x57, 0x83), 0xC1);
        assert_eq!(multiply(0x57, 0x13), 0xFE);
    }

    #[test]
    fn every_element_but_zero_has_its_inverse() {
        assert_eq!(invert(0), 0);
        for value in 1..=255 {
            assert_eq!(multiply(value, invert(value)), 1, "{value}");
        }
    }

    #[test]
    fn multiplication_distributes_over_addition() {
        for a in 0..=255 {
            for b in 0..=255 {
                for c in [1, 2, 3, 0x1B, 0x80, 0xFF] {
                    assert_eq!(multiply(a ^ b, c), multiply(a, c) ^ multiply(b, c));
                }
            }
        }
    }

    #[test]
    fn shares_are_those_computed_by_hand() {
        // f(x) = 0x42 + 0x02 x: f(1) = 0x40, f(2) = 0x46, f(3) = 0x44.
        let parts = split(&[0x42], shares(3, 2), &Fixed(&[0x02]));
        let parts: Vec<&[u8]> = parts.iter().map(Share::as_bytes).collect();
        assert_eq!(parts, [[0x40, 1], [0x46, 2], [0x44, 3]]);
        // f(x) = 0x01 + 0x57 x + 0x83 x^2: f(1) = 0xD5; at 2, 0x57 * 2 = 0xAE and
        // 0x83 * 4 = 0x3A (0x83 * 2 = 0x1D, twice that is 0x3A), so f(2) = 0x95.
        let parts = split(&[0x01], shares(3, 3), &Fixed(&[0x57, 0x83]));
        assert_eq!(parts[0].as_bytes(), [0xD5, 1]);
        assert_eq!(parts[1].as_bytes(), [0x95, 2]);
    }

    #[test]
    fn shares_made_elsewhere_at_any_points_are_put_together() {
        // f(x) = 0x42 + 0x02 x and g(x) = 0x00 + 0xFF x, at the points 0x80 and 0xFF, by hand:
        // 0x02 * 0x80 = 0x1B; 0x02 * 0xFF = 0xE5; 0xFF * 0x80 = 0x8F; 0xFF * 0xFF = 0x13.
        let first = Share::from(vec![0x42 ^ 0x1B, naive(0xFF, 0x80), 0x80]);
        let second = Share::from(vec![0x42 ^ 0xE5, naive(0xFF, 0xFF), 0xFF]);
        assert_eq!(*combine(&[second, first]).unwrap(), [0x42, 0x00]);
    }

    #[test]
    fn every_quorum_gives_the_secret_and_no_smaller_one_does() {
        let secret: Vec<u8> = (0..32).map(|byte| byte * 7).collect();
        for count in 2..=7 {
            for threshold in 2..=count {
                let seed = (count * 8 + threshold) as u64;
                let parts = split(&secret, shares(count, threshold), &Seeded::new(seed));
                assert!(parts.iter().all(|part| part.0.len() == 33));
                for chosen in 0_u32..1 << count {
                    let some: Vec<Share> = (0..count as usize)
                        .filter(|at| chosen & 1 << at != 0)
                        .map(|at| Share::from(parts[at].0.to_vec()))
                        .collect();
                    if some.len() < 2 {
                        continue;
                    }
                    let enough = some.len() >= threshold as usize;
                    assert_eq!(*combine(&some).unwrap() == secret, enough, "{chosen:b}");
                }
            }
        }
    }

    #[test]
    fn all_255_shares_can_be_needed() {
        let parts = split(b"a secret", shares(255, 255), &Seeded::new(1));
        assert_eq!(*combine(&parts).unwrap(), b"a secret");
        assert_ne!(*combine(&parts[1..]).unwrap(), b"a secret");
    }

    #[test]
    fn one_share_alone_is_the_secret() {
        let parts = split(&[7; 32], shares(1, 1), &Seeded::new(1));
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].as_bytes(), [7; 32]);
    }

    #[test]
    fn fewer_shares_than_needed_leave_every_secret_equally_likely() {
        // One share of a 2-of-2: over all coefficients, each secret gives each value exactly once.
        for secret in 0..=255 {
            let mut seen = [0; 256];
            for coefficient in 0..=255 {
                seen[usize::from(evaluate(secret, &[coefficient], 3))] += 1;
            }
            assert!(seen.iter().all(|times| *times == 1), "{secret}");
        }
        // Two shares of a 3-of-3, some secrets: each pair of values exactly once.
        for secret in [0, 1, 0x42, 0xFF] {
            let mut seen = vec![0_u8; 65_536];
            for coefficients in 0..=u16::MAX {
                let higher = coefficients.to_be_bytes();
                let pair = [evaluate(secret, &higher, 1), evaluate(secret, &higher, 2)];
                seen[usize::from(u16::from_be_bytes(pair))] += 1;
            }
            assert!(seen.iter().all(|times| *times == 1), "{secret}");
        }
    }

    #[test]
    fn split_gives_the_highest_coefficient_every_value_also_zero() {
        let mut seen = [false; 256];
        let entropy = Seeded::new(1);
        for _ in 0..4096 {
            // With the secret zero and degree one, the share at one is the coefficient.
            seen[usize::from(split(&[0], shares(2, 2), &entropy)[0].0[0])] = true;
        }
        assert!(seen.iter().all(|seen| *seen));
    }

    #[test]
    fn share_bytes_are_spread_evenly() {
        // 31,250 splits of 32 bytes make a million bytes per share. With 255 degrees of freedom,
        // chi-square stays below 347 in 9,999 of 10,000 cases; the seed makes it one case for good.
        let entropy = Seeded::new(7);
        let mut counts = [[0_u32; 256]; 3];
        for _ in 0..31_250 {
            for (counts, part) in counts.iter_mut().zip(split(&[0; 32], shares(3, 3), &entropy)) {
                part.0[..32].iter().for_each(|byte| counts[usize::from(*byte)] += 1);
            }
        }
        for counts in counts {
            let expected = 1_000_000.0 / 256.0;
            let square = |count: &u32| (f64::from(*count) - expected).powi(2) / expected;
            let chi_square: f64 = counts.iter().map(square).sum();
            assert!((180.0..347.0).contains(&chi_square), "{chi_square}");
        }
    }

    #[test]
    fn a_changed_share_gives_another_secret() {
        for bit in 0..33 * 8 {
            let mut changed = split(&[7; 32], shares(3, 3), &Seeded::new(1));
            changed[1].0[bit / 8] ^= 1 << (bit % 8);
            assert!(!combine(&changed).is_ok_and(|secret| *secret == [7; 32]), "{bit}");
        }
    }

    #[test]
    fn a_share_never_shows_its_bytes() {
        assert_eq!(format!("{:?}", Share::from(vec![7; 33])), "[REDACTED]");
    }

    #[track_caller]
    fn check(parts: &[&[u8]], expected: Result<&[u8], CombineError>) {
        let parts: Vec<Share> = parts.iter().map(|part| Share::from(part.to_vec())).collect();
        assert_eq!(combine(&parts), expected.map(|secret| Zeroizing::new(secret.to_vec())));
    }

    #[test]
    fn shares_that_cannot_belong_together_are_refused() {
        check(&[&[0x40, 1], &[0x46, 2]], Ok(&[0x42]));
        check(&[], Err(CombineError::TooFew));
        check(&[&[0x40, 1]], Err(CombineError::TooFew));
        check(&[&[0x40, 1], &[]], Err(CombineError::TooShort));
        check(&[&[1], &[2]], Err(CombineError::TooShort));
        check(&[&[0x40, 1], &[0x46, 0x46, 2]], Err(CombineError::DifferentLengths));
        check(&[&[0x40, 1], &[0x46, 0]], Err(CombineError::PointZero));
        check(&[&[0x40, 1], &[0x40, 1]], Err(CombineError::SamePoint));
        check(&[&[0x40, 1], &[0x46, 2], &[0x44, 1]], Err(CombineError::SamePoint));
    }
}
