//! Logging in, and what renewal asks.

use std::sync::Arc;

use api::{Error, Login, Memory, Operation, Seconds};
use serde_json::json;

use crate::house::House;

async fn house_with_bob(settings: serde_json::Value) -> House {
    let house = House::new("userpass", None);
    house.write("users/bob", json!({"password": "hunter2"})).await.done();
    house.write("users/bob", settings).await.done();
    house
}

#[tokio::test]
async fn a_login_carries_all_that_the_user_was_given() {
    let house = house_with_bob(json!({
        "token_policies": ["Ops", "dev"], "token_ttl": 3600, "token_max_ttl": 7200,
        "token_explicit_max_ttl": 9000, "token_period": 60, "token_no_default_policy": true,
        "token_bound_cidrs": "127.0.0.1",
    }))
    .await;
    let mut house = house;
    house.remote = Some("127.0.0.1:5000");
    let login = house.write("login/bOB", json!({"password": "hunter2"})).await.login();
    let expected = Login {
        alias: "bob".into(),
        display_name: "bob".into(),
        metadata: [("username".into(), "bob".into())].into(),
        policies: vec!["Ops".into(), "dev".into()],
        without_default_policy: true,
        ttl: Some(Seconds(3600)),
        ttl_max: Some(Seconds(7200)),
        ttl_explicit_max: Some(Seconds(9000)),
        period: Some(Seconds(60)),
        networks: vec!["127.0.0.1/32".parse().unwrap()],
        ..Login::default()
    };
    assert_eq!(login, expected);
}

#[tokio::test]
async fn a_plain_user_gets_what_the_mount_gives() {
    let house = house_with_bob(json!({})).await;
    let login = house.write("login/bob", json!({"password": "hunter2"})).await.login();
    let expected = Login {
        alias: "bob".into(),
        display_name: "bob".into(),
        metadata: [("username".into(), "bob".into())].into(),
        ..Login::default()
    };
    assert_eq!(login, expected);
}

#[tokio::test]
async fn every_failure_looks_the_same() {
    let mut house = house_with_bob(json!({"token_bound_cidrs": "10.0.0.0/8"})).await;
    house.remote = Some("10.1.2.3:5000");
    house.write("login/bob", json!({"password": "hunter2"})).await.login();
    house.write("login/bob", json!({"password": "hunter3"})).await.login_failed();
    house.write("login/nobody", json!({"password": "hunter2"})).await.login_failed();
    for remote in [Some("11.1.2.3:5000"), Some("[::1]:5000"), None] {
        house.remote = remote;
        house.write("login/bob", json!({"password": "hunter2"})).await.login_failed();
    }
    house.remote = Some("[::ffff:10.1.2.3]:5000");
    house.write("login/bob", json!({"password": "hunter2"})).await.login();
}

#[tokio::test]
async fn every_attempt_costs_a_hash() {
    // G.1 case 12, but for the clock: how long it takes is measured elsewhere.
    let mut house = house_with_bob(json!({"token_bound_cidrs": "10.0.0.0/8"})).await;
    house.close_the_workshop();
    for (name, password) in [("bob", "hunter2"), ("bob", "hunter3"), ("nobody", "hunter2")] {
        let answer = house.write(&format!("login/{name}"), json!({"password": password})).await;
        assert_eq!(answer.error(), Error::Busy { retry_after_seconds: 1 }, "{name} {password}");
    }
}

#[tokio::test]
async fn a_password_must_be_given() {
    let house = house_with_bob(json!({})).await;
    for name in ["bob", "nobody"] {
        let path = format!("login/{name}");
        house.write(&path, json!({})).await.refused("missing password");
        house.write(&path, json!({"password": ""})).await.refused("missing password");
        house.write(&path, json!({"password": null})).await.refused("missing password");
        let text = "Field validation failed: error converting input for field \"password\": \
                    expected a string, not list";
        house.write(&path, json!({"password": ["hunter2"]})).await.refused(text);
    }
    assert_eq!(house.read("login/bob").await.error(), Error::UnsupportedOperation);
}

#[tokio::test]
async fn failed_logins_leave_nothing_behind() {
    let house = house_with_bob(json!({})).await;
    let before = house.census();
    for name in ["bob", "nobody", "somebody"] {
        house.write(&format!("login/{name}"), json!({"password": "x"})).await.login_failed();
    }
    assert_eq!(house.census(), before);
}

