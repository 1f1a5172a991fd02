//! From the text a caller shows to the token it is.

use std::borrow::Cow;
use std::sync::Arc;

use api::{Error, NameList, Result, Secret, normalize_policies};

use super::record::{ACCESSORS, TOKENS, Token, TokenKey};
use super::{ANCESTORS_MAX, batch, end, format};
use crate::identity::{Standing, standing};
use crate::leases;
use crate::visit::Visit;

/// A token that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    /// The name it is stored under.
    pub(crate) key: TokenKey,
    /// What is known about it.
    pub(crate) token: Arc<Token>,
    /// Policies that its entity brings.
    pub(crate) identity_policies: NameList,
    /// Whether it is refused because its entity is disabled or gone. It can still be looked up and
    /// ended.
    pub(crate) is_suspended: bool,
}

impl Holder {
    /// All policies that decide for it.
    pub(crate) fn policies(&self) -> Cow<'_, [String]> {
        let (own, brought) = (&self.token.policies, &self.identity_policies);
        match brought.is_empty() {
            true => own.into(),
            false => normalize_policies(own.iter().chain(brought)).into(),
        }
    }
}

/// Who asks. It costs their token one use, where its uses are counted: whatever comes of the
/// request, and whether or not its path leads anywhere.
///
/// # Errors
/// As [`recognize`].
pub(crate) async fn authenticate(visit: &Visit) -> Result<Holder> {
    let mut holder = recognize(visit).await?;
    spend(visit, &mut holder);
    Ok(holder)
}

/// Who asks, without costing their token a use.
///
/// # Errors
/// [`Error::Unauthenticated`] without a token, from a network it is not good in, or when its
/// entity is disabled or gone;
/// [`Error::UnknownToken`] when nobody knows it, or no longer.
pub(crate) async fn recognize(visit: &Visit) -> Result<Holder> {
    let text = visit.shown.as_ref().ok_or(Error::Unauthenticated)?;
    let holder = find(visit, text).await?.ok_or(Error::UnknownToken)?;
    if holder.is_suspended {
        return Err(Error::Unauthenticated);
    }
    let networks = &holder.token.networks;
    let inside = |remote: std::net::SocketAddr| {
        networks.iter().any(|network| network.contains(&remote.ip().to_canonical()))
    };
    if !networks.is_empty() && !visit.remote.is_some_and(inside) {
        return Err(Error::Unauthenticated);
    }
    Ok(holder)
}

/// Takes one use, which is kept also when the request is refused. With the last one the token ends:
/// this request goes on with what it knows of it, and no other, nor any part of this one that looks
/// it up, finds it again.
///
/// Two requests that take the same use both write what both have read, so one of them loses the
/// race, starts over, and takes the next.
fn spend(visit: &Visit, holder: &mut Holder) {
    let Some(left) = holder.token.uses_left else { return };
    let left = left.saturating_sub(1);
    Arc::make_mut(&mut holder.token).uses_left = Some(left);
    match left {
        0 => end(visit, &holder.key, &holder.token),
        _ => TOKENS.put(&visit.system, &holder.key, &holder.token),
    }
    visit.transaction().keep();
}

/// Lets a token that ends with this use live on until everything is done that the use is for: its
/// operations, one after the other, see it as it was, and what ends it ends them.
pub(crate) fn hold_on(visit: &Visit, holder: &Holder) {
    if holder.token.uses_left == Some(0) {
        visit.transaction().hold_back_kept();
        visit.tally.clear();
    }
}

/// Ends a token that was [held on to](hold_on), unless that has happened meanwhile.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn let_go(visit: &Visit, holder: &Holder) -> Result<()> {
    if holder.token.uses_left == Some(0)
        && let Some(token) = stored(visit, &holder.key).await?
    {
        end(visit, &holder.key, &token);
    }
    Ok(())
}

/// The token with this text, if it has not ended.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn find(visit: &Visit, text: &Secret) -> Result<Option<Holder>> {
    if batch::is_one(text) {
        let opened = batch::open(text, &*visit.kernel.batch_tokens()?);
        return match opened {
            Some((key, token)) => if_not_ended(visit, key, Arc::new(token)).await,
            None => Ok(None),
        };
    }
    match key_of(visit, text)? {
        Some(key) => by_key(visit, key).await,
        None => Ok(None),
    }
}

