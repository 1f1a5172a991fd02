//! Who logs in, and what that means for their tokens.

use std::sync::Arc;

use api::Error;
use serde_json::{Value, json};
use storage::testing::Busy;

use super::house::{House, text};
use crate::identity::record::{Alias, Entity, alias_name};

fn count(census: &[String], prefix: &str) -> usize {
    census.iter().filter(|key| key.starts_with(prefix)).count()
}

/// Entities, their names, the aliases and their ids.
fn records(house: &House) -> [usize; 4] {
    let census = house.census();
    ["sys/entity/", "sys/entity-name/", "sys/alias/", "sys/alias-id/"]
        .map(|prefix| count(&census, prefix))
}

#[tokio::test]
async fn the_first_login_makes_an_entity_and_the_next_one_finds_it() {
    let house = House::new().await;
    let first = house.login("alice").await.unwrap();
    assert_eq!(records(&house), [1, 1, 1, 1]);
    let second = house.login("alice").await.unwrap();
    assert_eq!(first["entity_id"], second["entity_id"]);
    let other = house.login("bob").await.unwrap();
    assert_ne!(first["entity_id"], other["entity_id"]);
    assert_eq!(records(&house), [2, 2, 2, 2]);
    let own = house.holder(&text(&first, "client_token")).look().await.unwrap();
    assert_eq!(own["entity_id"], first["entity_id"]);
    let name = house.entity("auth/door/", "alice").await.unwrap().name;
    let letters = name.strip_prefix("entity_").unwrap();
    assert!(letters.len() == 8 && letters.bytes().all(|letter| letter.is_ascii_hexdigit()));
}

