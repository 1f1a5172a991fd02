//! The server as a whole: `init`, `unseal`, `seal`, `step-down`, `key-status`, `rotate`.

use client::Request;
use serde_json::{Map, Value, json};

use crate::command::{Call, Command, Count, HTTP, Shelf, own};
use crate::commands::{operator, write};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};
use crate::help::paragraph;
use crate::output::{go_text, go_time, texts};
use crate::prompt;
use crate::session::{Doing, Session};

pub(crate) static INIT: Command = Command {
    words: "init",
    shelf: Shelf::Of2016,
    synopsis: "Initialize a new server.",
    usage: "[options]",
    details: "Makes a new server ready and shows its keys once. Today this is called \"operator \
              init\".\n\n    $ {} init",
    flags: &[
        HTTP,
        own(&[
            Flag::new(Kind::Integer, "key-shares", "Into how many shares the unseal key is split.")
                .default("5"),
            Flag::new(Kind::Integer, "key-threshold", "How many shares unseal the server.")
                .default("3"),
            Flag::switch("check", "Only say whether the server is initialized."),
        ]),
    ],
    arguments: Count::of_2016(0, 0, "no arguments."),
    run: init,
};

pub(crate) static UNSEAL: Command = Command {
    words: "unseal",
    shelf: Shelf::Of2016,
    synopsis: "Unseal the server.",
    usage: "[options] [KEY]",
    details: "Gives the server one share of the unseal key, which is asked for when it is \
              missing. Today this is called \"operator unseal\".\n\n    $ {} unseal",
    flags: &[HTTP, own(&[Flag::switch("reset", "Forget the shares given so far.")])],
    arguments: Count::of_2016(0, 1, "at most one argument: the key."),
    run: unseal,
};

pub(crate) static SEAL: Command = Command {
    words: "seal",
    shelf: Shelf::Of2016,
    synopsis: "Seal the server.",
    usage: "[options]",
    details: "Makes the server forget its keys. Today this is called \"operator seal\".\n\n    \
              $ {} seal",
    flags: &[HTTP],
    arguments: Count::of_2016(0, 0, "no arguments."),
    run: |call| {
        let sealed = Session::open(call)?.perform(Request::put("sys/seal"));
        sealed.doing("Error sealing").map_err(Failure::into_local)?;
        call.output.say("Vault is now sealed.");
        Ok(Exit::SUCCESS)
    },
};

pub(crate) static STEP_DOWN: Command = Command {
    words: "step-down",
    shelf: Shelf::Of2016,
    synopsis: "Force the server to let another node take over.",
    usage: "[options]",
    details: "Asks the server to let another node take over. Today this is called \"operator \
              step-down\".\n\n    \
              $ {} step-down",
    flags: &[HTTP],
    arguments: Count::of_2016(0, 0, "no arguments."),
    run: |call| {
        let stepped = Session::open(call)?.perform(Request::put("sys/step-down"));
        stepped.doing("Error stepping down").map_err(Failure::into_local)?;
        Ok(Exit::SUCCESS)
    },
};

pub(crate) static KEY_STATUS: Command = Command {
    words: "key-status",
    shelf: Shelf::Of2016,
    synopsis: "Show which encryption key is in use.",
    usage: "[options]",
    details: "Shows the encryption key in use. Today this is called \"operator \
              key-status\".\n\n    $ {} key-status",
    flags: &[HTTP],
    arguments: Count::of_2016(0, 0, "no arguments."),
    run: |call| show_key(call, &Session::open(call)?),
};

pub(crate) static ROTATE: Command = Command {
    words: "rotate",
    shelf: Shelf::Of2016,
    synopsis: "Make a new encryption key.",
    usage: "[options]",
    details: "Makes a new encryption key. Today this is called \"operator rotate\".\n\n    $ {} \
              rotate",
    flags: &[HTTP],
    arguments: Count::of_2016(0, 0, "no arguments."),
    run: |call| {
        let session = Session::open(call)?;
        session.perform(Request::post("sys/rotate")).doing("Error with key rotation")?;
        show_key(call, &session)
    },
};

