//! One request, before it is sent.
//!
//! Writes use PUT and lists are a GET with `list=true`, as the clients of this API have always
//! done.

use http::Method;
use serde::Serialize;

use crate::error::Error;
use crate::path::{clean, encode_path, encode_query};

/// A request for one path below `/v1/`.
///
/// It has no `Debug` output, because its body may hold a password.
#[derive(Clone)]
pub struct Request {
    /// The HTTP verb.
    pub method: Method,
    /// The cleaned path below `/v1/`.
    pub path: String,
    /// Names and values of the query, not yet encoded.
    pub query: Vec<(String, String)>,
    /// Headers of this request alone; they win over those of the settings.
    pub headers: Vec<(String, String)>,
    /// The bytes to send, usually JSON.
    pub body: Option<Vec<u8>>,
}

impl Request {
    /// A request with any verb.
    pub fn new(method: Method, path: &str) -> Request {
        Request { method, path: clean(path), query: Vec::new(), headers: Vec::new(), body: None }
    }

    /// Reads a path.
    pub fn get(path: &str) -> Request {
        Request::new(Method::GET, path)
    }

    /// Lists what is below a path.
    pub fn list(path: &str) -> Request {
        Request::get(path).query("list", "true")
    }

    /// Lists everything that is below a path, however deep.
    pub fn scan(path: &str) -> Request {
        Request::get(path).query("scan", "true")
    }

    /// Writes to a path.
    pub fn put(path: &str) -> Request {
        Request::new(Method::PUT, path)
    }

    /// Writes to a path, with the verb that some of the system's paths are called with.
    pub fn post(path: &str) -> Request {
        Request::new(Method::POST, path)
    }

    /// Changes part of what is at a path.
    pub fn patch(path: &str) -> Request {
        Request::new(Method::PATCH, path).header("Content-Type", "application/merge-patch+json")
    }

    /// Deletes what is at a path.
    pub fn delete(path: &str) -> Request {
        Request::new(Method::DELETE, path)
    }

    /// Adds one name and value to the query.
    pub fn query(mut self, name: &str, value: &str) -> Request {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body to the JSON form of a value.
    pub fn json(mut self, value: &impl Serialize) -> Result<Request, Error> {
        let body = serde_json::to_vec(value)
            .map_err(|cause| Error::Settings(format!("the body has no JSON form: {cause}")))?;
        self.body = Some(body);
        Ok(self)
    }

    /// Sets the body to bytes that are sent as they are.
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = Some(body.into());
        self
    }

    /// The path and query of the URL, without the address.
    pub(crate) fn target(&self) -> String {
        let mut target = format!("/v1/{}", encode_path(&self.path));
        for (position, (name, value)) in self.query.iter().enumerate() {
            target.push(if position == 0 { '?' } else { '&' });
            target.push_str(&encode_query(name));
            target.push('=');
            target.push_str(&encode_query(value));
        }
        target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(request: Request, expected: &str) {
        assert_eq!(format!("{} {}", request.method, request.target()), expected);
    }

    #[test]
    fn every_kind_of_request_has_its_verb_and_target() {
        check(Request::get("secret/a"), "GET /v1/secret/a");
        check(Request::list("secret/"), "GET /v1/secret?list=true");
        check(Request::scan("secret/"), "GET /v1/secret?scan=true");
        check(Request::put("secret/a"), "PUT /v1/secret/a");
        check(Request::post("/sys/auth//userpass/"), "POST /v1/sys/auth/userpass");
        check(Request::patch("secret/data/a"), "PATCH /v1/secret/data/a");
        check(Request::delete("secret/a").query("b", "c d"), "DELETE /v1/secret/a?b=c%20d");
        check(Request::list("a").query("after", "b"), "GET /v1/a?list=true&after=b");
    }
}
