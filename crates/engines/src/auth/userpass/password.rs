//! Giving a user a new password.

use api::{Context, Error, NoContent, Path, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Username;
use super::account::Ending;
use super::configuration::Configuration;
use super::hash::{self, Hashed, Limits};
use super::kinds::Kinds;
use super::rules::{self, Candidate};
use super::user::User;

/// Longer passwords are refused before anything is done with them, and never cut.
const PASSWORD_BYTES_MAX: usize = 1024;

pub(super) fn path() -> Path {
    Path::new("users/{username@}/password")
        .help(
            "Set the password of a user.",
            "The old password stops working at once; tokens that were given out for it stay, \
             unless \"revoke_tokens\" says otherwise.",
        )
        .folds_names()
        .write(write_password)
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct NewPassword {
    /// Password the user logs in with, at most 1024 bytes long.
    password: Option<Secret>,
    /// A hash of the password instead of the password: bcrypt, or Argon2, scrypt or PBKDF2 as a PHC
    /// or crypt string.
    password_hash: Option<Secret>,
}

/// A new password that may be set, as far as it alone can tell.
pub(super) enum Accepted {
    Plain(Secret),
    Hashed(Hashed),
}

impl NewPassword {
    /// Refuses the password in two forms at once.
    pub(super) fn check_one_at_most(&self) -> Result<()> {
        if self.password.is_some() && self.hash().is_some() {
            return Err(Error::invalid("only one of password or password_hash may be provided"));
        }
        Ok(())
    }

    /// Refuses that there is none.
    pub(super) fn check_given(&self) -> Result<()> {
        if self.password.is_none() && self.hash().is_none() {
            return Err(Error::invalid("must provide either password or password_hash"));
        }
        Ok(())
    }

    /// The new password, if one is given.
    pub(super) fn accept(self) -> Result<Option<Accepted>> {
        if let Some(text) = self.hash() {
            let hashed = Hashed::import(text, &Limits::default())?;
            return Ok(Some(Accepted::Hashed(hashed)));
        }
        Ok(self.password.map(acceptable).transpose()?.map(Accepted::Plain))
    }

    fn hash(&self) -> Option<&Secret> {
        self.password_hash.as_ref().filter(|text| !text.is_empty())
    }
}

impl Accepted {
    /// Refuses what this mount does not want.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub(super) async fn check(
        &self,
        context: &Context,
        configuration: &Configuration,
        (name, user): (&str, Option<&User>),
    ) -> Result<()> {
        match self {
            Self::Plain(password) => {
                rules::check(context, configuration, Candidate { name, user, password }).await
            }
            Self::Hashed(hashed) => Kinds::of(context, configuration).await?.admit(hashed.kind()),
        }
    }

    /// The hash to be stored for the user called `name`.
    ///
    /// # Errors
    /// [`Error::Busy`].
    pub(super) async fn hash(
        self,
        context: &Context,
        configuration: &Configuration,
        name: &str,
    ) -> Result<Hashed> {
        match self {
            Self::Plain(password) => {
                hash::hash_for(context, configuration.hashing, &password, name).await
            }
            Self::Hashed(hashed) => Ok(hashed),
        }
    }
}

/// A user's own change of a password that they have proved to know.
pub(super) struct Replacement<'a> {
    pub(super) name: &'a str,
    pub(super) user: User,
    pub(super) old: &'a Secret,
    pub(super) new: Secret,
}

impl Replacement<'_> {
    /// Changes the password, if this mount wants the new one.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub(super) async fn perform(
        self,
        context: &Context,
        configuration: &Configuration,
    ) -> Result<User> {
        let Self { name, mut user, old, new } = self;
        let new = acceptable(new)?;
        // Whatever the history says: a change is a change.
        if old.reveal() == new.reveal() {
            return Err(Error::invalid("the new password must differ from the old one"));
        }
        let accepted = Accepted::Plain(new);
        accepted.check(context, configuration, (name, Some(&user))).await?;
        let hashed = accepted.hash(context, configuration, name).await?;
        user.change_password(hashed, configuration.password_history, context.now);
        user.account.must_change_password = false;
        user.store(context, name);
        Ok(user)
    }
}

/// The password, unless no password can be like that.
pub(super) fn acceptable(password: Secret) -> Result<Secret> {
    if password.is_empty() {
        return Err(missing());
    }
    if password.reveal().len() > PASSWORD_BYTES_MAX {
        let text = format!("the password is longer than {PASSWORD_BYTES_MAX} bytes");
        return Err(Error::invalid(text));
    }
    Ok(password)
}

pub(super) fn missing() -> Error {
    Error::invalid("missing password")
}

/// What the paths of a single field answer where there is no such user.
pub(super) fn no_such_user() -> Error {
    Error::MissingBecause("username does not exist".to_owned())
}

async fn write_password(
    context: &Context,
    (username, new, ending): (Username, NewPassword, Ending),
) -> Result<NoContent> {
    let (configuration, name) = username.at(context).await?;
    new.check_one_at_most()?;
    new.check_given()?;
    let accepted = new.accept()?.ok_or_else(missing)?;
    let mut user = User::find(context, &name).await?.ok_or_else(no_such_user)?;
    accepted.check(context, &configuration, (&name, Some(&user))).await?;
    let hashed = accepted.hash(context, &configuration, &name).await?;
    user.change_password(hashed, configuration.password_history, context.now);
    user.store(context, &name);
    if ending.revoke_tokens {
        context.services.end_sessions(&name, None).await?;
    }
    Ok(NoContent)
}
