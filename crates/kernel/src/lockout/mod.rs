//! Lockout: too many failed logins, and for some time none succeeds.
//!
//! Failures are counted in the store, in the commit of the login that failed, so every node counts
//! the same and a restart forgets nothing. A failure is told only when it is counted: of a hundred
//! guesses at once no more are answered than the threshold allows, the rest find the name locked.
//! A name nobody has is counted and locked exactly like any other, and a locked name is refused
//! after its password was looked at, so that neither words nor time tell which names there are.
//!
//! Reading order: [`admit`] and [`count`], `bucket` (the table), `rules` (when a name is locked),
//! `tuning` and `paths` (what operators say and do about it).

mod bucket;
mod paths;
mod rules;
mod tuning;

use std::sync::Arc;

use api::{Error, LoginFailure, Moment, Result};
use aws_lc_rs::hmac;
use storage::{Transaction, View};

use crate::Kernel;
use crate::metrics::LoginEvent;
use crate::mounts::Mount;
use crate::visit::{SYSTEM, Visit};
use bucket::{BUCKETS, Bucket, Kind, Name};

pub(crate) use paths::paths;
pub use rules::{LOCKABLE_METHODS, LockoutSettings, LockoutTerms};
pub(crate) use tuning::{LockoutTuning, LockoutView};

/// Names the key by which names become places in the table, among those the barrier derives.
const KEY: &str = "lockout";

/// A name that a failed login has just locked.
#[derive(Debug)]
pub(crate) struct Onset {
    /// Only of somebody who is known: what strangers type may be a password.
    name: Option<String>,
    until: Moment,
}

/// Refuses a login, though it is proven, while the name is locked; otherwise forgets its failures.
///
/// # Errors
/// [`Error::LockedOut`].
pub(crate) async fn admit(visit: &Visit, mount: &Mount, alias: &str) -> Result<()> {
    let Some(rules) = visit.kernel.settings.lockout.rules_for(mount) else {
        return Ok(());
    };
    let name = Name::new(&key(&visit.kernel)?, &mount.storage, alias);
    let corner = corner(visit.transaction(), &mount.storage);
    let Some(mut bucket) = BUCKETS.get(&corner, &name.bucket).await? else {
        return Ok(());
    };
    let Some(failures) = bucket.failures(&name) else {
        return Ok(());
    };
    if failures.lock(&rules, visit.now) {
        return Err(Error::LockedOut);
    }
    bucket.forget(&name);
    bucket.drop_lapsed(&rules, visit.now);
    save(&corner, &name.bucket, &bucket);
    Ok(())
}

/// Counts a login that failed, and says what is to be answered.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn count(
    visit: &Visit,
    mount: &Mount,
    failure: Box<LoginFailure>,
) -> Result<Error> {
    let Some(rules) = visit.kernel.settings.lockout.rules_for(mount) else {
        return Ok(Error::LoginFailed(failure));
    };
    let name = Name::new(&key(&visit.kernel)?, &mount.storage, &failure.alias);
    let corner = corner(visit.transaction(), &mount.storage);
    let mut bucket = BUCKETS.get(&corner, &name.bucket).await?.unwrap_or_default();
    if bucket.failures(&name).is_some_and(|failures| failures.lock(&rules, visit.now)) {
        return Ok(Error::LockedOut);
    }
    let kind = if failure.known { Kind::Known } else { Kind::Stranger };
    let failures = bucket.count((&name, kind), &rules, visit.now);
    // Whatever else the login wanted to write it has not earned.
    visit.transaction().discard_writes();
    save(&corner, &name.bucket, &bucket);
    visit.transaction().keep();
    if failures.lock(&rules, visit.now) {
        let onset = Onset {
            name: failure.known.then(|| failure.alias.clone()),
            until: failures.locked_until(&rules),
        };
        // At most one login fails in one attempt.
        let _ = visit.onset.set(onset);
    }
    Ok(Error::LoginFailed(failure))
}

/// Tells whoever watches that a name is locked, now that its last failure is committed.
pub(crate) fn announce(visit: &Visit, mount: &Mount) {
    let Some(Onset { name, until }) = visit.onset.get() else { return };
    visit.kernel.metrics.note_login(mount, LoginEvent::Onset);
    let name = name.as_deref().unwrap_or("(nobody of that name)");
    let remote = visit.remote.map(|remote| remote.ip().to_string()).unwrap_or_default();
    let mount = &mount.path;
    tracing::warn!(mount, name, remote, %until, "a name is locked after too many failed logins");
}

/// Removes some of the failures counted at a mount that is gone; says how many keys that were, at
/// most `limit`.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn clear(visit: &Visit, storage: &str, limit: usize) -> Result<usize> {
    let prefix = corner(visit.transaction(), storage).key("");
    let keys = visit.transaction().list(&prefix, "", limit).await?;
    for key in &keys {
        visit.transaction().delete(key);
    }
    Ok(keys.len())
}

/// Keeps a bucket, if there is anything in it.
fn save(corner: &View, number: &str, bucket: &Bucket) {
    match bucket.is_empty() {
        true => BUCKETS.delete(corner, number),
        false => BUCKETS.put(corner, number, bucket),
    }
}

/// Where the failures at the mount with the records under `storage` are counted.
fn corner(transaction: &Arc<Transaction>, storage: &str) -> View {
    View::new(transaction, format!("{SYSTEM}lockout/{storage}/"))
}

fn key(kernel: &Arc<Kernel>) -> Result<hmac::Key> {
    let key = kernel.barrier.subkey(KEY)?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()))
}
