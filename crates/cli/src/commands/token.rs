//! `token`: making, looking at, prolonging and ending tokens.

use client::{Request, Secret};
use serde_json::{Map, Value, json};

use crate::command::{Call, Command, Count, FIELD, FORMAT, HTTP, Shelf, own};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};
use crate::output::texts;
use crate::session::{Doing, Session};

pub(crate) static CREATE: Command = Command {
    words: "token create",
    shelf: Shelf::Other,
    synopsis: "Make a token.",
    usage: "[options]",
    details: "Makes a token that is a child of the one in use, unless it is an orphan. Without \
              -policy it may do what its parent may.\n\n    $ {} token create -policy=dev -ttl=1h",
    flags: &[HTTP, FIELD, own(CREATION)],
    arguments: Count::NONE,
    run: create,
};

pub(crate) static LOOKUP: Command = Command {
    words: "token lookup",
    shelf: Shelf::Other,
    synopsis: "Show what a token is.",
    usage: "[options] [TOKEN | ACCESSOR]",
    details: "Shows what a token is; without an argument, the one in use.\n\n    $ {} token \
              lookup -accessor 9793c9b3",
    flags: &[HTTP, FIELD, own(&[ACCESSOR])],
    arguments: Count::between(0, 1, "0-1"),
    run: lookup,
};

pub(crate) static RENEW: Command = Command {
    words: "token renew",
    shelf: Shelf::Other,
    synopsis: "Prolong a token.",
    usage: "[options] [TOKEN | ACCESSOR]",
    details: "Prolongs a token; without an argument, the one in use.\n\n    $ {} token renew \
              -increment=1h",
    flags: &[HTTP, FIELD, own(&[ACCESSOR, INCREMENT])],
    arguments: Count::between(0, 1, "0-1"),
    run: renew,
};

pub(crate) static REVOKE: Command = Command {
    words: "token revoke",
    shelf: Shelf::Other,
    synopsis: "End a token and its children.",
    usage: "[options] [TOKEN | ACCESSOR]",
    details: "Ends a token, its children and their leases. With -mode=orphan the children live \
              on; with -mode=path the argument is a path, and all tokens made by it end.\n\n    \
              $ {} token revoke -self",
    flags: &[
        HTTP,
        own(&[
            ACCESSOR,
            Flag::switch("self", "End the token in use."),
            Flag::text(
                "mode",
                "What ends: the tree below the token when empty, or orphan, or path.",
            ),
        ]),
    ],
    arguments: Count::between(0, 1, "1"),
    run: revoke,
};

pub(crate) static CAPABILITIES: Command = Command {
    words: "token capabilities",
    shelf: Shelf::Other,
    synopsis: "Show what a token may do at a path.",
    usage: "[options] [TOKEN | ACCESSOR] PATH",
    details: "Shows what a token may do at a path; without a token, the one in use.\n\n    \
              $ {} token capabilities secret/data/app",
    flags: &[HTTP, FORMAT, own(&[ACCESSOR])],
    arguments: Count::between(1, 2, "1-2"),
    run: capabilities,
};

const ACCESSOR: Flag = Flag::switch("accessor", "The argument is an accessor, and no token.");
const INCREMENT: Flag =
    Flag::new(Kind::Duration, "increment", "By how much to prolong it, from now.").alias("i");

/// What a new token can be given.
pub(super) const CREATION: &[Flag] = &[
    Flag::text("id", "The text of the token itself."),
    Flag::text("display-name", "A name for people and for the audit log."),
    Flag::new(Kind::Duration, "ttl", "How long it lives before it must be renewed."),
    Flag::new(
        Kind::Duration,
        "explicit-max-ttl",
        "When it ends, no matter how often it is renewed.",
    ),
    Flag::new(Kind::Duration, "period", "How long every renewal lasts, without an end."),
    Flag::switch("renewable", "Whether it can be renewed.").default("true"),
    Flag::switch("orphan", "Make it without a parent."),
    Flag::switch("no-default-policy", "Do not add the policy \"default\"."),
    Flag::new(Kind::Integer, "use-limit", "How many requests it is good for."),
    Flag::text("role", "Make it by this role."),
    Flag::text("type", "The kind of token: service or batch."),
    Flag::new(
        Kind::Map,
        "metadata",
        "Something to note about it, as key=value. May be given several times.",
    ),
    Flag::new(Kind::List, "policy", "A policy it gets. May be given several times."),
    Flag::text("entity-alias", "The alias of the identity it acts for."),
];

