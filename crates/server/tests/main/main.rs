//! The edge as strangers meet it: over real sockets, with a service that only echoes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod fake;
mod floods;
mod framing;
mod limits;
mod protocols;
mod starting;
mod stopping;
