//! The paths that ARCHITECTURE.md names exist, and so does what any page links to.

use crate::source::{Finding, Text, resolve};

/// What a path of this project begins with.
const BEGINNINGS: &[&str] = &["crates", "docs", "xtask", "tests", "scripts", "changes", ".ci"];

/// Endings of the files of this project.
const ENDINGS: &[&str] = &[".rs", ".md", ".toml"];

/// Paths named in `map` for which nothing `exists`.
pub(crate) fn dead_ends(map: &Text, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (above, line) in map.content.lines().enumerate() {
        // What stands between backticks is every second piece.
        for quoted in line.split('`').skip(1).step_by(2) {
            if is_path(quoted) && !exists(known_part(quoted)) {
                findings.push(map.finding(above + 1, format!("{quoted} does not exist")));
            }
        }
    }
    findings
}

/// Links of `page` to files of the project for which nothing `exists`.
pub(crate) fn dead_links(page: &Text, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut findings = Vec::new();
    for (above, line) in page.content.lines().enumerate() {
        for rest in line.split("](").skip(1) {
            let link = rest.split(')').next().unwrap_or_default();
            let file = link.split('#').next().unwrap_or_default();
            let ours = !file.is_empty() && !file.contains(':');
            if ours && !exists(&resolve(folder, file)) {
                findings.push(page.finding(above + 1, format!("{link} leads nowhere")));
            }
        }
    }
    findings
}

fn is_path(quoted: &str) -> bool {
    let first = quoted.split('/').next().unwrap_or_default();
    let below = quoted.contains('/') && BEGINNINGS.contains(&first);
    !quoted.contains(' ') && (below || ENDINGS.iter().any(|ending| quoted.ends_with(ending)))
}

/// The path up to the part that the reader fills in: `docs/<page>.md` is known as `docs`.
fn known_part(path: &str) -> &str {
    let before = path.split('<').next().unwrap_or_default();
    if before.len() == path.len() {
        return path;
    }
    before.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

#[test]
fn a_path_that_leads_nowhere_is_found() {
    let found = |line: &str| {
        let exists = |path: &str| matches!(path, "README.md" | "crates/api" | ".");
        dead_ends(&Text::sample("ARCHITECTURE.md", line), exists).len()
    };
    assert_eq!(found("see `README.md`, `crates/api` and `auth/userpass/login`"), 0);
    assert_eq!(found("see `crates/gone/src/lib.rs`"), 1);
    assert_eq!(found("see `serve.rs` and `docs/gone/`"), 2);
    assert_eq!(found("one file each: `crates/api/<noun>.rs`, `<page>.md`"), 0);
    assert_eq!(found("one file each: `crates/gone/<noun>.rs`"), 1);
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let found = |line: &str| {
        let exists = |path: &str| path == "docs/kv.md" || path == "README.md";
        dead_links(&Text::sample("docs/README.md", line), exists).len()
    };
    assert_eq!(found("[a](kv.md), [b](../README.md#start), [c](https://example.org), [d](#e)"), 0);
    assert_eq!(found("[a](gone.md) and [b](../kv.md)"), 2);
}
