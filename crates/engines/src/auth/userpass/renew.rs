//! What a token of ours would get today.

use api::{BoxFuture, Context, Error, Login, Renewal, Result};

use super::login::login_of;
use super::user::User;

/// Reads the user again: gone or not to be let in, changed in what they may do, or what they get
/// today.
pub(super) fn renew<'a>(
    context: &'a Context,
    renewal: &'a Renewal,
) -> BoxFuture<'a, Result<Option<Login>>> {
    Box::pin(async move {
        let Some(username) = renewal.metadata.get("username") else {
            return Ok(None);
        };
        let user = User::find(context, username).await?;
        let Some(user) = user.filter(|user| user.account.is_open(context.now)) else {
            return Ok(None);
        };
        if !user.token.grants_the_same(&renewal.policies) {
            let text = "failed to renew entry: policies have changed, not renewing";
            return Err(Error::Failed(text.to_owned()));
        }
        Ok(Some(login_of(&user, username.clone())))
    })
}
