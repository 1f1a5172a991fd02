//! What owners write down about a secret: a little text by name, with limits clients know.

use api::{Error, KeyValues, Result};
use serde_json::{Map, Value};

const KEYS_MAX: usize = 64;
const KEY_BYTES_MAX: usize = 128;
const VALUE_BYTES_MAX: usize = 512;

/// Reads what was sent as a whole.
pub(super) fn replace(sent: Map<String, Value>) -> Result<KeyValues> {
    let texts = sent.into_iter().map(|(key, value)| Ok((text(&key, value)?, key)));
    let custom = texts.map(|pair| pair.map(|(value, key)| (key, value)));
    checked(custom.collect::<Result<_>>()?)
}

/// Merges what was sent into what there is; `null` removes.
pub(super) fn merge(mut custom: KeyValues, sent: Map<String, Value>) -> Result<KeyValues> {
    for (key, value) in sent {
        if value.is_null() {
            custom.remove(&key);
        } else {
            let value = text(&key, value)?;
            custom.insert(key, value);
        }
    }
    checked(custom)
}

/// Scalars count as text, in the forms clients have always got back.
fn text(key: &str, value: Value) -> Result<String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(boolean) => Ok(u8::from(boolean).to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text),
        Value::Array(_) | Value::Object(_) => {
            let key = shorten(key);
            Err(refuse(&format!("value for key {key:?} must be text, not a list or an object")))
        }
    }
}

fn checked(custom: KeyValues) -> Result<KeyValues> {
    if custom.len() > KEYS_MAX {
        let provided = custom.len();
        let text = format!("payload must contain at most {KEYS_MAX} keys, provided {provided}");
        return Err(refuse(&text));
    }
    let flaws: Vec<_> = custom.iter().flat_map(|(key, value)| flaws(key, value)).collect();
    if flaws.is_empty() {
        return Ok(custom);
    }
    let count = flaws.len();
    let noun = if count == 1 { "error" } else { "errors" };
    let list: String = flaws.iter().map(|flaw| format!("\t* {flaw}\n")).collect();
    Err(refuse(&format!("{count} {noun} occurred:\n{list}\n")))
}

fn flaws(key: &str, value: &str) -> Vec<String> {
    let shown = shorten(key);
    let mut flaws = Vec::new();
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        let length = key.len();
        flaws.push(format!(
            "length of key {shown:?} is {length} but must be 0 < len(key) <= {KEY_BYTES_MAX}"
        ));
    }
    if value.is_empty() || value.len() > VALUE_BYTES_MAX {
        let length = value.len();
        flaws.push(format!(
            "length of value for key {shown:?} is {length} but must be 0 < len(value) <= \
             {VALUE_BYTES_MAX}"
        ));
    }
    if !is_printable(key) {
        flaws.push(format!("key {shown:?} contains unprintable characters"));
    }
    if !is_printable(value) {
        flaws.push(format!("value for key {shown:?} contains unprintable characters"));
    }
    flaws
}

/// Keys of any length can be sent; errors shall not be of any length.
fn shorten(key: &str) -> String {
    key.chars().take(KEY_BYTES_MAX).collect()
}

/// Whether nothing in `text` would have to be escaped to be seen.
fn is_printable(text: &str) -> bool {
    // Quotes and backslashes are escaped for other reasons, and so is a mark with no letter before.
    let letters = text.chars().filter(|letter| !matches!(letter, '"' | '\'' | '\\'));
    let plain: String = std::iter::once('x').chain(letters).collect();
    plain.escape_debug().eq(plain.chars())
}

fn refuse(text: &str) -> Error {
    Error::Invalid(format!("custom_metadata validation failed: {text}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(sent: Value, expected: Value) {
        let custom = replace(sent.as_object().unwrap().clone());
        assert_eq!(json!(custom.unwrap()), expected);
    }

    #[track_caller]
    fn refused(sent: Value, expected: &str) {
        let Err(Error::Invalid(text)) = replace(sent.as_object().unwrap().clone()) else {
            panic!("{sent} was accepted")
        };
        assert_eq!(text, format!("custom_metadata validation failed: {expected}"));
    }

    #[test]
    fn scalars_count_as_text() {
        check(json!({"a": "b"}), json!({"a": "b"}));
        check(json!({"a": 5, "b": true, "c": false}), json!({"a": "5", "b": "1", "c": "0"}));
        refused(json!({"a": [1]}), "value for key \"a\" must be text, not a list or an object");
    }

    // Case 43.
    #[test]
    fn the_limits_themselves_are_allowed() {
        let (key, value) = ("k".repeat(128), "v".repeat(512));
        check(json!({ &key: value }), json!({ &key: value }));
        let full: Map<_, _> = (0..64).map(|n| (n.to_string(), json!("x"))).collect();
        assert_eq!(replace(full).unwrap().len(), 64);
    }

    // Case 42.
    #[test]
    fn every_flaw_is_named() {
        let crowd: Map<_, _> = (0..65).map(|n| (n.to_string(), json!(""))).collect();
        refused(Value::Object(crowd), "payload must contain at most 64 keys, provided 65");
        refused(
            json!({"a": null}),
            "1 error occurred:\n\t* length of value for key \"a\" is 0 but must be 0 < len(value) \
             <= 512\n\n",
        );
        refused(
            json!({"": "x", "a\u{7}": "b\u{200b}"}),
            "3 errors occurred:\n\t* length of key \"\" is 0 but must be 0 < len(key) <= 128\n\t* \
             key \"a\\u{7}\" contains unprintable characters\n\t* value for key \"a\\u{7}\" \
             contains unprintable characters\n\n",
        );
    }

    #[test]
    fn errors_do_not_quote_values_or_long_keys() {
        let long = "k".repeat(100_000);
        let Err(Error::Invalid(text)) = replace(Map::from_iter([(long, json!("hunter2\n"))]))
        else {
            panic!()
        };
        assert!(text.len() < 1000 && !text.contains("hunter2"));
    }

    #[test]
    fn printable_is_what_needs_no_escape() {
        for text in ["", "plain text", "\"it's\" C:\\", "\u{e9}", "e\u{301}", "\u{65e5}\u{672c}"] {
            assert!(is_printable(text), "{text:?}");
        }
        for text in ["\n", "a\tb", "\u{7f}", "\u{a0}", "\u{200b}", "\u{202e}"] {
            assert!(!is_printable(text), "{text:?}");
        }
    }
}
