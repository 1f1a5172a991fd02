//! The key-value store: both versions, and finding out which one it is.

use crate::stub::{Ended, Run, run};

const FIRST: &str = r#"{"data":{"path":"kv/","type":"kv","options":{"version":"1"}}}"#;
const SECOND: &str = r#"{"data":{"path":"secret/","type":"kv","options":{"version":"2"}}}"#;
const ASK: &str = "GET /v1/sys/internal/ui/mounts/secret/a";
const ASK_FIRST: &str = "GET /v1/sys/internal/ui/mounts/kv/a";
const CONTENT: &str = r#"{"request_id":"r","data":{"data":{"foo":"bar"},"metadata":{
    "created_time":"t",
    "custom_metadata":null,"deletion_time":"","destroyed":false,"version":1}}}"#;
const WRITTEN: &str = r#"{"data":{"created_time":"t","custom_metadata":null,"deletion_time":"",
    "destroyed":false,"version":2}}"#;

fn second(line: &str) -> Run {
    run(line).answer(ASK, 200, SECOND)
}

fn first(line: &str) -> Run {
    run(line).answer(ASK_FIRST, 200, FIRST)
}

#[track_caller]
fn last_call(ended: &Ended, expected: &str) {
    assert_eq!(ended.calls.last().map(String::as_str), Some(expected), "{}", ended.stderr);
}

#[test]
fn a_secret_of_the_second_version_shows_path_metadata_and_data() {
    let get = |line: &str| second(line).answer("GET /v1/secret/data/a", 200, CONTENT).end();
    for line in ["kv get secret/a", "kv get /secret/a/"] {
        get(line).exits(0).called(&[ASK, "GET /v1/secret/data/a"]).prints(
            "== Secret Path ==\nsecret/data/a\n\n======= Metadata =======\n\
             Key                Value\n---                -----\ncreated_time       t\n\
             custom_metadata    <nil>\ndeletion_time      n/a\ndestroyed          false\n\
             version            1\n\n=== Data ===\nKey    Value\n---    -----\nfoo    bar\n",
        );
    }
    get("kv get -field=foo secret/a").exits(0).prints("bar");
    get("kv get -field=version secret/a").exits(1);
    let ended = get("kv get -format=json secret/a");
    let document: serde_json::Value = serde_json::from_str(&ended.exits(0).stdout).unwrap();
    assert_eq!(document["data"]["data"]["foo"], "bar");
    second("kv get secret/a").end().exits(2).complains("No value found at secret/data/a\n");
}

#[test]
fn a_deleted_version_shows_only_its_metadata() {
    let deleted = r#"{"data":{"data":null,"metadata":{"version":1}}}"#;
    let get = |line: &str| second(line).answer("GET /v1/secret/data/a", 404, deleted).end();
    let ended = get("kv get secret/a");
    assert!(!ended.exits(0).stdout.contains("= Data ="));
    assert!(ended.stdout.contains("= Metadata ="));
    get("kv get -field=foo secret/a").exits(2).complains("No data found at secret/data/a\n");
}

