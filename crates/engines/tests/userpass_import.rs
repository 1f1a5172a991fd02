//! Many users at once.

use std::sync::Arc;

use api::{Error, Memory, Operation};
use serde_json::{Value, json};

use crate::desk::POLICY;
use crate::house::{Answer, House};

const HASH: &str = "$2b$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.";

fn house() -> House {
    House::new("userpass", None)
}

async fn import(house: &House, lines: Value) -> Answer {
    house.write("users/import", json!({"lines": lines})).await
}

#[track_caller]
fn flaws(answer: Answer, expected: &[&str]) {
    let Error::Invalid(text) = answer.error() else { panic!("not refused as expected") };
    let text = text.strip_prefix("nobody was imported: ").unwrap();
    let found: Vec<_> = text.split("; ").collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn users_are_created_and_changed_in_every_form() {
    let house = house();
    house.write("users/bob", json!({"password": "old", "token_ttl": 60})).await.done();
    let text = format!(
        "{{\"username\": \"Ann\", \"password\": \"hunter2\", \"token_policies\": [\"dev\"]}}\n\n\
         {{\"username\": \"bob\", \"password_hash\": \"{HASH}\"}}\r\n",
    );
    let outcome = import(&house, json!(text)).await.data();
    let expected = json!({"lines": 2, "created": 1, "updated": 1, "dry_run": false});
    assert_eq!(outcome, expected);
    assert_eq!(house.list("users").await.keys(), ["ann", "bob"]);
    let ann = house.write("login/ann", json!({"password": "hunter2"})).await.login();
    assert_eq!(ann.policies, ["dev"]);
    house.write("login/bob", json!({"password": "hunter2"})).await.login();
    // What is left out stays.
    assert_eq!(house.read("users/bob").await.data()["token_ttl"], 60);

    let lines = json!([
        {"username": "cleo", "password": "hunter2"},
        "{\"username\": \"dora\", \"password\": \"hunter2\"}",
        "",
        {"username": "ann", "disabled": true},
    ]);
    let outcome = import(&house, lines).await.data();
    assert_eq!((&outcome["created"], &outcome["updated"]), (&json!(2), &json!(1)));
    assert_eq!(house.read("users/ann").await.data()["disabled"], true);
    house.write("login/dora", json!({"password": "hunter2"})).await.login();
}

#[tokio::test]
async fn all_of_them_or_nobody() {
    let house = house();
    let before = house.census();
    let lines = json!([
        {"username": "ann", "password": "hunter2"},
        {"username": "bob"},
        "not json: hunter2",
        7,
        {"username": "-eve", "password": "hunter2"},
        {"username": "ANN", "password": "hunter2"},
        {"username": "cleo", "password": "hunter2", "token_polices": "dev"},
        {"username": "dora", "password": "hunter2", "token_ttl": "hunter2"},
        {"password": "hunter2"},
    ]);
    let found = [
        "line 2: must provide either password or password_hash",
        "line 3: is not a JSON object",
        "line 4: is not a JSON object",
        "line 5: has a \"username\" that no user of this mount can have",
        "line 6: is about the same user as line 1",
        "line 7: has a field that users do not have",
        "line 8: error converting input for field \"token_ttl\": time: invalid duration",
        "try \"1h30m\"",
        "line 9: missing username",
    ];
    flaws(import(&house, lines).await, &found);
    assert_eq!(house.census(), before);

    let lines: Vec<_> = (0..25).map(|_| json!("x")).collect();
    let Error::Invalid(text) = import(&house, json!(lines)).await.error() else { panic!() };
    assert!(text.ends_with("line 20: is not a JSON object; and 5 more lines"), "{text}");
}

#[tokio::test]
async fn a_dry_run_finds_the_same_and_writes_nothing() {
    let mut house = house();
    house.write("config", json!({"password_policy": POLICY})).await.done();
    let before = house.census();
    house.close_the_workshop();
    let wanted = |lines: Value| json!({"lines": lines, "dry_run": "true"});
    let good = wanted(json!([{"username": "ann", "password": "hunter2"}]));
    let outcome = house.write("users/import", good).await.data();
    let expected = json!({"lines": 1, "created": 1, "updated": 0, "dry_run": true});
    assert_eq!(outcome, expected);
    let bad = wanted(json!([
        {"username": "ann", "password": "hunter2"},
        {"username": "bob", "password": "without"},
        {"username": "bob", "password": "without"},
    ]));
    let found = ["line 2: the password needs a digit", "line 3: is about the same user as line 2"];
    flaws(house.write("users/import", bad).await, &found);
    assert_eq!(house.census(), before);
}

#[tokio::test]
async fn an_import_is_bounded() {
    let house = house();
    let missing = "missing lines: one JSON object for each user";
    for nothing in [json!(null), json!([]), json!(""), json!("\n\n"), json!(7)] {
        import(&house, nothing).await.refused(missing);
    }
    let many: Vec<_> = (0..5001).map(|_| json!("{}")).collect();
    import(&house, json!(many)).await.refused("at most 5000 users can be imported at once");
    let user = |n: usize| json!({"username": format!("user{n}"), "password": "hunter2"});
    let hashes: Vec<_> = (0..257).map(user).collect();
    let Error::Invalid(text) = import(&house, json!(hashes)).await.error() else { panic!() };
    assert!(text.starts_with("these passwords would take 257 hashes, at most 256"), "{text}");
    let long = format!("{{\"username\": \"{}\"}}", "x".repeat(64 * 1024));
    flaws(import(&house, json!([long])).await, &["line 1: is longer than 64 KiB"]);
    let hashed: Vec<_> =
        (0..2000).map(|n| json!({"username": format!("user{n}"), "password_hash": HASH})).collect();
    assert_eq!(import(&house, json!(hashed)).await.data()["created"], 2000);
}

#[tokio::test]
async fn addresses_can_be_imported_where_they_are_names() {
    let house = house();
    let lines = json!([{"username": "Ann@Example.com", "password": "hunter2"}]);
    let flaw = "line 1: has a \"username\" that no user of this mount can have";
    flaws(import(&house, lines.clone()).await, &[flaw]);
    house.write("config", json!({"email_names": true})).await.done();
    import(&house, lines).await.data();
    assert_eq!(house.list("users").await.keys(), ["ann@example.com"]);
}

#[tokio::test]
async fn a_lost_race_imports_without_hashing_again_and_gives_everyone_their_own_salt() {
    use storage::Store;
    let mut house = house();
    let memory = Arc::new(Memory::default());
    let lines = json!({"lines": [
        {"username": "ann", "password": "hunter2"}, {"username": "bob", "password": "hunter2"},
    ]});
    let first = house.attempt((Operation::Update, "users/import", lines.clone()), &memory).await;
    drop(first);
    house.close_the_workshop();
    let second = house.attempt((Operation::Update, "users/import", lines), &memory).await;
    second.commit().await.data();
    let ann = house.store.get("mount/0/user/ann").await.unwrap().unwrap().value;
    let bob = house.store.get("mount/0/user/bob").await.unwrap().unwrap().value;
    assert_ne!(ann, bob);
}

#[tokio::test]
async fn an_import_tells_nothing_of_the_passwords_there_were() {
    let house = house();
    house.write("config", json!({"password_history": 3})).await.done();
    for password in ["hunter2", "hunter3"] {
        house.write("users/bob", json!({"password": password})).await.done();
    }
    for guess in ["hunter2", "hunter3", "hunter4"] {
        let guess = json!({"username": "bob", "password": guess});
        let tried = json!({"lines": [guess.clone()], "dry_run": true});
        assert_eq!(house.write("users/import", tried).await.data()["updated"], 1);
        flaws(import(&house, json!([guess, 7])).await, &["line 2: is not a JSON object"]);
    }
    let known = json!([{"username": "bob", "password": "hunter3"}]);
    assert_eq!(import(&house, known).await.data()["updated"], 1);
}

#[tokio::test]
async fn whoever_is_created_finds_no_tokens_of_an_earlier_one() {
    let house = house();
    let user = |name: &str| json!({"username": name, "password": "hunter2"});
    import(&house, json!([user("ann"), user("bob")])).await.data();
    for name in ["ann", "bob"] {
        house.desk.open_session(name, name);
        house.delete(&format!("users/{name}")).await.done();
    }
    assert_eq!(house.desk.accessors(), ["ann", "bob"]);
    import(&house, json!([user("ann")])).await.data();
    assert_eq!(house.desk.accessors(), ["bob"]);
    house.write("users/bob", json!({"password": "hunter2"})).await.done();
    // Those who are there keep theirs.
    for name in ["ann", "bob"] {
        house.desk.open_session(name, name);
    }
    import(&house, json!([user("ann")])).await.data();
    house.write("users/bob", json!({"password": "hunter3"})).await.done();
    assert_eq!(house.desk.accessors(), ["ann", "bob"]);
}
