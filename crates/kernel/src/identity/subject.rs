//! Who a token belongs to, as far as the templates of policies want to know.

use api::{KeyValues, Result};

use super::record::{Alias, ENTITIES};
use crate::policies::{KnownAs, Person, Subject};
use crate::tokens::Token;
use crate::visit::Visit;

/// Whoever is behind `token`; nobody, when it belongs to no entity.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn subject(visit: &Visit, token: &Token) -> Result<Subject> {
    let found = match &token.entity {
        Some(id) => ENTITIES.get(&visit.system, id).await?,
        None => None,
    };
    let Some(entity) = found else { return Ok(Subject::default()) };
    let mounts = visit.mounts().await?;
    let own = token.owner.as_ref().map(|owner| owner.alias.as_str());
    let known_as = |alias: Alias| {
        let mount = mounts.by_storage(&alias.mount);
        KnownAs {
            is_own: own == Some(alias.id.as_str()),
            mount_path: mount.map(|mount| mount.path.clone()).unwrap_or_default(),
            mount_accessor: mount.map(|mount| mount.accessor.clone()).unwrap_or_default(),
            id: alias.id,
            name: alias.name,
            metadata: alias.metadata,
            // Nobody can give an alias any yet.
            custom_metadata: KeyValues::new(),
        }
    };
    let aliases = entity.aliases.into_iter().map(known_as).collect();
    let person = Person { id: entity.id, name: entity.name, metadata: entity.metadata, aliases };
    Ok(Subject { person: Some(person) })
}
