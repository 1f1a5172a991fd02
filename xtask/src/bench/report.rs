//! The figures, as a table and for programs.

use std::fmt::Write;
use std::thread::available_parallelism;
use std::time::Duration;

use serde_json::{Value, json};

use super::rounds::{Pair, ROUNDS};

/// All figures.
pub(super) struct Report {
    duration: Duration,
    figures: Vec<Figure>,
}

/// One line of the table.
struct Figure {
    name: String,
    unit: Unit,
    ours: f64,
    beside: Option<Beside>,
}

/// What a figure is compared with.
struct Beside {
    value: f64,
    ratio: f64,
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    Bytes,
    SingleBytes,
    Milliseconds,
    Microseconds,
    PerSecond,
    Percent,
    Pieces,
}

impl Report {
    pub(super) fn new(duration: Duration) -> Self {
        Self { duration, figures: vec![] }
    }

    /// A figure that stands for itself.
    pub(super) fn alone(&mut self, name: &str, unit: Unit, ours: f64) {
        self.figures.push(Figure { name: name.to_owned(), unit, ours, beside: None });
    }

    /// A figure of both sides, measured once.
    pub(super) fn beside(&mut self, name: &str, unit: Unit, (ours, beside): (f64, f64)) {
        self.pair(name, unit, Pair { ours, beside, ratio: ours / beside });
    }

    /// A figure of both sides, measured in turns.
    pub(super) fn pair(&mut self, name: &str, unit: Unit, pair: Pair) {
        let Pair { ours, beside: value, ratio } = pair;
        let beside = Some(Beside { value, ratio });
        self.figures.push(Figure { name: name.to_owned(), unit, ours, beside });
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut table = format!(
            "{} cores, {} s for each side of a figure, medians of {ROUNDS} rounds in turns\n\n",
            cores(),
            self.duration.as_secs(),
        );
        let width = self.figures.iter().map(|figure| figure.name.len()).max().unwrap_or_default();
        let mut line = |name: &str, [ours, beside, ratio]: [&str; 3]| {
            // Writing to a text cannot fail.
            let _ = writeln!(table, "{name:<width$}  {ours:>12}  {beside:>12}  {ratio:>6}");
        };
        line("", ["ours", "beside", "ratio"]);
        for figure in &self.figures {
            let ours = figure.unit.tell(figure.ours);
            let (beside, ratio) = match &figure.beside {
                Some(beside) => (figure.unit.tell(beside.value), format!("{:.2}", beside.ratio)),
                None => (String::new(), String::new()),
            };
            line(&figure.name, [&ours, &beside, &ratio]);
        }
        table
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let figure = |figure: &Figure| {
            json!({
                "name": figure.name.trim(),
                "unit": figure.unit.name(),
                "ours": figure.ours,
                "beside": figure.beside.as_ref().map(|beside| beside.value),
                "ratio": figure.beside.as_ref().map(|beside| beside.ratio),
            })
        };
        json!({
            "cores": cores(),
            "seconds": self.duration.as_secs(),
            "rounds": ROUNDS,
            "figures": self.figures.iter().map(figure).collect::<Vec<_>>(),
        })
    }
}

impl Unit {
    fn tell(self, value: f64) -> String {
        match self {
            Self::Bytes => format!("{:.1} MB", value / 1e6),
            Self::SingleBytes => format!("{value:.2} bytes"),
            Self::Milliseconds => format!("{value:.1} ms"),
            Self::Microseconds => format!("{value:.1} \u{b5}s"),
            Self::Percent => format!("{:.1} %", value * 100.0),
            Self::Pieces => format!("{value:.0}"),
            Self::PerSecond if value < 1000.0 => format!("{value:.1} /s"),
            Self::PerSecond => format!("{value:.0} /s"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bytes | Self::SingleBytes => "bytes",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::PerSecond => "per second",
            Self::Percent => "share",
            Self::Pieces => "pieces",
        }
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn figures_stand_in_columns() {
        let mut report = Report::new(Duration::from_secs(3));
        report.alone("size", Unit::Bytes, 12_340_000.0);
        report.pair("reads", Unit::PerSecond, Pair { ours: 1000.0, beside: 4000.0, ratio: 0.26 });
        let table = report.table();
        let lines: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "               ours        beside   ratio",
                "size        12.3 MB                      ",
                "reads       1000 /s       4000 /s    0.26",
            ]
        );
        let json = report.json();
        assert_eq!(json.pointer("/figures/0/ratio"), Some(&Value::Null));
        assert_eq!(json.pointer("/figures/1/ratio").and_then(Value::as_f64), Some(0.26));
    }
}
