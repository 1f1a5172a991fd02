//! All policies of a token in one, and the decision over a request.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use api::Operation;
use serde_json::{Map, Value};

use super::index::{Prefixes, Segments};
use super::pattern::Kind;
use super::{Capabilities, Capability, MergedRule, Need, Pattern, Policy, Rule};

/// Policies put together and indexed, to be asked many times.
///
/// Invariant: every live rule is found under its pattern and nowhere else; `new` keeps it, and
/// nothing changes afterwards.
#[derive(Debug)]
pub struct Compiled {
    /// The rule that decides everything, if this is the power of root.
    everything: Option<MergedRule>,
    entries: Vec<Entry>,
    exact: HashMap<String, usize>,
    prefixes: Prefixes,
    segments: Segments,
}

/// All that is to be known to decide over a request.
#[derive(Clone, Copy, Debug)]
pub struct Question<'request> {
    /// The canonical path, without a leading slash; a listing asks with a slash at the end.
    pub path: &'request str,
    /// What is to be done there.
    pub operation: Operation,
    /// What the door asks for beyond the capability.
    pub need: Need,
    /// The parameters of the request, if it has any.
    pub data: Option<&'request Map<String, Value>>,
    /// For how many seconds the answer is to be wrapped, if it is.
    pub wrap_ttl: Option<u64>,
    /// Seconds since 1970.
    pub now_seconds: u64,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug)]
pub struct Verdict<'compiled> {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Whether the rule that decided grants `sudo`, even if the request is not allowed.
    pub sudo: bool,
    /// The rule that decided, if there was one.
    pub rule: Option<Cow<'compiled, MergedRule>>,
}

/// All rules of one pattern.
#[derive(Debug)]
struct Entry {
    pattern: Pattern,
    merged: Merged,
}

/// Rules of one pattern, merged as far as can be without knowing the time.
#[derive(Debug)]
enum Merged {
    Lasting(MergedRule),
    /// At least one of them expires, so they are merged anew for each question.
    Expiring(Vec<(Arc<str>, Rule)>),
}

impl Compiled {
    /// Puts `policies` together, each with its name. Later ones count as seen later.
    pub fn new(policies: &[(&str, &Policy)]) -> Self {
        let mut groups: Vec<Vec<(Arc<str>, &Rule)>> = Vec::new();
        let mut places: HashMap<&Pattern, usize> = HashMap::new();
        for (name, policy) in policies {
            let name: Arc<str> = Arc::from(*name);
            for rule in &policy.rules {
                let place = *places.entry(&rule.pattern).or_insert(groups.len());
                match groups.get_mut(place) {
                    Some(group) => group.push((name.clone(), rule)),
                    None => groups.push(vec![(name.clone(), rule)]),
                }
            }
        }
        Self::index(groups.iter().filter_map(|group| Entry::new(group)).collect())
    }

    /// The power of root: everything, everywhere, `sudo` included.
    pub fn root() -> Self {
        Self { everything: Some(MergedRule::everything()), ..Self::index(Vec::new()) }
    }

    /// Decides over a whole request at once. Asking for help is always allowed.
    pub fn decide(&self, question: &Question<'_>) -> Verdict<'_> {
        let Question { operation, wrap_ttl, .. } = *question;
        let rule = self.rule_for(question.path, operation, question.now_seconds);
        let nothing = Map::new();
        let data = question.data.unwrap_or(&nothing);
        let permits = |rule: &MergedRule| {
            rule.allows(operation, question.need)
                && rule.permits_wrapping(wrap_ttl)
                && rule.permits_parameters(operation, data)
        };
        Verdict {
            allowed: operation == Operation::Help || rule.as_deref().is_some_and(permits),
            sudo: rule.as_deref().is_some_and(MergedRule::has_sudo),
            rule,
        }
    }

    /// The one rule that decides over `operation` on `path`; without one, nothing is allowed.
    ///
    /// A folder is listed with a slash at the end of its path, and a rule may name it with or
    /// without. The path with the slash comes first, so that a denial of what lies inside the
    /// folder is not passed by.
    pub fn rule_for(
        &self,
        path: &str,
        operation: Operation,
        now_seconds: u64,
    ) -> Option<Cow<'_, MergedRule>> {
        if let Some(everything) = &self.everything {
            return Some(Cow::Borrowed(everything));
        }
        let listing = matches!(operation, Operation::List | Operation::Scan);
        let folder = path.strip_suffix('/').filter(|_| listing);
        self.exactly(path, now_seconds)
            .or_else(|| self.exactly(folder?, now_seconds))
            .or_else(|| self.widely(path, now_seconds))
            .or_else(|| self.widely(folder?, now_seconds))?
            .at(now_seconds)
    }

