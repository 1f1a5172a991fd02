//! `sys/batch`: several operations in one request, which are one commit or none.
//!
//! The door only says what is to be done. The walk does it: each operation is decided, written
//! down and performed as if it had come alone, but in one transaction (`crate::serve`). It sees
//! what those before it have done. Policies and mounts count as they were before the batch: a
//! batch cannot give itself rights.

use api::{
    BatchOperation, CanonicalPath, Envelope, Error, Given, Operation, Path, Reply, Request,
    Respond, Result,
};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::mounts::{Found, Route};
use crate::visit::Visit;

/// How many operations one batch may have.
const OPERATIONS_MAX: usize = 128;
/// Bytes of memory that all a batch answers may take, as [`cost`] counts them.
const COST_MAX: usize = 32 * 1024 * 1024;
/// What a value costs wherever it stands, its name and its place included.
const VALUE_COST: usize = 128;
/// What an object or a list costs besides: its first node has room for several entries.
const CONTAINER_COST: usize = 640;

/// All that an operation has.
const ASKED: [&str; 3] = ["operation", "path", "parameters"];
/// What a client may call an operation.
const WORDS: [(&str, Operation); 8] = [
    ("write", Operation::Update),
    ("create", Operation::Update),
    ("update", Operation::Update),
    ("patch", Operation::Patch),
    ("delete", Operation::Delete),
    ("read", Operation::Read),
    ("list", Operation::List),
    ("scan", Operation::Scan),
];

pub(crate) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("batch")
            .help(
                "Do several things, all of them or none.",
                "Each operation takes the rights it would take alone, and sees what those before \
                 it have done. What comes of them is committed at once; when one is refused, \
                 nothing is done.",
            )
            .write(batch),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Batch {
    /// What to do, in this order; at most 128 operations.
    #[schemars(with = "Vec<Asked>", extend("x-vault-displayAttrs" = { "sensitive": true }))]
    operations: Vec<Map<String, Value>>,
}

/// An operation as it is sent.
#[derive(Deserialize, JsonSchema)]
struct Asked {
    /// What to do: write, patch, delete, read, list or scan.
    operation: String,
    /// Where, without "v1/", with nothing encoded, and without the part behind a question mark.
    path: String,
    /// What it would have as its body, or behind the question mark of its address.
    #[serde(default)]
    parameters: Map<String, Value>,
}

/// What is to be done, on its way to the walk.
struct Operations(Vec<BatchOperation>);

/// What comes of a batch: the shape.
#[derive(JsonSchema)]
struct Answer {
    /// What came of each operation, in the same order.
    #[expect(dead_code, reason = "results are put together without being copied")]
    results: Vec<Outcome>,
}

/// What came of the operations so far.
#[derive(Default)]
pub(crate) struct Outcomes {
    results: Vec<Value>,
    cost: usize,
}

/// What came of one operation.
#[derive(JsonSchema, Serialize)]
struct Outcome {
    /// What was done, in the words of policies.
    operation: &'static str,
    /// Where, as policies decided about it.
    path: String,
    /// Whether there was something to read or to list; absent where nothing was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<bool>,
    /// What it answered.
    data: Option<Map<String, Value>>,
    /// What to renew or revoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_id: Option<String>,
    /// For how many seconds what it answered is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_duration: Option<u64>,
    /// The token it made or renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<Value>,
    /// What the caller should know besides.
    warnings: Option<Vec<String>>,
}

impl Respond for Operations {
    fn into_reply(self) -> Reply {
        Reply::Batch(self.0)
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(Answer))
    }
}

async fn batch(_: &Visit, given: Batch) -> Result<Operations> {
    if given.operations.is_empty() {
        return Err(Error::invalid("missing operations: give a list of at least one"));
    }
    if given.operations.len() > OPERATIONS_MAX {
        return Err(Error::invalid(format!(
            "too many operations: a batch has at most {OPERATIONS_MAX}"
        )));
    }
    let numbered = given.operations.into_iter().enumerate();
    let understood = numbered.map(|(index, sent)| {
        let understood = Asked::read(sent).and_then(Asked::understood);
        understood.map_err(|error| told(&format!("operations[{index}]"), error))
    });
    understood.collect::<Result<_>>().map(Operations)
}

