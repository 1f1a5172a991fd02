//! Enabling, tuning and disabling engines.

use api::{Error, Operation, Reply};
use serde_json::{Value, json};
use simulator::House;

#[track_caller]
fn invalid(outcome: Result<Value, Error>, text: &str) {
    assert_eq!(outcome, Err(Error::invalid(text)));
}

#[tokio::test]
async fn a_new_server_has_what_belongs_to_the_house() {
    let house = House::new().await;
    let root = house.root();
    let mounts = root.read("sys/mounts").await.unwrap();
    let paths: Vec<_> = mounts.as_object().unwrap().keys().collect();
    assert_eq!(paths, ["cubbyhole/", "identity/", "sys/"]);
    assert_eq!(mounts["cubbyhole/"]["local"], true);
    assert_eq!(mounts["sys/"]["options"], Value::Null);
    let methods = root.read("sys/auth").await.unwrap();
    assert_eq!(methods["token/"]["description"], "token based credentials");
    assert_eq!(methods["token/"]["config"]["token_type"], "default-service");
}

#[tokio::test]
async fn options_that_nobody_looks_at_are_kept_with_a_warning() {
    let house = House::new().await;
    let root = house.root();
    let kv = "options of kv other than \"version\" have no effect";
    let userpass = "userpass has no options; those given have no effect";
    for (path, body, expected) in [
        ("sys/mounts/a", json!({"type": "kv", "options": {"versionn": "2", "hint": "x"}}), kv),
        ("sys/mounts/a/tune", json!({"options": {"versionn": "2", "hint": "x"}}), kv),
        ("sys/auth/b", json!({"type": "userpass", "options": {"hint": "x"}}), userpass),
    ] {
        let answer = root.ask(Operation::Update, path, body).await;
        assert!(answer.outcome.is_ok());
        assert_eq!(answer.warnings, [expected], "{path}");
    }
    let kept = json!({"versionn": "2", "hint": "x"});
    assert_eq!(root.read("sys/mounts/a").await.unwrap()["options"], kept);
    for (path, body) in [
        ("sys/mounts/a/tune", json!({"options": {"versionn": "", "version": "2"}})),
        ("sys/mounts/c", json!({"type": "kv-v2", "options": {"leased_passthrough": "false"}})),
        ("sys/auth/d", json!({"type": "userpass"})),
    ] {
        let answer = root.ask(Operation::Update, path, body).await;
        assert!(answer.outcome.is_ok());
        let about_options = |warning: &String| warning.contains("options");
        assert!(!answer.warnings.iter().any(about_options), "{path}: {:?}", answer.warnings);
    }
}

#[tokio::test]
async fn mounts_never_overlap_and_never_take_the_house_s_places() {
    let house = House::new().await;
    let root = house.root();
    let kv = || json!({"type": "kv"});
    root.write("sys/mounts/foo/bar", kv()).await.unwrap();
    invalid(root.write("sys/mounts/foo/bar", kv()).await, "path is already in use at foo/bar/");
    invalid(root.write("sys/mounts/foo/bar/baz", kv()).await, "existing mount at foo/bar/");
    invalid(root.write("sys/mounts/foo", kv()).await, "existing mount at foo/bar/");
    for path in ["sys", "auth/x", "cubbyhole", "identity/x", "audit"] {
        let path = format!("sys/mounts/{path}");
        assert!(matches!(root.write(&path, kv()).await, Err(Error::Invalid(_))), "{path}");
    }
    root.write("sys/mounts/foo/barista", kv()).await.unwrap();
    invalid(
        root.write("sys/mounts/x", json!({"type": "nope"})).await,
        "plugin not found in the catalog: nope",
    );
    invalid(
        root.write("sys/mounts/x", json!({})).await,
        "backend type must be specified as a string",
    );
    invalid(
        root.write("sys/mounts/x", json!({"type": "system"})).await,
        "mount type of \"system\" is not mountable",
    );
    invalid(
        root.write("sys/mounts/x", json!({"type": "userpass"})).await,
        "cannot mount \"userpass\" of type \"auth\" as a secrets engine",
    );
    invalid(
        root.write("sys/auth/x", json!({"type": "kv"})).await,
        "cannot mount \"kv\" of type \"secret\" as an auth backend",
    );
}

#[tokio::test]
async fn what_is_part_of_the_house_stays() {
    let house = House::new().await;
    let root = house.root();
    invalid(root.delete("sys/mounts/sys").await, "cannot unmount \"sys/\"");
    invalid(root.delete("sys/mounts/cubbyhole").await, "cannot unmount \"cubbyhole/\"");
    invalid(root.delete("sys/auth/token").await, "token credential backend cannot be disabled");
    assert_eq!(root.delete("sys/mounts/nothing").await, Ok(Value::Null));
    invalid(root.read("sys/mounts/nothing").await, "No secret engine mount at nothing/");
    invalid(root.read("sys/auth/nothing").await, "No auth engine at nothing/");
}

