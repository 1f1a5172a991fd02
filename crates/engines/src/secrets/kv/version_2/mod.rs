//! Secrets with their history.
//!
//! How they are stored, and why reading stays quick with any number of them, stands in `history`.

use api::Path;

mod config;
mod custom;
mod data;
mod elsewhere;
mod history;
mod metadata;
mod object;
mod rules;
mod versions;

pub(super) fn paths() -> Vec<Path> {
    vec![
        config::path(),
        data::path(),
        versions::delete(),
        versions::undelete(),
        versions::destroy(),
        metadata::path(),
        metadata::top(),
        elsewhere::path(),
    ]
}
