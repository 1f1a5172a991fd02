//! `lease`: looking at, prolonging and ending what was handed out for a time.

use client::{Request, Secret};
use serde_json::json;

use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf, own};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};
use crate::help::paragraph;
use crate::session::{Doing, Session};

pub(crate) static LOOKUP: Command = Command {
    words: "lease lookup",
    shelf: Shelf::Other,
    synopsis: "Show when a lease ends.",
    usage: "[options] ID",
    details: "Shows when a lease began and when it ends.\n\n    $ {} lease lookup \
              database/creds/app/2f6a614c",
    flags: &[HTTP, FIELD],
    arguments: Count::between(0, 1, "1"),
    run: lookup,
};

pub(crate) static RENEW: Command = Command {
    words: "lease renew",
    shelf: Shelf::Other,
    synopsis: "Prolong a lease.",
    usage: "[options] ID",
    details: "Prolongs a lease.\n\n    $ {} lease renew -increment=1h database/creds/app/2f6a614c",
    flags: &[
        HTTP,
        FIELD,
        own(&[Flag::new(Kind::Duration, "increment", "By how much to prolong it, from now.")
            .alias("i")]),
    ],
    arguments: Count::ONE,
    run: renew,
};

pub(crate) static REVOKE: Command = Command {
    words: "lease revoke",
    shelf: Shelf::Other,
    synopsis: "End leases.",
    usage: "[options] ID",
    details: "Ends a lease and what was handed out under it.\n\n    $ {} lease revoke -prefix \
              database/creds/app",
    flags: &[
        HTTP,
        own(&[
            Flag::switch("sync", "Wait until it has ended."),
            Flag::switch("prefix", "End all leases that begin with ID."),
            Flag::switch("force", "Forget the leases even where ending them fails.").alias("f"),
        ]),
    ],
    arguments: Count::ONE,
    run: revoke,
};

fn print(call: &Call, found: Option<Secret>) -> Outcome {
    let secret = found.ok_or_else(|| Failure::remote("the server knows no such lease"))?;
    call.output.secret(&secret)?;
    Ok(Exit::SUCCESS)
}

fn lookup(call: &Call) -> Outcome {
    let id = call.argument(0).trim();
    if id.is_empty() {
        return Err(Failure::local("Missing ID!"));
    }
    let request = Request::put("sys/leases/lookup");
    let request = super::write::with_body(request, &json!({ "lease_id": id }))?;
    let doing = format!("error looking up lease id {id}");
    print(call, Session::open(call)?.perform(request).doing(&doing)?)
}

fn renew(call: &Call) -> Outcome {
    let id = call.argument(0).trim();
    let increment = call.flags.seconds("increment").unwrap_or(0);
    let request = Request::put("sys/leases/renew");
    let body = json!({ "lease_id": id, "increment": increment });
    let request = super::write::with_body(request, &body)?;
    print(call, Session::open(call)?.perform(request).doing(&format!("Error renewing {id}"))?)
}

fn revoke(call: &Call) -> Outcome {
    let id = call.argument(0).trim();
    let on = |name: &str| call.flags.switch(name);
    let (sync, prefix, force) = (on("sync"), on("prefix"), on("force"));
    if force && !prefix {
        return Err(Failure::local("Specifying -force requires also specifying -prefix"));
    }
    if force {
        call.output.warn(&paragraph(
            "Warning! Force-removing leases can leave what was handed out under them in use, \
             while the server no longer knows about it. Use it only when there is no other way.",
        ));
    }
    // A slash at the end says what "-prefix" says already, and servers take no such path.
    let folder = id.trim_end_matches('/');
    let request = match (prefix, force) {
        (true, true) => Request::put(&format!("sys/leases/revoke-force/{folder}")),
        (true, false) => Request::put(&format!("sys/leases/revoke-prefix/{folder}")),
        (false, _) => Request::put("sys/leases/revoke"),
    };
    let body =
        if prefix { json!({ "sync": sync }) } else { json!({ "lease_id": id, "sync": sync }) };
    let request = super::write::with_body(request, &body)?;
    Session::open(call)?.perform(request).doing(&format!("Error revoking lease {id}"))?;
    call.output.say(&match (force, sync, prefix) {
        (true, _, _) => format!("Success! Force revoked any leases with prefix: {id}"),
        (false, true, true) => format!("Success! Revoked any leases with prefix: {id}"),
        (false, true, false) => format!("Success! Revoked lease: {id}"),
        (false, false, _) => "All revocation operations queued successfully!".to_owned(),
    });
    Ok(Exit::SUCCESS)
}
