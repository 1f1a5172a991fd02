//! A policy as its author wrote it: rules, not yet merged with those of other policies.

use super::merged::smaller;
use super::{Capabilities, Parameters, Pattern};

/// The rules of one policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The rules, in the order of the text. Several may have the same pattern.
    pub rules: Vec<Rule>,
}

/// One `path "…" { … }` block.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The paths it is about.
    pub pattern: Pattern,
    /// What it allows there.
    pub capabilities: Capabilities,
    /// How long an answer must be wrapped.
    pub wrapping: Wrapping,
    /// What a request may carry.
    pub parameters: Parameters,
    /// How many entries of a listing may be told at once.
    pub pagination_limit: Option<u64>,
    /// The second since 1970 from which on the rule is as if it were not written.
    pub expiration: Option<u64>,
    /// The line of the policy it starts on, counted from one.
    pub line: u32,
}

/// Bounds on how long an answer is wrapped. One bound suffices to make wrapping mandatory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wrapping {
    /// The shortest time allowed.
    pub min_seconds: Option<u64>,
    /// The longest time allowed.
    pub max_seconds: Option<u64>,
}

impl Policy {
    /// Whether the rules are the same, on whichever lines they stand.
    pub fn means_the_same_as(&self, other: &Self) -> bool {
        let unplaced = |rule: &Rule| Rule { line: 0, ..rule.clone() };
        self.rules.iter().map(unplaced).eq(other.rules.iter().map(unplaced))
    }
}

impl Rule {
    /// Whether the rule counts at `now_seconds`.
    pub fn is_alive(&self, now_seconds: u64) -> bool {
        self.expiration.is_none_or(|end| now_seconds < end)
    }
}

impl Wrapping {
    /// Whether an answer may be wrapped for `wrap_ttl` seconds, or go unwrapped.
    ///
    /// After merging, the longest time can be below the shortest; then nothing is permitted.
    pub fn permits(self, wrap_ttl: Option<u64>) -> bool {
        if self == Self::default() {
            return true;
        }
        let Some(seconds) = wrap_ttl.filter(|seconds| *seconds > 0) else { return false };
        self.min_seconds.is_none_or(|min| seconds >= min)
            && self.max_seconds.is_none_or(|max| seconds <= max)
    }

    /// The smaller of each bound, where only one has it that one.
    #[must_use]
    pub(super) fn merged(self, other: Self) -> Self {
        Self {
            min_seconds: smaller(self.min_seconds, other.min_seconds),
            max_seconds: smaller(self.max_seconds, other.max_seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bounds: (u64, u64), wrap_ttl: u64, expected: bool) {
        let bound = |seconds: u64| Some(seconds).filter(|seconds| *seconds > 0);
        let wrapping = Wrapping { min_seconds: bound(bounds.0), max_seconds: bound(bounds.1) };
        assert_eq!(wrapping.permits(bound(wrap_ttl)), expected, "{bounds:?} {wrap_ttl}");
    }

    #[test]
    fn wrapping_is_demanded_within_its_bounds() {
        check((0, 0), 0, true);
        check((0, 0), 50, true);
        check((300, 400), 0, false);
        check((300, 400), 50, false);
        check((300, 400), 299, false);
        check((300, 400), 300, true);
        check((300, 400), 350, true);
        check((300, 400), 400, true);
        check((300, 400), 450, false);
        check((300, 0), 450, true);
        check((300, 0), 0, false);
        check((1, 0), 1, true);
        check((0, 400), 1, true);
        check((0, 400), 0, false);
        check((400, 300), 350, false);
        check((400, 300), 0, false);
    }
}
