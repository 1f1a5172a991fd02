//! `sys/policies/acl` and `sys/policy`: writing policies; `sys/capabilities`: asking them.

use std::collections::BTreeMap;

use api::{Data, Error, Keys, NoContent, Page, Path, Reply, Respond, Result, Secret};
use data_encoding::BASE64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::store::{POLICIES, RESPONSE_WRAPPING_NAME, Record};
use super::{RESPONSE_WRAPPING, of, parse};
use crate::tokens::{self, Holder};
use crate::visit::Visit;

/// The longest policy text, in bytes.
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Letters of the longest policy name.
pub(crate) const NAME_MAX: usize = 256;
/// Paths that one question about capabilities may name.
const PATHS_MAX: usize = 1000;

/// Everything that can be done with policies.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("policies/acl").help("List the policies.", "By name.").list(list),
        Path::new("policies/acl/{name...}")
            .help(
                "Read, write and remove a policy.",
                "Changes hold for every token that has the policy, from this moment on.",
            )
            .folds_names()
            .read(read)
            .write(write)
            .delete(delete)
            .list(list_below),
        Path::new("policy")
            .help("List the policies.", "The older form of sys/policies/acl.")
            .top_level()
            .read(list_old)
            .list(list_old),
        Path::new("policy/{name...}")
            .help("Read, write and remove a policy.", "The older form of sys/policies/acl.")
            .top_level()
            .folds_names()
            .read(read_old)
            .write(write_old)
            .delete(delete),
        Path::new("capabilities")
            .help("Tell what a token may do at some paths.", "One list of capabilities a path.")
            .top_level()
            .write(capabilities_of_token),
        Path::new("capabilities-self")
            .help("Tell what the caller may do at some paths.", "One list a path.")
            .top_level()
            .write(capabilities_of_self),
        Path::new("capabilities-accessor")
            .help("Tell what a token may do, by its accessor.", "One list a path.")
            .top_level()
            .write(capabilities_of_accessor),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Named {
    /// Name of the policy. Not case sensitive.
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Deserialize, JsonSchema)]
struct Write {
    /// The policy, in HCL or JSON, plain or in base64.
    #[serde(default)]
    policy: String,
}

#[derive(Deserialize, JsonSchema)]
struct WriteOld {
    /// The policy, in HCL or JSON, plain or in base64.
    #[serde(default)]
    policy: String,
    /// An older name of "policy".
    #[serde(default)]
    rules: String,
}

/// A policy as the newer form shows it.
#[derive(JsonSchema, Serialize)]
struct PolicyView {
    /// Its name.
    name: String,
    /// Its text.
    policy: String,
}

/// A policy as the older form shows it.
#[derive(JsonSchema, Serialize)]
struct RulesView {
    /// Its name.
    name: String,
    /// Its text.
    rules: String,
}

/// Names, under both the names clients look for.
#[derive(JsonSchema, Serialize)]
struct NamesView {
    /// Names of policies.
    keys: Vec<String>,
    /// The same.
    policies: Vec<String>,
}

async fn list(visit: &Visit, page: Page) -> Result<Keys> {
    let mut names = names(visit, &page.after).await?;
    names.truncate(page.limit());
    Ok(Keys(names))
}

async fn list_below(visit: &Visit, named: Named) -> Result<Keys> {
    let folder = format!("{}/", named.name);
    let names = POLICIES.list(&visit.system, &folder, usize::MAX).await?;
    Ok(Keys(
        names.iter().filter_map(|name| name.strip_prefix(&folder)).map(str::to_owned).collect(),
    ))
}

async fn list_old(visit: &Visit, _: Nothing) -> Result<Data<NamesView>> {
    let names = names(visit, "").await?;
    Ok(Data(NamesView { keys: names.clone(), policies: names }))
}

async fn names(visit: &Visit, after: &str) -> Result<Vec<String>> {
    let mut names = POLICIES.list(&visit.system, after, usize::MAX).await?;
    names.push("root".to_owned());
    Ok(names)
}

async fn read(visit: &Visit, named: Named) -> Result<Data<PolicyView>> {
    let policy = text_of(visit, &named.name).await?;
    Ok(Data(PolicyView { name: named.name, policy }))
}

async fn read_old(visit: &Visit, named: Named) -> Result<Data<RulesView>> {
    let rules = text_of(visit, &named.name).await?;
    Ok(Data(RulesView { name: named.name, rules }))
}

