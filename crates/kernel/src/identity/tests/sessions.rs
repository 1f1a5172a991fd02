//! The tokens of one owner, told and ended.

use std::sync::Arc;

use api::Error;
use serde_json::{Value, json};
use storage::testing::{Busy, Fault, Flaky};

use super::entities::{grant, make_child};
use super::house::{House, text};

/// More steps than ending all sessions takes.
const STEPS_MAX: u64 = 60;

async fn sessions(house: &House, name: &str, page: Value) -> Vec<String> {
    let path = format!("auth/door/sessions/{name}");
    let told = house.root().write(&path, page).await.unwrap();
    told["accessors"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().into()).collect()
}

async fn is_good(house: &House, token: &str) -> bool {
    match house.holder(token).look().await {
        Ok(_) => true,
        Err(Error::UnknownToken) => false,
        Err(error) => panic!("{error:?}"),
    }
}

async fn end_all(house: &House, body: Value) {
    house.root().write("auth/door/end-all/alice", body).await.unwrap();
}

#[tokio::test]
async fn sessions_are_told_oldest_first_and_page_by_page() {
    let house = House::new().await;
    assert!(sessions(&house, "alice", json!({})).await.is_empty());
    let mut made = vec![];
    for _ in 0..5 {
        made.push(text(&house.login("alice").await.unwrap(), "accessor"));
        house.wait(1);
    }
    house.login("bob").await.unwrap();
    assert_eq!(sessions(&house, "alice", json!({})).await, made);
    let second = sessions(&house, "alice", json!({"after": made[1], "limit": 2})).await;
    assert_eq!(second, made[2..4]);
    assert!(sessions(&house, "alice", json!({"after": made[4]})).await.is_empty());
    // Also behind one that has ended meanwhile.
    house.root().write("auth/door/end/alice", json!({"accessor": made[1]})).await.unwrap();
    assert_eq!(sessions(&house, "alice", json!({"after": made[1]})).await, made[2..]);
}

#[tokio::test]
async fn only_what_has_not_ended_is_told() {
    let house = House::new().await;
    let short = house.root().write("auth/door/login/alice", json!({"ttl": 60})).await.unwrap();
    let revoked = house.token("alice").await;
    let kept = text(&house.login("alice").await.unwrap(), "accessor");
    house.holder(&revoked).write("auth/token/revoke-self", json!({})).await.unwrap();
    assert_eq!(sessions(&house, "alice", json!({})).await.len(), 2);
    house.wait(60);
    assert_eq!(sessions(&house, "alice", json!({})).await, [kept]);
    assert!(!is_good(&house, &text(&short, "client_token")).await);
}

