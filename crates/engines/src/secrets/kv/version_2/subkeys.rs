//! What fields a secret has, without what they hold.

use api::{Context, Error, Found, Path, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::history::{History, VersionView, Wanted};
use crate::secrets::Place;

pub(super) fn path() -> Path {
    Path::new("subkeys/{path...}")
        .help(
            "Read which fields a secret has.",
            "What the fields hold is left out: instead of every value there is null.",
        )
        .read(read)
}

#[derive(Deserialize, JsonSchema)]
struct Deep {
    /// How many levels of fields to show; 0 means all.
    depth: Option<i64>,
}

#[derive(JsonSchema, Serialize)]
struct SubkeysView {
    /// The fields, each with null or with the fields in it; `null` where the version is deleted.
    subkeys: Option<Map<String, Value>>,
    /// What is known of the version.
    metadata: VersionView,
}

async fn read(
    context: &Context,
    (place, wanted, deep): (Place, Wanted, Deep),
) -> Result<Found<SubkeysView>> {
    let history = History::find(context, &place.path).await?.ok_or(Error::Missing)?;
    let (number, version) = history.wanted(&wanted).await?;
    let metadata = history.view(number, &version);
    if !version.is_live(context.now) {
        return Ok(Found::Gone(SubkeysView { subkeys: None, metadata }));
    }
    let mut subkeys = history.secret(number).await?;
    let levels = deep.depth.and_then(|depth| usize::try_from(depth).ok()).unwrap_or_default();
    blank(&mut subkeys, if levels == 0 { usize::MAX } else { levels });
    Ok(Found::Here(SubkeysView { subkeys: Some(subkeys), metadata }))
}

/// Leaves `levels` levels of names, which are at least one, and no values. As deep as requests may
/// nest, which the edge bounds.
fn blank(fields: &mut Map<String, Value>, levels: usize) {
    for value in fields.values_mut() {
        match value {
            Value::Object(inner) if levels > 1 && !inner.is_empty() => blank(inner, levels - 1),
            other => *other = Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(secret: Value, levels: usize, expected: Value) {
        let mut fields = secret.as_object().unwrap().clone();
        blank(&mut fields, levels);
        assert_eq!(Value::Object(fields), expected);
    }

    #[test]
    fn names_stay_and_values_go() {
        let secret =
            || json!({"db": {"pw": "x", "deep": {"a": 1}}, "tags": [{"a": 1}], "none": {}});
        let blank = json!({"db": {"pw": null, "deep": {"a": null}}, "tags": null, "none": null});
        check(secret(), usize::MAX, blank);
        check(secret(), 1, json!({"db": null, "tags": null, "none": null}));
        let two = json!({"db": {"pw": null, "deep": null}, "tags": null, "none": null});
        check(secret(), 2, two);
        check(json!({}), 1, json!({}));
        check(json!({"a": null, "b": true}), 3, json!({"a": null, "b": null}));
    }
}
