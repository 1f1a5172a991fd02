//! Response wrapping: an answer is kept, and the caller gets a token that fetches it once.
//!
//! The answer lies with the cubbyhole of the wrapping token, sealed so that only the token opens it
//! (`sealed`); the token is good for one use. Both are written in the commit of the request itself,
//! so whatever was made to answer it (a token, say) is never there without its wrapping. Fetching
//! the answer ends the token in the commit that fetches it: of many who try, one gets it.

mod paths;
mod sealed;
mod wrap;

pub(crate) use paths::paths;
pub(crate) use wrap::{check_time, wrap};
