//! Whether a user may log in at all: disabled, only from some day on, only until another.

use std::fmt;

use api::{Error, Moment, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::null;

/// What an operator says about an account, as it is stored.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct Account {
    disabled: bool,
    valid_from: Option<Moment>,
    valid_until: Option<Moment>,
    pub(super) must_change_password: bool,
}

/// The fields as requests give them. Those left out stay as they are.
#[derive(Default, Deserialize, JsonSchema)]
pub(super) struct AccountFields {
    /// Whether logging in is refused. Tokens that were given out before stay, and can no longer be
    /// renewed.
    disabled: Option<bool>,
    /// When logging in becomes possible: "2030-01-31T12:00:00Z", or seconds since 1970. Empty means
    /// at once.
    #[serde(default, deserialize_with = "null::counts")]
    valid_from: Option<Point>,
    /// When logging in ceases to be possible: "2030-01-31T12:00:00Z", or seconds since 1970. Empty
    /// means never.
    #[serde(default, deserialize_with = "null::counts")]
    valid_until: Option<Point>,
    /// Whether the user has to choose another password before they can log in again.
    must_change_password: Option<bool>,
}

/// What to do about the tokens a user already holds.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Ending {
    /// Whether all tokens that the user holds end as well.
    #[serde(default)]
    pub(super) revoke_tokens: bool,
}

/// The fields as answers show them. What is not set is left out.
#[derive(JsonSchema, Serialize)]
pub(super) struct AccountView {
    /// Whether logging in is refused.
    #[serde(skip_serializing_if = "is_false")]
    disabled: bool,
    /// When logging in becomes possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<Moment>,
    /// When logging in ceases to be possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<Moment>,
    /// Whether the user has to choose another password.
    #[serde(skip_serializing_if = "is_false")]
    must_change_password: bool,
}

/// A point in time as clients give it, or none.
#[derive(Debug, PartialEq)]
struct Point(Option<Moment>);

impl Account {
    /// Takes over what a request says.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the account would never be valid.
    pub(super) fn change(&mut self, fields: AccountFields) -> Result<()> {
        self.disabled = fields.disabled.unwrap_or(self.disabled);
        self.valid_from = fields.valid_from.map_or(self.valid_from, |point| point.0);
        self.valid_until = fields.valid_until.map_or(self.valid_until, |point| point.0);
        let must_change = fields.must_change_password;
        self.must_change_password = must_change.unwrap_or(self.must_change_password);
        match (self.valid_from, self.valid_until) {
            (Some(from), Some(until)) if from >= until => {
                Err(Error::invalid("'valid_from' must be before 'valid_until'"))
            }
            _ => Ok(()),
        }
    }

    /// Whether its user may log in now.
    pub(super) fn is_open(&self, now: Moment) -> bool {
        !self.disabled
            && self.valid_from.is_none_or(|from| now >= from)
            && self.valid_until.is_none_or(|until| now < until)
    }

    /// The fields as answers show them.
    pub(super) fn view(&self) -> AccountView {
        let Self { disabled, valid_from, valid_until, must_change_password } = self.clone();
        AccountView { disabled, valid_from, valid_until, must_change_password }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}

struct Reading;

impl Visitor<'_> for Reading {
    type Value = Point;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a point in time such as \"2030-01-31T12:00:00Z\"")
    }

    fn visit_unit<E: de::Error>(self) -> std::result::Result<Point, E> {
        Ok(Point(None))
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> std::result::Result<Point, E> {
        Ok(Point(Some(Moment::from_unix(seconds))))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Point, E> {
        if text.is_empty() {
            return Ok(Point(None));
        }
        match text.parse() {
            Ok(seconds) => self.visit_u64(seconds),
            Err(_) => text.parse().map(|moment| Point(Some(moment))).map_err(E::custom),
        }
    }
}

impl JsonSchema for Point {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Point".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(given: Value, expected: Option<Option<u64>>) {
        let point = serde_json::from_value::<Point>(given.clone()).ok();
        let expected = expected.map(|seconds| Point(seconds.map(Moment::from_unix)));
        assert_eq!(point, expected, "{given}");
    }

    #[test]
    fn points_in_time_are_understood_as_clients_write_them() {
        check(json!("2026-02-01T10:00:00Z"), Some(Some(1_769_940_000)));
        check(json!("2026-02-01T11:00:00+01:00"), Some(Some(1_769_940_000)));
        check(json!("1769940000"), Some(Some(1_769_940_000)));
        check(json!(1_769_940_000), Some(Some(1_769_940_000)));
        check(json!(""), Some(None));
        check(json!(null), Some(None));
        check(json!("tomorrow"), None);
        check(json!(-5), None);
        check(json!(true), None);
    }

    #[test]
    fn an_account_is_open_from_the_first_moment_to_before_the_last() {
        let mut account = Account::default();
        let given = |from, until| AccountFields {
            valid_from: Some(Point(Some(Moment::from_unix(from)))),
            valid_until: Some(Point(Some(Moment::from_unix(until)))),
            ..AccountFields::default()
        };
        account.change(given(100, 200)).unwrap();
        let open = [99, 100, 199, 200].map(|now| account.is_open(Moment::from_unix(now)));
        assert_eq!(open, [false, true, true, false]);
        assert!(account.change(given(200, 200)).is_err());
    }
}