async fn text_of(visit: &Visit, name: &str) -> Result<String> {
    match name {
        "root" => Ok(String::new()),
        RESPONSE_WRAPPING_NAME => Ok(RESPONSE_WRAPPING.to_owned()),
        name => {
            let (_, stored) = visit.kernel.policies.get(visit.transaction(), name).await?;
            let stored = stored.as_ref().as_ref().ok_or(Error::Missing)?;
            Ok(stored.record.text.clone())
        }
    }
}

async fn write(visit: &Visit, (named, given): (Named, Write)) -> Result<NoContent> {
    save(visit, &named.name, &given.policy)?;
    warn_of_folding(visit, &named.name);
    Ok(NoContent)
}

fn warn_of_folding(visit: &Visit, name: &str) {
    if visit.asked != visit.path {
        visit.warn(format!("policy name was converted to {name}"));
    }
}

async fn write_old(visit: &Visit, (named, given): (Named, WriteOld)) -> Result<Reply> {
    if !given.policy.is_empty() {
        save(visit, &named.name, &given.policy)?;
        warn_of_folding(visit, &named.name);
        return Ok(Reply::Empty);
    }
    save(visit, &named.name, &given.rules)?;
    visit.warn("'rules' is deprecated, please use 'policy' instead");
    Ok(Reply::Data(Map::new(), None))
}

fn save(visit: &Visit, name: &str, given: &str) -> Result<()> {
    check_name(name, "update")?;
    if given.trim().is_empty() {
        return Err(Error::invalid("'policy' parameter not supplied or empty"));
    }
    let text = plain(given);
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::invalid("failed to parse policy: it is longer than 256 KiB"));
    }
    parse(&text).map_err(|error| Error::invalid(error.to_string()))?;
    POLICIES.put(&visit.system, name, &Record { text, modified: visit.now });
    Ok(())
}

/// A text that may have been given in base64.
pub(super) fn plain(given: &str) -> String {
    let decoded = BASE64.decode(given.trim().as_bytes()).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    text.unwrap_or_else(|| given.to_owned())
}

async fn delete(visit: &Visit, named: Named) -> Result<NoContent> {
    if named.name == "default" {
        return Err(Error::invalid("cannot delete default policy"));
    }
    check_name(&named.name, "delete")?;
    POLICIES.delete(&visit.system, &named.name);
    Ok(NoContent)
}

/// Some names are not for writing, and some are no names.
fn check_name(name: &str, act: &str) -> Result<()> {
    if ["root", RESPONSE_WRAPPING_NAME].contains(&name) {
        return Err(Error::invalid(format!("cannot {act} \"{name}\" policy")));
    }
    if name.trim() != name {
        return Err(Error::invalid("a policy name has no spaces around it"));
    }
    if name.chars().count() > NAME_MAX {
        return Err(Error::invalid("a policy name has at most 256 letters"));
    }
    if name.contains(',') {
        return Err(Error::invalid("a policy name has no comma: lists of names could not hold it"));
    }
    Ok(())
}

#[derive(Deserialize, JsonSchema)]
struct Paths {
    /// The paths to ask about.
    #[serde(default)]
    paths: Vec<String>,
    /// An older name of "paths".
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

async fn capabilities_of_self(visit: &Visit, paths: Paths) -> Result<Reply> {
    let holder = visit.holder.as_ref().ok_or(Error::Unauthenticated)?;
    capabilities(visit, holder, paths).await
}

async fn capabilities_of_token(visit: &Visit, (of, paths): (OfToken, Paths)) -> Result<Reply> {
    let text = of.token.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Error::Failed("no token found".to_owned()))?;
    let found = tokens::find(visit, &text).await?;
    let found = found.ok_or_else(|| Error::InvalidListed("invalid token".to_owned()))?;
    capabilities(visit, &found, paths).await
}

async fn capabilities_of_accessor(
    visit: &Visit,
    (of, paths): (OfAccessor, Paths),
) -> Result<Reply> {
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
    let compiled = of(visit, &holder.policies()).await?;
    let mut answer: BTreeMap<String, Value> = BTreeMap::new();
    for path in &paths {
        let asked = path.strip_prefix('/').unwrap_or(path);
        answer.insert(path.clone(), json!(compiled.capabilities(asked, visit.now.unix())));
    }
    if let (Some(path), 1) = (paths.first(), paths.len()) {
        let only = answer.get(path).cloned().unwrap_or_default();
        answer.insert("capabilities".to_owned(), only);
    }
    Ok(Data(answer).into_reply())
}
