//! Who may make which tokens, and what they get. Numbers are those of the cases clients know.

use api::{Error, Operation, Reply};
use serde_json::{Value, json};
use simulator::{Caller, House};

use crate::tokens::{invalid, is_good, make};

/// Somebody whose token has the policies `names`, each of which allows what its text says.
pub(crate) async fn somebody(house: &House, policies: &[(&str, &str)]) -> Caller {
    for (name, text) in policies {
        let path = format!("sys/policies/acl/{name}");
        house.root().write(&path, json!({"policy": text})).await.unwrap();
    }
    let names: Vec<_> = policies.iter().map(|(name, _)| *name).collect();
    house.holder(&make(&house.root(), json!({"policies": names})).await)
}

pub(crate) const MAKER: &str = r#"path "auth/token/create*" { capabilities = ["update"] }"#;
pub(crate) const SUDOER: &str =
    r#"path "auth/token/create*" { capabilities = ["update", "sudo"] }"#;

pub(crate) async fn create(caller: &Caller, body: Value) -> Result<Value, Error> {
    caller.write("auth/token/create", body).await
}

async fn own(house: &House, made: &Value) -> Value {
    let token = made["client_token"].as_str().unwrap();
    house.holder(token).read("auth/token/lookup-self").await.unwrap()
}

// Case 91.
#[tokio::test]
async fn what_root_makes_without_a_word_is_root_without_end() {
    let house = House::new().await;
    let made = create(&house.root(), json!({})).await.unwrap();
    for (key, expected) in [
        ("policies", json!(["root"])),
        ("token_policies", json!(["root"])),
        ("metadata", Value::Null),
        ("lease_duration", json!(0)),
        ("renewable", json!(false)),
        ("orphan", json!(false)),
        ("num_uses", json!(0)),
        ("entity_id", json!("")),
        ("token_type", json!("service")),
        ("mfa_requirement", Value::Null),
    ] {
        assert_eq!(made[key], expected, "{key}");
    }
    assert!(made.get("identity_policies").is_none());
    let renewed = house.holder(made["client_token"].as_str().unwrap());
    let refused = renewed.write("auth/token/renew-self", json!({})).await;
    assert_eq!(refused, invalid("lease is not renewable"));
}

// Case 36.
#[tokio::test]
async fn tokens_begin_with_the_prefix_of_their_kind() {
    let house = House::new().await;
    let service = make(&house.root(), json!({"policies": ["default"]})).await;
    assert!(service.starts_with("hvs.") && service.len() == 60);
    let batch = make(&house.root(), json!({"policies": ["default"], "type": "batch"})).await;
    assert!(batch.starts_with("hvb."));
}

/// Every mistake there can be, in the order they are told; each is mended for the next.
#[tokio::test]
async fn of_several_mistakes_the_expected_one_is_told() {
    let house = House::new().await;
    let maker = somebody(&house, &[("maker", MAKER)]).await;
    let mut body = json!({
        "type": "batch", "explicit_max_ttl": "abc", "num_uses": -1, "period": "abc",
        "entity_alias": "bob", "id": "hvs.x", "policies": ["root"], "no_parent": true,
        "ttl": "-1s", "lease": "-1s"
    });
    for (refusal, key, mended) in [
        ("'explicit_max_ttl' value could not be parsed", "explicit_max_ttl", json!("1h")),
        ("batch tokens cannot have \"explicit_max_ttl\" set", "explicit_max_ttl", json!("-1s")),
        ("batch tokens cannot have \"num_uses\" set", "num_uses", json!(0)),
        ("'period' value could not be parsed", "period", json!("1h")),
        ("batch tokens cannot have \"period\" set", "type", json!("nope")),
        ("invalid 'token_type' value", "type", json!("service")),
    ] {
        assert_eq!(create(&maker, body.clone()).await, invalid(refusal));
        body[key] = mended;
    }
    body["num_uses"] = json!(-1);
    for (refusal, key, mended) in [
        ("number of uses cannot be negative", "num_uses", json!("1")),
        (
            "'entity_alias' is only allowed in combination with token role",
            "entity_alias",
            Value::Null,
        ),
        ("root or sudo privileges required to specify token id", "id", json!("")),
        ("child policies must be subset of parent", "policies", json!(["maker"])),
        ("root or sudo privileges required to create orphan token", "no_parent", json!(false)),
        ("explicit_max_ttl must be positive", "explicit_max_ttl", json!("abc")),
        ("time: invalid duration; try \"1h30m\"", "explicit_max_ttl", json!("")),
        ("ttl must be positive", "ttl", json!("")),
        ("lease must be positive", "lease", json!("1h")),
        ("root or sudo privileges required to create periodic token", "period", json!("-5")),
        ("period must be positive", "period", json!("0s")),
    ] {
        assert_eq!(create(&maker, body.clone()).await, invalid(refusal));
        body[key] = mended;
    }
    let made = create(&maker, body).await.unwrap();
    assert_eq!((made["lease_duration"].as_u64(), made["num_uses"].as_u64()), (Some(3600), Some(1)));
}

