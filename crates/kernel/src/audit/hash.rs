//! What stands in an entry instead of a value.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value};

/// Nesting deeper than this is cut off; bodies are not taken that deep in the first place.
const DEPTH_MAX: usize = 64;

/// Hashes with the key of one device.
pub(super) struct Hasher(hmac::Key);

impl Hasher {
    pub(super) fn new(salt: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes()))
    }

    /// `hmac-sha256:` and 64 hexadecimal digits.
    pub(super) fn text(&self, text: &str) -> String {
        let tag = hmac::sign(&self.0, text.as_bytes());
        format!("hmac-sha256:{}", HEXLOWER.encode(tag.as_ref()))
    }

    /// The same fields with every text in them hashed. Names, numbers and truths stay.
    pub(super) fn fields(&self, fields: &Map<String, Value>) -> Map<String, Value> {
        self.sent(fields, &BTreeSet::new())
    }

    /// The same fields with every text in them hashed, and everything else in those of `secrets`
    /// as if it were text: a password may be sent as a number.
    pub(super) fn sent(
        &self,
        fields: &Map<String, Value>,
        secrets: &BTreeSet<String>,
    ) -> Map<String, Value> {
        let hashed = |(name, value): (&String, &Value)| {
            let hidden = if secrets.contains(name) { Hidden::All } else { Hidden::Texts };
            (name.clone(), self.value(value, hidden, 0))
        };
        fields.iter().map(hashed).collect()
    }

    fn value(&self, value: &Value, hidden: Hidden, depth: usize) -> Value {
        let inner = |value: &Value| self.value(value, hidden, depth + 1);
        match value {
            _ if depth > DEPTH_MAX => Value::Null,
            Value::String(text) => self.text(text).into(),
            Value::Array(values) => values.iter().map(inner).collect(),
            Value::Object(fields) => {
                let hashed = |(name, value): (&String, &Value)| (name.clone(), inner(value));
                fields.iter().map(hashed).collect::<Map<_, _>>().into()
            }
            Value::Bool(_) | Value::Number(_) if hidden == Hidden::All => {
                self.text(&value.to_string()).into()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

/// Which values are hashed.
#[derive(Clone, Copy, PartialEq)]
enum Hidden {
    Texts,
    /// Numbers and truths too.
    All,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_is_hashed_and_nothing_else() {
        let hasher = Hasher::new("salt");
        let fields = json!({"a": 1, "b": true, "c": "x", "d": {"e": ["x", null]}});
        let hashed = hasher.fields(fields.as_object().expect("an object"));
        let x = hasher.text("x");
        assert_eq!(Value::from(hashed), json!({"a": 1, "b": true, "c": x, "d": {"e": [x, null]}}));
    }

    #[test]
    fn what_is_declared_secret_is_hashed_whatever_it_is() {
        let hasher = Hasher::new("salt");
        let fields = json!({"a": 1, "b": 1, "c": [{"d": true, "e": 1.5, "f": null}]});
        let secrets = ["b".to_owned(), "c".to_owned()].into();
        let hashed = hasher.sent(fields.as_object().expect("an object"), &secrets);
        let [one, truth, float] = ["1", "true", "1.5"].map(|text| hasher.text(text));
        let expected = json!({"a": 1, "b": one, "c": [{"d": truth, "e": float, "f": null}]});
        assert_eq!(Value::from(hashed), expected);
    }

    #[test]
    fn every_device_hashes_differently_and_always_the_same() {
        assert_eq!(Hasher::new("one").text("x"), Hasher::new("one").text("x"));
        assert_ne!(Hasher::new("one").text("x"), Hasher::new("two").text("x"));
        // RFC 4231, test case 2.
        assert_eq!(
            Hasher::new("Jefe").text("what do ya want for nothing?"),
            "hmac-sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
