//! Policies as they are stored, and a caller's policies ready to answer.

use std::sync::{Arc, LazyLock};

use api::{Moment, Result};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use storage::{Revision, Table};

use super::{Compiled, Policy, parse};
use crate::tokens;
use crate::visit::Visit;

/// Where policies are stored, below the kernel's own corner.
pub(super) const POLICIES: Table<Record> = Table::new("policy/");
/// The whole prefix of their keys.
pub(crate) const PREFIX: &str = "sys/policy/";
/// The policy of wrapping tokens: never given out, never changed.
pub(crate) const RESPONSE_WRAPPING_NAME: &str = "response-wrapping";

/// What a wrapping token may do. It is never stored, so nobody can change it.
static WRAPPING: LazyLock<Policy> =
    LazyLock::new(|| parse(super::RESPONSE_WRAPPING).expect("a test parses this very text"));

/// A policy as its author wrote it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    pub(crate) text: String,
    pub(crate) modified: Moment,
}

/// A stored policy, understood.
pub(crate) struct Stored {
    pub(super) record: Record,
    pub(super) policy: Policy,
}

/// Sets of policies put together, by the names and revisions they were made from.
pub(crate) type CompiledCache = Cache<Vec<(String, Option<Revision>)>, Arc<Compiled>>;

/// Understands what is stored.
///
/// # Errors
/// When it is no policy.
pub(crate) fn decode(bytes: &[u8]) -> std::result::Result<Stored, String> {
    let record: Record = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let policy = parse(&record.text).map_err(|error| error.to_string())?;
    Ok(Stored { record, policy })
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
        let (revision, stored) = visit.kernel.policies.get(visit.transaction(), name).await?;
        question.push((name.clone(), revision));
        found.push((name, stored));
    }
    let cache = &visit.kernel.compiled;
    if let Some(compiled) = cache.get(&question) {
        return Ok(compiled);
    }
    let there = found.iter().filter_map(|(name, stored)| {
        let stored = stored.as_ref().as_ref().map(|stored| &stored.policy);
        let built_in = || (*name == RESPONSE_WRAPPING_NAME).then_some(&*WRAPPING);
        Some((name.as_str(), stored.or_else(built_in)?))
    });
    let compiled = Arc::new(Compiled::new(&there.collect::<Vec<_>>()));
    cache.insert(question, compiled.clone());
    Ok(compiled)
}

/// The policies of whoever shows a token at a public door; `None` for whoever shows none.
///
/// # Errors
/// As [`tokens::authenticate`]: a bad token is worse than none.
pub(crate) async fn of_whoever_asks(visit: &Visit) -> Result<Option<Arc<Compiled>>> {
    if visit.shown.is_none() {
        return Ok(None);
    }
    let holder = tokens::authenticate(visit).await?;
    of(visit, &holder.policies()).await.map(Some)
}

/// Tells the caller which of `names` do not exist (yet).
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn warn_of_unknown(visit: &Visit, names: &[String]) -> Result<()> {
    for name in names.iter().filter(|name| *name != "root") {
        let (_, stored) = visit.kernel.policies.get(visit.transaction(), name).await?;
        if stored.is_none() {
            visit.warn(format!("Policy \"{name}\" does not exist"));
        }
    }
    Ok(())
}

/// Writes the policy that every server starts with.
pub(crate) fn found(system: &storage::View, now: Moment) {
    let text = super::DEFAULT.to_owned();
    POLICIES.put(system, "default", &Record { text, modified: now });
}