#[tokio::test]
async fn a_changed_password_replaces_the_old_one_at_once() {
    let house = house_with_bob(json!({})).await;
    house.write("users/Bob/password", json!({"password": "correct horse"})).await.done();
    house.write("login/bob", json!({"password": "hunter2"})).await.login_failed();
    house.write("login/bob", json!({"password": "correct horse"})).await.login();
    house.write("users/bob", json!({"password": "battery"})).await.done();
    house.write("login/bob", json!({"password": "correct horse"})).await.login_failed();
    house.write("login/bob", json!({"password": "battery"})).await.login();
}

#[tokio::test]
async fn changed_policies_count_from_the_next_login_on() {
    let house = house_with_bob(json!({"policies": "foo"})).await;
    let policies =
        async || house.write("login/bob", json!({"password": "hunter2"})).await.login().policies;
    assert_eq!(policies().await, ["foo"]);
    house.write("users/bob/policies", json!({"policies": "foo,bar"})).await.done();
    assert_eq!(policies().await, ["bar", "foo"]);
}

#[tokio::test]
async fn the_same_password_is_never_hashed_alike() {
    let house = house_with_bob(json!({})).await;
    house.write("users/ann", json!({"password": "hunter2"})).await.done();
    let stored = async |name: &str| {
        use storage::Store;
        let record = house.store.get(&format!("mount/0/user/{name}")).await.unwrap().unwrap();
        let user: serde_json::Value = serde_json::from_slice(&record.value).unwrap();
        user["password"].as_str().unwrap().to_owned()
    };
    let (ann, bob) = (stored("ann").await, stored("bob").await);
    assert_ne!(ann, bob);
    assert!(bob.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{bob}");
}

#[tokio::test]
async fn a_lost_race_does_not_hash_again() {
    let mut house = house_with_bob(json!({})).await;
    house.write("users/ann", json!({"password": "hunter2"})).await.done();
    let memory = Arc::new(Memory::default());
    let login = json!({"password": "hunter2"});
    let first = house.attempt((Operation::Update, "login/bob", login.clone()), &memory).await;
    first.answer.login();
    // From now on whoever would have to look is refused.
    house.close_the_workshop();
    let second = house.attempt((Operation::Update, "login/bob", login.clone()), &memory).await;
    second.answer.login();
    // Another password or another hash is another question.
    let other = json!({"password": "hunter3"});
    for (path, given) in [("login/bob", other), ("login/ann", login)] {
        let third = house.attempt((Operation::Update, path, given), &memory).await;
        assert_eq!(third.answer.error(), Error::Busy { retry_after_seconds: 1 }, "{path}");
    }
}

#[tokio::test]
async fn a_user_changed_during_the_login_makes_it_start_over() {
    let house = house_with_bob(json!({})).await;
    let memory = Arc::new(Memory::default());
    let login = json!({"password": "hunter2"});
    let attempt = house.attempt((Operation::Update, "login/bob", login), &memory).await;
    house.delete("users/bob").await.done();
    assert!(attempt.commit().await.error().is_conflict());
}

#[tokio::test]
async fn renewal_asks_what_the_user_gets_today() {
    let house = house_with_bob(json!({"token_policies": "Dev,ops", "token_ttl": 100})).await;
    let bob = [("username", "bob")];
    house.write("users/bob", json!({"token_ttl": 200, "token_period": 50})).await.done();
    let login = house.renew(&bob, &["dev", "ops"]).await.unwrap().unwrap();
    assert_eq!((login.ttl, login.period), (Some(Seconds(200)), Some(Seconds(50))));
    assert_eq!(login.alias, "bob");

    house.write("users/bob", json!({"token_policies": "default,ops,dev"})).await.done();
    assert!(house.renew(&bob, &["dev", "ops"]).await.unwrap().is_some());

    let changed = "failed to renew entry: policies have changed, not renewing";
    for policies in ["dev", "dev,ops,root", "dev,ops,more", ""] {
        house.write("users/bob", json!({"token_policies": policies})).await.done();
        let refused = house.renew(&bob, &["dev", "ops"]).await.unwrap_err();
        assert_eq!(refused, Error::Failed(changed.to_owned()), "{policies}");
    }

    // Without any policies there is nothing to differ.
    assert!(house.renew(&bob, &[]).await.unwrap().is_some());
    house.delete("users/bob").await.done();
    assert_eq!(house.renew(&bob, &["dev", "ops"]).await.unwrap(), None);
    assert_eq!(house.renew(&[], &[]).await.unwrap(), None);
}
