//! What a client sent behind the headers, read only when the kernel asks for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::{BoxFuture, Error, Result, Trust};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use serde_json::error::Category;
use serde_json::{Map, Value};
use tokio::time::timeout;
use zeroize::{Zeroize, Zeroizing};

use super::{ANONYMOUS_BODY_BYTES_MAX, Limits, encoding, scan};

const FORM: &str = "application/x-www-form-urlencoded";
const LINES: &str = "application/x-ndjson";
const MERGE_PATCH: &str = "application/merge-patch+json";
/// How many characters of somebody's content type we repeat to them.
const QUOTED_CHARACTERS_MAX: usize = 100;
/// Room made at once for a body, whatever length it claims to have; less where it claims less.
const ROOM_BYTES: usize = 4 * 1024;
/// How much of a body nobody wanted is read and thrown away, so that the client gets to read the
/// answer instead of being cut off while it writes.
const DRAIN_BYTES_MAX: usize = 64 * 1024 * 1024;
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);

/// How a body is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Notation {
    /// JSON, or nothing.
    Json,
    /// A form, unless it begins like JSON: curl says "form" about everything.
    Form,
    /// A JSON text a line. What is to be done with them stands in the address, since the lines have
    /// no room for it.
    Lines(Map<String, Value>),
    /// A patch that does not say how it is written.
    Unsaid,
    /// A patch in a notation we do not take.
    Other(String),
}

/// A body where both its reader and the edge can reach it: whatever the reader leaves, the edge
/// has to get rid of.
pub(super) struct Mailbox<B>(Arc<Mutex<Option<B>>>);

/// A body that has not been read yet.
pub(super) struct Unread<B> {
    pub(super) mailbox: Mailbox<B>,
    pub(super) notation: Notation,
    pub(super) bytes_max: u64,
    pub(super) time_max: Duration,
}

impl Notation {
    pub(super) fn of_write(content_type: Option<&str>) -> Self {
        match content_type {
            Some(text) if is(text, FORM) => Self::Form,
            Some(text) if is(text, LINES) => Self::Lines(Map::new()),
            _ => Self::Json,
        }
    }

    /// The same, with what stood in the address where that counts.
    pub(super) fn beside(self, query: Map<String, Value>) -> Self {
        match self {
            Self::Lines(_) => Self::Lines(query),
            other => other,
        }
    }

    pub(super) fn of_patch(content_type: Option<&str>) -> Self {
        match content_type.filter(|text| !text.trim().is_empty()) {
            None => Self::Unsaid,
            Some(text) if is(text, MERGE_PATCH) => Self::Json,
            Some(text) => Self::Other(text.chars().take(QUOTED_CHARACTERS_MAX).collect()),
        }
    }

    /// Refuses what we would not understand.
    fn check(&self) -> Result<()> {
        match self {
            Self::Json | Self::Form | Self::Lines(_) => Ok(()),
            Self::Unsaid => Err(Error::invalid("mime: no media type")),
            Self::Other(given) => Err(Error::Notation(format!(
                "PATCH requires Content-Type of {MERGE_PATCH}, provided {given}"
            ))),
        }
    }

    fn parse(&self, text: &[u8], trust: Trust, bytes_max: u64) -> Result<Map<String, Value>> {
        if let Self::Lines(beside) = self {
            return split_lines(text, trust, beside.clone());
        }
        let text = text.trim_ascii();
        match text.first() {
            None => Ok(Map::new()),
            Some(b'{' | b'[') => parse_json(text, trust, bytes_max),
            Some(_) if *self == Self::Form => parse_form(text, trust),
            Some(_) => parse_json(text, trust, bytes_max),
        }
    }
}

fn is(content_type: &str, expected: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(expected)
}

impl<B> Mailbox<B> {
    pub(super) fn new(body: B) -> Self {
        Self(Arc::new(Mutex::new(Some(body))))
    }

    pub(super) fn share(&self) -> Self {
        Self(self.0.clone())
    }

    pub(super) fn take(&self) -> Option<B> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put_back(&self, body: B) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }
}

impl<B> api::Body for Unread<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    fn read(self: Box<Self>, trust: Trust) -> BoxFuture<'static, Result<Map<String, Value>>> {
        Box::pin(async move {
            self.notation.check()?;
            let bytes_max = match trust {
                Trust::Anonymous => self.bytes_max.min(ANONYMOUS_BODY_BYTES_MAX),
                Trust::Authenticated => self.bytes_max,
            };
            let slow = "the body did not come in time; send it faster, or in smaller parts";
            let collected = timeout(self.time_max, self.collect(bytes_max)).await;
            let text = collected.map_err(|_| Error::invalid(slow))??;
            self.notation.parse(&text, trust, bytes_max)
        })
    }
}

