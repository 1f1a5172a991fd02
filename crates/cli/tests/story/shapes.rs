//! How answers look on the wire: status, envelope and text, as existing clients see them.
//!
//! What is right to answer is shown elsewhere; this is about the words. Cases are those of the
//! engines; those of policies and of `sys/` say so.

use client::Request;
use serde_json::{Value, json};

use super::exchange::{Answer, Line, message, raw};
use super::harness::{Server, Wire};

const NOTHING: &str = r#"{"errors":[]}"#;

/// A server with one mount of each engine, where `kv` has no versions and `secret` has.
fn furnished() -> Server {
    let server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    root.write("sys/mounts/kv", &json!({"type": "kv"})).is(204);
    let versioned = json!({"type": "kv", "options": {"version": "2"}});
    root.write("sys/mounts/secret", &versioned).is(204);
    root.write("sys/auth/userpass", &json!({"type": "userpass"})).is(204);
    server
}

/// Sends a request line and a body as they are, with the root token.
fn send(server: &Server, verb: &str, target: &str, body: &str) -> Answer {
    raw(server, &message(verb, target, (&server.root, body)))
}

#[track_caller]
fn is_nothing(answer: &Answer) {
    assert_eq!((answer.status, answer.text.trim_end()), (404, NOTHING));
}

/// The only warning of an answer.
#[track_caller]
fn warning(answer: &Answer) -> &str {
    let warnings = answer.body["warnings"].as_array().unwrap_or_else(|| panic!("{}", answer.text));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    warnings[0].as_str().unwrap()
}

/// A wrapped answer, and what it must look like from outside.
#[track_caller]
fn wrapped(line: &Line, request: Request) -> Value {
    let answer = line.ask(request.header("X-Vault-Wrap-TTL", "5m"));
    let outer = &answer.is(200).body;
    assert_eq!(outer["request_id"], "");
    for key in ["data", "warnings", "auth"] {
        assert_eq!(outer[key], Value::Null, "{key}");
    }
    assert_eq!(outer["wrap_info"]["ttl"], json!(300));
    outer["wrap_info"].clone()
}

fn about(info: &Value) -> Value {
    json!({ "token": info["token"] })
}

// Cases 1 and 8.
#[test]
fn an_empty_folder_is_no_folder() {
    let server = furnished();
    for path in [
        "kv",
        "kv/nowhere",
        "secret/metadata",
        "secret/metadata/nowhere",
        "secret/detailed-metadata",
        "cubbyhole",
        "sys/policies/password",
        "auth/userpass/users",
        "auth/token/roles",
    ] {
        for slash in ["", "/"] {
            is_nothing(&send(&server, "LIST", &format!("/v1/{path}{slash}"), ""));
            is_nothing(&send(&server, "GET", &format!("/v1/{path}{slash}?list=true"), ""));
        }
    }
    for target in ["/v1/kv/a", "/v1/secret/data/a", "/v1/secret/metadata/a", "/v1/cubbyhole/a"] {
        is_nothing(&send(&server, "GET", target, ""));
    }
}

