//! Administering users.

use api::{Error, Operation};
use serde_json::{Value, json};

use crate::house::House;

const NO_NETWORK: &str = "error parsing address: unable to convert it to an IPv4 or IPv6 address \
                          or network; try \"10.0.0.0/8\"";

fn house() -> House {
    House::new("userpass", None)
}

async fn house_with_bob() -> House {
    let house = house();
    house.write("users/bob", json!({"password": "hunter2"})).await.done();
    house
}

#[tokio::test]
async fn a_user_needs_a_password_and_an_update_does_not() {
    let house = house();
    // G.1 case 1.
    let neither = "must provide either password or password_hash";
    house.write("users/bob", json!({"policies": "dev"})).await.refused(neither);
    house.write("users/bob", json!({"password": ""})).await.refused("missing password");
    house.read("users/bob").await.missing();
    assert_eq!(house.census(), 0);

    let created = house.write("users/bob", json!({"password": "hunter2"})).await;
    assert_eq!(created.operation, Operation::Create);
    let changed = house.write("users/bob", json!({"policies": "dev"})).await;
    assert_eq!(changed.operation, Operation::Update);
    changed.done();
    house.write("users/bob", json!({"password": ""})).await.refused("missing password");
}

#[tokio::test]
async fn an_untouched_user_shows_every_field() {
    let expected = json!({
        "token_bound_cidrs": [], "token_explicit_max_ttl": 0, "token_max_ttl": 0,
        "token_no_default_policy": false, "token_num_uses": 0, "token_period": 0,
        "token_policies": [], "token_strictly_bind_ip": false, "token_ttl": 0,
        "token_type": "default", "password_changed": "2026-02-01T10:00:00.5Z",
    });
    assert_eq!(house_with_bob().await.read("users/bob").await.data(), expected);
}

#[tokio::test]
async fn what_is_written_is_read_back() {
    let house = house_with_bob().await;
    let sent = json!({
        "token_bound_cidrs": "127.0.0.1/32, 10.0.0.0/8,::1", "token_explicit_max_ttl": 9000,
        "token_max_ttl": "7200", "token_no_default_policy": "true", "token_num_uses": 0,
        "token_period": 60, "token_policies": ["Ops", "dev", "dev"],
        "token_strictly_bind_ip": false, "token_ttl": 3600, "token_type": "service",
        "alias_metadata": {},
    });
    house.write("users/bob", sent).await.done();
    let expected = json!({
        "token_bound_cidrs": ["127.0.0.1", "10.0.0.0/8", "::1"], "token_explicit_max_ttl": 9000,
        "token_max_ttl": 7200, "token_no_default_policy": true, "token_num_uses": 0,
        "token_period": 60, "token_policies": ["Ops", "dev", "dev"],
        "token_strictly_bind_ip": false, "token_ttl": 3600, "token_type": "service",
        "password_changed": "2026-02-01T10:00:00.5Z",
    });
    assert_eq!(house.read("users/bob").await.data(), expected);
    // Nothing given, nothing changed.
    house.write("users/bob", json!({})).await.done();
    assert_eq!(house.read("users/bob").await.data(), expected);
}

#[tokio::test]
async fn the_password_never_comes_back() {
    let house = house_with_bob().await;
    let data = house.read("users/bob").await.data().to_string();
    assert!(!data.contains("hunter2") && !data.contains("argon2"), "{data}");
}

#[track_caller]
fn shows(data: &Value, field: &str, expected: Option<Value>) {
    assert_eq!(data.get(field).cloned(), expected, "{field} in {data}");
}

#[tokio::test]
async fn old_names_are_shown_while_they_are_used() {
    let house = house();
    // G.1 cases 6 and 9.
    let old = json!({
        "password": "hunter2", "ttl": 300, "max_ttl": 600, "bound_cidrs": "10.0.0.1/32",
        "policies": " Ops, dev,ops",
    });
    house.write("users/bob", old).await.done();
    let data = house.read("users/bob").await.data();
    for (old, new, value) in [
        ("ttl", "token_ttl", json!(300)),
        ("max_ttl", "token_max_ttl", json!(600)),
        ("bound_cidrs", "token_bound_cidrs", json!(["10.0.0.1"])),
        ("policies", "token_policies", json!(["dev", "ops"])),
    ] {
        shows(&data, old, Some(value.clone()));
        shows(&data, new, Some(value));
    }

    // G.1 case 7. Both names: the new one decides, and both show it.
    house.write("users/bob", json!({"ttl": 1, "token_ttl": 2})).await.done();
    let data = house.read("users/bob").await.data();
    shows(&data, "ttl", Some(json!(2)));
    shows(&data, "token_ttl", Some(json!(2)));
    shows(&data, "max_ttl", Some(json!(600)));

    // G.1 case 8. The new name alone: the old one is no longer shown.
    let new = json!({"token_ttl": 3, "token_policies": "Dev"});
    house.write("users/bob", new).await.done();
    let data = house.read("users/bob").await.data();
    shows(&data, "ttl", None);
    shows(&data, "token_ttl", Some(json!(3)));
    shows(&data, "policies", None);
    shows(&data, "token_policies", Some(json!(["Dev"])));

    // The old name alone: both show it.
    house.write("users/bob", json!({"ttl": 4})).await.done();
    let data = house.read("users/bob").await.data();
    shows(&data, "ttl", Some(json!(4)));
    shows(&data, "token_ttl", Some(json!(4)));
}

