//! What a text says, as a tree, and the questions its readers ask of it.

use std::fmt;

use serde_json::{Map, Number};

use super::{Error, Position};
use crate::duration;

/// What stands between braces, or in the whole text: items in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// The items. The same key may come several times.
    pub items: Vec<Item>,
}

/// `key = value`, or `key "label" { … }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What comes first.
    pub key: Name,
    /// What comes between the key and the opening brace.
    pub labels: Vec<Name>,
    /// What comes last.
    pub value: Value,
}

/// A key or a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name, without quotes.
    pub text: String,
    /// Where it starts.
    pub position: Position,
}

/// A value. What it is stays out of `Debug`, since configuration files hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub content: Content,
    /// Where it starts.
    pub position: Position,
}

/// What a value can be.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// A text in quotes, or a heredoc.
    Text(String),
    /// A number as it is written; hexadecimal ones start with `0x`.
    Number(String),
    /// True or false.
    Bool(bool),
    /// Values in square brackets.
    List(Vec<Value>),
    /// A body in braces, with or without an equal sign before it.
    Object(Body),
}

/// A block as its reader understands it, however it was spelled.
#[derive(Clone, Debug)]
pub struct Block<'tree> {
    /// As many labels as the reader asked for.
    pub labels: Vec<&'tree Name>,
    /// What stands between the braces.
    pub body: &'tree Body,
    /// Where the block starts.
    pub position: Position,
}

impl Body {
    /// The value of `key`, if it is set. Blocks that repeat have no single value.
    ///
    /// # Errors
    /// When the key is set more than once or carries labels.
    pub fn value(&self, key: &str) -> Result<Option<&Value>, Error> {
        let mut items = self.items.iter().filter(|item| item.key.text == key);
        let Some(item) = items.next() else { return Ok(None) };
        if let Some(label) = item.labels.first() {
            return Err(label.position.error(format!("{key:?} takes no label")));
        }
        match items.next() {
            Some(again) => {
                Err(again.key.position.error(format!("key {key:?} is set a second time")))
            }
            None => Ok(Some(&item.value)),
        }
    }

    /// All blocks called `key`, each with exactly `label_count` labels.
    ///
    /// A label can be written before the brace (`path "x" {}`), or as a key inside, as JSON must
    /// (`{"path": {"x": {}}}`). Where a block is expected, a list of them does too.
    ///
    /// # Errors
    /// When something else than a block is called so, or a block has too many or too few labels.
    pub fn blocks(&self, key: &str, label_count: usize) -> Result<Vec<Block<'_>>, Error> {
        let mut blocks = Vec::new();
        // Partly labelled values, the next one last. The tree is finite and each is taken once.
        let mut waiting: Vec<Partial<'_>> =
            self.items.iter().rev().filter(|item| item.key.text == key).map(Partial::new).collect();
        while let Some(partial) = waiting.pop() {
            match &partial.value.content {
                Content::List(values) => {
                    waiting.extend(values.iter().rev().map(|value| partial.element(value)));
                }
                Content::Object(body) if partial.labels.len() == label_count => {
                    let Partial { labels, position, .. } = partial;
                    blocks.push(Block { labels, body, position });
                }
                Content::Object(body) if partial.labels.len() < label_count => {
                    waiting.extend(body.items.iter().rev().map(|item| partial.labelled(item)));
                }
                _ => return Err(partial.mistake(key, label_count)),
            }
        }
        Ok(blocks)
    }

    /// Refuses items whose key is not one of `keys`.
    ///
    /// # Errors
    /// Naming the first such key and its place.
    pub fn allow_only(&self, keys: &[&str]) -> Result<(), Error> {
        match self.items.iter().find(|item| !keys.contains(&item.key.text.as_str())) {
            Some(Item { key, .. }) => {
                Err(key.position.error(format!("invalid key {:?}", key.text)))
            }
            None => Ok(()),
        }
    }

    fn to_json(&self) -> Result<serde_json::Value, Error> {
        let mut map = Map::new();
        for item in &self.items {
            if map.contains_key(&item.key.text) {
                let problem = format!("key {:?} is set a second time", item.key.text);
                return Err(item.key.position.error(problem));
            }
            let labels = item.labels.iter().rev();
            let value = labels.fold(item.value.to_json()?, |value, label| {
                serde_json::Value::Object(Map::from_iter([(label.text.clone(), value)]))
            });
            map.insert(item.key.text.clone(), value);
        }
        Ok(serde_json::Value::Object(map))
    }
}

