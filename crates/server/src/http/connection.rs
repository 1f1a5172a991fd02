//! One connection, from the handshake to its end, and how long each part of it may take.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep_until;

use super::exchange::{Desk, sending};
use super::gate::{Gate, Patience, Progress, now};
use super::{HEADER_BYTES_MAX, Stop};

/// How many requests one HTTP/2 connection may have open.
const STREAMS_MAX: u32 = 128;
/// How much one HTTP/2 connection, and each stream of it, may send before somebody reads it.
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
/// How much of an HTTP/1.1 connection is read at a time; a head has to fit.
const BUFFER_BYTES_MAX: usize = 32 * 1024;
/// How long a connection that should end has to take its leave.
const FAREWELL: Duration = Duration::from_secs(1);

/// Answers the requests that come over `stream` until it ends, takes too long, or `stop` comes.
pub(super) async fn converse<S>(stream: S, remote: SocketAddr, desk: Arc<Desk>, stop: Stop)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let progress = Progress::new();
    let patience = Patience { head: desk.limits.head, idle: desk.limits.idle };
    let service = service_fn({
        let progress = progress.clone();
        move |request: http::Request<Incoming>| {
            let (busy, desk) = (progress.begin(), desk.clone());
            async move { Ok::<_, Infallible>(sending(desk.answer(request, remote).await, busy)) }
        }
    });
    let builder = protocols();
    let io = TokioIo::new(Gate::new(stream, progress.clone()));
    let mut connection = pin!(builder.serve_connection(io, service));
    tokio::select! {
        // How a connection failed is the client's business.
        _ = connection.as_mut() => return,
        () = stop.requested() => connection.as_mut().graceful_shutdown(),
        () = overdue(&progress, patience) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(FAREWELL, connection).await;
            return;
        }
    }
    // What is being answered is finished; whoever stops the server decides how long that may take.
    let _ = connection.await;
}

/// Both protocols, within limits. The patience of [`Gate`] and [`overdue`] is stricter than the
/// library's own timer, which also runs between requests, so that is turned off.
///
/// Clients may close their half once they have asked, and still get their answer. Otherwise the
/// library would look for that at every request, with a new buffer of 8 KiB, to cut off what is
/// finished anyway (see [`super::exchange`]). How many headers there are is checked with the other
/// sizes, and left to the library's own limit of 100 before that: with another, it clears room for
/// them at every request.
fn protocols() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .half_close(true)
        .max_buf_size(BUFFER_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX as u32)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES);
    builder
}

/// Ends when the connection has taken longer than it may over whatever it is doing.
#[allow(clippy::disallowed_methods, reason = "waiting for a client is waiting for time to pass")]
async fn overdue(progress: &Progress, patience: Patience) {
    let mut alarm = pin!(sleep_until(now() + patience.head));
    poll_fn(|task| {
        // An alarm that goes off too early costs a second look; setting it anew with every request
        // would cost more. While a request is being answered nothing is due.
        if let Some(deadline) = progress.deadline(patience)
            && alarm.deadline() > deadline
        {
            alarm.as_mut().reset(deadline);
        }
        // Ends: an alarm that went off is either due or set to a later time, which is pending.
        while alarm.as_mut().poll(task).is_ready() {
            let (deadline, now) = (progress.deadline(patience), now());
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Poll::Ready(());
            }
            // Requests may end without waking this task, so look again even if nothing is due.
            alarm.as_mut().reset(deadline.unwrap_or(now + patience.idle));
        }
        Poll::Pending
    })
    .await;
}
