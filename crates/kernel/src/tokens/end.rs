//! Ending tokens, at once, and clearing up behind them, in time.

use std::sync::Arc;

use api::{Error, Result, Seconds};

use super::record::{ACCESSORS, CHILDREN, ENDED, OWNED, TOKENS, Token, TokenKey};
use crate::metrics::TokenEvent;
use crate::visit::{CUBBYHOLES, Visit};
use crate::worker::pass_over_damage;
use crate::{Kernel, leases};

/// Ended tokens looked after in one round.
const BATCH_MAX: usize = 256;
/// Children and cubbyhole entries cleared up in one commit. Others wait for it, so it should not
/// take long; and a tree of many small families should not take a commit for each.
const CLEARED_MAX: usize = 256;

/// Ends a token and with it, from this commit on, everything below it.
///
/// Its cubbyhole is emptied by the very commit, see [`empty_cubbyholes`]. What else it leaves
/// behind is beyond reach at once, since every use of a child looks at its parents; a worker
/// removes it. Whether there is any cannot be told here: some may come in until the very commit.
/// After it none does, since making a child or a secret reads the record that is removed now; so
/// the worker, which comes later, sees all there is.
pub(crate) fn end(visit: &Visit, key: &TokenKey, token: &Token) {
    let system = &visit.system;
    visit.tally.note(TokenEvent::Ended);
    TOKENS.delete(system, key);
    ACCESSORS.delete(system, &token.accessor);
    leases::delete(system, key, token);
    if let Some(due) = token.due(key) {
        leases::delete_due(system, &due);
    }
    if let Some(parent) = &token.parent {
        CHILDREN.delete(system, &format!("{parent}/{key}"));
    }
    if let Some(owner) = &token.owner {
        OWNED.delete(system, &owner.place_of(key));
    }
    ENDED.put(system, key, &());
}

/// Empties the cubbyholes of the tokens that end with what is `written`, as far as one commit
/// should go; the worker does the rest, and what came in beside the commit.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn empty_cubbyholes(visit: &Visit, written: &[String]) -> Result<()> {
    let ended_prefix = visit.system.key("ended/");
    let mut room = CLEARED_MAX;
    for mark in written {
        let Some(key) = mark.strip_prefix(&ended_prefix) else { continue };
        if visit.transaction().written(mark) == Some(None) {
            // The worker is done with it.
            continue;
        }
        room = room.saturating_sub(empty_cubbyhole(visit, key, room).await?);
        if room == 0 {
            break;
        }
    }
    Ok(())
}

/// Says how much there was, at most `limit`.
async fn empty_cubbyhole(visit: &Visit, key: &str, limit: usize) -> Result<usize> {
    let cubbyhole = [CUBBYHOLES, key, "/"].concat();
    let held = visit.transaction().list(&cubbyhole, "", limit).await?;
    held.iter().for_each(|entry| visit.transaction().delete(entry));
    Ok(held.len())
}

/// Removes what ended tokens left behind, a bounded piece at a time.
///
/// # Errors
/// When the store cannot answer; losing a race is none.
pub(crate) async fn clear_up_ended(kernel: &Arc<Kernel>) -> Result<usize> {
    let visit = Visit::of_worker(kernel);
    let ended = ENDED.list(&visit.system, "", BATCH_MAX).await?;
    match clear_up(&Visit::of_worker(kernel), &ended).await {
        // One of them is damaged and must not hold up the others.
        Err(Error::Internal(_)) => {}
        // Another node is at it.
        Err(error) if error.is_conflict() => return Ok(1),
        outcome => return outcome.map(|()| ended.len()),
    }
    let mut cleared = 0;
    for key in ended {
        let visit = Visit::of_worker(kernel);
        cleared += match pass_over_damage(clear_up(&visit, &[key]).await) {
            Ok(done) => usize::from(done.is_some()),
            Err(error) if error.is_conflict() => 1,
            Err(error) => return Err(error),
        }
    }
    Ok(cleared)
}

/// Clears up behind as many of the ended tokens as fit into one commit.
async fn clear_up(visit: &Visit, ended: &[TokenKey]) -> Result<()> {
    let mut room = CLEARED_MAX;
    for key in ended {
        room = room.saturating_sub(clear_up_one(visit, key, room).await?);
        if room == 0 {
            break;
        }
    }
    visit.commit().await?;
    Ok(())
}

/// Says how much there was, at most `limit` of children and of cubbyhole entries.
async fn clear_up_one(visit: &Visit, key: &TokenKey, limit: usize) -> Result<usize> {
    if ENDED.get(&visit.system, key).await?.is_none() {
        return Ok(0);
    }
    let transaction = visit.transaction().clone();
    let children_prefix = visit.system.key(&format!("child/{key}/"));
    let children = transaction.list(&children_prefix, "", limit).await?;
    for child in &children {
        let Some(name) = child.strip_prefix(&children_prefix).map(str::to_owned) else { continue };
        transaction.delete(child);
        if let Some(token) = TOKENS.get(&visit.system, &name).await? {
            end(visit, &name, &token);
        }
    }
    let held = empty_cubbyhole(visit, key, limit).await?;
    if children.len() < limit && held < limit {
        ENDED.delete(&visit.system, key);
    }
    Ok(children.len() + held)
}

/// Ends the token of a lease that is due, unless somebody gave it more time meanwhile.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn end_if_due(visit: &Visit, key: &TokenKey) -> Result<Ended> {
    match TOKENS.get(&visit.system, key).await? {
        Some(token) if token.is_alive(visit.now) => Ok(Ended::NotYet),
        Some(token) => {
            end(visit, key, &token);
            Ok(Ended::After(visit.now.since(token.issued)))
        }
        None => Ok(Ended::Before),
    }
}

/// What became of a token whose lease was due.
pub(crate) enum Ended {
    /// It had been given more time.
    NotYet,
    /// It was gone already.
    Before,
    /// It ended now, after this long.
    After(Seconds),
}
