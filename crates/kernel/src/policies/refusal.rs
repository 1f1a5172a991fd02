//! Why a request is not allowed. Only who may see the policies is ever told.

use std::fmt;
use std::sync::Arc;

use api::ENTRIES_MAX;

use super::Capability;

/// The first thing that stands in the way of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No rule is about this path.
    NoRule,
    /// A rule that could be about this path has holes that cannot be filled in for the caller.
    Unfilled {
        /// The policy the rule is in.
        policy: Arc<str>,
        /// The line it starts on.
        line: u32,
        /// Its path, as written.
        pattern: String,
    },
    /// The rule that decides says `deny`.
    Denied,
    /// The rule that decides lacks the capability.
    Missing(Capability),
    /// The answer goes unwrapped, or is wrapped for too long or too short a time.
    Wrapping,
    /// This parameter must be given.
    Required(String),
    /// This parameter may not be given, or not with this value.
    DeniedParameter(String),
    /// Only others than this parameter may be given, or it only with other values.
    NotAllowedParameter(String),
    /// This parameter has more members than can be held against the rule.
    TooManyValues(String),
    /// More entries of a listing are asked for than the rule allows, or it is unclear how many.
    Limit(u64),
}

impl Refusal {
    /// One word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoRule => "no-rule",
            Self::Unfilled { .. } => "unfilled-template",
            Self::Denied => "denied",
            Self::Missing(_) => "missing-capability",
            Self::Wrapping => "wrapping",
            Self::Required(_) => "required-parameter",
            Self::DeniedParameter(_) => "denied-parameter",
            Self::NotAllowedParameter(_) => "not-allowed-parameter",
            Self::TooManyValues(_) => "too-many-values",
            Self::Limit(_) => "pagination-limit",
        }
    }

    /// The capability or parameter it is about, if it is about one.
    pub fn missing(&self) -> Option<&str> {
        match self {
            Self::Missing(capability) => Some(capability.name()),
            Self::Required(name)
            | Self::DeniedParameter(name)
            | Self::NotAllowedParameter(name)
            | Self::TooManyValues(name) => Some(name),
            Self::Limit(_) => Some("limit"),
            Self::NoRule | Self::Unfilled { .. } | Self::Denied | Self::Wrapping => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRule => formatter.write_str("no rule is about this path"),
            Self::Unfilled { .. } => formatter.write_str(
                "a rule that could be about this path has a template that cannot be filled in \
                 for this caller",
            ),
            Self::Denied => formatter.write_str("the rule says deny"),
            Self::Missing(capability) => {
                write!(formatter, "the rule does not grant {}", capability.name())
            }
            Self::Wrapping => {
                formatter.write_str("the rule demands a wrapped answer, within its times")
            }
            Self::Required(name) => write!(formatter, "the rule requires the parameter {name:?}"),
            Self::DeniedParameter(name) => {
                write!(formatter, "the rule denies the parameter {name:?}, or its value")
            }
            Self::NotAllowedParameter(name) => {
                write!(formatter, "the rule does not allow the parameter {name:?}, or its value")
            }
            Self::TooManyValues(name) => write!(
                formatter,
                "the rule is about values of the parameter {name:?}, and there is too much in it \
                 to tell; lists have at most {ENTRIES_MAX} members, also those with commas"
            ),
            Self::Limit(most) => write!(formatter, "the rule allows at most {most} entries"),
        }
    }
}
