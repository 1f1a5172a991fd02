//! `delete`: what is at a path.

use client::Request;

use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf};
use crate::failure::{Exit, Outcome};
use crate::session::{Doing, Session};

pub(crate) static COMMAND: Command = Command {
    words: "delete",
    shelf: Shelf::Common,
    synopsis: "Delete what is at a path.",
    usage: "[options] PATH [DATA K=V...]",
    details: "Deletes what is at a path. It is no error when there is nothing.\n\n    $ {} \
              delete secret/my-secret",
    flags: &[HTTP, FIELD],
    arguments: Count::at_least(1, "at least 1"),
    run,
};

fn run(call: &Call) -> Outcome {
    let path = call.path(0);
    let request = super::read::with_query(Request::delete(&path), call)?;
    let session = Session::open(call)?;
    match session.perform(request).doing(&format!("Error deleting {path}"))? {
        Some(secret) => call.output.secret(&secret)?,
        None => call.output.tell(&format!("Success! Data deleted (if it existed) at: {path}")),
    }
    Ok(Exit::SUCCESS)
}
