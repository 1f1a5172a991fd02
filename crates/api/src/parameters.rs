//! Turns loose request parameters into typed ones.
//!
//! Clients have always been allowed to say `"5"` for 5, `"true"` for true, `"a,b"` for a list and
//! `"1h"` for 3600 seconds. All of that leniency lives here, once: a deserializer that bends the
//! value towards the type that is asked for. Engines only ever see plain Rust types.
//!
//! A tuple is deserialized by giving every member the whole set of parameters, so shared groups
//! compose as `(WriteUser, TokenSettings)`. (`#[serde(flatten)]` would not do: it buffers values
//! before their type is known, and the leniency would be lost.)
//!
//! Errors name the field and what would work, never the value: it may be a misplaced password.

use std::collections::BTreeMap;
use std::fmt;
use std::slice;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::{Deserialize, Deserializer, Serialize, forward_to_deserialize_any};
use serde_json::{Map, Number, Value};

use crate::{Error, Result, duration, readings};

/// How many entries a list or an object in a request may have, also a list that was sent as text.
pub const ENTRIES_MAX: usize = 10_000;

/// Marks, in the deserializer's own calls, the type that takes all parameters as they came.
const EVERYTHING: &str = "$strongroom::Everything";

/// By this name the library hands digits to itself. Should it change, a test below fails.
const NUMBER: &str = "$serde_json::private::Number";

/// The parameters of one request: what stands in its path, and what its body or query gave.
///
/// It has no `Debug` form: passwords come this way.
#[derive(Clone, Default)]
pub struct Given {
    /// From the path. Wins over the body.
    pub captured: Vec<(&'static str, Value)>,
    /// From the body, or from the query where there is no body.
    pub sent: Map<String, Value>,
}

/// Begins what is said about a field of the wrong type.
pub(crate) const CONVERSION: &str = "error converting input";

impl Given {
    /// Reads the parameters as `P`.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field and what would work.
    pub fn parse<P: DeserializeOwned>(&self) -> Result<P> {
        P::deserialize(Whole(self)).map_err(|flaw| Error::Invalid(flaw.to_string()))
    }

    /// Whether the path says what `name` is.
    pub fn is_captured(&self, name: &str) -> bool {
        self.captured.iter().any(|(captured, _)| *captured == name)
    }

    /// All parameters; of two with the same name, the one in the path.
    fn merged(&self) -> impl Iterator<Item = (&str, &Value)> {
        let sent = self.sent.iter().map(|(name, value)| (name.as_str(), value));
        let sent = sent.filter(|(name, _)| !self.is_captured(name));
        sent.chain(self.captured.iter().map(|(name, value)| (*name, value)))
    }
}

/// All that was sent, as it came: for endpoints that keep whatever they are given.
#[derive(Clone, Default)]
pub struct Everything(pub Map<String, Value>);

/// A duration that clients may write as `3600`, `"3600"`, `"1h"` or `"1h30m"`. Whole seconds.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Seconds(#[serde(deserialize_with = "lenient_seconds")] pub u64);

/// Text by name, which clients may also write as `"k=v"` or `["k=v", ...]`.
pub type KeyValues = BTreeMap<String, String>;

impl Seconds {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Whether this is no time at all, which in settings means "not set".
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// This duration, unless it is zero.
    pub fn set(self) -> Option<Self> {
        (!self.is_zero()).then_some(self)
    }
}

/// As `1h30m`, without zero parts: the form of warnings.
impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&duration::short(self.0))
    }
}

fn lenient_seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<u64, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = u64;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a duration such as \"1h\" or 3600")
        }

        fn visit_u64<E: de::Error>(self, seconds: u64) -> std::result::Result<u64, E> {
            duration::bounded(seconds).map_err(|error| E::custom(error.discreet()))
        }

        fn visit_i64<E: de::Error>(self, seconds: i64) -> std::result::Result<u64, E> {
            let seconds = u64::try_from(seconds);
            self.visit_u64(seconds.map_err(|_| E::custom("cannot provide negative value"))?)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<u64, E> {
            duration::parse(text).map_err(|error| E::custom(error.discreet()))
        }
    }
    // Records are JSON numbers; requests may be text. Both arrive here.
    deserializer.deserialize_any(Text)
}

impl JsonSchema for Seconds {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Seconds".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "format": "seconds" })
    }
}

