//! Logging in with a username and a password.
//!
//! Users are administered below `users/` and log in at `login/`. Names are folded to lower case by
//! the paths themselves, before a policy decides and before a handler sees them.

use api::{Class, Corner, Engine};
use schemars::JsonSchema;
use serde::Deserialize;

mod hash;
mod login;
mod password;
mod policies;
mod renew;
mod users;

/// The `userpass` auth method.
pub(crate) const ENGINE: Engine = Engine {
    name: "userpass",
    version: None,
    class: Class::Auth,
    corner: Corner::Mount,
    help: "Lets people log in with a username and a password.\n\n\
           Operators create users below \"users/\" and say which policies their tokens carry. \
           Users log in by sending their password to \"login/\" and their name.",
    paths: || vec![users::list(), users::one(), password::path(), policies::path(), login::path()],
    renew: Some(renew::renew),
};

#[derive(Deserialize, JsonSchema)]
struct Username {
    /// Name the user logs in with: letters, digits, and between them also "-" and ".". Case does
    /// not matter.
    username: String,
}
