//! Wrong logins by names that are known and by names that are not, one after the other in turns.
//!
//! Whoever watches the clock should learn nothing: the medians should differ by less than a
//! millisecond and two percent, and the Mann-Whitney test should find no difference.

use bytes::Bytes;
use hyper::Method;
use serde_json::json;

use super::failure::{Failure, Outcome};
use super::load::{Connection, Question};
use super::measure::{Bench, milliseconds};
use super::report::{Report, Unit};
use super::rounds::{median, now, since};
use super::server::{self, Operator};

/// How many users there are, and how many names of nobody.
const NAMES: usize = 50;
/// Costs of the bcrypt hashes among the users': small ones, so that many logins can be made.
const COSTS: [u32; 2] = [5, 6];

pub(super) async fn measure(bench: &Bench, report: &mut Report) -> Outcome<()> {
    let (running, _) = bench.place("timing")?.start().await?;
    let filled = server::fill(&running).await?;
    let mut operator = Operator::root(running.address, &filled).await?;
    let off = json!({ "user_lockout_config": { "lockout_disable": true } });
    operator.write("sys/auth/userpass/tune", &off).await?;
    for number in 0..NAMES {
        let user = user(number)?;
        operator.write(&format!("auth/userpass/users/known-{number:02}"), &user).await?;
    }
    let mut connection = Connection::open(running.address).await?;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..bench.count {
        // Whoever is asked about second may find the machine warm, so they take turns at that too.
        // The benches of the workshop take turns as well, each with memory of its own: of two, one
        // would otherwise serve the known names alone.
        let mut order = [("known", &mut known), ("other", &mut unknown)];
        if number / NAMES % 2 == 1 {
            order.reverse();
        }
        for (kind, times) in order {
            times.push(wrong_login(&mut connection, kind, number).await?);
        }
    }
    let probability = probability_of_no_difference(&known, &unknown);
    let medians = (median(known), median(unknown));
    let name = "wrong login by a known name; beside: by an unknown one";
    report.beside(name, Unit::Milliseconds, medians);
    report.alone("difference of the medians", Unit::Milliseconds, medians.0 - medians.1);
    report.alone("Mann-Whitney: chance if alike", Unit::Percent, probability);
    running.stop().await
}

/// A third of the users has a hash of ours, the others have hashes of other costs.
fn user(number: usize) -> Outcome<serde_json::Value> {
    let password = format!("password-{number}");
    Ok(match COSTS.get(number % (COSTS.len() + 1)) {
        Some(cost) => {
            let hash = bcrypt::hash(password, *cost);
            json!({ "password_hash": hash.map_err(|error| Failure::new(error.to_string()))? })
        }
        None => json!({ "password": password }),
    })
}

async fn wrong_login(connection: &mut Connection, kind: &str, number: usize) -> Outcome<f64> {
    let path = format!("auth/userpass/login/{kind}-{:02}", number % NAMES);
    let body = Bytes::from_static(br#"{"password":"wrong"}"#);
    let question = Question { body, ..server::question(Method::POST, &path) };
    let start = now();
    let (head, _) = connection.hear(&question).await?;
    let took = milliseconds(since(start));
    match head.status.as_u16() {
        400 => Ok(took),
        other => Err(Failure::new(format!("a wrong login was answered {other}"))),
    }
}

/// The Mann-Whitney U test with its normal approximation: how likely samples this different are if
/// both come from the same distribution.
fn probability_of_no_difference(one: &[f64], other: &[f64]) -> f64 {
    let ones = one.iter().map(|value| (*value, true));
    let mut all: Vec<(f64, bool)> = ones.chain(other.iter().map(|value| (*value, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ranked = all.iter().enumerate().filter(|(_, (_, of_one))| *of_one);
    let ranks: f64 = ranked.map(|(place, _)| place as f64 + 1.0).sum();
    let (n, m) = (one.len() as f64, other.len() as f64);
    let u = ranks - n * (n + 1.0) / 2.0;
    let deviation = (n * m * (n + m + 1.0) / 12.0).sqrt();
    two_sided((u - n * m / 2.0) / deviation)
}

/// The chance that a standard normal value is at least this far from zero: Abramowitz and Stegun,
/// Handbook of Mathematical Functions, 7.1.26.
fn two_sided(deviations: f64) -> f64 {
    let x = deviations.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let factors = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let polynomial = factors.iter().fold(0.0, |sum, factor| (sum + factor) * t);
    polynomial * (-x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_is_likely_and_different_is_not() {
        let one: Vec<f64> = (0..200).map(|n| f64::from(n * 37 % 100)).collect();
        let other: Vec<f64> = (0..200).map(|n| f64::from(n * 41 % 100) + 0.5).collect();
        let shifted: Vec<f64> = one.iter().map(|value| value + 20.0).collect();
        assert!(probability_of_no_difference(&one, &other) > 0.5);
        assert!(probability_of_no_difference(&one, &shifted) < 0.001);
    }

    #[test]
    fn the_normal_distribution_is_the_known_one() {
        for (deviations, expected) in [(0.0, 1.0), (1.0, 0.3173), (1.96, 0.05), (-2.576, 0.01)] {
            assert!((two_sided(deviations) - expected).abs() < 0.0005, "{deviations}");
        }
    }
}
