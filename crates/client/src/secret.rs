//! The envelope that nearly every answer comes in.
//!
//! Its JSON form has the fields in the order in which the command line prints them. `Debug` shows
//! nothing of the content, since anything in an envelope may be a secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::token::Token;

/// An answer of the server.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Secret {
    /// The server's name for the request, as it stands in the audit log.
    pub request_id: String,
    /// The name of the lease, when what was handed out ends.
    pub lease_id: String,
    /// How long the lease lasts, in seconds.
    pub lease_duration: i64,
    /// Whether the lease can be renewed.
    pub renewable: bool,
    /// What was asked for.
    pub data: Option<Map<String, Value>>,
    /// What the server wants a person to know.
    pub warnings: Option<Vec<String>>,
    /// The token that was made, after a login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// Where the answer waits, when it was wrapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrap_info: Option<Wrapping>,
}

/// A token and what it may do.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Auth {
    /// The token itself. This is the one place where it is written out, because the caller asked
    /// for it.
    #[serde(serialize_with = "expose")]
    pub client_token: Token,
    /// A name for the token that gives no access.
    pub accessor: String,
    /// All policies of the token.
    pub policies: Option<Vec<String>>,
    /// Those that belong to the token itself.
    pub token_policies: Option<Vec<String>>,
    /// Those that come from the identity behind it.
    pub identity_policies: Option<Vec<String>>,
    /// What the auth method noted about the login.
    pub metadata: Option<BTreeMap<String, Value>>,
    /// Whether the token outlives the one that made it.
    pub orphan: bool,
    /// The identity behind the token.
    pub entity_id: String,
    /// How long the token lives, in seconds; zero is for ever.
    pub lease_duration: i64,
    /// Whether the token can be renewed.
    pub renewable: bool,
    /// What a second factor must still prove before there is a token.
    pub mfa_requirement: Option<Value>,
}

/// A token that can be exchanged, once, for the real answer.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Wrapping {
    /// The wrapping token, written out because the caller asked for it.
    #[serde(serialize_with = "expose")]
    pub token: Token,
    /// A name for the wrapping token that gives no access.
    pub accessor: String,
    /// How long it waits, in seconds.
    pub ttl: i64,
    /// When it was made.
    pub creation_time: String,
    /// The path whose answer it holds.
    pub creation_path: String,
    /// The accessor of the token inside, after a login.
    pub wrapped_accessor: String,
}

impl Secret {
    /// What the server wants a person to know; empty when there is nothing.
    pub fn warnings(&self) -> &[String] {
        self.warnings.as_deref().unwrap_or_default()
    }

    /// One value out of the data.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.data.as_ref()?.get(key)
    }
}

fn expose<S: Serializer>(token: &Token, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Secret({})", self.request_id)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_envelope_keeps_its_secrets_in_debug_output() {
        let text =
            r#"{"request_id":"r","data":{"password":"hunter2"},"auth":{"client_token":"s.x"}}"#;
        let secret: Secret = serde_json::from_str(text).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(r)");
        assert_eq!(secret.auth.unwrap().client_token.expose(), "s.x");
    }

    #[test]
    fn fields_come_in_the_order_people_know() {
        let secret: Secret = serde_json::from_str(r#"{"request_id":"r","data":null}"#).unwrap();
        assert_eq!(
            serde_json::to_string(&secret).unwrap(),
            concat!(
                r#"{"request_id":"r","lease_id":"","lease_duration":0,"renewable":false,"#,
                r#""data":null,"warnings":null}"#
            )
        );
    }
}
