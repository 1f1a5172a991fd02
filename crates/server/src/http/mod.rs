//! HTTP: the only place that knows its words.
//!
//! Reading order: [`listen`] (sockets, and how many of them), [`connection`] (one of them, and how
//! long it may take), [`exchange`] (one request and its answer), [`request`] and [`body`] (what was
//! asked), [`respond`] (what is answered, errors included).
//!
//! Everything here happens before anybody has proved who they are, so everything here is bounded.

mod body;
mod connection;
mod encoding;
mod exchange;
mod framing;
mod gate;
mod health;
mod listen;
mod request;
mod respond;
mod scan;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use api::{BoxFuture, Request};
use kernel::{Answer, Kernel};

pub use listen::{Listener, Server, Stop};
pub use tls::{Certificate, Tls, TlsError, TlsVersion};

/// How long the address of a request may be.
pub const ADDRESS_BYTES_MAX: usize = 8 * 1024;
/// How long all headers of a request may be together.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// How many headers a request may have.
pub const HEADERS_MAX: usize = 64;
/// How long a token may be.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// How much of a body is read for somebody who has not proved who they are.
pub const ANONYMOUS_BODY_BYTES_MAX: u64 = 1024 * 1024;

/// Who answers requests. There is one such in the house; tests bring their own.
pub trait Service: Send + Sync + 'static {
    /// Answers `request`. Nothing happens before the future is asked.
    fn serve(self: Arc<Self>, request: Request) -> BoxFuture<'static, Answer>;
}

impl Service for Kernel {
    fn serve(self: Arc<Self>, request: Request) -> BoxFuture<'static, Answer> {
        Box::pin(async move { Kernel::serve(&self, request).await })
    }
}

/// How much one request or connection may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// How long a body may be.
    pub body_bytes_max: u64,
    /// How long answering a request may take, reading its body included.
    pub request: Duration,
    /// How long a client may take to send a body once it is wanted.
    pub body: Duration,
    /// How long a client may take to send the head of a request.
    pub head: Duration,
    /// How long a connection may go without a request.
    pub idle: Duration,
    /// How long a client may take to agree on keys.
    pub handshake: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 32 * 1024 * 1024,
            request: Duration::from_secs(90),
            body: Duration::from_secs(30),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(300),
            handshake: Duration::from_secs(10),
        }
    }
}
