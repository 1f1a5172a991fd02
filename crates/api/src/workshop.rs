//! Where slow, memory-hungry work such as password hashing is done, so that a flood of it takes no
//! more than its own share of memory and threads, and ends in clear refusals.
//!
//! There are as many benches as cores. A bench is a thread of its own, with memory that it keeps
//! from job to job: faulting it in anew costs as much as the work. Before the benches there is a
//! short queue, and beyond it a clear refusal.

use std::any::{Any, TypeId};
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use crate::{Error, Result};

/// When somebody who was refused should come back.
const RETRY_AFTER_SECONDS: u64 = 1;

/// A bounded place for slow work. Its threads end when it is dropped.
pub struct Workshop {
    queue: Arc<Queue>,
    waiting_max: usize,
}

/// Memory a bench keeps from job to job, by type.
#[derive(Default)]
pub struct Scratch(HashMap<TypeId, Box<dyn Any + Send>>);

/// Work to do, and whether anybody still wants it.
trait Job: Send {
    fn is_wanted(&self) -> bool;
    fn run(self: Box<Self>, scratch: &mut Scratch);
}

/// What the benches and those who wait share.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    /// Told when there is a job, and when the workshop closes.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn Job>>,
    closed: bool,
}

impl Scratch {
    /// What earlier jobs left of this type, or a fresh one.
    pub fn of<T: Default + Send + 'static>(&mut self) -> &mut T {
        let kept = self.0.entry(TypeId::of::<T>()).or_insert_with(|| Box::<T>::default());
        kept.downcast_mut().expect("kept under its own type")
    }
}

impl Workshop {
    /// A workshop that does `benches` jobs at once and lets `waiting_max` more wait.
    pub fn new(benches: usize, waiting_max: usize) -> Self {
        Self::with_benches(benches, waiting_max, || ())
    }

    /// As [`Workshop::new`]; every bench does `prepare` on its thread before its first job.
    pub fn with_benches(
        benches: usize,
        waiting_max: usize,
        prepare: impl Fn() + Clone + Send + 'static,
    ) -> Self {
        let queue = Arc::new(Queue::default());
        for bench in 0..benches {
            let (queue, prepare) = (queue.clone(), prepare.clone());
            let work = move || {
                prepare();
                queue.serve();
            };
            let name = format!("workshop {bench}");
            let started = thread::Builder::new().name(name).spawn(work);
            started.expect("a process that cannot have its threads cannot start");
        }
        Self { queue, waiting_max }
    }

    /// Does `job` when a bench is free.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait already.
    pub async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Scratch) -> T + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.queue.enter(Box::new(Order { job, answer }), self.waiting_max)?;
        // Without an answer the job has panicked; the bench lives on.
        answered.await.map_err(|_| Error::internal("a job of the workshop has panicked"))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.closed = true;
        let unfinished = std::mem::take(&mut state.jobs);
        drop(state);
        self.queue.changed.notify_all();
        // Whoever still waits for these learns that nothing will come.
        drop(unfinished);
    }
}

