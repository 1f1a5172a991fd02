//! `sys/init`, `sys/unseal` and what else can be asked of a server whatever its state.

mod initialize;
mod paths;

pub use initialize::{Initialized, InitializeError};
pub(crate) use paths::paths;
