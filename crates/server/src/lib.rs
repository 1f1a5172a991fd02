//! The process: what listens, what is configured, and how it is put together.
//!
//! Reading order: [`http`] (from a socket to the kernel and back).

pub mod configuration;
pub mod http;
