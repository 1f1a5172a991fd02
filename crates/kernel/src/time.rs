//! What time it is, for everything the kernel does.
//!
//! The clock of a machine may be set forward or back at any moment, and the clocks of two machines
//! differ. Tokens must not notice: nothing that has ended comes back, and nothing ends early. So
//! the kernel asks the wall clock once, when it is unsealed, and then counts on by a clock that
//! nobody sets. What it counted is noted in the store every few seconds, where the next start and
//! the other nodes find it. The rules, each with its reason:
//!
//! - **A node's time never goes back.** What was refused as over stays refused.
//! - **A node that is alone on its store is drawn to the wall clock**, by a fiftieth of the time
//!   that passes at most. A clock that was wrong at the start heals, and an hour by which somebody
//!   sets it makes a token that lives an hour live a minute more or less.
//! - **Nodes that share a store follow the latest note, and only that.** Two walls would draw two
//!   nodes apart. None is ever behind the note for longer than a worker's turn, so what one of them
//!   refuses as over, the others do a moment later.
//! - **A start never begins before the last note.** A wall clock that is behind it was set back.
//! - **A start far behind the wall clock** is either the first after all nodes were down, and the
//!   wall is right, or this machine's clock is wrong while others keep the time. A node that is
//!   alone knows which. One that may not be waits, answering nothing, until another node's note
//!   shows that there is one, or until there was time enough for three notes and none came. Then it
//!   notes its own time, and of several that do so at once the store lets one.
//!
//! What this does not promise: when all nodes were down, it is the wall clock of whichever starts
//! first that says for how long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{Clock, Error, Moment, Result};
use serde::{Deserialize, Serialize};
use storage::{Table, Transaction, View};

use crate::Kernel;
use crate::visit::SYSTEM;

/// What the nodes on this store have counted to, as [`NOTE_NAME`].
const NOTE: Table<Note> = Table::new("");
const NOTE_NAME: &str = "time";

/// A note is made when the last one is this old.
const NOTE_EVERY: Duration = Duration::from_secs(10);
/// A node's time is at most this far beyond its last note, the turns of a worker included.
const BEYOND_NOTE_MAX: Duration = Duration::from_secs(15);
/// Clocks that differ by less are both right, as far as anyone can tell.
const NEAR: Duration = Duration::from_secs(30);
/// How long to wait for another node's note: time enough for three.
const PATIENCE: Duration = Duration::from_secs(30);
/// The part of the time that passes by which a node is drawn to the wall clock.
const DRAWN_PART: u32 = 50;
/// Races an unsealing node may lose for the first note; the worker goes on where this ends.
const ATTEMPTS_MAX: usize = 16;

/// What clients are told while the node waits.
pub(crate) const WAITING: &str =
    "this node waits until it knows the time that other nodes keep; try again in a moment";

/// Whether other nodes may use the same store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Company {
    /// The store is this node's alone, and sees to that.
    Alone,
    /// There may be others, now or later.
    Others,
}

/// A node's own time.
pub(crate) struct Time {
    clock: Arc<dyn Clock>,
    company: Company,
    // Not in the store, where state belongs, because it is only true while this process runs. Held
    // for as long as it takes to read two clocks.
    stage: Mutex<Stage>,
}

/// How far a node is from knowing the time.
enum Stage {
    /// Nobody has looked at the note yet.
    Unknown,
    /// The wall clock is far ahead of the note, which has not changed since `since`.
    Waiting { noted: Moment, since: Duration },
    /// It is known.
    Known(Line),
}

/// Where a node's time was when somebody last asked.
struct Line {
    at: Moment,
    steady: Duration,
}

#[derive(Deserialize, Serialize)]
struct Note {
    at: Moment,
}

/// What is to be done about the note.
#[derive(Debug, PartialEq)]
enum Due {
    Nothing,
    /// Say how far this node is.
    Note(Moment),
    /// Say where all nodes begin, and begin there if nobody else has said anything.
    Begin(Moment),
}

/// [`keep`] as a chore: it never has more to do for now.
///
/// # Errors
/// As [`keep`].
pub(crate) async fn keep_round(kernel: &Kernel) -> Result<usize> {
    keep(kernel).await.map(|()| 0)
}

