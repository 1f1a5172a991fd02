//! `login`: from a proof to a stored token.
//!
//! How a method is logged in with is one line in `METHODS`; everything else is the same for all of
//! them, and the form of 2016 uses it too.

use client::{Request, Secret, Token};
use serde_json::{Map, Value, json};

use crate::arguments;
use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf, own};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::Flag;
use crate::help::paragraph;
use crate::session::{Doing, Session};
use crate::{prompt, token_helper};

pub(crate) static COMMAND: Command = Command {
    words: "login",
    shelf: Shelf::Common,
    synopsis: "Log in and store the token.",
    usage: "[options] [AUTH K=V...]",
    details: "Proves who you are and stores the token that comes of it, for the commands that \
              follow. Without -method the argument is a token, and is asked for when it is \
              missing.\n\n    \
              $ {} login hvs.my-token\n    $ {} login -method=userpass username=ann",
    flags: &[HTTP, FIELD, own(FLAGS)],
    arguments: Count::at_least(0, "at least 0"),
    run,
};

const FLAGS: &[Flag] = &[
    Flag::text("method", "The kind of auth method to log in with.").default("token"),
    Flag::text("path", "Where the method is enabled, when that is not its own name."),
    Flag::switch("no-store", "Do not store the token."),
    Flag::switch("no-print", "Do not print the token."),
    Flag::switch("token-only", "Print only the token, and store nothing."),
];

/// How the kinds of auth methods are logged in with.
const METHODS: [(&str, Prove); 4] =
    [("cert", certificate), ("ldap", password), ("radius", password), ("userpass", password)];

fn run(call: &Call) -> Outcome {
    let token_only = call.flags.switch("token-only");
    let store = !call.flags.switch("no-store") && !token_only;
    let print = !call.flags.switch("no-print");
    if !store && !print {
        return Err(Failure::local("-no-store and -no-print cannot be used together"));
    }
    let wrapped = if store { Wrapped::Fetch } else { Wrapped::Show };
    let secret = authenticate(call, prompt::hidden, wrapped)?;
    if secret.auth.as_ref().is_some_and(|auth| auth.mfa_requirement.is_some()) {
        return ask_for_second_factor(call, &secret);
    }
    if token_only {
        let wrapped = secret.wrap_info.as_ref().map(|wrapping| &wrapping.token);
        let token = wrapped.or(secret.auth.as_ref().map(|auth| &auth.client_token));
        call.output.say_bare(token.map(Token::expose).unwrap_or_default());
        return Ok(Exit::SUCCESS);
    }
    if store {
        keep(call, &secret)?;
    }
    if print {
        announce(call, store);
        call.output.secret(&secret)?;
    }
    Ok(Exit::SUCCESS)
}

/// Stores the token of a login for the commands that follow.
pub(super) fn keep(call: &Call, secret: &Secret) -> Result<(), Failure> {
    let Some(auth) = &secret.auth else {
        return Err(Failure::remote("the server answered without a token"));
    };
    token_helper::store(call.environment, &auth.client_token).map_err(Failure::Local)
}

fn announce(call: &Call, stored: bool) {
    if !call.output.is_table() || call.output.field().is_some() {
        return;
    }
    if stored && is_overruled(call) {
        call.output.warn(&format!(
            "{}\n",
            paragraph(
                "WARNING! The VAULT_TOKEN environment variable is set! It takes precedence over \
                 the token of this login. To use the new token, unset the variable, or set it to \
                 the token shown below."
            )
        ));
    }
    if !stored {
        call.output.warn(&format!(
            "{}\n",
            paragraph(
                "The token was not stored in token helper. Set the VAULT_TOKEN environment \
                 variable or pass the token below with each request."
            )
        ));
    }
    call.output.say(&format!(
        "{}\n",
        paragraph(
            "Success! You are now authenticated. What is shown below is already stored in the \
             token helper, and the commands that follow use it: there is no need to log in again."
        )
    ));
}

