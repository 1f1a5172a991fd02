//! What a command is: one declaration, from which finding it, parsing, help and checks follow.

use crate::environment::Environment;
use crate::failure::Outcome;
use crate::flags::{Flag, Flags, Group, Kind};
use crate::output::Output;

/// One command.
pub(crate) struct Command {
    /// The words that call it, such as `auth enable`.
    pub(crate) words: &'static str,
    /// Where the usage text lists it.
    pub(crate) shelf: Shelf,
    /// One line for lists.
    pub(crate) synopsis: &'static str,
    /// What stands behind the words in the usage line.
    pub(crate) usage: &'static str,
    /// What it does, and an example or two. `{}` stands for the name of the program.
    pub(crate) details: &'static str,
    /// Its flags.
    pub(crate) flags: &'static [Group],
    /// How many arguments it takes.
    pub(crate) arguments: Count,
    /// Its work.
    pub(crate) run: fn(&Call) -> Outcome,
}

/// Where the usage text lists a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// The few that most people need.
    Common,
    /// The rest of today's.
    Other,
    /// The words of 2016, which stand beside today's for good.
    Of2016,
}

/// How many arguments a command takes, and what it says when there are more or fewer.
#[derive(Clone, Copy)]
pub(crate) struct Count {
    /// The fewest.
    pub(crate) least: usize,
    /// The most.
    pub(crate) most: usize,
    /// What is expected, as the error names it.
    pub(crate) expected: &'static str,
    /// Whether the error is worded as in 2016, below the whole help text.
    pub(crate) shelf: Shelf,
}

/// More arguments than any shell passes on.
const ANY: usize = usize::MAX;

impl Count {
    /// Between two numbers of arguments.
    pub(crate) const fn between(least: usize, most: usize, expected: &'static str) -> Count {
        Count { least, most, expected, shelf: Shelf::Other }
    }

    /// As many as this, or more.
    pub(crate) const fn at_least(least: usize, expected: &'static str) -> Count {
        Count::between(least, ANY, expected)
    }

    /// Between two numbers of arguments, explained as in 2016.
    pub(crate) const fn of_2016(least: usize, most: usize, expected: &'static str) -> Count {
        Count { least, most, expected, shelf: Shelf::Of2016 }
    }

    /// No argument.
    pub(crate) const NONE: Count = Count::between(0, 0, "0");
    /// One argument.
    pub(crate) const ONE: Count = Count::between(1, 1, "1");
    /// Two arguments.
    pub(crate) const TWO: Count = Count::between(2, 2, "2");

    /// The complaint about a number of arguments, or nothing.
    pub(crate) fn complaint(&self, got: usize) -> Option<String> {
        if got < self.least {
            return Some(format!("Not enough arguments (expected {}, got {got})", self.expected));
        }
        if got > self.most {
            return Some(format!("Too many arguments (expected {}, got {got})", self.expected));
        }
        None
    }
}

/// One call of a command: what was declared, and what came in.
pub(crate) struct Call<'a> {
    /// The name the program was called by.
    pub(crate) program: &'a str,
    /// The flags that were given.
    pub(crate) flags: Flags,
    /// The arguments behind the flags.
    pub(crate) arguments: Vec<String>,
    /// Everything outside the command line.
    pub(crate) environment: &'a Environment,
    /// Where results go.
    pub(crate) output: Output,
}

impl Call<'_> {
    /// An argument by its position; empty when it is missing, which the declared count rules out.
    pub(crate) fn argument(&self, position: usize) -> &str {
        self.arguments.get(position).map(String::as_str).unwrap_or_default()
    }

    /// The arguments from a position on.
    pub(crate) fn rest(&self, position: usize) -> &[String] {
        self.arguments.get(position..).unwrap_or_default()
    }

    /// An argument that is a path, without blanks and slashes around it.
    pub(crate) fn path(&self, position: usize) -> String {
        self.argument(position).trim().trim_matches('/').to_owned()
    }
}

