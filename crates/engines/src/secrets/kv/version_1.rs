//! Secrets without history: what was sent last is what is there.

use api::{Context, Error, Everything, Lease, NoContent, Path, Reply, Result, Seconds, duration};
use serde_json::{Map, Value};

use super::check_reach;
use crate::secrets::Place;
use crate::secrets::verbatim::{self, SECRETS};

pub(super) fn paths() -> Vec<Path> {
    vec![path()]
}

fn path() -> Path {
    Path::new("{path...?}")
        .help(
            "Keep, read, list and remove secrets.",
            "All that is sent is kept as it is. A write replaces what was there before.\n\n\
             A field \"ttl\" (or \"lease\") says how long readers should rely on what they read; \
             it is advice, and nothing ends by it.",
        )
        .exists(verbatim::exists)
        .read(read)
        .write(write)
        .delete(verbatim::delete)
        .list(verbatim::list)
        .scan(verbatim::scan)
}

/// Answers with a [`Reply`] because the advice on how long it is good for stands beside the data.
async fn read(context: &Context, place: Place) -> Result<Reply> {
    let secret = SECRETS.get(&context.store, &place.path).await?.ok_or(Error::Missing)?;
    let duration = advice(&secret).unwrap_or(context.mount.ttl_default);
    Ok(Reply::Data(secret, Some(Lease { duration, ..Lease::default() })))
}

async fn write(context: &Context, (place, secret): (Place, Everything)) -> Result<NoContent> {
    check_reach(context, &place.path)?;
    verbatim::write(context, (place, secret)).await
}

/// How long the secret itself says it is good for.
fn advice(secret: &Map<String, Value>) -> Option<Seconds> {
    let seconds = match secret.get("ttl").or_else(|| secret.get("lease"))? {
        Value::Number(number) => {
            number.as_u64().and_then(|seconds| duration::bounded(seconds).ok())
        }
        Value::String(text) => duration::parse(text).ok(),
        _ => None,
    };
    seconds.map(Seconds)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(secret: Value, expected: Option<u64>) {
        assert_eq!(advice(secret.as_object().unwrap()), expected.map(Seconds), "{secret}");
    }

    #[test]
    fn a_secret_can_say_how_long_it_is_good_for() {
        check(json!({"a": 1}), None);
        check(json!({"ttl": 40}), Some(40));
        check(json!({"ttl": "40"}), Some(40));
        check(json!({"ttl": "40s"}), Some(40));
        check(json!({"lease": "1h"}), Some(3600));
        check(json!({"ttl": 1, "lease": 2}), Some(1));
        check(json!({"ttl": "nonsense", "lease": 2}), None);
        check(json!({"ttl": -1}), None);
        check(json!({"ttl": 1.5}), None);
        check(json!({"ttl": ["1h"]}), None);
        check(json!({"ttl": "500ms"}), Some(1));
        check(json!({"ttl": duration::SECONDS_MAX}), Some(duration::SECONDS_MAX));
        for beyond in [json!(duration::SECONDS_MAX + 1), json!(u64::MAX), json!("9223372037")] {
            check(json!({ "ttl": beyond }), None);
        }
    }
}
