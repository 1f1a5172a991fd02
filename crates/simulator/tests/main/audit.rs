//! The audit trail, through a whole kernel.

use std::sync::Arc;

use api::{BoxFuture, Error};
use serde_json::{Value, json};
use simulator::House;
use storage::testing::{Busy, Interrupted};
use storage::{Memory, Store};

async fn audited(folder: &tempfile::TempDir) -> (House, String) {
    let memory = Arc::new(Memory::default());
    let mut house = House::on(memory.clone(), 0, 3).await;
    house.store = Arc::new(Busy::new(memory, 3));
    house.restart(1).await;
    crate::walk::furnish(&house).await;
    let file = folder.path().join("audit.log").to_str().unwrap().to_owned();
    let device = json!({"type": "file", "options": {"file_path": file}});
    house.root().write("sys/audit/file", device).await.unwrap();
    (house, file)
}

fn entries(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_exchange_is_recorded_once_before_and_once_after() {
    let folder = tempfile::tempdir().unwrap();
    let (house, file) = audited(&folder).await;
    let start = entries(&file).len();
    for number in 0..9 {
        house.root().write("kv/app", json!({"number": number})).await.unwrap();
    }
    house.holder("stranger").read("kv/app").await.unwrap_err();
    let entries = &entries(&file)[start..];
    assert_eq!(entries.len(), 20);
    for pair in entries.chunks(2) {
        assert_eq!(
            (pair[0]["type"].as_str(), pair[1]["type"].as_str()),
            (Some("request"), Some("response"))
        );
        assert_eq!(pair[0]["request"]["id"], pair[1]["request"]["id"]);
    }
    assert!(entries[18]["error"].as_str().unwrap().contains("permission denied"));
    assert_eq!(entries[0]["request"]["operation"], "create");
    assert_eq!(entries[2]["request"]["operation"], "update");
    assert_eq!(entries[0]["auth"]["policy_results"]["granting_policies"][0]["name"], "root");
}

#[tokio::test]
async fn no_secret_reaches_the_trail_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let (house, file) = audited(&folder).await;
    let token = house.stranger().login("mitchellh", "foo").await.unwrap();
    let user = house.holder(&token);
    user.write("kv/app", json!({"canary": {"deep": ["canary-value"]}})).await.unwrap();
    user.read("kv/app").await.unwrap();
    house.stranger().login("mitchellh", "canary-password").await.unwrap_err();
    let accessor = user.read("auth/token/lookup-self").await.unwrap()["accessor"].clone();
    let text = std::fs::read_to_string(&file).unwrap();
    for secret in
        ["canary-value", "canary-password", &token, &house.root, accessor.as_str().unwrap()]
    {
        assert!(!text.contains(secret), "{secret} is in the trail");
    }
    let hash = house.root().write("sys/audit-hash/file", json!({"input": token})).await.unwrap();
    assert!(text.contains(hash["hash"].as_str().unwrap()));
}

// Case 131 of policies.
#[tokio::test]
async fn the_trail_names_the_policies_that_allow_a_request_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let (house, file) = audited(&folder).await;
    let root = house.root();
    for (name, capability) in [("one", "read"), ("two", "read"), ("three", "update")] {
        let text = format!("path \"kv/*\" {{ capabilities = [\"{capability}\"] }}");
        root.write(&format!("sys/policies/acl/{name}"), json!({ "policy": text })).await.unwrap();
    }
    let body = json!({"policies": ["one", "two", "three"], "no_default_policy": true});
    let made = root.write("auth/token/create", body).await.unwrap();
    let caller = house.holder(made["client_token"].as_str().unwrap());
    let start = entries(&file).len();
    assert_eq!(caller.read("kv/app").await, Err(Error::Missing));
    assert_eq!(caller.delete("kv/app").await, Err(Error::Denied));
    let entries = &entries(&file)[start..];
    let results = |entry: &Value| entry["auth"]["policy_results"].clone();
    let named = |name: &str| json!({"name": name, "namespace_id": "root", "type": "acl"});
    let allowed = json!({"allowed": true, "granting_policies": [named("one"), named("two")]});
    for entry in &entries[..2] {
        assert_eq!(results(entry), allowed);
    }
    for entry in &entries[2..] {
        assert_eq!(results(entry), json!({"allowed": false}));
    }
}

