//! Numbers as JSON, in the shape clients know from other servers, and as Prometheus reads them.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use api::Moment;
use serde_json::{Value, json};

use super::load;

/// What every name begins with: that of other servers, so that dashboards need not change.
const PREFIX: &str = "vault";

/// A number at this moment.
pub(super) struct Sample {
    /// Words with dots between them.
    name: &'static str,
    kind: Kind,
    labels: Vec<(&'static str, String)>,
    value: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Only ever grows, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl Sample {
    pub(super) fn gauge(name: &'static str, value: u64) -> Self {
        Self { name, kind: Kind::Gauge, labels: vec![], value }
    }

    pub(super) fn counter<const COUNT: usize>(
        name: &'static str,
        labels: [(&'static str, &str); COUNT],
        count: &AtomicU64,
    ) -> Self {
        let labels = labels.into_iter().map(|(label, value)| (label, value.to_owned())).collect();
        Self { name, kind: Kind::Counter, labels, value: load(count) }
    }
}

/// All of them in one document.
pub(super) fn json(samples: &[Sample], now: Moment) -> Value {
    let of = |kind: Kind, shape: fn(&Sample) -> Value| -> Vec<Value> {
        samples.iter().filter(|sample| sample.kind == kind).map(shape).collect()
    };
    let gauge = |sample: &Sample| {
        let labels = labels(sample);
        json!({ "Name": name(sample), "Value": sample.value, "Labels": labels })
    };
    let counter = |sample: &Sample| {
        json!({
            "Name": name(sample), "Count": sample.value, "Sum": sample.value,
            "Labels": labels(sample),
        })
    };
    // Whole seconds, in the form that clients know: `2026-11-21 22:00:00 +0000 UTC`.
    let time = Moment::from_unix(now.unix()).to_string().replace('T', " ").replace('Z', "");
    json!({
        "Timestamp": format!("{time} +0000 UTC"),
        "Gauges": of(Kind::Gauge, gauge),
        "Points": [],
        "Counters": of(Kind::Counter, counter),
        "Samples": [],
    })
}

fn name(sample: &Sample) -> String {
    format!("{PREFIX}.{}", sample.name)
}

fn labels(sample: &Sample) -> BTreeMap<&'static str, &str> {
    sample.labels.iter().map(|(label, value)| (*label, value.as_str())).collect()
}

/// All of them in the text format of Prometheus, version 0.0.4. Those of one name stand together.
pub(super) fn prometheus(samples: &[Sample]) -> String {
    let mut text = String::new();
    let mut last = "";
    for sample in samples {
        let name = format!("{PREFIX}_{}", sample.name.replace('.', "_"));
        if sample.name != last {
            let kind = match sample.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
            };
            text.push_str(&format!("# TYPE {name} {kind}\n"));
            last = sample.name;
        }
        let labels: Vec<String> = sample.labels.iter().map(pair).collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        text.push_str(&format!("{name}{labels} {}\n", sample.value));
    }
    text
}

fn pair((label, value): &(&'static str, String)) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{label}=\"{value}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Sample> {
        let count = AtomicU64::new(7);
        vec![
            Sample::gauge("core.unsealed", 1),
            Sample::counter("core.logins", [("mount", "auth/a\"b\\/"), ("outcome", "ok")], &count),
            Sample::counter("core.logins", [("mount", "auth/c/"), ("outcome", "ok")], &count),
            Sample::counter("token.creation", [], &count),
        ]
    }

    #[test]
    fn prometheus_reads_them() {
        assert_eq!(
            prometheus(&samples()),
            "# TYPE vault_core_unsealed gauge\n\
             vault_core_unsealed 1\n\
             # TYPE vault_core_logins counter\n\
             vault_core_logins{mount=\"auth/a\\\"b\\\\/\",outcome=\"ok\"} 7\n\
             vault_core_logins{mount=\"auth/c/\",outcome=\"ok\"} 7\n\
             # TYPE vault_token_creation counter\n\
             vault_token_creation 7\n"
        );
    }

    #[test]
    fn clients_find_them_where_they_look() {
        let document = json(&samples(), Moment::from_unix(1_790_000_000));
        assert_eq!(
            document,
            json!({
                "Timestamp": "2026-09-21 14:13:20 +0000 UTC",
                "Gauges": [{ "Name": "vault.core.unsealed", "Value": 1, "Labels": {} }],
                "Points": [],
                "Counters": [
                    { "Name": "vault.core.logins", "Count": 7, "Sum": 7,
                      "Labels": { "mount": "auth/a\"b\\/", "outcome": "ok" } },
                    { "Name": "vault.core.logins", "Count": 7, "Sum": 7,
                      "Labels": { "mount": "auth/c/", "outcome": "ok" } },
                    { "Name": "vault.token.creation", "Count": 7, "Sum": 7, "Labels": {} },
                ],
                "Samples": [],
            })
        );
    }
}
