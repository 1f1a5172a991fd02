//! The client: from a [`Request`] to a [`Response`], a [`Secret`] or an [`Error`].
//!
//! [`Client::exchange`] hands over whatever the server said; [`Client::send`] turns refusals into
//! errors; [`Client::find`] and [`Client::perform`] read the envelope. The short verbs (`read`,
//! `list`, `write` …) stand on those.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Answer, Error};
use crate::request::Request;
use crate::secret::Secret;
use crate::settings::{Redirects, Settings};
use crate::token::Token;
use crate::transport::{self, Transport};

/// The longest answer that is read. Nothing the API hands out in one piece comes near it.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A client of one server. Clones share their connections, and several requests may run at once.
#[derive(Clone)]
pub struct Client {
    settings: Settings,
    base: String,
    transport: Transport,
}

/// What the server said, whether it is good news or not.
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// The headers of the answer.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
    /// The URL that answered, after a redirect the second one.
    pub url: String,
}

impl Client {
    /// Prepares a client. Nothing is sent, but certificates are read.
    pub fn new(settings: Settings) -> Result<Client, Error> {
        let base = settings.address.trim().trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|_| unusable(&base))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(unusable(&base));
        }
        let transport = transport::open(&settings)?;
        Ok(Client { settings, base, transport })
    }

    /// What the client was made from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The same client, acting as somebody else or as nobody.
    pub fn with_token(&self, token: Option<Token>) -> Client {
        let mut other = self.clone();
        other.settings.token = token;
        other
    }

    /// The same client, with its answers wrapped for a time or not at all.
    pub fn with_wrap_ttl(&self, wrap_ttl: Option<String>) -> Client {
        let mut other = self.clone();
        other.settings.wrap_ttl = wrap_ttl;
        other
    }

    /// The URL a request goes to.
    pub fn url(&self, request: &Request) -> String {
        format!("{}{}", self.base, request.target())
    }

    /// Reads what is at a path; `None` when there is nothing.
    pub async fn read(&self, path: &str) -> Result<Option<Secret>, Error> {
        self.find(Request::get(path)).await
    }

    /// Lists what is below a path; `None` when there is nothing.
    pub async fn list(&self, path: &str) -> Result<Option<Secret>, Error> {
        self.find(Request::list(path)).await
    }

    /// Writes to a path.
    pub async fn write(&self, path: &str, body: &impl Serialize) -> Result<Option<Secret>, Error> {
        self.perform(Request::put(path).json(body)?).await
    }

    /// Changes part of what is at a path.
    pub async fn patch(&self, path: &str, body: &impl Serialize) -> Result<Option<Secret>, Error> {
        self.perform(Request::patch(path).json(body)?).await
    }

    /// Deletes what is at a path.
    pub async fn delete(&self, path: &str) -> Result<Option<Secret>, Error> {
        self.perform(Request::delete(path)).await
    }

    /// Sends a request that may find nothing: a 404 is an answer here, and not an error.
    pub async fn find(&self, request: Request) -> Result<Option<Secret>, Error> {
        match self.perform(request).await {
            Err(Error::Refused(answer)) if answer.status == StatusCode::NOT_FOUND => {
                Ok(answer.secret())
            }
            outcome => outcome,
        }
    }

    /// Sends a request and reads the envelope of the answer; `None` when the answer is empty.
    pub async fn perform(&self, request: Request) -> Result<Option<Secret>, Error> {
        self.send(request).await?.secret()
    }

    /// Sends a request and turns every refusal into an error.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let method = request.method.clone();
        let response = self.exchange(request).await?;
        if response.status < 400 {
            return Ok(response);
        }
        Err(Error::Refused(Box::new(Answer {
            status: response.status,
            method,
            url: response.url,
            namespace: self.settings.namespace.clone(),
            errors: Answer::errors_in(&response.body),
            body: response.body,
        })))
    }

    /// Sends a request and hands over whatever the server said, refusals included.
    pub async fn exchange(&self, request: Request) -> Result<Response, Error> {
        let method = request.method.clone();
        let url = self.url(&request);
        let limit = self.settings.timeout;
        match tokio::time::timeout(limit, self.follow(request)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let cause = format!("no answer within {} seconds", limit.as_secs());
                Err(Error::Transport { method, url, cause })
            }
        }
    }

    /// Goes where the server points, once, and never from a protected connection to an open one.
    async fn follow(&self, request: Request) -> Result<Response, Error> {
        let first = self.url(&request);
        let response = self.once(&request, &first).await?;
        let redirected = matches!(response.status, 301 | 302 | 307 | 308);
        if !redirected || self.settings.redirects == Redirects::Ignore {
            return Ok(response);
        }
        let location = response.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(second) = location.and_then(|location| self.resolve(location)) else {
            return Ok(response);
        };
        if first.starts_with("https:") && !second.starts_with("https:") {
            let cause = "redirect would cause protocol downgrade".to_owned();
            return Err(Error::Transport { method: request.method, url: first, cause });
        }
        self.once(&request, &second).await
    }

    /// The URL a `Location` header means, which may lack the address.
    fn resolve(&self, location: &str) -> Option<String> {
        if location.starts_with("http://") || location.starts_with("https://") {
            return Some(location.to_owned());
        }
        let uri: Uri = self.base.parse().ok()?;
        let origin = format!("{}://{}", uri.scheme_str()?, uri.authority()?);
        location.starts_with('/').then(|| format!("{origin}{location}"))
    }

    async fn once(&self, request: &Request, url: &str) -> Result<Response, Error> {
        let failed = |cause: String| Error::Transport {
            method: request.method.clone(),
            url: url.to_owned(),
            cause,
        };
        let uri: Uri = url.parse().map_err(|_| failed("this is not a URL".to_owned()))?;
        let authority = authority_of(&uri);
        let body = Full::new(Bytes::from(request.body.clone().unwrap_or_default()));
        let mut message = http::Request::new(body);
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = uri;
        *message.headers_mut() = self.headers(request)?;
        let answer = self
            .transport
            .request(message)
            .await
            .map_err(|error| failed(transport::cause_of(&error, &authority)))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|cause| failed(format!("the answer broke off: {cause}")))?
            .to_bytes();
        Ok(Response {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            url: url.to_owned(),
        })
    }

    fn headers(&self, request: &Request) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        set(&mut headers, "X-Vault-Request", "true")?;
        if request.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(token) = self.settings.token.as_ref().filter(|token| !token.is_empty()) {
            set(&mut headers, "X-Vault-Token", token.expose())?;
        }
        if let Some(namespace) = &self.settings.namespace {
            set(&mut headers, "X-Vault-Namespace", namespace)?;
        }
        if let Some(wrap_ttl) = self.wrap_ttl(request) {
            set(&mut headers, "X-Vault-Wrap-TTL", wrap_ttl)?;
        }
        for (name, value) in self.settings.headers.iter().chain(&request.headers) {
            set(&mut headers, name, value)?;
        }
        Ok(headers)
    }

    /// Asking to wrap something is pointless without a time, so that one path has a time of its
    /// own.
    fn wrap_ttl(&self, request: &Request) -> Option<&str> {
        let writes = request.method == Method::PUT || request.method == Method::POST;
        let configured = self.settings.wrap_ttl.as_deref();
        configured.or_else(|| (writes && request.path == "sys/wrapping/wrap").then_some("5m"))
    }
}

