//! `operator`: bringing a server up, opening and closing it, and changing its keys.

use client::Request;
use serde_json::{Map, Value, json};

use crate::command::{Call, Command, Count, FORMAT, HTTP, Shelf, own};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};
use crate::help::paragraph;
use crate::output::{aligned, go_text, texts};
use crate::prompt;
use crate::session::{Doing, Session};

pub(crate) static INIT: Command = Command {
    words: "operator init",
    shelf: Shelf::Other,
    synopsis: "Make a new server ready.",
    usage: "[options]",
    details: "Makes a new server ready: its keys are made, split into shares and shown once, \
              together with the first token.\n\n    $ {} operator init -key-shares=3 \
              -key-threshold=2",
    flags: &[HTTP, FORMAT, own(SHARES)],
    arguments: Count::NONE,
    run: init,
};

pub(crate) static UNSEAL: Command = Command {
    words: "operator unseal",
    shelf: Shelf::Other,
    synopsis: "Give the server a share of the unseal key.",
    usage: "[options] [KEY]",
    details: "Gives the server one share of the unseal key. Without KEY it is asked for, and not \
              shown while it is typed, which keeps it out of the history of the shell.\n\n    \
              $ {} operator unseal",
    flags: &[
        HTTP,
        FORMAT,
        own(&[
            Flag::switch("reset", "Forget the shares given so far."),
            Flag::switch("migrate", "The share belongs to a change of the seal."),
        ]),
    ],
    arguments: Count::between(0, 1, "0-1"),
    run: unseal,
};

pub(crate) static SEAL: Command = Command {
    words: "operator seal",
    shelf: Shelf::Other,
    synopsis: "Make the server forget its keys.",
    usage: "[options]",
    details: "Makes the server forget its keys. Nothing is answered until it is unsealed \
              again.\n\n    $ {} operator seal",
    flags: &[HTTP],
    arguments: Count::NONE,
    run: seal,
};

pub(crate) static STEP_DOWN: Command = Command {
    words: "operator step-down",
    shelf: Shelf::Other,
    synopsis: "Let another node take over.",
    usage: "[options]",
    details: "Asks the server to let another node take over.\n\n    $ {} operator step-down",
    flags: &[HTTP],
    arguments: Count::NONE,
    run: step_down,
};

pub(crate) static KEY_STATUS: Command = Command {
    words: "operator key-status",
    shelf: Shelf::Other,
    synopsis: "Show which encryption key is in use.",
    usage: "[options]",
    details: "Shows which encryption key is in use, and since when.\n\n    $ {} operator \
              key-status",
    flags: &[HTTP, FORMAT],
    arguments: Count::NONE,
    run: key_status,
};

pub(crate) static ROTATE: Command = Command {
    words: "operator rotate",
    shelf: Shelf::Other,
    synopsis: "Make a new encryption key.",
    usage: "[options]",
    details: "Makes a new encryption key for everything that is written from now on. Older keys \
              still read what they wrote.\n\n    $ {} operator rotate",
    flags: &[HTTP, FORMAT],
    arguments: Count::NONE,
    run: rotate,
};

const SHARES: &[Flag] = &[
    Flag::new(Kind::Integer, "key-shares", "Into how many shares the unseal key is split.")
        .alias("n")
        .default("5"),
    Flag::new(Kind::Integer, "key-threshold", "How many shares unseal the server.")
        .alias("t")
        .default("3"),
    Flag::new(
        Kind::Integer,
        "recovery-shares",
        "Into how many shares the recovery key is split, with a seal that opens by itself.",
    )
    .default("5"),
    Flag::new(Kind::Integer, "recovery-threshold", "How many shares make the recovery key.")
        .default("3"),
    Flag::switch("status", "Only say whether the server is initialized."),
];

fn init(call: &Call) -> Outcome {
    let session = Session::open(call)?;
    if call.flags.switch("status") {
        return init_status(call, &session);
    }
    let request = Request::put("sys/init");
    let wanted = shares(call, opens_by_itself(&session)?);
    let request = super::write::with_body(request, &wanted)?;
    let answer: Value = session.bare(request).doing("Error initializing")?;
    if call.output.is_table() {
        call.output.say(&keys_text(&answer, &wanted));
    } else {
        call.output.program(&keys_document(&answer, &wanted))?;
    }
    Ok(Exit::SUCCESS)
}

