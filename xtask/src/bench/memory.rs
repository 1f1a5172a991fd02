//! What every request leaves behind in memory: nothing.
//!
//! Every request names another path, and every third another token that does not exist. The first
//! so many fill what is bounded; after them memory should not grow. (CVE-2023-5954 is a server in
//! which every policy check kept a little.)

use std::sync::Arc;

use bytes::Bytes;
use hyper::Method;
use tokio::task::JoinSet;

use super::failure::Outcome;
use super::load::{Asking, Connection, Question};
use super::measure::Bench;
use super::process::Running;
use super::report::{Report, Unit};
use super::rounds::ROUNDS;
use super::server::{self, question};

const CLIENTS: usize = 16;
/// How many tokens ask.
const TOKENS: usize = 1000;

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> Outcome<()> {
    let (running, _) = bench.place("memory")?.start().await?;
    let filled = server::fill(&running).await?;
    let tokens = server::make_tokens(&running, &filled, TOKENS).await?;
    let each = bench.count.div_ceil(CLIENTS);
    let asked = (each * CLIENTS) as f64;
    let mut bytes = running.resident_bytes()?;
    report.alone("memory at first", Unit::Bytes, bytes);
    for round in 0..=ROUNDS as usize {
        ask(&running, each, &asks(tokens.clone(), round * each)).await?;
        let before = std::mem::replace(&mut bytes, running.resident_bytes()?);
        let name = format!("memory after {} requests", (round + 1) * each * CLIENTS);
        report.alone(&name, Unit::Bytes, bytes);
        report.alone("  for each of the last ones", Unit::SingleBytes, (bytes - before) / asked);
    }
    running.stop().await
}

/// Refused for the rule, refused for the token, and answered with what the rules say.
fn asks(tokens: Vec<String>, start: usize) -> Asking {
    Arc::new(move |client, number| {
        let name = format!("{client}-{}", start + number);
        let token = tokens.get((start + number) % TOKENS).cloned().unwrap_or_default();
        match number % 3 {
            0 => Question { token, ..question(Method::GET, &format!("one/nothing/{name}")) },
            1 => Question {
                token: format!("hvs.{name}"),
                ..question(Method::GET, &format!("one/nothing/{name}"))
            },
            _ => Question {
                token,
                body: Bytes::from(format!(r#"{{"paths":["one/nothing/{name}"]}}"#)),
                ..question(Method::POST, "sys/capabilities-self")
            },
        }
    })
}

/// Lets every client ask `each` questions; any answer will do.
async fn ask(running: &Running, each: usize, asking: &Asking) -> Outcome<()> {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let mut connection = Connection::open(running.address).await?;
        let asking = asking.clone();
        clients.spawn(async move {
            for number in 0..each {
                connection.hear(&asking(client, number)).await?;
            }
            Outcome::Ok(())
        });
    }
    while let Some(asked) = clients.join_next().await {
        asked??;
    }
    Ok(())
}
