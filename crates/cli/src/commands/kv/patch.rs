//! `kv patch`: some keys of a secret.
//!
//! The server merges when it can and the token may. Otherwise the secret is read, merged here and
//! written again, guarded by the version that was read.

use client::{Request, Secret};
use serde_json::{Map, Value, json};

use super::{CHECK_AND_SET, MOUNT, Place, put, show_written};
use crate::arguments;
use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf, own};
use crate::commands::write;
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};
use crate::help::paragraph;
use crate::session::{Doing, Session};

pub(crate) static COMMAND: Command = Command {
    words: "kv patch",
    shelf: Shelf::Other,
    synopsis: "Change some keys of a secret.",
    usage: "[options] KEY [DATA]",
    details: "Changes some keys of a secret and keeps the others.\n\n    $ {} kv patch \
              secret/app password=-",
    flags: &[
        HTTP,
        FIELD,
        own(&[
            MOUNT,
            CHECK_AND_SET,
            Flag::text(
                "method",
                "How: \"patch\" lets the server merge, \"rw\" reads and writes. By default the \
                 first, then the second.",
            ),
            Flag::new(Kind::List, "remove-data", "A key to take out. May be given several times."),
        ]),
    ],
    arguments: Count::at_least(1, ">1"),
    run,
};

fn run(call: &Call) -> Outcome {
    let removed = call.flags.list("remove-data");
    if call.rest(1).is_empty() && removed.is_empty() {
        return Err(Failure::local("Must supply data"));
    }
    let mut data = arguments::parse(call.rest(1), &write::input(call))?;
    data.extend(removed.into_iter().map(|key| (key, Value::Null)));
    let session = Session::open(call)?;
    let place = Place::find(call, &session)?;
    if !place.versioned {
        return Err(Failure::remote("K/V engine mount must be version 2 for patch support"));
    }
    match call.flags.text("method").unwrap_or_default() {
        "" => match merge(call, &session, &place, data.clone())? {
            Merged::Done => Ok(Exit::SUCCESS),
            Merged::Refused(_) => {
                call.output.warn(&paragraph(&format!(
                    "WARNING! The server did not let {} be patched; reading and writing it \
                     instead. Give the token the \"patch\" capability to avoid this second \
                     request.",
                    place.path("data")
                )));
                read_and_write(call, &session, &place, data)
            }
        },
        "patch" => match merge(call, &session, &place, data)? {
            Merged::Done => Ok(Exit::SUCCESS),
            Merged::Refused(failure) => Err(failure),
        },
        "rw" => read_and_write(call, &session, &place, data),
        other => Err(Failure::local(format!(
            "Unsupported method provided to -method flag: {other}; use \"patch\" or \"rw\""
        ))),
    }
}

/// A write that was taken without the answer a write has.
pub(super) const NO_VERSION: &str = "the server did not name the new version";

/// What came of asking the server to merge.
enum Merged {
    Done,
    /// The server cannot merge, or the token may not have it merged.
    Refused(Failure),
}

fn merge(
    call: &Call,
    session: &Session,
    place: &Place,
    data: Map<String, Value>,
) -> Result<Merged, Failure> {
    let path = place.path("data");
    let request = write::with_body(Request::patch(&path), &put::body(call, data))?;
    match session.perform(request) {
        Ok(Some(secret)) => {
            show_written(call, &path, &secret)?;
            Ok(Merged::Done)
        }
        Ok(None) => Err(Failure::remote(NO_VERSION)),
        // A deleted version is described, with the number of the version that was not written.
        Err(trouble) if trouble.is_absence() => Err(match trouble.brought() {
            Some(Secret { data: Some(_), .. }) => nothing("data", &path),
            _ => Failure::remote(format!("No value found at {path}")),
        }),
        Err(trouble) => {
            let refused = matches!(trouble.status(), Some(403 | 405));
            let failure = trouble.while_doing(&format!("Error writing data to {path}"));
            if refused { Ok(Merged::Refused(failure)) } else { Err(failure) }
        }
    }
}

fn read_and_write(
    call: &Call,
    session: &Session,
    place: &Place,
    changes: Map<String, Value>,
) -> Outcome {
    let path = place.path("data");
    let found =
        session.find(Request::get(&path)).doing(&format!("Error doing pre-read at {path}"))?;
    let (mut data, version) = current(&path, found)?;
    for (key, value) in changes {
        match value {
            Value::Null => data.remove(&key),
            value => data.insert(key, value),
        };
    }
    let given = put::check_and_set(call);
    let body = json!({ "data": data, "options": { "cas": given.map_or(version, Value::from) } });
    let request = write::with_body(Request::put(&path), &body)?;
    let answer = session.perform(request).doing(&format!("Error writing data to {path}"))?;
    let secret = answer.ok_or_else(|| Failure::remote(NO_VERSION))?;
    show_written(call, &path, &secret)?;
    Ok(Exit::SUCCESS)
}

/// The content of a secret and its version.
pub(super) fn current(
    path: &str,
    found: Option<Secret>,
) -> Result<(Map<String, Value>, Value), Failure> {
    let secret = found.ok_or_else(|| Failure::remote(format!("No value found at {path}")))?;
    let version = secret.value("metadata").and_then(|metadata| metadata.get("version"));
    let version = version.cloned().ok_or_else(|| nothing("metadata", path))?;
    let data = secret.value("data").and_then(Value::as_object).cloned();
    Ok((data.ok_or_else(|| nothing("data", path))?, version))
}

fn nothing(what: &str, path: &str) -> Failure {
    Failure::remote(format!("No {what} found at {path}; patch only works on existing data"))
}
