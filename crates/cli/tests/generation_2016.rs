//! The commands of 2016: what they send and print.

use crate::stub::run;

const LOGIN: &str = r#"{"auth":{"client_token":"s.new","accessor":"a","policies":["default","dev"],
    "lease_duration":60,"renewable":true}}"#;

#[test]
fn a_token_is_authenticated_with() {
    let answer = r#"{"data":{"policies":["root"],"ttl":0}}"#;
    for (line, input) in [("auth s.mine", ""), ("auth -", "s.mine\n")] {
        let ended =
            run(line).input(input).answer("GET /v1/auth/token/lookup-self", 200, answer).end();
        ended.exits(0).called(&["GET /v1/auth/token/lookup-self token=s.mine"]).prints(
            "Successfully authenticated! You are now logged in.\ntoken: s.mine\ntoken_duration: 0\n\
             token_policies: [root]\n",
        );
        assert_eq!(ended.stored().as_deref(), Some("s.mine"));
    }
    let denied = r#"{"errors":["permission denied"]}"#;
    let ended = run("auth wrong").answer("GET /v1/auth/token/lookup-self", 403, denied).end();
    assert!(ended.exits(1).stderr.starts_with("Error validating token: "));
    run("auth -no-verify s.x")
        .end()
        .exits(0)
        .called(&[])
        .prints("Authenticated - no token verification has been performed.\n");
}

#[test]
fn a_password_is_authenticated_with() {
    let ended = run("auth -method=userpass username=ann password=foo")
        .answer("PUT /v1/auth/userpass/login/ann", 200, LOGIN)
        .end();
    ended.exits(0).called(&[r#"PUT /v1/auth/userpass/login/ann {"password":"foo"}"#]);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(lines[0], "Successfully authenticated! You are now logged in.");
    assert_eq!(lines[4..], ["token: s.new", "token_duration: 60", "token_policies: [default dev]"]);
    assert_eq!(ended.stored().as_deref(), Some("s.new"));
}

#[test]
fn auth_methods_are_listed_enabled_and_disabled() {
    let answer = r#"{"data":{"token/":{"type":"token","description":"token based credentials",
        "config":{"default_lease_ttl":0,"max_lease_ttl":0}}}}"#;
    run("auth -methods").answer("GET /v1/sys/auth", 200, answer).end().exits(0).prints(
        "Path    Type   Default TTL  Max TTL  Description\n\
         token/  token  system       system   token based credentials\n",
    );
    run("auth-enable userpass")
        .answer("POST /v1/sys/auth/userpass", 204, "")
        .end()
        .exits(0)
        .prints("Successfully enabled 'userpass' at 'userpass'!\n");
    run("auth-disable userpass")
        .answer("DELETE /v1/sys/auth/userpass", 204, "")
        .end()
        .prints("Disabled auth provider at path 'userpass' if it was enabled\n");
    let ended = run("auth-enable").end();
    assert!(ended.exits(1).stderr.starts_with("Usage: strongroom auth-enable"));
    assert!(ended.stderr.ends_with("\nauth-enable expects one argument: the type to enable.\n"));
    run("auth-enable x").answer("POST /v1/sys/auth/x", 400, r#"{"errors":["no"]}"#).end().exits(2);
}

#[track_caller]
fn check(line: &str, call: &'static str, sent: &str, printed: &str) {
    let ended = run(line).file("p.hcl", "rules").answer(call, 204, "").end();
    ended.exits(0).prints(printed).called(&[sent]);
}

#[test]
fn short_commands_say_what_they_said() {
    check(
        "mount -path=kv generic",
        "POST /v1/sys/mounts/kv",
        r#"POST /v1/sys/mounts/kv {"config":{},"type":"generic"}"#,
        "Successfully mounted 'generic' at 'kv'!\n",
    );
    check(
        "unmount kv/",
        "DELETE /v1/sys/mounts/kv",
        "DELETE /v1/sys/mounts/kv",
        "Successfully unmounted 'kv' if it was mounted\n",
    );
    check(
        "remount a b",
        "POST /v1/sys/remount",
        r#"POST /v1/sys/remount {"from":"a","to":"b"}"#,
        "Successfully remounted from 'a' to 'b'!\n",
    );
    check(
        "mount-tune -max-lease-ttl=1h kv",
        "POST /v1/sys/mounts/kv/tune",
        r#"POST /v1/sys/mounts/kv/tune {"max_lease_ttl":"1h0m0s"}"#,
        "Successfully tuned mount 'kv'!\n",
    );
    check(
        "policy-write dev p.hcl",
        "PUT /v1/sys/policy/dev",
        r#"PUT /v1/sys/policy/dev {"rules":"rules"}"#,
        "Policy 'dev' written.\n",
    );
    check(
        "policy-delete dev",
        "DELETE /v1/sys/policy/dev",
        "DELETE /v1/sys/policy/dev",
        "Policy 'dev' deleted.\n",
    );
    check(
        "token-revoke x",
        "PUT /v1/auth/token/revoke",
        r#"PUT /v1/auth/token/revoke {"token":"x"}"#,
        "Success! Token revoked if it existed.\n",
    );
    check(
        "revoke a/b",
        "PUT /v1/sys/revoke/a/b",
        "PUT /v1/sys/revoke/a/b",
        "Success! Revoked the secret with ID 'a/b', if it existed.\n",
    );
    check("seal", "PUT /v1/sys/seal", "PUT /v1/sys/seal", "Vault is now sealed.\n");
    check("step-down", "PUT /v1/sys/step-down", "PUT /v1/sys/step-down", "");
    check(
        "audit-enable file file_path=/a",
        "PUT /v1/sys/audit/file",
        concat!(
            r#"PUT /v1/sys/audit/file {"description":"","local":false,"#,
            r#""options":{"file_path":"/a"},"type":"file"}"#
        ),
        "Successfully enabled audit backend 'file' with path 'file'!\n",
    );
    check(
        "audit-disable file",
        "DELETE /v1/sys/audit/file",
        "DELETE /v1/sys/audit/file",
        "Successfully disabled audit backend 'file' if it was enabled\n",
    );
}

