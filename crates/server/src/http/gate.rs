//! The outermost skin of a connection: what passes here is framed beyond doubt and in good time.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::framing::{Ambiguous, Framing};

/// No parser takes this within a head, so the HTTP library answers 400 and closes.
const STOP: &[u8] = b"\0";

/// A connection whose incoming bytes are checked by [`Framing`] before anybody reads them.
pub(super) struct Gate<S> {
    stream: S,
    framing: Framing,
    /// Whether something ambiguous came; nothing that follows it is ever looked at.
    refused: bool,
    progress: Progress,
}

/// How a connection is getting on: known to its gate, its requests and its supervisor.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<State>>);

struct State {
    /// When the head that is being read began.
    head_since: Option<Instant>,
    requests: usize,
    /// Since when there was neither a head nor a request.
    quiet_since: Instant,
}

/// A request being answered. Its connection is not idle as long as this lives.
pub(super) struct Busy(Progress);

/// How long a connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From the first byte of a head to its last; also from connecting to the first request.
    pub(super) head: Duration,
    /// Between requests.
    pub(super) idle: Duration,
}

impl<S> Gate<S> {
    pub(super) fn new(stream: S, progress: Progress) -> Self {
        Self { stream, framing: Framing::new(), refused: false, progress }
    }

    /// Checks what came since `before`, and takes back what is ambiguous.
    fn check(&mut self, buffer: &mut ReadBuf<'_>, before: usize) {
        let arrived = buffer.filled().get(before..).unwrap_or_default();
        if arrived.is_empty() {
            return;
        }
        if let Err(Ambiguous { good }) = self.framing.follow(arrived) {
            self.refused = true;
            buffer.set_filled(before + good);
            // There is room: at least one byte was just taken back.
            buffer.put_slice(STOP);
        }
        self.progress.head(self.framing.is_within_head());
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.refused {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(task, buffer))?;
        self.check(buffer, before);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(task, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl Progress {
    /// A connection that was just made: its first request should come soon.
    pub(super) fn new() -> Self {
        let now = now();
        Self(Arc::new(Mutex::new(State { head_since: Some(now), requests: 0, quiet_since: now })))
    }

    /// A request begins.
    pub(super) fn begin(&self) -> Busy {
        self.state().requests += 1;
        Busy(self.clone())
    }

    /// When patience ends, as things stand. `None` while a request is being answered: that has a
    /// limit of its own.
    pub(super) fn deadline(&self, patience: Patience) -> Option<Instant> {
        let state = self.state();
        match state.head_since {
            Some(since) => Some(since + patience.head),
            None if state.requests > 0 => None,
            None => Some(state.quiet_since + patience.idle),
        }
    }

    fn head(&self, within: bool) {
        let mut state = self.state();
        if !within {
            if state.head_since.take().is_some() {
                state.quiet_since = now();
            }
        } else if state.head_since.is_none() {
            state.head_since = Some(now());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests = state.requests.saturating_sub(1);
        state.quiet_since = now();
    }
}

/// The time on the wire has nothing to do with the time in records, which is an argument.
#[allow(clippy::disallowed_methods, reason = "how long a connection takes is measured, not told")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { head: Duration::from_secs(10), idle: Duration::from_secs(60) };

    #[tokio::test(start_paused = true)]
    async fn patience_depends_on_what_the_connection_is_doing() {
        let start = now();
        let progress = Progress::new();
        assert_eq!(progress.deadline(PATIENCE), Some(start + PATIENCE.head));
        progress.head(false);
        assert_eq!(progress.deadline(PATIENCE), Some(start + PATIENCE.idle));
        let busy = progress.begin();
        assert_eq!(progress.deadline(PATIENCE), None);
        tokio::time::advance(Duration::from_secs(7)).await;
        drop(busy);
        assert_eq!(progress.deadline(PATIENCE), Some(now() + PATIENCE.idle));
        progress.head(true);
        tokio::time::advance(Duration::from_secs(7)).await;
        progress.head(true);
        assert_eq!(progress.deadline(PATIENCE), Some(now() + Duration::from_secs(3)));
    }
}
