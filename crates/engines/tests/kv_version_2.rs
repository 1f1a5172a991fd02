//! Secrets with their history.

use api::{Error, Operation, Reply};
use serde_json::{Value, json};

use crate::house::House;

const MISMATCH: &str = "check-and-set parameter did not match the current version";
const REQUIRED: &str = "check-and-set parameter required for this call";
const START: &str = "2026-02-01T10:00:00.5Z";

fn house() -> House {
    House::new("kv", Some("2"))
}

async fn put(house: &House, path: &str, data: Value) -> Value {
    house.write(&format!("data/{path}"), json!({ "data": data })).await.data()
}

async fn version(house: &House, path: &str, number: u64) -> crate::house::Answer {
    let wanted = json!({ "version": number.to_string() });
    house.ask(Operation::Read, &format!("data/{path}"), wanted).await
}

/// A house with versions 1 to `count` of one secret, each saying its number.
async fn house_with(count: u64) -> House {
    let house = house();
    for number in 1..=count {
        put(&house, "a", json!({ "n": number })).await;
    }
    house
}

async fn metadata(house: &House) -> Value {
    house.read("metadata/a").await.data()
}

async fn deletion_of(house: &House, number: u64) -> Value {
    metadata(house).await["versions"][number.to_string()]["deletion_time"].clone()
}

#[tokio::test]
async fn a_write_answers_with_the_version_and_a_read_with_what_it_says() {
    let house = house();
    let sent = r#"{"big":12345678901234567890123,"deep":{"x":[1.0,null,{}]}}"#;
    let written = put(&house, "team/db", serde_json::from_str(sent).unwrap()).await;
    let facts = json!({
        "version": 1, "created_time": START, "deletion_time": "", "destroyed": false,
        "custom_metadata": null,
    });
    assert_eq!(written, facts);
    let read = house.read("data/team/db").await.data();
    assert_eq!(read["data"].to_string(), sent);
    assert_eq!(read["metadata"], facts);
}

#[tokio::test]
async fn every_version_can_be_read() {
    let house = house_with(3).await;
    for (wanted, expected) in [(1, 1), (2, 2), (3, 3), (0, 3)] {
        let read = version(&house, "a", wanted).await.data();
        assert_eq!(read["data"]["n"], expected);
        assert_eq!(read["metadata"]["version"], expected);
    }
    version(&house, "a", 4).await.missing();
    let negative = house.ask(Operation::Read, "data/a", json!({"version": -1})).await.data();
    assert_eq!(negative["metadata"]["version"], 3);
    house.read("data/b").await.missing();
    house.read("data/a/b").await.missing();
}

#[tokio::test]
async fn writing_to_nothing_creates() {
    let house = house();
    let write = async || house.write("data/a", json!({"data": {}})).await.operation;
    assert_eq!(write().await, Operation::Create);
    assert_eq!(write().await, Operation::Update);
    house.delete("data/a").await.done();
    assert_eq!(write().await, Operation::Update);
    house.delete("metadata/a").await.done();
    assert_eq!(write().await, Operation::Create);
}

// Case 19.
#[tokio::test]
async fn there_must_be_data_and_it_must_be_an_object() {
    let house = house();
    for body in [json!({}), json!({"n": 1}), json!({"options": {"cas": "wrong"}})] {
        house.write("data/a", body).await.refused("no data provided");
    }
    let text = "error converting input for field \"data\": expected an object";
    for data in [json!("k=v"), json!([]), json!(1)] {
        house.write("data/a", json!({ "data": data })).await.refused(text);
    }
    assert_eq!(house.census(), 0);
    house.write("data/a", json!({"data": null})).await.data();
    assert_eq!(house.read("data/a").await.data()["data"], json!({}));
}

