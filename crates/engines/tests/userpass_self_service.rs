//! What users do for themselves, and what operators do about their tokens.

use std::sync::Arc;

use api::{Error, Memory, Operation};
use serde_json::json;

use crate::desk::POLICY;
use crate::house::House;

/// Ann and Bob, with tokens; Bob asks.
async fn house() -> House {
    let mut house = House::new("userpass", None);
    for name in ["ann", "bob"] {
        house.write(&format!("users/{name}"), json!({"password": "hunter2"})).await.done();
    }
    house.write("config", json!({"self_service": true})).await.done();
    for (alias, accessor) in [("ann", "a1"), ("bob", "b1"), ("bob", "b2"), ("bob", "b3")] {
        house.desk.open_session(alias, accessor);
    }
    house.come_as("bob", "b2");
    house
}

#[tokio::test]
async fn nobody_gets_in_unless_the_mount_allows_it_and_gave_them_their_token() {
    let mut house = house().await;
    let everything: [(Operation, &str); 6] = [
        (Operation::Read, "self"),
        (Operation::Update, "self/password"),
        (Operation::Read, "self/sessions"),
        (Operation::List, "self/sessions"),
        (Operation::Delete, "self/sessions"),
        (Operation::Delete, "self/sessions/b1"),
    ];
    let given = || json!({"password": "hunter2", "new_password": "hunter3"});
    for come_as_nobody in [false, true] {
        if come_as_nobody {
            house.come_as_anybody();
            house.write("config", json!({"self_service": true})).await.done();
        } else {
            house.write("config", json!({"self_service": false})).await.done();
        }
        for (operation, path) in everything {
            let given = if operation == Operation::Update { given() } else { json!({}) };
            let answer = house.ask(operation, path, given).await;
            assert_eq!(answer.error(), Error::Denied, "{operation} {path}");
        }
    }
    assert_eq!(house.desk.accessors(), ["a1", "b1", "b2", "b3"]);
}

#[tokio::test]
async fn people_read_their_own_record() {
    let house = house().await;
    house.write("users/bob", json!({"policies": "dev"})).await.done();
    let mut expected = house.read("users/bob").await.data();
    expected["username"] = json!("bob");
    assert_eq!(house.read("self").await.data(), expected);
    house.delete("users/bob").await.done();
    house.read("self").await.missing();
}

#[tokio::test]
async fn people_change_their_password_with_the_old_one() {
    let house = house().await;
    let wrong = json!({"password": "x", "new_password": "hunter3"});
    let refused = house.write("self/password", wrong).await;
    assert!(refused.proved.is_empty());
    refused.login_failed();
    assert_eq!(house.desk.accessors(), ["a1", "b1", "b2", "b3"]);
    let nothing_new = json!({"password": "hunter2", "new_password": "hunter2"});
    let refused = house.write("self/password", nothing_new).await;
    assert_eq!(refused.proved, ["bob"]);
    refused.refused("the new password must differ from the old one");
    house.write("self/password", json!({"password": "x"})).await.refused("missing new_password");

    let change = json!({"password": "hunter2", "new_password": "hunter3"});
    house.write("self/password", change).await.done();
    assert_eq!(house.desk.accessors(), ["a1", "b2"]);
    house.write("login/bob", json!({"password": "hunter2"})).await.login_failed();
    house.write("login/bob", json!({"password": "hunter3"})).await.login();
    house.write("login/ann", json!({"password": "hunter2"})).await.login();

    house.desk.open_session("bob", "b4");
    let change = json!({
        "old_password": "hunter3", "new_password": "hunter4", "keep_sessions": true,
    });
    house.write("self/password", change).await.done();
    assert_eq!(house.desk.accessors(), ["a1", "b2", "b4"]);
}

