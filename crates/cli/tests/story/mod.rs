//! The built binary as server and as command line at once: what a person could do with it today.
//!
//! Nothing here looks inside. A test starts servers of its own, each on a free port of this machine
//! and in a folder of its own, and speaks to them as everybody else does. [`harness`] starts and
//! ends them, [`call`] runs commands against them, [`exchange`] speaks HTTP.

mod audit;
mod bad_configuration;
mod bad_input;
mod batches;
mod call;
mod development;
mod disk;
mod exchange;
pub(crate) mod harness;
mod leases;
mod main_job;
mod manners;
mod restarts;
mod shapes;
mod terminal;
mod users;
mod versions;
