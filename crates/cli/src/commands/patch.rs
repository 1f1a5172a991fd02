//! `patch`: part of what is at a path.

use client::Request;

use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf, own};
use crate::failure::Outcome;

pub(crate) static COMMAND: Command = Command {
    words: "patch",
    shelf: Shelf::Other,
    synopsis: "Change part of what is at a path.",
    usage: "[options] PATH [DATA K=V...]",
    details: "Changes the given values at a path and leaves the others as they are.\n\n    $ {} \
              patch secret/data/app @change.json",
    flags: &[HTTP, FIELD, own(&[super::write::FORCE])],
    arguments: Count::at_least(1, "at least 1"),
    run,
};

fn run(call: &Call) -> Outcome {
    super::write::send(call, Request::patch(&call.path(0)))
}
