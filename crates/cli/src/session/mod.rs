//! A command's line to the server: the client, made from flags and environment, and waited for.
//!
//! With `-output-curl-string` or `-output-policy` the first request is described instead of sent.
//! That is decided here, once, so no command knows about it.

use client::{
    Client, ClientCertificate, Redirects, Request, Response, Secret, Settings, Token, Trust,
};
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::command::Call;
use crate::failure::Failure;
use crate::output::duration;
use crate::token_helper;

mod instead;

/// A client, and the runtime it runs on.
pub(crate) struct Session {
    client: Client,
    runtime: Runtime,
    instead: Option<Instead>,
    program: String,
}

/// What is printed instead of sending a request.
#[derive(Clone, Copy)]
enum Instead {
    Curl,
    Policy,
}

/// Why a request brought no result.
pub(crate) enum Trouble {
    /// The client says so.
    Client(client::Error),
    /// It was described instead of sent.
    Described(String),
}

impl From<client::Error> for Trouble {
    fn from(error: client::Error) -> Trouble {
        Trouble::Client(error)
    }
}

impl Trouble {
    /// The HTTP status of the answer, when there was one.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Trouble::Client(error) => error.status(),
            Trouble::Described(_) => None,
        }
    }

    /// Whether the server has nothing there, and says no more about it.
    pub(crate) fn is_absence(&self) -> bool {
        match self {
            Trouble::Client(client::Error::Refused(answer)) if answer.status == 404 => {
                match &answer.errors {
                    Some(errors) => errors.is_empty(),
                    // What is no answer of this API, such as a page of a proxy, must be shown.
                    None => answer.body.is_empty() || answer.secret().is_some(),
                }
            }
            Trouble::Client(_) | Trouble::Described(_) => false,
        }
    }

    /// What a refusal brought along besides its errors.
    pub(crate) fn brought(&self) -> Option<Secret> {
        match self {
            Trouble::Client(client::Error::Refused(answer)) => answer.secret(),
            Trouble::Client(_) | Trouble::Described(_) => None,
        }
    }

    /// The failure of a command that was doing this.
    pub(crate) fn while_doing(self, what: &str) -> Failure {
        match self {
            Trouble::Client(error) => Failure::Remote(format!("{what}: {error}")),
            Trouble::Described(text) => Failure::Instead(text),
        }
    }
}

/// Says what a command was doing when a request brought no result.
pub(crate) trait Doing<T> {
    /// Turns trouble into the failure of a command that was doing this.
    fn doing(self, what: &str) -> Result<T, Failure>;
}

impl<T> Doing<T> for Result<T, Trouble> {
    fn doing(self, what: &str) -> Result<T, Failure> {
        self.map_err(|trouble| trouble.while_doing(what))
    }
}

impl Session {
    /// Opens a session for a call, with the token from the environment or from the last login.
    pub(crate) fn open(call: &Call) -> Result<Session, Failure> {
        let token = effective_token(call)?;
        Session::open_as(call, token)
    }

    /// Opens a session as somebody else or as nobody.
    pub(crate) fn open_as(call: &Call, token: Option<Token>) -> Result<Session, Failure> {
        let client = Client::new(settings(call, token)?)
            .map_err(|error| Failure::remote(format!("Error initializing client: {error}")))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|cause| Failure::remote(format!("Error initializing client: {cause}")))?;
        let curl = call.flags.switch("output-curl-string").then_some(Instead::Curl);
        let policy = call.flags.switch("output-policy").then_some(Instead::Policy);
        Ok(Session { client, runtime, instead: curl.or(policy), program: call.program.to_owned() })
    }

    /// The same session as somebody else or as nobody.
    pub(crate) fn acting_as(mut self, token: Option<Token>) -> Session {
        self.client = self.client.with_token(token);
        self
    }

    /// The same session, with no answer wrapped.
    pub(crate) fn without_wrapping(mut self) -> Session {
        self.client = self.client.with_wrap_ttl(None);
        self
    }

    /// The settings of the client.
    pub(crate) fn settings(&self) -> &Settings {
        self.client.settings()
    }

    /// Whether requests are only described.
    pub(crate) fn only_describes(&self) -> bool {
        self.instead.is_some()
    }

    /// Sends a request that may find nothing.
    pub(crate) fn find(&self, request: Request) -> Result<Option<Secret>, Trouble> {
        self.describe(&request)?;
        Ok(self.runtime.block_on(self.client.find(request))?)
    }

    /// Sends a request and reads the envelope of the answer.
    pub(crate) fn perform(&self, request: Request) -> Result<Option<Secret>, Trouble> {
        self.describe(&request)?;
        Ok(self.runtime.block_on(self.client.perform(request))?)
    }

    /// Sends a request and hands over the answer as it came.
    pub(crate) fn send(&self, request: Request) -> Result<Response, Trouble> {
        self.describe(&request)?;
        Ok(self.runtime.block_on(self.client.send(request))?)
    }

    /// Sends a request whose answer is JSON without an envelope.
    pub(crate) fn bare<T: DeserializeOwned>(&self, request: Request) -> Result<T, Trouble> {
        Ok(self.send(request)?.json()?)
    }

    /// Sends a request whose answer a command needs only to know what to do: it is never wrapped
    /// and never described.
    pub(crate) fn preflight(&self, request: Request) -> Result<Option<Secret>, client::Error> {
        let client = self.client.with_wrap_ttl(None);
        self.runtime.block_on(client.perform(request))
    }

    fn describe(&self, request: &Request) -> Result<(), Trouble> {
        match self.instead {
            None => Ok(()),
            Some(Instead::Curl) => {
                Err(Trouble::Described(instead::curl(&self.client, request, &self.program)))
            }
            Some(Instead::Policy) => Err(Trouble::Described(instead::policy(request))),
        }
    }
}