fn init_status(call: &Call, session: &Session) -> Outcome {
    let doing = "Error checking initialization status";
    let answer: Value =
        session.bare(Request::get("sys/init")).doing(doing).map_err(Failure::into_local)?;
    if answer.get("initialized").and_then(Value::as_bool).unwrap_or(false) {
        call.output.say("Vault is initialized");
        return Ok(Exit::SUCCESS);
    }
    call.output.say("Vault is not initialized");
    Ok(Exit::NEGATIVE)
}

/// Whether the seal of the server opens by itself, and so has recovery keys in place of unseal
/// keys.
fn opens_by_itself(session: &Session) -> Result<bool, Failure> {
    if session.only_describes() {
        return Ok(false);
    }
    let request = Request::get("sys/seal-status");
    let status: Value = session.bare(request).doing("Error checking seal status")?;
    Ok(status.get("recovery_seal").and_then(Value::as_bool).unwrap_or(false))
}

/// What is asked for: shares of the unseal key, or of the recovery key.
fn shares(call: &Call, recovery: bool) -> Map<String, Value> {
    let number = |name: &str, default: i64| json!(call.flags.integer(name).unwrap_or(default));
    let mut body = Map::new();
    if recovery {
        body.insert("recovery_shares".to_owned(), number("recovery-shares", 5));
        body.insert("recovery_threshold".to_owned(), number("recovery-threshold", 3));
    } else {
        body.insert("secret_shares".to_owned(), number("key-shares", 5));
        body.insert("secret_threshold".to_owned(), number("key-threshold", 3));
    }
    body
}

fn keys_text(answer: &Value, wanted: &Map<String, Value>) -> String {
    let mut text = String::new();
    for (position, key) in texts(answer.get("keys_base64")).iter().enumerate() {
        text.push_str(&format!("Unseal Key {}: {key}\n", position + 1));
    }
    for (position, key) in texts(answer.get("recovery_keys_base64")).iter().enumerate() {
        text.push_str(&format!("Recovery Key {}: {key}\n", position + 1));
    }
    let token = answer.get("root_token").map(go_text).unwrap_or_default();
    text.push_str(&format!("\nInitial Root Token: {token}\n"));
    let number = |key: &str| wanted.get(key).map(go_text);
    if let (Some(shares), Some(threshold)) = (number("secret_shares"), number("secret_threshold")) {
        return format!("{text}\n{}", advice(&shares, &threshold));
    }
    let shares = number("recovery_shares").unwrap_or_default();
    let threshold = number("recovery_threshold").unwrap_or_default();
    let last = paragraph(&format!(
        "Recovery key initialized with {shares} key shares and a key threshold of {threshold}. \
         Give each of the shares shown above to somebody else."
    ));
    format!("{text}\nSuccess! Vault is initialized\n\n{last}")
}

fn advice(shares: &str, threshold: &str) -> String {
    let paragraphs = [
        format!(
            "Vault initialized with {shares} key shares and a key threshold of {threshold}. Give \
             each of the {shares} shares to somebody else and keep them apart. Whenever the \
             server is sealed, started or restarted, {threshold} of the {shares} shares are \
             needed to unseal it before it answers requests."
        ),
        format!(
            "Vault does not store the generated root key. Without at least {threshold} shares \
             nobody can put it together again, and the server stays sealed for ever!"
        ),
        "It is possible to generate new unseal keys, as long as enough of the existing shares \
         are there to allow it; this version of the server does not offer it yet."
            .to_owned(),
    ];
    paragraphs.map(|text| paragraph(&text)).join("\n\n")
}

/// The keys for programs: lists are empty when there is nothing, and never absent.
fn keys_document(answer: &Value, wanted: &Map<String, Value>) -> Value {
    let list = |key: &str| json!(texts(answer.get(key)));
    let number = |key: &str| wanted.get(key).cloned().unwrap_or(json!(0));
    json!({
        "unseal_keys_b64": list("keys_base64"),
        "unseal_keys_hex": list("keys"),
        "unseal_shares": number("secret_shares"),
        "unseal_threshold": number("secret_threshold"),
        "recovery_keys_b64": list("recovery_keys_base64"),
        "recovery_keys_hex": list("recovery_keys"),
        "recovery_keys_shares": number("recovery_shares"),
        "recovery_keys_threshold": number("recovery_threshold"),
        "root_token": answer.get("root_token").cloned().unwrap_or(json!("")),
    })
}

