//! What is probably a mistake in a policy, though it may parse.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use api::hcl::{self, Body, Position};

use super::capabilities::canonical;
use super::parse::{KEYS, rule};
use super::paths::TEXT_BYTES_MAX;
use super::shadows::Shadows;
use super::{Capability, Pattern, PolicyError, Rule};

/// Where servers keep a versioned key-value store unless told otherwise.
pub const KV_MOUNT: &str = "secret";

/// What stands behind the mount in paths of a versioned key-value store.
const KV_WORDS: &[&str] = &[
    "config",
    "data",
    "delete",
    "destroy",
    "detailed-metadata",
    "metadata",
    "subkeys",
    "undelete",
];

/// Below these, names are lower-cased before policies decide. `+` is any one segment.
const FOLDED: &[&str] =
    &["auth/+/users/", "auth/+/login/", "sys/policy/", "sys/policies/acl/", "identity/group/name/"];

/// Something to look at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub position: Position,
    /// What, and what would work.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.position, self.problem)
    }
}

/// A rule, its path as written, and where that stands.
struct Seen {
    path: String,
    position: Position,
    rule: Rule,
    /// The first capability that is written out and is about listing, and where it stands.
    listing: Option<(Capability, Position)>,
}

/// Everything in `text` that is probably a mistake, in its order. At `kv_mounts` there are
/// versioned key-value stores.
pub fn lint(text: &str, kv_mounts: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find =
        |position: Position, problem: String| findings.push(Finding { position, problem });
    let body = match hcl::parse(text) {
        Ok(body) => body,
        Err(error) => return vec![Finding { position: error.position, problem: error.problem }],
    };
    unknown_keys(&body, &["name", "path"], &mut find);
    let blocks = match body.blocks("path", 1) {
        Ok(blocks) => blocks,
        Err(error) => {
            find(error.position, error.problem);
            Vec::new()
        }
    };
    let mut seen: Vec<Seen> = Vec::new();
    for block in &blocks {
        let label = block.labels.first();
        let position = label.map_or(block.position, |label| label.position);
        let path = label.map_or_else(String::new, |label| label.text.clone());
        let has_unknown = unknown_keys(block.body, KEYS, &mut find);
        match rule(block) {
            Ok(rule) => {
                seen.push(Seen { path, position, rule, listing: listing(block.body) });
            }
            Err(_) if has_unknown => {}
            Err(PolicyError::Text(error)) => find(error.position, error.problem),
            Err(PolicyError::Templating(position)) => {
                find(position, "the braces of a template do not pair up".to_owned());
            }
        }
    }
    for one in &seen {
        of_rule(one, kv_mounts, &mut find);
        of_listing(one, kv_mounts, &mut find);
    }
    of_others(&seen, &mut find);
    if let Some(problem) = beyond_servers(text) {
        find(Position::START, problem);
    }
    findings.sort_by_key(|finding| finding.position);
    findings
}

fn unknown_keys(body: &Body, keys: &[&str], find: &mut impl FnMut(Position, String)) -> bool {
    let known = |key: &str| keys.contains(&key);
    let mut found = false;
    for item in body.items.iter().filter(|item| !known(&item.key.text)) {
        find(item.key.position, format!("invalid key {:?}", item.key.text));
        found = true;
    }
    found
}

/// The old words of `policy` include listing whether or not it is meant, so they do not count.
fn listing(body: &Body) -> Option<(Capability, Position)> {
    let written = body.value("capabilities").ok()??.list().ok()?;
    written.iter().find_map(|word| {
        let capability = Capability::named(word.text().ok()?)?;
        let is_listing = matches!(capability, Capability::List | Capability::Scan);
        is_listing.then_some((capability, word.position))
    })
}

