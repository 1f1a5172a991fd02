//! The numbers say what happened, once it happened, and name nobody.

use api::{Error, Operation, Reply};
use serde_json::{Value, json};
use simulator::House;

/// The number of a counter, by its name and some of its labels; `None` where there is none.
async fn number(house: &House, name: &str, labels: Value) -> Option<u64> {
    let document = house.root().read("sys/metrics").await.unwrap();
    let is_it = |counter: &&Value| {
        let wanted = labels.as_object().unwrap();
        counter["Name"] == name
            && wanted.iter().all(|(key, value)| counter["Labels"][key] == *value)
    };
    let counters = document["Counters"].as_array().unwrap();
    counters.iter().find(is_it).map(|counter| counter["Count"].as_u64().unwrap())
}

async fn logins(house: &House, outcome: &str) -> Option<u64> {
    let labels = json!({"mount": "auth/userpass/", "method": "userpass", "outcome": outcome});
    number(house, "vault.core.logins", labels).await
}

#[tokio::test]
async fn logins_and_locks_are_counted() {
    let house = crate::walk::furnished().await;
    assert_eq!(logins(&house, "success").await, None);
    house.stranger().login("mitchellh", "foo").await.unwrap();
    let wrapping = house.stranger().wrapping(60);
    let login = wrapping.write("auth/userpass/login/mitchellh", json!({"password": "foo"})).await;
    assert!(login.unwrap().get("client_token").is_none(), "it is wrapped");
    for _ in 0..8 {
        house.stranger().login("mitchellh", "bar").await.unwrap_err();
    }
    assert_eq!(house.stranger().login("mitchellh", "foo").await, Err(Error::LockedOut));
    assert_eq!(logins(&house, "success").await, Some(2));
    assert_eq!(logins(&house, "failed").await, Some(5));
    assert_eq!(logins(&house, "locked").await, Some(4));
    let mount = json!({"mount": "auth/userpass/"});
    assert_eq!(number(&house, "vault.core.lockouts", mount).await, Some(1));
}

#[tokio::test]
async fn tokens_and_requests_are_counted() {
    let house = crate::walk::furnished().await;
    let tokens =
        async |what: &str| number(&house, &format!("vault.token.{what}"), json!({})).await.unwrap();
    let before = [tokens("creation").await, tokens("renewal").await, tokens("revocation").await];
    let token = house.stranger().login("mitchellh", "foo").await.unwrap();
    let user = house.holder(&token);
    user.write("auth/token/renew-self", json!({})).await.unwrap();
    house.root().write("auth/token/create", json!({"ttl": 60})).await.unwrap();
    house.wait(61);
    house.settle().await.unwrap();
    user.write("auth/token/revoke-self", json!({})).await.unwrap();
    let after = [tokens("creation").await, tokens("renewal").await, tokens("revocation").await];
    assert_eq!(after, [before[0] + 2, before[1] + 1, before[2] + 2]);

    let refused = json!({"operation": "read", "ending": "refused"});
    let before = number(&house, "vault.core.requests", refused.clone()).await.unwrap();
    assert_eq!(house.stranger().read("kv/a").await, Err(Error::Unauthenticated));
    assert_eq!(number(&house, "vault.core.requests", refused).await, Some(before + 1));
}

#[tokio::test]
async fn the_numbers_are_for_those_who_may_read_them_and_name_nobody() {
    let house = crate::walk::furnished().await;
    house.stranger().login("mitchellh", "foo").await.unwrap();
    house.stranger().login("correct-horse", "foo").await.unwrap_err();
    let user = house.holder(&house.stranger().login("mitchellh", "foo").await.unwrap());
    assert_eq!(user.read("sys/metrics").await, Err(Error::Denied));
    assert_eq!(house.stranger().read("sys/metrics").await, Err(Error::Unauthenticated));

    let format = json!({"format": "prometheus"});
    let answer = house.root().ask(Operation::Read, "sys/metrics", format).await;
    let Ok(Reply::Document(content_type, text)) = answer.outcome else { panic!("no document") };
    assert_eq!(content_type, "text/plain; version=0.0.4");
    assert!(
        text.starts_with("# TYPE vault_core_unsealed gauge\nvault_core_unsealed 1\n"),
        "{text}"
    );
    assert!(text.contains("outcome=\"failed\"} 1\n"), "{text}");
    let all = format!("{text}{}", house.root().read("sys/metrics").await.unwrap());
    assert!(!all.contains("mitchellh") && !all.contains("horse"), "{all}");
    let format = json!({"format": "xml"});
    let answer = house.root().ask(Operation::Read, "sys/metrics", format).await;
    assert!(matches!(answer.outcome, Err(Error::Invalid(text)) if text.starts_with("metric resp")));
}
