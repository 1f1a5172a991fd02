//! From words to the tree.
//!
//! The bodies and lists that are open lie on a stack of our own, so a deeply nested text costs an
//! error and not the stack of the thread. JSON is checked by `serde_json` first and then read by
//! the same parser, which knows where everything stands and keeps keys that are given twice apart.

use std::collections::HashSet;

use serde::de::IgnoredAny;

use super::{Body, Content, Error, Item, Name, Position, TEXT_BYTES_MAX, Value, scanner::Scanner};

/// How many bodies and lists may lie within each other, the text itself included.
pub const DEPTH_MAX: usize = 32;
/// How many values one text may hold.
pub const VALUES_MAX: usize = 200_000;
/// How many labels one block may have.
pub const LABELS_MAX: usize = 8;

/// Reads HCL, or JSON if the first character is `{`.
///
/// # Errors
/// When the text is neither, or goes beyond a limit. The position lies within the text, or right
/// behind its last character.
pub fn parse(text: &str) -> Result<Body, Error> {
    if text.len() > TEXT_BYTES_MAX {
        let problem =
            format!("the text has {} bytes; at most {TEXT_BYTES_MAX} are read", text.len());
        return Err(Position::START.error(problem));
    }
    // Some editors put a mark in front of a text that says how it is encoded.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let syntax = if text.trim_start().starts_with('{') { Syntax::Json } else { Syntax::Hcl };
    if syntax == Syntax::Json {
        check_json(text)?;
    }
    Parser { scanner: Scanner::new(text), syntax, open: Vec::new(), values: 0 }.run()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Hcl,
    Json,
}

struct Parser<'text> {
    scanner: Scanner<'text>,
    syntax: Syntax,
    /// Bodies and lists that are not closed yet, the innermost last.
    open: Vec<Open>,
    values: usize,
}

/// A body or list that is not closed yet.
struct Open {
    /// The item whose value it is. Only the text itself and what lies in a list has none.
    head: Option<Head>,
    position: Position,
    inside: Inside,
}

enum Inside {
    Body { body: Body, attributes: HashSet<String> },
    List(Vec<Value>),
}

/// What stands before a value.
struct Head {
    key: Name,
    labels: Vec<Name>,
}

/// What one step of the parser found.
enum Step {
    /// A body or list began; what follows lies inside it.
    Opened,
    /// A value is complete.
    Complete(Option<Head>, Value),
    /// A value that says there is none: `null`.
    Nothing,
}

