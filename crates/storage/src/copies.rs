//! Decoded records that several requests share.

use std::any::Any;
use std::sync::Arc;

use crate::Revision;

/// A place where decoded records are kept, so that the next request need not read and decode them.
///
/// A copy may be stale: whoever takes one adds "this record is still at that revision" to what the
/// transaction checks when it commits. So nothing can be answered on the strength of a stale one.
pub trait Copies: Send + Sync + 'static {
    /// The copy of the record at `key`, if there is one.
    fn find(&self, key: &str) -> Option<Copied>;

    /// Which age this is: all copies are forgotten at its end.
    fn age(&self) -> u64;

    /// Keeps a copy of the record at `key`, which was read in `age`, unless that has ended.
    fn keep(&self, age: u64, key: &str, copied: Copied);
}

/// A decoded record.
#[derive(Clone)]
pub struct Copied {
    /// Which revision of the record it was decoded from.
    pub revision: Revision,
    /// How long that was.
    pub encoded_bytes: usize,
    /// What came of it.
    pub record: Arc<dyn Any + Send + Sync>,
}
