//! Several operations in one request, as clients and the command line see it.

use serde_json::{Value, json};

use super::exchange::Line;
use super::harness::{Server, Wire};

fn write(path: &str, parameters: &Value) -> Value {
    json!({"operation": "write", "path": path, "parameters": parameters})
}

#[test]
fn a_batch_is_done_or_refused_as_a_whole() {
    let server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    root.write("sys/mounts/kv", &json!({"type": "kv"})).is(204);
    let secret = write("kv/app", &json!({"key": "value"}));
    let batch = |operations: Value| root.write("sys/batch", &json!({ "operations": operations }));

    let lost = json!([secret, write("nowhere/app", &json!({}))]);
    let errors = batch(lost).is(404).body["errors"].clone();
    assert_eq!(errors, json!(["operations[1] (write nowhere/app): no handler for route"]));
    root.read("kv/app").is(404);
    for (wrong, said) in [
        (json!([]), "missing operations: give a list of at least one"),
        (json!("text"), "operations"),
        (json!([{"operation": "write"}]), "path"),
        (json!([secret, {"operation": "read", "path": "kv//app"}]), "operations[1]: "),
        (json!([secret, {"operation": "patch", "path": "kv/app"}]), "unsupported operation"),
    ] {
        let error = batch(wrong).is(400).body["errors"][0].clone();
        assert!(error.as_str().unwrap().contains(said), "{error}");
    }
    root.read("kv/app").is(404);

    let made = root.write("auth/token/create", &json!({"policies": ["none"]}));
    let user = Line::with(&server, made.is(200).body["auth"]["client_token"].as_str().unwrap());
    let refused = user.write("sys/batch", &json!({"operations": [secret]}));
    let errors = refused.is(403).body["errors"].clone();
    assert_eq!(errors, json!(["operations[0] (write kv/app): permission denied"]));

    let done = batch(json!([secret, {"operation": "read", "path": "kv/app"}]));
    let results = done.is(200).body["data"]["results"].clone();
    assert_eq!(results[1]["data"], json!({"key": "value"}));
    root.read("kv/app").is(200);
}

#[test]
fn the_command_line_sends_a_batch_as_any_write() {
    let server = Server::ready(Wire::Plain);
    server.as_root("secrets enable kv").end().exits(0);
    let operations = json!({"operations": [write("kv/a", &json!({"b": 1}))]}).to_string();
    let said = server.as_root("write -format=json sys/batch -").input(&operations).end();
    let results = said.json()["data"]["results"].clone();
    assert_eq!(results[0]["operation"], "create");
    server.as_root("read -field=b kv/a").end().exits(0).prints("1");
}
