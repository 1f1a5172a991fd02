//! `kv get`: a secret, in its current or an older version.

use client::{Request, Secret};
use serde_json::{Value, json};

use super::{MOUNT, Place, rows, titled_path, titled_table};
use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf, own};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};
use crate::session::{Doing, Session};

pub(crate) static COMMAND: Command = Command {
    words: "kv get",
    shelf: Shelf::Other,
    synopsis: "Show a secret.",
    usage: "[options] KEY",
    details: "Shows a secret of the key-value store.\n\n    $ {} kv get -mount=secret app\n    \
              $ {} kv get -version=1 secret/app",
    flags: &[
        HTTP,
        FIELD,
        own(&[MOUNT, Flag::new(Kind::Integer, "version", "Which version to show.")]),
    ],
    arguments: Count::ONE,
    run,
};

fn run(call: &Call) -> Outcome {
    let session = Session::open(call)?;
    let place = Place::find(call, &session)?;
    let path = place.path("data");
    let mut request = Request::get(&path);
    // 0 and less stand for the current version, which both engines have.
    if let Some(version) = call.flags.integer("version").filter(|version| *version > 0) {
        place.need_versions("Reading a version")?;
        request = request.query("version", &version.to_string());
    }
    let found = session.find(request).doing(&format!("Error reading {path}"))?;
    let Some(secret) = found else {
        return Err(Failure::remote(format!("No value found at {path}")));
    };
    if secret.wrap_info.is_some() {
        call.output.secret(&secret)?;
    } else if call.output.field().is_some() {
        show_field(call, &place, &path, secret)?;
    } else if call.output.is_table() {
        show(call, &place, &path, &secret);
    } else {
        call.output.secret(&secret)?;
    }
    Ok(Exit::SUCCESS)
}

/// A field is looked for in the secret itself, not in what the engine wraps around it.
fn show_field(call: &Call, place: &Place, path: &str, mut secret: Secret) -> Result<(), Failure> {
    if place.versioned {
        let inner = secret.value("data").and_then(Value::as_object).cloned();
        let Some(inner) = inner else {
            return Err(Failure::remote(format!("No data found at {path}")));
        };
        secret.data = Some(inner);
    }
    call.output.secret(&secret)
}

fn show(call: &Call, place: &Place, path: &str, secret: &Secret) {
    call.output.warnings(secret.warnings());
    let data = if place.versioned {
        call.output.say(&format!("{}\n", titled_path("Secret Path", path)));
        if let Some(metadata) = secret.value("metadata").filter(|value| value.is_object()) {
            call.output.say(&titled_table("Metadata", &rows(Some(metadata))));
        }
        secret.value("data").filter(|value| value.is_object()).cloned()
    } else {
        secret.data.clone().map(Value::Object)
    };
    let Some(data) = data.filter(|data| *data != json!({}) || !place.versioned) else { return };
    let blank = if place.versioned { "\n" } else { "" };
    call.output.say(&format!("{blank}{}", titled_table("Data", &rows(Some(&data)))));
}
