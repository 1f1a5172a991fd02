//! Today's commands: what they send, what they print, how they end.

use crate::stub::run;

const DENIED: &str = r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#;

#[test]
fn version_and_token_need_no_server() {
    let version = concat!("Strongroom v", env!("CARGO_PKG_VERSION"), "\n");
    for line in ["version", "-v", "--version", "version -format=json"] {
        run(line).end().exits(0).prints(version).called(&[]);
    }
    run("print token").end().exits(0).prints("\n");
    run("print token").file(".vault-token", "s.file\n").end().prints("s.file\n");
    let both = run("print token").file(".vault-token", "s.file").variable("VAULT_TOKEN", "s.env");
    both.end().prints("s.env\n");
}

#[test]
fn read_shows_what_is_there() {
    let answer = r#"{"request_id":"r","lease_duration":2764800,"data":{"b":"<x>","a":[1,"z"]}}"#;
    let read = |flags: &str| {
        let line = format!("read {flags} /secret/a/");
        run(&line).variable("VAULT_TOKEN", "t").answer("GET /v1/secret/a", 200, answer).end()
    };
    read("").exits(0).called(&["GET /v1/secret/a token=t"]).prints(
        "Key                 Value\n---                 -----\nrefresh_interval    768h\n\
         a                   [1 z]\nb                   <x>\n",
    );
    read("-field=b").exits(0).prints("<x>");
    read("-field=nope").exits(1).complains("Field \"nope\" not present in secret\n");
    read("-format=raw").exits(0).prints(answer);
    run("read -format=raw nope").end().exits(2).complains("No value found at nope\n");
    let refusal = "Could not parse output: This command does not support the -format=raw option;";
    let ended = run("unwrap -format=raw").answer("PUT /v1/sys/wrapping/unwrap", 200, answer).end();
    assert!(ended.exits(1).stderr.starts_with(refusal));
    read("-format=yaml -field=a").exits(0).prints("- 1\n- z\n");
    read("-format=json").exits(0).prints(
        "{\n  \"request_id\": \"r\",\n  \"lease_id\": \"\",\n  \"lease_duration\": 2764800,\n  \
         \"renewable\": false,\n  \"data\": {\n    \"a\": [\n      1,\n      \"z\"\n    ],\n    \
         \"b\": \"\\u003cx\\u003e\"\n  },\n  \"warnings\": null\n}\n",
    );
}

#[test]
fn read_of_nothing_says_so() {
    let ended = run("read foo bar=baz").end();
    ended.exits(2).complains("No value found at foo\n").called(&["GET /v1/foo?bar=baz"]);
}

#[test]
fn a_refusal_shows_url_code_and_reason() {
    let ended = run("read secret/a").answer("GET /v1/secret/a", 403, DENIED).end();
    ended.exits(2).prints("").complains(
        "Error reading secret/a: Error making API request.\n\nURL: GET {address}/v1/secret/a\n\
         Code: 403. Errors:\n\n* 1 error occurred:\n\t* permission denied\n\n\n",
    );
    let ended = run("delete secret/a").answer("DELETE /v1/secret/a", 500, "oops").end();
    ended.exits(2).complains(
        "Error deleting secret/a: Error making API request.\n\nURL: DELETE {address}/v1/secret/a\n\
         Code: 500. Raw Message:\n\noops\n",
    );
}

#[test]
fn the_address_of_a_namespace_and_headers_travel_along() {
    let line = "read -namespace=team -wrap-ttl=5m -header=X-Extra=e secret/a";
    run(line).end().called(&["GET /v1/secret/a namespace=team/ wrap=5m0s extra=e"]);
}

