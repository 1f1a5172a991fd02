//! Bad input: each with a clear error, and with nothing written.

use client::Request;
use serde_json::{Value, json};

use super::exchange::{Answer, Line, message, raw};
use super::harness::{Server, Wire};

/// More than a body may have.
const TOO_MUCH: usize = 40 * 1024 * 1024;

/// A server with something in every drawer.
fn furnished() -> Server {
    let server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    root.write("sys/auth/userpass", &json!({"type": "userpass"})).is(204);
    root.write("sys/mounts/kv", &json!({"type": "kv"})).is(204);
    root.write("kv/door", &json!({"value": "closed"})).is(204);
    let versioned = json!({"type": "kv", "options": {"version": "2"}});
    root.write("sys/mounts/secret", &versioned).is(204);
    root.write("secret/data/door", &json!({"data": {"value": "closed"}})).is(200);
    root.write("sys/policies/acl/dev", &json!({"policy": "path \"kv/*\" {}"})).is(204);
    root.write("auth/userpass/users/ann", &json!({"password": "pw", "policies": "dev"})).is(204);
    server
}

/// What is there, as far as anybody could tell.
fn census(server: &Server) -> Vec<Value> {
    let root = Line::with(server, &server.root);
    let mut found = Vec::new();
    for path in [
        "sys/mounts",
        "sys/auth",
        "sys/audit",
        "sys/policies/acl/dev",
        "auth/userpass/users/ann",
        "kv/door",
        "secret/data/door",
    ] {
        found.push(root.read(path).is(200).body["data"].clone());
    }
    for path in
        ["sys/policies/acl", "auth/userpass/users", "auth/token/accessors", "kv", "secret/metadata"]
    {
        found.push(root.ask(Request::list(path)).is(200).body["data"]["keys"].clone());
    }
    found
}

/// Expects that nothing was written while `act` ran.
#[track_caller]
fn expect_nothing_written(act: impl FnOnce(&Server)) {
    let server = furnished();
    let before = census(&server);
    act(&server);
    assert_eq!(census(&server), before);
}

/// Sends a body as it is, with the root token.
fn post(server: &Server, path: &str, body: &str) -> Answer {
    raw(server, &message("POST", &format!("/v1/{path}"), (&server.root, body)))
}

