//! The chores of the house: `cargo xtask <chore>`.
//!
//! A chore is one function and one line in [`CHORES`]. What can be said as a test is a test instead
//! (`xtask/tests/tidy`), so that `cargo test` says it too.

mod bare_server;
mod bench;

use std::env;
use std::process::{Command, ExitCode};

/// Something that can be done for the project. It gets the words after its name.
struct Chore {
    name: &'static str,
    summary: &'static str,
    run: fn(&[String]) -> ExitCode,
}

/// Every chore, in the order they are listed.
const CHORES: &[Chore] = &[
    Chore { name: "tidy", summary: "check the house rules (STYLE.md)", run: tidy },
    Chore { name: "bench", summary: "how fast the server is on this machine", run: bench::run },
    Chore { name: "bare-server", summary: "what bench compares with", run: bare_server::run },
];

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let Some((name, rest)) = words.split_first() else {
        return usage();
    };
    match CHORES.iter().find(|chore| chore.name == name) {
        Some(chore) => (chore.run)(rest),
        None => usage(),
    }
}

fn tidy(words: &[String]) -> ExitCode {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--quiet", "--package", "xtask", "--"]).args(words);
    match cargo.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo does not start: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo xtask <chore>\n");
    for chore in CHORES {
        eprintln!("    {:<13}{}", chore.name, chore.summary);
    }
    ExitCode::FAILURE
}
