//! An ordered key-value store with optimistic transactions.
//!
//! Nothing here locks. A [`Transaction`] remembers the revision of every key it read and buffers
//! every write; `commit` applies the writes only if none of those keys has changed since. That is
//! the whole concurrency story, and it is the same with one node or with twenty.
//!
//! Reading order: [`Store`] (what a backend must do), [`Transaction`] (one attempt), [`Table`] and
//! [`View`] (typed records in a corner of the store), [`Copies`] (decoded ones that are shared),
//! [`Memory`] (the simplest backend).

mod commit;
mod copies;
mod memory;
mod store;
mod table;
pub mod testing;
mod transaction;
mod watch;

pub use commit::{Commit, CommitError};
pub use copies::{Copied, Copies};
pub use memory::Memory;
pub use store::{Error, Record, Result, Revision, Store};
pub use table::{Table, View};
pub use transaction::Transaction;
pub use watch::{Announcer, Change, Watch};
