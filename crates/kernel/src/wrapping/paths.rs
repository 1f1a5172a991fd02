//! `sys/wrapping`: fetching what was wrapped, and asking about it.
//!
//! Whoever has a wrapping token may do with it what it is for, so these doors ask for no other
//! token. It comes in the body, or is the token the request shows.

use api::{Data, Error, Everything, Moment, Path, Reply, Respond, Result, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::wrap::{Wrapped, find};
use crate::visit::Visit;

/// Everything that can be done with wrapping tokens.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("wrapping/wrap")
            .help(
                "Wrap what is sent.",
                "Keeps it, and answers with a token that fetches it once. How long it is kept \
                 stands in the header X-Vault-Wrap-TTL.",
            )
            .write(wrap),
        Path::new("wrapping/unwrap")
            .help("Fetch what a wrapping token wraps.", "Once: the token ends with it.")
            .public()
            .write(unwrap),
        Path::new("wrapping/lookup")
            .help(
                "Tell when and where something was wrapped, and for how long.",
                "The wrapping token is not used up.",
            )
            .public()
            .read(look_up)
            .write(look_up),
        Path::new("wrapping/rewrap")
            .help(
                "Wrap anew what a wrapping token wraps.",
                "For as long as at first. The old token ends.",
            )
            .public()
            .write(rewrap),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Which {
    /// The wrapping token; the token the request shows when left out.
    #[schemars(extend("x-vault-displayAttrs" = { "sensitive": true }))]
    token: Option<Value>,
}

/// What is known of something wrapped.
#[derive(JsonSchema, Serialize)]
struct WrappedView {
    /// For how many seconds it was wrapped.
    creation_ttl: u64,
    /// When it was wrapped.
    creation_time: Moment,
    /// The path whose answer it is.
    creation_path: String,
}

async fn wrap(visit: &Visit, sent: Everything) -> Result<Data<Map<String, Value>>> {
    if visit.wrap_ttl.is_none() {
        return Err(Error::invalid("endpoint requires response wrapping to be used"));
    }
    Ok(Data(sent.0))
}

async fn unwrap(visit: &Visit, which: Which) -> Result<Reply> {
    wrapped(visit, which).await?.take(visit)
}

async fn rewrap(visit: &Visit, which: Which) -> Result<Reply> {
    let info = wrapped(visit, which).await?.wrap_again(visit).await?;
    Ok(Reply::Wrapped(Box::new(info)))
}

async fn look_up(visit: &Visit, which: Which) -> Result<Reply> {
    let wrapped = wrapped(visit, which).await?;
    let view = WrappedView {
        creation_ttl: wrapped.kept_for().0,
        creation_time: wrapped.created(),
        creation_path: wrapped.holder.token.path.clone(),
    };
    Ok(Data(view).into_reply())
}

async fn wrapped(visit: &Visit, which: Which) -> Result<Wrapped> {
    let token = match (which.token, &visit.shown) {
        (Some(Value::String(text)), _) if text.is_empty() => {
            return refuse("error validating wrapping token: empty token in request body");
        }
        (Some(Value::String(text)), _) => Secret::new(text),
        (Some(_), _) => {
            return refuse(
                "error validating wrapping token: could not decode token in request body",
            );
        }
        (None, Some(shown)) => shown.clone(),
        (None, None) => return Err(Error::Unauthenticated),
    };
    find(visit, &token).await
}

fn refuse<T>(text: &str) -> Result<T> {
    Err(Error::Forbidden(text.to_owned()))
}
