//! The one binary: server and command line both. Called through a link named `vault` or `bao` it is
//! the same program.

mod arguments;
mod command;
mod commands;
mod environment;
mod failure;
mod flags;
mod help;
mod named_once;
mod output;
mod prompt;
mod run;
mod session;
mod token_helper;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = environment::words();
    let program = if words.is_empty() { String::new() } else { words.remove(0) };
    run::run(&program, words, &environment::Environment::of_this_process())
}
