//! Words that have no place here: clipped names, things left for later, unwrap.

use proc_macro2::{Ident, TokenTree};

use crate::source::{Finding, Scope, Text, walk};

/// Words that are said in full here.
const CLIPPED: &[(&str, &str)] = &[
    ("ctx", "context"),
    ("cfg", "configuration"),
    ("mgr", "what it does"),
    ("req", "request"),
    ("resp", "response"),
    ("tmp", "temporary"),
    ("idx", "index"),
];

/// Endings that say nothing about a type.
const EMPTY_ENDINGS: &[&str] = &["Manager", "Helper", "Util", "Utils", "Info"];

/// Marks of work that is not done.
const LEFT_IN_TEXT: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];
const LEFT_IN_CODE: &[&str] = &["todo", "unimplemented", "dbg"];

/// Rules of the house that code may set aside only where it says why.
const HOUSE_LINTS: &str = "disallowed_";

/// This file must be able to name what it looks for.
const OWN_PATH: &str = "xtask/tests/tidy/words.rs";

pub(crate) fn left_for_later(text: &Text) -> Vec<Finding> {
    if text.path == OWN_PATH {
        return vec![];
    }
    let mut findings = Vec::new();
    for (above, line) in text.content.lines().enumerate() {
        for mark in LEFT_IN_TEXT.iter().filter(|mark| has_word(line, mark)) {
            findings.push(text.finding(above + 1, format!("{mark}: do it, or open an issue")));
        }
    }
    walk(text.tokens(), Scope::All, &mut |rest| {
        if let [TokenTree::Ident(name), TokenTree::Punct(mark), ..] = rest
            && mark.as_char() == '!'
            && LEFT_IN_CODE.iter().any(|left| name == left)
        {
            findings.push(text.finding(line_of(name), format!("{name}! is for later, not here")));
        }
    });
    findings
}

pub(crate) fn unwrap_outside_tests(text: &Text) -> Vec<Finding> {
    if text.is_test() {
        return vec![];
    }
    let mut findings = Vec::new();
    walk(text.tokens(), Scope::Shipped, &mut |rest| {
        if let [TokenTree::Punct(dot), TokenTree::Ident(name), TokenTree::Group(_), ..] = rest
            && dot.as_char() == '.'
            && name == "unwrap"
        {
            findings.push(text.finding(line_of(name), "answer, or expect(\"why it cannot be\")"));
        }
    });
    findings
}

pub(crate) fn clipped_names(text: &Text) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk(text.tokens(), Scope::All, &mut |rest| {
        let [TokenTree::Ident(name), ..] = rest else {
            return;
        };
        // `cfg!(...)` is the language's own word.
        if matches!(rest, [_, TokenTree::Punct(mark), ..] if mark.as_char() == '!') {
            return;
        }
        let told = clipped(&name.to_string()).or_else(|| empty_name(rest));
        findings.extend(told.map(|told| text.finding(line_of(name), told)));
    });
    findings
}

/// An exception from `clippy.toml` gives its reason; one from `unwrap_used` stays in tests.
pub(crate) fn exceptions_without_reason(text: &Text) -> Vec<Finding> {
    let lines: Vec<&str> = text.content.lines().collect();
    let mut findings = Vec::new();
    for (above, line) in lines.iter().enumerate() {
        if !line.trim_start().starts_with("#") || !line.contains("allow(") {
            continue;
        }
        let attribute: Vec<&str> = lines[above..].iter().take(3).copied().collect();
        if line.contains(HOUSE_LINTS) && !attribute.concat().contains("reason = \"") {
            findings.push(text.finding(above + 1, "say why: reason = \"...\""));
        }
    }
    findings
}

fn clipped(name: &str) -> Option<String> {
    let parts = parts(name);
    let (short, long) = CLIPPED.iter().find(|(short, _)| parts.iter().any(|part| part == short))?;
    Some(format!("{name}: write {long}, not {short}"))
}

/// What is empty about the name of the item that begins here.
fn empty_name(trees: &[TokenTree]) -> Option<String> {
    let [TokenTree::Ident(word), TokenTree::Ident(name), ..] = trees else {
        return None;
    };
    let name = name.to_string();
    match word.to_string().as_str() {
        "fn" if name.starts_with("get_") => Some(format!("{name}: without get_")),
        "struct" | "enum" | "trait" | "type" => {
            let ending = EMPTY_ENDINGS.iter().find(|ending| name.ends_with(*ending))?;
            Some(format!("{name}: {ending} says nothing"))
        }
        _ => None,
    }
}

/// The words of a name, in lower case: `RequestBody_max` has request, body and max.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() {
            parts.push(String::new());
        }
        if letter != '_' {
            parts.last_mut().unwrap().extend(letter.to_lowercase());
        }
    }
    // A name in capitals falls apart into letters; as a whole it is one word again.
    parts.extend(name.split('_').map(str::to_lowercase));
    parts
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|letter: char| !letter.is_alphanumeric()).any(|part| part == word)
}

fn line_of(name: &Ident) -> usize {
    name.span().start().line
}

#[test]
fn clipped_names_are_found_in_every_spelling() {
    let found = |content: &str| clipped_names(&Text::sample("a.rs", content)).len();
    assert_eq!(found("fn a(ctx: &Context) {}"), 1);
    assert_eq!(found("struct HttpReq;"), 1);
    assert_eq!(found("const IDX_MAX: u8 = 1;"), 1);
    assert_eq!(found("let max_ttl_cfg = 1;"), 1);
    assert_eq!(found("fn get_user() {}"), 1);
    assert_eq!(found("struct LeaseManager;"), 1);
    assert_eq!(found("// ctx\nlet a = \"cfg\"; #[cfg(test)] mod tests { } cfg!(test);"), 0);
    assert_eq!(found("let required = request.response().indexed().get_or_init();"), 0);
}

#[test]
fn what_is_left_for_later_is_found() {
    let found = |content: &str| left_for_later(&Text::sample("a.rs", content)).len();
    assert_eq!(found("// TODO: more"), 1);
    assert_eq!(found("fn a() { todo!() }"), 1);
    assert_eq!(found("fn a() { dbg!(1); }"), 1);
    assert_eq!(found("// Nothing TODOs about.\nlet todo = vec![1];"), 0);
}

#[test]
fn unwrap_is_found_outside_tests_only() {
    let found =
        |path: &str, content: &str| unwrap_outside_tests(&Text::sample(path, content)).len();
    assert_eq!(found("src/a.rs", "fn a() { b.unwrap() }"), 1);
    assert_eq!(found("src/a.rs", "#[cfg(test)] mod tests { fn a() { b.unwrap() } }"), 0);
    assert_eq!(found("src/a.rs", "#[cfg(test)] mod tests;\nfn a() { b.unwrap() }"), 1);
    assert_eq!(found("src/tests.rs", "fn a() { b.unwrap() }"), 0);
    assert_eq!(found("src/a.rs", "fn a() { b.unwrap_or(1) }"), 0);
}

#[test]
fn an_exception_without_reason_is_found() {
    let found = |content: &str| exceptions_without_reason(&Text::sample("a.rs", content)).len();
    assert_eq!(found("#[allow(clippy::disallowed_methods)]\nfn a() {}"), 1);
    assert_eq!(found("#[allow(clippy::disallowed_methods, reason = \"the one place\")]"), 0);
    assert_eq!(found("#![allow(clippy::panic)]"), 0);
}
