//! The decision once more, as simply as it can be said, to compare the real one with.
//!
//! Nothing is indexed or merged ahead, and nothing is shared with the real evaluator but the
//! parsed rules themselves and the judgement over values of parameters, which has its own tests.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::cmp::Ordering;

use api::Operation;
use serde_json::Value;

use super::{Access, Capability, Need, Parameters, Policy, Question, Rule, Subject, Values};

/// Whether `question` is allowed under `policies`, and whether `sudo` is granted.
pub(super) fn decide(policies: &[(&str, &Policy)], question: &Question<'_>) -> (bool, bool) {
    let Access { operation, .. } = question.access;
    let Some(rules) = deciding_rules(policies, &question.access) else {
        return (operation == Operation::Help, false);
    };
    let granted = |capability| {
        rules.iter().any(|rule| rule.capabilities.contains(capability))
            && !rules.iter().any(|rule| rule.capabilities.contains(Capability::Deny))
    };
    let needed = match operation {
        Operation::Help => return (true, granted(Capability::Sudo)),
        Operation::Create => Capability::Create,
        Operation::Read => Capability::Read,
        Operation::Update => Capability::Update,
        Operation::Patch => Capability::Patch,
        Operation::Delete => Capability::Delete,
        Operation::List => Capability::List,
        Operation::Scan => Capability::Scan,
    };
    let sudo = granted(Capability::Sudo);
    let allowed = granted(needed)
        && (question.need == Need::Capability || sudo)
        && wrapping_fits(&rules, question.wrap_ttl)
        && parameters_fit(&rules, question)
        && limit_fits(&rules, question);
    (allowed, sudo)
}

/// Every living rule with the one pattern that decides; nothing, when one that could be among them
/// cannot be filled in.
fn deciding_rules<'rules>(
    policies: &[(&str, &'rules Policy)],
    access: &Access<'_>,
) -> Option<Vec<&'rules Rule>> {
    let mut paths = vec![access.path];
    if matches!(access.operation, Operation::List | Operation::Scan) {
        paths.extend(access.path.strip_suffix('/'));
    }
    let mut alive: Vec<(String, &Rule)> = Vec::new();
    for rule in policies.iter().flat_map(|(_, policy)| &policy.rules) {
        if rule.expiration.is_some_and(|end| end <= access.now_seconds) {
            continue;
        }
        match filled(rule.pattern.text(), access.subject) {
            Some(pattern) => alive.push((pattern, rule)),
            None if !paths.iter().any(|path| could_match(rule.pattern.text(), path)) => {}
            None if access.subject.person.is_none()
                && !rule.capabilities.contains(Capability::Deny) => {}
            None => return None,
        }
    }
    let patterns: Vec<&str> = alive.iter().map(|(pattern, _)| pattern.as_str()).collect();
    let exact = paths
        .iter()
        .find_map(|path| patterns.iter().find(|pattern| !is_wild(pattern) && *pattern == path));
    let widest = || {
        paths.iter().find_map(|path| {
            let matching =
                patterns.iter().filter(|pattern| is_wild(pattern) && matches(pattern, path));
            matching.max_by(|one, other| specificity(one, other))
        })
    };
    let Some(winner) = exact.or_else(widest) else { return Some(Vec::new()) };
    let deciding = alive.iter().filter(|(pattern, _)| pattern == winner);
    Some(deciding.map(|(_, rule)| *rule).collect())
}

/// The pattern with the few values that the random policies ask for.
fn filled(pattern: &str, subject: &Subject) -> Option<String> {
    if !pattern.contains("{{") {
        return Some(pattern.to_owned());
    }
    let person = subject.person.as_ref()?;
    let values = [
        ("{{identity.entity.id}}", Some(&person.id)),
        ("{{identity.entity.name}}", Some(&person.name)),
        ("{{identity.entity.metadata.k}}", person.metadata.get("k")),
    ];
    let mut path = pattern.to_owned();
    for (hole, value) in values {
        if path.contains(hole) {
            let value = value.filter(|value| !value.is_empty() && !value.contains(['/', '+', '*']));
            path = path.replace(hole, value?);
        }
    }
    Some(path)
}

/// Whether some text in every hole makes the pattern match.
fn could_match(pattern: &str, path: &str) -> bool {
    let wanted: Vec<&str> = pattern.split('/').collect();
    let given: Vec<&str> = path.split('/').collect();
    let is_open = pattern.ends_with('*');
    let fits = |place: usize, segment: &str| {
        let (start, end) = match segment.find("{{") {
            Some(start) => {
                (&segment[..start], &segment[segment.rfind("}}").map_or(0, |end| end + 2)..])
            }
            None => (segment, segment),
        };
        let is_last = place + 1 == wanted.len();
        let name = given.get(place).copied();
        if is_last && is_open {
            return name
                .is_some_and(|name| name.starts_with(start.strip_suffix('*').unwrap_or(start)));
        }
        name.is_some_and(|name| match segment.contains("{{") {
            true => {
                name.len() >= start.len() + end.len()
                    && name.starts_with(start)
                    && name.ends_with(end)
            }
            false => segment == "+" || segment == name,
        })
    };
    wanted.iter().enumerate().all(|(place, segment)| fits(place, segment))
        && (is_open || wanted.len() == given.len())
}

