//! `sys/locked-users`: who is locked, and letting them in again.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::{Data, NoContent, Path, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::Transaction;

use super::bucket::{BUCKETS, BUCKETS_MAX, Name};
use super::{corner, key, save};
use crate::mounts::Mount;
use crate::visit::Visit;

/// What operators do about locks.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("locked-users")
            .help(
                "List the users who are locked after too many failed logins.",
                "By mount, those with the most locked users first. Names that no user has are \
                 counted and locked like any other, but not listed.",
            )
            .read(list_locked),
        Path::new("locked-users/{mount_accessor}/unlock/{alias_identifier}")
            .help(
                "Unlock a user, and forget their failed logins.",
                "Also succeeds when there is nothing to unlock.",
            )
            .write(unlock),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Filter {
    /// Only of the mount with this accessor.
    #[serde(default)]
    mount_accessor: String,
}

#[derive(Deserialize, JsonSchema)]
struct Locked {
    /// The accessor of the auth method's mount.
    mount_accessor: String,
    /// The name as the auth method knows it: of userpass, in lower case.
    alias_identifier: String,
}

/// Who is locked.
#[derive(JsonSchema, Serialize)]
struct LockedUsers {
    by_namespace: Vec<LockedInNamespace>,
    total: usize,
}

#[derive(JsonSchema, Serialize)]
struct LockedInNamespace {
    namespace_id: &'static str,
    namespace_path: &'static str,
    counts: usize,
    mount_accessors: Vec<LockedAtMount>,
}

#[derive(JsonSchema, Serialize)]
struct LockedAtMount {
    mount_accessor: String,
    counts: usize,
    alias_identifiers: BTreeSet<String>,
}

async fn list_locked(visit: &Visit, filter: Filter) -> Result<Data<LockedUsers>> {
    let wanted = filter.mount_accessor;
    let mut mount_accessors = Vec::new();
    for mount in visit.mounts().await?.iter() {
        if wanted.is_empty() || mount.accessor == wanted {
            let names = locked_at(visit, mount).await?;
            mount_accessors.push(LockedAtMount::new(mount.accessor.clone(), names));
        }
    }
    match wanted.is_empty() {
        true => mount_accessors.retain(|mount| mount.counts > 0),
        // Who asks for one is answered about one, be it there or not.
        false if mount_accessors.is_empty() => {
            mount_accessors.push(LockedAtMount::new(wanted, BTreeSet::new()));
        }
        false => {}
    }
    mount_accessors.sort_by(|one, other| {
        let by_name = || one.mount_accessor.cmp(&other.mount_accessor);
        other.counts.cmp(&one.counts).then_with(by_name)
    });
    let total = mount_accessors.iter().map(|mount| mount.counts).sum();
    let namespace = LockedInNamespace {
        namespace_id: "root",
        namespace_path: "",
        counts: total,
        mount_accessors,
    };
    Ok(Data(LockedUsers { by_namespace: vec![namespace], total }))
}

/// The known names that are locked at `mount` now.
async fn locked_at(visit: &Visit, mount: &Mount) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let Some(rules) = visit.kernel.settings.lockout.rules_for(mount) else {
        return Ok(names);
    };
    // Not read by the request's own transaction: in it this list would have to be of one moment,
    // and so could not be had while somebody is guessing, which is when it is needed.
    let aside = Arc::new(Transaction::begin(visit.kernel.store.clone()));
    let corner = corner(&aside, &mount.storage);
    for number in BUCKETS.list(&corner, "", BUCKETS_MAX).await? {
        let bucket = BUCKETS.get(&corner, &number).await?.unwrap_or_default();
        names.extend(bucket.locked(&rules, visit.now).map(str::to_owned));
    }
    Ok(names)
}

async fn unlock(visit: &Visit, locked: Locked) -> Result<NoContent> {
    let mounts = visit.mounts().await?;
    let Some(mount) = mounts.iter().find(|mount| mount.accessor == locked.mount_accessor) else {
        return Ok(NoContent);
    };
    let name = Name::new(&key(&visit.kernel)?, &mount.storage, &locked.alias_identifier);
    let corner = corner(visit.transaction(), &mount.storage);
    if let Some(mut bucket) = BUCKETS.get(&corner, &name.bucket).await? {
        bucket.forget(&name);
        save(&corner, &name.bucket, &bucket);
    }
    Ok(NoContent)
}

impl LockedAtMount {
    fn new(mount_accessor: String, alias_identifiers: BTreeSet<String>) -> Self {
        Self { mount_accessor, counts: alias_identifiers.len(), alias_identifiers }
    }
}
