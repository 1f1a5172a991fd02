//! Giving a token more time.

use api::{Error, Renewal, Result, Seconds, Secret};
use storage::View;

use super::authenticate::has_expired;
use super::create::lesser;
use super::grant::Grant;
use super::record::{FIRST_ROOT_PATH, TOKENS, Token};
use super::role::ROLES;
use super::{Holder, Kind};
use crate::leases;
use crate::metrics::TokenEvent;
use crate::visit::{MOUNTS, Visit};

/// Renews a token for `increment` from now, or for as long as its makers say when that is zero.
/// `None` means that whom it was given to is gone: it keeps the time it has.
///
/// # Errors
/// [`Error::Invalid`] when it cannot be renewed at all, [`Error::Failed`] when not any more.
pub(super) async fn renew(
    visit: &Visit,
    holder: &Holder,
    increment: Seconds,
) -> Result<Option<Token>> {
    let expires = check_renewable(&holder.token)?;
    let Some(mut grant) = terms(visit, &holder.token).await? else {
        return Ok(None);
    };
    grant.increment = increment;
    let mut warn = |text| visit.warn(text);
    let ttl = grant.decide(holder.token.issued, visit.now, &mut warn)?;
    let mut token = Token::clone(&holder.token);
    leases::delete_due(&visit.system, &leases::due_name(expires, &holder.key));
    let end = visit.now.plus(ttl);
    token.expires = Some(end);
    token.ttl = ttl;
    token.renewed = Some(visit.now);
    leases::put_due(&visit.system, end, &holder.key);
    TOKENS.put(&visit.system, &holder.key, &token);
    visit.tally.note(TokenEvent::Renewed);
    Ok(Some(token))
}

/// What decides about the renewal of `token` today.
async fn terms(visit: &Visit, token: &Token) -> Result<Option<Grant>> {
    let mounts = visit.mounts().await?;
    let Some(storage) = &token.mount else {
        return terms_of_created(visit, token).await.map(Some);
    };
    let mount = mounts.by_storage(storage).ok_or(Error::UnknownToken)?;
    let renew = visit.kernel.engine(mount).and_then(|engine| engine.renew);
    let renew = renew.ok_or_else(|| Error::invalid("lease is not renewable"))?;
    let store = View::new(visit.transaction(), format!("{MOUNTS}{storage}/"));
    let context = visit.to_context(mount, store);
    let policies = token.policies.iter().filter(|name| *name != "default").cloned().collect();
    let renewal = Renewal { metadata: token.metadata.clone().unwrap_or_default(), policies };
    let Some(login) = renew(&context, &renewal).await? else {
        return Ok(None);
    };
    Ok(Some(Grant {
        ttl: login.ttl.unwrap_or_default(),
        ttl_max: login.ttl_max.unwrap_or_default(),
        period: login.period.unwrap_or_default(),
        mount_default: context.mount.ttl_default,
        mount_max: context.mount.ttl_max,
        ttl_explicit_max: token.ttl_explicit_max,
        ..Grant::default()
    }))
}

/// What decides where a token was made by another: what was said then, and its role as it is now.
/// Neither may lift a limit that the other set.
async fn terms_of_created(visit: &Visit, token: &Token) -> Result<Grant> {
    let role = match &token.role {
        Some(name) => Some(ROLES.get(&visit.system, name).await?.ok_or_else(|| {
            Error::Failed(format!(
                "failed to renew entry: original token role \"{name}\" could not be found, \
                 not renewing"
            ))
        })?),
        None => None,
    };
    let mounts = visit.mounts().await?;
    let mount = mounts.by_path("auth/token/").ok_or(Error::UnsupportedPath)?;
    let facts = visit.facts(mount);
    let of_role = |limit: fn(&_) -> Seconds| role.as_ref().map_or(Seconds::ZERO, limit);
    Ok(Grant {
        ttl: token.ttl,
        ttl_explicit_max: lesser(token.ttl_explicit_max, of_role(|role| role.ttl_explicit_max)),
        period: lesser(token.period, of_role(|role| role.period)),
        mount_default: facts.ttl_default,
        mount_max: facts.ttl_max,
        ..Grant::default()
    })
}

/// When the token ends, if it is one that can be renewed.
fn check_renewable(token: &Token) -> Result<api::Moment> {
    let refuse = |text: &str| Err(Error::invalid(text));
    if token.kind == Kind::Batch {
        return refuse("batch tokens cannot be renewed");
    }
    if token.uses_left == Some(0) {
        // This very request was its last use: it is gone for all but those who began with it.
        return refuse("token not found");
    }
    match token.expires {
        None if token.path == FIRST_ROOT_PATH => refuse("invalid lease ID"),
        Some(end) if token.renewable => Ok(end),
        _ => refuse("lease is not renewable"),
    }
}

/// Why the token with this text, which is not good, cannot be renewed.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn refusal(visit: &Visit, text: &Secret) -> Result<Error> {
    Ok(Error::invalid(match has_expired(visit, text).await? {
        true => "lease expired",
        false => "token not found",
    }))
}
