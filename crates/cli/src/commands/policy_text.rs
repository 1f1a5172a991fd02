//! `policy fmt` and `policy lint`: policies in files, without a server.

use kernel::policies::{self, KV_MOUNT};

use crate::arguments;
use crate::command::{Call, Command, Count, FORMAT, Shelf, own};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};

pub(crate) static FMT: Command = Command {
    words: "policy fmt",
    shelf: Shelf::Other,
    synopsis: "Lay out a policy file the usual way.",
    usage: "PATH",
    details: "Lays out a policy file the usual way, in place. Comments stay, and so does the \
              meaning. The path - stands for the standard input; then the result is \
              printed.\n\n    $ {} policy fmt admins.hcl",
    flags: &[],
    arguments: Count::ONE,
    run: fmt,
};

pub(crate) static LINT: Command = Command {
    words: "policy lint",
    shelf: Shelf::Other,
    synopsis: "Find probable mistakes in policy files.",
    usage: "[options] PATH...",
    details: "Finds what is probably a mistake in policy files: unknown keys, rules that are \
              never reached, paths that no request can have. Needs no server. Ends with exit code \
              2 when there is something to look at again.\n\n    $ {} policy lint admins.hcl",
    flags: &[
        FORMAT,
        own(&[Flag::new(
            Kind::List,
            "kv",
            "Where there is a versioned key-value store. May be given several times; secret when \
             left out.",
        )]),
    ],
    arguments: Count::at_least(1, "at least 1"),
    run: look,
};

fn fmt(call: &Call) -> Outcome {
    let path = call.argument(0).trim();
    let text = source(call, path)?;
    let formatted =
        policies::format(&text).map_err(|error| Failure::local(format!("{path}: {error}")))?;
    if let Some(problem) = policies::beyond_servers(&formatted) {
        call.output.warn(&format!("{path}: laid out, {problem}"));
    }
    if path == "-" {
        call.output.say_bytes(formatted.as_bytes());
        return Ok(Exit::SUCCESS);
    }
    if formatted != text {
        let written = std::fs::write(path, formatted);
        written.map_err(|cause| {
            Failure::local(format!("Error writing policy file: write {path}: {cause}"))
        })?;
    }
    call.output.say(&format!("Success! Formatted policy: {path}"));
    Ok(Exit::SUCCESS)
}

fn look(call: &Call) -> Outcome {
    let mut mounts = call.flags.list("kv");
    if mounts.is_empty() {
        mounts.push(KV_MOUNT.to_owned());
    }
    let mut lines = Vec::new();
    for path in call.rest(0) {
        let text = source(call, path)?;
        for finding in policies::lint(&text, &mounts) {
            let place = finding.position;
            lines.push(format!("{path}:{}:{}: {}", place.line, place.column, finding.problem));
        }
    }
    if !call.output.is_table() {
        call.output.program(&lines)?;
    } else if !lines.is_empty() {
        call.output.say(&lines.join("\n"));
    }
    Ok(if lines.is_empty() { Exit::SUCCESS } else { Exit::NEGATIVE })
}

fn source(call: &Call, path: &str) -> Result<String, Failure> {
    let text = match path {
        "-" => super::write::input(call).read(),
        path => arguments::file(path),
    };
    text.map_err(|cause| Failure::local(format!("Error opening policy file: {cause}")))
}
