//! Secrets over HTTP: what comes back, what is found below a folder, and a mount that goes from
//! version 1 to version 2 while people use it.

use std::sync::mpsc::channel;

use client::Request;
use serde_json::json;

use super::exchange::{Line, message, raw};
use super::harness::{Server, Wire};

/// Secrets that are written while the mount is upgraded.
const SECRETS: usize = 120;

fn with_mounts() -> Server {
    let server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    root.write("sys/mounts/one", &json!({"type": "kv"})).is(204);
    let versioned = json!({"type": "kv", "options": {"version": "2"}});
    root.write("sys/mounts/two", &versioned).is(204);
    server
}

#[test]
fn values_come_back_byte_for_byte() {
    let server = with_mounts();
    let ask = |verb: &str, path: &str, body: &str| {
        raw(&server, &message(verb, &format!("/v1/{path}"), (&server.root, body)))
    };
    let digits = "9".repeat(256);
    let secret = [
        r#"{"":"","big":12345678901234567890123456789,"#,
        r#""exact":0.1000000000000000055511151231257827,"#,
        r#""float":1.0,"huge":1e+400,"large":"#,
        &digits,
        r#","list":[-0,-0.0,1.10,9007199254740993,null,true,{},[]],"tiny":1e-400,"#,
        r#""日本":"𝄞 é e\u0301 \u0000 \"\\ /"}"#,
    ]
    .concat()
    // The one spelling of a letter that is plain to begin with.
    .replace("\\u0301", "\u{301}");
    ask("POST", "one/a", &secret).is(204);
    let read = ask("GET", "one/a", "");
    assert!(read.is(200).text.contains(&format!(r#""data":{secret},"#)), "{}", read.text);
    ask("POST", "two/data/a", &format!(r#"{{"data":{secret}}}"#)).is(200);
    let read = ask("GET", "two/data/a", "");
    assert!(read.is(200).text.contains(&format!(r#""data":{{"data":{secret},"#)), "{}", read.text);
    // As they were while the server runs, and after it comes back.
    let mut server = server;
    server.stop();
    server.launch();
    server.unseal();
    let again = raw(&server, &message("GET", "/v1/two/data/a", (&server.root, "")));
    assert!(again.is(200).text.contains(&format!(r#""data":{{"data":{secret},"#)));
}

#[test]
fn a_scan_finds_all_that_lies_below() {
    let server = with_mounts();
    let root = Line::with(&server, &server.root);
    for path in ["a", "f/b", "f/g/c"] {
        root.write(&format!("one/{path}"), &json!({"x": 1})).is(204);
        root.write(&format!("two/data/{path}"), &json!({"data": {}})).is(200);
    }
    let ask = |verb: &str, target: &str| {
        raw(&server, &message(verb, &format!("/v1/{target}"), (&server.root, "")))
    };
    for folder in ["one", "two/metadata", "two/detailed-metadata"] {
        for (verb, question, expected) in [
            ("SCAN", "", json!(["a", "f/b", "f/g/c"])),
            ("SCAN", "/f", json!(["b", "g/c"])),
            ("SCAN", "/f/", json!(["b", "g/c"])),
            ("GET", "?scan=true", json!(["a", "f/b", "f/g/c"])),
            ("GET", "/f?scan=1", json!(["b", "g/c"])),
            ("GET", "/f/?scan=true&limit=1&after=b", json!(["g/c"])),
            ("LIST", "", json!(["a", "f/"])),
        ] {
            let answer = ask(verb, &format!("{folder}{question}"));
            let keys = &answer.is(200).body["data"]["keys"];
            assert_eq!(*keys, expected, "{verb} {folder}{question}");
        }
        ask("GET", &format!("{folder}?scan=true&list=true")).is(400);
        ask("GET", &format!("{folder}?scan=perhaps")).is(400);
        ask("SCAN", &format!("{folder}/nowhere")).is(404);
    }
    let about = &ask("SCAN", "two/detailed-metadata").body["data"]["key_info"];
    assert_eq!(about["f/g/c"]["current_version"], 1);
    // Scanning takes a capability of its own.
    let text = "path \"one/f\" { capabilities = [\"scan\"] } path \"one/*\" { policy = \"read\" }";
    root.write("sys/policies/acl/scanner", &json!({"policy": text})).is(204);
    let made = server.as_root("token create -format=json -policy=scanner").end().json();
    let scanner = Line::with(&server, made["auth"]["client_token"].as_str().unwrap());
    scanner.ask(Request::scan("one/f")).is(200);
    scanner.ask(Request::list("one/f")).is(403);
    scanner.ask(Request::scan("one")).is(403);
}

// Cases 35 and 36 of the engines.
#[test]
fn subkeys_show_names_and_no_values() {
    let server = with_mounts();
    let root = Line::with(&server, &server.root);
    let secret = json!({"db": {"pw": "hunter2", "in": {"a": 1}}, "tags": [1], "none": {}});
    root.write("two/data/a", &json!({"data": secret})).is(200);
    for (depth, expected) in [
        ("0", json!({"db": {"pw": null, "in": {"a": null}}, "tags": null, "none": null})),
        ("1", json!({"db": null, "tags": null, "none": null})),
        ("2", json!({"db": {"pw": null, "in": null}, "tags": null, "none": null})),
    ] {
        let answer = root.ask(Request::get("two/subkeys/a").query("depth", depth));
        assert_eq!(answer.is(200).body["data"]["subkeys"], expected, "{depth}");
        assert_eq!(answer.body["data"]["metadata"]["version"], 1);
    }
    root.write("two/data/b", &json!({"data": {}})).is(200);
    assert_eq!(root.read("two/subkeys/b").is(200).body["data"]["subkeys"], json!({}));
}

#[test]
fn a_mount_is_upgraded_while_people_use_it() {
    let server = with_mounts();
    let (acknowledge, acknowledged) = channel();
    let line = Line::with(&server, &server.root);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..SECRETS {
                write_and_read(&line, number);
                acknowledge.send(number).unwrap();
            }
        });
        let root = Line::with(&server, &server.root);
        for number in acknowledged.iter().take(SECRETS) {
            if number == SECRETS / 3 {
                let tune = json!({"options": {"version": "2"}});
                let upgraded = root.write("sys/mounts/one/tune", &tune);
                let text = upgraded.is(200).body["warnings"][0].as_str().unwrap();
                assert!(text.starts_with("Upgrading mount from version 1 to version 2."), "{text}");
            }
        }
    });
    let root = Line::with(&server, &server.root);
    for number in 0..SECRETS {
        let read = root.read(&format!("one/data/{number}"));
        assert_eq!(read.is(200).body["data"]["data"], json!({ "number": number }));
        assert_eq!(read.body["data"]["metadata"]["version"], 1);
    }
    let listed = root.ask(Request::list("one/metadata"));
    assert_eq!(listed.is(200).body["data"]["keys"].as_array().unwrap().len(), SECRETS);
}

/// Writes a secret and finds it again, as whichever version the mount has at that moment. Nothing
/// but the other version's way of saying "not like this" may come in between.
#[track_caller]
fn write_and_read(line: &Line, number: usize) {
    let (old, new) = (format!("one/{number}"), format!("one/data/{number}"));
    let secret = json!({ "number": number });
    let written = line.write(&old, &secret);
    if written.status != 204 {
        written.is(404);
        line.write(&new, &json!({ "data": secret })).is(200);
    }
    let read = line.read(&old);
    if read.status == 200 {
        assert_eq!(read.body["data"], secret);
        return;
    }
    read.is(404);
    assert_eq!(line.read(&new).is(200).body["data"]["data"], secret);
}