impl Value {
    /// The text it is.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&self) -> Result<&str, Error> {
        match &self.content {
            Content::Text(text) => Ok(text),
            _ => Err(self.expected("a text in double quotes")),
        }
    }

    /// The values of the list it is.
    ///
    /// # Errors
    /// When it is something else.
    pub fn list(&self) -> Result<&[Self], Error> {
        match &self.content {
            Content::List(values) => Ok(values),
            _ => Err(self.expected("a list in square brackets")),
        }
    }

    /// The texts of the list it is.
    ///
    /// # Errors
    /// When it is something else, or another kind of value is among them.
    pub fn texts(&self) -> Result<Vec<&str>, Error> {
        self.list()?.iter().map(Self::text).collect()
    }

    /// The body it is.
    ///
    /// # Errors
    /// When it is something else.
    pub fn object(&self) -> Result<&Body, Error> {
        match &self.content {
            Content::Object(body) => Ok(body),
            _ => Err(self.expected("a block in braces")),
        }
    }

    /// Whether it is true; the words `"true"` and `"false"` and the numbers 1 and 0 do as well.
    ///
    /// # Errors
    /// When it is something else.
    pub fn truth(&self) -> Result<bool, Error> {
        match &self.content {
            Content::Bool(truth) => Ok(*truth),
            Content::Text(word) | Content::Number(word) => match word.as_str() {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err(self.expected("true or false")),
            },
            _ => Err(self.expected("true or false")),
        }
    }

    /// The whole number it is, in quotes or not.
    ///
    /// # Errors
    /// When it is something else, negative, or too large.
    pub fn whole_number(&self) -> Result<u64, Error> {
        let number = match &self.content {
            Content::Number(text) | Content::Text(text) => match text.get(..2) {
                Some("0x" | "0X") => {
                    text.get(2..).and_then(|digits| u64::from_str_radix(digits, 16).ok())
                }
                _ => text.parse().ok(),
            },
            _ => None,
        };
        number.ok_or_else(|| {
            let what = "a whole number, like 100";
            match &self.content {
                Content::Number(text) if text.starts_with('-') => {
                    self.expected_not(what, "a number below zero")
                }
                Content::Number(text) if text.contains(['.', 'e', 'E']) => {
                    self.expected_not(what, "a number with a point or an exponent")
                }
                Content::Number(_) => self.expected_not(what, "a number that is too large"),
                _ => self.expected(what),
            }
        })
    }

    /// The duration it is, in seconds: a number of them, or a text such as `"1h30m"`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn seconds(&self) -> Result<u64, Error> {
        match &self.content {
            Content::Number(text) | Content::Text(text) => {
                duration::parse(text).map_err(|error| self.position.error(error.to_string()))
            }
            _ => Err(self.expected("a duration, like \"1h30m\"")),
        }
    }

    /// The same as JSON. Calls itself as deep as the parser has let the tree become.
    ///
    /// # Errors
    /// When a key is set twice, or a number is beyond what JSON can hold.
    pub fn to_json(&self) -> Result<serde_json::Value, Error> {
        use serde_json::Value as Json;
        Ok(match &self.content {
            Content::Text(text) => Json::String(text.clone()),
            Content::Bool(truth) => Json::Bool(*truth),
            Content::Number(text) if text.starts_with("0x") || text.starts_with("0X") => {
                Json::from(self.whole_number()?)
            }
            Content::Number(text) => {
                let number = serde_json::from_str::<Number>(text);
                let beyond = |_| self.position.error("this number is beyond what JSON can hold");
                Json::Number(number.map_err(beyond)?)
            }
            Content::List(values) => {
                Json::Array(values.iter().map(Self::to_json).collect::<Result<_, _>>()?)
            }
            Content::Object(body) => body.to_json()?,
        })
    }

    fn expected(&self, what: &str) -> Error {
        let found = match self.content {
            Content::Text(_) => "a text",
            Content::Number(_) => "a number",
            Content::Bool(_) => "true or false",
            Content::List(_) => "a list",
            Content::Object(_) => "a block",
        };
        self.expected_not(what, found)
    }

    fn expected_not(&self, what: &str, found: &str) -> Error {
        self.position.error(format!("expected {what}, found {found}"))
    }
}

/// A value on its way to becoming a block.
struct Partial<'tree> {
    labels: Vec<&'tree Name>,
    value: &'tree Value,
    position: Position,
}

impl<'tree> Partial<'tree> {
    fn new(item: &'tree Item) -> Self {
        let labels = item.labels.iter().collect();
        Self { labels, value: &item.value, position: item.key.position }
    }

    fn element(&self, value: &'tree Value) -> Self {
        Self { labels: self.labels.clone(), value, position: value.position }
    }

    fn labelled(&self, item: &'tree Item) -> Self {
        let names = std::iter::once(&item.key).chain(&item.labels);
        let labels = self.labels.iter().copied().chain(names).collect();
        Self { labels, value: &item.value, position: item.key.position }
    }

    fn mistake(&self, key: &str, label_count: usize) -> Error {
        let labels = " \"label\"".repeat(label_count);
        self.position.error(format!("a {key:?} block is written as {key}{labels} {{ … }}"))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Object(body) => body.fmt(formatter),
            Content::List(values) => values.fmt(formatter),
            _ => formatter.write_str("…"),
        }
    }
}