impl<B: Body<Data = Bytes> + Unpin> Unread<B> {
    async fn collect(&self, bytes_max: u64) -> Result<Zeroizing<Vec<u8>>> {
        let Some(mut body) = self.mailbox.take() else { return Ok(Zeroizing::default()) };
        if body.size_hint().lower() > bytes_max {
            self.mailbox.put_back(body);
            return Err(Error::TooLarge);
        }
        // Room that is not needed would have to be wiped all the same.
        let claimed = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
        let room = claimed.map_or(ROOM_BYTES, |bytes| bytes.min(ROOM_BYTES));
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        // Ends: the text grows with every frame that is not empty, and the caller's time is up
        // before empty ones have done harm.
        while let Some(frame) = body.frame().await {
            // Why it broke off is between the client and its network.
            let incomplete = |_| Error::invalid("the body ended before it was complete");
            let Ok(data) = frame.map_err(incomplete)?.into_data() else { continue };
            if (text.len() + data.len()) as u64 > bytes_max {
                self.mailbox.put_back(body);
                return Err(Error::TooLarge);
            }
            append(&mut text, &data);
        }
        Ok(text)
    }
}

/// Appends without leaving copies behind: a vector that grows by itself frees its old memory with
/// everything in it.
fn append(text: &mut Zeroizing<Vec<u8>>, data: &[u8]) {
    let needed = text.len() + data.len();
    if needed > text.capacity() {
        let mut larger = Vec::with_capacity(needed.max(text.capacity() * 2));
        larger.extend_from_slice(text);
        std::mem::swap(&mut **text, &mut larger);
        larger.zeroize();
    }
    text.extend_from_slice(data);
}

fn parse_json(text: &[u8], trust: Trust, bytes_max: u64) -> Result<Map<String, Value>> {
    let refuse = |why: String| Err(Error::Invalid(format!("failed to decode JSON input: {why}")));
    if text == b"null" {
        return Ok(Map::new());
    }
    if text.first() != Some(&b'{') {
        return refuse("expected an object in braces".to_owned());
    }
    let names = scan::check(text, trust, bytes_max)?;
    match serde_json::from_slice::<Map<String, Value>>(text) {
        // The parser keeps the last value of a name. Somebody who looks at the text before us or
        // behind us may go by the first.
        Ok(parameters) if kept(parameters.values()) + parameters.len() < names => {
            refuse("a name is given twice in the same object; give it once".to_owned())
        }
        Ok(parameters) => Ok(parameters),
        // Only mistakes of grammar are put in the parser's words: they never quote the text.
        Err(error) if error.classify() == Category::Syntax => refuse(error.to_string()),
        Err(error) if error.classify() == Category::Eof => {
            refuse(format!("unexpected end at line {} column {}", error.line(), error.column()))
        }
        Err(_) => refuse("expected an object in braces".to_owned()),
    }
}

/// How many names have a value within these. They are nested no deeper than the scanner lets pass.
fn kept<'a>(values: impl Iterator<Item = &'a Value>) -> usize {
    let inside = |value: &Value| match value {
        Value::Object(fields) => fields.len() + kept(fields.values()),
        Value::Array(values) => kept(values.iter()),
        _ => 0,
    };
    values.map(inside).sum()
}

/// The lines as they are, empty ones included so that they can be counted: whoever wants them looks
/// into them.
fn split_lines(
    text: &[u8],
    trust: Trust,
    beside: Map<String, Value>,
) -> Result<Map<String, Value>> {
    let lines_max = match trust {
        Trust::Anonymous => scan::ANONYMOUS_STRINGS_MAX,
        Trust::Authenticated => api::ENTRIES_MAX,
    };
    let unclear = |_| Error::invalid("the lines are not valid UTF-8");
    let text = std::str::from_utf8(text).map_err(unclear)?;
    if text.lines().count() > lines_max {
        let problem = format!("there are more than {lines_max} lines; send fewer at a time");
        return Err(Error::Invalid(problem));
    }
    let mut parameters = beside;
    parameters.insert("lines".to_owned(), text.lines().collect());
    Ok(parameters)
}

fn parse_form(text: &[u8], trust: Trust) -> Result<Map<String, Value>> {
    let pairs_max = match trust {
        Trust::Anonymous => scan::ANONYMOUS_STRINGS_MAX / 2,
        Trust::Authenticated => api::ENTRIES_MAX,
    };
    let unclear = |_| Error::invalid("the form is not valid UTF-8");
    let text = std::str::from_utf8(text).map_err(unclear)?;
    if text.split('&').count() > pairs_max {
        let problem = format!("the form has more than {pairs_max} fields; send fewer at a time");
        return Err(Error::Invalid(problem));
    }
    let mut parameters: Map<String, Value> = Map::new();
    for (name, value) in encoding::pairs(text)? {
        match parameters.get_mut(&name) {
            Some(Value::String(values)) => {
                values.push(',');
                values.push_str(&value);
            }
            _ => {
                parameters.insert(name, Value::String(value));
            }
        }
    }
    Ok(parameters)
}

