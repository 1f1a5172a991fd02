//! Policies: `policies`, `policy-write`, `policy-delete`.

use client::Request;
use serde_json::{Value, json};

use crate::command::{Call, Command, Count, HTTP, Shelf};
use crate::commands::{policy, write};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::texts;
use crate::session::{Doing, Session};

pub(crate) static LIST: Command = Command {
    words: "policies",
    shelf: Shelf::Of2016,
    synopsis: "List the policies, or show one.",
    usage: "[options] [NAME]",
    details: "Lists the names of all policies, or shows the text of one. Today this is called \
              \"policy list\" and \"policy read\".\n\n    $ {} policies admins",
    flags: &[HTTP],
    arguments: Count::of_2016(0, 1, "at most one argument: the name of a policy."),
    run: list,
};

pub(crate) static WRITE: Command = Command {
    words: "policy-write",
    shelf: Shelf::Of2016,
    synopsis: "Write a policy.",
    usage: "[options] NAME PATH",
    details: "Stores a policy under a name; the path - stands for the standard input. Today this \
              is called \"policy write\".\n\n    $ {} policy-write admins admins.hcl",
    flags: &[HTTP],
    arguments: Count::of_2016(
        2,
        2,
        "two arguments: the name of the policy and the file with its text.",
    ),
    run: store,
};

pub(crate) static DELETE: Command = Command {
    words: "policy-delete",
    shelf: Shelf::Of2016,
    synopsis: "Delete a policy.",
    usage: "[options] NAME",
    details: "Deletes a policy. Today this is called \"policy delete\".\n\n    $ {} \
              policy-delete admins",
    flags: &[HTTP],
    arguments: Count::of_2016(1, 1, "one argument: the name of the policy."),
    run: remove,
};

fn list(call: &Call) -> Outcome {
    let name = call.argument(0).trim();
    let session = Session::open(call)?;
    let answer =
        |path: &str| session.find(Request::get(path)).doing("Error").map_err(Failure::into_local);
    if name.is_empty() {
        let found = answer("sys/policy")?;
        let value = |key: &str| found.as_ref().and_then(|secret| secret.value(key));
        call.output.say(&texts(value("policies").or_else(|| value("keys"))).join("\n"));
        return Ok(Exit::SUCCESS);
    }
    let found = answer(&format!("sys/policy/{name}"))?;
    let rules = found.as_ref().and_then(|secret| secret.value("rules")).and_then(Value::as_str);
    let rules = rules.ok_or_else(|| Failure::local(format!("Policy not found: {name}")))?;
    call.output.say(rules.trim_end());
    Ok(Exit::SUCCESS)
}

fn store(call: &Call) -> Outcome {
    let name = call.argument(0).trim();
    let text = policy::source(call, "Error opening file").map_err(Failure::into_local)?;
    let request = Request::put(&format!("sys/policy/{name}"));
    let request = write::with_body(request, &json!({ "rules": text }))?;
    Session::open(call)?.perform(request).doing("Error").map_err(Failure::into_local)?;
    call.output.say(&format!("Policy '{name}' written."));
    Ok(Exit::SUCCESS)
}

fn remove(call: &Call) -> Outcome {
    let name = call.argument(0).trim();
    let request = Request::delete(&format!("sys/policy/{name}"));
    Session::open(call)?.perform(request).doing("Error").map_err(Failure::into_local)?;
    call.output.say(&format!("Policy '{name}' deleted."));
    Ok(Exit::SUCCESS)
}
