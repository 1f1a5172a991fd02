//! Making tokens: what may be asked for, by whom, and in which order it is refused.
//!
//! Clients compare the refusals, and of several mistakes in one request they expect a certain one,
//! so the order of the steps in [`make`] matters.

use std::borrow::Cow;

use api::{
    Error, KeyValues, Login, NameList, Path, Result, Seconds, Secret, Token as Answer,
    normalize_policies,
};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::authenticate::depth;
use super::format::Custom;
use super::grant::{Grant, Issue, issue, issue_as};
use super::kind::{Kind, KindRule};
use super::resolve::{Asked, resolve};
use super::role::{ROLES, Role};
use super::span::Span;
use super::{ANCESTORS_MAX, Holder, Owner};
use crate::visit::{Sudo, Visit};
use crate::{identity, policies};

/// Letters of a display name.
const DISPLAY_NAME_MAX: usize = 512;
/// Letters of an entity alias.
const ALIAS_MAX: usize = 512;

/// The doors at which tokens are made.
pub(super) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("create")
            .help("Create a token.", "The new token ends together with the one that makes it.")
            .in_batch()
            .write(create),
        Path::new("create-orphan")
            .help("Create a token that has no parent.", "It does not end with its maker.")
            .in_batch()
            .write(create_orphan),
        Path::new("create/{role}")
            .help(
                "Create a token by a role.",
                "The role decides what the token may have and how long it lives.",
            )
            .in_batch()
            .write(create_by_role),
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
    ttl: Span,
    /// An older name of "ttl".
    #[schemars(extend("x-older-name-of" = "ttl"))]
    #[serde(default)]
    lease: Span,
    /// An end no renewal moves.
    #[serde(default)]
    explicit_max_ttl: Span,
    /// It lives as long as it is renewed within this time. Needs the sudo capability.
    #[serde(default)]
    period: Span,
    /// The kind of token: "service" or "batch".
    #[serde(default)]
    r#type: String,
    /// A name for logs and answers.
    #[serde(default)]
    display_name: String,
    /// How often it can be used; 0 means always.
    #[serde(default)]
    num_uses: i64,
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
struct ByRole {
    /// Name of the role.
    role: String,
}

/// By which door a token is made.
enum Way {
    Plain,
    Orphan,
    Role(String, Box<Role>),
}

async fn create(visit: &Visit, given: Create) -> Result<Answer> {
    make(visit, given, Way::Plain).await
}

async fn create_orphan(visit: &Visit, given: Create) -> Result<Answer> {
    make(visit, given, Way::Orphan).await
}

async fn create_by_role(visit: &Visit, (by, given): (ByRole, Create)) -> Result<Answer> {
    let Some(role) = ROLES.get(&visit.system, &by.role).await? else {
        return refuse(format!("unknown role {}", by.role));
    };
    make(visit, given, Way::Role(by.role, Box::new(role))).await
}

async fn make(visit: &Visit, given: Create, way: Way) -> Result<Answer> {
    let maker = visit.holder.as_ref().ok_or(Error::Unauthenticated)?;
    check_maker(maker)?;
    let kind = given.choose_kind(way.role())?;
    let of_alias = find_alias(visit, &given, way.role()).await?;
    let sudo = visit.sudo == Sudo::Held;
    let id = given.id.as_ref().filter(|id| !id.is_empty());
    if id.is_some() && !sudo {
        return refuse("root or sudo privileges required to specify token id");
    }
    let policies = given.resolve_policies(visit, maker, way.role())?;
    let is_root = policies.iter().any(|name| name == "root");
    check_root(is_root, maker, kind)?;
    let parent = way.parent(&given, maker, sudo)?;
    let terms = given.terms(way.role(), sudo)?;
    let endless = is_root && terms.are_endless();
    if endless && maker.token.expires.is_some() {
        return refuse("expiring root tokens cannot create non-expiring root tokens");
    }
    if parent.is_some() && depth(visit, maker).await? + 1 >= ANCESTORS_MAX {
        return refuse("this token has too many ancestors to have children; create an orphan");
    }
    let ttl = match endless {
        true => None,
        false => Some(terms.decide(visit, is_root).await?),
    };
    policies::warn_of_unknown(visit, &policies).await?;
    let belonging = of_alias.or_else(|| parent.map(Belonging::of)).unwrap_or_default();
    let new = Issue {
        policies,
        path: way.path(visit),
        metadata: given.meta,
        display_name: display_name(&given.display_name)?,
        parent: parent.map(|parent| parent.key.clone()),
        mount: None,
        ttl,
        ttl_explicit_max: terms.own_explicit_max,
        period: terms.own_period,
        renewable: given.renewable.unwrap_or(true) && way.role().is_none_or(|r| r.renewable),
        networks: if endless { vec![] } else { way.networks(parent) },
        kind,
        uses: uses(given.num_uses, way.role()),
        role: way.role_name(),
        entity: belonging.entity,
        owner: belonging.owner,
        identity_policies: belonging.policies,
    };
    match id {
        Some(_) if kind == Kind::Batch => {
            visit.warn("a batch token cannot have an id of one's own choice; it was ignored");
            Ok(Answer(issue(visit, new).await?))
        }
        Some(id) => {
            Custom::flaw(id.reveal()).map_or(Ok(()), refuse)?;
            Ok(Answer(issue_as(visit, new, id).await?))
        }
        None => Ok(Answer(issue(visit, new).await?)),
    }
}

