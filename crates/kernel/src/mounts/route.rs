//! Finding the door of a request.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::describe::{Synonyms, parameter_names, secret_names, synonyms};
use api::{CanonicalPath, Captures, Context, Operation, Path, Pattern, Reached};
use serde_json::Value;

use super::record::{Mount, MountTable, Room};
use crate::Kernel;
use crate::visit::Visit;

/// Where a request leads.
#[derive(Clone)]
pub(crate) struct Route<'a> {
    /// The mount that answers for the path.
    pub(crate) mount: Arc<Mount>,
    /// What is behind the path there.
    pub(crate) found: Found<'a>,
    /// The path, names folded as the door declares.
    pub(crate) path: CanonicalPath,
    /// What stands at the places of the door's pattern.
    pub(crate) captures: Captures,
    /// What is to be done there.
    pub(crate) operation: Operation,
}

/// What is behind a path.
#[derive(Clone, Copy)]
pub(crate) enum Found<'a> {
    /// A door of the kernel.
    System(&'a Path<Visit>),
    /// A door of an engine.
    Engine(&'a Path<Context>),
    /// Nothing, but whoever stands here needs no token: beside a public door.
    NothingInPublic,
    /// Nothing.
    Nothing,
}

impl Route<'_> {
    /// Who may come through the door, and how its answer looks.
    pub(crate) fn reached(&self) -> Reached {
        match self.found {
            Found::System(door) => door.reached,
            Found::Engine(door) => door.reached,
            Found::NothingInPublic => Reached { public: true, ..Reached::default() },
            Found::Nothing => Reached::default(),
        }
    }

    /// Whether no token is needed. Asking for a description needs one everywhere.
    pub(crate) fn is_public(&self) -> bool {
        self.reached().public && self.operation != Operation::Help
    }

    /// Whether the door knows a parameter called `name`.
    pub(crate) fn takes(&self, name: &str) -> bool {
        let names = match self.found {
            Found::System(door) => door.endpoint(self.operation).map(parameter_names),
            Found::Engine(door) => door.endpoint(self.operation).map(parameter_names),
            Found::Nothing | Found::NothingInPublic => None,
        };
        names.is_some_and(|names| names.contains(name))
    }

    /// The names by which the door knows one and the same parameter.
    pub(crate) fn synonyms(&self) -> &Synonyms {
        let found = match self.found {
            Found::System(door) => door.endpoint(self.operation).map(synonyms),
            Found::Engine(door) => door.endpoint(self.operation).map(synonyms),
            Found::Nothing | Found::NothingInPublic => None,
        };
        found.unwrap_or(Synonyms::NONE)
    }

    /// The names of the parameters that the door declares as secret.
    pub(crate) fn secrets(&self) -> BTreeSet<String> {
        let names = match self.found {
            Found::System(door) => door.endpoint(self.operation).map(secret_names),
            Found::Engine(door) => door.endpoint(self.operation).map(secret_names),
            Found::Nothing | Found::NothingInPublic => None,
        };
        names.cloned().unwrap_or_default()
    }

    /// What stands at the places of the door's pattern, as parameters.
    pub(crate) fn captured(&self) -> Vec<(&'static str, Value)> {
        self.captures.iter().map(|(name, value)| (*name, value.clone().into())).collect()
    }
}

/// The door for `operation` at `path`, whatever is mounted there. Where the path ends in another
/// one, names in that are folded too: they are the same names.
pub(crate) fn find_route<'a>(
    kernel: &'a Kernel,
    mounts: &MountTable,
    path: &CanonicalPath,
    operation: Operation,
) -> Option<Route<'a>> {
    let mut found = route(kernel, mounts.of(path.as_str())?, path, operation);
    if found.reached().folds_inner
        && let Some((_, end)) = found.captures.last_mut()
        && let Some(inner) = found.path.inner(end)
        && let Some(mount) = mounts.of(inner.as_str())
    {
        // What is handed out and ends is mostly handed out by writing.
        let folded = route(kernel, mount, &inner, Operation::Update).path;
        folded.as_str().clone_into(end);
        found.path = found.path.with_inner(&inner, &folded);
    }
    Some(found)
}

/// The door for `operation` at `path` below `mount`.
pub(crate) fn route<'a>(
    kernel: &'a Kernel,
    mount: &Arc<Mount>,
    path: &CanonicalPath,
    operation: Operation,
) -> Route<'a> {
    let asked = (path, operation);
    match mount.room {
        Room::Engine => choose(kernel.engine_paths(mount), mount, asked, Found::Engine),
        _ => choose(kernel.room_paths(mount.room), mount, asked, Found::System),
    }
}

/// The most particular door that fits and can do `operation`; else the most particular that fits.
fn choose<'a, C: Send + Sync + 'static>(
    doors: &'a [Path<C>],
    mount: &Arc<Mount>,
    (path, operation): (&CanonicalPath, Operation),
    found: impl FnOnce(&'a Path<C>) -> Found<'a>,
) -> Route<'a> {
    let inner = path.as_str().strip_prefix(&mount.path).unwrap_or_default();
    let fitting = doors.iter().filter(|door| door.pattern.fits(inner));
    let can_do =
        |door: &Path<C>| operation == Operation::Help || door.endpoint(operation).is_some();
    let best = fitting.min_by_key(|door| (!can_do(door), door.pattern.generality()));
    match best.and_then(|door| Some((door, door.matches(&mount.path, path)?))) {
        Some((door, (captures, path))) => {
            Route { mount: mount.clone(), found: found(door), path, captures, operation }
        }
        None => {
            let beside = |door: &Path<C>| door.reached.public && shares_head(&door.pattern, inner);
            let found = match doors.iter().any(beside) {
                true => Found::NothingInPublic,
                false => Found::Nothing,
            };
            Route { mount: mount.clone(), found, path: path.clone(), captures: vec![], operation }
        }
    }
}

/// Whether `inner` begins with the same fixed word as a pattern of several segments.
fn shares_head(pattern: &Pattern, inner: &str) -> bool {
    let template = pattern.openapi();
    let mut segments = template.trim_start_matches('/').split('/');
    let head = segments.next().unwrap_or_default();
    segments.next().is_some() && inner.split('/').next() == Some(head)
}
