//! What every auth method lets an operator say about the tokens it gives out: the `token_*`
//! fields.
//!
//! Some of them go by an older name as well. A field that was last written by its old name is
//! shown under both; one written by the new name alone is shown under that alone. The two never
//! differ: where both are given, the new name decides.

use std::net::SocketAddr;

use api::{Error, Login, NameList, Result, Seconds, normalize_policies};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::null;

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
    kind: TokenKind,
    by_old_name: ByOldName,
}

/// What kind of token is wanted. The mount decides where it says `default`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum TokenKind {
    #[default]
    Default,
    Service,
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
    /// How often tokens can be used; 0 means always. Limits are not supported yet.
    token_num_uses: Option<i64>,
    /// If set, tokens have no maximum life: they live as long as they are renewed within this time.
    token_period: Option<Seconds>,
    /// Policies of the tokens.
    #[serde(default, deserialize_with = "null::counts")]
    token_policies: Option<NameList>,
    /// Whether tokens work only from the address that logged in. Not supported yet.
    token_strictly_bind_ip: Option<bool>,
    /// How long tokens live at first.
    token_ttl: Option<Seconds>,
    /// The kind of tokens: "default" or "service". Batch tokens are not supported yet.
    token_type: Option<String>,
    /// Text by name, kept with the alias of whoever logs in. Not supported yet.
    alias_metadata: Option<Map<String, Value>>,
}

/// The same, by the names of long ago.
#[derive(Default, Deserialize, JsonSchema)]
pub(crate) struct OldTokenFields {
    /// (DEPRECATED) Use "token_bound_cidrs" instead.
    #[serde(default, deserialize_with = "null::counts")]
    bound_cidrs: Option<NameList>,
    /// (DEPRECATED) Use "token_max_ttl" instead.
    max_ttl: Option<Seconds>,
    /// (DEPRECATED) Use "token_policies" instead.
    #[serde(default, deserialize_with = "null::counts")]
    policies: Option<NameList>,
    /// (DEPRECATED) Use "token_ttl" instead.
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
    /// Takes over what a request says, or nothing at all.
    ///
    /// # Errors
    /// [`Error::Invalid`] for settings that make no sense, or that we could not keep.
    pub(crate) fn change(&mut self, new: TokenFields, old: OldTokenFields) -> Result<()> {
        new.check_supported()?;
        // As ever, only what comes by the new names is held against each other.
        self.check_ttl(&new)?;
        let kind = new.token_type.as_deref().map(parse_kind).transpose()?;
        let networks = new.token_bound_cidrs.map(parse_networks).transpose()?;
        let old_networks = old.bound_cidrs.map(parse_networks).transpose()?;

        let shown = &mut self.by_old_name;
        settle(&mut self.networks, &mut shown.networks, networks, old_networks);
        settle(&mut self.ttl, &mut shown.ttl, new.token_ttl, old.ttl);
        settle(&mut self.ttl_max, &mut shown.ttl_max, new.token_max_ttl, old.max_ttl);
        self.change_policies(new.token_policies, old.policies);
        set(&mut self.without_default_policy, new.token_no_default_policy);
        set(&mut self.ttl_explicit_max, new.token_explicit_max_ttl);
        set(&mut self.period, new.token_period);
        set(&mut self.kind, kind);
        Ok(())
    }

    /// Takes over new policies. By the new name they are kept as they were typed.
    pub(crate) fn change_policies(&mut self, new: Option<NameList>, old: Option<NameList>) {
        let old = old.map(normalize_policies);
        settle(&mut self.policies, &mut self.by_old_name.policies, new, old);
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
        let networks: Vec<_> = self.networks.iter().map(show_network).collect();
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
            token_num_uses: 0,
            token_period: self.period,
            token_policies: self.policies.clone(),
            token_strictly_bind_ip: false,
            token_ttl: self.ttl,
            token_type: self.kind.name(),
        }
    }

    fn check_ttl(&self, new: &TokenFields) -> Result<()> {
        let ttl = new.token_ttl.unwrap_or(self.ttl);
        let max = new.token_max_ttl.unwrap_or(self.ttl_max);
        if !max.is_zero() && ttl > max {
            return Err(Error::invalid("'token_ttl' cannot be greater than 'token_max_ttl'"));
        }
        Ok(())
    }
}

impl TokenFields {
    /// Refuses what the tokens would not keep to: a limit that silently does nothing is worse.
    fn check_supported(&self) -> Result<()> {
        let uses = self.token_num_uses.unwrap_or(0);
        if uses < 0 {
            return Err(Error::invalid("'token_num_uses' cannot be negative"));
        }
        if uses > 0 {
            return unsupported("'token_num_uses' is not supported yet; leave it out or at 0");
        }
        if self.token_strictly_bind_ip == Some(true) {
            return unsupported(
                "'token_strictly_bind_ip' is not supported yet; use 'token_bound_cidrs'",
            );
        }
        if self.alias_metadata.as_ref().is_some_and(|metadata| !metadata.is_empty()) {
            return unsupported("'alias_metadata' is not supported yet; leave it out");
        }
        Ok(())
    }
}

impl TokenKind {
    fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Service => "service",
        }
    }
}

/// Sets a field that goes by two names, and remembers by which it was set.
fn settle<T>(field: &mut T, by_old_name: &mut bool, new: Option<T>, old: Option<T>) {
    let old_given = old.is_some();
    if let Some(value) = new.or(old) {
        *field = value;
        *by_old_name = old_given;
    }
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
        "batch" => unsupported("'token_type' \"batch\" is not supported yet; use \"service\""),
        _ => Err(Error::invalid("invalid 'token_type' value; try \"default\" or \"service\"")),
    }
}

fn parse_networks(texts: NameList) -> Result<Vec<IpNet>> {
    texts.iter().map(|text| parse_network(text.trim())).collect()
}

fn parse_network(text: &str) -> Result<IpNet> {
    let network = text.parse::<IpNet>().ok();
    let network = network.or_else(|| Some(IpNet::from(text.parse::<std::net::IpAddr>().ok()?)));
    // The text itself stays out of the error: it may be a misplaced secret.
    let problem = "error parsing address: it is neither a network such as \"10.0.0.0/8\" nor an \
                   IPv4 or IPv6 address";
    network.ok_or_else(|| Error::invalid(problem))
}

/// Single addresses are shown without a prefix length.
fn show_network(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        return network.addr().to_string();
    }
    network.to_string()
}

fn unsupported<T>(text: &str) -> Result<T> {
    Err(Error::invalid(text))
}