#[tokio::test]
async fn one_session_ends_with_its_tree_and_only_for_its_owner() {
    let house = House::new().await;
    house.root().write("sys/auth/other", json!({"type": "door"})).await.unwrap();
    grant(&house, "own", r#"path "auth/token/create" { capabilities = ["update"] }"#).await;
    let login = house.login("alice").await.unwrap();
    house.login("bob").await.unwrap();
    let token = text(&login, "client_token");
    let child = make_child(&house, &token).await;
    let child_accessor = house.holder(&child).look().await.unwrap()["accessor"].clone();
    let end = async |path: &str, accessor: &Value| {
        house.root().write(path, json!({"accessor": accessor})).await
    };
    // Not bob's, not of the other mount, not one that no login gave, and none at all.
    assert_eq!(end("auth/door/end/bob", &login["accessor"]).await, Err(Error::Missing));
    house.root().write("auth/other/login/alice", json!({})).await.unwrap();
    assert_eq!(end("auth/other/end/alice", &login["accessor"]).await, Err(Error::Missing));
    assert_eq!(end("auth/door/end/alice", &child_accessor).await, Err(Error::Missing));
    assert_eq!(end("auth/door/end/alice", &json!("")).await, Err(Error::Missing));
    assert!(is_good(&house, &token).await && is_good(&house, &child).await);
    end("auth/door/end/alice", &login["accessor"]).await.unwrap();
    assert!(!is_good(&house, &token).await && !is_good(&house, &child).await);
    assert_eq!(end("auth/door/end/alice", &login["accessor"]).await, Err(Error::Missing));
}

#[tokio::test]
async fn all_sessions_end_but_for_the_excepted_one_and_nothing_is_left_of_them() {
    let house = House::new().await;
    grant(&house, "own", r#"path "auth/token/create" { capabilities = ["update"] }"#).await;
    let kept = house.login("alice").await.unwrap();
    let kept_token = text(&kept, "client_token");
    let kept_child = make_child(&house, &kept_token).await;
    let bob = house.token("bob").await;
    let census = house.census();
    let other = house.login("alice").await.unwrap();
    let other_token = text(&other, "client_token");
    let other_child = make_child(&house, &other_token).await;

    end_all(&house, json!({"accessor": kept["accessor"]})).await;
    for token in [&kept_token, &kept_child, &bob] {
        assert!(is_good(&house, token).await);
    }
    for token in [&other_token, &other_child] {
        assert!(!is_good(&house, token).await);
    }
    let accessor = json!({"accessor": other["accessor"]});
    assert!(house.root().write("auth/token/renew-accessor", accessor).await.is_err());
    assert_eq!(sessions(&house, "alice", json!({})).await, [text(&kept, "accessor")]);
    house.settle().await;
    // The excepted one is of another generation now, which is part of the name of one record.
    let is_owned = |key: &&String| key.starts_with("sys/owned/");
    let now = house.census();
    assert_eq!(now.len(), census.len());
    assert!(now.iter().filter(|key| !is_owned(key)).eq(census.iter().filter(|key| !is_owned(key))));

    // Again, without exception; a new login is none of those.
    end_all(&house, json!({})).await;
    assert!(!is_good(&house, &kept_token).await && !is_good(&house, &kept_child).await);
    let fresh = house.token("alice").await;
    house.settle().await;
    assert!(is_good(&house, &fresh).await && !is_good(&house, &kept_token).await);
}

/// The caller of a batch token has no accessor, and neither has whoever makes one up.
#[tokio::test]
async fn what_is_no_session_of_the_owner_excepts_nothing() {
    let house = House::new().await;
    let bob = house.login("bob").await.unwrap();
    for except in [json!(""), json!("nobody"), bob["accessor"].clone()] {
        let token = house.token("alice").await;
        end_all(&house, json!({"accessor": except})).await;
        assert!(!is_good(&house, &token).await, "{except}");
    }
    assert!(is_good(&house, &text(&bob, "client_token")).await);
}

#[tokio::test]
async fn a_chosen_password_is_held_against_a_policy() {
    let house = House::new().await;
    let root = house.root();
    let judge = async |password: &str| {
        root.write("auth/door/flaw/web", json!({"password": password})).await.map(|_| ())
    };
    assert!(matches!(judge("x").await, Err(Error::Invalid(told)) if told.contains("no password")));
    let policy = "length = 8 rule \"charset\" { charset = \"0123456789\" min-chars = 1 }";
    root.write("sys/policies/password/web", json!({"policy": policy})).await.unwrap();
    let lacks = "the password needs at least 1 of 0123456789";
    assert_eq!(judge("correct horse").await, Err(Error::invalid(lacks)));
    judge("correct horse 1").await.unwrap();
}

#[tokio::test]
async fn ending_the_sessions_of_somebody_who_never_logged_in_does_nothing() {
    let house = House::new().await;
    let census = house.census();
    end_all(&house, json!({})).await;
    assert_eq!(house.census(), census);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_given_before_all_were_ended_is_refused_after_that_was_answered() {
    let house = Arc::new(House::on(4, |store| Arc::new(Busy::new(store, 9))).await);
    house.token("alice").await;
    for round in 0..4 {
        let logins = (0..12).map(|node| {
            let house = house.clone();
            tokio::spawn(async move {
                text(&house.login_at(node, "alice").await.unwrap(), "client_token")
            })
        });
        let logins: Vec<_> = logins.collect();
        let before = house.token("alice").await;
        house.root_at(round).write("auth/door/end-all/alice", json!({})).await.unwrap();
        let told = sessions(&house, "alice", json!({})).await.len();
        assert!(!is_good(&house, &before).await);
        let mut good = 0;
        for login in logins {
            good += usize::from(is_good(&house, &login.await.unwrap()).await);
        }
        // Those that came through later, and no others, are good.
        assert!(good >= told && good <= 12, "{good} are good, {told} were told");
        end_all(&house, json!({})).await;
        assert!(sessions(&house, "alice", json!({})).await.is_empty());
    }
    house.settle().await;
    let is_left =
        |key: &String| key.starts_with("sys/owned/") || key.starts_with("sys/ended-owner/");
    assert!(!house.census().iter().any(is_left));
}

#[tokio::test]
async fn a_crash_at_any_step_ends_all_sessions_or_none() {
    for fault in [Fault::Before, Fault::Middle, Fault::After] {
        for step in 1.. {
            assert!(step < STEPS_MAX);
            let mut house = House::new().await;
            let kept = house.login("alice").await.unwrap();
            let census = house.census().len();
            let token = house.token("alice").await;
            let flaky = Arc::new(Flaky::new(house.memory.clone()));
            house.restart(1, flaky.clone()).await;
            let before = flaky.operations();
            flaky.crash_at(step, fault);
            let body = json!({"accessor": kept["accessor"]});
            let ended = house.root().write("auth/door/end-all/alice", body).await;
            let steps = flaky.operations() - before;
            flaky.heal();
            let memory = house.memory.clone();
            house.restart(1, memory).await;
            house.settle().await;
            let good = is_good(&house, &token).await;
            assert!(!(good && ended.is_ok()), "answered, and not done");
            assert!(is_good(&house, &text(&kept, "client_token")).await);
            let told = sessions(&house, "alice", json!({})).await.len();
            assert_eq!(told, 1 + usize::from(good), "{fault:?} at {step}");
            if !good {
                assert_eq!(house.census().len(), census, "{fault:?} at {step}");
            }
            if steps < step {
                break;
            }
        }
    }
}

#[tokio::test]
async fn ten_thousand_sessions_end_with_one_small_commit() {
    let house = House::new().await;
    let kept = house.login("alice").await.unwrap();
    let census = house.census().len();
    let last = house.give("alice", 10_000).await;
    assert!(is_good(&house, &last).await);
    house.writes.take();
    end_all(&house, json!({"accessor": kept["accessor"]})).await;
    let writes = house.writes.take();
    assert!(writes.len() <= 2 && writes.iter().sum::<usize>() <= 6, "{writes:?}");
    assert!(!is_good(&house, &last).await);
    assert_eq!(sessions(&house, "alice", json!({})).await, [text(&kept, "accessor")]);
    house.settle().await;
    assert!(house.writes.take().iter().all(|size| *size <= 1000));
    assert_eq!(house.census().len(), census);
}
