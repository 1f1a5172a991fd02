//! Reading which fields a secret has.

use api::Operation;
use serde_json::{Value, json};

use crate::house::{Answer, House};

async fn house_with(secret: Value) -> House {
    let house = House::new("kv", Some("2"));
    house.write("data/a", json!({ "data": secret })).await.data();
    house
}

async fn ask(house: &House, given: Value) -> Answer {
    house.ask(Operation::Read, "subkeys/a", given).await
}

// Cases 35 and 36.
#[tokio::test]
async fn names_are_shown_and_values_are_not() {
    let secret = json!({"db": {"pw": "hunter2", "more": {"a": 1}}, "tags": [1], "none": {}});
    let house = house_with(secret).await;
    let facts = json!({
        "version": 1, "created_time": "2026-02-01T10:00:00.5Z", "deletion_time": "",
        "destroyed": false, "custom_metadata": null,
    });
    let all = json!({"db": {"pw": null, "more": {"a": null}}, "tags": null, "none": null});
    let expected = json!({"subkeys": all, "metadata": facts});
    assert_eq!(ask(&house, json!({})).await.data(), expected);
    for (depth, expected) in [
        (json!(0), all.clone()),
        (json!("1"), json!({"db": null, "tags": null, "none": null})),
        (json!(2), json!({"db": {"pw": null, "more": null}, "tags": null, "none": null})),
        (json!(3), all.clone()),
        (json!(-1), all),
    ] {
        let read = ask(&house, json!({ "depth": depth })).await.data();
        assert_eq!(read["subkeys"], expected, "{depth}");
    }
    assert_eq!(ask(&house_with(json!({})).await, json!({})).await.data()["subkeys"], json!({}));
}

#[tokio::test]
async fn they_are_found_and_missed_as_the_secret_itself_is() {
    let house = house_with(json!({"a": 1})).await;
    house.write("data/a", json!({"data": {"b": 2}})).await.data();
    let first = ask(&house, json!({"version": "1"})).await.data();
    assert_eq!(
        (&first["subkeys"], &first["metadata"]["version"]),
        (&json!({"a": null}), &json!(1))
    );
    ask(&house, json!({"version": 3})).await.missing();
    house.read("subkeys/b").await.missing();
    house.delete("data/a").await.done();
    let gone = house.read("subkeys/a").await.gone();
    assert_eq!(gone["subkeys"], Value::Null);
    assert_eq!(gone["metadata"]["deletion_time"], "2026-02-01T10:00:00.5Z");
    house.write("destroy/a", json!({"versions": [1]})).await.done();
    let destroyed = ask(&house, json!({"version": 1})).await.gone();
    assert_eq!(destroyed["metadata"]["destroyed"], true);
    house.write("metadata/new", json!({"max_versions": 1})).await.done();
    house.read("subkeys/new").await.missing();
}
