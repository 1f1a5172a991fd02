//! `sys/capabilities`, `-self` and `-accessor`: what a token may do at some paths.

use std::collections::BTreeMap;

use api::{CanonicalPath, Data, Error, Operation, Path, Reply, Respond, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Access;
use super::store::{Powers, powers};
use crate::mounts::find_route;
use crate::tokens::{self, Holder};
use crate::visit::Visit;

/// Paths that one question may name.
const PATHS_MAX: usize = 1000;

pub(super) fn paths() -> [Path<Visit>; 3] {
    [
        Path::new("capabilities")
            .help("Tell what a token may do at some paths.", "One list of capabilities a path.")
            .top_level()
            .write(of_token),
        Path::new("capabilities-self")
            .help("Tell what the caller may do at some paths.", "One list a path.")
            .top_level()
            .write(of_self),
        Path::new("capabilities-accessor")
            .help("Tell what a token may do, by its accessor.", "One list a path.")
            .top_level()
            .write(of_accessor),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Paths {
    /// The paths to ask about.
    #[serde(default)]
    paths: Vec<String>,
    /// An older name of "paths".
    #[schemars(extend("x-older-name-of" = "paths"))]
    #[serde(default)]
    path: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
struct OfToken {
    /// The token to ask about.
    token: Option<Secret>,
}

#[derive(Deserialize, JsonSchema)]
struct OfAccessor {
    /// The accessor of the token to ask about.
    #[serde(default)]
    accessor: String,
}

async fn of_self(visit: &Visit, paths: Paths) -> Result<Reply> {
    let holder = visit.holder.as_ref().ok_or(Error::Unauthenticated)?;
    capabilities(visit, holder, paths).await
}

async fn of_token(visit: &Visit, (of, paths): (OfToken, Paths)) -> Result<Reply> {
    let text = of.token.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Error::Failed("no token found".to_owned()))?;
    let found = tokens::find(visit, &text).await?;
    let found = found.ok_or_else(|| Error::InvalidListed("invalid token".to_owned()))?;
    capabilities(visit, &found, paths).await
}

async fn of_accessor(visit: &Visit, (of, paths): (OfAccessor, Paths)) -> Result<Reply> {
    if of.accessor.is_empty() {
        return Err(Error::InvalidListed("missing accessor".to_owned()));
    }
    let found = tokens::by_accessor(visit, &of.accessor).await?;
    let found = found.ok_or_else(|| Error::InvalidListed("invalid accessor".to_owned()))?;
    capabilities(visit, &found, paths).await
}

async fn capabilities(visit: &Visit, holder: &Holder, given: Paths) -> Result<Reply> {
    if holder.is_suspended {
        return Err(Error::Unauthenticated);
    }
    let paths = if given.paths.is_empty() { given.path } else { given.paths };
    if paths.is_empty() {
        return Err(Error::invalid("paths must be supplied"));
    }
    if paths.len() > PATHS_MAX {
        return Err(Error::invalid("at most 1000 paths can be asked about at once"));
    }
    let powers = powers(visit, holder).await?;
    let mut answer: BTreeMap<String, Value> = BTreeMap::new();
    for path in &paths {
        let names = match folded(visit, path, Operation::List).await? {
            Some(folded) => at(visit, &powers, &folded),
            None => vec!["deny"],
        };
        answer.insert(path.clone(), json!(names));
    }
    if let (Some(path), 1) = (paths.first(), paths.len()) {
        let only = answer.get(path).cloned().unwrap_or_default();
        answer.insert("capabilities".to_owned(), only);
    }
    Ok(Data(answer).into_reply())
}

/// The words for what `powers` allow at `path`.
pub(super) fn at(visit: &Visit, powers: &Powers, path: &str) -> Vec<&'static str> {
    let (subject, now_seconds) = (&powers.subject, visit.now.unix());
    let access = Access { path, operation: Operation::List, subject, now_seconds };
    powers.compiled.capabilities(&access)
}

/// A path as a request for it would be decided: names folded as its door declares. `None` when no
/// request can name it so.
pub(super) async fn folded(
    visit: &Visit,
    path: &str,
    operation: Operation,
) -> Result<Option<String>> {
    let Some(path) = canonical(path.strip_prefix('/').unwrap_or(path)) else {
        return Ok(None);
    };
    let mounts = visit.mounts().await?;
    let found = find_route(&visit.kernel, &mounts, &path, operation);
    Ok(Some(found.map_or(path, |route| route.path).to_string()))
}

/// A path as policies write it: nothing in it is encoded.
pub(super) fn canonical(path: &str) -> Option<CanonicalPath> {
    CanonicalPath::parse_plain(path).ok()
}