/// Who may make no tokens at all, whatever their policies say.
fn check_maker(maker: &Holder) -> Result<()> {
    if maker.token.kind == Kind::Batch {
        return refuse("batch tokens cannot create more tokens");
    }
    if maker.token.uses_left.is_some() {
        return refuse("restricted use token cannot generate child tokens");
    }
    Ok(())
}

/// Only who may do everything makes tokens that may.
fn check_root(is_root: bool, maker: &Holder, kind: Kind) -> Result<()> {
    if is_root && !maker.token.is_root() {
        return refuse("root tokens may not be created without parent token being root");
    }
    if is_root && kind == Kind::Batch {
        return refuse("batch tokens cannot be root tokens");
    }
    Ok(())
}

/// The entity and alias the token is made for, where it is made for one.
async fn find_alias(
    visit: &Visit,
    given: &Create,
    role: Option<&Role>,
) -> Result<Option<Belonging>> {
    let Some(name) = given.entity_alias.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let Some(role) = role else {
        return refuse("'entity_alias' is only allowed in combination with token role");
    };
    let alias = name.trim().to_lowercase();
    let is_name = (1..=ALIAS_MAX).contains(&alias.len()) && !alias.contains(char::is_control);
    if !is_name || !role.admits_alias(&alias) {
        return refuse("invalid 'entity_alias' value");
    }
    let mounts = visit.mounts().await?;
    let mount = mounts.by_path("auth/token/").ok_or(Error::UnsupportedPath)?;
    let login = Login { alias, ..Login::default() };
    match identity::identify(visit, mount, &login).await {
        Err(Error::Unauthenticated) => {
            Err(Error::Forbidden("entity from given entity alias is disabled".to_owned()))
        }
        Err(error) => Err(error),
        Ok(found) => Ok(Some(Belonging {
            entity: Some(found.entity),
            owner: Some(found.owner),
            policies: found.policies,
        })),
    }
}

impl Create {
    /// The kind that is made, if such a token can have what else is asked for.
    fn choose_kind(&self, role: Option<&Role>) -> Result<Kind> {
        let rule = role.map_or(KindRule::default(), |role| role.kind);
        let kind = rule.choose(Kind::named(&self.r#type));
        if kind == Kind::Batch {
            Self::keep_out_of_batch(self.explicit_max_ttl, "explicit_max_ttl")?;
            // Also where only the role limits them: asking for a batch token is no way around it.
            if self.num_uses != 0 || role.is_some_and(|role| role.uses > 0) {
                return refuse("batch tokens cannot have \"num_uses\" set");
            }
            Self::keep_out_of_batch(self.period, "period")?;
        }
        if !self.r#type.is_empty() && Kind::named(&self.r#type).is_none() {
            return refuse("invalid 'token_type' value");
        }
        match self.num_uses < 0 {
            true => refuse("number of uses cannot be negative"),
            false => Ok(kind),
        }
    }

    fn keep_out_of_batch(span: Span, name: &str) -> Result<()> {
        match span {
            Span::Flawed(_) => refuse(format!("'{name}' value could not be parsed")),
            Span::Given(time) if !time.is_zero() => {
                refuse(format!("batch tokens cannot have \"{name}\" set"))
            }
            _ => Ok(()),
        }
    }

    fn resolve_policies(
        &self,
        visit: &Visit,
        maker: &Holder,
        role: Option<&Role>,
    ) -> Result<NameList> {
        let asked = Asked {
            policies: normalize_policies(&self.policies.0),
            without_default: self.no_default_policy,
            own: &maker.token.policies,
            sudo: visit.sudo,
        };
        resolve(&asked, role)
    }

    fn terms<'a>(&self, role: Option<&'a Role>, sudo: bool) -> Result<Terms<'a>> {
        let own_explicit_max = self.explicit_max_ttl.judge("explicit_max_ttl")?;
        let own_period = self.period.judge("period")?;
        let wanted = match self.ttl {
            Span::Absent => self.lease.judge("lease")?,
            ttl => ttl.judge("ttl")?,
        };
        let role_is_periodic = role.is_some_and(|role| !role.period.is_zero());
        if !own_period.is_zero() && !sudo && !role_is_periodic {
            return refuse("root or sudo privileges required to create periodic token");
        }
        Ok(Terms { wanted, own_explicit_max, own_period, role })
    }
}

/// How long a token shall live, as its maker and its role say.
struct Terms<'a> {
    wanted: Seconds,
    own_explicit_max: Seconds,
    own_period: Seconds,
    role: Option<&'a Role>,
}

