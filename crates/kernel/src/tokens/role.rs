//! Roles: what an operator lets others make tokens with.

use api::{
    Data, Error, Keys, NameList, NoContent, Page, Path, Reply, Respond, Result, Seconds,
    check_policy_names, network_text, parse_network,
};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use storage::Table;

use super::kind::KindRule;
use crate::policies::covers;
use crate::visit::Visit;

/// Every role, by its name.
pub(super) const ROLES: Table<Role> = Table::new("token-role/");
/// Bytes of one role: it is read whenever a token is made by it or renewed.
const BYTES_MAX: usize = 64 * 1024;
/// How short a suffix may be.
const SUFFIX_LENGTH_MIN: usize = 3;

/// What can be done with roles.
pub(super) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("roles").help("List the roles.", "By name.").in_batch().list(list),
        Path::new("roles/{name}")
            .help(
                "Manage a role.",
                "Tokens made by a role get what it says, also policies their maker has not. \
                 Without its role no token of it can be renewed.",
            )
            .in_batch()
            .exists(exists)
            .read(read)
            .write(write)
            .delete(delete),
    ]
}

/// What is stored about a role.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Role {
    /// The policies its tokens may have.
    pub(super) allowed: NameList,
    /// The same, with `*` at the beginning or end.
    pub(super) allowed_globs: NameList,
    /// The policies none of its tokens has.
    pub(super) disallowed: NameList,
    /// The same, with `*` at the beginning or end.
    pub(super) disallowed_globs: NameList,
    /// Does not add `default`.
    pub(super) without_default_policy: bool,
    /// Whether its tokens live on without the token that made them.
    pub(super) orphan: bool,
    /// Whether its tokens can be renewed.
    pub(super) renewable: bool,
    /// What the path of its tokens ends with.
    pub(super) path_suffix: String,
    /// The entity aliases its tokens may be made for; `*` at the beginning or end.
    pub(super) entity_aliases: Option<NameList>,
    /// The kind of its tokens.
    pub(super) kind: KindRule,
    /// Its tokens live as long as they are renewed within this time; 0 when they are not periodic.
    pub(super) period: Seconds,
    /// An end of its tokens that no renewal moves; 0 when there is none.
    pub(super) ttl_explicit_max: Seconds,
    /// The networks its tokens can be used from; none means what their maker's are.
    pub(super) networks: Vec<IpNet>,
    /// How often its tokens can be used; 0 means always.
    pub(super) uses: u64,
    /// Which of these were last given by the name they had before.
    pub(super) by_old_name: ByOldName,
}

/// Which fields were last given by an older name, and are therefore shown by it as well.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(super) struct ByOldName {
    period: bool,
    ttl_explicit_max: bool,
    networks: bool,
}

impl Role {
    /// Whether it says anything about policies.
    pub(super) fn has_lists(&self) -> bool {
        self.has_allowed() || !self.disallowed.is_empty() || !self.disallowed_globs.is_empty()
    }

    /// Whether it names what is allowed, so that nothing else is.
    pub(super) fn has_allowed(&self) -> bool {
        !self.allowed.is_empty() || !self.allowed_globs.is_empty()
    }

    /// Whether none of its tokens may have the policy called `name`.
    pub(super) fn denies(&self, name: &str) -> bool {
        self.disallowed.iter().any(|denied| denied == name)
            || self.disallowed_globs.iter().any(|glob| covers(glob, name))
    }

    /// Whether a token of it may be made for the alias called `name`, in lower case.
    pub(super) fn admits_alias(&self, name: &str) -> bool {
        self.entity_aliases.iter().flatten().any(|glob| covers(glob, name))
    }
}

