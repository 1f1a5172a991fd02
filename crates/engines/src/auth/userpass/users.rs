//! The people who may log in.

use api::{Context, Data, Error, Keys, NoContent, Page, Path, Result};
use serde::{Deserialize, Serialize};
use storage::Table;

use super::Username;
use super::hash::{self, Hashed, Parameters};
use super::password::{self, NewPassword};
use crate::auth::token_settings::{OldTokenFields, TokenFields, TokenSettings, TokenSettingsView};

pub(super) const USERS: Table<User> = Table::new("user/");

#[derive(Deserialize, Serialize)]
pub(super) struct User {
    pub(super) password: Hashed,
    pub(super) token: TokenSettings,
}

pub(super) fn list() -> Path {
    Path::new("users")
        .help("List the users.", "Lists the names of all users, in lower case and in order.")
        .list(list_users)
}

pub(super) fn one() -> Path {
    Path::new("users/{username}")
        .help(
            "Create, read, change and remove a user.",
            "Fields that are left out of a change stay as they are.\n\n\
             Removing or changing a user leaves the tokens they already hold alone. To end those, \
             revoke them by their accessors.",
        )
        .folds_names()
        .exists(user_exists)
        .read(read_user)
        .write(write_user)
        .delete(delete_user)
}

async fn list_users(context: &Context, page: Page) -> Result<Keys> {
    Ok(Keys(USERS.list(&context.store, &page.after, page.limit()).await?))
}

async fn user_exists(context: &Context, user: Username) -> Result<bool> {
    Ok(USERS.get(&context.store, &user.username).await?.is_some())
}

async fn read_user(context: &Context, user: Username) -> Result<Data<TokenSettingsView>> {
    let user = USERS.get(&context.store, &user.username).await?.ok_or(Error::Missing)?;
    Ok(Data(user.token.view()))
}

async fn write_user(
    context: &Context,
    (Username { username }, password, new, old): (
        Username,
        NewPassword,
        TokenFields,
        OldTokenFields,
    ),
) -> Result<NoContent> {
    let found = USERS.get(&context.store, &username).await?;
    let password = match found {
        Some(_) => password.if_given()?,
        None => Some(password.required()?),
    };
    let mut token = found.as_ref().map(|user| user.token.clone()).unwrap_or_default();
    token.change(new, old)?;
    let password = match (password, found) {
        (Some(password), _) => hash::hash(context, Parameters::default(), &password).await?,
        (None, Some(user)) => user.password,
        (None, None) => return Err(password::missing()),
    };
    USERS.put(&context.store, &username, &User { password, token });
    Ok(NoContent)
}

async fn delete_user(context: &Context, user: Username) -> Result<NoContent> {
    USERS.delete(&context.store, &user.username);
    Ok(NoContent)
}
