//! The main job: a user logs in and the token works.
//!
//! The whole story, in the words of 2016 and in those of today, over HTTP and over TLS, with a
//! server that is stopped in the middle and one that is killed.

use std::process::{Command, Stdio};

use client::Request;
use serde_json::{Value, json};

use super::exchange::Line;
use super::harness::{Server, Wire, until};

/// What the administrators of the story may do.
const ADMINS: &str = r#"
# Both generations of rules stand beside each other.
path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "kv/*"     { policy = "write" }
"#;

const PERMISSION_DENIED: &[&str] = &["Code: 403", "* permission denied"];

#[test]
fn a_user_logs_in_and_the_token_works_as_in_2016() {
    tell_as_in_2016(Wire::Plain);
}

#[test]
fn a_user_logs_in_and_the_token_works_as_in_2016_over_tls() {
    tell_as_in_2016(Wire::Tls);
}

#[test]
fn a_user_logs_in_and_the_token_works_as_today() {
    tell_as_today(Wire::Plain);
}

#[test]
fn a_user_logs_in_and_the_token_works_as_today_over_tls() {
    tell_as_today(Wire::Tls);
}

#[test]
fn a_token_ends_with_its_time() {
    let server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    root.write("sys/auth/userpass", &json!({"type": "userpass"})).is(204);
    let user = json!({"password": "foo", "ttl": "2s"});
    root.write("auth/userpass/users/brief", &user).is(204);
    let brief = login(&server, "brief");
    assert_eq!(brief["lease_duration"], 2);
    let line = Line::with(&server, brief["client_token"].as_str().unwrap());
    until("the token has ended", || line.read("auth/token/lookup-self").status != 200);
    line.read("auth/token/lookup-self").refuses(403, &["permission denied"]);
    line.write("auth/token/renew-self", &json!({})).refuses(403, &["permission denied"]);
    let accessor = json!({"accessor": brief["accessor"]});
    root.write("auth/token/lookup-accessor", &accessor).refuses(400, &["invalid accessor"]);
}

#[test]
fn a_token_is_never_renewed_past_its_maximum() {
    let server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    root.write("sys/auth/userpass", &json!({"type": "userpass"})).is(204);
    let user = json!({"password": "foo", "ttl": "1h", "max_ttl": "2h"});
    root.write("auth/userpass/users/patient", &user).is(204);
    let patient = login(&server, "patient");
    assert_eq!(patient["lease_duration"], 3600);
    let line = Line::with(&server, patient["client_token"].as_str().unwrap());
    let renewed = line.write("auth/token/renew-self", &json!({"increment": "5h"}));
    let seconds = renewed.is(200).body["auth"]["lease_duration"].as_u64().unwrap();
    assert!((3601..=7200).contains(&seconds), "renewed for {seconds} seconds");
    assert_eq!(renewed.body["warnings"].as_array().unwrap().len(), 1);
}

/// What a login by `name` gives.
#[track_caller]
fn login(server: &Server, name: &str) -> Value {
    let door = format!("auth/userpass/login/{name}");
    let answer = Line::open(server).write(&door, &json!({"password": "foo"}));
    answer.is(200).body["auth"].clone()
}

fn tell_as_in_2016(wire: Wire) {
    let mut server = Server::ready(wire);
    prepare_as_in_2016(&server);
    let said = server.strongroom("auth -method=userpass username=mitchellh password=foo").end();
    said.exits(0).mentions(&[
        "Successfully authenticated! You are now logged in.\n",
        "token_duration: 2764800\n",
        "token_policies: [admins default]\n",
    ]);
    let printed = said.stdout.lines().find_map(|line| line.strip_prefix("token: ")).unwrap();
    assert_eq!(stored_token(&server), printed);
    server.strongroom("write kv/door opens=inward").end().exits(0);

    let login = curl_login(&server);
    check_login_answer(&login);
    let token = login["auth"]["client_token"].as_str().unwrap();
    check_every_way_to_show(&server, token);
    let said = server.strongroom("auth").argument(token).end();
    said.exits(0).mentions(&[&format!("token: {token}\n")]);
    assert_eq!(stored_token(&server), token);

    may_do_what_admins_may_and_nothing_else(&server);
    server.stop();
    come_back(&mut server);
    may_do_what_admins_may_and_nothing_else(&server);
    server.kill();
    come_back(&mut server);
    may_do_what_admins_may_and_nothing_else(&server);

    let said = server.strongroom("token-lookup").end();
    said.exits(0).mentions(&["userpass-mitchellh", "[admins default]"]);
    server.strongroom("token-renew").end().exits(0).mentions(&[token]);
    let said = server.as_root("token-revoke").argument(token).end();
    said.exits(0).prints("Success! Token revoked if it existed.\n");
    server.strongroom("read kv/door").end().exits(2).complains(PERMISSION_DENIED);
    server.strongroom("token-lookup").end().exits(1).complains(PERMISSION_DENIED);
    // The other login is somebody else's business.
    server.strongroom("read kv/door").token(printed).end().exits(0);
}

