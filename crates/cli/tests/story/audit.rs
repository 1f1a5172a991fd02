//! The audit file holds everything that happened, and nothing that is secret.

use std::collections::BTreeMap;

use client::Request;
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
    let mut server = Server::ready(Wire::Plain);
    let (folder, away) = (server.path("entries"), server.path("away"));
    std::fs::create_dir(&folder).unwrap();
    let root = Line::with(&server, &server.root);
    let device = json!({"type": "file", "options": {"file_path": folder.join("audit.log")}});
    root.write("sys/audit/file", &device).is(204);
    root.write("sys/mounts/kv", &json!({"type": "kv"})).is(204);
    root.write("kv/door", &json!({"value": "closed"})).is(204);
    server.stop();
    std::fs::rename(&folder, &away).unwrap();
    std::fs::write(&folder, "in the way of the folder").unwrap();
    server.launch();
    server.unseal();
    let root = Line::with(&server, &server.root);
    root.write("kv/door", &json!({"value": "open"})).is(500);
    root.read("kv/door").is(500);
    root.write("auth/token/create", &json!({})).is(500);
    server.stop();
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    server.launch();
    server.unseal();
    let root = Line::with(&server, &server.root);
    assert_eq!(root.read("kv/door").is(200).body["data"]["value"], "closed");
    let accessors = root.ask(Request::list("auth/token/accessors"));
    assert_eq!(accessors.is(200).body["data"]["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_device_that_takes_nothing_is_not_accepted() {
    let server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    for file in [server.path("server.hcl/audit.log"), "/dev/full".into()] {
        let device = json!({"type": "file", "options": {"file_path": file}});
        root.write("sys/audit/file", &device).refuses(400, &[]);
        root.write("sys/mounts/kv", &json!({"type": "kv"})).is(204);
        root.ask(Request::delete("sys/mounts/kv")).is(204);
    }
    assert_eq!(root.read("sys/audit").is(200).body["data"], json!({}));
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
