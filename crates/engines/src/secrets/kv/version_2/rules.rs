//! How secrets are kept: rules that a mount has for all of them, and each may have for itself.

use api::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::null;

/// Versions kept of a secret where nobody says otherwise.
const VERSIONS_KEPT: u64 = 10;
/// Versions kept of a secret at most: removing one for good has to fit into one commit.
const VERSIONS_KEPT_MAX: u64 = 100_000;

/// The rules as they are stored.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Rules {
    /// 0 means not set.
    pub(super) max_versions: u64,
    pub(super) cas_required: bool,
    pub(super) metadata_cas_required: bool,
}

/// The rules as requests give them. `null` means zero or no; those left out stay as they are.
#[derive(Deserialize, JsonSchema)]
pub(super) struct RuleFields {
    /// How many versions to keep, at most 100000; 0 means not set. Of what the mount and the
    /// secret say the larger counts, and 10 if neither says anything.
    #[serde(default, deserialize_with = "null::counts")]
    max_versions: Option<Option<i64>>,
    /// Whether each write must say which version it expects to replace.
    #[serde(default, deserialize_with = "null::counts")]
    pub(super) cas_required: Option<Option<bool>>,
    /// Whether each write of metadata must say which version of it it expects to replace.
    #[serde(default, deserialize_with = "null::counts")]
    pub(super) metadata_cas_required: Option<Option<bool>>,
}

impl Rules {
    /// Takes over what a request says.
    pub(super) fn change(&mut self, given: &RuleFields) -> Result<()> {
        if let Some(max) = given.max_versions {
            self.max_versions = versions_kept(max.unwrap_or_default())?;
        }
        if let Some(required) = given.cas_required {
            self.cas_required = required.unwrap_or_default();
        }
        if let Some(required) = given.metadata_cas_required {
            self.metadata_cas_required = required.unwrap_or_default();
        }
        Ok(())
    }

    /// How many versions to keep by these rules and those of the mount.
    pub(super) fn versions_kept(&self, mount: &Self) -> u64 {
        match self.max_versions.max(mount.max_versions) {
            0 => VERSIONS_KEPT,
            max => max,
        }
    }
}

impl RuleFields {
    /// Whether nothing is given.
    pub(super) fn are_absent(&self) -> bool {
        self.max_versions.is_none()
            && self.cas_required.is_none()
            && self.metadata_cas_required.is_none()
    }
}

fn versions_kept(given: i64) -> Result<u64> {
    let max = u64::try_from(given).ok().filter(|max| *max <= VERSIONS_KEPT_MAX);
    let text = format!("'max_versions' must be between 0 and {VERSIONS_KEPT_MAX}");
    max.ok_or(Error::Invalid(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: u64, mount: u64, expected: u64) {
        let rules = |max_versions| Rules { max_versions, ..Rules::default() };
        assert_eq!(rules(key).versions_kept(&rules(mount)), expected);
    }

    #[test]
    fn the_larger_number_of_versions_counts() {
        check(0, 0, 10);
        check(3, 5, 5);
        check(5, 3, 5);
        check(0, 1, 1);
        check(2, 0, 2);
    }
}