impl Default for Role {
    fn default() -> Self {
        Self {
            allowed: vec![],
            allowed_globs: vec![],
            disallowed: vec![],
            disallowed_globs: vec![],
            without_default_policy: false,
            orphan: false,
            renewable: true,
            path_suffix: String::new(),
            entity_aliases: None,
            kind: KindRule::default(),
            period: Seconds::ZERO,
            ttl_explicit_max: Seconds::ZERO,
            networks: vec![],
            uses: 0,
            by_old_name: ByOldName::default(),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Named {
    /// Name of the role.
    name: String,
}

/// What can be said about a role. What is left out stays as it is.
#[derive(Deserialize, JsonSchema)]
struct Write {
    /// The policies its tokens may have, also those that their maker has not.
    allowed_policies: Option<NameList>,
    /// The policies none of its tokens has.
    disallowed_policies: Option<NameList>,
    /// As "allowed_policies", with "*" at the beginning or end.
    allowed_policies_glob: Option<NameList>,
    /// As "disallowed_policies", with "*" at the beginning or end.
    disallowed_policies_glob: Option<NameList>,
    /// Whether its tokens live on without the token that made them.
    orphan: Option<bool>,
    /// Whether its tokens can be renewed; true unless said otherwise.
    renewable: Option<bool>,
    /// What the path of its tokens ends with.
    path_suffix: Option<String>,
    /// The entity aliases its tokens may be made for, with "*" at the beginning or end.
    allowed_entity_aliases: Option<NameList>,
    /// The kind of its tokens: "service", "batch", "default-service" or "default-batch".
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    token_type: Sent,
    /// Its tokens live as long as they are renewed within this time.
    token_period: Option<Seconds>,
    /// An end of its tokens that no renewal moves.
    token_explicit_max_ttl: Option<Seconds>,
    /// Leaves the policy "default" out.
    token_no_default_policy: Option<bool>,
    /// The networks its tokens can be used from.
    token_bound_cidrs: Option<NameList>,
    /// How often its tokens can be used; 0 means always.
    token_num_uses: Option<i64>,
    /// An older name of "token_period".
    #[schemars(extend("x-older-name-of" = "token_period"))]
    period: Option<Seconds>,
    /// An older name of "token_explicit_max_ttl".
    #[schemars(extend("x-older-name-of" = "token_explicit_max_ttl"))]
    explicit_max_ttl: Option<Seconds>,
    /// An older name of "token_bound_cidrs".
    #[schemars(extend("x-older-name-of" = "token_bound_cidrs"))]
    bound_cidrs: Option<NameList>,
}

/// A text, of which it matters whether it was left out or sent as null.
#[derive(Default)]
enum Sent {
    #[default]
    Not,
    Null,
    Text(String),
}

impl<'de> Deserialize<'de> for Sent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.map_or(Self::Null, Self::Text))
    }
}

/// A role as it is read.
#[derive(JsonSchema, Serialize)]
struct RoleView {
    name: String,
    allowed_policies: NameList,
    disallowed_policies: NameList,
    allowed_policies_glob: NameList,
    disallowed_policies_glob: NameList,
    orphan: bool,
    renewable: bool,
    path_suffix: String,
    allowed_entity_aliases: Option<NameList>,
    token_type: &'static str,
    token_period: Seconds,
    period: Seconds,
    token_explicit_max_ttl: Seconds,
    explicit_max_ttl: Seconds,
    token_no_default_policy: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    token_bound_cidrs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bound_cidrs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_num_uses: Option<u64>,
}

async fn list(visit: &Visit, page: Page) -> Result<Keys> {
    Ok(Keys(ROLES.list(&visit.system, &page.after, page.limit()).await?))
}

async fn exists(visit: &Visit, named: Named) -> Result<bool> {
    Ok(ROLES.get(&visit.system, &named.name).await?.is_some())
}

async fn read(visit: &Visit, named: Named) -> Result<Data<RoleView>> {
    let role = ROLES.get(&visit.system, &named.name).await?.ok_or(Error::Missing)?;
    Ok(Data(role.into_view(named.name)))
}

async fn delete(visit: &Visit, named: Named) -> Result<NoContent> {
    ROLES.delete(&visit.system, &named.name);
    Ok(NoContent)
}

