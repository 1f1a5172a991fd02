//! `kv metadata`: what the versioned engine knows about a secret besides its content.

use client::Request;
use serde_json::{Map, Value, json};

use super::{MOUNT, Place, rows, titled_path, titled_table};
use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf, own};
use crate::commands::write;
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};
use crate::session::{Doing, Session};

pub(crate) static GET: Command = Command {
    words: "kv metadata get",
    shelf: Shelf::Other,
    synopsis: "Show the settings of a secret.",
    usage: "[options] KEY",
    details: "Shows the settings of a secret and all its versions.\n\n    $ {} kv metadata get \
              secret/app",
    flags: &[HTTP, FIELD, own(&[MOUNT])],
    arguments: Count::ONE,
    run: get,
};

pub(crate) static PUT: Command = Command {
    words: "kv metadata put",
    shelf: Shelf::Other,
    synopsis: "Set how a secret is kept.",
    usage: "[options] KEY",
    details: "Sets how a secret is kept, and replaces what is noted about it.\n\n    \
              $ {} kv metadata put -max-versions=5 secret/app",
    flags: &[HTTP, FIELD, own(&[MOUNT, MAX_VERSIONS, CAS_REQUIRED, DELETE_AFTER, CUSTOM])],
    arguments: Count::ONE,
    run: |call| change(call, Request::put),
};

pub(crate) static PATCH: Command = Command {
    words: "kv metadata patch",
    shelf: Shelf::Other,
    synopsis: "Change how a secret is kept.",
    usage: "[options] KEY",
    details: "Changes how a secret is kept, and keeps what else is noted about it.\n\n    \
              $ {} kv metadata patch -custom-metadata=team=red secret/app",
    flags: &[
        HTTP,
        FIELD,
        own(&[
            MOUNT,
            MAX_VERSIONS,
            CAS_REQUIRED,
            DELETE_AFTER,
            CUSTOM,
            Flag::new(
                Kind::List,
                "remove-custom-metadata",
                "A note to take out. May be given several times.",
            ),
        ]),
    ],
    arguments: Count::ONE,
    run: |call| change(call, Request::patch),
};

pub(crate) static DELETE: Command = Command {
    words: "kv metadata delete",
    shelf: Shelf::Other,
    synopsis: "Remove a secret with all its versions.",
    usage: "[options] KEY",
    details: "Removes a secret with all its versions for good.\n\n    $ {} kv metadata delete \
              secret/app",
    flags: &[HTTP, FIELD, own(&[MOUNT])],
    arguments: Count::ONE,
    run: delete,
};

const MAX_VERSIONS: Flag = Flag::new(Kind::Integer, "max-versions", "How many versions are kept.");
const CAS_REQUIRED: Flag =
    Flag::switch("cas-required", "Whether every write must name the version it replaces.");
const DELETE_AFTER: Flag =
    Flag::new(Kind::Duration, "delete-version-after", "How long a version lasts.");
const CUSTOM: Flag = Flag::new(
    Kind::Map,
    "custom-metadata",
    "Something to note, as key=value. May be given several times.",
);

/// Opens a session and finds the place of a call, which must be in the versioned engine.
fn versioned(call: &Call) -> Result<(Session, String), Failure> {
    let session = Session::open(call)?;
    let place = Place::find(call, &session)?;
    place.need_versions("Metadata")?;
    let path = place.path("metadata");
    Ok((session, path))
}

fn get(call: &Call) -> Outcome {
    let (session, path) = versioned(call)?;
    let found = session.find(Request::get(&path)).doing(&format!("Error reading {path}"))?;
    let secret = found.ok_or_else(|| Failure::remote(format!("No value found at {path}")))?;
    if call.output.field().is_some() || !call.output.is_table() || secret.wrap_info.is_some() {
        call.output.secret(&secret)?;
        return Ok(Exit::SUCCESS);
    }
    let mut data = secret.data.clone().unwrap_or_default();
    let versions = data.remove("versions");
    call.output.say(&format!("{}\n", titled_path("Metadata Path", &path)));
    call.output.say(&titled_table("Metadata", &rows(Some(&Value::Object(data)))));
    for (number, version) in in_order(versions) {
        call.output.say(&format!(
            "\n{}",
            titled_table(&format!("Version {number}"), &rows(Some(&version)))
        ));
    }
    Ok(Exit::SUCCESS)
}

/// Versions by their number: as texts, 10 would come before 9.
fn in_order(versions: Option<Value>) -> Vec<(u64, Value)> {
    let entries = versions.as_ref().and_then(Value::as_object).into_iter().flatten();
    let mut numbered: Vec<(u64, Value)> = entries
        .filter_map(|(number, version)| Some((number.parse().ok()?, version.clone())))
        .collect();
    numbered.sort_unstable_by_key(|(number, _)| *number);
    numbered
}

fn change(call: &Call, request: fn(&str) -> Request) -> Outcome {
    let (session, path) = versioned(call)?;
    let request = write::with_body(request(&path), &settings(call))?;
    let answer = match session.perform(request) {
        Err(trouble) if trouble.is_absence() => {
            return Err(Failure::remote(format!("No value found at {path}")));
        }
        answer => answer.doing(&format!("Error writing data to {path}"))?,
    };
    match answer {
        Some(secret) => call.output.secret(&secret)?,
        None => call.output.tell(&format!("Success! Data written to: {path}")),
    }
    Ok(Exit::SUCCESS)
}

/// The settings that were given, and no other.
fn settings(call: &Call) -> Map<String, Value> {
    let mut body = Map::new();
    if let Some(count) = call.flags.integer("max-versions") {
        body.insert("max_versions".to_owned(), json!(count));
    }
    if let Some(chosen) = call.flags.chosen("cas-required") {
        body.insert("cas_required".to_owned(), json!(chosen));
    }
    if let Some(text) = call.flags.duration("delete-version-after") {
        body.insert("delete_version_after".to_owned(), json!(text));
    }
    let removed = call.flags.list("remove-custom-metadata");
    if call.flags.given("custom-metadata") || !removed.is_empty() {
        let given = call.flags.map("custom-metadata").into_iter();
        let mut notes: Map<String, Value> = given.map(|(key, value)| (key, json!(value))).collect();
        notes.extend(removed.into_iter().map(|key| (key, Value::Null)));
        body.insert("custom_metadata".to_owned(), Value::Object(notes));
    }
    body
}

fn delete(call: &Call) -> Outcome {
    let (session, path) = versioned(call)?;
    session.perform(Request::delete(&path)).doing(&format!("Error deleting {path}"))?;
    call.output.tell(&format!("Success! Data deleted (if it existed) at: {path}"));
    Ok(Exit::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::go_text;

    #[test]
    fn versions_come_in_the_order_of_their_numbers() {
        let versions = json!({"10": {"a": 1}, "9": {"a": 2}});
        let shown: Vec<String> = in_order(Some(versions))
            .iter()
            .map(|(number, version)| format!("{number}{}", go_text(version)))
            .collect();
        assert_eq!(shown, ["9map[a:2]", "10map[a:1]"]);
    }
}
