//! A server with nothing behind it, and a client that can misbehave.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use api::{BoxFuture, Error, Operation, Reply, Request, SystemEntropy, Trust};
use kernel::{Answer, Manner};
use serde_json::{Map, Value, json};
use server::http::{Limits, Listener, Server, Service, Stop, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything here takes; reached only when something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Answers by the path it is asked for.
#[derive(Default)]
pub(crate) struct Fake {
    /// How many requests came through.
    pub(crate) served: AtomicUsize,
    /// Somebody asked for `wait`.
    pub(crate) waiting: Notify,
    /// Lets whoever asked for `wait` go on.
    pub(crate) go_on: Notify,
}

impl Service for Fake {
    fn serve(self: Arc<Self>, request: Request) -> BoxFuture<'static, Answer> {
        Box::pin(async move {
            self.served.fetch_add(1, Ordering::Relaxed);
            let (id, operation) = (request.id.clone(), request.operation);
            let outcome = self.outcome(request).await;
            let manner = Manner { public: false, top_level: false, operation, mount_type: None };
            Answer { id, outcome, warnings: vec![], manner }
        })
    }
}

impl Fake {
    async fn outcome(&self, request: Request) -> api::Result<Reply> {
        let token = request.token.as_ref().map(|token| token.reveal().to_owned());
        let remote = request.remote.map(|remote| remote.ip().to_string());
        let (path, body) = (request.path, request.body);
        let read = |trust| async move {
            match body {
                Some(body) => body.read(trust).await,
                None => Ok(Map::new()),
            }
        };
        match path.as_str() {
            "echo" => Ok(Reply::Data(read(Trust::Authenticated).await?, None)),
            "anonymous" => Ok(Reply::Data(read(Trust::Anonymous).await?, None)),
            "refuse" => Err(Error::Denied),
            "panic" => panic!("a bug"),
            "panic-later" => {
                tokio::task::yield_now().await;
                panic!("a bug in a request that had to wait")
            }
            "never" => std::future::pending().await,
            "wait" => {
                self.waiting.notify_one();
                self.go_on.notified().await;
                Ok(Reply::Data(Map::new(), None))
            }
            "sys/health" => {
                Ok(Reply::Bare(json!({"initialized": true, "sealed": true, "standby": true})))
            }
            _ if request.operation == Operation::Update => Ok(Reply::Empty),
            path => {
                let seen = json!({"path": path, "token": token, "remote": remote});
                Ok(Reply::Data(seen.as_object().unwrap().clone(), None))
            }
        }
    }
}

/// A running server.
pub(crate) struct Edge {
    pub(crate) address: SocketAddr,
    pub(crate) fake: Arc<Fake>,
    pub(crate) stop: Stop,
    pub(crate) running: JoinHandle<()>,
}

impl Edge {
    pub(crate) async fn start(limits: Limits, tls: Option<Arc<Tls>>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let (fake, stop) = (Arc::new(Fake::default()), Stop::new());
        let server = Server::new(fake.clone(), Arc::new(SystemEntropy));
        let listeners = vec![Listener { socket, tls, limits }];
        let told = stop.clone();
        let running = tokio::spawn(async move { server.run(listeners, told, PATIENCE).await });
        Self { address, fake, stop, running }
    }

    pub(crate) async fn plain() -> Self {
        Self::start(Limits::default(), None).await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Everything the server says to `bytes` before it closes.
    pub(crate) async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may close before it has read everything.
        let _ = stream.write_all(bytes).await;
        everything(&mut stream).await
    }

    pub(crate) fn served(&self) -> usize {
        self.fake.served.load(Ordering::Relaxed)
    }
}

/// All that comes until the other side closes.
pub(crate) async fn everything(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..count]);
        }
    };
    timeout(PATIENCE, reading).await.expect("the server should have closed");
    String::from_utf8(bytes).unwrap()
}

/// One answer: what comes up to the end of the body that its length announces.
pub(crate) async fn one_answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let reading = async {
        loop {
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).await.unwrap();
            assert!(count > 0, "closed after {text:?}");
            text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap_or("0").parse().unwrap() {
                return;
            }
        }
    };
    timeout(PATIENCE, reading).await.expect("the server should have answered");
    text
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}

/// The body of an answer, as JSON.
pub(crate) fn document(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}
