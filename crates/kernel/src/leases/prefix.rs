//! Ending everything below a prefix, at once.
//!
//! That is one write, whatever the number. It counts the *era* up, and notes the prefix with the
//! new era. Every token remembers the era it was made in; one whose lease lies below a noted prefix
//! and that is of an older era is refused. Every use of a token and every making of one reads the
//! same small record, and a commit is refused when it has changed. So a token that somebody had
//! before the prefix was ended is refused from then on, by every node, and one that is made later is
//! of the new era and good. No clock is involved.
//!
//! A worker ends the tokens one after the other and then forgets the prefix. Where there are few,
//! the request itself ends them as well, so that nobody finds them listed afterwards.

use std::sync::Arc;

use api::{Error, Result};
use serde::{Deserialize, Serialize};
use storage::Table;

use super::index;
use crate::Kernel;
use crate::tokens::{self, Token};
use crate::visit::Visit;
use crate::worker::pass_over_damage;

/// The key of the record that every use of a token reads.
pub(crate) const ENDED_PREFIXES_KEY: &str = "sys/ended-prefixes";
const ENDED_PREFIXES: Table<EndedPrefixes> = Table::new("");
const ENDED_PREFIXES_NAME: &str = "ended-prefixes";
/// The last lease that was looked at behind an ended prefix, by its era.
const PROGRESS: Table<String> = Table::new("ended-prefix-progress/");

/// Prefixes whose tokens are not all cleared up: each is looked at whenever a token is used.
const PENDING_MAX: usize = 64;
/// Tokens ended in one commit. Others wait for it, so it should not take long.
const PIECE_MAX: usize = 256;
/// Tokens that the request itself ends, when there are no more.
const FEW_MAX: usize = 256;
/// When to come back if too many prefixes wait for the worker.
const RETRY_AFTER_SECONDS: u64 = 5;

/// What was ended by prefix and is still there.
#[derive(Default, Deserialize, Serialize)]
pub(crate) struct EndedPrefixes {
    /// How many times something was ended by prefix.
    era: u64,
    pending: Vec<EndedPrefix>,
}

/// Tokens of an older era below this prefix have ended.
#[derive(Deserialize, Serialize)]
struct EndedPrefix {
    /// Ends in a slash.
    folder: String,
    era: u64,
}

/// How many times something was ended by prefix: a token that is made now remembers it.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn era(visit: &Visit) -> Result<u64> {
    Ok(visit.kernel.ended_prefixes.get(visit.transaction()).await?.era)
}

/// Whether a token was ended together with all others below a prefix of its lease.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn is_ended(visit: &Visit, token: &Token) -> Result<bool> {
    Ok(visit.kernel.ended_prefixes.get(visit.transaction()).await?.cover(token))
}

/// Ends every token whose lease lies below `prefix`.
///
/// # Errors
/// [`Error::Busy`] when too many prefixes wait to be cleared up.
pub(super) async fn end_below(visit: &Visit, prefix: &str) -> Result<()> {
    let folder = format!("{prefix}/");
    // Whoever had a token by now is listed by now.
    if index::below(visit, &folder, "", 1).await?.is_empty() {
        return Ok(());
    }
    let mut ended = read(visit).await?;
    for replaced in ended.note(&folder)? {
        PROGRESS.delete(&visit.system, &name_of(replaced.era));
    }
    ENDED_PREFIXES.put(&visit.system, ENDED_PREFIXES_NAME, &ended);
    end_few(visit, &folder, ended.era).await
}

/// Ends the tokens in `folder` right away, if they are few. Only the first attempt at a request
/// tries: nobody who keeps renewing one of them shall keep the prefix from being ended.
async fn end_few(visit: &Visit, folder: &str, era: u64) -> Result<()> {
    let mut is_first = false;
    let notes = async {
        is_first = true;
        Ok(())
    };
    visit.memory.once("tried to end few", notes).await?;
    if !is_first {
        return Ok(());
    }
    let leases = index::below(visit, folder, "", FEW_MAX + 1).await?;
    if leases.len() > FEW_MAX {
        return Ok(());
    }
    for id in &leases {
        pass_over_damage(end_if_older(visit, id, era).await)?;
    }
    Ok(())
}

