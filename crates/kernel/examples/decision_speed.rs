//! How many decisions over requests can be made in a second, by the number of rules of a token.
//!
//! `cargo run --release --package kernel --example decision_speed`
//!
//! Of the rules a third each are exact, end in a star, and have a plus inside. The requests are for
//! paths that one of the rules decides about, spread over all rules; the decision is the whole of
//! it, parameters included. A second column has a rule with a template beside, which every second
//! request could be about.

#![allow(clippy::print_stdout, reason = "this is a program, and what it prints is its purpose")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use api::Operation;
use api::describe::Synonyms;
use kernel::policies::{Access, Compiled, Need, Person, Question, Subject, parse};

const RULES: [usize; 3] = [1, 100, 10_000];
/// How long each figure is measured.
const DURATION: Duration = Duration::from_secs(2);
/// Decisions between two looks at the clock.
const BATCH: usize = 1_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{:>8}  {:>22}  {:>22}", "rules", "decisions per second", "with a template beside");
    for rules in RULES {
        let plain = rate(rules, "")?;
        let template = "path \"own/{{identity.entity.id}}/*\" { policy = \"read\" }\n";
        println!("{rules:>8}  {plain:>22}  {:>22}", rate(rules, template)?);
    }
    Ok(())
}

/// Decisions per second under so many rules and the `extra` ones.
fn rate(rules: usize, extra: &str) -> Result<u128, Box<dyn std::error::Error>> {
    let mut text = extra.to_owned();
    let mut paths = Vec::new();
    for number in 0..rules {
        let (pattern, path) = match number % 3 {
            0 => (format!("secret/data/{number}/exact"), format!("secret/data/{number}/exact")),
            1 => (format!("secret/data/{number}/*"), format!("secret/data/{number}/a/b/c")),
            _ => (format!("secret/+/{number}/*"), format!("secret/metadata/{number}/a/b")),
        };
        writeln!(text, "path {pattern:?} {{ capabilities = [\"read\", \"list\"] }}")?;
        paths.push(path);
        if !extra.is_empty() {
            paths.push("own/e-1/x".to_owned());
        }
    }
    let policy = parse(&text)?;
    let compiled = Compiled::new(&[("measured", &policy)]);
    let subject = Subject { person: Some(Person { id: "e-1".to_owned(), ..Person::default() }) };
    let (start, mut made) = (now(), 0_u128);
    let mut asked = paths.iter().cycle();
    while start.elapsed_since() < DURATION {
        for path in asked.by_ref().take(BATCH) {
            let access =
                Access { path, operation: Operation::Read, subject: &subject, now_seconds: 1 };
            let (need, synonyms) = (Need::Capability, Synonyms::NONE);
            let question = Question { access, need, data: None, synonyms, wrap_ttl: None };
            if !black_box(compiled.decide(&question)).is_allowed() {
                return Err(format!("{path} should be allowed").into());
            }
        }
        made += BATCH as u128;
    }
    Ok(made * 1_000 / start.elapsed_since().as_millis().max(1))
}

/// A point in time to measure from.
struct Start(Instant);

#[allow(clippy::disallowed_methods, reason = "this measures how long something takes")]
fn now() -> Start {
    Start(Instant::now())
}

impl Start {
    #[allow(clippy::disallowed_methods, reason = "this measures how long something takes")]
    fn elapsed_since(&self) -> Duration {
        self.0.elapsed()
    }
}
