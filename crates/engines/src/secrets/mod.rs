//! The secrets engines: they keep something.

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) mod cubbyhole;
pub(crate) mod kv;
mod listing;
mod verbatim;

#[derive(Deserialize, JsonSchema)]
struct Place {
    /// Location of the secret.
    path: String,
}
