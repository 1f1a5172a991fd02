//! What every auth method lets an operator say about the tokens it gives out: the `token_*`
//! fields.
//!
//! Some of them go by an older name as well. A field that was last written by its old name is
//! shown under both; one written by the new name alone is shown under that alone. The two never
//! differ: where both are given, the new name decides.

use std::net::SocketAddr;

use api::{
    Error, KeyValues, Login, NameList, Result, Seconds, TokenKind, check_policy_names,
    network_text, normalize_policies, parse_network,
};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::null;

/// How many policies and networks tokens may have: every login looks at all of them, also one that
/// fails.
const POLICIES_MAX: usize = 1000;
const POLICY_NAME_LETTERS_MAX: usize = 256;
const NETWORKS_MAX: usize = 1000;
/// How much may be said about an alias: each login writes it.
const ALIAS_METADATA_MAX: usize = 64;
const ALIAS_METADATA_NAME_BYTES_MAX: usize = 128;
const ALIAS_METADATA_TEXT_BYTES_MAX: usize = 512;

/// What tokens shall be like, as it is stored with a user or a role.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct TokenSettings {
    policies: NameList,
    without_default_policy: bool,
    ttl: Seconds,
    ttl_max: Seconds,
    ttl_explicit_max: Seconds,
    period: Seconds,
    networks: Vec<IpNet>,
    bound_to_address: bool,
    uses: u64,
    kind: TokenKind,
    alias_metadata: KeyValues,
    by_old_name: ByOldName,
}

/// Which fields were last written by their old name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
struct ByOldName {
    policies: bool,
    ttl: bool,
    ttl_max: bool,
    networks: bool,
}

/// The fields as requests give them. Those left out stay as they are.
#[derive(Default, Deserialize, JsonSchema)]
pub(crate) struct TokenFields {
    /// Networks, as "10.0.0.0/8" or single addresses, that logging in and the tokens are confined
    /// to. None means everywhere.
    #[serde(default, deserialize_with = "null::counts")]
    token_bound_cidrs: Option<NameList>,
    /// The longest any token can live, whatever its period or how often it is renewed.
    token_explicit_max_ttl: Option<Seconds>,
    /// How long tokens can be renewed.
    token_max_ttl: Option<Seconds>,
    /// Whether tokens go without the "default" policy.
    token_no_default_policy: Option<bool>,
    /// How often tokens can be used; 0 means always.
    token_num_uses: Option<i64>,
    /// If set, tokens have no maximum life: they live as long as they are renewed within this time.
    token_period: Option<Seconds>,
    /// Policies of the tokens.
    #[serde(default, deserialize_with = "null::counts")]
    token_policies: Option<NameList>,
    /// Whether tokens work only from the address that logged in. Not together with
    /// "token_bound_cidrs".
    token_strictly_bind_ip: Option<bool>,
    /// How long tokens live at first.
    token_ttl: Option<Seconds>,
    /// The kind of tokens: "service", "batch", or "default", which leaves it to the mount.
    token_type: Option<String>,
    /// Text by name, kept with the alias of whoever logs in.
    #[serde(default, deserialize_with = "null::counts")]
    alias_metadata: Option<KeyValues>,
}

/// The same, by the names of long ago.
#[derive(Default, Deserialize, JsonSchema)]
pub(crate) struct OldTokenFields {
    /// (DEPRECATED) Use "token_bound_cidrs" instead.
    #[schemars(extend("x-older-name-of" = "token_bound_cidrs"))]
    #[serde(default, deserialize_with = "null::counts")]
    bound_cidrs: Option<NameList>,
    /// (DEPRECATED) Use "token_max_ttl" instead.
    #[schemars(extend("x-older-name-of" = "token_max_ttl"))]
    max_ttl: Option<Seconds>,
    /// (DEPRECATED) Use "token_policies" instead.
    #[schemars(extend("x-older-name-of" = "token_policies"))]
    #[serde(default, deserialize_with = "null::counts")]
    policies: Option<NameList>,
    /// (DEPRECATED) Use "token_ttl" instead.
    #[schemars(extend("x-older-name-of" = "token_ttl"))]
    ttl: Option<Seconds>,
}

/// The fields as answers show them.
#[derive(JsonSchema, Serialize)]
pub(crate) struct TokenSettingsView {
    /// Networks that logging in and the tokens are confined to.
    token_bound_cidrs: Vec<String>,
    /// The longest any token can live.
    token_explicit_max_ttl: Seconds,
    /// How long tokens can be renewed.
    token_max_ttl: Seconds,
    /// Whether tokens go without the "default" policy.
    token_no_default_policy: bool,
    /// How often tokens can be used; 0 means always.
    token_num_uses: u64,
    /// The time within which tokens must be renewed, if they are periodic.
    token_period: Seconds,
    /// Policies of the tokens.
    token_policies: NameList,
    /// Whether tokens work only from the address that logged in.
    token_strictly_bind_ip: bool,
    /// How long tokens live at first.
    token_ttl: Seconds,
    /// The kind of tokens.
    token_type: &'static str,
    /// Text by name, kept with the alias of whoever logs in.
    #[serde(skip_serializing_if = "KeyValues::is_empty")]
    alias_metadata: KeyValues,
    /// As "token_bound_cidrs", where that was written by its old name.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_cidrs: Option<Vec<String>>,
    /// As "token_max_ttl", where that was written by its old name.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_ttl: Option<Seconds>,
    /// As "token_policies", where that was written by its old name.
    #[serde(skip_serializing_if = "Option::is_none")]
    policies: Option<NameList>,
    /// As "token_ttl", where that was written by its old name.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<Seconds>,
}