    /// The words for what may be done on `path`, in the order of the alphabet.
    ///
    /// The path is taken as the path of a listing. Parameters and wrapping are not considered.
    pub fn capabilities(&self, path: &str, now_seconds: u64) -> Vec<&'static str> {
        if self.everything.is_some() {
            return vec!["root"];
        }
        let rule = self.rule_for(path, Operation::List, now_seconds);
        match rule.map(|rule| rule.capabilities()) {
            Some(capabilities) if capabilities.grant_something() => capabilities.names(),
            _ => vec![Capability::Deny.name()],
        }
    }

    /// Whether anything on or below `folder`, which ends in a slash, can be allowed.
    ///
    /// This is for showing mounts to those who have business in them, and for nothing else. Takes
    /// time by the number of rules.
    pub fn reaches_below(&self, folder: &str, now_seconds: u64) -> bool {
        let direct = self.rule_for(folder, Operation::List, now_seconds);
        if direct.is_some_and(|rule| rule.capabilities().grant_something()) {
            return true;
        }
        self.entries.iter().any(|entry| {
            let reaches = match entry.pattern.kind() {
                Kind::Exact | Kind::Prefix(_) => entry.pattern.text().starts_with(folder),
                Kind::Segments => entry.pattern.reaches_below(folder),
                Kind::Templated => false,
            };
            reaches && entry.capabilities_at(now_seconds).grant_something()
        })
    }

    fn index(entries: Vec<Entry>) -> Self {
        let mut exact = HashMap::new();
        let mut prefixes = Vec::new();
        let mut segments = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            match entry.pattern.kind() {
                Kind::Exact => {
                    exact.insert(entry.pattern.text().to_owned(), number);
                }
                Kind::Prefix(text) => prefixes.push((text.to_owned(), number)),
                Kind::Segments => segments.push((entry.pattern.text(), number)),
                // Not to be found until someone can fill its holes.
                Kind::Templated => {}
            }
        }
        let segments = Segments::new(segments.into_iter());
        let prefixes = Prefixes::new(prefixes);
        Self { everything: None, entries, exact, prefixes, segments }
    }

    fn exactly(&self, path: &str, now_seconds: u64) -> Option<&Entry> {
        let entry = self.entries.get(*self.exact.get(path)?)?;
        Some(entry).filter(|entry| entry.is_alive(now_seconds))
    }

    /// The entry of the most specific pattern with wildcards that matches `path`.
    fn widely(&self, path: &str, now_seconds: u64) -> Option<&Entry> {
        let entry = |number: usize| self.entries.get(number);
        let counts = |number| entry(number).is_some_and(|entry| entry.is_alive(now_seconds));
        let rank = |number| entry(number).map(|entry| entry.pattern.rank());
        let prefix = self.prefixes.longest(path, counts).and_then(entry);
        let segments = self.segments.best(path, counts, rank).and_then(entry);
        prefix.into_iter().chain(segments).max_by_key(|entry| entry.pattern.rank())
    }
}

impl Entry {
    /// The entry of rules that share their pattern; of no rules, none.
    fn new(rules: &[(Arc<str>, &Rule)]) -> Option<Self> {
        let (_, first) = rules.first()?;
        let merged = if rules.iter().all(|(_, rule)| rule.expiration.is_none()) {
            Merged::Lasting(merge(rules.iter().map(|(policy, rule)| (policy, *rule)))?)
        } else {
            Merged::Expiring(
                rules.iter().map(|(policy, rule)| (policy.clone(), (*rule).clone())).collect(),
            )
        };
        Some(Self { pattern: first.pattern.clone(), merged })
    }

    fn is_alive(&self, now_seconds: u64) -> bool {
        match &self.merged {
            Merged::Lasting(_) => true,
            Merged::Expiring(rules) => rules.iter().any(|(_, rule)| rule.is_alive(now_seconds)),
        }
    }

    fn at(&self, now_seconds: u64) -> Option<Cow<'_, MergedRule>> {
        let rules = match &self.merged {
            Merged::Lasting(rule) => return Some(Cow::Borrowed(rule)),
            Merged::Expiring(rules) => rules,
        };
        let alive = rules.iter().filter(|(_, rule)| rule.is_alive(now_seconds));
        merge(alive.map(|(policy, rule)| (policy, rule))).map(Cow::Owned)
    }

    fn capabilities_at(&self, now_seconds: u64) -> Capabilities {
        self.at(now_seconds).map_or(Capabilities::NONE, |rule| rule.capabilities())
    }
}

/// One rule out of those with the same pattern, each with the policy it is from.
fn merge<'rules>(
    mut rules: impl Iterator<Item = (&'rules Arc<str>, &'rules Rule)>,
) -> Option<MergedRule> {
    let (policy, first) = rules.next()?;
    let mut merged = MergedRule::new(policy, first);
    rules.for_each(|(policy, rule)| merged.merge(policy, rule));
    Some(merged)
}
