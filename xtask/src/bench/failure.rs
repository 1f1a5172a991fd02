//! Why there are no figures: a text for whoever asked for them.

use std::error::Error;
use std::fmt;

/// Figures, or why there are none.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// A reason. It is no `Error` itself, so that every `Error` can become one.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
