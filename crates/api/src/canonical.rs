//! The one form in which a path is known to router, policies, audit and storage.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use data_encoding::HEXLOWER_PERMISSIVE;
use unicode_normalization::is_nfc;

use crate::{Error, Operation, Result};

/// A path below `/v1/`, percent-decoded once, without `.`, `..` or empty segments, and without a
/// slash at either end.
///
/// Invariant: made only by [`CanonicalPath::parse`] and, out of others, by the functions below, so
/// nothing behind the door ever sees two spellings of one place. Doubtful paths are refused, never
/// repaired.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct CanonicalPath {
    // Many look at the path of a request, and each may keep it.
    text: Arc<str>,
    folder: bool,
}

impl CanonicalPath {
    /// How many bytes a path may have, as it is spelled in a URL.
    pub const LENGTH_MAX: usize = 4096;
    /// Into how many parts slashes may divide it.
    pub const SEGMENTS_MAX: usize = 64;

    /// Reads a path as it came in a URL, without the leading `/v1/`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the path could be read in more than one way.
    pub fn parse(encoded: &str) -> Result<Self> {
        if encoded.len() > Self::LENGTH_MAX {
            let text = format!("the path is longer than {} characters", Self::LENGTH_MAX);
            return refuse(&text);
        }
        let decoded = percent_decode(encoded)?;
        let folder = decoded.ends_with('/');
        let text = decoded.strip_suffix('/').unwrap_or(&decoded);
        if text.chars().any(char::is_control) {
            return refuse("the path contains control characters");
        }
        if !is_nfc(text) {
            return refuse("the path is not in Unicode normalization form C");
        }
        if text.split('/').count() > Self::SEGMENTS_MAX {
            return refuse(&format!("the path has more than {} segments", Self::SEGMENTS_MAX));
        }
        for segment in text.split('/') {
            match segment {
                "." | ".." => return refuse("relative paths not supported"),
                "" if !text.is_empty() => {
                    return refuse("the path has an empty segment; write one slash, not two");
                }
                _ => {}
            }
        }
        Ok(Self { text: text.into(), folder })
    }

    /// Reads a path as policies write it: without the leading `/v1/`, and with nothing encoded.
    ///
    /// # Errors
    /// As [`CanonicalPath::parse`].
    pub fn parse_plain(plain: &str) -> Result<Self> {
        Self::parse(&plain.replace('%', "%25"))
    }

    /// Whether whoever likes can ask for `plain`, in which nothing is encoded: it has no more
    /// segments than paths may have, and no more bytes, also when it comes from a client that
    /// encodes all that may be.
    ///
    /// Whoever keeps something asks this about each path that leads to it later.
    pub fn is_within_reach(plain: &str) -> bool {
        let spelled = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => 1,
            _ => "%00".len(),
        };
        plain.bytes().map(spelled).sum::<usize>() <= Self::LENGTH_MAX
            && plain.split('/').count() <= Self::SEGMENTS_MAX
    }

    /// The same path as `operation` asks for it: listings ask for folders, writes never do.
    ///
    /// # Errors
    /// [`Error::Invalid`] when something is to be written to a folder.
    pub fn asked_for(self, operation: Operation) -> Result<Self> {
        match operation {
            Operation::List | Operation::Scan => Ok(self.into_folder()),
            Operation::Create | Operation::Update | Operation::Patch if self.is_folder() => {
                refuse("cannot write to a path ending in '/'")
            }
            Operation::Read
            | Operation::Delete
            | Operation::Help
            | Operation::Create
            | Operation::Update
            | Operation::Patch => Ok(self),
        }
    }

    /// The path, without a slash at either end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the path was written with a slash at its end.
    pub fn is_folder(&self) -> bool {
        self.folder
    }

    /// The same path marked as a folder: what a listing asks for.
    #[must_use]
    pub fn into_folder(self) -> Self {
        Self { folder: true, ..self }
    }

    /// This path with the text behind `mount` replaced: how a declaration folds a name.
    #[must_use]
    pub(crate) fn with_segments(&self, mount: &str, inner: &str) -> Self {
        Self { text: [mount, inner].concat().into(), folder: self.folder }
    }

    /// The path that this one ends in, if `end` is how it ends.
    #[must_use]
    pub fn inner(&self, end: &str) -> Option<Self> {
        let is_end = match self.text.strip_suffix(end) {
            Some(head) => !end.is_empty() && (head.is_empty() || head.ends_with('/')),
            None => false,
        };
        is_end.then(|| Self { text: end.into(), folder: self.folder })
    }

    /// This path with `inner`, which it ends in, replaced.
    #[must_use]
    pub fn with_inner(&self, inner: &Self, replacement: &Self) -> Self {
        let head = self.text.strip_suffix(&*inner.text).unwrap_or_default();
        Self { text: [head, &replacement.text].concat().into(), folder: self.folder }
    }
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)?;
        if self.folder { formatter.write_str("/") } else { Ok(()) }
    }
}

