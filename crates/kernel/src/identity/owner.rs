//! The aliases as owners of tokens.

use api::Result;

use super::record::{ALIASES, ENTITIES, Entity, alias_name};
use crate::tokens::Owner;
use crate::visit::Visit;

/// Whom the mount with this storage name knows as `name`, as tokens made now remember them.
/// Whoever never logged in owns nothing.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn owner(visit: &Visit, mount: &str, name: &str) -> Result<Option<Owner>> {
    let entity = entity_at(visit, mount, name).await?;
    let alias = entity.as_ref().and_then(|entity| entity.alias_at(mount, name));
    Ok(alias.map(|alias| Owner {
        alias: alias.id.clone(),
        name: alias.name.clone(),
        generation: alias.generation,
    }))
}

/// From this commit on, every token that was given to this alias is over. Says how tokens made
/// now remember it.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn start_generation(
    visit: &Visit,
    mount: &str,
    name: &str,
) -> Result<Option<Owner>> {
    let Some(mut entity) = entity_at(visit, mount, name).await? else {
        return Ok(None);
    };
    for alias in entity.aliases.iter_mut().filter(|alias| alias.is_at(mount, name)) {
        alias.generation += 1;
    }
    ENTITIES.put(&visit.system, &entity.id, &entity);
    owner(visit, mount, name).await
}

async fn entity_at(visit: &Visit, mount: &str, name: &str) -> Result<Option<Entity>> {
    match ALIASES.get(&visit.system, &alias_name(mount, name)).await? {
        Some(id) => Ok(ENTITIES.get(&visit.system, &id).await?),
        None => Ok(None),
    }
}
