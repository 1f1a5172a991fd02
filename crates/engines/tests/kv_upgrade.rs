//! What version 1 of `kv` left, as version 2 sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::Operation;
use async_trait::async_trait;
use serde_json::{Value, json};
use storage::{Commit, CommitError, Record, Revision, Store, Watch};

use crate::house::House;

const UPGRADED: &str = "2026-02-01T11:00:00.5Z";

/// Three secrets of version 1, now below version 2.
async fn upgraded() -> House {
    let mut house = House::new("kv", Some("1"));
    for path in ["a", "db/one", "z"] {
        house.write(path, json!({"at": path, "number": 1, "ttl": "40s"})).await.done();
    }
    house.pass(3600);
    house.upgrade("2");
    house.pass(3600);
    house
}

fn left(path: &str) -> Value {
    json!({"at": path, "number": 1, "ttl": "40s"})
}

fn facts(version: u64, created: &str) -> Value {
    json!({
        "version": version, "created_time": created, "deletion_time": "", "destroyed": false,
        "custom_metadata": null,
    })
}

fn keys_with(house: &House, part: &str) -> usize {
    house.store.keys().iter().filter(|key| key.contains(part)).count()
}

#[tokio::test]
async fn every_secret_is_the_first_version_of_itself_and_nothing_was_moved() {
    let house = upgraded().await;
    for path in ["a", "db/one", "z"] {
        let read = house.read(&format!("data/{path}")).await.data();
        assert_eq!(read, json!({"data": left(path), "metadata": facts(1, UPGRADED)}));
    }
    let expected = json!({
        "versions": {
            "1": {"created_time": UPGRADED, "deletion_time": "", "destroyed": false},
        },
        "current_version": 1, "oldest_version": 0, "current_metadata_version": 0,
        "created_time": UPGRADED, "updated_time": UPGRADED, "max_versions": 0,
        "cas_required": false, "metadata_cas_required": false, "delete_version_after": "0s",
        "custom_metadata": null,
    });
    assert_eq!(house.read("metadata/a").await.data(), expected);
    let subkeys = house.read("subkeys/a").await.data()["subkeys"].clone();
    assert_eq!(subkeys, json!({"at": null, "number": null, "ttl": null}));
    let second = house.ask(Operation::Read, "data/a", json!({"version": 2})).await;
    second.missing();
    house.read("data/nothing").await.missing();
    assert_eq!(house.census(), 3);
}

#[tokio::test]
async fn the_first_write_makes_the_second_version_and_keeps_the_first() {
    let house = upgraded().await;
    let written = house.write("data/a", json!({"data": {"n": 2}})).await;
    assert_eq!(written.operation, Operation::Update);
    assert_eq!(written.data()["version"], 2);
    let first = house.ask(Operation::Read, "data/a", json!({"version": 1})).await.data();
    assert_eq!(first["data"], left("a"));
    assert_eq!((keys_with(&house, "/secret/"), keys_with(&house, "/payload/")), (2, 2));

    let guarded = |cas: u64| json!({"data": {}, "options": {"cas": cas}});
    let text = "check-and-set parameter did not match the current version";
    house.write("data/z", guarded(0)).await.refused(text);
    assert_eq!(house.write("data/z", guarded(1)).await.data()["version"], 2);
    house.patch("data/db/one", json!({"data": {"number": null}})).await.data();
    let patched = house.read("data/db/one").await.data();
    assert_eq!(patched["data"], json!({"at": "db/one", "ttl": "40s"}));
    assert_eq!(keys_with(&house, "/secret/"), 0);
}

#[tokio::test]
async fn what_is_left_can_be_deleted_brought_back_and_destroyed() {
    let house = upgraded().await;
    house.delete("data/a").await.done();
    house.read("data/a").await.gone();
    house.write("undelete/a", json!({"versions": [1]})).await.done();
    assert_eq!(house.read("data/a").await.data()["data"], left("a"));
    house.write("destroy/a", json!({"versions": [1]})).await.done();
    assert_eq!(house.read("data/a").await.gone()["metadata"]["destroyed"], true);
    house.write("destroy/z", json!({"versions": [1]})).await.done();
    assert_eq!(house.read("data/z").await.gone()["metadata"]["destroyed"], true);
    assert_eq!((keys_with(&house, "/secret/"), keys_with(&house, "/payload/")), (1, 0));

    house.delete("metadata/db/one").await.done();
    house.read("data/db/one").await.missing();
    let again = house.write("data/db/one", json!({"data": {}})).await;
    assert_eq!(again.operation, Operation::Create);
    assert_eq!(again.data()["version"], 1);
}