impl<'de> Deserialize<'de> for Everything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Inside;
        impl<'de> Visitor<'de> for Inside {
            type Value = Everything;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("parameters")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> std::result::Result<Everything, D::Error> {
                Map::deserialize(deserializer).map(Everything)
            }
        }
        deserializer.deserialize_newtype_struct(EVERYTHING, Inside)
    }
}

impl JsonSchema for Everything {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Everything".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": true })
    }
}

/// What is wrong with a parameter, without the parameter's value.
#[derive(Debug)]
enum Flaw {
    /// This.
    Text(String),
    /// It is of another kind than this one.
    Kind { expected: String, found: &'static str },
}

impl fmt::Display for Flaw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Kind { expected, found } => write!(formatter, "expected {expected}, not {found}"),
        }
    }
}

impl Flaw {
    /// The same flaw, of a number that was handed over as an object of these `digits`.
    fn of_number(self, digits: &str) -> Self {
        match self {
            Self::Kind { expected, found: OBJECT } if digits.contains(['.', 'e', 'E']) => {
                Self::Kind { expected, found: INEXACT }
            }
            Self::Kind { expected, found: OBJECT } => Self::Kind { expected, found: "this number" },
            other => other,
        }
    }
}

impl std::error::Error for Flaw {}

impl de::Error for Flaw {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Text(text.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Kind { expected: in_words(expected), found: kind(unexpected) }
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = in_words(expected);
        Self::Text(match unexpected {
            Unexpected::Unsigned(_) => format!("expected {expected}, and a smaller one"),
            Unexpected::Signed(_) => format!("expected {expected}, and a larger one"),
            _ => format!("expected {expected}, not this {}", kind(unexpected)),
        })
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Text(format!("expected one of {}", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Text(format!("missing {field}"))
    }
}

/// What is expected. The library speaks of the types of this program, which nobody outside knows.
fn in_words(expected: &dyn Expected) -> String {
    let expected = expected.to_string();
    let kind = expected.split(' ').next().unwrap_or_default();
    let words = match (kind, expected.as_str()) {
        ("u8" | "u16" | "u32" | "u64" | "u128" | "usize", _)
        | ("i8" | "i16" | "i32" | "i64" | "i128" | "isize", _) => "a whole number",
        ("f32" | "f64", _) => "a number",
        ("struct", _) | (_, "a map") => "an object",
        ("tuple", _) | (_, "a sequence") => "a list",
        ("enum", _) => "a string",
        (_, "a boolean") => "true or false",
        _ => return expected,
    };
    words.to_owned()
}

const OBJECT: &str = "object";
const INEXACT: &str = "a number with a point or an exponent";

fn kind(unexpected: Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "number",
        Unexpected::Float(_) => INEXACT,
        Unexpected::Str(_) | Unexpected::Char(_) => "text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "list",
        Unexpected::Map => OBJECT,
        _ => "value",
    }
}

type Flawed<T> = std::result::Result<T, Flaw>;

/// The whole set of parameters, for one group or for each of a tuple of groups.
struct Whole<'a>(&'a Given);

impl<'de> Deserializer<'de> for Whole<'_> {
    type Error = Flaw;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        visitor.visit_map(Fields::new(self.0.merged(), Naming::Theirs))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Flawed<V::Value> {
        visitor.visit_map(Fields::new(self.0.merged(), Naming::Ours))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Flawed<V::Value> {
        visitor.visit_seq(Groups { given: self.0, remaining: length })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Flawed<V::Value> {
        if name == EVERYTHING {
            return visitor.visit_newtype_struct(Sent(&self.0.sent));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit_struct seq tuple_struct map enum identifier ignored_any
    }
}

/// All that was sent, as it came.
struct Sent<'a>(&'a Map<String, Value>);

impl<'de> Deserializer<'de> for Sent<'_> {
    type Error = Flaw;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        visitor.visit_map(fields(self.0, Naming::Theirs))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// Hands the whole set of parameters to each member of a tuple in turn.
struct Groups<'a> {
    given: &'a Given,
    remaining: usize,
}

impl<'de> SeqAccess<'de> for Groups<'_> {
    type Error = Flaw;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Flawed<Option<T::Value>> {
        if self.remaining == 0 {
            return Ok(None);
        }
        self.remaining -= 1;
        seed.deserialize(Whole(self.given)).map(Some)
    }
}

/// The fields of an object. Those of a struct of ours are named in errors; what clients named
/// themselves is not.
struct Fields<'a, I> {
    fields: I,
    field: Option<(&'a str, &'a Value)>,
    naming: Naming,
}

#[derive(Clone, Copy)]
enum Naming {
    Ours,
    Theirs,
}

