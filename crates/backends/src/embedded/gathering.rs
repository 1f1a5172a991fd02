//! Which commits are made durable together.
//!
//! A sync costs the same for one commit as for many, so the more of them share one, the better.
//! What waits when the writer is ready goes together anyway. Where several callers are at work it
//! pays to let them come this far first: while the processors are busy with them, giving way lets
//! them work on, and on an idle machine it returns at once. So nobody ever waits for a time that
//! was guessed, and whoever writes alone waits for nobody.

use storage::Commit;
use tokio::sync::mpsc;

use super::writer::Job;

/// Commits made durable by one sync.
const BATCH_MAX: usize = 256;
/// A batch of more bytes takes no further commit in.
const BATCH_BYTES_MAX: u64 = 8 << 20;
/// How often the writer gives way before a batch, as long as each time brings more.
const PAUSES_MAX: usize = 3;
/// What changing a key appends to the log at least.
const PAGE_BYTES: u64 = 4096;

/// Commits that go together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) jobs: Vec<Job>,
    bytes: u64,
}

impl Batch {
    /// `first` and what else waits, as far as one batch goes. `previous` is how many commits the
    /// batch before had; `pause` gives way to others.
    pub(super) fn gather(
        first: Job,
        waiting: &mut mpsc::Receiver<Job>,
        previous: usize,
        pause: impl Fn(),
    ) -> Self {
        let mut batch = Self::default();
        batch.add(first);
        batch.take(waiting);
        let is_alone = previous <= 1 && batch.jobs.len() == 1;
        let pauses = if is_alone { 0 } else { PAUSES_MAX };
        for _ in 0..pauses {
            let before = batch.jobs.len();
            pause();
            batch.take(waiting);
            if batch.jobs.len() == before {
                break;
            }
        }
        batch
    }

    fn take(&mut self, waiting: &mut mpsc::Receiver<Job>) {
        while self.jobs.len() < BATCH_MAX && self.bytes < BATCH_BYTES_MAX {
            let Ok(job) = waiting.try_recv() else { break };
            self.add(job);
        }
    }

    fn add(&mut self, job: Job) {
        self.bytes = self.bytes.saturating_add(size_bytes(&job.commit));
        self.jobs.push(job);
    }
}

/// What a commit appends to the log, roughly.
pub(super) fn size_bytes(commit: &Commit) -> u64 {
    let keys = commit.puts.len() + commit.deletes.len();
    let values: usize = commit.puts.values().map(bytes::Bytes::len).sum();
    (keys as u64).saturating_mul(PAGE_BYTES).saturating_add(values as u64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use std::cell::Cell;

    use tokio::sync::oneshot;

    use super::super::writer::Answer;
    use super::*;

    fn job(value_bytes: usize) -> Job {
        let puts = [("key".to_owned(), vec![0; value_bytes].into())].into();
        Job {
            commit: Commit { puts, ..Commit::default() },
            answer: Answer::to(oneshot::channel().0),
        }
    }

    /// Asserts how many commits go together and how often the writer gives way, when so many come
    /// before it looks and during each pause.
    #[track_caller]
    fn check(previous: usize, arrivals: &[usize], (size, pauses): (usize, usize)) {
        let (queue, mut waiting) = mpsc::channel(1024);
        let arrive = |number: Option<&usize>| {
            (0..number.copied().unwrap_or(0)).for_each(|_| assert!(queue.try_send(job(1)).is_ok()));
        };
        arrive(arrivals.first());
        let first = waiting.try_recv().unwrap();
        let paused = Cell::new(0);
        let batch = Batch::gather(first, &mut waiting, previous, || {
            paused.set(paused.get() + 1);
            arrive(arrivals.get(paused.get()));
        });
        assert_eq!((batch.jobs.len(), paused.get()), (size, pauses));
    }

    #[test]
    fn whoever_writes_alone_waits_for_nobody() {
        check(0, &[1, 9], (1, 0));
        check(1, &[1, 9], (1, 0));
    }

    #[test]
    fn several_are_gathered_as_long_as_more_come() {
        check(1, &[2], (2, 1));
        check(2, &[1], (1, 1));
        check(2, &[1, 1], (2, 2));
        check(8, &[1, 3, 4, 5, 6], (13, PAUSES_MAX));
    }

    #[test]
    fn a_batch_is_bounded() {
        check(1, &[BATCH_MAX + 9, 9], (BATCH_MAX, 1));
        let (queue, mut waiting) = mpsc::channel(9);
        for _ in 0..9 {
            assert!(queue.try_send(job(3 << 20)).is_ok());
        }
        let first = waiting.try_recv().unwrap();
        assert_eq!(Batch::gather(first, &mut waiting, 1, || {}).jobs.len(), 3);
    }
}
