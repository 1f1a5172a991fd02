//! The auth methods: they say who somebody is.

mod token_settings;
pub(crate) mod userpass;
