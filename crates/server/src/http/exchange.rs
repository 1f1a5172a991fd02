//! One request and its answer.
//!
//! A request that has to wait for anything goes on in a task of its own. So it comes to its end
//! even when the client hangs up: what was begun is audited and finished, never cut off in the
//! middle. A panic stays inside the request that met it.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use api::{BoxFuture, Error, Operation, Request, UniqueNames};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Method, Response, Version};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use kernel::Answer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::body::{self, Mailbox};
use super::gate::Busy;
use super::health::{self, Codes};
use super::request::{self, Refusal, Understood};
use super::respond::{self, Outgoing};
use super::{Limits, Service};

/// How many requests are answered at the same time. More than that are told to come back.
pub(super) const REQUESTS_MAX: usize = 4096;

/// What answers the requests of one listener.
pub(super) struct Desk {
    pub(super) service: Arc<dyn Service>,
    pub(super) names: Arc<UniqueNames>,
    pub(super) limits: Limits,
    /// One for each request that may be answered at the same time, on all listeners together.
    pub(super) permits: Arc<Semaphore>,
}

impl Desk {
    /// Answers one request.
    pub(super) async fn answer<B>(&self, request: http::Request<B>, remote: SocketAddr) -> Outgoing
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let (mut parts, body) = request.into_parts();
        let mailbox = Mailbox::new(body);
        let without_body = parts.method == Method::HEAD;
        if without_body && request::is_health(&parts) {
            parts.method = Method::GET;
        }
        let asked = self.pass_on(&parts, &mailbox, remote).await;
        let mut outgoing = asked.unwrap_or_else(respond::refusal);
        dispose_of_rest(&parts, &mailbox);
        if without_body {
            *outgoing.body_mut() = Full::default();
        }
        if ends_connection(&parts) {
            outgoing.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        outgoing
    }

    async fn pass_on<B>(
        &self,
        parts: &Parts,
        mailbox: &Mailbox<B>,
        remote: SocketAddr,
    ) -> Result<Outgoing, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let understood = request::understand(parts)?;
        self.check_length(parts)?;
        let is_health =
            understood.operation == Operation::Read && understood.path.as_str() == "sys/health";
        let codes = if is_health { Some(Codes::parse(parts)?) } else { None };
        let request = self.request(understood, mailbox, remote);
        let answer = match self.serve(request).await {
            Ok(answer) => answer,
            Err(outgoing) => return Ok(outgoing),
        };
        Ok(match codes {
            Some(codes) => health::answer(answer, &codes),
            None => respond::answer(answer),
        })
    }

    /// Refuses a body that says of itself that it is too long, before reading any of it.
    fn check_length(&self, parts: &Parts) -> Result<(), Refusal> {
        let length = parts.headers.get(CONTENT_LENGTH).and_then(|text| text.to_str().ok());
        let length = length.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        if length > self.limits.body_bytes_max { Err(Error::TooLarge.into()) } else { Ok(()) }
    }

    fn request<B>(
        &self,
        understood: Understood,
        mailbox: &Mailbox<B>,
        remote: SocketAddr,
    ) -> Request
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let Understood { operation, path, query, token, wrap_ttl, notation } = understood;
        let unread = |notation| -> Box<dyn api::Body> {
            Box::new(body::unread(mailbox.share(), notation, &self.limits))
        };
        let body = notation.map(unread);
        let id = self.names.fresh();
        Request { id, operation, path, query, body, token, wrap_ttl, remote: Some(remote) }
    }

    /// The service's answer, or what to say when it did not come to one.
    async fn serve(&self, request: Request) -> Result<Answer, Outgoing> {
        let Ok(permit) = self.permits.clone().try_acquire_owned() else {
            return Err(respond::overloaded());
        };
        let id = request.id.clone();
        let mut serving = self.service.clone().serve(request);
        match begin(&mut serving).await {
            Beginning::Answered(answer) => Ok(answer),
            Beginning::Broken => Err(broken(&id)),
            Beginning::Waits => self.go_on(serving, permit, &id).await,
        }
    }

    /// Lets a request come to its end apart from its connection.
    async fn go_on(
        &self,
        serving: BoxFuture<'static, Answer>,
        permit: OwnedSemaphorePermit,
        id: &str,
    ) -> Result<Answer, Outgoing> {
        let time_max = self.limits.request;
        let serving = tokio::spawn(async move {
            let answer = timeout(time_max, serving).await;
            drop(permit);
            answer
        });
        match serving.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => {
                tracing::warn!(request = id, "a request took longer than it may and was ended");
                Err(respond::too_late())
            }
            Err(_) => Err(broken(id)),
        }
    }
}

/// How far a request came without waiting.
enum Beginning {
    Answered(Answer),
    Waits,
    Broken,
}

/// Lets a request run until it first waits. Most never do, since what they read is in memory, and
/// those cost no task of their own.
async fn begin(serving: &mut BoxFuture<'static, Answer>) -> Beginning {
    poll_fn(|task| {
        // After a panic it is never looked at again.
        let begun = catch_unwind(AssertUnwindSafe(|| serving.as_mut().poll(task)));
        Poll::Ready(match begun {
            Ok(Poll::Ready(answer)) => Beginning::Answered(answer),
            Ok(Poll::Pending) => Beginning::Waits,
            Err(_) => Beginning::Broken,
        })
    })
    .await
}

/// The panic hook has said where; what it was about may be secret.
fn broken(id: &str) -> Outgoing {
    tracing::error!(request = id, "a request met a bug and was ended");
    respond::broken()
}

/// After a chunked request the connection ends: framing it is left to one reader alone (see
/// [`super::framing`]), so nothing may follow it.
fn ends_connection(parts: &Parts) -> bool {
    parts.version < Version::HTTP_2 && parts.headers.contains_key(TRANSFER_ENCODING)
}

/// Lets the client finish writing, so that it reads our answer rather than a broken connection.
fn dispose_of_rest<B>(parts: &Parts, mailbox: &Mailbox<B>)
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    let Some(rest) = mailbox.take() else { return };
    // Whoever asks before sending has not begun, and reading would tell them to go on.
    if !rest.is_end_stream() && !parts.headers.contains_key(EXPECT) {
        tokio::spawn(body::drain(rest));
    }
}

/// An answer whose connection counts as busy until it is sent.
pub(super) struct Sending {
    text: Full<Bytes>,
    _busy: Busy,
}

/// Ties `outgoing` to the connection that is `busy` with it.
pub(super) fn sending(outgoing: Outgoing, busy: Busy) -> Response<Sending> {
    outgoing.map(|text| Sending { text, _busy: busy })
}

impl Body for Sending {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.text).poll_frame(task)
    }

    fn is_end_stream(&self) -> bool {
        self.text.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.text.size_hint()
    }
}
