//! Tokens of limited use: every request costs one, and there is never one too many.

use std::sync::Arc;

use api::{Error, Operation};
use serde_json::json;
use simulator::House;
use storage::Memory;
use storage::testing::{Busy, Fault, Flaky};

use crate::token_creation::create;
use crate::tokens::{invalid, is_good, make};

async fn uses_left(house: &House, token: &str) -> i64 {
    let found = house.root().write("auth/token/lookup", json!({"token": token})).await.unwrap();
    found["num_uses"].as_i64().unwrap()
}

// Cases 56 and 57.
#[tokio::test]
async fn every_request_costs_one_use_and_the_last_one_says_so() {
    let house = House::new().await;
    let census = house.census().await;
    let token = make(&house.root(), json!({"policies": ["default"], "num_uses": "3"})).await;
    let limited = house.holder(&token);
    assert_eq!(uses_left(&house, &token).await, 3);
    for expected in [2, 1, -1] {
        let own = limited.read("auth/token/lookup-self").await.unwrap();
        assert_eq!(own["num_uses"], expected);
    }
    let refused = limited.read("auth/token/lookup-self").await;
    assert_eq!(refused, Err(Error::UnknownToken));
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

// Case 56.
#[tokio::test]
async fn with_the_last_use_the_token_is_gone_for_everybody_else() {
    let house = House::new().await;
    let root = json!({"policies": ["root"], "num_uses": 1, "ttl": "1h"});
    let looks = async |path: &str, key: &str| {
        let made = house.root().write("auth/token/create", root.clone()).await.unwrap();
        let token = made["client_token"].as_str().unwrap();
        let shown = if key == "accessor" { made["accessor"].as_str().unwrap() } else { token };
        let body = json!({ key: shown, "paths": ["a"] });
        house.holder(token).write(path, body).await
    };
    let bad = Err(Error::Forbidden("bad token".to_owned()));
    assert_eq!(looks("auth/token/lookup", "token").await, bad);
    let listed = |text: &str| Err(Error::InvalidListed(text.to_owned()));
    assert_eq!(looks("auth/token/lookup-accessor", "accessor").await, listed("invalid accessor"));
    assert_eq!(looks("sys/capabilities", "token").await, listed("invalid token"));
    assert_eq!(looks("auth/token/renew", "token").await, invalid("token not found"));
    assert_eq!(looks("auth/token/renew-self", "x").await, invalid("token not found"));
    let refused = looks("auth/token/renew-accessor", "accessor").await;
    assert_eq!(refused, listed("invalid accessor"));
    assert!(looks("auth/token/revoke", "token").await.is_ok());
    assert!(looks("auth/token/revoke-self", "x").await.is_ok());
}

/// What the last use wrote to the token's own corner goes with it.
#[tokio::test]
async fn the_last_use_may_write_and_leaves_nothing() {
    let house = House::new().await;
    let census = house.census().await;
    let token = make(&house.root(), json!({"policies": ["default"], "num_uses": 3})).await;
    let limited = house.holder(&token);
    limited.write("cubbyhole/a", json!({"b": "c"})).await.unwrap();
    assert_eq!(limited.read("cubbyhole/a").await.unwrap(), json!({"b": "c"}));
    limited.write("cubbyhole/d", json!({"e": "f"})).await.unwrap();
    assert!(!is_good(&house, &token).await);
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

#[tokio::test]
async fn a_use_is_spent_whatever_comes_of_it() {
    let house = House::new().await;
    let token = make(&house.root(), json!({"policies": ["default"], "num_uses": 7})).await;
    let limited = house.holder(&token);
    for (left, operation, path, body) in [
        (6, Operation::Read, "sys/mounts", json!({})),
        (5, Operation::Read, "nowhere/at/all", json!({})),
        (4, Operation::Update, "auth/token/renew", json!({})),
        (3, Operation::Update, "auth/token/nope", json!({})),
        (2, Operation::Update, "auth/token/renew-self", json!({"increment": [1]})),
        (1, Operation::Help, "auth/token/create", json!({})),
    ] {
        let answer = limited.ask(operation, path, body).await;
        assert_eq!(answer.outcome.is_ok(), operation == Operation::Help, "{path}");
        assert_eq!(uses_left(&house, &token).await, left, "{path}");
    }
    assert_eq!(limited.read("sys/mounts").await, Err(Error::Denied));
    assert_eq!(limited.read("sys/mounts").await, Err(Error::UnknownToken));
}

/// Whoever has a token in the wrong place cannot use it up.
#[tokio::test]
async fn who_is_not_let_in_spends_nothing() {
    let house = House::new().await;
    let role = json!({"token_bound_cidrs": "10.0.0.0/8", "token_num_uses": 2});
    house.root().write("auth/token/roles/r", role).await.unwrap();
    let body = json!({"policies": ["default"]});
    let made = house.root().write("auth/token/create/r", body).await.unwrap();
    let token = made["client_token"].as_str().unwrap();
    for _ in 0..5 {
        let refused = house.holder(token).from("192.168.0.1").read("auth/token/lookup-self").await;
        assert_eq!(refused, Err(Error::Unauthenticated));
    }
    assert_eq!(uses_left(&house, token).await, 2);
    assert!(house.holder(token).from("10.0.0.1").read("auth/token/lookup-self").await.is_ok());
}

// Case 40.
#[tokio::test]
async fn tokens_of_limited_use_have_no_children() {
    let house = House::new().await;
    let limited = house.holder(&make(&house.root(), json!({"num_uses": 2, "ttl": "1h"})).await);
    for path in ["auth/token/create", "auth/token/create-orphan"] {
        let refused = limited.write(path, json!({"ttl": "1h"})).await;
        assert_eq!(refused, invalid("restricted use token cannot generate child tokens"));
    }
}

#[tokio::test]
async fn a_renewal_gives_no_use_back() {
    let house = House::new().await;
    let body = json!({"policies": ["default"], "num_uses": 5, "ttl": "1h"});
    let token = make(&house.root(), body).await;
    let renewed = house.holder(&token).write("auth/token/renew-self", json!({})).await.unwrap();
    assert_eq!(renewed["num_uses"], 4);
    let by_other = house.root().write("auth/token/renew", json!({"token": token})).await.unwrap();
    assert_eq!(by_other["num_uses"], 4);
    assert_eq!(uses_left(&house, &token).await, 4);
}

/// Sealing commits by itself, before it acts: the use is in that commit.
#[tokio::test]
async fn sealing_costs_a_use_like_anything_else() {
    let mut house = House::new().await;
    let token = make(&house.root(), json!({"policies": ["root"], "num_uses": 1})).await;
    house.holder(&token).write("sys/seal", json!({})).await.unwrap();
    assert!(house.nodes[0].is_sealed());
    house.restart(1).await;
    assert!(!is_good(&house, &token).await);
}

/// Ten times as many calls as uses, at once, on several nodes that lose races all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_calls_at_once_exactly_as_many_succeed_as_there_are_uses() {
    let memory = Arc::new(Memory::default());
    let mut house = House::on(memory.clone(), 0, 11).await;
    house.store = Arc::new(Busy::new(memory, 11));
    house.restart(3).await;
    let census = house.census().await;
    for uses in [1, 2, 8] {
        let token = make(&house.root(), json!({"policies": ["default"], "num_uses": uses})).await;
        let mut tasks = vec![];
        for number in 0..uses * 10 {
            let caller = house.at(number % 3).with_token(&token);
            // Every other call is one that policy refuses: it costs a use all the same.
            let path = if number % 2 == 0 { "auth/token/lookup-self" } else { "sys/mounts" };
            tasks.push(tokio::spawn(async move { caller.read(path).await }));
        }
        let mut let_in = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) | Err(Error::Denied) => let_in += 1,
                refused => assert_eq!(refused, Err(Error::UnknownToken)),
            }
        }
        assert_eq!(let_in, uses);
    }
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

