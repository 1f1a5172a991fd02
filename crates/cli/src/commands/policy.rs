//! `policy`: what tokens may do.
//!
//! The server folds the case of names, so it is folded here already, and said.

use client::Request;
use serde_json::{Value, json};

use crate::arguments;
use crate::command::{Call, Command, Count, FORMAT, HTTP, Shelf};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::texts;
use crate::session::{Doing, Session};

pub(crate) static LIST: Command = Command {
    words: "policy list",
    shelf: Shelf::Other,
    synopsis: "List the policies.",
    usage: "[options]",
    details: "Lists the names of all policies.\n\n    $ {} policy list",
    flags: &[HTTP, FORMAT],
    arguments: Count::NONE,
    run: list,
};

pub(crate) static READ: Command = Command {
    words: "policy read",
    shelf: Shelf::Other,
    synopsis: "Show the text of a policy.",
    usage: "[options] NAME",
    details: "Prints the text of a policy.\n\n    $ {} policy read admins",
    flags: &[HTTP, FORMAT],
    arguments: Count::ONE,
    run: read,
};

pub(crate) static WRITE: Command = Command {
    words: "policy write",
    shelf: Shelf::Other,
    synopsis: "Store a policy.",
    usage: "[options] NAME PATH",
    details: "Stores a policy under a name. The path - stands for the standard input.\n\n    \
              $ {} policy write admins admins.hcl",
    flags: &[HTTP],
    arguments: Count::TWO,
    run: write,
};

pub(crate) static DELETE: Command = Command {
    words: "policy delete",
    shelf: Shelf::Other,
    synopsis: "Delete a policy.",
    usage: "[options] NAME",
    details: "Deletes a policy. Tokens that have it may no longer do what only it \
              allowed.\n\n    \
              $ {} policy delete admins",
    flags: &[HTTP],
    arguments: Count::ONE,
    run: delete,
};

fn name(call: &Call) -> String {
    call.argument(0).trim().to_lowercase()
}

fn list(call: &Call) -> Outcome {
    let request = Request::list("sys/policies/acl");
    let found = Session::open(call)?.find(request).doing("Error listing policies")?;
    let names = texts(found.as_ref().and_then(|secret| secret.value("keys")));
    if call.output.is_table() {
        call.output.say(&names.join("\n"));
    } else {
        call.output.program(&names)?;
    }
    Ok(Exit::SUCCESS)
}

fn read(call: &Call) -> Outcome {
    let name = name(call);
    let request = Request::get(&format!("sys/policies/acl/{name}"));
    let found =
        Session::open(call)?.find(request).doing(&format!("Error reading policy named {name}"))?;
    let text = found.as_ref().and_then(|secret| secret.value("policy")).and_then(Value::as_str);
    let Some(text) = text else {
        return Err(Failure::remote(format!("No policy named: {name}")));
    };
    if call.output.is_table() {
        call.output.say(text.trim());
    } else {
        call.output.program(&json!({ "policy": text.trim() }))?;
    }
    Ok(Exit::SUCCESS)
}

fn write(call: &Call) -> Outcome {
    let given = call.argument(0).trim();
    let name = name(call);
    let text = source(call, "Error opening policy file")?;
    if name != given {
        call.output.warn(&format!("Policy name was converted from {given:?} to {name:?}"));
    }
    let request = Request::put(&format!("sys/policies/acl/{name}"));
    let request = super::write::with_body(request, &json!({ "policy": text }))?;
    Session::open(call)?.perform(request).doing("Error uploading policy")?;
    call.output.say(&format!("Success! Uploaded policy: {name}"));
    Ok(Exit::SUCCESS)
}

/// The text of a policy, from the file or the standard input that the second argument names.
pub(super) fn source(call: &Call, doing: &str) -> Result<String, Failure> {
    let path = call.argument(1).trim();
    let text = match path {
        "-" => super::write::input(call).read(),
        path => arguments::file(path),
    };
    text.map_err(|cause| Failure::remote(format!("{doing}: {cause}")))
}

fn delete(call: &Call) -> Outcome {
    let name = name(call);
    let request = Request::delete(&format!("sys/policies/acl/{name}"));
    Session::open(call)?.perform(request).doing(&format!("Error deleting {name}"))?;
    call.output.say(&format!("Success! Deleted policy: {name}"));
    Ok(Exit::SUCCESS)
}