// Cases 17 and 29.
#[tokio::test]
async fn check_and_set_guards_each_write() {
    let house = house();
    let write = async |cas: Value| {
        house.write("data/a", json!({"data": {}, "options": {"cas": cas}})).await
    };
    write(json!(1)).await.refused(MISMATCH);
    write(json!(-1)).await.refused(MISMATCH);
    assert_eq!(write(json!(0)).await.data()["version"], 1);
    write(json!(0)).await.refused(MISMATCH);
    assert_eq!(write(json!("1")).await.data()["version"], 2);
    for cas in [json!("abc"), json!(null), json!(1.5), json!([2])] {
        write(cas).await.refused("error parsing check-and-set parameter");
    }
    assert_eq!(put(&house, "a", json!({})).await["version"], 3);
    // A deleted version still counts.
    house.delete("data/a").await.done();
    write(json!(0)).await.refused(MISMATCH);
    assert_eq!(write(json!(3)).await.data()["version"], 4);
}

// Cases 18 and 46.
#[tokio::test]
async fn a_mount_can_require_check_and_set_and_a_secret_cannot_lift_it() {
    let house = house();
    house.write("config", json!({"cas_required": true})).await.done();
    house.write("data/a", json!({"data": {}})).await.refused(REQUIRED);
    let answer = house.write("metadata/a", json!({"cas_required": false})).await;
    assert_eq!(
        answer.warnings,
        ["\"cas_required\" set to false, but is mandated by backend config. This value will be \
             ignored."]
    );
    answer.done();
    house.write("data/a", json!({"data": {}})).await.refused(REQUIRED);
    house.write("data/a", json!({"data": {}, "options": {"cas": 0}})).await.data();

    house.write("config", json!({"cas_required": false})).await.done();
    house.write("data/a", json!({"data": {}})).await.data();
    house.write("metadata/a", json!({"cas_required": true})).await.done();
    house.write("data/a", json!({"data": {}})).await.refused(REQUIRED);
    let lifted = house.write("metadata/a", json!({"cas_required": false})).await;
    assert_eq!(lifted.warnings, Vec::<String>::new());
    house.write("data/a", json!({"data": {}})).await.data();
}

// Cases 5, 15 and 16.
#[tokio::test]
async fn the_rules_of_the_mount_read_back() {
    let house = house();
    let config = async || house.read("config").await.data();
    let expected = json!({
        "max_versions": 0, "cas_required": false, "metadata_cas_required": false,
        "delete_version_after": "0s",
    });
    assert_eq!(config().await, expected);
    house.write("config", json!({"unknown": 1})).await.done();
    assert_eq!(config().await, expected);
    assert_eq!(house.census(), 0, "what says nothing is not written");
    for (sent, shown) in [
        (json!("3h25m19s"), "3h25m19s"),
        (json!(0), "0s"),
        (json!("720h"), "720h0m0s"),
        (json!(-1), "-1s"),
        (json!("-5m"), "-1s"),
        (json!("500ms"), "1s"),
        (json!("-0.5s"), "-1s"),
        (json!("0"), "0s"),
    ] {
        house.write("config", json!({ "delete_version_after": sent })).await.done();
        assert_eq!(config().await["delete_version_after"], shown);
    }
    house.write("config", json!({"max_versions": "5", "cas_required": "true"})).await.done();
    house.write("config", json!({"metadata_cas_required": true})).await.done();
    let all = json!({
        "max_versions": 5, "cas_required": true, "metadata_cas_required": true,
        "delete_version_after": "0s",
    });
    assert_eq!(config().await, all);
    let nulls = json!({"max_versions": null, "cas_required": null, "delete_version_after": null});
    house.write("config", json!({"delete_version_after": "1h"})).await.done();
    house.write("config", nulls).await.done();
    let some = json!({
        "max_versions": 0, "cas_required": false, "metadata_cas_required": true,
        "delete_version_after": "1h0m0s",
    });
    assert_eq!(config().await, some);
    let text = "Field validation failed: error converting input for field \
                \"delete_version_after\": time: invalid duration; try \"1h30m\"";
    house.write("config", json!({"delete_version_after": "hunter2"})).await.refused(text);
    let text = "Field validation failed: error converting input for field \"max_versions\": \
                expected a whole number, written in digits";
    house.write("config", json!({"max_versions": "five"})).await.refused(text);
    let text = "'max_versions' must be between 0 and 100000";
    house.write("config", json!({"max_versions": -1})).await.refused(text);
    house.write("config", json!({"max_versions": 100_001})).await.refused(text);
}

