//! When a name is locked: what the operator said in several places, put together.
//!
//! For each word by itself: the environment, then the tuning of the mount, then what the
//! configuration says about this method, then what it says about all, then the defaults.

use std::collections::BTreeMap;

use api::Seconds;
use serde::{Deserialize, Serialize};

use crate::mounts::Mount;

/// The auth methods whose logins are counted.
pub const LOCKABLE_METHODS: &[&str] = &["approle", "ldap", "userpass"];

const THRESHOLD: u64 = 5;
const DURATION: Seconds = Seconds(15 * 60);
const COUNTER_RESET: Seconds = Seconds(15 * 60);

/// What the operator of this node decided about lockout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LockoutSettings {
    /// What the environment says: off everywhere, or on everywhere, whatever others say.
    pub disabled: Option<bool>,
    /// What holds for every method.
    pub all: LockoutTerms,
    /// What holds for one method, by its name; the rest is as for all.
    pub methods: BTreeMap<String, LockoutTerms>,
}

/// What one place says about lockout; what it leaves out, the next place says.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct LockoutTerms {
    /// Failed logins after which a name is locked.
    pub threshold: Option<u64>,
    /// How long it is locked.
    pub duration: Option<Seconds>,
    /// How long after the last failure they are forgotten.
    pub counter_reset: Option<Seconds>,
    /// Counts nothing, and locks nobody.
    pub disabled: Option<bool>,
}

/// What holds for one mount.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rules {
    pub(super) threshold: u64,
    pub(super) duration: Seconds,
    pub(super) counter_reset: Seconds,
}

impl LockoutTerms {
    /// These terms, and where they say nothing, those of `next`.
    #[must_use]
    pub fn or(self, next: Self) -> Self {
        Self {
            threshold: self.threshold.or(next.threshold),
            duration: self.duration.or(next.duration),
            counter_reset: self.counter_reset.or(next.counter_reset),
            disabled: self.disabled.or(next.disabled),
        }
    }
}

impl LockoutSettings {
    /// What holds for `mount`; `None` when its logins are not counted.
    pub(super) fn rules_for(&self, mount: &Mount) -> Option<Rules> {
        self.rules(&mount.engine, mount.tuning.lockout.unwrap_or_default())
    }

    fn rules(&self, method: &str, tuning: LockoutTerms) -> Option<Rules> {
        if !LOCKABLE_METHODS.contains(&method) {
            return None;
        }
        let of_method = self.methods.get(method).copied().unwrap_or_default();
        let terms = tuning.or(of_method).or(self.all);
        if self.disabled.or(terms.disabled).unwrap_or(false) {
            return None;
        }
        Some(Rules {
            // A threshold of nothing cannot mean that nobody ever logs in: the first failure locks.
            threshold: terms.threshold.unwrap_or(THRESHOLD).max(1),
            duration: terms.duration.unwrap_or(DURATION),
            counter_reset: terms.counter_reset.unwrap_or(COUNTER_RESET),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: Option<(u64, u64, u64)> = Some((5, 900, 900));
    const NOTHING: LockoutTerms =
        LockoutTerms { threshold: None, duration: None, counter_reset: None, disabled: None };
    const OFF: LockoutTerms = LockoutTerms { disabled: Some(true), ..NOTHING };
    const NOT_OFF: LockoutTerms = LockoutTerms { disabled: Some(false), ..NOTHING };

    /// What holds for a userpass mount: threshold, duration and counter reset.
    #[track_caller]
    fn check(settings: &LockoutSettings, tuning: LockoutTerms, expected: Option<(u64, u64, u64)>) {
        let rules = settings.rules("userpass", tuning);
        let found = rules.map(|found| (found.threshold, found.duration.0, found.counter_reset.0));
        assert_eq!(found, expected, "{settings:?} {tuning:?}");
    }

    fn threshold(threshold: u64) -> LockoutTerms {
        LockoutTerms { threshold: Some(threshold), ..NOTHING }
    }

    #[test]
    fn the_nearest_place_that_says_something_decides_word_by_word() {
        let none = LockoutSettings::default();
        check(&none, NOTHING, ON);
        check(&none, threshold(3), Some((3, 900, 900)));
        check(&none, threshold(0), Some((1, 900, 900)));
        let all = LockoutTerms { duration: Some(Seconds(60)), ..threshold(10) };
        let all = LockoutSettings { all, ..none.clone() };
        check(&all, NOTHING, Some((10, 60, 900)));
        check(&all, threshold(3), Some((3, 60, 900)));
        let own = LockoutTerms { counter_reset: Some(Seconds(7)), ..threshold(20) };
        let both = LockoutSettings { methods: [("userpass".to_owned(), own)].into(), ..all };
        check(&both, NOTHING, Some((20, 60, 7)));
        check(&both, threshold(3), Some((3, 60, 7)));
        let other = LockoutSettings { methods: [("ldap".to_owned(), own)].into(), ..none };
        check(&other, NOTHING, ON);
    }

    /// Cases 26 to 30 of the original suites, and the same with stanzas.
    #[test]
    fn the_environment_wins_over_everything_and_tuning_over_stanzas() {
        for (environment, tuned, expected) in [
            (None, NOT_OFF, ON),
            (None, OFF, None),
            (Some(true), NOT_OFF, None),
            (Some(false), OFF, ON),
            (Some(true), OFF, None),
        ] {
            let settings = LockoutSettings { disabled: environment, ..LockoutSettings::default() };
            check(&settings, tuned, expected);
        }
        let off = LockoutSettings { all: OFF, ..LockoutSettings::default() };
        check(&off, NOTHING, None);
        check(&off, NOT_OFF, ON);
        let methods = [("userpass".to_owned(), NOT_OFF)].into();
        check(&LockoutSettings { methods, ..off.clone() }, NOTHING, ON);
        check(&LockoutSettings { disabled: Some(false), ..off }, NOTHING, ON);
    }

    #[test]
    fn methods_that_are_not_lockable_count_nothing() {
        let settings = LockoutSettings { disabled: Some(false), ..LockoutSettings::default() };
        assert_eq!(settings.rules("token", NOTHING), None);
        assert_eq!(settings.rules("kv", NOTHING), None);
        assert!(LOCKABLE_METHODS.iter().all(|method| settings.rules(method, NOTHING).is_some()));
    }
}