impl<'a, I: Iterator<Item = (&'a str, &'a Value)>> Fields<'a, I> {
    fn new(fields: I, naming: Naming) -> Self {
        Self { fields, field: None, naming }
    }
}

/// The fields of `object`.
fn fields(
    object: &Map<String, Value>,
    naming: Naming,
) -> Fields<'_, impl Iterator<Item = (&str, &Value)>> {
    Fields::new(object.iter().map(|(name, value)| (name.as_str(), value)), naming)
}

impl<'a, 'de, I: Iterator<Item = (&'a str, &'a Value)>> MapAccess<'de> for Fields<'a, I> {
    type Error = Flaw;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Flawed<Option<K::Value>> {
        let Some((name, value)) = self.fields.next() else {
            return Ok(None);
        };
        let key = seed.deserialize(StrDeserializer::<Flaw>::new(name))?;
        self.field = Some((name, value));
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Flawed<V::Value> {
        let (name, value) = self.field.take().expect("serde asks for the key first");
        let field = |flaw: Flaw| match self.naming {
            Naming::Ours => Flaw::Text(format!("{CONVERSION} for field \"{name}\": {flaw}")),
            Naming::Theirs => flaw,
        };
        seed.deserialize(Lenient(value)).map_err(field)
    }
}

/// A value that bends towards the type that is asked for.
struct Lenient<'a>(&'a Value);

impl Lenient<'_> {
    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        let text = match self.0 {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(boolean) => u8::from(*boolean).to_string(),
            _ => return self.deserialize_any(visitor),
        };
        if let Ok(number) = text.parse() {
            return visitor.visit_u64(number);
        }
        match text.parse() {
            Ok(number) => visitor.visit_i64(number),
            Err(_) => Err(Flaw::Text("expected a whole number, written in digits".into())),
        }
    }
}

/// Hands over a number in a form that loses none of its digits, so that whoever keeps it keeps it
/// as it was written: the library's own way makes 0 of -0 and 1e-5 of 0.00001.
///
/// Bodies have many numbers, nearly all of them whole and small: for those nothing else is tried.
fn hand_over<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Flawed<V::Value> {
    if let Some(whole) = number.as_u64() {
        return visitor.visit_u64(whole);
    }
    if let Some(whole) = number.as_i64().filter(|whole| *whole != 0) {
        return visitor.visit_i64(whole);
    }
    let digits = number.as_str();
    let is_spelt_so =
        |float: &f64| Number::from_f64(*float).is_some_and(|spelt| spelt.as_str() == digits);
    if let Some(float) = number.as_f64().filter(is_spelt_so) {
        return visitor.visit_f64(float);
    }
    let object = MapDeserializer::new(std::iter::once((NUMBER, digits)));
    visitor.visit_map(object).map_err(|flaw: Flaw| flaw.of_number(digits))
}

