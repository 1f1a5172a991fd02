//! Password policies over the API. All of it is case 157 of policies.

use api::Error;
use serde_json::{Value, json};
use simulator::{Caller, House};

const TEXT: &str = "length = 20\nrule \"charset\" {\n  charset = \"abcdef\"\n  min-chars = 2\n}\n\
                    rule \"charset\" {\n  charset = \"0123456789\"\n  min-chars = 3\n}";

async fn write(root: &Caller, name: &str, policy: Value) -> Result<Value, Error> {
    root.write(&format!("sys/policies/password/{name}"), json!({ "policy": policy })).await
}

fn refused(text: &str) -> Result<Value, Error> {
    Err(Error::InvalidListed(text.to_owned()))
}

#[tokio::test]
async fn a_password_policy_is_written_read_listed_and_removed() {
    let house = House::new().await;
    let root = house.root();
    assert_eq!(root.list("sys/policies/password").await, Err(Error::Missing));
    let census = house.census().await;
    for name in ["web", "team/db", "team/apps/ci", "Web"] {
        assert_eq!(write(&root, name, json!(TEXT)).await, Ok(Value::Null));
    }
    let path = "sys/policies/password/team/db";
    assert_eq!(root.read(path).await.unwrap(), json!({ "policy": TEXT }));
    let names = root.list("sys/policies/password").await.unwrap();
    assert_eq!(names, json!(["Web", "team/apps/ci", "team/db", "web"]));
    for name in ["web", "team/db", "team/apps/ci", "Web", "nobody"] {
        root.delete(&format!("sys/policies/password/{name}")).await.unwrap();
    }
    assert_eq!(house.census().await, census);
    let missing = Err(Error::MissingBecause("policy does not exist".to_owned()));
    assert_eq!(root.read(path).await, missing);
    assert_eq!(root.read(&format!("{path}/generate")).await, missing);
}

#[tokio::test]
async fn what_is_generated_satisfies_every_rule_and_is_never_the_same() {
    let house = House::new().await;
    let root = house.root();
    let base64 = data_encoding::BASE64.encode(TEXT.as_bytes());
    write(&root, "team/db", json!(base64)).await.unwrap();
    assert_eq!(root.read("sys/policies/password/team/db").await.unwrap()["policy"], TEXT);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let made = root.read("sys/policies/password/team/db/generate").await.unwrap();
        let password = made["password"].as_str().unwrap().to_owned();
        let count = |set: &str| password.chars().filter(|letter| set.contains(*letter)).count();
        assert_eq!((password.len(), count("abcdef0123456789")), (20, 20));
        assert!(count("abcdef") >= 2 && count("0123456789") >= 3);
        seen.insert(password);
    }
    assert_eq!(seen.len(), 50);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_nothing_is_written() {
    let house = House::new().await;
    let root = house.root();
    let census = house.census().await;
    let charset = |set: &str, least: u64| {
        format!("rule \"charset\" {{ charset = \"{set}\" min-chars = {least} }}")
    };
    for (policy, expected) in [
        (String::new(), "missing policy"),
        (charset("ab", 0), "invalid password policy: length must be > 0"),
        ("length = 20".to_owned(), "invalid password policy: no charset specified"),
        (
            format!("length = 10 {}", charset("ab", 12)),
            "invalid password policy: specified rules require at least 12 characters but 10 is \
             specified",
        ),
        (
            format!("length = 3 {}", charset("ab", 0)),
            "passwords must be between 4 and 100 characters",
        ),
        (
            format!("length = 8 {} {}", charset("ab", 1), charset("", 1)),
            "unable to construct test password from provided policy: are the rules impossible?",
        ),
    ] {
        assert_eq!(write(&root, "x", json!(policy)).await, refused(expected));
    }
    assert_eq!(root.write("sys/policies/password/x", json!({})).await, refused("missing policy"));
    let Err(Error::InvalidListed(told)) =
        write(&root, "x", json!("length = 8 rule \"x\" {}")).await
    else {
        panic!()
    };
    assert!(told.starts_with("invalid password policy: "), "{told}");
    assert!(told.contains("unrecognized rule type x"), "{told}");
    // Reading it would make a password instead.
    assert!(write(&root, "x/generate", json!(TEXT)).await.is_err());
    assert_eq!(house.census().await, census);
}

#[tokio::test]
async fn to_make_passwords_needs_no_right_to_change_the_rules() {
    let house = House::new().await;
    let root = house.root();
    write(&root, "web", json!(TEXT)).await.unwrap();
    let policy = r#"path "sys/policies/password/web/generate" { capabilities = ["read"] }"#;
    root.write("sys/policies/acl/maker", json!({ "policy": policy })).await.unwrap();
    let made = root.write("auth/token/create", json!({"policies": ["maker"]})).await.unwrap();
    let maker = house.holder(made["client_token"].as_str().unwrap());
    maker.read("sys/policies/password/web/generate").await.unwrap();
    assert_eq!(maker.read("sys/policies/password/web").await, Err(Error::Denied));
    assert_eq!(write(&maker, "web", json!(TEXT)).await, Err(Error::Denied));
}
