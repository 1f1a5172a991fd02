//! Every engine, driven through its declared paths on a store in memory, with the clock in hand.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod cubbyhole;
mod desk;
mod house;
mod kv_listing;
mod kv_names;
mod kv_subkeys;
mod kv_upgrade;
mod kv_values;
mod kv_version_1;
mod kv_version_2;
mod promises;
mod userpass;
mod userpass_account;
mod userpass_hashes;
mod userpass_import;
mod userpass_login;
mod userpass_rules;
mod userpass_self_service;
