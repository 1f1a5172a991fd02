//! The built binary against a stub of a server: exit codes, what goes over the wire, and what is
//! printed.
//!
//! What a real server must do is tested elsewhere, with the real server. Here are the promises of
//! the command line alone.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod generation_2016;
mod kv;
mod login;
mod mistakes;
mod stub;
mod today;