/// Looks at the note, follows it or makes a new one. Every node does so all the time.
///
/// # Errors
/// When the store cannot answer; losing a race is none.
pub(crate) async fn keep(kernel: &Kernel) -> Result<()> {
    for _ in 0..ATTEMPTS_MAX {
        match keep_once(kernel).await {
            Err(Error::Conflict(_)) => {}
            outcome => return outcome,
        }
    }
    Ok(())
}

async fn keep_once(kernel: &Kernel) -> Result<()> {
    let transaction = Arc::new(Transaction::begin(kernel.store.clone()));
    let system = View::new(&transaction, SYSTEM);
    let noted = NOTE.get(&system, NOTE_NAME).await?.map(|note| note.at);
    let (at, begins) = match kernel.time.consider(noted) {
        Due::Nothing => return Ok(()),
        Due::Note(at) => (at, false),
        Due::Begin(at) => (at, true),
    };
    NOTE.put(&system, NOTE_NAME, &Note { at });
    transaction.commit().await?;
    if begins {
        kernel.time.begin(at);
    }
    Ok(())
}

impl Time {
    pub(crate) fn new(clock: Arc<dyn Clock>, company: Company) -> Self {
        Self { clock, company, stage: Mutex::new(Stage::Unknown) }
    }

    /// The time now: never less than it was. While it is not [known](Self::is_known), the earliest
    /// that it can be, so that nobody ends anything by it.
    pub(crate) fn now(&self) -> Moment {
        let mut stage = self.stage();
        match &mut *stage {
            Stage::Unknown => self.clock.now(),
            Stage::Waiting { noted, .. } => *noted,
            Stage::Known(line) => line.read(&*self.clock, self.company),
        }
    }

    /// Whether this node knows the time; until then it must not decide anything.
    pub(crate) fn is_known(&self) -> bool {
        matches!(&*self.stage(), Stage::Known(_))
    }

    /// Begins at what was noted, unless another turn of the chore has found the note already.
    fn begin(&self, at: Moment) {
        let mut stage = self.stage();
        if !matches!(&*stage, Stage::Known(_)) {
            *stage = Stage::Known(Line { at, steady: self.clock.steady() });
        }
    }

    /// What the note means for this node, and what this node has to say.
    fn consider(&self, noted: Option<Moment>) -> Due {
        let (wall, steady) = (self.clock.now(), self.clock.steady());
        let mut stage = self.stage();
        let waiting = match &mut *stage {
            Stage::Known(line) => {
                let own = line.read(&*self.clock, self.company);
                return line.follow(noted, own);
            }
            Stage::Waiting { noted, since } => Some((*noted, *since)),
            Stage::Unknown => None,
        };
        let Some(noted) = noted else {
            return Due::Begin(wall);
        };
        let followed = waiting.filter(|(before, _)| noted > *before).map(|_| noted);
        if let Some(at) = followed.or_else(|| beginning(wall, noted, self.company)) {
            warn_of_difference(wall, at);
            *stage = Stage::Known(Line { at, steady });
            return Due::Nothing;
        }
        let (_, since) = waiting.unwrap_or((noted, steady));
        *stage = Stage::Waiting { noted, since };
        if steady.saturating_sub(since) >= PATIENCE { Due::Begin(wall) } else { Due::Nothing }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Goes on to where it is now.
    fn read(&mut self, clock: &dyn Clock, company: Company) -> Moment {
        let steady = clock.steady();
        let passed = steady.saturating_sub(self.steady);
        self.steady = self.steady.max(steady);
        self.at = match company {
            Company::Others => self.at.after(passed),
            Company::Alone => {
                let slack = passed / DRAWN_PART;
                let (slow, fast) = (self.at.after(passed - slack), self.at.after(passed + slack));
                clock.now().clamp(slow, fast)
            }
        };
        self.at
    }

    /// Follows what another node noted, or says that it is time for a note.
    fn follow(&mut self, noted: Option<Moment>, own: Moment) -> Due {
        match noted {
            Some(noted) if noted > own => {
                // Between two nodes on one store there is nothing but drift and a turn of a worker.
                if noted.elapsed_since(own) > NEAR {
                    let seconds = noted.since(own).0;
                    tracing::warn!(seconds, "this node was behind the time that others keep");
                }
                self.at = noted;
                Due::Nothing
            }
            Some(noted) if own < noted.after(NOTE_EVERY) => Due::Nothing,
            _ => Due::Note(own),
        }
    }
}

/// Where a node begins that finds a note; nowhere yet, when it cannot tell whose clock is right.
fn beginning(wall: Moment, noted: Moment, company: Company) -> Option<Moment> {
    match company {
        // Set back: what the node refused after its last note must stay refused.
        Company::Alone if wall < noted => Some(noted.after(BEYOND_NOTE_MAX)),
        Company::Alone => Some(wall),
        Company::Others if wall <= noted.after(NEAR) => Some(wall.max(noted)),
        Company::Others => None,
    }
}

fn warn_of_difference(wall: Moment, at: Moment) {
    let (ahead, behind) = (wall.elapsed_since(at), at.elapsed_since(wall));
    if ahead > NEAR {
        let seconds = ahead.as_secs();
        tracing::warn!(seconds, "this machine's clock is ahead of the time that other nodes keep");
    }
    if behind > NEAR {
        let seconds = behind.as_secs();
        tracing::warn!(seconds, "this machine's clock is behind the time that was last noted");
    }
}

#[cfg(test)]
mod tests {
    use api::Seconds;
    use api::testing::HeldClock;

