//! What users do for themselves, where the mount allows it.
//!
//! No policy has to allow it: whoever got their token from this mount may come. Nobody else may,
//! whatever their policies say, since these doors are about whoever asks.

use api::{Context, Data, Error, NoContent, Page, Path, Reply, Result, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::configuration::Configuration;
use super::password::{Replacement, acceptable};
use super::prove::prove;
use super::sessions::listing;
use super::user::{User, UserView};

pub(super) fn record() -> Path {
    Path::new("self")
        .help(
            "Read your own record.",
            "Shows what operators see of you. Works where the mount allows self-service.",
        )
        .for_own_users()
        .read(read_own)
}

pub(super) fn password() -> Path {
    Path::new("self/password")
        .help(
            "Change your own password.",
            "Takes the old password as well; a wrong one counts as a failed login. All your other \
             tokens end. Works where the mount allows self-service.",
        )
        .for_own_users()
        .write(change_password)
}

pub(super) fn sessions() -> Path {
    Path::new("self/sessions")
        .help(
            "List or end your own tokens.",
            "They are named by their accessors, with when and from where you logged in. Works \
             where the mount allows self-service.",
        )
        .for_own_users()
        .read(list_sessions)
        .list(list_sessions)
        .delete(end_sessions)
}

pub(super) fn session() -> Path {
    Path::new("self/sessions/{accessor}")
        .help("End one of your own tokens.", "Works where the mount allows self-service.")
        .for_own_users()
        .delete(end_session)
}

/// Somebody who may look after themselves.
struct Own {
    configuration: Configuration,
    name: String,
    /// The accessor of the token they came with.
    accessor: String,
}

impl Own {
    /// Who asks.
    ///
    /// # Errors
    /// [`Error::Denied`] for others, and where the mount does not allow it.
    async fn of(context: &Context) -> Result<Self> {
        let configuration = Configuration::of(context).await?;
        let caller = context.caller.as_ref().filter(|_| configuration.self_service);
        let own = caller.and_then(|caller| Some((caller.alias.clone()?, caller.accessor.clone())));
        let (name, accessor) = own.ok_or(Error::Denied)?;
        Ok(Self { configuration, name, accessor })
    }

    async fn end_others(&self, context: &Context) -> Result<()> {
        context.services.end_sessions(&self.name, Some(&self.accessor)).await
    }
}

#[derive(JsonSchema, Serialize)]
struct OwnView {
    /// Name you log in with.
    username: String,
    #[serde(flatten)]
    user: UserView,
}

#[derive(Deserialize, JsonSchema)]
struct Change {
    /// The password you have.
    password: Option<Secret>,
    /// The password you have, by another name.
    old_password: Option<Secret>,
    /// The password you want.
    new_password: Option<Secret>,
    /// Whether your other tokens stay.
    #[serde(default)]
    keep_sessions: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Which {
    /// Whether the token you ask with ends as well.
    #[serde(default)]
    all: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Accessor {
    /// Accessor of the token to be ended.
    accessor: String,
}

async fn read_own(context: &Context, (): ()) -> Result<Data<OwnView>> {
    let own = Own::of(context).await?;
    let user = User::find(context, &own.name).await?.ok_or(Error::Missing)?;
    let user = user.view(context, &own.name).await?;
    Ok(Data(OwnView { username: own.name, user }))
}

async fn change_password(context: &Context, given: Change) -> Result<NoContent> {
    let own = Own::of(context).await?;
    let old = given.password.or(given.old_password);
    let old = acceptable(old.ok_or_else(|| Error::invalid("missing password: give the old one"))?)?;
    let new = given.new_password.ok_or_else(|| Error::invalid("missing new_password"))?;
    let user = prove(context, &own.configuration, (&own.name, &old)).await?;
    let replacement = Replacement { name: &own.name, user, old: &old, new };
    replacement.perform(context, &own.configuration).await?;
    if !given.keep_sessions {
        own.end_others(context).await?;
    }
    Ok(NoContent)
}

async fn list_sessions(context: &Context, page: Page) -> Result<Reply> {
    let own = Own::of(context).await?;
    listing(context, &own.name, &page).await
}

async fn end_sessions(context: &Context, which: Which) -> Result<NoContent> {
    let own = Own::of(context).await?;
    match which.all {
        true => context.services.end_sessions(&own.name, None).await?,
        false => own.end_others(context).await?,
    }
    Ok(NoContent)
}

async fn end_session(context: &Context, which: Accessor) -> Result<NoContent> {
    let own = Own::of(context).await?;
    match context.services.end_session(&own.name, &which.accessor).await? {
        true => Ok(NoContent),
        false => Err(Error::MissingBecause("you have no token with this accessor".to_owned())),
    }
}
