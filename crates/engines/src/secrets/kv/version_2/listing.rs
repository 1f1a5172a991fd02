//! Listing secrets: those with a history, and those that version 1 of the engine left, as one.

use api::{Context, Error, Folder, Keys, Page, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::history::{History, KEYS};
use crate::secrets::listing::{Depth, Wanted, bounded};
use crate::secrets::verbatim::SECRETS;

/// Names looked at in one go while leaving out those whose secrets are deleted.
const PIECE_NAMES: usize = 250;
/// Secrets that one listing looks into at most, each of which is a record: so many whole pieces.
const SECRETS_MAX: usize = 10_000;

/// Which secrets a listing shows.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Which {
    /// Leave out secrets whose current version is deleted or destroyed.
    #[serde(default)]
    exclude_deleted: bool,
}

pub(super) async fn list(
    context: &Context,
    (folder, page, which): (Folder, Page, Which),
) -> Result<Keys> {
    show(context, Wanted::new(folder.prefix(), Depth::Folder, page), &which).await
}

pub(super) async fn scan(
    context: &Context,
    (folder, page, which): (Folder, Page, Which),
) -> Result<Keys> {
    show(context, Wanted::new(folder.prefix(), Depth::Everything, page), &which).await
}

/// Takes no folder: here none stands in the path, and the path is what the caller may list.
pub(super) async fn list_top(context: &Context, (page, which): (Page, Which)) -> Result<Keys> {
    show(context, Wanted::new(String::new(), Depth::Folder, page), &which).await
}

/// As [`list_top`], of all that there is.
pub(super) async fn scan_top(context: &Context, (page, which): (Page, Which)) -> Result<Keys> {
    show(context, Wanted::new(String::new(), Depth::Everything, page), &which).await
}

/// The names that are wanted, in order.
async fn names(context: &Context, wanted: &Wanted) -> Result<Vec<String>> {
    // These first: secrets move from here to there and never back, so that whoever looks in this
    // order misses none that is moved meanwhile.
    let left = match context.mount.upgraded {
        Some(_) => wanted.from(&SECRETS, &context.store).await?,
        None => vec![],
    };
    let mut names = wanted.from(&KEYS, &context.store).await?;
    names.extend(left);
    names.sort();
    names.dedup();
    names.truncate(wanted.limit);
    Ok(names)
}

/// The names that are wanted, in order, of those secrets that are to be shown.
pub(super) async fn chosen(
    context: &Context,
    wanted: Wanted,
    which: &Which,
) -> Result<Vec<String>> {
    match which.exclude_deleted {
        true => names_of_live(context, wanted).await,
        false => names(context, &wanted).await,
    }
}

async fn show(context: &Context, wanted: Wanted, which: &Which) -> Result<Keys> {
    bounded(chosen(context, wanted, which).await?)
}

async fn names_of_live(context: &Context, mut wanted: Wanted) -> Result<Vec<String>> {
    let limit = std::mem::replace(&mut wanted.limit, PIECE_NAMES);
    let mut live: Vec<String> = Vec::new();
    for _ in 0..SECRETS_MAX / PIECE_NAMES {
        let piece = names(context, &wanted).await?;
        let last = piece.last().filter(|_| piece.len() == PIECE_NAMES).cloned();
        for name in piece {
            if name.ends_with('/') || is_live(context, &wanted.folder, &name).await? {
                live.push(name);
            }
        }
        let Some(last) = last.filter(|_| live.len() < limit) else {
            live.truncate(limit);
            return Ok(live);
        };
        wanted.after = last;
    }
    Err(look_on(live.len(), &wanted.after))
}

/// Too many secrets would have to be looked at, of which `live` are not deleted; `last` is the last
/// one that was looked at. A page shorter than it was asked for would be taken for the last one, so
/// this says which page can be had: one of as many as were found, or one that begins behind those
/// that are all deleted.
fn look_on(live: usize, last: &str) -> Error {
    let way = match live {
        // As JSON, so that it can be told apart from the text around it, whatever is in it.
        0 => format!("go on with 'after' set to {}", Value::from(last)),
        _ => format!("set 'limit' to {live} or less"),
    };
    Error::Invalid(format!(
        "more than {SECRETS_MAX} secrets would have to be looked at; {way}, or leave \
         'exclude_deleted' out"
    ))
}

/// Whether a secret has a current version that can be read, or none yet.
async fn is_live(context: &Context, folder: &str, name: &str) -> Result<bool> {
    let path = format!("{folder}{name}");
    let Some(history) = History::find(context, &path).await? else { return Ok(false) };
    let current = history.version(history.key.current).await?;
    Ok(current.is_none_or(|version| version.is_live(context.now)))
}
