//! Bodies that cost more than they seem to, from somebody without a token, and what everybody else
//! notices of it.
//!
//! They are as large as a stranger may send, so that what refuses them is their shape and not their
//! size. (CVE-2025-6203 is a server that such bodies made unresponsive.)

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use tokio::task::JoinSet;
use tokio::time::interval;

use super::failure::Outcome;
use super::load::{Connection, Question};
use super::measure::{Bench, milliseconds};
use super::process::Running;
use super::report::{Report, Unit};
use super::rounds::{ROUNDS, now, since};
use super::server::{self, question};

/// How large a body without a token may be.
const BODY_BYTES: usize = 1024 * 1024;
/// How many send such bodies, one after the other.
const CLIENTS: usize = 8;
/// How often somebody asks for the server's health.
const PACE: Duration = Duration::from_millis(5);

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> Outcome<()> {
    let (running, _) = bench.place("hostile")?.start().await?;
    server::fill(&running).await?;
    let time = bench.round * ROUNDS;
    let mut peace = Waits::default();
    ask_for_health(&running, time, &mut peace).await?;
    let idle = running.resident_bytes()?;
    for (name, body) in bodies() {
        let mut waits = Waits::default();
        let sending = send(&running, time, body);
        let (sent, asked) = tokio::join!(sending, ask_for_health(&running, time, &mut waits));
        asked?;
        let per_second = sent? as f64 / time.as_secs_f64();
        report.alone(&format!("{name}: refused"), Unit::PerSecond, per_second);
        let pair = (waits.at(0.99), peace.at(0.99));
        let told = format!("{name}: health, 99 of 100; beside: in peace");
        report.beside(&told, Unit::Milliseconds, pair);
        let told = format!("{name}: most memory; beside: before");
        report.beside(&told, Unit::Bytes, (waits.bytes_most, idle));
    }
    running.stop().await
}

/// What costs much to take apart, each filled up to what may be sent.
fn bodies() -> Vec<(&'static str, Bytes)> {
    let mut names = String::from("{");
    let mut number = 0;
    while names.len() < BODY_BYTES - 32 {
        names.push_str(&format!("\"{number}\":0,"));
        number += 1;
    }
    names.push_str("\"end\":0}");
    [
        ("empty lists", filled("{\"a\":[", "[],", "[]]}")),
        ("lists in lists", filled("{\"a\":", "[", "")),
        ("names", names),
        ("one number", filled("{\"a\":", "9", "}")),
        ("the same name", filled("{", "\"a\":0,", "\"a\":0}")),
        ("texts", filled("{\"a\":[", "\"b\",", "\"b\"]}")),
    ]
    .map(|(name, body)| (name, Bytes::from(body)))
    .to_vec()
}

fn filled(start: &str, piece: &str, end: &str) -> String {
    let room = BODY_BYTES - start.len() - end.len();
    [start, &piece.repeat(room / piece.len()), end].concat()
}

/// Says how many were refused.
async fn send(running: &Running, time: Duration, body: Bytes) -> Outcome<usize> {
    let asked = Question { body, ..question(Method::POST, "auth/userpass/login/nobody") };
    let asked = Arc::new(asked);
    let start = now();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (address, asked) = (running.address, asked.clone());
        clients.spawn(async move {
            let mut refused = 0;
            while since(start) < time {
                // A server may hang up on what it does not read to the end.
                let mut connection = Connection::open(address).await?;
                refused += match connection.hear(&asked).await {
                    Ok((head, _)) => usize::from(head.status.is_client_error()),
                    Err(_) => 0,
                };
            }
            Outcome::Ok(refused)
        });
    }
    let mut refused = 0;
    while let Some(of_client) = clients.join_next().await {
        refused += of_client??;
    }
    Ok(refused)
}

/// How long answers took, and how large the server was meanwhile.
#[derive(Default)]
struct Waits {
    milliseconds: Vec<f64>,
    bytes_most: f64,
}

async fn ask_for_health(running: &Running, time: Duration, waits: &mut Waits) -> Outcome<()> {
    let mut connection = Connection::open(running.address).await?;
    let asked = question(Method::GET, "sys/health");
    let mut ticks = interval(PACE);
    let start = now();
    while since(start) < time {
        ticks.tick().await;
        let sent = now();
        connection.hear(&asked).await?;
        waits.milliseconds.push(milliseconds(since(sent)));
        waits.bytes_most = waits.bytes_most.max(running.resident_bytes()?);
    }
    waits.milliseconds.sort_by(f64::total_cmp);
    Ok(())
}

impl Waits {
    fn at(&self, share: f64) -> f64 {
        let place = (self.milliseconds.len() as f64 * share) as usize;
        let last = self.milliseconds.len().saturating_sub(1);
        self.milliseconds.get(place.min(last)).copied().unwrap_or(f64::NAN)
    }
}
