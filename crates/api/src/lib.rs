//! Placeholder.

pub mod duration;
mod operation;

pub use operation::Operation;
