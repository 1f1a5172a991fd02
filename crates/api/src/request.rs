//! A request as the edge hands it to the kernel: understood, but not yet believed.

use std::net::SocketAddr;

use serde_json::{Map, Value};

use crate::{BoxFuture, CanonicalPath, Operation, Result, Seconds, Secret};

/// What somebody asks for.
pub struct Request {
    /// Names this exchange in audit entries and logs: a UUID.
    pub id: String,
    /// What to do. Writes come as [`Operation::Update`]; the kernel finds out what is a creation.
    pub operation: Operation,
    /// Where.
    pub path: CanonicalPath,
    /// Parameters that came with the address; the only ones of reads, lists and deletes.
    pub query: Map<String, Value>,
    /// Parameters that come behind, read only once the caller is known to be allowed here.
    pub body: Option<Box<dyn Body>>,
    /// What the caller shows to prove who they are.
    pub token: Option<Secret>,
    /// For how long the answer is to be kept, where the caller wants it wrapped.
    pub wrap_ttl: Option<Seconds>,
    /// Where the request came from, if over a network.
    pub remote: Option<SocketAddr>,
}

/// Parameters that have not been read yet.
pub trait Body: Send + Sync {
    /// Reads and understands them, within the limits for callers of this `trust`.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge), or [`Error::Invalid`](crate::Error::Invalid)
    /// when they cannot be understood.
    fn read(self: Box<Self>, trust: Trust) -> BoxFuture<'static, Result<Map<String, Value>>>;
}

/// How much a caller may make us read and remember.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trust {
    /// Anybody.
    Anonymous,
    /// Somebody with a token that allows what they ask for.
    Authenticated,
}

/// Parameters that are already here: for tests, and for callers inside the process.
impl Body for Map<String, Value> {
    fn read(self: Box<Self>, _: Trust) -> BoxFuture<'static, Result<Map<String, Value>>> {
        Box::pin(async { Ok(*self) })
    }
}