fn is_wild(pattern: &str) -> bool {
    pattern.ends_with('*') || pattern.split('/').any(|segment| segment == "+")
}

/// Segment by segment; the last one of a pattern with a star covers all the rest.
fn matches(pattern: &str, path: &str) -> bool {
    let wanted: Vec<&str> = pattern.split('/').collect();
    let given: Vec<&str> = path.split('/').collect();
    for (place, segment) in wanted.iter().enumerate() {
        let last = place + 1 == wanted.len();
        if last && let Some(start) = segment.strip_suffix('*') {
            return given.len() > place && given[place..].join("/").starts_with(start);
        }
        if given.get(place).is_none_or(|name| *segment != "+" && segment != name) {
            return false;
        }
    }
    wanted.len() == given.len()
}

fn specificity(one: &str, other: &str) -> Ordering {
    let pluses = |pattern: &str| pattern.split('/').filter(|segment| *segment == "+").count();
    wildcard_at(one)
        .cmp(&wildcard_at(other))
        .then(other.ends_with('*').cmp(&one.ends_with('*')))
        .then(pluses(other).cmp(&pluses(one)))
        .then(one.len().cmp(&other.len()))
        .then(one.cmp(other))
}

/// Where the first wildcard stands, found by looking at every character.
fn wildcard_at(pattern: &str) -> usize {
    let bytes = pattern.as_bytes();
    (0..bytes.len())
        .find(|&at| {
            let starts = at == 0 || bytes[at - 1] == b'/';
            let ends = at + 1 == bytes.len() || bytes[at + 1] == b'/';
            (bytes[at] == b'+' && starts && ends) || (bytes[at] == b'*' && at + 1 == bytes.len())
        })
        .unwrap_or(bytes.len())
}

fn wrapping_fits(rules: &[&Rule], wrap_ttl: Option<u64>) -> bool {
    let min = rules.iter().filter_map(|rule| rule.wrapping.min_seconds).min();
    let max = rules.iter().filter_map(|rule| rule.wrapping.max_seconds).min();
    match (min, max, wrap_ttl) {
        (None, None, _) => true,
        (_, _, None) => false,
        (min, max, Some(ttl)) => {
            min.unwrap_or(1) <= ttl && ttl <= max.unwrap_or(u64::MAX) && ttl > 0
        }
    }
}

fn parameters_fit(rules: &[&Rule], question: &Question<'_>) -> bool {
    let written: Vec<_> = rules.iter().map(|rule| rule.parameters.written()).collect();
    let required = written.iter().flat_map(|(_, _, required)| required.clone()).collect();
    let allowed = together(&written.iter().map(|(allowed, ..)| allowed).collect::<Vec<_>>());
    let denied = together(&written.iter().map(|(_, denied, _)| denied).collect::<Vec<_>>());
    let data = question.data.cloned().unwrap_or_default();
    let all = Parameters::new(allowed, denied, required);
    all.judge(question.access.operation, &data, question.synonyms).is_ok()
}

/// Listings ask for no more entries than the smallest of the limits.
fn limit_fits(rules: &[&Rule], question: &Question<'_>) -> bool {
    let most = rules.iter().filter_map(|rule| rule.pagination_limit).min();
    let is_listing = matches!(question.access.operation, Operation::List | Operation::Scan);
    let Some(most) = most.filter(|_| is_listing) else { return true };
    match question.data.and_then(|data| data.get("limit")) {
        None => !rules.iter().any(|rule| rule.parameters.requires("limit")),
        Some(Value::String(text)) => {
            text == "max" || text.parse::<u64>().is_ok_and(|asked| asked <= most)
        }
        Some(asked) => asked.as_u64().is_some_and(|asked| asked <= most),
    }
}

/// Every name with all its values, or with none where one of the rules gives none.
fn together(of_rules: &[&Values]) -> Values {
    let names = of_rules.iter().flat_map(|named| named.keys());
    let values = |name: &String| {
        let lists: Vec<_> = of_rules.iter().filter_map(|named| named.get(name)).collect();
        let any = lists.iter().any(|list| list.is_empty());
        if any { Vec::new() } else { lists.into_iter().flatten().cloned().collect() }
    };
    names.map(|name| (name.clone(), values(name))).collect()
}
