//! `kv list` and `kv scan`: the names below a path, one level of them or all.

use client::Request;

use super::{MOUNT, Place};
use crate::command::{Call, Command, Count, FORMAT, HTTP, Shelf, own};
use crate::commands::list;
use crate::failure::{Failure, Outcome};
use crate::session::{Doing, Session};

pub(crate) static COMMAND: Command = Command {
    words: "kv list",
    shelf: Shelf::Other,
    synopsis: "List the secrets below a path.",
    usage: "[options] PATH",
    details: "Lists the secrets below a path. Names that end in a slash have more below \
              them.\n\n    $ {} kv list secret/",
    flags: &[HTTP, FORMAT, own(&[MOUNT]), PAGES],
    arguments: Count::between(0, 1, "1"),
    run,
};

pub(crate) static SCAN: Command = Command {
    words: "kv scan",
    shelf: Shelf::Other,
    synopsis: "List all secrets below a path.",
    usage: "[options] PATH",
    details: "Lists all secrets below a path, however deep.\n\n    $ {} kv scan secret/",
    flags: &[HTTP, FORMAT, own(&[MOUNT]), PAGES],
    arguments: Count::between(0, 1, "1"),
    run: run_scan,
};

const PAGES: crate::flags::Group = own(list::PAGING);

fn run(call: &Call) -> Outcome {
    look(call, Request::list, "Error listing")
}

fn run_scan(call: &Call) -> Outcome {
    look(call, Request::scan, "Error scanning")
}

fn look(call: &Call, request: fn(&str) -> Request, trouble: &str) -> Outcome {
    if call.arguments.is_empty() && !call.flags.given("mount") {
        return Err(Failure::local("Not enough arguments (expected 1, got 0)"));
    }
    let session = Session::open(call)?;
    let place = Place::find(call, &session)?;
    let path = place.path("metadata");
    let request = list::paged(call, request(&path));
    let found = session.find(request).doing(&format!("{trouble} {path}"))?;
    list::show(call, &path, found)
}
