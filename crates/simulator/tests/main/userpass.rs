//! Userpass in a whole kernel: what operators and users do, and who may.

use api::{Error, Operation, Reply};
use serde_json::{Value, json};
use simulator::{Caller, House};

use crate::walk::furnished;

/// A house whose users look after themselves, and one of them.
async fn self_serving() -> (House, Caller) {
    let house = furnished().await;
    let config = json!({"self_service": true});
    house.root().write("auth/userpass/config", config).await.unwrap();
    let token = house.stranger().login("mitchellh", "foo").await.unwrap();
    let user = house.holder(&token);
    (house, user)
}

async fn policies_after_login(house: &House, name: &str) -> Value {
    let path = format!("auth/userpass/login/{name}");
    let login = house.stranger().write(&path, json!({"password": "foo"})).await.unwrap();
    login["policies"].clone()
}

/// A token with a policy of its own.
async fn with_policy(house: &House, name: &str, text: &str) -> Caller {
    let root = house.root();
    root.write(&format!("sys/policies/acl/{name}"), json!({"policy": text})).await.unwrap();
    let made = root.write("auth/token/create", json!({"policies": [name]})).await.unwrap();
    house.holder(made["client_token"].as_str().unwrap())
}

#[tokio::test]
async fn a_login_carries_the_policies_of_the_user() {
    let house = furnished().await;
    let root = house.root();
    for (number, settings, expected) in [
        // G.1 case 3.
        (3, json!({"policies": "foo"}), json!(["default", "foo"])),
        // G.1 case 15.
        (15, json!({"policies": ""}), json!(["default"])),
        // G.1 case 16.
        (16, json!({"policies": "foo", "token_no_default_policy": true}), json!(["foo"])),
    ] {
        let name = format!("user{number}");
        let path = format!("auth/userpass/users/{name}");
        root.write(&path, json!({"password": "foo"})).await.unwrap();
        root.write(&path, settings).await.unwrap();
        assert_eq!(policies_after_login(&house, &name).await, expected, "{number}");
    }
    // G.1 case 4.
    let path = "auth/userpass/users/user3/policies";
    root.write(path, json!({"policies": "foo,bar"})).await.unwrap();
    let expected = json!(["bar", "default", "foo"]);
    assert_eq!(policies_after_login(&house, "user3").await, expected);
}

#[tokio::test]
async fn a_user_without_policies_can_renew() {
    // G.1 case 15.
    let house = furnished().await;
    let plain = json!({"password": "foo"});
    house.root().write("auth/userpass/users/plain", plain).await.unwrap();
    let token = house.stranger().login("plain", "foo").await.unwrap();
    let user = house.holder(&token);
    house.wait(600);
    let renewed = user.write("auth/token/renew-self", json!({"increment": "1h"})).await.unwrap();
    assert_eq!(renewed["lease_duration"], 3600);
}

#[tokio::test]
async fn a_periodic_login_lives_a_period_at_a_time() {
    // G.1 case 25.
    let house = furnished().await;
    let periodic = json!({"password": "foo", "token_period": 60});
    house.root().write("auth/userpass/users/periodic", periodic).await.unwrap();
    let path = "auth/userpass/login/periodic";
    let login = house.stranger().write(path, json!({"password": "foo"})).await.unwrap();
    assert_eq!(login["lease_duration"], 60);
    let user = house.holder(login["client_token"].as_str().unwrap());
    for _ in 0..3 {
        house.wait(30);
        let renewed = user.write("auth/token/renew-self", json!({"increment": 5})).await.unwrap();
        assert_eq!(renewed["lease_duration"], 60);
    }
}

#[tokio::test]
async fn a_changed_password_leaves_tokens_alone() {
    // G.1 case 5.
    let house = furnished().await;
    let token = house.stranger().login("mitchellh", "foo").await.unwrap();
    let path = "auth/userpass/users/mitchellh/password";
    house.root().write(path, json!({"password": "bar"})).await.unwrap();
    assert!(house.stranger().login("mitchellh", "foo").await.is_err());
    house.stranger().login("mitchellh", "bar").await.unwrap();
    house.holder(&token).read("auth/token/lookup-self").await.unwrap();
}

