//! A clock that stands still and randomness that repeats: for tests, here and in other crates.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use crate::{
    BoxFuture, Clock, Entropy, Error, Moment, Page, Result, Seconds, Secret, Services, Session,
};

/// Bytes that look random and are the same in every run: SHA-256 of a seed and a counter.
pub struct Seeded {
    seed: u64,
    drawn: AtomicU64,
}

/// A clock that moves only when it is told to.
pub struct HeldClock {
    wall_seconds: AtomicU64,
    steady_seconds: AtomicU64,
}

/// A kernel that gave out no tokens, locks nobody out and knows no password policies.
pub struct NoServices;

impl Services for NoServices {
    fn sessions<'a>(&'a self, _: &'a str, _: &'a Page) -> BoxFuture<'a, Result<Vec<Session>>> {
        Box::pin(async { Ok(vec![]) })
    }

    fn end_session<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async { Ok(false) })
    }

    fn end_sessions<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn proved<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn password_flaw<'a>(
        &'a self,
        _: &'a str,
        _: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async { Err(Error::invalid("there is no such password policy")) })
    }
}

impl Seeded {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let count = self.drawn.fetch_add(1, Ordering::Relaxed);
            let input = [self.seed.to_be_bytes(), count.to_be_bytes()].concat();
            for (byte, random) in chunk.iter_mut().zip(digest(&SHA256, &input).as_ref()) {
                *byte = *random;
            }
        }
    }
}

impl HeldClock {
    /// A clock that stands at `seconds` after 1970.
    pub fn at(seconds: u64) -> Self {
        Self { wall_seconds: AtomicU64::new(seconds), steady_seconds: AtomicU64::new(0) }
    }

    /// Lets time pass: moves both hands.
    pub fn advance(&self, time: Seconds) {
        self.steady_seconds.fetch_add(time.0, Ordering::Relaxed);
        self.step_forward(time);
    }

    /// Somebody sets the clock forward.
    pub fn step_forward(&self, time: Seconds) {
        self.wall_seconds.fetch_add(time.0, Ordering::Relaxed);
    }

    /// Somebody sets the clock back.
    pub fn step_back(&self, time: Seconds) {
        self.wall_seconds.fetch_sub(time.0, Ordering::Relaxed);
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Moment {
        Moment::from_unix(self.wall_seconds.load(Ordering::Relaxed))
    }

    fn steady(&self) -> Duration {
        Duration::from_secs(self.steady_seconds.load(Ordering::Relaxed))
    }
}
