//! Durations that are only judged when their turn comes.

use std::fmt;

use api::{Error, Result, Seconds, duration};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, de};

/// A duration as it was sent. Of several mistakes in one request clients expect to be told one
/// certain, which is not always this.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Span {
    /// Nothing was said.
    #[default]
    Absent,
    /// A duration; zero is one.
    Given(Seconds),
    /// Less than nothing.
    Negative,
    /// No duration; why, without the text itself.
    Flawed(&'static str),
}

impl Span {
    /// The duration; none at all when nothing was said.
    ///
    /// # Errors
    /// [`Error::Invalid`] about the field called `name`.
    pub(super) fn judge(self, name: &str) -> Result<Seconds> {
        match self {
            Self::Absent => Ok(Seconds::ZERO),
            Self::Given(time) => Ok(time),
            Self::Negative => Err(Error::invalid(format!("{name} must be positive"))),
            Self::Flawed(flaw) => Err(Error::invalid(flaw)),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Span;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a duration such as \"1h\" or 3600")
    }

    fn visit_unit<E: de::Error>(self) -> std::result::Result<Span, E> {
        Ok(Span::Absent)
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> std::result::Result<Span, E> {
        Ok(match duration::bounded(seconds) {
            Ok(seconds) => Span::Given(Seconds(seconds)),
            Err(flaw) => Span::Flawed(flaw.discreet()),
        })
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> std::result::Result<Span, E> {
        Ok(u64::try_from(seconds).map_or(Span::Negative, |seconds| Span::Given(Seconds(seconds))))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Span, E> {
        Ok(match duration::parse(text) {
            Ok(_) if text.is_empty() => Span::Absent,
            Ok(seconds) => Span::Given(Seconds(seconds)),
            Err(duration::Error::Negative(_)) => Span::Negative,
            Err(flaw) => Span::Flawed(flaw.discreet()),
        })
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Seconds::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[track_caller]
    fn check(json: &str, expected: Option<Span>) {
        assert_eq!(serde_json::from_str(json).ok(), expected, "{json}");
    }

    #[test]
    fn mistakes_are_kept_until_their_turn_comes() {
        check("null", Some(Span::Absent));
        check("\"\"", Some(Span::Absent));
        check("0", Some(Span::Given(Seconds::ZERO)));
        check("\"1h\"", Some(Span::Given(Seconds(3600))));
        check("-1", Some(Span::Negative));
        check("\"-1s\"", Some(Span::Negative));
        check("\"abc\"", Some(Span::Flawed("time: invalid duration; try \"1h30m\"")));
        let too_long = Some(Span::Flawed("the duration is too long; at most 292 years"));
        for beyond in ["9223372037", "18446744073709551615", "\"9223372037\""] {
            check(beyond, too_long);
        }
        check("[1]", None);
        let negative = Span::Negative.judge("ttl").unwrap_err();
        assert_eq!(negative, Error::invalid("ttl must be positive"));
    }
}
