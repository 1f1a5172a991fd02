//! Who may do what, and for how long.
//!
//! Reading order: [`serve`](Kernel::serve) (the walk every request takes, top to bottom, once),
//! `system` (every room's paths), then the rooms: `seal`, `barrier`, `mounts`, `tokens`,
//! `policies`, `leases`, `lockout`, `wrapping`, `batch`, `audit`, `metrics`.

pub mod audit;
pub mod barrier;
mod batch;
mod description;
mod entropy;
mod identity;
mod kernel;
mod leases;
mod lockout;
mod login;
mod metrics;
mod mirror;
mod mounts;
pub mod policies;
pub mod seal;
mod sealing;
mod serve;
mod services;
mod system;
mod time;
mod tokens;
mod visit;
mod worker;
mod wrapping;

pub use kernel::{Door, Foundation, Kernel, Settings};
pub use lockout::{LOCKABLE_METHODS, LockoutSettings, LockoutTerms};
pub use sealing::{InitializeError, Initialized};
pub use serve::{Answer, Manner};
pub use time::Company;
pub use visit::Visit;
pub use worker::{WORKERS, Worker};
