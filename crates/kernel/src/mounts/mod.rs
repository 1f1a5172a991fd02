//! What is mounted where: enabling, disabling, tuning, and finding the way of a request.
//!
//! The whole table is one record, so that no two mounts can ever overlap, and one copy of it in
//! memory serves every request.

mod options;
mod paths;
mod protected;
mod record;
mod route;
mod view;

use std::sync::Arc;

use api::{Class, Entropy, Error, KeyValues, Moment, Result, hexadecimal, unique};
use serde::{Deserialize, Serialize};
use storage::{Table, View};

use crate::visit::{MOUNTS, SYSTEM, Visit};
use crate::worker::pass_over_damage;
use crate::{Kernel, identity, lockout};

pub(crate) use paths::paths;
pub(crate) use protected::founding_table;
pub(crate) use record::{Mount, MountTable, Room, Tuning};
pub(crate) use route::{Found, Route, find_route, route};

/// Where the table is stored, below the kernel's own corner.
const TABLE: Table<MountTable> = Table::new("");
const TABLE_NAME: &str = "mounts";
/// Where the table is stored.
pub(crate) const TABLE_KEY: &str = "sys/mounts";
/// Storage names of disabled mounts, whose records are still to be removed.
const GONE: Table<Gone> = Table::new("gone/");
/// Records of disabled mounts removed in one commit.
const CLEARED_MAX: usize = 256;
/// Disabled mounts looked after in one round.
const BATCH_MAX: usize = 4;
/// Mounts there can be: every request looks for its own among them.
const MOUNTS_MAX: usize = 10_000;
/// Bytes of one mount in the table, which is one record.
const MOUNT_BYTES_MAX: usize = 16 * 1024;
/// Random bytes at the end of an accessor, two hexadecimal digits each.
const ACCESSOR_RANDOM_BYTES: usize = 4;
/// Longest path of a mount.
const PATH_LENGTH_MAX: usize = 512;

/// A mount that was disabled.
#[derive(Deserialize, Serialize)]
struct Gone {
    since: Moment,
}

/// What shall be mounted.
pub(crate) struct Wanted {
    pub(crate) class: Class,
    /// Where, with a slash at its end, `auth/` included.
    pub(crate) path: String,
    pub(crate) engine: String,
    pub(crate) description: String,
    pub(crate) options: Option<KeyValues>,
    pub(crate) local: bool,
    pub(crate) seal_wrap: bool,
    pub(crate) tuning: Tuning,
}

/// Mounts an engine.
///
/// # Errors
/// [`Error::Invalid`] when the path is taken or reserved, or there is no such engine.
pub(crate) async fn enable(visit: &Visit, wanted: Wanted) -> Result<()> {
    check_path(&wanted.path)?;
    protected::check(wanted.class, &wanted.path, "mount")?;
    let table = visit.mounts().await?;
    if let Some(taken) = table.overlapping(&wanted.path) {
        let shown = shown_path(wanted.class, &taken.path);
        return Err(Error::invalid(match taken.path == wanted.path {
            true => format!("path is already in use at {shown}"),
            false => format!("existing mount at {shown}"),
        }));
    }
    check_tuning(visit, &wanted.tuning)?;
    let options = wanted.options.clone().unwrap_or_default();
    let engine = visit.kernel.engine_by_name(wanted.class, &wanted.engine, &options)?;
    let entropy = &*visit.kernel.entropy;
    let mount = Mount {
        path: wanted.path,
        room: Room::Engine,
        engine: engine.name.to_owned(),
        class: wanted.class,
        storage: unique(entropy),
        accessor: accessor(entropy, wanted.class, engine.name),
        description: wanted.description,
        options: Some(options),
        local: wanted.local,
        seal_wrap: wanted.seal_wrap,
        tuning: wanted.tuning,
        upgraded: None,
    };
    if table.iter().count() >= MOUNTS_MAX {
        return Err(Error::invalid("there are 10000 mounts already; disable one first"));
    }
    check_size(&mount)?;
    save(visit, table.with(mount));
    Ok(())
}

/// Unmounts what is at `path`: its records and the tokens it gave out are beyond reach from this
/// commit on; a worker removes them. Does nothing when nothing is mounted there.
///
/// # Errors
/// [`Error::Invalid`] when it is part of the house.
pub(crate) async fn disable(visit: &Visit, class: Class, path: &str) -> Result<()> {
    if path == "auth/token/" {
        return Err(Error::invalid("token credential backend cannot be disabled"));
    }
    protected::check(class, path, "unmount")?;
    let table = visit.mounts().await?;
    let Some(mount) = table.by_path(path) else {
        return Ok(());
    };
    GONE.put(&visit.system, &mount.storage, &Gone { since: visit.now });
    save(visit, table.without(path));
    Ok(())
}

/// Writes down what a new server has mounted.
pub(crate) fn found(system: &View, entropy: &dyn Entropy) {
    TABLE.put(system, TABLE_NAME, &founding_table(entropy));
}

/// Changes what can be changed about a mount.
///
/// # Errors
/// [`Error::Invalid`] when it is not there or the change makes no sense.
pub(crate) async fn tune(
    visit: &Visit,
    path: &str,
    change: impl FnOnce(&mut Mount) -> Result<()>,
) -> Result<()> {
    let table = visit.mounts().await?;
    let Some(mount) = table.by_path(path) else {
        return Err(Error::invalid(format!(
            "tune of path \"{path}\" failed: no mount entry found"
        )));
    };
    let mut mount = Mount::clone(mount);
    change(&mut mount)?;
    check_tuning(visit, &mount.tuning)?;
    check_size(&mount)?;
    save(visit, table.without(path).with(mount));
    Ok(())
}

