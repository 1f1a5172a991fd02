//! Listing what `kv` keeps: folders, everything below them, with details, and in pages.

use api::{Error, Operation};
use serde_json::{Value, json};
use storage::{Commit, Store};

use crate::house::{Answer, House};

/// The engines, how their secrets are written, and where they are listed.
const BOTH: [(Option<&str>, &str, &str); 2] = [(None, "", ""), (Some("2"), "data/", "metadata/")];

async fn house_with(version: Option<&str>, paths: &[&str]) -> House {
    let house = House::new("kv", version);
    let below = if version.is_some() { "data/" } else { "" };
    for path in paths {
        let written = house.write(&format!("{below}{path}"), json!({"data": {"at": path}})).await;
        assert!(written.outcome.is_ok());
    }
    house
}

/// Walks over a listing in pages of `limit`.
async fn paged(house: &House, operation: Operation, path: &str, limit: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for _ in 0..100 {
        let after = all.last().cloned().unwrap_or_default();
        let page = json!({ "after": after, "limit": limit });
        let keys = house.ask(operation, path, page).await.keys();
        assert!(keys.len() <= limit);
        if keys.is_empty() {
            return all;
        }
        all.extend(keys);
    }
    panic!("the pages never end")
}

#[track_caller]
fn too_many(answer: Answer, max: usize) {
    answer.refused(&format!(
        "there are more than {max} entries; ask for them in pages, with 'limit' and 'after'"
    ));
}

