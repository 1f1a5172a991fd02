//! A mount as clients are told of it.

use std::collections::BTreeMap;

use api::{Class, KeyValues};
use schemars::JsonSchema;
use serde::Serialize;

use super::record::{Mount, Tuning};
use crate::lockout::LockoutView;
use crate::visit::Visit;

/// What lists and single reads say of a mount.
#[derive(JsonSchema, Serialize)]
pub(super) struct MountView {
    r#type: String,
    description: String,
    accessor: String,
    local: bool,
    seal_wrap: bool,
    external_entropy_access: bool,
    options: Option<KeyValues>,
    uuid: String,
    plugin_version: String,
    running_plugin_version: String,
    running_sha256: String,
    config: ConfigView,
}

/// What strangers are told of a mount that is open to all.
#[derive(JsonSchema, Serialize)]
pub(super) struct Outline {
    r#type: String,
    description: String,
    options: Option<KeyValues>,
}

/// A mount, as far as whoever asks may know it.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
pub(super) enum Seen {
    Whole(Box<MountView>),
    Outline(Outline),
}

/// What was set; 0 means what the system says.
#[derive(JsonSchema, Serialize)]
struct ConfigView {
    default_lease_ttl: u64,
    max_lease_ttl: u64,
    force_no_cache: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    listing_visibility: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_lockout_config: Option<LockoutView>,
}

/// What holds for a mount, the system's values filled in.
#[derive(JsonSchema, Serialize)]
pub(super) struct TuneView {
    description: String,
    default_lease_ttl: u64,
    max_lease_ttl: u64,
    force_no_cache: bool,
    options: Option<KeyValues>,
    #[serde(skip_serializing_if = "Option::is_none")]
    listing_visibility: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(flatten)]
    lockout: Option<LockoutView>,
}

/// Mounts by the path their class lists them under.
pub(super) type MountViews = BTreeMap<String, MountView>;

impl Mount {
    pub(super) fn to_view(&self, version: &str) -> MountView {
        MountView {
            r#type: self.engine.clone(),
            description: self.description.clone(),
            accessor: self.accessor.clone(),
            local: self.local,
            seal_wrap: self.seal_wrap,
            external_entropy_access: false,
            options: self.options.clone(),
            uuid: self.storage.clone(),
            plugin_version: String::new(),
            running_plugin_version: format!("v{version}+builtin"),
            running_sha256: String::new(),
            config: ConfigView {
                default_lease_ttl: self.tuning.ttl_default.0,
                max_lease_ttl: self.tuning.ttl_max.0,
                force_no_cache: self.tuning.force_no_cache,
                listing_visibility: self.tuning.listing_visibility.clone(),
                token_type: self.token_type(),
                user_lockout_config: self.tuning.lockout.map(LockoutView::from),
            },
        }
    }

    pub(super) fn to_outline(&self) -> Outline {
        Outline {
            r#type: self.engine.clone(),
            description: self.description.clone(),
            options: self.options.clone(),
        }
    }

    pub(super) fn to_tune_view(&self, visit: &Visit) -> TuneView {
        let facts = visit.facts(self);
        let Tuning { force_no_cache, listing_visibility, .. } = self.tuning.clone();
        TuneView {
            description: self.description.clone(),
            default_lease_ttl: facts.ttl_default.0,
            max_lease_ttl: facts.ttl_max.0,
            force_no_cache,
            options: self.options.clone(),
            listing_visibility,
            token_type: self.token_type(),
            lockout: self.tuning.lockout.map(LockoutView::from),
        }
    }

    fn token_type(&self) -> Option<&'static str> {
        (self.class == Class::Auth).then(|| self.tuning.token_type.name())
    }
}