fn init(call: &Call) -> Outcome {
    let session = Session::open(call)?;
    if call.flags.switch("check") {
        return check(call, &session);
    }
    let shares = call.flags.integer("key-shares").unwrap_or(5);
    let threshold = call.flags.integer("key-threshold").unwrap_or(3);
    let body = json!({ "secret_shares": shares, "secret_threshold": threshold });
    let request = write::with_body(Request::put("sys/init"), &body)?;
    let answer =
        session.bare(request).doing("Error initializing Vault").map_err(Failure::into_local)?;
    call.output.say(&keys(&answer, shares, threshold));
    Ok(Exit::SUCCESS)
}

fn check(call: &Call, session: &Session) -> Outcome {
    let answer = session.bare(Request::get("sys/init"));
    let answer: Value =
        answer.doing("Error checking initialization status").map_err(Failure::into_local)?;
    if answer.get("initialized").and_then(Value::as_bool).unwrap_or(false) {
        call.output.say("Vault has been initialized");
        return Ok(Exit::SUCCESS);
    }
    call.output.say("Vault is not initialized");
    Ok(Exit::NEGATIVE)
}

fn keys(answer: &Value, shares: i64, threshold: i64) -> String {
    let mut text = String::new();
    for (position, key) in texts(answer.get("keys_base64")).iter().enumerate() {
        text.push_str(&format!("Unseal Key {}: {key}\n", position + 1));
    }
    let token = answer.get("root_token").map(go_text).unwrap_or_default();
    let advice = paragraph(&format!(
        "Vault initialized with {shares} keys and a key threshold of {threshold}. Give each key \
         to somebody else and keep them apart. Whenever the server is sealed or restarted, \
         {threshold} of these keys are needed to unseal it."
    ));
    let warning = paragraph(&format!(
        "Vault does not keep the key that these make together: without {threshold} of them \
         nobody can ever unseal it again."
    ));
    format!("{text}Initial Root Token: {token}\n\n{advice}\n\n{warning}")
}

type Status = Map<String, Value>;

fn unseal(call: &Call) -> Outcome {
    let session = Session::open(call)?;
    let status: Status = session
        .bare(Request::get("sys/seal-status"))
        .doing("Error")
        .map_err(Failure::into_local)?;
    if status.get("sealed") == Some(&Value::Bool(false)) {
        call.output.say("Vault is already unsealed.");
        return Ok(Exit::SUCCESS);
    }
    let body = match call.flags.switch("reset") {
        true => json!({ "reset": true }),
        false => json!({ "key": share(call)? }),
    };
    let request = write::with_body(Request::put("sys/unseal"), &body)?;
    let status: Status = session.bare(request).doing("Error").map_err(Failure::into_local)?;
    let text = |key: &str| status.get(key).map(go_text).unwrap_or_default();
    call.output.say(&format!(
        "Sealed: {}\nKey Shares: {}\nKey Threshold: {}\nUnseal Progress: {}",
        text("sealed"),
        text("n"),
        text("t"),
        text("progress")
    ));
    Ok(Exit::SUCCESS)
}

fn share(call: &Call) -> Result<String, Failure> {
    let given = call.argument(0).trim();
    if !given.is_empty() {
        return Ok(given.to_owned());
    }
    let typed = prompt::hidden_of_2016(call, "Key");
    let typed = typed
        .map_err(|cause| Failure::local(format!("Error attempting to ask for the key: {cause}")))?;
    Ok(typed.as_str().to_owned())
}

fn show_key(call: &Call, session: &Session) -> Outcome {
    let status = operator::current_key(session)?;
    let text = |key: &str| status.get(key).map(go_text).unwrap_or_default();
    call.output.say(&format!(
        "Key Term: {}\nInstallation Time: {}",
        text("term"),
        go_time(&text("install_time"))
    ));
    Ok(Exit::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_2016_stand_right_above_the_token() {
        let answer = json!({"keys_base64": ["x", "y"], "root_token": "t"});
        assert!(keys(&answer, 2, 2).starts_with(
            "Unseal Key 1: x\nUnseal Key 2: y\nInitial Root Token: t\n\n\
             Vault initialized with 2 keys and a key threshold of 2."
        ));
    }
}
