//! Administering the people who may log in.

use api::{Context, Data, Error, NoContent, Page, Path, Reply, Result, is_name};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;

use super::Username;
use super::account::{Account, AccountFields, Ending};
use super::configuration::Configuration;
use super::password::{self, Accepted, NewPassword};
use super::user::{USERS, User, UserView};
use crate::auth::token_settings::{OldTokenFields, TokenFields, TokenSettings};

/// How many users are described in one answer: each takes two reads.
const DETAILS_MAX: usize = 1000;

pub(super) fn list() -> Path {
    Path::new("users")
        .help(
            "List the users.",
            "Lists the names of all users, in lower case and in order. With \"details\" the answer \
             also says of each whether and since when they can log in.",
        )
        .list(list_users)
}

pub(super) fn one() -> Path {
    Path::new("users/{username@}")
        .help(
            "Create, read, change and remove a user.",
            "Fields that are left out of a change stay as they are.\n\n\
             Removing or changing a user leaves the tokens they already hold alone, unless \
             \"revoke_tokens\" says otherwise. Creating one ends those of anybody who had the name \
             before.",
        )
        .folds_names()
        .exists(user_exists)
        .read(read_user)
        .write(write_user)
        .delete(delete_user)
}

#[derive(Deserialize, JsonSchema)]
struct Details {
    /// Whether the answer tells more of each user than the name; of at most 1000 at a time.
    #[serde(default)]
    details: bool,
}

/// What a request says about a user, as far as it is kept.
pub(super) type Wish = (NewPassword, TokenFields, OldTokenFields, AccountFields);

/// A user as they are going to be, as far as the request alone can tell.
pub(super) struct Prepared {
    pub(super) before: Option<User>,
    pub(super) password: Option<Accepted>,
    token: TokenSettings,
    account: Account,
}

impl Prepared {
    /// What becomes of the user, if anything can. Everything is checked in the order that clients
    /// know.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub(super) fn of(before: Option<User>, wish: Wish) -> Result<Self> {
        let (password, new, old, fields) = wish;
        password.check_one_at_most()?;
        if before.is_none() {
            password.check_given()?;
        }
        let mut token = before.as_ref().map(|user| user.token.clone()).unwrap_or_default();
        let mut account = before.as_ref().map(|user| user.account.clone()).unwrap_or_default();
        token.change(&new)?;
        account.change(fields)?;
        let password = password.accept()?;
        token.change_by_old_names(&new, old)?;
        Ok(Self { before, password, token, account })
    }

    /// Hashes the password if there is one, and stores the user as `name`. Whoever had that name
    /// before is somebody else: tokens they left behind end.
    ///
    /// # Errors
    /// [`Error::Busy`].
    pub(super) async fn store(
        self,
        context: &Context,
        configuration: &Configuration,
        name: &str,
    ) -> Result<()> {
        let Self { before, password, token, account } = self;
        let is_new = before.is_none();
        let hashed = match password {
            Some(password) => Some(password.hash(context, configuration, name).await?),
            None => None,
        };
        let mut user = match (before, hashed) {
            (Some(mut user), Some(hashed)) => {
                user.change_password(hashed, configuration.password_history, context.now);
                user
            }
            (Some(user), None) => user,
            (None, Some(hashed)) => User::new(hashed, TokenSettings::default(), context.now),
            (None, None) => return Err(password::missing()),
        };
        user.token = token;
        user.account = account;
        user.store(context, name);
        if is_new {
            context.services.end_sessions(name, None).await?;
        }
        Ok(())
    }
}

async fn list_users(context: &Context, (page, wanted): (Page, Details)) -> Result<Reply> {
    let limit = match wanted.details {
        true => page.limit().min(DETAILS_MAX),
        false => page.limit(),
    };
    let names = USERS.list(&context.store, &page.after, limit).await?;
    let mut about = Map::new();
    for name in names.iter().filter(|_| wanted.details) {
        let user = User::find(context, name).await?;
        let Some(user) = user else { continue };
        let status = user.view(context, name).await?.status;
        about.insert(name.clone(), serde_json::to_value(status).map_err(Error::internal)?);
    }
    if wanted.details && names.len() == DETAILS_MAX && page.limit() > DETAILS_MAX {
        context.warn(format!(
            "these are the first {DETAILS_MAX}; go on with \"after\" and the last name of them"
        ));
    }
    Ok(Reply::Keys(names, about))
}

/// A name that is none here is nothing that could be created either.
async fn user_exists(context: &Context, user: Username) -> Result<bool> {
    if !is_name(&user.username) && !Configuration::of(context).await?.email_names {
        return Ok(true);
    }
    Ok(User::find(context, &user.username).await?.is_some())
}

async fn read_user(context: &Context, username: Username) -> Result<Data<UserView>> {
    let (_, name) = username.at(context).await?;
    let user = User::find(context, &name).await?.ok_or(Error::Missing)?;
    Ok(Data(user.view(context, &name).await?))
}

async fn write_user(
    context: &Context,
    (username, password, new, old, account, ending): (
        Username,
        NewPassword,
        TokenFields,
        OldTokenFields,
        AccountFields,
        Ending,
    ),
) -> Result<NoContent> {
    let (configuration, name) = username.at(context).await?;
    let before = User::find(context, &name).await?;
    let prepared = Prepared::of(before, (password, new, old, account))?;
    if let Some(password) = &prepared.password {
        let whose = (name.as_str(), prepared.before.as_ref());
        password.check(context, &configuration, whose).await?;
    }
    prepared.store(context, &configuration, &name).await?;
    if ending.revoke_tokens {
        context.services.end_sessions(&name, None).await?;
    }
    Ok(NoContent)
}

async fn delete_user(
    context: &Context,
    (username, ending): (Username, Ending),
) -> Result<NoContent> {
    let (_, name) = username.at(context).await?;
    if let Some(user) = User::find(context, &name).await? {
        user.remove(context, &name);
    }
    if ending.revoke_tokens {
        context.services.end_sessions(&name, None).await?;
    }
    Ok(NoContent)
}
