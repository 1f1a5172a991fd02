//! `sys/leases/`, and the same doors under their old names: looking at leases and ending them.
//!
//! Tokens are the only things with leases so far.

use std::collections::BTreeMap;

use api::{Data, Error, Keys, Moment, NoContent, Page, Path, Reply, Result, Seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::index::{self, LEASES};
use super::prefix;
use crate::tokens::{self, Token};
use crate::visit::Visit;

/// Everything that can be done with leases.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    let mut paths = vec![
        Path::new("leases")
            .help("List leases that could not be ended.", "Ending one never fails here.")
            .sudo()
            .read(list_irrevocable),
        Path::new("leases/count")
            .help("Count leases that could not be ended.", "Ending one never fails here.")
            .read(count_irrevocable),
        Path::new("leases/lookup")
            .help("Look up a lease.", "Tells when it began, when it ends, and whose it is.")
            .write(look_up),
        Path::new("leases/lookup/{prefix...?}")
            .help(
                "List leases by prefix.",
                "Of many that were ended at once, some may be listed for a few moments more.",
            )
            .sudo()
            .folds_inner()
            .list(list),
        Path::new("leases/tidy")
            .help("Look for leases that lead nowhere.", "There are none: nothing dangles.")
            .write(tidy),
    ];
    paths.extend(doors_of_ending([
        "leases/renew",
        "leases/renew/{url_lease_id...}",
        "leases/revoke",
        "leases/revoke/{url_lease_id...}",
        "leases/revoke-prefix/{prefix...}",
        "leases/revoke-force/{prefix...}",
    ]));
    paths.extend(doors_of_ending([
        "renew",
        "renew/{url_lease_id...}",
        "revoke",
        "revoke/{url_lease_id...}",
        "revoke-prefix/{prefix...}",
        "revoke-force/{prefix...}",
    ]));
    paths
}

