//! What becomes of the aliases of a mount that was disabled.

use api::{Error, Result};

use super::record::{ALIAS_IDS, ALIASES, ENTITIES, ENTITY_NAMES, Entity, folded};
use crate::visit::Visit;
use crate::worker::pass_over_damage;

/// Aliases removed in one commit: each is a few records read and written.
const CLEARED_MAX: usize = 64;

/// Removes aliases of the mount with this storage name, which is disabled; how many it were. None
/// means that none are left.
///
/// An entity goes with its last alias if a login made it and nobody has touched it since. Any
/// other stays: somebody has given it something, and may give it another alias. What still refers
/// to an entity that goes are tokens of the mount, which ended with it, and those of their children
/// that were made orphans, which end now.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn forget_aliases(visit: &Visit, mount: &str) -> Result<usize> {
    let prefix = visit.system.key(&format!("alias/{mount}/"));
    let keys = visit.transaction().list(&prefix, "", CLEARED_MAX).await?;
    for name in keys.iter().filter_map(|key| key.strip_prefix(&prefix)) {
        forget(visit, mount, name).await?;
    }
    Ok(keys.len())
}

async fn forget(visit: &Visit, mount: &str, name: &str) -> Result<()> {
    let place = super::record::alias_name(mount, name);
    let id = ALIASES.get(&visit.system, &place).await.map_err(Error::from);
    ALIASES.delete(&visit.system, &place);
    let Some(id) = pass_over_damage(id)?.flatten() else {
        return Ok(());
    };
    let entity = ENTITIES.get(&visit.system, &id).await.map_err(Error::from);
    let Some(mut entity) = pass_over_damage(entity)?.flatten() else {
        return Ok(());
    };
    if let Some(alias) = entity.alias_at(mount, name) {
        ALIAS_IDS.delete(&visit.system, &alias.id);
    }
    entity.aliases.retain(|alias| !alias.is_at(mount, name));
    entity.updated = visit.now;
    match entity.aliases.is_empty() && !entity.kept {
        true => remove(visit, &entity),
        false => ENTITIES.put(&visit.system, &id, &entity),
    }
    Ok(())
}

fn remove(visit: &Visit, entity: &Entity) {
    ENTITIES.delete(&visit.system, &entity.id);
    ENTITY_NAMES.delete(&visit.system, &folded(&entity.name));
}
