//! The two walks: logging in, and what a token may then do.

use api::{Error, Operation, Reply};
use serde_json::json;
use simulator::House;

const ADMINS: &str =
    r#"path "kv/*" { capabilities = ["create", "read", "update", "delete", "list"] }"#;

/// A house with userpass, a user and a policy.
pub(crate) async fn furnished() -> House {
    let house = House::new().await;
    furnish(&house).await;
    house
}

pub(crate) async fn furnish(house: &House) {
    let root = house.root();
    root.write("sys/auth/userpass", json!({"type": "userpass"})).await.unwrap();
    root.write("sys/mounts/kv", json!({"type": "kv"})).await.unwrap();
    root.write("sys/policies/acl/admins", json!({"policy": ADMINS})).await.unwrap();
    let user = json!({"password": "foo", "policies": "admins"});
    root.write("auth/userpass/users/mitchellh", user).await.unwrap();
}

#[tokio::test]
async fn a_user_logs_in_and_the_token_works() {
    let house = furnished().await;
    let login = house
        .stranger()
        .write("auth/userpass/login/MitchellH", json!({"password": "foo"}))
        .await
        .unwrap();
    assert_eq!(login["policies"], json!(["admins", "default"]));
    assert_eq!(login["metadata"], json!({"username": "mitchellh"}));
    assert_eq!(
        (login["lease_duration"].as_u64(), login["renewable"].as_bool()),
        (Some(2_764_800), Some(true))
    );
    assert_eq!(login["orphan"], true);

    let user = house.holder(login["client_token"].as_str().unwrap());
    user.write("kv/app", json!({"key": "value"})).await.unwrap();
    assert_eq!(user.read("kv/app").await.unwrap(), json!({"key": "value"}));
    assert_eq!(user.read("sys/mounts").await, Err(Error::Denied));
    let own = user.read("auth/token/lookup-self").await.unwrap();
    assert_eq!(own["display_name"], "userpass-mitchellh");
    assert_eq!(own["path"], "auth/userpass/login/mitchellh");
    assert_eq!(own["accessor"], login["accessor"]);
}

#[tokio::test]
async fn wrong_password_and_unknown_user_read_the_same() {
    let house = furnished().await;
    for name in ["mitchellh", "nobody"] {
        let refused = house.stranger().login(name, "bar").await;
        assert_eq!(refused, Err(Error::invalid("invalid username or password")), "{name}");
    }
}

#[tokio::test]
async fn a_token_is_good_until_it_is_renewed_no_more() {
    let house = furnished().await;
    house.root().write("auth/userpass/users/mitchellh", json!({"ttl": "1h"})).await.unwrap();
    let token = house.stranger().login("mitchellh", "foo").await.unwrap();
    let user = house.holder(&token);
    house.wait(3500);
    user.write("auth/token/renew-self", json!({})).await.unwrap();
    house.wait(3500);
    user.read("auth/token/lookup-self").await.unwrap();
    house.wait(100);
    assert_eq!(user.read("auth/token/lookup-self").await, Err(Error::UnknownToken));
}

#[tokio::test]
async fn a_clock_that_steps_back_revives_nothing_that_was_ended() {
    let house = furnished().await;
    house.root().write("auth/userpass/users/mitchellh", json!({"ttl": "1h"})).await.unwrap();
    let token = house.stranger().login("mitchellh", "foo").await.unwrap();
    house.wait(3600);
    house.settle().await.unwrap();
    house.clock.step_back(api::Seconds(3600));
    assert_eq!(house.holder(&token).read("auth/token/lookup-self").await, Err(Error::UnknownToken));
}

#[tokio::test]
async fn whatever_a_record_says_no_login_yields_root() {
    let house = furnished().await;
    for spelling in ["root", "ROOT", "Root", " root ", "dev,root", "\troot"] {
        let user = json!({"password": "foo", "token_policies": spelling});
        house.root().write("auth/userpass/users/eve", user).await.unwrap();
        let refused = house.stranger().login("eve", "foo").await;
        let expected = Error::invalid("auth methods cannot create root tokens");
        assert_eq!(refused, Err(expected), "{spelling:?}");
    }
}