// Cases 20 and 22.
#[tokio::test]
async fn deleting_hides_the_current_version_until_it_is_brought_back() {
    let mut house = house_with(2).await;
    house.pass(60);
    house.delete("data/a").await.done();
    let gone = json!({
        "data": null,
        "metadata": {
            "version": 2, "created_time": START, "deletion_time": "2026-02-01T10:01:00.5Z",
            "destroyed": false, "custom_metadata": null,
        },
    });
    assert_eq!(house.read("data/a").await.gone(), gone);
    assert_eq!(version(&house, "a", 1).await.data()["data"]["n"], 1);
    // Deleting again changes nothing.
    house.pass(60);
    house.delete("data/a").await.done();
    house.write("delete/a", json!({"versions": [2]})).await.done();
    assert_eq!(house.read("data/a").await.gone(), gone);
    house.write("undelete/a", json!({"versions": "2"})).await.done();
    assert_eq!(house.read("data/a").await.data()["data"]["n"], 2);
    house.delete("data/nothing").await.done();
}

// Case 21.
#[tokio::test]
async fn a_new_version_leaves_a_deleted_one_deleted() {
    let house = house_with(2).await;
    house.delete("data/a").await.done();
    let guarded = json!({"data": {"n": 3}, "options": {"cas": 2}});
    assert_eq!(house.write("data/a", guarded).await.data()["version"], 3);
    version(&house, "a", 2).await.gone();
    assert_eq!(house.read("data/a").await.data()["data"]["n"], 3);
}

// Case 24.
#[tokio::test]
async fn destroyed_versions_never_come_back() {
    let house = house_with(3).await;
    let before = house.census();
    house.write("destroy/a", json!({"versions": [1, 3, 9]})).await.done();
    assert_eq!(house.census(), before - 2, "what they said is gone from the store");
    house.write("undelete/a", json!({"versions": [1, 3]})).await.done();
    for number in [1, 3] {
        let gone = version(&house, "a", number).await.gone();
        assert_eq!(gone["metadata"]["destroyed"], true);
        assert_eq!(gone["metadata"]["deletion_time"], "");
    }
    version(&house, "a", 2).await.data();
    house.delete("data/a").await.done();
    assert_eq!(deletion_of(&house, 3).await, "");
}

// Case 25.
#[tokio::test]
async fn versions_must_be_named() {
    let house = house_with(1).await;
    for path in ["a", "nothing"] {
        for (verb, text) in [
            ("delete", "No version number provided"),
            ("undelete", "No version number provided"),
            ("destroy", "no version number provided"),
        ] {
            let at = format!("{verb}/{path}");
            house.write(&at, json!({})).await.refused(text);
            house.write(&at, json!({"versions": []})).await.refused(text);
            house.write(&at, json!({"versions": [7, -1, 0]})).await.done();
        }
    }
    house.read("data/a").await.data();
    // A secret that has metadata only has no versions to do anything with.
    house.write("metadata/b", json!({"max_versions": 1})).await.done();
    for verb in ["delete", "undelete", "destroy"] {
        house.write(&format!("{verb}/b"), json!({"versions": [0, 1]})).await.done();
    }
    house.delete("data/b").await.done();
    house.read("data/b").await.missing();
}

// Case 27.
#[tokio::test]
async fn the_oldest_versions_make_room() {
    for (max, oldest) in [
        (0, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]),
        (10, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]),
        (2, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (1, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ] {
        let house = house();
        house.write("config", json!({ "max_versions": max })).await.done();
        for expected in oldest {
            put(&house, "a", json!({})).await;
            assert_eq!(metadata(&house).await["oldest_version"], expected, "{max}");
        }
        let kept = metadata(&house).await["versions"].as_object().unwrap().len();
        // Ten are kept where nobody says how many.
        assert_eq!(kept, if max == 0 { 10 } else { max });
        // The rules, the secret, and what each version says.
        assert_eq!(house.census(), 2 + kept);
        version(&house, "a", 1).await.missing();
    }
}

