//! Gives the kernel's workers their turns.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Kernel, WORKERS, Worker};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// How often a worker is asked whether there is something to do.
const PERIOD: Duration = Duration::from_secs(1);
/// How many rounds a worker may do in a row before others get the processor.
const ROUNDS_MAX: usize = 64;

/// Every worker, each in a task of its own. They end when the set is dropped, in the middle of
/// whatever they do, which is theirs to survive.
pub(crate) fn start(kernel: &Arc<Kernel>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for worker in WORKERS {
        tasks.spawn(take_turns(worker, kernel.clone()));
    }
    tasks
}

async fn take_turns(worker: &'static Worker, kernel: Arc<Kernel>) {
    let mut turns = interval(PERIOD);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Ends with the set of tasks.
    loop {
        turns.tick().await;
        if !kernel.is_sealed() {
            take_turn(worker, &kernel).await;
        }
    }
}

/// Works until there is nothing left for now. A panic ends this turn, not the worker.
async fn take_turn(worker: &'static Worker, kernel: &Arc<Kernel>) {
    for _ in 0..ROUNDS_MAX {
        let kernel = kernel.clone();
        let mut round = JoinSet::new();
        round.spawn(async move { (worker.work)(&kernel).await });
        match round.join_next().await {
            Some(Ok(Ok(done))) if done > 0 => {}
            Some(Ok(Ok(_)) | Err(_)) | None => return,
            // Sealed in the middle of it: there will be another turn.
            Some(Ok(Err(api::Error::Sealed))) => return,
            Some(Ok(Err(error))) => {
                tracing::warn!(worker = worker.name, ?error, "a worker could not do its work");
                return;
            }
        }
    }
}
