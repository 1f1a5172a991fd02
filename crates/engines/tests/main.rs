//! Every engine, driven through its declared paths on a store in memory, with the clock in hand.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod house;
mod promises;
mod userpass;
mod userpass_login;
