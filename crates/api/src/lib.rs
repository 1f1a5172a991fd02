//! Placeholder.

pub mod duration;
pub mod hcl;
mod operation;

pub use operation::Operation;
