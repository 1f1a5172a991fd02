//! OpenAPI 3, from the declarations.

use serde_json::{Map, Value, json};

use super::fields;
use crate::{Operation, Path, Reached};

/// A whole document around `paths`, each with its full address (`/auth/userpass/login/{username}`).
pub fn document(version: &str, paths: impl Iterator<Item = (String, Value)>) -> Value {
    json!({
        "openapi": "3.0.2",
        "info": {
            "title": "Strongroom API",
            "description": "The HTTP API of Strongroom. Every path stands below `/v1`.",
            "version": version,
            "license": {
                "name": "Mozilla Public License 2.0",
                "url": "https://www.mozilla.org/en-US/MPL/2.0"
            }
        },
        "paths": paths.collect::<Map<_, _>>(),
    })
}

/// One entry of the `paths` object: its template below the mount, and what can be done there.
pub fn path_item<C: Send + Sync + 'static>(path: &Path<C>) -> (String, Value) {
    let Reached { public, sudo, .. } = path.reached;
    let mut item = Map::new();
    item.insert("description".into(), path.summary.into());
    if public {
        item.insert("x-vault-unauthenticated".into(), true.into());
    }
    if sudo {
        item.insert("x-vault-sudo".into(), true.into());
    }
    if path.distinguishes_create() {
        item.insert("x-vault-createSupported".into(), true.into());
    }
    for (operation, endpoint) in path.operations() {
        let places: Vec<_> = path.pattern.parameters().collect();
        let (own, sent): (Map<_, _>, Map<_, _>) = fields::properties(&endpoint.parameters)
            .map(|(name, schema)| (name.clone(), schema.clone()))
            .partition(|(name, _)| places.contains(&name.as_str()));
        let mut parameters: Vec<_> = own.iter().map(|(name, schema)| place(name, schema)).collect();
        let mut described =
            json!({ "summary": path.summary, "responses": replies(endpoint.reply.as_ref()) });
        match operation {
            Operation::Read | Operation::List | Operation::Scan | Operation::Delete => {
                parameters.extend(sent.iter().map(|(name, schema)| in_query(name, schema)));
            }
            _ if !sent.is_empty() => {
                let schema = json!({ "type": "object", "properties": sent });
                described["requestBody"] = json!({ "content": content(operation, &schema) });
            }
            _ => {}
        }
        match operation {
            Operation::List => parameters.push(flag("list", "Lists, when true.")),
            Operation::Scan => {
                parameters.push(flag("scan", "Lists all that lies below, when true."))
            }
            _ => {}
        }
        described["parameters"] = parameters.into();
        merge(&mut item, verb(operation), described);
    }
    (path.pattern.openapi(), Value::Object(item))
}

/// GET serves reading and listing; where a path does both, listing is told by its parameter.
fn merge(item: &mut Map<String, Value>, verb: &str, described: Value) {
    match item.get_mut(verb) {
        None => {
            item.insert(verb.into(), described);
        }
        Some(earlier) => {
            if let (Some(all), Some(added)) =
                (earlier["parameters"].as_array_mut(), described["parameters"].as_array())
            {
                let known: Vec<_> = all.iter().map(|parameter| parameter["name"].clone()).collect();
                all.extend(added.iter().filter(|one| !known.contains(&one["name"])).cloned());
            }
        }
    }
}

fn place(name: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": schema,
            "description": schema["description"] })
}

fn in_query(name: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "query", "schema": schema, "description": schema["description"] })
}

fn flag(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "query", "description": description,
            "schema": { "type": "string", "enum": ["true"] } })
}

fn content(operation: Operation, schema: &Value) -> Value {
    match operation {
        Operation::Patch => json!({ "application/merge-patch+json": { "schema": schema } }),
        _ => json!({ "application/json": { "schema": schema } }),
    }
}

fn replies(reply: Option<&schemars::Schema>) -> Value {
    match reply {
        Some(schema) => json!({ "200": {
            "description": "OK", "content": { "application/json": { "schema": schema } } } }),
        None => json!({ "204": { "description": "empty body" } }),
    }
}

fn verb(operation: Operation) -> &'static str {
    match operation {
        Operation::Delete => "delete",
        Operation::Patch => "patch",
        Operation::List | Operation::Scan | Operation::Read | Operation::Help => "get",
        Operation::Create | Operation::Update => "post",
    }
}