// Case 26.
#[tokio::test]
async fn the_larger_number_of_versions_counts() {
    let house = house();
    house.write("config", json!({"max_versions": 5})).await.done();
    house.write("metadata/a", json!({"max_versions": 3})).await.done();
    for _ in 0..9 {
        put(&house, "a", json!({})).await;
    }
    assert_eq!(metadata(&house).await["oldest_version"], 5);
}

// Case 28.
#[tokio::test]
async fn a_lowered_number_of_versions_counts_at_the_next_write() {
    let house = house_with(10).await;
    house.write("config", json!({"max_versions": 2})).await.done();
    version(&house, "a", 1).await.data();
    put(&house, "a", json!({})).await;
    let metadata = metadata(&house).await;
    assert_eq!(metadata["oldest_version"], 10);
    assert_eq!(metadata["versions"].as_object().unwrap().keys().collect::<Vec<_>>(), ["10", "11"]);
    version(&house, "a", 9).await.missing();
}

#[tokio::test]
async fn long_histories_are_kept_in_pages() {
    let house = house();
    house.write("config", json!({"max_versions": 300})).await.done();
    for number in 1..=400 {
        put(&house, "a", json!({ "n": number })).await;
    }
    let record = house.store.keys().into_iter().filter(|key| key.contains("/page/")).count();
    assert!(record >= 3, "{record}");
    let largest = {
        use storage::Store;
        house.store.get("mount/0/key/a").await.unwrap().unwrap().value.len()
    };
    assert!(largest < 4_000, "the record of a secret stays small: {largest}");

    version(&house, "a", 100).await.missing();
    for number in [101, 128, 129, 192, 193, 256, 257, 272, 273, 320, 321, 399, 400] {
        let read = version(&house, "a", number).await.data();
        assert_eq!(
            (&read["data"]["n"], &read["metadata"]["version"]),
            (&json!(number), &json!(number))
        );
    }
    let shown = metadata(&house).await["versions"].as_object().unwrap().len();
    assert_eq!(shown, 300);

    let all: Vec<u64> = (1..=400).collect();
    house.write("delete/a", json!({ "versions": [100, 101, 192, 193, 400] })).await.done();
    for number in [101, 192, 193, 400] {
        version(&house, "a", number).await.gone();
    }
    for number in [102, 191, 194, 399] {
        version(&house, "a", number).await.data();
    }
    house.write("undelete/a", json!({ "versions": all })).await.done();
    house.write("destroy/a", json!({ "versions": [101, 250] })).await.done();
    assert_eq!(version(&house, "a", 101).await.gone()["metadata"]["destroyed"], true);
    version(&house, "a", 192).await.data();

    // Fewer: all superfluous pages and payloads go at once. None: everything goes.
    house.write("config", json!({"max_versions": 2})).await.done();
    put(&house, "a", json!({"n": 401})).await;
    assert_eq!(house.census(), 2 + 2, "{:?}", house.store.keys());
    house.write("config", json!({"max_versions": 300})).await.done();
    for number in 402..=700 {
        put(&house, "a", json!({ "n": number })).await;
    }
    assert_eq!(version(&house, "a", 401).await.data()["data"]["n"], 401);
    house.delete("metadata/a").await.done();
    assert_eq!(house.census(), 1, "{:?}", house.store.keys());
}

// Case 49.
#[tokio::test]
async fn versions_delete_themselves_in_time() {
    for (key, mount, expected) in [
        ("0", "1h", "2026-02-01T11:00:00.5Z"),
        ("1h", "2h", "2026-02-01T11:00:00.5Z"),
        ("3h", "2h", "2026-02-01T12:00:00.5Z"),
        ("3h", "0", "2026-02-01T13:00:00.5Z"),
        ("3h", "-1", ""),
        ("0", "0", ""),
        ("500ms", "0", "2026-02-01T10:00:01.5Z"),
        ("0", "500ms", "2026-02-01T10:00:01.5Z"),
        ("1h", "-0.5s", ""),
    ] {
        let house = house();
        house.write("config", json!({ "delete_version_after": mount })).await.done();
        house.write("metadata/a", json!({ "delete_version_after": key })).await.done();
        assert_eq!(put(&house, "a", json!({})).await["deletion_time"], expected);
    }
}

