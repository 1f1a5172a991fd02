//! What was asked for.

use std::path::PathBuf;
use std::time::Duration;

use super::failure::{Failure, Outcome};

const SECONDS: u64 = 3;
const SECONDS_QUICK: u64 = 1;
const SECONDS_MAX: u64 = 60;

const USAGE: &str = "usage: cargo xtask bench [--seconds N | --quick] [--json] [--binary PATH]

    --seconds N      how long each side of each figure is measured, 1 to 60 (3)
    --quick          one second each
    --json           figures for programs
    --binary PATH    measure this server instead of building one";

/// The words after `cargo xtask bench`.
#[derive(Debug, PartialEq)]
pub(super) struct Arguments {
    /// How long each side of a figure is measured, all its rounds together.
    pub(super) duration: Duration,
    pub(super) form: Form,
    /// The server to measure, if it is not the one that is built.
    pub(super) binary: Option<PathBuf>,
}

/// How the figures are told.
#[derive(Debug, PartialEq)]
pub(super) enum Form {
    Table,
    Json,
}

impl Arguments {
    pub(super) fn parse(words: &[String]) -> Outcome<Self> {
        let mut arguments =
            Self { duration: Duration::from_secs(SECONDS), form: Form::Table, binary: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => arguments.duration = Duration::from_secs(SECONDS_QUICK),
                "--json" => arguments.form = Form::Json,
                "--seconds" => arguments.duration = duration(words.next())?,
                "--binary" => arguments.binary = Some(words.next().ok_or_else(usage)?.into()),
                _ => return Err(usage()),
            }
        }
        Ok(arguments)
    }
}

fn duration(word: Option<&String>) -> Outcome<Duration> {
    let seconds = word.and_then(|word| word.parse().ok());
    let seconds = seconds.filter(|seconds| (1..=SECONDS_MAX).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(usage)
}

fn usage() -> Failure {
    Failure::new(USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, expected: Option<(u64, Form, Option<&str>)>) {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let expected = expected.map(|(seconds, form, binary)| Arguments {
            duration: Duration::from_secs(seconds),
            form,
            binary: binary.map(PathBuf::from),
        });
        assert_eq!(Arguments::parse(&words).ok(), expected, "{words:?}");
    }

    #[test]
    fn words_are_understood_or_refused() {
        check("", Some((3, Form::Table, None)));
        check("--quick", Some((1, Form::Table, None)));
        check("--seconds 10 --json", Some((10, Form::Json, None)));
        check("--binary a/b", Some((3, Form::Table, Some("a/b"))));
        check("--seconds", None);
        check("--seconds 0", None);
        check("--seconds 61", None);
        check("--seconds -1", None);
        check("--binary", None);
        check("--slow", None);
    }
}
