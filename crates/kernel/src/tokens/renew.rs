//! Giving a token more time.

use api::{Error, Renewal, Result, Seconds};
use storage::View;

use super::Holder;
use super::grant::Grant;
use super::record::{TOKENS, Token};
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
    let Some(expires) = holder.token.expires else {
        return Err(Error::invalid("lease is not renewable"));
    };
    if !holder.token.renewable {
        return Err(Error::invalid("lease is not renewable"));
    }
    let Some(mut grant) = terms(visit, &holder.token).await? else {
        return Ok(None);
    };
    grant.increment = increment;
    let mut warn = |text| visit.warn(text);
    let ttl = grant.decide(holder.token.issued, visit.now, &mut warn)?;
    let mut token = holder.token.clone();
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
    let grant = Grant { ttl_explicit_max: token.ttl_explicit_max, ..Grant::default() };
    let Some(storage) = &token.mount else {
        let mount = mounts.by_path("auth/token/").ok_or(Error::UnsupportedPath)?;
        let facts = visit.facts(mount);
        return Ok(Some(Grant {
            ttl: token.ttl,
            period: token.period,
            mount_default: facts.ttl_default,
            mount_max: facts.ttl_max,
            ..grant
        }));
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
        ..grant
    }))
}
