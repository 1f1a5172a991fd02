//! `auth/token/`: making, looking up, renewing and ending tokens.

use api::{
    Data, Error, KeyValues, Keys, NameList, NoContent, Page, Path, Reply, Respond, Result, Seconds,
    Secret, Token as Answer, normalize_policies,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::authenticate::{by_accessor, depth, find};
use super::grant::{Grant, Issue};
use super::present::TokenView;
use super::record::{ACCESSORS, CHILDREN, TOKENS};
use super::{ANCESTORS_MAX, Custom, Holder, Kind, end, issue, issue_as, renew};
use crate::policies;
use crate::visit::{Sudo, Visit};

/// Children that one request can turn into orphans.
const ORPHANED_MAX: usize = 10_000;
/// Letters of a display name.
const DISPLAY_NAME_MAX: usize = 512;

/// Everything that can be done with tokens.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("create")
            .help("Create a token.", "The new token ends together with the one that makes it.")
            .write(create),
        Path::new("create-orphan")
            .help("Create a token that has no parent.", "It does not end with its maker.")
            .write(create_orphan),
        Path::new("lookup")
            .help("Look up a token.", "Without a token, the caller's own is looked up.")
            .read(look_up)
            .write(look_up),
        Path::new("lookup-self")
            .help("Look up the token of the caller.", "Tells what it may and when it ends.")
            .read(look_up_self)
            .write(look_up_self),
        Path::new("lookup-accessor")
            .help("Look up a token by its accessor.", "The token itself is not told.")
            .write(look_up_accessor),
        Path::new("renew").help("Renew a token.", "Gives it more time to live.").write(renew_token),
        Path::new("renew-self")
            .help("Renew the token of the caller.", "Gives it more time to live.")
            .write(renew_self),
        Path::new("renew-accessor")
            .help("Renew a token by its accessor.", "Gives it more time to live.")
            .write(renew_accessor),
        Path::new("revoke")
            .help("End a token.", "Everything it has made ends with it.")
            .write(revoke),
        Path::new("revoke-self")
            .help("End the token of the caller.", "Everything it has made ends with it.")
            .write(revoke_self),
        Path::new("revoke-accessor")
            .help("End a token by its accessor.", "Everything it has made ends with it.")
            .write(revoke_accessor),
        Path::new("revoke-orphan")
            .help(
                "End a token but not its children.",
                "Its children become orphans. Needs the sudo capability.",
            )
            .write(revoke_orphan),
        Path::new("accessors")
            .help("List the accessors of all tokens.", "Needs the sudo capability.")
            .sudo()
            .list(list_accessors),
    ]
}

/// What the maker of a token may decide.
#[derive(Deserialize, JsonSchema)]
struct Create {
    /// The token's text, chosen by its maker. Needs the sudo capability.
    id: Option<Secret>,
    /// Its policies; its maker's when left out.
    #[serde(default)]
    policies: Texts,
    /// What shall be remembered about it.
    meta: Option<KeyValues>,
    /// Makes an orphan. Needs the sudo capability.
    #[serde(default)]
    no_parent: bool,
    /// Leaves the policy "default" out.
    #[serde(default)]
    no_default_policy: bool,
    /// Whether it can be renewed; true when left out.
    renewable: Option<bool>,
    /// How long it lives.
    #[serde(default)]
    ttl: Seconds,
    /// An older name of "ttl".
    #[serde(default)]
    lease: Seconds,
    /// An end no renewal moves.
    #[serde(default)]
    explicit_max_ttl: Seconds,
    /// It lives as long as it is renewed within this time. Needs the sudo capability.
    #[serde(default)]
    period: Seconds,
    /// The kind of token: "service".
    #[serde(default)]
    r#type: String,
    /// A name for logs and answers.
    #[serde(default)]
    display_name: String,
    /// How often it can be used; 0 means always.
    #[serde(default)]
    num_uses: u64,
    /// The entity alias it belongs to; only together with a role.
    entity_alias: Option<String>,
}

