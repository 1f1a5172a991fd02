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
    /// The body as it would have been sent.
    response: String,
    /// Whether it was about something that was no longer there.
    #[serde(default)]
    absent: bool,
    /// What the body is, where it is not JSON.
    #[serde(default)]
    content_type: Option<String>,
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
/// [`Error::Invalid`] when it is not kept for this caller, since nobody knows them.
pub(crate) async fn wrap(visit: &Visit, reply: Reply, id: &str) -> Result<Reply> {
    let Some(ttl) = visit.wrap_ttl else { return Ok(reply) };
    if !is_to_be_kept(visit.operation, &reply) {
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
    let response = Response::of(reply, id, visit.warnings.take())?;
    let creation_path = visit.path.as_str().to_owned();
    // Rare, and large: room for it is room in every request.
    let info = Box::pin(keep(visit, response, ttl, creation_path)).await?;
    Ok(Reply::Wrapped(Box::new(WrappingToken { wrapped_accessor, ..info })))
}

/// Whether there is something that somebody may want to fetch later. Help and warnings are for
/// whoever asks, and what is wrapped is not wrapped once more.
fn is_to_be_kept(operation: Operation, reply: &Reply) -> bool {
    match reply {
        Reply::Empty => false,
        Reply::Keys(names, _) => !names.is_empty(),
        Reply::Wrapped(_) => false,
        // What a read finds gone tells of what was there; a write has only failed.
        Reply::Absent(_) => operation == Operation::Read,
        _ => operation != Operation::Help,
    }
}

impl Response {
    /// What would have been sent, had nobody asked to have it wrapped.
    fn of(reply: Reply, id: &str, warnings: Vec<String>) -> Result<Self> {
        let absent = matches!(reply, Reply::Absent(_));
        let (response, content_type) = match reply {
            Reply::Document(content_type, text) => (text, Some(content_type.into_owned())),
            Reply::Bare(document) => (document.to_string(), None),
            reply => {
                let envelope = Envelope {
                    request_id: id.to_owned(),
                    warnings: Some(warnings).filter(|warnings| !warnings.is_empty()),
                    ..Envelope::holding(reply)
                };
                (serde_json::to_string(&envelope).map_err(Error::internal)?, None)
            }
        };
        Ok(Self { response, absent, content_type })
    }
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
        let Response { response, absent, content_type } = self.response;
        if let Some(content_type) = content_type {
            return Ok(Reply::Document(content_type.into(), response));
        }
        let answer: Value = serde_json::from_str(&response).map_err(Error::internal)?;
        Ok(if absent { Reply::BareAbsent(answer) } else { Reply::Bare(answer) })
    }

    /// Wraps the same answer anew, for as long as at first.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(super) async fn wrap_again(self, visit: &Visit) -> Result<WrappingToken> {
        self.end(visit);
        let (ttl, path) = (self.kept_for(), self.holder.token.path.clone());
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