async fn write(visit: &Visit, (named, given): (Named, Write)) -> Result<Reply> {
    let mut role = ROLES.get(&visit.system, &named.name).await?.unwrap_or_default();
    let mut warnings = given.change(&mut role)?;
    role.check()?;
    let mounts = visit.mounts().await?;
    let mount = mounts.by_path("auth/token/").ok_or(Error::UnsupportedPath)?;
    let max = visit.facts(mount).ttl_max;
    if role.ttl_explicit_max > max {
        warnings.push(format!(
            "Given explicit max TTL of {} is greater than system/mount allowed value of {} \
             seconds; tokens made by this role end no later than that",
            role.ttl_explicit_max.0, max.0
        ));
    }
    ROLES.put(&visit.system, &named.name, &role);
    if warnings.is_empty() {
        return Ok(NoContent.into_reply());
    }
    warnings.into_iter().for_each(|text| visit.warn(text));
    Ok(Reply::Data(serde_json::Map::new(), None))
}

impl Write {
    /// Takes over what is said, or nothing at all; what the caller should know of it.
    fn change(self, role: &mut Role) -> Result<Vec<String>> {
        if let Some(suffix) = self.path_suffix {
            check_suffix(&suffix)?;
            role.path_suffix = suffix;
        }
        match self.token_type {
            Sent::Not => {}
            Sent::Null => return Err(Error::invalid("Invalid 'token_type' value: null")),
            Sent::Text(name) => {
                role.kind = KindRule::named(&name).ok_or_else(|| {
                    Error::invalid(
                        "invalid 'token_type' value; \
                         try \"service\", \"batch\", \"default-service\" or \"default-batch\"",
                    )
                })?;
            }
        }
        if let Some(uses) = self.token_num_uses {
            let negative = |_| Error::invalid("'token_num_uses' cannot be negative");
            role.uses = u64::try_from(uses).map_err(negative)?;
        }
        let networks = self.token_bound_cidrs.map(|texts| networks_of(&texts, "role fields"));
        let old_networks = self.bound_cidrs.map(|texts| networks_of(&texts, "bound_cidrs"));
        let (networks, old_networks) = (networks.transpose()?, old_networks.transpose()?);
        set(&mut role.allowed, self.allowed_policies.map(fold));
        set(&mut role.allowed_globs, self.allowed_policies_glob.map(fold));
        set(&mut role.disallowed, self.disallowed_policies.map(fold));
        set(&mut role.disallowed_globs, self.disallowed_policies_glob.map(fold));
        set(&mut role.without_default_policy, self.token_no_default_policy);
        set(&mut role.orphan, self.orphan);
        set(&mut role.renewable, self.renewable);
        if let Some(aliases) = self.allowed_entity_aliases {
            role.entity_aliases = Some(fold(aliases));
        }
        let old = &mut role.by_old_name;
        let ignored = [
            settle((&mut role.period, &mut old.period), self.token_period, self.period)
                .then_some("period"),
            settle(
                (&mut role.ttl_explicit_max, &mut old.ttl_explicit_max),
                self.token_explicit_max_ttl,
                self.explicit_max_ttl,
            )
            .then_some("explicit_max_ttl"),
            settle((&mut role.networks, &mut old.networks), networks, old_networks)
                .then_some("bound_cidrs"),
        ];
        let warn = |name| {
            format!(
                "Both 'token_{name}' and deprecated '{name}' value supplied, \
                 ignoring the deprecated value"
            )
        };
        Ok(ignored.into_iter().flatten().map(warn).collect())
    }
}

impl Role {
    /// Refuses what its tokens could not keep to.
    fn check(&self) -> Result<()> {
        for (field, names) in [
            ("allowed_policies", &self.allowed),
            ("allowed_policies_glob", &self.allowed_globs),
            ("disallowed_policies", &self.disallowed),
            ("disallowed_policies_glob", &self.disallowed_globs),
        ] {
            check_policy_names(field, names)?;
        }
        let flaws = [
            (!self.orphan, "role is set to generate non-orphan tokens"),
            (!self.period.is_zero(), "role is set to generate periodic tokens"),
            (self.renewable, "role is set to generate renewable tokens"),
            (
                !self.ttl_explicit_max.is_zero(),
                "role is set to generate tokens with an explicit max TTL",
            ),
            (self.uses > 0, "role is set to generate tokens with limited use count"),
        ];
        let flaw = flaws.into_iter().find(|(is_so, _)| *is_so);
        if let (KindRule::Batch, Some((_, flaw))) = (self.kind, flaw) {
            return Err(Error::invalid(format!("'token_type' cannot be 'batch' when {flaw}")));
        }
        match serde_json::to_vec(self).map_err(Error::internal)?.len() > BYTES_MAX {
            true => Err(Error::invalid("what a role says is longer than 64 KiB")),
            false => Ok(()),
        }
    }

