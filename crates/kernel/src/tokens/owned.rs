//! The tokens that were given to one alias: telling which they are, and ending them all at once.

use std::sync::Arc;

use api::{Error, Page, Result};
use serde::{Deserialize, Serialize};
use storage::Table;

use super::authenticate::{Holder, by_key};
use super::kind::Kind;
use super::record::{ACCESSORS, OWNED, Owner, TOKENS, TokenKey};
use super::{end, format};
use crate::Kernel;
use crate::visit::Visit;
use crate::worker::pass_over_damage;

/// Aliases whose tokens were all ended; those of earlier generations are still to be removed.
const ENDED_OWNERS: Table<EndedOwner> = Table::new("ended-owner/");
/// Tokens told at once.
const TOLD_MAX: usize = 1000;
/// Tokens looked at in one piece while looking for good ones.
const PIECE_KEYS: usize = 256;
/// Pieces looked at for one answer. Few tokens are not good and still there, so this is plenty.
const PIECES_MAX: usize = 16;
/// Ended owners looked after in one round.
const BATCH_MAX: usize = 64;
/// Tokens ended in one commit.
const CLEARED_MAX: usize = 128;

/// An owner whose tokens were ended.
#[derive(Deserialize, Serialize)]
struct EndedOwner {
    /// The first generation that was not.
    generation: u64,
}

/// The tokens of `owner` that have not ended, oldest first, behind the one whose accessor is
/// [`Page::after`].
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn of_owner(visit: &Visit, owner: &Owner, page: &Page) -> Result<Vec<Holder>> {
    let folder = visit.system.key(&format!("owned/{}", owner.folder()));
    let mut after = format!("{folder}{}", place_of(visit, &page.after).await?);
    let limit = page.limit().min(TOLD_MAX);
    let mut found = Vec::new();
    for _ in 0..PIECES_MAX {
        let keys = visit.transaction().list(&folder, &after, PIECE_KEYS).await?;
        for key in keys.iter().filter_map(|key| key.strip_prefix(&folder)) {
            found.extend(by_key(visit, key.to_owned()).await?);
            if found.len() >= limit {
                return Ok(found);
            }
        }
        match keys.last() {
            Some(last) if keys.len() == PIECE_KEYS => after.clone_from(last),
            _ => break,
        }
    }
    Ok(found)
}

/// Where to go on behind the token with this accessor. When it has ended meanwhile, nobody knows
/// its place any more, but both names begin with the time it was made at.
async fn place_of(visit: &Visit, accessor: &str) -> Result<String> {
    match ACCESSORS.get(&visit.system, accessor).await? {
        Some(key) => Ok(key),
        None => Ok(format::time_of_accessor(accessor).to_owned()),
    }
}

/// Writes down that all tokens of the generations before `owner`'s have ended, but for `kept`,
/// which goes on as one of `owner`'s. A worker removes the others.
pub(crate) fn end_all_before(visit: &Visit, owner: &Owner, kept: Option<Holder>) {
    let ended = EndedOwner { generation: owner.generation };
    ENDED_OWNERS.put(&visit.system, &owner.alias, &ended);
    // A batch token cannot be changed, and a token at its last use is gone already: neither is
    // kept.
    let can_be_kept =
        |kept: &Holder| kept.token.kind == Kind::Service && kept.token.uses_left != Some(0);
    let Some(Holder { key, token, .. }) = kept.filter(can_be_kept) else { return };
    let mut token = Arc::unwrap_or_clone(token);
    if let Some(before) = token.owner.replace(owner.clone()) {
        OWNED.delete(&visit.system, &before.place_of(&key));
    }
    OWNED.put(&visit.system, &owner.place_of(&key), &());
    TOKENS.put(&visit.system, &key, &token);
}

/// Removes the tokens of owners whose tokens were all ended, a bounded piece at a time.
///
/// # Errors
/// When the store cannot answer; losing a race is none.
pub(crate) async fn clear_up_owners(kernel: &Arc<Kernel>) -> Result<usize> {
    let visit = Visit::of_worker(kernel);
    let ended = ENDED_OWNERS.list(&visit.system, "", BATCH_MAX).await?;
    let mut cleared = 0;
    for alias in &ended {
        cleared += match pass_over_damage(clear_up(&Visit::of_worker(kernel), alias).await) {
            Ok(done) => usize::from(done.is_some()),
            // Another node is at it.
            Err(error) if error.is_conflict() => 1,
            Err(error) => return Err(error),
        }
    }
    Ok(cleared)
}

/// No token of an earlier generation comes in any more: whoever makes one reads the alias.
async fn clear_up(visit: &Visit, alias: &str) -> Result<()> {
    let Some(ended) = ENDED_OWNERS.get(&visit.system, alias).await? else {
        return Ok(());
    };
    let first_kept =
        Owner { alias: alias.to_owned(), name: String::new(), generation: ended.generation };
    let names = OWNED.list(&visit.system, &format!("{alias}/"), CLEARED_MAX).await?;
    let bound = first_kept.folder();
    let older: Vec<_> = names.iter().take_while(|name| **name < bound).collect();
    for name in &older {
        let key: TokenKey = name.rsplit('/').next().unwrap_or_default().to_owned();
        let token = TOKENS.get(&visit.system, &key).await.map_err(Error::from);
        match pass_over_damage(token)?.flatten() {
            Some(token) => end(visit, &key, &token),
            None => OWNED.delete(&visit.system, name),
        }
    }
    if older.len() < CLEARED_MAX {
        ENDED_OWNERS.delete(&visit.system, alias);
    }
    visit.commit().await?;
    Ok(())
}
