//! Everything that a field could take a value for.
//!
//! Fields bend what they are given: `"1"`, `1` and `true` are the same to one that wants a truth,
//! `"a,b"` and `["a", "b"]` to one that wants a list. Whoever denies a value must deny all of its
//! spellings, and cannot know what the field wants. So each value has a set of readings, one for
//! each kind of field, and two values that some field takes for the same share one of them.
//!
//! The leniency itself asks here how a text is a truth, a list or an object, so that the two cannot
//! drift apart. Readings may be wider than any field is (a text is folded, for one): then more is
//! denied than needs be, never less.

use std::borrow::Cow;
use std::slice;

use serde_json::{Map, Number, Value};

use crate::parameters::ENTRIES_MAX;
use crate::{Moment, duration};

/// One thing that a field could take a value for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reading {
    /// Whether something is so.
    Truth(bool),
    /// A number.
    Number(Decimal),
    /// A duration in seconds.
    Seconds(u64),
    /// A duration below zero; where that means something, they all mean the same.
    LessThanNoTime,
    /// A point in time.
    Moment(Moment),
    /// A text, [folded](fold) and without spaces around it.
    Text(String),
}

/// A number as what it is, not as how it is written: 5 is 5.0 is 50e-1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    is_negative: bool,
    /// Without zeros around them; none for zero.
    digits: String,
    /// The power of ten of the last digit.
    exponent: i64,
}

/// More entries than [`ENTRIES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// What fields could take `value` for that want neither a list nor an object.
///
/// Nothing is read as what is empty, zero or false: to that a field goes back that is given `null`.
pub fn readings(value: &Value) -> Vec<Reading> {
    match value {
        Value::Null => {
            let zeros = [Reading::Truth(false), number(&0.into()), Reading::Seconds(0)];
            [text("")].into_iter().chain(zeros).collect()
        }
        Value::Bool(truth) => {
            let word = text(if *truth { "true" } else { "false" });
            vec![Reading::Truth(*truth), number(&u8::from(*truth).into()), word]
        }
        Value::Number(given) => of_number(given),
        Value::String(given) => of_text(given),
        Value::Array(_) | Value::Object(_) => vec![],
    }
}

/// The members of `value` for a field that wants a list: those of a list, the parts of a text
/// between commas, nothing for `null`, and of anything else itself.
///
/// # Errors
/// When there are too many.
pub fn list(value: &Value) -> Result<Cow<'_, [Value]>, TooMany> {
    let members = match value {
        Value::Array(members) => Cow::Borrowed(members.as_slice()),
        Value::Null => Cow::Borrowed(&[][..]),
        Value::String(text) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Cow::Owned(parts.take(ENTRIES_MAX + 1).map(Value::from).collect())
        }
        single => Cow::Borrowed(slice::from_ref(single)),
    };
    if members.len() > ENTRIES_MAX { Err(TooMany) } else { Ok(members) }
}

/// What `value` is for a field that wants an object: itself, the pairs `k=v` of a text or a list of
/// texts, nothing for `null`. `None` when it can be no object.
pub fn object(value: &Value) -> Option<Cow<'_, Map<String, Value>>> {
    let pairs = match value {
        Value::Object(object) => return Some(Cow::Borrowed(object)),
        Value::Array(pairs) => pairs.as_slice(),
        Value::Null => &[],
        pair @ Value::String(_) => slice::from_ref(pair),
        Value::Bool(_) | Value::Number(_) => return None,
    };
    let pair = |pair: &Value| {
        let (name, value) = pair.as_str()?.split_once('=')?;
        Some((name.trim().to_owned(), value.into()))
    };
    pairs.iter().map(pair).collect::<Option<_>>().map(Cow::Owned)
}

/// The truth that a text says, in exactly the spellings that fields take.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" | "" => Some(false),
        _ => None,
    }
}

/// Letter by letter in lower case, the two small sigmas as one: what is the same text for whoever
/// does not look at case is the same text here, whatever stands around it.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let small = text.chars().flat_map(char::to_lowercase);
    small.map(|letter| if letter == 'ς' { 'σ' } else { letter }).collect()
}

fn text(given: &str) -> Reading {
    Reading::Text(fold(given.trim()))
}

fn number(given: &Number) -> Reading {
    Reading::Number(Decimal::of(given))
}

fn of_number(given: &Number) -> Vec<Reading> {
    let digits = given.to_string();
    let mut found = vec![text(&digits), number(given)];
    found.extend(truth_of(&digits).map(Reading::Truth));
    found.extend(given.as_i64().filter(|seconds| *seconds < 0).map(|_| Reading::LessThanNoTime));
    if let Some(seconds) = given.as_u64() {
        found.push(Reading::Moment(Moment::from_unix(seconds)));
        found.extend(duration::bounded(seconds).map(Reading::Seconds));
    }
    found
}