#[test]
fn a_secret_of_the_first_version_is_just_its_data() {
    first("kv get kv/a")
        .answer("GET /v1/kv/a", 200, r#"{"data":{"foo":"bar"}}"#)
        .end()
        .exits(0)
        .prints("=== Data ===\nKey    Value\n---    -----\nfoo    bar\n");
    first("kv get kv/a").end().exits(2).complains("No value found at kv/a\n");
    first("kv put kv/a k=v")
        .answer("PUT /v1/kv/a", 204, "")
        .end()
        .exits(0)
        .prints("Success! Data written to: kv/a\n");
}

#[test]
fn a_mount_can_be_named_apart() {
    let ask = "GET /v1/sys/internal/ui/mounts/kv";
    run("kv get -mount=kv kv").answer(ask, 200, FIRST).end().called(&[ask, "GET /v1/kv/kv"]);
}

#[test]
fn a_write_says_which_version_it_made() {
    let door = "PUT /v1/secret/data/a";
    let ended = second("kv put -cas=1 secret/a").argument("k=\\").answer(door, 200, WRITTEN).end();
    last_call(&ended, r#"PUT /v1/secret/data/a {"data":{"k":"\\"},"options":{"cas":1}}"#);
    assert!(
        ended
            .exits(0)
            .stdout
            .starts_with("== Secret Path ==\nsecret/data/a\n\n======= Metadata =======\n")
    );
    assert!(ended.stdout.ends_with("version            2\n"));
    let stale = r#"{"errors":["check-and-set parameter did not match the current version"]}"#;
    let ended = second("kv put -cas=9 secret/a k=v").answer(door, 400, stale).end();
    assert!(ended.exits(2).stderr.contains("did not match the current version"));
}

#[test]
fn a_patch_falls_back_to_reading_and_writing() {
    let denied = r#"{"errors":["permission denied"]}"#;
    let ended =
        second("kv patch secret/a k=v").answer("PATCH /v1/secret/data/a", 200, WRITTEN).end();
    last_call(&ended, r#"PATCH /v1/secret/data/a {"data":{"k":"v"},"options":{}}"#);
    ended.exits(0);
    let ended = second("kv patch secret/a k=v")
        .answer("PATCH /v1/secret/data/a", 403, denied)
        .answer("GET /v1/secret/data/a", 200, CONTENT)
        .answer("PUT /v1/secret/data/a", 200, WRITTEN)
        .end();
    last_call(
        &ended,
        r#"PUT /v1/secret/data/a {"data":{"foo":"bar","k":"v"},"options":{"cas":1}}"#,
    );
    assert!(ended.exits(0).stderr.starts_with("WARNING!"));
    let ended = second("kv patch -method=rw -remove-data=foo secret/a")
        .answer("GET /v1/secret/data/a", 200, CONTENT)
        .end();
    last_call(&ended, r#"PUT /v1/secret/data/a {"data":{},"options":{"cas":1}}"#);
    first("kv patch kv/a k=v")
        .end()
        .exits(2)
        .complains("K/V engine mount must be version 2 for patch support\n");
}

#[test]
fn a_patch_needs_something_to_change() {
    let deleted = r#"{"data":{"created_time":"t","custom_metadata":null,"deletion_time":"t",
        "destroyed":false,"version":1}}"#;
    let patch = |line: &str, body: &'static str| {
        second(line).answer("PATCH /v1/secret/data/a", 404, body).end()
    };
    let no_data = "No data found at secret/data/a; patch only works on existing data\n";
    for line in ["kv patch secret/a k=v", "kv patch -method=patch secret/a k=v"] {
        patch(line, deleted).exits(2).prints("").complains(no_data);
        let nothing = patch(line, r#"{"errors":[]}"#);
        nothing.exits(2).prints("").complains("No value found at secret/data/a\n");
        let unmounted = patch(line, r#"{"errors":["no handler for route"]}"#);
        assert!(unmounted.exits(2).stderr.contains("no handler for route"), "{}", unmounted.stderr);
    }
    second("kv patch -method=rw secret/a k=v")
        .answer("GET /v1/secret/data/a", 404, r#"{"data":{"data":null,"metadata":{"version":1}}}"#)
        .end()
        .exits(2)
        .complains(no_data);
}

#[test]
fn a_patch_of_metadata_needs_something_to_change() {
    let path = "PATCH /v1/secret/metadata/a";
    let metadata = |body: &'static str| {
        second("kv metadata patch -max-versions=5 secret/a").answer(path, 404, body).end()
    };
    let nothing = metadata(r#"{"errors":[]}"#);
    nothing.exits(2).complains("No value found at secret/metadata/a\n");
    let page = metadata("<h1>no such page</h1>");
    assert!(page.exits(2).stderr.contains("no such page"), "{}", page.stderr);
}

#[test]
fn what_the_first_version_cannot_do_is_refused_before_anything_is_done() {
    for (line, what) in [
        ("kv delete -versions=1 kv/a", "Deleting versions"),
        ("kv put -cas=1 kv/a x=2", "Check-and-set"),
        ("kv put -cas=0 kv/a x=2", "Check-and-set"),
        ("kv get -version=1 kv/a", "Reading a version"),
    ] {
        let ended = first(line).end();
        ended.exits(1).called(&[ASK_FIRST]);
        ended.complains(&format!("{what} not supported on KV Version 1\n"));
    }
    let unguarded = first("kv put -cas=-1 kv/a x=2").answer("PUT /v1/kv/a", 204, "").end();
    last_call(&unguarded, r#"PUT /v1/kv/a {"x":"2"}"#);
    let current = first("kv get -version=0 kv/a").end();
    current.called(&[ASK_FIRST, "GET /v1/kv/a"]);
}

#[test]
fn an_empty_list_of_versions_deletes_nothing() {
    for line in ["kv delete -versions= secret/a", "kv delete -versions=, secret/a"] {
        second(line).end().exits(1).called(&[]).complains(
            "No versions provided: \"-versions\" is empty. Leave it out to delete the current \
             version.\n",
        );
    }
}

#[test]
fn a_name_given_twice_is_not_written() {
    let ended = run("kv put secret/a -").input(r#"{"a":"hunter2","a":"x"}"#).end();
    ended.exits(1).called(&[]).complains(
        "Failed to parse K=V data: a name is given twice in the same object; give it once (line \
         1, column 18)\n",
    );
}

#[test]
fn versions_are_deleted_brought_back_and_destroyed() {
    let ended = second("kv delete secret/a").answer("DELETE /v1/secret/data/a", 204, "").end();
    ended.exits(0).prints("Success! Data deleted (if it existed) at: secret/data/a\n");
    let ended =
        second("kv delete -versions=1,2 secret/a").answer("PUT /v1/secret/delete/a", 204, "").end();
    last_call(&ended, r#"PUT /v1/secret/delete/a {"versions":["1","2"]}"#);
    ended.exits(0).prints("Success! Data deleted (if it existed) at: secret/data/a\n");
    let ended = second("kv undelete -versions=1 secret/a")
        .answer("PUT /v1/secret/undelete/a", 204, "")
        .end();
    ended.exits(0).prints("Success! Data written to: secret/undelete/a\n");
    let ended =
        second("kv destroy -versions=1 secret/a").answer("PUT /v1/secret/destroy/a", 204, "").end();
    ended.exits(0).prints("Success! Data written to: secret/destroy/a\n");
    first("kv destroy -versions=1 kv/a")
        .end()
        .exits(1)
        .complains("Destroy not supported on KV Version 1\n");
}

#[test]
fn an_older_version_comes_back_as_the_newest() {
    let ended = second("kv rollback -version=1 secret/a")
        .answer(
            "GET /v1/secret/data/a",
            200,
            r#"{"data":{"data":{"x":"y"},"metadata":{"version":4}}}"#,
        )
        .answer("GET /v1/secret/data/a?version=1", 200, CONTENT)
        .answer("PUT /v1/secret/data/a", 200, WRITTEN)
        .end();
    ended.exits(0);
    last_call(&ended, r#"PUT /v1/secret/data/a {"data":{"foo":"bar"},"options":{"cas":4}}"#);
    second("kv rollback -version=1 secret/a")
        .answer("GET /v1/secret/data/a", 200, CONTENT)
        .answer(
            "GET /v1/secret/data/a?version=1",
            404,
            r#"{"data":{"data":null,"metadata":{"version":1}}}"#,
        )
        .end()
        .exits(2)
        .complains("Cannot roll back to a version that has been deleted/destroyed\n");
}

#[test]
fn metadata_is_shown_set_and_removed() {
    let answer = r#"{"data":{"cas_required":false,"delete_version_after":"0s","versions":{
        "10":{"created_time":"t","deletion_time":"","destroyed":false},
        "9":{"created_time":"t","deletion_time":"","destroyed":true}}}}"#;
    let ended =
        second("kv metadata get secret/a").answer("GET /v1/secret/metadata/a", 200, answer).end();
    assert!(
        ended.exits(0).stdout.starts_with(
            "= Metadata Path =\nsecret/metadata/a\n\n========== Metadata ==========\n"
        )
    );
    let (ninth, tenth) =
        (ended.stdout.find("====== Version 9 ======"), ended.stdout.find("===== Version 10 ====="));
    assert!(ninth.is_some() && ninth < tenth, "{}", ended.stdout);
    let ended = second("kv metadata put -max-versions=5 -custom-metadata=a=b secret/a")
        .answer("PUT /v1/secret/metadata/a", 204, "")
        .end();
    last_call(
        &ended,
        r#"PUT /v1/secret/metadata/a {"custom_metadata":{"a":"b"},"max_versions":5}"#,
    );
    ended.exits(0).prints("Success! Data written to: secret/metadata/a\n");
    first("kv metadata get kv/a")
        .end()
        .exits(1)
        .complains("Metadata not supported on KV Version 1\n");
}

#[test]
fn a_list_of_the_second_version_asks_for_metadata() {
    let ask = "GET /v1/sys/internal/ui/mounts/secret";
    let answer = r#"{"data":{"keys":["b","a"]}}"#;
    run("kv list secret/")
        .answer(ask, 200, SECOND)
        .answer("GET /v1/secret/metadata?list=true", 200, answer)
        .end()
        .exits(0)
        .prints("Keys\n----\na\nb\n");
}

#[test]
fn a_scan_asks_for_everything_below() {
    let answer = r#"{"data":{"keys":["a/b","c"]}}"#;
    let shown = "Keys\n----\na/b\nc\n";
    second("kv scan -after=x -limit=2 secret/a")
        .answer("GET /v1/secret/metadata/a?scan=true&after=x&limit=2", 200, answer)
        .end()
        .exits(0)
        .prints(shown);
    first("kv scan kv/a").answer("GET /v1/kv/a?scan=true", 200, answer).end().prints(shown);
    run("scan kv/a/").answer("GET /v1/kv/a?scan=true", 200, answer).end().prints(shown);
    run("scan kv/a").end().exits(2).complains("No value found at kv/a\n");
    run("kv scan").end().exits(1);
}

#[test]
fn turning_on_versioning_tells_what_the_server_says() {
    let answer = r#"{"data":null,"warnings":["It goes on."]}"#;
    let ended = run("kv enable-versioning kv/").answer("POST /v1/sys/mounts/kv/tune", 200, answer);
    let ended = ended.end();
    ended.exits(0).prints("Success! Tuned the secrets engine at: kv/\n");
    assert!(ended.stderr.contains("It goes on."), "{}", ended.stderr);
}

#[test]
fn the_question_for_the_version_is_never_wrapped_and_always_sent() {
    let ended = second("kv get -wrap-ttl=5m secret/a").end();
    ended.called(&[ASK, "GET /v1/secret/data/a wrap=5m0s"]);
    let ended = second("kv get -wrap-ttl=-1 secret/a").end();
    ended.called(&[ASK, "GET /v1/secret/data/a wrap=-1s"]);
    let ended = second("kv get -output-policy secret/a").end();
    ended
        .exits(0)
        .called(&[ASK])
        .prints("path \"secret/data/a\" {\n  capabilities = [\"read\"]\n}\n");
    let denied = r#"{"errors":["preflight capability check returned 403"]}"#;
    run("kv get secret/a").answer(ASK, 403, denied).end().exits(2);
}