impl TokenSettings {
    /// Takes over what a request says by the names of today. What an error leaves is of no use.
    ///
    /// # Errors
    /// [`Error::Invalid`] for settings that make no sense or are too many.
    pub(crate) fn change(&mut self, new: &TokenFields) -> Result<()> {
        let networks = parse_networks("token_bound_cidrs", new.token_bound_cidrs.as_ref())?;
        check_policies("token_policies", new.token_policies.as_ref())?;
        let kind = new.token_type.as_deref().map(parse_kind).transpose()?;
        let shown = &mut self.by_old_name;
        settle(&mut self.networks, &mut shown.networks, networks);
        settle(&mut self.ttl, &mut shown.ttl, new.token_ttl);
        settle(&mut self.ttl_max, &mut shown.ttl_max, new.token_max_ttl);
        settle(&mut self.policies, &mut shown.policies, new.token_policies.clone());
        set(&mut self.without_default_policy, new.token_no_default_policy);
        set(&mut self.ttl_explicit_max, new.token_explicit_max_ttl);
        set(&mut self.period, new.token_period);
        set(&mut self.bound_to_address, new.token_strictly_bind_ip);
        set(&mut self.kind, kind);
        set(&mut self.alias_metadata, new.alias_metadata.clone());
        if let Some(uses) = new.token_num_uses {
            let negative = |_| Error::invalid("'token_num_uses' cannot be negative");
            self.uses = u64::try_from(uses).map_err(negative)?;
        }
        self.check()
    }

    /// Takes over what the same request says by old names. As ever, this comes last, and times are
    /// held against nothing: a value that was given by the new name as well is only shown by both.
    ///
    /// # Errors
    /// [`Error::Invalid`] for networks that are none, for those that could not be kept to, and for
    /// too many of anything.
    pub(crate) fn change_by_old_names(
        &mut self,
        new: &TokenFields,
        old: OldTokenFields,
    ) -> Result<()> {
        let networks = parse_networks("bound_cidrs", old.bound_cidrs.as_ref())?;
        check_policies("policies", old.policies.as_ref())?;
        let policies = old.policies.map(normalize_policies);
        let shown = &mut self.by_old_name;
        let by_new_name = new.token_bound_cidrs.is_some();
        settle_old(&mut self.networks, &mut shown.networks, networks.map(|it| (it, by_new_name)));
        let by_new_name = new.token_policies.is_some();
        settle_old(&mut self.policies, &mut shown.policies, policies.map(|it| (it, by_new_name)));
        let by_new_name = new.token_ttl.is_some();
        settle_old(&mut self.ttl, &mut shown.ttl, old.ttl.map(|it| (it, by_new_name)));
        let by_new_name = new.token_max_ttl.is_some();
        settle_old(&mut self.ttl_max, &mut shown.ttl_max, old.max_ttl.map(|it| (it, by_new_name)));
        self.check_binding()
    }

    /// Takes over new policies. By the new name they are kept as they were typed.
    ///
    /// # Errors
    /// [`Error::Invalid`] for too many or too long ones.
    pub(crate) fn change_policies(
        &mut self,
        new: Option<NameList>,
        old: Option<NameList>,
    ) -> Result<()> {
        check_policies("token_policies", new.as_ref())?;
        check_policies("policies", old.as_ref())?;
        let by_new_name = new.is_some();
        let old = old.map(|names| (normalize_policies(names), by_new_name));
        settle(&mut self.policies, &mut self.by_old_name.policies, new);
        settle_old(&mut self.policies, &mut self.by_old_name.policies, old);
        Ok(())
    }

    /// The login these settings make. The caller adds who it is for.
    pub(crate) fn login(&self) -> Login {
        Login {
            policies: self.policies.clone(),
            without_default_policy: self.without_default_policy,
            ttl: self.ttl.set(),
            ttl_max: self.ttl_max.set(),
            ttl_explicit_max: self.ttl_explicit_max.set(),
            period: self.period.set(),
            networks: self.networks.clone(),
            bound_to_address: self.bound_to_address,
            uses: self.uses,
            kind: self.kind,
            alias_metadata: self.alias_metadata.clone(),
            ..Login::default()
        }
    }

    /// Whether somebody at `remote` may log in.
    pub(crate) fn admits(&self, remote: Option<SocketAddr>) -> bool {
        let inside = |address: SocketAddr| {
            let address = address.ip().to_canonical();
            self.networks.iter().any(|network| network.contains(&address))
        };
        self.networks.is_empty() || remote.is_some_and(inside)
    }

