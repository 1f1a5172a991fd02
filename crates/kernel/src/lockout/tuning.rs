//! What operators say about lockout when they tune a mount, and how they read it again.

use std::borrow::Cow;

use api::{Error, Result, Seconds, duration};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{LOCKABLE_METHODS, LockoutTerms};

/// `user_lockout_config` as it was sent: its mistakes are told in the words clients know.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct LockoutTuning(Value);

/// What was said about lockout; 0 means what the system says.
#[derive(JsonSchema, Serialize)]
pub(crate) struct LockoutView {
    user_lockout_counter_reset_duration: u64,
    user_lockout_disable: bool,
    user_lockout_duration: u64,
    user_lockout_threshold: u64,
}

impl LockoutTuning {
    /// Changes what a mount of `engine` says about lockout: `terms` is what it said so far.
    ///
    /// # Errors
    /// [`Error::Invalid`] where nobody is locked, or when it makes no sense.
    pub(crate) fn apply(self, engine: &str, terms: &mut Option<LockoutTerms>) -> Result<()> {
        let Value::Object(fields) = self.0 else {
            return Err(Error::invalid("unable to convert given user lockout config information"));
        };
        if fields.is_empty() {
            return Ok(());
        }
        if !LOCKABLE_METHODS.contains(&engine) {
            return Err(Error::invalid(format!(
                "tuning of user lockout configuration for auth type \"{engine}\" not allowed"
            )));
        }
        *terms = Some(changed(terms.unwrap_or_default(), &fields)?);
        Ok(())
    }
}

fn changed(mut terms: LockoutTerms, fields: &Map<String, Value>) -> Result<LockoutTerms> {
    let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
    let failed = |what: &str, why: String| {
        Error::invalid(format!("unable to parse user lockout {what}: {why}"))
    };
    if let Some(value) = given("lockout_threshold") {
        terms.threshold = threshold(value).map_err(|why| failed("threshold", why))?;
    }
    if let Some(value) = given("lockout_duration") {
        terms.duration = seconds(value).map_err(|why| failed("duration", why))?;
    }
    if let Some(value) = given("lockout_counter_reset_duration") {
        terms.counter_reset =
            seconds(value).map_err(|why| failed("counter reset duration", why))?;
    }
    if let Some(value) = given("lockout_disable") {
        terms.disabled = Some(truth(value).map_err(|why| failed("disable value", why))?);
    }
    Ok(terms)
}

type Read<T> = std::result::Result<T, String>;

/// 0 means what the system says.
fn threshold(value: &Value) -> Read<Option<u64>> {
    let number = plain(value).and_then(|text| text.trim().parse::<u64>().ok());
    let number = number.ok_or("expected a whole number, written in digits")?;
    Ok(Some(number).filter(|number| *number > 0))
}

/// 0 and `system` mean what the system says.
fn seconds(value: &Value) -> Read<Option<Seconds>> {
    match plain(value).ok_or("expected a duration such as \"15m\" or 900")?.trim() {
        "system" => Ok(None),
        text => {
            let seconds = duration::parse(text).map_err(|error| error.discreet().to_string())?;
            Ok(Seconds(seconds).set())
        }
    }
}

fn truth(value: &Value) -> Read<bool> {
    match plain(value).as_deref() {
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// A value as text, however it was written.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl From<LockoutTerms> for LockoutView {
    fn from(terms: LockoutTerms) -> Self {
        Self {
            user_lockout_counter_reset_duration: terms.counter_reset.unwrap_or_default().0,
            user_lockout_disable: terms.disabled.unwrap_or(false),
            user_lockout_duration: terms.duration.unwrap_or_default().0,
            user_lockout_threshold: terms.threshold.unwrap_or_default(),
        }
    }
}

impl JsonSchema for LockoutTuning {
    fn schema_name() -> Cow<'static, str> {
        "LockoutTuning".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let seconds = |description| {
            json_schema!({
                "description": description, "type": "integer", "format": "seconds",
            })
        };
        json_schema!({
            "type": "object",
            "properties": {
                "lockout_threshold": {
                    "description": "Failed logins after which a name is locked; 0 means what the \
                                    system says.",
                    "type": "integer",
                },
                "lockout_duration": seconds("How long it is locked; \"system\" means what the \
                                             system says."),
                "lockout_counter_reset_duration": seconds("How long after the last failure they \
                                                           are forgotten."),
                "lockout_disable": {
                    "description": "Counts nothing, and locks nobody.",
                    "type": "boolean",
                },
            },
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    /// Threshold, duration, counter reset and whether it is off, after saying `given`.
    #[track_caller]
    fn check(given: Value, expected: std::result::Result<(u64, u64, u64, bool), &str>) {
        let mut terms = Some(LockoutTerms { threshold: Some(9), ..LockoutTerms::default() });
        let tuning: LockoutTuning = serde_json::from_value(given.clone()).unwrap();
        let outcome = tuning.apply("userpass", &mut terms).map(|()| {
            let view = LockoutView::from(terms.unwrap());
            let LockoutView { user_lockout_threshold, user_lockout_disable, .. } = view;
            let reset = view.user_lockout_counter_reset_duration;
            (user_lockout_threshold, view.user_lockout_duration, reset, user_lockout_disable)
        });
        assert_eq!(outcome, expected.map_err(Error::invalid), "{given}");
    }

    #[test]
    fn words_numbers_and_durations_are_taken_as_clients_write_them() {
        check(json!({}), Ok((9, 0, 0, false)));
        check(json!({"lockout_threshold": "3", "lockout_duration": "30s"}), Ok((3, 30, 0, false)));
        check(json!({"lockout_threshold": 3, "lockout_duration": 30}), Ok((3, 30, 0, false)));
        check(
            json!({"lockout_counter_reset_duration": "1m", "lockout_disable": "true"}),
            Ok((9, 0, 60, true)),
        );
        check(json!({"lockout_disable": false}), Ok((9, 0, 0, false)));
        let system = json!({"lockout_threshold": 0, "lockout_duration": "system"});
        check(system, Ok((0, 0, 0, false)));
    }

    #[test]
    fn mistakes_are_named_in_the_words_clients_know() {
        let convert = "unable to convert given user lockout config information";
        check(json!("lockout_threshold=3"), Err(convert));
        check(json!([]), Err(convert));
        for wrong in [json!("many"), json!(-1), json!(1.5), json!([])] {
            check(
                json!({ "lockout_threshold": wrong }),
                Err("unable to parse user lockout threshold: expected a whole number, written in \
                     digits"),
            );
        }
        for (field, what) in [
            ("lockout_duration", "duration"),
            ("lockout_counter_reset_duration", "counter reset duration"),
        ] {
            let mut terms = None;
            let tuning: LockoutTuning = serde_json::from_value(json!({field: "hunter2"})).unwrap();
            let Err(Error::Invalid(text)) = tuning.apply("ldap", &mut terms) else {
                unreachable!("it is no duration");
            };
            let start = format!("unable to parse user lockout {what}: ");
            assert!(text.starts_with(&start) && !text.contains("hunter2"), "{text}");
        }
        check(
            json!({"lockout_disable": "maybe"}),
            Err("unable to parse user lockout disable value: expected true or false"),
        );
        let tuning: LockoutTuning = serde_json::from_value(json!({"lockout_disable": 1})).unwrap();
        assert_eq!(
            tuning.apply("github", &mut None),
            Err(Error::invalid(
                "tuning of user lockout configuration for auth type \"github\" not allowed"
            ))
        );
    }
}
