//! Listing secrets with all that is known of each, apart from what it says.

use api::{Context, Error, Folder, Page, Path, Reply, Result};
use serde_json::{Map, Value};

use super::history::History;
use super::listing::{self, Which};
use super::metadata;
use crate::secrets::listing::{Depth, Wanted, check};

/// Secrets in one answer.
const SECRETS_MAX: usize = 1000;
/// Versions in one answer. The longest history there can be just fits.
const VERSIONS_MAX: u64 = 100_000;

pub(super) fn path() -> Path {
    Path::new("detailed-metadata/{path...?}")
        .help(
            "List secrets with their metadata.",
            "Names that end in a slash are folders, of which nothing more is said. Ask for at most \
             1000 secrets at a time, with \"limit\" and \"after\".",
        )
        .list(list)
        .scan(scan)
}

async fn list(context: &Context, (folder, page, which): (Folder, Page, Which)) -> Result<Reply> {
    show(context, Wanted::new(folder.prefix(), Depth::Folder, page), &which).await
}

async fn scan(context: &Context, (folder, page, which): (Folder, Page, Which)) -> Result<Reply> {
    show(context, Wanted::new(folder.prefix(), Depth::Everything, page), &which).await
}

async fn show(context: &Context, mut wanted: Wanted, which: &Which) -> Result<Reply> {
    wanted.limit = wanted.limit.min(SECRETS_MAX + 1);
    let folder = wanted.folder.clone();
    let names = listing::chosen(context, wanted, which).await?;
    check(names.len(), SECRETS_MAX)?;
    let (mut keys, mut details, mut versions) = (Vec::new(), Map::new(), 0);
    for name in names {
        if name.ends_with('/') {
            details.insert(name.clone(), Value::Object(Map::new()));
            keys.push(name);
            continue;
        }
        let path = format!("{folder}{name}");
        // Removed since it was listed.
        let Some(history) = History::find(context, &path).await? else { continue };
        versions += history.count();
        if versions > VERSIONS_MAX {
            let text = "these secrets have too many versions for one answer; ask for fewer secrets \
                        with 'limit'";
            return Err(Error::invalid(text));
        }
        let view = metadata::view(&history).await?;
        details.insert(name.clone(), serde_json::to_value(view).map_err(Error::internal)?);
        keys.push(name);
    }
    Ok(Reply::Keys(keys, details))
}
