//! `kv enable-versioning`: the first version of the engine becomes the second.

use client::{Request, clean};
use serde_json::json;

use crate::command::{Call, Command, Count, HTTP, Shelf};
use crate::commands::write;
use crate::failure::{Exit, Outcome};
use crate::session::{Doing, Session};

pub(crate) static COMMAND: Command = Command {
    words: "kv enable-versioning",
    shelf: Shelf::Other,
    synopsis: "Turn on versioning.",
    usage: "[options] PATH",
    details: "Turns on versioning for the key-value engine at a path. There is no way \
              back.\n\n    \
              $ {} kv enable-versioning secret",
    flags: &[HTTP],
    arguments: Count::ONE,
    run,
};

fn run(call: &Call) -> Outcome {
    let mount = clean(call.argument(0));
    let request = Request::post(&format!("sys/mounts/{mount}/tune"));
    let request = write::with_body(request, &json!({ "options": { "version": "2" } }))?;
    let doing = format!("Error tuning secrets engine {mount}/");
    if let Some(answer) = Session::open(call)?.perform(request).doing(&doing)? {
        call.output.warnings(answer.warnings());
    }
    call.output.say(&format!("Success! Tuned the secrets engine at: {mount}/"));
    Ok(Exit::SUCCESS)
}