// Case 2, and 171 of policies.
#[test]
fn nothing_to_say_is_an_empty_answer() {
    let server = furnished();
    for (verb, path, body) in [
        ("POST", "kv/a", r#"{"b": 1}"#),
        ("PUT", "cubbyhole/a", r#"{"b": 1}"#),
        ("POST", "secret/config", r#"{"max_versions": 3, "unknown": 1}"#),
        ("POST", "sys/policies/acl/a", r#"{"policy": "path \"a\" {}", "unknown": 1}"#),
        ("DELETE", "kv/nothing", ""),
        ("DELETE", "secret/data/nothing", ""),
        ("DELETE", "secret/metadata/nothing", ""),
        ("DELETE", "sys/policies/acl/nothing", ""),
        ("DELETE", "cubbyhole/nothing", ""),
    ] {
        let answer = send(&server, verb, &format!("/v1/{path}"), body);
        assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{verb} {path}");
    }
}

// Cases 3 and 4.
#[test]
fn patches_are_for_those_who_take_them_and_say_what_they_are() {
    let server = furnished();
    let root = Line::with(&server, &server.root);
    root.write("kv/a", &json!({"b": 1})).is(204);
    root.write("secret/data/a", &json!({"data": {"b": 1}})).is(200);
    let body = json!({"data": {"c": 2}});
    let unsupported = "1 error occurred:\n\t* unsupported operation\n\n";
    let patch = || Request::patch("kv/a").json(&body).unwrap();
    root.ask(patch()).refuses(405, &[unsupported]);
    let mut plain = Request::patch("secret/data/a").json(&body).unwrap();
    plain.headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    let text = "PATCH requires Content-Type of application/merge-patch+json, provided \
                application/json";
    root.ask(plain).refuses(415, &[text]);
    let bare = send(&server, "PATCH", "/v1/secret/data/a", &body.to_string());
    bare.refuses(400, &["mime: no media type"]);
    let patched = root.ask(Request::patch("secret/data/a").json(&body).unwrap());
    assert_eq!(patched.is(200).body["data"]["version"], 2);
}

// Cases 5 and 6.
#[test]
fn parameters_bend_as_far_as_they_can_and_unknown_ones_are_named() {
    let server = furnished();
    let root = Line::with(&server, &server.root);
    root.write("secret/config", &json!({"max_versions": "5"})).is(204);
    assert_eq!(root.read("secret/config").is(200).body["data"]["max_versions"], 5);
    let conversion = "error converting input for field \"max_versions\": ";
    let answer = root.write("secret/config", &json!({"max_versions": "five"}));
    answer.refuses(400, &[&format!("Field validation failed: {conversion}")]);
    // Where existence is asked first, clients know the text without its first words.
    let answer = root.write("secret/metadata/a", &json!({"max_versions": "five"}));
    let text = answer.refuses(400, &[conversion]).body["errors"][0].as_str().unwrap();
    assert!(text.starts_with(conversion), "{text}");
    let written = root.write("secret/data/a", &json!({"data": {}, "zebra": 1, "apple": 2}));
    let ignored = "Endpoint ignored these unrecognized parameters: [apple zebra]";
    assert_eq!(warning(written.is(200)), ignored);
}

// Case 7, and 170 of policies.
#[test]
fn help_is_for_everybody_with_a_token() {
    let server = furnished();
    let made = server.as_root("token create -format=json -policy=default").end().json();
    let weak = made["auth"]["client_token"].as_str().unwrap();
    let ask = |target: &str, token: &str| raw(&server, &message("GET", target, (token, "")));
    ask("/sys/audit?help=1", weak).refuses(404, &["Missing /v1/ prefix in path."]);
    ask("/v1/sys/audit?help=1", "").refuses(403, &["permission denied"]);
    ask("/v1/sys/audit", weak).is(403);
    let help = ask("/v1/sys/audit?help=1", weak);
    let fields: Vec<_> = help.is(200).body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["help", "openapi", "see_also"]);
    let table = ask("/v1/kv?help=1", weak);
    assert!(table.is(200).body["help"].as_str().unwrap().contains("(?P<path>"), "{}", table.text);
}

// Cases 20, 30, 35 and 37.
#[test]
fn what_is_deleted_is_missing_but_has_something_to_say() {
    let server = furnished();
    let root = Line::with(&server, &server.root);
    root.write("secret/data/a", &json!({"data": {"b": 1}})).is(200);
    root.write("secret/data/a", &json!({"data": {"b": 2}})).is(200);
    root.ask(Request::delete("secret/data/a")).is(204);
    let gone = root.read("secret/data/a");
    let data = &gone.is(404).body["data"];
    assert_eq!(data["data"], Value::Null);
    assert_eq!(
        (&data["metadata"]["version"], &data["metadata"]["destroyed"]),
        (&json!(2), &json!(false))
    );
    assert!(data["metadata"]["deletion_time"].as_str().unwrap().ends_with('Z'));
    assert!(gone.body.get("errors").is_none() && gone.body["request_id"] != "");
    assert_eq!(
        root.ask(Request::get("secret/data/a").query("version", "1")).is(200).body["data"]["data"]
            ["b"],
        1
    );

    let body = json!({"data": {"c": 2}});
    let patched = root.ask(Request::patch("secret/data/a").json(&body).unwrap());
    let facts = &patched.is(404).body["data"];
    assert_eq!((&facts["version"], facts.get("metadata")), (&json!(2), None));
    is_nothing(&root.ask(Request::patch("secret/data/none").json(&body).unwrap()));

    let subkeys = root.read("secret/subkeys/a");
    assert_eq!(subkeys.is(404).body["data"]["subkeys"], Value::Null);
    assert_eq!(subkeys.body["data"]["metadata"]["version"], 2);

    let info = wrapped(&root, Request::get("secret/data/a"));
    let unwrapped = root.write("sys/wrapping/unwrap", &about(&info));
    assert_eq!(unwrapped.is(404).body["data"], *data);
}

// Cases 38 and 39.
#[test]
fn whoever_forgets_data_in_the_path_is_told() {
    let server = furnished();
    let root = Line::with(&server, &server.root);
    for answer in [
        root.write("secret/foo", &json!({"b": 1})),
        root.read("secret/foo"),
        root.ask(Request::list("secret/foo")),
    ] {
        assert_eq!(answer.is(404).body["data"], Value::Null);
        let text = "Invalid path for a versioned K/V secrets engine.";
        assert!(warning(&answer).starts_with(text), "{}", answer.text);
        assert!(answer.body["request_id"] != "" && answer.body.get("errors").is_none());
    }
    let top = root.write("secret/data", &json!({"data": {}}));
    assert!(warning(top.is(404)).starts_with("Non-listing operations on the root"));
}

// Cases 152, 153 and 156 of policies, and 61 and 62 of `sys/`.
#[test]
fn policies_stand_at_the_top_as_well_for_old_clients() {
    let server = furnished();
    let root = Line::with(&server, &server.root);
    let power = root.read("sys/policy/root");
    for place in [&power.is(200).body, &power.body["data"]] {
        assert_eq!((&place["name"], &place["rules"]), (&json!("root"), &json!("")));
        assert!(place.get("policy").is_none());
    }
    let listed = root.ask(Request::list("sys/policy"));
    for place in [&listed.is(200).body, &listed.body["data"]] {
        assert_eq!(
            (&place["keys"], &place["policies"]),
            (&json!(["default", "root"]), &place["keys"])
        );
    }
    root.read("sys/policies/acl").refuses(405, &["unsupported operation"]);
    let text = "path \"a\" {}";
    let old = root.write("sys/policy/x", &json!({"rules": text}));
    assert_eq!(warning(old.is(200)), "'rules' is deprecated, please use 'policy' instead");
    root.write("sys/policy/x", &json!({"policy": text})).is(204);
    root.write("sys/policy/x", &json!({})).refuses(400, &["'policy' parameter not supplied"]);
    let mixed = root.write("sys/policies/acl/MixedCase", &json!({"policy": text}));
    assert_eq!(warning(mixed.is(200)), "policy name was converted to mixedcase");
    for name in ["mixedcase", "MixedCase"] {
        let read = root.read(&format!("sys/policies/acl/{name}"));
        assert_eq!(read.is(200).body["data"]["policy"], text);
    }
    let told = root.write("sys/capabilities-self", &json!({"paths": ["kv/a"]}));
    for place in [&told.is(200).body, &told.body["data"]] {
        assert_eq!((&place["kv/a"], &place["capabilities"]), (&json!(["root"]), &json!(["root"])));
    }
    let told = root.write("sys/capabilities-self", &json!({"paths": ["kv/a", "kv/b"]}));
    assert_eq!(told.is(200).body["data"], json!({"kv/a": ["root"], "kv/b": ["root"]}));
    assert!(told.body.get("capabilities").is_none());
}

// Cases 52 and 53, and 63, 64 and 66 of `sys/`.
#[test]
fn a_wrapped_answer_is_the_whole_answer_and_comes_once() {
    let server = furnished();
    let root = Line::with(&server, &server.root);
    root.write("kv/a", &json!({"b": 1})).is(204);
    let info = wrapped(&root, Request::get("kv/a"));
    assert_eq!((&info["creation_path"], info.get("wrapped_accessor")), (&json!("kv/a"), None));
    for _ in 0..2 {
        let told = root.write("sys/wrapping/lookup", &about(&info));
        assert_eq!(told.is(200).body["data"]["creation_ttl"], json!(300));
    }
    let inner = root.write("sys/wrapping/unwrap", &about(&info));
    assert_eq!(inner.is(200).body["data"], json!({"b": 1}));
    assert_eq!((&inner.body["warnings"], &inner.body["wrap_info"]), (&Value::Null, &Value::Null));
    assert!(!inner.body["request_id"].as_str().unwrap().is_empty());
    let used_up = "wrapping token is not valid or does not exist";
    for door in ["unwrap", "rewrap", "lookup"] {
        let again = root.write(&format!("sys/wrapping/{door}"), &about(&info));
        again.refuses(400, &[used_up]);
    }
    // With the wrapping token as the caller's own, and without a body.
    let info =
        wrapped(&root, Request::post("sys/wrapping/wrap").bytes(r#"{"three": 2, "one": 1.0}"#));
    let token = info["token"].as_str().unwrap();
    let own = || raw(&server, &message("POST", "/v1/sys/wrapping/unwrap", (token, "")));
    assert!(own().is(200).text.contains(r#""data":{"one":1.0,"three":2}"#));
    own().refuses(400, &[used_up]);
}

// Cases 54, 56, 57 and 58, and 65 and 67 of `sys/`.
#[test]
fn wrapping_is_asked_for_and_only_wrapping_tokens_unwrap() {
    let server = furnished();
    let root = Line::with(&server, &server.root);
    let nobody = Line::open(&server);
    let text = "endpoint requires response wrapping to be used";
    // The client of the house would ask by itself.
    send(&server, "POST", "/v1/sys/wrapping/wrap", "{\"a\": 1}").refuses(400, &[text]);
    let used_up = "wrapping token is not valid or does not exist";
    for door in ["unwrap", "rewrap", "lookup"] {
        let path = format!("sys/wrapping/{door}");
        let token = json!({"token": server.root});
        root.write(&path, &token).refuses(400, &[used_up]);
        nobody.write(&path, &json!({})).refuses(403, &["permission denied"]);
    }
    nobody.read("sys/wrapping/lookup").refuses(403, &["permission denied"]);
    root.write("kv/a", &json!({"b": 1})).is(204);
    let old = wrapped(&root, Request::get("kv/a"));
    let new = root.write("sys/wrapping/rewrap", &about(&old));
    let new = &new.is(200).body["wrap_info"];
    assert_eq!((&new["creation_path"], &new["ttl"]), (&json!("kv/a"), &json!(300)));
    root.write("sys/wrapping/unwrap", &about(&old)).refuses(400, &[used_up]);
    let inner = nobody.write("sys/wrapping/unwrap", &about(new));
    assert_eq!(inner.is(200).body["data"], json!({"b": 1}));
}

// Case 61, with the door there is.
#[test]
fn a_text_that_was_wrapped_is_the_same_text_afterwards() {
    let server = furnished();
    let root = Line::with(&server, &server.root);
    let numbers = Request::get("sys/metrics").query("format", "prometheus");
    let info = wrapped(&root, numbers);
    let inner = root.write("sys/wrapping/unwrap", &about(&info));
    assert!(inner.is(200).text.starts_with("# TYPE vault_core_unsealed gauge\n"), "{}", inner.text);
}
