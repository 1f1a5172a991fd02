//! `read`: what is at a path.

use client::Request;

use crate::arguments;
use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::session::{Doing, Session};

pub(crate) static COMMAND: Command = Command {
    words: "read",
    shelf: Shelf::Common,
    synopsis: "Show what is at a path.",
    usage: "[options] PATH [DATA K=V...]",
    details: "Reads what is at a path. Data given as key=value becomes the query of the \
              request.\n\n    $ {} read secret/my-secret",
    flags: &[HTTP, FIELD],
    arguments: Count::at_least(1, "at least 1"),
    run,
};

fn run(call: &Call) -> Outcome {
    let path = call.path(0);
    let request = with_query(Request::get(&path), call)?;
    let session = Session::open(call)?;
    let doing = format!("Error reading {path}");
    if call.output.format == Format::Raw {
        return match session.send(request) {
            Err(trouble) if trouble.status() == Some(404) => Err(nothing(&path)),
            answered => {
                call.output.say_bytes(&answered.doing(&doing)?.body);
                Ok(Exit::SUCCESS)
            }
        };
    }
    let Some(secret) = session.find(request).doing(&doing)? else {
        return Err(nothing(&path));
    };
    call.output.secret(&secret)?;
    Ok(Exit::SUCCESS)
}

fn nothing(path: &str) -> Failure {
    Failure::remote(format!("No value found at {path}"))
}

/// Puts the data arguments of a call into the query of a request.
pub(super) fn with_query(request: Request, call: &Call) -> Result<Request, Failure> {
    let data = arguments::parse(call.rest(1), &super::write::input(call))?;
    let pairs = arguments::query(&data);
    Ok(pairs.iter().fold(request, |request, (name, value)| request.query(name, value)))
}