fn print(call: &Call, found: Option<Secret>) -> Outcome {
    let secret = found.ok_or_else(|| Failure::remote("the server knows no such token"))?;
    call.output.secret(&secret)?;
    Ok(Exit::SUCCESS)
}

fn create(call: &Call) -> Outcome {
    let request = creation(call)?;
    print(call, Session::open(call)?.perform(request).doing("Error creating token")?)
}

/// The request for the token that the flags of a call describe.
pub(super) fn creation(call: &Call) -> Result<Request, Failure> {
    let flags = &call.flags;
    let mut body = Map::new();
    for (flag, key) in [
        ("id", "id"),
        ("display-name", "display_name"),
        ("type", "type"),
        ("entity-alias", "entity_alias"),
    ] {
        if let Some(text) = flags.text(flag) {
            body.insert(key.to_owned(), json!(text));
        }
    }
    for (flag, key) in
        [("ttl", "ttl"), ("explicit-max-ttl", "explicit_max_ttl"), ("period", "period")]
    {
        if let Some(text) = flags.duration(flag) {
            body.insert(key.to_owned(), json!(text));
        }
    }
    for (flag, key) in [("renewable", "renewable"), ("no-default-policy", "no_default_policy")] {
        if let Some(chosen) = flags.chosen(flag) {
            body.insert(key.to_owned(), json!(chosen));
        }
    }
    if let Some(uses) = flags.integer("use-limit") {
        body.insert("num_uses".to_owned(), json!(uses));
    }
    if flags.given("policy") {
        body.insert("policies".to_owned(), json!(flags.list("policy")));
    }
    if flags.given("metadata") {
        body.insert("meta".to_owned(), json!(flags.map("metadata")));
    }
    let path = match (flags.text("role"), flags.switch("orphan")) {
        (Some(role), _) => format!("auth/token/create/{role}"),
        (None, true) => "auth/token/create-orphan".to_owned(),
        (None, false) => "auth/token/create".to_owned(),
    };
    super::write::with_body(Request::post(&path), &body)
}

fn lookup(call: &Call) -> Outcome {
    let request = inquiry(call)?;
    print(call, Session::open(call)?.perform(request).doing("Error looking up token")?)
}

/// The request that looks at the token a call names.
pub(super) fn inquiry(call: &Call) -> Result<Request, Failure> {
    let given = call.argument(0).trim();
    match (given.is_empty(), call.flags.switch("accessor")) {
        (true, true) => {
            Err(Failure::local("Not enough arguments with -accessor (expected 1, got 0)"))
        }
        (true, false) => Ok(Request::get("auth/token/lookup-self")),
        (false, true) => {
            let body = json!({ "accessor": given });
            super::write::with_body(Request::post("auth/token/lookup-accessor"), &body)
        }
        (false, false) => {
            let body = json!({ "token": given });
            super::write::with_body(Request::post("auth/token/lookup"), &body)
        }
    }
}

fn renew(call: &Call) -> Outcome {
    let given = call.argument(0).trim();
    let increment = call.flags.seconds("increment").unwrap_or(0);
    let request = match (given.is_empty(), call.flags.switch("accessor")) {
        (true, true) => {
            let text = "Not enough arguments with -accessor (expected 1, got 0)";
            return Err(Failure::local(text));
        }
        (_, true) => {
            let body = json!({ "accessor": given, "increment": increment });
            super::write::with_body(Request::post("auth/token/renew-accessor"), &body)?
        }
        (_, false) => renewal(given, increment)?,
    };
    print(call, Session::open(call)?.perform(request).doing("Error renewing token")?)
}

