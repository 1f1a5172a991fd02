//! Streams of frames that mean nothing come to an end.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fake::{Edge, PATIENCE};

const HEADERS: u8 = 0x1;
const RESET: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const CONTINUATION: u8 = 0x9;
const END_STREAM_AND_HEADERS: u8 = 0x5;

/// `GET http://a/v1/never`, in the notation of RFC 7541.
const NEVER: &[u8] = b"\x82\x86\x04\x09/v1/never\x41\x01a";

/// More than this, and nobody is looking.
const BYTES_MAX: usize = 16 * 1024 * 1024;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

async fn begin(edge: &Edge) -> TcpStream {
    let mut stream = edge.connect().await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, b"")).await.unwrap();
    stream
}

/// Sends what `next` gives until the server closes, and says how many bytes that took.
async fn flood(stream: TcpStream, mut next: impl FnMut() -> Vec<u8>) -> usize {
    let (mut reader, mut writer) = stream.into_split();
    let listening = tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok(1..) = reader.read(&mut buffer).await {}
    });
    let mut sent = 0;
    let sending = async {
        while sent < BYTES_MAX && !listening.is_finished() {
            let bytes = next();
            if writer.write_all(&bytes).await.is_err() {
                return;
            }
            sent += bytes.len();
        }
    };
    timeout(PATIENCE, sending).await.expect("the server should have closed");
    sent
}

#[tokio::test]
async fn endless_headers_end() {
    let edge = Edge::plain().await;
    let mut stream = begin(&edge).await;
    stream.write_all(&frame(HEADERS, 0, 1, NEVER)).await.unwrap();
    let more = b"\x00\x01b\x01c".repeat(100);
    let sent = flood(stream, || frame(CONTINUATION, 0, 1, &more)).await;
    assert!(sent < BYTES_MAX, "{sent} bytes of headers were read");
    assert_eq!(edge.served(), 0);
}

#[tokio::test]
async fn requests_taken_back_at_once_stay_within_the_bound() {
    let edge = Edge::plain().await;
    let mut number = 1;
    let stream = begin(&edge).await;
    flood(stream, || {
        let mut bytes = frame(HEADERS, END_STREAM_AND_HEADERS, number, NEVER);
        bytes.extend(frame(RESET, 0, number, &8_u32.to_be_bytes()));
        number += 2;
        bytes
    })
    .await;
    assert!(edge.served() <= 4096, "{} requests are being served", edge.served());
    // Whoever behaves is told when to come back, or is served.
    let answer = edge.say(b"GET /v1/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") || answer.contains("retry-after"), "{answer}");
}
