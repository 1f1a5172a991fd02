//! Secrets behind policies and tokens, and the way from version 1 of `kv` to version 2.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use api::{Error, Operation};
use serde_json::{Value, json};
use simulator::{Caller, House};
use storage::Memory;
use storage::testing::Busy;

/// Writers, each at a node of its own.
const WRITERS: usize = 3;
/// Secrets of each.
const SECRETS: usize = 60;

#[track_caller]
fn invalid(outcome: Result<Value, Error>, text: &str) {
    assert_eq!(outcome, Err(Error::invalid(text)));
}

async fn house_with(mounts: &[(&str, Value)]) -> House {
    let house = House::new().await;
    for (path, mount) in mounts {
        house.root().write(&format!("sys/mounts/{path}"), mount.clone()).await.unwrap();
    }
    house
}

async fn holder_of(house: &House, policy: &str) -> Caller {
    let root = house.root();
    root.write("sys/policies/acl/sample", json!({ "policy": policy })).await.unwrap();
    let made = root.write("auth/token/create", json!({"policies": ["sample"]})).await.unwrap();
    house.holder(made["client_token"].as_str().unwrap())
}

// Case 55 of mounts.
#[tokio::test]
async fn a_mount_goes_from_version_1_to_2_and_never_back() {
    let house = house_with(&[("kv", json!({"type": "kv"}))]).await;
    let root = house.root();
    let tune = async |version: &str| {
        let body = json!({"options": {"version": version}});
        root.ask(Operation::Update, "sys/mounts/kv/tune", body).await
    };
    root.write("kv/a", json!({"b": "c"})).await.unwrap();
    for version in ["1", ""] {
        assert_eq!(tune(version).await.warnings, Vec::<String>::new());
    }
    let Err(Error::Invalid(text)) = tune("3").await.outcome else { panic!() };
    assert_eq!(text, "invalid version provided: 3");
    assert_eq!(root.read("kv/a").await, Ok(json!({"b": "c"})));

    house.wait(60);
    let upgraded = tune("2").await;
    assert!(upgraded.outcome.is_ok());
    let told = "Upgrading mount from version 1 to version 2. This mount stays available meanwhile.";
    assert_eq!(upgraded.warnings, [told]);
    assert_eq!(root.read("sys/mounts/kv").await.unwrap()["options"], json!({"version": "2"}));
    let read = root.read("kv/data/a").await.unwrap();
    assert_eq!(read["data"], json!({"b": "c"}));
    assert_eq!(read["metadata"]["version"], 1);

    house.wait(60);
    assert_eq!(tune("2").await.warnings, Vec::<String>::new());
    assert_eq!(root.read("kv/data/a").await.unwrap(), read, "upgrading twice changes nothing");
    for version in ["1", ""] {
        let back = tune(version).await.outcome.map(|_| Value::Null);
        invalid(back, "cannot downgrade mount from version 2");
    }
    assert_eq!(root.read("kv/data/a").await.unwrap(), read);
}

#[tokio::test]
async fn a_version_written_at_one_node_is_read_at_every_other_from_then_on() {
    let house = House::on(Arc::new(Memory::default()), 3, 7).await;
    let at = |node: usize| house.at(node).with_token(&house.root);
    at(0).write("sys/mounts/kv", json!({"type": "kv", "options": {"version": "2"}})).await.unwrap();
    for version in 1..12 {
        let writer = at(version % 3);
        writer.write("kv/data/a", json!({"data": {"n": version}})).await.unwrap();
        for node in 0..3 {
            let read = at(node).read("kv/data/a").await.unwrap();
            assert_eq!(read["data"]["n"], version, "node {node}");
            assert_eq!(read["metadata"]["version"], version, "node {node}");
        }
    }
    at(1).ask(Operation::Delete, "kv/metadata/a", json!({})).await.outcome.unwrap();
    for node in 0..3 {
        assert_eq!(at(node).read("kv/data/a").await, Err(Error::Missing), "node {node}");
    }
}

