//! The proof that a request may be performed. Only this room can make one.

use std::sync::Arc;

use api::{Error, Given, Operation, Result};

use super::{Compiled, MergedRule, Need, of};
use crate::audit::Trail;
use crate::mounts::{Found, Route};
use crate::visit::{Sudo, Visit};

/// Proof that this request may proceed, with everything it carries. Its fields are private to this
/// file, so nobody else can make one, and nothing can be performed without one.
pub(crate) struct Granted<'a> {
    route: Route<'a>,
    given: Given,
}

/// Proof that the caller may touch this path; whether with these parameters is not asked yet.
pub(crate) struct Permission {
    rule: Option<MergedRule>,
}

impl<'a> Granted<'a> {
    /// For doors that anyone may use.
    ///
    /// # Errors
    /// [`Error::Denied`] when the door is none of them.
    pub(crate) fn to_anyone(route: Route<'a>, given: Given) -> Result<Self> {
        if route.is_public() { Ok(Self { route, given }) } else { Err(Error::Denied) }
    }

    pub(crate) fn route(&self) -> &Route<'a> {
        &self.route
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
        given: Given,
        operation: Operation,
    ) -> Result<Granted<'a>> {
        let permits = |rule: MergedRule| rule.permits_parameters(operation, &given.sent);
        match self.rule.is_none_or(permits) {
            true => Ok(Granted { route, given }),
            false => Err(Error::Denied),
        }
    }
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
    let compiled = compiled(visit).await?;
    let path = asked_path(visit);
    let rule = compiled.rule_for(&path, visit.operation, visit.now.unix());
    if is_open_to_own(visit, route) && rule.as_deref().is_none_or(|rule| says_nothing(rule, visit))
    {
        return Ok(Permission { rule: None });
    }
    let rule = rule.ok_or(Error::Denied)?.into_owned();
    visit.sudo = if rule.has_sudo() { Sudo::Held } else { Sudo::NotHeld };
    let need = match route.is_some_and(|route| route.reached().sudo) {
        true => Need::CapabilityAndSudo,
        false => Need::Capability,
    };
    if !rule.allows(visit.operation, need)
        || !rule.permits_wrapping(visit.wrap_ttl.map(|ttl| ttl.0))
    {
        return Err(Error::Denied);
    }
    trail.note_granting(rule.granted_by(visit.operation).into_iter().map(str::to_owned).collect());
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

/// The caller's policies, ready to answer.
async fn compiled(visit: &Visit) -> Result<Arc<Compiled>> {
    let holder = visit.holder.as_ref().ok_or(Error::Unauthenticated)?;
    of(visit, &holder.policies()).await
}

/// The path as policies are asked: a folder with a slash at its end.
fn asked_path(visit: &Visit) -> String {
    match visit.operation {
        Operation::List | Operation::Scan => visit.path.clone().into_folder().to_string(),
        _ => visit.path.as_str().to_owned(),
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
            let context = visit.to_context(&route.mount, visit.corner(route)?);
            door.ask_existence(&context, &given).await?
        }
        _ => true,
    };
    Ok(if exists { Operation::Update } else { Operation::Create })
}
