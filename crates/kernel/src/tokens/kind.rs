//! The kinds of tokens, and who decides which is made.

use serde::{Deserialize, Serialize};

/// Whether a token is kept here or carries itself.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Kept in the store.
    #[default]
    Service,
    /// Kept nowhere: its text is the record, sealed.
    Batch,
}

/// What a mount or a role says about the kind of its tokens.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KindRule {
    /// Service tokens, unless whoever asks wants others.
    #[default]
    DefaultService,
    /// Batch tokens, unless whoever asks wants others.
    DefaultBatch,
    /// Service tokens, whoever asks.
    Service,
    /// Batch tokens, whoever asks.
    Batch,
}

impl Kind {
    /// The word clients know.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Batch => "batch",
        }
    }

    /// The kind clients call `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Service, Self::Batch].into_iter().find(|kind| kind.name() == name)
    }
}

impl KindRule {
    const ALL: [Self; 4] = [Self::DefaultService, Self::DefaultBatch, Self::Service, Self::Batch];

    /// The word clients know.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DefaultService => "default-service",
            Self::DefaultBatch => "default-batch",
            Self::Service => "service",
            Self::Batch => "batch",
        }
    }

    /// The rule clients call `name`; no name at all is the usual one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "" => Some(Self::default()),
            name => Self::ALL.into_iter().find(|rule| rule.name() == name),
        }
    }

    /// The kind that is made when `wanted` is asked for.
    pub(crate) fn choose(self, wanted: Option<Kind>) -> Kind {
        match (self, wanted) {
            (Self::Service, _) | (Self::DefaultService, None) => Kind::Service,
            (Self::Batch, _) | (Self::DefaultBatch, None) => Kind::Batch,
            (Self::DefaultService | Self::DefaultBatch, Some(wanted)) => wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of nothing, service and batch being asked for.
    #[track_caller]
    fn check(rule: &str, expected: [&str; 3]) {
        let wanted = [None, Some(Kind::Service), Some(Kind::Batch)];
        let rule = KindRule::named(rule);
        let chosen = wanted.map(|wanted| rule.map(|rule| rule.choose(wanted).name()));
        assert_eq!(chosen, expected.map(Some), "{rule:?}");
    }

    #[test]
    fn a_rule_forces_and_a_default_gives_way() {
        check("default-service", ["service", "service", "batch"]);
        check("", ["service", "service", "batch"]);
        check("default-batch", ["batch", "service", "batch"]);
        check("service", ["service", "service", "service"]);
        check("batch", ["batch", "batch", "batch"]);
        assert_eq!(KindRule::named("default"), None);
        assert_eq!(Kind::named("default-service"), None);
    }
}
