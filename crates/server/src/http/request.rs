//! What a client asked for, understood but not yet believed.
//!
//! Nothing here reads the body: whoever may not touch a path learns so before we look at what they
//! sent there.

use std::collections::BTreeMap;

use api::{CanonicalPath, Error, Operation, Seconds, Secret, duration};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use serde_json::{Map, Value};

use super::body::Notation;
use super::{ADDRESS_BYTES_MAX, HEADER_BYTES_MAX, HEADERS_MAX, TOKEN_BYTES_MAX, encoding};

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
const WRAP_TTL: HeaderName = HeaderName::from_static("x-vault-wrap-ttl");
const WRAP_FORMAT: HeaderName = HeaderName::from_static("x-vault-wrap-format");
const INLINE_AUTH: HeaderName = HeaderName::from_static("x-vault-inline-auth-path");

/// What a line of headers costs besides its text: colon, blank and line end.
const LINE_BYTES: usize = 4;

/// Paths whose other verbs are answered without a word of explanation, as clients know it.
const TERSE: &[(&str, &[Operation])] = &[
    ("sys/health", &[Operation::Read]),
    ("sys/init", &[Operation::Read, Operation::Update]),
    ("sys/leader", &[Operation::Read]),
    ("sys/seal", &[Operation::Update]),
    ("sys/seal-status", &[Operation::Read]),
    ("sys/step-down", &[Operation::Update]),
    ("sys/unseal", &[Operation::Update]),
];

/// Paths that exist once per server, not once per namespace.
const WITHOUT_NAMESPACE: &[&str] = &[
    "sys/generate-root",
    "sys/health",
    "sys/in-flight-req",
    "sys/init",
    "sys/metrics",
    "sys/pprof",
    "sys/raw",
    "sys/rekey",
    "sys/seal",
    "sys/step-down",
    "sys/storage",
    "sys/unseal",
];

/// A request without its body.
#[derive(Debug)]
pub(super) struct Understood {
    pub(super) operation: Operation,
    pub(super) path: CanonicalPath,
    /// Parameters that came with the address.
    pub(super) query: Map<String, Value>,
    pub(super) token: Option<Secret>,
    /// For how long the answer is to be kept, where it is to be wrapped.
    pub(super) wrap_ttl: Option<Seconds>,
    /// How the body is written, where the operation takes one.
    pub(super) notation: Option<Notation>,
}

/// Why a request is not worth passing on.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    /// A status says it all.
    Bare(StatusCode),
    /// A status that has no error of its own, and what would work.
    Because(StatusCode, String),
    /// An error as any other.
    Error(Error),
}

type Result<T> = std::result::Result<T, Refusal>;

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Whether the client asked to have the health of this server in status codes.
pub(super) fn is_health(parts: &Parts) -> bool {
    parts.uri.path() == "/v1/sys/health"
        && (parts.method == Method::GET || parts.method == Method::HEAD)
}

/// Understands everything of a request but its body.
pub(super) fn understand(parts: &Parts) -> Result<Understood> {
    check_sizes(parts)?;
    let mut query = Query::parse(parts.uri.query().unwrap_or_default())?;
    let operation = operation(&parts.method, &mut query)?;
    let path = path(parts.uri.path(), operation)?;
    check_namespace(&parts.headers, &path)?;
    check_unsupported(&parts.headers)?;
    if is_terse_refusal(&path, operation) {
        return Err(Refusal::Bare(StatusCode::METHOD_NOT_ALLOWED));
    }
    if path.as_str() == "sys/metrics" && accepts_prometheus(&parts.headers) {
        query.prefer("format", "prometheus");
    }
    // What a write means stands in its body, but for lines, which have no room for more.
    let (notation, query) = match notation(operation, &parts.headers) {
        Some(notation) => (Some(notation.beside(query.into_map())), Map::new()),
        None => (None, query.into_map()),
    };
    let (token, wrap_ttl) = (token(&parts.headers)?, wrap_ttl(&parts.headers)?);
    Ok(Understood { operation, path, query, token, wrap_ttl, notation })
}

/// Whether a client says of itself that it is Prometheus, or reads like it.
fn accepts_prometheus(headers: &HeaderMap) -> bool {
    let accepted = text(headers, ACCEPT).unwrap_or_default();
    ["application/openmetrics-text", "prometheus"].iter().any(|kind| accepted.contains(kind))
}

