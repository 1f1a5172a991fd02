//! All policies of a token in one, and the decision over a request.
//!
//! Rules without templates are indexed once and shared by all who have the same policies. Rules
//! with templates are filled in for whoever asks, at each decision that they could matter to; what
//! belongs to one caller is never kept, so no other can come upon it. Who it is that asks need not
//! be known unless [`Compiled::asks_who`] says so.
//!
//! A template that cannot be filled in fails closed: whatever its rule could be about is denied,
//! whichever other rules there are. For one thing alone this would be no failure: when nobody is
//! behind the token, nothing in the house is theirs, and a rule that only grants grants nothing.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use api::Operation;
use api::describe::Synonyms;
use serde_json::{Map, Value};

use super::index::{Prefixes, Segments};
use super::pattern::Kind;
use super::template::Template;
use super::{Capabilities, Capability, MergedRule, Need, Pattern, Policy, Refusal, Rule, Subject};

/// Policies put together and indexed, to be asked many times.
///
/// Invariant: every live rule without a template is found under its pattern and nowhere else; `new`
/// keeps it, and nothing changes afterwards.
#[derive(Debug)]
pub struct Compiled {
    /// The rule that decides everything, if this is the power of root.
    everything: Option<Arc<MergedRule>>,
    entries: Vec<Entry>,
    exact: HashMap<String, usize>,
    prefixes: Prefixes,
    segments: Segments,
    templated: Vec<Templated>,
}

/// What is touched, by whom, and when.
#[derive(Clone, Copy, Debug)]
pub struct Access<'request> {
    /// The canonical path, without a leading slash; a listing asks with a slash at the end.
    pub path: &'request str,
    /// What is to be done there.
    pub operation: Operation,
    /// Whoever asks.
    pub subject: &'request Subject,
    /// Seconds since 1970.
    pub now_seconds: u64,
}

/// All that is to be known to decide over a request.
#[derive(Clone, Copy, Debug)]
pub struct Question<'request> {
    /// What is touched, by whom, and when.
    pub access: Access<'request>,
    /// What the door asks for beyond the capability.
    pub need: Need,
    /// The parameters of the request, if it has any.
    pub data: Option<&'request Map<String, Value>>,
    /// The names by which the door knows one and the same parameter.
    pub synonyms: &'request Synonyms,
    /// For how many seconds the answer is to be wrapped, if it is.
    pub wrap_ttl: Option<u64>,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What stands in the way of the request, if anything does.
    pub refusal: Option<Refusal>,
    /// The rule that decided, if there was one.
    pub rule: Option<Arc<MergedRule>>,
}

impl Verdict {
    /// Whether the request may go on.
    pub fn is_allowed(&self) -> bool {
        self.refusal.is_none()
    }

    /// Whether the rule that decided grants `sudo`, even if the request is not allowed.
    pub fn has_sudo(&self) -> bool {
        self.rule.as_ref().is_some_and(|rule| rule.has_sudo())
    }
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
    Lasting(Arc<MergedRule>),
    /// At least one of them expires, so they are merged anew for each question.
    Expiring(Vec<(Arc<str>, Rule)>),
}

/// A rule that is filled in for whoever asks.
#[derive(Debug)]
struct Templated {
    policy: Arc<str>,
    rule: Rule,
    template: Template,
}

impl Compiled {
    /// How many rules there are.
    pub(crate) fn count_rules(&self) -> usize {
        self.entries.len() + self.templated.len()
    }

    /// Puts `policies` together, each with its name. Later ones count as seen later.
    pub fn new(policies: &[(&str, &Policy)]) -> Self {
        let mut plain = Vec::new();
        let mut templated = Vec::new();
        for (name, policy) in policies {
            let name: Arc<str> = Arc::from(*name);
            for rule in &policy.rules {
                match rule.pattern.kind() {
                    Kind::Templated => templated.push(Templated::new(&name, rule)),
                    _ => plain.push((name.clone(), rule)),
                }
            }
        }
        Self { templated, ..Self::index(group(&plain)) }
    }

    /// The power of root: everything, everywhere, `sudo` included.
    pub fn root() -> Self {
        Self { everything: Some(Arc::new(MergedRule::everything())), ..Self::index(Vec::new()) }
    }