/// A list of texts in which a comma is nothing special.
#[derive(Default, JsonSchema)]
#[schemars(transparent)]
struct Texts(NameList);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a text or a list of texts")]
        enum Form {
            None,
            One(String),
            Many(Vec<String>),
        }
        Ok(Self(match Form::deserialize(deserializer)? {
            Form::None => vec![],
            Form::One(text) => vec![text],
            Form::Many(texts) => texts,
        }))
    }
}

#[derive(Deserialize, JsonSchema)]
struct Which {
    /// The token.
    token: Option<Secret>,
}

#[derive(Deserialize, JsonSchema)]
struct WhichAccessor {
    /// The accessor of the token.
    #[serde(default)]
    accessor: String,
}

#[derive(Deserialize, JsonSchema)]
struct Increment {
    /// How long it shall live from now.
    #[serde(default)]
    increment: Seconds,
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

async fn create(visit: &Visit, given: Create) -> Result<Answer> {
    let holder = holder(visit)?;
    if given.no_parent && visit.sudo == Sudo::NotHeld {
        return refuse("root or sudo privileges required to create orphan token");
    }
    let parent = (!given.no_parent).then_some(holder);
    make(visit, given, parent).await
}

async fn create_orphan(visit: &Visit, given: Create) -> Result<Answer> {
    make(visit, given, None).await
}

async fn make(visit: &Visit, given: Create, parent: Option<&Holder>) -> Result<Answer> {
    let maker = holder(visit)?;
    check_kind(visit, &given)?;
    let policies = resolve_policies(visit, &given, maker)?;
    let is_root = policies.iter().any(|name| name == "root");
    if !given.period.is_zero() && visit.sudo == Sudo::NotHeld {
        return refuse("root or sudo privileges required to create periodic token");
    }
    let wanted = given.ttl.set().or(given.lease.set()).unwrap_or_default();
    let endless =
        is_root && [wanted, given.period, given.explicit_max_ttl].iter().all(|time| time.is_zero());
    if endless && maker.token.expires.is_some() {
        return refuse("expiring root tokens cannot create non-expiring root tokens");
    }
    if parent.is_some() && depth(visit, maker).await? + 1 >= ANCESTORS_MAX {
        return refuse("this token has too many ancestors to have children; create an orphan");
    }
    policies::warn_of_unknown(visit, &policies).await?;
    let ttl = match endless {
        true => None,
        false => Some(time_to_live(visit, &given, wanted, is_root).await?),
    };
    let networks = parent.filter(|_| !endless).map(|parent| parent.token.networks.clone());
    let new = Issue {
        policies,
        path: visit.path.as_str().to_owned(),
        metadata: given.meta,
        display_name: display_name(&given.display_name)?,
        parent: parent.map(|parent| parent.key.clone()),
        mount: None,
        ttl,
        ttl_explicit_max: given.explicit_max_ttl,
        period: given.period,
        renewable: given.renewable.unwrap_or(true),
        networks: networks.unwrap_or_default(),
        kind: Kind::Service,
        uses: Some(given.num_uses).filter(|uses| *uses > 0),
        role: None,
        entity: parent.and_then(|parent| parent.token.entity.clone()),
        owner: None,
        identity_policies: vec![],
    };
    match given.id {
        Some(text) if !text.is_empty() => Ok(Answer(issue_as(visit, new, &text).await?)),
        _ => Ok(Answer(issue(visit, new).await?)),
    }
}

/// Whether such a token is made here at all.
fn check_kind(visit: &Visit, given: &Create) -> Result<()> {
    match given.r#type.as_str() {
        "" | "service" => {}
        "batch" => {
            return refuse("batch tokens are not supported yet; leave \"type\" out");
        }
        _ => return refuse("invalid 'token_type' value"),
    }
    if given.num_uses > 0 {
        return refuse("tokens of limited use are not supported yet; leave \"num_uses\" out");
    }
    if given.entity_alias.is_some() {
        return refuse("'entity_alias' is only allowed in combination with token role");
    }
    let Some(id) = given.id.as_ref().filter(|id| !id.is_empty()) else {
        return Ok(());
    };
    if visit.sudo == Sudo::NotHeld {
        return refuse("root or sudo privileges required to specify token id");
    }
    Custom::flaw(id.reveal()).map_or(Ok(()), refuse)
}

