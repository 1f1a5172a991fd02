//! Secrets without history.

use api::{Error, Lease, Operation, Reply, Seconds};
use serde_json::{Value, json};

use crate::house::House;

fn house() -> House {
    House::new("kv", None)
}

// Case 13.
#[tokio::test]
async fn what_is_read_is_what_was_written() {
    let house = house();
    let sent = r#"{"big":123456789012345678901234567890,"data":{"a":[1.0,1e+3,null]},"path":"x"}"#;
    house.write("team/db", serde_json::from_str(sent).unwrap()).await.done();
    assert_eq!(house.read("team/db").await.data().to_string(), sent);
}

#[tokio::test]
async fn a_write_replaces_all_that_was_there() {
    let house = house();
    house.write("a", json!({"old": 1, "both": 1})).await.done();
    house.write("a", json!({"both": 2})).await.done();
    assert_eq!(house.read("a").await.data(), json!({"both": 2}));
}

#[tokio::test]
async fn writing_to_nothing_creates() {
    let house = house();
    assert_eq!(house.write("a", json!({"x": 1})).await.operation, Operation::Create);
    assert_eq!(house.write("a", json!({"x": 1})).await.operation, Operation::Update);
    house.delete("a").await.done();
    assert_eq!(house.write("a", json!({"x": 1})).await.operation, Operation::Create);
}

// Case 9.
#[tokio::test]
async fn nothing_is_not_a_secret() {
    let house = house();
    house.write("a", json!({})).await.refused("missing data fields");
    house.write("", json!({"x": 1})).await.refused("missing path");
    house.read("a").await.missing();
    house.read("").await.missing();
    assert_eq!(house.census(), 0);
}

// Cases 10, 11 and 12.
#[tokio::test]
async fn a_secret_can_say_how_long_it_is_good_for() {
    let house = house();
    for (sent, expected) in [
        (json!({"a": 1}), 2_764_800),
        (json!({"ttl": "40s", "a": 1}), 40),
        (json!({"ttl": "nonsense"}), 2_764_800),
        (json!({"lease": "1h"}), 3600),
        (json!({"ttl": 5}), 5),
    ] {
        house.write("a", sent.clone()).await.done();
        let Ok(Reply::Data(data, lease)) = house.read("a").await.outcome else { panic!() };
        assert_eq!(Value::Object(data), sent);
        assert_eq!(lease, Some(Lease { duration: Seconds(expected), ..Lease::default() }));
    }
}

#[tokio::test]
async fn lists_show_names_and_folders_in_order() {
    let house = house();
    for path in ["db", "db/one", "db/two/three", "a", "z"] {
        house.write(path, json!({"x": 1})).await.done();
    }
    assert_eq!(house.list("").await.keys(), ["a", "db", "db/", "z"]);
    assert_eq!(house.list("db/").await.keys(), ["one", "two/"]);
    assert_eq!(house.list("z").await.keys(), Vec::<String>::new());
    assert_eq!(house.list("nothing").await.keys(), Vec::<String>::new());
    let page = json!({"after": "a", "limit": "2"});
    assert_eq!(house.ask(Operation::List, "", page).await.keys(), ["db", "db/"]);
}

#[tokio::test]
async fn deleting_is_for_good_and_never_an_error() {
    let house = house();
    house.write("a", json!({"x": 1})).await.done();
    house.delete("a").await.done();
    house.delete("a").await.done();
    house.read("a").await.missing();
    assert_eq!(house.census(), 0);
}

// Case 3.
#[tokio::test]
async fn there_is_nothing_to_patch() {
    let answer = house().patch("a", json!({"x": 1})).await;
    assert_eq!(answer.error(), Error::UnsupportedOperation);
}
