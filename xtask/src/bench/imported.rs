//! First logins of users who were imported with bcrypt hashes.
//!
//! Such a login checks the bcrypt hash and makes the Argon2id hash that replaces it. So that is
//! what stands beside it: both, on as many threads as the server has benches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::failure::{Failure, Outcome};
use super::hashing::{Hashing, Work};
use super::load::{self, Asking, Question};
use super::measure::Bench;
use super::report::{Report, Unit};
use super::rounds::take_turns;
use super::server::{self, Operator};

/// How many users are imported: more than can log in while it is measured.
const USERS: usize = 5000;
/// How many lines one request imports.
const LINES: usize = 1000;
const CLIENTS: usize = 16;
/// What most systems of the past used.
const COST: u32 = 10;
const PASSWORD: &str = "correct horse";

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> Outcome<()> {
    let (running, _) = bench.place("imported")?.start().await?;
    let filled = server::fill(&running).await?;
    let mut operator = Operator::root(running.address, &filled).await?;
    let hash = bcrypt::hash(PASSWORD, COST).map_err(|error| Failure::new(error.to_string()))?;
    for from in (0..USERS).step_by(LINES) {
        let lines: Vec<Value> = (from..from + LINES)
            .map(|user| json!({ "username": name(user), "password_hash": hash }))
            .map(|line| line.to_string().into())
            .collect();
        operator.write("auth/userpass/users/import", &json!({ "lines": lines })).await?;
    }
    let asking = logs_in_once_each();
    let mut hashing = Hashing::new(Work::BcryptThenArgon2(COST));
    let threads = hashing.threads();
    let turns = take_turns(
        || load::round(&running, CLIENTS, bench.round, &asking),
        async || hashing.round(bench.round).await,
    );
    let name = format!(
        "first logins of users with bcrypt {COST}; beside: bcrypt and Argon2id on {threads} threads"
    );
    report.pair(&name, Unit::PerSecond, turns.await?.per_second());
    running.stop().await
}

/// Nobody logs in twice: the second login has only the new hash to check.
fn logs_in_once_each() -> Asking {
    let next = AtomicUsize::new(0);
    let body = Bytes::from(json!({ "password": PASSWORD }).to_string());
    Arc::new(move |_, _| {
        let user = next.fetch_add(1, Ordering::Relaxed);
        let path = format!("auth/userpass/login/{}", name(user));
        Question { body: body.clone(), ..server::question(Method::POST, &path) }
    })
}

fn name(user: usize) -> String {
    format!("user-{user:05}")
}
