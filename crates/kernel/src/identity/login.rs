//! Finding out who logs in.

use api::{Error, Login, NameList, Result, unique};
use storage::CommitError;

use super::record::{
    ALIAS_IDS, ALIASES, Alias, ENTITIES, ENTITY_NAMES, Entity, alias_name, folded,
};
use super::standing::policies_of;
use crate::mounts::Mount;
use crate::tokens::Owner;
use crate::visit::Visit;

/// Letters behind `entity_` in the name of an entity that a login made. So few are sometimes
/// drawn twice, so there is another draw, and then one that is as good as unique.
const NAME_LETTERS: [usize; 3] = [8, 8, 32];

/// Who it is that logs in.
pub(crate) struct Identified {
    /// The entity.
    pub(crate) entity: String,
    /// The alias, as its tokens remember it.
    pub(crate) owner: Owner,
    /// Policies the entity brings.
    pub(crate) policies: NameList,
}

/// Finds the entity and alias of whoever logs in, or makes them, in the login's own transaction.
///
/// Two first logins at the same time read that there is no alias yet, and the store lets one of
/// them commit; the other starts over and finds it. An alias that leads nowhere is made anew.
///
/// # Errors
/// [`Error::Unauthenticated`] when the entity is disabled, and [`Error::Internal`] when its record
/// is damaged: who may have been disabled is not let in.
pub(crate) async fn identify(visit: &Visit, mount: &Mount, login: &Login) -> Result<Identified> {
    let found = match entity_at(visit, &mount.storage, &login.alias).await? {
        Some(id) => ENTITIES.get(&visit.system, &id).await?,
        None => None,
    };
    let mut entity = match found {
        Some(entity) if entity.disabled => return Err(Error::Unauthenticated),
        Some(entity) => entity,
        None => new_entity(visit).await?,
    };
    let known = entity.alias_at(&mount.storage, &login.alias).cloned();
    let alias = match known {
        Some(alias) if alias.metadata == login.alias_metadata => alias,
        known => {
            let mut alias = known.unwrap_or_else(|| new_alias(visit, mount, login));
            alias.metadata.clone_from(&login.alias_metadata);
            alias.updated = visit.now;
            entity.aliases.retain(|other| other.id != alias.id);
            entity.aliases.push(alias.clone());
            write(visit, &entity, &alias);
            alias
        }
    };
    let policies = policies_of(&entity);
    let owner = Owner { alias: alias.id, name: alias.name, generation: alias.generation };
    Ok(Identified { entity: entity.id, owner, policies })
}

/// The id of the entity that an alias leads to. A damaged alias leads nowhere.
async fn entity_at(visit: &Visit, mount: &str, name: &str) -> Result<Option<String>> {
    match ALIASES.get(&visit.system, &alias_name(mount, name)).await {
        Err(CommitError::Store(storage::Error::Corrupt { key })) => {
            // Nobody could log in by this name ever again. What its entity was given is lost to
            // it, so an operator must know.
            tracing::error!(key, "the record of an alias is damaged; its next login makes it anew");
            Ok(None)
        }
        other => Ok(other?),
    }
}

/// An entity, one of its aliases, and all the ways to find them.
fn write(visit: &Visit, entity: &Entity, alias: &Alias) {
    let system = &visit.system;
    ENTITIES.put(system, &entity.id, entity);
    ENTITY_NAMES.put(system, &folded(&entity.name), &entity.id);
    ALIASES.put(system, &alias_name(&alias.mount, &alias.name), &entity.id);
    ALIAS_IDS.put(system, &alias.id, &entity.id);
}

async fn new_entity(visit: &Visit) -> Result<Entity> {
    Ok(Entity {
        id: unique(&*visit.kernel.entropy),
        name: new_name(visit).await?,
        policies: vec![],
        metadata: api::KeyValues::new(),
        disabled: false,
        kept: false,
        created: visit.now,
        updated: visit.now,
        aliases: vec![],
    })
}

async fn new_name(visit: &Visit) -> Result<String> {
    let mut name = String::new();
    for length in NAME_LETTERS {
        let random = unique(&*visit.kernel.entropy);
        let letters = random.chars().filter(|letter| *letter != '-').take(length);
        name = format!("entity_{}", letters.collect::<String>());
        if ENTITY_NAMES.get(&visit.system, &folded(&name)).await?.is_none() {
            break;
        }
    }
    Ok(name)
}

fn new_alias(visit: &Visit, mount: &Mount, login: &Login) -> Alias {
    Alias {
        id: unique(&*visit.kernel.entropy),
        mount: mount.storage.clone(),
        name: login.alias.clone(),
        metadata: login.alias_metadata.clone(),
        created: visit.now,
        updated: visit.now,
        generation: 0,
    }
}
