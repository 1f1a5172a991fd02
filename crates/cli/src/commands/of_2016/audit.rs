//! Audit devices: `audit-enable`, `audit-disable`, `audit-list`.

use client::Request;

use crate::command::{Call, Command, Count, HTTP, Shelf, own};
use crate::commands::{audit, mounts};
use crate::failure::{Exit, Outcome};
use crate::flags::Flag;
use crate::output::{go_text, separated};
use crate::session::{Doing, Session};

pub(crate) static ENABLE: Command = Command {
    words: "audit-enable",
    shelf: Shelf::Of2016,
    synopsis: "Enable an audit device.",
    usage: "[options] TYPE [K=V...]",
    details: "Enables an audit device. Today this is called \"audit enable\".\n\n    \
              $ {} audit-enable file file_path=/var/log/audit.log",
    flags: &[
        HTTP,
        own(&[
            Flag::text("path", "Where to enable it. The default is the name of the type."),
            Flag::text("description", "What it is for, for people."),
            Flag::switch("local", "Keep it on this cluster."),
        ]),
    ],
    arguments: Count::of_2016(1, usize::MAX, "at least one argument: the type to enable."),
    run: enable,
};

pub(crate) static DISABLE: Command = Command {
    words: "audit-disable",
    shelf: Shelf::Of2016,
    synopsis: "Disable an audit device.",
    usage: "[options] ID",
    details: "Disables the audit device at a path. Today this is called \"audit \
              disable\".\n\n    $ {} audit-disable file",
    flags: &[HTTP],
    arguments: Count::of_2016(1, 1, "one argument: the id of the device."),
    run: disable,
};

pub(crate) static LIST: Command = Command {
    words: "audit-list",
    shelf: Shelf::Of2016,
    synopsis: "List the audit devices that are enabled.",
    usage: "[options]",
    details: "Lists the audit devices. Today this is called \"audit list\".\n\n    $ {} audit-list",
    flags: &[HTTP],
    arguments: Count::of_2016(0, 0, "no arguments."),
    run: list,
};

fn enable(call: &Call) -> Outcome {
    let path = audit::switch_on(call, "Error enabling audit backend")?;
    let kind = call.argument(0).trim();
    call.output.say(&format!("Successfully enabled audit backend '{kind}' with path '{path}'!"));
    Ok(Exit::SUCCESS)
}

fn disable(call: &Call) -> Outcome {
    let path = call.path(0);
    let request = Request::delete(&format!("sys/audit/{path}"));
    Session::open(call)?.perform(request).doing("Error disabling audit backend")?;
    call.output.say(&format!("Successfully disabled audit backend '{path}' if it was enabled"));
    Ok(Exit::SUCCESS)
}

fn list(call: &Call) -> Outcome {
    let found =
        Session::open(call)?.find(Request::get("sys/audit")).doing("Error reading audits")?;
    let records = mounts::records(found.as_ref());
    if records.is_empty() {
        call.output.error(
            "No audit backends are enabled. Use \"audit-enable\" to\nenable an audit backend.",
        );
        return Ok(Exit(1));
    }
    let mut rows = vec![["Path", "Type", "Description", "Options"].map(str::to_owned).to_vec()];
    for (path, record) in &records {
        let text = |key: &str| record.get(key).map(go_text).unwrap_or_default();
        rows.push(vec![path.clone(), text("type"), text("description"), audit::options_of(record)]);
    }
    call.output.say(&separated(&rows, "  "));
    Ok(Exit::SUCCESS)
}
