//! What a mount wants of passwords.

use std::path::PathBuf;
use std::sync::Arc;

use api::{Error, Memory, Operation, Wordlists};
use serde_json::{Value, json};

use crate::desk::POLICY;
use crate::house::{Answer, House};

async fn house_with(configuration: Value) -> House {
    let house = House::new("userpass", None);
    house.write("users/bob", json!({"password": "hunter2"})).await.done();
    house.write("config", configuration).await.done();
    house
}

async fn change(house: &House, password: &str) -> Answer {
    house.write("users/bob/password", json!({"password": password})).await
}

async fn log_in(house: &House, password: &str) -> Answer {
    house.write("login/bob", json!({"password": password})).await
}

#[tokio::test]
async fn a_mount_wants_nothing_until_it_is_told() {
    let house = House::new("userpass", None);
    let untouched = json!({
        "argon2_memory_kib": 19456, "argon2_passes": 2, "argon2_lanes": 1, "password_policy": "",
        "refused_passwords": "", "password_history": 0, "password_max_age": 0,
        "email_names": false, "self_service": false,
    });
    assert_eq!(house.read("config").await.data(), untouched);
    house.write("config", json!({"password_max_age": "24h", "self_service": "true"})).await.done();
    house.write("config", json!({"password_history": "3"})).await.done();
    let mut expected = untouched;
    expected["password_max_age"] = json!(86_400);
    expected["self_service"] = json!(true);
    expected["password_history"] = json!(3);
    assert_eq!(house.read("config").await.data(), expected);
    let far = house.write("config", json!({"password_history": 25})).await;
    far.refused("'password_history' can be at most 24");
    assert_eq!(house.read("config").await.data(), expected);
}

#[tokio::test]
async fn a_password_policy_is_asked_wherever_a_password_is_set() {
    let house = house_with(json!({"password_policy": POLICY})).await;
    let flaw = "the password needs a digit";
    for path in ["users/bob", "users/ann", "users/bob/password"] {
        house.write(path, json!({"password": "without"})).await.refused(flaw);
    }
    change(&house, "with 1").await.done();
    // Passwords from before stay good.
    house.write("config", json!({"password_policy": ""})).await.done();
    change(&house, "without").await.done();
    house.write("config", json!({"password_policy": POLICY})).await.done();
    log_in(&house, "without").await.login();
    let unknown = house.write("config", json!({"password_policy": "nonesuch"})).await;
    unknown.refused("there is no such password policy");
}

