//! The parameters of a path, read out of their schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;

use schemars::Schema;
use serde_json::Value;

use crate::{Endpoint, Path};

/// Every parameter of every operation on this path, by name.
pub(super) fn all<C: Send + Sync + 'static>(path: &Path<C>) -> BTreeMap<String, Value> {
    let properties = path.operations().flat_map(|(_, endpoint)| properties(&endpoint.parameters));
    properties.map(|(name, schema)| (name.clone(), schema.clone())).collect()
}

/// The names of the parameters an endpoint understands.
pub fn parameter_names<C>(endpoint: &Endpoint<C>) -> &BTreeSet<String> {
    &endpoint.fields.names
}

/// The names of the parameters that an endpoint declares as secret.
pub fn secret_names<C>(endpoint: &Endpoint<C>) -> &BTreeSet<String> {
    &endpoint.fields.secrets
}

/// Whether an endpoint keeps whatever it is given.
pub fn accepts_anything<C>(endpoint: &Endpoint<C>) -> bool {
    endpoint.fields.open
}

/// What every request asks of the schema of its parameters, found out once.
pub(crate) struct Fields {
    names: BTreeSet<String>,
    secrets: BTreeSet<String>,
    open: bool,
}

impl Fields {
    pub(crate) fn of(schema: &Schema) -> Self {
        let is_secret = |schema: &Value| schema["x-vault-displayAttrs"]["sensitive"] == true;
        let secret = properties(schema).filter(|(_, schema)| is_secret(schema));
        let is_open = |group: &Value| group["additionalProperties"] == true;
        Self {
            names: properties(schema).map(|(name, _)| name.clone()).collect(),
            secrets: secret.map(|(name, _)| name.clone()).collect(),
            open: groups(schema).any(is_open),
        }
    }
}

/// The properties of a struct, or of all the structs in a tuple.
pub(super) fn properties(schema: &Schema) -> impl Iterator<Item = (&String, &Value)> {
    groups(schema).filter_map(|group| group["properties"].as_object()).flatten()
}

fn groups(schema: &Schema) -> impl Iterator<Item = &Value> {
    let schema = schema.as_value();
    let groups = schema["prefixItems"].as_array();
    let groups = groups.map_or(slice::from_ref(schema), Vec::as_slice);
    groups.iter().filter_map(|group| match group["$ref"].as_str() {
        Some(reference) => schema.pointer(reference.trim_start_matches('#')),
        None => Some(group),
    })
}
