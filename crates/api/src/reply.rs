//! What an endpoint may answer. The type of the answer is also its documentation.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::envelope::{Auth, Lease, WrappingToken};
use crate::{CanonicalPath, KeyValues, NameList, Operation, Seconds};

/// The answer in one shape, ready for the envelope. Its `Debug` form says only what kind it is.
#[derive(Clone)]
pub enum Reply {
    /// Done, and nothing to say.
    Empty,
    /// Done later; what there is to say, if anything, stands in the warnings.
    Accepted,
    /// Fields, and how long they are good for.
    Data(Map<String, Value>, Option<Lease>),
    /// The entries of a folder, and more about some of them. No entries means nothing is there.
    Keys(Vec<String>, Map<String, Value>),
    /// Nothing is there (any more), but there is something to say about it.
    Absent(Option<Map<String, Value>>),
    /// A document of its own, without an envelope.
    Bare(Value),
    /// As [`Reply::Bare`], about something that was no longer there.
    BareAbsent(Value),
    /// A text of its own: its content type, and the text.
    Document(Cow<'static, str>, String),
    /// The caller has proved who they are; the kernel turns this into a token.
    Login(Box<Login>),
    /// These are to be done, one after the other; the kernel turns them into what came of them.
    Batch(Vec<BatchOperation>),
    /// A token, as clients are told of it.
    Auth(Box<Auth>),
    /// The answer is kept; this fetches it.
    Wrapped(Box<WrappingToken>),
}

impl Reply {
    /// The same with at most so many entries of a folder, whatever the door was asked for.
    #[must_use]
    pub fn shortened(mut self, entries_max: usize) -> Self {
        match &mut self {
            Self::Keys(names, more) if names.len() > entries_max => {
                names.truncate(entries_max);
                more.retain(|name, _| names.contains(name));
            }
            Self::Data(fields, _) if entries_max < usize::MAX => {
                let lists = fields.values_mut().filter_map(Value::as_array_mut);
                lists.for_each(|list| list.truncate(entries_max));
            }
            _ => {}
        }
        self
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => "Empty",
            Self::Accepted => "Accepted",
            Self::Data(..) => "Data",
            Self::Keys(..) => "Keys",
            Self::Absent(_) => "Absent",
            Self::Bare(_) => "Bare",
            Self::BareAbsent(_) => "BareAbsent",
            Self::Document(..) => "Document",
            Self::Login(_) => "Login",
            Self::Batch(_) => "Batch",
            Self::Auth(_) => "Auth",
            Self::Wrapped(_) => "Wrapped",
        })
    }
}

impl Reply {
    /// Whether it comes in an envelope, where warnings have a place.
    pub fn has_envelope(&self) -> bool {
        match self {
            Self::Accepted
            | Self::Data(..)
            | Self::Keys(..)
            | Self::Absent(_)
            | Self::Login(_)
            | Self::Batch(_)
            | Self::Auth(_) => true,
            Self::Empty
            | Self::Bare(_)
            | Self::BareAbsent(_)
            | Self::Document(..)
            | Self::Wrapped(_) => false,
        }
    }
}

/// One of several things to be done in one request. It has no `Debug` form: passwords come this
/// way.
#[derive(Clone)]
pub struct BatchOperation {
    /// What to do. Writes come as [`Operation::Update`].
    pub operation: Operation,
    /// Where.
    pub path: CanonicalPath,
    /// With which parameters.
    pub parameters: Map<String, Value>,
}

/// Something a handler may return.
pub trait Respond: Send + 'static {
    /// The answer in one shape.
    fn into_reply(self) -> Reply;
    /// The shape of `data`, or `None` when there is none.
    fn schema() -> Option<Schema>;
}

/// Fields.
pub struct Data<T>(pub T);

/// Done, and nothing to say.
pub struct NoContent;

/// Will be done; the warnings say more.
pub struct Accepted;

/// The entries of a folder.
pub struct Keys(pub Vec<String>);

/// Nothing is there (any more), but these fields say something about it.
pub struct Absent<T>(pub T);

/// Fields about something, be it still there or not.
pub enum Found<T> {
    /// It is there.
    Here(T),
    /// It is gone; the fields say what is still known of it.
    Gone(T),
}

/// A document of its own, without an envelope.
pub struct Bare<T>(pub T);

/// A token, as clients are told of it.
pub struct Token(pub Auth);

