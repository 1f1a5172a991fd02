//! Looking up, renewing and ending tokens. Numbers are those of the cases clients know.

use api::{Error, Operation, Reply};
use serde_json::{Value, json};
use simulator::House;

use crate::token_creation::{create, somebody};
use crate::tokens::{invalid, is_good, make};
use crate::walk::furnished;

async fn write(house: &House, path: &str, body: Value) -> Result<Value, Error> {
    house.root().write(&format!("auth/token/{path}"), body).await
}

// Cases 48, 49, 50 and 92.
#[tokio::test]
async fn a_look_up_tells_what_it_should_and_nothing_else() {
    let house = House::new().await;
    let token = make(&house.root(), json!({"ttl": "1h"})).await;
    let holder = house.holder(&token);
    house.wait(1);
    let own = holder.read("auth/token/lookup-self").await.unwrap();
    let keys: Vec<_> = own.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = vec![
        "id",
        "accessor",
        "policies",
        "path",
        "meta",
        "display_name",
        "num_uses",
        "orphan",
        "creation_time",
        "creation_ttl",
        "expire_time",
        "ttl",
        "explicit_max_ttl",
        "entity_id",
        "type",
        "renewable",
        "issue_time",
    ];
    expected.sort_unstable();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!((own["ttl"].as_u64(), own["creation_ttl"].as_u64()), (Some(3599), Some(3600)));
    let body = json!({"token": token});
    assert_eq!(holder.write("auth/token/lookup-self", json!({})).await.unwrap(), own);
    assert_eq!(house.root().write("auth/token/lookup", body.clone()).await.unwrap(), own);
    assert_eq!(house.root().read("auth/token/lookup").await.unwrap()["id"], house.root);
    let accessor = own["accessor"].clone();
    let by_accessor =
        write(&house, "lookup-accessor", json!({"accessor": accessor})).await.unwrap();
    assert_eq!((&by_accessor["id"], &by_accessor["accessor"]), (&json!(""), &accessor));

    holder.write("auth/token/renew-self", json!({"increment": 60})).await.unwrap();
    let renewed = holder.read("auth/token/lookup-self").await.unwrap();
    assert!(renewed["last_renewal"].is_string() && renewed["last_renewal_time"].is_u64());
    assert_eq!((renewed["ttl"].as_u64(), renewed["creation_ttl"].as_u64()), (Some(60), Some(3600)));
}

#[tokio::test]
async fn what_can_be_no_token_is_no_token() {
    let house = House::new().await;
    for token in [json!([1]), json!({"a": "b"}), json!(["a"]), json!(7)] {
        let refused = write(&house, "lookup", json!({ "token": token })).await;
        assert_eq!(refused, Err(Error::Forbidden("invalid token".to_owned())));
    }
    let refused = write(&house, "lookup", json!({"token": "x".repeat(5000)})).await;
    assert_eq!(refused, Err(Error::Forbidden("bad token".to_owned())));
    assert_eq!(write(&house, "lookup", json!({"token": ""})).await.unwrap()["id"], house.root);
}

// Case 51.
#[tokio::test]
async fn there_is_one_accessor_for_every_token() {
    let house = House::new().await;
    let count =
        async || house.root().list("auth/token/accessors").await.unwrap().as_array().unwrap().len();
    assert_eq!(count().await, 1);
    let token = make(&house.root(), json!({"ttl": "1h"})).await;
    make(&house.holder(&token), json!({"ttl": "1h"})).await;
    assert_eq!(count().await, 3);
    write(&house, "revoke", json!({"token": token})).await.unwrap();
    house.settle().await.unwrap();
    assert_eq!(count().await, 1);
}

// Case 52.
#[tokio::test]
async fn who_knows_an_accessor_renews_and_ends_but_is_not_let_in() {
    let house = House::new().await;
    let made = create(&house.root(), json!({"policies": ["default"], "ttl": "1h"})).await.unwrap();
    let accessor = json!({"accessor": made["accessor"]});
    let body = json!({"accessor": made["accessor"], "increment": "2h"});
    let renewed = write(&house, "renew-accessor", body).await.unwrap();
    assert_eq!((&renewed["client_token"], &renewed["lease_duration"]), (&json!(""), &json!(7200)));
    house.wait(7200);
    // Its time has come, and nobody has cleared it up yet.
    assert_eq!(
        write(&house, "revoke-accessor", accessor.clone()).await,
        invalid("token not found")
    );
    let token = json!({"token": made["client_token"]});
    assert_eq!(write(&house, "renew", token.clone()).await, invalid("lease expired"));
    house.settle().await.unwrap();
    assert_eq!(write(&house, "renew", token).await, invalid("token not found"));
    let again = house.root().ask(Operation::Update, "auth/token/revoke-accessor", accessor).await;
    assert!(matches!(again.outcome, Ok(Reply::Empty)));
    assert_eq!(again.warnings, ["No token found with this accessor"]);
    let missing = Err(Error::InvalidListed("missing accessor".to_owned()));
    for path in ["lookup-accessor", "renew-accessor", "revoke-accessor"] {
        assert_eq!(write(&house, path, json!({})).await, missing);
    }
}

