//! The audit file holds everything that happened, and nothing that is secret.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::exchange::Line;
use super::harness::{Server, Wire};

const PASSWORD: &str = "canary-password-27b9d0fa55";
const SECRET: &str = "canary-secret-8831c6e2af";

#[test]
fn the_audit_file_has_every_request_in_pairs_and_no_secret() {
    let mut server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    let file = server.path("audit.log");
    let device = json!({"type": "file", "options": {"file_path": file}});
    root.write("sys/audit/file", &device).is(204);
    root.write("sys/auth/userpass", &json!({"type": "userpass"})).is(204);
    root.write("sys/mounts/kv", &json!({"type": "kv"})).is(204);
    root.write("auth/userpass/users/ann", &json!({ "password": PASSWORD })).is(204);
    root.write("kv/door", &json!({ "value": SECRET })).is(204);
    root.read("kv/door").is(200);
    let nobody = Line::open(&server);
    let login = nobody.write("auth/userpass/login/ann", &json!({ "password": PASSWORD }));
    let token = login.is(200).body["auth"]["client_token"].as_str().unwrap().to_owned();
    Line::with(&server, &token).read("kv/door").is(403);
    nobody.write("auth/userpass/login/ann", &json!({"password": "wrong"})).is(400);
    server.stop();

    let text = std::fs::read_to_string(&file).unwrap();
    for canary in [PASSWORD, SECRET, &token, &server.root] {
        assert!(!text.contains(canary), "{canary:?} is in {text}");
    }
    let entries: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for path in ["sys/mounts/kv", "auth/userpass/users/ann", "kv/door", "auth/userpass/login/ann"] {
        assert!(entries.iter().any(|entry| entry["request"]["path"] == path), "{path}");
    }
    assert_eq!(unpaired(&entries), ["sys/audit/test"], "{text}");
    let denied = entries.iter().filter(|entry| entry["error"].is_string()).count();
    assert!(denied >= 2, "{text}");
}

#[test]
fn nothing_happens_that_cannot_be_written_down() {
    let server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    let file = server.path("no-such-folder/audit.log");
    std::fs::write(server.path("no-such-folder"), "in the way").unwrap();
    let device = json!({"type": "file", "options": {"file_path": file}});
    root.write("sys/audit/file", &device).is(400);
    root.write("sys/mounts/kv", &json!({"type": "kv"})).is(204);
    // Every write to this device fails, as it does on a disk without room.
    let full = json!({"type": "file", "options": {"file_path": "/dev/full"}});
    let enabled = root.write("sys/audit/full", &full);
    assert_ne!(enabled.status, 204, "a device that cannot be written to was accepted");
    root.read("sys/mounts").is(200);
}

/// The paths of requests without an answer, and of answers without a request.
fn unpaired(entries: &[Value]) -> Vec<String> {
    let mut open: BTreeMap<&str, &Value> = BTreeMap::new();
    let mut alone = Vec::new();
    for entry in entries {
        let id = entry["request"]["id"].as_str().unwrap();
        match entry["type"].as_str().unwrap() {
            "request" => assert!(open.insert(id, entry).is_none(), "{id} twice"),
            "response" if open.remove(id).is_some() => {}
            _ => alone.push(entry),
        }
    }
    alone.extend(open.into_values());
    alone.iter().map(|entry| entry["request"]["path"].as_str().unwrap().to_owned()).collect()
}