// Case 23.
#[tokio::test]
async fn a_version_is_there_until_the_moment_it_deletes_itself() {
    let mut house = house();
    house.write("config", json!({"delete_version_after": "1h"})).await.done();
    put(&house, "a", json!({})).await;
    house.pass(3599);
    assert_eq!(
        house.read("data/a").await.data()["metadata"]["deletion_time"],
        "2026-02-01T11:00:00.5Z"
    );
    house.pass(1);
    house.read("data/a").await.gone();
    // Brought back, it has as long again.
    house.write("undelete/a", json!({"versions": [1]})).await.done();
    assert_eq!(deletion_of(&house, 1).await, "2026-02-01T12:00:00.5Z");
    house.read("data/a").await.data();
    // Deleted by hand, it does not wait.
    house.delete("data/a").await.done();
    house.read("data/a").await.gone();
    assert_eq!(deletion_of(&house, 1).await, "2026-02-01T11:00:00.5Z");
}

// Cases 30, 31, 32 and 33.
#[tokio::test]
async fn patches_merge_into_a_new_version() {
    let house = house();
    let patch = async |data: Value| house.patch("data/a", json!({ "data": data })).await;
    for body in [json!({}), json!({"options": {"cas": 1}})] {
        house.patch("data/a", body).await.refused("no data provided");
    }
    patch(json!({"a": 1})).await.missing();
    house.write("metadata/a", json!({"max_versions": 3})).await.done();
    patch(json!({"a": 1})).await.missing();

    put(&house, "a", json!({"a": 1, "b": {"c": 2}})).await;
    assert_eq!(patch(json!({"a": null})).await.data()["version"], 2);
    assert_eq!(house.read("data/a").await.data()["data"], json!({"b": {"c": 2}}));
    patch(json!({"b": {"c": null}})).await.data();
    assert_eq!(house.read("data/a").await.data()["data"], json!({"b": {}}));

    let guarded = json!({"data": {}, "options": {"cas": 2}});
    house.patch("data/a", guarded).await.refused(MISMATCH);
    house.write("metadata/a", json!({"cas_required": true})).await.done();
    patch(json!({})).await.refused(REQUIRED);
    house.write("metadata/a", json!({"cas_required": false})).await.done();

    house.delete("data/a").await.done();
    let gone = patch(json!({"a": 1})).await.gone();
    let facts = json!({
        "version": 3, "created_time": START, "deletion_time": START, "destroyed": false,
        "custom_metadata": null,
    });
    assert_eq!(gone, facts, "not nested, as a read would have it");
    assert_eq!(metadata(&house).await["current_version"], 3);
    house.write("destroy/a", json!({"versions": [3]})).await.done();
    assert_eq!(patch(json!({"a": 1})).await.gone()["destroyed"], true);
}

#[tokio::test]
async fn patches_prune_and_have_an_end_like_writes() {
    let house = house();
    house.write("config", json!({"max_versions": 2, "delete_version_after": "1h"})).await.done();
    put(&house, "a", json!({"n": 1})).await;
    for number in 2..=4 {
        let patched = house.patch("data/a", json!({"data": {"n": number}})).await.data();
        assert_eq!(patched["deletion_time"], "2026-02-01T11:00:00.5Z");
    }
    assert_eq!(metadata(&house).await["oldest_version"], 3);
    version(&house, "a", 2).await.missing();
}

#[tokio::test]
async fn metadata_shows_all_that_is_known() {
    let mut house = house();
    put(&house, "a", json!({})).await;
    house.pass(1);
    put(&house, "a", json!({})).await;
    house.write("destroy/a", json!({"versions": [1]})).await.done();
    let version = |time: &str, destroyed: bool| {
        json!({
            "created_time": time, "deletion_time": "", "destroyed": destroyed,
        })
    };
    let later = "2026-02-01T10:00:01.5Z";
    let expected = json!({
        "versions": {"1": version(START, true), "2": version(later, false)},
        "current_version": 2, "oldest_version": 0, "current_metadata_version": 0,
        "created_time": START, "updated_time": later, "max_versions": 0,
        "cas_required": false, "metadata_cas_required": false, "delete_version_after": "0s",
        "custom_metadata": null,
    });
    assert_eq!(metadata(&house).await, expected);
    house.read("metadata/b").await.missing();
}

