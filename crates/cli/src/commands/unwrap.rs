//! `unwrap`: the answer that waits behind a wrapping token.

use client::{Request, Secret, Token};
use serde_json::json;

use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf};
use crate::failure::{Exit, Failure, Outcome};
use crate::session::{self, Doing, Session, Trouble};

pub(crate) static COMMAND: Command = Command {
    words: "unwrap",
    shelf: Shelf::Common,
    synopsis: "Fetch what a wrapping token stands for.",
    usage: "[options] [TOKEN]",
    details: "Exchanges a wrapping token, once, for the answer it stands for. Without TOKEN the \
              token of the last login is taken for the wrapping token.\n\n    $ {} unwrap \
              hvs.wrapping-token",
    flags: &[HTTP, FIELD],
    arguments: Count::between(0, 1, "0-1"),
    run,
};

fn run(call: &Call) -> Outcome {
    let own = session::effective_token(call)?;
    let session = Session::open_as(call, own)?.without_wrapping();
    let wrapped = Some(call.argument(0)).filter(|text| !text.is_empty()).map(Token::new);
    let found = fetch(session, wrapped).doing("Error unwrapping")?;
    let Some(secret) = found else {
        let text = "Successfully unwrapped. There was no data in the wrapped secret.";
        if call.output.field().is_some() {
            return Err(Failure::local(text));
        }
        call.output.tell(text);
        return Ok(Exit::SUCCESS);
    };
    call.output.secret(&secret)?;
    Ok(Exit::SUCCESS)
}

/// Fetches what a wrapping token stands for: as oneself when there is a token of one's own,
/// otherwise as the wrapping token.
pub(super) fn fetch(session: Session, wrapped: Option<Token>) -> Result<Option<Secret>, Trouble> {
    let request = Request::put("sys/wrapping/unwrap");
    let Some(wrapped) = wrapped else { return session.perform(request) };
    if session.settings().token.as_ref().is_none_or(|own| *own == wrapped) {
        return session.acting_as(Some(wrapped)).perform(request);
    }
    session.perform(request.json(&json!({ "token": wrapped.expose() }))?)
}