/// Refuses what is too long to be meant well.
pub(super) fn check_sizes(parts: &Parts) -> Result<()> {
    let address = parts.uri.path_and_query().map_or(0, |text| text.as_str().len());
    if address > ADDRESS_BYTES_MAX {
        let text = format!("the address is longer than {ADDRESS_BYTES_MAX} bytes");
        return Err(Refusal::Because(StatusCode::URI_TOO_LONG, text));
    }
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        name.as_str().len() + value.len() + LINE_BYTES
    };
    let bytes: usize = parts.headers.iter().map(line).sum();
    if parts.headers.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        let text = format!(
            "the headers are too large; at most {HEADERS_MAX} headers of {HEADER_BYTES_MAX} bytes \
             together are read"
        );
        return Err(Refusal::Because(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text));
    }
    Ok(())
}

fn operation(method: &Method, query: &mut Query) -> Result<Operation> {
    if query.take("help").is_some_and(|text| !text.trim().is_empty()) {
        return Ok(Operation::Help);
    }
    let list = query.take_flag("list")?;
    let scan = query.take_flag("scan")?;
    match method.as_str() {
        "GET" if list && scan => {
            Err(Error::invalid("ask either with list=true or with scan=true, not with both").into())
        }
        "GET" if list => Ok(Operation::List),
        "GET" if scan => Ok(Operation::Scan),
        "GET" => Ok(Operation::Read),
        "LIST" => Ok(Operation::List),
        "SCAN" => Ok(Operation::Scan),
        "HELP" => Ok(Operation::Help),
        "POST" | "PUT" => Ok(Operation::Update),
        "PATCH" => Ok(Operation::Patch),
        "DELETE" => Ok(Operation::Delete),
        _ => Err(Refusal::Bare(StatusCode::METHOD_NOT_ALLOWED)),
    }
}

fn path(address: &str, operation: Operation) -> Result<CanonicalPath> {
    let Some(inner) = address.strip_prefix("/v1/").filter(|inner| !inner.is_empty()) else {
        if operation == Operation::Help && address != "/v1" && address != "/v1/" {
            let text = "Missing /v1/ prefix in path. Use the vault path-help command to retrieve \
                        API help for paths";
            return Err(Error::MissingBecause(text.to_owned()).into());
        }
        return Err(Error::Missing.into());
    };
    Ok(CanonicalPath::parse(inner)?.asked_for(operation)?)
}

fn is_terse_refusal(path: &CanonicalPath, operation: Operation) -> bool {
    let terse = TERSE.iter().find(|(terse, _)| *terse == path.as_str());
    terse.is_some_and(|(_, operations)| {
        operation != Operation::Help && !operations.contains(&operation)
    })
}

fn notation(operation: Operation, headers: &HeaderMap) -> Option<Notation> {
    let content_type = || text(headers, CONTENT_TYPE);
    match operation {
        Operation::Create | Operation::Update => Some(Notation::of_write(content_type())),
        Operation::Patch => Some(Notation::of_patch(content_type())),
        _ => None,
    }
}

/// The token a client shows. `X-Vault-Token` wins over `Authorization`.
fn token(headers: &HeaderMap) -> Result<Option<Secret>> {
    let mut own = headers.get_all(TOKEN).iter();
    let given = match (own.next(), own.next()) {
        (Some(_), Some(_)) => {
            return Err(Error::invalid("there is more than one X-Vault-Token; send one").into());
        }
        (Some(token), None) if !token.is_empty() => Some(token.as_bytes()),
        _ => bearer(headers),
    };
    let Some(given) = given else { return Ok(None) };
    if given.len() > TOKEN_BYTES_MAX {
        let text = format!("the token is longer than {TOKEN_BYTES_MAX} bytes");
        return Err(Refusal::Because(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text));
    }
    // Tokens are plain text; what is not cannot be one, but it was shown, and is looked up as such.
    Ok(Some(Secret::new(String::from_utf8_lossy(given))))
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let token = lines.find_map(|line| line.as_bytes().strip_prefix(b"Bearer "))?.trim_ascii();
    (!token.is_empty()).then_some(token)
}

fn check_namespace(headers: &HeaderMap, path: &CanonicalPath) -> Result<()> {
    let namespace = text(headers, NAMESPACE).unwrap_or_default().trim_matches('/');
    if namespace.is_empty() || namespace == "root" {
        return Ok(());
    }
    let is_alone = |root: &&str| path.as_str().strip_prefix(*root).is_some_and(ends_segment);
    if WITHOUT_NAMESPACE.iter().any(is_alone) {
        return Err(Error::invalid("operation unavailable in namespaces").into());
    }
    Err(Error::MissingBecause("namespace not found".to_owned()).into())
}

