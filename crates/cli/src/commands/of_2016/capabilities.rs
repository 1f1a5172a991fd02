//! `capabilities`: what a token may do at a path.

use crate::command::{Call, Command, Count, HTTP, Shelf};
use crate::commands::token;
use crate::failure::{Exit, Failure, Outcome};

pub(crate) static COMMAND: Command = Command {
    words: "capabilities",
    shelf: Shelf::Of2016,
    synopsis: "Show what a token may do at a path.",
    usage: "[options] [TOKEN] PATH",
    details: "Shows what a token may do at a path; without a token, the one in use. Today this \
              is called \"token capabilities\".\n\n    $ {} capabilities secret/app",
    flags: &[HTTP],
    arguments: Count::of_2016(1, 2, "one or two arguments: the token and the path."),
    run,
};

fn run(call: &Call) -> Outcome {
    let names =
        token::allowed(call, "Error retrieving capabilities").map_err(Failure::into_local)?;
    call.output.say(&format!("Capabilities: [{}]", names.join(" ")));
    Ok(Exit::SUCCESS)
}
