//! The client over real connections: whom it trusts, redirects, and several requests at once.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use client::{Client, Error, Redirects, Request, Settings, Token, Trust};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A server that answers every request alike, and remembers what it was asked.
struct Stub {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    fn open(answer: String) -> Stub {
        Stub::start(move |stream, seen| answer_one(stream, &answer, seen))
    }

    fn over_tls(own: &Own, answer: String) -> Stub {
        let settings = Arc::new(own.settings());
        Stub::start(move |stream, seen| {
            let connection = ServerConnection::new(settings.clone()).unwrap();
            answer_one(StreamOwned::new(connection, stream), &answer, seen);
        })
    }

    fn start(serve: impl Fn(std::net::TcpStream, &Mutex<Vec<String>>) + Send + 'static) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &noted);
            }
        });
        Stub { port, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Answers one request, if the other side gets as far as sending one.
fn answer_one(stream: impl Read + Write, answer: &str, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if line == "\r\n" => break,
            Ok(_) => head.push_str(&line),
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    seen.lock().unwrap().push(format!("{head}{}", String::from_utf8(body).unwrap()));
    let mut stream = reader.into_inner();
    let _ = stream.write_all(answer.as_bytes());
    let _ = stream.flush();
}

fn good(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn pointing_to(location: &str) -> String {
    format!(
        "HTTP/1.1 307 X\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

/// A certificate that vouches for itself.
struct Own {
    certificate: Vec<u8>,
    key: Vec<u8>,
    pem: String,
}

impl Own {
    fn settings(&self) -> ServerConfig {
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone().into()], key)
            .unwrap()
    }
}

fn own_certificate() -> Own {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    Own {
        certificate: made.cert.der().to_vec(),
        key: made.signing_key.serialize_der(),
        pem: made.cert.pem(),
    }
}

fn settings(scheme: &str, port: u16) -> Settings {
    Settings {
        address: format!("{scheme}://localhost:{port}"),
        token: Some(Token::new("s.secret")),
        timeout: Duration::from_secs(20),
        ..Settings::default()
    }
}

async fn read(settings: Settings) -> Result<String, String> {
    let client = Client::new(settings).map_err(|error| error.to_string())?;
    let found = client.read("a").await.map_err(|error| error.to_string())?;
    Ok(found.unwrap().value("b").unwrap().to_string())
}

#[tokio::test]
async fn a_certificate_is_believed_only_when_somebody_trusted_vouches_for_it() {
    let own = own_certificate();
    let stub = Stub::over_tls(&own, good(r#"{"data":{"b":1}}"#));
    let trusting = |trust| Settings { trust, ..settings("https", stub.port) };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &own.pem).unwrap();
    assert_eq!(read(trusting(Trust::File(file.clone()))).await.as_deref(), Ok("1"));
    assert_eq!(read(trusting(Trust::Folder(folder.path().into()))).await.as_deref(), Ok("1"));
    assert_eq!(read(trusting(Trust::Pem(own.pem.clone()))).await.as_deref(), Ok("1"));
    assert_eq!(read(trusting(Trust::Anyone)).await.as_deref(), Ok("1"));
    let before = stub.seen().len();
    let stranger = own_certificate().pem;
    let refusal = read(trusting(Trust::Pem(stranger))).await.unwrap_err();
    assert!(refusal.contains("tls: failed to verify"), "{refusal}");
    let mut elsewhere = trusting(Trust::Pem(own.pem.clone()));
    elsewhere.address = format!("https://127.0.0.1:{}", stub.port);
    assert!(read(elsewhere.clone()).await.is_err(), "the certificate is for another name");
    elsewhere.server_name = Some("localhost".to_owned());
    assert_eq!(read(elsewhere).await.as_deref(), Ok("1"));
    assert_eq!(stub.seen().len(), before + 1, "nothing was sent to a server nobody vouches for");
}

#[tokio::test]
async fn a_file_without_certificates_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, "nothing").unwrap();
    let refusal =
        read(Settings { trust: Trust::File(file), ..settings("https", 1) }).await.unwrap_err();
    assert!(refusal.contains("ca.pem: no certificate"), "{refusal}");
    let missing = Trust::File(folder.path().join("missing.pem"));
    let refusal = read(Settings { trust: missing, ..settings("https", 1) }).await.unwrap_err();
    assert!(refusal.contains("missing.pem"), "{refusal}");
}

#[tokio::test]
async fn a_server_without_tls_is_recognised() {
    // Such a server takes the greeting for a broken request, and says so in the clear.
    let stub = Stub::start(|mut stream, _| {
        let mut greeting = [0; 1024];
        let _ = stream.read(&mut greeting).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let refusal = read(Settings { trust: Trust::Anyone, ..settings("https", stub.port) }).await;
    let refusal = refusal.unwrap_err();
    assert!(refusal.ends_with("http: server gave HTTP response to HTTPS client"), "{refusal}");
}

#[tokio::test]
async fn a_redirect_is_followed_once_with_body_and_token() {
    let last = Stub::open(good(r#"{"data":{"b":2}}"#));
    let first = Stub::open(pointing_to(&format!("http://localhost:{}/v1/a", last.port)));
    let client = Client::new(settings("http", first.port)).unwrap();
    let found = client.write("a", &serde_json::json!({"k": "v"})).await.unwrap();
    assert_eq!(found.unwrap().value("b").unwrap(), 2);
    assert_eq!(first.seen().len(), 1);
    assert!(last.seen()[0].starts_with("PUT /v1/a HTTP/1.1\r\n"));
    assert!(last.seen()[0].contains("x-vault-token: s.secret\r\n"));
    assert!(last.seen()[0].contains("x-vault-request: true\r\n"));
    assert!(last.seen()[0].ends_with(r#"{"k":"v"}"#));

    let circle = Stub::open(pointing_to("/v1/a"));
    let client = Client::new(settings("http", circle.port)).unwrap();
    let response = client.exchange(Request::get("a")).await.unwrap();
    assert_eq!((response.status, circle.seen().len()), (307, 2));

    let ignoring = Settings { redirects: Redirects::Ignore, ..settings("http", first.port) };
    let response = Client::new(ignoring).unwrap().exchange(Request::get("a")).await.unwrap();
    assert_eq!((response.status, last.seen().len()), (307, 1));
}

#[tokio::test]
async fn a_redirect_never_leaves_the_protection_of_tls() {
    let open = Stub::open(good("{}"));
    let own = own_certificate();
    let location = format!("http://localhost:{}/v1/a", open.port);
    let stub = Stub::over_tls(&own, pointing_to(&location));
    let trusting = Settings { trust: Trust::Pem(own.pem), ..settings("https", stub.port) };
    let refusal = read(trusting).await.unwrap_err();
    assert!(refusal.ends_with("redirect would cause protocol downgrade"), "{refusal}");
    assert!(open.seen().is_empty());
}

#[tokio::test]
async fn http_2_is_spoken_with_servers_that_offer_it() {
    let own = own_certificate();
    let mut offering = own.settings();
    offering.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(offering));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = acceptor.accept(stream).await.unwrap();
        let service = service_fn(|request: http::Request<Incoming>| async move {
            let answer = format!(r#"{{"data":{{"b":"{:?}"}}}}"#, request.version());
            Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from(answer))))
        });
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await
    });
    let trusting = Settings { trust: Trust::Pem(own.pem), ..settings("https", port) };
    assert_eq!(read(trusting).await.as_deref(), Ok("\"HTTP/2.0\""));
}

#[tokio::test]
async fn several_requests_run_at_once() {
    let stub = Stub::open(good(r#"{"data":{"b":3}}"#));
    let client = Client::new(settings("http", stub.port)).unwrap();
    let one = |client: Client| async move { client.read("a").await.unwrap().is_some() };
    let all = tokio::join!(one(client.clone()), one(client.clone()), one(client));
    assert_eq!(all, (true, true, true));
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_an_error_that_does_not_repeat_it() {
    let stub = Stub::open(good("hunter2"));
    let client = Client::new(settings("http", stub.port)).unwrap();
    let error = client.read("a").await.unwrap_err();
    assert!(matches!(error, Error::Unreadable(_)));
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
