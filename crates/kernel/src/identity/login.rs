//! Finding out who logs in, and whether whoever holds a token is still welcome.

use api::{Error, Login, NameList, Result, unique};

use super::record::{ALIASES, Alias, ENTITIES, Entity, alias_name};
use crate::mounts::Mount;
use crate::tokens::{Owner, Token};
use crate::visit::Visit;

/// Letters behind `entity_` in the name of an entity that was made by a login.
const NAME_LETTERS: usize = 8;

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
/// # Errors
/// [`Error::Unauthenticated`] when the entity is disabled.
pub(crate) async fn identify(visit: &Visit, mount: &Mount, login: &Login) -> Result<Identified> {
    let name = alias_name(&mount.accessor, &login.alias);
    let found = match ALIASES.get(&visit.system, &name).await? {
        Some(id) => ENTITIES.get(&visit.system, &id).await?,
        None => None,
    };
    let mut entity = match found {
        Some(entity) if entity.disabled => return Err(Error::Unauthenticated),
        Some(entity) => entity,
        None => new_entity(visit),
    };
    let at = |alias: &Alias| alias.mount_accessor == mount.accessor && alias.name == login.alias;
    let known = entity.aliases.iter().find(|alias| at(alias)).cloned();
    let alias = match known {
        Some(alias) if alias.metadata == login.alias_metadata => alias,
        known => {
            let mut alias = known.unwrap_or_else(|| new_alias(visit, mount, login));
            alias.metadata.clone_from(&login.alias_metadata);
            alias.updated = visit.now;
            entity.aliases.retain(|other| !at(other));
            entity.aliases.push(alias.clone());
            ENTITIES.put(&visit.system, &entity.id, &entity);
            ALIASES.put(&visit.system, &name, &entity.id);
            alias
        }
    };
    let owner = Owner { alias: alias.id, name: alias.name, generation: alias.generation };
    Ok(Identified { entity: entity.id, owner, policies: entity.policies })
}

/// The policies that the entity behind a token brings; `None` when the token is refused because
/// the entity is gone or disabled, or because all its owner's tokens were ended.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn admit(visit: &Visit, token: &Token) -> Result<Option<NameList>> {
    let Some(id) = &token.entity else {
        return Ok(Some(vec![]));
    };
    let Some(entity) = ENTITIES.get(&visit.system, id).await?.filter(|entity| !entity.disabled)
    else {
        return Ok(None);
    };
    let is_over = |owner: &Owner| {
        let alias = entity.aliases.iter().find(|alias| alias.id == owner.alias);
        alias.is_some_and(|alias| alias.generation != owner.generation)
    };
    if token.owner.as_ref().is_some_and(is_over) {
        return Ok(None);
    }
    Ok(Some(entity.policies))
}

fn new_entity(visit: &Visit) -> Entity {
    let entropy = &*visit.kernel.entropy;
    let random = unique(entropy);
    let letters: String = random.chars().filter(|letter| *letter != '-').collect();
    Entity {
        id: unique(entropy),
        name: format!("entity_{}", letters.chars().take(NAME_LETTERS).collect::<String>()),
        policies: vec![],
        metadata: api::KeyValues::new(),
        disabled: false,
        created: visit.now,
        updated: visit.now,
        aliases: vec![],
    }
}

fn new_alias(visit: &Visit, mount: &Mount, login: &Login) -> Alias {
    Alias {
        id: unique(&*visit.kernel.entropy),
        mount_accessor: mount.accessor.clone(),
        name: login.alias.clone(),
        metadata: login.alias_metadata.clone(),
        created: visit.now,
        updated: visit.now,
        generation: 0,
    }
}