#[tokio::test]
async fn renewal_asks_the_user_s_record_again() {
    let house = furnished().await;
    let token = house.stranger().login("mitchellh", "foo").await.unwrap();
    let user = house.holder(&token);
    house
        .root()
        .write("auth/userpass/users/mitchellh", json!({"policies": "other"}))
        .await
        .unwrap();
    let refused = user.write("auth/token/renew-self", json!({})).await;
    assert!(matches!(refused, Err(Error::Failed(text)) if text.contains("policies have changed")));
    house.root().delete("auth/userpass/users/mitchellh").await.unwrap();
    let kept = user.ask(Operation::Update, "auth/token/renew-self", json!({})).await;
    assert!(matches!(kept.outcome, Ok(Reply::Empty)));
}

#[tokio::test]
async fn disabling_a_method_ends_its_tokens_and_removes_its_records() {
    let house = furnished().await;
    let before = House::new().await.census().await.len();
    let token = house.stranger().login("mitchellh", "foo").await.unwrap();
    let root = house.root();
    root.delete("sys/auth/userpass").await.unwrap();
    assert_eq!(house.holder(&token).read("auth/token/lookup-self").await, Err(Error::UnknownToken));
    root.delete("sys/mounts/kv").await.unwrap();
    root.delete("sys/policies/acl/admins").await.unwrap();
    house.wait(3_000_000);
    house.settle().await.unwrap();
    assert_eq!(house.census().await.len(), before);
}

#[tokio::test]
async fn writing_users_needs_create_or_update_as_the_case_may_be() {
    // G.1 case 2 of userpass.
    let house = furnished().await;
    let root = house.root();
    for (policy, new, old) in [("create", true, false), ("update", false, true)] {
        let text = format!(r#"path "auth/userpass/users/*" {{ capabilities = ["{policy}"] }}"#);
        root.write(&format!("sys/policies/acl/{policy}"), json!({"policy": text})).await.unwrap();
        let made = root.write("auth/token/create", json!({"policies": [policy]})).await.unwrap();
        let caller = house.holder(made["client_token"].as_str().unwrap());
        let body = json!({"password": "x"});
        let fresh = caller.write(&format!("auth/userpass/users/new-{policy}"), body.clone()).await;
        assert_eq!(fresh.is_ok(), new, "{policy}");
        let known = caller.write("auth/userpass/users/mitchellh", body).await;
        assert_eq!(known.is_ok(), old, "{policy}");
    }
}

#[tokio::test]
async fn a_policy_on_one_name_holds_for_every_spelling_of_it() {
    let house = furnished().await;
    let root = house.root();
    let text = r#"path "auth/userpass/users/*" { capabilities = ["create", "update"] }
                  path "auth/userpass/users/mitchellh*" { capabilities = ["deny"] }
                  path "sys/policies/acl/*" { capabilities = ["update"] }
                  path "sys/policies/acl/admins" { capabilities = ["deny"] }"#;
    root.write("sys/policies/acl/helpdesk", json!({"policy": text})).await.unwrap();
    let made = root.write("auth/token/create", json!({"policies": ["helpdesk"]})).await.unwrap();
    let caller = house.holder(made["client_token"].as_str().unwrap());
    for name in ["mitchellh", "Mitchellh", "MITCHELLH"] {
        for path in ["", "/password"] {
            let path = format!("auth/userpass/users/{name}{path}");
            let refused = caller.write(&path, json!({"password": "stolen"})).await;
            assert_eq!(refused, Err(Error::Denied), "{path}");
        }
    }
    for name in ["admins", "Admins", "ADMINS"] {
        let path = format!("sys/policies/acl/{name}");
        let refused = caller.write(&path, json!({"policy": "path \"*\" {}"})).await;
        assert_eq!(refused, Err(Error::Denied), "{name}");
    }
    house.stranger().login("mitchellh", "foo").await.unwrap();
}