#[tokio::test]
async fn whoever_the_mount_let_in_may_look_after_themselves_without_a_policy() {
    let (house, user) = self_serving().await;
    let own = user.read("auth/userpass/self").await.unwrap();
    assert_eq!(own["username"], "mitchellh");
    assert_eq!(own["token_policies"], json!(["admins"]));
    assert!(own.get("last_login").is_some());
    // Nobody else, whatever they may do besides, and not for lack of trying.
    let other = with_policy(&house, "other", r#"path "kv/*" { capabilities = ["read"] }"#).await;
    let allowed = r#"path "auth/userpass/self" { capabilities = ["read"] }"#;
    let allowed = with_policy(&house, "allowed", allowed).await;
    for stranger in [&other, &allowed, &house.root()] {
        assert_eq!(stranger.read("auth/userpass/self").await, Err(Error::Denied));
    }
    assert_eq!(house.stranger().read("auth/userpass/self").await, Err(Error::Unauthenticated));
    // Another mount's users neither.
    house.root().write("sys/auth/people", json!({"type": "userpass"})).await.unwrap();
    let config = json!({"self_service": true});
    house.root().write("auth/people/config", config).await.unwrap();
    assert_eq!(user.read("auth/people/self").await, Err(Error::Denied));
    // A token that they made is not theirs by logging in.
    let more = r#"path "auth/token/create" { capabilities = ["update"] }"#;
    house.root().write("sys/policies/acl/admins", json!({"policy": more})).await.unwrap();
    let child = user.write("auth/token/create", json!({"ttl": "1h"})).await.unwrap();
    let child = house.holder(child["client_token"].as_str().unwrap());
    assert_eq!(child.read("auth/userpass/self").await, Err(Error::Denied));
}

#[tokio::test]
async fn a_policy_can_say_no_to_self_service() {
    let (house, user) = self_serving().await;
    let policy = |text: &str| json!({"policy": text});
    let set = async |text: &str| {
        house.root().write("sys/policies/acl/admins", policy(text)).await.unwrap();
    };
    let change = || json!({"password": "foo", "new_password": "foo"});
    let same = Error::invalid("the new password must differ from the old one");
    // A rule that says nothing about writing does not take it away.
    set(r#"path "auth/userpass/*" { capabilities = ["read"] }"#).await;
    assert_eq!(user.write("auth/userpass/self/password", change()).await, Err(same));
    set(r#"path "auth/userpass/self/*" { capabilities = ["deny"] }"#).await;
    let refused = user.write("auth/userpass/self/password", change()).await;
    assert_eq!(refused, Err(Error::Denied));
    user.read("auth/userpass/self").await.unwrap();
    // What a rule that grants it says of parameters holds.
    set(r#"path "auth/userpass/self/password" {
               capabilities = ["update"]
               denied_parameters = { "keep_sessions" = [] }
           }"#)
    .await;
    let mut keeping = change();
    keeping["keep_sessions"] = json!(true);
    let refused = user.write("auth/userpass/self/password", keeping).await;
    assert_eq!(refused, Err(Error::Denied));
    // Nothing else at the mount is open to them.
    set(r#"path "kv/*" { capabilities = ["read"] }"#).await;
    assert_eq!(user.read("auth/userpass/users/mitchellh").await, Err(Error::Denied));
    assert_eq!(user.read("auth/userpass/config").await, Err(Error::Denied));
}

#[tokio::test]
async fn many_users_come_at_once_and_need_more_than_a_policy_for_one() {
    let house = furnished().await;
    let lines = r#"{"username": "Ann", "password": "foo", "token_policies": "admins"}
                   {"username": "import", "password": "foo"}"#;
    let users = r#"path "auth/userpass/users/*" { capabilities = ["create", "update"] }"#;
    let helpdesk = with_policy(&house, "helpdesk", users).await;
    let given = json!({ "lines": lines });
    let path = "auth/userpass/users/import";
    assert_eq!(helpdesk.write(path, given.clone()).await, Err(Error::Denied));
    let outcome = house.root().write(path, given).await.unwrap();
    assert_eq!(outcome["created"], 2);
    assert_eq!(policies_after_login(&house, "ann").await, json!(["admins", "default"]));
    // Somebody of that name can be reached, but for being written alone.
    house.root().read(path).await.unwrap();
    house.stranger().login("import", "foo").await.unwrap();
    house.root().delete(path).await.unwrap();
    assert_eq!(house.root().read(path).await, Err(Error::Missing));
}

#[tokio::test]
async fn an_address_that_is_no_name_is_no_path() {
    let house = furnished().await;
    let login = "auth/userpass/login/ann@example.com";
    let user = "auth/userpass/users/Ann@example.com";
    let body = || json!({"password": "foo"});
    let outcome = house.stranger().ask(Operation::Update, login, body()).await;
    assert_eq!(outcome.outcome.unwrap_err(), Error::UnsupportedPath);
    assert!(outcome.manner.public);
    assert_eq!(house.root().write(user, body()).await, Err(Error::UnsupportedPath));
    let text = r#"path "auth/userpass/users/*" { capabilities = ["create"] }"#;
    let creator = with_policy(&house, "creator", text).await;
    assert_eq!(creator.write(user, body()).await, Err(Error::Denied));

    let config = json!({"email_names": true});
    house.root().write("auth/userpass/config", config).await.unwrap();
    creator.write(user, body()).await.unwrap();
    house.stranger().login("ANN@example.com", "foo").await.unwrap();
    // The name is folded before a policy decides.
    let text = r#"path "auth/userpass/users/ann@example.com" { capabilities = ["deny"] }
                  path "auth/userpass/users/*" { capabilities = ["read"] }"#;
    let reader = with_policy(&house, "reader", text).await;
    assert_eq!(reader.read(user).await, Err(Error::Denied));
}

#[tokio::test]
async fn refused_logins_leave_nothing_behind_and_good_ones_no_more_than_once() {
    let house = furnished().await;
    let root = house.root();
    for (name, settings) in [
        ("disabled", json!({"password": "foo", "disabled": true})),
        ("late", json!({"password": "foo", "valid_until": 1})),
        ("elsewhere", json!({"password": "foo", "token_bound_cidrs": "10.0.0.1"})),
        ("old", json!({"password": "foo", "must_change_password": true})),
    ] {
        root.write(&format!("auth/userpass/users/{name}"), settings).await.unwrap();
    }
    let before = house.census().await;
    let stranger = house.stranger();
    for name in ["disabled", "late", "elsewhere", "old", "mitchellh", "nobody"] {
        assert!(stranger.login(name, "bar").await.is_err(), "{name}");
        assert_eq!(stranger.login(name, "foo").await.is_ok(), name == "mitchellh", "{name}");
    }
    let after = house.census().await;
    let own = |keys: &[String]| {
        let failures = |key: &&String| !key.starts_with("sys/lockout/");
        keys.iter().filter(failures).count()
    };
    // One login: whatever it leaves, another one of the same user leaves its token alone.
    stranger.login("mitchellh", "foo").await.unwrap();
    let again = house.census().await;
    let first = own(&after) - own(&before);
    let second = own(&again) - own(&after);
    assert!(second > 0 && second < first, "{first} {second}");
    let path = "auth/userpass/login/old";
    let change = json!({"password": "foo", "new_password": "bar"});
    let login = stranger.ask(Operation::Update, path, change).await;
    assert!(matches!(login.outcome, Ok(Reply::Auth(_))), "{:?}", login.outcome);
}

#[tokio::test]
async fn parallel_logins_of_one_user_all_succeed() {
    let house = std::sync::Arc::new(furnished().await);
    let mut logins = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let house = house.clone();
        logins.spawn(async move { house.stranger().login("mitchellh", "foo").await });
    }
    for login in logins.join_all().await {
        login.unwrap();
    }
}

async fn is_good(user: &Caller) -> bool {
    user.read("auth/token/lookup-self").await.is_ok()
}

/// What a listing tells, with more of each name.
async fn listed(caller: &Caller, path: &str) -> (Vec<String>, Value) {
    match caller.ask(Operation::List, path, json!({})).await.outcome {
        Ok(Reply::Keys(names, about)) => (names, about.into()),
        other => panic!("no listing: {other:?}"),
    }
}

#[tokio::test]
async fn people_see_and_end_the_tokens_they_hold() {
    let (house, user) = self_serving().await;
    let elsewhere = house.stranger().from("10.0.0.7");
    let mut others = vec![];
    for _ in 0..3 {
        house.wait(10);
        others.push(house.holder(&elsewhere.login("mitchellh", "foo").await.unwrap()));
    }
    let plain = json!({"password": "foo"});
    house.root().write("auth/userpass/users/ann", plain).await.unwrap();
    let ann = house.holder(&house.stranger().login("ann", "foo").await.unwrap());

    let (accessors, about) = listed(&user, "auth/userpass/self/sessions").await;
    assert_eq!(accessors.len(), 4);
    let current = accessors.iter().filter(|accessor| about[*accessor]["current"] == true);
    assert_eq!(current.count(), 1);
    let elsewhere = |accessor: &&String| about[*accessor]["address"] == "10.0.0.7";
    assert_eq!(accessors.iter().filter(elsewhere).count(), 3);
    let first = others[0].read("auth/token/lookup-self").await.unwrap()["accessor"].clone();
    let path = format!("auth/userpass/self/sessions/{}", first.as_str().unwrap());
    assert!(ann.delete(&path).await.is_err());
    assert!(is_good(&others[0]).await);
    user.delete(&path).await.unwrap();
    assert!(!is_good(&others[0]).await);
    assert!(is_good(&others[1]).await && is_good(&user).await);

    let change = json!({"password": "foo", "new_password": "bar"});
    user.write("auth/userpass/self/password", change).await.unwrap();
    assert!(!is_good(&others[1]).await && !is_good(&others[2]).await);
    assert!(is_good(&user).await && is_good(&ann).await);
    user.ask(Operation::Delete, "auth/userpass/self/sessions", json!({"all": "true"})).await;
    assert!(!is_good(&user).await && is_good(&ann).await);
    house.stranger().login("mitchellh", "bar").await.unwrap();
}

#[tokio::test]
async fn an_operator_ends_all_tokens_of_a_user_with_one_call() {
    let house = furnished().await;
    let root = house.root();
    let log_in = async || {
        let token = house.stranger().login("mitchellh", "foo").await.unwrap();
        house.holder(&token)
    };
    let user = "auth/userpass/users/mitchellh";
    let sessions = "auth/userpass/users/mitchellh/sessions";
    let (one, other) = (log_in().await, log_in().await);
    assert_eq!(listed(&root, sessions).await.0.len(), 2);
    root.delete(sessions).await.unwrap();
    assert!(!is_good(&one).await && !is_good(&other).await);
    assert_eq!(root.list(sessions).await, Err(Error::Missing));

    let one = log_in().await;
    root.write(user, json!({"policies": "admins"})).await.unwrap();
    assert!(is_good(&one).await);
    root.write(user, json!({"disabled": true, "revoke_tokens": true})).await.unwrap();
    assert!(!is_good(&one).await);
    root.write(user, json!({"disabled": false})).await.unwrap();

    let one = log_in().await;
    let deleted = root.ask(Operation::Delete, user, json!({"revoke_tokens": "true"})).await;
    assert!(deleted.outcome.is_ok());
    assert!(!is_good(&one).await);
    // Whoever comes under the same name later is let in as usual.
    root.write(user, json!({"password": "foo"})).await.unwrap();
    assert!(is_good(&log_in().await).await);
}

#[tokio::test]
async fn the_tokens_of_a_deleted_user_are_not_those_of_the_next_one_by_that_name() {
    let house = furnished().await;
    let root = house.root();
    root.write("auth/userpass/config", json!({"self_service": true})).await.unwrap();
    let user = "auth/userpass/users/mitchellh";
    let import = json!({"lines": [{"username": "mitchellh", "password": "foo"}]});
    let by_single_write = (user, json!({"password": "foo"}));
    for (path, created) in [by_single_write, ("auth/userpass/users/import", import)] {
        let token = house.stranger().login("mitchellh", "foo").await.unwrap();
        let earlier = house.holder(&token);
        root.delete(user).await.unwrap();
        assert!(is_good(&earlier).await);
        root.write(path, created).await.unwrap();
        assert!(!is_good(&earlier).await, "{path}");
        let own = earlier.read("auth/userpass/self").await;
        assert_eq!(own, Err(Error::UnknownToken), "{path}");
        let token = house.stranger().login("mitchellh", "foo").await.unwrap();
        assert!(is_good(&house.holder(&token)).await, "{path}");
    }
}

#[tokio::test]
async fn creating_somebody_whose_name_nobody_had_writes_nothing_about_tokens() {
    let house = furnished().await;
    let of_the_kernel = async || {
        let census = house.census().await;
        census.into_iter().filter(|key| key.starts_with("sys/")).collect::<Vec<_>>()
    };
    let before = of_the_kernel().await;
    let user = json!({"password": "foo"});
    house.root().write("auth/userpass/users/newcomer", user).await.unwrap();
    assert_eq!(of_the_kernel().await, before);
}

#[tokio::test]
async fn a_mount_holds_passwords_against_a_policy_of_the_server() {
    let house = furnished().await;
    let root = house.root();
    let wanted = json!({"password_policy": "long"});
    assert!(root.write("auth/userpass/config", wanted.clone()).await.is_err());
    let policy = r#"length = 20
                    rule "charset" { charset = "abcdefghijklmnopqrstuvwxyz" }"#;
    let policy = json!({ "policy": policy });
    root.write("sys/policies/password/long", policy).await.unwrap();
    root.write("auth/userpass/config", wanted).await.unwrap();
    let path = "auth/userpass/users/mitchellh/password";
    let refused = root.write(path, json!({"password": "short"})).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let made = root.read("sys/policies/password/long/generate").await.unwrap();
    let password = made["password"].as_str().unwrap();
    root.write(path, json!({ "password": password })).await.unwrap();
    house.stranger().login("mitchellh", password).await.unwrap();
    // A policy that is gone lets nothing through.
    root.delete("sys/policies/password/long").await.unwrap();
    assert!(root.write(path, json!({ "password": password })).await.is_err());
}

#[tokio::test]
async fn while_a_name_is_locked_a_right_guess_is_told_nowhere() {
    let (house, user) = self_serving().await;
    let root = house.root();
    let must_change = json!({"must_change_password": true});
    root.write("auth/userpass/users/mitchellh", must_change).await.unwrap();
    let login = "auth/userpass/login/mitchellh";
    let given = |password: &str| json!({"password": password, "new_password": "foo"});
    let told = house.stranger().write(login, json!({"password": "foo"})).await;
    assert!(matches!(told, Err(Error::Forbidden(_))), "{told:?}");
    // Wrong guesses count wherever they are made.
    for _ in 0..3 {
        let wrong = user.write("auth/userpass/self/password", given("bar")).await;
        assert_eq!(wrong, Err(Error::invalid("invalid username or password")));
    }
    for _ in 0..2 {
        assert!(house.stranger().login("mitchellh", "bar").await.is_err());
    }
    for password in ["foo", "bar"] {
        for given in [given(password), json!({ "password": password })] {
            let refused = house.stranger().write(login, given).await;
            assert_eq!(refused, Err(Error::LockedOut), "{password}");
        }
        let refused = user.write("auth/userpass/self/password", given(password)).await;
        assert_eq!(refused, Err(Error::LockedOut), "{password}");
    }
    assert_eq!(user.read("auth/userpass/self").await.unwrap()["must_change_password"], true);
}
