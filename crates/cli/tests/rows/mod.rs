//! Vulnerabilities that were published in this family, by the number of their row in the list of
//! what must hold, tried from outside at every door that a running server says it has.
//!
//! Nothing here looks inside: what was sent comes byte by byte over HTTP, and whether it changed
//! anything is read at the same doors. A door that is added is tried without a word here.

mod bodies;
mod doors;
mod house;
mod names;
mod paths;
mod policies;
mod wire;
mod wrapping;