/// The caller has proved who they are. The kernel, not the engine, turns this into a token, and it
/// never gives out the `root` policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Login {
    /// The name the auth method knows them by.
    pub alias: String,
    /// What the token's display name ends with, behind the mount's.
    pub display_name: String,
    /// Shown with the token; also how renewal finds them again.
    pub metadata: KeyValues,
    /// Policies as configured; the kernel folds them and adds `default`.
    pub policies: NameList,
    /// Leaves `default` out.
    pub without_default_policy: bool,
    /// How long the token lives, if not as long as the mount says.
    pub ttl: Option<Seconds>,
    /// How long it can be renewed.
    pub ttl_max: Option<Seconds>,
    /// An end no renewal moves.
    pub ttl_explicit_max: Option<Seconds>,
    /// It lives as long as it is renewed within this time.
    pub period: Option<Seconds>,
    /// The networks it can be used from; none means all.
    pub networks: Vec<IpNet>,
    /// Confines it to the address the login comes from, instead of to networks.
    pub bound_to_address: bool,
    /// How often it can be used; 0 means always.
    pub uses: u64,
    /// The kind of token, where the mount leaves that open.
    pub kind: TokenKind,
    /// What shall be known about the alias of whoever logs in.
    pub alias_metadata: KeyValues,
}

/// The kind of token that is wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// Whatever the mount says.
    #[default]
    Default,
    /// Kept in the store: can be renewed, looked up and ended.
    Service,
    /// Kept nowhere: it carries all there is to know, sealed, and ends by itself.
    Batch,
}

impl<T: Serialize> Data<T> {
    fn fields(value: &T) -> Map<String, Value> {
        match serde_json::to_value(value).expect("replies are plain data") {
            Value::Object(fields) => fields,
            other => Map::from_iter([("value".to_owned(), other)]),
        }
    }
}

impl<T: Serialize + JsonSchema + Send + 'static> Respond for Data<T> {
    fn into_reply(self) -> Reply {
        Reply::Data(Self::fields(&self.0), None)
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(T))
    }
}

impl Respond for NoContent {
    fn into_reply(self) -> Reply {
        Reply::Empty
    }

    fn schema() -> Option<Schema> {
        None
    }
}

impl Respond for Accepted {
    fn into_reply(self) -> Reply {
        Reply::Accepted
    }

    fn schema() -> Option<Schema> {
        None
    }
}

impl Respond for Keys {
    fn into_reply(self) -> Reply {
        Reply::Keys(self.0, Map::new())
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(BTreeMap<String, Vec<String>>))
    }
}

impl<T: Serialize + JsonSchema + Send + 'static> Respond for Absent<T> {
    fn into_reply(self) -> Reply {
        Reply::Absent(Some(Data::fields(&self.0)))
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(T))
    }
}

impl<T: Serialize + JsonSchema + Send + 'static> Respond for Found<T> {
    fn into_reply(self) -> Reply {
        match self {
            Self::Here(fields) => Data(fields).into_reply(),
            Self::Gone(fields) => Absent(fields).into_reply(),
        }
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(T))
    }
}

impl<T: Serialize + JsonSchema + Send + 'static> Respond for Bare<T> {
    fn into_reply(self) -> Reply {
        Reply::Bare(serde_json::to_value(self.0).expect("replies are plain data"))
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(T))
    }
}

impl Respond for Token {
    fn into_reply(self) -> Reply {
        Reply::Auth(Box::new(self.0))
    }

    fn schema() -> Option<Schema> {
        None
    }
}

impl Respond for Login {
    fn into_reply(self) -> Reply {
        Reply::Login(Box::new(self))
    }

    fn schema() -> Option<Schema> {
        None
    }
}

/// One of several answers, chosen by the handler itself.
impl Respond for Reply {
    fn into_reply(self) -> Reply {
        self
    }

    fn schema() -> Option<Schema> {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_shortened_reply_tells_no_more_than_it_may() {
        let names = || vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let details = || Map::from_iter(["a", "c"].map(|name| (name.to_owned(), json!({}))));
        let Reply::Keys(kept, more) = Reply::Keys(names(), details()).shortened(2) else { return };
        assert_eq!((kept, more.len()), (vec!["a".to_owned(), "b".to_owned()], 1));
        let fields =
            Map::from_iter([("keys".to_owned(), json!(names())), ("n".to_owned(), json!(3))]);
        let Reply::Data(kept, _) = Reply::Data(fields, None).shortened(1) else { return };
        assert_eq!(Value::from(kept), json!({"keys": ["a"], "n": 3}));
    }
}
