//! A typed HTTP client for Strongroom, used by the command line and by the black-box tests.
//!
//! Build a [`Settings`], make a [`Client`] of it, and send a [`Request`]. The client knows the
//! conventions of the API: where paths begin, which headers carry the token, which verb a write
//! uses, how an error reads. It never reads the environment; that is the command line's business.

mod client;
mod error;
mod path;
mod request;
mod secret;
mod settings;
mod token;
mod transport;

pub use client::{Client, Response};
pub use error::{Answer, Error};
pub use path::clean;
pub use request::Request;
pub use secret::{Auth, Secret, Wrapping};
pub use settings::{ClientCertificate, Redirects, Settings, Trust};
pub use token::Token;
