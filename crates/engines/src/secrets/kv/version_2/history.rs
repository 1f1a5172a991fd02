//! A secret with all its versions, and how they are stored.
//!
//! One record per secret (`key/<path>`) holds its rules and what is known of its newest versions;
//! what is known of older ones lies in pages of 32 (`page/<path>/<number>`); what a version says
//! lies apart (`payload/<path>/<version>`). So reading the current version takes two records, and
//! writing one takes three or four, whether a secret has ten versions or a hundred thousand.
//!
//! A mount that was upgraded from version 1 has records of that one (`secret/<path>`), each of
//! which is the first version of a secret that has no other record. It is read where it lies;
//! whoever changes the secret moves it in the same commit. So an upgrade moves nothing, takes no
//! time, and there is no moment at which a secret is not there.
//!
//! Invariant: all versions from the oldest kept to the current one are there, destroyed or not, in
//! the record or in pages. Every change goes through the record, so two that race conflict there.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use api::{Context, Error, KeyValues, Moment, Result, Seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use storage::{Table, View};

use super::config::Config;
use super::rules::Rules;
use crate::secrets::kv::check_reach;
use crate::secrets::verbatim::SECRETS;

pub(super) const KEYS: Table<Key> = Table::new("key/");
const PAGES: Table<Page> = Table::new("page/");
const PAYLOADS: Table<Map<String, Value>> = Table::new("payload/");

/// Versions per page.
const PAGE_VERSIONS: u64 = 32;
/// Versions whose facts stand in the record of the secret itself, at most.
const RECENT_MAX: usize = 32;

/// Facts about versions, by number.
type Page = BTreeMap<u64, Version>;

/// What is known of a secret, apart from what it says.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Key {
    pub(super) created: Moment,
    pub(super) updated: Moment,
    /// The newest version; 0 while there is none.
    pub(super) current: u64,
    /// The oldest version kept; 0 until as many are kept as may be.
    pub(super) oldest: u64,
    /// Counts changes of what follows.
    pub(super) metadata_version: u64,
    pub(super) rules: Rules,
    pub(super) delete_after: Seconds,
    pub(super) custom: KeyValues,
    recent: Page,
}

/// What is known of one version, apart from what it says.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Version {
    pub(super) created: Moment,
    /// When it was deleted, or will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deletion: Option<Moment>,
    /// Whether what it said is gone for good.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) destroyed: bool,
}

/// A secret with all its versions, as one request sees it.
pub(super) struct History<'a> {
    store: &'a View,
    path: &'a str,
    /// Shared with others as long as nobody changes it; see [`History::key_mut`].
    pub(super) key: Arc<Key>,
    /// What version 1 of the engine left here, as long as nobody has changed it since.
    left: Option<Map<String, Value>>,
}

/// Which version is wanted.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Wanted {
    /// Number of the version to read; 0 means the current one.
    version: Option<i64>,
}

/// One version, as answers show it.
#[derive(JsonSchema, Serialize)]
pub(super) struct VersionView {
    /// Its number.
    version: u64,
    /// When it was written.
    created_time: Moment,
    /// When it was deleted or will be; empty if never.
    deletion_time: String,
    /// Whether what it said is gone for good.
    destroyed: bool,
    /// What its owners have written down about the secret.
    custom_metadata: Option<KeyValues>,
}

impl<'a> History<'a> {
    /// The secret at `path`, if there is one.
    pub(super) async fn find(context: &'a Context, path: &'a str) -> Result<Option<Self>> {
        let store = &context.store;
        if let Some(key) = KEYS.shared(store, path).await? {
            return Ok(Some(Self { store, path, key, left: None }));
        }
        let Some(upgraded) = context.mount.upgraded else { return Ok(None) };
        let left = SECRETS.get(store, path).await?;
        Ok(left.map(|left| {
            let key = Arc::new(Key::of_one(upgraded));
            Self { store, path, key, left: Some(left) }
        }))
    }

    /// A secret at `path` without any versions yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the name is too long to be found, or removed, later.
    pub(super) fn new(context: &'a Context, path: &'a str) -> Result<Self> {
        check_reach(context, path)?;
        let key = Key { created: context.now, updated: context.now, ..Key::default() };
        Ok(Self { store: &context.store, path, key: Arc::new(key), left: None })
    }

    /// What is known of the secret, to be changed and then [saved](Self::save): from here on a copy
    /// of its own.
    pub(super) fn key_mut(&mut self) -> &mut Key {
        Arc::make_mut(&mut self.key)
    }