impl Parser<'_> {
    fn run(mut self) -> Result<Body, Error> {
        self.scanner.skip_blank()?;
        let start = self.scanner.position();
        if self.syntax == Syntax::Json {
            self.scanner.eat('{');
        }
        self.push(None, start, new_body())?;
        // Ends: every step takes a character or closes what is open, and the text is bounded.
        loop {
            self.scanner.skip_blank()?;
            let step = match self.open.last() {
                Some(Open { inside: Inside::List(_), .. }) => self.step_in_list()?,
                _ => self.step_in_body()?,
            };
            if let Step::Complete(head, value) = step
                && let Some(body) = self.deliver(head, value)?
            {
                return Ok(body);
            }
        }
    }

    fn step_in_body(&mut self) -> Result<Step, Error> {
        let outermost = self.open.len() == 1;
        match self.scanner.peek() {
            None if outermost && self.syntax == Syntax::Hcl => Ok(self.close()),
            Some('}') if !outermost || self.syntax == Syntax::Json => {
                self.scanner.eat('}');
                Ok(self.close())
            }
            _ => self.item(),
        }
    }

    fn step_in_list(&mut self) -> Result<Step, Error> {
        if self.scanner.eat(']') { Ok(self.close()) } else { self.value(None) }
    }

    /// One item of a body, up to its value or into it.
    fn item(&mut self) -> Result<Step, Error> {
        let key = self.name()?;
        let mut labels = Vec::new();
        loop {
            self.scanner.skip_blank()?;
            let is_attribute = self.scanner.eat(self.assignment());
            if is_attribute && labels.is_empty() {
                self.remember_attribute(&key)?;
                self.scanner.skip_blank()?;
                return self.value(Some(Head { key, labels }));
            }
            if is_attribute {
                return Err(key
                    .position
                    .error("a key with labels opens a block; use { instead of ="));
            }
            if self.scanner.peek() == Some('{') {
                return self.value(Some(Head { key, labels }));
            }
            if labels.len() == LABELS_MAX {
                let problem = format!("a block has at most {LABELS_MAX} labels");
                return Err(key.position.error(problem));
            }
            labels
                .push(self.name().map_err(|_| self.scanner.unexpected("\"=\", \"{\" or a label"))?);
        }
    }

    fn name(&mut self) -> Result<Name, Error> {
        let position = self.scanner.position();
        if self.scanner.peek() == Some('"') {
            return Ok(Name { text: self.text()?, position });
        }
        let unexpected = self.scanner.unexpected("a key");
        let word = self.scanner.word().ok_or(unexpected)?;
        Ok(Name { text: word.to_owned(), position })
    }

    fn value(&mut self, head: Option<Head>) -> Result<Step, Error> {
        let position = self.scanner.position();
        let content = match self.scanner.peek() {
            Some('{') => {
                self.scanner.eat('{');
                return self.push(head, position, new_body());
            }
            Some('[') => {
                self.scanner.eat('[');
                return self.push(head, position, Inside::List(Vec::new()));
            }
            Some('"') => Content::Text(self.text()?),
            Some('<') if self.scanner.starts_with("<<") => Content::Text(self.scanner.heredoc()?),
            Some('-' | '0'..='9') => Content::Number(self.scanner.number()?),
            _ => match self.scanner.word() {
                Some("true") => Content::Bool(true),
                Some("false") => Content::Bool(false),
                Some("null") if self.syntax == Syntax::Json => return self.nothing(head, position),
                Some(_) => return Err(position.error("texts stand in double quotes")),
                None => return Err(self.scanner.unexpected("a value")),
            },
        };
        Ok(Step::Complete(head, Value { content, position }))
    }

    /// `null` for an item is the same as no item; in a list it would shift the others.
    fn nothing(&mut self, head: Option<Head>, position: Position) -> Result<Step, Error> {
        if head.is_none() {
            return Err(position.error("a list cannot hold null; leave it out"));
        }
        self.scanner.skip_blank()?;
        self.scanner.eat(',');
        Ok(Step::Nothing)
    }

    fn text(&mut self) -> Result<String, Error> {
        match self.syntax {
            Syntax::Hcl => self.scanner.text(),
            Syntax::Json => self.scanner.json_text(),
        }
    }

    fn assignment(&self) -> char {
        match self.syntax {
            Syntax::Hcl => '=',
            Syntax::Json => ':',
        }
    }

    fn push(
        &mut self,
        head: Option<Head>,
        position: Position,
        inside: Inside,
    ) -> Result<Step, Error> {
        if self.open.len() == DEPTH_MAX {
            let problem = format!("this is nested too deeply; at most {DEPTH_MAX} levels are read");
            return Err(position.error(problem));
        }
        self.open.push(Open { head, position, inside });
        Ok(Step::Opened)
    }

    fn close(&mut self) -> Step {
        let Some(Open { head, position, inside }) = self.open.pop() else { return Step::Opened };
        let content = match inside {
            Inside::Body { body, .. } => Content::Object(body),
            Inside::List(values) => Content::List(values),
        };
        Step::Complete(head, Value { content, position })
    }

    /// Puts a complete value where it belongs; the whole text comes back once that is complete.
    fn deliver(&mut self, head: Option<Head>, value: Value) -> Result<Option<Body>, Error> {
        self.values += 1;
        if self.values > VALUES_MAX {
            let problem = format!("there are too many values; at most {VALUES_MAX} are read");
            return Err(value.position.error(problem));
        }
        self.scanner.skip_blank()?;
        let comma = self.scanner.eat(',');
        match (self.open.last_mut().map(|open| &mut open.inside), head) {
            (Some(Inside::Body { body, .. }), Some(Head { key, labels })) => {
                body.items.push(Item { key, labels, value });
                Ok(None)
            }
            (Some(Inside::List(values)), _) => {
                values.push(value);
                if comma || self.scanner.peek() == Some(']') {
                    return Ok(None);
                }
                Err(self.scanner.unexpected("\",\" or \"]\""))
            }
            _ => self.finish(value, comma),
        }
    }

    fn finish(&self, value: Value, comma: bool) -> Result<Option<Body>, Error> {
        match value.content {
            Content::Object(body) if !comma && self.scanner.peek().is_none() => Ok(Some(body)),
            _ => Err(self.scanner.unexpected("nothing more")),
        }
    }

    /// An attribute that is set twice hides one of the two, so it is refused. Blocks may repeat.
    fn remember_attribute(&mut self, key: &Name) -> Result<(), Error> {
        if let Some(Open { inside: Inside::Body { attributes, .. }, .. }) = self.open.last_mut()
            && !attributes.insert(key.text.clone())
        {
            return Err(key.position.error(format!("key {:?} is set a second time", key.text)));
        }
        Ok(())
    }
}

fn new_body() -> Inside {
    Inside::Body { body: Body::default(), attributes: HashSet::new() }
}

/// Refuses what is not JSON, with the words and the place of `serde_json`.
fn check_json(text: &str) -> Result<(), Error> {
    let Err(error) = serde_json::from_str::<IgnoredAny>(text) else { return Ok(()) };
    let whole = error.to_string();
    let problem = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(problem, _)| problem);
    let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    // It counts bytes, and counts none on an empty line; people count characters from one.
    let before = error.column().saturating_sub(1);
    let column = line.char_indices().take_while(|(start, _)| *start < before).count() + 1;
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let position = Position { line: number(error.line().max(1)), column: number(column) };
    Err(position.error(format!("this is not JSON: {problem}")))
}
