//! What a user's record promises, seen from outside.

use serde_json::{Value, json};

use super::exchange::Line;
use super::harness::{Server, Wire};

fn prepared() -> Server {
    let server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    root.write("sys/auth/userpass", &json!({"type": "userpass"})).is(204);
    server
}

/// The policies of a login, or the status of its refusal.
#[track_caller]
fn login(server: &Server, password: &str) -> Result<Value, u16> {
    let body = json!({ "password": password });
    let answer = Line::open(server).write("auth/userpass/login/ann", &body);
    if answer.status == 200 {
        return Ok(answer.body["auth"]["policies"].clone());
    }
    Err(answer.status)
}

#[test]
fn policies_stay_until_they_are_named_again() {
    let server = prepared();
    let root = Line::with(&server, &server.root);
    let door = "auth/userpass/users/ann";
    root.write(door, &json!({"password": "one", "policies": "dev, Ops"})).is(204);
    assert_eq!(login(&server, "one"), Ok(json!(["default", "dev", "ops"])));
    root.write(door, &json!({"password": "two"})).is(204);
    assert_eq!(login(&server, "one"), Err(400));
    assert_eq!(login(&server, "two"), Ok(json!(["default", "dev", "ops"])));
    root.write(&format!("{door}/password"), &json!({"password": "three"})).is(204);
    assert_eq!(login(&server, "three"), Ok(json!(["default", "dev", "ops"])));
    root.write(&format!("{door}/policies"), &json!({"policies": ["dev"]})).is(204);
    assert_eq!(login(&server, "three"), Ok(json!(["default", "dev"])));
    root.write(door, &json!({"policies": ""})).is(204);
    assert_eq!(login(&server, "three"), Ok(json!(["default"])));
}

#[test]
fn no_spelling_of_root_makes_a_login_almighty() {
    let server = prepared();
    let root = Line::with(&server, &server.root);
    for spelling in ["root", "ROOT", " Root ", "default,root", "rOOt,dev"] {
        let body = json!({"password": "pw", "policies": spelling});
        let written = root.write("auth/userpass/users/ann", &body);
        assert!([204, 400].contains(&written.status), "{spelling:?}: {}", written.status);
        match login(&server, "pw") {
            Err(status) => assert_eq!(status, 400, "{spelling:?}"),
            Ok(policies) => {
                let policies = policies.as_array().unwrap();
                assert!(!policies.contains(&json!("root")), "{spelling:?} gave {policies:?}");
            }
        }
    }
}

#[test]
fn creating_a_user_and_changing_one_are_different_rights() {
    let server = prepared();
    let root = Line::with(&server, &server.root);
    let token_for = |capability: &str| {
        let rules = json!({"path": {"auth/userpass/users/*": {"capabilities": [capability]}}});
        let body = json!({ "policy": rules.to_string() });
        root.write(&format!("sys/policies/acl/{capability}"), &body).is(204);
        let made = root.write("auth/token/create", &json!({"policies": [capability]}));
        made.is(200).body["auth"]["client_token"].as_str().unwrap().to_owned()
    };
    let creator = Line::with(&server, &token_for("create"));
    let changer = Line::with(&server, &token_for("update"));
    let body = json!({"password": "pw"});
    changer.write("auth/userpass/users/ann", &body).is(403);
    creator.write("auth/userpass/users/ann", &body).is(204);
    creator.write("auth/userpass/users/ann", &json!({"password": "stolen"})).is(403);
    assert_eq!(login(&server, "pw"), Ok(json!(["default"])));
    changer.write("auth/userpass/users/ann", &json!({"password": "new"})).is(204);
    assert_eq!(login(&server, "new"), Ok(json!(["default"])));
}