fn percent_decode(encoded: &str) -> Result<Cow<'_, str>> {
    if !encoded.contains('%') {
        return Ok(encoded.into());
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        if *byte != b'%' {
            decoded.push(*byte);
            rest = tail;
            continue;
        }
        let code = tail.get(..2).and_then(|digits| HEXLOWER_PERMISSIVE.decode(digits).ok());
        match code.as_deref() {
            Some([b'/']) => return refuse("the path contains an encoded slash"),
            Some([byte]) => decoded.push(*byte),
            _ => return refuse("the path contains a % that is not followed by two digits"),
        }
        rest = tail.get(2..).unwrap_or_default();
    }
    let decoded = String::from_utf8(decoded).map(Cow::from);
    decoded.or_else(|_| refuse("the path is not valid UTF-8"))
}

fn refuse<T>(text: &str) -> Result<T> {
    Err(Error::invalid(text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[track_caller]
    fn check(encoded: &str, expected: Option<&str>) {
        let path = CanonicalPath::parse(encoded).ok().map(|path| path.to_string());
        assert_eq!(path.as_deref(), expected, "{encoded}");
    }

    #[test]
    fn clear_paths_pass() {
        check("", Some(""));
        check("sys/mounts", Some("sys/mounts"));
        check("secret/metadata/", Some("secret/metadata/"));
        check("secret/data/a%20b", Some("secret/data/a b"));
        check("secret/data/caf%C3%A9", Some("secret/data/caf\u{e9}"));
        check("secret/data/..a", Some("secret/data/..a"));
    }

    #[test]
    fn doubtful_paths_are_refused() {
        for path in [
            "a/../b",
            "a/./b",
            "..",
            "a//b",
            "/a",
            "a//",
            "a/%2e%2e/b",
            "a%2fb",
            "a%2Fb",
            "a%00b",
            "a%0ab",
            "a%",
            "a%2",
            "a%zz",
            "a%ff",
            "cafe%CC%81",
        ] {
            check(path, None);
        }
        check(&"a/".repeat(65), None);
        check(&"a".repeat(4097), None);
    }

    #[track_caller]
    fn check_reach(plain: &str, expected: bool) {
        assert_eq!(CanonicalPath::is_within_reach(plain), expected, "{}", plain.len());
        let encode = |byte: &u8| match byte {
            b'/' => "/".to_owned(),
            byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
            byte => format!("%{byte:02x}"),
        };
        let encoded: String = plain.as_bytes().iter().map(encode).collect();
        assert_eq!(CanonicalPath::parse(&encoded).is_ok(), expected, "{}", plain.len());
    }

    #[test]
    fn what_is_within_reach_can_be_asked_for_however_it_is_spelled() {
        check_reach("", true);
        check_reach(&"a".repeat(4096), true);
        check_reach(&"a".repeat(4097), false);
        check_reach(&("é".repeat(682) + "aaaa"), true);
        check_reach(&("é".repeat(682) + "aaaaa"), false);
        check_reach(&" ".repeat(1366), false);
        check_reach(&"%".repeat(1365), true);
        check_reach(&"~".repeat(1365), true);
        check_reach(&"~".repeat(1366), false);
        check_reach(&["a"; 64].join("/"), true);
        check_reach(&["a"; 65].join("/"), false);
    }

    #[test]
    fn what_was_encoded_twice_is_decoded_once() {
        check("a/%252e%252e/b", Some("a/%2e%2e/b"));
    }

    #[test]
    fn a_path_that_ends_in_another_is_changed_there_and_nowhere_else() {
        let path = CanonicalPath::parse("revoke/login/Cas/").unwrap();
        let inner = path.inner("login/Cas").unwrap();
        assert!(inner.is_folder());
        for other in ["", "ogin/Cas", "login", "revoke/login/Cas/"] {
            assert_eq!(path.inner(other), None, "{other}");
        }
        let folded = CanonicalPath::parse("login/cas/").unwrap();
        let changed = CanonicalPath::parse("revoke/login/cas/").unwrap();
        assert_eq!(path.with_inner(&inner, &folded), changed);
        assert_eq!(path.inner("revoke/login/Cas"), Some(path));
    }
}
