//! Many patterns with a star at an end, asked at once whether one of them covers a text.

use std::collections::BTreeSet;

use super::index::Prefixes;

/// Bytes of text that one decision goes through in search of what may stand in the middle.
pub(super) const BYTES_SEARCHED_MAX: usize = 64 * 1024 * 1024;

/// Patterns in which a star stands at either end for anything.
#[derive(Debug, Default)]
pub(super) struct Globs {
    /// One of them is nothing but stars.
    cover_anything: bool,
    is_empty: bool,
    starts: Prefixes,
    /// Written backwards.
    ends: Prefixes,
    has_ends: bool,
    /// What may stand anywhere.
    middles: BTreeSet<String>,
}

/// Whether a star stands at an end of `text`.
pub(super) fn is_glob(text: &str) -> bool {
    text.starts_with('*') || text.ends_with('*')
}

impl Globs {
    pub(super) fn new<'text>(patterns: impl IntoIterator<Item = &'text str>) -> Self {
        let (mut starts, mut ends) = (BTreeSet::new(), BTreeSet::new());
        let mut middles = BTreeSet::new();
        for pattern in patterns {
            match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
                (Some(rest), Some(_)) => {
                    middles.insert(rest.strip_suffix('*').unwrap_or(rest).to_owned());
                }
                (Some(end), None) => {
                    ends.insert(backwards(end));
                }
                (None, start) => {
                    starts.insert(start.unwrap_or(pattern).to_owned());
                }
            }
        }
        let is_empty = starts.is_empty() && ends.is_empty() && middles.is_empty();
        let index = |texts: BTreeSet<String>| Prefixes::new(texts.into_iter().zip(0..).collect());
        let cover_anything = middles.contains("");
        Self {
            cover_anything,
            is_empty,
            has_ends: !ends.is_empty(),
            starts: index(starts),
            ends: index(ends),
            middles,
        }
    }

    /// Whether one of them is for any text at all.
    pub(super) fn cover_anything(&self) -> bool {
        self.cover_anything
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Whether one of them covers `text`.
    pub(super) fn covers(&self, text: &str) -> bool {
        self.cover_anything
            || self.starts.longest(text, |_| true).is_some()
            || self.has_ends && self.ends.longest(&backwards(text), |_| true).is_some()
            || self.middles.iter().any(|middle| text.contains(middle.as_str()))
    }

    /// How many times a text is gone through to find it covered.
    pub(super) fn passes(&self) -> usize {
        self.middles.len()
    }
}

fn backwards(text: &str) -> String {
    text.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::covers;
    use super::*;

    proptest! {
        #[test]
        fn all_at_once_is_one_after_the_other(
            patterns in prop::collection::vec("[*]?[ab*é]{0,3}[*]?", 0..6),
            text in "[abé*]{0,5}",
        ) {
            let patterns: Vec<_> = patterns.iter().filter(|text| is_glob(text)).collect();
            let globs = Globs::new(patterns.iter().map(|text| text.as_str()));
            let expected = patterns.iter().any(|pattern| covers(pattern, &text));
            prop_assert_eq!(globs.covers(&text), expected, "{:?} {:?}", patterns, text);
        }
    }
}