/// Removes what disabled mounts left behind, a bounded piece at a time.
///
/// # Errors
/// When the store cannot answer; losing a race is none.
pub(crate) async fn clear_up_disabled(kernel: &Arc<Kernel>) -> Result<usize> {
    let visit = Visit::of_worker(kernel);
    let gone = GONE.list(&visit.system, "", BATCH_MAX).await?;
    let mut cleared = 0;
    for storage in &gone {
        cleared += match pass_over_damage(clear_up(&Visit::of_worker(kernel), storage).await) {
            Ok(done) => usize::from(done.is_some()),
            // Another node is at it.
            Err(error) if error.is_conflict() => 1,
            Err(error) => return Err(error),
        }
    }
    Ok(cleared)
}

async fn clear_up(visit: &Visit, storage: &str) -> Result<()> {
    let Some(gone) = GONE.get(&visit.system, storage).await? else {
        return Ok(());
    };
    let corner = View::new(visit.transaction(), format!("{MOUNTS}{storage}/"));
    let keys = visit.transaction().list(&corner.key(""), "", CLEARED_MAX).await?;
    for key in &keys {
        visit.transaction().delete(key);
    }
    let counted = lockout::clear(visit, storage, CLEARED_MAX).await?;
    let aliases = identity::forget_aliases(visit, storage).await?;
    if keys.len() < CLEARED_MAX && counted < CLEARED_MAX && aliases == 0 {
        GONE.delete(&visit.system, storage);
        tracing::info!(since = %gone.since, "everything of a disabled mount is removed");
    }
    visit.commit().await?;
    Ok(())
}

fn save(visit: &Visit, table: MountTable) {
    debug_assert_eq!(format!("{SYSTEM}{TABLE_NAME}"), TABLE_KEY);
    TABLE.put(&visit.system, TABLE_NAME, &table);
}

fn check_size(mount: &Mount) -> Result<()> {
    let bytes = serde_json::to_vec(mount).map_err(Error::internal)?;
    match bytes.len() > MOUNT_BYTES_MAX {
        true => Err(Error::invalid("description and options of a mount are longer than 16 KiB")),
        false => Ok(()),
    }
}

fn check_path(path: &str) -> Result<()> {
    let inner = path.strip_prefix("auth/").unwrap_or(path);
    let is_clear = |segment: &str| !segment.is_empty() && segment.trim() == segment;
    let text = inner.strip_suffix('/').unwrap_or(inner);
    if !text.split('/').all(is_clear) {
        return Err(Error::invalid("a mount path has no empty segments and no spaces around them"));
    }
    if text.contains(['*', '+', '{', '}']) {
        return Err(Error::invalid("a mount path cannot contain * + { or }"));
    }
    if path.len() > PATH_LENGTH_MAX {
        return Err(Error::invalid(format!(
            "a mount path has at most {PATH_LENGTH_MAX} characters"
        )));
    }
    Ok(())
}

fn check_tuning(visit: &Visit, tuning: &Tuning) -> Result<()> {
    let system_max = visit.kernel.settings.ttl_max;
    let (default, max) = (tuning.ttl_default, tuning.ttl_max);
    if !max.is_zero() && default > max {
        return Err(Error::invalid(format!(
            "backend max lease TTL of {} would be less than backend default lease TTL of {}",
            max.0, default.0
        )));
    }
    if max.is_zero() && default > system_max {
        return Err(Error::invalid(format!(
            "given default lease TTL greater than system max lease TTL of {}",
            system_max.0
        )));
    }
    Ok(())
}

/// A new accessor.
fn accessor(entropy: &dyn Entropy, class: Class, engine: &str) -> String {
    let random = hexadecimal::<ACCESSOR_RANDOM_BYTES>(entropy);
    match class {
        Class::Auth => format!("auth_{engine}_{random}"),
        Class::Secret => format!("{engine}_{random}"),
    }
}

/// Whether `text` could be the accessor of a mount that is, was, or will be there.
pub(crate) fn is_spelled_as_accessor(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.rsplit_once('_').is_some_and(|(_, random)| {
        random.len() == 2 * ACCESSOR_RANDOM_BYTES && random.bytes().all(is_digit)
    })
}

/// A path as lists of its class show it: auth methods without `auth/`.
pub(crate) fn shown_path(class: Class, path: &str) -> &str {
    match class {
        Class::Auth => path.strip_prefix("auth/").unwrap_or(path),
        Class::Secret => path,
    }
}

#[cfg(test)]
mod tests {
    use api::testing::Seeded;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: bool) {
        assert_eq!(is_spelled_as_accessor(text), expected, "{text:?}");
    }

    #[test]
    fn accessors_are_told_from_paths() {
        let entropy = Seeded::new(1);
        check(&accessor(&entropy, Class::Auth, "userpass"), true);
        check(&accessor(&entropy, Class::Secret, "kv"), true);
        for path in ["userpass", "team_a", "auth_userpass_0a1b2c3", "team_0A1B2C3D", "0a1b2c3d"] {
            check(path, false);
        }
    }
}