/// What the administrator does, word for word.
fn prepare_as_in_2016(server: &Server) {
    let said = server.as_root("auth-enable userpass").end();
    said.exits(0).prints("Successfully enabled 'userpass' at 'userpass'!\n");
    let said = server.as_root("auth -methods").end();
    let rows: Vec<Vec<&str>> =
        said.exits(0).stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["Path", "Type", "Default", "TTL", "Max", "TTL", "Description"]);
    assert_eq!(rows[1][..2], ["token/", "token"]);
    assert_eq!(rows[2][..2], ["userpass/", "userpass"]);
    assert_eq!(rows.len(), 3);
    let said = server.as_root("path-help auth/userpass").end();
    said.exits(0).mentions(&["## DESCRIPTION", "password", "## PATHS", "^users/", "^login/"]);
    server.as_root("mount kv").end().exits(0).prints("Successfully mounted 'kv' at 'kv'!\n");
    server.file("admins.hcl", ADMINS);
    let said = server.as_root("policy-write admins admins.hcl").end();
    said.exits(0).prints("Policy 'admins' written.\n");
    let user = "write auth/userpass/users/mitchellh password=foo policies=admins";
    let said = server.as_root(user).end();
    said.exits(0).prints("Success! Data written to: auth/userpass/users/mitchellh\n");
}

/// The stored token is that of the story.
fn may_do_what_admins_may_and_nothing_else(server: &Server) {
    server.strongroom("write kv/lamp colour=green").end().exits(0);
    server.strongroom("read -field=colour kv/lamp").end().exits(0).mentions(&["green"]);
    server.strongroom("list kv").end().exits(0).mentions(&["door\n", "lamp\n"]);
    server.strongroom("delete kv/lamp").end().exits(0);
    for line in [
        "write elsewhere/lamp colour=green",
        "read auth/userpass/users/mitchellh",
        "write auth/userpass/users/mitchellh policies=root",
        "policy-write admins admins.hcl",
        "mounts",
        "token-create -id=mine",
        "audit-list",
        "seal",
    ] {
        let said = server.strongroom(line).end();
        assert_ne!(said.complains(PERMISSION_DENIED).code, 0, "{line}");
    }
}

fn tell_as_today(wire: Wire) {
    let mut server = Server::ready(wire);
    prepare_as_today(&server);
    let login = "login -method=userpass username=mitchellh password=foo";
    let said = server.strongroom(login).end();
    said.exits(0).mentions(&[
        "Success! You are now authenticated.",
        "token_duration         768h\n",
        "token_policies         [\"admins\" \"default\"]\n",
        "token_meta_username    mitchellh\n",
    ]);
    let token = stored_token(&server);
    said.mentions(&[&format!("token                  {token}\n")]);
    check_every_way_to_show(&server, &token);
    server.strongroom("kv put -mount=secret door opens=inward").end().exits(0);

    work_as_today(&server);
    server.kill();
    come_back(&mut server);
    work_as_today(&server);
    server.stop();
    come_back(&mut server);
    work_as_today(&server);

    let said = server.strongroom("token lookup").end();
    let fields = said.exits(0).stdout.lines().map(|line| line.split_once(' ').unwrap());
    let fields: Vec<(&str, &str)> = fields.map(|(key, value)| (key, value.trim())).collect();
    for field in [
        ("display_name", "userpass-mitchellh"),
        ("id", &token),
        ("meta", "map[username:mitchellh]"),
        ("orphan", "true"),
        ("path", "auth/userpass/login/mitchellh"),
        ("policies", "[admins default]"),
        ("type", "service"),
    ] {
        assert!(fields.contains(&field), "{field:?} is not in {fields:?}");
    }
    let renewed = server.strongroom("token renew -format=json -increment=1h").end().json();
    assert_eq!(renewed["auth"]["client_token"], token.as_str());
    assert_eq!(renewed["auth"]["lease_duration"], 3600);
    let said = server.strongroom("token revoke -self").end();
    said.exits(0).prints("Success! Revoked token (if it existed)\n");
    server.strongroom("kv get secret/door").end().exits(2).complains(PERMISSION_DENIED);
    server.strongroom("token lookup").end().exits(2).complains(PERMISSION_DENIED);
    let answer = Line::with(&server, &token).read("auth/token/lookup-self");
    answer.refuses(403, &["permission denied"]);
    server.strongroom(login).end().exits(0);
    assert_ne!(stored_token(&server), token);
}

