//! The parameters of a path, read out of their schemas.

use std::collections::{BTreeMap, BTreeSet};

use schemars::Schema;
use serde_json::{Map, Value};

use crate::{Endpoint, Path};

/// Every parameter of every operation on this path, by name.
pub(super) fn all<C: Send + Sync + 'static>(path: &Path<C>) -> BTreeMap<String, Value> {
    let properties = path.operations().flat_map(|(_, endpoint)| properties(&endpoint.parameters));
    properties.collect()
}

/// The names of the parameters an endpoint understands.
pub fn parameter_names<C>(endpoint: &Endpoint<C>) -> BTreeSet<String> {
    properties(&endpoint.parameters).into_iter().map(|(name, _)| name).collect()
}

/// Whether an endpoint keeps whatever it is given.
pub fn accepts_anything<C>(endpoint: &Endpoint<C>) -> bool {
    let open = |group: &Value| group["additionalProperties"] == true;
    groups(&endpoint.parameters).iter().any(open)
}

/// The properties of a struct, or of all the structs in a tuple.
pub(super) fn properties(schema: &Schema) -> Map<String, Value> {
    let groups = groups(schema).into_iter();
    groups.filter_map(|group| group["properties"].as_object().cloned()).flatten().collect()
}

fn groups(schema: &Schema) -> Vec<Value> {
    let schema = schema.as_value();
    let groups = schema["prefixItems"].as_array().cloned();
    let groups = groups.unwrap_or_else(|| vec![schema.clone()]);
    let resolve = |group: Value| match group["$ref"].as_str() {
        Some(reference) => {
            schema.pointer(reference.trim_start_matches('#')).cloned().unwrap_or_default()
        }
        None => group,
    };
    groups.into_iter().map(resolve).collect()
}
