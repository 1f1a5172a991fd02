//! The parameters of a path, read out of their schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::{iter, slice};

use schemars::Schema;
use serde_json::Value;

use crate::{Endpoint, Path};

/// By this a field tells in its schema which field it is an older name of.
const OLDER_NAME_OF: &str = "x-older-name-of";

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

/// The names by which an endpoint knows one and the same parameter.
pub fn synonyms<C>(endpoint: &Endpoint<C>) -> &Synonyms {
    &endpoint.fields.synonyms
}

/// Names that stand for one and the same parameter. A field that goes by an older name says so in
/// its schema:
///
/// ```text
/// #[schemars(extend("x-older-name-of" = "token_policies"))]
/// policies: Option<NameList>,
/// ```
#[derive(Clone, Debug, Default)]
pub struct Synonyms {
    others: BTreeMap<String, Vec<String>>,
}

impl Synonyms {
    /// Every name stands for itself.
    pub const NONE: &'static Self = &Self { others: BTreeMap::new() };

    /// `name`, and whatever else its parameter is called.
    pub fn of<'all>(&'all self, name: &'all str) -> impl Iterator<Item = &'all str> {
        let others = self.others.get(name).into_iter().flatten();
        iter::once(name).chain(others.map(String::as_str))
    }

    fn in_schema(schema: &Schema) -> Self {
        let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, schema) in properties(schema) {
            if let Some(newer) = schema[OLDER_NAME_OF].as_str() {
                groups.entry(newer).or_insert_with(|| [newer].into()).insert(name);
            }
        }
        let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for group in groups.values() {
            for name in group {
                let others_of_it = group.iter().filter(|other| *other != name);
                let all = others.entry((*name).to_owned()).or_default();
                all.extend(others_of_it.map(|other| (*other).to_owned()));
            }
        }
        Self { others }
    }
}

/// What every request asks of the schema of its parameters, found out once.
pub(crate) struct Fields {
    names: BTreeSet<String>,
    secrets: BTreeSet<String>,
    synonyms: Synonyms,
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
            synonyms: Synonyms::in_schema(schema),
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