/// What is odd about a rule by itself.
fn of_rule(seen: &Seen, kv_mounts: &[String], find: &mut impl FnMut(Position, String)) {
    let Seen { path, position, rule, .. } = seen;
    let pattern = rule.pattern.text();
    let mut say = |problem: String| find(*position, problem);
    if rule.capabilities.is_empty() {
        say("this rule grants nothing, and takes what less specific rules grant; say deny if \
             that is meant"
            .to_owned());
    }
    if pattern.strip_suffix('*').unwrap_or(pattern).contains('*') {
        say("a star stands for anything only at the end; elsewhere it is itself".to_owned());
    }
    if !can_be_asked(pattern) {
        say("no request can have such a path; see how paths are written".to_owned());
    }
    if let Some(mount) = kv_mounts.iter().find(|mount| lacks_data(pattern, mount)) {
        let mount = mount.trim_matches('/');
        let rest = pattern.strip_prefix(mount).unwrap_or_default().trim_start_matches('/');
        say(format!(
            "{mount}/ is a versioned key-value store; say \"{mount}/data/{rest}\", and \
             \"{mount}/metadata/{rest}\" for list"
        ));
    }
    if let Some(folded) = folded(pattern) {
        say(format!("names are lower-cased here, so this never matches; say {folded:?}"));
    }
    if path.starts_with('/') {
        say("paths have no slash in front; it is left out".to_owned());
    }
}

/// Names of versioned secrets are told below `metadata/`, and nowhere else.
fn of_listing(seen: &Seen, kv_mounts: &[String], find: &mut impl FnMut(Position, String)) {
    let Some((capability, position)) = seen.listing else { return };
    let pattern = seen.rule.pattern.text();
    let mut mounts = kv_mounts.iter().map(|mount| mount.trim_matches('/'));
    let found = mounts.find_map(|mount| Some((mount, behind_data(pattern, mount)?)));
    if let Some((mount, rest)) = found {
        let word = capability.name();
        let problem = format!(
            "there is nothing to {word} below {mount}/data; say \"{mount}/metadata{rest}\" for \
             that"
        );
        find(position, problem);
    }
}

/// What is odd about rules beside each other.
fn of_others(all: &[Seen], find: &mut impl FnMut(Position, String)) {
    let mut earlier: HashMap<&Pattern, &Seen> = HashMap::new();
    let shadows = Shadows::new(all.iter().map(|seen| &seen.rule.pattern));
    for (number, seen) in all.iter().enumerate() {
        match earlier.entry(&seen.rule.pattern) {
            Entry::Occupied(earlier) => of_same_path(seen, earlier.get(), find),
            Entry::Vacant(first) => {
                first.insert(seen);
            }
        }
        if let Some(winner) = shadows.over(number).and_then(|winner| all.get(winner)) {
            let (path, line) = (winner.rule.pattern.text(), winner.position.line);
            let problem = format!(
                "this rule is never reached: {path:?} on line {line} matches all of it and is \
                 more specific"
            );
            find(seen.position, problem);
        }
    }
}

fn of_same_path(seen: &Seen, earlier: &Seen, find: &mut impl FnMut(Position, String)) {
    let line = earlier.position.line;
    let denies = |seen: &Seen| seen.rule.capabilities.contains(Capability::Deny);
    let problem = match denies(seen) || denies(earlier) {
        true => format!("this path is also on line {line}, and deny on either denies all"),
        false => format!("this path is also on line {line}; the two count as one rule"),
    };
    find(seen.position, problem);
}

/// What is to be said of a text that no server takes, if it is one.
pub fn beyond_servers(text: &str) -> Option<String> {
    let bytes = text.len();
    let what_helps = "split it, since tokens may have several policies";
    (bytes > TEXT_BYTES_MAX).then(|| {
        format!("this has {bytes} bytes, and servers take at most {TEXT_BYTES_MAX}; {what_helps}")
    })
}

fn can_be_asked(pattern: &str) -> bool {
    // What is filled into holes and stands for wildcards can be asked for.
    let mut text = String::new();
    let mut parts = pattern.split("{{");
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        text.push('x');
        text.push_str(part.split_once("}}").map_or("", |(_, after)| after));
    }
    let text = text.strip_suffix('*').map_or(text.clone(), |start| format!("{start}x"));
    canonical(&text).is_some()
}