// Cases 43 and 37: what only holders of sudo get to.
#[tokio::test]
async fn holders_of_sudo_give_anything_but_root() {
    let house = House::new().await;
    let sudoer = somebody(&house, &[("sudoer", SUDOER)]).await;
    let refused = create(&sudoer, json!({"policies": ["root"], "type": "batch"})).await;
    assert_eq!(refused, invalid("root tokens may not be created without parent token being root"));
    let refused = create(&house.root(), json!({"policies": ["root"], "type": "batch"})).await;
    assert_eq!(refused, invalid("batch tokens cannot be root tokens"));
    let made = create(&sudoer, json!({"policies": ["b", "A"], "period": "1h", "id": "mine"}));
    let made = made.await.unwrap();
    assert_eq!(made["policies"], json!(["a", "b", "default"]));
    assert_eq!(own(&house, &made).await["period"], 3600);
    for (id, refusal) in [
        ("hvs.x", "custom token ID cannot have the 'hvs.' prefix"),
        ("s.x", "custom token ID cannot have the 's.' prefix"),
        ("foo.bar", "custom token ID cannot have a '.' in the value"),
        ("mine", "cannot create a token with a duplicate ID"),
    ] {
        assert_eq!(create(&sudoer, json!({"id": id})).await, invalid(refusal), "{id}");
    }
}

// Cases 45 and 46.
#[tokio::test]
async fn orphans_are_made_by_two_doors_and_say_so() {
    let house = House::new().await;
    let maker = somebody(&house, &[("maker", MAKER)]).await;
    let by_door = maker.write("auth/token/create-orphan", json!({})).await.unwrap();
    let by_word = create(&house.root(), json!({"no_parent": true, "ttl": "1h"})).await.unwrap();
    for made in [by_door, by_word] {
        assert_eq!(made["orphan"], true);
        assert_eq!(own(&house, &made).await["orphan"], true);
    }
}

// Case 47.
#[tokio::test]
async fn meta_comes_back_as_it_was_sent_and_ttl_goes_by_two_names() {
    let house = House::new().await;
    let root = house.root();
    for (body, meta, ttl) in [
        (json!({"ttl": "1h"}), Value::Null, 3600),
        (json!({"lease": "1h", "meta": {}}), json!({}), 3600),
        (json!({"ttl": 60, "lease": "1h", "meta": {"a": "b"}}), json!({"a": "b"}), 60),
    ] {
        let made = create(&root, body).await.unwrap();
        assert_eq!((&made["metadata"], made["lease_duration"].as_u64()), (&meta, Some(ttl)));
        assert_eq!(own(&house, &made).await["meta"], meta);
    }
}

// Case 44.
#[tokio::test]
async fn root_with_only_a_last_end_lives_until_then() {
    let house = House::new().await;
    let made = create(&house.root(), json!({"explicit_max_ttl": "2h"})).await.unwrap();
    assert_eq!(
        (made["lease_duration"].as_u64(), made["renewable"].as_bool()),
        (Some(7200), Some(true))
    );
    let ending = house.holder(made["client_token"].as_str().unwrap());
    let refused = create(&ending, json!({})).await;
    assert_eq!(refused, invalid("expiring root tokens cannot create non-expiring root tokens"));
    assert!(create(&ending, json!({"period": "1h"})).await.is_ok());
}

// Case 85.
#[tokio::test]
async fn networks_go_from_parent_to_child_but_not_to_orphans() {
    let house = House::new().await;
    let root = house.root();
    let role = json!({"token_bound_cidrs": "10.0.0.0/8", "allowed_policies": "sudoer"});
    root.write("auth/token/roles/inside", role).await.unwrap();
    root.write("sys/policies/acl/sudoer", json!({"policy": SUDOER})).await.unwrap();
    let bound = root.write("auth/token/create/inside", json!({})).await.unwrap();
    let bound = house.holder(bound["client_token"].as_str().unwrap());
    assert_eq!(create(&bound, json!({})).await, Err(Error::Unauthenticated));
    let inside = bound.from("10.1.2.3");
    let networks = async |made: Value| {
        let token = made["client_token"].as_str().unwrap().to_owned();
        let lookup = root.write("auth/token/lookup", json!({"token": token})).await.unwrap();
        lookup.get("bound_cidrs").cloned()
    };
    let child = create(&inside, json!({})).await.unwrap();
    assert_eq!(networks(child).await, Some(json!(["10.0.0.0/8"])));
    let orphan = create(&inside, json!({"no_parent": true})).await.unwrap();
    assert_eq!(networks(orphan).await, None);

    let role = json!({"token_bound_cidrs": "192.168.0.1/32", "allowed_policies": "sudoer,root"});
    root.write("auth/token/roles/other", role).await.unwrap();
    let replaced = inside.write("auth/token/create/other", json!({"policies": ["sudoer"]})).await;
    assert_eq!(networks(replaced.unwrap()).await, Some(json!(["192.168.0.1"])));
    let asked = async |body| root.write("auth/token/create/other", body).await.unwrap();
    assert_eq!(networks(asked(json!({"policies": ["root"]})).await).await, None);
    let ending = asked(json!({"policies": ["root"], "period": "1h"})).await;
    assert_eq!(networks(ending).await, Some(json!(["192.168.0.1"])));
}

