//! A token as clients are told of it.

use api::{Auth, KeyValues, Moment, NameList, normalize_policies};
use schemars::JsonSchema;
use serde::Serialize;

use super::Holder;
use super::record::Token;

/// What a look-up answers.
#[derive(JsonSchema, Serialize)]
pub(super) struct TokenView {
    /// The token itself, where the caller showed it.
    id: String,
    /// Names the token without being it.
    accessor: String,
    /// The policies it carries.
    policies: Vec<String>,
    /// Where it was made.
    path: String,
    /// What its auth method or its maker says about it.
    meta: Option<KeyValues>,
    /// A name for logs and answers.
    display_name: String,
    /// How often it can still be used; 0 means always, and -1 that this was the last time.
    num_uses: i64,
    /// Whether it lives on when the token that made it ends.
    orphan: bool,
    /// When it was made, in seconds since 1970.
    creation_time: u64,
    /// How many seconds it was first given; 0 means for ever.
    creation_ttl: u64,
    /// When it ends.
    expire_time: Option<Moment>,
    /// How many seconds are left; 0 means for ever.
    ttl: u64,
    /// An end no renewal moves, in seconds from its making; 0 when there is none.
    explicit_max_ttl: u64,
    /// The entity it belongs to.
    entity_id: String,
    /// The kind of token.
    r#type: &'static str,
    /// The role it was made by.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// It lives as long as it is renewed within this many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
    /// The networks it can be used from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bound_cidrs: Vec<String>,
    /// Whether it can be renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    renewable: Option<bool>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    issue_time: Option<Moment>,
    /// When it was last renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_renewal: Option<Moment>,
    /// When it was last renewed, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_renewal_time: Option<u64>,
    /// Policies that its entity brings besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identity_policies: Vec<String>,
    /// Policies that its entity brings in other namespaces: there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_namespace_policies: Option<KeyValues>,
}

impl Holder {
    /// What a look-up answers; `id` is the token itself where the caller showed it.
    pub(super) fn to_view(&self, now: Moment, id: &str) -> TokenView {
        let brings_any = !self.identity_policies.is_empty();
        TokenView {
            identity_policies: self.identity_policies.clone(),
            external_namespace_policies: brings_any.then(KeyValues::new),
            ..self.token.to_view(now, id)
        }
    }
}

impl Token {
    /// What a look-up answers, but for what the entity brings.
    fn to_view(&self, now: Moment, id: &str) -> TokenView {
        let ends = self.expires.is_some();
        TokenView {
            id: id.to_owned(),
            accessor: self.accessor.clone(),
            policies: self.policies.clone(),
            path: self.path.clone(),
            meta: self.metadata.clone(),
            display_name: self.display_name.clone(),
            num_uses: match self.uses_left {
                None => 0,
                Some(0) => -1,
                Some(uses) => i64::try_from(uses).unwrap_or(i64::MAX),
            },
            orphan: self.parent.is_none(),
            role: self.role.clone(),
            creation_time: self.issued.unix(),
            creation_ttl: self.ttl_creation.0,
            expire_time: self.expires,
            ttl: self.seconds_left(now),
            explicit_max_ttl: self.ttl_explicit_max.0,
            entity_id: self.entity.clone().unwrap_or_default(),
            r#type: self.kind.name(),
            period: self.period.set().map(|period| period.0),
            bound_cidrs: self.networks.iter().map(api::network_text).collect(),
            renewable: ends.then_some(self.renewable),
            issue_time: ends.then_some(self.issued),
            last_renewal: self.renewed,
            last_renewal_time: self.renewed.map(Moment::unix),
            identity_policies: vec![],
            external_namespace_policies: None,
        }
    }

    /// What its making and its renewal answer.
    pub(super) fn to_auth(
        &self,
        now: Moment,
        client_token: &str,
        identity_policies: &NameList,
    ) -> Auth {
        let all = self.policies.iter().chain(identity_policies);
        Auth {
            client_token: client_token.to_owned(),
            accessor: self.accessor.clone(),
            policies: normalize_policies(all),
            token_policies: self.policies.clone(),
            identity_policies: identity_policies.clone(),
            metadata: self.metadata.clone(),
            lease_duration: self.seconds_left(now),
            renewable: self.renewable,
            entity_id: self.entity.clone().unwrap_or_default(),
            token_type: self.kind.name(),
            orphan: self.parent.is_none(),
            mfa_requirement: None,
            num_uses: self.uses_left.unwrap_or(0),
        }
    }

    fn seconds_left(&self, now: Moment) -> u64 {
        self.expires.map_or(0, |end| end.since(now).0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use serde_json::{Value, json};

    use super::*;

    fn seen(uses_left: Option<u64>, identity_policies: &[&str]) -> Value {
        let mut token: Token = serde_json::from_value(json!({
            "accessor": "a", "policies": ["default"], "path": "p", "metadata": null,
            "display_name": "token", "parent": null, "mount": null,
            "issued": "2026-09-21T14:13:20Z", "renewed": null, "expires": null,
            "ttl_creation": 0, "ttl": 0, "ttl_explicit_max": 0, "period": 0,
            "renewable": false, "networks": []
        }))
        .unwrap();
        token.uses_left = uses_left;
        let identity_policies = identity_policies.iter().map(|name| (*name).to_owned()).collect();
        let token = token.into();
        let holder = Holder { key: String::new(), token, identity_policies, is_suspended: false };
        serde_json::to_value(holder.to_view(Moment::from_unix(0), "id")).unwrap()
    }

    #[test]
    fn policies_of_the_entity_are_shown_where_there_are_any() {
        let plain = seen(None, &[]);
        assert!(plain.get("identity_policies").is_none());
        assert!(plain.get("external_namespace_policies").is_none());
        let more = seen(None, &["team"]);
        assert_eq!(more["policies"], json!(["default"]));
        assert_eq!(more["identity_policies"], json!(["team"]));
        assert_eq!(more["external_namespace_policies"], json!({}));
    }

    #[test]
    fn the_last_use_shows_as_less_than_nothing() {
        for (left, shown) in [(None, 0), (Some(4), 4), (Some(0), -1)] {
            assert_eq!(seen(left, &[])["num_uses"], shown);
        }
    }
}
