//! Arguments of the form `key=value`, with files and the standard input as sources of values.
//!
//! | form | meaning |
//! |---|---|
//! | `k=v` | a text; the first `=` splits |
//! | `k=@file` | the content of a file, as it is |
//! | `k=\@x` | the text `@x` |
//! | `k=-` | the standard input, as it is, once |
//! | `-`, `@file` | a JSON object in which no name is given twice, merged in |
//!
//! Values are never guessed to be numbers: only JSON objects bring other types than text.

use std::cell::RefCell;
use std::io::Read;

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::named_once::NamedOnce;

/// The most that is read from a file or from the standard input.
const SOURCE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The standard input, which can be read once.
pub(crate) struct Input {
    source: RefCell<Option<Box<dyn Read>>>,
}

impl Input {
    /// The input of this process.
    pub(crate) fn standard() -> Input {
        Input::from_reader(std::io::stdin())
    }

    /// An input that has nothing, for calls that must not wait for anybody.
    pub(crate) fn empty() -> Input {
        Input::from_reader(std::io::empty())
    }

    /// Any source of bytes.
    pub(crate) fn from_reader(reader: impl Read + 'static) -> Input {
        Input { source: RefCell::new(Some(Box::new(reader))) }
    }

    /// Everything that comes in, as it is.
    pub(crate) fn read(&self) -> Result<String, String> {
        let Some(source) = self.source.borrow_mut().take() else {
            return Err("the standard input can be used only once".to_owned());
        };
        text_of(source).map_err(|cause| format!("failed to read from the standard input: {cause}"))
    }
}

/// Reads a file whole.
pub(crate) fn file(path: &str) -> Result<String, String> {
    let opened = std::fs::File::open(path);
    opened.and_then(text_of).map_err(|cause| format!("open {path}: {cause}"))
}

