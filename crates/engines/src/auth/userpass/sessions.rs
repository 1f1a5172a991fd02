//! The tokens a user holds, for operators.

use api::{Context, Error, Moment, NoContent, Page, Path, Reply, Result, Session};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Username;

pub(super) fn path() -> Path {
    Path::new("users/{username@}/sessions")
        .help(
            "List or end all tokens that a user was given by logging in.",
            "They are named by their accessors. It does not matter whether there still is such a \
             user. Ending one alone is what auth/token/revoke-accessor does.",
        )
        .folds_names()
        .list(list_sessions)
        .delete(end_sessions)
}

/// A token as its owner and operators may know it.
#[derive(Serialize)]
struct SessionView {
    /// When its owner logged in.
    issue_time: Moment,
    /// When it was last renewed.
    last_renewal_time: Option<Moment>,
    /// When it ends, unless it is renewed.
    expire_time: Option<Moment>,
    /// The address the login came from.
    address: Option<String>,
    /// Whether it is the token of the caller.
    current: bool,
}

/// The sessions of `alias`, as a listing.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn listing(context: &Context, alias: &str, page: &Page) -> Result<Reply> {
    let own = context.caller.as_ref().map(|caller| caller.accessor.as_str());
    let mut names = vec![];
    let mut about = Map::new();
    for session in context.services.sessions(alias, page).await? {
        about.insert(session.accessor.clone(), described(&session, own)?);
        names.push(session.accessor);
    }
    Ok(Reply::Keys(names, about))
}

fn described(session: &Session, own: Option<&str>) -> Result<Value> {
    let view = SessionView {
        issue_time: session.issued,
        last_renewal_time: session.renewed,
        expire_time: session.expires,
        address: session.address.map(|address| address.to_string()),
        current: own == Some(session.accessor.as_str()),
    };
    serde_json::to_value(view).map_err(Error::internal)
}

async fn list_sessions(context: &Context, (username, page): (Username, Page)) -> Result<Reply> {
    let (_, name) = username.at(context).await?;
    listing(context, &name, &page).await
}

async fn end_sessions(context: &Context, username: Username) -> Result<NoContent> {
    let (_, name) = username.at(context).await?;
    context.services.end_sessions(&name, None).await?;
    Ok(NoContent)
}
