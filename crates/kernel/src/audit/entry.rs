//! The layout of an entry, as existing tools read it: whatever is empty is left out.

use api::{Auth, Class, Error, Lease, Moment, Reply, Result, WrappingToken};
use serde_json::{Map, Value, json};

use super::hash::Hasher;
use super::trail::Trail;
use crate::mounts::Mount;
use crate::tokens::Holder;

/// The entry before a request is performed.
pub(super) fn request(trail: &Trail, hasher: &Hasher, now: Moment) -> Value {
    let entry = json!({
        "time": now,
        "type": "request",
        "auth": caller(trail, hasher),
        "error": trail.denial,
    });
    lean(with(entry, "request", asked(trail, hasher)))
}

/// The entry after it was performed, or was not.
pub(super) fn response(
    trail: &Trail,
    hasher: &Hasher,
    now: Moment,
    (outcome, warnings): (&Result<Reply>, &[String]),
) -> Value {
    let entry = json!({
        "time": now,
        "type": "response",
        "auth": caller(trail, hasher),
        "error": outcome.as_ref().err().map(error_text),
    });
    let entry = with(entry, "request", asked(trail, hasher));
    lean(with(entry, "response", answered(trail, hasher, outcome, warnings)))
}

/// An error as an entry tells it. What is for the log stays in the log.
pub(super) fn error_text(error: &Error) -> String {
    match error {
        Error::Denied | Error::Unauthenticated => "permission denied".to_owned(),
        Error::UnknownToken => "permission denied: invalid token".to_owned(),
        Error::LoginFailed(failure) => failure.text.to_owned(),
        Error::LockedOut => "permission denied: locked after too many failed logins".to_owned(),
        Error::Forbidden(text)
        | Error::Invalid(text)
        | Error::InvalidListed(text)
        | Error::Failed(text)
        | Error::MissingBecause(text)
        | Error::Notation(text) => text.clone(),
        Error::Missing => "not found".to_owned(),
        Error::NoRoute(_) => "no handler for route".to_owned(),
        Error::UnsupportedPath => "unsupported path".to_owned(),
        Error::UnsupportedOperation => "unsupported operation".to_owned(),
        Error::TooLarge => "request body too large".to_owned(),
        Error::Busy { .. } | Error::Conflict(_) => "too busy".to_owned(),
        Error::Sealed => "Vault is sealed".to_owned(),
        Error::NotYet(text) => (*text).to_owned(),
        Error::Internal(_) | Error::Unavailable(_) => "internal error".to_owned(),
        Error::OutcomeUnknown(_) => "the outcome is not known".to_owned(),
    }
}

fn caller(trail: &Trail, hasher: &Hasher) -> Value {
    let Some(holder @ Holder { token, .. }) = trail.holder.as_deref() else {
        return json!({ "token_type": "default" });
    };
    let granting = trail
        .granting
        .iter()
        .map(|name| json!({ "name": name, "namespace_id": "root", "type": "acl" }));
    let mut caller = lean(json!({
        "client_token": trail.shown.as_ref().map(|shown| hasher.text(shown.reveal())),
        "accessor": accessor(&token.accessor, hasher),
        "display_name": token.display_name,
        "policies": holder.policies(),
        "token_policies": token.policies,
        "identity_policies": holder.identity_policies,
        "metadata": token.metadata,
        "entity_id": token.entity,
        "token_type": token.kind.name(),
        "token_ttl": token.ttl.0,
        "token_issue_time": Moment::from_unix(token.issued.unix()),
    }));
    if let Some(caller) = caller.as_object_mut() {
        let mut results = Map::new();
        results.insert("allowed".to_owned(), trail.denial.is_none().into());
        let granting: Vec<_> = granting.collect();
        if !granting.is_empty() {
            results.insert("granting_policies".to_owned(), granting.into());
        }
        caller.insert("policy_results".to_owned(), results.into());
    }
    caller
}

fn asked(trail: &Trail, hasher: &Hasher) -> Value {
    let asked = json!({
        "id": trail.id,
        "operation": trail.operation.name(),
        "client_token": trail.shown.as_ref().map(|shown| hasher.text(shown.reveal())),
        "client_token_accessor":
            trail.holder.as_ref().map(|holder| accessor(&holder.token.accessor, hasher)),
        "namespace": { "id": "root" },
        "path": trail.path.to_string(),
        "remote_address": trail.remote.map(|remote| remote.ip().to_canonical().to_string()),
        "wrap_ttl": trail.wrap_ttl.map(|ttl| ttl.0),
        "remote_port": trail.remote.map(|remote| remote.port()),
    });
    let sent = trail.sent.as_ref().map(|sent| hasher.sent(sent, &trail.secrets));
    let mut asked = with(asked, "data", sent.into());
    add_mount(&mut asked, trail.mount.as_deref());
    lean(asked)
}

