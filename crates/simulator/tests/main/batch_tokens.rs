//! Batch tokens: kept nowhere, and yet ended with everything that ends others.

use std::sync::Arc;

use api::{Error, Operation};
use serde_json::{Value, json};
use simulator::House;
use storage::Memory;

use crate::token_creation::create;
use crate::tokens::{invalid, is_good, make};
use crate::walk::furnished;

fn batch(policies: &[&str]) -> Value {
    json!({"type": "batch", "policies": policies, "ttl": "1h"})
}

// Case 36, and C.15.
#[tokio::test]
async fn nothing_of_a_batch_token_is_stored() {
    let house = House::new().await;
    let census = house.census().await;
    let body = json!({"type": "batch", "policies": ["default"], "meta": {"a": "b"}, "ttl": "1h"});
    let made = create(&house.root(), body).await.unwrap();
    for (key, expected) in [
        ("accessor", json!("")),
        ("renewable", json!(false)),
        ("token_type", json!("batch")),
        ("num_uses", json!(0)),
        ("lease_duration", json!(3600)),
        ("orphan", json!(false)),
    ] {
        assert_eq!(made[key], expected, "{key}");
    }
    let token = made["client_token"].as_str().unwrap();
    let own = house.holder(token).read("auth/token/lookup-self").await.unwrap();
    for (key, expected) in [
        ("id", json!(token)),
        ("accessor", json!("")),
        ("policies", json!(["default"])),
        ("path", json!("auth/token/create")),
        ("display_name", json!("token")),
        ("meta", json!({"a": "b"})),
        ("creation_ttl", json!(3600)),
        ("ttl", json!(3600)),
        ("type", json!("batch")),
        ("renewable", json!(false)),
        ("explicit_max_ttl", json!(0)),
        ("num_uses", json!(0)),
    ] {
        assert_eq!(own[key], expected, "{key}");
    }
    assert!(own["issue_time"].is_string() && own["expire_time"].is_string());
    let looked_up = house.root().write("auth/token/lookup", json!({"token": token})).await;
    assert_eq!(looked_up.unwrap(), own);
    assert_eq!(house.census().await, census);
    house.wait(3600);
    assert!(!is_good(&house, token).await);
}

// Case 82, and 51 of engines.
#[tokio::test]
async fn what_is_not_kept_cannot_be_changed() {
    let house = furnished().await;
    let text = r#"path "auth/token/*" { capabilities = ["update", "sudo"] }"#;
    house.root().write("sys/policies/acl/all", json!({"policy": text})).await.unwrap();
    let token = make(&house.root(), batch(&["all", "default", "admins"])).await;
    let holder = house.holder(&token);
    for (path, refusal) in [
        ("create", "batch tokens cannot create more tokens"),
        ("create-orphan", "batch tokens cannot create more tokens"),
        ("renew-self", "batch tokens cannot be renewed"),
        ("renew", "batch tokens cannot be renewed"),
        ("revoke-self", "batch tokens cannot be revoked"),
        ("revoke", "batch tokens cannot be revoked"),
        ("revoke-orphan", "batch tokens cannot be revoked"),
    ] {
        let refused = holder.write(&format!("auth/token/{path}"), json!({"token": token})).await;
        assert_eq!(refused, invalid(refusal), "{path}");
    }
    let refusal = "cubbyhole operations are only supported by 'service' type tokens";
    for operation in [Operation::Read, Operation::Update, Operation::Delete, Operation::List] {
        let answer = holder.ask(operation, "cubbyhole/a", json!({"b": "c"})).await;
        assert_eq!(answer.outcome.err(), Some(Error::invalid(refusal)), "{operation}");
    }
    holder.write("kv/a", json!({"b": "c"})).await.unwrap();
    assert_eq!(holder.read("kv/a").await.unwrap(), json!({"b": "c"}));
}

/// Only who may use a place is told that batch tokens may not.
#[tokio::test]
async fn policy_decides_before_the_kind_of_token_does() {
    let house = House::new().await;
    let weak = json!({"type": "batch", "policies": ["nothing"], "no_default_policy": true});
    let weak = house.holder(&make(&house.root(), weak).await);
    assert_eq!(weak.write("cubbyhole/a", json!({"b": "c"})).await, Err(Error::Denied));
}

