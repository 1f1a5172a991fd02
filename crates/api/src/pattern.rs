//! Path patterns: `users/{username}`, `data/{path...}`, `mounts/{path...}/tune`, `{kind:pem|der}`.
//!
//! One value answers three questions: does this path match, what does OpenAPI call it, and what
//! does `path-help` print. Nothing is ever parsed back out of a regular expression.

use crate::names::{is_name, is_name_or_address};

/// What a pattern found at each of its places.
pub type Captures = Vec<(&'static str, String)>;

/// The shape of a path below its mount.
///
/// `{name}` is one segment that looks like a name, `{name@}` one that may be an e-mail address as
/// well, `{name:a|b}` one of a few words, `{name...}` one or more segments, and `{name...?}` any
/// number of them, none included. At most one place takes several segments, and only fixed words
/// may follow it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq)]
enum Segment {
    Literal(&'static str),
    Name(&'static str),
    /// A name, or what only an e-mail address looks like.
    Address(&'static str),
    Choice(&'static str, Vec<&'static str>),
    /// Everything up to the words that follow.
    Rest(&'static str, Least),
}

/// How few segments a place for several may take.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Least {
    None,
    One,
}

impl Pattern {
    /// Reads a pattern as declarations write it.
    ///
    /// # Panics
    /// On a malformed pattern: patterns are written by us, and every one is read in tests.
    pub fn new(text: &'static str) -> Self {
        let segments: Vec<_> = match text {
            "" => vec![],
            text => text.split('/').map(Segment::new).collect(),
        };
        let mut behind = segments.iter().skip_while(|segment| !segment.is_rest()).skip(1);
        let fixed = behind.all(|segment| matches!(segment, Segment::Literal(_)));
        assert!(fixed, "{text}: only fixed words may follow `...`");
        Self { segments }
    }

    /// Whether `path` (without slashes at its ends) has this shape.
    pub fn fits(&self, path: &str) -> bool {
        self.walk(path, |_, _| {}).is_some()
    }

    /// What stands at each place, if `path` (without slashes at its ends) has this shape.
    pub fn captures(&self, path: &str) -> Option<Captures> {
        let mut captures = Captures::new();
        let note = |name, text: &str| captures.push((name, text.to_owned()));
        self.walk(path, note)?;
        Some(captures)
    }

    /// Goes through `path` and tells `note` what stands at each place. Every request knocks at
    /// every door of a mount, so nothing is copied on the way.
    fn walk(&self, path: &str, mut note: impl FnMut(&'static str, &str)) -> Option<()> {
        if !self.begins_like(path) {
            return None;
        }
        let rest = self.segments.iter().position(Segment::is_rest);
        let (before, from_rest) = self.segments.split_at(rest.unwrap_or(self.segments.len()));
        let mut left = Some(path).filter(|path| !path.is_empty());
        for segment in before {
            let text = take_first(&mut left).filter(|text| segment.accepts(text))?;
            segment.parameter().into_iter().for_each(|name| note(name, text));
        }
        let Some((Segment::Rest(name, least), behind)) = from_rest.split_first() else {
            return left.is_none().then_some(());
        };
        for segment in behind.iter().rev() {
            take_last(&mut left).filter(|text| segment.accepts(text))?;
        }
        if left.is_none() && *least == Least::One {
            return None;
        }
        note(name, left.unwrap_or_default());
        Some(())
    }

    /// Whether it is worth looking closer: most doors begin with another word than the path.
    fn begins_like(&self, path: &str) -> bool {
        match self.segments.first() {
            Some(Segment::Literal(word)) => path.starts_with(word),
            _ => true,
        }
    }

    /// The path that has `captures` at its places: the way back from [`Pattern::captures`].
    pub fn fill(&self, captures: &Captures) -> String {
        let mut values = captures.iter().map(|(_, value)| value.as_str());
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Literal(literal) => literal,
            _ => values.next().unwrap_or_default(),
        });
        segments.filter(|segment| !segment.is_empty()).collect::<Vec<_>>().join("/")
    }

    /// Smaller means more particular: of two patterns that both match, the smaller one is meant.
    pub fn generality(&self) -> (u8, usize) {
        let rest = self.segments.iter().any(Segment::is_rest);
        let literals = self.segments.iter().filter(|s| matches!(s, Segment::Literal(_))).count();
        (u8::from(rest), usize::MAX - literals)
    }

    /// `/users/{username}`
    pub fn openapi(&self) -> String {
        self.segments.iter().map(|segment| format!("/{}", segment.openapi())).collect()
    }

    /// `^users/(?P<username>\w(([\w-.]+)?\w)?)$`, as existing clients know it from `path-help`.
    pub fn regex(&self) -> String {
        let segments: Vec<_> = self.segments.iter().map(Segment::regex).collect();
        format!("^{}$", segments.join("/"))
    }

    /// The names of its places.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.segments.iter().filter_map(Segment::parameter)
    }

    /// A path that matches, with `word` at every place: for tests over all doors.
    pub fn example(&self, word: &'static str) -> String {
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Literal(literal) => literal,
            Segment::Choice(_, words) => words.first().copied().unwrap_or(word),
            Segment::Name(_) | Segment::Address(_) | Segment::Rest(..) => word,
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

/// Takes the first segment off what is left of a path.
fn take_first<'path>(left: &mut Option<&'path str>) -> Option<&'path str> {
    let path = left.take()?;
    let Some((first, rest)) = path.split_once('/') else { return Some(path) };
    *left = Some(rest);
    Some(first)
}

/// Takes the last segment off what is left of a path.
fn take_last<'path>(left: &mut Option<&'path str>) -> Option<&'path str> {
    let path = left.take()?;
    let Some((rest, last)) = path.rsplit_once('/') else { return Some(path) };
    *left = Some(rest);
    Some(last)
}

