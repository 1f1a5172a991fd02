//! `sys/init`, `sys/unseal` and what else can be asked of a server whatever its state.

mod initialize;
mod paths;

pub(crate) use initialize::told;
pub use initialize::{InitializeError, Initialized};
pub(crate) use paths::paths;
