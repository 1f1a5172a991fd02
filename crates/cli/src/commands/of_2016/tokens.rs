//! Tokens: `token-create`, `token-lookup`, `token-renew`, `token-revoke`.

use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf, own};
use crate::commands::token;
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};
use crate::output::duration;
use crate::session::{Doing, Session};

pub(crate) static CREATE: Command = Command {
    words: "token-create",
    shelf: Shelf::Of2016,
    synopsis: "Create a new token.",
    usage: "[options]",
    details: "Makes a token. Today this is called \"token create\".\n\n    $ {} token-create \
              -policy=dev -ttl=1h",
    flags: &[HTTP, FIELD, own(token::CREATION)],
    arguments: Count::of_2016(0, 0, "no arguments."),
    run: |call| {
        let request = token::creation(call)?;
        super::show(call, Session::open(call)?.perform(request).doing("Error creating token")?)
    },
};

pub(crate) static LOOKUP: Command = Command {
    words: "token-lookup",
    shelf: Shelf::Of2016,
    synopsis: "Display information about a token.",
    usage: "[options] [TOKEN | ACCESSOR]",
    details: "Shows what a token is. Today this is called \"token lookup\".\n\n    $ {} \
              token-lookup",
    flags: &[HTTP, FIELD, own(&[ACCESSOR])],
    arguments: Count::of_2016(0, 1, "at most one argument: the token or accessor."),
    run: |call| {
        let request = token::inquiry(call)?;
        let found = Session::open(call)?.perform(request).doing("error looking up token");
        super::show(call, found.map_err(Failure::into_local)?)
    },
};

pub(crate) static RENEW: Command = Command {
    words: "token-renew",
    shelf: Shelf::Of2016,
    synopsis: "Renew a token.",
    usage: "[options] [TOKEN] [INCREMENT]",
    details: "Prolongs a token. Today this is called \"token renew\".\n\n    $ {} token-renew \
              96ddf4bc-d217 1h",
    flags: &[HTTP, FIELD, own(&[INCREMENT])],
    arguments: Count::of_2016(0, 2, "at most two arguments: the token and the increment."),
    run: renew,
};

pub(crate) static REVOKE: Command = Command {
    words: "token-revoke",
    shelf: Shelf::Of2016,
    synopsis: "Revoke a token.",
    usage: "[options] [TOKEN | ACCESSOR]",
    details: "Ends a token and its children; with -mode=orphan the children live on, and with \
              -mode=path all tokens made by a path end. Today this is called \"token \
              revoke\".\n\n    $ {} token-revoke 96ddf4bc-d217",
    flags: &[
        HTTP,
        own(&[
            ACCESSOR,
            Flag::text(
                "mode",
                "What ends: the tree below the token when empty, or orphan, or path.",
            ),
        ]),
    ],
    arguments: Count::of_2016(1, 1, "one argument: the token or accessor."),
    run: revoke,
};

const ACCESSOR: Flag = Flag::switch("accessor", "The argument is an accessor, and no token.");
const INCREMENT: Flag =
    Flag::new(Kind::Duration, "increment", "By how much to prolong it, from now.");

fn renew(call: &Call) -> Outcome {
    let behind = call.argument(1);
    let increment = match (behind.is_empty(), call.flags.seconds("increment")) {
        (_, Some(seconds)) => seconds,
        (true, None) => 0,
        (false, None) => duration::parse(behind).ok_or_else(|| {
            Failure::local(format!("Invalid increment: {behind:?} is not a duration; try \"1h\""))
        })?,
    };
    let request = token::renewal(call.argument(0).trim(), increment)?;
    let found = Session::open(call)?.perform(request).doing("Error renewing token");
    super::show(call, found.map_err(Failure::into_local)?)
}

fn revoke(call: &Call) -> Outcome {
    let mode = call.flags.text("mode").unwrap_or_default();
    let accessor = call.flags.switch("accessor");
    match (mode, accessor) {
        ("orphan" | "path", true) => {
            return Err(Failure::local(format!(
                "token-revoke cannot be run with -accessor and -mode={mode}"
            )));
        }
        ("" | "orphan" | "path", _) => {}
        _ => return Err(Failure::local(format!("Invalid mode: {mode}"))),
    }
    let request = token::ending(mode, accessor, call.argument(0).trim())?;
    Session::open(call)?.perform(request).doing("Error revoking token")?;
    call.output.say("Success! Token revoked if it existed.");
    Ok(Exit::SUCCESS)
}