/// More steps than any of these requests takes.
const STEPS_MAX: u64 = 60;

/// With the answer lost, a use may be spent for nothing; never is one given for nothing, and
/// never is anything half done.
#[tokio::test]
async fn a_crash_at_any_step_of_the_last_use_leaves_the_token_or_nothing() {
    for fault in [Fault::Before, Fault::Middle, Fault::After] {
        for path in ["auth/token/lookup-self", "sys/mounts"] {
            for step in 1..STEPS_MAX {
                let flaky = Arc::new(Flaky::new(Arc::new(Memory::default())));
                let mut house = House::on(flaky.clone(), 1, step).await;
                let census = house.census().await;
                let body = json!({"policies": ["default"], "num_uses": 1, "ttl": "1h"});
                let token = make(&house.root(), body).await;
                let whole = house.census().await;
                let before = flaky.operations();
                flaky.crash_at(step, fault);
                let answer = house.holder(&token).read(path).await;
                let steps = flaky.operations() - before;
                flaky.heal();
                house.restart(1).await;
                let spent = house.census().await != whole;
                let told = matches!(answer, Ok(_) | Err(Error::Denied));
                assert!(spent || !told, "{fault:?} at {step} of {path}: a use for nothing");
                house.wait(3600);
                house.settle().await.unwrap();
                assert_eq!(house.census().await, census, "{fault:?} at {step} of {path}");
                if steps < step {
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_count_that_never_was_is_no_limit() {
    let house = House::new().await;
    let made =
        create(&house.root(), json!({"num_uses": 0, "policies": ["default"]})).await.unwrap();
    let token = house.holder(made["client_token"].as_str().unwrap());
    for _ in 0..3 {
        let own = token.read("auth/token/lookup-self").await.unwrap();
        assert_eq!(own["num_uses"], 0);
    }
}