/// Reads what nobody wanted and throws it away, within reason.
pub(super) async fn drain<B: Body<Data = Bytes> + Unpin>(mut body: B) {
    let mut left = DRAIN_BYTES_MAX;
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(1, |data| data.len().max(1));
            match left.checked_sub(bytes) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    // Whether it all came in time changes nothing: the connection ends if it did not.
    let _ = timeout(DRAIN_TIME_MAX, reading).await;
}

/// A body as `limits` allow it to be read.
pub(super) fn unread<B>(mailbox: Mailbox<B>, notation: Notation, limits: &Limits) -> Unread<B> {
    Unread { mailbox, notation, bytes_max: limits.body_bytes_max, time_max: limits.body }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use http_body_util::Full;
    use proptest::prelude::*;
    use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
    use serde_json::json;

    use super::*;

    const BYTES_MAX: u64 = 4096;

    fn parse(notation: &Notation, text: &str) -> Result<Map<String, Value>> {
        notation.parse(text.as_bytes(), Trust::Authenticated, BYTES_MAX)
    }

    #[track_caller]
    fn check(notation: Notation, text: &str, expected: Value) {
        assert_eq!(parse(&notation, text).map(Value::Object), Ok(expected), "{text}");
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let problem = format!("failed to decode JSON input: {expected}");
        assert_eq!(parse(&Notation::Json, text), Err(Error::Invalid(problem)), "{text}");
    }

    /// A JSON text in which no object has the same name twice, found out the long way.
    struct Clear;

    impl<'de> Deserialize<'de> for Clear {
        fn deserialize<D: Deserializer<'de>>(text: D) -> std::result::Result<Self, D::Error> {
            text.deserialize_any(Clear)
        }
    }

    impl<'de> Visitor<'de> for Clear {
        type Value = Self;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("anything")
        }

        fn visit_bool<E>(self, _: bool) -> std::result::Result<Self, E> {
            Ok(self)
        }

        // The parser hands over a number as a map of its digits, or as what it is.
        fn visit_u64<E>(self, _: u64) -> std::result::Result<Self, E> {
            Ok(self)
        }

        fn visit_i64<E>(self, _: i64) -> std::result::Result<Self, E> {
            Ok(self)
        }

        fn visit_f64<E>(self, _: f64) -> std::result::Result<Self, E> {
            Ok(self)
        }

        fn visit_str<E>(self, _: &str) -> std::result::Result<Self, E> {
            Ok(self)
        }

        fn visit_unit<E>(self) -> std::result::Result<Self, E> {
            Ok(self)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Self, A::Error> {
            while list.next_element::<Self>()?.is_some() {}
            Ok(self)
        }

        fn visit_map<A: MapAccess<'de>>(
            self,
            mut fields: A,
        ) -> std::result::Result<Self, A::Error> {
            let mut names = BTreeSet::new();
            while let Some((name, _)) = fields.next_entry::<String, Self>()? {
                if !names.insert(name) {
                    return Err(A::Error::custom("twice"));
                }
            }
            Ok(self)
        }
    }

    async fn read(text: &str, trust: Trust, bytes_max: u64) -> Result<Map<String, Value>> {
        let mailbox = Mailbox::new(Full::new(Bytes::from(text.to_owned())));
        let time_max = Duration::from_secs(1);
        let body = Unread { mailbox, notation: Notation::Json, bytes_max, time_max };
        api::Body::read(Box::new(body), trust).await
    }

    #[test]
    fn bodies_become_parameters() {
        check(Notation::Json, "", json!({}));
        check(Notation::Json, " \n", json!({}));
        check(Notation::Json, "null", json!({}));
        check(Notation::Json, r#"{"a":"b"}"#, json!({"a": "b"}));
        check(Notation::Form, r#" {"a":"b"}"#, json!({"a": "b"}));
        check(Notation::Form, "a=b&c=d%20e&c=f&g=", json!({"a": "b", "c": "d e,f", "g": ""}));
        check(Notation::Form, "", json!({}));
    }

    #[test]
    fn numbers_keep_their_digits() {
        let parameters = parse(&Notation::Json, r#"{"a":1.50e+3,"b":12345678901234567890123}"#);
        let text = serde_json::to_string(&parameters.unwrap()).unwrap();
        assert_eq!(text, r#"{"a":1.50e+3,"b":12345678901234567890123}"#);
    }

    #[test]
    fn no_name_has_two_values() {
        let twice = "a name is given twice in the same object; give it once";
        refused(r#"{"a":1,"a":2}"#, twice);
        refused(r#"{"a":1,"\u0061":1}"#, twice);
        refused(r#"{"a":[0,{"b":{"c":1,"c":{"d":1}}}]}"#, twice);
        let apart = json!({"a": {"a": [{"a": 1}, {"a": 1}], ":": ":"}});
        check(Notation::Json, &apart.to_string(), apart);
    }

    #[test]
    fn what_is_wrong_is_said_without_quoting_it() {
        refused(r#""hunter2""#, "expected an object in braces");
        refused("[1]", "expected an object in braces");
        refused("hunter2", "expected an object in braces");
        refused(r#"{"password":"hunter2"#, "unexpected end at line 1 column 20");
        refused(r#"{"password":hunter2}"#, "expected value at line 1 column 13");
        refused(r#"{"a":1} {"#, "trailing characters at line 1 column 9");
        for text in [r#"{"password":"hunter2\q"}"#, "{\"a\":\"hunter2\u{1}\"}", "{hunter2}"] {
            let Err(Error::Invalid(problem)) = parse(&Notation::Json, text) else {
                unreachable!("accepted {text}")
            };
            assert!(!problem.contains("hunter2"), "{problem}");
        }
        assert!(parse(&Notation::Form, "a=%zz").is_err());
    }

    #[test]
    fn lines_are_counted_and_not_looked_into() {
        let notation = Notation::of_write(Some("application/x-ndjson; charset=utf-8"));
        let lines =
            |text: &str| parse(&notation, text).map(|parameters| parameters.get("lines").cloned());
        assert_eq!(
            lines("{\"a\":1}\n\n{broken\r\n"),
            Ok(Some(json!(["{\"a\":1}", "", "{broken"])))
        );
        assert_eq!(lines(""), Ok(Some(json!([]))));
        assert!(lines(&"\n".repeat(10_001)).is_err());
        let beside = json!({"dry_run": "true", "lines": "x"});
        let notation = Notation::Lines(Map::new()).beside(beside.as_object().unwrap().clone());
        check(notation, "a", json!({"dry_run": "true", "lines": ["a"]}));
        let strange = Notation::Lines(Map::new()).parse(b"\xff", Trust::Authenticated, BYTES_MAX);
        assert_eq!(strange, Err(Error::invalid("the lines are not valid UTF-8")));
        let anonymous = "\n".repeat(1001);
        let refused =
            Notation::Lines(Map::new()).parse(anonymous.as_bytes(), Trust::Anonymous, BYTES_MAX);
        assert!(refused.is_err());
    }

    #[test]
    fn a_patch_must_say_how_it_is_written() {
        assert_eq!(Notation::of_patch(None).check(), Err(Error::invalid("mime: no media type")));
        assert_eq!(Notation::of_patch(Some("application/merge-patch+json; a=b")), Notation::Json);
        let text = "PATCH requires Content-Type of application/merge-patch+json, provided text/x";
        let wrong = Notation::of_patch(Some("text/x")).check();
        assert_eq!(wrong, Err(Error::Notation(text.to_owned())));
    }

    #[tokio::test]
    async fn how_much_is_read_depends_on_trust() {
        let large = format!(r#"{{"a":"{}"}}"#, "b".repeat(1024 * 1024));
        let bytes_max = 2 * 1024 * 1024;
        assert_eq!(read(&large, Trust::Anonymous, bytes_max).await, Err(Error::TooLarge));
        assert!(read(&large, Trust::Authenticated, bytes_max).await.is_ok());
        assert_eq!(read(&large, Trust::Authenticated, 1024).await, Err(Error::TooLarge));
        let strings = json!({"a": vec![""; 1000]}).to_string();
        assert!(read(&strings, Trust::Anonymous, bytes_max).await.is_err());
        assert!(read(&strings, Trust::Authenticated, bytes_max).await.is_ok());
    }

    #[test]
    fn growing_keeps_the_text() {
        let mut text = Zeroizing::new(Vec::new());
        let parts = [vec![1; 3], vec![2; 5000], vec![3; 1]];
        for part in &parts {
            append(&mut text, part);
        }
        assert_eq!(*text, parts.concat());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn within_the_limits_it_agrees_with_the_parser(
            inside in r#"([\[\]{}":,]|"a"|"\\\\u00e9"|-?[0-9]|1e5|true|null| |"[a-z\\]"){0,12}"#,
        ) {
            let text = format!("{{{inside}}}");
            let parsed = serde_json::from_str::<Map<String, Value>>(&text).ok();
            let expected = parsed.filter(|_| serde_json::from_str::<Clear>(&text).is_ok());
            prop_assert_eq!(parse(&Notation::Json, &text).ok(), expected);
        }
    }
}
