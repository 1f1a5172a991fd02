//! `auth/token/`: looking up, renewing and ending tokens. Making them is next door, in `create`.

use api::{
    Accepted, Data, Error, Keys, NoContent, Page, Path, Reply, Respond, Result, Seconds, Secret,
    Token as Answer,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::authenticate::{by_accessor, find, is_known_accessor};
use super::present::TokenView;
use super::record::{ACCESSORS, CHILDREN, TOKENS};
use super::shown::Shown;
use super::{Holder, Kind, create, end, renew, role};
use crate::visit::{Sudo, Visit};

/// Children that one request can turn into orphans.
const ORPHANED_MAX: usize = 10_000;

/// Everything that can be done with tokens.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    let rooms = [create::paths(), role::paths(), doors()];
    rooms.into_iter().flatten().collect()
}

fn doors() -> Vec<Path<Visit>> {
    vec![
        Path::new("lookup")
            .help("Look up a token.", "Without a token, the caller's own is looked up.")
            .in_batch()
            .read(look_up)
            .write(look_up),
        Path::new("lookup-self")
            .help("Look up the token of the caller.", "Tells what it may and when it ends.")
            .in_batch()
            .read(look_up_self)
            .write(look_up_self),
        Path::new("lookup-accessor")
            .help("Look up a token by its accessor.", "The token itself is not told.")
            .in_batch()
            .write(look_up_accessor),
        Path::new("renew")
            .help("Renew a token.", "Gives it more time to live.")
            .in_batch()
            .write(renew_token),
        Path::new("renew-self")
            .help("Renew the token of the caller.", "Gives it more time to live.")
            .in_batch()
            .write(renew_self),
        Path::new("renew-accessor")
            .help("Renew a token by its accessor.", "Gives it more time to live.")
            .in_batch()
            .write(renew_accessor),
        Path::new("revoke")
            .help("End a token.", "Everything it has made ends with it.")
            .in_batch()
            .write(revoke),
        Path::new("revoke-self")
            .help("End the token of the caller.", "Everything it has made ends with it.")
            .in_batch()
            .write(revoke_self),
        Path::new("revoke-accessor")
            .help("End a token by its accessor.", "Everything it has made ends with it.")
            .in_batch()
            .write(revoke_accessor),
        Path::new("revoke-orphan")
            .help(
                "End a token but not its children.",
                "Its children become orphans. Needs the sudo capability.",
            )
            .in_batch()
            .write(revoke_orphan),
        Path::new("accessors")
            .help("List the accessors of all tokens.", "Needs the sudo capability.")
            .sudo()
            .list(list_accessors),
        Path::new("tidy")
            .help(
                "Look for what ended tokens left behind.",
                "There is never any: a token and all that belongs to it are one commit.",
            )
            .write(tidy),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Which {
    /// The token.
    token: Option<Secret>,
}

#[derive(Deserialize, JsonSchema)]
struct Sought {
    /// The token; the caller's own when left out.
    #[serde(default)]
    #[schemars(with = "Option<Secret>")]
    token: Shown,
}

#[derive(Deserialize, JsonSchema)]
struct WhichAccessor {
    /// The accessor of the token.
    #[serde(default)]
    accessor: String,
}

#[derive(Deserialize, JsonSchema)]
struct Increment {
    /// How long it shall live from now.
    #[serde(default)]
    increment: Seconds,
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

async fn look_up(visit: &Visit, sought: Sought) -> Result<Data<TokenView>> {
    let text = match sought.token {
        Shown::Nothing => return look_up_self(visit, Nothing {}).await,
        Shown::Other => return Err(Error::Forbidden("invalid token".to_owned())),
        Shown::Text(text) => text,
    };
    let found = find(visit, &text).await?.ok_or_else(|| Error::Forbidden("bad token".into()))?;
    Ok(Data(found.to_view(visit.now, text.reveal())))
}

async fn look_up_self(visit: &Visit, _: Nothing) -> Result<Data<TokenView>> {
    Ok(Data(holder(visit)?.to_view(visit.now, shown(visit))))
}

async fn look_up_accessor(visit: &Visit, which: WhichAccessor) -> Result<Data<TokenView>> {
    let found = must_find_by_accessor(visit, &which).await?;
    Ok(Data(found.to_view(visit.now, "")))
}

async fn renew_token(visit: &Visit, (which, time): (Which, Increment)) -> Result<Reply> {
    let text = which.or_refuse("missing token ID")?;
    let Some(found) = find(visit, &text).await? else {
        return Err(renew::refusal(visit, &text).await?);
    };
    renewed(visit, &found, time, text.reveal()).await
}

async fn renew_self(visit: &Visit, time: Increment) -> Result<Reply> {
    renewed(visit, holder(visit)?, time, shown(visit)).await
}

async fn renew_accessor(visit: &Visit, (which, time): (WhichAccessor, Increment)) -> Result<Reply> {
    let found = must_find_by_accessor(visit, &which).await?;
    match renewed(visit, &found, time, "").await? {
        Reply::Empty => Err(Error::Failed("failed to lookup the token".to_owned())),
        reply => Ok(reply),
    }
}

async fn renewed(visit: &Visit, found: &Holder, time: Increment, shown: &str) -> Result<Reply> {
    let token = renew::renew(visit, found, time.increment).await?;
    Ok(match token {
        Some(token) => {
            Answer(token.to_auth(visit.now, shown, &found.identity_policies)).into_reply()
        }
        None => Reply::Empty,
    })
}

async fn revoke(visit: &Visit, which: Which) -> Result<NoContent> {
    let text = which.or_refuse("missing token ID")?;
    match find(visit, &text).await? {
        Some(found) => end_found(visit, &found),
        None => Ok(NoContent),
    }
}

async fn revoke_self(visit: &Visit, _: Nothing) -> Result<NoContent> {
    end_found(visit, holder(visit)?)
}

async fn revoke_accessor(visit: &Visit, which: WhichAccessor) -> Result<NoContent> {
    if which.accessor.is_empty() {
        return Err(Error::InvalidListed("missing accessor".to_owned()));
    }
    match by_accessor(visit, &which.accessor).await? {
        Some(found) => end_found(visit, &found),
        None if is_known_accessor(visit, &which.accessor).await? => refuse("token not found"),
        None => {
            visit.warn("No token found with this accessor");
            Ok(NoContent)
        }
    }
}

fn end_found(visit: &Visit, found: &Holder) -> Result<NoContent> {
    if found.token.kind == Kind::Batch {
        return refuse("batch tokens cannot be revoked");
    }
    end(visit, &found.key, &found.token);
    Ok(NoContent)
}

async fn revoke_orphan(visit: &Visit, which: Which) -> Result<NoContent> {
    let text = which.or_refuse("token to revoke not found")?;
    if visit.sudo == Sudo::NotHeld {
        return refuse("root or sudo privileges required to revoke and orphan");
    }
    let found = find(visit, &text).await?;
    let found = found.ok_or_else(|| Error::invalid("token to revoke not found"))?;
    if found.token.kind == Kind::Batch {
        return refuse("batch tokens cannot be revoked");
    }
    let prefix = format!("{}/", found.key);
    let names = CHILDREN.list(&visit.system, &prefix, ORPHANED_MAX + 1).await?;
    let children: Vec<_> = names.iter().filter_map(|name| name.strip_prefix(&prefix)).collect();
    if children.len() > ORPHANED_MAX {
        return refuse("this token has more than 10000 children; revoke some of them first");
    }
    for child in children {
        let key = child.to_owned();
        CHILDREN.delete(&visit.system, &format!("{prefix}{key}"));
        if let Some(mut token) = TOKENS.get(&visit.system, &key).await? {
            token.parent = None;
            TOKENS.put(&visit.system, &key, &token);
        }
    }
    end(visit, &found.key, &found.token);
    Ok(NoContent)
}

async fn list_accessors(visit: &Visit, page: Page) -> Result<Keys> {
    Ok(Keys(ACCESSORS.list(&visit.system, &page.after, page.limit()).await?))
}

/// Answers as clients expect. There is nothing to look for.
async fn tidy(visit: &Visit, _: Nothing) -> Result<Accepted> {
    visit.warn(
        "Tidy operation successfully started. Any information from the operation will be printed \
         to Vault's server logs.",
    );
    Ok(Accepted)
}

impl Which {
    /// The token that was sent, or `text` as to why there has to be one.
    fn or_refuse(self, text: &str) -> Result<Secret> {
        self.token.filter(|token| !token.is_empty()).ok_or_else(|| Error::invalid(text))
    }
}

async fn must_find_by_accessor(visit: &Visit, which: &WhichAccessor) -> Result<Holder> {
    if which.accessor.is_empty() {
        return Err(Error::InvalidListed("missing accessor".to_owned()));
    }
    let found = by_accessor(visit, &which.accessor).await?;
    found.ok_or_else(|| Error::InvalidListed("invalid accessor".to_owned()))
}

fn holder(visit: &Visit) -> Result<&Holder> {
    visit.holder.as_deref().ok_or(Error::Unauthenticated)
}

fn shown(visit: &Visit) -> &str {
    visit.shown.as_ref().map_or("", Secret::reveal)
}

fn refuse<T>(text: &str) -> Result<T> {
    Err(Error::invalid(text))
}
