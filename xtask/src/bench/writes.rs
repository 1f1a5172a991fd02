//! Durable writes of small secrets, beside the two things they cannot be faster than.
//!
//! The embedded store by itself takes the same commits on the same disk, without anybody's
//! requests: whoever asks is a task beside it. A bare server passes each request on to such a
//! store and does nothing else: what remains between it and ours is deciding, sealing, and saying
//! what happened. With many clients the processors are busy, and most of what a request takes is
//! taken by those who send it; so the second is the fairer one, and the first the harder one.

use super::durable::Durable;
use super::failure::Outcome;
use super::load;
use super::measure::{Bench, tell_processor_time};
use super::process::Running;
use super::report::{Report, Unit};
use super::rounds::take_turns;
use super::server::{self, Filled};

/// How many clients write at the same time.
const CLIENTS: [usize; 3] = [1, 16, 64];

/// The topic.
pub(super) async fn measure(bench: &Bench, report: &mut Report) -> Outcome<()> {
    let (running, _) = bench.place("writes")?.start().await?;
    let filled = server::fill(&running).await?;
    compare(bench, (&running, &filled), report).await?;
    running.stop().await
}

/// The figures of the topic, on a server that runs already.
pub(super) async fn compare(
    bench: &Bench,
    (running, filled): (&Running, &Filled),
    report: &mut Report,
) -> Outcome<()> {
    for clients in CLIENTS {
        let name = format!("durable kv version 1 writes, {clients} clients");
        let asking = filled.writes();
        let store = Durable::open(&bench.folder.join(format!("store-{clients}"))).await?;
        let turns = take_turns(
            || load::round(running, clients, bench.round, &asking),
            || store.round(clients, bench.round),
        );
        let turns = turns.await?;
        report.pair(
            &format!("{name}; beside: embedded store"),
            Unit::PerSecond,
            turns.per_second(),
        );
        tell_processor_time(&name, &turns, report);
        let bare = bench.start_bare(Some(&bench.folder.join(format!("bare-{clients}")))).await?;
        let turns = take_turns(
            || load::round(running, clients, bench.round, &asking),
            || load::round(&bare, clients, bench.round, &asking),
        );
        let turns = turns.await?;
        let beside = format!("{name}; beside: bare server on such a store");
        report.pair(&beside, Unit::PerSecond, turns.per_second());
        tell_processor_time(&name, &turns, report);
        bare.stop().await?;
    }
    Ok(())
}