#[test]
fn broken_json_is_refused() {
    expect_nothing_written(|server| {
        for (body, complaint) in [
            (r#"{"password": "foo"#, "unexpected end at line 1 column 17"),
            (r#"{"password": foo}"#, "at line 1 column"),
            ("{'password': 'foo'}", "at line 1 column"),
            (r#"[{"password": "foo"}]"#, "expected an object in braces"),
        ] {
            let answer = post(server, "auth/userpass/users/eve", body);
            answer.refuses(400, &["failed to decode JSON input", complaint]);
            let answer = post(server, "kv/other", body);
            answer.refuses(400, &["failed to decode JSON input", complaint]);
        }
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(2000), "]".repeat(2000));
        post(server, "kv/other", &deep).refuses(400, &["refused JSON input", "nested more than"]);
    });
}

#[test]
fn wrong_types_are_refused_and_the_field_is_named() {
    expect_nothing_written(|server| {
        for (path, field, value) in [
            ("auth/userpass/users/eve", "password", json!({"a": 1})),
            ("auth/userpass/users/eve", "policies", json!({"a": 1})),
            ("auth/userpass/users/eve", "ttl", json!("soon")),
            ("auth/userpass/users/eve", "token_num_uses", json!("many")),
            ("auth/userpass/users/ann", "max_ttl", json!([1])),
            ("auth/token/create", "policies", json!([["root"]])),
            ("auth/token/create", "renewable", json!("perhaps")),
            ("secret/data/door", "data", json!("open")),
        ] {
            let mut body = json!({"password": "foo"});
            body[field] = value;
            let answer = post(server, path, &body.to_string());
            let named = format!("error converting input for field \"{field}\"");
            answer.refuses(400, &[&named]);
            let told = answer.body.to_string();
            assert!(!told.contains("enum") && !told.contains("struct"), "inner words: {told}");
        }
        // Here durations are texts to begin with, and clients know this text.
        let soon = post(server, "auth/token/create", r#"{"ttl": "soon"}"#);
        soon.refuses(400, &["time: invalid duration"]);
        let answer = post(server, "sys/mounts/other", r#"{"type": "nothing"}"#);
        answer.refuses(400, &["nothing"]);
        post(server, "sys/mounts/kv", r#"{"type": "kv"}"#).refuses(400, &["already in use at kv/"]);
    });
}

#[test]
fn a_body_that_is_too_large_is_refused_however_it_comes() {
    expect_nothing_written(|server| {
        let body = format!("{{\"value\": \"{}\"}}", "a".repeat(TOO_MUCH));
        let answer = post(server, "kv/other", &body);
        answer.refuses(413, &["request body too large"]);
        let head = format!(
            "POST /v1/kv/other HTTP/1.1\r\nHost: strongroom\r\nConnection: close\r\n\
             X-Vault-Token: {}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
            server.root,
            body.len()
        );
        let answer = raw(server, format!("{head}{body}\r\n0\r\n\r\n").as_bytes());
        answer.refuses(413, &["request body too large"]);
        // Nobody has to be known to be refused.
        let open = message("POST", "/v1/auth/userpass/login/ann", ("", &body));
        raw(server, &open).refuses(413, &["request body too large"]);
    });
}

#[test]
fn a_name_of_ten_thousand_characters_is_refused() {
    let long = "a".repeat(10_000);
    expect_nothing_written(|server| {
        for path in [
            format!("auth/userpass/users/{long}"),
            format!("auth/userpass/login/{long}"),
            format!("kv/{long}"),
            format!("sys/policies/acl/{long}"),
            format!("sys/mounts/{long}"),
        ] {
            let answer = post(server, &path, r#"{"password": "foo", "policy": "", "type": "kv"}"#);
            answer.refuses(414, &["longer than 8192 bytes"]);
        }
        let login = server.strongroom("login -method=userpass password=foo");
        let said = login.argument(&format!("username={long}")).end();
        said.exits(2).complains(&["Code: 414", "longer than 8192 bytes"]);
    });
}

#[test]
fn no_path_leads_out_of_its_place() {
    expect_nothing_written(|server| {
        let rules = r#"{"policy": "path \"*\" {}", "password": "foo", "type": "kv"}"#;
        for target in [
            "/v1/kv/../sys/policies/acl/evil",
            "/v1/kv/%2e%2e/sys/policies/acl/evil",
            "/v1/kv/%2E./sys/policies/acl/evil",
            "/v1/kv/a/../../sys/mounts/evil",
            "/v1/auth/userpass/users/../users/eve",
            "/v1/auth/userpass/users/..",
            "/v1/sys/mounts/a/../evil",
            "/v1/kv/./evil",
        ] {
            let answer = raw(server, &message("POST", target, (&server.root, rules)));
            answer.refuses(400, &["relative paths not supported"]);
        }
        for (target, complaint) in [
            ("/v1/kv/..%2fsys/policies/acl/evil", "encoded slash"),
            ("/v1/kv/%2e%2e%2Fevil", "encoded slash"),
            ("/v1/kv//evil", "empty segment"),
            ("/v1/kv/evil%00", "control characters"),
            ("/v1/kv/evil%zz", "not followed by two digits"),
            ("/v1/kv/%ff", "not valid UTF-8"),
        ] {
            let answer = raw(server, &message("POST", target, (&server.root, rules)));
            answer.refuses(400, &[complaint]);
        }
        let said = server.as_root("write kv/../sys/policies/acl/evil policy=x").end();
        said.exits(2).complains(&["relative paths not supported"]);
    });
}

#[test]
fn a_path_where_nothing_is_mounted_is_refused() {
    expect_nothing_written(|server| {
        for path in ["nowhere/door", "auth/nowhere/login/ann", "k/door", "kvdoor"] {
            let answer = post(server, path, r#"{"password": "foo"}"#);
            answer.refuses(404, &["no handler for route", path]);
            let answer = raw(server, &message("POST", &format!("/v1/{path}"), ("s.none", "{}")));
            answer.refuses(403, &["permission denied"]);
        }
        let said = server.as_root("write nowhere/door value=open").end();
        said.exits(2).complains(&["no handler for route", "nowhere/door"]);
        let said = server.as_root("read nowhere/door").end();
        assert_ne!(said.code, 0);
        post(server, "sys/nowhere", "{}").refuses(404, &["unsupported path"]);
        post(server, "auth/userpass/users/a%20b", "{}").refuses(404, &["unsupported path"]);
    });
}

#[test]
fn a_wrong_share_does_not_unseal() {
    let mut server = furnished();
    let before = census(&server);
    server.stop();
    server.launch();
    let first = server.shares[0].clone();
    let unseal = |share: &str| server.strongroom("operator unseal").argument(share).end();
    unseal("zzz").exits(2).complains(&["must be a valid hex or base64 string"]);
    unseal("AAAA").exits(2).complains(&["Code: 400"]);
    // A share of the right form that belongs to another secret.
    let mut foreign = data_encoding::BASE64.decode(server.shares[1].as_bytes()).unwrap();
    foreign[7] ^= 1;
    let foreign = data_encoding::BASE64.encode(&foreign);
    unseal(&first).exits(0).mentions(&["Unseal Progress    1/2\n"]);
    unseal(&foreign).exits(2).complains(&["Code: 400"]);
    let said = server.strongroom("status").end();
    said.exits(2).mentions(&["Sealed             true\n", "Unseal Progress    0/2\n"]);
    server.unseal();
    assert_eq!(census(&server), before);
}

#[test]
fn a_wrong_password_is_refused_as_an_unknown_name_is() {
    expect_nothing_written(|server| {
        let body = r#"{"password": "wrong"}"#;
        let open = |name: &str| {
            let target = format!("/v1/auth/userpass/login/{name}");
            raw(server, &message("POST", &target, ("", body)))
        };
        let (wrong, unknown) = (open("ann"), open("nobody"));
        wrong.refuses(400, &["invalid username or password"]);
        assert_eq!(unknown.is(400).body, wrong.body);
        let said = server.strongroom("login -method=userpass username=ann password=wrong").end();
        said.exits(2).complains(&["Error authenticating", "invalid username or password"]);
        assert!(!server.home().join(".vault-token").exists());
    });
}

#[test]
fn a_policy_that_does_not_parse_is_refused_with_line_and_column() {
    let mistakes = [
        ("path \"a\" {\n  capabilities = [\"fly\"]\n}", "\"fly\" on line 2, column 19"),
        ("path \"a\" {\n  capabilities = [\"read\"\n}", "found '}' on line 3, column 1"),
        ("path \"a\" {\n  capabilitys = []\n}", "\"capabilitys\" on line 2, column 3"),
        ("path \"a\" {", "on line 1, column 11"),
        ("{\"path\": 5}", "on line 1, column 2"),
    ];
    expect_nothing_written(|server| {
        for (rules, place) in mistakes {
            let body = json!({ "policy": rules }).to_string();
            for name in ["evil", "dev"] {
                let answer = post(server, &format!("sys/policies/acl/{name}"), &body);
                answer.refuses(400, &["failed to parse policy", place]);
            }
            let said = server.as_root("policy write evil -").input(rules).end();
            said.exits(2).complains(&["failed to parse policy", place]);
            server.file("evil.hcl", rules);
            let said = server.as_root("policy-write evil evil.hcl").end();
            assert_ne!(said.complains(&["failed to parse policy", place]).code, 0);
        }
        post(server, "sys/policies/acl/root", r#"{"policy": "path \"a\" {}"}"#)
            .refuses(400, &["cannot update \"root\" policy"]);
    });
}
