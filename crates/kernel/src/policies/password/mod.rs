//! Password policies: what a password has to be made of.
//!
//! One text serves two purposes. A password can be made by it, and then has exactly the length
//! and only the characters it names. And a password that a person chose can be held against it:
//! then the length is the least that will do, and other characters are welcome, since they only
//! make it harder to guess.

mod charset;
mod parse;
mod paths;
mod rules;

pub(crate) use paths::{password_flaw, paths as password_paths};
