//! `cargo xtask bench`: how fast the server is, beside what this machine can do at all.
//!
//! Absolute figures say more about a machine than about a program. So the server and whatever it is
//! compared with take turns in short rounds within one run, and what counts is the median of the
//! ratios. Traffic stays on this machine, no audit device is enabled, and everything that was
//! started is stopped and removed at the end, however it ends.
//!
//! Reading order: [`arguments`] (what was asked for), [`measure`] (every figure), [`rounds`]
//! (taking turns), [`server`] (the server and what has to be in it), [`process`] (something that
//! runs, and what the system knows about it), [`load`] (requests), [`hashing`] and [`durable`]
//! (what the machine can do), [`report`] (the table); [`imported`], [`flood`], [`timing`],
//! [`tokens`], [`folders`], [`leases`], [`writes`], [`memory`] and [`hostile`] are topics of their
//! own.

mod arguments;
pub(crate) mod durable;
pub(crate) mod failure;
mod flood;
mod folders;
mod hashing;
mod hostile;
mod imported;
mod leases;
mod load;
mod measure;
mod memory;
mod process;
mod report;
mod rounds;
mod server;
mod timing;
mod tokens;
mod writes;

use std::env;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use arguments::{Arguments, Form};
use failure::{Failure, Outcome};
use report::Report;

/// The chore.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let done = Arguments::parse(words).and_then(|arguments| {
        // Figures from a program that was not optimised would be about nothing.
        if cfg!(debug_assertions) { hand_over(&arguments, words) } else { print(&arguments) }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Builds what is measured and what measures, optimised, and becomes the latter.
fn hand_over(arguments: &Arguments, words: &[String]) -> Outcome<()> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--package", "xtask"]);
    if arguments.binary.is_none() {
        cargo.args(["--package", "cli"]);
    }
    if !cargo.status()?.success() {
        return Err(Failure::new("there is nothing to measure until it builds"));
    }
    let here = env::current_exe()?;
    let target = here.ancestors().nth(2).unwrap_or(Path::new("target"));
    Err(Command::new(target.join("release/xtask")).arg("bench").args(words).exec().into())
}

fn print(arguments: &Arguments) -> Outcome<()> {
    let report = Runtime::new()?.block_on(until_interrupted(arguments))?;
    match arguments.form {
        Form::Table => print!("{}", report.table()),
        Form::Json => println!("{:#}", report.json()),
    }
    Ok(())
}

/// Dropping what was going on stops and removes it.
async fn until_interrupted(arguments: &Arguments) -> Outcome<Report> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        report = measure::everything(arguments) => report,
        _ = interrupt.recv() => Err(Failure::new("interrupted; everything is stopped and removed")),
        _ = terminate.recv() => Err(Failure::new("told to end; everything is stopped and removed")),
    }
}