impl Asked {
    /// What has another name is refused: it was meant for something. It is not repeated, since it
    /// may be a secret in the wrong place.
    ///
    /// Parameters that are an object, as they nearly always are, stay the one that was sent: they
    /// may be large.
    fn read(mut sent: Map<String, Value>) -> Result<Self> {
        if sent.keys().any(|name| !ASKED.contains(&name.as_str())) {
            return Err(Error::invalid(
                "an operation has \"operation\", \"path\" and \"parameters\", and nothing else",
            ));
        }
        let object = match sent.get_mut("parameters") {
            Some(Value::Object(parameters)) => Some(std::mem::take(parameters)),
            _ => None,
        };
        let asked: Self = Given { sent, ..Given::default() }.parse()?;
        Ok(Self { parameters: object.unwrap_or(asked.parameters), ..asked })
    }

    fn understood(self) -> Result<BatchOperation> {
        let word = WORDS.iter().find(|(word, _)| *word == self.operation);
        let Some((_, operation)) = word else {
            return Err(Error::invalid(
                "no such operation; there are write, patch, delete, read, list and scan",
            ));
        };
        let plain = self.path.strip_prefix('/').unwrap_or(&self.path);
        if has_query(plain) {
            return Err(Error::invalid(
                "what would stand behind the ? of an address belongs into \"parameters\"; a name \
                 that has such a part is asked for by itself",
            ));
        }
        let path = CanonicalPath::parse_plain(plain)?.asked_for(*operation)?;
        if path.as_str().is_empty() {
            return Err(Error::invalid("missing path"));
        }
        Ok(BatchOperation { operation: *operation, path, parameters: self.parameters })
    }
}

/// Whether a path seems to have the parameters of an address in it: `?version=1`. It would be the
/// name of something else, and what was asked for with the parameters would not be done.
fn has_query(path: &str) -> bool {
    path.split_once('?').is_some_and(|(_, rest)| rest.contains('='))
}

/// An operation of the batch that `whole` asks for, as a request of the same caller.
pub(crate) fn request(whole: &Request, index: usize, operation: BatchOperation) -> Request {
    Request {
        id: format!("{}.{index}", whole.id),
        operation: operation.operation,
        path: operation.path,
        query: operation.parameters,
        body: None,
        token: whole.token.clone(),
        wrap_ttl: whole.wrap_ttl,
        remote: whole.remote,
    }
}

/// Whether what a route leads to can be undone together with everything else.
///
/// # Errors
/// [`Error::Invalid`] when it has to be asked for by itself.
pub(crate) fn admit(route: &Route<'_>) -> Result<()> {
    let reached = route.reached();
    let is_declared = reached.in_batch || !matches!(route.found, Found::System(_));
    if is_declared && !(reached.public || reached.once || reached.own_users) {
        return Ok(());
    }
    Err(Error::invalid("this cannot be part of a batch; send it by itself"))
}

/// The refusal of a batch because of one of its operations. It repeats what was asked, not what was
/// found out on the way: whether something is there, or how names are folded.
pub(crate) fn refused(index: usize, request: &Request, cause: Error) -> Error {
    let is_meant = |(_, operation): &&(&str, Operation)| *operation == request.operation;
    let word = WORDS.iter().find(is_meant).map_or("", |(word, _)| word);
    told(&format!("operations[{index}] ({word} {})", request.path), cause)
}

/// The same error with a word about where. What says nothing to clients stays as it is.
fn told(place: &str, error: Error) -> Error {
    let said = |text: &str| format!("{place}: {text}");
    match error {
        Error::Denied | Error::Unauthenticated | Error::UnknownToken | Error::LockedOut => {
            Error::Forbidden(said("permission denied"))
        }
        Error::LoginFailed(failure) => Error::invalid(said(failure.text)),
        Error::Forbidden(text) => Error::Forbidden(said(&text)),
        Error::Invalid(text) | Error::InvalidListed(text) => Error::Invalid(said(&text)),
        Error::Failed(text) => Error::Failed(said(&text)),
        Error::Missing => Error::MissingBecause(said("nothing is there")),
        Error::MissingBecause(text) => Error::MissingBecause(said(&text)),
        Error::NoRoute(_) => Error::MissingBecause(said("no handler for route")),
        Error::UnsupportedPath => Error::MissingBecause(said("unsupported path")),
        Error::UnsupportedOperation => Error::Invalid(said("unsupported operation")),
        Error::Notation(text) => Error::Notation(said(&text)),
        error @ (Error::Conflict(_)
        | Error::Internal(_)
        | Error::TooLarge
        | Error::Busy { .. }
        | Error::Sealed
        | Error::NotYet(_)
        | Error::Unavailable(_)
        | Error::OutcomeUnknown(_)) => error,
    }
}

