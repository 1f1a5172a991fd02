//! Where slow, memory-hungry work such as password hashing is done, so that a flood of it takes no
//! more than its own share of memory and threads, and ends in clear refusals.
//!
//! There are as many benches as cores, each with memory it keeps from job to job (faulting it in
//! anew costs as much as the work), a short queue, and a clear refusal beyond that.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::{Error, Result};

/// When somebody who was refused should come back.
const RETRY_AFTER_SECONDS: u64 = 1;

/// A bounded place for slow work.
pub struct Workshop {
    benches: Arc<Semaphore>,
    scratches: Arc<Mutex<Vec<Scratch>>>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

/// Memory a bench keeps from job to job, by type.
#[derive(Default)]
pub struct Scratch(HashMap<TypeId, Box<dyn Any + Send>>);

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
        Self {
            benches: Arc::new(Semaphore::new(benches)),
            scratches: Arc::default(),
            waiting: AtomicUsize::new(0),
            waiting_max,
        }
    }

    /// Does `job` when a bench is free.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait already.
    pub async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Scratch) -> T + Send + 'static,
    ) -> Result<T> {
        let place = Waiting::enter(&self.waiting, self.waiting_max)?;
        let permit = self.benches.clone().acquire_owned().await.map_err(Error::internal)?;
        drop(place);
        let scratches = self.scratches.clone();
        let work = move || {
            let kept = scratches.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut scratch = kept.unwrap_or_default();
            let done = job(&mut scratch);
            scratches.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
            // The bench is free once the work is done, also when nobody waits for it any more.
            drop(permit);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

/// A place in the queue, given back however the waiting ends.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize, max: usize) -> Result<Self> {
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(waiting);
        if before >= max {
            return Err(Error::Busy { retry_after_seconds: RETRY_AFTER_SECONDS });
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn benches_keep_their_memory() {
        let workshop = Workshop::new(1, 1);
        workshop.work(|scratch| *scratch.of::<u64>() = 7).await.unwrap();
        assert_eq!(workshop.work(|scratch| *scratch.of::<u64>()).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn beyond_the_queue_there_is_a_clear_refusal() {
        let workshop = Workshop::new(1, 0);
        let refused = workshop.work(|_| ()).await;
        assert_eq!(refused, Err(Error::Busy { retry_after_seconds: 1 }));
    }
}