#[tokio::test]
async fn policies_stay_when_absent_and_go_when_empty() {
    let house = house();
    let dev = json!({"password": "hunter2", "policies": "dev"});
    house.write("users/bob", dev).await.done();
    house.write("users/bob", json!({"ttl": 1})).await.done();
    shows(&house.read("users/bob").await.data(), "token_policies", Some(json!(["dev"])));
    for empty in [json!({"policies": ""}), json!({"policies": []}), json!({"policies": null})] {
        house.write("users/bob", json!({"policies": "dev"})).await.done();
        house.write("users/bob", empty).await.done();
        shows(&house.read("users/bob").await.data(), "token_policies", Some(json!([])));
    }
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_and_change_nothing() {
    let house = house_with_bob().await;
    let before = house.read("users/bob").await.data();
    for (sent, expected) in [
        (json!({"token_num_uses": -1}), "'token_num_uses' cannot be negative"),
        (
            json!({"token_ttl": 20, "token_max_ttl": 10}),
            "'token_ttl' cannot be greater than 'token_max_ttl'",
        ),
        (
            json!({"token_type": "hunter2"}),
            "invalid 'token_type' value; try \"default\", \"service\" or \"batch\"",
        ),
        (json!({"token_bound_cidrs": "hunter2"}), NO_NETWORK),
        (json!({"bound_cidrs": ["10.0.0.0/33"]}), NO_NETWORK),
        (
            json!({"token_ttl": -5}),
            "error converting input for field \"token_ttl\": cannot provide negative value",
        ),
        (
            json!({"password": "a", "password_hash": "b"}),
            "only one of password or password_hash may be provided",
        ),
    ] {
        house.write("users/bob", sent).await.refused(expected);
    }
    assert_eq!(house.read("users/bob").await.data(), before);
}

#[tokio::test]
async fn old_names_are_not_held_against_each_other() {
    let house = house_with_bob().await;
    house.write("users/bob", json!({"ttl": 20, "max_ttl": 10})).await.done();
}

#[tokio::test]
async fn names_fold_and_must_look_like_names() {
    let house = house();
    house.write("users/Bob", json!({"password": "hunter2"})).await.done();
    assert_eq!(house.write("users/bOB", json!({})).await.operation, Operation::Update);
    assert_eq!(house.list("users").await.keys(), ["bob"]);
    house.read("users/BOB").await.data();
    for name in ["-bob", "bob.", ".bob", "b@b", "b%20b", "b/b", "b+b"] {
        let answer = house.write(&format!("users/{name}"), json!({"password": "x"})).await;
        assert_eq!(answer.error(), Error::UnsupportedPath, "{name}");
    }
    // A name in the body does not count.
    house.write("users/ann", json!({"username": "eve", "password": "x"})).await.done();
    assert_eq!(house.list("users").await.keys(), ["ann", "bob"]);
}

#[tokio::test]
async fn users_are_listed_by_the_page() {
    let house = house();
    for name in ["cleo", "ann", "bob"] {
        house.write(&format!("users/{name}"), json!({"password": "x"})).await.done();
    }
    let page = async |page| house.ask(Operation::List, "users", page).await.keys();
    assert_eq!(page(json!({})).await, ["ann", "bob", "cleo"]);
    assert_eq!(page(json!({"limit": "2"})).await, ["ann", "bob"]);
    assert_eq!(page(json!({"limit": -1})).await, ["ann", "bob", "cleo"]);
    assert_eq!(page(json!({"after": "ann", "limit": 1})).await, ["bob"]);
    assert_eq!(page(json!({"after": "annabel"})).await, ["bob", "cleo"]);
    assert_eq!(page(json!({"after": "zoe"})).await, Vec::<String>::new());
}

#[tokio::test]
async fn deleting_a_user_is_for_good_and_never_an_error() {
    let house = house_with_bob().await;
    house.delete("users/Bob").await.done();
    // G.1 case 14.
    house.delete("users/bob").await.done();
    house.read("users/bob").await.missing();
    assert_eq!(house.census(), 0);
}

#[tokio::test]
async fn password_and_policies_have_paths_of_their_own() {
    let house = house_with_bob().await;
    let unknown = Error::MissingBecause("username does not exist".to_owned());
    let password = house.write("users/ann/password", json!({"password": "x"})).await;
    assert_eq!(password.error(), unknown);
    let policies = house.write("users/ann/policies", json!({"policies": "x"})).await;
    assert_eq!(policies.error(), unknown);
    let neither = "must provide either password or password_hash";
    house.write("users/bob/password", json!({})).await.refused(neither);
    let empty = house.write("users/bob/password", json!({"password": ""})).await;
    empty.refused("missing password");

    house.write("users/BOB/policies", json!({"token_policies": "Foo,bar,foo"})).await.done();
    shows(&house.read("users/bob").await.data(), "token_policies", Some(json!(["bar", "foo"])));
    house.write("users/bob/policies", json!({})).await.done();
    shows(&house.read("users/bob").await.data(), "token_policies", Some(json!(["bar", "foo"])));
    house.write("users/bob/policies", json!({"policies": ""})).await.done();
    shows(&house.read("users/bob").await.data(), "token_policies", Some(json!([])));
    assert_eq!(house.list("users").await.keys(), ["bob"]);
    let read = house.read("users/bob/password").await;
    assert_eq!(read.error(), Error::UnsupportedOperation);
}

#[tokio::test]
async fn overlong_passwords_are_refused_everywhere() {
    let house = house_with_bob().await;
    let long = json!({"password": "x".repeat(1025)});
    for path in ["users/bob", "users/ann", "users/bob/password", "login/bob", "login/nobody"] {
        house.write(path, long.clone()).await.refused("the password is longer than 1024 bytes");
    }
    house.write("users/bob", json!({"password": "x".repeat(1024)})).await.done();
    house.write("login/bob", json!({"password": "x".repeat(1024)})).await.login();
}
