//! Leases: `renew`, `revoke`.

use client::Request;
use serde_json::json;

use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf, own};
use crate::commands::write;
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::Flag;
use crate::output::duration;
use crate::session::{Doing, Session};

pub(crate) static RENEW: Command = Command {
    words: "renew",
    shelf: Shelf::Of2016,
    synopsis: "Renew the lease of a secret.",
    usage: "[options] ID [INCREMENT]",
    details: "Prolongs a lease. Today this is called \"lease renew\".\n\n    $ {} renew \
              database/creds/app/2f6a614c 1h",
    flags: &[HTTP, FIELD],
    arguments: Count::of_2016(1, 2, "one or two arguments: the lease and the increment."),
    run: renew,
};

pub(crate) static REVOKE: Command = Command {
    words: "revoke",
    shelf: Shelf::Of2016,
    synopsis: "Revoke a secret.",
    usage: "[options] ID",
    details: "Ends a lease, or all leases with a prefix. Today this is called \"lease \
              revoke\".\n\n    \
              $ {} revoke -prefix database/creds/app",
    flags: &[
        HTTP,
        own(&[
            Flag::switch("prefix", "End all leases that begin with ID."),
            Flag::switch("force", "Forget the leases even where ending them fails."),
        ]),
    ],
    arguments: Count::of_2016(1, 1, "one argument: the lease to revoke."),
    run: revoke,
};

fn renew(call: &Call) -> Outcome {
    let behind = call.argument(1);
    let increment = if behind.is_empty() { Some(0) } else { duration::parse(behind) };
    let increment = increment.ok_or_else(|| {
        Failure::local(format!("Invalid increment: {behind:?} is not a duration; try \"1h\""))
    })?;
    let body = json!({ "lease_id": call.argument(0).trim(), "increment": increment });
    let request = write::with_body(Request::put("sys/renew"), &body)?;
    let found =
        Session::open(call)?.perform(request).doing("Renew error").map_err(Failure::into_local)?;
    super::show(call, found)
}

fn revoke(call: &Call) -> Outcome {
    let id = call.argument(0).trim();
    let door = match (call.flags.switch("prefix"), call.flags.switch("force")) {
        (false, true) => return Err(Failure::local("-force requires -prefix")),
        (true, true) => "sys/revoke-force",
        (true, false) => "sys/revoke-prefix",
        (false, false) => "sys/revoke",
    };
    // A slash at the end says what "-prefix" says already, and servers take no such path.
    let request = Request::put(&format!("{door}/{}", id.trim_end_matches('/')));
    Session::open(call)?.perform(request).doing("Revoke error").map_err(Failure::into_local)?;
    call.output.say(&format!("Success! Revoked the secret with ID '{id}', if it existed."));
    Ok(Exit::SUCCESS)
}
