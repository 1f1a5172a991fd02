//! An HTTP server that does nothing: what the real one is compared with.
//!
//! It stands on the same libraries, used as the server uses them, and gives everybody the same
//! small answer. It ends with whoever started it: when its standard input does.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// As long as the answers it stands beside.
const ANSWER: &str = concat!(
    r#"{"request_id":"00000000-0000-0000-0000-000000000000","lease_id":"","renewable":false,"#,
    r#""lease_duration":2764800,"data":{"value":"nothing"},"wrap_info":null,"warnings":null,"#,
    r#""auth":null,"mount_type":"kv"}"#,
    "\n",
);

/// Serves on the address that is the only word.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let [address] = words else {
        eprintln!("usage: cargo xtask bare-server <address>");
        return ExitCode::FAILURE;
    };
    let served = match address.parse() {
        Ok(address) => Runtime::new().and_then(|runtime| runtime.block_on(serve(address))),
        Err(_) => Err(io::Error::other("say an address and a port, such as 127.0.0.1:8300")),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(address: SocketAddr) -> io::Result<()> {
    let socket = TcpListener::bind(address).await?;
    let mut abandoned = abandoned();
    // Ends with whoever started it.
    loop {
        let (stream, _) = tokio::select! {
            accepted = socket.accept() => accepted?,
            _ = &mut abandoned => return Ok(()),
        };
        stream.set_nodelay(true)?;
        tokio::spawn(converse(stream));
    }
}

async fn converse(stream: TcpStream) {
    let builder = Builder::new(TokioExecutor::new());
    // How a connection failed is the client's business.
    let _ = builder.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
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
