//! The cubbyhole. That it ends with its token is the kernel's part.

use api::{Operation, Reply};
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn keeps_what_is_sent_and_says_nothing_of_leases() {
    let house = House::new("cubbyhole", None);
    house.read("a").await.missing();
    house.write("a", json!({"ttl": "40s", "path": "kept"})).await.done();
    let Ok(Reply::Data(data, lease)) = house.read("a").await.outcome else { panic!() };
    assert_eq!(json!(data), json!({"ttl": "40s", "path": "kept"}));
    assert_eq!(lease, None);
}

#[tokio::test]
async fn tells_creation_from_update_and_lists_and_deletes() {
    let house = House::new("cubbyhole", None);
    assert_eq!(house.write("a/b", json!({"x": 1})).await.operation, Operation::Create);
    assert_eq!(house.write("a/b", json!({"x": 2})).await.operation, Operation::Update);
    house.write("a", json!({"x": 1})).await.done();
    assert_eq!(house.list("").await.keys(), ["a", "a/"]);
    assert_eq!(house.list("a").await.keys(), ["b"]);
    house.delete("a/b").await.done();
    house.delete("a/b").await.done();
    assert_eq!(house.list("a").await.keys(), Vec::<String>::new());
}

// Case 9, but for the status, which docs/compatibility.md explains.
#[tokio::test]
async fn nothing_is_not_a_secret() {
    let house = House::new("cubbyhole", None);
    house.write("a", json!({})).await.refused("missing data fields");
    house.write("", json!({"x": 1})).await.refused("missing path");
    house.read("").await.missing();
    assert_eq!(house.census(), 0);
}

#[tokio::test]
async fn what_is_kept_can_be_asked_for_by_its_address() {
    let house = House::new("cubbyhole", None);
    let mount = "mount/".len();
    let room = (4096 - mount) / "%c3%a9".len();
    house.write(&"é".repeat(room), json!({"x": 1})).await.done();
    let text = "the path is too long for a secret; it must fit into 4096 encoded characters and \
                64 segments";
    house.write(&"é".repeat(room + 1), json!({"x": 1})).await.refused(text);
}