fn lacks_data(pattern: &str, mount: &str) -> bool {
    let rest = pattern.strip_prefix(mount.trim_matches('/'));
    let Some(inner) = rest.and_then(|rest| rest.strip_prefix('/')) else { return false };
    let word = inner.split('/').next().unwrap_or_default();
    let start = word.strip_suffix('*').filter(|_| !inner.contains('/'));
    let may_be = |known: &&str| start.map_or(*known == word, |start| known.starts_with(start));
    !word.is_empty() && word != "+" && !word.contains("{{") && !KV_WORDS.iter().any(may_be)
}

/// What stands behind `data` in a pattern for the contents of secrets, and for nothing else.
fn behind_data<'pattern>(pattern: &'pattern str, mount: &str) -> Option<&'pattern str> {
    let inner = pattern.strip_prefix(mount)?.strip_prefix('/')?;
    let rest = inner.strip_prefix("data")?;
    (rest.is_empty() || rest == "*" || rest.starts_with('/')).then_some(rest)
}

/// The pattern with the name in lower case, if it has a name that is folded and is not yet.
fn folded(pattern: &str) -> Option<String> {
    let segments: Vec<&str> = pattern.split('/').collect();
    for place in FOLDED {
        let start: Vec<&str> = place.trim_end_matches('/').split('/').collect();
        let fits = start.iter().zip(&segments).all(|(own, given)| *own == "+" || own == given);
        let Some(names) = segments.get(start.len()..).filter(|_| fits) else { continue };
        let is_plain = |name: &&str| !name.contains("{{");
        if names.iter().filter(|name| is_plain(name)).any(|name| name.to_lowercase() != **name) {
            let lower = |name: &&str| match is_plain(name) {
                true => name.to_lowercase(),
                false => (*name).to_owned(),
            };
            let names = names.iter().map(lower).collect::<Vec<_>>().join("/");
            return Some(format!("{}/{names}", segments.get(..start.len())?.join("/")));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> =
            lint(text, &[KV_MOUNT.to_owned()]).iter().map(Finding::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{text:?}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{text:?}: {found:?}");
        }
    }

    #[track_caller]
    fn check_paths(paths: &[&str], expected: &[&str]) {
        let rule = |path: &&str| format!("path {path:?} {{ policy = \"read\" }}\n");
        check(&paths.iter().map(rule).collect::<String>(), expected);
    }

    #[test]
    fn everything_wrong_is_named_with_its_place() {
        check("path \"a\" { policy = \"read\" }", &[]);
        check("path {", &["line 1, column 7"]);
        check(
            "bad = 1\npath \"a\" {\n  worse = 1\n  worst = 2\n}\npath \"b\" { policy = \"x\" }",
            &[
                "line 1, column 1: invalid key \"bad\"",
                "line 3, column 3: invalid key \"worse\"",
                "line 4, column 3: invalid key \"worst\"",
                "line 6, column 21: path \"b\": invalid policy",
            ],
        );
        check("path \"a/{{b\" {}", &["line 1, column 1: the braces"]);
        check("path \"a\" {}", &["line 1, column 6: this rule grants nothing"]);
    }

    #[test]
    fn rules_that_are_never_reached_are_found() {
        let never = |line: u32| format!("line {line}, column 6: this rule is never reached");
        check_paths(&["+/*", "*"], &[&never(1)]);
        check_paths(&["a/*", "a/+/x*"], &[&never(2)]);
        check_paths(&["a/*", "a/+/x"], &[]);
        check_paths(&["a/*", "a/+"], &[]);
        check_paths(&["a/*", "a/b/*", "a/b"], &[]);
        check_paths(&["a/+/b/*", "a/+/+/c*"], &[]);
        check_paths(&["a/+/*", "a/+/+/c*"], &[&never(2)]);
        check_paths(&["a", "a"], &["line 2, column 6: this path is also on line 1; the two"]);
    }

    #[test]
    fn a_text_that_no_server_takes_is_found() {
        let rule = "path \"a\" { policy = \"read\" }";
        let spaces = " ".repeat(TEXT_BYTES_MAX - rule.len());
        check(&format!("{rule}{spaces}"), &[]);
        check(&format!("{rule}{spaces} "), &["line 1, column 1: this has 262145 bytes, and"]);
    }

    /// One by one, these would be sixteen million comparisons each.
    #[test]
    fn many_rules_are_looked_up_and_not_gone_through() {
        for path in ["x{}*", "+/{}/+/{}*", "+/{}*", "x/{}/+", "{}"] {
            let paths: Vec<_> =
                (0..4_000).map(|number| path.replace("{}", &number.to_string())).collect();
            let paths: Vec<_> = paths.iter().map(String::as_str).collect();
            let rules = |path: &&str| format!("path {path:?}{{policy=\"read\"}}");
            let found = lint(&paths.iter().map(rules).collect::<String>(), &[]);
            assert!(found.iter().all(|finding| finding.position == Position::START), "{path}");
        }
    }

    #[test]
    fn paths_that_do_not_mean_what_they_seem_to_are_found() {
        check_paths(&["a/*/b"], &["line 1, column 6: a star"]);
        check_paths(&["a//b", "a/../b"], &["line 1, column 6: no req", "line 2, column 6: no req"]);
        check_paths(&["/a"], &["line 1, column 6: paths have no slash"]);
        check_paths(&["a/", "a/*", "a/+/b", "a/{{identity.entity.id}}/*", "*", "a/b*"], &[]);
    }

    #[test]
    fn paths_of_versioned_secrets_say_data() {
        let data = "line 1, column 6: secret/ is a versioned";
        check_paths(&["secret/app"], &[data]);
        check_paths(&["secret/app/*"], &[data]);
        check_paths(&["secret/app*"], &[data]);
        check_paths(&["secret/data/app", "secret/metadata/*", "secret/+/x", "secret/*"], &[]);
        check_paths(&["secret/da*", "secretly/app", "secret"], &[]);
    }

    #[test]
    fn lists_of_versioned_secrets_say_metadata() {
        let rule = |path: &str, capabilities: &str| {
            format!("path \"{path}\" {{\n  capabilities = [{capabilities}]\n}}")
        };
        let nothing = "there is nothing to";
        check(
            &rule("secret/data/app/*", "\"read\", \"list\""),
            &[&format!(
                "line 2, column 27: {nothing} list below secret/data; say \
                 \"secret/metadata/app/*\" for that"
            )],
        );
        let scan = format!("line 2, column 19: {nothing} scan below secret/data; say ");
        check(&rule("secret/data", "\"scan\", \"list\""), &[&format!("{scan}\"secret/metadata\"")]);
        check(&rule("secret/data*", "\"scan\""), &[&format!("{scan}\"secret/metadata*\"")]);
        for path in ["secret/metadata/*", "secret/+/app", "secret/*", "secret/da*", "kv/data/*"] {
            check(&rule(path, "\"list\", \"scan\""), &[]);
        }
        check(&rule("secret/data/app", "\"read\", \"delete\""), &[]);
        check("path \"secret/data/app\" { policy = \"read\" }", &[]);
    }

    #[test]
    fn capitals_in_names_that_are_folded_are_found() {
        let folded = "line 1, column 6: names are lower-cased here, so this never matches; say ";
        check_paths(
            &["auth/userpass/users/Bob"],
            &[&format!("{folded}\"auth/userpass/users/bob\"")],
        );
        check_paths(
            &["sys/policies/acl/Team/*"],
            &[&format!("{folded}\"sys/policies/acl/team/*\"")],
        );
        check_paths(&["auth/Team/users/bob", "kv/Bob", "sys/policy/+"], &[]);
    }
}
