//! The value of a parameter, and all that some field could find in it.

use std::collections::{HashMap, HashSet};

use api::ENTRIES_MAX;
use api::readings::{Reading, TooMany, fold, list, object, readings};
use serde_json::Value;

/// How many members of lists and objects are looked at in one value, however they are nested.
const ENTRIES_SEEN_MAX: usize = 8 * ENTRIES_MAX;

/// What it costs to begin a search, in bytes that could be gone through instead.
pub(super) const SEARCH_BYTES: usize = 64;

/// A value that was sent, split once for every rule there is about it: what it could be taken for,
/// and what each of its members could.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) readings: HashSet<Reading>,
    /// Every text in it, folded, with the spaces around it and without.
    pub(super) texts: Vec<String>,
    /// Every object in it, also those that are written as `k=v`; their names are folded.
    pub(super) objects: Vec<HashMap<String, Self>>,
    pub(super) has_empty_list: bool,
    pub(super) has_empty_object: bool,
}

/// What is worth looking for in a value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    /// How deep objects are looked into.
    pub(super) depth: usize,
    /// Whether texts are looked at as such.
    pub(super) texts: bool,
}

/// What has been looked at so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) entries: usize,
    pub(super) objects: usize,
    /// Bytes to go through in search of a text, and what each search costs besides.
    pub(super) searched: usize,
}

impl Sent {
    /// All that is in `value`.
    ///
    /// # Errors
    /// When it has so many members that no field would take it, or few would.
    pub(super) fn of(value: &Value, look: Look) -> Result<(Self, Seen), TooMany> {
        let (mut sent, mut seen) = (Self::default(), Seen::default());
        sent.take(value, look, &mut seen)?;
        Ok((sent, seen))
    }

    fn take(&mut self, value: &Value, look: Look, seen: &mut Seen) -> Result<(), TooMany> {
        self.readings.extend(readings(value));
        if look.texts {
            self.take_texts(value, seen);
        }
        let members = list(value)?;
        self.has_empty_list |= members.is_empty();
        if !is_only_itself(&members, value) {
            seen.count(members.len())?;
            members.iter().try_for_each(|member| self.take(member, look, seen))?;
        }
        let Some(depth) = look.depth.checked_sub(1) else { return Ok(()) };
        let Some(object) = object(value) else { return Ok(()) };
        self.has_empty_object |= object.is_empty();
        seen.count(object.len())?;
        seen.objects += 1;
        let mut by_name: HashMap<String, Self> = HashMap::with_capacity(object.len());
        for (name, value) in object.iter() {
            // Names that differ in case alone may both count for somebody.
            let member = by_name.entry(fold(name.trim())).or_default();
            member.take(value, Look { depth, ..look }, seen)?;
        }
        self.objects.push(by_name);
        Ok(())
    }

    fn take_texts(&mut self, value: &Value, seen: &mut Seen) {
        if let Some(text) = text(value) {
            self.take_text(&text, seen);
        }
        // Fields that take an object take its members as texts as well.
        for (name, value) in value.as_object().into_iter().flatten() {
            if let Some(text) = text(value) {
                self.take_text(&format!("{}={text}", name.trim()), seen);
            }
        }
    }

    fn take_text(&mut self, text: &str, seen: &mut Seen) {
        let folded = fold(text);
        seen.searched += 2 * (folded.len() + SEARCH_BYTES);
        let trimmed = folded.trim();
        if trimmed.len() < folded.len() {
            self.texts.push(trimmed.to_owned());
        }
        self.texts.push(folded);
    }
}

impl Seen {
    fn count(&mut self, entries: usize) -> Result<(), TooMany> {
        self.entries += entries;
        if self.entries > ENTRIES_SEEN_MAX { Err(TooMany) } else { Ok(()) }
    }
}

/// Whether a list is just the value it was made from.
pub(super) fn is_only_itself(members: &[Value], value: &Value) -> bool {
    matches!(members, [member] if member == value)
}

/// The text that a field takes for a value, if it takes any.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}
