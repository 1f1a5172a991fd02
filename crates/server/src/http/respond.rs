//! What the kernel answered, as HTTP. Every error becomes a status here and nowhere else.
#![deny(clippy::wildcard_enum_match_arm)]

use api::{Envelope, Error, Operation, Reply};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use kernel::{Answer, Manner};
use serde::Serialize;
use serde_json::{Map, Value, json};
use zeroize::{Zeroize, Zeroizing};

use super::request::Refusal;

/// An answer on its way out.
pub(super) type Outgoing = Response<Full<Bytes>>;

const JSON: &str = "application/json";
/// What nobody has said more about.
const OCTETS: &str = "application/octet-stream";

/// What every answer says to browsers and proxies: keep nothing, guess nothing, run nothing.
const STANDARD_HEADERS: [(HeaderName, &str); 4] = [
    (CACHE_CONTROL, "no-store"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'"),
];

/// Room made for an answer; most need no more.
const ANSWER_BYTES: usize = 1024;

/// When a client that lost too many races should try again.
const CONFLICT_RETRY_SECONDS: u64 = 1;

/// The kernel's answer.
pub(super) fn answer(answer: Answer) -> Outgoing {
    let Answer { id, outcome, warnings, manner } = answer;
    match outcome {
        Ok(reply) => success(Success { id, warnings, manner: &manner }, reply),
        Err(error) => failure(&id, &error, &manner),
    }
}

/// A request that was not worth passing on. Nobody has proved who they are at this point, so
/// errors come as they do on public paths.
pub(super) fn refusal(refusal: Refusal) -> Outgoing {
    match refusal {
        Refusal::Bare(status) => errors(status, &[]),
        Refusal::Because(status, text) => errors(status, &[&text]),
        Refusal::Error(error) => {
            let public = Manner {
                public: true,
                top_level: false,
                operation: Operation::Read,
                mount_type: None,
            };
            failure("", &error, &public)
        }
    }
}

/// Too many requests are being answered already.
pub(super) fn overloaded() -> Outgoing {
    refusal(Refusal::Error(Error::Busy { retry_after_seconds: 1 }))
}

/// Answering took longer than it may.
pub(super) fn too_late() -> Outgoing {
    errors(StatusCode::SERVICE_UNAVAILABLE, &["context deadline exceeded"])
}

/// Something went wrong that has no better description.
pub(super) fn broken() -> Outgoing {
    refusal(Refusal::Error(Error::Internal(String::new())))
}

/// A status that forbids a body.
pub(super) fn without_body(status: StatusCode) -> Outgoing {
    rendered(status, Zeroizing::default())
}

/// A JSON document of its own.
pub(super) fn document(status: StatusCode, value: &impl Serialize) -> Outgoing {
    rendered(status, encode(value))
}

/// What an answer holds besides the reply.
struct Success<'a> {
    id: String,
    warnings: Vec<String>,
    manner: &'a Manner,
}

fn success(about: Success<'_>, reply: Reply) -> Outgoing {
    let status = match &reply {
        Reply::Bare(document) => return rendered(StatusCode::OK, encode(document)),
        Reply::BareAbsent(document) => return rendered(StatusCode::NOT_FOUND, encode(document)),
        Reply::Document(content_type, text) => {
            let content_type = HeaderValue::from_str(content_type);
            let content_type = content_type.unwrap_or(HeaderValue::from_static(OCTETS));
            return typed(StatusCode::OK, content_type, Zeroizing::new(text.clone().into_bytes()));
        }
        Reply::Empty if about.warnings.is_empty() => return nothing(about.manner.operation),
        Reply::Accepted if about.warnings.is_empty() => {
            return rendered(StatusCode::ACCEPTED, Zeroizing::default());
        }
        Reply::Keys(keys, _) if keys.is_empty() => return errors(StatusCode::NOT_FOUND, &[]),
        Reply::Login(_) => {
            tracing::error!(request = about.id, "a login left the kernel without a token");
            return broken();
        }
        Reply::Batch(_) => {
            tracing::error!(request = about.id, "a batch left the kernel undone");
            return broken();
        }
        Reply::Wrapped(_) => return document(StatusCode::OK, &Envelope::holding(reply)),
        Reply::Accepted => StatusCode::ACCEPTED,
        Reply::Absent(_) => StatusCode::NOT_FOUND,
        Reply::Empty | Reply::Data(..) | Reply::Keys(..) | Reply::Auth(_) => StatusCode::OK,
    };
    let mut envelope = Envelope::holding(reply);
    if is_empty_listing(about.manner.operation, &envelope) {
        return errors(StatusCode::NOT_FOUND, &[]);
    }
    envelope.request_id = about.id;
    envelope.warnings = (!about.warnings.is_empty()).then_some(about.warnings);
    enveloped(status, &envelope, about.manner)
}

