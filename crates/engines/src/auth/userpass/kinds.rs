//! Which kinds of password hashes occur among the users of a mount.
//!
//! Every login does one verification of each of them, so that the time does not tell whose hash is
//! of which kind, or that there is no such user. Every user has an entry under their kind, which is
//! written in the same commit as their hash; finding the kinds takes time by their number and not
//! by that of the users.

use std::collections::BTreeSet;

use api::{Context, Error, Result};
use storage::Table;

use super::configuration::Configuration;
use super::hash::{KINDS_MAX, Kind};

/// `<kind>/<username>`.
const KINDS: Table<()> = Table::new("kind/");

/// The kinds that a mount has, and must not have many more of.
pub(super) struct Kinds(BTreeSet<Kind>);

/// The kinds that occur.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn present(context: &Context) -> Result<Vec<Kind>> {
    let folders = KINDS.entries(&context.store, "", "", KINDS_MAX).await?;
    // A kind that is no longer known is that of nobody who could log in.
    Ok(folders.iter().filter_map(|folder| folder.trim_end_matches('/').parse().ok()).collect())
}

pub(super) fn add(context: &Context, kind: Kind, name: &str) {
    KINDS.put(&context.store, &format!("{kind}/{name}"), &());
}

pub(super) fn remove(context: &Context, kind: Kind, name: &str) {
    KINDS.delete(&context.store, &format!("{kind}/{name}"));
}

impl Kinds {
    /// Those that occur, and that of new passwords.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(super) async fn of(context: &Context, configuration: &Configuration) -> Result<Self> {
        let mut kinds = Self(present(context).await?.into_iter().collect());
        kinds.0.insert(configuration.hashing.kind());
        Ok(kinds)
    }

    /// Refuses one kind too many. Two requests that add different ones at the same moment may end
    /// up with one more than that; each login then leaves it out.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub(super) fn admit(&mut self, kind: Kind) -> Result<()> {
        self.0.insert(kind);
        if self.0.len() <= KINDS_MAX {
            return Ok(());
        }
        Err(Error::Invalid(format!(
            "the users of this mount would have more than {KINDS_MAX} kinds of password hashes, \
             and every login does the work of each; wait until those with old ones have logged \
             in, or give them new passwords"
        )))
    }
}
