//! What this node has done since it started, in numbers, for whoever watches it.
//!
//! The numbers are this node's own, and nothing is ever decided by them: that is why they may live
//! in memory, and why they begin anew with the process. They are counted when what they count is
//! committed. What is counted apart is bounded, and it is never a person or a secret.
//!
//! Reading order: [`Metrics`], `text` (the two ways to read them), `paths`.

mod paths;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use api::{Error, Operation, Reply, Result};
use quick_cache::sync::Cache;

use crate::mounts::Mount;
use text::Sample;

pub(crate) use paths::paths;

/// Mounts whose logins are counted apart. With more, those nobody uses begin anew.
const MOUNTS_MAX: usize = 1000;

/// All the numbers.
pub(crate) struct Metrics {
    requests: Vec<Requests>,
    tokens: Tally,
    logins: Cache<String, Arc<Logins>>,
}

/// Requests of one kind that ended in one way.
struct Requests {
    operation: Operation,
    ending: Ending,
    count: AtomicU64,
}

/// The logins at one mount.
struct Logins {
    mount: String,
    method: String,
    succeeded: AtomicU64,
    failed: AtomicU64,
    locked: AtomicU64,
    /// Names that a failed login has locked.
    onsets: AtomicU64,
}

/// What came of tokens.
#[derive(Default)]
pub(crate) struct Tally {
    created: AtomicU64,
    renewed: AtomicU64,
    ended: AtomicU64,
    logins: AtomicU64,
}

/// What can happen to a token.
#[derive(Clone, Copy)]
pub(crate) enum TokenEvent {
    Created,
    /// Made by a login, besides being made.
    LoggedIn,
    Renewed,
    Ended,
}

/// What can come of a login.
#[derive(Clone, Copy)]
pub(crate) enum LoginEvent {
    Succeeded,
    Failed,
    /// Refused, right or wrong, because the name is locked.
    Locked,
    /// The failure that has locked the name, besides being one.
    Onset,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ending {
    Done,
    Refused,
    Invalid,
    Missing,
    Busy,
    Failed,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let endings = |operation| {
            let count = move |ending| Requests { operation, ending, count: AtomicU64::new(0) };
            Ending::ALL.map(count)
        };
        Self {
            requests: Operation::ALL.into_iter().flat_map(endings).collect(),
            tokens: Tally::default(),
            logins: Cache::new(MOUNTS_MAX),
        }
    }

    /// Counts a request that was answered.
    pub(crate) fn note_request(&self, operation: Operation, outcome: &Result<Reply>) {
        let ending = Ending::of(outcome);
        let is_it =
            |counted: &&Requests| counted.operation == operation && counted.ending == ending;
        if let Some(counted) = self.requests.iter().find(is_it) {
            add(&counted.count, 1);
        }
    }

    /// Counts a login.
    pub(crate) fn note_login(&self, mount: &Mount, event: LoginEvent) {
        let make = || Ok::<_, std::convert::Infallible>(Arc::new(Logins::at(mount)));
        let Ok(logins) = self.logins.get_or_insert_with(&mount.path, make);
        add(logins.count(event), 1);
    }

    /// Counts what was done to tokens.
    pub(crate) fn note_tokens(&self, tally: &Tally) {
        add(&self.tokens.created, load(&tally.created));
        add(&self.tokens.renewed, load(&tally.renewed));
        add(&self.tokens.ended, load(&tally.ended));
    }