impl Segment {
    fn new(text: &'static str) -> Self {
        let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
            return Self::Literal(text);
        };
        if let Some(name) = inner.strip_suffix("...?") {
            return Self::Rest(name, Least::None);
        }
        if let Some(name) = inner.strip_suffix("...") {
            return Self::Rest(name, Least::One);
        }
        if let Some(name) = inner.strip_suffix('@') {
            return Self::Address(name);
        }
        match inner.split_once(':') {
            Some((name, words)) => Self::Choice(name, words.split('|').collect()),
            None => Self::Name(inner),
        }
    }

    fn is_rest(&self) -> bool {
        matches!(self, Self::Rest(..))
    }

    fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => *literal == text,
            Self::Name(_) => is_name(text),
            Self::Address(_) => is_name_or_address(text),
            Self::Choice(_, words) => words.contains(&text),
            Self::Rest(..) => false,
        }
    }

    fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::Literal(_) => None,
            Self::Name(name)
            | Self::Address(name)
            | Self::Choice(name, _)
            | Self::Rest(name, _) => Some(name),
        }
    }

    fn openapi(&self) -> String {
        match self {
            Self::Literal(literal) => (*literal).to_owned(),
            Self::Name(name)
            | Self::Address(name)
            | Self::Choice(name, _)
            | Self::Rest(name, _) => format!("{{{name}}}"),
        }
    }

    fn regex(&self) -> String {
        match self {
            Self::Literal(literal) => (*literal).to_owned(),
            Self::Name(name) => format!(r"(?P<{name}>\w(([\w-.]+)?\w)?)"),
            Self::Address(name) => format!(r"(?P<{name}>\w(([\w-.@+]+)?\w)?)"),
            Self::Choice(name, words) => format!("(?P<{name}>{})", words.join("|")),
            Self::Rest(name, Least::One) => format!("(?P<{name}>.+)"),
            Self::Rest(name, Least::None) => format!("(?P<{name}>.*)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &'static str, path: &str, expected: Option<&[(&'static str, &str)]>) {
        let pattern = Pattern::new(pattern);
        let captures = pattern.captures(path);
        assert_eq!(pattern.fits(path), captures.is_some());
        let expected: Option<Captures> =
            expected.map(|pairs| pairs.iter().map(|(k, v)| (*k, (*v).to_owned())).collect());
        assert_eq!(captures, expected, "{pattern:?} against {path}");
        if let Some(captures) = captures {
            assert_eq!(pattern.fill(&captures), path);
        }
    }

    #[test]
    fn names_and_words() {
        check("", "", Some(&[]));
        check("users", "users", Some(&[]));
        check("users", "users/alice", None);
        check("users/{name}", "users/alice", Some(&[("name", "alice")]));
        check("users/{name}", "users/a.b-c", Some(&[("name", "a.b-c")]));
        check("users/{name}", "users/a", Some(&[("name", "a")]));
        for name in ["-alice", "alice.", "a@b", "a b", "\u{e9}ve", "a/b"] {
            check("users/{name}", &format!("users/{name}"), None);
        }
        for name in ["alice", "a@b", "a.b+c@example.com"] {
            check("users/{name@}", &format!("users/{name}"), Some(&[("name", name)]));
        }
        for name in ["@alice", "alice@", "a b", "a+", "a@\u{e9}ve.example", "a%b"] {
            check("users/{name@}", &format!("users/{name}"), None);
        }
        check("users/{name}", "users", None);
        check("users/{name}/password", "users/bob/password", Some(&[("name", "bob")]));
        check("ca/{format:pem|der}", "ca/pem", Some(&[("format", "pem")]));
        check("ca/{format:pem|der}", "ca/txt", None);
    }

    #[test]
    fn places_for_several_segments() {
        check("data/{path...}", "data/a/b/c", Some(&[("path", "a/b/c")]));
        check("data/{path...}", "data", None);
        check("data/{path...?}", "data", Some(&[("path", "")]));
        check("{path...?}", "", Some(&[("path", "")]));
        check("mounts/{path...}/tune", "mounts/a/b/tune", Some(&[("path", "a/b")]));
        check("mounts/{path...}/tune", "mounts/tune", None);
        check("mounts/{path...}/tune", "mounts/a", None);
    }

    #[test]
    fn the_more_particular_pattern_is_meant() {
        let order = ["mounts", "mounts/{path...}/tune", "mounts/{path...}", "{path...?}"];
        let generality = order.map(|pattern| Pattern::new(pattern).generality());
        assert!(generality.is_sorted());
    }
}
