//! Deleting versions, bringing them back, and destroying them for good.
//!
//! All three answer alike whether or not there was anything to do: versions and secrets that are
//! not there are passed over.

use std::collections::BTreeSet;

use api::{Context, Error, NoContent, Path, Result};
use schemars::JsonSchema;
use serde::Deserialize;

use super::config::Config;
use super::history::History;
use crate::secrets::Place;

pub(super) fn delete() -> Path {
    Path::new("delete/{path...}")
        .help(
            "Delete versions of a secret.",
            "They can no longer be read, but brought back with \"undelete/\".",
        )
        .write(delete_versions)
}

pub(super) fn undelete() -> Path {
    Path::new("undelete/{path...}")
        .help(
            "Bring deleted versions of a secret back.",
            "Versions that were destroyed stay so. Where versions delete themselves, those \
             brought back will do so again, as if they had been written now.",
        )
        .write(undelete_versions)
}

pub(super) fn destroy() -> Path {
    Path::new("destroy/{path...}")
        .help(
            "Destroy versions of a secret for good.",
            "What they said is removed and cannot be brought back. That they existed stays known.",
        )
        .write(destroy_versions)
}

#[derive(Deserialize, JsonSchema)]
struct Numbers {
    /// Numbers of the versions.
    #[serde(default)]
    versions: Vec<i64>,
}

async fn delete_versions(context: &Context, (place, given): (Place, Numbers)) -> Result<NoContent> {
    let numbers = given.or_refuse("No version number provided")?;
    if let Some(mut history) = History::find(context, &place.path).await? {
        history.change(&numbers, |version| version.delete(context.now)).await?;
    }
    Ok(NoContent)
}

async fn undelete_versions(
    context: &Context,
    (place, given): (Place, Numbers),
) -> Result<NoContent> {
    let numbers = given.or_refuse("No version number provided")?;
    if let Some(mut history) = History::find(context, &place.path).await? {
        let config = Config::of(context).await?;
        let deletion = config.deletion(context.now, history.key.delete_after);
        history.change(&numbers, |version| version.undelete(deletion)).await?;
    }
    Ok(NoContent)
}

async fn destroy_versions(
    context: &Context,
    (place, given): (Place, Numbers),
) -> Result<NoContent> {
    let numbers = given.or_refuse("no version number provided")?;
    if let Some(mut history) = History::find(context, &place.path).await? {
        history.destroy(&numbers).await?;
    }
    Ok(NoContent)
}

impl Numbers {
    fn or_refuse(self, text: &str) -> Result<BTreeSet<u64>> {
        if self.versions.is_empty() {
            return Err(Error::invalid(text));
        }
        Ok(self.versions.into_iter().filter_map(|number| u64::try_from(number).ok()).collect())
    }
}
