//! A token as a parameter of which any type will do: what is no text is no token, and no mistake of
//! another kind.

use std::fmt;

use api::Secret;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A token to look up, as it was sent.
#[derive(Default)]
pub(super) enum Shown {
    /// None, or an empty one: the caller's own is meant.
    #[default]
    Nothing,
    /// A text that may be one.
    Text(Secret),
    /// Something that can be no token.
    Other,
}

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(ShownVisitor)
    }
}

/// Takes the text over as it is, so that no copy of it stays behind.
struct ShownVisitor;

impl<'de> Visitor<'de> for ShownVisitor {
    type Value = Shown;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a token")
    }

    fn visit_unit<E>(self) -> std::result::Result<Shown, E> {
        Ok(Shown::Nothing)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Shown, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E>(self, text: String) -> std::result::Result<Shown, E> {
        Ok(if text.is_empty() { Shown::Nothing } else { Shown::Text(Secret::new(text)) })
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Shown, E> {
        Ok(Shown::Other)
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<Shown, E> {
        Ok(Shown::Other)
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Shown, E> {
        Ok(Shown::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Shown, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Shown::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Shown, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Shown::Other)
    }
}
