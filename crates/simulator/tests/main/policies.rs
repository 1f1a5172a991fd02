//! Writing policies, and what they then decide.

use api::{Error, Operation};
use serde_json::{Value, json};
use simulator::House;

#[tokio::test]
async fn policies_are_listed_with_root_at_the_end() {
    let house = House::new().await;
    let root = house.root();
    assert_eq!(root.list("sys/policies/acl").await.unwrap(), json!(["default", "root"]));
    let text = json!({"policy": "path \"a\" {}"});
    let folded = root.ask(Operation::Update, "sys/policies/acl/Dev", text).await;
    assert!(folded.outcome.is_ok());
    assert_eq!(folded.warnings, ["policy name was converted to dev"]);
    assert_eq!(
        root.read("sys/policy").await.unwrap()["policies"],
        json!(["default", "dev", "root"])
    );
    assert_eq!(
        root.read("sys/policy/DEV").await.unwrap(),
        json!({"name": "dev", "rules": "path \"a\" {}"})
    );
    assert_eq!(
        root.read("sys/policies/acl/root").await.unwrap(),
        json!({"name": "root", "policy": ""})
    );
    assert_eq!(root.read("sys/policies/acl/nope").await, Err(Error::Missing));
    let base64 = data_encoding::BASE64.encode(b"path \"b\" {}");
    root.write("sys/policies/acl/dev", json!({"policy": base64})).await.unwrap();
    assert_eq!(root.read("sys/policies/acl/dev").await.unwrap()["policy"], "path \"b\" {}");
    root.delete("sys/policies/acl/dev").await.unwrap();
    assert_eq!(root.read("sys/policies/acl/dev").await, Err(Error::Missing));
}

#[tokio::test]
async fn some_policies_are_not_for_writing() {
    let house = House::new().await;
    let root = house.root();
    let text = || json!({"policy": "path \"a\" {}"});
    for (outcome, expected) in [
        (root.write("sys/policies/acl/root", text()).await, "cannot update \"root\" policy"),
        (root.write("sys/policy/ROOT", text()).await, "cannot update \"root\" policy"),
        (root.delete("sys/policies/acl/root").await, "cannot delete \"root\" policy"),
        (root.delete("sys/policies/acl/default").await, "cannot delete default policy"),
        (
            root.write("sys/policies/acl/response-wrapping", text()).await,
            "cannot update \"response-wrapping\" policy",
        ),
        (
            root.write("sys/policies/acl/x", json!({})).await,
            "'policy' parameter not supplied or empty",
        ),
    ] {
        assert_eq!(outcome, Err(Error::invalid(expected)));
    }
}

#[tokio::test]
async fn a_policy_that_does_not_parse_is_refused_with_line_and_column() {
    let house = House::new().await;
    let text = "path \"a\" {\n  capabilities = [\"read\"]\n  bad = 1\n}";
    let Err(Error::Invalid(text)) =
        house.root().write("sys/policies/acl/x", json!({"policy": text})).await
    else {
        panic!()
    };
    assert!(text.contains("line 3") && text.contains("column"), "{text}");
    assert_eq!(house.root().read("sys/policies/acl/x").await, Err(Error::Missing));
}

#[tokio::test]
async fn the_older_form_takes_rules_and_says_so() {
    let house = House::new().await;
    let answer = house
        .root()
        .ask(Operation::Update, "sys/policy/x", json!({"rules": "path \"a\" {}"}))
        .await;
    assert_eq!(answer.warnings, ["'rules' is deprecated, please use 'policy' instead"]);
}

#[tokio::test]
async fn changes_hold_for_live_tokens_from_that_moment_on() {
    let house = House::new().await;
    let root = house.root();
    let made = root.write("auth/token/create", json!({"policies": ["p"]})).await.unwrap();
    let caller = house.holder(made["client_token"].as_str().unwrap());
    assert_eq!(caller.read("sys/mounts").await, Err(Error::Denied));
    root.write(
        "sys/policies/acl/p",
        json!({"policy": "path \"sys/mounts\" { policy = \"read\" }"}),
    )
    .await
    .unwrap();
    caller.read("sys/mounts").await.unwrap();
    root.delete("sys/policies/acl/p").await.unwrap();
    assert_eq!(caller.read("sys/mounts").await, Err(Error::Denied));
}

#[tokio::test]
async fn parameters_are_judged_after_the_path() {
    let house = House::new().await;
    let root = house.root();
    root.write("sys/mounts/kv", json!({"type": "kv"})).await.unwrap();
    let text = r#"path "kv/a" { capabilities = ["create", "update"]
                  allowed_parameters = { "color" = ["red"] } }"#;
    root.write("sys/policies/acl/p", json!({"policy": text})).await.unwrap();
    let made = root.write("auth/token/create", json!({"policies": ["p"]})).await.unwrap();
    let caller = house.holder(made["client_token"].as_str().unwrap());
    caller.write("kv/a", json!({"color": "red"})).await.unwrap();
    assert_eq!(caller.write("kv/a", json!({"color": "blue"})).await, Err(Error::Denied));
    assert_eq!(caller.write("kv/a", json!({"size": "red"})).await, Err(Error::Denied));
}

#[tokio::test]
async fn capabilities_are_what_would_be_decided() {
    let house = House::new().await;
    let root = house.root();
    let ask = async |caller: &simulator::Caller, paths: Value| {
        caller.write("sys/capabilities-self", json!({"paths": paths})).await.unwrap()
    };
    assert_eq!(
        ask(&root, json!(["kv/x"])).await,
        json!({"kv/x": ["root"], "capabilities": ["root"]})
    );
    let text = r#"path "kv/x" { capabilities = ["update", "sudo", "read"] }"#;
    root.write("sys/policies/acl/p", json!({"policy": text})).await.unwrap();
    let made = root.write("auth/token/create", json!({"policies": ["p"]})).await.unwrap();
    let caller = house.holder(made["client_token"].as_str().unwrap());
    assert_eq!(
        ask(&caller, json!(["kv/x", "kv/y"])).await,
        json!({"kv/x": ["read", "sudo", "update"], "kv/y": ["deny"]})
    );
    let refused = root.write("sys/capabilities-self", json!({})).await;
    assert_eq!(refused, Err(Error::invalid("paths must be supplied")));
}
