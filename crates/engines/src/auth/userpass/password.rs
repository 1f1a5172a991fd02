//! Giving a user a new password.

use api::{Context, Error, NoContent, Path, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

use super::hash::Parameters;
use super::users::USERS;
use super::{Username, hash};

/// Longer passwords are refused before anything is done with them, and never cut.
const PASSWORD_BYTES_MAX: usize = 1024;

pub(super) fn path() -> Path {
    Path::new("users/{username}/password")
        .help(
            "Set the password of a user.",
            "The old password stops working at once; tokens that were given out for it stay.",
        )
        .folds_names()
        .write(write_password)
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct NewPassword {
    /// Password the user logs in with, at most 1024 bytes long.
    password: Option<Secret>,
    /// A hash of the password, instead of the password. Not supported yet.
    password_hash: Option<Secret>,
}

impl NewPassword {
    /// The new password, if one is given.
    pub(super) fn if_given(self) -> Result<Option<Secret>> {
        let hash = self.password_hash.filter(|hash| !hash.is_empty());
        match (self.password, hash) {
            (Some(_), Some(_)) => {
                Err(Error::invalid("only one of password or password_hash may be provided"))
            }
            (None, Some(_)) => {
                Err(Error::invalid("password_hash is not supported yet; give the password itself"))
            }
            (Some(password), None) => acceptable(password).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The new password, where there has to be one.
    pub(super) fn required(self) -> Result<Secret> {
        self.if_given()?.ok_or_else(missing)
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
    (Username { username }, new): (Username, NewPassword),
) -> Result<NoContent> {
    let password = new.required()?;
    let mut user = USERS.get(&context.store, &username).await?.ok_or_else(no_such_user)?;
    user.password = hash::hash(context, Parameters::default(), &password).await?;
    USERS.put(&context.store, &username, &user);
    Ok(NoContent)
}