/// The request that prolongs a token, or the one in use when it is not named.
pub(super) fn renewal(token: &str, increment: i64) -> Result<Request, Failure> {
    if token.is_empty() {
        let body = json!({ "increment": increment });
        return super::write::with_body(Request::put("auth/token/renew-self"), &body);
    }
    let body = json!({ "token": token, "increment": increment });
    super::write::with_body(Request::put("auth/token/renew"), &body)
}

fn revoke(call: &Call) -> Outcome {
    let request = revocation(call)?;
    Session::open(call)?.perform(request).doing("Error revoking token")?;
    call.output.say("Success! Revoked token (if it existed)");
    Ok(Exit::SUCCESS)
}

fn revocation(call: &Call) -> Result<Request, Failure> {
    let given = call.argument(0).trim();
    let own = call.flags.switch("self");
    let accessor = call.flags.switch("accessor");
    let mode = call.flags.text("mode").unwrap_or_default();
    let refuse = |text: &str| Err(Failure::local(text));
    match (own, given.is_empty()) {
        (true, false) => return refuse("Too many arguments with -self (expected 0, got 1)"),
        (false, true) => return refuse("Not enough arguments (expected 1 or -self)"),
        (true, true) if accessor => return refuse("Cannot use -self with -accessor!"),
        (true, true) if !mode.is_empty() => return refuse("Cannot use -self with -mode!"),
        (true, true) => return Ok(Request::put("auth/token/revoke-self")),
        (false, false) => {}
    }
    match (mode, accessor) {
        ("orphan", true) => refuse("Cannot use -accessor with -mode=orphan!"),
        ("path", true) => refuse("Cannot use -accessor with -mode=path!"),
        ("" | "orphan" | "path", _) => ending(mode, accessor, given),
        _ => refuse(&format!("Invalid mode: {mode}")),
    }
}

/// The request that ends a token in one of the modes.
pub(super) fn ending(mode: &str, accessor: bool, given: &str) -> Result<Request, Failure> {
    match (mode, accessor) {
        ("orphan", _) => {
            let body = json!({ "token": given });
            super::write::with_body(Request::put("auth/token/revoke-orphan"), &body)
        }
        ("path", _) => Ok(Request::put(&format!("sys/leases/revoke-prefix/{given}"))),
        (_, true) => {
            let body = json!({ "accessor": given });
            super::write::with_body(Request::post("auth/token/revoke-accessor"), &body)
        }
        (_, false) => {
            let body = json!({ "token": given });
            super::write::with_body(Request::put("auth/token/revoke"), &body)
        }
    }
}

fn capabilities(call: &Call) -> Outcome {
    let names = allowed(call, "Error listing capabilities")?;
    if names.is_empty() {
        return Err(Failure::local("No capabilities found"));
    }
    if call.output.is_table() {
        call.output.say(&names.join(", "));
    } else {
        call.output.program(&names)?;
    }
    Ok(Exit::SUCCESS)
}

/// What the token of a call may do at the path of a call, sorted.
pub(super) fn allowed(call: &Call, doing: &str) -> Result<Vec<String>, Failure> {
    let (first, second) = (call.argument(0), call.argument(1));
    let (door, body, path) = match (second.is_empty(), call.flags.switch("accessor")) {
        (true, _) => ("sys/capabilities-self", json!({ "path": first }), first),
        (false, true) => {
            ("sys/capabilities-accessor", json!({ "accessor": first, "path": second }), second)
        }
        (false, false) => ("sys/capabilities", json!({ "token": first, "path": second }), second),
    };
    let request = super::write::with_body(Request::post(door), &body)?;
    let found = Session::open(call)?.perform(request).doing(doing)?;
    let named = |key: &str| -> Option<&Value> { found.as_ref()?.value(key) };
    let mut names = texts(named("capabilities").or_else(|| named(path)));
    names.sort_unstable();
    Ok(names)
}
