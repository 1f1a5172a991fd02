//! What can go wrong between a client and its server, in the words that scripts match on.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::secret::Secret;

/// Why a request brought no result.
#[derive(Debug)]
pub enum Error {
    /// The client could not be built, or the request could not be put into words.
    Settings(String),
    /// The request did not reach the server, or the answer did not reach the client.
    Transport {
        /// The verb that was used.
        method: Method,
        /// The whole URL.
        url: String,
        /// What happened, such as `dial tcp 127.0.0.1:8200: connect: connection refused`.
        cause: String,
    },
    /// The server answered, and refused.
    Refused(Box<Answer>),
    /// The server answered something that is not of this API.
    Unreadable(String),
}

/// An answer that is an error.
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The verb that was used.
    pub method: Method,
    /// The whole URL that was asked.
    pub url: String,
    /// The namespace of the request, as the client was told.
    pub namespace: Option<String>,
    /// The texts of the server, or `None` when the body was not in the form of this API.
    pub errors: Option<Vec<String>>,
    /// The body as it came.
    pub body: Bytes,
}

impl Answer {
    /// Reads the error texts out of a body.
    pub(crate) fn errors_in(body: &[u8]) -> Option<Vec<String>> {
        #[derive(Deserialize)]
        struct Errors {
            errors: Vec<Value>,
        }
        let parsed: Errors = serde_json::from_slice(body).ok()?;
        let texts = parsed.errors.into_iter().map(|error| match error {
            Value::String(text) => text,
            other => other.to_string(),
        });
        Some(texts.collect())
    }

    /// The envelope of an answer that carries data or warnings in spite of being an error.
    pub fn secret(&self) -> Option<Secret> {
        let secret: Secret = serde_json::from_slice(&self.body).ok()?;
        let says_something = secret.data.is_some() || !secret.warnings().is_empty();
        says_something.then_some(secret)
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}: {}", self.method, self.url, self.status)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Error making API request.\n\n")?;
        if let Some(namespace) = &self.namespace {
            writeln!(formatter, "Namespace: {namespace}")?;
        }
        writeln!(formatter, "URL: {} {}", self.method, self.url)?;
        let Some(errors) = &self.errors else {
            let body = String::from_utf8_lossy(&self.body);
            return write!(formatter, "Code: {}. Raw Message:\n\n{body}", self.status);
        };
        write!(formatter, "Code: {}. Errors:\n\n", self.status)?;
        let bullets: Vec<String> = errors.iter().map(|error| format!("* {error}")).collect();
        formatter.write_str(&bullets.join("\n"))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Settings(text) | Error::Unreadable(text) => formatter.write_str(text),
            Error::Transport { method, url, cause } => {
                write!(formatter, "{} {url:?}: {cause}", title_case(method.as_str()))
            }
            Error::Refused(answer) => answer.fmt(formatter),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The HTTP status of the answer, when there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Error::Refused(answer) => Some(answer.status),
            Error::Settings(_) | Error::Transport { .. } | Error::Unreadable(_) => None,
        }
    }
}

fn title_case(verb: &str) -> String {
    let (first, rest) = verb.split_at_checked(1).unwrap_or((verb, ""));
    format!("{}{}", first.to_uppercase(), rest.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(namespace: Option<&str>, body: &'static str, expected: &str) {
        let answer = Answer {
            status: 403,
            method: Method::PUT,
            url: "http://127.0.0.1:8200/v1/kv/x".to_owned(),
            namespace: namespace.map(str::to_owned),
            errors: Answer::errors_in(body.as_bytes()),
            body: Bytes::from_static(body.as_bytes()),
        };
        assert_eq!(Error::Refused(Box::new(answer)).to_string(), expected);
    }

    #[test]
    fn a_refusal_reads_as_scripts_expect_it() {
        check(
            None,
            r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#,
            "Error making API request.\n\nURL: PUT http://127.0.0.1:8200/v1/kv/x\n\
             Code: 403. Errors:\n\n* 1 error occurred:\n\t* permission denied\n\n",
        );
        check(
            Some("ns1/"),
            r#"{"errors":["a","b"]}"#,
            "Error making API request.\n\nNamespace: ns1/\nURL: PUT http://127.0.0.1:8200/v1/kv/x\n\
             Code: 403. Errors:\n\n* a\n* b",
        );
        check(
            None,
            "<html>no</html>",
            "Error making API request.\n\nURL: PUT http://127.0.0.1:8200/v1/kv/x\n\
             Code: 403. Raw Message:\n\n<html>no</html>",
        );
        check(
            None,
            r#"{"errors":[]}"#,
            "Error making API request.\n\nURL: PUT http://127.0.0.1:8200/v1/kv/x\n\
             Code: 403. Errors:\n\n",
        );
    }

    #[test]
    fn a_transport_error_names_verb_url_and_cause() {
        let error = Error::Transport {
            method: Method::GET,
            url: "https://127.0.0.1:8200/v1/sys/seal-status".to_owned(),
            cause: "dial tcp 127.0.0.1:8200: connect: connection refused".to_owned(),
        };
        assert_eq!(
            error.to_string(),
            "Get \"https://127.0.0.1:8200/v1/sys/seal-status\": \
             dial tcp 127.0.0.1:8200: connect: connection refused"
        );
    }
}
