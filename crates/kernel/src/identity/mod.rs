//! Identity: who is behind the names that auth methods know.
//!
//! An *entity* is a person or a program; an *alias* is the name that one mount knows it by. The
//! first login of an alias makes both, in the login's own commit. From then on every use of a
//! token asks its entity: for the policies it brings, whether it is disabled, and whether the
//! tokens of that alias were all ended since.

mod forget;
mod login;
mod owner;
mod record;
mod standing;
mod subject;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use forget::forget_aliases;
pub(crate) use login::identify;
pub(crate) use owner::{owner, start_generation};
pub(crate) use record::{Entity, PREFIX};
pub(crate) use standing::{Standing, standing};
pub(crate) use subject::subject;