    /// Decides over a whole request at once. Asking for help is always allowed.
    pub fn decide(&self, question: &Question<'_>) -> Verdict {
        let Question { access, need, data, synonyms, wrap_ttl } = *question;
        let nothing = Map::new();
        let judge = |rule: &MergedRule| {
            rule.judge_access(access.operation, need)?;
            rule.judge_wrapping(wrap_ttl)?;
            let data = data.unwrap_or(&nothing);
            rule.judge_parameters(access.operation, data, synonyms).map(|_| ())
        };
        let (rule, refusal) = match self.rule_for(&access) {
            Ok(Some(rule)) => {
                let refusal = judge(&rule).err();
                (Some(rule), refusal)
            }
            Ok(None) => (None, Some(Refusal::NoRule)),
            Err(refusal) => (None, Some(refusal)),
        };
        Verdict { rule, refusal: refusal.filter(|_| access.operation != Operation::Help) }
    }

    /// The one rule that decides over `access`; without one, nothing is allowed.
    ///
    /// A folder is listed with a slash at the end of its path, and a rule may name it with or
    /// without. The path with the slash comes first, so that a denial of what lies inside the
    /// folder is not passed by.
    ///
    /// # Errors
    /// [`Refusal::Unfilled`] when a rule could be the one, but cannot be filled in.
    pub fn rule_for(&self, access: &Access<'_>) -> Result<Option<Arc<MergedRule>>, Refusal> {
        if let Some(everything) = &self.everything {
            return Ok(Some(everything.clone()));
        }
        let filled = self.filled(access)?;
        let now = access.now_seconds;
        let (path, folder) = (access.path, access.folder());
        let exactly = |path: &str| both(self, filled.as_ref(), now, |all| all.exactly(path, now));
        let widely = |path: &str| both(self, filled.as_ref(), now, |all| all.widely(path, now));
        Ok(exactly(path)
            .or_else(|| exactly(folder?))
            .or_else(|| widely(path))
            .or_else(|| widely(folder?)))
    }

    /// Whether the decision over `operation` on `path` depends on who asks.
    pub fn asks_who(&self, path: &str, operation: Operation) -> bool {
        let subject = &Subject::default();
        let access = Access { path, operation, subject, now_seconds: 0 };
        self.templated.iter().any(|templated| templated.may_match(&access))
    }

    /// Whether any decision depends on who asks.
    pub fn has_templates(&self) -> bool {
        !self.templated.is_empty()
    }

    /// The words for what may be done, in the order of the alphabet.
    ///
    /// The path is taken as the path of a listing. Parameters and wrapping are not considered.
    pub fn capabilities(&self, access: &Access<'_>) -> Vec<&'static str> {
        if self.everything.is_some() {
            return vec!["root"];
        }
        let rule = self.rule_for(&Access { operation: Operation::List, ..*access });
        match rule.ok().flatten().map(|rule| rule.capabilities()) {
            Some(capabilities) if capabilities.grant_something() => capabilities.names(),
            _ => vec![Capability::Deny.name()],
        }
    }

    /// Whether anything on or below `folder`, which ends in a slash, can be allowed.
    ///
    /// This is for showing mounts to those who have business in them, and for nothing else: a
    /// template counts as if it were filled in, whoever asks. Takes time by the number of rules.
    pub fn reaches_below(&self, folder: &str, now_seconds: u64) -> bool {
        let subject = &Subject::default();
        let access = Access { path: folder, operation: Operation::List, subject, now_seconds };
        let direct = self.rule_for(&access).ok().flatten();
        if direct.is_some_and(|rule| rule.capabilities().grant_something()) {
            return true;
        }
        let templated = |templated: &Templated| {
            templated.rule.is_alive(now_seconds)
                && templated.rule.capabilities.grant_something()
                && templated.template.may_reach_below(folder)
        };
        let plain = |entry: &Entry| {
            let reaches = match entry.pattern.kind() {
                Kind::Exact | Kind::Prefix(_) => entry.pattern.text().starts_with(folder),
                Kind::Segments => entry.pattern.reaches_below(folder),
                Kind::Templated => false,
            };
            reaches && entry.capabilities_at(now_seconds).grant_something()
        };
        self.entries.iter().any(plain) || self.templated.iter().any(templated)
    }

    /// The rule whose path has most in common with `path`, to point out what was probably meant.
    ///
    /// Takes time by the number of rules; only for explaining.
    pub fn nearest(&self, path: &str, now_seconds: u64) -> Option<Arc<MergedRule>> {
        let common = |entry: &&Entry| {
            let pattern = entry.pattern.text();
            pattern.bytes().zip(path.bytes()).take_while(|(one, other)| one == other).count()
        };
        let alive = self.entries.iter().filter(|entry| entry.is_alive(now_seconds));
        alive.filter(|entry| common(entry) > 0).max_by_key(common)?.at(now_seconds)
    }

    /// The rules with templates that could matter to `access`, filled in and indexed.
    fn filled(&self, access: &Access<'_>) -> Result<Option<Self>, Refusal> {
        let mut filled = Vec::new();
        for templated in &self.templated {
            if !templated.rule.is_alive(access.now_seconds) || !templated.may_match(access) {
                continue;
            }
            match templated.template.fill(access.subject) {
                Some(pattern) => {
                    let rule = Rule { pattern, ..templated.rule.clone() };
                    filled.push((templated.policy.clone(), rule));
                }
                // Nothing is theirs, so there is nothing to grant.
                None if access.subject.person.is_none() && !templated.denies() => {}
                None => return Err(templated.refusal()),
            }
        }
        if filled.is_empty() {
            return Ok(None);
        }
        let filled: Vec<_> = filled.iter().map(|(policy, rule)| (policy.clone(), rule)).collect();
        Ok(Some(Self::index(group(&filled))))
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
                Kind::Templated => {}
            }
        }
        let segments = Segments::new(segments.into_iter());
        let prefixes = Prefixes::new(prefixes);
        Self { everything: None, entries, exact, prefixes, segments, templated: Vec::new() }
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

impl<'request> Access<'request> {
    /// The folder that is listed, without the slash at its end.
    fn folder(&self) -> Option<&'request str> {
        let is_listing = matches!(self.operation, Operation::List | Operation::Scan);
        self.path.strip_suffix('/').filter(|_| is_listing)
    }
}

