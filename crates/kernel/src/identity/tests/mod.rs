//! Whole kernels with a small auth method: what becomes of entities and of their tokens.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod entities;
pub(crate) mod house;
mod sessions;