fn of_text(given: &str) -> Vec<Reading> {
    let trimmed = given.trim();
    let mut found = vec![text(trimmed)];
    found.extend(truth_of(trimmed).map(Reading::Truth));
    // Names begin with letters, and most texts are names: they are spared the rest.
    if !trimmed.is_empty() && !trimmed.starts_with(|first: char| "+-.0123456789".contains(first)) {
        return found;
    }
    if let Some(given) = number_of(trimmed) {
        found.push(number(&given));
        found.extend(given.as_u64().map(|seconds| Reading::Moment(Moment::from_unix(seconds))));
    }
    found.extend(trimmed.parse().ok().map(Reading::Moment));
    match duration::parse(trimmed) {
        Ok(seconds) => found.push(Reading::Seconds(seconds)),
        Err(duration::Error::Negative(_)) => found.push(Reading::LessThanNoTime),
        Err(_) => {}
    }
    found
}

fn truth_of(text: &str) -> Option<bool> {
    /// No truth is spelled with more letters.
    const LETTERS_MAX: usize = "false".len();
    if text.len() > LETTERS_MAX { None } else { truth(&text.to_ascii_lowercase()) }
}

/// The number that fields take a text for: also with zeros or a plus in front, as in `+02`.
fn number_of(text: &str) -> Option<Number> {
    let (minus, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let bare = digits.trim_start_matches('0');
    let zero = if bare.starts_with(|first: char| first.is_ascii_digit()) { "" } else { "0" };
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit());
    is_number.then(|| serde_json::from_str(&format!("{minus}{zero}{bare}")).ok()).flatten()
}

impl Decimal {
    /// What `number` is. One whose exponent is beyond all measure is only itself.
    pub fn of(number: &Number) -> Self {
        let text = number.to_string();
        Self::parse(&text).unwrap_or(Self { is_negative: false, digits: text, exponent: i64::MAX })
    }

    fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        let significant = digits.trim_end_matches('0');
        if significant.is_empty() {
            return Some(Self { is_negative: false, digits: String::new(), exponent: 0 });
        }
        let shift = i64::try_from(fraction.len()).ok()?;
        let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
        let exponent = exponent.parse::<i64>().ok()?.checked_sub(shift)?.checked_add(zeros)?;
        Some(Self { is_negative: text.starts_with('-'), digits: significant.to_owned(), exponent })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use proptest::prelude::*;
    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;
    use crate::{Given, Seconds};

    #[derive(Deserialize, PartialEq)]
    struct Field<T> {
        field: T,
    }

    fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
        let sent = json!({ "field": value }).as_object().unwrap().clone();
        let given = Given { sent, ..Given::default() };
        given.parse::<Field<T>>().ok().map(|read| read.field)
    }

    /// Whether a field of this type takes both for the same.
    fn is_same_to<T: DeserializeOwned + PartialEq>(one: &Value, other: &Value) -> bool {
        read::<T>(one).is_some_and(|one| read::<T>(other) == Some(one))
    }

    fn value() -> impl Strategy<Value = Value> {
        let words = &[
            "",
            " ",
            "0",
            "1",
            "t",
            "T",
            "True",
            "FALSE",
            "f",
            "true",
            "false",
            "00",
            "+1",
            " 1 ",
            "-0",
            "-1",
            "01",
            "60",
            "1m",
            "60s",
            "1.0",
            "0s",
            "-1s",
            "a",
            "A",
            "1e0",
            "1970-01-01T00:01:00Z",
        ];
        let numbers = ["0", "1", "-0", "-1", "60", "1.0", "1e0", "0.0", "-5"]
            .map(|digits| serde_json::from_str(digits).unwrap());
        prop_oneof![
            4 => prop::sample::select(&words[..]).prop_map(Value::from),
            2 => prop::sample::select(numbers.to_vec()),
            1 => prop::sample::select(vec![json!(true), json!(false), json!(null)]),
        ]
    }

    proptest! {
        #[test]
        fn what_any_field_takes_for_the_same_shares_a_reading(one in value(), other in value()) {
            let is_same = is_same_to::<bool>(&one, &other)
                || is_same_to::<u64>(&one, &other)
                || is_same_to::<i64>(&one, &other)
                || is_same_to::<Seconds>(&one, &other)
                || is_same_to::<Moment>(&one, &other)
                || is_same_to::<String>(&one, &other);
            let of_other = readings(&other);
            let shares = readings(&one).iter().any(|reading| of_other.contains(reading));
            prop_assert!(shares || !is_same, "{} and {}", one, other);
        }
    }

    #[track_caller]
    fn check(one: Value, other: Value, expected: bool) {
        let of_other = readings(&other);
        let shares = readings(&one).iter().any(|reading| of_other.contains(reading));
        assert_eq!(shares, expected, "{one} and {other}");
    }

    #[test]
    fn what_no_field_takes_for_the_same_shares_no_reading() {
        check(json!("a"), json!("b"), false);
        check(json!(5), json!("50"), false);
        check(json!(5), json!(-5), false);
        check(json!("yes"), json!(true), false);
        check(json!(true), json!(false), false);
        check(json!(2), json!(true), false);
        check(json!("1h"), json!("1m"), false);
        check(json!("ΟΔΟΣ"), json!("οδος"), true);
    }
}