impl Response {
    /// Reads the envelope; `None` when the answer is empty.
    pub fn secret(&self) -> Result<Option<Secret>, Error> {
        if self.body.is_empty() {
            return Ok(None);
        }
        self.json().map(Some)
    }

    /// Reads the body as JSON of a known form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|cause| {
            // The position is enough: the text around it may be a secret.
            Error::Unreadable(format!(
                "the answer of {} is not the JSON it should be (line {}, column {})",
                self.url,
                cause.line(),
                cause.column()
            ))
        })
    }
}

fn set(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Error> {
    let parsed_name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Error::Settings(format!("{name:?} cannot be the name of a header")))?;
    let mut parsed_value = HeaderValue::from_str(value).map_err(|_| {
        Error::Settings(format!("the value of the header {name} has characters no header may have"))
    })?;
    parsed_value.set_sensitive(parsed_name == AUTHORIZATION || name.ends_with("-Token"));
    headers.insert(parsed_name, parsed_value);
    Ok(())
}

fn authority_of(uri: &Uri) -> String {
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    format!("{}:{port}", uri.host().unwrap_or_default())
}

fn unusable(address: &str) -> Error {
    Error::Settings(format!(
        "{address:?} is not an address; try one such as \"https://127.0.0.1:8200\""
    ))
}