/// The flags of every command that talks to a server.
pub(crate) const HTTP: Group = Group {
    title: "HTTP Options",
    flags: &[
        Flag::text("address", "Address of the server.")
            .setting("ADDR")
            .default("https://127.0.0.1:8200"),
        Flag::text("agent-address", "Address of an agent to use instead of the server.")
            .setting("AGENT_ADDR"),
        Flag::text(
            "ca-cert",
            "PEM file with the certificate authority that signed the server's certificate.",
        )
        .setting("CACERT"),
        Flag::text("ca-path", "Folder with PEM files of certificate authorities.")
            .setting("CAPATH"),
        Flag::text("client-cert", "PEM file with a certificate of one's own.")
            .setting("CLIENT_CERT"),
        Flag::text("client-key", "PEM file with the private key of -client-cert.")
            .setting("CLIENT_KEY"),
        Flag::new(
            Kind::Map,
            "header",
            "A header to send with every request, as name=value. May be given several times.",
        ),
        Flag::new(Kind::List, "mfa", "Proof of a second factor. May be given several times.")
            .setting("MFA"),
        Flag::text("namespace", "Namespace that all paths are relative to.")
            .alias("ns")
            .setting("NAMESPACE"),
        Flag::switch("disable-redirects", "Do not follow the server when it points elsewhere.")
            .setting("DISABLE_REDIRECTS"),
        Flag::switch("non-interactive", "Never ask anything: treat the input as empty."),
        Flag::switch(
            "output-curl-string",
            "Instead of sending the request, print a curl command that would.",
        ),
        Flag::switch(
            "output-policy",
            "Instead of sending the request, print a policy that would allow it.",
        ),
        Flag::switch("policy-override", "Override policies that may be overridden."),
        Flag::text("tls-server-name", "Name expected in the server's certificate.")
            .setting("TLS_SERVER_NAME"),
        Flag::switch(
            "tls-skip-verify",
            "Believe any certificate. Nobody knows then who is at the other end.",
        )
        .alias("insecure")
        .setting("SKIP_VERIFY"),
        Flag::new(
            Kind::Duration,
            "wrap-ttl",
            "Have the answer wrapped, to be fetched once within this time.",
        )
        .setting("WRAP_TTL"),
    ],
};

/// The flag of commands whose output has several formats.
pub(crate) const FORMAT: Group = Group {
    title: "Output Options",
    flags: &[
        Flag::text("format", "Format of the output: table, json, yaml, pretty or raw.")
            .setting("FORMAT")
            .default("table"),
        Flag::switch("detailed", "Show more about each entry.").setting("DETAILED"),
    ],
};

/// The flags of commands whose output has fields.
pub(crate) const FIELD: Group = Group {
    title: "Output Options",
    flags: &[
        Flag::text("field", "Print only this field of the answer."),
        Flag::text("format", "Format of the output: table, json, yaml, pretty or raw.")
            .setting("FORMAT")
            .default("table"),
        Flag::switch("detailed", "Show more about each entry.").setting("DETAILED"),
    ],
};

/// Flags that a command has for itself.
pub(crate) const fn own(flags: &'static [Flag]) -> Group {
    Group { title: "Command Options", flags }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(count: Count, got: usize, expected: Option<&str>) {
        assert_eq!(count.complaint(got).as_deref(), expected);
    }

    #[test]
    fn a_wrong_number_of_arguments_is_counted_out() {
        check(Count::ONE, 0, Some("Not enough arguments (expected 1, got 0)"));
        check(Count::ONE, 1, None);
        check(Count::ONE, 2, Some("Too many arguments (expected 1, got 2)"));
        check(Count::NONE, 1, Some("Too many arguments (expected 0, got 1)"));
        check(
            Count::at_least(1, "at least 1"),
            0,
            Some("Not enough arguments (expected at least 1, got 0)"),
        );
        check(Count::at_least(1, "at least 1"), 9, None);
    }
}
