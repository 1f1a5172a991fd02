//! What an engine may ask of the kernel, in the same transaction as the rest of its request.

use std::net::IpAddr;

use crate::{BoxFuture, Moment, Page, Result, Secret};

/// The kernel's services to the engine at one mount. All of them belong to the request's own
/// transaction: what is ended or changed here happens with the rest of the request or not at all.
pub trait Services: Send + Sync {
    /// The tokens that this mount gave to `alias` and that are good right now, oldest first;
    /// [`Page::after`] is an accessor.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn sessions<'a>(
        &'a self,
        alias: &'a str,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Vec<Session>>>;

    /// Ends the token with this accessor and everything below it; `false` when this mount gave no
    /// such token to `alias`.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn end_session<'a>(&'a self, alias: &'a str, accessor: &'a str) -> BoxFuture<'a, Result<bool>>;

    /// Ends every token that this mount gave to `alias`, however many, but for the one with the
    /// accessor `except`.
    ///
    /// # Errors
    /// When the store cannot answer.
    fn end_sessions<'a>(
        &'a self,
        alias: &'a str,
        except: Option<&'a str>,
    ) -> BoxFuture<'a, Result<()>>;

    /// Hears that what was shown proves to be `alias`, and forgets the failures before it. A name
    /// can be locked after too many of them; then nothing may be done or answered that depends on
    /// this guess having been right, and no work either, since it takes time. So whoever checks a
    /// password says so first of all.
    ///
    /// # Errors
    /// [`Error::LockedOut`](crate::Error::LockedOut) while the name is locked.
    fn proved<'a>(&'a self, alias: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Why `password` does not satisfy the password policy called `policy`, if it does not.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) when there is no such policy.
    fn password_flaw<'a>(
        &'a self,
        policy: &'a str,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<String>>>;
}

/// A token that an auth method gave out, as its owner may know it.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Names the token without being it.
    pub accessor: String,
    /// When its owner logged in.
    pub issued: Moment,
    /// When it was last renewed.
    pub renewed: Option<Moment>,
    /// When it ends, unless it is renewed; `None` when never.
    pub expires: Option<Moment>,
    /// The address the login came from.
    pub address: Option<IpAddr>,
}
