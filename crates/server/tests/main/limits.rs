//! Everything that comes from outside is bounded, before anybody is known.

use std::time::Duration;

use server::http::Limits;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::fake::{Edge, PATIENCE, document, everything, one_answer, status};

const SHORT: Duration = Duration::from_millis(100);
const LARGE: u64 = 40 * 1024 * 1024;

fn put(path: &str, length: usize) -> String {
    format!("PUT /v1/{path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

fn get(path: &str, headers: &str) -> String {
    format!("GET /v1/{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n")
}

#[tokio::test]
async fn a_body_that_says_it_is_too_long_is_not_read() {
    let edge = Edge::plain().await;
    let mut stream = edge.connect().await;
    let head = put("echo", usize::try_from(LARGE).unwrap());
    stream.write_all(head.as_bytes()).await.unwrap();
    // The answer comes although not one byte of the body was sent.
    let answer = one_answer(&mut stream).await;
    assert_eq!((status(&answer), edge.served()), ("413", 0));
    assert_eq!(document(&answer)["errors"][0], "http: request body too large");
}

#[tokio::test]
async fn who_sends_too_much_still_gets_to_read_why() {
    let edge = Edge::plain().await;
    let mut stream = edge.connect().await;
    stream.write_all(put("echo", usize::try_from(LARGE).unwrap()).as_bytes()).await.unwrap();
    let chunk = vec![b' '; 1024 * 1024];
    for _ in 0..40 {
        stream.write_all(&chunk).await.unwrap();
    }
    assert_eq!(status(&one_answer(&mut stream).await), "413");
}

#[tokio::test]
async fn an_endless_body_is_cut_off_at_the_limit() {
    let edge = Edge::plain().await;
    let mut stream = edge.connect().await;
    let head = "PUT /v1/anonymous HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let writing = tokio::spawn(async move {
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        while writer.write_all(chunk.as_bytes()).await.is_ok() {}
    });
    let mut answer = String::new();
    // The connection may break as it closes on what is still being written.
    let _ = tokio::io::AsyncReadExt::read_to_string(&mut reader, &mut answer).await;
    assert_eq!(status(&answer), "413");
    drop(reader);
    writing.await.unwrap();
}

#[tokio::test]
async fn strangers_may_send_less_than_callers() {
    let edge = Edge::plain().await;
    let body = format!("{{\"a\":\"{}\"}}", "b".repeat(1024 * 1024));
    for (path, expected) in [("anonymous", "413"), ("echo", "200")] {
        let mut stream = edge.connect().await;
        stream.write_all(put(path, body.len()).as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        assert_eq!(status(&one_answer(&mut stream).await), expected, "{path}");
    }
}

#[tokio::test]
async fn a_body_nobody_wanted_leaves_the_connection_usable() {
    let edge = Edge::plain().await;
    let mut stream = edge.connect().await;
    let body = "x".repeat(300_000);
    for _ in 0..2 {
        stream.write_all(put("refuse", body.len()).as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        assert_eq!(status(&one_answer(&mut stream).await), "403");
    }
}

#[tokio::test]
async fn heads_are_bounded() {
    let edge = Edge::plain().await;
    let many = "A: b\r\n".repeat(80);
    let long = format!("A: {}\r\n", "b".repeat(17 * 1024));
    let endless = format!("A: {}\r\n", "b".repeat(1024 * 1024));
    let token = format!("X-Vault-Token: {}\r\n", "t".repeat(9 * 1024));
    let address = format!("a?{}", "b".repeat(9 * 1024));
    assert_eq!(status(&edge.say(get("a", &many).as_bytes()).await), "431");
    assert_eq!(status(&edge.say(get("a", &long).as_bytes()).await), "431");
    assert_eq!(status(&edge.say(get("a", &token).as_bytes()).await), "431");
    assert_eq!(status(&edge.say(get(&address, "").as_bytes()).await), "414");
    let answer = edge.say(get("a", &endless).as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(edge.served(), 0);
}

#[tokio::test]
async fn a_head_that_never_ends_ends_the_connection() {
    let limits = Limits { head: SHORT, ..Limits::default() };
    for beginning in ["", "GET", "GET /v1/a HTTP/1.1\r\nHost: a\r\n"] {
        let edge = Edge::start(limits, None).await;
        let mut stream = edge.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let answer = everything(&mut stream).await;
        assert!(!answer.contains("200"), "{answer}");
        assert_eq!(edge.served(), 0);
    }
}

#[tokio::test]
async fn bytes_that_trickle_in_buy_no_time() {
    let edge = Edge::start(Limits { head: SHORT, ..Limits::default() }, None).await;
    let mut stream = edge.connect().await;
    stream.write_all(b"GET /v1/a HTTP/1.1\r\n").await.unwrap();
    let mut pace = tokio::time::interval(SHORT / 10);
    let trickling = async {
        // Ends when the server has closed: it gives no more time for more bytes.
        while stream.write_all(b"A: b\r\n").await.is_ok() {
            pace.tick().await;
        }
    };
    timeout(PATIENCE, trickling).await.expect("the server should have closed");
    assert_eq!(edge.served(), 0);
}

#[tokio::test]
async fn connections_without_requests_end() {
    let edge = Edge::start(Limits { idle: SHORT, ..Limits::default() }, None).await;
    let mut stream = edge.connect().await;
    stream.write_all(b"GET /v1/a HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(status(&one_answer(&mut stream).await), "200");
    assert_eq!(everything(&mut stream).await, "");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let edge = Edge::start(Limits { body: SHORT, ..Limits::default() }, None).await;
    let mut stream = edge.connect().await;
    stream.write_all(format!("{}{{", put("echo", 7)).as_bytes()).await.unwrap();
    let answer = one_answer(&mut stream).await;
    assert_eq!(status(&answer), "400", "{answer}");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended() {
    // Longer than the idle limit: a request being answered is not idle.
    let limits = Limits { request: SHORT * 3, idle: SHORT, ..Limits::default() };
    let edge = Edge::start(limits, None).await;
    let answer = edge.say(get("never", "").as_bytes()).await;
    assert_eq!(status(&answer), "503", "{answer}");
    assert_eq!(document(&answer)["errors"][0], "context deadline exceeded");
}
