//! `secrets`: which secrets engines are enabled, and where.

use crate::command::{Call, Command, Count, FORMAT, HTTP, Shelf, own};
use crate::commands::mounts::{self, Column, SECRETS_ENGINES};
use crate::failure::{Exit, Outcome};
use crate::flags::Flag;

pub(crate) static LIST: Command = Command {
    words: "secrets list",
    shelf: Shelf::Other,
    synopsis: "List the secrets engines that are enabled.",
    usage: "[options]",
    details: "Lists the secrets engines that are enabled, and where.\n\n    $ {} secrets list \
              -detailed",
    flags: &[HTTP, FORMAT],
    arguments: Count::NONE,
    run: list,
};

pub(crate) static ENABLE: Command = Command {
    words: "secrets enable",
    shelf: Shelf::Other,
    synopsis: "Enable a secrets engine.",
    usage: "[options] TYPE",
    details: "Enables a secrets engine, at the path of its own name or another one.\n\n    \
              $ {} secrets enable -path=secret -version=2 kv",
    flags: &[
        HTTP,
        mounts::TUNING,
        own(&[
            Flag::text("path", "Where to enable it. The default is the name of the type."),
            Flag::text("plugin-name", "The plugin to enable, for the type plugin."),
            Flag::switch("force-no-cache", "Never answer from memory."),
            Flag::switch("local", "Keep it on this cluster."),
            Flag::switch("seal-wrap", "Encrypt its values once more by the seal."),
            Flag::switch("external-entropy-access", "Let it draw randomness from the seal."),
        ]),
    ],
    arguments: Count::ONE,
    run: enable,
};

pub(crate) static DISABLE: Command = Command {
    words: "secrets disable",
    shelf: Shelf::Other,
    synopsis: "Disable a secrets engine.",
    usage: "[options] PATH",
    details: "Disables the secrets engine at a path. All its leases end and all its data is \
              gone.\n\n    \
              $ {} secrets disable secret/",
    flags: &[HTTP],
    arguments: Count::ONE,
    run: disable,
};

pub(crate) static TUNE: Command = Command {
    words: "secrets tune",
    shelf: Shelf::Other,
    synopsis: "Change the settings of a secrets engine.",
    usage: "[options] PATH",
    details: "Changes the given settings of the secrets engine at a path, and leaves the others \
              as they are.\n\n    \
              $ {} secrets tune -max-lease-ttl=72h secret/",
    flags: &[HTTP, mounts::TUNING],
    arguments: Count::ONE,
    run: tune,
};

pub(crate) static MOVE: Command = Command {
    words: "secrets move",
    shelf: Shelf::Other,
    synopsis: "Move a secrets engine to another path.",
    usage: "[options] SOURCE DESTINATION",
    details: "Moves a secrets engine with its data to another path. Its leases end.\n\n    \
              $ {} secrets move secret/ kv/",
    flags: &[HTTP],
    arguments: Count::TWO,
    run: |call| mounts::relocate(call, &SECRETS_ENGINES),
};

fn list(call: &Call) -> Outcome {
    let found = mounts::list(call, &SECRETS_ENGINES, "Error listing secrets engines")?;
    let brief = [
        ("Type", Column::Of("type")),
        ("Accessor", Column::Of("accessor")),
        ("Description", Column::Of("description")),
    ];
    let full = [
        ("Plugin", Column::Of("type")),
        ("Accessor", Column::Of("accessor")),
        ("Default TTL", Column::Lasting("default_lease_ttl")),
        ("Max TTL", Column::Lasting("max_lease_ttl")),
        ("Force No Cache", Column::Configured("force_no_cache")),
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
    let path = mounts::enable(call, &SECRETS_ENGINES, "Error enabling")?;
    let what = match call.flags.text("plugin-name").filter(|_| kind == "plugin") {
        Some(plugin) => format!("{plugin} plugin"),
        None => format!("{kind} secrets engine"),
    };
    call.output.say(&format!("Success! Enabled the {what} at: {path}/"));
    Ok(Exit::SUCCESS)
}

fn disable(call: &Call) -> Outcome {
    let path = mounts::disable(call, &SECRETS_ENGINES, "Error disabling secrets engine at {}/")?;
    call.output.say(&format!("Success! Disabled the secrets engine (if it existed) at: {path}/"));
    Ok(Exit::SUCCESS)
}

fn tune(call: &Call) -> Outcome {
    let path = mounts::tune(call, &SECRETS_ENGINES)?;
    call.output.say(&format!("Success! Tuned the secrets engine at: {path}/"));
    Ok(Exit::SUCCESS)
}
