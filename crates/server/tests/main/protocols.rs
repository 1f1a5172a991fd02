//! What is asked and answered is the same over every protocol.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use server::http::{Certificate, Limits, Tls, TlsVersion};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::fake::{Edge, document, everything, status};

fn request(method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    let uri = format!("http://a/v1/{path}");
    let body = Full::new(Bytes::from(body.to_owned()));
    Request::builder().method(method).uri(uri).body(body).unwrap()
}

async fn over_http2<S>(stream: S) -> http2::SendRequest<Full<Bytes>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn read(response: Response<Incoming>) -> (StatusCode, Value) {
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test]
async fn whoever_has_nothing_more_to_say_still_gets_the_answer() {
    let edge = Edge::plain().await;
    let mut stream = edge.connect().await;
    stream.write_all(b"GET /v1/wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    edge.fake.waiting.notified().await;
    stream.shutdown().await.unwrap();
    // While others are answered, the server comes to know.
    for _ in 0..10 {
        edge.say(b"GET /v1/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    }
    edge.fake.go_on.notify_one();
    assert_eq!(status(&everything(&mut stream).await), "200");
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_secrets_in_place() {
    let edge = Edge::plain().await;
    for line in ["GET /v1/a", "GET /", "PUT /v1/a", "BREW /v1/a", "GET /v1/panic", "GET /v1/a//b"] {
        let request = format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = edge.say(request.as_bytes()).await;
        for header in [
            "content-type: application/json",
            "cache-control: no-store",
            "strict-transport-security: max-age=31536000; includeSubDomains",
            "x-content-type-options: nosniff",
            "content-security-policy: default-src 'none'",
        ] {
            assert!(answer.contains(header), "{line}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_bug_stays_inside_its_request() {
    let edge = Edge::plain().await;
    let mut sender = over_http2(edge.connect().await).await;
    for path in ["panic", "panic-later", "panic", "panic-later"] {
        let (status, body) =
            read(sender.send_request(request("GET", path, "")).await.unwrap()).await;
        assert_eq!((status.as_u16(), body), (500, json!({"errors": ["internal error"]})));
        let (status, _) = read(sender.send_request(request("GET", "a", "")).await.unwrap()).await;
        assert_eq!(status, 200);
    }
}

#[tokio::test]
async fn both_protocols_say_the_same() {
    let edge = Edge::plain().await;
    let (mut old, connection) = http1::handshake(TokioIo::new(edge.connect().await)).await.unwrap();
    tokio::spawn(connection);
    let mut new = over_http2(edge.connect().await).await;
    for (method, path, body, expected) in [
        ("GET", "secret/data/a", "", 200),
        ("LIST", "secret/metadata", "", 200),
        ("POST", "echo", "{\"a\":[1,2.50]}", 200),
        ("POST", "echo", "{\"a\":", 400),
        ("PUT", "write", "{}", 204),
        ("PATCH", "echo", "{}", 400),
        ("DELETE", "sys/init", "", 405),
        ("GET", "refuse", "", 403),
        ("GET", "a%2fb", "", 400),
        ("GET", "sys/health", "", 503),
        ("GET", "sys/health?sealedcode=234", "", 234),
        ("GET", "sys/health?sealedcode=many", "", 400),
    ] {
        let request = || request(method, path, body);
        let (first, mut said) = read(old.send_request(request()).await.unwrap()).await;
        let (second, mut again) = read(new.send_request(request()).await.unwrap()).await;
        assert_eq!((first.as_u16(), second.as_u16()), (expected, expected), "{method} {path}");
        for answer in [&mut said, &mut again] {
            if let Some(fields) = answer.as_object_mut() {
                fields.remove("request_id");
            }
        }
        assert_eq!(said, again, "{method} {path}");
    }
}

#[tokio::test]
async fn head_tells_health_and_nothing_else() {
    let edge = Edge::plain().await;
    let ask = |line: &str| format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = edge.say(ask("HEAD /v1/sys/health").as_bytes()).await;
    assert_eq!((status(&answer), answer.split_once("\r\n\r\n").unwrap().1), ("503", ""));
    assert_eq!(status(&edge.say(ask("HEAD /v1/a").as_bytes()).await), "405");
}

#[tokio::test]
async fn the_service_learns_who_asks_from_the_socket_alone() {
    let edge = Edge::plain().await;
    let request = "GET /v1/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Vault-Token: t\r\n\
                   X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n\r\n";
    let answer = document(&edge.say(request.as_bytes()).await);
    assert_eq!(answer["data"], json!({"path": "a", "token": "t", "remote": "127.0.0.1"}));
    assert_eq!(answer["request_id"].as_str().unwrap().len(), 36);
}

/// Writes a new certificate, and trusts it alone.
fn certify(folder: &Path) -> (Certificate, TlsConnector) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    fs::write(&chain, cert.pem()).unwrap();
    fs::write(&key, signing_key.serialize_pem()).unwrap();
    (Certificate { chain, key }, trusting(cert.der().clone()))
}

fn trusting(certificate: CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(client))
}

async fn shake(edge: &Edge, connector: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    connector.connect(name, edge.connect().await).await
}

#[tokio::test]
async fn certificates_are_replaced_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, old) = certify(folder.path());
    let tls = Tls::load(certificate.clone(), TlsVersion::Tls12, TlsVersion::Tls13).unwrap();
    let tls = Arc::new(tls);
    let edge = Edge::start(Limits::default(), Some(tls.clone())).await;
    let mut existing = over_http2(shake(&edge, &old).await.unwrap()).await;
    let ask = || request("GET", "a", "");
    assert_eq!(existing.send_request(ask()).await.unwrap().status(), 200);

    let (_, new) = certify(folder.path());
    assert!(shake(&edge, &new).await.is_err());
    tls.reload().unwrap();
    assert!(shake(&edge, &old).await.is_err());
    let mut fresh = over_http2(shake(&edge, &new).await.unwrap()).await;
    assert_eq!(fresh.send_request(ask()).await.unwrap().status(), 200);
    assert_eq!(existing.send_request(ask()).await.unwrap().status(), 200);

    for file in [&certificate.key, &certificate.chain] {
        fs::write(file, "nonsense").unwrap();
        assert!(tls.reload().unwrap_err().to_string().contains(file.to_str().unwrap()));
        assert!(shake(&edge, &new).await.is_ok());
    }
}

#[tokio::test]
async fn a_key_that_does_not_belong_to_the_certificate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, _) = certify(folder.path());
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&certificate.key, other.signing_key.serialize_pem()).unwrap();
    assert!(Tls::load(certificate, TlsVersion::Tls12, TlsVersion::Tls13).is_err());
}

#[tokio::test]
async fn a_handshake_that_never_ends_ends_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, _) = certify(folder.path());
    let tls = Tls::load(certificate, TlsVersion::Tls13, TlsVersion::Tls13).unwrap();
    let handshake = std::time::Duration::from_millis(50);
    let limits = Limits { handshake, ..Limits::default() };
    let edge = Edge::start(limits, Some(Arc::new(tls))).await;
    assert_eq!(crate::fake::everything(&mut edge.connect().await).await, "");
    let plain = edge.say(b"GET /v1/a HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(!plain.contains("HTTP"), "{plain}");
    assert_eq!(edge.served(), 0);
}