fn unseal(call: &Call) -> Outcome {
    let session = Session::open(call)?;
    let body = if call.flags.switch("reset") {
        json!({ "reset": true })
    } else {
        json!({ "key": share(call)?, "migrate": call.flags.switch("migrate") })
    };
    let request = super::write::with_body(Request::put("sys/unseal"), &body)?;
    let seal = session.bare(request).doing("Error unsealing")?;
    let status = super::status::with_leader(seal, &session)?;
    super::status::print(call, &status)?;
    Ok(Exit::SUCCESS)
}

fn share(call: &Call) -> Result<String, Failure> {
    let given = call.argument(0).trim();
    if !given.is_empty() {
        return Ok(given.to_owned());
    }
    let typed = prompt::hidden(call, "Unseal Key").map_err(|cause| {
        let text = paragraph(
            "An error occurred attempting to ask for an unseal key. Most often the input is not \
             a terminal. A key can also be passed as an argument, but it then stays in the \
             history of the shell. What happened is this:",
        );
        Failure::local(format!("{text}\n\n{cause}"))
    })?;
    Ok(typed.as_str().to_owned())
}

fn seal(call: &Call) -> Outcome {
    Session::open(call)?.perform(Request::put("sys/seal")).doing("Error sealing")?;
    call.output.say("Success! Vault is sealed.");
    Ok(Exit::SUCCESS)
}

fn step_down(call: &Call) -> Outcome {
    let session = Session::open(call)?;
    session.perform(Request::put("sys/step-down")).doing("Error stepping down")?;
    call.output.say(&format!("Success! Stepped down: {}", session.settings().address));
    Ok(Exit::SUCCESS)
}

fn rotate(call: &Call) -> Outcome {
    let session = Session::open(call)?;
    session.perform(Request::post("sys/rotate")).doing("Error rotating key")?;
    let status = current_key(&session)?;
    if call.output.is_table() {
        call.output.say("Success! Rotated key\n");
    }
    show_key(call, &status)
}

fn key_status(call: &Call) -> Outcome {
    let status = current_key(&Session::open(call)?)?;
    show_key(call, &status)
}

/// What the server says about the key in use.
pub(super) fn current_key(session: &Session) -> Result<Map<String, Value>, Failure> {
    let found = session.find(Request::get("sys/key-status")).doing("Error reading key status")?;
    let data = found.and_then(|secret| secret.data);
    data.ok_or_else(|| Failure::remote("Error reading key status: the answer is empty"))
}

fn show_key(call: &Call, status: &Map<String, Value>) -> Outcome {
    if !call.output.is_table() {
        call.output.program(status)?;
        return Ok(Exit::SUCCESS);
    }
    let text = |key: &str| status.get(key).map(go_text).unwrap_or_default();
    let row = |title: &str, value: String| vec![title.to_owned(), value];
    call.output.say(&aligned(&[
        row("Key Term", text("term")),
        row("Install Time", in_words(&text("install_time"))),
        row("Encryption Count", text("encryptions")),
    ]));
    Ok(Exit::SUCCESS)
}

/// A moment as letters are dated: `05 Jan 26 10:11 UTC`. What is no moment stays as it is.
fn in_words(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(moment) => moment.strftime("%d %b %y %H:%M UTC").to_string(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_words() {
        assert_eq!(in_words("2026-01-05T10:11:12.13Z"), "05 Jan 26 10:11 UTC");
        assert_eq!(in_words("soon"), "soon");
    }

    #[test]
    fn keys_are_numbered_and_explained() {
        let answer = json!({"keys": ["aa"], "keys_base64": ["x", "y"], "root_token": "s.root"});
        let wanted = json!({"secret_shares": 2, "secret_threshold": 2});
        let text = keys_text(&answer, wanted.as_object().unwrap_or(&Map::new()));
        assert!(text.starts_with(
            "Unseal Key 1: x\nUnseal Key 2: y\n\nInitial Root Token: s.root\n\n\
             Vault initialized with 2 key shares and a key threshold of 2."
        ));
        assert!(text.contains("\n\nVault does not store the generated root key."));
        assert!(text.contains("\n\nIt is possible to generate new unseal keys"));
        assert!(text.lines().all(|line| line.len() <= 78), "{text}");
    }
}