/// There is nothing to say: fine for a write, but a read has then found nothing.
fn nothing(operation: Operation) -> Outgoing {
    match operation {
        Operation::Read | Operation::List | Operation::Help => errors(StatusCode::NOT_FOUND, &[]),
        Operation::Create
        | Operation::Update
        | Operation::Patch
        | Operation::Delete
        | Operation::Scan => rendered(StatusCode::NO_CONTENT, Zeroizing::default()),
    }
}

fn is_empty_listing(operation: Operation, envelope: &Envelope) -> bool {
    let keys = envelope.data.as_ref().and_then(|data| data.get("keys"));
    operation == Operation::List && keys.and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// An envelope, and what stands behind it.
#[derive(Serialize)]
struct Enveloped<'a> {
    #[serde(flatten)]
    envelope: &'a Envelope,
    #[serde(skip_serializing_if = "Option::is_none")]
    mount_type: Option<&'a str>,
}

fn enveloped(status: StatusCode, envelope: &Envelope, manner: &Manner) -> Outgoing {
    let mut text = encode(&Enveloped { envelope, mount_type: manner.mount_type.as_deref() });
    if let Some(data) = envelope.data.as_ref().filter(|_| manner.top_level) {
        let mut both = encode(&beside_envelope(data, &text));
        append_fields(&mut both, &text);
        text = both;
    }
    rendered(status, text)
}

/// The fields of `data`, without those that would hide a field of the envelope.
fn beside_envelope<'a>(data: &'a Map<String, Value>, envelope: &[u8]) -> Map<String, Value> {
    let taken: Map<String, Value> = serde_json::from_slice(envelope).unwrap_or_default();
    let free = |name: &&'a String| !taken.contains_key(*name);
    let copy = |(name, value): (&String, &Value)| (name.clone(), value.clone());
    data.iter().filter(|(name, _)| free(name)).map(copy).collect()
}

/// Writes the fields of the object `more` behind those of the object `text`.
fn append_fields(text: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    let Some(inside) = more.strip_prefix(b"{") else { return };
    text.pop();
    if text.len() > 1 {
        text.push(b',');
    }
    text.extend_from_slice(inside);
}

fn failure(id: &str, error: &Error, manner: &Manner) -> Outgoing {
    let failed = |text: &str| errors(StatusCode::INTERNAL_SERVER_ERROR, &[&laid_out(text, manner)]);
    let say = |status, text: &str| errors(status, &[text]);
    match error {
        Error::Denied => say(StatusCode::FORBIDDEN, &listed(&["permission denied"])),
        Error::Unauthenticated => say(StatusCode::FORBIDDEN, "permission denied"),
        Error::UnknownToken => {
            say(StatusCode::FORBIDDEN, &listed(&["permission denied", "invalid token"]))
        }
        Error::Forbidden(text) => say(StatusCode::FORBIDDEN, text),
        Error::LoginFailed(failure) => say(StatusCode::BAD_REQUEST, failure.text),
        Error::LockedOut => say(StatusCode::FORBIDDEN, "permission denied"),
        Error::Invalid(text) => say(StatusCode::BAD_REQUEST, text),
        Error::InvalidListed(text) => say(StatusCode::BAD_REQUEST, &listed(&[text])),
        Error::Failed(text) => failed(text),
        Error::Internal(cause) => {
            tracing::error!(request = id, cause, "a request met an internal error");
            failed("internal error")
        }
        Error::Missing => errors(StatusCode::NOT_FOUND, &[]),
        Error::MissingBecause(text) => say(StatusCode::NOT_FOUND, text),
        Error::NoRoute(path) => {
            let text = format!("no handler for route \"{path}\". route entry not found.");
            say(StatusCode::NOT_FOUND, &text)
        }
        Error::UnsupportedPath => say(StatusCode::NOT_FOUND, &laid_out("unsupported path", manner)),
        Error::UnsupportedOperation => {
            say(StatusCode::METHOD_NOT_ALLOWED, &laid_out("unsupported operation", manner))
        }
        Error::Notation(text) => say(StatusCode::UNSUPPORTED_MEDIA_TYPE, text),
        Error::TooLarge => say(StatusCode::PAYLOAD_TOO_LARGE, "http: request body too large"),
        Error::Busy { retry_after_seconds } => later(*retry_after_seconds),
        Error::Sealed => say(StatusCode::SERVICE_UNAVAILABLE, "Vault is sealed"),
        Error::NotYet(text) => say(StatusCode::SERVICE_UNAVAILABLE, text),
        Error::Unavailable(cause) => {
            tracing::error!(request = id, cause, "the store is not available");
            say(StatusCode::SERVICE_UNAVAILABLE, "the store is not available; try again later")
        }
        Error::OutcomeUnknown(cause) => {
            tracing::error!(request = id, cause, "whether a request was carried out is not known");
            failed("the request may or may not have been carried out; look before trying again")
        }
        Error::Conflict(key) => {
            tracing::warn!(request = id, key, "a request lost too many races");
            later(CONFLICT_RETRY_SECONDS)
        }
    }
}

