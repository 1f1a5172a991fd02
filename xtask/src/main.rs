//! The chores of the house: `cargo xtask <chore>`.
//!
//! A chore is one function and one line in [`CHORES`]. What can be said as a test is a test instead
//! (`xtask/tests/tidy`), so that `cargo test` says it too.

mod bare_server;
mod bench;

use std::env;
use std::process::{Command, ExitCode, ExitStatus};

/// Decisions that `agree` compares, unless told otherwise.
const DECISIONS: u64 = 1_000_000;
const DECISIONS_MAX: u64 = 1_000_000_000;
/// Decisions in one round of the test that `agree` runs.
const DECISIONS_IN_ROUND: u64 = 128;

/// Something that can be done for the project. It gets the words after its name.
struct Chore {
    name: &'static str,
    summary: &'static str,
    run: fn(&[String]) -> ExitCode,
}

/// Every chore, in the order they are listed.
const CHORES: &[Chore] = &[
    Chore { name: "tidy", summary: "check the house rules (STYLE.md)", run: tidy },
    Chore { name: "agree", summary: "compare policy decisions with the naive ones", run: agree },
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
    told(cargo.status(), None)
}

/// Random policies and requests, decided by the evaluator and by the naive one beside it in the
/// kernel's tests. Says which request they decide differently over, if there is one.
fn agree(words: &[String]) -> ExitCode {
    let count = match words {
        [] => Some(DECISIONS),
        [flag, count] if flag == "--count" => count.parse().ok(),
        _ => None,
    };
    let Some(count) = count.filter(|count| (1..=DECISIONS_MAX).contains(count)) else {
        eprintln!("usage: cargo xtask agree [--count N]\n\n    N decisions at least (1000000)");
        return ExitCode::FAILURE;
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--release", "--package", "kernel", "--lib", "--"]);
    cargo.args(["--exact", "policies::tests::the_decision_is_that_of_the_naive_evaluator"]);
    let rounds = count.div_ceil(DECISIONS_IN_ROUND);
    let status = cargo.env("PROPTEST_CASES", rounds.to_string()).status();
    let agreed =
        format!("{} decisions were those of the naive evaluator", rounds * DECISIONS_IN_ROUND);
    told(status, Some(&agreed))
}

/// How a program that did a chore ended.
fn told(status: std::io::Result<ExitStatus>, success: Option<&str>) -> ExitCode {
    match status {
        Ok(status) if status.success() => {
            success.iter().for_each(|text| println!("{text}"));
            ExitCode::SUCCESS
        }
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
