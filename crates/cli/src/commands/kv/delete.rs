//! `kv delete`: the current version of a secret, or the versions named.

use client::Request;
use serde_json::json;

use super::{MOUNT, Place, VERSIONS, versions};
use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf, own};
use crate::commands::write;
use crate::failure::{Exit, Failure, Outcome};
use crate::session::{Doing, Session};

pub(crate) static COMMAND: Command = Command {
    words: "kv delete",
    shelf: Shelf::Other,
    synopsis: "Delete a secret or some of its versions.",
    usage: "[options] KEY",
    details: "Deletes the current version of a secret, or the versions named. The versioned \
              engine can bring them back.\n\n    $ {} kv delete -versions=1,2 secret/app",
    flags: &[HTTP, FIELD, own(&[MOUNT, VERSIONS])],
    arguments: Count::ONE,
    run,
};

fn run(call: &Call) -> Outcome {
    let numbers = versions(call);
    // An empty variable of a script names no version, and must not stand for the current one.
    if call.flags.given("versions") && numbers.is_empty() {
        return Err(Failure::local(
            "No versions provided: \"-versions\" is empty. Leave it out to delete the current \
             version.",
        ));
    }
    let session = Session::open(call)?;
    let place = Place::find(call, &session)?;
    let path = place.path("data");
    let request = if numbers.is_empty() {
        Request::delete(&path)
    } else {
        place.need_versions("Deleting versions")?;
        write::with_body(Request::put(&place.path("delete")), &json!({ "versions": numbers }))?
    };
    match session.perform(request).doing(&format!("Error deleting {path}"))? {
        Some(secret) => call.output.secret(&secret)?,
        None => call.output.tell(&format!("Success! Data deleted (if it existed) at: {path}")),
    }
    Ok(Exit::SUCCESS)
}
