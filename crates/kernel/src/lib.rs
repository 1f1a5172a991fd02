//! Who may do what, and for how long.

pub mod barrier;
pub mod entropy;
pub mod seal;
