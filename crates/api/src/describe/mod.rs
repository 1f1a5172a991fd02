//! Everything the outside world reads about an endpoint, derived from its declaration.

#![allow(clippy::indexing_slicing, reason = "looking into a JSON value never panics")]

mod fields;
mod help;
mod openapi;

pub(crate) use fields::Fields;
pub use fields::{Synonyms, accepts_anything, parameter_names, secret_names, synonyms};
pub use help::{mount_help, path_help};
pub use openapi::{document, path_item};
