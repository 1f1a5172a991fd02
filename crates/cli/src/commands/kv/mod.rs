//! `kv`: the key-value store, whichever version a path belongs to.
//!
//! The server is asked first which mount a path belongs to and which version that is. In the
//! versioned engine the real paths have a word behind the mount, such as `data`; people leave it
//! out, and it is put in here.

pub(super) mod delete;
pub(super) mod destroy;
pub(super) mod enable_versioning;
pub(super) mod get;
pub(super) mod list;
pub(super) mod metadata;
pub(super) mod patch;
pub(super) mod put;
pub(super) mod rollback;
pub(super) mod undelete;

use client::{Request, Secret, clean};
use serde_json::{Value, json};

use crate::command::Call;
use crate::commands::write;
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};
use crate::help::paragraph;
use crate::output::{go_text, key_value};
use crate::session::{Doing, Session};

/// Names the mount apart from the path in it.
const MOUNT: Flag =
    Flag::text("mount", "The path of the engine, when the argument is only the path in it.");

/// The versions a command works on.
const VERSIONS: Flag = Flag::new(
    Kind::List,
    "versions",
    "Numbers of versions, separated by commas. May be given several times.",
);

/// Guards a write against changes in between.
const CHECK_AND_SET: Flag = Flag::new(
    Kind::Integer,
    "cas",
    "Write only if this is the current version; 0 is for a new secret.",
);

/// Where a path is kept, and how.
struct Place {
    mount: String,
    rest: String,
    versioned: bool,
}

impl Place {
    /// Asks the server where the path of a call is kept.
    fn find(call: &Call, session: &Session) -> Result<Place, Failure> {
        let given = clean(call.argument(0));
        let named = call.flags.text("mount").map(clean).filter(|mount| !mount.is_empty());
        let asked = named.clone().unwrap_or_else(|| given.clone());
        let record = look(session, &asked)?;
        let versioned = record
            .as_ref()
            .and_then(|secret| secret.value("options"))
            .and_then(|options| options.get("version"))
            .is_some_and(|version| go_text(version) == "2");
        let owner = record.as_ref().and_then(|secret| secret.value("path")).and_then(Value::as_str);
        let owner = owner.map(clean).unwrap_or_default();
        if let Some(mount) = named {
            return Ok(Place { mount, rest: given, versioned });
        }
        let (mount, rest) = split(&given, &owner);
        Ok(Place { mount, rest, versioned })
    }

    /// Refuses something that only the versioned engine can do, before anything is done without it.
    fn need_versions(&self, what: &str) -> Result<(), Failure> {
        match self.versioned {
            true => Ok(()),
            false => Err(Failure::local(format!("{what} not supported on KV Version 1"))),
        }
    }

    /// The real path for one of the words of the versioned engine.
    fn path(&self, word: &str) -> String {
        if self.versioned {
            return clean(&format!("{}/{word}/{}", self.mount, self.rest));
        }
        clean(&format!("{}/{}", self.mount, self.rest))
    }
}

/// Splits a path behind the mount that owns it. The owner may carry namespaces that the path does
/// not name.
fn split(path: &str, owner: &str) -> (String, String) {
    let mut owner = owner;
    loop {
        if path == owner {
            return (path.to_owned(), String::new());
        }
        if let Some(rest) = path.strip_prefix(owner).and_then(|rest| rest.strip_prefix('/')) {
            return (owner.to_owned(), rest.to_owned());
        }
        match owner.split_once('/') {
            Some((_, shorter)) => owner = shorter,
            None => {
                let (mount, rest) = path.split_once('/').unwrap_or((path, ""));
                return (mount.to_owned(), rest.to_owned());
            }
        }
    }
}

fn look(session: &Session, path: &str) -> Result<Option<Secret>, Failure> {
    let request = Request::get(&format!("sys/internal/ui/mounts/{path}"));
    match session.preflight(request) {
        Ok(found) => Ok(found),
        // A server too old to know this question has only the first version.
        Err(error) if error.status() == Some(404) => Ok(None),
        Err(error) if error.status() == Some(403) && session.only_describes() => {
            let advice = paragraph(
                "This flag describes the request without sending it, but a kv command must first \
                 ask the server which version of the engine owns the path, and the token in use \
                 may not ask that. Give it a policy for the path, or use \"read\" and \"write\" \
                 with the full path.",
            );
            Err(Failure::remote(format!("{advice}\n\n{error}")))
        }
        Err(error) => Err(Failure::remote(error.to_string())),
    }
}