fn ask_for_second_factor(call: &Call, secret: &Secret) -> Outcome {
    call.output.warn(&format!(
        "{}\n",
        paragraph(
            "A login request was issued that is subject to MFA validation. Prove the second \
             factor by a write to sys/mfa/validate, with the request id shown below."
        )
    ));
    call.output.secret(secret)?;
    Ok(Exit::SUCCESS)
}

/// Turns what somebody brings into the request that logs in.
type Prove = fn(&Proof) -> Result<Request, Failure>;

/// How a person is asked for what must not be seen.
pub(super) type Ask = fn(&Call, &str) -> Result<zeroize::Zeroizing<String>, String>;

/// What becomes of a login whose answer was wrapped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapped {
    /// The answer is fetched, so that its token can be stored.
    Fetch,
    /// The wrapping is shown, for somebody else to fetch the answer.
    Show,
}

/// What somebody brings to prove who they are.
pub(super) struct Proof<'a> {
    call: &'a Call<'a>,
    mount: String,
    given: Map<String, Value>,
    ask: Ask,
}

/// Logs in by the method of a call.
pub(super) fn authenticate(call: &Call, ask: Ask, wrapped: Wrapped) -> Result<Secret, Failure> {
    let method = call.flags.text("method").filter(|name| !name.is_empty()).unwrap_or("token");
    if method == "token" {
        return with_token(call, ask);
    }
    let Some((_, prove)) = METHODS.iter().find(|(name, _)| *name == method) else {
        return Err(Failure::local(paragraph(&format!(
            "Unknown auth method: {method}. Use \"{} auth list\" to see the complete list of \
             auth methods. Methods this program has no words for can be used with \"write\".",
            call.program
        ))));
    };
    let request = prove(&proof(call, method, ask)?)?;
    // A stale token would be refused before the login is even looked at.
    let session = Session::open_as(call, None)?;
    let found = session.perform(request).doing("Error authenticating")?;
    let secret =
        found.ok_or_else(|| Failure::remote("Error authenticating: the answer is empty"))?;
    match &secret.wrap_info {
        Some(wrapping) if wrapped == Wrapped::Fetch => {
            let token = Some(wrapping.token.clone());
            let found = super::unwrap::fetch(session.without_wrapping(), token);
            found.doing("Error unwrapping")?.ok_or_else(|| {
                Failure::remote("Error unwrapping: there was no login in the wrapped answer")
            })
        }
        Some(_) | None => Ok(secret),
    }
}

fn proof<'a>(call: &'a Call, method: &str, ask: Ask) -> Result<Proof<'a>, Failure> {
    let mut given = arguments::parse_secrets(&call.arguments, &super::write::input(call))?;
    let mount = take(&mut given, "mount").or_else(|| call.flags.text("path").map(str::to_owned));
    let mount = mount.map(|path| path.trim_matches('/').to_owned()).filter(|path| !path.is_empty());
    Ok(Proof { call, mount: mount.unwrap_or_else(|| method.to_owned()), given, ask })
}

fn take(given: &mut Map<String, Value>, key: &str) -> Option<String> {
    given.remove(key)?.as_str().map(str::to_owned)
}

/// A name and a password.
fn password(proof: &Proof) -> Result<Request, Failure> {
    let mut body = proof.given.clone();
    let Some(username) = take(&mut body, "username").filter(|name| !name.is_empty()) else {
        return Err(Failure::remote("Error authenticating: 'username' must be specified"));
    };
    if !body.contains_key("password") {
        let password = (proof.ask)(proof.call, "Password").map_err(|cause| {
            Failure::remote(format!("Error authenticating: 'password' not supplied: {cause}"))
        })?;
        body.insert("password".to_owned(), json!(password.as_str()));
    }
    let request = Request::put(&format!("auth/{}/login/{username}", proof.mount));
    super::write::with_body(request, &body)
}

/// The client's own certificate, which the connection has shown already.
fn certificate(proof: &Proof) -> Result<Request, Failure> {
    let request = Request::put(&format!("auth/{}/login", proof.mount));
    super::write::with_body(request, &proof.given)
}

