//! The values that a rule allows a parameter, ready to be found in what is sent.

use std::collections::HashSet;

use api::ENTRIES_MAX;
use api::readings::{Decimal, TooMany};
use serde_json::Value;

use super::globs::{BYTES_SEARCHED_MAX, Globs, is_glob};
use super::sent::SEARCH_BYTES;

/// What a parameter may be. Unlike denials, this goes by the very type: what might be taken for
/// something allowed is not allowed yet.
#[derive(Debug)]
pub(super) struct Allowed {
    anything: bool,
    values: HashSet<Value>,
    numbers: HashSet<Decimal>,
    /// For a text, or for each part of one.
    globs: Globs,
    /// For a text with commas in it as a whole. An open end that says nothing of commas is not
    /// taken to reach across them.
    across_commas: Globs,
}

impl Allowed {
    /// What `values` allow; none: anything.
    pub(super) fn new(values: &[Value]) -> Self {
        let globs = || values.iter().filter_map(Value::as_str).filter(|text| is_glob(text));
        let is_plain = |value: &&Value| !value.is_number() && !value.as_str().is_some_and(is_glob);
        Self {
            anything: values.is_empty(),
            values: values.iter().filter(is_plain).cloned().collect(),
            numbers: values.iter().filter_map(Value::as_number).map(Decimal::of).collect(),
            globs: Globs::new(globs()),
            across_commas: Globs::new(globs().filter(|text| text.contains(','))),
        }
    }

    /// Whether `value` is allowed: all of it at once, or each of its members.
    ///
    /// # Errors
    /// When there is too much of it to tell.
    pub(super) fn covers(&self, value: &Value) -> Result<bool, TooMany> {
        if self.anything || self.holds(value) {
            return Ok(true);
        }
        let mut seen = Seen::default();
        if let Some(text) = value.as_str() {
            seen.search(text, &self.across_commas)?;
            if self.across_commas.covers(text) {
                return Ok(true);
            }
        }
        let members = match value {
            Value::Array(members) => members.as_slice(),
            single => std::slice::from_ref(single),
        };
        for member in members {
            let is_allowed = match member {
                Value::String(text) if text.contains(',') => self.cover_parts(text, &mut seen)?,
                Value::String(text) => self.cover_text(text, &mut seen)?,
                other => {
                    seen.count()?;
                    self.holds(other)
                }
            };
            if !is_allowed {
                return Ok(false);
            }
        }
        Ok(seen.entries > 0)
    }

    fn holds(&self, value: &Value) -> bool {
        match value {
            Value::Number(number) => self.numbers.contains(&Decimal::of(number)),
            other => self.values.contains(other),
        }
    }

    fn cover_parts(&self, text: &str, seen: &mut Seen) -> Result<bool, TooMany> {
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if !self.cover_text(part, seen)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn cover_text(&self, text: &str, seen: &mut Seen) -> Result<bool, TooMany> {
        seen.count()?;
        seen.search(text, &self.globs)?;
        Ok(self.globs.covers(text) || self.values.contains(&Value::from(text)))
    }
}

/// What has been looked at so far.
#[derive(Default)]
struct Seen {
    entries: usize,
    bytes: usize,
}

impl Seen {
    fn count(&mut self) -> Result<(), TooMany> {
        self.entries += 1;
        if self.entries > ENTRIES_MAX { Err(TooMany) } else { Ok(()) }
    }

    fn search(&mut self, text: &str, globs: &Globs) -> Result<(), TooMany> {
        let bytes = (text.len() + SEARCH_BYTES).saturating_mul(globs.passes());
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > BYTES_SEARCHED_MAX { Err(TooMany) } else { Ok(()) }
    }
}
