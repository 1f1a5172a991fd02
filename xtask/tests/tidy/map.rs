//! The paths that ARCHITECTURE.md names exist.

use crate::source::{Finding, Text};

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
