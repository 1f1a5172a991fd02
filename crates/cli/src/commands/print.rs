//! `print token`: the token that a command would use now.

use crate::command::{Call, Command, Count, Shelf};
use crate::failure::{Exit, Outcome};
use crate::session;

pub(crate) static TOKEN: Command = Command {
    words: "print token",
    shelf: Shelf::Other,
    synopsis: "Show the token in use.",
    usage: "",
    details: "Prints the token of the environment, or else that of the last login.\n\n    $ {} \
              print token",
    flags: &[],
    arguments: Count::NONE,
    run,
};

fn run(call: &Call) -> Outcome {
    let token = session::effective_token(call)?.unwrap_or_default();
    call.output.say(token.expose());
    Ok(Exit::SUCCESS)
}