#[test]
fn write_sends_text_and_tells() {
    let write = |line: &str| run(line).answer("PUT /v1/secret/a", 204, "").end();
    write("write secret/a ttl=10 k=v")
        .exits(0)
        .prints("Success! Data written to: secret/a\n")
        .called(&[r#"PUT /v1/secret/a {"k":"v","ttl":"10"}"#]);
    write("write -format=json secret/a k=v").exits(0).prints("");
    write("write -f secret/a").exits(0).called(&["PUT /v1/secret/a {}"]);
    run("write secret/a k=-")
        .input("from stdin\n")
        .end()
        .called(&[r#"PUT /v1/secret/a {"k":"from stdin\n"}"#]);
    run("patch secret/a k=v").answer("PATCH /v1/secret/a", 204, "").end().exits(0);
}

#[test]
fn warnings_go_to_stderr() {
    let answer = r#"{"data":null,"warnings":["first","second"]}"#;
    let ended = run("write secret/a k=v").answer("PUT /v1/secret/a", 200, answer).end();
    ended.exits(0).prints("").complains(
        "WARNING! The following warnings were returned from Vault:\n\n  * first\n  * second\n\n",
    );
}

#[test]
fn list_prints_names_sorted() {
    let answer = r#"{"data":{"keys":["b","a/"]}}"#;
    for line in ["list secret", "list secret/"] {
        let ended = run(line).answer("GET /v1/secret?list=true", 200, answer).end();
        ended.exits(0).prints("Keys\n----\na/\nb\n").called(&["GET /v1/secret?list=true"]);
    }
    let ended =
        run("list -format=json secret").answer("GET /v1/secret?list=true", 200, answer).end();
    ended.exits(0).prints("[\n  \"b\",\n  \"a/\"\n]\n");
    run("list nope").end().exits(2).complains("No value found at nope\n");
    run("list -format=json nope").end().exits(2).prints("{}\n");
}

#[test]
fn delete_tells_what_is_gone() {
    let ended =
        run("delete secret/foo bar=baz").answer("DELETE /v1/secret/foo?bar=baz", 204, "").end();
    ended.exits(0).prints("Success! Data deleted (if it existed) at: secret/foo\n");
}

const SEALED: &str = r#"{"type":"shamir","initialized":true,"sealed":true,"t":3,"n":5,"progress":0,
    "nonce":"","version":"9","storage_type":"file"}"#;
const OPEN: &str = r#"{"type":"shamir","initialized":true,"sealed":false,"t":3,"n":5,"progress":0,
    "nonce":"",
    "version":"9"}"#;
const ALONE: &str = r#"{"ha_enabled":false,"leader_address":"","leader_cluster_address":""}"#;

#[test]
fn status_ends_by_the_state_of_the_seal() {
    let status = |line: &str, seal: &'static str| {
        let asked = run(line).answer("GET /v1/sys/seal-status", 200, seal);
        asked.answer("GET /v1/sys/leader", 200, ALONE).end()
    };
    status("status", SEALED).exits(2).prints(
        "Key                Value\n---                -----\nSeal Type          shamir\n\
         Initialized        true\nSealed             true\nTotal \
         Shares       5\nThreshold          3\n\
         Unseal Progress    0/3\nUnseal Nonce       n/a\nVersion            9\nStorage \
         Type       file\n\
         HA Enabled         false\n",
    );
    status("status", OPEN).exits(0);
    status("status -field=sealed", SEALED).exits(2).prints("true");
    status("status -field=nope", SEALED)
        .exits(2)
        .complains("Field \"nope\" not present in seal status\n");
    status("status -field=nope", OPEN).exits(1);
    let ended = status("status -format=json", OPEN);
    let document: serde_json::Value = serde_json::from_str(&ended.exits(0).stdout).unwrap();
    assert_eq!(document["ha_enabled"], false);
}

#[test]
fn auth_methods_are_enabled_listed_tuned_and_disabled() {
    run("auth enable -path=staff -description=d -default-lease-ttl=1h userpass")
        .answer("POST /v1/sys/auth/staff", 204, "")
        .end()
        .exits(0)
        .prints("Success! Enabled userpass auth method at: staff/\n")
        .called(&[concat!(
            r#"POST /v1/sys/auth/staff {"config":{"default_lease_ttl":"1h0m0s"},"#,
            r#""description":"d","type":"userpass"}"#
        )]);
    run("auth tune -max-lease-ttl=system userpass/")
        .answer("POST /v1/sys/mounts/auth/userpass/tune", 204, "")
        .end()
        .exits(0)
        .prints("Success! Tuned the auth method at: userpass/\n")
        .called(&[r#"POST /v1/sys/mounts/auth/userpass/tune {"max_lease_ttl":"system"}"#]);
    run("auth disable userpass")
        .answer("DELETE /v1/sys/auth/userpass", 204, "")
        .end()
        .exits(0)
        .prints("Success! Disabled the auth method (if it existed) at: userpass/\n");
    let answer = r#"{"data":{"token/":{"type":"token","accessor":"auth_token_1",
        "description":"token based credentials"}}}"#;
    run("auth list").answer("GET /v1/sys/auth", 200, answer).end().exits(0).prints(
        "Path      Type     Accessor        Description                Version\n\
         ----      ----     --------        -----------                -------\n\
         token/    token    auth_token_1    token based credentials    n/a\n",
    );
    run("auth enable nope")
        .answer("POST /v1/sys/auth/nope", 400, r#"{"errors":["no"]}"#)
        .end()
        .exits(2);
}

#[test]
fn secrets_engines_are_enabled_with_a_version() {
    run("secrets enable -version=2 -path=team/kv/ kv")
        .answer("POST /v1/sys/mounts/team/kv", 204, "")
        .end()
        .exits(0)
        .prints("Success! Enabled the kv secrets engine at: team/kv/\n")
        .called(&[
            r#"POST /v1/sys/mounts/team/kv {"config":{},"options":{"version":"2"},"type":"kv"}"#,
        ]);
    let remark = r#"{"data":null,"warnings":["they have no effect"]}"#;
    let misspelt = run("secrets enable -options=versionn=2 kv")
        .answer("POST /v1/sys/mounts/kv", 200, remark)
        .end();
    misspelt.exits(0).prints("Success! Enabled the kv secrets engine at: kv/\n");
    assert!(misspelt.stderr.contains("they have no effect"), "{}", misspelt.stderr);
    run("secrets move a b")
        .answer("POST /v1/sys/remount", 200, r#"{"data":{"migration_id":"m"}}"#)
        .answer(
            "GET /v1/sys/remount/status/m",
            200,
            r#"{"data":{"migration_info":{"status":"success"}}}"#,
        )
        .end()
        .exits(0)
        .prints(
            "Started moving secrets engine a/ to b/, with migration ID m\n\
             Success! Finished moving secrets engine a/ to b/, with migration ID m\n",
        );
}

#[test]
fn policies_are_written_in_lower_case() {
    run("policy write Dev p.hcl")
        .file("p.hcl", "path \"a\" {}\n")
        .answer("PUT /v1/sys/policies/acl/dev", 204, "")
        .end()
        .exits(0)
        .prints("Success! Uploaded policy: dev\n")
        .complains("Policy name was converted from \"Dev\" to \"dev\"\n")
        .called(&[r#"PUT /v1/sys/policies/acl/dev {"policy":"path \"a\" {}\n"}"#]);
    let answer = r#"{"data":{"name":"dev","policy":"\npath \"a\" {}\n"}}"#;
    run("policy read dev")
        .answer("GET /v1/sys/policies/acl/dev", 200, answer)
        .end()
        .prints("path \"a\" {}\n");
    run("policy read nope").end().exits(2).complains("No policy named: nope\n");
    run("policy list")
        .answer(
            "GET /v1/sys/policies/acl?list=true",
            200,
            r#"{"data":{"keys":["default","root"]}}"#,
        )
        .end()
        .prints("default\nroot\n");
    run("policy delete dev")
        .answer("DELETE /v1/sys/policies/acl/dev", 204, "")
        .end()
        .prints("Success! Deleted policy: dev\n");
}

const TOKEN: &str = r#"{"auth":{"client_token":"s.new","accessor":"a","policies":["default","dev"],
    "token_policies":["default","dev"],"lease_duration":3600,"renewable":false}}"#;

#[test]
fn tokens_are_made_looked_up_renewed_and_revoked() {
    run("token create -policy=dev -ttl=1d -orphan -metadata=a=b -use-limit=3")
        .answer("POST /v1/auth/token/create-orphan", 200, TOKEN)
        .end()
        .exits(0)
        .called(&[concat!(
            r#"POST /v1/auth/token/create-orphan {"meta":{"a":"b"},"num_uses":3,"#,
            r#""policies":["dev"],"ttl":"24h0m0s"}"#
        )])
        .prints(
            "Key                  Value\n---                  -----\ntoken                s.new\n\
             token_accessor       a\ntoken_duration       1h\ntoken_renewable      false\n\
             token_policies       [\"default\" \"dev\"]\nidentity_policies    []\n\
             policies             [\"default\" \"dev\"]\n",
        );
    let created = run("write -field=token_renewable auth/token/create display_name=a");
    created.answer("PUT /v1/auth/token/create", 200, TOKEN).end().exits(0).prints("false");
    run("token lookup").end().called(&["GET /v1/auth/token/lookup-self"]);
    run("token lookup x").end().called(&[r#"POST /v1/auth/token/lookup {"token":"x"}"#]);
    run("token lookup -accessor x")
        .end()
        .called(&[r#"POST /v1/auth/token/lookup-accessor {"accessor":"x"}"#]);
    run("token renew -increment 60")
        .end()
        .called(&[r#"PUT /v1/auth/token/renew-self {"increment":60}"#]);
    run("token renew -i=60s x")
        .end()
        .called(&[r#"PUT /v1/auth/token/renew {"increment":60,"token":"x"}"#]);
    run("token revoke -self")
        .answer("PUT /v1/auth/token/revoke-self", 204, "")
        .end()
        .exits(0)
        .prints("Success! Revoked token (if it existed)\n");
    run("token revoke -mode=path a/b").end().called(&["PUT /v1/sys/leases/revoke-prefix/a/b"]);
    run("token capabilities secret/a")
        .answer(
            "POST /v1/sys/capabilities-self",
            200,
            r#"{"data":{"capabilities":["update","read"]}}"#,
        )
        .end()
        .exits(0)
        .prints("read, update\n");
}

#[test]
fn a_server_is_initialized_unsealed_and_sealed() {
    let answer = r#"{"keys":["aa","bb"],"keys_base64":["x","y"],"root_token":"s.root"}"#;
    let ended = run("operator init -key-shares=2 -key-threshold=2")
        .answer("GET /v1/sys/seal-status", 200, SEALED)
        .answer("PUT /v1/sys/init", 200, answer)
        .end();
    ended.exits(0).called(&[
        "GET /v1/sys/seal-status",
        r#"PUT /v1/sys/init {"secret_shares":2,"secret_threshold":2}"#,
    ]);
    assert!(
        ended
            .stdout
            .starts_with("Unseal Key 1: x\nUnseal Key 2: y\n\nInitial Root Token: s.root\n\n")
    );
    run("operator init -status")
        .answer("GET /v1/sys/init", 200, r#"{"initialized":false}"#)
        .end()
        .exits(2)
        .prints("Vault is not initialized\n");
    let ended = run("operator unseal x")
        .answer("PUT /v1/sys/unseal", 200, SEALED)
        .answer("GET /v1/sys/leader", 200, ALONE)
        .end();
    assert!(ended.exits(0).stdout.contains("Unseal Progress    0/3\n"));
    run("operator seal")
        .answer("PUT /v1/sys/seal", 204, "")
        .end()
        .exits(0)
        .prints("Success! Vault is sealed.\n");
    run("operator key-status")
        .answer(
            "GET /v1/sys/key-status",
            200,
            r#"{"data":{"term":2,"install_time":"2026-01-05T10:11:12.13Z","encryptions":17}}"#,
        )
        .end()
        .prints(
            "Key Term            2\nInstall Time        05 Jan 26 10:11 UTC\nEncryption \
                Count    17\n",
        );
}

#[test]
fn leases_and_audit_devices_have_their_words() {
    run("lease revoke a/b")
        .answer("PUT /v1/sys/leases/revoke", 202, "")
        .end()
        .exits(0)
        .prints("All revocation operations queued successfully!\n")
        .called(&[r#"PUT /v1/sys/leases/revoke {"lease_id":"a/b","sync":false}"#]);
    run("lease revoke -prefix -sync a")
        .answer("PUT /v1/sys/leases/revoke-prefix/a", 204, "")
        .end()
        .prints("Success! Revoked any leases with prefix: a\n");
    run("audit list")
        .answer("GET /v1/sys/audit", 200, r#"{"data":{}}"#)
        .end()
        .exits(2)
        .prints("No audit devices are enabled.\n");
    run("audit enable file file_path=/a")
        .answer("PUT /v1/sys/audit/file", 204, "")
        .end()
        .exits(0)
        .prints("Success! Enabled the file audit device at: file/\n")
        .called(&[concat!(
            r#"PUT /v1/sys/audit/file {"description":"","local":false,"#,
            r#""options":{"file_path":"/a"},"type":"file"}"#
        )]);
}

#[test]
fn a_wrapped_answer_is_unwrapped_as_oneself_or_as_the_wrapping_token() {
    let answer = r#"{"data":{"a":"b"}}"#;
    let unwrap = |line: &str| run(line).answer("PUT /v1/sys/wrapping/unwrap", 200, answer);
    unwrap("unwrap w").end().exits(0).called(&["PUT /v1/sys/wrapping/unwrap token=w"]);
    unwrap("unwrap w")
        .variable("VAULT_TOKEN", "t")
        .end()
        .called(&[r#"PUT /v1/sys/wrapping/unwrap token=t {"token":"w"}"#]);
    unwrap("unwrap")
        .variable("VAULT_TOKEN", "w")
        .end()
        .called(&["PUT /v1/sys/wrapping/unwrap token=w"]);
}

#[test]
fn help_of_a_path_is_printed() {
    run("path-help auth/userpass/")
        .answer("GET /v1/auth/userpass?help=1", 200, r#"{"help":"Text.\n","openapi":{"a":1}}"#)
        .end()
        .exits(0)
        .prints("Text.\n");
    run("path-help nope/x").end().exits(2);
    let sealed = r#"{"errors":["Vault is sealed"]}"#;
    let ended = run("path-help a").answer("GET /v1/a?help=1", 503, sealed).end();
    assert!(ended.exits(2).stderr.starts_with("Error: Vault is sealed."));
}

#[test]
fn a_request_can_be_described_instead_of_sent() {
    let ended =
        run("write -output-curl-string secret/a k=v").variable("VAULT_TOKEN", "s.secret").end();
    ended.exits(0).called(&[]).prints(&format!(
        "curl -X PUT -H \"X-Vault-Request: true\" -H \"X-Vault-Token: $(strongroom print token)\" \
         -d '{{\"k\":\"v\"}}' \"{}/v1/secret/a\"\n",
        ended.address
    ));
    run("login -output-curl-string s.x lookup=false")
        .end()
        .exits(1)
        .complains("Could not generate cURL command\n");
    run("write -output-curl-string secret/a")
        .end()
        .exits(1)
        .complains("Must supply data or use -force\nUnable to generate cURL string from command\n");
    run("delete secret/a -output-policy")
        .end()
        .exits(0)
        .called(&[])
        .prints("path \"secret/a\" {\n  capabilities = [\"delete\"]\n}\n");
}

#[test]
fn policies_are_laid_out_and_looked_at_without_a_server() {
    let text = "path \"secret/app\" {capabilities=[\"read\"]}";
    run("policy lint p.hcl").file("p.hcl", text).end().exits(2).called(&[]).prints(
        "p.hcl:1:6: secret/ is a versioned key-value store; say \"secret/data/app\", and \
         \"secret/metadata/app\" for list\n",
    );
    let list = "path \"secret/data/app/*\" {capabilities=[\"read\", \"list\"]}";
    run("policy lint p.hcl").file("p.hcl", list).end().exits(2).prints(
        "p.hcl:1:49: there is nothing to list below secret/data; say \"secret/metadata/app/*\" for \
         that\n",
    );
    run("policy lint -kv=other p.hcl").file("p.hcl", text).end().exits(0).prints("");
    let laid_out = "path \"secret/app\" {\n  capabilities = [\"read\"]\n}\n";
    run("policy fmt -").input(text).end().exits(0).called(&[]).prints(laid_out);
    let done = "Success! Formatted policy: p.hcl\n";
    run("policy fmt p.hcl").file("p.hcl", text).end().exits(0).prints(done);
    let broken = run("policy fmt p.hcl").file("p.hcl", "path {").end();
    assert!(broken.exits(1).stderr.contains("line 1, column 7"));
    // Short as it is written, too long as it is laid out.
    let many: String = (0..8_000).map(|at| format!("path \"{at}\" {{policy=\"deny\"}}")).collect();
    let long = run("policy fmt p.hcl").file("p.hcl", &many).end();
    assert!(long.exits(0).stderr.contains("servers take at most 262144"));
    run("policy lint p.hcl").file("p.hcl", &many).end().exits(0).prints("");
}

#[test]
fn an_explanation_names_rule_and_policy_and_its_exit_code_the_verdict() {
    let answer = r#"{"data":{"allowed":false,"operation":"list","path":"kv/a/",
        "reason":"the rule does not grant list","missing":"list","rule":{"path":"kv/a",
        "capabilities":["read"],"sources":[{"policy":"p","line":2,"capabilities":["read"]}]}}}"#;
    let line = "policy explain -operation=list -policy=p kv/a x=1";
    let ended = run(line).answer("PUT /v1/sys/policies/explain", 200, answer).end();
    ended.exits(2).prints(
        "Denied: list kv/a/\n  the rule does not grant list\n  rule: \"kv/a\"\n    policy p, line \
         2: read\n",
    );
    let answer = r#"{"data":{"allowed":true,"operation":"read","path":"kv/a","reason":"so",
        "unknown_policies":["typo"]}}"#;
    let tried = run("policy test - kv/a").input("path \"kv/a\" {}");
    let ended = tried.answer("PUT /v1/sys/policies/explain", 200, answer).end();
    ended
        .exits(0)
        .prints("Allowed: read kv/a\n  so\n  there is no policy \"typo\"\n")
        .called(&["PUT /v1/sys/policies/explain {\"candidate\":\"path \\\"kv/a\\\" {}\",\
         \"operation\":\"read\",\"parameters\":{},\"path\":\"kv/a\",\"policies\":[]}"]);
}
