//! Start, memory and rates with many tokens: they should be what they are with few.

use super::failure::Outcome;
use super::load::{self, Enough};
use super::measure::{Bench, milliseconds};
use super::report::{Report, Unit};
use super::rounds::{median, take_turns};
use super::server::{self, Filled, Place};

/// How many tokens count as few.
const FEW: usize = 1000;
/// How many clients make the tokens, and ask for them.
const CLIENTS: usize = 64;
/// How often the server is started to see how long that takes.
const STARTS: u32 = 5;

/// Beside every figure stands the same with few tokens.
pub(super) async fn measure(bench: &Bench, report: &mut Report) -> Outcome<()> {
    let few = Kept::make(bench, "few", FEW).await?;
    let many = Kept::make(bench, "many", bench.count).await?;
    report.beside("tokens", Unit::Pieces, (bench.count as f64, FEW as f64));
    report.beside("making them", Unit::PerSecond, (many.made_per_second, few.made_per_second));
    let (many_start, few_start) = (many.start().await?, few.start().await?);
    let start = (many_start.milliseconds, few_start.milliseconds);
    report.beside("start to first answer, unsealed", Unit::Milliseconds, start);
    report.beside("memory then", Unit::Bytes, (many_start.bytes, few_start.bytes));
    rates(bench, (&many, &few), report).await
}

/// A server and its store.
struct Kept {
    place: Place,
    filled: Filled,
    made_per_second: f64,
}

/// What a start took.
struct Start {
    milliseconds: f64,
    bytes: f64,
}

impl Kept {
    async fn make(bench: &Bench, name: &str, count: usize) -> Outcome<Self> {
        let place = bench.place(name)?;
        let (running, _) = place.start().await?;
        let filled = server::fill(&running).await?;
        let times = Enough::Times(count.div_ceil(CLIENTS));
        let made = load::run(running.address, CLIENTS, times, &filled.makes_tokens()).await?;
        running.stop().await?;
        let made_per_second = made.answers / made.elapsed.as_secs_f64();
        Ok(Self { place, filled, made_per_second })
    }

    async fn start(&self) -> Outcome<Start> {
        let (mut times, mut bytes) = (Vec::new(), Vec::new());
        for _ in 0..STARTS {
            let (running, took) = self.place.start_unsealed(&self.filled).await?;
            times.push(milliseconds(took));
            bytes.push(running.resident_bytes()?);
            running.stop().await?;
        }
        Ok(Start { milliseconds: median(times), bytes: median(bytes) })
    }
}

async fn rates(bench: &Bench, (many, few): (&Kept, &Kept), report: &mut Report) -> Outcome<()> {
    let (with_many, _) = many.place.start_unsealed(&many.filled).await?;
    let (with_few, _) = few.place.start_unsealed(&few.filled).await?;
    let renewing = (
        server::renews(server::make_tokens(&with_many, &many.filled, CLIENTS).await?),
        server::renews(server::make_tokens(&with_few, &few.filled, CLIENTS).await?),
    );
    let looking = (many.filled.looks_up(), few.filled.looks_up());
    for (name, (many, few)) in [("look-ups", looking), ("renewals", renewing)] {
        let turns = take_turns(
            || load::round(&with_many, CLIENTS, bench.round, &many),
            || load::round(&with_few, CLIENTS, bench.round, &few),
        );
        report.pair(name, Unit::PerSecond, turns.await?.per_second());
    }
    let bytes = (with_many.resident_bytes()?, with_few.resident_bytes()?);
    report.beside("memory after that", Unit::Bytes, bytes);
    with_many.stop().await?;
    with_few.stop().await
}