/// The numbers of the versions a call names.
fn versions(call: &Call) -> Vec<String> {
    let given = call.flags.list("versions");
    let numbers = given.iter().flat_map(|part| part.split(','));
    numbers.map(|number| number.trim().to_owned()).filter(|number| !number.is_empty()).collect()
}

/// Does something to the versions a call names, in the engine that has versions.
fn on_versions(call: &Call, word: &str, capital: &str) -> Outcome {
    let numbers = versions(call);
    if numbers.is_empty() {
        return Err(Failure::local(format!(
            "No versions provided, use the \"-versions\" flag to specify the version to {word}."
        )));
    }
    let session = Session::open(call)?;
    let place = Place::find(call, &session)?;
    place.need_versions(capital)?;
    let path = place.path(word);
    let request = write::with_body(Request::put(&path), &json!({ "versions": numbers }))?;
    match session.perform(request).doing(&format!("Error writing data to {path}"))? {
        Some(secret) => call.output.secret(&secret)?,
        None => call.output.tell(&format!("Success! Data written to: {path}")),
    }
    Ok(Exit::SUCCESS)
}

/// A title between equal signs, as wide as the table below it.
fn title(text: &str, width: usize) -> String {
    let least = 4;
    let signs = width.saturating_sub(text.len() + 2);
    let signs = if signs == 0 { least } else { signs + signs % 2 };
    let side = "=".repeat(signs / 2);
    format!("{side} {text} {side}")
}

/// A titled table of keys and values.
fn titled_table(text: &str, rows: &[(String, String)]) -> String {
    // Four spaces between the columns, and the word "Value".
    let longest = rows.iter().map(|(key, _)| crate::output::width(key)).max().unwrap_or(0);
    format!("{}\n{}", title(text, longest + 4 + 5), key_value(rows))
}

/// A titled path.
fn titled_path(text: &str, path: &str) -> String {
    format!("{}\n{path}", title(text, crate::output::width(path)))
}

/// The entries of an object as rows of a table.
fn rows(object: Option<&Value>) -> Vec<(String, String)> {
    let entries = object.and_then(Value::as_object).into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), go_text(value))).collect()
}

/// Shows what a write to the versioned engine made: where, and which version.
fn show_written(call: &Call, path: &str, secret: &Secret) -> Result<(), Failure> {
    if call.output.field().is_some() || !call.output.is_table() || secret.wrap_info.is_some() {
        return call.output.secret(secret);
    }
    call.output.warnings(secret.warnings());
    call.output.say(&format!("{}\n", titled_path("Secret Path", path)));
    let metadata = secret.data.clone().map(Value::Object);
    call.output.say(&titled_table("Metadata", &rows(metadata.as_ref())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, owner: &str, mount: &str, rest: &str) {
        assert_eq!(split(path, owner), (mount.to_owned(), rest.to_owned()));
    }

    #[test]
    fn a_path_is_split_behind_the_mount_that_owns_it() {
        check("secret/a/b", "secret", "secret", "a/b");
        check("secret", "secret", "secret", "");
        check("team/kv/a", "team/kv", "team/kv", "a");
        check("kv/a", "ns1/kv", "kv", "a");
        check("secretive/a", "secret", "secretive", "a");
        check("secret/a", "", "secret", "a");
    }

    #[track_caller]
    fn check_title(text: &str, width: usize, expected: &str) {
        assert_eq!(title(text, width), expected);
    }

    #[test]
    fn titles_are_as_wide_as_what_is_below() {
        check_title("Metadata", "custom_metadata".len() + 9, "======= Metadata =======");
        check_title("Data", "foo".len() + 9, "=== Data ===");
        check_title("Secret Path", "secret/data/x".len(), "== Secret Path ==");
        check_title("Version 1", "created_time".len() + 10, "====== Version 1 ======");
        check_title("Metadata", "delete_version_after".len() + 9, "========== Metadata ==========");
    }
}
