//! The decision once more, as simply as it can be said, to compare the real one with.
//!
//! Nothing is indexed or merged ahead, and nothing is shared with the real evaluator but the
//! parsed rules themselves and the judgement over values of parameters, which has its own tests.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::cmp::Ordering;
use std::collections::BTreeMap;

use api::Operation;
use serde_json::{Map, Value};

use super::{Capability, Need, Parameters, Policy, Question, Rule};

/// Whether `question` is allowed under `policies`, and whether `sudo` is granted.
pub(super) fn decide(policies: &[(&str, &Policy)], question: &Question<'_>) -> (bool, bool) {
    let rules = deciding_rules(policies, question);
    let granted = |capability| {
        rules.iter().any(|rule| rule.capabilities.contains(capability))
            && !rules.iter().any(|rule| rule.capabilities.contains(Capability::Deny))
    };
    let needed = match question.operation {
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
        && parameters_fit(&rules, question);
    (allowed, sudo)
}

/// Every living rule with the one pattern that decides.
fn deciding_rules<'rules>(
    policies: &[(&str, &'rules Policy)],
    question: &Question<'_>,
) -> Vec<&'rules Rule> {
    let alive: Vec<&Rule> = policies
        .iter()
        .flat_map(|(_, policy)| &policy.rules)
        .filter(|rule| !rule.pattern.text().contains("{{"))
        .filter(|rule| rule.expiration.is_none_or(|end| question.now_seconds < end))
        .collect();
    let patterns: Vec<&str> = alive.iter().map(|rule| rule.pattern.text()).collect();
    let mut paths = vec![question.path];
    if matches!(question.operation, Operation::List | Operation::Scan) {
        paths.extend(question.path.strip_suffix('/'));
    }
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
    let Some(winner) = exact.or_else(widest) else { return Vec::new() };
    alive.into_iter().filter(|rule| rule.pattern.text() == *winner).collect()
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

type Named = BTreeMap<String, Vec<Value>>;

fn parameters_fit(rules: &[&Rule], question: &Question<'_>) -> bool {
    let required = rules.iter().flat_map(|rule| rule.parameters.required.clone()).collect();
    let allowed = together(&rules.iter().map(|rule| &rule.parameters.allowed).collect::<Vec<_>>());
    let denied = together(&rules.iter().map(|rule| &rule.parameters.denied).collect::<Vec<_>>());
    let all = Parameters { allowed, denied, required };
    all.permit(question.operation, question.data.unwrap_or(&Map::new()))
}

/// Every name with all its values, or with none where one of the rules gives none.
fn together(of_rules: &[&Named]) -> Named {
    let names = of_rules.iter().flat_map(|named| named.keys());
    let values = |name: &String| {
        let lists: Vec<_> = of_rules.iter().filter_map(|named| named.get(name)).collect();
        let any = lists.iter().any(|list| list.is_empty());
        if any { Vec::new() } else { lists.into_iter().flatten().cloned().collect() }
    };
    names.map(|name| (name.clone(), values(name))).collect()
}
