//! `write`: data to a path.

use client::Request;
use serde_json::{Map, Value};

use crate::arguments::{self, Input};
use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf, own};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::Flag;
use crate::session::{Session, Trouble};

pub(crate) static COMMAND: Command = Command {
    words: "write",
    shelf: Shelf::Common,
    synopsis: "Write data to a path.",
    usage: "[options] PATH [DATA K=V...]",
    details: "Writes data to a path. A value that begins with @ is read from that file, and the \
              value - from the standard input. Lists and objects are sent as JSON: the argument - \
              reads all of the data from the standard input, and @file from a file.\n\n    \
              $ {} write auth/userpass/users/ann password=- policies=dev\n    \
              $ {} write sys/batch @operations.json",
    flags: &[HTTP, FIELD, own(&[FORCE])],
    arguments: Count::at_least(1, "at least 1"),
    run,
};

/// Lets a write go without data.
pub(super) const FORCE: Flag = Flag::switch("force", "Write even without any data.").alias("f");

fn run(call: &Call) -> Outcome {
    send(call, Request::put(&call.path(0)))
}

/// Sends the data arguments with a request, and tells what came of it.
pub(super) fn send(call: &Call, request: Request) -> Outcome {
    let path = call.path(0);
    let data = data(call, 1)?;
    let request = with_body(request, &data)?;
    let session = Session::open(call)?;
    let doing = format!("Error writing data to {path}");
    let Some(secret) =
        session.perform(request).map_err(|trouble| refused(call, trouble, &doing))?
    else {
        if call.output.field().is_some() {
            return Err(Failure::local(format!("No data found at {path}")));
        }
        call.output.tell(&format!("Success! Data written to: {path}"));
        return Ok(Exit::SUCCESS);
    };
    call.output.secret(&secret)?;
    Ok(Exit::SUCCESS)
}

/// The data arguments of a write, which must not be empty by accident.
pub(super) fn data(call: &Call, from: usize) -> Result<Map<String, Value>, Failure> {
    let given = call.rest(from);
    if given.is_empty() && !call.flags.switch("force") {
        return Err(Failure::local("Must supply data or use -force"));
    }
    arguments::parse(given, &input(call))
}

/// A request with a JSON body.
pub(super) fn with_body(
    request: Request,
    body: &impl serde::Serialize,
) -> Result<Request, Failure> {
    request.json(body).map_err(|error| Failure::local(error.to_string()))
}

/// The standard input, or nothing when nobody may be waited for.
pub(super) fn input(call: &Call) -> Input {
    if call.flags.switch("non-interactive") { Input::empty() } else { Input::standard() }
}

/// Shows what a refusal brought along before it ends the command.
fn refused(call: &Call, trouble: Trouble, doing: &str) -> Failure {
    if let Some(secret) = trouble.brought()
        && let Err(failure) = call.output.secret(&secret)
    {
        return failure;
    }
    trouble.while_doing(doing)
}