// Case 14 of kv is not possible here, and said to be so.
#[tokio::test]
async fn options_that_would_have_no_effect_are_refused() {
    let house = house_with(&[("kv", json!({"type": "kv"}))]).await;
    let root = house.root();
    let leased = json!({"leased_passthrough": "true"});
    let text = "'leased_passthrough' is not supported: what kv keeps has no lease; leave it out";
    let mount = json!({"type": "kv", "options": leased});
    invalid(root.write("sys/mounts/other", mount).await, text);
    invalid(root.write("sys/mounts/kv/tune", json!({"options": leased})).await, text);
    let off = json!({"options": {"leased_passthrough": "false"}});
    root.write("sys/mounts/kv/tune", off).await.unwrap();
    root.write("sys/auth/userpass", json!({"type": "userpass"})).await.unwrap();
    let text = "auth method \"userpass\" does not allow setting a version";
    let version = json!({"options": {"version": "2"}});
    invalid(root.write("sys/auth/userpass/tune", version.clone()).await, text);
    let text = "secrets engine \"cubbyhole\" does not allow setting a version";
    invalid(root.write("sys/mounts/cubbyhole/tune", version).await, text);
}

/// What somebody has been told is written, by its path below the mount.
type Acknowledged = Arc<Mutex<BTreeSet<String>>>;

/// Writes to version 1 until that is no longer what is there, and to version 2 from then on.
async fn write_on(caller: Caller, writer: usize, acknowledged: Acknowledged) {
    for number in 0..SECRETS {
        let path = format!("w{writer}/{number}");
        let secret = json!({ "at": path });
        if caller.write(&format!("kv/{path}"), secret.clone()).await.is_err() {
            caller.write(&format!("kv/data/{path}"), json!({ "data": secret })).await.unwrap();
        }
        acknowledged.lock().unwrap().insert(path);
    }
}

