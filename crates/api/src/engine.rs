//! What can be mounted: an auth method or a secrets engine.

use crate::{BoxFuture, Context, KeyValues, Login, Path, Result};

/// An auth method or a secrets engine: one folder, and one line in a list.
pub struct Engine {
    /// The `type` clients enable it by.
    pub name: &'static str,
    /// The `options.version` this is for, where one name has several engines behind it.
    pub version: Option<&'static str>,
    /// Whether it says who somebody is, or keeps something for them.
    pub class: Class,
    /// Whose records a request sees.
    pub corner: Corner,
    /// What it is for: the text of `path-help` on the mount itself.
    pub help: &'static str,
    /// Its endpoints.
    pub paths: fn() -> Vec<Path>,
    /// How a token it gave out is renewed, if it gives out any.
    pub renew: Option<Renew>,
}

/// What kind of engine it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// Says who somebody is: mounted below `auth/`.
    Auth,
    /// Keeps or makes something: mounted anywhere else.
    Secret,
}

/// Whose records a request sees.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Corner {
    /// Every request to the mount sees the same.
    Mount,
    /// Every token has a corner of its own, which ends with it. Mounted by the house, once.
    Token,
}

/// Asks an auth method what a token it gave out would get today.
///
/// `None` means that whom the token was given to is no longer there.
pub type Renew = for<'a> fn(&'a Context, &'a Renewal) -> BoxFuture<'a, Result<Option<Login>>>;

/// The token that is to be renewed.
pub struct Renewal {
    /// The metadata its login gave: how the auth method recognises whom it belongs to.
    pub metadata: KeyValues,
    /// Its policies, without `default`.
    pub policies: Vec<String>,
}

impl Engine {
    /// Whether this is meant by `name` with these `options`.
    pub fn answers_to(&self, name: &str, options: &KeyValues) -> bool {
        let version = options.get("version").map(String::as_str).filter(|text| !text.is_empty());
        self.name == name && self.version.is_none_or(|own| own == version.unwrap_or("1"))
    }
}