/// The doors that have an old name and a new one.
fn doors_of_ending(patterns: [&'static str; 6]) -> [Path<Visit>; 6] {
    let [renew, renew_this, revoke, revoke_this, revoke_prefix, revoke_force] = patterns;
    let renewing = |pattern| {
        Path::new(pattern).help("Renew a lease.", "Those of tokens are renewed as tokens.")
    };
    let revoking = |pattern| {
        Path::new(pattern).help("End a lease.", "What it stands for ends with it, at once.")
    };
    let below = |pattern| {
        Path::new(pattern)
            .help(
                "End all leases below a prefix.",
                "At once, however many there are; many are cleared up later. \
                 Needs the sudo capability.",
            )
            .sudo()
            .folds_inner()
    };
    [
        renewing(renew).write(renew_named),
        renewing(renew_this).write(renew_at),
        revoking(revoke).write(revoke_named),
        revoking(revoke_this).write(revoke_at),
        below(revoke_prefix).write(revoke_below),
        // Nothing outside of this server can fail to let go of a token.
        below(revoke_force).write(revoke_below),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The id of the lease. Wins over one in the path.
    #[serde(default)]
    lease_id: String,
}

#[derive(Deserialize, JsonSchema)]
struct At {
    /// The id of the lease.
    url_lease_id: String,
}

#[derive(Deserialize, JsonSchema)]
struct Below {
    /// What the ids of the leases begin with, up to a slash. A whole id means that lease alone.
    prefix: String,
}

#[derive(Deserialize, JsonSchema)]
struct Increment {
    /// How long it shall last from now.
    #[expect(dead_code, reason = "it is checked, and nothing that can be renewed here exists yet")]
    #[serde(default)]
    increment: Seconds,
}

#[derive(Deserialize, JsonSchema)]
struct Patience {
    /// Whether to wait until it has ended; true when left out. It has, either way.
    sync: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
struct Kind {
    /// Which leases: "irrevocable".
    #[serde(default)]
    r#type: String,
    /// Whether to look at child namespaces as well; there are none.
    #[expect(dead_code, reason = "there are no namespaces yet")]
    #[serde(default)]
    include_child_namespaces: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Limit {
    /// How many to answer at most: a positive number, or "none".
    limit: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// A lease as clients are told of it.
#[derive(JsonSchema, Serialize)]
struct LeaseView {
    /// Names the lease.
    id: String,
    /// When it began.
    issue_time: Moment,
    /// When it ends; never, when there is none.
    expire_time: Option<Moment>,
    /// When it was last renewed.
    last_renewal: Option<Moment>,
    /// Whether it can be renewed.
    renewable: bool,
    /// How many seconds are left; 0 when it never ends.
    ttl: u64,
    /// Where it was handed out.
    path: String,
}

#[derive(JsonSchema, Serialize)]
struct CountView {
    /// How many leases could not be ended.
    lease_count: u64,
    /// How many of each mount.
    counts: BTreeMap<String, u64>,
}

#[derive(JsonSchema, Serialize)]
struct IrrevocableView {
    /// How many leases could not be ended.
    lease_count: u64,
    /// Which, and why.
    leases: Vec<Value>,
}

async fn look_up(visit: &Visit, named: Named) -> Result<Data<LeaseView>> {
    let id = must_be_named(named.lease_id)?;
    let unknown = || Error::invalid("invalid lease");
    let (key, _) = index::find(visit, &id).await?.ok_or_else(unknown)?;
    let token = tokens::by_key(visit, key).await?.ok_or_else(unknown)?.token;
    Ok(Data(LeaseView {
        id,
        issue_time: token.issued,
        expire_time: token.expires,
        last_renewal: token.renewed,
        renewable: token.renewable,
        ttl: token.expires.map_or(0, |end| end.since(visit.now).0),
        path: token.path.clone(),
    }))
}

async fn list(visit: &Visit, (below, page): (Below, Page)) -> Result<Keys> {
    let folder = match below.prefix.as_str() {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    };
    Ok(Keys(LEASES.entries(&visit.system, &folder, &page.after, page.limit()).await?))
}

async fn renew_named(visit: &Visit, (named, _): (Named, Increment)) -> Result<NoContent> {
    renew(visit, named.lease_id).await
}

async fn renew_at(visit: &Visit, given: (At, Named, Increment)) -> Result<NoContent> {
    let (at, named, _) = given;
    renew(visit, one_of(named, at)?).await
}

async fn renew(visit: &Visit, id: String) -> Result<NoContent> {
    let id = must_be_named(id)?;
    let unknown = || Error::invalid("lease not found");
    let (key, token) = index::find(visit, &id).await?.ok_or_else(unknown)?;
    check_renewable(visit, &token)?;
    tokens::by_key(visit, key).await?.ok_or_else(unknown)?;
    Err(Error::invalid("tokens cannot be renewed through this endpoint"))
}

fn check_renewable(visit: &Visit, token: &Token) -> Result<()> {
    match token.expires {
        Some(end) if end <= visit.now => Err(Error::invalid("lease expired")),
        Some(_) if token.renewable => Ok(()),
        _ => Err(Error::invalid("lease is not renewable")),
    }
}

async fn revoke_named(visit: &Visit, (named, patience): (Named, Patience)) -> Result<Reply> {
    revoke(visit, named.lease_id).await?;
    Ok(patience.answer())
}

async fn revoke_at(visit: &Visit, given: (At, Named, Patience)) -> Result<Reply> {
    let (at, named, patience) = given;
    revoke(visit, one_of(named, at)?).await?;
    Ok(patience.answer())
}

/// One that nobody knows (any more) has ended, as was wanted.
async fn revoke(visit: &Visit, id: String) -> Result<()> {
    let id = must_be_named(id)?;
    if let Some((key, token)) = index::find(visit, &id).await? {
        tokens::end(visit, &key, &token);
    }
    Ok(())
}

async fn revoke_below(visit: &Visit, (below, patience): (Below, Patience)) -> Result<Reply> {
    match index::find(visit, &below.prefix).await? {
        Some((key, token)) => tokens::end(visit, &key, &token),
        None => prefix::end_below(visit, &below.prefix).await?,
    }
    Ok(patience.answer())
}

async fn tidy(visit: &Visit, _: Nothing) -> Result<Reply> {
    visit.warn(
        "Tidy operation successfully started. Any information from the operation will be printed \
         to Vault's server logs.",
    );
    Ok(Reply::Accepted)
}

async fn count_irrevocable(_: &Visit, kind: Kind) -> Result<Data<CountView>> {
    kind.must_be_irrevocable()?;
    Ok(Data(CountView { lease_count: 0, counts: BTreeMap::new() }))
}

async fn list_irrevocable(
    _: &Visit,
    (kind, limit): (Kind, Limit),
) -> Result<Data<IrrevocableView>> {
    kind.must_be_irrevocable()?;
    match limit.limit.as_deref().map(str::parse::<i64>) {
        None | Some(Ok(1..)) => {}
        Some(Ok(_)) => {
            return Err(Error::Failed("limit must be 'none' or a positive integer".to_owned()));
        }
        Some(Err(_)) if limit.limit.as_deref() == Some("none") => {}
        Some(Err(_)) => {
            let text = "invalid 'limit' provided: say a positive integer or 'none'";
            return Err(Error::Failed(text.to_owned()));
        }
    }
    Ok(Data(IrrevocableView { lease_count: 0, leases: vec![] }))
}

impl Patience {
    fn answer(&self) -> Reply {
        if self.sync == Some(false) { Reply::Accepted } else { Reply::Empty }
    }
}

impl Kind {
    fn must_be_irrevocable(&self) -> Result<()> {
        if self.r#type == "irrevocable" { Ok(()) } else { Err(Error::Missing) }
    }
}

/// The one lease that body and address name. Policies see the address alone, so the body must not
/// lead elsewhere.
fn one_of(named: Named, at: At) -> Result<String> {
    if named.lease_id.is_empty() || named.lease_id == at.url_lease_id {
        return Ok(at.url_lease_id);
    }
    Err(Error::invalid("the body names another lease than the address; name one of them"))
}

fn must_be_named(id: String) -> Result<String> {
    if id.is_empty() {
        return Err(Error::invalid("lease_id must be specified"));
    }
    Ok(id)
}
