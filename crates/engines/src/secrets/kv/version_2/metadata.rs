//! What is known of a secret apart from what it says, and the rules for it.

use std::collections::BTreeMap;

use api::{Context, Data, Error, KeyValues, Moment, NoContent, Path, Result, Seconds, duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::Config;
use super::history::{History, Key};
use super::object::Object;
use super::rules::RuleFields;
use super::{custom, elsewhere, listing};
use crate::null;
use crate::secrets::Place;

pub(super) fn path() -> Path {
    Path::new("metadata/{path...}")
        .help(
            "Read and change what is known of a secret, list secrets, and remove them for good.",
            "Fields that are left out of a change stay as they are. Removing a secret here \
             removes all its versions; they cannot be brought back.",
        )
        .exists(exists)
        .read(read)
        .write(write)
        .patch(patch)
        .delete(delete)
        .list(listing::list)
        .scan(listing::scan)
}

/// The folder of everything, which has no metadata of its own.
pub(super) fn top() -> Path {
    Path::new("metadata")
        .help("List secrets.", "Names that end in a slash are folders.")
        .read(elsewhere::refuse_at_the_top)
        .write(elsewhere::refuse_at_the_top)
        .patch(elsewhere::refuse_at_the_top)
        .delete(elsewhere::refuse_at_the_top)
        .list(listing::list_top)
        .scan(listing::scan_top)
}

#[derive(Deserialize, JsonSchema)]
struct MetadataFields {
    /// How long after it was written a version deletes itself, such as "720h". 0 means not set.
    delete_version_after: Option<Seconds>,
    /// Up to 64 texts by name, for whatever you want to write down about the secret. Replaces
    /// what was there; in a patch it is merged, where `null` removes.
    #[serde(default, deserialize_with = "null::counts")]
    custom_metadata: Option<Option<Object>>,
    /// The version of the metadata that this write expects to replace, or 0 if there must be none.
    #[serde(default, deserialize_with = "null::counts")]
    metadata_cas: Option<i64>,
}

/// What is known of a secret, as answers show it.
#[derive(JsonSchema, Serialize)]
pub(super) struct MetadataView {
    /// The versions that are kept, by number.
    versions: BTreeMap<u64, VersionSummary>,
    /// Number of the newest version; 0 if there is none.
    current_version: u64,
    /// Number of the oldest version kept; 0 until as many are kept as may be.
    oldest_version: u64,
    /// How often the metadata has been written.
    current_metadata_version: u64,
    /// When the secret was first written.
    created_time: Moment,
    /// When it was last written.
    updated_time: Moment,
    /// How many versions to keep.
    max_versions: u64,
    /// Whether each write must say which version it expects to replace.
    cas_required: bool,
    /// Whether each write of metadata must say which version of it it expects to replace.
    metadata_cas_required: bool,
    /// How long after it was written a version deletes itself.
    delete_version_after: String,
    /// What its owners have written down about it.
    custom_metadata: Option<KeyValues>,
}

#[derive(JsonSchema, Serialize)]
struct VersionSummary {
    /// When it was written.
    created_time: Moment,
    /// When it was deleted or will be; empty if never.
    deletion_time: String,
    /// Whether what it said is gone for good.
    destroyed: bool,
}

async fn exists(context: &Context, place: Place) -> Result<bool> {
    Ok(History::find(context, &place.path).await?.is_some())
}

async fn read(context: &Context, place: Place) -> Result<Data<MetadataView>> {
    let history = History::find(context, &place.path).await?.ok_or(Error::Missing)?;
    Ok(Data(view(&history).await?))
}

/// What is shown of a secret.
pub(super) async fn view(history: &History<'_>) -> Result<MetadataView> {
    let versions = history.versions().await?.into_iter().map(|(number, version)| {
        let deletion_time = version.deletion_time();
        let (created_time, destroyed) = (version.created, version.destroyed);
        (number, VersionSummary { created_time, deletion_time, destroyed })
    });
    let key = &history.key;
    Ok(MetadataView {
        versions: versions.collect(),
        current_version: key.current,
        oldest_version: key.oldest,
        current_metadata_version: key.metadata_version,
        created_time: key.created,
        updated_time: key.updated,
        max_versions: key.rules.max_versions,
        cas_required: key.rules.cas_required,
        metadata_cas_required: key.rules.metadata_cas_required,
        delete_version_after: duration::go_style(key.delete_after.0),
        custom_metadata: key.custom(),
    })
}

async fn write(
    context: &Context,
    (place, rules, fields): (Place, RuleFields, MetadataFields),
) -> Result<NoContent> {
    if rules.are_absent() && fields.are_absent() {
        return Ok(NoContent);
    }
    let config = Config::of(context).await?;
    let found = History::find(context, &place.path).await?;
    fields.check_expectation(found.as_ref().map(|history| &*history.key), &config)?;
    let mut history = match found {
        Some(history) => history,
        None => History::new(context, &place.path)?,
    };
    let custom = fields.custom_metadata.map(|sent| sent.unwrap_or_default().0);
    if let Some(sent) = custom {
        history.key_mut().custom = custom::replace(sent)?;
    }
    change(history.key_mut(), context, &rules, fields.delete_version_after)?;
    history.save();
    warn_of_ignored(context, &rules, &config);
    Ok(NoContent)
}

async fn patch(
    context: &Context,
    (place, rules, fields): (Place, RuleFields, MetadataFields),
) -> Result<NoContent> {
    if rules.are_absent() && fields.are_absent() {
        return Ok(NoContent);
    }
    let config = Config::of(context).await?;
    let found = History::find(context, &place.path).await?;
    let mut history = found.ok_or(Error::Missing)?;
    fields.check_expectation(Some(&history.key), &config)?;
    let custom = &mut history.key_mut().custom;
    match fields.custom_metadata {
        Some(Some(sent)) => *custom = custom::merge(std::mem::take(custom), sent.0)?,
        Some(None) => custom.clear(),
        None => {}
    }
    change(history.key_mut(), context, &rules, fields.delete_version_after)?;
    history.save();
    warn_of_ignored(context, &rules, &config);
    Ok(NoContent)
}

async fn delete(context: &Context, place: Place) -> Result<NoContent> {
    if let Some(history) = History::find(context, &place.path).await? {
        history.erase();
    }
    Ok(NoContent)
}

fn change(
    key: &mut Key,
    context: &Context,
    rules: &RuleFields,
    delete_after: Option<Seconds>,
) -> Result<()> {
    key.rules.change(rules)?;
    key.delete_after = delete_after.unwrap_or(key.delete_after);
    key.metadata_version += 1;
    key.updated = context.now;
    Ok(())
}

fn warn_of_ignored(context: &Context, rules: &RuleFields, config: &Config) {
    let pairs = [
        ("cas_required", rules.cas_required, config.rules.cas_required),
        ("metadata_cas_required", rules.metadata_cas_required, config.rules.metadata_cas_required),
    ];
    for (name, given, mandated) in pairs {
        if mandated && given == Some(Some(false)) {
            context.warn(format!(
                "\"{name}\" set to false, but is mandated by backend config. This value will be \
                 ignored."
            ));
        }
    }
}

impl MetadataFields {
    /// Whether nothing is given that could be set.
    fn are_absent(&self) -> bool {
        self.delete_version_after.is_none() && self.custom_metadata.is_none()
    }

    fn check_expectation(&self, found: Option<&Key>, config: &Config) -> Result<()> {
        let required = config.rules.metadata_cas_required
            || found.is_some_and(|key| key.rules.metadata_cas_required);
        let text = match (self.metadata_cas, found) {
            (None, _) if required => "metadata check-and-set parameter required for this call",
            (Some(expected), None) if expected != 0 => {
                "metadata_cas must be 0 when creating new metadata"
            }
            (Some(expected), Some(key)) if u64::try_from(expected) != Ok(key.metadata_version) => {
                "metadata check-and-set parameter does not match the current version"
            }
            _ => return Ok(()),
        };
        Err(Error::invalid(text))
    }
}