    fn into_view(self, name: String) -> RoleView {
        let networks: Vec<_> = self.networks.iter().map(network_text).collect();
        let old = self.by_old_name;
        RoleView {
            name,
            allowed_policies: self.allowed,
            disallowed_policies: self.disallowed,
            allowed_policies_glob: self.allowed_globs,
            disallowed_policies_glob: self.disallowed_globs,
            orphan: self.orphan,
            renewable: self.renewable,
            path_suffix: self.path_suffix,
            allowed_entity_aliases: self.entity_aliases,
            token_type: self.kind.name(),
            token_period: self.period,
            period: if old.period { self.period } else { Seconds::ZERO },
            token_explicit_max_ttl: self.ttl_explicit_max,
            explicit_max_ttl: match old.ttl_explicit_max {
                true => self.ttl_explicit_max,
                false => Seconds::ZERO,
            },
            token_no_default_policy: self.without_default_policy,
            bound_cidrs: if old.networks { networks.clone() } else { vec![] },
            token_bound_cidrs: networks,
            token_num_uses: Some(self.uses).filter(|uses| *uses > 0),
        }
    }
}

/// Sets a field that goes by two names, and remembers by which it was set; whether both were given
/// and the older one had no effect.
fn settle<T>((field, by_old_name): (&mut T, &mut bool), new: Option<T>, old: Option<T>) -> bool {
    let both = new.is_some() && old.is_some();
    match (new, old) {
        (Some(value), _) => (*field, *by_old_name) = (value, false),
        (None, Some(value)) => (*field, *by_old_name) = (value, true),
        (None, None) => {}
    }
    both
}

fn set<T>(field: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *field = value;
    }
}

/// Names as they are compared: trimmed, lower-case, each once, sorted. As a list of what is allowed
/// `root` stands for nothing but itself, so it does not stand alone here.
fn fold(names: NameList) -> NameList {
    let folded = names.iter().map(|name| name.trim().to_lowercase());
    let mut names: NameList = folded.filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn networks_of(texts: &[String], named: &str) -> Result<Vec<IpNet>> {
    let parsed = texts.iter().map(|text| parse_network(text));
    parsed
        .collect::<std::result::Result<_, _>>()
        .map_err(|flaw| Error::invalid(format!("error parsing {named}: {flaw}")))
}

fn check_suffix(suffix: &str) -> Result<()> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let inside = |letter: char| is_word(letter) || ['-', '.'].contains(&letter);
    let is_clear = suffix.len() >= SUFFIX_LENGTH_MIN
        && suffix.chars().all(inside)
        && suffix.starts_with(is_word)
        && suffix.ends_with(is_word);
    if !suffix.is_empty() && !is_clear {
        return Err(Error::invalid(
            "given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w",
        ));
    }
    match suffix.contains("..") {
        true => Err(Error::invalid(
            "error registering path suffix: path cannot contain parent references",
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(suffix: &str, expected: bool) {
        assert_eq!(check_suffix(suffix).is_ok(), expected, "{suffix:?}");
    }

    #[test]
    fn a_suffix_is_one_clear_word() {
        for clear in ["", "happenin", "a.b", "a-b", "a_b", "123"] {
            check(clear, true);
        }
        for flawed in ["a", "ab", "x y ok", "-ab", "ab.", "a/b", "a..b", "\u{e9}ab", "..."] {
            check(flawed, false);
        }
    }

    #[test]
    fn the_newer_name_decides_and_the_older_one_is_shown_only_when_it_was_used() {
        let (mut field, mut by_old_name) = (0, false);
        let mut give = |new, old| {
            let both = settle((&mut field, &mut by_old_name), new, old);
            (field, by_old_name, both)
        };
        assert_eq!(give(None, Some(1)), (1, true, false));
        assert_eq!(give(None, None), (1, true, false));
        assert_eq!(give(Some(2), Some(3)), (2, false, true));
        assert_eq!(give(Some(4), None), (4, false, false));
    }
}
