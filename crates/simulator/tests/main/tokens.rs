//! Making, looking up, renewing and ending tokens.

use api::{Error, Operation};
use serde_json::{Value, json};
use simulator::{Caller, House};

pub(crate) async fn make(caller: &Caller, body: Value) -> String {
    let made = caller.write("auth/token/create", body).await.unwrap();
    made["client_token"].as_str().unwrap().to_owned()
}

pub(crate) async fn is_good(house: &House, token: &str) -> bool {
    house.holder(token).read("auth/token/lookup-self").await.is_ok()
}

pub(crate) fn invalid(text: &str) -> Result<Value, Error> {
    Err(Error::invalid(text))
}

#[tokio::test]
async fn the_first_root_token_never_ends() {
    let house = House::new().await;
    let own = house.root().read("auth/token/lookup-self").await.unwrap();
    for (key, expected) in [
        ("id", json!(house.root)),
        ("policies", json!(["root"])),
        ("path", json!("auth/token/root")),
        ("display_name", json!("root")),
        ("expire_time", Value::Null),
        ("ttl", json!(0)),
        ("creation_ttl", json!(0)),
        ("orphan", json!(true)),
        ("meta", Value::Null),
        ("type", json!("service")),
    ] {
        assert_eq!(own[key], expected, "{key}");
    }
    assert!(own.get("renewable").is_none() && own.get("issue_time").is_none());
}

