//! A server that is told to stop finishes what it began.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fake::{Edge, PATIENCE, everything, status};

/// Long enough for a server with nothing to do to come to its end.
const MOMENT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn what_was_begun_is_finished_and_nothing_new_begins() {
    let edge = Edge::plain().await;
    let mut busy = edge.connect().await;
    let mut idle = edge.connect().await;
    busy.write_all(b"GET /v1/wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    edge.fake.waiting.notified().await;
    edge.stop.request();
    assert_eq!(everything(&mut idle).await, "");
    assert!(!edge.running.is_finished());
    edge.fake.go_on.notify_one();
    let answer = everything(&mut busy).await;
    assert_eq!(status(&answer), "200", "{answer}");
    timeout(PATIENCE, edge.running).await.unwrap().unwrap();
    assert!(TcpStream::connect(edge.address).await.is_err());
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_nothing() {
    let mut edge = Edge::plain().await;
    let mut stream = edge.connect().await;
    stream.write_all(b"GET /v1/wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    edge.fake.waiting.notified().await;
    drop(stream);
    edge.stop.request();
    // Still at it: stopping waits for the request, though nobody waits for its answer.
    assert!(timeout(MOMENT, &mut edge.running).await.is_err());
    edge.fake.go_on.notify_one();
    timeout(PATIENCE, edge.running).await.unwrap().unwrap();
}