/// The token a call acts with: the environment beats the last login.
pub(crate) fn effective_token(call: &Call) -> Result<Option<Token>, Failure> {
    if let Some(token) = call.environment.setting("TOKEN") {
        return Ok(Some(Token::new(token)));
    }
    token_helper::load(call.environment)
        .map_err(|cause| Failure::local(format!("Error getting token: {cause}")))
}

fn settings(call: &Call, token: Option<Token>) -> Result<Settings, Failure> {
    let text =
        |name: &str| call.flags.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let mut settings = Settings { token, trust: trust(call), ..Settings::default() };
    if let Some(address) = text("agent-address").or_else(|| text("address")) {
        settings.address = address;
    }
    settings.client_certificate = match (text("client-cert"), text("client-key")) {
        (Some(certificate), Some(key)) => {
            Some(ClientCertificate { certificate: certificate.into(), key: key.into() })
        }
        (None, None) => None,
        _ => {
            return Err(Failure::remote(
                "Error initializing client: both client cert and client \
            key must be provided",
            ));
        }
    };
    // A namespace always ends in a slash, and the root has no name.
    let namespace = text("namespace").map(|name| name.trim_matches('/').to_owned());
    settings.namespace = namespace.filter(|name| !name.is_empty()).map(|name| format!("{name}/"));
    settings.server_name = text("tls-server-name");
    // Less than no time goes to the server as well, which says what is wrong with it.
    let wrap_ttl = call.flags.seconds("wrap-ttl").filter(|seconds| *seconds != 0);
    settings.wrap_ttl = wrap_ttl.map(duration::go);
    settings.headers = headers(call)?;
    if call.flags.switch("disable-redirects") {
        settings.redirects = Redirects::Ignore;
    }
    if let Some(limit) = call.environment.setting("CLIENT_TIMEOUT") {
        let seconds = duration::parse(limit).and_then(|seconds| u64::try_from(seconds).ok());
        let seconds = seconds.ok_or_else(|| {
            Failure::remote(format!(
                "Error initializing client: {limit:?} is not a timeout; try \"60s\""
            ))
        })?;
        settings.timeout = std::time::Duration::from_secs(seconds);
    }
    Ok(settings)
}

fn trust(call: &Call) -> Trust {
    let file = |name: &str| call.flags.text(name).filter(|path| !path.is_empty());
    if call.flags.switch("tls-skip-verify") {
        return Trust::Anyone;
    }
    if let Some(pem) = call.environment.setting("CACERT_BYTES")
        && !call.flags.given("ca-cert")
    {
        return Trust::Pem(pem.to_owned());
    }
    if let Some(path) = file("ca-cert") {
        return Trust::File(path.into());
    }
    file("ca-path").map_or(Trust::Platform, |path| Trust::Folder(path.into()))
}

fn headers(call: &Call) -> Result<Vec<(String, String)>, Failure> {
    let mut headers = Vec::new();
    for (name, value) in call.flags.map("header") {
        if name.to_ascii_lowercase().starts_with("x-vault-") {
            return Err(Failure::remote(format!(
                "failed to setup Headers[{name}]: Header starting by 'X-Vault-' are for internal \
                 usage only"
            )));
        }
        headers.push((name, value));
    }
    let proofs = call.flags.list("mfa");
    if !proofs.is_empty() {
        headers.push(("X-Vault-MFA".to_owned(), proofs.join(",")));
    }
    if call.flags.switch("policy-override") {
        headers.push(("X-Vault-Policy-Override".to_owned(), "true".to_owned()));
    }
    Ok(headers)
}
