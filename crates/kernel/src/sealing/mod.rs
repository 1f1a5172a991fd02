//! `sys/init`, `sys/unseal` and what else can be asked of a server whatever its state.

mod initialize;
mod paths;

pub use initialize::{InitializeError, Initialized};
pub(crate) use paths::paths;
