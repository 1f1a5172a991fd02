//! Whether whoever holds a token is still welcome, and what they bring.

use std::sync::Arc;

use api::{NameList, Result, normalize_policies};

use super::record::Entity;
use crate::policies::RESPONSE_WRAPPING_NAME;
use crate::tokens::Token;
use crate::visit::Visit;

/// What identity has to say about a token.
#[derive(Debug, PartialEq)]
pub(crate) enum Standing {
    /// It is good, and its entity brings these policies.
    Good(NameList),
    /// Its entity is disabled or gone. It is refused, but it is there: it can be looked up, it can
    /// be ended, and it works again when the entity is enabled again.
    Suspended,
    /// All tokens of its owner were ended since it was made. Nothing brings it back.
    Over,
}

/// How a token stands. `above` are those of its ancestors that a login made.
///
/// Costs one read, unless an ancestor belongs to another entity.
///
/// # Errors
/// When the store cannot answer, or an entity is damaged: then nothing is allowed.
pub(crate) async fn standing(
    visit: &Visit,
    token: &Token,
    above: &[Arc<Token>],
) -> Result<Standing> {
    let own = entity_of(visit, token).await?;
    let mut standing = standing_in(token, own.as_deref());
    for ancestor in above {
        let theirs = match ancestor.entity == token.entity {
            true => standing_in(ancestor, own.as_deref()),
            false => standing_in(ancestor, entity_of(visit, ancestor).await?.as_deref()),
        };
        standing = standing.below(theirs);
    }
    Ok(standing)
}

async fn entity_of(visit: &Visit, token: &Token) -> Result<Option<Arc<Entity>>> {
    match &token.entity {
        Some(id) => visit.kernel.entities.current(visit.transaction(), id).await,
        None => Ok(None),
    }
}

fn standing_in(token: &Token, entity: Option<&Entity>) -> Standing {
    if token.entity.is_none() {
        return Standing::Good(vec![]);
    }
    let Some(entity) = entity else {
        return Standing::Suspended;
    };
    if let Some(owner) = &token.owner {
        let alias = entity.aliases.iter().find(|alias| alias.id == owner.alias);
        if alias.is_none_or(|alias| alias.generation != owner.generation) {
            return Standing::Over;
        }
    }
    match entity.disabled {
        true => Standing::Suspended,
        false => Standing::Good(policies_of(entity)),
    }
}

/// The policies an entity brings. Whatever its record says, `root` is never one of them: who
/// changes an entity must not become root by it.
pub(super) fn policies_of(entity: &Entity) -> NameList {
    if entity.policies.is_empty() {
        return vec![];
    }
    let mut policies = entity.policies.clone();
    policies.retain(|name| !is_for_nobody(name));
    normalize_policies(policies)
}

fn is_for_nobody(policy: &str) -> bool {
    let folded = normalize_policies([policy]);
    folded.iter().any(|name| name == "root" || name == RESPONSE_WRAPPING_NAME)
}

impl Standing {
    /// How a token stands whose ancestor stands like `above`.
    fn below(self, above: Self) -> Self {
        match (self, above) {
            (Self::Over, _) | (_, Self::Over) => Self::Over,
            (Self::Suspended, _) | (_, Self::Suspended) => Self::Suspended,
            (own, Self::Good(_)) => own,
        }
    }
}
