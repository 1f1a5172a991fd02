//! Nothing to tidy: what fails leaves nothing behind, but for what is counted against guessing.

use api::{CanonicalPath, Error, Operation, Request};
use serde_json::{Map, Value, json};
use simulator::House;

use crate::attacks::Broken;
use crate::walk::furnished;

/// How many logins fail.
const FAILURES: usize = 1000;
/// More names than are locked one after the other, so that most failures are of their own kind.
const NAMES: usize = 300;

/// Users who cannot log in although their password is right, each for another reason.
const REFUSED: [(&str, &str); 5] = [
    ("elsewhere", r#"{"token_bound_cidrs": "10.0.0.0/8"}"#),
    ("disabled", r#"{"disabled": true}"#),
    ("expired", r#"{"valid_until": "2020-01-01T00:00:00Z"}"#),
    ("not-yet", r#"{"valid_from": "2100-01-01T00:00:00Z"}"#),
    ("must-change", r#"{"must_change_password": true}"#),
];

async fn house_of_the_refused() -> House {
    let house = furnished().await;
    for (name, settings) in REFUSED {
        let mut user: Value = serde_json::from_str(settings).unwrap();
        user["password"] = json!("right");
        house.root().write(&format!("auth/userpass/users/{name}"), user).await.unwrap();
    }
    let root = json!({"password": "right", "policies": "root"});
    house.root().write("auth/userpass/users/would-be-root", root).await.unwrap();
    house
}

/// Every key but the counters of failed logins.
async fn census(house: &House) -> Vec<String> {
    let mut keys = house.census().await;
    keys.retain(|key| !key.starts_with("sys/lockout/"));
    keys
}

/// The kinds of failure take turns.
async fn fail(house: &House, number: usize) -> Result<Value, Error> {
    let stranger = house.stranger().from("192.0.2.1");
    let path = |name: &str| format!("auth/userpass/login/{name}");
    match number % 10 {
        0 => stranger.write(&path("mitchellh"), json!({"password": "wrong"})).await,
        1 => {
            let nobody = format!("nobody-{}", number % NAMES);
            stranger.write(&path(&nobody), json!({"password": "wrong"})).await
        }
        2 => stranger.write(&path("mitchellh"), json!({})).await,
        3 => stranger.write(&path("mitchellh"), json!({"password": {"is": "wrong"}})).await,
        4 => broken_body(house, number).await,
        5 => stranger.write(&path("would-be-root"), json!({"password": "right"})).await,
        kind => {
            let (name, _) = REFUSED[(kind + number / 10) % REFUSED.len()];
            stranger.write(&path(name), json!({"password": "right"})).await
        }
    }
}

async fn broken_body(house: &House, number: usize) -> Result<Value, Error> {
    let request = Request {
        id: number.to_string(),
        operation: Operation::Update,
        path: CanonicalPath::parse("auth/userpass/login/mitchellh").unwrap(),
        query: Map::new(),
        body: Some(Box::new(Broken)),
        token: None,
        wrap_ttl: None,
        remote: None,
    };
    house.nodes[0].serve(request).await.outcome.map(|_| Value::Null)
}

#[tokio::test]
async fn a_thousand_failed_logins_leave_nothing_but_counters() {
    let house = house_of_the_refused().await;
    let before = census(&house).await;
    for number in 0..FAILURES {
        let outcome = fail(&house, number).await;
        assert!(outcome.is_err(), "{number}: {outcome:?}");
    }
    assert_eq!(census(&house).await, before);
    // The counters are bounded by the names there are, and by the table.
    let counters = house.census().await.len() - before.len();
    assert!((1..=NAMES).contains(&counters), "{counters}");
    house.settle().await.unwrap();
    assert_eq!(census(&house).await, before);
}

#[tokio::test]
async fn many_logins_and_their_ends_leave_what_one_leaves() {
    let house = furnished().await;
    house.stranger().login("mitchellh", "foo").await.unwrap();
    // How often anything was ended by prefix is one record, however often.
    house.root().write("sys/leases/revoke-prefix/auth/userpass", json!({})).await.unwrap();
    house.settle().await.unwrap();
    let before = house.census().await;
    for round in 0..40 {
        let token = house.stranger().login("mitchellh", "foo").await.unwrap();
        let holder = house.holder(&token);
        holder.write("cubbyhole/note", json!({"a": "b"})).await.unwrap();
        match round % 4 {
            0 => holder.write("auth/token/revoke-self", json!({})).await.map(drop).unwrap(),
            1 => house.wait(2_764_800),
            2 => {
                let all = "sys/leases/revoke-prefix/auth/userpass/login/mitchellh";
                house.root().write(all, json!({})).await.map(drop).unwrap();
            }
            _ => {
                let all = "auth/userpass/users/mitchellh/sessions";
                house.root().delete(all).await.map(drop).unwrap();
            }
        }
        house.settle().await.unwrap();
        assert_eq!(house.census().await, before, "round {round}");
    }
}
