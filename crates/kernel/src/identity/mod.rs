//! Identity: who is behind the names that auth methods know.
//!
//! An *entity* is a person or a program; an *alias* is the name that one mount knows it by. The
//! first login of an alias makes both, in the login's own commit.

mod login;
mod record;
mod subject;

pub(crate) use login::{admit, identify};
pub(crate) use subject::subject;
