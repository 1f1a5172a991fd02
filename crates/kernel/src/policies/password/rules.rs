//! What a password has to be made of: making one, and finding out what one lacks.

use api::{Entropy, Secret};
use zeroize::Zeroizing;

use super::charset::{Charset, below};

/// The rules for a password, known to be possible.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PasswordPolicy {
    /// How many characters one that is made by it has, and one that is chosen at least.
    pub(super) length: usize,
    /// What has to be in it.
    pub(super) rules: Vec<Rule>,
}

/// Some characters of which a password has to have some.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) charset: Charset,
    /// How many of them it has at least.
    pub(super) least: usize,
}

impl PasswordPolicy {
    /// A new password.
    ///
    /// As many characters of each rule as it asks for are drawn first, then the rest from all
    /// characters there are, and then all of them are put in an order that is as likely as any
    /// other. So nothing is ever drawn in vain, whatever the rules, and nothing about a password
    /// tells which of its characters came for which rule. Every character is drawn evenly; see
    /// [`below`].
    pub(super) fn generate(&self, entropy: &dyn Entropy) -> Secret {
        let all = Charset::union(self.rules.iter().map(|rule| &rule.charset));
        let mut letters = Zeroizing::new(Vec::with_capacity(self.length));
        for rule in &self.rules {
            letters.extend((0..rule.least).filter_map(|_| rule.charset.draw(entropy)));
        }
        let missing = self.length.saturating_sub(letters.len());
        letters.extend((0..missing).filter_map(|_| all.draw(entropy)));
        for last in (1..letters.len()).rev() {
            letters.swap(last, below(entropy, last + 1));
        }
        Secret::new(letters.iter().collect::<String>())
    }

    /// What a password that somebody chose lacks, in words for them. Never repeats any of it.
    pub(super) fn flaw(&self, password: &Secret) -> Option<String> {
        let letters = || password.reveal().chars();
        let mut lacks = Vec::new();
        if letters().count() < self.length {
            lacks.push(format!("at least {} characters", self.length));
        }
        for rule in &self.rules {
            if letters().filter(|letter| rule.charset.contains(*letter)).count() < rule.least {
                let of = rule.charset.shown().unwrap_or_else(|| "the characters of a rule".into());
                lacks.push(format!("at least {} of {of}", rule.least));
            }
        }
        (!lacks.is_empty()).then(|| format!("the password needs {}", lacks.join(", and ")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use api::testing::Seeded;
    use proptest::prelude::*;

    use super::*;

    fn rule(charset: &str, least: usize) -> Rule {
        Rule { charset: Charset::of([charset]), least }
    }

    fn policy(length: usize, rules: &[(&str, usize)]) -> PasswordPolicy {
        let rules = rules.iter().map(|(charset, least)| rule(charset, *least)).collect();
        PasswordPolicy { length, rules }
    }

    #[track_caller]
    fn check(password: &str, expected: Option<&str>) {
        let policy = policy(8, &[("abcdefghijklmnopqrstuvwxyz", 1), ("0123456789", 2)]);
        assert_eq!(policy.flaw(&Secret::new(password)).as_deref(), expected, "{password}");
    }

    #[test]
    fn a_chosen_password_may_have_more_than_the_rules_ask_for() {
        check("horse battery 42", None);
        check("pferd·ÄÖÜ·42", None);
        check("abcdef12", None);
        check("äöüßé a12", None);
    }

    #[test]
    fn a_flaw_says_what_would_work_and_repeats_nothing() {
        check("abcde12", Some("the password needs at least 8 characters"));
        check("abcdefg1", Some("the password needs at least 2 of 0123456789"));
        check(
            "XYZ",
            Some(
                "the password needs at least 8 characters, and at least 1 of \
                 abcdefghijklmnopqrstuvwxyz, and at least 2 of 0123456789",
            ),
        );
        // Characters are counted, not bytes.
        check("äöüä12a", Some("the password needs at least 8 characters"));
    }

    /// What is drawn for a rule comes first, and must not stay there.
    #[test]
    fn what_a_rule_asks_for_may_stand_anywhere() {
        let policy = policy(4, &[("abc", 0), ("1", 1)]);
        let entropy = Seeded::new(5);
        let mut places = BTreeMap::new();
        for _ in 0..4000 {
            let password = policy.generate(&entropy);
            let place = password.reveal().find('1').unwrap();
            *places.entry(place).or_insert(0_u32) += 1;
        }
        assert_eq!(places.len(), 4);
        // More than one `1` is possible, so earlier places come first more often; but none is
        // ever far from what it should be (0.41, 0.27, 0.18, 0.13 of all).
        let expected = [1640, 1090, 730, 540];
        for (count, expected) in places.values().zip(expected) {
            assert!(count.abs_diff(expected) < 200, "{places:?}");
        }
    }

    fn any_policy() -> impl Strategy<Value = PasswordPolicy> {
        let any_rule = ("[ -~äöü漢]{1,20}", 0..12_usize);
        (prop::collection::vec(any_rule, 1..6), 0..40_usize).prop_map(|(rules, more)| {
            let rules: Vec<_> =
                rules.iter().map(|(charset, least)| rule(charset, *least)).collect();
            let least: usize = rules.iter().map(|rule| rule.least).sum();
            PasswordPolicy { length: (least + more).max(4), rules }
        })
    }

    proptest! {
        #[test]
        fn what_is_made_satisfies_what_it_was_made_by(policy in any_policy(), seed: u64) {
            let password = policy.generate(&Seeded::new(seed));
            prop_assert_eq!(policy.flaw(&password), None);
            prop_assert_eq!(password.reveal().chars().count(), policy.length);
            let allowed = |letter| policy.rules.iter().any(|rule| rule.charset.contains(letter));
            prop_assert!(password.reveal().chars().all(allowed));
        }
    }
}
