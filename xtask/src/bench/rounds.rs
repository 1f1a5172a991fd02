//! Taking turns: whatever else the machine is doing at the moment slows both sides alike.

use std::time::{Duration, Instant};

use super::failure::Outcome;

/// How many rounds each side of a figure gets. Odd, so that there is one in the middle.
pub(super) const ROUNDS: u32 = 5;

/// What came of one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// How often something was done, in a second.
    pub(super) per_second: f64,
    /// What doing it once took of the processor, where that is known.
    pub(super) processor_microseconds: Option<f64>,
}

/// Two things, side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) ours: f64,
    pub(super) beside: f64,
    /// Ours through the other: the median of each round's own ratio.
    pub(super) ratio: f64,
}

/// What came of all rounds of two sides.
#[derive(Debug)]
pub(super) struct Turns(Vec<(Round, Round)>);

/// Lets both sides take turns. The first turn of each warms up and does not count.
pub(super) async fn take_turns(
    mut ours: impl AsyncFnMut() -> Outcome<Round>,
    mut beside: impl AsyncFnMut() -> Outcome<Round>,
) -> Outcome<Turns> {
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let pair = (ours().await?, beside().await?);
        if round > 0 {
            rounds.push(pair);
        }
    }
    Ok(Turns(rounds))
}

impl Turns {
    pub(super) fn per_second(&self) -> Pair {
        pair(self.0.iter().map(|(ours, beside)| (ours.per_second, beside.per_second)).collect())
    }

    /// Where both sides know it.
    pub(super) fn processor_microseconds(&self) -> Option<Pair> {
        let both = |(ours, beside): &(Round, Round)| {
            ours.processor_microseconds.zip(beside.processor_microseconds)
        };
        self.0.iter().map(both).collect::<Option<_>>().map(pair)
    }
}

fn pair(rounds: Vec<(f64, f64)>) -> Pair {
    Pair {
        ours: median(rounds.iter().map(|(ours, _)| *ours).collect()),
        beside: median(rounds.iter().map(|(_, beside)| *beside).collect()),
        ratio: median(rounds.iter().map(|(ours, beside)| ours / beside).collect()),
    }
}

/// The one in the middle; of an even number, the higher of the two.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The time, which is what is measured here.
#[allow(clippy::disallowed_methods, reason = "measuring how long something takes is the purpose")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// How long ago `start` was.
pub(super) fn since(start: Instant) -> Duration {
    now().duration_since(start)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0]), 4.0);
        assert!(median(vec![]).is_nan());
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let rounds = vec![(10.0, 20.0), (1.0, 2.0), (30.0, 30.0)];
        assert_eq!(pair(rounds), Pair { ours: 10.0, beside: 20.0, ratio: 0.5 });
    }

    #[tokio::test]
    async fn both_sides_take_the_same_number_of_turns_and_the_first_does_not_count() {
        let (mut first, mut second) = (0.0, 0.0);
        let round = |per_second| Ok(Round { per_second, processor_microseconds: None });
        let turns = take_turns(
            async || {
                first += 1.0;
                round(first)
            },
            async || {
                second += 2.0;
                round(second)
            },
        );
        let turns = turns.await.unwrap();
        assert_eq!(turns.per_second(), Pair { ours: 4.0, beside: 8.0, ratio: 0.5 });
        assert_eq!(turns.processor_microseconds(), None);
    }
}