// Case 83.
#[tokio::test]
async fn batch_tokens_end_with_their_parents() {
    let house = House::new().await;
    let top = make(&house.root(), json!({"ttl": "1h"})).await;
    let parent = make(&house.holder(&top), json!({"ttl": "1h"})).await;
    let child = make(&house.holder(&parent), batch(&["default"])).await;
    let orphan = json!({"type": "batch", "policies": ["default"], "no_parent": true});
    let orphan = make(&house.holder(&parent), orphan).await;
    assert!(is_good(&house, &child).await);
    house.root().write("auth/token/revoke", json!({"token": top})).await.unwrap();
    assert!(!is_good(&house, &child).await);
    assert!(is_good(&house, &orphan).await);
}

#[tokio::test]
async fn batch_tokens_end_with_the_time_of_their_parents() {
    let house = House::new().await;
    let parent = make(&house.root(), json!({"ttl": 60})).await;
    let child = make(&house.holder(&parent), batch(&["default"])).await;
    house.wait(60);
    assert!(!is_good(&house, &child).await);
}

#[tokio::test]
async fn what_is_forged_or_of_another_house_is_unknown() {
    let house = House::new().await;
    let other = House::on(Arc::new(Memory::default()), 1, 99).await;
    let foreign = make(&other.root(), batch(&["default"])).await;
    let token = make(&house.root(), batch(&["default"])).await;
    let middle = token.len() / 2;
    let letter = if token.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let changed = format!("{}{letter}{}", &token[..middle], &token[middle + 1..]);
    for shown in [foreign.as_str(), &changed, &token[..middle], "hvb.", "hvb.AAAA", "hvb.!"] {
        let refused = house.holder(shown).read("auth/token/lookup-self").await;
        assert_eq!(refused, Err(Error::UnknownToken));
        let refused = house.root().write("auth/token/lookup", json!({"token": shown})).await;
        assert_eq!(refused, Err(Error::Forbidden("bad token".to_owned())));
        let refused = house.root().write("auth/token/renew", json!({"token": shown})).await;
        assert_eq!(refused, invalid("token not found"));
        let ended = house.root().write("auth/token/revoke", json!({"token": shown})).await;
        assert_eq!(ended, Ok(Value::Null));
    }
}

#[tokio::test]
async fn batch_tokens_work_on_every_node_and_after_a_restart() {
    let mut house = House::on(Arc::new(Memory::default()), 2, 5).await;
    let token = make(&house.root(), batch(&["default"])).await;
    house.restart(3).await;
    for node in 0..3 {
        house.at(node).with_token(&token).read("auth/token/lookup-self").await.unwrap();
    }
    house.nodes[0].seal();
    assert_eq!(house.holder(&token).read("auth/token/lookup-self").await, Err(Error::Sealed));
}

#[tokio::test]
async fn a_batch_token_that_no_header_takes_is_not_made() {
    let house = House::new().await;
    let policies: Vec<_> = (0..400).map(|number| format!("policy-number-{number:05}")).collect();
    let refused = create(&house.root(), json!({"type": "batch", "policies": policies})).await;
    assert!(matches!(refused, Err(Error::Invalid(text)) if text.contains("longer than 8 KiB")));
    let policies: Vec<_> = (0..200).map(|number| format!("policy-number-{number:05}")).collect();
    let token = make(&house.root(), json!({"type": "batch", "policies": policies})).await;
    assert!(token.len() <= 8192 && token.len() > 5000);
    let looked_up = house.root().write("auth/token/lookup", json!({"token": token})).await;
    assert_eq!(looked_up.unwrap()["policies"].as_array().unwrap().len(), 201);
}

#[tokio::test]
async fn a_batch_token_with_a_chosen_id_gets_one_of_ours() {
    let house = House::new().await;
    let body = json!({"type": "batch", "policies": ["default"], "id": "mine"});
    let answer = house.root().ask(Operation::Update, "auth/token/create", body).await;
    let text = "a batch token cannot have an id of one's own choice; it was ignored";
    assert_eq!(answer.warnings, [text]);
    assert!(!is_good(&house, "mine").await);
}

async fn tune(house: &House, token_type: &str) -> Result<Value, Error> {
    house.root().write("sys/auth/userpass/tune", json!({"token_type": token_type})).await
}

