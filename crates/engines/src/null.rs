//! Fields for which `null` is a value, and not the same as leaving them out.
//!
//! `policies: null` takes all policies away; no `policies` leaves them as they are.

use serde::{Deserialize, Deserializer};

/// Reads a field that was given, be it as `null`. For
/// `#[serde(default, deserialize_with = "null::counts")]`.
pub(crate) fn counts<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