fn ends_segment(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// Refuses headers that ask for something we do not do, where ignoring them would do harm.
fn check_unsupported(headers: &HeaderMap) -> Result<()> {
    if headers.contains_key(INLINE_AUTH) {
        let text = "inline authentication is not supported; log in first and send the token";
        return Err(Error::invalid(text).into());
    }
    if text(headers, WRAP_FORMAT).is_some_and(|format| !["", "token"].contains(&format)) {
        let text = "wrapping tokens have one format; send the request without X-Vault-Wrap-Format";
        return Err(Error::invalid(text).into());
    }
    Ok(())
}

/// For how long the answer is to be kept. What is no clear wish is refused: an answer that should
/// have been wrapped must never travel bare.
fn wrap_ttl(headers: &HeaderMap) -> Result<Option<Seconds>> {
    if headers.get_all(WRAP_TTL).iter().count() > 1 {
        return Err(Error::invalid("there is more than one X-Vault-Wrap-TTL; send one").into());
    }
    let Some(ttl) = text(headers, WRAP_TTL).filter(|ttl| !ttl.is_empty()) else { return Ok(None) };
    let problem = match duration::parse(ttl) {
        Ok(0) => return Ok(None),
        Ok(seconds) => return Ok(Some(Seconds(seconds))),
        Err(_) if ttl.starts_with('-') => {
            "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative"
        }
        Err(_) => "error parsing X-Vault-Wrap-TTL header: not a duration; try \"5m\" or 300",
    };
    Err(Error::invalid(problem).into())
}

/// A header's text; one that is not text counts as absent-minded nonsense that matches nothing.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"))
}