#[tokio::test]
async fn the_mount_decides_which_kind_a_login_gives() {
    let house = furnished().await;
    for (tuned, kind) in [
        ("default-service", "service"),
        ("default-batch", "batch"),
        ("service", "service"),
        ("batch", "batch"),
    ] {
        tune(&house, tuned).await.unwrap();
        let login = house
            .stranger()
            .write("auth/userpass/login/mitchellh", json!({"password": "foo"}))
            .await
            .unwrap();
        assert_eq!(login["token_type"], kind, "{tuned}");
        assert_eq!(login["renewable"], kind == "service");
        assert_eq!(login["accessor"] == "", kind == "batch");
        let own = house.holder(login["client_token"].as_str().unwrap());
        own.write("kv/a", json!({"b": "c"})).await.unwrap();
        let own = own.read("auth/token/lookup-self").await.unwrap();
        assert_eq!((&own["type"], &own["meta"]), (&json!(kind), &json!({"username": "mitchellh"})));
        assert_eq!((&own["entity_id"], &own["orphan"]), (&login["entity_id"], &json!(true)));
        let shown = house.root().read("sys/auth/userpass/tune").await.unwrap();
        assert_eq!(shown["token_type"], tuned);
        let listed = house.root().read("sys/auth").await.unwrap();
        assert_eq!(listed["userpass/"]["config"]["token_type"], tuned);
    }
    assert_eq!(tune(&house, "nope").await, invalid("invalid value for 'token_type'"));
    let token = house.root().write("sys/auth/token/tune", json!({"token_type": "batch"})).await;
    assert_eq!(token, invalid("'token_type' cannot be set for 'token' or 'ns_token' auth mounts"));
    let kv = house.root().write("sys/mounts/kv/tune", json!({"token_type": "batch"})).await;
    assert_eq!(kv, invalid("'token_type' can only be modified on auth mounts"));
}

/// Where the mount forces batch tokens, the period of a user only says how long one lives.
#[tokio::test]
async fn a_forced_batch_token_lives_for_one_period() {
    let house = furnished().await;
    tune(&house, "batch").await.unwrap();
    let user = json!({"token_period": "2h"});
    house.root().write("auth/userpass/users/mitchellh", user).await.unwrap();
    let token = house.stranger().login("mitchellh", "foo").await.unwrap();
    let own = house.holder(&token).read("auth/token/lookup-self").await.unwrap();
    assert_eq!((own["ttl"].as_u64(), own.get("period")), (Some(7200), None));
    let refused = house.holder(&token).write("auth/token/renew-self", json!({})).await;
    assert_eq!(refused, invalid("batch tokens cannot be renewed"));
}

/// A batch token cannot be counted, and a limit must not vanish without a word.
#[tokio::test]
async fn a_login_with_limited_uses_is_refused_where_the_mount_gives_batch_tokens() {
    let house = furnished().await;
    let user = json!({"token_num_uses": 2});
    house.root().write("auth/userpass/users/mitchellh", user).await.unwrap();
    for (tuned, allowed) in
        [("batch", false), ("default-batch", false), ("default-service", true), ("service", true)]
    {
        tune(&house, tuned).await.unwrap();
        let census = house.census().await;
        let login = house.stranger().login("mitchellh", "foo").await;
        if allowed {
            let own = house.holder(&login.unwrap()).read("auth/token/lookup-self").await.unwrap();
            assert_eq!(own["num_uses"], 1, "{tuned}");
            continue;
        }
        let text = "this mount gives out batch tokens, which cannot have \"token_num_uses\" set";
        assert_eq!(login, Err(Error::invalid(text)), "{tuned}");
        assert_eq!(house.census().await, census);
    }
}

#[tokio::test]
async fn batch_tokens_end_with_their_mount_also_when_it_comes_again() {
    let house = furnished().await;
    tune(&house, "batch").await.unwrap();
    let token = house.stranger().login("mitchellh", "foo").await.unwrap();
    assert!(is_good(&house, &token).await);
    house.root().delete("sys/auth/userpass").await.unwrap();
    assert!(!is_good(&house, &token).await);
    house.root().write("sys/auth/userpass", json!({"type": "userpass"})).await.unwrap();
    assert!(!is_good(&house, &token).await);
}

#[tokio::test]
async fn batch_tokens_are_bound_to_networks_as_others_are() {
    let house = furnished().await;
    tune(&house, "batch").await.unwrap();
    let bound = json!({"token_bound_cidrs": "10.0.0.0/8"});
    house.root().write("auth/userpass/users/mitchellh", bound).await.unwrap();
    let token = house.stranger().from("10.1.2.3").login("mitchellh", "foo").await.unwrap();
    let own = house.holder(&token).from("10.9.9.9").read("auth/token/lookup-self").await.unwrap();
    assert_eq!(own["bound_cidrs"], json!(["10.0.0.0/8"]));
    for caller in [house.holder(&token).from("192.168.0.1"), house.holder(&token)] {
        assert_eq!(caller.read("auth/token/lookup-self").await, Err(Error::Unauthenticated));
    }
}
