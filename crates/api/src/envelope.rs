//! The shape every answer has, as clients have always known it.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{KeyValues, NameList, Seconds};

/// The outermost object of an answer. All keys are always there, in this order.
#[derive(Default, Serialize)]
pub struct Envelope {
    /// Names this exchange in audit entries and logs.
    pub request_id: String,
    /// What to renew or revoke, if what was issued has a lease of its own.
    pub lease_id: String,
    /// Whether that lease can be renewed.
    pub renewable: bool,
    /// How many seconds what was read is good for.
    pub lease_duration: u64,
    /// What was asked for.
    pub data: Option<Map<String, Value>>,
    /// Where to fetch the answer instead.
    pub wrap_info: Option<Value>,
    /// What the caller should know besides.
    pub warnings: Option<Vec<String>>,
    /// A token.
    pub auth: Option<Auth>,
}

/// How long an answer is good for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lease {
    /// What to renew or revoke; empty when the duration is only advice.
    pub id: String,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// How long it is good for.
    pub duration: Seconds,
}

/// A token, as clients are told of it. Its `Debug` form leaves the token itself out.
#[derive(Clone, Serialize)]
pub struct Auth {
    /// The token itself.
    pub client_token: String,
    /// Names the token without being it.
    pub accessor: String,
    /// All policies that decide for it.
    pub policies: NameList,
    /// Those of them that the token carries itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token_policies: NameList,
    /// Those of them that its entity brings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identity_policies: NameList,
    /// What the auth method says about its owner.
    pub metadata: Option<KeyValues>,
    /// How many seconds it lives from now; 0 means for ever.
    pub lease_duration: u64,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// The entity it belongs to.
    pub entity_id: String,
    /// `service`, or another kind.
    pub token_type: &'static str,
    /// Whether it lives on when the token that made it ends.
    pub orphan: bool,
    /// What else the caller has to prove first.
    pub mfa_requirement: Option<Value>,
    /// How often it can be used; 0 means always.
    pub num_uses: u64,
}

impl fmt::Debug for Auth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Auth").field("policies", &self.policies).finish_non_exhaustive()
    }
}
