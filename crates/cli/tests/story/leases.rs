//! Leases, by the commands of both generations.

use client::Request;
use serde_json::json;

use super::exchange::{Answer, Line};
use super::harness::{Server, Wire};

/// A user's token, and the id of its lease.
fn login(server: &Server) -> (String, String) {
    let answer = Line::open(server).write("auth/userpass/login/ann", &json!({"password": "foo"}));
    let token = answer.is(200).body["auth"]["client_token"].as_str().unwrap().to_owned();
    let folder = "auth/userpass/login/ann";
    let listed = server.as_root(&format!("list -format=json sys/leases/lookup/{folder}")).end();
    let listed = listed.json();
    let names = listed.as_array().unwrap();
    assert_eq!(names.len(), 1, "{names:?}");
    (token, format!("{folder}/{}", names[0].as_str().unwrap()))
}

fn look(server: &Server, token: &str) -> Answer {
    Line::with(server, token).read("auth/token/lookup-self")
}

fn with_ann() -> Server {
    let server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    root.write("sys/auth/userpass", &json!({"type": "userpass"})).is(204);
    let user = json!({"password": "foo", "ttl": "1h"});
    root.write("auth/userpass/users/ann", &user).is(204);
    server
}

#[test]
fn leases_are_looked_up_and_ended_by_the_commands_of_today() {
    let server = with_ann();
    let (token, id) = login(&server);
    let said = server.strongroom(&format!("lease lookup {id}")).token(&token).end();
    said.exits(0).mentions(&[&id, "expire_time", "issue_time", "renewable", "ttl"]);
    let said = server.as_root("lease lookup auth/nothing").end();
    said.exits(2).complains(&["error looking up lease id auth/nothing", "invalid lease"]);
    let said = server.as_root(&format!("lease renew {id}")).end();
    said.exits(2).complains(&["tokens cannot be renewed through this endpoint"]);
    let said = server.as_root("lease renew auth/nothing").end();
    said.exits(2).complains(&["lease not found"]);

    let said = server.as_root(&format!("lease revoke {id}")).end();
    said.exits(0).prints("All revocation operations queued successfully!\n");
    look(&server, &token).is(403);
    for flags in ["-prefix -sync", "-prefix", "-prefix -force"] {
        let (token, _) = login(&server);
        for folder in ["auth/userpass/login/a", "auth/userpass/login/ann/"] {
            look(&server, &token).is(200);
            server.as_root(&format!("lease revoke {flags} {folder}")).end().exits(0);
        }
        look(&server, &token).is(403);
    }
    let (token, id) = login(&server);
    let said = server.as_root(&format!("lease revoke -sync {id}")).end();
    said.exits(0).prints(&format!("Success! Revoked lease: {id}\n"));
    look(&server, &token).is(403);
}

#[test]
fn leases_are_ended_by_the_commands_of_2016() {
    let server = with_ann();
    for flags in ["-prefix", "-prefix -force"] {
        let (token, _) = login(&server);
        server.as_root(&format!("revoke {flags} auth/userpass")).end().exits(0);
        look(&server, &token).is(403);
    }
    let (token, id) = login(&server);
    let said = server.as_root(&format!("renew {id}")).end();
    said.exits(1).complains(&["Renew error", "tokens cannot be renewed through this endpoint"]);
    let said = server.as_root(&format!("revoke {id}")).end();
    said.exits(0).mentions(&["Success!"]);
    look(&server, &token).is(403);
}

#[test]
fn leases_are_answered_as_clients_expect_over_the_wire() {
    let server = with_ann();
    let root = Line::with(&server, &server.root);
    let (_, id) = login(&server);
    let seen = root.write("sys/leases/lookup", &json!({"lease_id": id}));
    assert_eq!(seen.is(200).body["data"]["path"], "auth/userpass/login/ann");
    root.read("sys/leases/lookup").is(405);
    root.write("sys/leases/lookup", &json!({"lease_id": "a"})).refuses(400, &["invalid lease"]);
    let later = root.write("sys/leases/revoke", &json!({"lease_id": "a", "sync": false}));
    assert_eq!(later.is(202).body, json!(null));
    root.write("sys/leases/revoke", &json!({"lease_id": "a"})).is(204);
    let tidied = root.write("sys/leases/tidy", &json!({}));
    let warnings = tidied.is(202).body["warnings"].as_array().unwrap().len();
    assert_eq!(warnings, 1);
    root.read("sys/leases/count").is(404);
    let irrevocable = |path: &str| Request::get(path).query("type", "irrevocable");
    let count = root.ask(irrevocable("sys/leases/count"));
    assert_eq!(count.is(200).body["data"], json!({"lease_count": 0, "counts": {}}));
    let none = root.ask(irrevocable("sys/leases").query("limit", "5"));
    assert_eq!(none.is(200).body["data"], json!({"lease_count": 0, "leases": []}));
    let limit = root.ask(irrevocable("sys/leases").query("limit", "0"));
    limit.refuses(500, &["1 error occurred", "limit must be 'none' or a positive integer"]);
}
