//! Placeholder.

pub mod policies;
