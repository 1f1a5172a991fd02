//! Auth methods and secrets engines: `auth-enable`, `auth-disable`, `mount`, `unmount`, `remount`,
//! `mounts`, `mount-tune`.

use client::Request;
use serde_json::{Map, Value, json};

use crate::command::{Call, Command, Count, HTTP, Shelf, own};
use crate::commands::mounts::{self, AUTH_METHODS, Column, SECRETS_ENGINES};
use crate::commands::write;
use crate::failure::{Exit, Outcome};
use crate::flags::{Flag, Kind};
use crate::output::{go_text, separated};
use crate::session::{Doing, Session};

pub(crate) static AUTH_ENABLE: Command = Command {
    words: "auth-enable",
    shelf: Shelf::Of2016,
    synopsis: "Enable a new auth method.",
    usage: "[options] TYPE",
    details: "Enables an auth method. Today this is called \"auth enable\".\n\n    $ {} \
              auth-enable userpass",
    flags: &[HTTP, own(&[DESCRIPTION, PATH])],
    arguments: Count::of_2016(1, 1, "one argument: the type to enable."),
    run: |call| {
        let path = mounts::enable(call, &AUTH_METHODS, "Error")?;
        let kind = call.argument(0).trim();
        done(call, &format!("Successfully enabled '{kind}' at '{path}'!"))
    },
};

pub(crate) static AUTH_DISABLE: Command = Command {
    words: "auth-disable",
    shelf: Shelf::Of2016,
    synopsis: "Disable an auth method.",
    usage: "[options] PATH",
    details: "Disables the auth method at a path. Today this is called \"auth \
              disable\".\n\n    $ {} auth-disable userpass",
    flags: &[HTTP],
    arguments: Count::of_2016(1, 1, "one argument: the path to disable."),
    run: |call| {
        let path = mounts::disable(call, &AUTH_METHODS, "Error")?;
        done(call, &format!("Disabled auth provider at path '{path}' if it was enabled"))
    },
};

pub(crate) static MOUNT: Command = Command {
    words: "mount",
    shelf: Shelf::Of2016,
    synopsis: "Mount a secrets engine.",
    usage: "[options] TYPE",
    details: "Enables a secrets engine. Today this is called \"secrets enable\".\n\n    $ {} \
              mount -path=kv generic",
    flags: &[HTTP, own(&[DESCRIPTION, PATH, DEFAULT_TTL, MAX_TTL])],
    arguments: Count::of_2016(1, 1, "one argument: the type to mount."),
    run: |call| {
        let path = mounts::enable(call, &SECRETS_ENGINES, "Mount error")?;
        let kind = call.argument(0).trim();
        done(call, &format!("Successfully mounted '{kind}' at '{path}'!"))
    },
};

pub(crate) static UNMOUNT: Command = Command {
    words: "unmount",
    shelf: Shelf::Of2016,
    synopsis: "Unmount a secrets engine.",
    usage: "[options] PATH",
    details: "Disables the secrets engine at a path. Today this is called \"secrets \
              disable\".\n\n    $ {} unmount kv",
    flags: &[HTTP],
    arguments: Count::of_2016(1, 1, "one argument: the path to unmount."),
    run: |call| {
        let path = mounts::disable(call, &SECRETS_ENGINES, "Unmount error")?;
        done(call, &format!("Successfully unmounted '{path}' if it was mounted"))
    },
};

pub(crate) static REMOUNT: Command = Command {
    words: "remount",
    shelf: Shelf::Of2016,
    synopsis: "Move a secrets engine to a new path.",
    usage: "[options] FROM TO",
    details: "Moves a secrets engine with its data. Today this is called \"secrets \
              move\".\n\n    $ {} remount kv generic",
    flags: &[HTTP],
    arguments: Count::of_2016(
        2,
        2,
        "two arguments: the path to move from and the path to move to.",
    ),
    run: remount,
};

pub(crate) static MOUNTS: Command = Command {
    words: "mounts",
    shelf: Shelf::Of2016,
    synopsis: "List the secrets engines that are mounted.",
    usage: "[options]",
    details: "Lists the secrets engines. Today this is called \"secrets list\".\n\n    $ {} mounts",
    flags: &[HTTP],
    arguments: Count::of_2016(0, 0, "no arguments."),
    run: |call| {
        let found = mounts::list(call, &SECRETS_ENGINES, "Error reading mounts")?;
        done(call, &table(&mounts::records(found.as_ref())))
    },
};

pub(crate) static MOUNT_TUNE: Command = Command {
    words: "mount-tune",
    shelf: Shelf::Of2016,
    synopsis: "Tune a secrets engine.",
    usage: "[options] PATH",
    details: "Changes settings of the secrets engine at a path. Today this is called \"secrets \
              tune\".\n\n    \
              $ {} mount-tune -max-lease-ttl=72h kv",
    flags: &[HTTP, own(&[DEFAULT_TTL, MAX_TTL])],
    arguments: Count::of_2016(1, 1, "one argument: the path to tune."),
    run: |call| {
        let path = mounts::tune(call, &SECRETS_ENGINES)?;
        done(call, &format!("Successfully tuned mount '{path}'!"))
    },
};

const DESCRIPTION: Flag = Flag::text("description", "What it is for, for people.");
const PATH: Flag = Flag::text("path", "Where to enable it. The default is the name of the type.");
const DEFAULT_TTL: Flag = Flag::new(
    Kind::Duration,
    "default-lease-ttl",
    "How long leases last when nothing else is said.",
);
const MAX_TTL: Flag = Flag::new(Kind::Duration, "max-lease-ttl", "How long leases last at most.");

fn done(call: &Call, text: &str) -> Outcome {
    call.output.say(text);
    Ok(Exit::SUCCESS)
}

fn remount(call: &Call) -> Outcome {
    let (from, to) = (call.path(0), call.path(1));
    let request = Request::post("sys/remount");
    let request = write::with_body(request, &json!({ "from": from, "to": to }))?;
    Session::open(call)?.perform(request).doing("Unmount error")?;
    done(call, &format!("Successfully remounted from '{from}' to '{to}'!"))
}

/// The list of 2016: fewer columns, two spaces apart.
pub(super) fn table(records: &[(String, Map<String, Value>)]) -> String {
    let headings = ["Path", "Type", "Default TTL", "Max TTL", "Description"];
    let mut rows = vec![headings.map(str::to_owned).to_vec()];
    for (path, record) in records {
        let text = |key: &str| record.get(key).map(go_text).unwrap_or_default();
        // These two keep no leases, so a duration would say nothing.
        let timeless = matches!(text("type").as_str(), "system" | "cubbyhole");
        let lasting =
            |key| if timeless { "n/a".to_owned() } else { Column::Lasting(key).cell(record) };
        rows.push(vec![
            path.clone(),
            text("type"),
            lasting("default_lease_ttl"),
            lasting("max_lease_ttl"),
            text("description"),
        ]);
    }
    separated(&rows, "  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_2016_has_its_five_columns() {
        let record = |value: Value| value.as_object().cloned().unwrap_or_default();
        let records = [
            ("sys/".to_owned(), record(json!({"type": "system", "description": "control"}))),
            (
                "userpass/".to_owned(),
                record(
                    json!({"type": "userpass", "description": "", "config": {"max_lease_ttl": 60}}),
                ),
            ),
        ];
        assert_eq!(
            table(&records),
            "Path       Type      Default TTL  Max TTL  Description\n\
             sys/       system    n/a          n/a      control\n\
             userpass/  userpass  system       60"
        );
    }
}