/// The token an accessor names, if it has not ended.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn by_accessor(visit: &Visit, accessor: &str) -> Result<Option<Holder>> {
    match ACCESSORS.get(&visit.system, accessor).await? {
        Some(key) => by_key(visit, key).await,
        None => Ok(None),
    }
}

/// Whether an accessor names a token, be it good or not.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn is_known_accessor(visit: &Visit, accessor: &str) -> Result<bool> {
    Ok(ACCESSORS.get(&visit.system, accessor).await?.is_some())
}

/// Whether the time of the token with this text has come, and nobody has removed it yet.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn has_expired(visit: &Visit, text: &Secret) -> Result<bool> {
    let Some(key) = key_of(visit, text)? else {
        return Ok(false);
    };
    let token = stored(visit, &key).await?;
    Ok(token.is_some_and(|token| !token.is_alive(visit.now)))
}

fn key_of(visit: &Visit, text: &Secret) -> Result<Option<TokenKey>> {
    let index = visit.kernel.token_index()?;
    Ok(format::key_of(text, &index))
}

/// The token stored under this name, if it has not ended.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn by_key(visit: &Visit, key: TokenKey) -> Result<Option<Holder>> {
    match stored(visit, &key).await? {
        Some(token) => if_not_ended(visit, key, token).await,
        None => Ok(None),
    }
}

async fn stored(visit: &Visit, key: &TokenKey) -> Result<Option<Arc<Token>>> {
    visit.kernel.tokens.current(visit.transaction(), key).await
}

async fn if_not_ended(visit: &Visit, key: TokenKey, token: Arc<Token>) -> Result<Option<Holder>> {
    if !token.is_alive(visit.now) {
        return Ok(None);
    }
    let Some(above) = owned_above(visit, &token).await? else {
        return Ok(None);
    };
    let (identity_policies, is_suspended) = match standing(visit, &token, &above).await? {
        Standing::Good(policies) => (policies, false),
        Standing::Suspended => (vec![], true),
        Standing::Over => return Ok(None),
    };
    Ok(Some(Holder { key, token, identity_policies, is_suspended }))
}

/// Those of its ancestors that a login made: how identity sees them concerns it too. `None` when
/// the mount that gave the token out is disabled, or an ancestor is good no more or another one by
/// the same key.
async fn owned_above(visit: &Visit, token: &Token) -> Result<Option<Vec<Arc<Token>>>> {
    let mounts = visit.mounts().await?;
    let is_mounted = |token: &Token| {
        token.mount.as_ref().is_none_or(|storage| mounts.by_storage(storage).is_some())
    };
    if !is_mounted(token) || leases::is_ended(visit, token).await? {
        return Ok(None);
    }
    let mut above = token.parent.clone();
    let mut accessor = token.parent_accessor.clone();
    let mut owned = vec![];
    for _ in 0..ANCESTORS_MAX {
        let Some(key) = above else {
            return Ok(Some(owned));
        };
        match stored(visit, &key).await? {
            Some(parent)
                if parent.is_alive(visit.now)
                    && accessor.take().is_none_or(|accessor| accessor == parent.accessor)
                    && is_mounted(&parent)
                    && !leases::is_ended(visit, &parent).await? =>
            {
                above = parent.parent.clone();
                owned.extend(Some(parent).filter(|parent| parent.owner.is_some()));
            }
            _ => return Ok(None),
        }
    }
    // Deeper trees are not made; one that is there nevertheless is not trusted.
    Ok(above.is_none().then_some(owned))
}

/// How many ancestors a token has.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn depth(visit: &Visit, holder: &Holder) -> Result<usize> {
    let mut above = holder.token.parent.clone();
    let mut depth = 0;
    while let (Some(key), true) = (&above, depth < ANCESTORS_MAX) {
        let parent = stored(visit, key).await?;
        above = parent.and_then(|parent| parent.parent.clone());
        depth += 1;
    }
    Ok(depth)
}
