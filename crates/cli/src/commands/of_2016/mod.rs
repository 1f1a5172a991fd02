//! The commands as they were called and answered in 2016. They stand beside today's for good:
//! scripts written then still run.
//!
//! What these commands ask of the server is the same as today wherever it can be; what they print
//! is as it was.

pub(super) mod audit;
pub(super) mod authenticate;
pub(super) mod capabilities;
pub(super) mod leases;
pub(super) mod mounts;
pub(super) mod policies;
pub(super) mod seal;
pub(super) mod tokens;

use client::Secret;

use crate::command::Call;
use crate::failure::{Exit, Outcome};
use crate::output::{key_value_of_2016, rows_of_2016};

/// Prints an answer as it looked in 2016: warnings come behind the table.
fn show(call: &Call, found: Option<Secret>) -> Outcome {
    let Some(secret) = found else { return Ok(Exit::SUCCESS) };
    if call.output.field().is_some() || !call.output.is_table() {
        call.output.secret(&secret)?;
        return Ok(Exit::SUCCESS);
    }
    let rows = rows_of_2016(&secret);
    if !rows.is_empty() {
        call.output.say(&key_value_of_2016(&rows));
    }
    if !secret.warnings().is_empty() {
        let bullets: Vec<String> =
            secret.warnings().iter().map(|warning| format!("* {warning}")).collect();
        call.output.say(&format!(
            "\nThe following warnings were returned from the Vault server:\n{}",
            bullets.join("\n")
        ));
    }
    Ok(Exit::SUCCESS)
}
