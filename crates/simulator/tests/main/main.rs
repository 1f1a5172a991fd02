//! Whole kernels, driven the way the network would drive them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod attacks;
mod audit;
mod batch;
mod batch_tokens;
mod census;
mod crashes;
mod kv;
mod leases;
mod limited_uses;
mod lockout;
mod metrics;
mod mounts;
mod nodes;
mod password_policies;
mod policies;
mod promises;
mod rows;
mod time;
mod token_creation;
mod token_life;
mod token_roles;
mod tokens;
mod userpass;
mod walk;
mod wrapping;
