//! An HTTP server that does nothing: what the real one is compared with.
//!
//! It stands on the same libraries, used as the server uses them, and gives everybody the same
//! small answer. Given a folder, it first writes a small value to a store there, under the path
//! that was asked for. It ends with whoever started it: when its standard input does.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use storage::CommitError;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::bench::durable::Durable;
use crate::bench::failure::{Failure, Outcome};

/// As long as the answers it stands beside.
const ANSWER: &str = concat!(
    r#"{"request_id":"00000000-0000-0000-0000-000000000000","lease_id":"","renewable":false,"#,
    r#""lease_duration":2764800,"data":{"value":"nothing"},"wrap_info":null,"warnings":null,"#,
    r#""auth":null,"mount_type":"kv"}"#,
    "\n",
);

/// Serves on the address that is the first word; writes to the folder that may be the second.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let (address, folder) = match words {
        [address] => (address, None),
        [address, folder] => (address, Some(Path::new(folder))),
        _ => {
            eprintln!("usage: cargo xtask bare-server <address> [<folder>]");
            return ExitCode::FAILURE;
        }
    };
    let served = match address.parse() {
        Ok(address) => start(address, folder),
        Err(_) => Err(Failure::new("say an address and a port, such as 127.0.0.1:8300")),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn start(address: SocketAddr, folder: Option<&Path>) -> Outcome<()> {
    Runtime::new()?.block_on(async {
        let store = match folder {
            Some(folder) => Some(Durable::open(folder).await?),
            None => None,
        };
        Ok(serve(address, store).await?)
    })
}

async fn serve(address: SocketAddr, store: Option<Arc<Durable>>) -> io::Result<()> {
    let socket = TcpListener::bind(address).await?;
    let mut abandoned = abandoned();
    // Ends with whoever started it.
    loop {
        let (stream, _) = tokio::select! {
            accepted = socket.accept() => accepted?,
            _ = &mut abandoned => return Ok(()),
        };
        stream.set_nodelay(true)?;
        tokio::spawn(converse(stream, store.clone()));
    }
}

async fn converse(stream: TcpStream, store: Option<Arc<Durable>>) {
    let builder = Builder::new(TokioExecutor::new());
    let service = service_fn(|request| answer(request, store.clone()));
    // How a connection failed is the client's business.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

/// Whoever hears of an error from the store gets no answer.
async fn answer(
    request: Request<Incoming>,
    store: Option<Arc<Durable>>,
) -> Result<Response<Full<Bytes>>, CommitError> {
    if let Some(store) = store {
        store.write(request.uri().path()).await?;
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        return Ok(response);
    }
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Comes when standard input ends.
fn abandoned() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        // If nobody listens, the server has ended already.
        let _ = sender.send(());
    });
    receiver
}
