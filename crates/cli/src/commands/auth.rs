//! `auth`: which auth methods are enabled, and where.

use serde_json::Value;

use crate::command::{Call, Command, Count, FORMAT, HTTP, Shelf, own};
use crate::commands::mounts::{self, AUTH_METHODS, Column};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};

pub(crate) static LIST: Command = Command {
    words: "auth list",
    shelf: Shelf::Other,
    synopsis: "List the auth methods that are enabled.",
    usage: "[options]",
    details: "Lists the auth methods that are enabled, and where.\n\n    $ {} auth list -detailed",
    flags: &[HTTP, FORMAT],
    arguments: Count::NONE,
    run: list,
};

pub(crate) static ENABLE: Command = Command {
    words: "auth enable",
    shelf: Shelf::Other,
    synopsis: "Enable an auth method.",
    usage: "[options] TYPE",
    details: "Enables an auth method, at the path of its own name or another one.\n\n    \
              $ {} auth enable userpass\n    $ {} auth enable -path=staff userpass",
    flags: &[
        HTTP,
        mounts::TUNING,
        own(&[
            Flag::text("path", "Where to enable it. The default is the name of the type."),
            Flag::text("plugin-name", "The plugin to enable, for the type plugin."),
            Flag::text("token-type", "The kind of tokens it makes, such as service or batch."),
            Flag::switch("local", "Keep it on this cluster."),
            Flag::switch("seal-wrap", "Encrypt its values once more by the seal."),
            Flag::switch("external-entropy-access", "Let it draw randomness from the seal."),
        ]),
    ],
    arguments: Count::ONE,
    run: enable,
};

pub(crate) static DISABLE: Command = Command {
    words: "auth disable",
    shelf: Shelf::Other,
    synopsis: "Disable an auth method.",
    usage: "[options] PATH",
    details: "Disables the auth method at a path. All its tokens end.\n\n    $ {} auth disable \
              userpass/",
    flags: &[HTTP],
    arguments: Count::ONE,
    run: disable,
};

pub(crate) static TUNE: Command = Command {
    words: "auth tune",
    shelf: Shelf::Other,
    synopsis: "Change the settings of an auth method.",
    usage: "[options] PATH",
    details: "Changes the given settings of the auth method at a path, and leaves the others as \
              they are.\n\n    \
              $ {} auth tune -default-lease-ttl=72h userpass/",
    flags: &[
        HTTP,
        mounts::TUNING,
        own(&[
            Flag::text("token-type", "The kind of tokens it makes, such as service or batch."),
            Flag::new(
                Kind::Integer,
                "user-lockout-threshold",
                "How many wrong proofs lock a user out.",
            ),
            Flag::new(Kind::Duration, "user-lockout-duration", "How long a user stays locked out."),
            Flag::new(
                Kind::Duration,
                "user-lockout-counter-reset-duration",
                "How long a wrong proof is remembered.",
            ),
            Flag::switch("user-lockout-disable", "Never lock a user out."),
        ]),
    ],
    arguments: Count::ONE,
    run: tune,
};

pub(crate) static MOVE: Command = Command {
    words: "auth move",
    shelf: Shelf::Other,
    synopsis: "Move an auth method to another path.",
    usage: "[options] SOURCE DESTINATION",
    details: "Moves an auth method to another path. Its configuration goes with it; its tokens \
              end.\n\n    \
              $ {} auth move userpass/ staff/",
    flags: &[HTTP],
    arguments: Count::TWO,
    run: |call| mounts::relocate(call, &AUTH_METHODS),
};

pub(crate) static HELP: Command = Command {
    words: "auth help",
    shelf: Shelf::Other,
    synopsis: "Show how to log in by an auth method.",
    usage: "[options] TYPE | PATH",
    details: "Shows how to log in by an auth method, named by its type or by the path where it \
              is enabled.\n\n    \
              $ {} auth help userpass",
    flags: &[HTTP],
    arguments: Count::ONE,
    run: help,
};

