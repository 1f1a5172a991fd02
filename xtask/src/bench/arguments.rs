//! What was asked for.

use std::path::PathBuf;
use std::time::Duration;

use super::failure::{Failure, Outcome};

const SECONDS: u64 = 3;
const SECONDS_QUICK: u64 = 1;
const SECONDS_MAX: u64 = 60;
const COUNT: usize = 1000;
const COUNT_MAX: usize = 10_000_000;

const USAGE: &str = "usage: cargo xtask bench [TOPIC] [--seconds N | --quick] [--count N] [--json]
                         [--binary PATH]

    speed            requests of all kinds, the start, memory (unless another topic is given)
    imported         first logins of users who were imported with hashes of other kinds
    flood            reads while logins come in at ten times what can be taken
    timing           wrong logins by names that are known and by names that are not
    tokens           start, memory and rates with many tokens
    folders          pages of a folder with many secrets, and a secret with many versions
    leases           ending many tokens at once
    writes           durable writes with 1, 16 and 64 clients
    memory           what requests leave behind in memory
    hostile          the server's health while strangers send bodies that cost much

    --seconds N      how long each side of each figure is measured, 1 to 60 (3)
    --quick          one second each
    --count N        how many tokens, secrets, requests, or wrong logins of each kind (1000)
    --json           figures for programs
    --binary PATH    measure this server instead of building one";

/// The words after `cargo xtask bench`.
#[derive(Debug, PartialEq)]
pub(super) struct Arguments {
    pub(super) topic: Topic,
    /// How many tokens, secrets, requests, or wrong logins of each kind.
    pub(super) count: usize,
    /// How long each side of a figure is measured, all its rounds together.
    pub(super) duration: Duration,
    pub(super) form: Form,
    /// The server to measure, if it is not the one that is built.
    pub(super) binary: Option<PathBuf>,
}

/// What the figures are about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Topic {
    Speed,
    Imported,
    Flood,
    Timing,
    Tokens,
    Folders,
    Leases,
    Writes,
    Memory,
    Hostile,
}

/// How the figures are told.
#[derive(Debug, PartialEq)]
pub(super) enum Form {
    Table,
    Json,
}

impl Arguments {
    pub(super) fn parse(words: &[String]) -> Outcome<Self> {
        let mut arguments = Self {
            topic: Topic::Speed,
            count: COUNT,
            duration: Duration::from_secs(SECONDS),
            form: Form::Table,
            binary: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "speed" => arguments.topic = Topic::Speed,
                "imported" => arguments.topic = Topic::Imported,
                "flood" => arguments.topic = Topic::Flood,
                "timing" => arguments.topic = Topic::Timing,
                "tokens" => arguments.topic = Topic::Tokens,
                "folders" => arguments.topic = Topic::Folders,
                "leases" => arguments.topic = Topic::Leases,
                "writes" => arguments.topic = Topic::Writes,
                "memory" => arguments.topic = Topic::Memory,
                "hostile" => arguments.topic = Topic::Hostile,
                "--count" => arguments.count = count(words.next())?,
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

fn count(word: Option<&String>) -> Outcome<usize> {
    let count = word.and_then(|word| word.parse().ok());
    count.filter(|count| (1..=COUNT_MAX).contains(count)).ok_or_else(usage)
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
            topic: Topic::Speed,
            count: COUNT,
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

    #[test]
    fn a_topic_may_be_given_and_how_many() {
        let words = ["flood", "--count", "7"].map(str::to_owned);
        let arguments = Arguments::parse(&words).ok().map(|found| (found.topic, found.count));
        assert_eq!(arguments, Some((Topic::Flood, 7)));
        check("--count 0", None);
        check("--count", None);
    }
}