#[tokio::test]
async fn tuning_changes_what_is_given_and_shows_what_holds() {
    let house = House::new().await;
    let root = house.root();
    root.write("sys/mounts/kv", json!({"type": "kv", "config": {"default_lease_ttl": "30m"}}))
        .await
        .unwrap();
    assert_eq!(root.read("sys/mounts/kv").await.unwrap()["config"]["default_lease_ttl"], 1800);
    let tuned = root.read("sys/mounts/kv/tune").await.unwrap();
    assert_eq!(
        (tuned["default_lease_ttl"].as_u64(), tuned["max_lease_ttl"].as_u64()),
        (Some(1800), Some(2_764_800))
    );
    root.write("sys/mounts/kv/tune", json!({"max_lease_ttl": "1h", "description": "d"}))
        .await
        .unwrap();
    invalid(
        root.write("sys/mounts/kv/tune", json!({"max_lease_ttl": 10})).await,
        "backend max lease TTL of 10 would be less than backend default lease TTL of 1800",
    );
    root.write(
        "sys/mounts/kv/tune",
        json!({"default_lease_ttl": "system", "max_lease_ttl": "system"}),
    )
    .await
    .unwrap();
    let tuned = root.read("sys/mounts/kv/tune").await.unwrap();
    assert_eq!(
        (tuned["description"].as_str(), tuned["default_lease_ttl"].as_u64()),
        (Some("d"), Some(2_764_800))
    );
    assert_eq!(
        root.read("sys/mounts/auth/token/tune").await.unwrap()["token_type"],
        "default-service"
    );
}

#[tokio::test]
async fn a_mount_that_is_gone_and_comes_back_is_empty() {
    let house = House::new().await;
    let root = house.root();
    root.write("sys/mounts/kv", json!({"type": "kv"})).await.unwrap();
    root.write("kv/a", json!({"b": "c"})).await.unwrap();
    root.delete("sys/mounts/kv").await.unwrap();
    assert_eq!(root.read("kv/a").await, Err(Error::NoRoute("kv/a".into())));
    root.write("sys/mounts/kv", json!({"type": "kv"})).await.unwrap();
    assert_eq!(root.read("kv/a").await, Err(Error::Missing));
}

#[tokio::test]
async fn strangers_see_only_mounts_that_are_open_to_all() {
    let house = House::new().await;
    let root = house.root();
    let see = async || house.stranger().read("sys/internal/ui/mounts").await.unwrap();
    assert_eq!(see().await, json!({"secret": {}, "auth": {}}));
    root.write(
        "sys/auth/userpass",
        json!({"type": "userpass", "config": {"listing_visibility": "unauth"}}),
    )
    .await
    .unwrap();
    assert!(see().await["auth"].get("userpass/").is_some());
    let bad = house.holder("nope").read("sys/internal/ui/mounts").await;
    assert_eq!(bad, Err(Error::UnknownToken));
    let own = root.read("sys/internal/ui/mounts/auth/userpass").await.unwrap();
    assert_eq!(own["path"], "auth/userpass/");
}

// Case 143 of policies; which rules lead into a mount stands with the policies.
#[tokio::test]
async fn whoever_has_business_in_a_mount_sees_it() {
    let house = crate::walk::furnished().await;
    let root = house.root();
    root.write("sys/mounts/other", json!({"type": "kv"})).await.unwrap();
    for (rule, expected) in [
        (r#"path "kv/+/x" { policy = "read" }"#, vec!["kv/"]),
        (
            r#"path "+/a" { policy = "read" }"#,
            vec!["cubbyhole/", "identity/", "kv/", "other/", "sys/"],
        ),
        (r#"path "kv/+/x" { policy = "deny" } path "other/a" { policy = "read" }"#, vec!["other/"]),
    ] {
        root.write("sys/policies/acl/p", json!({ "policy": rule })).await.unwrap();
        let body = json!({"policies": ["p"], "no_default_policy": true});
        let made = root.write("auth/token/create", body).await.unwrap();
        let caller = house.holder(made["client_token"].as_str().unwrap());
        let seen = caller.read("sys/internal/ui/mounts").await.unwrap();
        let seen: Vec<&String> = seen["secret"].as_object().unwrap().keys().collect();
        assert_eq!(seen, expected, "{rule}");
        for (mount, is_seen) in [("kv", seen.contains(&&"kv/".to_owned())), ("none", false)] {
            let one = caller.read(&format!("sys/internal/ui/mounts/{mount}")).await;
            assert_eq!(one.is_ok(), is_seen, "{mount} {rule}: {one:?}");
        }
    }
}

#[tokio::test]
async fn sealing_forgets_everything_and_unsealing_brings_it_back() {
    let mut house = crate::walk::furnished().await;
    let root = house.root();
    assert!(matches!(
        root.ask(Operation::Update, "sys/seal", json!({})).await.outcome,
        Ok(Reply::Empty)
    ));
    assert_eq!(root.read("sys/mounts").await, Err(Error::Sealed));
    assert_eq!(root.read("nowhere/at/all").await, Err(Error::Sealed));
    let status = house.stranger().read("sys/seal-status").await.unwrap();
    assert_eq!(
        (status["sealed"].as_bool(), status["initialized"].as_bool()),
        (Some(true), Some(true))
    );
    let share = json!({"key": house.share});
    let status = house.stranger().write("sys/unseal", share).await.unwrap();
    assert_eq!(status["sealed"], false);
    house.stranger().login("mitchellh", "foo").await.unwrap();
    house.restart(1).await;
    house.stranger().login("mitchellh", "foo").await.unwrap();
}

#[tokio::test]
async fn only_who_may_seals_the_house() {
    let house = House::new().await;
    let root = house.root();
    for (capabilities, expected) in
        [(r#""update""#, false), (r#""sudo""#, false), (r#""update", "sudo""#, true)]
    {
        let text = format!(r#"path "sys/seal" {{ capabilities = [{capabilities}] }}"#);
        root.write("sys/policies/acl/sealer", json!({"policy": text})).await.unwrap();
        let made = root.write("auth/token/create", json!({"policies": ["sealer"]})).await.unwrap();
        let caller = house.holder(made["client_token"].as_str().unwrap());
        assert_eq!(caller.write("sys/seal", json!({})).await.is_ok(), expected, "{capabilities}");
    }
}