#[tokio::test]
async fn a_whole_tree_ends_with_its_root_at_once_and_leaves_nothing() {
    let house = House::new().await;
    let census = house.census().await;
    let top = make(&house.root(), json!({"policies": ["root"], "ttl": "1h"})).await;
    let mut tree = vec![top.clone()];
    for depth in 0..3 {
        let parent = tree[depth].clone();
        tree.push(make(&house.holder(&parent), json!({"ttl": "1h"})).await);
        house.holder(&parent).write("cubbyhole/note", json!({"a": "b"})).await.unwrap();
    }
    house.root().write("auth/token/revoke", json!({"token": top})).await.unwrap();
    for token in &tree {
        assert!(!is_good(&house, token).await);
    }
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

#[tokio::test]
async fn children_outlive_neither_their_parent_s_time_nor_its_revocation() {
    let house = House::new().await;
    let parent = make(&house.root(), json!({"policies": ["root"], "ttl": 60})).await;
    let child = make(&house.holder(&parent), json!({"ttl": "10h"})).await;
    house.wait(60);
    assert!(!is_good(&house, &child).await);
}

#[tokio::test]
async fn orphans_live_on() {
    let house = House::new().await;
    let parent = make(&house.root(), json!({"policies": ["root"], "ttl": "1h"})).await;
    let holder = house.holder(&parent);
    let child = make(&holder, json!({"ttl": "1h"})).await;
    let orphan = make(&holder, json!({"ttl": "1h", "no_parent": true})).await;
    house.root().write("auth/token/revoke-orphan", json!({"token": parent})).await.unwrap();
    assert!(!is_good(&house, &parent).await);
    for token in [&child, &orphan] {
        let own = house.holder(token).read("auth/token/lookup-self").await.unwrap();
        assert_eq!(own["orphan"], true);
    }
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let house = House::new().await;
    let root = house.root();
    let text = r#"path "auth/token/create*" { capabilities = ["update"] }"#;
    root.write("sys/policies/acl/maker", json!({"policy": text})).await.unwrap();
    let maker = house.holder(&make(&root, json!({"policies": ["maker"]})).await);
    let create = async |body| maker.write("auth/token/create", body).await;
    assert_eq!(
        create(json!({"policies": ["other"]})).await,
        invalid("child policies must be subset of parent")
    );
    assert_eq!(
        create(json!({"policies": ["root"]})).await,
        invalid("child policies must be subset of parent")
    );
    assert_eq!(
        create(json!({"id": "mine"})).await,
        invalid("root or sudo privileges required to specify token id")
    );
    assert_eq!(
        create(json!({"no_parent": true})).await,
        invalid("root or sudo privileges required to create orphan token")
    );
    assert_eq!(
        create(json!({"period": "1h"})).await,
        invalid("root or sudo privileges required to create periodic token")
    );
    assert_eq!(
        create(json!({"period": "0s"})).await.unwrap()["policies"],
        json!(["default", "maker"])
    );
    assert_eq!(
        create(json!({"no_default_policy": true})).await.unwrap()["policies"],
        json!(["maker"])
    );

    let sudo = r#"path "auth/token/create" { capabilities = ["update", "sudo"] }"#;
    root.write("sys/policies/acl/sudo", json!({"policy": sudo})).await.unwrap();
    let sudoer = house.holder(&make(&root, json!({"policies": ["sudo"]})).await);
    let refused = sudoer.write("auth/token/create", json!({"policies": ["ROOT"]})).await;
    assert_eq!(refused, invalid("root tokens may not be created without parent token being root"));
    sudoer.write("auth/token/create", json!({"policies": ["anything"]})).await.unwrap();
}

#[tokio::test]
async fn root_that_ends_makes_no_root_that_does_not() {
    let house = House::new().await;
    let ending = house.holder(&make(&house.root(), json!({"ttl": "1h"})).await);
    let refused = ending.write("auth/token/create", json!({})).await;
    assert_eq!(refused, invalid("expiring root tokens cannot create non-expiring root tokens"));
    ending.write("auth/token/create", json!({"ttl": "1h"})).await.unwrap();
}

#[tokio::test]
async fn tokens_of_one_s_own_choice() {
    let house = House::new().await;
    let root = house.root();
    let create = async |id: &str| root.write("auth/token/create", json!({"id": id})).await;
    assert_eq!(create("my-token").await.unwrap()["client_token"], "my-token");
    assert!(is_good(&house, "my-token").await);
    assert_eq!(create("my-token").await, invalid("cannot create a token with a duplicate ID"));
    assert_eq!(create("hvs.x").await, invalid("custom token ID cannot have the 'hvs.' prefix"));
    assert_eq!(create("s.x").await, invalid("custom token ID cannot have the 's.' prefix"));
    assert_eq!(create("a.b").await, invalid("custom token ID cannot have a '.' in the value"));
}

#[tokio::test]
async fn accessors_name_tokens_without_being_them() {
    let house = House::new().await;
    let root = house.root();
    let made = root
        .write("auth/token/create", json!({"policies": ["default"], "ttl": "1h"}))
        .await
        .unwrap();
    let accessor = made["accessor"].as_str().unwrap();
    let seen =
        root.write("auth/token/lookup-accessor", json!({"accessor": accessor})).await.unwrap();
    assert_eq!((seen["id"].as_str(), seen["accessor"].as_str()), (Some(""), Some(accessor)));
    assert_eq!(
        house.holder(accessor).read("auth/token/lookup-self").await,
        Err(Error::UnknownToken)
    );
    let renewed = root
        .write("auth/token/renew-accessor", json!({"accessor": accessor, "increment": "2h"}))
        .await
        .unwrap();
    assert_eq!(
        (renewed["client_token"].as_str(), renewed["lease_duration"].as_u64()),
        (Some(""), Some(7200))
    );
    assert_eq!(root.list("auth/token/accessors").await.unwrap().as_array().unwrap().len(), 2);
    root.write("auth/token/revoke-accessor", json!({"accessor": accessor})).await.unwrap();
    assert!(!is_good(&house, made["client_token"].as_str().unwrap()).await);
    let again = root
        .ask(Operation::Update, "auth/token/revoke-accessor", json!({"accessor": accessor}))
        .await;
    assert!(again.outcome.is_ok());
    assert_eq!(again.warnings, ["No token found with this accessor"]);
}

#[tokio::test]
async fn refusals_say_what_is_wrong() {
    let house = House::new().await;
    let root = house.root();
    let write = async |path: &str, body| root.write(&format!("auth/token/{path}"), body).await;
    assert_eq!(
        write("lookup", json!({"token": "nope"})).await,
        Err(Error::Forbidden("bad token".into()))
    );
    assert_eq!(write("renew", json!({})).await, invalid("missing token ID"));
    assert_eq!(write("renew", json!({"token": "nope"})).await, invalid("token not found"));
    assert_eq!(write("renew-self", json!({})).await, invalid("invalid lease ID"));
    assert_eq!(write("revoke", json!({})).await, invalid("missing token ID"));
    assert_eq!(write("revoke", json!({"token": "nope"})).await, Ok(Value::Null));
    assert_eq!(
        write("revoke-orphan", json!({"token": "nope"})).await,
        invalid("token to revoke not found")
    );
    assert_eq!(
        write("create", json!({"type": "nope"})).await,
        invalid("invalid 'token_type' value")
    );
    assert_eq!(
        write("create", json!({"policies": ["response-wrapping"]})).await,
        invalid("cannot assign policy \"response-wrapping\"")
    );
    let stranger = house.stranger().read("auth/token/lookup-self").await;
    assert_eq!(stranger, Err(Error::Unauthenticated));
}

#[tokio::test]
async fn names_and_times_are_as_asked_for() {
    let house = House::new().await;
    let body =
        json!({"display_name": "foo_bar.baz!", "ttl": "90m", "meta": {"a": "b"}, "policies": "p"});
    let made = house.root().ask(Operation::Update, "auth/token/create", body).await;
    assert_eq!(made.warnings, ["Policy \"p\" does not exist"]);
    let Ok(api::Reply::Auth(auth)) = made.outcome else { panic!() };
    assert_eq!(
        (auth.lease_duration, auth.policies.as_slice()),
        (5400, &["default".to_owned(), "p".to_owned()][..])
    );
    let own = house.holder(&auth.client_token).read("auth/token/lookup-self").await.unwrap();
    assert_eq!(own["display_name"], "token-foo-bar-baz");
    assert_eq!(own["meta"], json!({"a": "b"}));
    assert_eq!(own["creation_ttl"], 5400);
    assert!(own.get("last_renewal").is_none());
    house.wait(10);
    let renewed = house.holder(&auth.client_token);
    renewed.write("auth/token/renew-self", json!({"increment": 60})).await.unwrap();
    let own = renewed.read("auth/token/lookup-self").await.unwrap();
    assert_eq!((own["ttl"].as_u64(), own["creation_ttl"].as_u64()), (Some(60), Some(5400)));
    assert!(own["last_renewal_time"].is_number());
}

#[tokio::test]
async fn tokens_that_are_bound_to_networks_work_only_there() {
    let house = crate::walk::furnished().await;
    let bound = json!({"token_bound_cidrs": "10.0.0.0/8"});
    house.root().write("auth/userpass/users/mitchellh", bound).await.unwrap();
    let login =
        async |address: &str| house.stranger().from(address).login("mitchellh", "foo").await;
    assert_eq!(login("192.168.0.1").await, Err(Error::invalid("invalid username or password")));
    let token = login("10.1.2.3").await.unwrap();
    house.holder(&token).from("10.9.9.9").read("auth/token/lookup-self").await.unwrap();
    for caller in [house.holder(&token).from("192.168.0.1"), house.holder(&token)] {
        assert_eq!(caller.read("auth/token/lookup-self").await, Err(Error::Unauthenticated));
    }
}
