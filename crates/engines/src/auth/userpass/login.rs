//! Exchanging a password for a login.
//!
//! An unknown user, a wrong password and a wrong place are answered alike, and equally late.

use api::{Context, Error, Login, LoginFailure, Path, Result, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

use super::hash::{Parameters, Verification};
use super::users::{USERS, User};
use super::{Username, hash, password};

pub(super) fn path() -> Path {
    Path::new("login/{username}")
        .help(
            "Exchange a username and a password for a token.",
            "The answer does not tell whether there is such a user.",
        )
        .folds_names()
        .public()
        .write(login)
}

#[derive(Deserialize, JsonSchema)]
struct Credentials {
    /// Password of the user.
    password: Option<Secret>,
}

async fn login(
    context: &Context,
    (Username { username }, given): (Username, Credentials),
) -> Result<Login> {
    let password = password::acceptable(given.password.ok_or_else(password::missing)?)?;
    let user = USERS.get(&context.store, &username).await?;
    let known = user.is_some();
    let hashed = user.as_ref().map(|user| &user.password);
    let question = Verification {
        hashed,
        others: &[],
        parameters: Parameters::default(),
        password: &password,
    };
    let verified = hash::verify(context, question).await?.matches;
    let admitted = user.filter(|user| verified && user.token.admits(context.remote));
    match admitted {
        Some(user) => Ok(login_of(&user, username)),
        None => Err(Error::LoginFailed(Box::new(LoginFailure {
            alias: username,
            known,
            text: "invalid username or password",
        }))),
    }
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