/// A token that exists already: it is looked up, so that a wrong one is not stored.
fn with_token(call: &Call, ask: Ask) -> Result<Secret, Failure> {
    if call.flags.text("path").is_some_and(|path| path.trim_matches('/') != "token") {
        return Err(Failure::remote(
            "Error authenticating: Token authentication does not support custom paths",
        ));
    }
    match given_token(call, ask)? {
        (token, Check::LookUp) => look_up(call, token),
        (token, Check::Believe) => Ok(believed(token)),
    }
}

/// The token a call brings, as a login that nobody has tried.
pub(super) fn unverified(call: &Call, ask: Ask) -> Result<Secret, Failure> {
    Ok(believed(given_token(call, ask)?.0))
}

fn believed(token: Token) -> Secret {
    let auth = client::Auth { client_token: token, ..client::Auth::default() };
    Secret { auth: Some(auth), ..Secret::default() }
}

/// Whether a token is tried before it is stored.
enum Check {
    LookUp,
    Believe,
}

fn given_token(call: &Call, ask: Ask) -> Result<(Token, Check), Failure> {
    let (token, check) = brought_token(call, ask)?;
    if token.is_empty() {
        return Err(Failure::remote("Error authenticating: a token must be passed to auth"));
    }
    Ok((token, check))
}

fn brought_token(call: &Call, ask: Ask) -> Result<(Token, Check), Failure> {
    let input = super::write::input(call);
    let (words, pairs): (Vec<_>, Vec<_>) =
        call.arguments.iter().cloned().partition(|word| !word.contains('=') && word != "-");
    if words.len() > 1 {
        let text = format!("Too many arguments (expected 0-1, got {})", words.len());
        return Err(Failure::local(text));
    }
    if pairs.iter().any(|word| word == "-") {
        return Ok((Token::new(input.read().map_err(Failure::Local)?), Check::LookUp));
    }
    let mut given = arguments::parse_secrets(&pairs, &input)?;
    let lookup = take(&mut given, "lookup");
    let check = if lookup.as_deref() == Some("false") { Check::Believe } else { Check::LookUp };
    if let Some(word) = words.first() {
        return Ok((Token::new(word), check));
    }
    if let Some(text) = take(&mut given, "token") {
        return Ok((Token::new(text), check));
    }
    let typed = ask(call, "Token").map_err(|cause| {
        Failure::remote(format!("Error authenticating: 'token' not supplied: {cause}"))
    })?;
    Ok((Token::new(typed.as_str()), check))
}

fn look_up(call: &Call, token: Token) -> Result<Secret, Failure> {
    let session = Session::open_as(call, Some(token.clone()))?.without_wrapping();
    let found = session.perform(Request::get("auth/token/lookup-self"));
    let found = found.doing("Error authenticating: error looking up token")?;
    let secret = found
        .ok_or_else(|| Failure::remote("Error authenticating: the server knows no such token"))?;
    let list =
        |key: &str| Some(crate::output::texts(secret.value(key))).filter(|list| !list.is_empty());
    let text = |key: &str| secret.value(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let token_policies = list("policies");
    let identity_policies = list("identity_policies");
    let mut policies = token_policies.clone().unwrap_or_default();
    policies.extend(identity_policies.clone().unwrap_or_default());
    policies.sort_unstable();
    policies.dedup();
    let metadata = secret.value("meta").and_then(Value::as_object);
    let auth = client::Auth {
        client_token: token,
        accessor: text("accessor"),
        policies: Some(policies),
        token_policies,
        identity_policies,
        metadata: metadata.map(|entries| entries.clone().into_iter().collect()),
        orphan: secret.value("orphan").and_then(Value::as_bool).unwrap_or(false),
        entity_id: text("entity_id"),
        lease_duration: secret.value("ttl").and_then(Value::as_i64).unwrap_or(0),
        renewable: secret.value("renewable").and_then(Value::as_bool).unwrap_or(false),
        mfa_requirement: None,
    };
    Ok(Secret { request_id: secret.request_id, auth: Some(auth), ..Secret::default() })
}

/// Whether a token is set in the environment, which goes before that of any login.
pub(super) fn is_overruled(call: &Call) -> bool {
    call.environment.setting("TOKEN").is_some()
}
