//! Logging in, and what is stored.

use crate::stub::run;

const LOGIN: &str = r#"{"auth":{"client_token":"s.new","accessor":"a","policies":["default"],
    "token_policies":["default"],"metadata":{"username":"ann"},
    "lease_duration":60,"renewable":true}}"#;
const SELF: &str =
    r#"{"data":{"accessor":"a","policies":["root"],"ttl":0,"renewable":false,"meta":null}}"#;
const DOOR: &str = "PUT /v1/auth/userpass/login/ann";

#[test]
fn a_login_with_a_password_stores_the_token() {
    let ended = run("login -method=userpass username=ann password=pw")
        .variable("HOME_TOKEN_IS_STALE", "1")
        .file(".vault-token", "stale")
        .answer(DOOR, 200, LOGIN)
        .end();
    ended.exits(0).called(&[r#"PUT /v1/auth/userpass/login/ann {"password":"pw"}"#]);
    assert_eq!(ended.stored().as_deref(), Some("s.new"));
    assert!(ended.stdout.starts_with("Success! You are now authenticated."));
    assert!(ended.stdout.contains("\n\nKey                    Value\n"));
    assert!(ended.stdout.ends_with("token_meta_username    ann\n"));
}

#[test]
fn a_login_at_another_path_goes_there() {
    let ended = run("login -method=userpass -path=staff/ username=ann password=pw").end();
    ended.exits(2).called(&[r#"PUT /v1/auth/staff/login/ann {"password":"pw"}"#]);
    let ended =
        run("login -method=userpass -path=staff mount=other username=ann password=pw").end();
    ended.called(&[r#"PUT /v1/auth/other/login/ann {"password":"pw"}"#]);
}

#[test]
fn a_password_that_nobody_can_be_asked_for_is_an_error() {
    let ended = run("login -method=userpass username=ann").end();
    assert!(ended.exits(2).stderr.contains("'password' not supplied"));
    ended.called(&[]);
    let ended = run("login -method=userpass password=pw").end();
    ended.exits(2).complains("Error authenticating: 'username' must be specified\n").called(&[]);
}

#[test]
fn a_token_is_tried_before_it_is_stored() {
    let door = "GET /v1/auth/token/lookup-self";
    let ended = run("login s.mine").answer(door, 200, SELF).end();
    ended.exits(0).called(&["GET /v1/auth/token/lookup-self token=s.mine"]);
    assert_eq!(ended.stored().as_deref(), Some("s.mine"));
    assert!(ended.stdout.contains("token_duration       ∞\n"));
    let ended = run("login -").input("s.mine\n").answer(door, 200, SELF).end();
    assert_eq!(ended.exits(0).stored().as_deref(), Some("s.mine"));
    let ended = run("login wrong").answer(door, 403, r#"{"errors":["permission denied"]}"#).end();
    assert!(ended.exits(2).stderr.starts_with("Error authenticating: "));
    assert_eq!(ended.stored(), None);
    let ended = run("login s.mine lookup=false").end();
    ended.exits(0).called(&[]);
    assert_eq!(ended.stored().as_deref(), Some("s.mine"));
}

#[test]
fn a_login_can_leave_the_stored_token_alone() {
    let login = |flags: &str| {
        let line = format!("login {flags} -method=userpass username=ann password=pw");
        run(&line).file(".vault-token", "old").answer(DOOR, 200, LOGIN).end()
    };
    let ended = login("-no-store");
    assert_eq!(ended.exits(0).stored().as_deref(), Some("old"));
    assert!(ended.stderr.starts_with("The token was not stored in token helper."));
    assert!(ended.stdout.starts_with("Success! You are now authenticated."));
    let ended = login("-token-only");
    assert_eq!(ended.exits(0).prints("s.new").stored().as_deref(), Some("old"));
    let ended = login("-no-print");
    assert_eq!(ended.exits(0).prints("").stored().as_deref(), Some("s.new"));
    let ended = login("-field=token_accessor");
    ended.exits(0).prints("a");
}

#[test]
fn a_token_in_the_environment_is_warned_about() {
    let ended = run("login -method=userpass username=ann password=pw")
        .variable("VAULT_TOKEN", "s.env")
        .answer(DOOR, 200, LOGIN)
        .end();
    ended.exits(0).called(&[r#"PUT /v1/auth/userpass/login/ann {"password":"pw"}"#]);
    assert!(ended.stderr.starts_with("WARNING! The VAULT_TOKEN environment variable is set!"));
}

#[test]
fn a_wrapped_login_is_unwrapped_and_stored() {
    let wrapped = r#"{"wrap_info":{"token":"s.wrap","accessor":"w","ttl":300,
        "creation_time":"2026-02-03T04:05:06.1Z","creation_path":"auth/userpass/login/ann"}}"#;
    let login = |flags: &str| {
        let line = format!("login {flags} -wrap-ttl=5m -method=userpass username=ann password=pw");
        let run = run(&line).answer(DOOR, 200, wrapped);
        run.answer("PUT /v1/sys/wrapping/unwrap", 200, LOGIN).end()
    };
    let ended = login("");
    ended.exits(0).called(&[
        r#"PUT /v1/auth/userpass/login/ann wrap=5m0s {"password":"pw"}"#,
        "PUT /v1/sys/wrapping/unwrap token=s.wrap",
    ]);
    assert_eq!(ended.stored().as_deref(), Some("s.new"));
    let ended = login("-no-store");
    assert!(ended.exits(0).stdout.contains("wrapping_token:                  s.wrap\n"));
    login("-token-only").exits(0).prints("s.wrap");
}

#[test]
fn an_unknown_method_points_to_the_list() {
    let ended = run("login -method=nope").end();
    assert!(
        ended
            .exits(1)
            .stderr
            .starts_with("Unknown auth method: nope. Use \"strongroom auth list\" to see")
    );
}
