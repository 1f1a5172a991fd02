//! `audit`: which audit devices are enabled.

use client::Request;
use serde_json::{Map, Value, json};

use crate::arguments;
use crate::command::{Call, Command, Count, FORMAT, HTTP, Shelf, own};
use crate::commands::mounts;
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::Flag;
use crate::output::{self, go_text};
use crate::session::{Doing, Session};

pub(crate) static LIST: Command = Command {
    words: "audit list",
    shelf: Shelf::Other,
    synopsis: "List the audit devices that are enabled.",
    usage: "[options]",
    details: "Lists the audit devices that are enabled.\n\n    $ {} audit list -detailed",
    flags: &[HTTP, FORMAT],
    arguments: Count::NONE,
    run: list,
};

pub(crate) static ENABLE: Command = Command {
    words: "audit enable",
    shelf: Shelf::Other,
    synopsis: "Enable an audit device.",
    usage: "[options] TYPE [CONFIG K=V...]",
    details: "Enable an audit device. What it needs to know is given as key=value.\n\n    \
              $ {} audit enable file file_path=/var/log/audit.log",
    flags: &[HTTP, own(FLAGS)],
    arguments: Count::at_least(0, "at least 1"),
    run: enable,
};

pub(crate) static DISABLE: Command = Command {
    words: "audit disable",
    shelf: Shelf::Other,
    synopsis: "Disable an audit device.",
    usage: "[options] PATH",
    details: "Disables the audit device at a path.\n\n    $ {} audit disable file/",
    flags: &[HTTP],
    arguments: Count::ONE,
    run: disable,
};

const FLAGS: &[Flag] = &[
    Flag::text("path", "Where to enable it. The default is the name of the type."),
    Flag::text("description", "What it is for, for people."),
    Flag::switch("local", "Keep it on this cluster."),
];

fn list(call: &Call) -> Outcome {
    let found =
        Session::open(call)?.find(Request::get("sys/audit")).doing("Error listing audits")?;
    let records = mounts::records(found.as_ref());
    if !call.output.is_table() {
        call.output.program(&found.as_ref().and_then(|secret| secret.data.as_ref()))?;
        return Ok(Exit::SUCCESS);
    }
    if records.is_empty() {
        call.output.say("No audit devices are enabled.");
        return Ok(Exit::NEGATIVE);
    }
    let detailed = call.output.detailed;
    let rows = records.iter().map(|(path, record)| row(path, record, detailed));
    let headings: &[&str] = match detailed {
        true => &["Path", "Type", "Description", "Replication", "Options"],
        false => &["Path", "Type", "Description"],
    };
    call.output.say(&output::list(headings, rows.collect()));
    Ok(Exit::SUCCESS)
}

fn row(path: &str, record: &Map<String, Value>, detailed: bool) -> Vec<String> {
    let text = |key: &str| record.get(key).map(go_text).unwrap_or_default();
    let mut cells = vec![path.to_owned(), text("type"), text("description")];
    if detailed {
        cells.push(mounts::Column::Replication.cell(record));
        cells.push(options_of(record));
    }
    cells
}

/// The options of a device as pairs, as they were given.
pub(super) fn options_of(record: &Map<String, Value>) -> String {
    let options = record.get("options").and_then(Value::as_object);
    let pairs = options.into_iter().flatten();
    pairs.map(|(key, value)| format!("{key}={}", go_text(value))).collect::<Vec<_>>().join(" ")
}

fn enable(call: &Call) -> Outcome {
    if call.arguments.is_empty() {
        return Err(Failure::local(
            "Error enabling audit device: audit type missing. Valid types include 'file', \
             'socket' and 'syslog'.",
        ));
    }
    let path = switch_on(call, "Error enabling audit device")?;
    let kind = call.argument(0).trim();
    call.output.say(&format!("Success! Enabled the {kind} audit device at: {path}/"));
    Ok(Exit::SUCCESS)
}

/// Enables the device that a call names; gives back its path.
pub(super) fn switch_on(call: &Call, doing: &str) -> Result<String, Failure> {
    let kind = call.argument(0).trim();
    let path = call.flags.text("path").unwrap_or(kind).trim_matches('/').to_owned();
    let options = arguments::parse(call.rest(1), &super::write::input(call))?;
    let body = json!({
        "type": kind,
        "description": call.flags.text("description").unwrap_or_default(),
        "options": options,
        "local": call.flags.switch("local"),
    });
    let request = super::write::with_body(Request::put(&format!("sys/audit/{path}")), &body)?;
    Session::open(call)?.perform(request).doing(doing)?;
    Ok(path)
}

fn disable(call: &Call) -> Outcome {
    let path = call.path(0);
    let request = Request::delete(&format!("sys/audit/{path}"));
    Session::open(call)?.perform(request).doing("Error disabling audit device")?;
    call.output.say(&format!("Success! Disabled audit device (if it was enabled) at: {path}/"));
    Ok(Exit::SUCCESS)
}