/// The policies of the new token: asked for, or its maker's, within what its maker may give.
fn resolve_policies(visit: &Visit, given: &Create, maker: &Holder) -> Result<NameList> {
    let mut policies = normalize_policies(&given.policies.0);
    let own = &maker.token.policies;
    if policies.is_empty() {
        policies.clone_from(own);
    } else {
        let sudo = visit.sudo == Sudo::Held;
        let default = sudo || own.iter().any(|name| name == "default");
        if default && !given.no_default_policy {
            policies.push("default".to_owned());
            policies = normalize_policies(policies);
        }
        if !sudo && !policies.iter().all(|name| own.contains(name)) {
            return refuse("child policies must be subset of parent");
        }
    }
    if given.no_default_policy {
        policies.retain(|name| name != "default");
    }
    if policies.iter().any(|name| name == policies::RESPONSE_WRAPPING_NAME) {
        return refuse("cannot assign policy \"response-wrapping\"");
    }
    if policies.iter().any(|name| name == "root") && !maker.token.is_root() {
        return refuse("root tokens may not be created without parent token being root");
    }
    Ok(policies)
}

async fn time_to_live(
    visit: &Visit,
    given: &Create,
    wanted: Seconds,
    is_root: bool,
) -> Result<Seconds> {
    let mounts = visit.mounts().await?;
    let mount = mounts.by_path("auth/token/").ok_or(Error::UnsupportedPath)?;
    let facts = visit.facts(mount);
    // A root token that only has a last end lives until then.
    let ttl = if is_root { wanted.set().unwrap_or(given.explicit_max_ttl) } else { wanted };
    let grant = Grant {
        ttl,
        ttl_explicit_max: given.explicit_max_ttl,
        period: given.period,
        mount_default: facts.ttl_default,
        mount_max: facts.ttl_max,
        ..Grant::default()
    };
    grant.decide(visit.now, visit.now, &mut |text| visit.warn(text))
}

fn display_name(given: &str) -> Result<String> {
    if given.len() > DISPLAY_NAME_MAX {
        return refuse("the display name is longer than 512 characters");
    }
    if given.is_empty() {
        return Ok("token".to_owned());
    }
    let dashed = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let name: String = given.chars().map(dashed).collect();
    Ok(format!("token-{}", name.strip_suffix('-').unwrap_or(&name)))
}

async fn look_up(visit: &Visit, which: Which) -> Result<Data<TokenView>> {
    let Some(text) = which.token.filter(|text| !text.is_empty()) else {
        return look_up_self(visit, Nothing {}).await;
    };
    let found = find(visit, &text).await?.ok_or_else(|| Error::Forbidden("bad token".into()))?;
    Ok(Data(found.to_view(visit.now, text.reveal())))
}

async fn look_up_self(visit: &Visit, _: Nothing) -> Result<Data<TokenView>> {
    Ok(Data(holder(visit)?.to_view(visit.now, shown(visit))))
}

async fn look_up_accessor(visit: &Visit, which: WhichAccessor) -> Result<Data<TokenView>> {
    let found = must_find_by_accessor(visit, &which).await?;
    Ok(Data(found.to_view(visit.now, "")))
}

async fn renew_token(visit: &Visit, (which, time): (Which, Increment)) -> Result<Reply> {
    let text = which.token.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Error::invalid("missing token ID"))?;
    let found = find(visit, &text).await?.ok_or_else(|| Error::invalid("token not found"))?;
    renewed(visit, &found, time, text.reveal()).await
}

