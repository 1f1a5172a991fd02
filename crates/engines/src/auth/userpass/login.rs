//! Exchanging a password for a login.

use api::{Context, Error, Login, Path, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Username;
use super::configuration::Configuration;
use super::password::{self, Replacement};
use super::prove::prove;
use super::user::User;

pub(super) fn path() -> Path {
    Path::new("login/{username@}")
        .help(
            "Exchange a username and a password for a token.",
            "The answer does not tell whether there is such a user. Who has to change their \
             password is told so if they know it, and sends the new one along.",
        )
        .folds_names()
        .public()
        .write(login)
}

#[derive(Deserialize, JsonSchema)]
struct Credentials {
    /// Password of the user.
    password: Option<Secret>,
    /// The password they want from now on, where the one they have must be changed.
    new_password: Option<Secret>,
}

async fn login(context: &Context, (username, given): (Username, Credentials)) -> Result<Login> {
    let (configuration, name) = username.at(context).await?;
    let password = password::acceptable(given.password.ok_or_else(password::missing)?)?;
    let user = prove(context, &configuration, (&name, &password)).await?;
    let duty = duty(context, &configuration, &user);
    let new = given.new_password.filter(|new| !new.is_empty());
    let user = match (new, duty) {
        (Some(new), Some(_)) => {
            let replacement = Replacement { name: &name, user, old: &password, new };
            replacement.perform(context, &configuration).await?
        }
        (Some(_), None) => {
            return Err(Error::invalid(
                "the password need not be changed; log in without \"new_password\"",
            ));
        }
        (None, Some(duty)) => return Err(Error::Forbidden(duty.to_owned())),
        (None, None) => user,
    };
    User::note_login(context, &name);
    Ok(login_of(&user, name))
}

/// Why somebody has to change their password before they get any further, if they do.
fn duty(context: &Context, configuration: &Configuration, user: &User) -> Option<&'static str> {
    if user.account.must_change_password {
        return Some(
            "the password has to be changed: log in with the new one as \"new_password\" beside \
             \"password\"",
        );
    }
    let age_max = configuration.password_max_age.set()?;
    let is_old = user.password_changed.is_none_or(|then| context.now >= then.plus(age_max));
    is_old.then_some(
        "the password is too old: log in with a new one as \"new_password\" beside \"password\"",
    )
}

/// What this user gets, at login and at every renewal.
pub(super) fn login_of(user: &User, username: String) -> Login {
    Login {
        alias: username.clone(),
        display_name: username.clone(),
        metadata: [("username".to_owned(), username)].into(),
        ..user.token.login()
    }
}
