//! The language of policies and configuration files: HCL, version 1, and JSON of the same meaning.
//!
//! A text becomes a plain tree: a [`Body`] of [`Item`]s. Where every key and value stands in the
//! text stays with it, so that whoever reads the tree can point at what is wrong. New lines mean
//! nothing, so several items may share one, with or without commas between them. A text that
//! starts with `{` is JSON.
//!
//! What version 1 leaves doubtful is refused rather than guessed: a key set twice, a number with
//! a zero in front. `${` means nothing special here.
//!
//! A text cannot harm the reader: its length, its depth and its number of values are bounded, and
//! nothing here calls itself on the way down.

mod parser;
mod scanner;
mod tree;

pub use parser::{DEPTH_MAX, LABELS_MAX, VALUES_MAX, parse};
pub use scanner::TEXT_BYTES_MAX;
pub use tree::{Block, Body, Content, Item, Name, Value};

use std::fmt;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, counted from one.
    pub line: u32,
    /// The character within the line, counted from one.
    pub column: u32,
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, without the place. Never quotes a value, since values can be secret.
    pub problem: String,
    /// Where it is.
    pub position: Position,
}

impl Position {
    /// The first character of a text.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The mistake of having `problem` here.
    pub fn error(self, problem: impl Into<String>) -> Error {
        Error { problem: problem.into(), position: self }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}", self.line, self.column)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} on {}", self.problem, self.position)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
