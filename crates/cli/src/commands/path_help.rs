//! `path-help`: what the server says about a path.

use client::Request;
use serde_json::Value;

use crate::command::{Call, Command, Count, FORMAT, HTTP, Shelf};
use crate::failure::{Exit, Failure, Outcome};
use crate::help::paragraph;
use crate::output::Format;
use crate::session::{Session, Trouble};

pub(crate) static COMMAND: Command = Command {
    words: "path-help",
    shelf: Shelf::Other,
    synopsis: "Show what a path does.",
    usage: "[options] PATH",
    details: "Shows what a path does and which parameters it takes; for the path of an auth \
              method or secrets engine, which paths are below it.\n\n    $ {} path-help \
              auth/userpass",
    flags: &[HTTP, FORMAT],
    arguments: Count::ONE,
    run,
};

fn run(call: &Call) -> Outcome {
    let request = Request::get(&call.path(0)).query("help", "1");
    let answer: Value = Session::open(call)?.bare(request).map_err(explain)?;
    if matches!(call.output.format, Format::Json | Format::Yaml) {
        call.output.program(answer.get("openapi").unwrap_or(&answer))?;
        return Ok(Exit::SUCCESS);
    }
    let help = answer.get("help").and_then(Value::as_str).unwrap_or_default();
    call.output.say(help.trim_end());
    Ok(Exit::SUCCESS)
}

/// A sealed server knows nothing of its paths, which deserves more than the bare error.
fn explain(trouble: Trouble) -> Failure {
    if trouble.status() == Some(503)
        && let Trouble::Client(error) = &trouble
        && error.to_string().to_lowercase().contains("sealed")
    {
        let advice = paragraph(
            "Help comes from what is enabled on the server, and a sealed server does not know what \
             that is. Unseal it first, then ask again.",
        );
        return Failure::remote(format!("Error: Vault is sealed.\n\n{advice}"));
    }
    trouble.while_doing("Error retrieving help")
}
