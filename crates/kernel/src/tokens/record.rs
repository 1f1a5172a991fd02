//! What is stored about a token, and under which names.

use std::net::IpAddr;

use api::{KeyValues, Moment, NameList, Seconds};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use storage::Table;

use super::kind::Kind;

/// Every token there is, by [`TokenKey`].
pub(crate) const TOKENS: Table<Token> = Table::new("token/");
/// The whole prefix of their keys.
pub(crate) const PREFIX: &str = "sys/token/";
/// Which token an accessor names.
pub(super) const ACCESSORS: Table<TokenKey> = Table::new("accessor/");
/// `<parent>/<child>`: who is to be cleared up when a token ends.
pub(super) const CHILDREN: Table<()> = Table::new("child/");
/// The tokens that were given to an alias, by [`Owner::place_of`] them.
pub(super) const OWNED: Table<()> = Table::new("owned/");
/// Tokens that have ended; what they left behind (children, cubbyholes) is still to be removed.
pub(super) const ENDED: Table<()> = Table::new("ended/");

/// Where the first root token says it was made; no door has this path.
pub(crate) const FIRST_ROOT_PATH: &str = "auth/token/root";

/// The name a token is stored under: when it was made, then a keyed hash of it. Not the token.
pub(crate) type TokenKey = String;

/// What is known about a token.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Token {
    /// Names the token without being it.
    pub(crate) accessor: String,
    /// The policies it carries; `root` stands alone.
    pub(crate) policies: NameList,
    /// Where it was made: `auth/userpass/login/alice`.
    pub(crate) path: String,
    /// What the auth method or its maker says about it.
    pub(crate) metadata: Option<KeyValues>,
    /// A name for logs and answers.
    pub(crate) display_name: String,
    /// The token that made it, and takes it along when it ends.
    pub(crate) parent: Option<TokenKey>,
    /// The accessor of that token, in a batch token: the key of a token whose text its maker chose
    /// can come again, and nobody clears up what is kept nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent_accessor: Option<String>,
    /// The storage name of the mount whose login made it, and takes it along when disabled.
    pub(crate) mount: Option<String>,
    /// When it was made.
    pub(crate) issued: Moment,
    /// When it was last renewed.
    pub(crate) renewed: Option<Moment>,
    /// When it ends; never, for the first root token.
    pub(crate) expires: Option<Moment>,
    /// How long it was first given.
    pub(crate) ttl_creation: Seconds,
    /// How long it was last given.
    pub(crate) ttl: Seconds,
    /// An end no renewal moves, counted from `issued`; 0 when there is none.
    pub(crate) ttl_explicit_max: Seconds,
    /// It lives as long as it is renewed within this time; 0 when it is not periodic.
    pub(crate) period: Seconds,
    /// Whether it can be renewed.
    pub(crate) renewable: bool,
    /// The networks it can be used from; none means all.
    pub(crate) networks: Vec<IpNet>,
    /// Whether it is kept here or carries itself.
    #[serde(default)]
    pub(crate) kind: Kind,
    /// How often it can still be used; always, when there is none.
    pub(crate) uses_left: Option<u64>,
    /// The role it was made by, which decides about its renewals.
    pub(crate) role: Option<String>,
    /// The entity it belongs to.
    pub(crate) entity: Option<String>,
    /// The alias whose login made it.
    pub(crate) owner: Option<Owner>,
    /// The address it was asked for from.
    pub(crate) address: Option<IpAddr>,
    /// How many times something had been ended by prefix when it was made: only what was ended
    /// later can concern it.
    #[serde(default)]
    pub(crate) era: u64,
}

/// The alias a token was given to.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Owner {
    /// The id of the alias.
    pub(crate) alias: String,
    /// The name the mount knows them by.
    pub(crate) name: String,
    /// The generation of the alias at the time: when it has moved on, the token is over.
    pub(crate) generation: u64,
}

impl Owner {
    /// What the names of all its tokens of this generation begin with in [`OWNED`].
    pub(super) fn folder(&self) -> String {
        format!("{}/{:020}/", self.alias, self.generation)
    }

    /// The name of one of its tokens in [`OWNED`]: by generation, then by age.
    pub(super) fn place_of(&self, key: &TokenKey) -> String {
        format!("{}{key}", self.folder())
    }
}

impl Token {
    /// Whether its time has not come.
    pub(crate) fn is_alive(&self, now: Moment) -> bool {
        self.uses_left != Some(0) && self.expires.is_none_or(|end| end > now)
    }

    /// Whether no policy limits it.
    pub(crate) fn is_root(&self) -> bool {
        self.policies.iter().any(|name| name == "root")
    }

    /// Its due date, as leases are ordered by it.
    pub(super) fn due(&self, key: &TokenKey) -> Option<String> {
        self.expires.map(|end| crate::leases::due_name(end, key))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_record_of_the_first_version_is_a_plain_service_token() {
        let stored = r#"{"accessor":"a","policies":["default"],"path":"auth/token/create",
            "metadata":null,"display_name":"token","parent":null,"mount":null,
            "issued":"2026-09-21T14:13:20Z","renewed":null,"expires":"2026-10-21T14:13:20Z",
            "ttl_creation":2592000,"ttl":2592000,"ttl_explicit_max":0,"period":0,
            "renewable":true,"networks":[]}"#;
        let token: Token = serde_json::from_str(stored).unwrap();
        assert_eq!((token.kind, token.uses_left, token.era), (Kind::Service, None, 0));
        assert!(token.role.is_none() && token.entity.is_none());
        assert!(token.owner.is_none() && token.address.is_none());
        assert!(token.is_alive(token.issued));
    }
}
