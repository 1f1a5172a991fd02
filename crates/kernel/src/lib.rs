//! Who may do what, and for how long.
//!
//! Reading order: [`serve`](Kernel::serve) (the walk every request takes, top to bottom, once),
//! `system` (every room's paths), then the rooms: `seal`, `barrier`, `mounts`, `tokens`,
//! `policies`, `leases`, `audit`.

pub mod audit;
pub mod barrier;
mod description;
mod entropy;
mod identity;
mod kernel;
mod leases;
mod lockout;
mod login;
mod mirror;
mod mounts;
pub mod policies;
pub mod seal;
mod sealing;
mod serve;
mod services;
mod system;
mod tokens;
mod visit;
mod worker;
mod wrapping;

pub use kernel::{Door, Foundation, Kernel, Settings};
pub use sealing::{InitializeError, Initialized};
pub use serve::{Answer, Manner};
pub use visit::Visit;
pub use worker::{WORKERS, Worker};
