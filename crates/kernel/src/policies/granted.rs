//! The proof that a request may be performed. Only this room can make one.

use std::borrow::Cow;
use std::sync::Arc;

use api::{Error, Given, Operation, Result};
use serde_json::Value;

use super::{Access, MergedRule, Need, Subject, of};
use crate::audit::Trail;
use crate::identity;
use crate::mounts::{Found, Route};
use crate::visit::{Sudo, Visit};

/// Proof that this request may proceed, with everything it carries. Its fields are private to this
/// file, so nobody else can make one, and nothing can be performed without one.
pub(crate) struct Granted<'a> {
    route: Route<'a>,
    given: Given,
    /// How many entries of a listing may be told.
    entries_max: Option<usize>,
}

/// Proof that the caller may touch this path; whether with these parameters is not asked yet.
pub(crate) struct Permission {
    rule: Option<Arc<MergedRule>>,
}

impl<'a> Granted<'a> {
    /// For doors that anyone may use.
    ///
    /// # Errors
    /// [`Error::Denied`] when the door is none of them.
    pub(crate) fn to_anyone(route: Route<'a>, given: Given) -> Result<Self> {
        if route.is_public() {
            Ok(Self { route, given, entries_max: None })
        } else {
            Err(Error::Denied)
        }
    }

    pub(crate) fn route(&self) -> &Route<'a> {
        &self.route
    }

    /// How many entries of a listing may be told, if that is limited.
    pub(crate) fn entries_max(&self) -> Option<usize> {
        self.entries_max
    }

    pub(crate) fn into_parts(self) -> (Route<'a>, Given) {
        (self.route, self.given)
    }
}

impl Permission {
    /// The second half of the question, once the body is read.
    ///
    /// # Errors
    /// [`Error::Denied`] when the policies refuse these parameters.
    pub(crate) fn grant<'a>(
        self,
        route: Route<'a>,
        mut given: Given,
        operation: Operation,
    ) -> Result<Granted<'a>> {
        let judged = match &self.rule {
            Some(rule) => rule.judge_parameters(operation, &given.sent, route.synonyms()),
            None => Ok(None),
        };
        let entries_max = judged.map_err(|_| Error::Denied)?;
        limit_listing(&route, &mut given, entries_max);
        let entries_max = entries_max.or_else(|| self.most_of_a_reading(&route));
        let entries_max = entries_max.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        Ok(Granted { route, given, entries_max })
    }

    /// What older clients list, they read: a door that takes `limit` then tells no more either.
    fn most_of_a_reading(&self, route: &Route<'_>) -> Option<u64> {
        let rule = self.rule.as_ref().filter(|_| route.operation == Operation::Read)?;
        rule.pagination_limit().filter(|_| route.takes("limit"))
    }
}

/// Asks the door for no more entries than may be told, where it can be asked; `max` means all that
/// may be told, or simply all.
fn limit_listing(route: &Route<'_>, given: &mut Given, entries_max: Option<u64>) {
    let is_listing = matches!(route.operation, Operation::List | Operation::Scan);
    let asks_for_all = given.sent.get("limit").and_then(Value::as_str) == Some("max");
    if !is_listing || !(asks_for_all || entries_max.is_some() && route.takes("limit")) {
        return;
    }
    given.sent.insert("limit".to_owned(), entries_max.unwrap_or(0).into());
}

/// Whether the caller may touch the path at all. Finds out on the way whether a write creates, and
/// whether the caller holds `sudo` there.
///
/// # Errors
/// [`Error::Denied`].
pub(crate) async fn authorize(
    visit: &mut Visit,
    route: Option<&Route<'_>>,
    trail: &mut Trail,
) -> Result<Permission> {
    if let Some(route) = route {
        visit.operation = create_or_update(visit, route).await?;
        trail.note_operation(visit.operation);
    }
    if visit.operation == Operation::Help {
        return Ok(Permission { rule: None });
    }
    let holder = visit.holder.as_ref().ok_or(Error::Unauthenticated)?;
    let compiled = of(visit, &holder.policies()).await?;
    let path = asked_path(visit);
    let subject = match compiled.asks_who(&path, visit.operation) {
        true => identity::subject(visit, &holder.token).await?,
        false => Subject::default(),
    };
    let now_seconds = visit.now.unix();
    let access = Access { path: &path, operation: visit.operation, subject: &subject, now_seconds };
    let rule = compiled.rule_for(&access).map_err(|_| Error::Denied)?;
    if is_open_to_own(visit, route) && rule.as_deref().is_none_or(|rule| says_nothing(rule, visit))
    {
        return Ok(Permission { rule: None });
    }
    let rule = rule.ok_or(Error::Denied)?;
    visit.sudo = if rule.has_sudo() { Sudo::Held } else { Sudo::NotHeld };
    let need = match route.is_some_and(|route| route.reached().sudo) {
        true => Need::CapabilityAndSudo,
        false => Need::Capability,
    };
    let wrap_ttl = visit.wrap_ttl.map(|ttl| ttl.0);
    let judged = rule.judge_access(visit.operation, need);
    judged.and_then(|()| rule.judge_wrapping(wrap_ttl)).map_err(|_| Error::Denied)?;
    trail.note_granting(&rule, visit.operation);
    Ok(Permission { rule: Some(rule) })
}

/// Whether the door is open to those whom its mount itself has let in, and the caller is one.
fn is_open_to_own(visit: &Visit, route: Option<&Route<'_>>) -> bool {
    let Some(route) = route.filter(|route| route.reached().own_users) else { return false };
    let token = visit.holder.as_ref().map(|holder| &holder.token);
    token.is_some_and(|token| {
        token.owner.is_some() && token.mount.as_ref() == Some(&route.mount.storage)
    })
}

/// Whether a rule neither grants what is asked for, perhaps within limits, nor denies everything.
fn says_nothing(rule: &MergedRule, visit: &Visit) -> bool {
    !rule.allows(visit.operation, Need::Capability) && rule.capabilities().grant_something()
}

/// The path as policies are asked: a folder with a slash at its end.
fn asked_path(visit: &Visit) -> Cow<'_, str> {
    match visit.operation {
        Operation::List | Operation::Scan => visit.path.clone().into_folder().to_string().into(),
        _ => visit.path.as_str().into(),
    }
}

/// A write to where nothing is yet needs another capability, at doors that make a difference.
async fn create_or_update(visit: &Visit, route: &Route<'_>) -> Result<Operation> {
    if visit.operation != Operation::Update {
        return Ok(visit.operation);
    }
    let given = Given { captured: route.captured(), ..Given::default() };
    let exists = match route.found {
        Found::System(door) if door.distinguishes_create() => {
            door.ask_existence(visit, &given).await?
        }
        Found::Engine(door) if door.distinguishes_create() => {
            // Who can have nothing there is told so once they have been let in.
            let Ok(corner) = visit.corner(route) else { return Ok(visit.operation) };
            door.ask_existence(&visit.to_context(&route.mount, corner), &given).await?
        }
        _ => true,
    };
    Ok(if exists { Operation::Update } else { Operation::Create })
}