#[tokio::test]
async fn its_metadata_can_be_written() {
    let house = upgraded().await;
    house.write("metadata/a", json!({"custom_metadata": {"team": "ops"}})).await.done();
    house.patch("metadata/z", json!({"max_versions": 3})).await.done();
    assert_eq!(house.read("metadata/z").await.data()["max_versions"], 3);
    let read = house.read("data/a").await.data();
    assert_eq!(read["data"], left("a"));
    assert_eq!(read["metadata"]["custom_metadata"], json!({"team": "ops"}));
}

#[tokio::test]
async fn one_version_is_kept_where_one_is_to_be_kept() {
    let house = upgraded().await;
    house.write("config", json!({"max_versions": 1})).await.done();
    assert_eq!(house.write("data/a", json!({"data": {"n": 2}})).await.data()["version"], 2);
    house.ask(Operation::Read, "data/a", json!({"version": 1})).await.missing();
    assert_eq!((keys_with(&house, "/secret/"), keys_with(&house, "/payload/")), (2, 1));
}

#[tokio::test]
async fn lists_show_old_and_new_as_one() {
    let house = upgraded().await;
    for path in ["b", "db/two", "z"] {
        house.write(&format!("data/{path}"), json!({"data": {}})).await.data();
    }
    assert_eq!(house.list("metadata").await.keys(), ["a", "b", "db/", "z"]);
    assert_eq!(house.list("metadata/db").await.keys(), ["one", "two"]);
    assert_eq!(house.scan("metadata").await.keys(), ["a", "b", "db/one", "db/two", "z"]);
    let page = json!({"after": "a", "limit": 2});
    assert_eq!(house.ask(Operation::List, "metadata", page).await.keys(), ["b", "db/"]);
    let (keys, details) = house.scan("detailed-metadata").await.details();
    assert_eq!(keys.len(), 5);
    assert_eq!(details["db/one"], house.read("metadata/db/one").await.data());
    house.delete("data/a").await.done();
    let live = json!({"exclude_deleted": true});
    assert_eq!(house.ask(Operation::List, "metadata", live).await.keys(), ["b", "db/", "z"]);
}

/// A store on which somebody changes secrets, and so moves them, after so many looks at a list.
struct Meddled {
    house: House,
    looks: AtomicUsize,
    meddle_after: usize,
}

#[async_trait]
impl Store for Meddled {
    async fn get(&self, key: &str) -> storage::Result<Option<Record>> {
        self.house.store.get(key).await
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> storage::Result<Vec<String>> {
        let found = self.house.store.list(prefix, after, limit).await;
        if self.looks.fetch_add(1, Ordering::Relaxed) + 1 == self.meddle_after {
            for path in ["a", "db/one", "z"] {
                let change = json!({"max_versions": 1});
                self.house.write(&format!("metadata/{path}"), change).await.done();
            }
        }
        found
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, CommitError> {
        self.house.store.commit(commit).await
    }

    fn watch(&self) -> Watch {
        self.house.store.watch()
    }
}

#[tokio::test]
async fn a_list_misses_nothing_that_is_moved_while_it_is_read() {
    for (operation, expected) in
        [(Operation::List, ["a", "db/", "z"]), (Operation::Scan, ["a", "db/one", "z"])]
    {
        for meddle_after in 1..=3 {
            let mut house = House::new("kv", Some("2"));
            house.upgrade("2");
            let looks = AtomicUsize::new(0);
            let meddled = Meddled { house: upgraded().await, looks, meddle_after };
            house.front = Some(Arc::new(meddled));
            let keys = house.ask(operation, "metadata", json!({})).await.keys();
            assert_eq!(keys, expected, "{operation} {meddle_after}");
        }
    }
}

#[tokio::test]
async fn of_two_who_move_the_same_secret_one_starts_over() {
    let house = upgraded().await;
    let write = json!({"data": {"n": 2}});
    let first =
        house.attempt((Operation::Update, "data/a", write.clone()), &Default::default()).await;
    let second = house.attempt((Operation::Delete, "data/a", json!({})), &Default::default()).await;
    let reader = house.attempt((Operation::Read, "data/a", json!({})), &Default::default()).await;
    assert_eq!(first.commit().await.data()["version"], 2);
    assert!(second.commit().await.error().is_conflict());
    assert!(reader.commit().await.error().is_conflict());
    assert_eq!(house.read("data/a").await.data()["data"], json!({"n": 2}));
}

#[tokio::test]
async fn a_mount_that_was_never_upgraded_sees_nothing_of_version_1() {
    let house = House::new("kv", Some("2"));
    // Such a record cannot be there; if it were, it would not count.
    let puts = [("mount/0/secret/a".to_owned(), "{}".into())].into_iter().collect();
    house.store.commit(Commit { puts, ..Default::default() }).await.unwrap();
    house.read("data/a").await.missing();
    assert_eq!(house.list("metadata").await.keys(), Vec::<String>::new());
}
