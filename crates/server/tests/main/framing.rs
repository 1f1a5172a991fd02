//! Nobody hides one request inside another.

use tokio::io::AsyncWriteExt;

use crate::fake::{Edge, document, everything, one_answer, status};

/// A request that must never be served: it hides behind another one.
const HIDDEN: &str = "GET /v1/hidden HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn ambiguous_requests_are_refused_and_nothing_behind_them_is_served() {
    let edge = Edge::plain().await;
    for headers in [
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: +2\r\n",
        "Content-Length : 2\r\n",
        "Content-Length: 2\nA: b\r\n",
        "A: b\r\n Content-Length: 2\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "A: b\0\r\n",
    ] {
        let request = format!("PUT /v1/a HTTP/1.1\r\nHost: a\r\n{headers}\r\n{{}}{HIDDEN}");
        let answer = edge.say(request.as_bytes()).await;
        assert!(answer.is_empty() || status(&answer) == "400", "{headers:?}: {answer}");
        assert_eq!(edge.served(), 0, "{headers:?}");
    }
}

#[tokio::test]
async fn bare_line_feeds_end_no_line() {
    let edge = Edge::plain().await;
    for request in ["GET /v1/a HTTP/1.1\nHost: a\n\n", "GET /v1/a HTTP/1.1\r\nHost: a\r\n\n"] {
        let answer = edge.say(request.as_bytes()).await;
        assert!(answer.is_empty() || status(&answer) == "400", "{request:?}: {answer}");
        assert_eq!(edge.served(), 0);
    }
}

#[tokio::test]
async fn nothing_follows_a_chunked_request() {
    let edge = Edge::plain().await;
    let request = "PUT /v1/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = "7\r\n{\"a\":1}\r\n0\r\n\r\n";
    let answer = edge.say(format!("{request}{body}{HIDDEN}").as_bytes()).await;
    assert_eq!((status(&answer), edge.served()), ("200", 1));
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(document(&answer)["data"]["a"], 1);
}

#[tokio::test]
async fn honest_requests_share_a_connection() {
    let edge = Edge::plain().await;
    let mut stream = edge.connect().await;
    for _ in 0..3 {
        let request = "PUT /v1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
        stream.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(status(&one_answer(&mut stream).await), "200");
    }
    let pipelined =
        format!("{HIDDEN}{}", HIDDEN.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    stream.write_all(pipelined.as_bytes()).await.unwrap();
    let answers = everything(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");
}
