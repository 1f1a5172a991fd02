//! Everything that can be mounted. To add an engine: a folder, and a line in one of these lists.
//!
//! An engine is a list of [`Path`](api::Path)s over its own corner of the store. It knows nothing
//! of tokens, policies, leases or audit: who may come is settled before its handlers run, and what
//! they answer becomes a token or an envelope afterwards.

mod auth;
mod null;
mod secrets;

use api::Engine;

/// What can be mounted below `auth/`.
pub const AUTH_METHODS: &[&Engine] = &[&auth::userpass::ENGINE];

/// What can be mounted anywhere else.
pub const SECRETS_ENGINES: &[&Engine] =
    &[&secrets::kv::VERSION_1, &secrets::kv::VERSION_2, &secrets::cubbyhole::ENGINE];