/// What `find` finds among the rules that are everybody's and among the caller's own: the more
/// specific one, and of the same pattern both as one.
fn both<'all>(
    common: &'all Compiled,
    own: Option<&'all Compiled>,
    now_seconds: u64,
    find: impl Fn(&'all Compiled) -> Option<&'all Entry>,
) -> Option<Arc<MergedRule>> {
    let found = (find(common), own.and_then(&find));
    let (Some(one), Some(other)) = found else {
        return found.0.or(found.1)?.at(now_seconds);
    };
    match one.pattern.rank().cmp(&other.pattern.rank()) {
        Ordering::Greater => one.at(now_seconds),
        Ordering::Less => other.at(now_seconds),
        Ordering::Equal => {
            let mut merged = MergedRule::clone(&*one.at(now_seconds)?);
            merged.merge(&*other.at(now_seconds)?);
            Some(Arc::new(merged))
        }
    }
}

/// Rules by their pattern, one entry each, in the order in which the patterns were first seen.
fn group(rules: &[(Arc<str>, &Rule)]) -> Vec<Entry> {
    let mut groups: Vec<Vec<(Arc<str>, &Rule)>> = Vec::new();
    let mut places: HashMap<&Pattern, usize> = HashMap::new();
    for (policy, rule) in rules {
        let place = *places.entry(&rule.pattern).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push((policy.clone(), rule)),
            None => groups.push(vec![(policy.clone(), rule)]),
        }
    }
    groups.iter().filter_map(|group| Entry::new(group)).collect()
}

impl Entry {
    /// The entry of rules that share their pattern; of no rules, none.
    fn new(rules: &[(Arc<str>, &Rule)]) -> Option<Self> {
        let (_, first) = rules.first()?;
        let merged = if rules.iter().all(|(_, rule)| rule.expiration.is_none()) {
            let rules = rules.iter().map(|(policy, rule)| (policy, *rule));
            Merged::Lasting(Arc::new(merge(rules)?))
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

    fn at(&self, now_seconds: u64) -> Option<Arc<MergedRule>> {
        let rules = match &self.merged {
            Merged::Lasting(rule) => return Some(rule.clone()),
            Merged::Expiring(rules) => rules,
        };
        let alive = rules.iter().filter(|(_, rule)| rule.is_alive(now_seconds));
        merge(alive.map(|(policy, rule)| (policy, rule))).map(Arc::new)
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
    rules.for_each(|(policy, rule)| merged.merge(&MergedRule::new(policy, rule)));
    Some(merged)
}

impl Templated {
    fn new(policy: &Arc<str>, rule: &Rule) -> Self {
        let template = Template::new(rule.pattern.text());
        Self { policy: policy.clone(), rule: rule.clone(), template }
    }

    /// Whether the rule could be about the path, whatever stands in its holes.
    fn may_match(&self, access: &Access<'_>) -> bool {
        let may_match = |path| self.template.may_match(path);
        may_match(access.path) || access.folder().is_some_and(may_match)
    }

    fn denies(&self) -> bool {
        self.rule.capabilities.contains(Capability::Deny)
    }

    fn refusal(&self) -> Refusal {
        let pattern = self.rule.pattern.text().to_owned();
        Refusal::Unfilled { policy: self.policy.clone(), line: self.rule.line, pattern }
    }
}
