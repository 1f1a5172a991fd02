//! Placeholder.

mod operation;

pub use operation::Operation;