async fn renew_self(visit: &Visit, time: Increment) -> Result<Reply> {
    renewed(visit, holder(visit)?, time, shown(visit)).await
}

async fn renew_accessor(visit: &Visit, (which, time): (WhichAccessor, Increment)) -> Result<Reply> {
    let found = must_find_by_accessor(visit, &which).await?;
    renewed(visit, &found, time, "").await
}

async fn renewed(visit: &Visit, found: &Holder, time: Increment, shown: &str) -> Result<Reply> {
    let token = renew::renew(visit, found, time.increment).await?;
    Ok(match token {
        Some(token) => {
            Answer(token.to_auth(visit.now, shown, &found.identity_policies)).into_reply()
        }
        None => Reply::Empty,
    })
}

async fn revoke(visit: &Visit, which: Which) -> Result<NoContent> {
    let text = which.token.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Error::invalid("missing token ID"))?;
    if let Some(found) = find(visit, &text).await? {
        end(visit, &found.key, &found.token);
    }
    Ok(NoContent)
}

async fn revoke_self(visit: &Visit, _: Nothing) -> Result<NoContent> {
    let own = holder(visit)?;
    end(visit, &own.key, &own.token);
    Ok(NoContent)
}

async fn revoke_accessor(visit: &Visit, which: WhichAccessor) -> Result<Reply> {
    if which.accessor.is_empty() {
        return Err(Error::InvalidListed("missing accessor".to_owned()));
    }
    let Some(found) = by_accessor(visit, &which.accessor).await? else {
        visit.warn("No token found with this accessor");
        return Ok(Reply::Data(serde_json::Map::new(), None));
    };
    end(visit, &found.key, &found.token);
    Ok(Reply::Empty)
}

async fn revoke_orphan(visit: &Visit, which: Which) -> Result<NoContent> {
    let text = which.token.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Error::invalid("token to revoke not found"))?;
    if visit.sudo == Sudo::NotHeld {
        return refuse("root or sudo privileges required to revoke and orphan");
    }
    let found = find(visit, &text).await?;
    let found = found.ok_or_else(|| Error::invalid("token to revoke not found"))?;
    let prefix = format!("{}/", found.key);
    let names = CHILDREN.list(&visit.system, &prefix, ORPHANED_MAX + 1).await?;
    let children: Vec<_> = names.iter().filter_map(|name| name.strip_prefix(&prefix)).collect();
    if children.len() > ORPHANED_MAX {
        return refuse("this token has more than 10000 children; revoke some of them first");
    }
    for child in children {
        let key = child.to_owned();
        CHILDREN.delete(&visit.system, &format!("{prefix}{key}"));
        if let Some(mut token) = TOKENS.get(&visit.system, &key).await? {
            token.parent = None;
            TOKENS.put(&visit.system, &key, &token);
        }
    }
    end(visit, &found.key, &found.token);
    Ok(NoContent)
}

async fn list_accessors(visit: &Visit, page: Page) -> Result<Keys> {
    Ok(Keys(ACCESSORS.list(&visit.system, &page.after, page.limit()).await?))
}

async fn must_find_by_accessor(visit: &Visit, which: &WhichAccessor) -> Result<Holder> {
    if which.accessor.is_empty() {
        return Err(Error::InvalidListed("missing accessor".to_owned()));
    }
    let found = by_accessor(visit, &which.accessor).await?;
    found.ok_or_else(|| Error::InvalidListed("invalid accessor".to_owned()))
}

fn holder(visit: &Visit) -> Result<&Holder> {
    visit.holder.as_ref().ok_or(Error::Unauthenticated)
}

fn shown(visit: &Visit) -> &str {
    visit.shown.as_ref().map_or("", Secret::reveal)
}

fn refuse<T>(text: &str) -> Result<T> {
    Err(Error::invalid(text))
}