// Cases 40 and 45.
#[tokio::test]
async fn metadata_that_says_nothing_makes_nothing() {
    let house = house();
    for body in [json!({}), json!({"current_version": 7}), json!({"metadata_cas": 0})] {
        house.write("metadata/a", body.clone()).await.done();
        house.patch("metadata/a", body).await.done();
    }
    house.read("metadata/a").await.missing();
    house.patch("metadata/a", json!({"max_versions": 1})).await.missing();
    assert_eq!(house.census(), 0);
}

// Case 41.
#[tokio::test]
async fn metadata_can_come_before_any_version() {
    let house = house();
    let created = house.write("metadata/a", json!({"custom_metadata": {"team": "ops"}})).await;
    assert_eq!(created.operation, Operation::Create);
    created.done();
    let shown = metadata(&house).await;
    assert_eq!(shown["versions"], json!({}));
    assert_eq!(
        (&shown["current_version"], &shown["current_metadata_version"]),
        (&json!(0), &json!(1))
    );
    house.read("data/a").await.missing();
    let first = json!({"data": {}, "options": {"cas": 0}});
    let written = house.write("data/a", first).await;
    assert_eq!(written.operation, Operation::Update);
    assert_eq!(written.data()["custom_metadata"], json!({"team": "ops"}));
}

// Cases 44 and 45; 42 and 43 stand beside the limits themselves.
#[tokio::test]
async fn custom_metadata_is_replaced_by_a_write_and_merged_by_a_patch() {
    let house = house();
    let custom = async || metadata(&house).await["custom_metadata"].clone();
    house.write("metadata/a", json!({"custom_metadata": {"a": 1, "b": true}})).await.done();
    assert_eq!(custom().await, json!({"a": "1", "b": "1"}));
    house.write("metadata/a", json!({"max_versions": 4})).await.done();
    assert_eq!(custom().await, json!({"a": "1", "b": "1"}));
    let change = json!({"custom_metadata": {"a": null, "c": "3"}, "max_versions": null});
    house.patch("metadata/a", change).await.done();
    assert_eq!(custom().await, json!({"b": "1", "c": "3"}));
    assert_eq!(metadata(&house).await["max_versions"], 0);
    house.patch("metadata/a", json!({"custom_metadata": {}})).await.done();
    assert_eq!(custom().await, json!({"b": "1", "c": "3"}));
    let rules = json!({"cas_required": true, "delete_version_after": "1h"});
    house.write("metadata/a", rules).await.done();
    let nulls = json!({"cas_required": null, "delete_version_after": null});
    house.patch("metadata/a", nulls).await.done();
    let shown = metadata(&house).await;
    assert_eq!(
        (&shown["cas_required"], &shown["delete_version_after"]),
        (&json!(false), &json!("1h0m0s"))
    );
    house.write("metadata/a", json!({"custom_metadata": {"d": "4"}})).await.done();
    assert_eq!(custom().await, json!({"d": "4"}));
    house.write("metadata/a", json!({"custom_metadata": {}})).await.done();
    assert_eq!(custom().await, json!(null));

    let before = metadata(&house).await;
    let bad = json!({"custom_metadata": {"a": null}, "max_versions": 9});
    let Error::Invalid(text) = house.write("metadata/a", bad).await.error() else { panic!() };
    assert!(text.starts_with("custom_metadata validation failed: 1 error occurred:"), "{text}");
    for bad in [json!(-1), json!("-0.5s"), json!(u64::MAX), json!("9223372037")] {
        let refused = house.write("metadata/a", json!({ "delete_version_after": bad })).await;
        assert!(matches!(refused.error(), Error::Invalid(_)), "{bad}");
    }
    assert_eq!(metadata(&house).await, before);
}