/// Ends a bounded number of tokens below the prefix that was ended first.
///
/// # Errors
/// When the store cannot answer; losing a race is none.
pub(crate) async fn clear_up_ended_prefixes(kernel: &Arc<Kernel>) -> Result<usize> {
    let visit = Visit::of_worker(kernel);
    match clear_up_piece(&visit).await {
        // Another node is at it, or somebody ended another prefix.
        Err(error) if error.is_conflict() => Ok(1),
        outcome => outcome,
    }
}

async fn clear_up_piece(visit: &Visit) -> Result<usize> {
    let mut ended = read(visit).await?;
    let Some(first) = ended.pending.first() else {
        return Ok(0);
    };
    let progress = name_of(first.era);
    let after = PROGRESS.get(&visit.system, &progress).await?.unwrap_or_default();
    let leases = index::below(visit, &first.folder, &after, PIECE_MAX).await?;
    for id in &leases {
        pass_over_damage(end_if_older(visit, id, first.era).await)?;
    }
    match leases.last() {
        Some(last) if leases.len() == PIECE_MAX => PROGRESS.put(&visit.system, &progress, last),
        _ => {
            PROGRESS.delete(&visit.system, &progress);
            ended.pending.remove(0);
            ENDED_PREFIXES.put(&visit.system, ENDED_PREFIXES_NAME, &ended);
        }
    }
    visit.commit().await?;
    Ok(leases.len().max(1))
}

async fn end_if_older(visit: &Visit, id: &str, era: u64) -> Result<()> {
    if let Some((key, token)) = index::find(visit, id).await?
        && token.era < era
    {
        tokens::end(visit, &key, &token);
    }
    Ok(())
}

async fn read(visit: &Visit) -> Result<EndedPrefixes> {
    Ok(ENDED_PREFIXES.get(&visit.system, ENDED_PREFIXES_NAME).await?.unwrap_or_default())
}

/// Sorts by number.
fn name_of(era: u64) -> String {
    format!("{era:020}")
}

impl EndedPrefixes {
    /// Begins an era in which all that lies in `folder` has ended; gives back what this makes
    /// superfluous.
    fn note(&mut self, folder: &str) -> Result<Vec<EndedPrefix>> {
        let is_inside = |older: &mut EndedPrefix| older.folder.starts_with(folder);
        let replaced = self.pending.extract_if(.., is_inside).collect();
        if self.pending.len() >= PENDING_MAX {
            return Err(Error::Busy { retry_after_seconds: RETRY_AFTER_SECONDS });
        }
        self.era += 1;
        self.pending.push(EndedPrefix { folder: folder.to_owned(), era: self.era });
        Ok(replaced)
    }

    fn cover(&self, token: &Token) -> bool {
        let is_covered =
            |ended: &EndedPrefix| token.era < ended.era && lies_in(&token.path, &ended.folder);
        self.pending.iter().any(is_covered) && index::has_lease(token)
    }
}

/// Whether the leases of tokens made at `path` lie in `folder`.
fn lies_in(path: &str, folder: &str) -> bool {
    path.starts_with(folder) || folder.strip_suffix('/') == Some(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn prefixes_that_wait_are_bounded_and_a_wider_one_replaces_those_inside() {
        let mut ended = EndedPrefixes::default();
        for number in 0..PENDING_MAX {
            assert!(ended.note(&format!("auth/a/login/user{number}/")).unwrap().is_empty());
        }
        assert!(matches!(ended.note("auth/b/"), Err(Error::Busy { .. })));
        assert_eq!(ended.note("auth/a/login/user7/").unwrap().len(), 1);
        assert_eq!(ended.note("auth/a/").unwrap().len(), PENDING_MAX);
        ended.note("auth/b/").unwrap();
        assert_eq!((ended.era, ended.pending.len()), (PENDING_MAX as u64 + 3, 2));
    }

    #[track_caller]
    fn check(path: &str, folder: &str, expected: bool) {
        assert_eq!(lies_in(path, folder), expected, "{path} in {folder}");
    }

    #[test]
    fn a_prefix_ends_where_a_name_ends() {
        check("auth/userpass/login/bob", "auth/userpass/login/bob/", true);
        check("auth/userpass/login/bob", "auth/userpass/", true);
        check("auth/userpass/login/bobby", "auth/userpass/login/bob/", false);
        check("auth/userpass2/login/bob", "auth/userpass/", false);
        check("auth/userpass/login", "auth/userpass/login/bob/", false);
    }
}