    /// All the numbers, those of one name together.
    fn samples(&self, sealed: bool) -> Vec<Sample> {
        let mut samples = vec![Sample::gauge("core.unsealed", u64::from(!sealed))];
        for counted in &self.requests {
            let labels =
                [("operation", counted.operation.name()), ("ending", counted.ending.name())];
            samples.push(Sample::counter("core.requests", labels, &counted.count));
        }
        let mut logins: Vec<Arc<Logins>> = self.logins.iter().map(|(_, logins)| logins).collect();
        logins.sort_by(|one, other| one.mount.cmp(&other.mount));
        for at in &logins {
            for (event, name) in LoginEvent::OUTCOMES {
                let labels = [("mount", &*at.mount), ("method", &at.method), ("outcome", name)];
                samples.push(Sample::counter("core.logins", labels, at.count(event)));
            }
        }
        for at in &logins {
            let labels = [("mount", &*at.mount), ("method", &at.method)];
            samples.push(Sample::counter("core.lockouts", labels, &at.onsets));
        }
        samples.push(Sample::counter("token.creation", [], &self.tokens.created));
        samples.push(Sample::counter("token.renewal", [], &self.tokens.renewed));
        samples.push(Sample::counter("token.revocation", [], &self.tokens.ended));
        samples
    }
}

impl Logins {
    fn at(mount: &Mount) -> Self {
        Self {
            mount: mount.path.clone(),
            method: mount.engine.clone(),
            succeeded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            locked: AtomicU64::new(0),
            onsets: AtomicU64::new(0),
        }
    }

    fn count(&self, event: LoginEvent) -> &AtomicU64 {
        match event {
            LoginEvent::Succeeded => &self.succeeded,
            LoginEvent::Failed => &self.failed,
            LoginEvent::Locked => &self.locked,
            LoginEvent::Onset => &self.onsets,
        }
    }
}

impl Tally {
    /// Notes what shall have happened to a token once this attempt is committed.
    pub(crate) fn note(&self, event: TokenEvent) {
        match event {
            TokenEvent::Created => add(&self.created, 1),
            TokenEvent::LoggedIn => add(&self.logins, 1),
            TokenEvent::Renewed => add(&self.renewed, 1),
            TokenEvent::Ended => add(&self.ended, 1),
        }
    }

    /// Forgets what was noted.
    pub(crate) fn clear(&self) {
        let all = [&self.created, &self.renewed, &self.ended, &self.logins];
        all.into_iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }

    /// Takes over what `other` has noted.
    pub(crate) fn add(&self, other: &Self) {
        add(&self.created, load(&other.created));
        add(&self.renewed, load(&other.renewed));
        add(&self.ended, load(&other.ended));
        add(&self.logins, load(&other.logins));
    }

    /// Whether this attempt is a login.
    pub(crate) fn is_login(&self) -> bool {
        load(&self.logins) > 0
    }
}

impl LoginEvent {
    const OUTCOMES: [(Self, &str); 3] =
        [(Self::Succeeded, "success"), (Self::Failed, "failed"), (Self::Locked, "locked")];
}

impl Ending {
    const ALL: [Self; 6] =
        [Self::Done, Self::Refused, Self::Invalid, Self::Missing, Self::Busy, Self::Failed];

    fn of(outcome: &Result<Reply>) -> Self {
        let Err(error) = outcome else { return Self::Done };
        match error {
            Error::Denied
            | Error::Unauthenticated
            | Error::UnknownToken
            | Error::Forbidden(_)
            | Error::LoginFailed(_)
            | Error::LockedOut => Self::Refused,
            Error::Invalid(_)
            | Error::InvalidListed(_)
            | Error::UnsupportedOperation
            | Error::Notation(_)
            | Error::TooLarge => Self::Invalid,
            Error::Missing
            | Error::MissingBecause(_)
            | Error::NoRoute(_)
            | Error::UnsupportedPath => Self::Missing,
            Error::Busy { .. } | Error::Conflict(_) | Error::NotYet(_) => Self::Busy,
            Error::Failed(_)
            | Error::Internal(_)
            | Error::Sealed
            | Error::Unavailable(_)
            | Error::OutcomeUnknown(_) => Self::Failed,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Invalid => "invalid",
            Self::Missing => "missing",
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }
}

fn add(count: &AtomicU64, more: u64) {
    // Most requests do nothing to tokens, and even adding nothing would take the number away from
    // the other cores.
    if more > 0 {
        count.fetch_add(more, Ordering::Relaxed);
    }
}

fn load(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}