// Case 53.
#[tokio::test]
async fn orphaning_spares_what_lies_below() {
    let house = House::new().await;
    let top = make(&house.root(), json!({"ttl": "1h"})).await;
    let middle = make(&house.holder(&top), json!({"ttl": "1h"})).await;
    let child = make(&house.holder(&middle), json!({"ttl": "1h"})).await;
    let grandchild = make(&house.holder(&child), json!({"ttl": "1h"})).await;
    write(&house, "revoke-orphan", json!({"token": middle})).await.unwrap();
    write(&house, "revoke", json!({"token": top})).await.unwrap();
    house.settle().await.unwrap();
    for (token, good) in [(&top, false), (&middle, false), (&child, true), (&grandchild, true)] {
        assert_eq!(is_good(&house, token).await, good);
    }
    let own = house.holder(&child).read("auth/token/lookup-self").await.unwrap();
    assert_eq!(own["orphan"], true);
    write(&house, "revoke", json!({"token": child})).await.unwrap();
    assert!(!is_good(&house, &grandchild).await);
}

// Case 54.
#[tokio::test]
async fn orphaning_needs_sudo() {
    let house = House::new().await;
    let text = r#"path "auth/token/revoke-orphan" { capabilities = ["update"] }"#;
    let caller = somebody(&house, &[("orphaner", text)]).await;
    let token = make(&house.root(), json!({"policies": ["default"]})).await;
    let refused = caller.write("auth/token/revoke-orphan", json!({"token": token})).await;
    assert_eq!(refused, invalid("root or sudo privileges required to revoke and orphan"));
    let refused = caller.write("auth/token/revoke-orphan", json!({})).await;
    assert_eq!(refused, invalid("token to revoke not found"));
    assert!(is_good(&house, &token).await);
}

/// How many secrets lie in cubbyholes, whoever may reach them.
async fn kept_for_themselves(house: &House) -> usize {
    house.census().await.iter().filter(|key| key.starts_with("cubbyhole/")).count()
}

