//! Proving a password, at a login and wherever else somebody shows one.
//!
//! An unknown user, a wrong password, a wrong place, and an account that is disabled or not valid
//! now are answered alike, and equally late.

use api::{Context, Error, LoginFailure, Result, Secret};

use super::configuration::Configuration;
use super::hash::{self, Verification};
use super::kinds;
use super::user::User;

/// The user called `name`, if the password is theirs and they may use it here and now.
///
/// # Errors
/// [`Error::LoginFailed`], which the kernel counts; [`Error::LockedOut`].
pub(super) async fn prove(
    context: &Context,
    configuration: &Configuration,
    (name, password): (&str, &Secret),
) -> Result<User> {
    let user = User::find(context, name).await?;
    let known = user.is_some();
    let question = Verification {
        hashed: user.as_ref().map(|user| &user.password),
        others: &kinds::present(context).await?,
        parameters: configuration.hashing,
        password,
    };
    let verdict = hash::verify(context, question).await?;
    let may_come = |user: &User| {
        verdict.matches && user.token.admits(context.remote) && user.account.is_open(context.now)
    };
    let Some(mut user) = user.filter(may_come) else {
        return Err(Error::LoginFailed(Box::new(LoginFailure {
            alias: name.to_owned(),
            known,
            text: "invalid username or password",
        })));
    };
    // Before anything else is done that a wrong guess would not cause, so that neither answers nor
    // time tell whoever guesses at a locked name that they were right.
    context.services.proved(name).await?;
    if let Some(rehashed) = verdict.rehashed {
        user.password = rehashed;
        user.store(context, name);
    }
    Ok(user)
}
