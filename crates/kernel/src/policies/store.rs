//! Policies as they are stored, and a caller's policies ready to answer.

use std::sync::{Arc, LazyLock};

use api::{Moment, Result};
use quick_cache::{Equivalent, Weighter, sync::Cache};
use serde::{Deserialize, Serialize};
use storage::{Revision, Table};

use super::{Compiled, Policy, Subject, parse};
use crate::identity;
use crate::tokens::{self, Holder, POLICIES_MAX};
use crate::visit::Visit;

/// Where policies are stored, below the kernel's own corner.
pub(super) const POLICIES: Table<Record> = Table::new("policy/");
/// The whole prefix of their keys.
pub(crate) const PREFIX: &str = "sys/policy/";
/// The names of policies that will end, so that lists need not look at all others.
pub(super) const EXPIRING: Table<()> = Table::new("policy-expiring/");
/// The policy of wrapping tokens: never given out, never changed.
pub(crate) const RESPONSE_WRAPPING_NAME: &str = "response-wrapping";

/// What a wrapping token may do. It is never stored, so nobody can change it.
static WRAPPING: LazyLock<Policy> =
    LazyLock::new(|| parse(super::RESPONSE_WRAPPING).expect("a test parses this very text"));

/// A policy as its author wrote it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Record {
    pub(crate) text: String,
    pub(crate) modified: Moment,
    /// How many times it has been written.
    #[serde(default)]
    pub(crate) version: u64,
    /// Whether every write must name the version that is there.
    #[serde(default)]
    pub(crate) cas_required: bool,
    /// From then on it is as if it were not there.
    #[serde(default)]
    pub(crate) expiration: Option<Moment>,
}

impl Record {
    /// What comes after it: another text with another end.
    pub(super) fn followed_by(
        &self,
        text: String,
        expiration: Option<Moment>,
        now: Moment,
    ) -> Self {
        let version = self.version.saturating_add(1);
        Self { text, modified: now, version, cas_required: self.cas_required, expiration }
    }

    fn is_alive(&self, now: Moment) -> bool {
        self.expiration.is_none_or(|end| now.unix() < end.unix())
    }
}

/// Memory that sets of policies put together may take, roughly.
const COMPILED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What one of them takes besides its rules, and what one rule takes, roughly.
const SET_BYTES: u64 = 1024;
const RULE_BYTES: u64 = 512;
/// How many there are usually, at most: it only sizes the table.
const COMPILED_TYPICAL: usize = 1024;

/// Sets of policies put together, by the names and revisions they were made from.
pub(crate) type CompiledCache = Cache<Key, Arc<Compiled>, ByRules>;
type Key = Vec<(String, Option<Revision>)>;

/// None are put together yet.
pub(crate) fn nothing_compiled() -> CompiledCache {
    Cache::with_weighter(COMPILED_TYPICAL, COMPILED_BYTES_MAX, ByRules)
}

/// Weighs sets of policies by how many rules they have: each token may have a set of its own.
#[derive(Clone)]
pub(crate) struct ByRules;

impl Weighter<Key, Arc<Compiled>> for ByRules {
    fn weight(&self, _: &Key, compiled: &Arc<Compiled>) -> u64 {
        SET_BYTES + RULE_BYTES * compiled.count_rules() as u64
    }
}

/// A set of policies as it is looked for in the cache, where nothing is copied for it.
#[derive(Hash)]
struct Names<'a>(&'a [(&'a str, Option<Revision>)]);

impl Equivalent<Vec<(String, Option<Revision>)>> for Names<'_> {
    fn equivalent(&self, key: &Vec<(String, Option<Revision>)>) -> bool {
        let same = |((name, revision), (other, of_other)): (&(&str, _), &(String, _))| {
            name == other && revision == of_other
        };
        self.0.len() == key.len() && self.0.iter().zip(key).all(same)
    }
}

/// Understands what is stored.
///
/// # Errors
/// When it is no policy.
pub(crate) fn decode(bytes: &[u8]) -> std::result::Result<Policy, String> {
    let record: Record = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let mut policy = parse(&record.text).map_err(|error| error.to_string())?;
    if let Some(end) = record.expiration.map(Moment::unix) {
        for rule in &mut policy.rules {
            rule.expiration = Some(rule.expiration.map_or(end, |own| own.min(end)));
        }
    }
    Ok(policy)
}

/// The policy called `name` as this transaction would leave it, unless it has ended.
///
/// # Errors
/// When the store cannot answer, or the stored policy is damaged.
pub(super) async fn current(visit: &Visit, name: &str) -> Result<Option<Record>> {
    let record = POLICIES.get(&visit.system, name).await?;
    Ok(record.filter(|record| record.is_alive(visit.now)))
}

/// Leaves out the names of policies that have ended.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn leave_out_expired(visit: &Visit, names: &mut Vec<String>) -> Result<()> {
    for name in EXPIRING.list(&visit.system, "", usize::MAX).await? {
        if current(visit, &name).await?.is_none() {
            names.retain(|other| *other != name);
        }
    }
    Ok(())
}

