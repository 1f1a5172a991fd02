//! JSON as the existing clients print it: two spaces, and no character that a web page could trip
//! over.

use serde::Serialize;

/// The JSON text of a value.
pub(crate) fn text(value: &impl Serialize) -> Result<String, String> {
    let plain = serde_json::to_string_pretty(value).map_err(|cause| cause.to_string())?;
    // Outside of texts JSON has none of these characters, so replacing them everywhere is safe.
    let mut safe = String::with_capacity(plain.len());
    for letter in plain.chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                safe.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            other => safe.push(other),
        }
    }
    Ok(safe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_indented_and_safe_in_web_pages() {
        let expected = "{\n  \"a\": \"\\u003cb\\u003e \\u0026 c\",\n  \"n\": [\n    1\n  ]\n}";
        assert_eq!(text(&json!({"a": "<b> & c", "n": [1]})).as_deref(), Ok(expected));
        assert_eq!(text(&json!({})).as_deref(), Ok("{}"));
    }
}