impl<'de> Deserializer<'de> for Lenient<'_> {
    type Error = Flaw;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(boolean) => visitor.visit_bool(*boolean),
            Value::Number(number) => hand_over(number, visitor),
            Value::String(text) => visitor.visit_str(text),
            Value::Array(values) => visitor.visit_seq(List(values.iter())),
            Value::Object(object) => visitor.visit_map(fields(object, Naming::Theirs)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        let truth = match self.0 {
            Value::String(text) => readings::truth(text),
            Value::Number(number) => readings::truth(&number.to_string()),
            _ => return self.deserialize_any(visitor),
        };
        visitor.visit_bool(truth.ok_or_else(|| Flaw::Text("expected true or false".into()))?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        self.integer(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        self.integer(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        match self.0 {
            Value::Number(number) => visitor.visit_string(number.to_string()),
            Value::Bool(boolean) => visitor.visit_string(boolean.to_string()),
            Value::Null => visitor.visit_string(String::new()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        self.deserialize_string(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        let too_many = |_| Flaw::Text(format!("more than {ENTRIES_MAX} entries in one place"));
        let values = readings::list(self.0).map_err(too_many)?;
        visitor.visit_seq(List(values.iter()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        match self.0 {
            // It may come as a map of its digits, which is not what was meant.
            Value::Number(_) => return Err(Flaw::Text("expected an object, not number".into())),
            Value::Bool(_) => return self.deserialize_any(visitor),
            value if texts(value).any(is_json) => {
                let text =
                    "a text is not read as JSON; send the object itself, in a body that is JSON";
                return Err(Flaw::Text(text.into()));
            }
            _ => {}
        }
        let no_object = || Flaw::Text("expected an object or \"k=v\"".into());
        let object = readings::object(self.0).ok_or_else(no_object)?;
        visitor.visit_map(fields(&object, Naming::Theirs))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Flawed<V::Value> {
        match self.0 {
            Value::Object(object) => visitor.visit_map(fields(object, Naming::Ours)),
            Value::Number(_) => Err(Flaw::Text("expected an object, not number".into())),
            // The library would take it for the fields in the order of their declaration.
            Value::Array(_) => Err(Flaw::Text("expected an object, not list".into())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Flawed<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Flawed<V::Value> {
        match self.0 {
            Value::String(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Flawed<V::Value> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct identifier
    }
}

/// The text that a value is, or those of a list.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().map_or(slice::from_ref(value), Vec::as_slice).iter().filter_map(Value::as_str)
}

/// Whether a text begins as the JSON of an object, or of a list of objects: a pair would not, and
/// what looks like one would be cut in two at the first `=` within.
fn is_json(text: &str) -> bool {
    let inside = text.trim_start().strip_prefix('[').unwrap_or(text).trim_start();
    inside.strip_prefix('{').is_some_and(|inside| inside.trim_start().starts_with(['"', '}']))
}

/// The elements of a list.
struct List<'a>(slice::Iter<'a, Value>);

impl<'de> SeqAccess<'de> for List<'_> {
    type Error = Flaw;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Flawed<Option<T::Value>> {
        self.0.next().map(|value| seed.deserialize(Lenient(value))).transpose()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Sample {
        count: u64,
        flag: bool,
        list: Vec<String>,
        text: Option<String>,
        ttl: Option<Seconds>,
        pairs: KeyValues,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Other {
        other: String,
    }

    fn given(value: Value) -> Given {
        Given { sent: value.as_object().unwrap().clone(), ..Given::default() }
    }

    #[track_caller]
    fn refused(value: Value, expected: &str) {
        let Err(Error::Invalid(text)) = given(value).parse::<Sample>() else { panic!("accepted") };
        assert_eq!(text, expected);
    }

    #[test]
    fn bends_values_towards_the_type() {
        let loose = given(json!({
            "count": "5", "flag": "true", "list": "a, b", "text": 7, "ttl": "1h30m", "pairs": "k=v",
        }));
        let strict = given(json!({
            "count": 5, "flag": true, "list": ["a", "b"], "text": "7", "ttl": 5400,
            "pairs": {"k": "v"},
        }));
        assert_eq!(loose.parse::<Sample>().unwrap(), strict.parse::<Sample>().unwrap());
    }

    #[test]
    fn numbers_keep_their_digits() {
        for digits in [
            "0",
            "-0",
            "-0.0",
            "1.0",
            "1.50",
            "0.00001",
            "1e-5",
            "1e+400",
            "9007199254740993",
            "18446744073709551616",
            "-170141183460469231731687303715884105729",
            "100000000000000000000000000000000000000000",
        ] {
            let text = format!("{{\"a\":[{digits},{{\"b\":{digits}}}],\"c\":{digits}}}");
            let given = given(serde_json::from_str(&text).unwrap());
            let Everything(all) = given.parse().unwrap();
            assert_eq!(serde_json::to_string(&all).unwrap(), text);
        }
    }

    #[test]
    fn a_number_is_no_object() {
        for number in ["1", "1.50", "-0"] {
            let text = format!("{{\"pairs\":{number}}}");
            let text = serde_json::from_str(&text).unwrap();
            let expected = "error converting input for field \"pairs\": expected an object, not \
                            number";
            refused(text, expected);
        }
    }

    #[test]
    fn a_list_sent_as_text_has_no_more_entries_than_any_other() {
        let most = given(json!({"list": "a,".repeat(ENTRIES_MAX)})).parse::<Sample>().unwrap();
        assert_eq!(most.list.len(), ENTRIES_MAX);
        let expected = "error converting input for field \"list\": more than 10000 entries in one \
                        place";
        refused(json!({"list": "a,".repeat(ENTRIES_MAX + 1)}), expected);
        refused(json!({"list": vec!["a"; ENTRIES_MAX + 1]}), expected);
    }

    #[test]
    fn null_means_empty_or_absent() {
        let nulls = given(json!({"list": null, "text": null, "ttl": null, "pairs": null}));
        assert_eq!(nulls.parse::<Sample>().unwrap(), Sample::default());
    }

    #[test]
    fn groups_compose_as_tuples() {
        let (sample, other) =
            given(json!({"count": "5", "other": "x"})).parse::<(Sample, Other)>().unwrap();
        assert_eq!((sample.count, other.other.as_str()), (5, "x"));
    }

    #[test]
    fn what_stands_in_the_path_wins_except_where_everything_is_kept() {
        let mut given = given(json!({"other": "sent", "number": 1.0}));
        given.captured.push(("other", "captured".into()));
        let (other, Everything(sent)) = given.parse::<(Other, Everything)>().unwrap();
        assert_eq!(other.other, "captured");
        assert_eq!(Value::Object(sent).to_string(), r#"{"number":1.0,"other":"sent"}"#);
    }

    #[derive(Debug, Deserialize)]
    struct Shapes {
        #[serde(rename = "limit")]
        _limit: Option<i64>,
        #[serde(rename = "after")]
        _after: Option<Seconds>,
        #[serde(rename = "operations", default)]
        _operations: Vec<Other>,
        #[serde(rename = "pairs", default)]
        _pairs: KeyValues,
        #[serde(rename = "small", default)]
        _small: u64,
    }

    #[track_caller]
    fn check_words(sent: &str, expected: &str) {
        let Value::Object(sent) = serde_json::from_str(sent).unwrap() else { panic!() };
        let given = Given { sent, ..Given::default() };
        let Err(Error::Invalid(text)) = given.parse::<Shapes>() else { panic!("accepted") };
        let (_, said) = text.split_once("\": ").unwrap();
        assert_eq!(said, expected);
    }

    #[test]
    fn what_is_expected_is_said_in_words_and_not_in_types_of_this_program() {
        check_words(r#"{"limit": ["2", "1"]}"#, "expected a whole number, not list");
        check_words(r#"{"limit": {"a": 1}}"#, "expected a whole number, not object");
        check_words(
            r#"{"limit": 18446744073709551615}"#,
            "expected a whole number, and a smaller one",
        );
        check_words(r#"{"small": -1}"#, "expected a whole number, and a larger one");
        check_words(r#"{"operations": ["text"]}"#, "expected an object, not text");
        check_words(r#"{"operations": [["a"]]}"#, "expected an object, not list");
        check_words(r#"{"pairs": true}"#, "expected an object, not boolean");
        let json = "a text is not read as JSON; send the object itself, in a body that is JSON";
        for text in [r#"{"a":"b=c"}"#, r#" { "a": 1}"#, "{}", r#"[{"a":"b"},{"a":"b"}]"#] {
            check_words(&serde_json::json!({ "pairs": text }).to_string(), json);
            check_words(&serde_json::json!({ "pairs": [text] }).to_string(), json);
        }
        check_words(r#"{"pairs": "{"}"#, "expected an object or \"k=v\"");
        let duration = "expected a duration such as \"1h\" or 3600, not ";
        for number in ["1e10", "1.5", "1E-400"] {
            let found = "a number with a point or an exponent";
            check_words(&format!("{{\"after\": {number}}}"), &format!("{duration}{found}"));
        }
        let digits = "9".repeat(40);
        check_words(&format!("{{\"after\": {digits}}}"), &format!("{duration}this number"));
        check_words(r#"{"after": {"a": 1}}"#, &format!("{duration}object"));
    }

    #[test]
    fn errors_name_the_field_and_never_the_value() {
        let field = |name: &str| format!("error converting input for field \"{name}\": ");
        refused(
            json!({"count": "hunter2"}),
            &(field("count") + "expected a whole number, written in digits"),
        );
        refused(json!({"flag": "hunter2"}), &(field("flag") + "expected true or false"));
        refused(
            json!({"ttl": "hunter2"}),
            &(field("ttl") + "time: invalid duration; try \"1h30m\""),
        );
        for beyond in [json!(9_223_372_037_u64), json!(u64::MAX), json!("9223372037")] {
            let text = "the duration is too long; at most 292 years";
            refused(json!({ "ttl": beyond }), &(field("ttl") + text));
        }
        refused(json!({"ttl": -5}), &(field("ttl") + "cannot provide negative value"));
        refused(json!({"text": ["hunter2"]}), &(field("text") + "expected a string, not list"));
        for value in [
            json!({"count": ["hunter2"]}),
            json!({"ttl": "hunter2"}),
            json!({"list": {"hunter2": 1}}),
        ] {
            let Err(Error::Invalid(text)) = given(value).parse::<Sample>() else { panic!() };
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
