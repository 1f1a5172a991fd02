//! From the words of the command line to an exit code, top to bottom.
//!
//! Global flags are taken out, the command is found, its flags and arguments are checked, and it
//! runs.

use std::process::ExitCode;

use crate::command::{Call, Command, Shelf};
use crate::commands::{COMMANDS, PARENTS};
use crate::environment::Environment;
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{self, Parsed};
use crate::help;
use crate::output::{Output, complain};

/// No command, or one that does not exist.
const UNKNOWN: Exit = Exit(127);
/// A mistake on the command line.
const MISTAKE: Exit = Exit(1);

/// Runs the program and says how it ended.
pub(crate) fn run(path: &str, words: Vec<String>, environment: &Environment) -> ExitCode {
    // Called through a link, the program goes by the name of the link.
    let name = path.rsplit('/').next().filter(|name| !name.is_empty());
    let Exit(code) = dispatch(name.unwrap_or("strongroom"), words, environment);
    ExitCode::from(code)
}

fn dispatch(program: &str, words: Vec<String>, environment: &Environment) -> Exit {
    let (anywhere, words) = flags::take_those_understood_anywhere(words);
    match words.first().map(String::as_str) {
        None => {
            complain(&help::usage(program));
            UNKNOWN
        }
        Some("-h" | "-help" | "--help" | "help") => {
            print(&help::usage(program));
            Exit::SUCCESS
        }
        Some("-v" | "-version" | "--version") => {
            call(program, find_version(), anywhere, environment)
        }
        Some(_) => match find(&words) {
            Found::Command(command, rest) => {
                let known = anywhere.into_iter().filter(|word| declares(command, word));
                call(program, command, known.chain(rest).collect(), environment)
            }
            Found::Parent(parent, rest) => stop_at_parent(program, parent, &rest),
            Found::Nothing => {
                complain(&help::usage(program));
                UNKNOWN
            }
        },
    }
}

fn find_version() -> &'static Command {
    &crate::commands::version::COMMAND
}

fn declares(command: &Command, word: &str) -> bool {
    let name = word.trim_start_matches('-');
    let name = name.split_once('=').map_or(name, |(name, _)| name);
    command.flags.iter().flat_map(|group| group.flags).any(|flag| flag.name == name)
}

/// What the first words mean.
enum Found {
    Command(&'static Command, Vec<String>),
    Parent(&'static str, Vec<String>),
    Nothing,
}

/// Finds the command with the most words that the line begins with.
fn find(words: &[String]) -> Found {
    let deepest = words.iter().take(3).take_while(|word| !word.starts_with('-')).count();
    for depth in (1..=deepest).rev() {
        let (head, rest) = words.split_at(depth);
        let name = head.join(" ");
        if let Some(command) = COMMANDS.iter().find(|command| command.words == name) {
            return Found::Command(command, rest.to_vec());
        }
        if let Some(parent) = PARENTS.iter().find(|parent| parent.words == name) {
            return Found::Parent(parent.words, rest.to_vec());
        }
    }
    Found::Nothing
}

fn stop_at_parent(program: &str, parent: &str, rest: &[String]) -> Exit {
    let help = help::of_parent(program, parent);
    match rest.first().map(String::as_str) {
        Some("-h" | "-help" | "--help") => {
            print(&help);
            return Exit::SUCCESS;
        }
        Some(word) if word.starts_with('-') => complain(
            "Invalid flags before the subcommand. Flags of a subcommand stand behind its name.\n",
        ),
        Some(_) | None => {}
    }
    complain(&help);
    MISTAKE
}

fn call(
    program: &str,
    command: &'static Command,
    words: Vec<String>,
    environment: &Environment,
) -> Exit {
    let (flags, arguments) = match flags::parse(command.flags, words, environment) {
        Ok(Parsed::Words(flags, arguments)) => (flags, arguments),
        Ok(Parsed::Help) => {
            print(&help::of_command(program, command));
            return Exit::SUCCESS;
        }
        Err(text) => {
            complain(&text);
            return MISTAKE;
        }
    };
    let output = match Output::new(&flags, environment) {
        Ok(output) => output,
        Err(failure) => return explain(failure, complain),
    };
    if let Some(name) = flags::misplaced(command.flags, &arguments) {
        output.error(&format!(
            "the flag -{name} stands behind an argument, where it has no effect; put it directly \
             behind \"{}\"",
            command.words
        ));
        return MISTAKE;
    }
    warn_of_late_flags(&output, &arguments);
    if let Some(complaint) = command.arguments.complaint(arguments.len()) {
        output.error(&worded(program, command, complaint));
        return MISTAKE;
    }
    let ready = Call { program, flags, arguments, environment, output };
    finish(&ready, (command.run)(&ready))
}

fn warn_of_late_flags(output: &Output, arguments: &[String]) {
    let late = flags::too_late(arguments);
    if late.is_empty() {
        return;
    }
    output.warn(&format!(
        "Command flags must be provided before positional arguments. The following arguments \
         will not be parsed as flags: [{}]",
        late.join(",")
    ));
}

/// In 2016 a wrong number of arguments was answered with the whole help text.
fn worded(program: &str, command: &Command, complaint: String) -> String {
    if command.arguments.shelf != Shelf::Of2016 {
        return complaint;
    }
    let help = help::of_command(program, command);
    format!("{help}\n\n{} expects {}", command.words, command.arguments.expected)
}

fn finish(call: &Call, outcome: Outcome) -> Exit {
    let describes = call.flags.switch("output-curl-string");
    match outcome {
        Ok(_) if describes => {
            call.output.error("Could not generate cURL command");
            MISTAKE
        }
        Ok(exit) => exit,
        Err(failure) => {
            let described = matches!(failure, Failure::Instead(_));
            let exit = explain(failure, |text| call.output.error(text));
            if describes && !described {
                call.output.error("Unable to generate cURL string from command");
            }
            exit
        }
    }
}

fn explain(failure: Failure, complain: impl Fn(&str)) -> Exit {
    match failure {
        Failure::Local(text) => {
            complain(&text);
            MISTAKE
        }
        Failure::Remote(text) => {
            complain(&text);
            Exit::NEGATIVE
        }
        Failure::Instead(text) => {
            print(&text);
            Exit::SUCCESS
        }
    }
}

fn print(text: &str) {
    // A reader that went away wants no more; there is nobody to tell.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), format!("{text}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let found = match find(&words) {
            Found::Command(command, rest) => format!("{} | {}", command.words, rest.join(" ")),
            Found::Parent(parent, rest) => format!("parent {parent} | {}", rest.join(" ")),
            Found::Nothing => "nothing".to_owned(),
        };
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn the_longest_command_wins() {
        check("read a", "read | a");
        check("kv get a", "kv get | a");
        check("kv metadata get a", "kv metadata get | a");
        check("kv metadata", "parent kv metadata | ");
        check("secrets", "parent secrets | ");
        check("secrets -x list", "parent secrets | -x list");
        check("auth list", "auth list | ");
        check("auth s.token", "auth | s.token");
        check("auth -method=userpass username=a", "auth | -method=userpass username=a");
        check("auth", "auth | ");
        check("auth-enable userpass", "auth-enable | userpass");
        check("nope", "nothing");
        check("-x read", "nothing");
    }

    #[test]
    fn no_two_commands_have_the_same_words() {
        let mut names: Vec<_> = COMMANDS.iter().map(|command| command.words).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
