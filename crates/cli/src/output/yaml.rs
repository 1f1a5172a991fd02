//! YAML with the content of the JSON form, keys sorted.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

/// The YAML text of a value, without white space around it.
pub(crate) fn text(value: &impl Serialize) -> Result<String, String> {
    let value = serde_json::to_value(value).map_err(|cause| cause.to_string())?;
    let text = serde_saphyr::to_string(&Plain(&value)).map_err(|cause| cause.to_string())?;
    Ok(text.trim().to_owned())
}

/// A value whose numbers are plain ones: those of `serde_json` keep their text in a form only it
/// understands.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::String(value) => serializer.serialize_str(value),
            Value::Number(number) => {
                if let Some(whole) = number.as_i64() {
                    serializer.serialize_i64(whole)
                } else if let Some(whole) = number.as_u64() {
                    serializer.serialize_u64(whole)
                } else if let Some(broken) = number.as_f64() {
                    serializer.serialize_f64(broken)
                } else {
                    serializer.serialize_str(&number.to_string())
                }
            }
            Value::Array(values) => {
                let mut sequence = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    sequence.serialize_element(&Plain(value))?;
                }
                sequence.end()
            }
            Value::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, &Plain(value))?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: Value, expected: &str) {
        assert_eq!(text(&value).as_deref(), Ok(expected));
    }

    #[test]
    fn yaml_has_plain_numbers_and_sorted_keys() {
        check(json!({"b": 5, "a": "x", "c": null, "d": 1.5}), "a: x\nb: 5\nc: null\nd: 1.5");
        check(json!(["a", "b"]), "- a\n- b");
        check(json!({"a": "true", "b": true}), "a: \"true\"\nb: true");
        check(json!({}), "{}");
    }
}