fn text_of(source: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    source.take(SOURCE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// Parses `key=value` arguments into the JSON object that is sent.
pub(crate) fn parse(arguments: &[String], input: &Input) -> Result<Map<String, Value>, Failure> {
    let mut data = Map::new();
    for argument in arguments {
        merge(&mut data, argument, input)
            .map_err(|cause| Failure::local(format!("Failed to parse K=V data: {cause}")))?;
    }
    Ok(data)
}

/// As [`parse`], for arguments among which a password may stand: no error repeats any of them.
pub(crate) fn parse_secrets(
    arguments: &[String],
    input: &Input,
) -> Result<Map<String, Value>, Failure> {
    let is_pair =
        |argument: &String| argument == "-" || argument.starts_with('@') || argument.contains('=');
    if !arguments.iter().all(is_pair) {
        let text = "Failed to parse K=V data: invalid key/value pair: format must be key=value";
        return Err(Failure::local(text));
    }
    parse(arguments, input)
}

fn merge(data: &mut Map<String, Value>, argument: &str, input: &Input) -> Result<(), String> {
    if argument == "-" {
        return merge_object(data, &input.read()?);
    }
    if let Some(path) = argument.strip_prefix('@') {
        return merge_object(data, &file(path)?);
    }
    let Some((key, value)) = argument.split_once('=') else {
        return Err(format!("invalid key/value pair {argument:?}: format must be key=value"));
    };
    let value = match value.strip_prefix('@') {
        Some(path) => file(path)?,
        None if value == "-" => input.read()?,
        None if value.starts_with("\\@") => value.replacen('\\', "", 1),
        None => value.to_owned(),
    };
    add(data, key, value);
    Ok(())
}

/// A key that comes again makes a list.
fn add(data: &mut Map<String, Value>, key: &str, value: String) {
    let value = Value::String(value);
    match data.get_mut(key) {
        None => {
            data.insert(key.to_owned(), value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(existing) => *existing = Value::Array(vec![existing.take(), value]),
    }
}

fn merge_object(data: &mut Map<String, Value>, text: &str) -> Result<(), String> {
    // Only the place of the mistake is named: the text may be a secret.
    let object: Map<String, Value> = serde_json::from_str(text).map_err(|cause| {
        format!("this is not a JSON object (line {}, column {})", cause.line(), cause.column())
    })?;
    // The map has kept the last value of a name; whoever wrote the first one meant it too.
    serde_json::from_str::<NamedOnce>(text).map_err(|cause| {
        format!(
            "a name is given twice in the same object; give it once (line {}, column {})",
            cause.line(),
            cause.column()
        )
    })?;
    data.extend(object);
    Ok(())
}

/// The pairs of a query, for commands that send their arguments in the URL.
pub(crate) fn query(data: &Map<String, Value>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (key, value) in data {
        match value {
            Value::Array(values) => {
                pairs.extend(values.iter().map(|value| (key.clone(), plain(value))));
            }
            value => pairs.push((key.clone(), plain(value))),
        }
    }
    pairs
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[track_caller]
    fn check(arguments: &[&str], expected: &str) {
        let owned: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let input = Input::from_reader(r#"{"from":"stdin","n":3}"#.as_bytes());
        let shown = match parse(&owned, &input) {
            Ok(data) => Value::Object(data).to_string(),
            Err(Failure::Local(text)) => text,
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(shown, expected, "{arguments:?}");
    }

    #[test]
    fn arguments_become_the_object_that_is_sent() {
        check(&[], "{}");
        check(&["a=b"], r#"{"a":"b"}"#);
        check(&["a=b=c"], r#"{"a":"b=c"}"#);
        check(&["a="], r#"{"a":""}"#);
        check(&["ttl=10"], r#"{"ttl":"10"}"#);
        check(&["a=1", "a=2", "a=3"], r#"{"a":["1","2","3"]}"#);
        check(&[r"a=\@f"], r#"{"a":"@f"}"#);
        check(&[r"a=\"], r#"{"a":"\\"}"#);
        check(&["-"], r#"{"from":"stdin","n":3}"#);
        check(&["a=-"], r#"{"a":"{\"from\":\"stdin\",\"n\":3}"}"#);
        check(
            &["k"],
            "Failed to parse K=V data: invalid key/value pair \"k\": format must be key=value",
        );
        check(&["a=-", "-"], "Failed to parse K=V data: the standard input can be used only once");
    }

    #[test]
    fn a_file_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        std::fs::write(&path, "line\n").unwrap();
        check(&[&format!("a=@{}", path.display())], r#"{"a":"line\n"}"#);
        std::fs::write(&path, r#"{"b":[1,true]}"#).unwrap();
        check(&["a=1", &format!("@{}", path.display())], r#"{"a":"1","b":[1,true]}"#);
        std::fs::write(&path, "{\"password\": hunter2}").unwrap();
        check(
            &[&format!("@{}", path.display())],
            "Failed to parse K=V data: this is not a JSON object (line 1, column 14)",
        );
    }

    #[test]
    fn a_name_of_an_object_has_one_value() {
        let twice = |place: &str| {
            format!(
                "Failed to parse K=V data: a name is given twice in the same object; give it once \
                 (line 1, column {place})"
            )
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("object");
        for (text, expected) in [
            (r#"{"a":1,"a":2}"#, twice("10")),
            (r#"{"a":1,"\u0061":1}"#, twice("15")),
            (r#"{"a":[0,{"b":{"c":true,"c":{"d":1}}}]}"#, twice("26")),
            (r#"{"a":{"a":[{"a":1},{"a":1}]}}"#, r#"{"a":{"a":[{"a":1},{"a":1}]}}"#.to_owned()),
            (r#"{"a":[1.50,-1,null,"a"]}"#, r#"{"a":[1.50,-1,null,"a"]}"#.to_owned()),
        ] {
            std::fs::write(&path, text).unwrap();
            check(&[&format!("@{}", path.display())], &expected);
        }
    }

    #[test]
    fn a_password_among_the_arguments_is_never_repeated() {
        let arguments = ["username=a".to_owned(), "hunter2".to_owned()];
        let error = parse_secrets(&arguments, &Input::empty()).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
