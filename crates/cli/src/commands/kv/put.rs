//! `kv put`: a secret, whole.

use client::Request;
use serde_json::{Map, Value, json};

use super::{CHECK_AND_SET, MOUNT, Place, show_written};
use crate::arguments;
use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf, own};
use crate::commands::write;
use crate::failure::{Exit, Failure, Outcome};
use crate::session::{Doing, Session};

pub(crate) static COMMAND: Command = Command {
    words: "kv put",
    shelf: Shelf::Other,
    synopsis: "Store a secret.",
    usage: "[options] KEY [DATA]",
    details: "Stores a secret. What was there before is replaced, or becomes an older \
              version.\n\n    \
              $ {} kv put -mount=secret app password=-\n    $ {} kv put secret/app @app.json",
    flags: &[HTTP, FIELD, own(&[MOUNT, CHECK_AND_SET])],
    arguments: Count::at_least(1, ">1"),
    run,
};

fn run(call: &Call) -> Outcome {
    if call.rest(1).is_empty() {
        return Err(Failure::local("Must supply data"));
    }
    let data = arguments::parse(call.rest(1), &write::input(call))?;
    let session = Session::open(call)?;
    let place = Place::find(call, &session)?;
    if check_and_set(call).is_some() {
        place.need_versions("Check-and-set")?;
    }
    store(call, &session, &place, data)
}

/// Writes a whole secret and tells what came of it.
fn store(call: &Call, session: &Session, place: &Place, data: Map<String, Value>) -> Outcome {
    let path = place.path("data");
    let body = if place.versioned { body(call, data) } else { Value::Object(data) };
    let request = write::with_body(Request::put(&path), &body)?;
    let answer = session.perform(request).doing(&format!("Error writing data to {path}"))?;
    match answer {
        Some(secret) if place.versioned => show_written(call, &path, &secret)?,
        Some(secret) => call.output.secret(&secret)?,
        None => call.output.tell(&format!("Success! Data written to: {path}")),
    }
    Ok(Exit::SUCCESS)
}

/// The body of a write to the versioned engine.
pub(super) fn body(call: &Call, data: Map<String, Value>) -> Value {
    let options = match check_and_set(call) {
        Some(version) => json!({ "cas": version }),
        None => json!({}),
    };
    json!({ "data": data, "options": options })
}

/// The version a write is to replace. Older clients take -1 for "do not check", as scripts still do.
pub(super) fn check_and_set(call: &Call) -> Option<i64> {
    call.flags.integer("cas").filter(|version| *version >= 0)
}
