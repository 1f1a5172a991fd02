//! The table of failures: a fixed number of buckets for each mount, and in each a few names.
//!
//! Whoever guesses passwords chooses the names, so the table is bounded by what nobody outside can
//! change: the number of buckets, the number of users, and so many strangers to a bucket. Which
//! bucket a name falls into nobody can foresee who does not have the key.
//!
//! A name nobody has is kept as a keyed hash only: people type passwords into the field for names.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use api::Moment;
use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use storage::Table;

use super::rules::Rules;

/// The buckets of one mount, by number, in a corner of their own.
pub(super) const BUCKETS: Table<Bucket> = Table::new("");
/// Buckets of one mount: three letters of a hash.
pub(super) const BUCKETS_MAX: usize = 4096;
/// Letters of a bucket's number.
const NUMBER_LETTERS: usize = 3;
/// Letters of a tag: 128 bits, so that no two names ever share one.
const TAG_LETTERS: usize = 32;
/// Names nobody has, in one bucket.
const STRANGERS_MAX: usize = 32;

/// A name somebody tried to log in with, and where its failures are counted.
pub(super) struct Name<'a> {
    text: &'a str,
    tag: String,
    /// The number of its bucket.
    pub(super) bucket: String,
}

/// Whether the auth method knows anybody of a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Known,
    Stranger,
}

/// The failures of the names that fall into one bucket.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Bucket {
    /// By name. As many as there are users, and never forgotten before their time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    known: BTreeMap<String, Failures>,
    /// By tag.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    strangers: BTreeMap<String, Failures>,
}

/// How often a name failed to log in, and when it last did.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(super) struct Failures {
    pub(super) count: u64,
    pub(super) last: Moment,
}

impl<'a> Name<'a> {
    /// The name `text` at the mount whose records are under `storage`.
    pub(super) fn new(key: &hmac::Key, storage: &str, text: &'a str) -> Self {
        let hash = hmac::sign(key, format!("{storage}\0{text}").as_bytes());
        let letters = HEXLOWER.encode(hash.as_ref());
        let mut parts = letters.chars();
        let bucket = parts.by_ref().take(NUMBER_LETTERS).collect();
        let tag = parts.take(TAG_LETTERS).collect();
        Self { text, tag, bucket }
    }
}

impl Failures {
    /// Whether no login succeeds now.
    pub(super) fn lock(self, rules: &Rules, now: Moment) -> bool {
        self.count >= rules.threshold && now < self.locked_until(rules)
    }

    /// When the lock of these failures ends.
    pub(super) fn locked_until(self, rules: &Rules) -> Moment {
        self.last.plus(rules.duration)
    }

    /// Whether the next failure counts on, rather than from the start.
    fn last_on(self, rules: &Rules, now: Moment) -> bool {
        now <= self.last.plus(rules.counter_reset)
    }

    fn matter(self, rules: &Rules, now: Moment) -> bool {
        self.lock(rules, now) || self.last_on(rules, now)
    }
}

impl Bucket {
    /// The failures of `name`. They are its own whether or not it was known when it failed: a user
    /// who is made or removed gives nobody a fresh allowance.
    pub(super) fn failures(&self, name: &Name<'_>) -> Option<Failures> {
        self.known.get(name.text).max(self.strangers.get(&name.tag)).copied()
    }

