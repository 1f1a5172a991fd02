//! Changing the policies of a user, and nothing else about them.

use api::{Context, NameList, NoContent, Path, Result, normalize_policies};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Username;
use super::password::no_such_user;
use super::user::User;
use crate::null;

pub(super) fn path() -> Path {
    Path::new("users/{username@}/policies")
        .help(
            "Set the policies of a user.",
            "Tokens that are given out from now on carry the new policies; tokens that were given \
             out before keep the old ones, and can no longer be renewed.",
        )
        .folds_names()
        .write(write_policies)
}

#[derive(Deserialize, JsonSchema)]
struct NewPolicies {
    /// Policies of the user's tokens.
    #[serde(default, deserialize_with = "null::counts")]
    token_policies: Option<NameList>,
    /// (DEPRECATED) Use "token_policies" instead.
    #[schemars(extend("x-older-name-of" = "token_policies"))]
    #[serde(default, deserialize_with = "null::counts")]
    policies: Option<NameList>,
}

async fn write_policies(
    context: &Context,
    (username, given): (Username, NewPolicies),
) -> Result<NoContent> {
    let (_, name) = username.at(context).await?;
    let mut user = User::find(context, &name).await?.ok_or_else(no_such_user)?;
    user.token.change_policies(given.token_policies.map(normalize_policies), given.policies)?;
    user.store(context, &name);
    Ok(NoContent)
}