// Case 68 of `sys/`.
#[tokio::test]
async fn who_tries_to_unwrap_is_recorded_once_and_with_what_was_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (house, file) = audited(&folder).await;
    let root = house.root();
    let hash = async |text: &str| {
        root.write("sys/audit-hash/file", json!({"input": text})).await.unwrap()["hash"].clone()
    };
    let user = house.stranger().login("mitchellh", "foo").await.unwrap();
    let start = entries(&file).len();
    house.holder(&user).write("sys/wrapping/unwrap", json!({"token": "stale"})).await.unwrap_err();
    house.holder("stale").write("sys/wrapping/unwrap", json!({})).await.unwrap_err();
    let entries = &entries(&file)[start..];
    assert_eq!(entries.len(), 4, "one before and one after each");
    let (user, stale) = (hash(&user).await, hash("stale").await);
    for (pair, shown) in entries.chunks(2).zip([&user, &stale]) {
        assert_eq!((&pair[0]["type"], &pair[1]["type"]), (&json!("request"), &json!("response")));
        assert!(pair.iter().all(|entry| entry["request"]["client_token"] == *shown));
        let text = "wrapping token is not valid or does not exist";
        assert_eq!((pair[0].get("error"), &pair[1]["error"]), (None, &json!(text)));
    }
    assert_eq!(entries[0]["request"]["data"]["token"], stale);
}

#[tokio::test]
async fn a_password_sent_as_a_number_is_no_clearer() {
    let folder = tempfile::tempdir().unwrap();
    let (house, file) = audited(&folder).await;
    let root = house.root();
    let number = json!({"password": 314_159_265});
    root.write("auth/userpass/users/pi", number.clone()).await.unwrap();
    house.stranger().write("auth/userpass/login/pi", number).await.unwrap();
    let lines = json!([{"username": "two", "password": 314_159_265}]);
    root.write("auth/userpass/users/import", json!({"lines": lines})).await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("314159265"), "a password is in the trail");
    let hash = root.write("sys/audit-hash/file", json!({"input": "314159265"})).await.unwrap();
    assert_eq!(text.matches(hash["hash"].as_str().unwrap()).count(), 6);
}

#[tokio::test]
async fn the_trail_of_a_lost_race_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.log").to_str().unwrap().to_owned();
    let inner: Arc<dyn Store> = Arc::new(Memory::default());
    let mut house = House::on(inner.clone(), 0, 5).await;
    let store = Arc::new(Interrupted::new(inner, |commit| !commit.checks.is_empty()));
    house.store = store.clone();
    house.restart(2).await;
    crate::walk::furnish(&house).await;
    let device = json!({"type": "file", "options": {"file_path": file}});
    house.root().write("sys/audit/file", device).await.unwrap();
    house.root().write("kv/app", json!({"a": "b"})).await.unwrap();
    let other = house.at(1).with_token(&house.root);
    let token = house.stranger().login("mitchellh", "foo").await.unwrap();
    let user = house.holder(&token);
    let refused = async |act: BoxFuture<'static, ()>| {
        // Once before, so that the node has no older copies that would lose a race by themselves.
        user.read("kv/app").await.unwrap();
        store.interrupt(act);
        assert!(user.read("kv/app").await.is_err());
        assert!(!store.is_waiting(), "nobody came between");
        let mut entries = entries(&file);
        let end = entries.pop().unwrap();
        let begun = |one: &&Value| one["type"] == "request" && one["request"]["path"] == "kv/app";
        let begin = entries.iter().rfind(begun).unwrap();
        let granting = &begin["auth"]["policy_results"]["granting_policies"];
        assert_eq!(granting[0]["name"], "admins", "it was allowed at first: {begin}");
        end
    };
    let (first, text) = (other.clone(), json!({"policy": "path \"x\" {}"}));
    let end = refused(Box::pin(async move {
        first.write("sys/policies/acl/admins", text).await.unwrap();
    }));
    let end = end.await;
    assert_eq!(end["auth"]["display_name"], "userpass-mitchellh");
    assert_eq!(end["auth"]["policy_results"]["granting_policies"], Value::Null, "{end}");
    let body = json!({"policy": "path \"kv/*\" { policy = \"read\" }"});
    house.root().write("sys/policies/acl/admins", body).await.unwrap();
    let end = refused(Box::pin(async move {
        other.write("auth/token/revoke", json!({ "token": token })).await.unwrap();
    }));
    let end = end.await;
    assert_eq!(end["auth"]["display_name"], Value::Null, "{end}");
    assert_eq!(end["auth"]["accessor"], Value::Null, "{end}");
}

