//! A page of a folder with many secrets, and a secret with many versions: they should take as long
//! as with few.

use hyper::Method;

use super::failure::Outcome;
use super::load::{self, Asking, Enough};
use super::measure::Bench;
use super::process::Running;
use super::report::{Report, Unit};
use super::rounds::{Pair, take_turns};
use super::server::{self, Filled};

/// How many secrets count as few, and how many names a page has.
const FEW: usize = 1000;
/// How many versions count as many.
const VERSIONS: usize = 10_000;
/// How many clients fill the folders.
const CLIENTS: usize = 64;
/// Who lists does so alone: it is about how long a page takes.
const ALONE: usize = 1;

/// Beside every figure stands the same with few.
pub(super) async fn measure(bench: &Bench, report: &mut Report) -> Outcome<()> {
    let (running, _) = bench.place("folders")?.start().await?;
    let filled = server::fill(&running).await?;
    fill(&running, "few", FEW, &filled).await?;
    fill(&running, "many", bench.count, &filled).await?;
    report.beside("secrets in the folder", Unit::Pieces, (bench.count as f64, FEW as f64));
    // From the middle of the many: neither end is a special case.
    let middle = format!("after={}", name(bench.count / 2));
    for (what, flag) in [("pages of 1000 names", "list"), ("pages of 1000, scanned", "scan")] {
        let many = lists(&filled, format!("one/many?{flag}=true&limit={FEW}&{middle}"));
        let few = lists(&filled, format!("one/few?{flag}=true&limit={FEW}"));
        report.pair(what, Unit::PerSecond, compare(bench, &running, &many, &few).await?);
    }
    versions(bench, &running, &filled, report).await?;
    running.stop().await
}

async fn versions(
    bench: &Bench,
    running: &Running,
    filled: &Filled,
    report: &mut Report,
) -> Outcome<()> {
    let rules = filled.asks_as_root(Method::POST, |_, number| {
        let secret = ["long", "short"].get(number).copied().unwrap_or_default();
        let max = if number == 0 { r#"{"max_versions":100000}"# } else { r#"{"max_versions":1}"# };
        (format!("two/metadata/{secret}"), max)
    });
    load::run(running.address, ALONE, Enough::Times(2), &rules).await?;
    let (long, short) = (writes(filled, "long"), writes(filled, "short"));
    load::run(running.address, ALONE, Enough::Times(VERSIONS), &long).await?;
    load::run(running.address, ALONE, Enough::Times(1), &short).await?;
    report.beside("versions of the secret", Unit::Pieces, (VERSIONS as f64, 1.0));
    let read = [reads(filled, "long"), reads(filled, "short")];
    for (what, [long, short]) in [("reads of it", read), ("writes to it", [long, short])] {
        report.pair(what, Unit::PerSecond, compare(bench, running, &long, &short).await?);
    }
    Ok(())
}

async fn compare(bench: &Bench, running: &Running, many: &Asking, few: &Asking) -> Outcome<Pair> {
    let turns = take_turns(
        || load::round(running, ALONE, bench.round, many),
        || load::round(running, ALONE, bench.round, few),
    );
    Ok(turns.await?.per_second())
}

async fn fill(
    running: &Running,
    folder: &'static str,
    count: usize,
    filled: &Filled,
) -> Outcome<()> {
    let writes = filled.asks_as_root(Method::POST, move |client, number| {
        let secret = name((number * CLIENTS + client) % count);
        (format!("one/{folder}/{secret}"), r#"{"value":"nothing"}"#)
    });
    let times = Enough::Times(count.div_ceil(CLIENTS));
    load::run(running.address, CLIENTS, times, &writes).await?;
    Ok(())
}

fn lists(filled: &Filled, path: String) -> Asking {
    filled.asks_as_root(Method::GET, move |_, _| (path.clone(), ""))
}

fn reads(filled: &Filled, secret: &'static str) -> Asking {
    filled.asks_as_root(Method::GET, move |_, _| (format!("two/data/{secret}"), ""))
}

fn writes(filled: &Filled, secret: &'static str) -> Asking {
    filled.asks_as_root(Method::POST, move |_, _| {
        (format!("two/data/{secret}"), r#"{"data":{"value":"nothing"}}"#)
    })
}

/// Names sort as their numbers do.
fn name(number: usize) -> String {
    format!("secret-{number:08}")
}
