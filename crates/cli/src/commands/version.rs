//! `version`: which version this is.

use crate::command::{Call, Command, Count, Shelf};
use crate::failure::{Exit, Outcome};

pub(crate) static COMMAND: Command = Command {
    words: "version",
    shelf: Shelf::Other,
    synopsis: "Show the version of this program.",
    usage: "",
    details: "Prints which version of the program this is.",
    flags: &[],
    arguments: Count::NONE,
    run,
};

fn run(call: &Call) -> Outcome {
    call.output.say(concat!("Strongroom v", env!("CARGO_PKG_VERSION")));
    Ok(Exit::SUCCESS)
}
