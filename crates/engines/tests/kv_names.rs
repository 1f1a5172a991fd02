//! Names of secrets in `kv`: what could be kept under them can be reached and removed.

use api::{CanonicalPath, Operation};
use serde_json::{Value, json};

use crate::house::House;

const REFUSED: &str = "the path is too long for a secret; behind the mount and \
                       \"detailed-metadata/\" it must fit into 4096 encoded characters and 64 \
                       segments";

/// Characters that a name may have in the mount of the [`House`].
const LENGTH: usize = CanonicalPath::LENGTH_MAX - "mount/detailed-metadata/".len();
/// Segments that it may have.
const SEGMENTS: usize = CanonicalPath::SEGMENTS_MAX - 2;

/// The longest names there can be, each with one that is longer by one.
fn longest() -> [(String, String); 3] {
    let encoded = "é".repeat(LENGTH / 6) + &"a".repeat(LENGTH % 6);
    let deep = |segments| vec!["s"; segments].join("/");
    [
        ("n".repeat(LENGTH), "n".repeat(LENGTH + 1)),
        (encoded.clone(), encoded + "a"),
        (deep(SEGMENTS), deep(SEGMENTS + 1)),
    ]
}

fn secret() -> Value {
    json!({"a": "b"})
}

/// Whether `name` comes through this door of version 2 at all.
fn can_be_asked(door: &str, name: &str) -> bool {
    CanonicalPath::parse(&format!("mount/{door}/{name}")).is_ok()
}

/// Opens every door of version 2 to the secret `name`, which has one version.
async fn walk_through(house: &House, name: &str) {
    let versions = json!({"versions": [1]});
    let change = async |door: &str| {
        house.write(&format!("{door}/{name}"), versions.clone()).await.done();
    };
    let data = format!("data/{name}");
    let metadata = format!("metadata/{name}");
    assert_eq!(house.read(&data).await.data()["data"], secret());
    assert_eq!(house.read(&format!("subkeys/{name}")).await.data()["subkeys"], json!({"a": null}));
    house.ask(Operation::Scan, &format!("detailed-metadata/{name}"), json!({})).await.details();
    change("delete").await;
    house.read(&data).await.gone();
    change("undelete").await;
    assert_eq!(house.read(&data).await.data()["data"], secret());
    change("destroy").await;
    house.read(&data).await.gone();
    house.write(&metadata, json!({"max_versions": 2})).await.done();
    house.delete(&metadata).await.done();
    assert_eq!(house.census(), 0);
}

#[tokio::test]
async fn what_can_be_written_can_be_removed_again() {
    let house = House::new("kv", Some("2"));
    for (name, longer) in longest() {
        for door in ["data", "metadata"].into_iter().filter(|door| can_be_asked(door, &longer)) {
            let body = json!({"data": secret(), "max_versions": 2});
            house.write(&format!("{door}/{longer}"), body).await.refused(REFUSED);
        }
        house.write(&format!("data/{name}"), json!({"data": secret()})).await.data();
        walk_through(&house, &name).await;
        house.write(&format!("metadata/{name}"), json!({"max_versions": 2})).await.done();
        house.delete(&format!("metadata/{name}")).await.done();
    }
}

#[tokio::test]
async fn no_secret_is_out_of_reach_after_an_upgrade() {
    for (name, longer) in longest() {
        let mut house = House::new("kv", Some("1"));
        house.write(&longer, secret()).await.refused(REFUSED);
        house.write(&name, secret()).await.done();
        house.upgrade("2");
        walk_through(&house, &name).await;
    }
}

#[tokio::test]
async fn too_long_a_name_can_still_be_looked_for() {
    for (_, longer) in longest() {
        let house = House::new("kv", Some("1"));
        house.read(&longer).await.missing();
        house.delete(&longer).await.done();
        if can_be_asked("metadata", &longer) {
            let house = House::new("kv", Some("2"));
            house.read(&format!("data/{longer}")).await.missing();
            house.delete(&format!("metadata/{longer}")).await.done();
        }
    }
}