fn prepare_as_today(server: &Server) {
    let said = server.as_root("auth enable userpass").end();
    said.exits(0).prints("Success! Enabled userpass auth method at: userpass/\n");
    server.as_root("auth list").end().exits(0).mentions(&["\ntoken/ ", "\nuserpass/ "]);
    let said = server.as_root("secrets enable -path=secret -version=2 kv").end();
    said.exits(0).prints("Success! Enabled the kv secrets engine at: secret/\n");
    server.as_root("secrets enable -version=1 kv").end().exits(0);
    let said = server.as_root("policy write admins -").input(ADMINS).end();
    said.exits(0).prints("Success! Uploaded policy: admins\n");
    assert_eq!(server.as_root("policy read admins").end().exits(0).stdout.trim(), ADMINS.trim());
    let user = "write auth/userpass/users/mitchellh password=foo policies=admins";
    server.as_root(user).end().exits(0);
}

/// The stored token is that of the story.
fn work_as_today(server: &Server) {
    server.strongroom("kv put secret/lamp colour=green").end().exits(0);
    let said = server.strongroom("kv get -field=colour secret/lamp").end();
    said.exits(0).mentions(&["green"]);
    server.strongroom("kv get secret/door").end().exits(0).mentions(&["opens    inward\n"]);
    server.strongroom("write kv/lamp colour=red").end().exits(0);
    server.strongroom("read kv/lamp").end().exits(0).mentions(&["colour              red\n"]);
    let listed = server.strongroom("list -format=json kv").end().json();
    assert_eq!(listed, json!(["lamp"]));
    server.strongroom("delete kv/lamp").end().exits(0);
    server.strongroom("read kv/lamp").end().exits(2).complains(&["No value found at kv/lamp"]);
    server.strongroom("status").end().exits(0).mentions(&["Sealed          false\n"]);
    for line in [
        "write elsewhere/lamp colour=green",
        "write auth/userpass/users/mitchellh policies=root",
        "policy list",
        "secrets list",
        "auth disable userpass",
        "token create",
        "operator seal",
    ] {
        let said = server.strongroom(line).end();
        assert_ne!(said.complains(PERMISSION_DENIED).code, 0, "{line}");
    }
}

/// Starts again. Until somebody unseals it, a server answers nobody.
fn come_back(server: &mut Server) {
    server.launch();
    server.strongroom("status").end().exits(2).mentions(&["Sealed             true\n"]);
    let token = stored_token(server);
    let answer = Line::with(server, &token).read("auth/token/lookup-self");
    answer.refuses(503, &["Vault is sealed"]);
    server.unseal();
}

/// A token proves itself in three ways; the fourth, `auth TOKEN`, stores it first.
fn check_every_way_to_show(server: &Server, token: &str) {
    let nobody = Line::open(server);
    let request = || Request::get("auth/token/lookup-self");
    nobody.ask(request()).refuses(403, &["permission denied"]);
    for (name, value) in
        [("X-Vault-Token", token.to_owned()), ("Authorization", format!("Bearer {token}"))]
    {
        let answer = nobody.ask(request().header(name, &value));
        assert_eq!(answer.is(200).body["data"]["id"], token, "{name}");
    }
    let call = server.strongroom("read -field=display_name auth/token/lookup-self");
    call.token(token).end().exits(0).mentions(&["userpass-mitchellh"]);
}

/// The login of the story, by the program everybody has; by our own client where it is missing.
fn curl_login(server: &Server) -> Value {
    let mut command = Command::new("curl");
    // Whatever this machine has told curl to do is for others.
    command.args(["--disable", "--noproxy", "*"]);
    if let Some(file) = server.certificate() {
        command.arg("--cacert").arg(file);
    }
    let url = format!("{}/v1/auth/userpass/login/mitchellh", server.address());
    command.args(["--silent", "--show-error", &url, "-d", r#"{ "password": "foo" }"#]);
    match command.stdin(Stdio::null()).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice(&output.stdout).unwrap()
        }
        Err(_) => {
            let body = json!({"password": "foo"});
            Line::open(server).write("auth/userpass/login/mitchellh", &body).is(200).body.clone()
        }
    }
}

fn check_login_answer(answer: &Value) {
    assert_eq!(answer["lease_id"], "");
    assert_eq!(answer["renewable"], false);
    assert_eq!(answer["lease_duration"], 0);
    for key in ["data", "warnings", "wrap_info"] {
        assert_eq!(answer.as_object().unwrap().get(key), Some(&Value::Null), "{key}");
    }
    let mut auth = answer["auth"].as_object().unwrap().clone();
    for key in ["client_token", "accessor"] {
        let text = auth.remove(key).unwrap();
        assert!(text.as_str().unwrap().len() >= 24, "{key} is {text}");
    }
    // Whether a login belongs to an entity is another story.
    assert!(auth.remove("entity_id").unwrap().is_string());
    let rest = json!({
        "policies": ["admins", "default"],
        "token_policies": ["admins", "default"],
        "metadata": {"username": "mitchellh"},
        "lease_duration": 2_764_800,
        "renewable": true,
        "token_type": "service",
        "orphan": true,
        "mfa_requirement": null,
        "num_uses": 0,
    });
    assert_eq!(Value::Object(auth), rest);
}

fn stored_token(server: &Server) -> String {
    std::fs::read_to_string(server.home().join(".vault-token")).unwrap()
}
