//! Whole kernels, driven the way the network would drive them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod attacks;
mod audit;
mod crashes;
mod kv;
mod lockout;
mod metrics;
mod mounts;
mod nodes;
mod password_policies;
mod policies;
mod promises;
mod tokens;
mod userpass;
mod walk;
mod wrapping;
