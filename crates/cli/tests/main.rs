//! The built binary, as others meet it.
//!
//! In `story` it is both sides: a server, and the command line of the people who use it. Everything
//! else is the command line alone, against a stub of a server: exit codes, what goes over the wire,
//! and what is printed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod generation_2016;
mod kv;
mod login;
mod mistakes;
mod rows;
mod story;
mod stub;
mod today;
