//! A user as it is stored.
//!
//! Beside each user lies an entry in the index of kinds ([`super::kinds`]), and once they have
//! logged in, a record of when and where. That is a record of its own, and written without being
//! read: parallel logins of one user do not lose races over it, and it is true to the login.

use std::net::IpAddr;

use api::{Context, Moment, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::Table;

use super::account::{Account, AccountView};
use super::hash::{Hashed, Kind};
use super::kinds;
use crate::auth::token_settings::{TokenSettings, TokenSettingsView};

pub(super) const USERS: Table<User> = Table::new("user/");
const LAST_LOGINS: Table<LastLogin> = Table::new("last/");

#[derive(Deserialize, Serialize)]
pub(super) struct User {
    pub(super) password: Hashed,
    pub(super) token: TokenSettings,
    #[serde(default)]
    pub(super) account: Account,
    #[serde(default)]
    pub(super) password_changed: Option<Moment>,
    /// Hashes of earlier passwords, the latest first.
    #[serde(default)]
    pub(super) earlier: Vec<Hashed>,
    /// Under which kind the index has them.
    #[serde(skip)]
    indexed: Option<Kind>,
}

/// When and from where somebody last logged in.
#[derive(Deserialize, Serialize)]
struct LastLogin {
    when: Moment,
    address: Option<IpAddr>,
}

/// A user as answers show them. What is not set is left out.
#[derive(JsonSchema, Serialize)]
pub(super) struct UserView {
    #[serde(flatten)]
    token: TokenSettingsView,
    #[serde(flatten)]
    pub(super) status: StatusView,
}

/// What listings tell of a user.
#[derive(JsonSchema, Serialize)]
pub(super) struct StatusView {
    #[serde(flatten)]
    account: AccountView,
    /// When the password was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    password_changed: Option<Moment>,
    /// When the user last logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_login: Option<Moment>,
    /// The address that login came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_login_address: Option<String>,
}

impl User {
    /// Somebody new.
    pub(super) fn new(password: Hashed, token: TokenSettings, now: Moment) -> Self {
        Self {
            password,
            token,
            account: Account::default(),
            password_changed: Some(now),
            earlier: vec![],
            indexed: None,
        }
    }

    /// The user called `name`, if there is one.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(super) async fn find(context: &Context, name: &str) -> Result<Option<Self>> {
        let mut found = USERS.get(&context.store, name).await?;
        if let Some(user) = &mut found {
            user.indexed = Some(user.password.kind());
        }
        Ok(found)
    }

    /// Stores the user as `name`.
    pub(super) fn store(&self, context: &Context, name: &str) {
        if let Some(before) = self.indexed.filter(|kind| *kind != self.password.kind()) {
            kinds::remove(context, before, name);
        }
        kinds::add(context, self.password.kind(), name);
        USERS.put(&context.store, name, self);
    }

    /// Removes the user and all that is known of them.
    pub(super) fn remove(self, context: &Context, name: &str) {
        kinds::remove(context, self.password.kind(), name);
        LAST_LOGINS.delete(&context.store, name);
        USERS.delete(&context.store, name);
    }

    /// Takes a new password, and remembers so many of those before it that none of the last
    /// `history` comes again.
    pub(super) fn change_password(&mut self, password: Hashed, history: usize, now: Moment) {
        let before = std::mem::replace(&mut self.password, password);
        self.earlier.insert(0, before);
        // The new one is the first of those that must not come again.
        self.earlier.truncate(history.saturating_sub(1));
        self.password_changed = Some(now);
    }

    /// Notes that the user called `name` has logged in.
    pub(super) fn note_login(context: &Context, name: &str) {
        let address = context.remote.map(|remote| remote.ip().to_canonical());
        LAST_LOGINS.put(&context.store, name, &LastLogin { when: context.now, address });
    }

    /// The user as answers show them.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(super) async fn view(&self, context: &Context, name: &str) -> Result<UserView> {
        let last = LAST_LOGINS.get(&context.store, name).await?;
        let address = last.as_ref().and_then(|last| last.address);
        let status = StatusView {
            account: self.account.view(),
            password_changed: self.password_changed,
            last_login: last.map(|last| last.when),
            last_login_address: address.map(|address| address.to_string()),
        };
        Ok(UserView { token: self.token.view(), status })
    }
}
