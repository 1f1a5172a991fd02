//! Finding the most specific pattern among many, in time that depends on the path.
//!
//! Patterns are known here by their number. Every search takes a closure that says which numbers
//! count at the moment, since rules can expire.

use std::collections::HashMap;

use super::pattern::Rank;

/// Texts, and the question which of them is the longest beginning of a path.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    /// In order. A beginning of a text stands before it, though not always right before it.
    entries: Vec<Prefix>,
}

#[derive(Debug)]
struct Prefix {
    text: String,
    number: usize,
    /// The place of the longest other text that this one begins with.
    shorter: Option<usize>,
}

/// Patterns with `+`, as a tree with one level for each segment.
#[derive(Debug, Default)]
pub(super) struct Segments {
    /// The first is the root, once there is any.
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    named: HashMap<String, usize>,
    any: Option<usize>,
    /// The pattern that ends with the segment that led here.
    end: Option<usize>,
    /// Patterns that go on with a text and a star.
    globs: Prefixes,
}

/// How far a search in the tree has come.
struct Walk<'path> {
    node: usize,
    /// What is left of the path; nothing when its last segment is taken.
    rest: Option<&'path str>,
    /// Where the first `+` on the way here stands.
    first_wildcard: Option<usize>,
}

impl Prefixes {
    /// An index over `texts`, each with its number. No text comes twice.
    pub(super) fn new(mut texts: Vec<(String, usize)>) -> Self {
        texts.sort_unstable();
        let mut entries: Vec<Prefix> = Vec::with_capacity(texts.len());
        let mut shorter: Option<usize> = None;
        for (text, number) in texts {
            while let Some(entry) = shorter.and_then(|place| entries.get(place))
                && !text.starts_with(&entry.text)
            {
                shorter = entry.shorter;
            }
            entries.push(Prefix { text, number, shorter });
            shorter = Some(entries.len() - 1);
        }
        Self { entries }
    }

    /// The number of the longest text that `path` begins with and that `counts`.
    pub(super) fn longest(&self, path: &str, counts: impl Fn(usize) -> bool) -> Option<usize> {
        let after = self.entries.partition_point(|entry| entry.text.as_str() <= path);
        let mut place = after.checked_sub(1);
        // Every beginning of the path is a beginning of the text right before it in order.
        let common = place.and_then(|place| self.entries.get(place)).map(|entry| {
            entry.text.bytes().zip(path.bytes()).take_while(|(one, other)| one == other).count()
        })?;
        while let Some(entry) = place.and_then(|place| self.entries.get(place)) {
            if entry.text.len() <= common && counts(entry.number) {
                return Some(entry.number);
            }
            place = entry.shorter;
        }
        None
    }
}

impl Segments {
    /// An index over `patterns` that contain `+` as a segment, each with its number.
    pub(super) fn new<'text>(patterns: impl Iterator<Item = (&'text str, usize)>) -> Self {
        let mut tree = Self { nodes: vec![Node::default()] };
        let mut globs: Vec<Vec<(String, usize)>> = Vec::new();
        for (pattern, number) in patterns {
            let (path, glob) = match pattern.strip_suffix('*') {
                Some(path) => path.rsplit_once('/').unwrap_or(("", path)),
                None => (pattern, ""),
            };
            let node = path.split('/').fold(0, |node, segment| tree.child(node, segment));
            if pattern.ends_with('*') {
                globs.resize_with(tree.nodes.len().max(globs.len()), Vec::new);
                globs.get_mut(node).into_iter().for_each(|all| all.push((glob.to_owned(), number)));
            } else if let Some(node) = tree.nodes.get_mut(node) {
                node.end = Some(number);
            }
        }
        for (node, globs) in tree.nodes.iter_mut().zip(globs) {
            node.globs = Prefixes::new(globs);
        }
        tree
    }

    /// The number of the pattern of highest rank that matches `path` and that `counts`.
    pub(super) fn best<'text>(
        &self,
        path: &str,
        counts: impl Fn(usize) -> bool,
        rank: impl Fn(usize) -> Option<Rank<'text>>,
    ) -> Option<usize> {
        let mut best: Option<(Rank<'text>, usize)> = None;
        let mut walks = vec![Walk { node: 0, rest: Some(path), first_wildcard: None }];
        // A node is reached in one way only, so this ends with the tree.
        while let Some(walk) = walks.pop() {
            let Some(node) = self.nodes.get(walk.node) else { continue };
            // A pattern with an earlier wildcard loses to what was found.
            let beaten = best.as_ref().zip(walk.first_wildcard);
            if beaten.is_some_and(|((rank, _), wildcard)| wildcard < rank.first_wildcard) {
                continue;
            }
            let found = match walk.rest {
                None => node.end.filter(|number| counts(*number)),
                Some(rest) => node.globs.longest(rest, &counts),
            };
            best = found.and_then(|number| Some((rank(number)?, number))).max(best);
            if let Some(rest) = walk.rest {
                let (segment, after) = match rest.split_once('/') {
                    Some((segment, after)) => (segment, Some(after)),
                    None => (rest, None),
                };
                let wildcard = walk.first_wildcard.or(Some(path.len() - rest.len()));
                let any = node.any.map(|node| (node, wildcard));
                let named = node.named.get(segment).map(|node| (*node, walk.first_wildcard));
                // The last one is looked at first: names before wildcards.
                walks.extend(any.into_iter().chain(named).map(|(node, first_wildcard)| Walk {
                    node,
                    rest: after,
                    first_wildcard,
                }));
            }
        }
        best.map(|(_, number)| number)
    }

    /// The node that `segment` leads to from `node`, made if there is none.
    fn child(&mut self, node: usize, segment: &str) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(node) else { return node };
        let child = match segment {
            "+" => *node.any.get_or_insert(next),
            name => *node.named.entry(name.to_owned()).or_insert(next),
        };
        if child == next {
            self.nodes.push(Node::default());
        }
        child
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(texts: &[&str], path: &str, expected: Option<&str>) {
        let numbered = texts.iter().enumerate().map(|(number, text)| ((*text).to_owned(), number));
        let longest = Prefixes::new(numbered.collect()).longest(path, |_| true);
        assert_eq!(longest.and_then(|number| texts.get(number).copied()), expected, "{path:?}");
    }

    #[test]
    fn the_longest_beginning_is_found() {
        check(&[], "a", None);
        check(&[""], "", Some(""));
        check(&[""], "a", Some(""));
        check(&["a", "ab", "abc", "b"], "abd", Some("ab"));
        check(&["a", "ab/x", "ab/y", "ab/z"], "ab/yy", Some("ab/y"));
        check(&["a", "ab/x", "ab/y", "ab/z"], "ab/w", Some("a"));
        check(&["a", "ab/x", "ab/y", "ab/z"], "b", None);
        check(&["é", "éa"], "éb", Some("é"));
        check(&["è"], "é", None);
    }

    #[test]
    fn a_text_that_does_not_count_gives_way_to_a_shorter_one() {
        let texts = ["a", "ab", "abc"].map(str::to_owned).into_iter().zip(0..).collect();
        assert_eq!(Prefixes::new(texts).longest("abcd", |number| number != 2), Some(1));
    }
}
