//! Keeping an answer, and giving it back.

use api::{Envelope, Error, Moment, Operation, Reply, Result, Seconds, Secret, WrappingToken};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use storage::{Table, View};

use super::sealed::Sealed;
use crate::policies::RESPONSE_WRAPPING_NAME;
use crate::tokens::{self, Holder, Issue, issue};
use crate::visit::{CUBBYHOLES, Visit};

/// What is kept, beside what the wrapping token's cubbyhole shows, and cleared up with it.
const RESPONSES: Table<Sealed> = Table::new("wrapped/");
const RESPONSE: &str = "response";

/// A kept answer.
#[derive(Deserialize, Serialize)]
struct Response {
    /// The envelope as it would have been sent.
    response: String,
    /// Whether it was about something that was no longer there.
    #[serde(default)]
    absent: bool,
}

/// A wrapping token that is good right now, and what it wraps.
pub(super) struct Wrapped {
    pub(super) holder: Holder,
    response: Response,
}

/// Refuses to keep an answer for longer than anything is kept, before there is one: not everything
/// that is done can be taken back.
///
/// # Errors
/// [`Error::Invalid`].
pub(crate) fn check_time(visit: &Visit) -> Result<()> {
    let max = visit.kernel.settings.ttl_max;
    match visit.wrap_ttl.is_some_and(|ttl| ttl > max) {
        true => Err(Error::invalid(format!("an answer can be wrapped for {max} at most"))),
        false => Ok(()),
    }
}

/// Keeps `reply` and answers with what fetches it, where the caller asked for that and there is
/// something to keep.
///
/// Keeping one takes several records. Where no token is asked for, only logins are kept: those have
/// proved who they are, and anybody else could fill the store.
///
/// # Errors
/// [`Error::Invalid`] when it is not kept for this caller, or has a form that cannot be kept.
pub(crate) async fn wrap(visit: &Visit, reply: Reply, id: &str) -> Result<Reply> {
    let Some(ttl) = visit.wrap_ttl else { return Ok(reply) };
    let is_bare = matches!(reply, Reply::Bare(_) | Reply::BareAbsent(_) | Reply::Document(..));
    if is_bare && visit.holder.is_some() && visit.operation != Operation::Help {
        return Err(Error::invalid(
            "this answer cannot be wrapped; send the request without X-Vault-Wrap-TTL",
        ));
    }
    let warnings = visit.warnings.take();
    let is_nothing = match &reply {
        Reply::Empty => warnings.is_empty(),
        Reply::Keys(names, _) => names.is_empty(),
        reply => !reply.has_envelope(),
    };
    if is_nothing {
        warnings.into_iter().for_each(|warning| visit.warn(warning));
        return Ok(reply);
    }
    if visit.holder.is_none() && !matches!(reply, Reply::Auth(_)) {
        return Err(Error::invalid(
            "only logins are wrapped where no token is asked for; \
             send the request without X-Vault-Wrap-TTL",
        ));
    }
    let wrapped_accessor = match &reply {
        Reply::Auth(auth) => Some(auth.accessor.clone()).filter(|accessor| !accessor.is_empty()),
        _ => None,
    };
    let absent = matches!(reply, Reply::Absent(_));
    let envelope = Envelope {
        request_id: id.to_owned(),
        warnings: Some(warnings).filter(|warnings| !warnings.is_empty()),
        ..Envelope::holding(reply)
    };
    let response = serde_json::to_string(&envelope).map_err(Error::internal)?;
    let creation_path = visit.path.as_str().to_owned();
    let info = keep(visit, Response { response, absent }, ttl, creation_path).await?;
    Ok(Reply::Wrapped(Box::new(WrappingToken { wrapped_accessor, ..info })))
}

/// What `token` wraps, if it is a wrapping token that is good right now.
///
/// # Errors
/// [`Error::Invalid`] when it is not.
pub(super) async fn find(visit: &Visit, token: &Secret) -> Result<Wrapped> {
    let is_wrapping = |holder: &Holder| holder.token.policies == [RESPONSE_WRAPPING_NAME];
    if let Some(holder) = tokens::find(visit, token).await?.filter(is_wrapping)
        && let Some(sealed) = RESPONSES.get(&cubbyhole(visit, &holder.key), RESPONSE).await?
    {
        return Ok(Wrapped { holder, response: sealed.open(token)? });
    }
    Err(Error::invalid("wrapping token is not valid or does not exist"))
}

impl Wrapped {
    /// When it was wrapped.
    pub(super) fn created(&self) -> Moment {
        self.holder.token.issued
    }

    /// How long it was to be kept.
    pub(super) fn kept_for(&self) -> Seconds {
        self.holder.token.ttl_creation
    }

    /// Gives back the answer. Nobody gets it again.
    ///
    /// # Errors
    /// When what was kept is damaged.
    pub(super) fn take(self, visit: &Visit) -> Result<Reply> {
        self.end(visit);
        let answer: Value =
            serde_json::from_str(&self.response.response).map_err(Error::internal)?;
        Ok(if self.response.absent { Reply::BareAbsent(answer) } else { Reply::Bare(answer) })
    }

    /// Wraps the same answer anew, for as long as at first.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(super) async fn wrap_again(self, visit: &Visit) -> Result<WrappingToken> {
        self.end(visit);
        let (ttl, path) = (self.kept_for(), self.holder.token.path);
        keep(visit, self.response, ttl, path).await
    }

    fn end(&self, visit: &Visit) {
        RESPONSES.delete(&cubbyhole(visit, &self.holder.key), RESPONSE);
        tokens::end(visit, &self.holder.key, &self.holder.token);
    }
}

async fn keep(
    visit: &Visit,
    response: Response,
    ttl: Seconds,
    creation_path: String,
) -> Result<WrappingToken> {
    let token = issue(
        visit,
        Issue {
            policies: vec![RESPONSE_WRAPPING_NAME.to_owned()],
            path: creation_path.clone(),
            ttl: Some(ttl),
            ttl_explicit_max: ttl,
            uses: Some(1),
            ..Issue::default()
        },
    )
    .await?;
    let text = Secret::new(token.client_token.clone());
    let key = tokens::key_of(visit, &text)?;
    RESPONSES.put(&cubbyhole(visit, &key), RESPONSE, &Sealed::new(&text, &response)?);
    Ok(WrappingToken {
        token: text,
        accessor: token.accessor,
        ttl: ttl.0,
        creation_time: visit.now,
        creation_path,
        wrapped_accessor: None,
    })
}

fn cubbyhole(visit: &Visit, key: &str) -> View {
    View::new(visit.transaction(), format!("{CUBBYHOLES}{key}/"))
}
