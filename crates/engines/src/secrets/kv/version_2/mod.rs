//! Secrets with their history.
//!
//! How they are stored, and why reading stays quick with any number of them, stands in `history`.

use api::Path;

mod config;
mod custom;
mod data;
mod detailed;
mod elsewhere;
mod history;
mod listing;
mod metadata;
mod object;
mod rules;
mod subkeys;
mod versions;

pub(super) fn paths() -> Vec<Path> {
    vec![
        config::path(),
        data::path(),
        versions::delete(),
        versions::undelete(),
        versions::destroy(),
        subkeys::path(),
        metadata::path(),
        metadata::top(),
        detailed::path(),
        elsewhere::path(),
    ]
}