    /// Adds a version, lets the oldest go that it makes superfluous, and saves.
    pub(super) fn append(
        &mut self,
        secret: &Map<String, Value>,
        now: Moment,
        config: &Config,
    ) -> VersionView {
        self.move_in();
        let number = self.key.current + 1;
        let deletion = config.deletion(now, self.key.delete_after);
        let version = Version { created: now, deletion, destroyed: false };
        let view = self.view(number, &version);
        let key = self.key_mut();
        key.current = number;
        key.updated = now;
        key.recent.insert(number, version);
        PAYLOADS.put(self.store, &self.name(number), secret);
        self.prune(self.key.rules.versions_kept(&config.rules));
        self.turn_page();
        self.save();
        view
    }

    /// Number of the version that is wanted, and what is known of it.
    ///
    /// # Errors
    /// [`Error::Missing`] when it is not kept.
    pub(super) async fn wanted(&self, wanted: &Wanted) -> Result<(u64, Version)> {
        let number = wanted.version.and_then(|number| u64::try_from(number).ok());
        let number = number.filter(|number| *number > 0).unwrap_or(self.key.current);
        Ok((number, self.version(number).await?.ok_or(Error::Missing)?))
    }

    /// What is known of version `number`, if it is kept.
    pub(super) async fn version(&self, number: u64) -> Result<Option<Version>> {
        if !self.key.kept().contains(&number) {
            return Ok(None);
        }
        match self.key.recent.get(&number) {
            Some(version) => Ok(Some(version.clone())),
            None => Ok(self.page(page_of(number)).await?.remove(&number)),
        }
    }

    /// How many versions are kept.
    pub(super) fn count(&self) -> u64 {
        let kept = self.key.kept();
        (kept.end() + 1).saturating_sub(*kept.start())
    }

    /// What is known of all versions that are kept.
    pub(super) async fn versions(&self) -> Result<Page> {
        let mut versions = self.key.recent.clone();
        for page in self.key.pages() {
            versions.append(&mut self.page(page).await?);
        }
        Ok(versions.split_off(self.key.kept().start()))
    }

    /// What version `number` says, which is not gone for good.
    pub(super) async fn secret(&self, number: u64) -> Result<Map<String, Value>> {
        if let Some(left) = &self.left {
            return Ok(left.clone());
        }
        let secret = PAYLOADS.get(self.store, &self.name(number)).await?;
        secret.ok_or_else(|| Error::internal("a version is there, but not what it says"))
    }

    /// Changes those of the versions `numbers` that are kept, and saves.
    pub(super) async fn change(
        &mut self,
        numbers: &BTreeSet<u64>,
        mut change: impl FnMut(&mut Version),
    ) -> Result<()> {
        let recent =
            self.key_mut().recent.iter_mut().filter(|(number, _)| numbers.contains(number));
        recent.for_each(|(_, version)| change(version));
        let pages = self.key.pages();
        let touched = numbers.iter().map(|number| page_of(*number));
        let touched: BTreeSet<u64> = touched.filter(|page| pages.contains(page)).collect();
        for page in touched {
            let mut versions = self.page(page).await?;
            let older = versions.iter_mut().filter(|(number, _)| numbers.contains(number));
            older.for_each(|(_, version)| change(version));
            PAGES.put(self.store, &self.name(page), &versions);
        }
        self.save();
        Ok(())
    }

    /// Removes for good what those of the versions `numbers` say that are kept, and saves.
    pub(super) async fn destroy(&mut self, numbers: &BTreeSet<u64>) -> Result<()> {
        self.move_in();
        let kept = self.key.kept();
        for number in numbers.iter().filter(|number| kept.contains(number)) {
            PAYLOADS.delete(self.store, &self.name(*number));
        }
        self.change(numbers, |version| version.destroyed = true).await
    }

    /// Removes the secret and all its versions for good.
    pub(super) fn erase(self) {
        for number in self.key.kept() {
            PAYLOADS.delete(self.store, &self.name(number));
        }
        for page in self.key.pages() {
            PAGES.delete(self.store, &self.name(page));
        }
        KEYS.delete(self.store, self.path);
        if self.left.is_some() {
            SECRETS.delete(self.store, self.path);
        }
    }

    /// Saves what has changed in [`History::key`].
    pub(super) fn save(&mut self) {
        self.move_in();
        KEYS.put(self.store, self.path, &self.key);
    }

    /// A version as answers show it.
    pub(super) fn view(&self, number: u64, version: &Version) -> VersionView {
        VersionView {
            version: number,
            created_time: version.created,
            deletion_time: version.deletion_time(),
            destroyed: version.destroyed,
            custom_metadata: self.key.custom(),
        }
    }

    /// Puts what version 1 of the engine left where versions are kept. Whoever changes a secret
    /// does this first, in the same commit.
    fn move_in(&mut self) {
        if let Some(left) = self.left.take() {
            PAYLOADS.put(self.store, &self.name(1), &left);
            SECRETS.delete(self.store, self.path);
        }
    }