/// The parameters in an address. A name can come several times.
pub(super) struct Query(BTreeMap<String, Vec<String>>);

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut query = Self(BTreeMap::new());
        if text.is_empty() {
            return Ok(query);
        }
        for (name, value) in encoding::pairs(text)? {
            query.0.entry(name).or_default().push(value);
        }
        Ok(query)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)?.into_iter().next()
    }

    /// Whether `name` is set, in any of the spellings Go takes.
    pub(super) fn take_flag(&mut self, name: &str) -> Result<bool> {
        match self.take(name).unwrap_or_default().as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
            _ => {
                let text = format!("{name} is neither true nor false; write {name}=true");
                Err(Error::Invalid(text).into())
            }
        }
    }

    /// Sets `name`, unless the client did.
    fn prefer(&mut self, name: &str, value: &str) {
        self.0.entry(name.to_owned()).or_insert_with(|| vec![value.to_owned()]);
    }

    fn into_map(self) -> Map<String, Value> {
        if self.0.is_empty() {
            return Map::new();
        }
        let parameter = |(name, mut values): (String, Vec<String>)| match values.len() {
            1 => (name, Value::String(values.remove(0))),
            _ => (name, values.into_iter().map(Value::String).collect()),
        };
        self.0.into_iter().map(parameter).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use serde_json::json;

    use super::*;

    fn ask(method: &str, address: &str, headers: &[(&str, &str)]) -> Result<Understood> {
        let mut request = http::Request::builder().method(method).uri(address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        understand(&request.body(()).unwrap().into_parts().0)
    }

    #[track_caller]
    fn check(method: &str, address: &str, expected: (Operation, &str)) {
        let understood = ask(method, address, &[]).unwrap();
        assert_eq!((understood.operation, understood.path.to_string().as_str()), expected);
    }

    #[track_caller]
    fn refused(method: &str, address: &str, status: u16) {
        match ask(method, address, &[]).unwrap_err() {
            Refusal::Bare(bare) => assert_eq!(bare.as_u16(), status, "{method} {address}"),
            other => panic!("{method} {address}: {other:?}"),
        }
    }

    #[track_caller]
    fn errs(method: &str, address: &str, headers: &[(&str, &str)], expected: Error) {
        let refusal = ask(method, address, headers).unwrap_err();
        assert_eq!(refusal, Refusal::Error(expected), "{method} {address} {headers:?}");
    }

    #[track_caller]
    fn shows(headers: &[(&str, &str)], token: Option<&str>) {
        let understood = ask("GET", "/v1/a", headers).unwrap();
        assert_eq!(understood.token.as_ref().map(Secret::reveal), token, "{headers:?}");
    }

    #[test]
    fn prometheus_gets_its_own_format() {
        let wanted = |address: &str, accept: &str| {
            let understood = ask("GET", address, &[("accept", accept)]).unwrap();
            understood.query.get("format").cloned()
        };
        let openmetrics = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5,*/*;q=0.1";
        assert_eq!(wanted("/v1/sys/metrics", openmetrics), Some(json!("prometheus")));
        assert_eq!(wanted("/v1/sys/metrics", "prometheus"), Some(json!("prometheus")));
        assert_eq!(wanted("/v1/sys/metrics", "application/json"), None);
        assert_eq!(wanted("/v1/sys/metrics?format=x", openmetrics), Some(json!("x")));
        assert_eq!(wanted("/v1/kv/a", openmetrics), None);
    }

    #[test]
    fn verbs_become_operations() {
        check("GET", "/v1/secret/data/a", (Operation::Read, "secret/data/a"));
        check("GET", "/v1/a?list=true", (Operation::List, "a/"));
        check("GET", "/v1/a/?list=1", (Operation::List, "a/"));
        check("GET", "/v1/a?list=0", (Operation::Read, "a"));
        check("GET", "/v1/a?list=", (Operation::Read, "a"));
        check("GET", "/v1/a?scan=t", (Operation::Scan, "a/"));
        check("GET", "/v1/a?help=1", (Operation::Help, "a"));
        check("GET", "/v1/a?help", (Operation::Read, "a"));
        check("LIST", "/v1/a", (Operation::List, "a/"));
        check("SCAN", "/v1/a", (Operation::Scan, "a/"));
        check("HELP", "/v1/a/", (Operation::Help, "a/"));
        check("POST", "/v1/a", (Operation::Update, "a"));
        check("PUT", "/v1/a%20b", (Operation::Update, "a b"));
        check("PATCH", "/v1/a", (Operation::Patch, "a"));
        check("DELETE", "/v1/a", (Operation::Delete, "a"));
        for method in ["HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "ROTATE", "RENEW"] {
            refused(method, "/v1/a", 405);
        }
        let unclear =
            |name| Error::Invalid(format!("{name} is neither true nor false; write {name}=true"));
        errs("GET", "/v1/a?list=maybe", &[], unclear("list"));
        errs("GET", "/v1/a?scan=2", &[], unclear("scan"));
        let both = Error::invalid("ask either with list=true or with scan=true, not with both");
        errs("GET", "/v1/a?list=1&scan=1", &[], both);
        refused("DELETE", "/v1/sys/init", 405);
        refused("GET", "/v1/sys/unseal", 405);
    }

    #[test]
    fn what_a_write_means_stands_in_its_body_unless_that_is_lines() {
        let notation = |content_type| {
            let headers = [("content-type", content_type)];
            let understood = ask("POST", "/v1/a?dry_run=true", &headers).unwrap();
            assert!(understood.query.is_empty());
            understood.notation.unwrap()
        };
        assert_eq!(notation("application/json"), Notation::Json);
        let beside = json!({"dry_run": "true"}).as_object().unwrap().clone();
        assert_eq!(notation("application/x-ndjson"), Notation::Lines(beside));
    }

    #[test]
    fn only_the_api_is_here() {
        for address in ["/", "/v1", "/v1/", "/v2/a", "/ui/", "/robots.txt", "/v1a", "//v1/a"] {
            errs("GET", address, &[], Error::Missing);
        }
        let refusal = ask("GET", "/sys/mounts?help=1", &[]).unwrap_err();
        assert!(matches!(refusal, Refusal::Error(Error::MissingBecause(text))
            if text.starts_with("Missing /v1/ prefix in path.")));
    }

    // Case 172 of policies.
    #[test]
    fn doubtful_paths_are_refused_for_every_verb() {
        for method in ["GET", "LIST", "PUT", "PATCH", "DELETE", "HELP"] {
            for path in ["a/../b", "a//b", "a/%2e%2e/b", "a%2fb", "a%00b", "./a", "/a"] {
                let refusal = ask(method, &format!("/v1/{path}"), &[]).unwrap_err();
                assert!(matches!(refusal, Refusal::Error(Error::Invalid(_))), "{method} {path}");
            }
        }
        errs("POST", "/v1/a/", &[], Error::invalid("cannot write to a path ending in '/'"));
        errs("PATCH", "/v1/a/", &[], Error::invalid("cannot write to a path ending in '/'"));
    }

    #[test]
    fn parameters_of_the_address_reach_reads_only() {
        let read = ask("GET", "/v1/a?b=1&b=2&c=d+e&list=false", &[]).unwrap();
        assert_eq!(Value::Object(read.query), json!({"b": ["1", "2"], "c": "d e"}));
        assert!(read.notation.is_none());
        let write = ask("PUT", "/v1/a?b=1", &[]).unwrap();
        assert!(write.query.is_empty() && write.notation.is_some());
        assert!(ask("GET", "/v1/a?b=%ff", &[]).is_err());
    }

    #[test]
    fn a_token_is_shown_in_one_of_two_ways() {
        shows(&[], None);
        shows(&[("x-vault-token", "")], None);
        shows(&[("x-vault-token", "A")], Some("A"));
        shows(&[("x-vault-token", "A"), ("authorization", "Bearer B")], Some("A"));
        shows(&[("authorization", "Bearer B")], Some("B"));
        shows(&[("authorization", "Basic x"), ("authorization", "Bearer B")], Some("B"));
        for other in ["bearer B", "Bearer", "Bearer ", "BearerB", "Basic B"] {
            shows(&[("authorization", other)], None);
        }
        let twice = [("x-vault-token", "A"), ("x-vault-token", "A")];
        assert!(ask("GET", "/v1/a", &twice).is_err());
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let long = |length| "a".repeat(length);
        assert!(ask("GET", &format!("/v1/a?{}", long(8000)), &[]).is_ok());
        let refused = [
            (ask("GET", &format!("/v1/a?{}", long(9000)), &[]), 414),
            (ask("GET", "/v1/a", &[("x-vault-token", &long(8193))]), 431),
            (ask("GET", "/v1/a", &[("authorization", &format!("Bearer {}", long(8193)))]), 431),
            (ask("GET", "/v1/a", &[("a", &long(16 * 1024))]), 431),
            (ask("GET", "/v1/a", &[("a", "b"); 65]), 431),
        ];
        for (answer, expected) in refused {
            let Refusal::Because(status, _) = answer.unwrap_err() else { panic!("{expected}") };
            assert_eq!(status.as_u16(), expected);
        }
    }

    #[test]
    fn what_is_not_supported_is_refused_and_never_ignored() {
        let wrap = |ttl| ask("GET", "/v1/a", &[("x-vault-wrap-ttl", ttl)]);
        for (ttl, expected) in [("0", None), ("", None), ("60", Some(60)), ("2m", Some(120))] {
            assert_eq!(wrap(ttl).unwrap().wrap_ttl, expected.map(Seconds), "{ttl}");
        }
        for short in ["500ms", "0.5s", "1ns"] {
            assert_eq!(wrap(short).unwrap().wrap_ttl, Some(Seconds(1)), "{short} is a wish");
        }
        assert!(ask("GET", "/v1/a", &[("x-vault-wrap-format", "jwt")]).is_err());
        let twice = [("x-vault-wrap-ttl", "0"), ("x-vault-wrap-ttl", "5m")];
        assert!(ask("GET", "/v1/a", &twice).is_err());
        for ttl in ["-1", "-5m", "-0.5s", "soon"] {
            let Refusal::Error(Error::Invalid(text)) = wrap(ttl).unwrap_err() else { panic!() };
            assert!(text.starts_with("error parsing X-Vault-Wrap-TTL header: "), "{text}");
        }
        assert!(ask("GET", "/v1/a", &[("x-vault-inline-auth-path", "auth/a")]).is_err());
        for root in ["", "/", "root", "root/"] {
            assert!(ask("GET", "/v1/a", &[("x-vault-namespace", root)]).is_ok());
        }
        let namespace = [("x-vault-namespace", "team")];
        let missing = Error::MissingBecause("namespace not found".to_owned());
        errs("GET", "/v1/a", &namespace, missing.clone());
        errs("GET", "/v1/sys/healthy", &namespace, missing);
        let unavailable = Error::invalid("operation unavailable in namespaces");
        errs("GET", "/v1/sys/health", &namespace, unavailable.clone());
        errs("PUT", "/v1/sys/raw/a", &namespace, unavailable);
    }
}