#[tokio::test]
async fn whoever_is_disabled_changes_nothing_either() {
    let house = house().await;
    house.write("users/bob", json!({"disabled": true})).await.done();
    let change = json!({"password": "hunter2", "new_password": "hunter3"});
    house.write("self/password", change).await.login_failed();
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions() {
    let house = house().await;
    let (names, about) = house.list("self/sessions").await.details();
    assert_eq!(names, ["b1", "b2", "b3"]);
    let expected = json!({
        "issue_time": "1970-01-01T00:01:40Z", "last_renewal_time": null,
        "expire_time": "1970-01-01T00:03:20Z", "address": "10.0.0.1", "current": false,
    });
    assert_eq!(about["b1"], expected);
    assert_eq!(about["b2"]["current"], true);
    let (names, _) = house.read("self/sessions").await.details();
    assert_eq!(names, ["b1", "b2", "b3"]);

    house.delete("self/sessions/b1").await.done();
    assert_eq!(house.desk.accessors(), ["a1", "b2", "b3"]);
    for other in ["a1", "b1"] {
        let answer = house.delete(&format!("self/sessions/{other}")).await;
        let text = "you have no token with this accessor".to_owned();
        assert_eq!(answer.error(), Error::MissingBecause(text));
    }
    house.delete("self/sessions").await.done();
    assert_eq!(house.desk.accessors(), ["a1", "b2"]);
    house.ask(Operation::Delete, "self/sessions", json!({"all": true})).await.done();
    assert_eq!(house.desk.accessors(), ["a1"]);
}

#[tokio::test]
async fn operators_end_a_users_tokens_when_they_say_so() {
    let house = house().await;
    let (names, _) = house.list("users/Bob/sessions").await.details();
    assert_eq!(names, ["b1", "b2", "b3"]);
    // Without a word about them, tokens stay. G.1 cases 5 and 14.
    house.write("users/bob", json!({"disabled": true})).await.done();
    house.write("users/bob/password", json!({"password": "hunter3"})).await.done();
    house.delete("users/bob").await.done();
    house.delete("users/bob").await.done();
    assert_eq!(house.desk.accessors(), ["a1", "b1", "b2", "b3"]);
    house.delete("users/bob/sessions").await.done();
    assert_eq!(house.desk.accessors(), ["a1"]);

    for (operation, path, given) in [
        (Operation::Update, "users/ann", json!({"disabled": true, "revoke_tokens": true})),
        (Operation::Update, "users/ann", json!({"password": "x", "revoke_tokens": "true"})),
        (Operation::Update, "users/ann/password", json!({"password": "y", "revoke_tokens": true})),
        (Operation::Delete, "users/ann", json!({"revoke_tokens": "true"})),
    ] {
        house.desk.open_session("ann", "a2");
        house.ask(operation, path, given).await.done();
        assert_eq!(house.desk.accessors(), Vec::<String>::new(), "{path}");
    }
}

#[tokio::test]
async fn a_right_guess_at_a_locked_name_causes_no_more_work_than_a_wrong_one() {
    let mut house = house().await;
    let rules = json!({"self_service": true, "password_history": 3, "password_policy": POLICY});
    house.write("config", rules).await.done();
    house.write("users/bob", json!({"must_change_password": true})).await.done();
    house.desk.lock("bob");
    for (guess, is_right) in [("hunter2", true), ("hunter3", false)] {
        let expect = |error: Error, door: &str| match is_right {
            true => assert_eq!(error, Error::LockedOut, "{door}"),
            false => assert!(matches!(error, Error::LoginFailed(_)), "{door}"),
        };
        let memory = Arc::new(Memory::default());
        let login = (Operation::Update, "login/bob", json!({"password": guess}));
        expect(house.attempt(login, &memory).await.answer.error(), "login/bob");
        // The verification is remembered. Whatever would have to be hashed besides is refused.
        house.close_the_workshop();
        for door in ["login/bob", "self/password"] {
            let change = json!({"password": guess, "new_password": "hunter4"});
            let attempt = house.attempt((Operation::Update, door, change), &memory).await;
            expect(attempt.answer.error(), door);
        }
        house.open_the_workshop();
    }
}
