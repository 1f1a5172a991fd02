//! The path of a rule: what it matches, and how specific that is.

use std::cmp::Reverse;

/// The path of a rule, as written but for one leading slash.
///
/// `*` is special at the very end, where it stands for any rest, also an empty one. `+` is
/// special as a whole segment, where it stands for exactly one segment, also an empty one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    text: String,
}

/// How a pattern is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'pattern> {
    /// Matches one path.
    Exact,
    /// Matches what starts with this.
    Prefix(&'pattern str),
    /// Has segments that stand for any segment.
    Segments,
    /// Has holes, to be filled for whoever asks.
    Templated,
}

/// How specific a pattern with wildcards is: of two that match, the greater one decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank<'pattern> {
    pub(super) first_wildcard: usize,
    ends_exactly: bool,
    single_wildcards: Reverse<usize>,
    length: usize,
    text: &'pattern str,
}

impl Pattern {
    /// The pattern that a policy writes as `path`.
    pub fn new(path: &str) -> Self {
        Self { text: path.strip_prefix('/').unwrap_or(path).to_owned() }
    }

    /// The pattern that a template has become. A slash in front of it is left out already.
    pub(super) fn filled(text: String) -> Self {
        Self { text }
    }

    /// The pattern as written, without a leading slash.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn kind(&self) -> Kind<'_> {
        if self.text.contains("{{") {
            return Kind::Templated;
        }
        if self.text.split('/').any(|segment| segment == "+") {
            return Kind::Segments;
        }
        self.text.strip_suffix('*').map_or(Kind::Exact, Kind::Prefix)
    }

    pub(super) fn rank(&self) -> Rank<'_> {
        let mut start = 0;
        let mut first_single = None;
        let mut single_wildcards = 0;
        for segment in self.text.split('/') {
            if segment == "+" {
                first_single = first_single.or(Some(start));
                single_wildcards += 1;
            }
            start += segment.len() + 1;
        }
        let ends_exactly = !self.text.ends_with('*');
        let end = self.text.len() - usize::from(!ends_exactly);
        Rank {
            first_wildcard: first_single.unwrap_or(end),
            ends_exactly,
            single_wildcards: Reverse(single_wildcards),
            length: self.text.len(),
            text: &self.text,
        }
    }

    /// Whether a path below `folder`, which ends in a slash, can match this pattern with `+`.
    pub(super) fn reaches_below(&self, folder: &str) -> bool {
        let (text, glob) = match self.text.strip_suffix('*') {
            Some(text) => (text, true),
            None => (self.text.as_str(), false),
        };
        let mut segments = text.split('/').peekable();
        for name in folder.trim_end_matches('/').split('/') {
            match segments.next() {
                Some(last) if glob && segments.peek().is_none() => return name.starts_with(last),
                Some(segment) if segment == "+" || segment == name => {}
                _ => return false,
            }
        }
        segments.peek().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Kind<'_>) {
        assert_eq!(Pattern::new(path).kind(), expected, "{path:?}");
    }

    #[test]
    fn wildcards_are_special_only_in_their_place() {
        check("a/b", Kind::Exact);
        check("/a/b", Kind::Exact);
        check("a*/b", Kind::Exact);
        check("a+b", Kind::Exact);
        check("a+/+b", Kind::Exact);
        check("", Kind::Exact);
        check("*", Kind::Prefix(""));
        check("a/*", Kind::Prefix("a/"));
        check("/a/b*", Kind::Prefix("a/b"));
        check("a/**", Kind::Prefix("a/*"));
        check("a+b/*", Kind::Prefix("a+b/"));
        check("+", Kind::Segments);
        check("a/+", Kind::Segments);
        check("a/+/b*", Kind::Segments);
        check("a/{{x}}/+/*", Kind::Templated);
    }

    #[track_caller]
    fn check_reach(pattern: &str, folder: &str, expected: bool) {
        assert_eq!(Pattern::new(pattern).reaches_below(folder), expected, "{pattern:?} {folder:?}");
    }

    #[test]
    fn a_pattern_knows_the_folders_it_reaches_into() {
        check_reach("+/x", "secret/", true);
        check_reach("secret/+", "secret/", true);
        check_reach("secret/+/x*", "secret/", true);
        check_reach("+/a/b", "team/a/", true);
        check_reach("+/te*", "x/team/a/", true);
        check_reach("+/te*", "x/other/", false);
        check_reach("+", "secret/", false);
        check_reach("other/+", "secret/", false);
        check_reach("+/b/c", "team/a/", false);
    }
}
