//! Ending many tokens at once: how long until they are refused, and until nothing is left of them,
//! and what that costs somebody who works meanwhile.

use std::time::Duration;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::json;

use super::failure::{Failure, Outcome};
use super::load::{self, Asking, Connection, Enough, Question};
use super::measure::{Bench, milliseconds};
use super::process::Running;
use super::report::{Report, Unit};
use super::rounds::{median, now, since};
use super::server::{self, Filled, Operator};

/// How many clients make the tokens.
const CLIENTS: usize = 64;
/// How often somebody looks whether anything is left, working all the while.
const LOOKS_MAX: usize = 10_000_000;

/// What is ended by one request.
struct Many {
    name: &'static str,
    /// The request that ends them.
    end: Question,
    /// One of them.
    token: String,
    /// Where their leases are.
    folder: &'static str,
}

/// A tree of tokens, and then as many below a prefix.
pub(super) async fn measure(bench: &Bench, report: &mut Report) -> Outcome<()> {
    let place = bench.place("leases")?;
    let (running, _) = place.start().await?;
    let filled = server::fill(&running).await?;
    let mut operator = Operator::root(running.address, &filled).await?;
    report.alone("tokens in each", Unit::Pieces, bench.count as f64);
    let parent = operator.token("auth/token/create").await?;
    let times = Enough::Times(bench.count.div_ceil(CLIENTS));
    load::run(running.address, CLIENTS, times, &makes(&parent, "auth/token/create")).await?;
    let tree = Many {
        name: "a tree",
        end: asks(filled.root(), "auth/token/revoke", json!({ "token": parent }).to_string()),
        token: Operator::holding(running.address, &parent)
            .await?
            .token("auth/token/create")
            .await?,
        folder: "auth/token/create",
    };
    tree.end(&running, &filled, report).await?;
    let making = makes(filled.root(), "auth/token/create-orphan");
    load::run(running.address, CLIENTS, times, &making).await?;
    let below_prefix = Many {
        name: "a prefix",
        end: asks(filled.root(), "sys/leases/revoke-prefix/auth/token", "{}".to_owned()),
        token: operator.token("auth/token/create-orphan").await?,
        folder: "auth/token/create-orphan",
    };
    below_prefix.end(&running, &filled, report).await?;
    running.stop().await
}

impl Many {
    async fn end(&self, running: &Running, filled: &Filled, report: &mut Report) -> Outcome<()> {
        let mut connection = Connection::open(running.address).await?;
        let looks_up = Question {
            token: self.token.clone(),
            ..server::question(Method::GET, "auth/token/lookup-self")
        };
        let usual = self.work(&mut connection, filled, 1000).await?;
        let start = now();
        connection.ask(&self.end).await?;
        let answered = since(start);
        let (head, _) = connection.hear(&looks_up).await?;
        let refused = since(start);
        if head.status != StatusCode::FORBIDDEN {
            return Err(Failure::new(format!("{} was ended, and is still good", self.name)));
        }
        let list = Question {
            token: filled.root().to_owned(),
            ..server::question(
                Method::GET,
                &format!("sys/leases/lookup/{}?list=true&limit=1", self.folder),
            )
        };
        let mut meanwhile = vec![];
        for _ in 0..LOOKS_MAX {
            let (head, _) = connection.hear(&list).await?;
            if head.status == StatusCode::NOT_FOUND {
                break;
            }
            meanwhile.extend(self.work(&mut connection, filled, 5).await?);
        }
        let gone = since(start);
        let mut tell = |what: &str, time: Duration| {
            let name = format!("{}: {what}", self.name);
            report.alone(&name, Unit::Milliseconds, milliseconds(time));
        };
        tell("until answered", answered);
        tell("until refused", refused);
        tell("until gone", gone);
        let (worst, usual_worst) = (longest(&meanwhile), longest(&usual));
        let name = format!("{}: longest write meanwhile, and before", self.name);
        report.beside(&name, Unit::Milliseconds, (worst, usual_worst));
        let name = format!("{}: usual write meanwhile, and before", self.name);
        report.beside(&name, Unit::Milliseconds, (median(meanwhile), median(usual)));
        Ok(())
    }

    /// How many milliseconds each of some writes takes.
    async fn work(
        &self,
        connection: &mut Connection,
        filled: &Filled,
        count: usize,
    ) -> Outcome<Vec<f64>> {
        let writes = filled.writes();
        let mut times = Vec::with_capacity(count);
        for number in 0..count {
            let start = now();
            connection.ask(&writes(0, number)).await?;
            times.push(milliseconds(since(start)));
        }
        Ok(times)
    }
}

/// Everybody makes tokens by the same one.
fn makes(token: &str, path: &'static str) -> Asking {
    let question = asks(token, path, r#"{"ttl":"24h"}"#.to_owned());
    std::sync::Arc::new(move |_, _| question.clone())
}

fn asks(token: &str, path: &str, body: String) -> Question {
    let (token, body) = (token.to_owned(), Bytes::from(body));
    Question { token, body, ..server::question(Method::POST, path) }
}

fn longest(times: &[f64]) -> f64 {
    times.iter().copied().fold(0.0, f64::max)
}
