//! The shape every answer has, as clients have always known it.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{KeyValues, Moment, NameList, Reply, Seconds, Secret};

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
    pub wrap_info: Option<WrappingToken>,
    /// What the caller should know besides.
    pub warnings: Option<Vec<String>>,
    /// A token.
    pub auth: Option<Auth>,
}

/// Where an answer was put that the caller wants to fetch later, or somebody else.
#[derive(Clone, Serialize)]
pub struct WrappingToken {
    /// The token that fetches it, once.
    #[serde(serialize_with = "revealed")]
    pub token: Secret,
    /// Names that token without being it.
    pub accessor: String,
    /// For how many seconds it is kept.
    pub ttl: u64,
    /// When it was put there.
    pub creation_time: Moment,
    /// The path whose answer it is.
    pub creation_path: String,
    /// The accessor of the token inside, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrapped_accessor: Option<String>,
}

fn revealed<S: serde::Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    secret.reveal().serialize(serializer)
}

impl Envelope {
    /// What a reply puts into an envelope.
    pub fn holding(reply: Reply) -> Self {
        let mut envelope = Self::default();
        match reply {
            Reply::Data(data, lease) => {
                let lease = lease.unwrap_or_default();
                envelope.lease_id = lease.id;
                envelope.renewable = lease.renewable;
                envelope.lease_duration = lease.duration.0;
                envelope.data = Some(data);
            }
            Reply::Keys(keys, about_keys) => envelope.data = Some(listing(keys, about_keys)),
            Reply::Absent(data) => envelope.data = data,
            Reply::Auth(auth) => envelope.auth = Some(*auth),
            Reply::Wrapped(info) => envelope.wrap_info = Some(*info),
            Reply::Empty
            | Reply::Accepted
            | Reply::Bare(_)
            | Reply::BareAbsent(_)
            | Reply::Document(..)
            | Reply::Login(_)
            | Reply::Batch(_) => {}
        }
        envelope
    }
}

fn listing(keys: Vec<String>, about_keys: Map<String, Value>) -> Map<String, Value> {
    let mut data = Map::from_iter([("keys".to_owned(), json!(keys))]);
    if !about_keys.is_empty() {
        data.insert("key_info".to_owned(), Value::Object(about_keys));
    }
    data
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