#[tokio::test]
async fn a_lock_is_told_from_a_wrong_password_and_from_where_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let (house, file) = audited(&folder).await;
    let start = entries(&file).len();
    for _ in 0..6 {
        house.stranger().from("10.1.2.3").login("mitchellh", "bar").await.unwrap_err();
    }
    let ends = entries(&file).into_iter().skip(start).filter(|entry| entry["type"] == "response");
    let ends: Vec<Value> = ends.collect();
    let errors: Vec<&str> = ends.iter().map(|end| end["error"].as_str().unwrap()).collect();
    assert_eq!(errors[..5], ["invalid username or password"; 5]);
    assert_eq!(errors[5], "permission denied: locked after too many failed logins");
    assert_eq!(ends[5]["request"]["path"], "auth/userpass/login/mitchellh");
    assert_eq!(ends[5]["request"]["remote_address"], "10.1.2.3");
}

#[tokio::test]
async fn the_trail_names_the_entity_from_its_first_login_on() {
    let folder = tempfile::tempdir().unwrap();
    let (house, file) = audited(&folder).await;
    let login = house.stranger();
    let login = login.write("auth/userpass/login/mitchellh", json!({"password": "foo"})).await;
    let login = login.unwrap();
    house.holder(login["client_token"].as_str().unwrap()).read("kv/app").await.unwrap_err();
    let entries = entries(&file);
    let [.., made, asked, _] = entries.as_slice() else { panic!() };
    assert!(login["entity_id"].as_str().is_some_and(|id| id.len() == 36));
    assert_eq!(made["response"]["auth"]["entity_id"], login["entity_id"]);
    assert_eq!(asked["auth"]["entity_id"], login["entity_id"]);
}

#[tokio::test]
async fn what_cannot_be_recorded_does_not_happen() {
    let folder = tempfile::tempdir().unwrap();
    let (house, file) = audited(&folder).await;
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    for node in &house.nodes {
        node.reopen_audit_files();
    }
    let census = house.census().await;
    let refused = house.root().write("kv/app", json!({"a": "b"})).await;
    assert!(matches!(refused, Err(Error::Internal(_))));
    assert!(house.stranger().login("mitchellh", "foo").await.is_err());
    assert_eq!(house.census().await, census);
    std::fs::remove_dir(&file).unwrap();
    house.root().write("kv/app", json!({"a": "b"})).await.unwrap();
}

#[tokio::test]
async fn one_working_device_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let (house, file) = audited(&folder).await;
    let second = folder.path().join("second.log").to_str().unwrap().to_owned();
    let device = json!({"type": "file", "options": {"file_path": second}});
    house.root().write("sys/audit/second", device).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    for node in &house.nodes {
        node.reopen_audit_files();
    }
    house.root().write("kv/app", json!({"a": "b"})).await.unwrap();
    assert!(entries(&second).iter().any(|entry| entry["request"]["path"] == "kv/app"));
}

#[tokio::test]
async fn devices_are_checked_before_they_are_enabled() {
    let house = House::new().await;
    let root = house.root();
    for body in [
        json!({"type": "nope"}),
        json!({"type": "file"}),
        json!({"type": "file", "options": {"file_path": "/nonexistent/audit.log"}}),
        json!({"type": "file", "options": {"file_path": "/tmp/../audit.log"}}),
        json!({"type": "file", "options": {"file_path": "discard", "prefix": "#!/bin/sh\n"}}),
    ] {
        assert!(matches!(root.write("sys/audit/x", body).await, Err(Error::Invalid(_))));
    }
    assert_eq!(root.read("sys/audit").await.unwrap(), json!({}));
    root.write("sys/audit/x", json!({"type": "file", "options": {"file_path": "discard"}}))
        .await
        .unwrap();
    assert_eq!(root.read("sys/audit").await.unwrap()["x/"]["type"], "file");
    root.delete("sys/audit/x").await.unwrap();
    assert_eq!(root.read("sys/audit").await.unwrap(), json!({}));
}
