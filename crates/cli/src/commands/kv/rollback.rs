//! `kv rollback`: an older version of a secret becomes the current one.

use client::Request;
use serde_json::{Value, json};

use super::{MOUNT, Place, patch, show_written};
use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf, own};
use crate::commands::write;
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};
use crate::session::{Doing, Session};

pub(crate) static COMMAND: Command = Command {
    words: "kv rollback",
    shelf: Shelf::Other,
    synopsis: "Make an older version the newest.",
    usage: "[options] KEY",
    details: "Writes an older version of a secret once more, as the newest one.\n\n    \
              $ {} kv rollback -version=2 secret/app",
    flags: &[
        HTTP,
        FIELD,
        own(&[MOUNT, Flag::new(Kind::Integer, "version", "Which version to go back to.")]),
    ],
    arguments: Count::at_least(0, "1"),
    run,
};

fn run(call: &Call) -> Outcome {
    if call.arguments.len() != 1 {
        let text =
            format!("Invalid number of arguments (expected 1, got {})", call.arguments.len());
        return Err(Failure::local(text));
    }
    let version = match call.flags.integer("version") {
        None => return Err(Failure::local("Version flag must be specified")),
        Some(version) if version < 1 => {
            let text = format!("Invalid value {version} for the version flag");
            return Err(Failure::local(text));
        }
        Some(version) => version,
    };
    let session = Session::open(call)?;
    let place = Place::find(call, &session)?;
    if !place.versioned {
        return Err(Failure::remote("K/V engine mount must be version 2 for rollback support"));
    }
    let path = place.path("data");
    let doing = format!("Error doing pre-read at {path}");
    let now = session.find(Request::get(&path)).doing(&doing)?;
    let now = now.ok_or_else(|| Failure::remote(format!("No value found at {path}")))?;
    let newest = now.value("metadata").and_then(|metadata| metadata.get("version")).cloned();
    let newest = newest.ok_or_else(|| {
        Failure::remote(format!(
            "No metadata found at {path}; rollback only works on existing data"
        ))
    })?;
    let then =
        session.find(Request::get(&path).query("version", &version.to_string())).doing(&doing)?;
    let gone = then.as_ref().is_some_and(|secret| secret.value("data").is_none_or(Value::is_null));
    if gone {
        let text = "Cannot roll back to a version that has been deleted/destroyed";
        return Err(Failure::remote(text));
    }
    let (data, _) = patch::current(&path, then)?;
    let body = json!({ "data": data, "options": { "cas": newest } });
    let request = write::with_body(Request::put(&path), &body)?;
    let answer = session.perform(request).doing(&format!("Error writing data to {path}"))?;
    let secret = answer.ok_or_else(|| Failure::remote(patch::NO_VERSION))?;
    show_written(call, &path, &secret)?;
    Ok(Exit::SUCCESS)
}