/// A directory of its own for one test, gone with it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str, list: &str) -> Self {
        let path = std::env::temp_dir().join(format!("userpass-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("common.txt"), list).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn passwords_that_everybody_tries_first_are_refused() {
    let directory = Directory::new("refused", "123456\nhunter2\n");
    let mut house = house_with(json!({})).await;
    let list = json!({"refused_passwords": "common.txt"});
    let Error::Invalid(text) = house.write("config", list.clone()).await.error() else { panic!() };
    assert!(text.contains("password_lists_directory"), "{text}");
    house.wordlists = Wordlists::in_directory(&directory.0);
    house.write("config", list).await.done();
    let flaw = "the password is one of those that are tried first; choose another one";
    for path in ["users/bob", "users/ann", "users/bob/password"] {
        house.write(path, json!({"password": "123456"})).await.refused(flaw);
    }
    change(&house, "1234567").await.done();
    for wrong in ["../common.txt", ".common.txt", "absent.txt", "/etc/passwd"] {
        let answer = house.write("config", json!({"refused_passwords": wrong})).await;
        assert!(matches!(answer.error(), Error::Invalid(_)), "{wrong}");
    }
    // A list that cannot be read lets nobody through.
    std::fs::remove_file(directory.0.join("common.txt")).unwrap();
    let Error::Invalid(text) = change(&house, "12345678").await.error() else { panic!() };
    assert!(text.starts_with("the list of refused passwords cannot be read"), "{text}");
    log_in(&house, "1234567").await.login();
}

#[tokio::test]
async fn none_of_the_last_passwords_comes_again() {
    let house = house_with(json!({"password_history": 3})).await;
    let flaw = "the password must differ from the last 3; choose a new one";
    change(&house, "hunter2").await.refused(flaw);
    for password in ["hunter3", "hunter4"] {
        change(&house, password).await.done();
    }
    for password in ["hunter2", "hunter3", "hunter4"] {
        change(&house, password).await.refused(flaw);
        house.write("users/bob", json!({"password": password})).await.refused(flaw);
    }
    change(&house, "hunter5").await.done();
    change(&house, "hunter2").await.done();
    house.write("config", json!({"password_history": 1})).await.done();
    change(&house, "hunter2").await.refused("the new password must differ from the old one");
    house.write("config", json!({"password_history": 0})).await.done();
    change(&house, "hunter2").await.done();
}

#[tokio::test]
async fn rules_that_need_the_password_do_not_apply_to_hashes() {
    let house = house_with(json!({"password_policy": POLICY, "password_history": 3})).await;
    let hash = "$2b$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.";
    house.write("users/bob", json!({"password_hash": hash})).await.done();
    log_in(&house, "hunter2").await.login();
}

#[tokio::test]
async fn whoever_must_change_their_password_can_do_so_at_the_door() {
    let house = house_with(json!({"password_policy": POLICY})).await;
    house.write("users/bob", json!({"must_change_password": true})).await.done();
    let Error::Forbidden(text) = log_in(&house, "hunter2").await.error() else { panic!() };
    assert!(text.contains("\"new_password\""), "{text}");
    // Nobody else learns of it.
    log_in(&house, "hunter3").await.login_failed();
    let both = |password: &str, new: &str| json!({"password": password, "new_password": new});
    house.write("login/bob", both("hunter3", "hunter4")).await.login_failed();
    let same = house.write("login/bob", both("hunter2", "hunter2")).await;
    assert_eq!(same.proved, ["bob"]);
    same.refused("the new password must differ from the old one");
    let weak = house.write("login/bob", both("hunter2", "without")).await;
    weak.refused("the password needs a digit");
    assert_eq!(house.read("users/bob").await.data()["must_change_password"], true);

    let login = house.write("login/bob", both("hunter2", "hunter4")).await.login();
    assert_eq!(login.alias, "bob");
    log_in(&house, "hunter2").await.login_failed();
    log_in(&house, "hunter4").await.login();
    assert_eq!(house.read("users/bob").await.data().get("must_change_password"), None);
    let needless = house.write("login/bob", both("hunter4", "hunter5")).await;
    needless.refused("the password need not be changed; log in without \"new_password\"");
}

#[tokio::test]
async fn passwords_get_too_old() {
    let mut house = house_with(json!({"password_max_age": 60})).await;
    house.pass(59);
    log_in(&house, "hunter2").await.login();
    house.pass(1);
    assert!(matches!(log_in(&house, "hunter2").await.error(), Error::Forbidden(_)));
    log_in(&house, "hunter3").await.login_failed();
    let both = json!({"password": "hunter2", "new_password": "hunter3"});
    house.write("login/bob", both).await.login();
    log_in(&house, "hunter3").await.login();
}

#[tokio::test]
async fn a_lost_race_changes_a_password_without_hashing_again() {
    let mut house = house_with(json!({"password_history": 2})).await;
    house.write("users/bob", json!({"must_change_password": true})).await.done();
    let memory = Arc::new(Memory::default());
    let both = json!({"password": "hunter2", "new_password": "hunter3"});
    let first = house.attempt((Operation::Update, "login/bob", both.clone()), &memory).await;
    first.answer.login();
    house.close_the_workshop();
    let second = house.attempt((Operation::Update, "login/bob", both), &memory).await;
    second.commit().await.login();
}