/// Looks, over and over, whether all that is acknowledged is still there.
async fn watch(caller: Caller, acknowledged: Acknowledged) -> usize {
    for round in 0.. {
        let expected = acknowledged.lock().unwrap().clone();
        let version_1 = caller.ask(Operation::Scan, "kv", Value::Null).await.outcome;
        let keys = match version_1.unwrap() {
            api::Reply::Keys(keys, _) => keys,
            _ => match caller.ask(Operation::Scan, "kv/metadata", Value::Null).await.outcome {
                Ok(api::Reply::Keys(keys, _)) => keys,
                other => panic!("{other:?}"),
            },
        };
        let missing: Vec<_> = expected.iter().filter(|path| !keys.contains(path)).collect();
        assert!(missing.is_empty(), "{missing:?} are not there");
        if expected.len() == WRITERS * SECRETS {
            return round;
        }
        tokio::task::yield_now().await;
    }
    0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_secret_is_missing_for_a_moment_while_a_mount_is_upgraded() {
    let memory = Arc::new(Memory::default());
    let mut house = House::on(memory.clone(), 0, 11).await;
    house.store = Arc::new(Busy::new(memory, 11));
    house.restart(WRITERS + 1).await;
    house.root().write("sys/mounts/kv", json!({"type": "kv"})).await.unwrap();
    let acknowledged = Acknowledged::default();
    let mut writers = vec![];
    for writer in 0..WRITERS {
        let caller = house.at(writer).with_token(&house.root);
        writers.push(tokio::spawn(write_on(caller, writer, acknowledged.clone())));
    }
    let observer = house.at(WRITERS).with_token(&house.root);
    let observer = tokio::spawn(watch(observer, acknowledged.clone()));
    while acknowledged.lock().unwrap().len() < WRITERS * SECRETS / 3 {
        tokio::task::yield_now().await;
    }
    let root = house.root();
    root.write("sys/mounts/kv/tune", json!({"options": {"version": "2"}})).await.unwrap();
    // Changing secrets moves them, under the eyes of the observer.
    let early: Vec<String> = acknowledged.lock().unwrap().iter().cloned().collect();
    for path in &early {
        let change = json!({"custom_metadata": {"moved": "yes"}});
        root.write(&format!("kv/metadata/{path}"), change).await.unwrap();
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(observer.await.unwrap() > 0);
    let written = acknowledged.lock().unwrap().clone();
    for path in written {
        let read = root.read(&format!("kv/data/{path}")).await.unwrap();
        assert_eq!(read["data"], json!({ "at": path }));
        assert_eq!(read["metadata"]["version"], 1);
    }
}

#[tokio::test]
async fn a_scan_takes_a_capability_of_its_own() {
    let one = json!({"type": "kv"});
    let two = json!({"type": "kv", "options": {"version": "2"}});
    let house = house_with(&[("one", one), ("two", two)]).await;
    house.root().write("one/f/a/b", json!({"x": 1})).await.unwrap();
    house.root().write("two/data/f/a/b", json!({"data": {}})).await.unwrap();
    let caller = holder_of(
        &house,
        r#"path "one/f/" { capabilities = ["scan"] }
           path "one/g/" { capabilities = ["list", "read"] }
           path "two/metadata/f" { capabilities = ["scan"] }
           path "two/detailed-metadata/f/*" { capabilities = ["scan"] }
           path "two/metadata" { capabilities = ["list"] }"#,
    )
    .await;
    let ask = async |operation, path: &str| match caller.ask(operation, path, Value::Null).await {
        kernel::Answer { outcome: Ok(api::Reply::Keys(keys, _)), .. } => Ok(keys),
        kernel::Answer { outcome, .. } => Err(outcome.unwrap_err()),
    };
    for path in ["one/f", "two/metadata/f", "two/detailed-metadata/f"] {
        assert_eq!(ask(Operation::Scan, path).await, Ok(vec!["a/b".to_owned()]), "{path}");
        assert_eq!(ask(Operation::List, path).await, Err(Error::Denied), "{path}");
    }
    for path in ["one", "one/g", "two/metadata", "two/metadata/g", "cubbyhole"] {
        assert_eq!(ask(Operation::Scan, path).await, Err(Error::Denied), "{path}");
    }
    assert_eq!(ask(Operation::List, "two/metadata").await, Ok(vec!["f/".to_owned()]));
    let cubbyhole = house.root().ask(Operation::Scan, "cubbyhole", Value::Null).await.outcome;
    assert_eq!(cubbyhole.unwrap_err(), Error::UnsupportedOperation);
}

// Cases 33 and 34 of kv.
#[tokio::test]
async fn whoever_may_only_patch_can_patch() {
    let two = json!({"type": "kv", "options": {"version": "2"}});
    let house = house_with(&[("two", two)]).await;
    let root = house.root();
    root.write("two/data/a", json!({"data": {"a": 1}})).await.unwrap();
    let caller = holder_of(&house, r#"path "two/data/a" { capabilities = ["patch"] }"#).await;
    let patch = json!({"data": {"b": 2}});
    for (patcher, version) in [(&caller, 2), (&root, 3)] {
        let outcome = patcher.ask(Operation::Patch, "two/data/a", patch.clone()).await.outcome;
        let Ok(api::Reply::Data(facts, _)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(facts["version"], version);
    }
    assert_eq!(caller.write("two/data/a", json!({"data": {}})).await, Err(Error::Denied));
    assert_eq!(root.read("two/data/a").await.unwrap()["data"], json!({"a": 1, "b": 2}));
}

// Case 50.
#[tokio::test]
async fn a_cubbyhole_is_its_token_s_alone_and_ends_with_it() {
    let house = House::new().await;
    let policy = r#"path "nowhere" { capabilities = ["read"] }"#;
    let (first, second) = (holder_of(&house, policy).await, holder_of(&house, policy).await);
    first.write("cubbyhole/a/b", json!({"mine": 1})).await.unwrap();
    assert_eq!(first.read("cubbyhole/a/b").await, Ok(json!({"mine": 1})));
    assert_eq!(first.list("cubbyhole").await, Ok(json!(["a/"])));
    let text = r#"path "auth/token/create" { capabilities = ["update"] }"#;
    house.root().write("sys/policies/acl/sample", json!({ "policy": text })).await.unwrap();
    let child = first.write("auth/token/create", json!({})).await.unwrap();
    let child = house.holder(child["client_token"].as_str().unwrap());
    for other in [&second, &house.root(), &child] {
        assert_eq!(other.read("cubbyhole/a/b").await, Err(Error::Missing));
        assert_eq!(other.list("cubbyhole").await, Err(Error::Missing));
        other.delete("cubbyhole/a/b").await.unwrap();
    }
    assert_eq!(first.read("cubbyhole/a/b").await, Ok(json!({"mine": 1})));
    first.write("auth/token/revoke-self", json!({})).await.unwrap();
    assert_eq!(first.read("cubbyhole/a/b").await, Err(Error::UnknownToken));
    house.settle().await.unwrap();
    assert!(house.census().await.iter().all(|key| !key.ends_with("a/b")), "it is removed");
}