fn answered(trail: &Trail, hasher: &Hasher, outcome: &Result<Reply>, warnings: &[String]) -> Value {
    let Ok(reply) = outcome else { return Value::Null };
    let mut answered = json!({ "warnings": warnings });
    let (data, auth, lease) = match reply {
        Reply::Data(fields, lease) => (Some(hasher.fields(fields)), None, lease.as_ref()),
        Reply::Keys(names, about) => {
            let mut fields = Map::from_iter([("keys".to_owned(), json!(names))]);
            if !about.is_empty() {
                fields.insert("key_info".to_owned(), about.clone().into());
            }
            (Some(hasher.fields(&fields)), None, None)
        }
        Reply::Absent(fields) => (fields.as_ref().map(|fields| hasher.fields(fields)), None, None),
        Reply::Auth(auth) => (None, Some(token(auth, hasher)), None),
        Reply::Wrapped(_)
        | Reply::Bare(_)
        | Reply::BareAbsent(_)
        | Reply::Document(..)
        | Reply::Empty
        | Reply::Accepted
        | Reply::Login(_)
        | Reply::Batch(_) => (None, None, None),
    };
    if let Some(answered) = answered.as_object_mut() {
        if let Reply::Wrapped(info) = reply {
            answered.insert("wrap_info".to_owned(), wrapping(info, hasher));
        }
        answered.insert("data".to_owned(), data.into());
        answered.insert("auth".to_owned(), auth.unwrap_or_default());
        let secret = lease.map(|lease: &Lease| json!({ "lease_id": lease.id }));
        answered.insert("secret".to_owned(), secret.map(lean).unwrap_or_default());
    }
    add_mount(&mut answered, trail.mount.as_deref());
    lean(answered)
}

/// Batch tokens have none, and a hash of nothing would look as if they all had the same.
fn accessor(accessor: &str, hasher: &Hasher) -> Option<String> {
    (!accessor.is_empty()).then(|| hasher.text(accessor))
}

fn token(auth: &Auth, hasher: &Hasher) -> Value {
    let shown = Some(auth.client_token.as_str()).filter(|token| !token.is_empty());
    lean(json!({
        "client_token": shown.map(|token| hasher.text(token)),
        "accessor": accessor(&auth.accessor, hasher),
        "policies": auth.policies,
        "token_policies": auth.token_policies,
        "identity_policies": auth.identity_policies,
        "metadata": auth.metadata,
        "entity_id": auth.entity_id,
        "token_type": auth.token_type,
        "token_ttl": auth.lease_duration,
    }))
}

fn wrapping(info: &WrappingToken, hasher: &Hasher) -> Value {
    lean(json!({
        "ttl": info.ttl,
        "token": hasher.text(info.token.reveal()),
        "accessor": hasher.text(&info.accessor),
        "creation_time": info.creation_time,
        "creation_path": info.creation_path,
        "wrapped_accessor": info.wrapped_accessor.as_ref().map(|text| hasher.text(text)),
    }))
}

/// The same with what was sent or answered, which may be large and is not copied.
fn with(mut entry: Value, name: &str, part: Value) -> Value {
    if let Some(entry) = entry.as_object_mut() {
        entry.insert(name.to_owned(), part);
    }
    entry
}

fn add_mount(entry: &mut Value, mount: Option<&Mount>) {
    let (Some(entry), Some(mount)) = (entry.as_object_mut(), mount) else { return };
    let class = match mount.class {
        Class::Auth => "auth",
        Class::Secret => "secret",
    };
    entry.insert("mount_point".to_owned(), mount.path.clone().into());
    entry.insert("mount_type".to_owned(), mount.engine.clone().into());
    entry.insert("mount_accessor".to_owned(), mount.accessor.clone().into());
    entry.insert("mount_class".to_owned(), class.into());
}

/// Leaves out what is empty at the top of an object; what a client sent is not touched.
fn lean(value: Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    };
    match value {
        Value::Object(fields) => {
            fields.into_iter().filter(|(_, value)| !is_empty(value)).collect::<Map<_, _>>().into()
        }
        other => other,
    }
}