// Case 55.
#[tokio::test]
async fn what_a_token_keeps_for_itself_ends_with_it_in_the_same_commit() {
    let house = House::new().await;
    let census = house.census().await;
    for way in ["auth/token/revoke", "auth/token/revoke-orphan", "sys/batch"] {
        let token = make(&house.root(), json!({"policies": ["default"], "ttl": "1h"})).await;
        for path in ["cubbyhole/a/b", "cubbyhole/a/c", "cubbyhole/d"] {
            house.holder(&token).write(path, json!({"e": "f"})).await.unwrap();
        }
        assert_eq!(kept_for_themselves(&house).await, 3);
        let named = json!({"token": token});
        let revoke =
            json!({"operation": "update", "path": "auth/token/revoke", "parameters": named});
        let body = if way == "sys/batch" { json!({"operations": [revoke]}) } else { named };
        house.root().write(way, body).await.unwrap();
        assert_eq!(kept_for_themselves(&house).await, 0, "{way}");
    }
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

#[tokio::test]
async fn the_last_use_empties_the_cubbyhole_also_when_it_is_refused() {
    let house = House::new().await;
    for (path, granted) in [("cubbyhole/b", true), ("sys/mounts", false)] {
        let limits = json!({"policies": ["default"], "num_uses": 2});
        let token = make(&house.root(), limits).await;
        let limited = house.holder(&token);
        limited.write("cubbyhole/a", json!({"c": "d"})).await.unwrap();
        let last = limited.write(path, json!({"e": "f"})).await;
        assert_eq!(last.is_ok(), granted, "{path}");
        assert_eq!(kept_for_themselves(&house).await, 0, "{path}");
    }
}

#[tokio::test]
async fn a_large_cubbyhole_is_beyond_reach_at_once_and_emptied_in_pieces() {
    let house = House::new().await;
    let census = house.census().await;
    let token = make(&house.root(), json!({"policies": ["default"], "ttl": "1h"})).await;
    for number in 0..600 {
        let path = format!("cubbyhole/{number}");
        house.holder(&token).write(&path, json!({"a": "b"})).await.unwrap();
    }
    write(&house, "revoke", json!({"token": token})).await.unwrap();
    assert!(!is_good(&house, &token).await);
    let left = kept_for_themselves(&house).await;
    assert!((1..600).contains(&left), "one commit takes some, and not all: {left}");
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

// Cases 86 and 98.
#[tokio::test]
async fn what_has_ended_while_nobody_looked_is_ended_by_whoever_comes_next() {
    let mut house = House::new().await;
    let census = house.census().await;
    let short = make(&house.root(), json!({"policies": ["default"], "ttl": 60})).await;
    let long = make(&house.root(), json!({"policies": ["default"], "ttl": 100})).await;
    house.nodes[0].seal();
    house.wait(99);
    house.restart(1).await;
    assert!(!is_good(&house, &short).await);
    assert!(is_good(&house, &long).await);
    let renewed = house.holder(&long).write("auth/token/renew-self", json!({})).await.unwrap();
    assert_eq!(renewed["lease_duration"], 100, "in the last second");
    house.wait(99);
    house.settle().await.unwrap();
    assert!(is_good(&house, &long).await);
    house.wait(1);
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

// Case 87: nothing dangles, so there is nothing to find.
#[tokio::test]
async fn tidying_answers_as_expected_and_changes_nothing() {
    let house = furnished().await;
    let token = make(&house.root(), json!({"ttl": "1h"})).await;
    make(&house.holder(&token), json!({"ttl": "1h"})).await;
    house.stranger().login("mitchellh", "foo").await.unwrap();
    let census = house.census().await;
    let answer = house.root().ask(Operation::Update, "auth/token/tidy", json!({})).await;
    assert!(matches!(answer.outcome, Ok(Reply::Accepted)));
    let text = "Tidy operation successfully started. Any information from the operation will be \
                printed to Vault's server logs.";
    assert_eq!(answer.warnings, [text]);
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

// Case 95, and an increment that shortens.
#[tokio::test]
async fn a_renewal_asks_for_time_from_now() {
    let house = House::new().await;
    let token = make(&house.root(), json!({"policies": ["default"], "ttl": "1h"})).await;
    let renew = async |body: Value| {
        let renewed = house.holder(&token).write("auth/token/renew-self", body).await.unwrap();
        renewed["lease_duration"].as_u64().unwrap()
    };
    house.wait(1000);
    assert_eq!(renew(json!({})).await, 3600, "what was last granted");
    assert_eq!(renew(json!({"increment": "10m"})).await, 600);
    assert_eq!(renew(json!({"increment": 0})).await, 600, "what was last granted");
    let body = json!({"increment": "2000h"});
    let answer = house.holder(&token).ask(Operation::Update, "auth/token/renew-self", body).await;
    assert_eq!(answer.warnings.len(), 1, "{:?}", answer.warnings);
    assert!(answer.warnings[0].starts_with("TTL of \"2000h\" exceeded the effective max_ttl of "));
}

// Case 99.
#[tokio::test]
async fn a_periodic_token_ends_one_period_after_its_last_renewal() {
    let house = House::new().await;
    let token = make(&house.root(), json!({"policies": ["default"], "period": "1h"})).await;
    for _ in 0..1000 {
        house.wait(3599);
        let renewed = house.holder(&token).write("auth/token/renew-self", json!({})).await.unwrap();
        assert_eq!(renewed["lease_duration"], 3600);
    }
    house.wait(3600);
    assert!(!is_good(&house, &token).await);
}

#[tokio::test]
async fn renewals_that_cannot_be_say_why() {
    let house = House::new().await;
    let fixed = json!({"policies": ["default"], "renewable": false, "ttl": "1h"});
    let fixed = make(&house.root(), fixed).await;
    for (body, refusal) in [
        (json!({}), "missing token ID"),
        (json!({"token": "nope"}), "token not found"),
        (json!({"token": house.root}), "invalid lease ID"),
        (json!({"token": fixed}), "lease is not renewable"),
    ] {
        assert_eq!(write(&house, "renew", body).await, invalid(refusal));
    }
    let ending = json!({"policies": ["default"], "ttl": "1h", "explicit_max_ttl": "90m"});
    let ending = make(&house.root(), ending).await;
    house.wait(3000);
    let renewed = house.holder(&ending).write("auth/token/renew-self", json!({})).await.unwrap();
    assert_eq!(renewed["lease_duration"], 2400);
}

/// Whom the token was given to is gone: it keeps the time it has, and whoever has only its accessor
/// is told that nothing came of it.
#[tokio::test]
async fn a_token_whose_user_is_gone_is_not_renewed() {
    let house = furnished().await;
    let login = house
        .stranger()
        .write("auth/userpass/login/mitchellh", json!({"password": "foo"}))
        .await
        .unwrap();
    let token = login["client_token"].as_str().unwrap();
    house.root().delete("auth/userpass/users/mitchellh").await.unwrap();
    house.wait(60);
    let body = json!({"token": token});
    let answer = house.root().ask(Operation::Update, "auth/token/renew", body).await;
    assert!(matches!(answer.outcome, Ok(Reply::Empty)));
    let refused = write(&house, "renew-accessor", json!({"accessor": login["accessor"]})).await;
    assert_eq!(refused, Err(Error::Failed("failed to lookup the token".to_owned())));
    let own = house.holder(token).read("auth/token/lookup-self").await.unwrap();
    assert_eq!(own["ttl"], 2_764_800 - 60);
    assert!(own.get("last_renewal").is_none());
}

// C.14: the last root token may end itself.
#[tokio::test]
async fn root_ends_itself_if_it_wants_to() {
    let house = House::new().await;
    write(&house, "revoke-self", json!({})).await.unwrap();
    assert!(!is_good(&house, &house.root).await);
}
