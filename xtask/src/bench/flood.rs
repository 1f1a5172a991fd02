//! Reads while logins come in at ten times what can be taken.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::RETRY_AFTER;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::failure::Outcome;
use super::load::{self, Asking, Connection};
use super::measure::{Bench, milliseconds};
use super::process::Running;
use super::report::{Report, Unit};
use super::rounds::{now, since, take_turns};
use super::server;

/// How many times as many logins come in as can be taken.
const FLOOD: f64 = 10.0;
/// How many connections they come in on. Each has at most one login under way.
const FLOODING: usize = 256;
/// How many clients log in to find out how many can be taken.
const CLIENTS: usize = 16;
/// How many clients read.
const READERS: usize = 4;

/// Each round of reading in the flood stands beside one in peace.
pub(super) async fn measure(bench: &Bench, report: &mut Report) -> Outcome<()> {
    let (running, _) = bench.place("flood")?.start().await?;
    let filled = server::fill(&running).await?;
    let (logs_in, reads) = (filled.logs_in(), filled.reads_version_1());
    let capacity = load::round(&running, CLIENTS, bench.round, &logs_in).await?.per_second;
    let pace = Duration::from_secs_f64(FLOODING as f64 / (capacity * FLOOD));
    let mut heard = Heard::default();
    let turns = take_turns(
        async || {
            let flooding = flood(&running, pace, bench.round, logs_in.clone());
            let reading = load::round(&running, READERS, bench.round, &reads);
            let (flooded, read) = tokio::join!(flooding, reading);
            heard.add(flooded?);
            read
        },
        || load::round(&running, READERS, bench.round, &reads),
    );
    let pair = turns.await?.per_second();
    report.alone("logins that can be taken", Unit::PerSecond, capacity);
    report.pair("kv reads in the flood; beside: in peace", Unit::PerSecond, pair);
    heard.tell(report);
    running.stop().await
}

/// What the flood was answered.
#[derive(Default)]
struct Heard {
    seconds: f64,
    logged_in: usize,
    /// Milliseconds until each refusal.
    refused: Vec<f64>,
    /// Refusals that said when to come back.
    told_when: usize,
    otherwise: usize,
}

async fn flood(
    running: &Running,
    pace: Duration,
    duration: Duration,
    logs_in: Asking,
) -> Outcome<Heard> {
    let start = now();
    let mut clients = JoinSet::new();
    for client in 0..FLOODING {
        let connection = Connection::open(running.address).await?;
        let logs_in = Arc::clone(&logs_in);
        // They do not all begin at once.
        let first = pace.mul_f64(client as f64 / FLOODING as f64);
        clients.spawn(async move {
            let mut ticks = interval(pace);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks.reset_after(first);
            let mut heard = Heard::default();
            let mut connection = connection;
            while since(start) < duration {
                ticks.tick().await;
                heard.listen(&mut connection, &logs_in).await?;
            }
            Outcome::Ok(heard)
        });
    }
    let mut heard = Heard { seconds: duration.as_secs_f64(), ..Heard::default() };
    while let Some(of_client) = clients.join_next().await {
        heard.add(of_client??);
    }
    Ok(heard)
}

impl Heard {
    async fn listen(&mut self, connection: &mut Connection, logs_in: &Asking) -> Outcome<()> {
        let start = now();
        let (head, _) = connection.hear(&logs_in(0, 0)).await?;
        match head.status.as_u16() {
            200 => self.logged_in += 1,
            429 | 503 => {
                self.refused.push(milliseconds(since(start)));
                self.told_when += usize::from(head.headers.contains_key(RETRY_AFTER));
            }
            _ => self.otherwise += 1,
        }
        Ok(())
    }

    fn add(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.logged_in += other.logged_in;
        self.refused.extend(other.refused);
        self.told_when += other.told_when;
        self.otherwise += other.otherwise;
    }

    fn tell(mut self, report: &mut Report) {
        self.refused.sort_by(f64::total_cmp);
        let refused = self.refused.len();
        let at = |share: f64| {
            let place = (refused as f64 * share) as usize;
            self.refused.get(place.min(refused.saturating_sub(1))).copied().unwrap_or(f64::NAN)
        };
        let per_second = |count: usize| count as f64 / self.seconds;
        report.alone("logins in the flood", Unit::PerSecond, per_second(self.logged_in));
        report.alone("refusals in the flood", Unit::PerSecond, per_second(refused));
        report.alone("other answers in the flood", Unit::PerSecond, per_second(self.otherwise));
        let told_when = self.told_when as f64 / refused as f64;
        report.alone("refusals that say when to come back", Unit::Percent, told_when);
        report.alone("time to a refusal, median", Unit::Milliseconds, at(0.5));
        report.alone("time to a refusal, 99 of 100", Unit::Milliseconds, at(0.99));
    }
}
