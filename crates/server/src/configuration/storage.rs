//! The `storage` block, which old files call `backend`.

use std::path::Path;

use api::hcl::{self, Block, Content};
use backends::Settings;

use super::{Draft, Result, at, place, wrong};

/// Settings that stood in this block before they moved to the top of the file.
const MOVED: &[&str] = &["api_addr", "redirect_addr"];
/// Settings that other servers know and we can leave undone without harm.
const IGNORED: &[&str] = &[
    "advertise_addr",
    "cluster_addr",
    "disable_clustering",
    "disable_transactions",
    "max_value_size",
];

/// Where everything is stored.
#[derive(Clone, PartialEq)]
pub struct StorageSettings {
    /// The kind of place.
    pub kind: String,
    /// What that kind wants to know. May hold a password.
    pub settings: Settings,
}

/// Values stay out: a connection string may hold a password.
impl std::fmt::Debug for StorageSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("StorageSettings").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The storage a file names, and a draft with what else stood in that block.
pub(super) fn read(
    body: &hcl::Body,
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<(Option<StorageSettings>, Draft)> {
    let mut draft = Draft::default();
    let mut blocks = Vec::new();
    for key in ["backend", "storage"] {
        blocks.extend(body.blocks(key, 1).map_err(|error| at(path, &error))?);
    }
    if let Some(second) = blocks.get(1) {
        return Err(at(path, &second.position.error("storage is specified a second time")));
    }
    let Some(block) = blocks.first() else { return Ok((None, draft)) };
    let kind = block.labels.first().map(|label| label.text.clone()).unwrap_or_default();
    let known = backends::find(&kind).map_err(|error| {
        let place = place(path, block.position);
        wrong(format!("Unknown storage type {kind} at {place}: {error}"))
    })?;
    let mut settings = Settings::new();
    for item in &block.body.items {
        let key = item.key.text.as_str();
        let value = plain(block, key, path)?;
        if known.settings.contains(&key) {
            settings.insert(key.to_owned(), value);
        } else if MOVED.contains(&key) {
            draft.api_addr = Some(value);
        } else if IGNORED.contains(&key) {
            let place = place(path, item.key.position);
            warnings.push(format!("{key} has no effect in this release (at {place})"));
        } else {
            let place = place(path, item.key.position);
            let problem = "unknown or unsupported field";
            return Err(wrong(format!("{problem} {key} found in configuration at {place}")));
        }
    }
    Ok((Some(StorageSettings { kind, settings }), draft))
}

/// A setting as text, however it was written.
fn plain(block: &Block<'_>, key: &str, path: &Path) -> Result<String> {
    let value = block.body.value(key).map_err(|error| at(path, &error))?;
    match value.map(|value| (&value.content, value)) {
        Some((Content::Text(text) | Content::Number(text), _)) => Ok(text.clone()),
        Some((Content::Bool(truth), _)) => Ok(truth.to_string()),
        Some((Content::List(_) | Content::Object(_), value)) => {
            let problem = format!("{key}: expected a text in double quotes");
            Err(at(path, &value.position.error(problem)))
        }
        None => Ok(String::new()),
    }
}