/// Not now: 503 and not 429, since clients take 429 for a quota that was set for them.
fn later(seconds: u64) -> Outgoing {
    let text = "the server is busy; try again in a moment";
    let mut response = errors(StatusCode::SERVICE_UNAVAILABLE, &[text]);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// On public paths the text stands alone; elsewhere it comes in the layout of a list.
fn laid_out(text: &str, manner: &Manner) -> String {
    if manner.public { text.to_owned() } else { listed(&[text]) }
}

fn listed(texts: &[&str]) -> String {
    let noun = if texts.len() == 1 { "error" } else { "errors" };
    let items: String = texts.iter().map(|text| format!("\t* {text}\n")).collect();
    format!("{} {noun} occurred:\n{items}\n", texts.len())
}

fn errors(status: StatusCode, texts: &[&str]) -> Outgoing {
    rendered(status, encode(&json!({ "errors": texts })))
}

fn rendered(status: StatusCode, text: Zeroizing<Vec<u8>>) -> Outgoing {
    let text = if text.is_empty() { text } else { escaped(text) };
    typed(status, HeaderValue::from_static(JSON), text)
}

fn typed(status: StatusCode, content_type: HeaderValue, mut text: Zeroizing<Vec<u8>>) -> Outgoing {
    // The memory is wiped once the answer is sent: it may hold a token.
    let text = Wiped(std::mem::take(&mut *text));
    let mut response = Response::new(Full::new(Bytes::from_owner(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(1 + STANDARD_HEADERS.len());
    headers.insert(CONTENT_TYPE, content_type);
    for (name, value) in STANDARD_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// An answer that is whole, so that only what is in use of its room is to be wiped.
struct Wiped(Vec<u8>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn encode(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(ANSWER_BYTES));
    serde_json::to_writer(&mut *text, value).expect("answers are plain data");
    text
}

/// JSON as clients know it: harmless within HTML, and with a line end. The five characters can
/// only stand within strings, where every spelling means the same.
fn escaped(mut json: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let room = room(&json);
    // Nearly every answer has none of the five: it stays where it is, or is copied in one piece.
    let is_harmless = room == json.len() + 1;
    if is_harmless && room <= json.capacity() {
        json.push(b'\n');
        return json;
    }
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    let mut rest = json.as_slice();
    if is_harmless {
        text.extend_from_slice(rest);
        rest = &[];
    }
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'<' => text.extend_from_slice(b"\\u003c"),
            b'>' => text.extend_from_slice(b"\\u003e"),
            b'&' => text.extend_from_slice(b"\\u0026"),
            0xe2 => match tail.split_at_checked(2) {
                Some(([0x80, last @ (0xa8 | 0xa9)], behind)) => {
                    text.extend_from_slice(if *last == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                    rest = behind;
                }
                _ => text.push(*byte),
            },
            byte => text.push(*byte),
        }
    }
    text.push(b'\n');
    text
}

/// Enough room for the escaped text, so that it never moves and leaves a copy behind.
fn room(json: &[u8]) -> usize {
    // Without branches, so that many bytes are looked at together.
    let grows = |byte: u8| (byte == b'<') | (byte == b'>') | (byte == b'&') | (byte == 0xe2);
    let growing = json.iter().filter(|byte| grows(**byte)).count();
    json.len() + growing * 5 + 1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use api::{Auth, Lease, Login, LoginFailure, Seconds};
    use http_body_util::BodyExt;

    use super::*;

    fn manner(operation: Operation) -> Manner {
        Manner { public: false, top_level: false, operation, mount_type: None }
    }

    fn given(outcome: api::Result<Reply>, manner: Manner) -> Answer {
        Answer { id: "id".to_owned(), outcome, warnings: vec![], manner }
    }

    /// Status and text of an answer.
    fn shown(response: Outgoing) -> (u16, String) {
        let (status, content_type, text) = typed_and_shown(response);
        assert_eq!(content_type, JSON);
        (status, text)
    }

    fn typed_and_shown(response: Outgoing) -> (u16, String, String) {
        for (name, value) in STANDARD_HEADERS {
            assert_eq!(response.headers().get(name).unwrap(), value);
        }
        let content_type = response.headers().get(CONTENT_TYPE).unwrap();
        let content_type = content_type.to_str().unwrap().to_owned();
        let status = response.status().as_u16();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bytes = runtime.block_on(response.into_body().collect()).unwrap().to_bytes();
        (status, content_type, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[track_caller]
    fn check(error: Error, status: u16, private: &str, public: &str) {
        let errors = |text: &str| match text {
            "" => "{\"errors\":[]}\n".to_owned(),
            text => format!("{}\n", json!({ "errors": [text] })),
        };
        let here = manner(Operation::Update);
        let there = Manner { public: true, ..here.clone() };
        assert_eq!(shown(answer(given(Err(error.clone()), here))), (status, errors(private)));
        assert_eq!(shown(answer(given(Err(error), there))), (status, errors(public)));
    }

    #[track_caller]
    fn same(error: Error, status: u16, text: &str) {
        check(error, status, text, text);
    }

    fn one(text: &str) -> String {
        format!("1 error occurred:\n\t* {text}\n\n")
    }

    #[test]
    fn every_error_has_the_status_and_text_that_clients_know() {
        let text = || "why".to_owned();
        let two = "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n";
        let unknown = "the request may or may not have been carried out; look before trying again";
        same(Error::Denied, 403, &one("permission denied"));
        same(Error::Unauthenticated, 403, "permission denied");
        same(Error::UnknownToken, 403, two);
        same(Error::Forbidden(text()), 403, "why");
        let failure = LoginFailure { alias: "alice".to_owned(), known: true, text: "no" };
        same(Error::LoginFailed(Box::new(failure)), 400, "no");
        same(Error::LockedOut, 403, "permission denied");
        same(Error::Invalid(text()), 400, "why");
        same(Error::InvalidListed(text()), 400, &one("why"));
        check(Error::Failed(text()), 500, &one("why"), "why");
        check(Error::Internal(text()), 500, &one("internal error"), "internal error");
        same(Error::Missing, 404, "");
        same(Error::MissingBecause(text()), 404, "why");
        let route = "no handler for route \"a/b\". route entry not found.";
        same(Error::NoRoute("a/b".to_owned()), 404, route);
        check(Error::UnsupportedPath, 404, &one("unsupported path"), "unsupported path");
        let operation = "unsupported operation";
        check(Error::UnsupportedOperation, 405, &one(operation), operation);
        same(Error::Notation(text()), 415, "why");
        same(Error::TooLarge, 413, "http: request body too large");
        let busy = "the server is busy; try again in a moment";
        same(Error::Busy { retry_after_seconds: 7 }, 503, busy);
        same(Error::Conflict(text()), 503, busy);
        same(Error::Sealed, 503, "Vault is sealed");
        same(Error::NotYet("wait"), 503, "wait");
        same(Error::Unavailable(text()), 503, "the store is not available; try again later");
        check(Error::OutcomeUnknown(text()), 500, &one(unknown), unknown);
    }

    #[test]
    fn who_should_come_back_is_told_when() {
        let busy = Err(Error::Busy { retry_after_seconds: 7 });
        let response = answer(given(busy, manner(Operation::Update)));
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "7");
    }

    #[track_caller]
    fn replies(operation: Operation, reply: Reply, status: u16, expected: &str) {
        assert_eq!(shown(answer(given(Ok(reply), manner(operation)))), (status, expected.into()));
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn envelope(data: &str) -> String {
        format!(
            "{{\"request_id\":\"id\",\"lease_id\":\"\",\"renewable\":false,\"lease_duration\":0,\
             \"data\":{data},\"wrap_info\":null,\"warnings\":null,\"auth\":null}}\n"
        )
    }

    #[test]
    fn every_reply_has_its_shape() {
        let nowhere = "{\"errors\":[]}\n";
        let keys = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        replies(Operation::Update, Reply::Empty, 204, "");
        replies(Operation::Delete, Reply::Empty, 204, "");
        replies(Operation::Read, Reply::Empty, 404, nowhere);
        replies(Operation::List, Reply::Empty, 404, nowhere);
        replies(Operation::Update, Reply::Accepted, 202, "");
        let data = Reply::Data(map(json!({"b": 1, "a": "x"})), None);
        replies(Operation::Read, data, 200, &envelope(r#"{"a":"x","b":1}"#));
        let no_keys = Reply::Data(map(json!({"keys": []})), None);
        replies(Operation::List, no_keys, 404, nowhere);
        replies(Operation::List, Reply::Keys(vec![], Map::new()), 404, nowhere);
        let listing = Reply::Keys(keys(&["a", "b/"]), Map::new());
        replies(Operation::List, listing, 200, &envelope(r#"{"keys":["a","b/"]}"#));
        let about = map(json!({"a": {"n": 1}}));
        let listing = Reply::Keys(keys(&["a"]), about);
        let expected = envelope(r#"{"key_info":{"a":{"n":1}},"keys":["a"]}"#);
        replies(Operation::List, listing, 200, &expected);
        let gone = Reply::Absent(Some(map(json!({"a": 1}))));
        replies(Operation::Read, gone, 404, &envelope(r#"{"a":1}"#));
        replies(Operation::Read, Reply::Bare(json!({"a": 1})), 200, "{\"a\":1}\n");
        let login = Reply::Login(Box::<Login>::default());
        replies(Operation::Update, login, 500, "{\"errors\":[\"internal error\"]}\n");
    }

    #[test]
    fn a_document_comes_as_it_is() {
        let document =
            Reply::Document("text/plain; version=0.0.4".into(), "a{b=\"<\"} 1\n".to_owned());
        let outgoing = answer(given(Ok(document), manner(Operation::Read)));
        let expected = (200, "text/plain; version=0.0.4", "a{b=\"<\"} 1\n");
        let (status, content_type, text) = typed_and_shown(outgoing);
        assert_eq!((status, &*content_type, &*text), expected);
    }

    #[test]
    fn leases_and_tokens_stand_in_the_envelope() {
        let duration = Seconds(60);
        let lease = Lease { id: "l".to_owned(), renewable: true, duration };
        let reply = Reply::Data(Map::new(), Some(lease));
        let (_, text) = shown(answer(given(Ok(reply), manner(Operation::Read))));
        let leased = r#""lease_id":"l","renewable":true,"lease_duration":60,"data":{}"#;
        assert!(text.contains(leased), "{text}");
        let auth = Auth {
            client_token: "t".to_owned(),
            accessor: "a".to_owned(),
            policies: vec!["default".to_owned()],
            token_policies: vec![],
            identity_policies: vec![],
            metadata: None,
            lease_duration: 60,
            renewable: true,
            entity_id: String::new(),
            token_type: "service",
            orphan: true,
            mfa_requirement: None,
            num_uses: 0,
        };
        let reply = Reply::Auth(Box::new(auth));
        let (_, text) = shown(answer(given(Ok(reply), manner(Operation::Update))));
        assert!(text.contains(r#""data":null"#) && text.contains(r#""auth":{"client_token":"t""#));
    }

    #[test]
    fn warnings_alone_are_an_answer() {
        for operation in [Operation::Update, Operation::List] {
            let mut warned = given(Ok(Reply::Empty), manner(operation));
            warned.warnings = vec!["look".to_owned()];
            let (status, text) = shown(answer(warned));
            assert_eq!(status, 200);
            assert!(text.contains(r#""data":null,"wrap_info":null,"warnings":["look"]"#));
        }
    }

    #[test]
    fn old_clients_find_data_at_the_top_as_well() {
        let data = map(json!({"keys": ["a"], "data": 1, "auth": 2}));
        let top = Manner { top_level: true, ..manner(Operation::Read) };
        let (_, text) = shown(answer(given(Ok(Reply::Data(data, None)), top)));
        assert!(text.starts_with(r#"{"keys":["a"],"request_id":"id","#), "{text}");
        assert!(text.contains(r#""data":{"auth":2,"data":1,"keys":["a"]}"#), "{text}");
        let empty = Manner { top_level: true, ..manner(Operation::Read) };
        let (_, text) = shown(answer(given(Ok(Reply::Data(Map::new(), None)), empty)));
        assert!(text.starts_with(r#"{"request_id":"id","#), "{text}");
    }

    #[test]
    fn the_kind_of_mount_stands_at_the_end() {
        let kv = Manner { mount_type: Some("kv".to_owned()), ..manner(Operation::Read) };
        let (_, text) = shown(answer(given(Ok(Reply::Data(Map::new(), None)), kv)));
        assert!(text.ends_with("\"auth\":null,\"mount_type\":\"kv\"}\n"), "{text}");
    }

    #[test]
    fn answers_are_harmless_within_html() {
        let markup = Reply::Bare(json!({"a": "</script>&\u{2028}\u{2029}\u{20ac}\u{e9}"}));
        let expected = "{\"a\":\"\\u003c/script\\u003e\\u0026\\u2028\\u2029\u{20ac}\u{e9}\"}\n";
        replies(Operation::Read, markup, 200, expected);
    }
}