#[tokio::test]
async fn warnings_come_in_one_order() {
    let house = House::new().await;
    let root = house.root();
    let role = json!({"token_explicit_max_ttl": "2h", "token_period": "1h"});
    root.write("auth/token/roles/r", role).await.unwrap();
    let body = json!({
        "explicit_max_ttl": "1000h", "period": "3h", "policies": ["nope", "Also"], "ttl": "1h",
        "unknown": 1
    });
    let answer = root.ask(Operation::Update, "auth/token/create/r", body).await;
    assert_eq!(
        answer.warnings,
        [
            "Explicit max TTL specified both during creation call and in role; using the lesser \
             value of 7200 seconds",
            "Period specified both during creation call and in role; using the lesser value of \
             3600 seconds",
            "Policy \"also\" does not exist",
            "Policy \"nope\" does not exist",
            "Endpoint ignored these unrecognized parameters: [unknown]",
        ]
    );
    let Ok(Reply::Auth(auth)) = answer.outcome else { panic!() };
    assert_eq!(auth.lease_duration, 3600);
}

// C.6: whose a token is.
#[tokio::test]
async fn children_belong_to_whom_their_parents_belong_and_orphans_to_nobody() {
    let house = crate::walk::furnished().await;
    house.root().write("sys/policies/acl/maker", json!({"policy": MAKER})).await.unwrap();
    let user = json!({"token_policies": "maker"});
    house.root().write("auth/userpass/users/mitchellh", user).await.unwrap();
    let token = house.stranger().login("mitchellh", "foo").await.unwrap();
    let user = house.holder(&token);
    let entity = user.read("auth/token/lookup-self").await.unwrap()["entity_id"].clone();
    assert!(entity.as_str().is_some_and(|id| !id.is_empty()));
    for kind in ["service", "batch"] {
        let child = create(&user, json!({"type": kind})).await.unwrap();
        assert_eq!(child["entity_id"], entity, "{kind}");
        assert_eq!(own(&house, &child).await["entity_id"], entity, "{kind}");
    }
    let orphan = user.write("auth/token/create-orphan", json!({})).await.unwrap();
    assert_eq!(orphan["entity_id"], "");
}

/// A request that nobody may make costs nothing but the answer.
#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let house = House::new().await;
    let root = house.root();
    let role = json!({"allowed_entity_aliases": "*", "allowed_policies": "a"});
    root.write("auth/token/roles/r", role).await.unwrap();
    let census = house.census().await;
    for body in [
        json!({"entity_alias": "bob", "policies": ["b"]}),
        json!({"entity_alias": "bob", "ttl": "abc"}),
        json!({"entity_alias": "bob", "id": "hvs.x"}),
        json!({"entity_alias": "bob", "display_name": "x".repeat(600)}),
    ] {
        assert!(root.write("auth/token/create/r", body).await.is_err());
    }
    assert_eq!(house.census().await, census);
    assert!(is_good(&house, &house.root).await);
}

#[tokio::test]
async fn a_limit_under_a_second_is_a_limit() {
    let house = House::new().await;
    for limit in ["ttl", "explicit_max_ttl", "period"] {
        let made = create(&house.root(), json!({ limit: "500ms" })).await.unwrap();
        assert_eq!(made["lease_duration"], 1, "{limit}");
        let token = made["client_token"].as_str().unwrap().to_owned();
        assert!(is_good(&house, &token).await, "{limit}");
        house.wait(2);
        assert!(!is_good(&house, &token).await, "{limit}");
    }
    house.root().write("sys/auth/userpass", json!({"type": "userpass"})).await.unwrap();
    let user = json!({
        "password": "correct horse battery", "token_ttl": "500ms", "token_max_ttl": "0.5s",
        "token_explicit_max_ttl": "1ms", "token_period": "1ns",
    });
    house.root().write("auth/userpass/users/ann", user).await.unwrap();
    let kept = house.root().read("auth/userpass/users/ann").await.unwrap();
    for limit in ["token_ttl", "token_max_ttl", "token_explicit_max_ttl", "token_period"] {
        assert_eq!(kept[limit], 1, "{limit}");
    }
}
