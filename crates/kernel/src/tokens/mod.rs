//! Tokens: who a caller is.
//!
//! A bearer token cannot be recovered from storage: only a keyed hash of it is stored, and nothing
//! that is stored (lease, index, audit) contains it. A token's record, its accessor, its place
//! among its parent's children and its due date are always written and removed in one commit.
//!
//! A token is good while its record is there, its time has not come, its ancestors are good and
//! the mount that gave it out is still enabled. So ending a token ends its whole tree at once, with
//! one small write; a worker clears up behind it.
//!
//! A batch token is the exception: it is kept nowhere, and its text is the record, sealed.
//!
//! Reading order: `record`, `format` and `batch` (what a token is), `authenticate`, `grant` (how
//! long one lives, and writing it down), `end`; then the doors: `create`, `role`, `paths`.

mod authenticate;
mod batch;
mod create;
mod end;
mod format;
mod grant;
mod kind;
mod owned;
mod paths;
mod present;
mod record;
mod renew;
mod resolve;
mod role;
mod shown;
mod span;

pub(crate) use authenticate::{
    Holder, authenticate, by_accessor, by_key, find, hold_on, let_go, recognize,
};
pub(crate) use end::{Ended, clear_up_ended, empty_cubbyholes, end, end_if_due};
pub(crate) use grant::{Grant, Issue, POLICIES_MAX, found_root, issue, key_of};
pub(crate) use kind::{Kind, KindRule};
pub(crate) use owned::{clear_up_owners, end_all_before, of_owner};
pub(crate) use paths::paths;
pub(crate) use record::{FIRST_ROOT_PATH, Owner, PREFIX, TOKENS, Token, TokenKey};

/// How many ancestors a token may have: each is looked at whenever the token is used.
const ANCESTORS_MAX: usize = 32;
