//! What is stored about entities and aliases.
//!
//! Four tables, always written together: the entity with its aliases inside, so that one read
//! tells a request everything, and three ways to find it: by its name, by an alias's id, and by
//! the mount and the name that somebody logs in with.
//!
//! How what is not there yet fits in, without touching what is stored: a new field is
//! `#[serde(default)]` (a merged entity's former ids, an alias's custom metadata, whether it is
//! local to a cluster). A group is a table of its own whose records name their members, with an
//! index by member beside it; adding an entity to a group marks the entity as [kept](Entity::kept).
//! Merging two entities moves the aliases, and leaves under the former id a record that names the
//! new one, for the tokens that remember the former. Moving an alias does the same for its tokens.
//!
//! Invariant: a token whose owner is no alias of its entity is refused. So whatever takes an alias
//! away ends its tokens, and no alias is ever made again with the id of one that was: that would
//! bring ended generations back.

use api::{KeyValues, Moment, NameList};
use serde::{Deserialize, Serialize};
use storage::Table;

/// Every entity, by its id.
pub(super) const ENTITIES: Table<Entity> = Table::new("entity/");
/// The whole prefix of their keys.
pub(crate) const PREFIX: &str = "sys/entity/";
/// The id of the entity with a name, by [`folded`] name.
pub(super) const ENTITY_NAMES: Table<String> = Table::new("entity-name/");
/// The id of the entity an alias belongs to, by [`alias_name`].
pub(super) const ALIASES: Table<String> = Table::new("alias/");
/// The id of the entity an alias belongs to, by the alias's id.
pub(super) const ALIAS_IDS: Table<String> = Table::new("alias-id/");

/// Somebody: a person or a program.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Entity {
    /// Names the entity for ever: a UUID.
    pub(super) id: String,
    /// A name for people, which can be changed. No two have the same, whatever the case.
    pub(super) name: String,
    /// Policies that every token of the entity has besides its own.
    pub(super) policies: NameList,
    /// What shall be known about it.
    pub(super) metadata: KeyValues,
    /// Whether its tokens are refused, and its logins.
    pub(super) disabled: bool,
    /// Whether somebody made or changed it, or something refers to it. One that a login made, and
    /// nobody has touched since, goes with its last alias: there is nothing in it to lose.
    #[serde(default)]
    pub(super) kept: bool,
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
    /// The storage name of the mount. Not its accessor, of which only 32 bits are random.
    pub(super) mount: String,
    /// The name.
    pub(super) name: String,
    /// What the auth method says about it.
    pub(super) metadata: KeyValues,
    /// When it was made.
    pub(super) created: Moment,
    /// When it was last changed.
    pub(super) updated: Moment,
    /// Goes up when all its tokens are ended at once: those of earlier generations are refused.
    /// It stays when the user behind it is removed, so whoever has the same name later does not
    /// bring old tokens back.
    pub(super) generation: u64,
}

impl Entity {
    /// The alias by which the mount with this storage name knows it as `name`.
    pub(super) fn alias_at(&self, mount: &str, name: &str) -> Option<&Alias> {
        self.aliases.iter().find(|alias| alias.is_at(mount, name))
    }
}

impl Alias {
    /// Whether it is what the mount with this storage name calls `name`.
    pub(super) fn is_at(&self, mount: &str, name: &str) -> bool {
        self.mount == mount && self.name == name
    }
}

/// The name of an alias in [`ALIASES`].
pub(super) fn alias_name(mount: &str, name: &str) -> String {
    format!("{mount}/{name}")
}

/// An entity's name as [`ENTITY_NAMES`] knows it.
pub(super) fn folded(name: &str) -> String {
    name.to_lowercase()
}
