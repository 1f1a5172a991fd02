//! The words everyone shares who answers requests: request, reply, error, and the declaration of
//! an endpoint from which routing, parsing, help and OpenAPI follow.
//!
//! Reading order: [`Path`] (one declaration per endpoint), [`Context`] (what a handler may touch),
//! [`Reply`] and [`Error`] (what it may answer), [`Engine`] (what can be mounted).

mod canonical;
mod context;
mod declaration;
pub mod describe;
pub mod duration;
mod engine;
mod entropy;
mod envelope;
mod error;
pub mod hcl;
mod memory;
mod moment;
mod names;
mod networks;
mod operation;
mod page;
mod parameters;
mod pattern;
pub mod readings;
mod reply;
mod request;
mod secret;
mod services;
pub mod testing;
mod wordlists;
mod workshop;

pub use canonical::CanonicalPath;
pub use context::{Caller, Context, MountFacts, Warnings};
pub use declaration::{BoxFuture, Endpoint, Handler, Parameters, Path, Reached};
pub use engine::{Class, Corner, Engine, Renew, Renewal};
pub use entropy::{Entropy, SystemEntropy, UniqueNames, hexadecimal, identifier, unique};
pub use envelope::{Auth, Envelope, Lease, WrappingToken};
pub use error::{Error, LoginFailure, Result};
pub use memory::Memory;
pub use moment::{Clock, Moment, SystemClock};
pub use names::{
    NameList, check_policy_names, fold_name, is_name, is_name_or_address, normalize_policies,
};
pub use networks::{network_text, parse_network};
pub use operation::Operation;
pub use page::{Folder, Page};
pub use parameters::{ENTRIES_MAX, Everything, Given, KeyValues, Seconds};
pub use pattern::{Captures, Pattern};
pub use reply::{
    Absent, Accepted, Bare, BatchOperation, Data, Found, Keys, Login, NoContent, Reply, Respond,
    Token, TokenKind,
};
pub use request::{Body, Request, Trust};
pub use secret::Secret;
pub use services::{Services, Session};
pub use wordlists::Wordlists;
pub use workshop::{Scratch, Workshop};
