//! What is stored about mounts.

use std::sync::Arc;

use api::{Class, KeyValues, Moment, Seconds};
use serde::{Deserialize, Serialize};

use crate::lockout::LockoutTerms;
use crate::tokens::KindRule;

/// Everything that is mounted.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct MountTable {
    mounts: Vec<Arc<Mount>>,
}

/// One mount.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Mount {
    /// Where requests find it, with a slash at its end: `auth/userpass/`.
    pub(crate) path: String,
    /// Who answers there.
    pub(crate) room: Room,
    /// The `type` clients know.
    pub(crate) engine: String,
    #[serde(with = "class_name")]
    pub(crate) class: Class,
    /// Where its records live: a name that never changes, even if the mount moves.
    pub(crate) storage: String,
    /// The name other records know it by.
    pub(crate) accessor: String,
    pub(crate) description: String,
    /// As the operator gave them; built-in mounts have none.
    pub(crate) options: Option<KeyValues>,
    pub(crate) local: bool,
    pub(crate) seal_wrap: bool,
    pub(crate) tuning: Tuning,
    /// When it became one of a later version of its engine, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upgraded: Option<Moment>,
}

/// Who answers at a mount.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Room {
    /// One of the engines.
    Engine,
    /// The kernel itself: `sys/`.
    System,
    /// The kernel itself: `auth/token/`.
    Token,
    /// The kernel itself: `identity/`.
    Identity,
}

/// What can be changed about a mount at any time. 0 means what the system says.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Tuning {
    pub(crate) ttl_default: Seconds,
    pub(crate) ttl_max: Seconds,
    pub(crate) force_no_cache: bool,
    /// Whether it is shown to everybody: `hidden`, `unauth`, or not set.
    pub(crate) listing_visibility: Option<String>,
    /// The kind of tokens an auth method gives out.
    #[serde(default)]
    pub(crate) token_type: KindRule,
    /// When its names are locked after failed logins; `None` until somebody says anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lockout: Option<LockoutTerms>,
}

impl MountTable {
    /// Every mount, ordered by path.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Mount>> {
        self.mounts.iter()
    }

    /// The mount at exactly `path`, which ends in a slash.
    pub(crate) fn by_path(&self, path: &str) -> Option<&Arc<Mount>> {
        self.mounts.iter().find(|mount| mount.path == path)
    }

    /// The mount whose records live under `storage`.
    pub(crate) fn by_storage(&self, storage: &str) -> Option<&Arc<Mount>> {
        self.mounts.iter().find(|mount| mount.storage == storage)
    }

    /// The mount that answers for `path`: at most one, since none overlap.
    pub(crate) fn of(&self, path: &str) -> Option<&Arc<Mount>> {
        let is_it = |mount: &&Arc<Mount>| {
            path.starts_with(&mount.path) || mount.path.strip_suffix('/') == Some(path)
        };
        self.mounts.iter().find(is_it)
    }

    /// A mount that lies at, above or below `path`.
    pub(super) fn overlapping(&self, path: &str) -> Option<&Arc<Mount>> {
        let overlaps =
            |mount: &&Arc<Mount>| path.starts_with(&mount.path) || mount.path.starts_with(path);
        self.mounts.iter().find(overlaps)
    }

    /// This table and `mount`.
    #[must_use]
    pub(super) fn with(&self, mount: Mount) -> Self {
        let mut mounts = self.mounts.clone();
        mounts.push(Arc::new(mount));
        mounts.sort_by(|one, other| one.path.cmp(&other.path));
        Self { mounts }
    }

    /// This table without what is at `path`.
    #[must_use]
    pub(super) fn without(&self, path: &str) -> Self {
        Self { mounts: self.mounts.iter().filter(|mount| mount.path != path).cloned().collect() }
    }
}

/// A class by its name in audit entries.
mod class_name {
    use api::Class;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(class: &Class, to: S) -> Result<S::Ok, S::Error> {
        let name = match class {
            Class::Auth => "auth",
            Class::Secret => "secret",
        };
        name.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Class, D::Error> {
        match String::deserialize(from)?.as_str() {
            "auth" => Ok(Class::Auth),
            _ => Ok(Class::Secret),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_record_of_the_first_version_leaves_the_kind_of_tokens_to_the_method() {
        let stored = r#"{"ttl_default":0,"ttl_max":0,"force_no_cache":false,
            "listing_visibility":null}"#;
        assert_eq!(serde_json::from_str::<Tuning>(stored).unwrap(), Tuning::default());
        assert_eq!(Tuning::default().token_type, KindRule::DefaultService);
    }
}