impl Terms<'_> {
    fn explicit_max(&self) -> Seconds {
        let of_role = self.role.map_or(Seconds::ZERO, |role| role.ttl_explicit_max);
        lesser(self.own_explicit_max, of_role)
    }

    fn period(&self) -> Seconds {
        lesser(self.own_period, self.role.map_or(Seconds::ZERO, |role| role.period))
    }

    fn are_endless(&self) -> bool {
        [self.wanted, self.explicit_max(), self.period()].iter().all(|time| time.is_zero())
    }

    async fn decide(&self, visit: &Visit, is_root: bool) -> Result<Seconds> {
        let (explicit_max, period) = (self.explicit_max(), self.period());
        for (what, own, of_role, used) in [
            (
                "Explicit max TTL",
                self.own_explicit_max,
                self.role.map(|role| role.ttl_explicit_max),
                explicit_max,
            ),
            ("Period", self.own_period, self.role.map(|role| role.period), period),
        ] {
            if !own.is_zero() && of_role.is_some_and(|time| !time.is_zero()) {
                visit.warn(format!(
                    "{what} specified both during creation call and in role; using the lesser \
                     value of {} seconds",
                    used.0
                ));
            }
        }
        let mounts = visit.mounts().await?;
        let mount = mounts.by_path("auth/token/").ok_or(Error::UnsupportedPath)?;
        let facts = visit.facts(mount);
        // A root token that only has a last end lives until then.
        let ttl = if is_root { self.wanted.set().unwrap_or(explicit_max) } else { self.wanted };
        let grant = Grant {
            ttl,
            ttl_explicit_max: explicit_max,
            period,
            mount_default: facts.ttl_default,
            mount_max: facts.ttl_max,
            ..Grant::default()
        };
        grant.decide(visit.now, visit.now, &mut |text| visit.warn(text))
    }
}

impl Way {
    fn role(&self) -> Option<&Role> {
        match self {
            Self::Role(_, role) => Some(role),
            Self::Plain | Self::Orphan => None,
        }
    }

    fn role_name(&self) -> Option<String> {
        match self {
            Self::Role(name, _) => Some(name.clone()),
            Self::Plain | Self::Orphan => None,
        }
    }

    /// The token that takes the new one along when it ends.
    fn parent<'a>(
        &self,
        given: &Create,
        maker: &'a Holder,
        sudo: bool,
    ) -> Result<Option<&'a Holder>> {
        match self {
            Self::Orphan => Ok(None),
            Self::Role(_, role) => Ok((!role.orphan).then_some(maker)),
            Self::Plain if !given.no_parent => Ok(Some(maker)),
            Self::Plain if !sudo => {
                refuse("root or sudo privileges required to create orphan token")
            }
            Self::Plain => Ok(None),
        }
    }

    /// The networks it can be used from: a role's own, else its parent's.
    fn networks(&self, parent: Option<&Holder>) -> Vec<IpNet> {
        let of_role = self.role().map(|role| &role.networks).filter(|role| !role.is_empty());
        let of_parent = parent.map(|parent| &parent.token.networks);
        of_role.or(of_parent).cloned().unwrap_or_default()
    }

    fn path(&self, visit: &Visit) -> String {
        let suffix = self.role().map_or("", |role| role.path_suffix.as_str());
        match suffix.is_empty() {
            true => visit.path.as_str().to_owned(),
            false => format!("{}/{suffix}", visit.path.as_str()),
        }
    }
}

/// Whose a token is: the alias it is made for, else its parent's entity.
#[derive(Default)]
struct Belonging {
    entity: Option<String>,
    owner: Option<Owner>,
    policies: NameList,
}

impl Belonging {
    fn of(parent: &Holder) -> Self {
        Self {
            entity: parent.token.entity.clone(),
            owner: None,
            policies: parent.identity_policies.clone(),
        }
    }
}

/// The smaller of two limits, of which zero is none.
pub(super) fn lesser(one: Seconds, other: Seconds) -> Seconds {
    [one.set(), other.set()].into_iter().flatten().min().unwrap_or_default()
}

/// How often the token can be used: what was asked for, and no more than the role says.
fn uses(asked: i64, role: Option<&Role>) -> Option<u64> {
    let asked = u64::try_from(asked).ok().filter(|uses| *uses > 0);
    let of_role = role.map(|role| role.uses).filter(|uses| *uses > 0);
    asked.into_iter().chain(of_role).min()
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

fn refuse<T>(text: impl Into<Cow<'static, str>>) -> Result<T> {
    Err(Error::invalid(text.into().into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_uses(of_role: u64, asked: i64, expected: Option<u64>) {
        let role = Role { uses: of_role, ..Role::default() };
        assert_eq!(uses(asked, Some(&role)), expected, "{of_role} and {asked}");
    }

    // Case 58.
    #[test]
    fn of_two_limits_of_use_the_smaller_one_holds() {
        check_uses(10, 0, Some(10));
        check_uses(10, 5, Some(5));
        check_uses(10, 15, Some(10));
        check_uses(0, 5, Some(5));
        check_uses(0, 0, None);
    }

    // Case 39.
    #[test]
    fn display_names_are_made_plain() {
        let check = |given: &str, expected: &str| {
            assert_eq!(display_name(given), Ok(expected.to_owned()), "{given}");
        };
        check("", "token");
        check("foo_bar.baz!", "token-foo-bar-baz");
        check("a--", "token-a-");
    }
}
