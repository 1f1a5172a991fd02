//! The project as the rules see it: texts, tokens, findings.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// What holds nothing of ours.
const SKIPPED: &[&str] = &[".git", "target"];

/// Endings of the files that people read.
const READ: &[&str] = &["rs", "md", "toml", "txt", "sh", "hcl", "json"];

/// Every text of the project.
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    pub(crate) texts: Vec<Text>,
}

/// One file, by its path from the top of the project.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) content: String,
}

/// One place where a rule is broken.
#[derive(Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Project {
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf();
        let mut texts = Vec::new();
        collect(&root, &root, &mut texts);
        texts.sort_by(|one, other| one.path.cmp(&other.path));
        Self { root, texts }
    }

    pub(crate) fn rust_texts(&self) -> Vec<Text> {
        self.texts.iter().filter(|text| text.path.ends_with(".rs")).cloned().collect()
    }

    pub(crate) fn manifests(&self) -> Vec<Text> {
        self.texts.iter().filter(|text| text.path.ends_with("/Cargo.toml")).cloned().collect()
    }

    pub(crate) fn text_of(&self, path: &str) -> Text {
        let found = self.texts.iter().find(|text| text.path == path);
        found.unwrap_or_else(|| panic!("{path} is not there")).clone()
    }

    /// What the commits say; nothing where the project is not a repository.
    pub(crate) fn commit_messages(&self) -> Text {
        let log = Command::new("git").current_dir(&self.root).args(["log", "--format=%B"]).output();
        let content = log.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        Text { path: "commits".to_owned(), content: content.unwrap_or_default() }
    }
}

impl Text {
    /// A text made up by a self-test.
    pub(crate) fn sample(path: &str, content: &str) -> Self {
        Self { path: path.to_owned(), content: content.to_owned() }
    }

    pub(crate) fn tokens(&self) -> TokenStream {
        let parsed = self.content.parse();
        parsed.unwrap_or_else(|error| panic!("{} is not Rust: {error}", self.path))
    }

    /// Whether the whole file is there for tests only.
    pub(crate) fn is_test(&self) -> bool {
        let parts = || self.path.split('/').map(|part| part.trim_end_matches(".rs"));
        parts().any(|part| matches!(part, "tests" | "testing" | "benches"))
    }

    pub(crate) fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// `path` as seen from `folder`.
pub(crate) fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            other => parts.push(other),
        }
    }
    parts.join("/")
}

/// Calls `visit` with every token outside attributes, each with the tokens that follow it.
///
/// Code that is there for tests only is passed over when `scope` says so.
pub(crate) fn walk(stream: TokenStream, scope: Scope, visit: &mut dyn FnMut(&[TokenTree])) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut rest = trees.as_slice();
    while let Some(first) = rest.first() {
        if let Some((attribute, after)) = attribute(rest) {
            let passed_over = scope == Scope::Shipped && is_for_tests(attribute);
            rest = if passed_over { after_item(after) } else { after };
            continue;
        }
        visit(rest);
        if let TokenTree::Group(group) = first {
            walk(group.stream(), scope, visit);
        }
        rest = &rest[1..];
    }
}

/// How much of a file a rule looks at.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Scope {
    /// Everything.
    All,
    /// What is part of the program, without its tests.
    Shipped,
}

/// The bracket of the attribute that begins here, and what follows it.
fn attribute(trees: &[TokenTree]) -> Option<(&Group, &[TokenTree])> {
    let is = |tree: &TokenTree, mark| matches!(tree, TokenTree::Punct(it) if it.as_char() == mark);
    let (group, after) = match trees {
        [hash, TokenTree::Group(group), after @ ..] if is(hash, '#') => (group, after),
        [hash, inner, TokenTree::Group(group), after @ ..] if is(hash, '#') && is(inner, '!') => {
            (group, after)
        }
        _ => return None,
    };
    (group.delimiter() == Delimiter::Bracket).then_some((group, after))
}

fn is_for_tests(attribute: &Group) -> bool {
    matches!(attribute.stream().to_string().as_str(), "cfg (test)" | "cfg(test)" | "test")
}

/// What follows the item at the beginning: beyond its braces, or its semicolon.
fn after_item(trees: &[TokenTree]) -> &[TokenTree] {
    let ends = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        _ => false,
    };
    let end = trees.iter().position(ends).map_or(trees.len(), |position| position + 1);
    &trees[end..]
}

fn collect(root: &Path, folder: &Path, texts: &mut Vec<Text>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, texts);
        } else if path.is_file() && is_read(&path) {
            let relative = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let content = fs::read_to_string(&path).unwrap_or_default();
            texts.push(Text { path: relative, content });
        }
    }
}

/// Files without an ending are scripts and such.
fn is_read(path: &Path) -> bool {
    path.extension().is_none_or(|ending| READ.iter().any(|known| ending == *known))
}

#[test]
fn test_code_is_passed_over_where_only_the_program_counts() {
    let text = Text::sample("a.rs", "fn a() {} #[cfg(test)] mod tests { fn b() {} } fn c() {}");
    assert_eq!(idents(&text, Scope::Shipped), ["fn", "a", "fn", "c"]);
    assert_eq!(idents(&text, Scope::All), ["fn", "a", "mod", "tests", "fn", "b", "fn", "c"]);
}

#[test]
fn attributes_are_passed_over_and_lists_are_not() {
    let text = Text::sample("a.rs", "#![a(b)] #[c] vec![d]; e!(f)");
    assert_eq!(idents(&text, Scope::All), ["vec", "d", "e", "f"]);
}

#[cfg(test)]
fn idents(text: &Text, scope: Scope) -> Vec<String> {
    let mut found = Vec::new();
    walk(text.tokens(), scope, &mut |rest| {
        if let TokenTree::Ident(ident) = &rest[0] {
            found.push(ident.to_string());
        }
    });
    found
}
