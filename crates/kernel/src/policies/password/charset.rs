//! A set of characters to choose from, and choosing from it.

use api::Entropy;

/// Characters of the largest set that a message spells out.
const SHOWN_MAX: usize = 100;
/// Bits of the random fractions that characters are chosen by. A number of 32 bits times one of
/// them still fits into 128 bits.
const FRACTION_BITS: u32 = 96;

/// Characters, each once, ordered.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Charset(Vec<char>);

impl Charset {
    /// The characters of all `texts`. What is written twice is no likelier than the rest.
    pub(super) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut characters: Vec<char> = texts.into_iter().flat_map(str::chars).collect();
        characters.sort_unstable();
        characters.dedup();
        Self(characters)
    }

    /// All characters of several sets.
    pub(super) fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut characters: Vec<char> = sets.into_iter().flat_map(|set| set.0.clone()).collect();
        characters.sort_unstable();
        characters.dedup();
        Self(characters)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, character: char) -> bool {
        self.0.binary_search(&character).is_ok()
    }

    /// Whether people can see and type all of them.
    pub(super) fn is_printable(&self) -> bool {
        // What Rust escapes when it shows a text is what does not print, and what needs quoting.
        let prints = |letter: char| {
            matches!(letter, '"' | '\'' | '\\') || letter.escape_debug().count() == 1
        };
        self.0.iter().all(|letter| prints(*letter))
    }

    /// Any of its characters, each as likely as any other; none when it is empty.
    pub(super) fn draw(&self, entropy: &dyn Entropy) -> Option<char> {
        self.0.get(below(entropy, self.0.len())).copied()
    }

    /// Its characters as a message may show them, unless they are too many.
    pub(super) fn shown(&self) -> Option<String> {
        (self.0.len() <= SHOWN_MAX).then(|| self.0.iter().collect())
    }
}

/// A number below `bound`, each as likely as any other; 0 when there is none.
///
/// A random fraction of 96 bits, times the bound, without what is behind the point. Each number
/// comes up for as many of the 2⁹⁶ fractions as any other, give or take one, so no two differ in
/// likelihood by more than 2⁻⁹⁶: nobody will ever be able to tell. The usual alternative, drawing
/// again whenever the number is too large, would be even to the last bit, but takes a number of
/// draws that nobody can bound.
pub(super) fn below(entropy: &dyn Entropy, bound: usize) -> usize {
    let bound = u128::from(u32::try_from(bound).unwrap_or(u32::MAX));
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    let fraction = u128::from_be_bytes(bytes) >> (u128::BITS - FRACTION_BITS);
    usize::try_from((fraction * bound) >> FRACTION_BITS).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use api::testing::Seeded;

    use super::*;

    /// Always the same bytes.
    struct Stuck(u8);

    impl Entropy for Stuck {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        for bound in [1, 2, 3, 62, 100, usize::MAX] {
            assert_eq!(below(&Stuck(0), bound), 0);
            let last = bound.min(usize::try_from(u32::MAX).unwrap_or(bound)) - 1;
            assert_eq!(below(&Stuck(255), bound), last);
        }
        assert_eq!(below(&Stuck(255), 0), 0);
    }

    /// χ² over 62 letters: 61 degrees of freedom have a mean of 61 and a deviation of 11.
    #[test]
    fn every_character_is_as_likely_as_any_other() {
        const DRAWS: u32 = 62_000;
        let letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        // What is written twice counts once.
        let set = Charset::of([letters, "aaaaaaaaaa"]);
        let entropy = Seeded::new(11);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..DRAWS {
            *counts.entry(set.draw(&entropy)).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 62);
        let expected = f64::from(DRAWS) / 62.0;
        let chi: f64 =
            counts.values().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        assert!((20.0..120.0).contains(&chi), "{chi}");
    }

    #[test]
    fn only_what_prints_is_printable() {
        for (text, expected) in [
            ("abc", true),
            (" !\"#$%&'()*+,-./\\", true),
            ("äöü漢字😀", true),
            ("a\nb", false),
            ("\t", false),
            ("\u{7f}", false),
            ("\u{a0}", false),
            ("\u{200b}", false),
            ("\u{301}", false),
            ("\u{e000}", false),
        ] {
            assert_eq!(Charset::of([text]).is_printable(), expected, "{text:?}");
        }
    }
}