#[test]
fn policies_are_listed_and_shown() {
    let names = r#"{"keys":["default","root"],"policies":["default","root"],
        "data":{"policies":["default","root"]}}"#;
    run("policies")
        .answer("GET /v1/sys/policy", 200, names)
        .end()
        .exits(0)
        .prints("default\nroot\n");
    let rules = r#"{"data":{"name":"dev","rules":"path \"a\" {}\n"}}"#;
    run("policies dev")
        .answer("GET /v1/sys/policy/dev", 200, rules)
        .end()
        .prints("path \"a\" {}\n");
    run("policies nope").end().exits(1);
}

#[test]
fn tokens_are_shown_as_they_were() {
    run("token-create -policy=dev").answer("POST \
        /v1/auth/token/create", 200, LOGIN).end().exits(0).prints(
        "Key            \tValue\n---            \t-----\ntoken          \ts.new\ntoken_accessor \
            \ta\n\
         token_duration \t1m0s\ntoken_renewable\ttrue\ntoken_policies \t[default dev]\n",
    );
    run("token-renew x 1h")
        .end()
        .called(&[r#"PUT /v1/auth/token/renew {"increment":3600,"token":"x"}"#]);
    let ended = run("token-lookup x").end();
    ended.exits(1).called(&[r#"POST /v1/auth/token/lookup {"token":"x"}"#]);
    assert!(ended.stderr.starts_with("error looking up token: "));
    run("capabilities secret/a")
        .answer(
            "POST /v1/sys/capabilities-self",
            200,
            r#"{"data":{"capabilities":["read","create"]}}"#,
        )
        .end()
        .prints("Capabilities: [create read]\n");
    run("revoke -force x").end().exits(1).complains("-force requires -prefix\n");
}

#[test]
fn a_server_is_initialized_and_unsealed() {
    let keys = r#"{"keys":["aa"],"keys_base64":["x"],"root_token":"t"}"#;
    let ended =
        run("init -key-shares=1 -key-threshold=1").answer("PUT /v1/sys/init", 200, keys).end();
    assert!(ended.exits(0).stdout.starts_with(
        "Unseal Key 1: x\nInitial Root Token: t\n\nVault initialized with 1 keys and a key \
            threshold of 1."
    ));
    let initialized = |body| run("init -check").answer("GET /v1/sys/init", 200, body).end();
    initialized(r#"{"initialized":true}"#).exits(0).prints("Vault has been initialized\n");
    initialized(r#"{"initialized":false}"#).exits(2).prints("Vault is not initialized\n");
    run("unseal x")
        .answer("GET /v1/sys/seal-status", 200, r#"{"sealed":true,"t":3,"n":5,"progress":0}"#)
        .answer("PUT /v1/sys/unseal", 200, r#"{"sealed":true,"t":3,"n":5,"progress":1}"#)
        .end()
        .exits(0)
        .prints("Sealed: true\nKey Shares: 5\nKey Threshold: 3\nUnseal Progress: 1\n");
    run("unseal x")
        .answer("GET /v1/sys/seal-status", 200, r#"{"sealed":false}"#)
        .end()
        .exits(0)
        .prints("Vault is already unsealed.\n");
    run("key-status")
        .answer(
            "GET /v1/sys/key-status",
            200,
            r#"{"data":{"term":2,"install_time":"2026-01-05T10:11:12Z"}}"#,
        )
        .end()
        .prints("Key Term: 2\nInstallation Time: 2026-01-05 10:11:12 +0000 UTC\n");
}