    use super::*;

    const START: u64 = 1_000_000;

    fn at(offset: u64) -> Moment {
        Moment::from_unix(START + offset)
    }

    /// Wall clock and note, in seconds from the same start: where does a node begin?
    #[track_caller]
    fn check(company: Company, (wall, noted): (u64, u64), expected: Option<u64>) {
        assert_eq!(beginning(at(wall), at(noted), company), expected.map(at), "{wall} {noted}");
    }

    #[test]
    fn a_start_is_never_before_the_note_and_never_guesses() {
        check(Company::Alone, (3600, 0), Some(3600));
        check(Company::Alone, (0, 0), Some(0));
        check(Company::Alone, (0, 3600), Some(3615));
        check(Company::Others, (0, 3600), Some(3600));
        check(Company::Others, (30, 0), Some(30));
        check(Company::Others, (31, 0), None);
    }

    fn time(company: Company) -> (Arc<HeldClock>, Time) {
        let clock = Arc::new(HeldClock::at(START));
        (clock.clone(), Time::new(clock, company))
    }

    #[test]
    fn time_never_goes_back_and_is_drawn_by_a_fiftieth() {
        let (clock, time) = time(Company::Alone);
        time.begin(at(0));
        clock.step_back(Seconds(3600));
        assert_eq!(time.now(), at(0));
        clock.advance(Seconds(100));
        assert_eq!(time.now(), at(98));
        clock.step_forward(Seconds(7200));
        clock.advance(Seconds(100));
        assert_eq!(time.now(), at(200));
        clock.advance(Seconds(3600 * 60));
        assert_eq!(time.now(), at(3600 * 61 + 200), "it has arrived, and stays there");
    }

    #[test]
    fn nodes_that_share_a_store_do_not_look_at_the_wall() {
        let (clock, time) = time(Company::Others);
        time.begin(at(0));
        clock.step_forward(Seconds(3600));
        clock.advance(Seconds(100));
        assert_eq!(time.now(), at(100));
        assert_eq!(time.consider(Some(at(95))), Due::Nothing);
        assert_eq!(time.consider(Some(at(90))), Due::Note(at(100)));
        assert_eq!(time.consider(Some(at(105))), Due::Nothing);
        assert_eq!(time.now(), at(105));
    }

    #[test]
    fn who_cannot_tell_waits_and_follows_whoever_is_there() {
        let (clock, time) = time(Company::Others);
        clock.step_forward(Seconds(3600));
        assert_eq!(time.consider(Some(at(0))), Due::Nothing);
        assert!(!time.is_known());
        assert_eq!(time.now(), at(0));
        clock.advance(Seconds(29));
        assert_eq!(time.consider(Some(at(0))), Due::Nothing);
        assert!(!time.is_known());
        assert_eq!(time.consider(Some(at(10))), Due::Nothing);
        assert!(time.is_known());
        assert_eq!(time.now(), at(10));
    }

    #[test]
    fn who_waited_in_vain_begins_for_all() {
        let (clock, time) = time(Company::Others);
        clock.step_forward(Seconds(3600));
        assert_eq!(time.consider(Some(at(0))), Due::Nothing);
        clock.advance(Seconds(30));
        assert_eq!(time.consider(Some(at(0))), Due::Begin(at(3630)));
        assert!(!time.is_known(), "not before it is noted");
    }
}