fn list(call: &Call) -> Outcome {
    let found = mounts::list(call, &AUTH_METHODS, "Error listing enabled authentications")?;
    let brief = [
        ("Type", Column::Of("type")),
        ("Accessor", Column::Of("accessor")),
        ("Description", Column::Of("description")),
        ("Version", Column::Of("plugin_version")),
    ];
    let full = [
        ("Plugin", Column::Of("type")),
        ("Accessor", Column::Of("accessor")),
        ("Default TTL", Column::Lasting("default_lease_ttl")),
        ("Max TTL", Column::Lasting("max_lease_ttl")),
        ("Token Type", Column::Configured("token_type")),
        ("Replication", Column::Replication),
        ("Seal Wrap", Column::Of("seal_wrap")),
        ("External Entropy Access", Column::Of("external_entropy_access")),
        ("Options", Column::Of("options")),
        ("Description", Column::Of("description")),
        ("UUID", Column::Of("uuid")),
        ("Version", Column::Of("plugin_version")),
        ("Running Version", Column::Of("running_plugin_version")),
        ("Running SHA256", Column::Of("running_sha256")),
        ("Deprecation Status", Column::Of("deprecation_status")),
    ];
    mounts::show(call, found.as_ref(), &brief, &full)
}

fn enable(call: &Call) -> Outcome {
    let kind = call.argument(0).trim();
    let path = mounts::enable(call, &AUTH_METHODS, &format!("Error enabling {kind} auth"))?;
    let what = match call.flags.text("plugin-name").filter(|_| kind == "plugin") {
        Some(plugin) => format!("{plugin} plugin"),
        None => format!("{kind} auth method"),
    };
    call.output.say(&format!("Success! Enabled {what} at: {path}/"));
    Ok(Exit::SUCCESS)
}

fn disable(call: &Call) -> Outcome {
    let path = mounts::disable(call, &AUTH_METHODS, "Error disabling auth method at {}/")?;
    call.output.say(&format!("Success! Disabled the auth method (if it existed) at: {path}/"));
    Ok(Exit::SUCCESS)
}

fn tune(call: &Call) -> Outcome {
    let path = mounts::tune(call, &AUTH_METHODS)?;
    call.output.say(&format!("Success! Tuned the auth method at: {path}/"));
    Ok(Exit::SUCCESS)
}

fn help(call: &Call) -> Outcome {
    let wanted = call.argument(0).trim();
    if let Some(text) = how_to_log_in(wanted) {
        call.output.say(text);
        return Ok(Exit::SUCCESS);
    }
    let path = format!("{}/", wanted.trim_matches('/'));
    let found = mounts::list(call, &AUTH_METHODS, "Error listing authentication methods")?;
    let records = mounts::records(found.as_ref());
    let Some((_, record)) = records.iter().find(|(known, _)| *known == path) else {
        let text =
            format!("Error retrieving help: No auth method available on the server at \"{path}\"");
        return Err(Failure::remote(text));
    };
    let kind = record.get("type").and_then(Value::as_str).unwrap_or_default();
    let text = how_to_log_in(kind).ok_or_else(|| {
        Failure::remote(format!(
            "No method-specific CLI handler available for auth method {kind:?}"
        ))
    })?;
    call.output.say(text);
    Ok(Exit::SUCCESS)
}

/// How to log in by the methods this program has words for.
pub(super) fn how_to_log_in(kind: &str) -> Option<&'static str> {
    match kind {
        "token" => Some(
            "Usage: login TOKEN\n\n  Logs in with a token that exists already. Without TOKEN it \
             is asked for, and not\n  \
             shown while it is typed.\n\nConfiguration:\n\n  token=<string>\n      The \
             token.\n\n  lookup=<bool>\n      \
             Whether the token is tried before it is stored. The default is true.",
        ),
        "userpass" | "ldap" | "radius" => Some(
            "Usage: login -method=userpass username=NAME [password=WORD]\n\n  Logs in with a \
             name and a password. Without password= it is asked for, and not\n  shown while it is \
             typed.\n\nConfiguration:\n\n  \
             username=<string>\n      The name of the user.\n\n  password=<string>\n      The \
             password of the user.",
        ),
        "cert" => Some(
            "Usage: login -method=cert -client-cert=FILE -client-key=FILE [name=ROLE]\n\n  Logs \
             in with the client's own \
             certificate.\n\nConfiguration:\n\n  name=<string>\n      The role to log in as.",
        ),
        _ => None,
    }
}
