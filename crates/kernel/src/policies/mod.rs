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
//! evaluated grants nothing. A rule whose path has `{{…}}` in it waits for identities: until its
//! path can be filled in, it is kept and matches nothing. It may therefore not deny either, since
//! a `deny` that matches nothing would silently grant.
//!
//! Password policies have only the word in common with these: they say what a password has to be
//! made of.

mod builtin;
mod capability;
mod compiled;
mod granted;
mod index;
mod merged;
mod parameters;
mod parse;
mod password;
mod paths;
mod pattern;
mod rule;
mod store;

pub(crate) use granted::{Granted, authorize};
pub(crate) use password::{password_flaw, password_paths};
pub(crate) use paths::{NAME_MAX, paths};
pub(crate) use store::{
    CompiledCache, PREFIX, RESPONSE_WRAPPING_NAME, Stored, decode, found, of, of_whoever_asks,
    warn_of_unknown,
};

pub use builtin::{DEFAULT, RESPONSE_WRAPPING};
pub use capability::{Capabilities, Capability};
pub use compiled::{Compiled, Question, Verdict};
pub use merged::{MergedRule, Need};
pub use parameters::Parameters;
pub use parse::{PolicyError, parse};
pub use pattern::Pattern;
pub use rule::{Policy, Rule, Wrapping};

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
