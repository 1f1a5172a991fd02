//! The values that a rule denies a parameter, ready to be found in what is sent.

use std::collections::{HashMap, HashSet};

use api::readings::{Reading, TooMany, fold, list, object, readings};
use serde_json::Value;

use super::globs::{BYTES_SEARCHED_MAX, Globs, is_glob};
use super::sent::{Look, Seen, Sent, is_only_itself};

/// How deep denied values are understood. What is nested more deeply stands for anything there.
const DEPTH_MAX: usize = 8;
/// Comparisons of one object with another that one decision is worth.
const OBJECTS_COMPARED_MAX: usize = 1_000_000;

/// All that a parameter must not be, whatever its field takes values for.
///
/// A value is denied when some field could take it, or a member of it, for a denied one. Of a list
/// all members must be there, of an object all names with their values; what is there besides does
/// not help.
#[derive(Debug)]
pub(super) struct Denied {
    forms: Forms,
    look: Look,
    /// How many objects there are in it.
    objects: usize,
    /// How many times each text is gone through.
    passes: usize,
}

/// The forms of denied values in which they can be found.
#[derive(Debug, Default)]
struct Forms {
    readings: HashSet<Reading>,
    globs: Globs,
    lists: Vec<Vec<Self>>,
    objects: Vec<Vec<(String, Self)>>,
    empty_list: bool,
    empty_object: bool,
    anything: bool,
}

impl Denied {
    /// What `values` deny; none: anything.
    pub(super) fn new(values: &[Value]) -> Self {
        let mut forms = Forms::of(values, DEPTH_MAX);
        forms.anything |= values.is_empty();
        let look = Look { depth: forms.depth(), texts: forms.has_globs() };
        let (objects, passes) = (forms.count_objects(), forms.passes());
        Self { forms, look, objects, passes }
    }

    /// Whether any value at all is denied.
    pub(super) fn is_anything(&self) -> bool {
        self.forms.anything
    }

    /// Whether `value` is denied.
    ///
    /// # Errors
    /// When there is too much of it to tell.
    pub(super) fn covers(&self, value: &Value) -> Result<bool, TooMany> {
        if self.is_anything() {
            return Ok(true);
        }
        let (sent, Seen { objects, searched, .. }) = Sent::of(value, self.look)?;
        let is_too_much = self.objects.saturating_mul(objects) > OBJECTS_COMPARED_MAX
            || self.passes.saturating_mul(searched) > BYTES_SEARCHED_MAX;
        if is_too_much { Err(TooMany) } else { Ok(self.forms.are_in(&sent)) }
    }
}

impl Forms {
    fn of<'value>(values: impl IntoIterator<Item = &'value Value>, depth: usize) -> Self {
        let mut denied = Self::default();
        let mut globs = Vec::new();
        for value in values {
            denied.add(value, depth, &mut globs);
        }
        denied.globs = Globs::new(globs.iter().map(String::as_str));
        denied.anything |= denied.globs.cover_anything();
        denied
    }

    fn add(&mut self, value: &Value, depth: usize, globs: &mut Vec<String>) {
        let Some(inner) = depth.checked_sub(1) else {
            self.anything = true;
            return;
        };
        match value {
            Value::String(pattern) if is_glob(pattern.trim()) => {
                globs.extend(
                    [fold(pattern), fold(pattern.trim())].into_iter().filter(|text| is_glob(text)),
                );
            }
            _ => self.readings.extend(readings(value)),
        }
        // A list that is too long here is so in a request as well, and denied there.
        let members = list(value).unwrap_or_default();
        self.empty_list |= members.is_empty();
        if !is_only_itself(&members, value) {
            self.add_members(&members, inner, globs);
        }
        match object(value) {
            Some(object) if object.is_empty() => self.empty_object = true,
            Some(object) => {
                let member =
                    |(name, value): (&String, _)| (fold(name.trim()), Self::of([value], inner));
                self.objects.push(object.iter().map(member).collect());
            }
            None => {}
        }
    }

    fn add_members(&mut self, members: &[Value], depth: usize, globs: &mut Vec<String>) {
        // Lists of names leave out those that are empty.
        let is_blank = |member: &&Value| match member {
            Value::String(text) => text.trim().is_empty(),
            other => other.is_null(),
        };
        let names: Vec<&Value> = members.iter().filter(|member| !is_blank(member)).collect();
        match (names.as_slice(), members) {
            ([], [blank, ..]) => self.add(blank, depth, globs),
            ([], []) => {}
            ([single], _) => self.add(single, depth, globs),
            (names, _) => {
                self.lists.push(names.iter().map(|name| Self::of([*name], depth)).collect());
            }
        }
    }

    fn are_in(&self, sent: &Sent) -> bool {
        let has = |object: &Vec<(String, Self)>| {
            let is_member_of = |all: &HashMap<String, Sent>, (name, denied): &(String, Self)| {
                all.get(name).is_some_and(|member| denied.are_in(member))
            };
            sent.objects.iter().any(|all| object.iter().all(|member| is_member_of(all, member)))
        };
        self.anything
            || (self.empty_list && sent.has_empty_list)
            || (self.empty_object && sent.has_empty_object)
            || !self.readings.is_disjoint(&sent.readings)
            || sent.texts.iter().any(|text| self.globs.covers(text))
            || self.lists.iter().any(|list| list.iter().all(|member| member.are_in(sent)))
            || self.objects.iter().any(has)
    }

    /// How deep the objects of a request are to be looked into.
    fn depth(&self) -> usize {
        let of_lists = self.lists.iter().flatten().map(Self::depth);
        let of_objects = self.objects.iter().flatten().map(|(_, member)| 1 + member.depth());
        let empty = usize::from(self.empty_object);
        of_lists.chain(of_objects).max().unwrap_or(0).max(empty)
    }

    fn has_globs(&self) -> bool {
        !self.globs.is_empty() || self.members().any(Self::has_globs)
    }

    fn count_objects(&self) -> usize {
        self.objects.len() + self.members().map(Self::count_objects).sum::<usize>()
    }

    fn passes(&self) -> usize {
        self.globs.passes() + self.members().map(Self::passes).sum::<usize>()
    }

    /// What is in the lists and objects.
    fn members(&self) -> impl Iterator<Item = &Self> {
        let of_objects = self.objects.iter().flatten().map(|(_, member)| member);
        self.lists.iter().flatten().chain(of_objects)
    }
}
