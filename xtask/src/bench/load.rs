//! Requests: so many clients, each with a connection that it keeps, asking one after the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HOST, HeaderName};
use hyper::http::response::Parts;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::failure::{Failure, Outcome};
use super::process::Running;
use super::rounds::{Round, now, since};

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many requests one client sends in one round.
const REQUESTS_MAX: usize = 1_000_000;

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) method: Method,
    /// Everything after `/v1/`.
    pub(super) path: String,
    pub(super) token: String,
    pub(super) body: Bytes,
}

/// What clients ask: the number of the client, and that of its question.
pub(super) type Asking = Arc<dyn Fn(usize, usize) -> Question + Send + Sync>;

/// When a client has asked enough.
#[derive(Clone, Copy, Debug)]
pub(super) enum Enough {
    After(Duration),
    Times(usize),
}

/// What came of some load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub(super) answers: f64,
    pub(super) elapsed: Duration,
}

/// Asks `server` for `duration`.
pub(super) async fn round(
    server: &Running,
    clients: usize,
    duration: Duration,
    asking: &Asking,
) -> Outcome<Round> {
    let before = server.processor_seconds()?;
    let done = run(server.address, clients, Enough::After(duration), asking).await?;
    let used = server.processor_seconds()? - before;
    Ok(Round {
        per_second: done.answers / done.elapsed.as_secs_f64(),
        processor_microseconds: Some(used * 1e6 / done.answers),
    })
}

/// Lets `clients` ask until it is enough for each. All connections are made before time runs.
pub(super) async fn run(
    address: SocketAddr,
    clients: usize,
    enough: Enough,
    asking: &Asking,
) -> Outcome<Done> {
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(Connection::open(address).await?);
    }
    let start = now();
    let mut running = JoinSet::new();
    for (client, connection) in connections.into_iter().enumerate() {
        let asking = asking.clone();
        running.spawn(connection.ask_until(start, enough, move |number| asking(client, number)));
    }
    let mut answers = 0;
    while let Some(asked) = running.join_next().await {
        answers += asked??;
    }
    Ok(Done { answers: answers as f64, elapsed: since(start) })
}

/// One client's way to a server.
pub(super) struct Connection {
    address: String,
    sender: SendRequest<Full<Bytes>>,
    /// Moves the bytes; ends with the connection.
    _driver: JoinSet<()>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // What went wrong is told to whoever waits for an answer.
            let _ = connection.await;
        });
        Ok(Self { address: address.to_string(), sender, _driver: driver })
    }

    /// Asks once. Only success is an answer.
    pub(super) async fn ask(&mut self, question: &Question) -> Outcome<Bytes> {
        let (head, body) = self.hear(question).await?;
        if !head.status.is_success() {
            let said = String::from_utf8_lossy(&body);
            let (Question { method, path, .. }, status) = (question, head.status);
            return Err(Failure::new(format!("{method} {path} was answered {status}: {said}")));
        }
        Ok(body)
    }

    /// Asks once, and takes any answer.
    pub(super) async fn hear(&mut self, question: &Question) -> Outcome<(Parts, Bytes)> {
        let Question { method, path, token, body } = question;
        let request = Request::builder()
            .method(method)
            .uri(format!("/v1/{path}"))
            .header(HOST, &self.address)
            .header(TOKEN, token)
            .body(Full::new(body.clone()))?;
        let answering = async {
            self.sender.ready().await?;
            let (head, body) = self.sender.send_request(request).await?.into_parts();
            Ok((head, body.collect().await?.to_bytes()))
        };
        let answered = timeout(PATIENCE, answering).await?.map_err(unanswered(path))?;
        let (head, body): (Parts, Bytes) = answered;
        Ok((head, body))
    }

    async fn ask_until(
        mut self,
        start: Instant,
        enough: Enough,
        question: impl Fn(usize) -> Question,
    ) -> Outcome<usize> {
        for number in 0..REQUESTS_MAX {
            let is_enough = match enough {
                Enough::After(duration) => since(start) >= duration,
                Enough::Times(times) => number >= times,
            };
            if is_enough {
                return Ok(number);
            }
            self.ask(&question(number)).await?;
        }
        Ok(REQUESTS_MAX)
    }
}

fn unanswered(path: &str) -> impl Fn(hyper::Error) -> Failure {
    move |error| Failure::new(format!("{path} was not answered: {error}"))
}