// Cases 1 and 8 of the engines, and 48 of kv.
#[tokio::test]
async fn a_folder_shows_names_and_folders_in_order_and_a_leaf_shows_nothing() {
    for (version, _, at) in BOTH {
        let house = house_with(version, &["db", "db/one", "db/two/three", "a", "z"]).await;
        for path in [at, at.trim_end_matches('/')] {
            assert_eq!(house.list(path).await.keys(), ["a", "db", "db/", "z"]);
        }
        assert_eq!(house.list(&format!("{at}db")).await.keys(), ["one", "two/"]);
        assert_eq!(house.list(&format!("{at}db/")).await.keys(), ["one", "two/"]);
        assert_eq!(house.list(&format!("{at}z")).await.keys(), Vec::<String>::new());
        assert_eq!(house.list(&format!("{at}nowhere/")).await.keys(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_scan_shows_all_that_lies_below_and_no_folders() {
    for (version, _, at) in BOTH {
        let house = house_with(version, &["db", "db/one", "db/two/three", "db-x", "a", "z"]).await;
        let all = ["a", "db", "db-x", "db/one", "db/two/three", "z"];
        assert_eq!(house.scan(at).await.keys(), all);
        assert_eq!(house.scan(&format!("{at}db")).await.keys(), ["one", "two/three"]);
        assert_eq!(house.scan(&format!("{at}db/")).await.keys(), ["one", "two/three"]);
        assert_eq!(house.scan(&format!("{at}z")).await.keys(), Vec::<String>::new());
        let page = json!({"after": "db", "limit": 2});
        assert_eq!(house.ask(Operation::Scan, at, page).await.keys(), ["db-x", "db/one"]);
    }
}

#[tokio::test]
async fn pages_add_up_to_the_whole() {
    let paths: Vec<String> =
        (0..40).map(|n| format!("{}{}/{n}", ["a", "a/b", "c"][n % 3], n % 7)).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    for (version, _, at) in BOTH {
        let house = house_with(version, &paths).await;
        for operation in [Operation::List, Operation::Scan] {
            let whole = house.ask(operation, at, json!({})).await.keys();
            for limit in [1, 2, 7, 40] {
                assert_eq!(paged(&house, operation, at, limit).await, whole, "{operation} {limit}");
            }
        }
    }
}

#[tokio::test]
async fn a_listing_is_never_cut_off_silently() {
    const MANY: usize = 100_001;
    for (version, _, at) in BOTH {
        let house = House::new("kv", version);
        let below = if version.is_some() { "key" } else { "secret" };
        let puts = (0..MANY).map(|n| (format!("mount/0/{below}/f/{n:06}"), "{}".into()));
        house.store.commit(Commit { puts: puts.collect(), ..Commit::default() }).await.unwrap();
        let folder = format!("{at}f");
        for operation in [Operation::List, Operation::Scan] {
            too_many(house.ask(operation, &folder, json!({})).await, 100_000);
            too_many(house.ask(operation, &folder, json!({"limit": MANY})).await, 100_000);
            let most = house.ask(operation, &folder, json!({"limit": 100_000})).await.keys();
            assert_eq!(most.len(), 100_000);
            let rest = house.ask(operation, &folder, json!({"after": most.last()})).await.keys();
            assert_eq!(rest, ["100000"]);
        }
        assert_eq!(house.list(at).await.keys(), ["f/"], "a full folder is one entry");
    }
}

// Case 48 of kv.
#[tokio::test]
async fn details_are_those_of_the_metadata_and_folders_have_none() {
    let house = house_with(Some("2"), &["a", "db/one", "db/two/three"]).await;
    house.delete("data/a").await.done();
    house.write("metadata/db", json!({"custom_metadata": {"team": "ops"}})).await.done();
    let metadata = async |path: &str| house.read(&format!("metadata/{path}")).await.data();
    let (keys, details) = house.list("detailed-metadata").await.details();
    assert_eq!(keys, ["a", "db", "db/"]);
    let all = json!({"a": metadata("a").await, "db": metadata("db").await, "db/": {}});
    assert_eq!(details, all);
    assert_eq!(details["db"]["custom_metadata"], json!({"team": "ops"}));

    let (keys, details) = house.scan("detailed-metadata/db").await.details();
    assert_eq!(keys, ["one", "two/three"]);
    assert_eq!(details["two/three"], metadata("db/two/three").await);
    let page = json!({"after": "a", "limit": 1});
    let (keys, details) = house.ask(Operation::List, "detailed-metadata", page).await.details();
    assert_eq!((keys, details), (vec!["db".to_owned()], json!({"db": metadata("db").await})));
    let (keys, _) = house.list("detailed-metadata/a").await.details();
    assert_eq!(keys, Vec::<String>::new());
}

#[tokio::test]
async fn details_come_for_a_thousand_secrets_and_a_hundred_thousand_versions_at_a_time() {
    let house = House::new("kv", Some("2"));
    let puts = (0..1001).map(|n| (format!("mount/0/key/f/{n:04}"), "{}".into()));
    house.store.commit(Commit { puts: puts.collect(), ..Commit::default() }).await.unwrap();
    too_many(house.list("detailed-metadata/f").await, 1000);
    too_many(house.scan("detailed-metadata").await, 1000);
    let page = json!({"limit": 1000});
    let (keys, _) = house.ask(Operation::List, "detailed-metadata/f", page).await.details();
    assert_eq!(keys.len(), 1000);

    for name in ["a", "b"] {
        let key = (format!("mount/0/key/{name}"), r#"{"current":60000}"#.into());
        let puts = [key].into_iter().collect();
        house.store.commit(Commit { puts, ..Commit::default() }).await.unwrap();
    }
    let text = "these secrets have too many versions for one answer; ask for fewer secrets with \
                'limit'";
    house.list("detailed-metadata").await.refused(text);
    let one = json!({"limit": 1});
    house.ask(Operation::List, "detailed-metadata", one).await.details();
}

#[tokio::test]
async fn deleted_secrets_can_be_left_out() {
    let paths: Vec<String> = (0..600).map(|n| format!("f/{n:03}")).collect();
    let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    paths.extend(["a", "b", "c", "d", "z"]);
    let house = house_with(Some("2"), &paths).await;
    house.delete("data/a").await.done();
    house.write("destroy/b", json!({"versions": [1]})).await.done();
    house.write("metadata/new", json!({"max_versions": 1})).await.done();
    house.write("config", json!({"delete_version_after": "-1"})).await.done();
    let ask = async |path: &str, given: Value| house.ask(Operation::List, path, given).await;
    let live = json!({"exclude_deleted": "true"});
    assert_eq!(ask("metadata", live.clone()).await.keys(), ["c", "d", "f/", "new", "z"]);
    let page = json!({"exclude_deleted": true, "after": "a", "limit": 2});
    assert_eq!(ask("metadata", page).await.keys(), ["c", "d"]);
    assert_eq!(ask("metadata", json!({"exclude_deleted": false})).await.keys().len(), 7);

    // Over several pieces: nearly all are deleted, and what is left is found.
    for path in paths.iter().filter(|path| path.starts_with("f/") && **path != "f/599") {
        house.delete(&format!("data/{path}")).await.done();
    }
    assert_eq!(ask("metadata/f", live.clone()).await.keys(), ["599"]);
    let scanned = house.ask(Operation::Scan, "metadata", live.clone()).await.keys();
    assert_eq!(scanned, ["c", "d", "f/599", "new", "z"]);
    let (keys, details) = ask("detailed-metadata", live.clone()).await.details();
    assert_eq!(keys, ["c", "d", "f/", "new", "z"]);
    assert_eq!(details["c"], house.read("metadata/c").await.data());
    let scanned = house.ask(Operation::Scan, "detailed-metadata/f", live).await.details();
    assert_eq!(scanned.0, ["599"]);
}

/// A mount with 25,000 secrets, of which only a few at the end and the one called `first` are not
/// deleted.
async fn nearly_all_deleted(first: usize) -> House {
    let house = House::new("kv", Some("2"));
    let deleted =
        r#"{"current":1,"recent":{"1":{"created":"2026-01-01T00:00:00Z","destroyed":true}}}"#;
    let record = |n: usize| if n == first || n > 24_995 { "{}" } else { deleted };
    let puts = (0..25_000).map(|n| (format!("mount/0/key/{n:05}"), record(n).into()));
    house.store.commit(Commit { puts: puts.collect(), ..Commit::default() }).await.unwrap();
    house
}

async fn live(house: &House, after: &str, limit: usize) -> api::Result<Vec<String>> {
    let given = json!({"exclude_deleted": true, "after": after, "limit": limit});
    match house.ask(Operation::List, "metadata", given).await.outcome {
        Ok(api::Reply::Keys(keys, _)) => Ok(keys),
        Ok(other) => panic!("no keys: {other:?}"),
        Err(error) => Err(error),
    }
}

#[track_caller]
fn the_way_on(outcome: api::Result<Vec<String>>) -> String {
    let Err(Error::Invalid(text)) = outcome else { panic!("no end: {outcome:?}") };
    let way = text.strip_prefix("more than 10000 secrets would have to be looked at; ");
    way.unwrap().strip_suffix(", or leave 'exclude_deleted' out").unwrap().to_owned()
}

#[tokio::test]
async fn leaving_deleted_secrets_out_has_an_end_and_says_how_to_go_on() {
    let house = nearly_all_deleted(usize::MAX).await;
    let mut after = String::new();
    for expected in ["09999", "19999"] {
        let way = the_way_on(live(&house, &after, 1).await);
        assert_eq!(way, format!("go on with 'after' set to \"{expected}\""));
        after = expected.to_owned();
    }
    assert_eq!(live(&house, &after, 1).await, Ok(vec!["24996".to_owned()]));
    assert_eq!(live(&house, &after, 0).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_page_of_as_many_as_were_found_can_be_had() {
    let house = nearly_all_deleted(9_999).await;
    for limit in [0, 2, 50] {
        assert_eq!(the_way_on(live(&house, "", limit).await), "set 'limit' to 1 or less");
    }
    assert_eq!(live(&house, "", 1).await, Ok(vec!["09999".to_owned()]));
    let way = the_way_on(live(&house, "09999", 1).await);
    assert_eq!(way, "go on with 'after' set to \"19999\"");
}
