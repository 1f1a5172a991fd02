//! `sys/metrics`: the numbers of this node.

use api::{Error, Path, Reply, Result};
use schemars::JsonSchema;
use serde::Deserialize;

use super::text;
use crate::visit::Visit;

/// What Prometheus is told to read.
const PROMETHEUS: &str = "text/plain; version=0.0.4";

/// What can be asked about the numbers.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    vec![
        Path::new("metrics")
            .help(
                "Read what this node has done since it started, in numbers.",
                "As JSON, or with the format \"prometheus\" as Prometheus reads it.",
            )
            .read(read_metrics),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Wanted {
    /// "prometheus", or nothing for JSON.
    #[serde(default)]
    format: String,
}

async fn read_metrics(visit: &Visit, wanted: Wanted) -> Result<Reply> {
    let samples = visit.kernel.metrics.samples(visit.kernel.is_sealed());
    match wanted.format.as_str() {
        "" => Ok(Reply::Bare(text::json(&samples, visit.now))),
        "prometheus" => Ok(Reply::Document(PROMETHEUS.into(), text::prometheus(&samples))),
        _ => Err(Error::invalid(
            "metric response format unknown; say \"prometheus\", or nothing for JSON",
        )),
    }
}