    /// Lets go of versions, so that no more than `max` are kept.
    fn prune(&mut self, max: u64) {
        let key = self.key_mut();
        if key.current - key.oldest < max {
            return;
        }
        let (before, pages) = (key.kept(), key.pages());
        key.oldest = key.current + 1 - max;
        key.recent = key.recent.split_off(&key.oldest);
        for number in *before.start()..self.key.oldest {
            PAYLOADS.delete(self.store, &self.name(number));
        }
        for page in pages.filter(|page| *page < page_of(self.key.oldest)) {
            PAGES.delete(self.store, &self.name(page));
        }
    }

    /// Moves the facts about older versions to a page of their own, once there are many.
    fn turn_page(&mut self) {
        if self.key.recent.len() <= RECENT_MAX {
            return;
        }
        let Some((first, _)) = self.key.recent.first_key_value() else { return };
        let page = page_of(*first);
        let recent = &mut self.key_mut().recent;
        let newer = recent.split_off(&((page + 1) * PAGE_VERSIONS + 1));
        let older = std::mem::replace(recent, newer);
        PAGES.put(self.store, &self.name(page), &older);
    }

    async fn page(&self, page: u64) -> Result<Page> {
        Ok(PAGES.get(self.store, &self.name(page)).await?.unwrap_or_default())
    }

    fn name(&self, number: u64) -> String {
        format!("{}/{number}", self.path)
    }
}

impl VersionView {
    /// The fields of an answer. By hand, because every read of a secret shows them.
    pub(super) fn into_fields(self) -> Map<String, Value> {
        let Self { version, created_time, deletion_time, destroyed, custom_metadata } = self;
        let custom_metadata = custom_metadata.map(|custom| {
            custom.into_iter().map(|(name, text)| (name, text.into())).collect::<Map<_, Value>>()
        });
        let mut fields = Map::new();
        for (name, value) in [
            ("created_time", created_time.to_string().into()),
            ("custom_metadata", custom_metadata.map_or(Value::Null, Value::Object)),
            ("deletion_time", deletion_time.into()),
            ("destroyed", destroyed.into()),
            ("version", version.into()),
        ] {
            fields.insert(name.to_owned(), value);
        }
        fields
    }
}

impl Key {
    /// What is known of a secret that version 1 of the engine left: it has one version.
    fn of_one(created: Moment) -> Self {
        let version = Version { created, deletion: None, destroyed: false };
        let recent = Page::from([(1, version)]);
        Self { created, updated: created, current: 1, recent, ..Self::default() }
    }

    /// The versions that are kept.
    fn kept(&self) -> RangeInclusive<u64> {
        self.oldest.max(1)..=self.current
    }

    /// The pages that hold some of them.
    fn pages(&self) -> std::ops::Range<u64> {
        let newest = self.recent.first_key_value().map_or(1, |(number, _)| *number);
        page_of(*self.kept().start())..page_of(newest)
    }

    /// What its owners have written down about it.
    pub(super) fn custom(&self) -> Option<KeyValues> {
        (!self.custom.is_empty()).then(|| self.custom.clone())
    }
}

impl Version {
    /// Whether it can be read.
    pub(super) fn is_live(&self, now: Moment) -> bool {
        !self.destroyed && self.deletion.is_none_or(|deletion| deletion > now)
    }

    /// Deletes it, if it is live. It can be brought back.
    pub(super) fn delete(&mut self, now: Moment) {
        if self.is_live(now) {
            self.deletion = Some(now);
        }
    }

    /// Brings it back until `deletion`, unless it is gone for good.
    pub(super) fn undelete(&mut self, deletion: Option<Moment>) {
        if !self.destroyed {
            self.deletion = deletion;
        }
    }

    /// When it was deleted or will be; empty if never.
    pub(super) fn deletion_time(&self) -> String {
        self.deletion.map(|deletion| deletion.to_string()).unwrap_or_default()
    }
}

/// The page for what is known of version `number`, which is at least 1.
fn page_of(number: u64) -> u64 {
    number.saturating_sub(1) / PAGE_VERSIONS
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_version_is_shown_alike_by_hand_and_by_its_declaration() {
        let custom = KeyValues::from([("owner".to_owned(), "ops".to_owned())]);
        for custom_metadata in [None, Some(custom)] {
            let view = VersionView {
                version: 7,
                created_time: Moment::from_unix(1),
                deletion_time: String::new(),
                destroyed: false,
                custom_metadata,
            };
            let declared = serde_json::to_value(&view).unwrap();
            assert_eq!(serde_json::Value::Object(view.into_fields()), declared);
        }
    }
}
