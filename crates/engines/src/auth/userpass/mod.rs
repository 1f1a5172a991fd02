//! Logging in with a username and a password.
//!
//! Users are administered below `users/`, log in at `login/`, and look after themselves at `self`
//! where the mount allows it. What the mount wants of passwords stands in `config`. Names are
//! folded to lower case by the paths themselves, before a policy decides and before a handler sees
//! them.
//!
//! Reading order: [`user`] (what is stored), [`users`] (administering), [`password`] (setting one),
//! [`prove`] and [`login`] (proving one).

use api::{Class, Context, Corner, Engine, Error, Result, is_name};
use schemars::JsonSchema;
use serde::Deserialize;

mod account;
mod configuration;
mod hash;
mod import;
mod kinds;
mod login;
mod password;
mod policies;
mod prove;
mod renew;
mod rules;
mod self_service;
mod sessions;
mod user;
mod users;

use configuration::Configuration;

/// The `userpass` auth method.
pub(crate) const ENGINE: Engine = Engine {
    name: "userpass",
    version: None,
    class: Class::Auth,
    corner: Corner::Mount,
    help: "Lets people log in with a username and a password.\n\n\
           Operators create users below \"users/\" and say which policies their tokens carry. \
           Users log in by sending their password to \"login/\" and their name. What passwords \
           must be like, and what users may do for themselves below \"self\", is said at \
           \"config\".",
    paths: || {
        vec![
            configuration::path(),
            users::list(),
            users::one(),
            import::path(),
            password::path(),
            policies::path(),
            sessions::path(),
            login::path(),
            self_service::record(),
            self_service::password(),
            self_service::sessions(),
            self_service::session(),
        ]
    },
    renew: Some(renew::renew),
};

#[derive(Deserialize, JsonSchema)]
struct Username {
    /// Name the user logs in with: letters, digits, and between them also "-" and ".". Where the
    /// mount allows it, an e-mail address. Case does not matter.
    username: String,
}

impl Username {
    /// The name, and what the mount wants of it and of others.
    ///
    /// # Errors
    /// [`Error::UnsupportedPath`] for an address where the mount takes none, as for anything else
    /// that is no name.
    async fn at(self, context: &Context) -> Result<(Configuration, String)> {
        let configuration = Configuration::of(context).await?;
        match configuration.email_names || is_name(&self.username) {
            true => Ok((configuration, self.username)),
            false => Err(Error::UnsupportedPath),
        }
    }
}