impl Outcomes {
    /// Notes what the operation that `visit` is about has answered.
    ///
    /// # Errors
    /// What refuses the whole batch: the answer, unless it says that there is nothing to look at;
    /// or that all answers together are too large.
    pub(crate) fn note(
        &mut self,
        visit: &Visit,
        outcome: Result<Reply>,
        warnings: &[String],
    ) -> Result<()> {
        let looks = matches!(visit.operation, Operation::Read | Operation::List | Operation::Scan);
        let (found, answer) = match outcome {
            Err(Error::Missing) if looks => (false, Envelope::default()),
            Ok(Reply::Absent(_)) if !looks => return Err(nothing_there(warnings)),
            Ok(reply) => answered(reply)?,
            Err(refused) => return Err(refused),
        };
        let lease = Some(&answer).filter(|answer| answer.lease_duration > 0);
        let outcome = json!(Outcome {
            operation: visit.operation.name(),
            path: visit.path.to_string(),
            found: looks.then_some(found),
            lease_id: lease.map(|answer| answer.lease_id.clone()),
            lease_duration: lease.map(|answer| answer.lease_duration),
            data: None,
            auth: answer.auth.map(|auth| json!(auth)),
            warnings: Some(warnings.to_vec()).filter(|warnings| !warnings.is_empty()),
        });
        let data = answer.data.map(Value::Object).unwrap_or_default();
        self.cost = self.cost.saturating_add(cost(&outcome)).saturating_add(cost(&data));
        if self.cost > COST_MAX {
            return Err(Error::invalid(
                "the answers of this batch are too large together; ask for less at once",
            ));
        }
        self.results.push(with_data(outcome, data));
        Ok(())
    }

    /// The answer of the whole batch.
    pub(crate) fn into_reply(self) -> Reply {
        Reply::Data(Map::from_iter([("results".to_owned(), self.results.into())]), None)
    }
}

/// A change to what is not there; a warning says why, where there is one.
fn nothing_there(warnings: &[String]) -> Error {
    warnings.first().map_or(Error::Missing, |text| Error::MissingBecause(text.clone()))
}

/// Whether a reply tells of something, and what it tells.
fn answered(reply: Reply) -> Result<(bool, Envelope)> {
    let is_something = match &reply {
        Reply::Keys(names, _) => !names.is_empty(),
        Reply::Data(..) | Reply::Auth(_) | Reply::Accepted => true,
        Reply::Empty | Reply::Absent(_) => false,
        Reply::Bare(_)
        | Reply::BareAbsent(_)
        | Reply::Document(..)
        | Reply::Login(_)
        | Reply::Batch(_)
        | Reply::Wrapped(_) => {
            return Err(Error::invalid("what this answers has no place in a batch; ask by itself"));
        }
    };
    Ok((is_something, Envelope::holding(reply)))
}

/// The same outcome with what was answered, which may be large and is not copied.
fn with_data(mut outcome: Value, data: Value) -> Value {
    if let Some(fields) = outcome.as_object_mut() {
        fields.insert("data".to_owned(), data);
    }
    outcome
}

/// How much memory a value takes, roughly: more than its text where there are many small ones.
fn cost(value: &Value) -> usize {
    let inside = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => CONTAINER_COST + values.iter().map(cost).sum::<usize>(),
        Value::Object(fields) => {
            let entry = |(name, value): (&String, &Value)| name.len() + cost(value);
            CONTAINER_COST + fields.iter().map(entry).sum::<usize>()
        }
    };
    VALUE_COST.saturating_add(inside)
}
