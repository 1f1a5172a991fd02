//! What every backend must keep: the conformance suite, and stores that make races and failures
//! happen.
//!
//! A store in memory never interleaves and never fails, so tests on it alone prove little.
//! [`Busy`] lets other tasks in between every two steps and loses races nobody ran; [`Flaky`] fails
//! where it is told to; [`Interrupted`] lets somebody else come first. All wrap any store.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod busy;
pub mod conformance;
mod dice;
mod flaky;
mod interrupted;

pub use busy::Busy;
pub use flaky::{Fault, Flaky};
pub use interrupted::Interrupted;
