//! Dependencies point one way, as the map says, and HTTP words stay at the edge.

use std::collections::BTreeSet;

use proc_macro2::TokenTree;

use crate::source::{Finding, Scope, Text, walk};

/// Words that belong to HTTP, whoever provides them.
const HTTP_WORDS: &[&str] = &["StatusCode", "HeaderMap", "HeaderName", "HeaderValue", "hyper"];

/// Where those words belong. The chores measure a bare HTTP server beside ours.
const HTTP_PLACES: &[&str] = &["crates/server/src/http/", "crates/client/", "xtask/"];

/// A crate, and one it uses.
type Edge = (String, String);

/// Edges that stand in a `Cargo.toml` and not in the map, or the other way round.
pub(crate) fn undeclared(map: &Text, manifests: &[Text]) -> Vec<Finding> {
    let crates: BTreeSet<String> = manifests.iter().map(name_of).collect();
    let declared = declared(map, &crates);
    let actual: BTreeSet<Edge> = manifests.iter().flat_map(|text| uses(text, &crates)).collect();
    let only_actual = actual.difference(&declared).map(|(from, to)| {
        map.finding(1, format!("{from} uses {to}; the table of crates does not say so"))
    });
    let only_declared = declared.difference(&actual).map(|(from, to)| {
        map.finding(1, format!("the table of crates says that {from} uses {to}; it does not"))
    });
    only_actual.chain(only_declared).collect()
}

pub(crate) fn http_words_inside(text: &Text) -> Vec<Finding> {
    if text.is_test() || HTTP_PLACES.iter().any(|place| text.path.starts_with(place)) {
        return vec![];
    }
    let mut findings = Vec::new();
    walk(text.tokens(), Scope::Shipped, &mut |rest| {
        if let [TokenTree::Ident(name), ..] = rest
            && HTTP_WORDS.iter().any(|word| name == word)
        {
            let told = format!("{name} is a word of HTTP; it stays in server/src/http");
            findings.push(text.finding(name.span().start().line, told));
        }
    });
    findings
}

/// The rows `| crate | uses | ... |` of the map: all crates named in the second cell.
fn declared(map: &Text, crates: &BTreeSet<String>) -> BTreeSet<Edge> {
    let mut edges = BTreeSet::new();
    for line in map.content.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", from, to, .., ""] = cells[..] else {
            continue;
        };
        let from = from.trim_matches('`');
        if crates.contains(from) {
            let named = to.split(',').map(|name| name.trim().trim_matches('`'));
            let known = named.filter(|name| crates.contains(*name));
            edges.extend(known.map(|name| (from.to_owned(), name.to_owned())));
        }
    }
    edges
}

/// What a crate of ours uses of ours. What only its tests use is nobody else's concern.
fn uses(manifest: &Text, crates: &BTreeSet<String>) -> Vec<Edge> {
    let from = name_of(manifest);
    let mut section = "";
    let mut edges = Vec::new();
    for line in manifest.content.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        }
        let counts = section.ends_with("dependencies]") && !section.contains("dev-dependencies");
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        if counts && crates.contains(name) {
            edges.push((from.clone(), name.to_owned()));
        }
    }
    edges
}

/// A crate is called as its folder is.
fn name_of(manifest: &Text) -> String {
    manifest.path.rsplit('/').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn an_edge_that_is_not_on_the_map_is_found_and_so_is_one_that_is_not_in_the_code() {
    let manifests = [
        Text::sample("crates/api/Cargo.toml", "[dependencies]\nstorage.workspace = true\n"),
        Text::sample(
            "crates/storage/Cargo.toml",
            "[dependencies]\nserde = \"1\"\n[dev-dependencies]\napi.workspace = true\n",
        ),
    ];
    let found = |map: &str| undeclared(&Text::sample("ARCHITECTURE.md", map), &manifests).len();
    assert_eq!(found("| `api` | `storage` | words |\n| `storage` | nothing | keeps |"), 0);
    assert_eq!(found("| `api` | nothing | words |\n| `storage` | nothing | keeps |"), 1);
    assert_eq!(found("| `api` | `storage` | words |\n| `storage` | `api` | keeps |"), 1);
}

#[test]
fn http_words_are_found_inside() {
    let found = |path: &str| {
        http_words_inside(&Text::sample(path, "fn a() -> StatusCode { hyper::b() }")).len()
    };
    assert_eq!(found("crates/kernel/src/serve.rs"), 2);
    assert_eq!(found("crates/server/src/assemble.rs"), 2);
    assert_eq!(found("crates/server/src/http/respond.rs"), 0);
    assert_eq!(found("crates/client/src/client.rs"), 0);
}
