//! What a mount wants of a new password: its policy, a list of those that are refused, and none
//! that was used lately.
//!
//! The rules need the password itself; of a hash that was made elsewhere nothing can be said.

use api::{Context, Error, Result, Secret};

use super::configuration::Configuration;
use super::hash::{self, Verification};
use super::user::User;

/// Somebody who is to get a new password.
pub(super) struct Candidate<'a> {
    pub(super) name: &'a str,
    /// The user whose earlier passwords must not come again, if anybody's.
    pub(super) user: Option<&'a User>,
    pub(super) password: &'a Secret,
}

/// Refuses a password that this mount does not want.
///
/// # Errors
/// [`Error::Invalid`].
pub(super) async fn check(
    context: &Context,
    configuration: &Configuration,
    candidate: Candidate<'_>,
) -> Result<()> {
    let flaws = flaws(context, configuration, &[candidate]).await?;
    flaws.into_iter().flatten().next().map_or(Ok(()), |flaw| Err(Error::Invalid(flaw)))
}

/// What this mount does not want about each of the passwords, in the order of the candidates.
///
/// # Errors
/// When a rule cannot be applied: then no password satisfies it.
pub(super) async fn flaws(
    context: &Context,
    configuration: &Configuration,
    candidates: &[Candidate<'_>],
) -> Result<Vec<Option<String>>> {
    let refused = refused(context, configuration, candidates).await?;
    let mut flaws = vec![];
    for (place, candidate) in candidates.iter().enumerate() {
        let policy = policy_flaw(context, configuration, candidate.password).await?;
        let flaw = match policy {
            Some(flaw) => Some(flaw),
            None if refused.contains(&place) => Some(
                "the password is one of those that are tried first; choose another one".to_owned(),
            ),
            None => history_flaw(context, configuration, candidate).await?,
        };
        flaws.push(flaw);
    }
    Ok(flaws)
}

async fn policy_flaw(
    context: &Context,
    configuration: &Configuration,
    password: &Secret,
) -> Result<Option<String>> {
    match configuration.password_policy.as_str() {
        "" => Ok(None),
        policy => context.services.password_flaw(policy, password).await,
    }
}

/// Which of the passwords stand in the list, found in one reading of it.
async fn refused(
    context: &Context,
    configuration: &Configuration,
    candidates: &[Candidate<'_>],
) -> Result<Vec<usize>> {
    let list = &configuration.refused_passwords;
    if list.is_empty() || candidates.is_empty() {
        return Ok(vec![]);
    }
    // A request gives each of these people at most one new password.
    let names: Vec<_> = candidates.iter().map(|candidate| candidate.name).collect();
    let question = format!("which new passwords of {names:?} are in the list {list}");
    let words = candidates.iter().map(|candidate| candidate.password.clone()).collect();
    let find = context.wordlists.find(list, words, &context.workshop);
    context.memory.once(&question, find).await
}

async fn history_flaw(
    context: &Context,
    configuration: &Configuration,
    candidate: &Candidate<'_>,
) -> Result<Option<String>> {
    let history = configuration.password_history;
    let Some(user) = candidate.user else { return Ok(None) };
    for hashed in std::iter::once(&user.password).chain(&user.earlier).take(history) {
        let question = Verification {
            hashed: Some(hashed),
            others: &[],
            parameters: configuration.hashing,
            password: candidate.password,
        };
        if hash::verify(context, question).await?.matches {
            return Ok(Some(match history {
                1 => "the new password must differ from the old one".to_owned(),
                _ => format!("the password must differ from the last {history}; choose a new one"),
            }));
        }
    }
    Ok(None)
}
