//! What a token may do: policies as people write them, and the decision over one request.
//!
//! A policy text is [parsed](parse()) into a [`Policy`]. The policies of one token are put together
//! into [`Compiled`], once, and that answers every request. All of it is pure: the clock, the
//! request and the policies are arguments.
//!
//! Exactly one rule decides a request: of all rules whose pattern matches its path, the one with
//! the most specific pattern. Rules with the same pattern, from whichever policy, are one rule;
//! those with other patterns do not matter at all. So a `deny` is only as strong as its pattern.
//!
//! Whatever cannot be enforced is refused when the policy is parsed, and whatever cannot be
//! evaluated denies: a rule whose path has `{{…}}` in it is filled in for whoever asks, and if that
//! cannot be done, everything it could be about is denied.
//!
//! Password policies have only the word in common with these: they say what a password has to be
//! made of.

mod allowed;
mod builtin;
mod capabilities;
mod capability;
mod compiled;
mod denied;
mod explain;
mod format;
mod globs;
mod granted;
mod index;
mod lint;
mod merged;
mod parameters;
mod parse;
mod password;
mod paths;
mod pattern;
mod refusal;
mod rule;
mod sent;
mod shadows;
mod store;
mod template;

pub(crate) use granted::{Granted, authorize};
pub(crate) use parameters::covers;
pub(crate) use password::{password_flaw, password_paths};
pub(crate) use paths::{NAME_MAX, paths};
pub(crate) use store::{
    CompiledCache, PREFIX, RESPONSE_WRAPPING_NAME, decode, found, nothing_compiled, of,
    of_whoever_asks, warn_of_unknown,
};

pub use builtin::{DEFAULT, RESPONSE_WRAPPING};
pub use capability::{Capabilities, Capability};
pub use compiled::{Access, Compiled, Question, Verdict};
pub use format::format;
pub use lint::{Finding, KV_MOUNT, beyond_servers, lint};
pub use merged::{MergedRule, Need, Source};
pub use parameters::{Parameters, Values};
pub use parse::{PolicyError, parse};
pub use pattern::Pattern;
pub use refusal::Refusal;
pub use rule::{Policy, Rule, Wrapping};
pub use template::{KnownAs, Person, Subject};

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
