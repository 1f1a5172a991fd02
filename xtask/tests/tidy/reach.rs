//! No file is dead: every Rust file is reached from the root of a crate.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::source::{Finding, Text, resolve};

/// Files that no `mod` line leads to.
pub(crate) fn dead_files(texts: &[Text], manifests: &[Text]) -> Vec<Finding> {
    let by_path: BTreeMap<&str, &Text> =
        texts.iter().map(|text| (text.path.as_str(), text)).collect();
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<String> = by_path.keys().map(|path| (*path).to_owned()).collect();
    let named = named_roots(manifests);
    waiting.retain(|path| is_root(path) || named.contains(path));
    // Ends, since every file is taken up once.
    while let Some(path) = waiting.pop() {
        if let Some(text) = by_path.get(path.as_str())
            && reached.insert(path.clone())
        {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            waiting.extend(modules(text.tokens(), folder, &home_of(&path, &named)));
        }
    }
    let dead = texts.iter().filter(|text| !reached.contains(&text.path));
    dead.map(|text| text.finding(1, "no mod line leads here")).collect()
}

/// Where cargo looks for the roots of crates by itself.
fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        [.., "src", "lib.rs" | "main.rs"] | [.., "src", "bin", _] | [.., "build.rs"] => true,
        [.., "tests" | "benches" | "examples", _, "main.rs"] => true,
        [.., above, "tests" | "benches" | "examples", _] => above != "src",
        ["tests", _] => true,
        _ => false,
    }
}

/// The roots that manifests name: `path = "..."` of a target.
fn named_roots(manifests: &[Text]) -> BTreeSet<String> {
    let mut roots = BTreeSet::new();
    for manifest in manifests {
        let folder = manifest.path.trim_end_matches("/Cargo.toml");
        for line in manifest.content.lines().filter_map(|line| line.strip_prefix("path = ")) {
            roots.insert(resolve(folder, line.trim().trim_matches('"')));
        }
    }
    roots
}

/// The folder in which the modules of a file stand.
fn home_of(path: &str, named: &BTreeSet<String>) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if name == "mod.rs" || is_root(path) || named.contains(path) {
        return folder.to_owned();
    }
    format!("{folder}/{}", name.trim_end_matches(".rs"))
}

/// Where the modules that `stream` declares may stand. A module is a file or a folder in `home`,
/// unless it names a path, which counts from the `folder` of the file.
fn modules(stream: TokenStream, folder: &str, home: &str) -> Vec<String> {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut found = Vec::new();
    let mut path = None;
    for (position, tree) in trees.iter().enumerate() {
        path = path_attribute(tree).or(path);
        let [TokenTree::Ident(word), TokenTree::Ident(name), rest @ ..] = &trees[position..] else {
            continue;
        };
        if word != "mod" {
            continue;
        }
        match rest.first() {
            Some(TokenTree::Group(group)) => {
                let home = format!("{home}/{name}");
                found.extend(modules(group.stream(), &home, &home));
            }
            _ => match path.take() {
                Some(path) => found.push(resolve(folder, &path)),
                None => {
                    let files = [format!("{home}/{name}.rs"), format!("{home}/{name}/mod.rs")];
                    found.extend(files.map(|file| resolve("", &file)));
                }
            },
        }
    }
    found
}

/// The path in `#[path = "..."]`.
fn path_attribute(tree: &TokenTree) -> Option<String> {
    let TokenTree::Group(group) = tree else {
        return None;
    };
    let inside = group.stream().to_string();
    let value = inside.strip_prefix("path =")?.trim().trim_matches('"').to_owned();
    (group.delimiter() == Delimiter::Bracket).then_some(value)
}

#[test]
fn a_dead_file_is_found() {
    let file = |path: &str, content: &str| Text::sample(path, content);
    let texts = [
        file("crates/a/src/lib.rs", "mod room; mod inline { mod inner; } #[cfg(test)] mod tests;"),
        file("crates/a/src/room/mod.rs", "mod verb;"),
        file("crates/a/src/room/verb.rs", ""),
        file("crates/a/src/room/dead.rs", ""),
        file("crates/a/src/inline/inner.rs", "mod below; #[path = \"../far.rs\"] mod elsewhere;"),
        file("crates/a/src/inline/inner/below.rs", ""),
        file("crates/a/src/inline/far.rs", ""),
        file("crates/a/src/far.rs", ""),
        file("crates/a/src/tests.rs", ""),
        file("crates/a/tests/main.rs", "mod promise;"),
        file("crates/a/tests/promise.rs", ""),
        file("tests/story/main.rs", ""),
        file("odd/root.rs", ""),
    ];
    let manifests = [file("crates/a/Cargo.toml", "[[test]]\npath = \"../../odd/root.rs\"\n")];
    let dead: Vec<String> =
        dead_files(&texts, &manifests).into_iter().map(|finding| finding.path).collect();
    assert_eq!(dead, ["crates/a/src/room/dead.rs", "crates/a/src/inline/far.rs"]);
}