#[tokio::test]
async fn what_the_method_says_about_an_alias_is_kept_up_to_date() {
    let house = House::new().await;
    let say = async |team: &str| {
        let body = json!({"alias_metadata": {"team": team}});
        house.root().write("auth/door/login/alice", body).await.unwrap();
        house.entity("auth/door/", "alice").await.unwrap().aliases
    };
    let [before, after] = [say("red").await, say("blue").await].map(|mut aliases: Vec<Alias>| {
        assert_eq!(aliases.len(), 1);
        aliases.remove(0)
    });
    assert_eq!((before.id, before.generation), (after.id, after.generation));
    assert_eq!((&before.metadata["team"][..], &after.metadata["team"][..]), ("red", "blue"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_logins_at_once_on_many_nodes_make_exactly_one_entity() {
    let house = Arc::new(House::on(4, |store| Arc::new(Busy::new(store, 3))).await);
    for round in 0..5 {
        let logins = (0..12).map(|node| {
            let house = house.clone();
            tokio::spawn(async move { house.login_at(node, &format!("u{round}")).await.unwrap() })
        });
        let mut ids = vec![];
        for login in logins.collect::<Vec<_>>() {
            ids.push(text(&login.await.unwrap(), "entity_id"));
        }
        ids.dedup();
        assert_eq!(ids.len(), 1);
        assert_eq!(records(&house), [round + 1; 4]);
    }
}

#[tokio::test]
async fn an_alias_that_leads_nowhere_is_made_anew() {
    let house = House::new().await;
    let before = house.login("alice").await.unwrap();
    house.delete_entity("alice").await;
    let after = house.login("alice").await.unwrap();
    assert_ne!(before["entity_id"], after["entity_id"]);
    house.holder(&text(&after, "client_token")).look().await.unwrap();
    let old = house.holder(&text(&before, "client_token")).look().await;
    assert_eq!(old, Err(Error::Unauthenticated));
}

#[tokio::test]
async fn a_damaged_alias_is_made_anew_and_a_damaged_entity_lets_nobody_in() {
    let house = House::new().await;
    let before = house.login("alice").await.unwrap();
    let place = alias_name(&house.storage_of("auth/door/").await, "alice");
    house.damage(&format!("sys/alias/{place}")).await;
    let after = house.login("alice").await.unwrap();
    assert_ne!(before["entity_id"], after["entity_id"]);
    assert_eq!(house.login("alice").await.unwrap()["entity_id"], after["entity_id"]);

    house.damage(&format!("sys/entity/{}", text(&after, "entity_id"))).await;
    assert!(matches!(house.login("alice").await, Err(Error::Internal(_))));
    let token = house.holder(&text(&after, "client_token"));
    assert!(matches!(token.look().await, Err(Error::Internal(_))));
}

#[tokio::test]
async fn whoever_is_disabled_is_refused_everywhere_and_back_when_enabled() {
    let house = House::new().await;
    let token = house.token("alice").await;
    let holder = house.holder(&token);
    house.change("alice", |entity| entity.disabled = true).await;
    assert_eq!(holder.look().await, Err(Error::Unauthenticated));
    assert_eq!(house.login("alice").await, Err(Error::Unauthenticated));
    let asked = json!({"token": token, "paths": ["sys/mounts"]});
    let answer = house.root().write("sys/capabilities", asked).await;
    assert_eq!(answer, Err(Error::Unauthenticated));
    house.change("alice", |entity| entity.disabled = false).await;
    holder.look().await.unwrap();
    house.login("alice").await.unwrap();
}

/// An operator who ends the token of somebody disabled must not see it come back.
#[tokio::test]
async fn a_token_of_whoever_is_disabled_can_be_looked_up_and_ended() {
    let house = House::new().await;
    let token = house.token("alice").await;
    house.change("alice", |entity| entity.disabled = true).await;
    let root = house.root();
    let seen = root.write("auth/token/lookup", json!({"token": token})).await.unwrap();
    let accessor = json!({"accessor": seen["accessor"]});
    root.write("auth/token/revoke-accessor", accessor).await.unwrap();
    house.change("alice", |entity| entity.disabled = false).await;
    assert_eq!(house.holder(&token).look().await, Err(Error::UnknownToken));
}

#[tokio::test]
async fn tokens_of_an_entity_that_is_gone_are_refused() {
    let house = House::new().await;
    let token = house.token("alice").await;
    house.delete_entity("alice").await;
    assert_eq!(house.holder(&token).look().await, Err(Error::Unauthenticated));
}

#[tokio::test]
async fn children_of_whoever_is_disabled_are_refused_with_them() {
    let house = House::new().await;
    grant(&house, "own", r#"path "auth/token/create" { capabilities = ["update"] }"#).await;
    let token = house.token("alice").await;
    let child = make_child(&house, &token).await;
    let seen = house.holder(&child).look().await.unwrap();
    assert_eq!(seen["entity_id"], house.holder(&token).look().await.unwrap()["entity_id"]);
    house.change("alice", |entity| entity.disabled = true).await;
    assert_eq!(house.holder(&child).look().await, Err(Error::Unauthenticated));
}

// Case 155 of policies, and 154: what they allow is told as it would be decided.
#[tokio::test]
async fn policies_of_an_entity_count_at_once_and_show_everywhere() {
    let house = House::new().await;
    grant(&house, "extra", r#"path "sys/mounts" { capabilities = ["read"] }"#).await;
    grant(&house, "own", r#"path "sys/mounts" { capabilities = ["update", "list"] }"#).await;
    let login = house.login("alice").await.unwrap();
    assert_eq!(login["policies"], json!(["default", "own"]));
    assert!(login.get("identity_policies").is_none());
    let token = text(&login, "client_token");
    let holder = house.holder(&token);
    assert!(holder.look().await.unwrap().get("identity_policies").is_none());
    assert_eq!(holder.read("sys/mounts").await, Err(Error::Denied));

    house.change("alice", |entity| entity.policies = vec!["extra".to_owned()]).await;
    holder.read("sys/mounts").await.unwrap();
    let seen = holder.look().await.unwrap();
    assert_eq!(seen["identity_policies"], json!(["extra"]));
    assert_eq!(seen["external_namespace_policies"], json!({}));
    assert_eq!(seen["policies"], json!(["default", "own"]));
    let renewed = holder.write("auth/token/renew-self", json!({})).await.unwrap();
    let again = house.login("alice").await.unwrap();
    for answer in [renewed, again] {
        assert_eq!(answer["identity_policies"], json!(["extra"]));
        assert_eq!(answer["token_policies"], json!(["default", "own"]));
        assert_eq!(answer["policies"], json!(["default", "extra", "own"]));
    }
    let allowed = async || {
        let asked = json!({"paths": ["sys/mounts"], "token": token, "accessor": seen["accessor"]});
        let own = holder.write("sys/capabilities-self", asked.clone()).await.unwrap();
        for door in ["sys/capabilities", "sys/capabilities-accessor"] {
            assert_eq!(house.root().write(door, asked.clone()).await.unwrap(), own, "{door}");
        }
        own["capabilities"].clone()
    };
    assert_eq!(allowed().await, json!(["list", "read", "update"]));

    house.change("alice", |entity| entity.policies = vec![]).await;
    assert_eq!(holder.read("sys/mounts").await, Err(Error::Denied));
    assert_eq!(allowed().await, json!(["list", "update"]));
}

// Case 159 of policies, for what only operators can say of somebody.
#[tokio::test]
async fn templates_are_filled_in_with_what_the_record_says_now() {
    let house = House::new().await;
    let text = r#"path "sys/policies/acl/{{identity.entity.metadata.team}}" { policy = "write" }
        path "sys/policies/acl/{{identity.entity.name}}-x" { policy = "write" }"#;
    grant(&house, "extra", text).await;
    let holder = house.holder(&house.token("alice").await);
    let write = async |name: &str| {
        holder.write(&format!("sys/policies/acl/{name}"), json!({"policy": "path \"a\" {}"})).await
    };
    let about = |team: Option<&str>| {
        let team = team.map(|team| ("team".to_owned(), team.to_owned()));
        move |entity: &mut Entity| {
            entity.policies = vec!["extra".to_owned()];
            entity.name = "ally".to_owned();
            entity.metadata = team.into_iter().collect();
        }
    };
    house.change("alice", about(Some("red"))).await;
    write("red").await.unwrap();
    write("ally-x").await.unwrap();
    assert_eq!(write("blue").await, Err(Error::Denied));
    house.change("alice", about(Some("blue"))).await;
    write("blue").await.unwrap();
    assert_eq!(write("red").await, Err(Error::Denied));
    // Nothing to fill in: nothing it could be about is allowed, the other rule's path among it.
    house.change("alice", about(None)).await;
    for name in ["red", "blue", "ally-x"] {
        assert_eq!(write(name).await, Err(Error::Denied), "{name}");
    }
}

#[tokio::test]
async fn whatever_its_record_says_no_entity_brings_root() {
    let house = House::new().await;
    let token = house.token("alice").await;
    for spelling in ["root", " ROOT", "Root\t", "response-wrapping"] {
        let policies = vec![spelling.to_owned(), "extra".to_owned()];
        house.change("alice", |entity| entity.policies = policies).await;
        let login = house.login("alice").await.unwrap();
        assert_eq!(login["policies"], json!(["default", "extra", "own"]), "{spelling}");
        assert_eq!(house.holder(&token).read("sys/mounts").await, Err(Error::Denied));
    }
}

#[tokio::test]
async fn aliases_go_with_their_mount_and_untouched_entities_with_their_last_alias() {
    let house = House::new().await;
    let root = house.root();
    let before = house.census();
    root.write("sys/auth/other", json!({"type": "door"})).await.unwrap();
    // More than one piece of work.
    for number in 0..150 {
        let path = format!("auth/other/login/u{number}");
        root.write(&path, json!({"ttl": 60})).await.unwrap();
    }
    assert_eq!(records(&house), [150; 4]);
    root.delete("sys/auth/other").await.unwrap();
    house.wait(61);
    house.settle().await;
    assert_eq!(house.census(), before);
}

#[tokio::test]
async fn an_entity_that_somebody_changed_or_that_has_another_alias_outlives_a_mount() {
    let house = House::new().await;
    let root = house.root();
    house.token("alice").await;
    let storage = house.storage_of("auth/door/").await;
    house.change("alice", |entity| entity.metadata = [("a".into(), "b".into())].into()).await;
    house.token("bob").await;
    let elsewhere = |alias: &Alias| {
        let (id, mount) = ("elsewhere".to_owned(), "elsewhere".to_owned());
        Alias { id, mount, ..alias.clone() }
    };
    house
        .change("bob", |entity| {
            entity.kept = false;
            entity.aliases.push(elsewhere(&entity.aliases[0]));
        })
        .await;
    house.token("carol").await;
    root.delete("sys/auth/door").await.unwrap();
    house.wait(3_000_000);
    house.settle().await;
    assert_eq!(records(&house), [2, 2, 0, 0]);
    let place = format!("sys/alias/{}", alias_name(&storage, "alice"));
    assert!(!house.census().contains(&place));
}

#[tokio::test]
async fn a_damaged_entity_does_not_hold_up_the_end_of_a_mount() {
    let house = House::new().await;
    for name in ["alice", "bob"] {
        house.token(name).await;
    }
    let alice = house.entity("auth/door/", "alice").await.unwrap();
    house.damage(&format!("sys/entity/{}", alice.id)).await;
    house.root().delete("sys/auth/door").await.unwrap();
    house.wait(3_000_000);
    house.settle().await;
    let census = house.census();
    assert_eq!(count(&census, "sys/gone/") + count(&census, "sys/alias/"), 0);
    assert_eq!(count(&census, "sys/entity/"), 1);
}

pub(super) async fn grant(house: &House, name: &str, policy: &str) {
    let path = format!("sys/policies/acl/{name}");
    house.root().write(&path, json!({"policy": policy})).await.unwrap();
}

pub(super) async fn make_child(house: &House, token: &str) -> String {
    let made: Value =
        house.holder(token).write("auth/token/create", json!({"ttl": 600})).await.unwrap();
    text(&made, "client_token")
}