    /// One failure more.
    pub(super) fn count(
        &mut self,
        (name, kind): (&Name<'_>, Kind),
        rules: &Rules,
        now: Moment,
    ) -> Failures {
        let before = self.failures(name).filter(|failures| failures.last_on(rules, now));
        let failures = Failures {
            count: before.map_or(1, |before| before.count.saturating_add(1)),
            // Another node's clock may be ahead; what it wrote stays the latest.
            last: before.map_or(now, |before| before.last.max(now)),
        };
        self.forget(name);
        self.drop_lapsed(rules, now);
        match kind {
            Kind::Known => {
                self.known.insert(name.text.to_owned(), failures);
            }
            Kind::Stranger => {
                self.make_room();
                self.strangers.insert(name.tag.clone(), failures);
            }
        }
        failures
    }

    /// Forgets the failures of `name`.
    pub(super) fn forget(&mut self, name: &Name<'_>) {
        self.known.remove(name.text);
        self.strangers.remove(&name.tag);
    }

    /// Forgets what makes no difference any more.
    pub(super) fn drop_lapsed(&mut self, rules: &Rules, now: Moment) {
        self.known.retain(|_, failures| failures.matter(rules, now));
        self.strangers.retain(|_, failures| failures.matter(rules, now));
    }

    /// Known names that are locked now.
    pub(super) fn locked(&self, rules: &Rules, now: Moment) -> impl Iterator<Item = &str> {
        let locked = move |(_, failures): &(&String, &Failures)| failures.lock(rules, now);
        self.known.iter().filter(locked).map(|(name, _)| name.as_str())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.strangers.is_empty()
    }

    /// Makes room for one stranger more. Those go first who failed least, and of these who failed
    /// longest ago: a name that is being guessed at stays.
    fn make_room(&mut self) {
        // Each turn removes one.
        while self.strangers.len() >= STRANGERS_MAX {
            let by_weight = |(_, failures): &(&String, &Failures)| Reverse(**failures);
            let Some((least, _)) = self.strangers.iter().max_by_key(by_weight) else { return };
            let least = least.clone();
            self.strangers.remove(&least);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use api::Seconds;

    use super::*;

    const RULES: Rules = Rules { threshold: 5, duration: Seconds(900), counter_reset: Seconds(60) };

    fn key() -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[7; 32])
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_unix(1_000_000 + seconds)
    }

    fn name<'a>(key: &hmac::Key, text: &'a str) -> Name<'a> {
        Name::new(key, "mount", text)
    }

    /// Fails at each of `times`; how many are counted then, and whether the name is locked at
    /// `now`. Alike for names that are known and names that are not.
    #[track_caller]
    fn check(times: &[u64], now: u64, expected: (u64, bool)) {
        let (key, mut known, mut unknown) = (key(), Bucket::default(), Bucket::default());
        let name = name(&key, "bob");
        for time in times {
            known.count((&name, Kind::Known), &RULES, at(*time));
            unknown.count((&name, Kind::Stranger), &RULES, at(*time));
        }
        for bucket in [known, unknown] {
            let failures = bucket.failures(&name).unwrap();
            assert_eq!((failures.count, failures.lock(&RULES, at(now))), expected, "{times:?}");
        }
    }

    #[test]
    fn failures_add_up_until_a_quiet_time_has_passed() {
        check(&[0], 0, (1, false));
        check(&[0, 0, 0, 0], 0, (4, false));
        check(&[0, 60, 120, 180, 240], 240, (5, true));
        check(&[0, 0, 0, 0, 60], 60, (5, true));
        check(&[0, 0, 0, 0, 61], 61, (1, false));
    }

    #[test]
    fn a_lock_lasts_its_duration_from_the_last_failure() {
        check(&[0, 1, 2, 3, 4], 903, (5, true));
        check(&[0, 1, 2, 3, 4], 904, (5, false));
        // The quiet time has passed as well, so one more does not lock again.
        check(&[0, 1, 2, 3, 4, 904], 904, (1, false));
    }

    #[test]
    fn one_more_failure_locks_again_while_the_quiet_time_lasts() {
        let long = Rules { duration: Seconds(30), ..RULES };
        let (key, mut bucket) = (key(), Bucket::default());
        let bob = name(&key, "bob");
        for _ in 0..5 {
            bucket.count((&bob, Kind::Known), &long, at(0));
        }
        assert!(!bucket.failures(&bob).unwrap().lock(&long, at(30)));
        assert!(bucket.count((&bob, Kind::Known), &long, at(31)).lock(&long, at(31)));
    }

    #[test]
    fn a_clock_that_lags_behind_neither_shortens_a_lock_nor_starts_the_count_anew() {
        check(&[4000, 0, 4000, 0, 4000], 4899, (5, true));
        check(&[4000, 4000, 4000, 4000, 4000], 0, (5, true));
    }

    #[test]
    fn whoever_becomes_known_or_unknown_keeps_their_failures() {
        let (key, mut bucket) = (key(), Bucket::default());
        let bob = name(&key, "bob");
        for kind in [Kind::Known, Kind::Stranger, Kind::Known, Kind::Stranger] {
            bucket.count((&bob, kind), &RULES, at(0));
            assert_eq!(bucket.known.len() + bucket.strangers.len(), 1);
        }
        assert_eq!(bucket.failures(&bob).unwrap().count, 4);
        bucket.forget(&bob);
        assert!(bucket.is_empty());
    }

    #[test]
    fn the_name_of_a_stranger_is_never_written_down() {
        let (key, mut bucket) = (key(), Bucket::default());
        bucket.count((&name(&key, "correct horse"), Kind::Stranger), &RULES, at(0));
        let text = serde_json::to_string(&bucket).unwrap();
        assert!(!text.contains("horse"), "{text}");
        assert_eq!(bucket.strangers.keys().next().unwrap().len(), TAG_LETTERS);
        bucket.count((&name(&key, "bob"), Kind::Known), &RULES, at(0));
        let read: Bucket = serde_json::from_str(&serde_json::to_string(&bucket).unwrap()).unwrap();
        assert_eq!(read, bucket);
    }

    #[test]
    fn strangers_crowd_out_neither_users_nor_whoever_is_being_guessed_at() {
        let (key, mut bucket) = (key(), Bucket::default());
        let (bob, nobody) = (name(&key, "bob"), name(&key, "nobody"));
        bucket.count((&bob, Kind::Known), &RULES, at(0));
        for number in 0..200 {
            bucket.count((&nobody, Kind::Stranger), &RULES, at(0));
            let other = format!("stranger {number}");
            bucket.count((&name(&key, &other), Kind::Stranger), &RULES, at(0));
        }
        assert_eq!(bucket.failures(&bob).unwrap().count, 1);
        assert_eq!(bucket.failures(&nobody).unwrap().count, 200);
        assert_eq!(bucket.strangers.len(), STRANGERS_MAX);
        bucket.drop_lapsed(&RULES, at(1000));
        assert!(bucket.is_empty());
    }

    #[test]
    fn however_many_names_are_tried_the_table_stays_as_large_as_it_is() {
        let key = key();
        let mut table: BTreeMap<String, Bucket> = BTreeMap::new();
        for number in 0..100_000_u32 {
            let text = format!("name {number}");
            let name = name(&key, &text);
            let bucket = table.entry(name.bucket.clone()).or_default();
            bucket.count((&name, Kind::Stranger), &RULES, at(0));
        }
        assert_eq!(table.len(), BUCKETS_MAX);
        assert!(table.values().all(|bucket| bucket.strangers.len() <= STRANGERS_MAX));
        let tags: BTreeSet<_> = table.values().flat_map(|bucket| bucket.strangers.keys()).collect();
        assert!(tags.len() > 90_000, "most are still counted: {}", tags.len());
    }

    #[test]
    fn the_same_name_elsewhere_is_another() {
        let key = key();
        let (here, there) = (Name::new(&key, "a", "bob"), Name::new(&key, "b", "bob"));
        assert_ne!(here.tag, there.tag);
        assert_ne!(here.tag, name(&hmac::Key::new(hmac::HMAC_SHA256, &[8; 32]), "bob").tag);
    }
}
