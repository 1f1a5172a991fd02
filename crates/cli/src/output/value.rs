//! Values in a table cell, written as Go prints them: `map[a:1 b:[x y]]`.

use serde_json::Value;

use crate::output::duration;

/// The text of a value.
pub(crate) fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => value.clone(),
        Value::Array(values) => {
            let parts: Vec<String> = values.iter().map(go_text).collect();
            format!("[{}]", parts.join(" "))
        }
        Value::Object(entries) => {
            let parts: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key}:{}", go_text(value))).collect();
            format!("map[{}]", parts.join(" "))
        }
    }
}

/// The text of a value under a key: seconds are shown as a duration where the key says that they
/// are seconds.
pub(super) fn human(key: &str, value: &Value) -> String {
    match value.as_i64() {
        Some(seconds) if is_duration(key) => duration::human(seconds),
        _ => go_text(value),
    }
}

fn is_duration(key: &str) -> bool {
    let names = ["ttl", "period", "duration", "lease_max", "ttl_max"];
    let ends = ["_ttl", "_period", "_duration", "_lease_max", "_ttl_max"];
    names.contains(&key) || ends.iter().any(|end| key.ends_with(end))
}

/// The texts of a list; what is not a text is left out.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(key: &str, value: Value, expected: &str) {
        assert_eq!(human(key, &value), expected);
    }

    #[test]
    fn values_are_written_as_go_writes_them() {
        check("a", json!(null), "<nil>");
        check("a", json!(true), "true");
        check("a", json!("x"), "x");
        check("a", json!(1.50), "1.5");
        check("a", json!(["x", 1]), "[x 1]");
        check("a", json!({"b": ["x", "y"], "a": 1}), "map[a:1 b:[x y]]");
        check("a", json!({}), "map[]");
        check("a", json!([]), "[]");
    }

    #[test]
    fn seconds_are_shown_as_durations_where_the_key_says_so() {
        check("ttl", json!(2_764_800), "768h");
        check("max_ttl", json!(3605), "1h5s");
        check("token_period", json!(0), "0s");
        check("lease_duration", json!(90), "1m30s");
        check("ttl", json!("768h"), "768h");
        check("throttle", json!(5), "5");
        check("expire_time", json!(5), "5");
    }
}