impl Queue {
    fn enter(&self, job: Box<dyn Job>, waiting_max: usize) -> Result<()> {
        let mut state = self.lock();
        if state.jobs.len() >= waiting_max {
            state.jobs.retain(|job| job.is_wanted());
        }
        if state.jobs.len() >= waiting_max {
            return Err(Error::Busy { retry_after_seconds: RETRY_AFTER_SECONDS });
        }
        state.jobs.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// The life of a bench.
    fn serve(&self) {
        let mut scratch = Scratch::default();
        // Ends when the workshop is dropped.
        while let Some(job) = self.next() {
            if !job.is_wanted() {
                continue;
            }
            let done = catch_unwind(AssertUnwindSafe(|| job.run(&mut scratch)));
            if done.is_err() {
                // Nobody knows what the panic left in there.
                scratch = Scratch::default();
            }
        }
    }

    /// The next job, however long it takes until there is one. None when the workshop has closed.
    fn next(&self) -> Option<Box<dyn Job>> {
        let waits = |state: &mut State| state.jobs.is_empty() && !state.closed;
        let state = self.changed.wait_while(self.lock(), waits);
        state.unwrap_or_else(PoisonError::into_inner).jobs.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job, and who waits for what comes of it.
struct Order<J, T> {
    job: J,
    answer: oneshot::Sender<T>,
}

impl<T: Send, J: FnOnce(&mut Scratch) -> T + Send> Job for Order<J, T> {
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(self: Box<Self>, scratch: &mut Scratch) {
        let done = (self.job)(scratch);
        // Whoever waited may have gone meanwhile.
        let _ = self.answer.send(done);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const BUSY: Error = Error::Busy { retry_after_seconds: 1 };

    /// A job that has begun when this returns, and ends when the sender is dropped.
    async fn occupy(workshop: &Arc<Workshop>) -> (mpsc::Sender<()>, tokio::task::JoinHandle<()>) {
        let (began, begun) = oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let workshop = workshop.clone();
        let job = move |_: &mut Scratch| {
            began.send(()).unwrap();
            let _ = released.recv();
        };
        let waiter = tokio::spawn(async move { workshop.work(job).await.unwrap() });
        begun.await.unwrap();
        (release, waiter)
    }

    /// Enters the queue and stays there.
    fn wait_in_line<T>(work: std::pin::Pin<&mut impl Future<Output = Result<T>>>) {
        let polled = work.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
    }

    #[tokio::test]
    async fn benches_keep_their_memory() {
        let workshop = Workshop::new(1, 1);
        workshop.work(|scratch| *scratch.of::<u64>() = 7).await.unwrap();
        assert_eq!(workshop.work(|scratch| *scratch.of::<u64>()).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn beyond_the_queue_there_is_a_clear_refusal() {
        let workshop = Arc::new(Workshop::new(1, 1));
        let (release, first) = occupy(&workshop).await;
        let mut second = pin!(workshop.work(|_| 2));
        wait_in_line(second.as_mut());
        assert_eq!(workshop.work(|_| 3).await, Err(BUSY));
        drop(release);
        first.await.unwrap();
        assert_eq!(second.await, Ok(2));
        assert_eq!(Workshop::new(1, 0).work(|_| ()).await, Err(BUSY));
    }

    /// Three who came and went, before a queue as short or as long as this.
    async fn check_cancelled(waiting_max: usize) {
        let workshop = Arc::new(Workshop::new(1, waiting_max));
        let (release, first) = occupy(&workshop).await;
        let done = Arc::new(AtomicUsize::new(0));
        let count = || {
            let done = done.clone();
            move |_: &mut Scratch| done.fetch_add(1, Ordering::Relaxed)
        };
        for _ in 0..3 {
            wait_in_line(Box::pin(workshop.work(count())).as_mut());
        }
        drop(release);
        first.await.unwrap();
        assert_eq!(workshop.work(count()).await, Ok(0));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_done() {
        check_cancelled(4).await;
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_takes_no_place() {
        check_cancelled(1).await;
    }

    #[tokio::test]
    async fn a_panic_ends_its_job_only() {
        let workshop = Workshop::new(1, 1);
        workshop.work(|scratch| *scratch.of::<u64>() = 7).await.unwrap();
        let panicked = workshop.work(|_| panic!("on purpose")).await;
        assert!(matches!(panicked, Err::<(), _>(Error::Internal(_))));
        assert_eq!(workshop.work(|scratch| *scratch.of::<u64>()).await, Ok(0));
    }

    #[tokio::test]
    async fn every_bench_is_prepared_on_its_own_thread() {
        let (tell, told) = mpsc::channel();
        let workshop = Workshop::with_benches(2, 1, move || {
            tell.send(thread::current().id()).unwrap();
        });
        let (one, two) = (told.recv().unwrap(), told.recv().unwrap());
        assert_ne!(one, two);
        let worked = workshop.work(|_| thread::current().id()).await.unwrap();
        assert!(worked == one || worked == two);
    }

    /// Dropped with the bench that keeps it.
    #[derive(Default)]
    struct Witness(Option<mpsc::Sender<()>>);

    #[tokio::test]
    async fn a_closed_workshop_leaves_no_thread_and_nobody_waiting() {
        let workshop = Arc::new(Workshop::new(1, 2));
        let (keep, ended) = mpsc::channel();
        workshop.work(|scratch| scratch.of::<Witness>().0 = Some(keep)).await.unwrap();
        let (release, first) = occupy(&workshop).await;
        let queue = workshop.queue.clone();
        let (answer, never) = oneshot::channel();
        queue.enter(Box::new(Order { job: |_: &mut Scratch| (), answer }), 2).unwrap();
        drop(release);
        first.await.unwrap();
        drop(workshop);
        assert!(ended.recv().is_err());
        let _ = never.await;
    }
}
