//! What leases are called, and how they are found by prefix.
//!
//! The lease of a token is `<where it was made>/h<the name it is stored under>`, so an id leads to
//! its token without being looked up. The list of names is only for listing them by prefix.

use api::Result;
use storage::{Table, View};

use crate::tokens::{self, Kind, Token, TokenKey};
use crate::visit::Visit;

/// The id of every lease.
pub(super) const LEASES: Table<()> = Table::new("lease/");

/// Notes the lease of a token, if it has one.
pub(crate) fn put(system: &View, key: &TokenKey, token: &Token) {
    if let Some(id) = id_of(key, token) {
        LEASES.put(system, &id, &());
    }
}

/// Forgets the lease of a token.
pub(crate) fn delete(system: &View, key: &TokenKey, token: &Token) {
    if let Some(id) = id_of(key, token) {
        LEASES.delete(system, &id);
    }
}

/// The token whose lease this is, good or not.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn find(visit: &Visit, id: &str) -> Result<Option<(TokenKey, Token)>> {
    let Some((_, key)) = id.rsplit_once("/h") else {
        return Ok(None);
    };
    let key = key.to_owned();
    let token = tokens::TOKENS.get(&visit.system, &key).await?;
    let named = |token: &Token| id_of(&key, token).as_deref() == Some(id);
    Ok(token.filter(named).map(|token| (key, token)))
}

/// Ids that lie in `folder` (which ends in a slash) and sort after `after`, at most `limit`.
///
/// # Errors
/// When the store cannot answer.
pub(super) async fn below(
    visit: &Visit,
    folder: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<String>> {
    let all = visit.system.key("lease/");
    let keys = visit
        .transaction()
        .list(&format!("{all}{folder}"), &format!("{all}{after}"), limit)
        .await?;
    Ok(keys.iter().filter_map(|key| key.strip_prefix(&all)).map(str::to_owned).collect())
}

/// Whether a token has a lease: all that are kept in the store do, but for the first root token.
pub(super) fn has_lease(token: &Token) -> bool {
    token.kind == Kind::Service && token.path != tokens::FIRST_ROOT_PATH
}

fn id_of(key: &TokenKey, token: &Token) -> Option<String> {
    has_lease(token).then(|| format!("{}/h{key}", token.path))
}