    /// Whether a token that carries `policies` would get the same today. `default` does not count.
    pub(crate) fn grants_the_same(&self, policies: &[String]) -> bool {
        let essence = |names: &[String]| {
            let mut names = normalize_policies(names);
            names.retain(|name| name != "default");
            names
        };
        essence(&self.policies) == essence(policies)
    }

    /// The fields as answers show them.
    pub(crate) fn view(&self) -> TokenSettingsView {
        let networks: Vec<_> = self.networks.iter().map(network_text).collect();
        let shown = &self.by_old_name;
        TokenSettingsView {
            bound_cidrs: shown.networks.then(|| networks.clone()),
            max_ttl: shown.ttl_max.then_some(self.ttl_max),
            policies: shown.policies.then(|| self.policies.clone()),
            ttl: shown.ttl.then_some(self.ttl),
            token_bound_cidrs: networks,
            token_explicit_max_ttl: self.ttl_explicit_max,
            token_max_ttl: self.ttl_max,
            token_no_default_policy: self.without_default_policy,
            token_num_uses: self.uses,
            token_period: self.period,
            token_policies: self.policies.clone(),
            token_strictly_bind_ip: self.bound_to_address,
            token_ttl: self.ttl,
            token_type: name(self.kind),
            alias_metadata: self.alias_metadata.clone(),
        }
    }

    /// Refuses what contradicts itself, in the words and the order that clients know.
    fn check(&self) -> Result<()> {
        self.check_binding()?;
        let is_batch = self.kind == TokenKind::Batch;
        let is_set = |seconds: Seconds| !seconds.is_zero();
        let flaws = [
            (
                is_set(self.ttl_max) && self.ttl > self.ttl_max,
                "'token_ttl' cannot be greater than 'token_max_ttl'",
            ),
            (
                is_batch && is_set(self.period),
                "'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic \
                 tokens",
            ),
            (
                is_batch && self.uses > 0,
                "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens \
                 with limited use count",
            ),
        ];
        if let Some((_, text)) = flaws.iter().find(|(is_so, _)| *is_so) {
            return Err(Error::invalid(*text));
        }
        check_alias_metadata(&self.alias_metadata)
    }

    fn check_binding(&self) -> Result<()> {
        if self.bound_to_address && !self.networks.is_empty() {
            return Err(Error::invalid(
                "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one",
            ));
        }
        Ok(())
    }
}

fn check_alias_metadata(metadata: &KeyValues) -> Result<()> {
    let fits = |(name, text): (&String, &String)| {
        name.len() <= ALIAS_METADATA_NAME_BYTES_MAX && text.len() <= ALIAS_METADATA_TEXT_BYTES_MAX
    };
    if metadata.len() <= ALIAS_METADATA_MAX && metadata.iter().all(fits) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "'alias_metadata' is too large; at most {ALIAS_METADATA_MAX} names of \
         {ALIAS_METADATA_NAME_BYTES_MAX} bytes, each with {ALIAS_METADATA_TEXT_BYTES_MAX} bytes of \
         text"
    )))
}

fn name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Default => "default",
        TokenKind::Service => "service",
        TokenKind::Batch => "batch",
    }
}

/// Sets a field that goes by two names by that of today.
fn settle<T>(field: &mut T, by_old_name: &mut bool, given: Option<T>) {
    if let Some(value) = given {
        *field = value;
        *by_old_name = false;
    }
}

/// Sets it by its old name, unless it was given by the new one at the same time.
fn settle_old<T>(field: &mut T, by_old_name: &mut bool, given: Option<(T, bool)>) {
    let Some((value, by_new_name)) = given else { return };
    if !by_new_name {
        *field = value;
    }
    *by_old_name = true;
}

fn set<T>(field: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *field = value;
    }
}

fn parse_kind(text: &str) -> Result<TokenKind> {
    match text {
        "" | "default" => Ok(TokenKind::Default),
        "service" => Ok(TokenKind::Service),
        "batch" => Ok(TokenKind::Batch),
        _ => Err(Error::invalid(
            "invalid 'token_type' value; try \"default\", \"service\" or \"batch\"",
        )),
    }
}

fn parse_networks(field: &str, texts: Option<&NameList>) -> Result<Option<Vec<IpNet>>> {
    let Some(texts) = texts else { return Ok(None) };
    if texts.len() > NETWORKS_MAX {
        return Err(Error::Invalid(format!(
            "'{field}' is too large; at most {NETWORKS_MAX} networks"
        )));
    }
    texts
        .iter()
        .map(|text| parse_network(text).map_err(Error::Invalid))
        .collect::<Result<_>>()
        .map(Some)
}

fn check_policies(field: &str, names: Option<&NameList>) -> Result<()> {
    check_policy_names(field, names.into_iter().flatten())?;
    let is_short = |name: &String| name.chars().count() <= POLICY_NAME_LETTERS_MAX;
    if names.is_none_or(|names| names.len() <= POLICIES_MAX && names.iter().all(is_short)) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "'{field}' is too large; at most {POLICIES_MAX} policies with names of \
         {POLICY_NAME_LETTERS_MAX} letters"
    )))
}
