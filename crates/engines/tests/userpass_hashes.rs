//! Hashes of several kinds at one mount.

use api::{Error, Operation};
use serde_json::{Value, json};
use storage::Store;

use crate::house::House;

/// "hunter2", by bcrypt.
const BCRYPT: &str = "$2b$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.";

async fn kinds(house: &House) -> Vec<String> {
    let keys = house.store.list("mount/0/kind/", "", usize::MAX).await.unwrap();
    keys.iter().map(|key| key.trim_start_matches("mount/0/kind/").to_owned()).collect()
}

async fn record(house: &House, name: &str) -> Value {
    let record = house.store.get(&format!("mount/0/user/{name}")).await.unwrap().unwrap();
    serde_json::from_slice(&record.value).unwrap()
}

#[tokio::test]
async fn an_imported_hash_works_and_is_replaced_at_the_first_login() {
    // G.1 case 10.
    let house = House::new("userpass", None);
    house.write("users/bob", json!({"password_hash": BCRYPT})).await.done();
    assert_eq!(kinds(&house).await, ["bcrypt-5/bob"]);
    house.write("login/bob", json!({"password": "hunter3"})).await.login_failed();
    assert_eq!(kinds(&house).await, ["bcrypt-5/bob"]);
    let changed = record(&house, "bob").await["password_changed"].clone();
    house.write("login/bob", json!({"password": "hunter2"})).await.login();
    assert_eq!(kinds(&house).await, ["argon2id-m19456-t2-p1/bob"]);
    assert_eq!(record(&house, "bob").await["password_changed"], changed);
    house.write("login/bob", json!({"password": "hunter2"})).await.login();
    house.write("users/bob/password", json!({"password_hash": BCRYPT})).await.done();
    assert_eq!(kinds(&house).await, ["bcrypt-5/bob"]);
    house.delete("users/bob").await.done();
    assert_eq!(house.census(), 0);
}

#[tokio::test]
async fn hashes_that_are_none_are_refused_as_clients_know_it() {
    // G.1 case 11.
    let house = House::new("userpass", None);
    let invalid = "password_hash is not a valid bcrypt hash";
    for (hash, expected) in [
        ("$2b$05$abc", invalid),
        (&BCRYPT.replace("$2b$", "$2x$"), invalid),
        (&BCRYPT.replace("$05$", "$$"), invalid),
        (&BCRYPT.replace("$05$", "$04$"), "bcrypt cost of 4 is too low, want 5 at minimum"),
    ] {
        house.write("users/bob", json!({"password_hash": hash})).await.refused(expected);
    }
    house.read("users/bob").await.missing();
}

#[tokio::test]
async fn a_change_of_parameters_reaches_everybody_at_their_next_login() {
    let house = House::new("userpass", None);
    for name in ["ann", "bob"] {
        house.write(&format!("users/{name}"), json!({"password": "hunter2"})).await.done();
    }
    house.write("config", json!({"argon2_memory_kib": 8192, "argon2_passes": 5})).await.done();
    let old = ["argon2id-m19456-t2-p1/ann", "argon2id-m19456-t2-p1/bob"];
    assert_eq!(kinds(&house).await, old);
    house.write("login/bob", json!({"password": "hunter2"})).await.login();
    assert_eq!(kinds(&house).await, [old[0], "argon2id-m8192-t5-p1/bob"]);
    house.write("login/ann", json!({"password": "hunter2"})).await.login();
    house.write("users/cleo", json!({"password": "hunter2"})).await.done();
    let all = ["ann", "bob", "cleo"].map(|name| format!("argon2id-m8192-t5-p1/{name}"));
    assert_eq!(kinds(&house).await, all);
}

#[tokio::test]
async fn there_are_never_more_kinds_than_a_login_can_bear() {
    let house = House::new("userpass", None);
    // With the kind of new passwords, sixteen.
    house.write("users/plain", json!({"password": "hunter2"})).await.done();
    for rounds in 1..16 {
        let user = json!({"password_hash": pbkdf2(rounds)});
        house.write(&format!("users/user{rounds}"), user).await.done();
    }
    let one_more = json!({"password_hash": pbkdf2(99)});
    for path in ["users/more", "users/user1", "users/user1/password"] {
        let Error::Invalid(text) = house.write(path, one_more.clone()).await.error() else {
            panic!("{path}")
        };
        assert!(text.contains("more than 16 kinds of password hashes"), "{text}");
    }
    let parameters = json!({"argon2_memory_kib": 8192, "argon2_passes": 5});
    let Error::Invalid(text) = house.write("config", parameters).await.error() else { panic!() };
    assert!(text.contains("more than 16 kinds of password hashes"), "{text}");
    // Known kinds and new passwords are still welcome.
    house.write("users/known", json!({"password_hash": pbkdf2(3)})).await.done();
    house.write("users/other", json!({"password": "hunter2"})).await.done();
    house.delete("users/user7").await.done();
    house.write("users/more", one_more).await.done();
}

fn pbkdf2(rounds: usize) -> String {
    format!("$pbkdf2-sha256${rounds}$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
}

#[tokio::test]
async fn parameters_that_protect_nobody_or_stop_the_server_are_refused() {
    let house = House::new("userpass", None);
    for wrong in [
        json!({"argon2_memory_kib": 8}),
        json!({"argon2_memory_kib": 99_999_999}),
        json!({"argon2_passes": 0}),
        json!({"argon2_lanes": 17}),
    ] {
        let answer = house.write("config", wrong.clone()).await;
        assert!(matches!(answer.error(), Error::Invalid(_)), "{wrong}");
    }
    assert_eq!(house.census(), 0);
}

#[tokio::test]
async fn a_rehash_and_a_change_of_the_user_do_not_pass_each_other_by() {
    let house = House::new("userpass", None);
    house.write("users/bob", json!({"password_hash": BCRYPT})).await.done();
    let wish = (Operation::Update, "login/bob", json!({"password": "hunter2"}));
    let attempt = house.attempt(wish, &std::sync::Arc::default()).await;
    house.write("users/bob/password", json!({"password": "correct horse"})).await.done();
    assert!(attempt.commit().await.error().is_conflict());
    assert_eq!(kinds(&house).await, ["argon2id-m19456-t2-p1/bob"]);
}