#[tokio::test]
async fn metadata_has_a_check_and_set_of_its_own() {
    let house = house();
    let write = async |cas: i64| {
        house.write("metadata/a", json!({"max_versions": 1, "metadata_cas": cas})).await
    };
    let text = "metadata_cas must be 0 when creating new metadata";
    write(1).await.refused(text);
    write(0).await.done();
    let text = "metadata check-and-set parameter does not match the current version";
    write(0).await.refused(text);
    write(1).await.done();
    // Whoever names none by mistake is not let through without a check.
    let null = json!({"max_versions": 1, "metadata_cas": null});
    for answer in
        [house.write("metadata/a", null.clone()).await, house.patch("metadata/a", null).await]
    {
        assert!(matches!(answer.error(), Error::Invalid(_)));
    }
    house.patch("metadata/a", json!({"max_versions": 1, "metadata_cas": 1})).await.refused(text);
    put(&house, "a", json!({})).await;
    assert_eq!(metadata(&house).await["current_metadata_version"], 2);

    house.write("config", json!({"metadata_cas_required": true})).await.done();
    let text = "metadata check-and-set parameter required for this call";
    house.write("metadata/a", json!({"max_versions": 1})).await.refused(text);
    house.write("metadata/b", json!({"max_versions": 1})).await.refused(text);
    write(2).await.done();
    let lift = json!({"metadata_cas_required": false, "metadata_cas": 3});
    let warned = house.write("metadata/a", lift).await.warnings;
    let warning = "\"metadata_cas_required\" set to false, but is mandated by backend config. This \
                   value will be ignored.";
    assert_eq!(warned, [warning]);
}

// Case 47.
#[tokio::test]
async fn removing_metadata_removes_everything() {
    let house = house_with(3).await;
    put(&house, "a/b", json!({})).await;
    house.delete("metadata/a").await.done();
    house.delete("metadata/a").await.done();
    house.read("data/a").await.missing();
    house.read("data/a/b").await.data();
    house.delete("metadata/a/b").await.done();
    assert_eq!(house.census(), 0);
}

#[tokio::test]
async fn lists_show_names_and_folders_in_order() {
    let house = house();
    for path in ["db", "db/one", "db/two/three", "a", "z"] {
        put(&house, path, json!({})).await;
    }
    house.delete("data/z").await.done();
    assert_eq!(house.list("metadata").await.keys(), ["a", "db", "db/", "z"]);
    assert_eq!(house.list("metadata/db/").await.keys(), ["one", "two/"]);
    assert_eq!(house.list("metadata/z").await.keys(), Vec::<String>::new());
    let page = json!({"after": "db", "limit": 1});
    assert_eq!(house.ask(Operation::List, "metadata", page).await.keys(), ["db/"]);
}

// Cases 38 and 39.
#[tokio::test]
async fn paths_that_look_like_version_1_say_what_is_wrong() {
    let house = house();
    let top = "Non-listing operations on the root of a K/V v2 mount are not supported.";
    let wrong = "Invalid path for a versioned K/V secrets engine.";
    for (operation, path, expected) in [
        (Operation::Read, "foo", wrong),
        (Operation::Update, "foo/bar", wrong),
        (Operation::List, "", wrong),
        (Operation::Delete, "subkeys", wrong),
        (Operation::Update, "data", top),
        (Operation::Read, "metadata", top),
        (Operation::Update, "metadata", top),
        (Operation::Update, "destroy", top),
    ] {
        let answer = house.ask(operation, path, json!({"path": "x", "y": 1})).await;
        let [warning] = answer.warnings.as_slice() else { panic!("{:?}", answer.warnings) };
        assert!(warning.starts_with(expected), "{operation} {path}: {warning}");
        assert!(matches!(answer.outcome, Ok(Reply::Absent(None))), "{:?}", answer.outcome);
    }
    let answer = house.list("data/foo").await;
    assert_eq!(answer.error(), Error::UnsupportedOperation);
    assert_eq!(house.census(), 0);
}

#[tokio::test]
async fn of_two_writers_one_starts_over() {
    let house = house_with(1).await;
    let write = json!({"data": {"n": 2}});
    let first =
        house.attempt((Operation::Update, "data/a", write.clone()), &Default::default()).await;
    let second = house.attempt((Operation::Update, "data/a", write), &Default::default()).await;
    assert_eq!(first.commit().await.data()["version"], 2);
    assert!(second.commit().await.error().is_conflict());
}
