//! Listing what is kept under paths.
//!
//! An answer is built in memory, so it holds a bounded number of names. A folder with more is never
//! cut off silently, since whoever takes the answer for all of it would miss the rest: it has to be
//! asked for in pages.

use api::{Error, Keys, Page, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use storage::{Table, View};

/// Names in one answer.
const NAMES_MAX: usize = 100_000;

/// Which names are wanted.
pub(super) struct Wanted {
    /// What the names of all that lies in the folder begin with.
    pub(super) folder: String,
    pub(super) depth: Depth,
    /// Names sort behind this one.
    pub(super) after: String,
    pub(super) limit: usize,
}

/// How deep a listing looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Depth {
    /// What lies directly in the folder; sub-folders once each, with a slash behind.
    Folder,
    /// All that lies below it.
    Everything,
}

impl Wanted {
    /// What `page` asks for, and no more than [`bounded`] needs to know.
    pub(super) fn new(folder: String, depth: Depth, page: Page) -> Self {
        let limit = page.limit().min(NAMES_MAX + 1);
        Self { folder, depth, after: page.after, limit }
    }

    /// The names in `table` that are wanted.
    pub(super) async fn from<T: Serialize + DeserializeOwned>(
        &self,
        table: &Table<T>,
        store: &View,
    ) -> Result<Vec<String>> {
        let (folder, after) = (&self.folder, &self.after);
        Ok(match self.depth {
            Depth::Folder => table.entries(store, folder, after, self.limit).await?,
            Depth::Everything => table.beneath(store, folder, after, self.limit).await?,
        })
    }
}

/// The answer with these names.
///
/// # Errors
/// [`Error::Invalid`] when there are more than one answer can hold.
pub(super) fn bounded(names: Vec<String>) -> Result<Keys> {
    check(names.len(), NAMES_MAX)?;
    Ok(Keys(names))
}

/// Refuses an answer about more names than `max`.
pub(super) fn check(count: usize, max: usize) -> Result<()> {
    if count <= max {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "there are more than {max} entries; ask for them in pages, with 'limit' and 'after'"
    )))
}