/// The policies called `names`, put together. One that does not exist allows nothing.
///
/// # Errors
/// When the store cannot answer, or a stored policy is damaged: then nothing is allowed.
pub(crate) async fn of(visit: &Visit, names: &[String]) -> Result<Arc<Compiled>> {
    if names.iter().any(|name| name == "root") {
        return Ok(Arc::new(Compiled::root()));
    }
    let mut found = Vec::with_capacity(names.len());
    let mut question = Vec::with_capacity(names.len());
    for name in names {
        let stored = visit.kernel.policies.get(visit.transaction(), name).await?;
        question.push((name.as_str(), stored.revision));
        found.push((name.as_str(), stored.record));
    }
    let cache = &visit.kernel.compiled;
    if let Some(compiled) = cache.get(&Names(&question)) {
        return Ok(compiled);
    }
    let there = found.iter().filter_map(|(name, stored)| {
        let stored = stored.as_deref();
        let built_in = || (*name == RESPONSE_WRAPPING_NAME).then_some(&*WRAPPING);
        Some((*name, stored.or_else(built_in)?))
    });
    let compiled = Arc::new(Compiled::new(&there.collect::<Vec<_>>()));
    // The cache is bounded by how many sets it keeps, so none of them may be of any size.
    if question.len() <= POLICIES_MAX {
        let question = question.iter().map(|(name, revision)| ((*name).to_owned(), *revision));
        cache.insert(question.collect(), compiled.clone());
    }
    Ok(compiled)
}

/// The policies called `names`, put together with `candidate`, which takes the place of the one
/// that has its name. Not kept: it is nobody's.
///
/// # Errors
/// As [`of`].
pub(super) async fn compiled_with(
    visit: &Visit,
    names: &[String],
    (name, policy): (&str, &Policy),
) -> Result<Arc<Compiled>> {
    if names.iter().any(|name| name == "root") {
        return Ok(Arc::new(Compiled::root()));
    }
    let mut found = Vec::with_capacity(names.len());
    for other in names.iter().filter(|other| *other != name) {
        let found_one = visit.kernel.policies.get(visit.transaction(), other).await?;
        found.push((other.as_str(), found_one.record));
    }
    let stored = found.iter().filter_map(|(name, stored)| Some((*name, stored.as_deref()?)));
    Ok(Arc::new(Compiled::new(&stored.chain([(name, policy)]).collect::<Vec<_>>())))
}

/// The policies of one token, and who is behind it.
pub(super) struct Powers {
    pub(super) compiled: Arc<Compiled>,
    pub(super) subject: Subject,
}

/// What `holder` may do.
///
/// # Errors
/// As [`of`].
pub(super) async fn powers(visit: &Visit, holder: &Holder) -> Result<Powers> {
    let compiled = of(visit, &holder.policies()).await?;
    let subject = match compiled.has_templates() {
        true => identity::subject(visit, &holder.token).await?,
        false => Subject::default(),
    };
    Ok(Powers { compiled, subject })
}

/// The policies of whoever shows a token at a public door; `None` for whoever shows none.
///
/// # Errors
/// As [`tokens::recognize`]: a bad token is worse than none.
pub(crate) async fn of_whoever_asks(visit: &Visit) -> Result<Option<Arc<Compiled>>> {
    if visit.shown.is_none() {
        return Ok(None);
    }
    let holder = tokens::recognize(visit).await?;
    of(visit, &holder.policies()).await.map(Some)
}

/// Tells the caller which of `names` do not exist (yet).
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn warn_of_unknown(visit: &Visit, names: &[String]) -> Result<()> {
    for name in names.iter().filter(|name| *name != "root") {
        if current(visit, name).await?.is_none() {
            visit.warn(format!("Policy \"{name}\" does not exist"));
        }
    }
    Ok(())
}

/// Writes the policy that every server starts with.
pub(crate) fn found(system: &storage::View, now: Moment) {
    let text = super::DEFAULT.to_owned();
    POLICIES.put(system, "default", &Record::default().followed_by(text, None, now));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::identity::tests::house::House;

    #[test]
    fn large_sets_take_the_room_of_many_small_ones() {
        let kept = nothing_compiled();
        let rules: String = (0..4000).map(|at| format!("path \"a/{at}\" {{ }}\n")).collect();
        let compiled = Arc::new(Compiled::new(&[("large", &parse(&rules).unwrap())]));
        for at in 0..100 {
            kept.insert(vec![(at.to_string(), None)], compiled.clone());
        }
        assert!((2..=32).contains(&kept.len()), "{}", kept.len());
    }

    #[tokio::test]
    async fn only_sets_that_a_token_can_have_are_kept_ready() {
        let house = House::new().await;
        let node = &house.nodes[0];
        let kept_after = async |count: usize| {
            let names: Vec<_> = (0..count).map(|number| number.to_string()).collect();
            of(&Visit::of_worker(node), &names).await.unwrap();
            node.compiled.len()
        };
        let before = node.compiled.len();
        assert_eq!(kept_after(POLICIES_MAX + 1).await, before);
        assert_eq!(kept_after(POLICIES_MAX).await, before + 1);
    }
}
