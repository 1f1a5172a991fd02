//! Paths that look right to whoever knows version 1, and are wrong here.

use api::{Context, Everything, Path, Reply, Result};
use schemars::JsonSchema;
use serde::Deserialize;

const AT_THE_TOP: &str = "Non-listing operations on the root of a K/V v2 mount are not supported.";

const WRONG_PATH: &str = "\
    Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API \
    endpoints to use. If using the command line, use 'kv <put|patch|get|list|scan|delete>' for \
    this operation.";

pub(super) fn path() -> Path {
    Path::new("{path...?}")
        .help(
            "Say which paths there are instead.",
            "Secrets are read and written below \"data/\" and listed below \"metadata/\".",
        )
        .read(refuse)
        .write(refuse)
        .patch(refuse)
        .delete(refuse)
        .list(refuse)
        .scan(refuse)
}

#[derive(Deserialize, JsonSchema)]
struct Anywhere {
    /// Location of something else.
    path: String,
}

/// Answers that nothing is there, with a warning that clients look for.
async fn refuse(context: &Context, (at, Everything(_)): (Anywhere, Everything)) -> Result<Reply> {
    let top = ["data", "delete", "undelete", "destroy"].contains(&at.path.as_str());
    context.warn(if top { AT_THE_TOP } else { WRONG_PATH });
    Ok(Reply::Absent(None))
}

/// As [`refuse`], for a folder that can only be listed.
pub(super) async fn refuse_at_the_top(context: &Context, _: Everything) -> Result<Reply> {
    context.warn(AT_THE_TOP);
    Ok(Reply::Absent(None))
}
