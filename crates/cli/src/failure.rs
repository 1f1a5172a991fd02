//! How a command ends, and the exit code that tells scripts about it.

/// The exit code of a command that did its work. Anything but zero means something, such as
/// "sealed".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit(pub(crate) u8);

impl Exit {
    /// The work is done.
    pub(crate) const SUCCESS: Exit = Exit(0);
    /// The server says "no", or "sealed", or there is nothing.
    pub(crate) const NEGATIVE: Exit = Exit(2);
}

/// What every command gives back.
pub(crate) type Outcome = Result<Exit, Failure>;

/// Why a command did not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A local problem: bad flags, wrong arguments, files. Exit code 1.
    Local(String),
    /// The server refused, was not reached, or had nothing. Exit code 2.
    Remote(String),
    /// What was asked for instead of doing the work, such as a curl command line. Goes to stdout,
    /// exit code 0.
    Instead(String),
}

impl Failure {
    /// A local problem.
    pub(crate) fn local(text: impl Into<String>) -> Failure {
        Failure::Local(text.into())
    }

    /// A problem with the server or its answer.
    pub(crate) fn remote(text: impl Into<String>) -> Failure {
        Failure::Remote(text.into())
    }

    /// The same failure with exit code 1, which the commands of 2016 use for everything.
    pub(crate) fn into_local(self) -> Failure {
        match self {
            Failure::Remote(text) => Failure::Local(text),
            other => other,
        }
    }
}
