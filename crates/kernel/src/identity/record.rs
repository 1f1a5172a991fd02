//! What is stored about entities and aliases.

use api::{KeyValues, Moment, NameList};
use serde::{Deserialize, Serialize};
use storage::Table;

/// Every entity, by its id.
pub(super) const ENTITIES: Table<Entity> = Table::new("entity/");
/// Which entity an alias belongs to, by [`alias_name`].
pub(super) const ALIASES: Table<String> = Table::new("alias/");

/// Somebody: a person or a program.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Entity {
    /// Names the entity for ever: a UUID.
    pub(super) id: String,
    /// A name for people, which can be changed.
    pub(super) name: String,
    /// Policies that every token of the entity has besides its own.
    pub(super) policies: NameList,
    /// What shall be known about it.
    pub(super) metadata: KeyValues,
    /// Whether its tokens are refused, and its logins.
    pub(super) disabled: bool,
    /// When it was made.
    pub(super) created: Moment,
    /// When it was last changed.
    pub(super) updated: Moment,
    /// The names it is known by, at most one for each mount.
    pub(super) aliases: Vec<Alias>,
}

/// The name one mount knows an entity by.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Alias {
    /// Names the alias for ever: a UUID.
    pub(super) id: String,
    /// The accessor of the mount.
    pub(super) mount_accessor: String,
    /// The name.
    pub(super) name: String,
    /// What the auth method says about it.
    pub(super) metadata: KeyValues,
    /// When it was made.
    pub(super) created: Moment,
    /// When it was last changed.
    pub(super) updated: Moment,
    /// Goes up when all its tokens are ended at once: those of earlier generations are refused.
    pub(super) generation: u64,
}

/// The name of an alias in [`ALIASES`].
pub(super) fn alias_name(mount_accessor: &str, name: &str) -> String {
    format!("{mount_accessor}/{name}")
}
