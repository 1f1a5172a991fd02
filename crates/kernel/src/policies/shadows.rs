//! Which of many patterns leaves another nothing to decide, because it matches all that the other
//! matches and is more specific.
//!
//! The patterns stand in a tree with one level for each segment, so each is held against those that
//! can cover it, and not against all.

use std::collections::{BTreeMap, HashMap};

use super::Pattern;
use super::pattern::Kind;

/// Places in the tree that are looked at for one pattern. Only patterns with `+` in all possible
/// places at once lead to more; of those some may be overlooked.
const PLACES_SEEN_MAX: usize = 1_000;

/// Patterns with wildcards, each known by its place in the order of the text.
pub(super) struct Shadows<'pattern> {
    /// The first is the root.
    nodes: Vec<Node<'pattern>>,
    /// All patterns, also those that cast no shadow.
    patterns: Vec<&'pattern Pattern>,
}

#[derive(Default)]
struct Node<'pattern> {
    named: HashMap<&'pattern str, usize>,
    any: Option<usize>,
    /// The pattern that ends with the segment that led here.
    end: Option<usize>,
    /// Patterns that go on with a text and a star, by the text.
    open: BTreeMap<&'pattern str, usize>,
}

impl<'pattern> Shadows<'pattern> {
    pub(super) fn new(patterns: impl Iterator<Item = &'pattern Pattern>) -> Self {
        let patterns: Vec<_> = patterns.collect();
        let mut tree = Self { nodes: vec![Node::default()], patterns: Vec::new() };
        for (number, pattern) in patterns.iter().enumerate() {
            if is_wild(pattern) {
                tree.add(pattern, number);
            }
        }
        Self { patterns, ..tree }
    }

    /// The first pattern that always decides instead of the one with this number.
    pub(super) fn over(&self, number: usize) -> Option<usize> {
        let pattern = self.patterns.get(number).filter(|pattern| is_wild(pattern))?;
        let rank = pattern.rank();
        let beats =
            |other: &usize| self.patterns.get(*other).is_some_and(|other| other.rank() > rank);
        self.covering(pattern.text()).into_iter().filter(beats).min()
    }

    fn add(&mut self, pattern: &'pattern Pattern, number: usize) {
        let (text, is_open) = opened(pattern.text());
        let (way, glob) = match text.rsplit_once('/') {
            Some((way, glob)) if is_open => (Some(way), glob),
            None if is_open => (None, text),
            _ => (Some(text), ""),
        };
        let mut node = 0;
        for segment in way.into_iter().flat_map(|way| way.split('/')) {
            node = self.child(node, segment);
        }
        let Some(node) = self.nodes.get_mut(node) else { return };
        match is_open {
            true => node.open.entry(glob).or_insert(number),
            false => node.end.get_or_insert(number),
        };
    }

    /// The node that `segment` leads to from `node`, made if there is none.
    fn child(&mut self, node: usize, segment: &'pattern str) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(node) else { return node };
        let child = match segment {
            "+" => *node.any.get_or_insert(next),
            name => *node.named.entry(name).or_insert(next),
        };
        if child == next {
            self.nodes.push(Node::default());
        }
        child
    }

    /// The patterns that match all that `text` matches, it among them.
    fn covering(&self, text: &str) -> Vec<usize> {
        let (text, is_open) = opened(text);
        let mut found = Vec::new();
        let mut walks = vec![(0, Some(text))];
        for _ in 0..PLACES_SEEN_MAX {
            let Some((node, rest)) = walks.pop() else { break };
            let Some(node) = self.nodes.get(node) else { continue };
            let Some(rest) = rest else {
                found.extend(node.end);
                continue;
            };
            let (segment, after) = match rest.split_once('/') {
                Some((segment, after)) => (segment, Some(after)),
                None => (rest, None),
            };
            node.open_to(segment, &mut found);
            // The end of an open pattern is covered by open ones alone.
            if after.is_some() || !is_open {
                let next = node.named.get(segment).copied().into_iter().chain(node.any);
                walks.extend(next.map(|node| (node, after)));
            }
        }
        found
    }
}

impl Node<'_> {
    /// Adds the open patterns that cover `segment` and all behind it.
    fn open_to(&self, segment: &str, found: &mut Vec<usize>) {
        if segment == "+" {
            found.extend(self.open.get(""));
        } else if self.open.len() <= segment.len() {
            let covering = self.open.iter().filter(|(start, _)| segment.starts_with(**start));
            found.extend(covering.map(|(_, number)| *number));
        } else {
            let starts = (0..=segment.len()).filter_map(|end| segment.get(..end));
            found.extend(starts.filter_map(|start| self.open.get(start)));
        }
    }
}

fn is_wild(pattern: &Pattern) -> bool {
    matches!(pattern.kind(), Kind::Prefix(_) | Kind::Segments)
}

/// A pattern without the star at its end, and whether there was one.
fn opened(text: &str) -> (&str, bool) {
    text.strip_suffix('*').map_or((text, false), |text| (text, true))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, of two patterns and as simply as it can be said.
    fn always_beats(winner: &Pattern, loser: &Pattern) -> bool {
        is_wild(winner) && is_wild(loser) && winner.rank() > loser.rank() && covers(winner, loser)
    }

    fn covers(wide: &Pattern, narrow: &Pattern) -> bool {
        let (wide, is_open) = opened(wide.text());
        let (narrow, narrow_is_open) = opened(narrow.text());
        let mut wide = wide.split('/').peekable();
        let mut narrow = narrow.split('/').peekable();
        while let Some(segment) = wide.next() {
            let Some(other) = narrow.next() else { return false };
            let is_last = wide.peek().is_none();
            if is_last && is_open {
                return segment.is_empty() || (other != "+" && other.starts_with(segment));
            }
            let other_is_open = narrow_is_open && narrow.peek().is_none();
            if other_is_open || (segment != "+" && segment != other) {
                return false;
            }
        }
        narrow.next().is_none()
    }

    proptest! {
        #[test]
        fn the_tree_finds_what_comparing_all_finds(
            patterns in prop::collection::vec("([+]|[ab]{0,2})(/([+]|[ab]{0,2})){0,3}[*]?", 0..24),
        ) {
            let patterns: Vec<_> = patterns.iter().map(|text| Pattern::new(text)).collect();
            let shadows = Shadows::new(patterns.iter());
            for (number, pattern) in patterns.iter().enumerate() {
                let expected = patterns.iter().position(|other| always_beats(other, pattern));
                prop_assert_eq!(shadows.over(number), expected, "{:?} {}", patterns, number);
            }
        }
    }
}
