//! Settings of a user: what their tokens are like, and whether they may log in.

use api::{Error, Moment, Operation, TokenKind};
use serde_json::{Value, json};

use crate::house::House;

async fn house_with_bob() -> House {
    let house = House::new("userpass", None);
    house.write("users/bob", json!({"password": "hunter2"})).await.done();
    house
}

async fn log_in(house: &House) -> crate::house::Answer {
    house.write("login/bob", json!({"password": "hunter2"})).await
}

#[tokio::test]
async fn every_token_setting_reaches_the_login() {
    let mut house = house_with_bob().await;
    house.remote = Some("10.0.0.1:5000");
    let settings = json!({
        "token_num_uses": "3", "token_type": "service", "token_strictly_bind_ip": true,
        "alias_metadata": {"team": "ops"},
    });
    house.write("users/bob", settings).await.done();
    let read = house.read("users/bob").await.data();
    assert_eq!(read["token_num_uses"], 3);
    assert_eq!(read["token_strictly_bind_ip"], true);
    assert_eq!(read["alias_metadata"], json!({"team": "ops"}));
    // G.1 case 13: the name in any case, and the login bound to its address.
    let login = house.write("login/BOB", json!({"password": "hunter2"})).await.login();
    assert_eq!((login.uses, login.kind), (3, TokenKind::Service));
    assert!(login.bound_to_address);
    assert_eq!(login.alias_metadata, [("team".to_owned(), "ops".to_owned())].into());

    house.write("users/bob", json!({"alias_metadata": null, "token_num_uses": 0})).await.done();
    house.write("users/bob", json!({"token_type": "batch"})).await.done();
    let login = log_in(&house).await.login();
    assert_eq!((login.uses, login.kind), (0, TokenKind::Batch));
    assert!(login.alias_metadata.is_empty());
    house.write("users/bob", json!({"token_type": ""})).await.done();
    assert_eq!(house.read("users/bob").await.data()["token_type"], "default");
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused() {
    let periodic = "'token_type' cannot be 'batch' or 'default_batch' when set to generate \
                    periodic tokens";
    let limited = "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens \
                   with limited use count";
    let bound = "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one";
    for (first, second, expected) in [
        (json!({"token_type": "batch"}), json!({"token_period": 60}), periodic),
        (json!({"token_period": 60}), json!({"token_type": "batch"}), periodic),
        (json!({"token_type": "batch"}), json!({"token_num_uses": 1}), limited),
        (json!({"token_strictly_bind_ip": true}), json!({"token_bound_cidrs": "::1"}), bound),
        (json!({"token_bound_cidrs": "::1"}), json!({"token_strictly_bind_ip": true}), bound),
        (json!({"token_strictly_bind_ip": true}), json!({"bound_cidrs": "::1"}), bound),
        (json!({}), json!({"token_num_uses": -1}), "'token_num_uses' cannot be negative"),
        (
            json!({}),
            json!({"token_type": "default-batch"}),
            "invalid 'token_type' value; try \"default\", \"service\" or \"batch\"",
        ),
        (
            json!({}),
            json!({"token_max_ttl": 5, "token_ttl": 6}),
            "'token_ttl' cannot be greater than 'token_max_ttl'",
        ),
    ] {
        let house = house_with_bob().await;
        house.write("users/bob", first).await.done();
        house.write("users/bob", second).await.refused(expected);
    }
    let house = house_with_bob().await;
    let long = json!({"alias_metadata": {"team": "x".repeat(513)}});
    let Error::Invalid(text) = house.write("users/bob", long).await.error() else { panic!() };
    assert!(text.starts_with("'alias_metadata' is too large"), "{text}");
}

#[tokio::test]
async fn what_is_wrong_is_found_in_the_order_clients_know() {
    let house = House::new("userpass", None);
    let everything = json!({
        "token_num_uses": -1, "password_hash": "x", "bound_cidrs": "nowhere",
    });
    let mut given = everything;
    for (repaired, expected) in [
        (("token_num_uses", json!(1)), "'token_num_uses' cannot be negative"),
        (("password_hash", json!(HASH)), "password_hash has none of the forms that work"),
        (("bound_cidrs", json!("::1")), "error parsing address"),
    ] {
        let answer = house.write("users/bob", given.clone()).await;
        let Error::Invalid(text) = answer.error() else { panic!() };
        assert!(text.starts_with(expected), "{text}");
        given[repaired.0] = repaired.1;
    }
    house.write("users/bob", given).await.done();
    // The number of secrets comes before anything else.
    let both = json!({"password": "a", "password_hash": "b", "token_num_uses": -1});
    let text = "only one of password or password_hash may be provided";
    house.write("users/bob", both.clone()).await.refused(text);
    house.write("users/ann", both).await.refused(text);
    let neither = house.write("users/ann", json!({"token_num_uses": -1})).await;
    neither.refused("must provide either password or password_hash");
}

#[tokio::test]
async fn what_every_login_looks_at_is_bounded() {
    let house = house_with_bob().await;
    let policies = |count| (0..count).map(|n| format!("p{n},")).collect::<String>();
    let networks = |count: usize| "10.0.0.0/8,".repeat(count);
    let most = json!({
        "token_policies": policies(1000), "token_bound_cidrs": networks(1000),
        "policies": ["\u{fc}".repeat(256)],
    });
    house.write("users/bob", most).await.done();
    let before = house.read("users/bob").await.data();
    for field in ["token_policies", "policies"] {
        let text =
            format!("'{field}' is too large; at most 1000 policies with names of 256 letters");
        for given in [json!(policies(1001)), json!(["\u{fc}".repeat(257)])] {
            let given = json!({ field: given });
            house.write("users/bob", given.clone()).await.refused(&text);
            house.write("users/bob/policies", given).await.refused(&text);
        }
    }
    for field in ["token_bound_cidrs", "bound_cidrs"] {
        let text = format!("'{field}' is too large; at most 1000 networks");
        house.write("users/bob", json!({ field: networks(1001) })).await.refused(&text);
    }
    assert_eq!(house.read("users/bob").await.data(), before);
}

/// "hunter2", by bcrypt.
const HASH: &str = "$2b$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.";

#[tokio::test]
async fn whoever_may_not_come_is_answered_as_if_the_password_were_wrong() {
    for (settings, opened) in [
        (json!({"disabled": true}), json!({"disabled": false})),
        (json!({"valid_from": "2026-02-01T10:00:01Z"}), json!({"valid_from": ""})),
        (json!({"valid_until": 1_769_940_000}), json!({"valid_until": null})),
        (json!({"token_bound_cidrs": "10.0.0.0/8"}), json!({"token_bound_cidrs": []})),
    ] {
        let mut house = house_with_bob().await;
        house.write("users/bob", settings.clone()).await.done();
        let refused = log_in(&house).await;
        assert!(refused.proved.is_empty(), "{settings}");
        let Error::LoginFailed(failure) = refused.error() else { panic!("{settings}") };
        assert!(failure.known, "{settings}");
        assert_eq!(failure.text, "invalid username or password");
        let wrong = house.write("login/bob", json!({"password": "x"})).await.error();
        assert_eq!(Error::LoginFailed(failure), wrong);
        house.close_the_workshop();
        assert_eq!(log_in(&house).await.error(), Error::Busy { retry_after_seconds: 1 });
        house.open_the_workshop();
        house.write("users/bob", opened).await.done();
        let login = log_in(&house).await;
        assert_eq!(login.proved, ["bob"]);
        login.login();
    }
}

#[tokio::test]
async fn an_account_opens_and_closes_with_time_alone() {
    let mut house = house_with_bob().await;
    let window = json!({
        "valid_from": "2026-02-01T10:01:00Z", "valid_until": "2026-02-01T10:02:00Z",
    });
    house.write("users/bob", window).await.done();
    log_in(&house).await.login_failed();
    house.pass(60);
    log_in(&house).await.login();
    assert!(house.renew(&[("username", "bob")], &[]).await.unwrap().is_some());
    house.pass(60);
    log_in(&house).await.login_failed();
    // What was given out before cannot be prolonged.
    assert_eq!(house.renew(&[("username", "bob")], &[]).await.unwrap(), None);
    let never = json!({"valid_until": "2026-02-01T10:01:00Z"});
    let text = "'valid_from' must be before 'valid_until'";
    house.write("users/bob", never).await.refused(text);
}

#[tokio::test]
async fn disabling_stops_renewal_too() {
    let house = house_with_bob().await;
    house.write("users/bob", json!({"disabled": true})).await.done();
    assert_eq!(house.renew(&[("username", "bob")], &[]).await.unwrap(), None);
}

#[tokio::test]
async fn a_record_says_when_the_password_changed_and_who_logged_in() {
    let mut house = house_with_bob().await;
    let read = house.read("users/bob").await.data();
    assert_eq!(read["password_changed"], "2026-02-01T10:00:00.5Z");
    assert_eq!(read.get("last_login"), None);
    house.remote = Some("[::ffff:10.0.0.1]:5000");
    house.pass(60);
    log_in(&house).await.login();
    house.pass(60);
    house.write("login/bob", json!({"password": "x"})).await.login_failed();
    let read = house.read("users/bob").await.data();
    assert_eq!(read["password_changed"], "2026-02-01T10:00:00.5Z");
    assert_eq!(read["last_login"], "2026-02-01T10:01:00.5Z");
    assert_eq!(read["last_login_address"], "10.0.0.1");
    house.write("users/bob/password", json!({"password": "hunter3"})).await.done();
    let read = house.read("users/bob").await.data();
    assert_eq!(read["password_changed"], "2026-02-01T10:02:00.5Z");
    house.delete("users/bob").await.done();
    assert_eq!(house.census(), 0);
}

#[tokio::test]
async fn logins_at_the_same_moment_do_not_lose_races_over_when_they_were() {
    let house = house_with_bob().await;
    let mut attempts = vec![];
    for _ in 0..4 {
        let wish = (Operation::Update, "login/bob", json!({"password": "hunter2"}));
        attempts.push(house.attempt(wish, &std::sync::Arc::default()).await);
    }
    for attempt in attempts {
        attempt.commit().await.login();
    }
}

#[tokio::test]
async fn nothing_that_is_read_shows_a_hash() {
    let mut house = house_with_bob().await;
    house.write("config", json!({"password_history": 5, "self_service": true})).await.done();
    house.write("users/bob/password", json!({"password": "hunter3"})).await.done();
    let listed = house.ask(Operation::List, "users", json!({"details": true})).await;
    let shown = [house.read("users/bob").await.data(), listed.details().1];
    house.come_as("bob", "one");
    let own = house.read("self").await.data();
    for shown in shown.into_iter().chain([own]) {
        let text = shown.to_string();
        assert!(!text.contains('$') && !text.contains("argon2"), "{text}");
        assert!(text.contains("password_changed"), "{text}");
    }
}

#[tokio::test]
async fn listings_tell_more_when_asked() {
    let house = house_with_bob().await;
    house.write("users/ann", json!({"password": "hunter2", "disabled": true})).await.done();
    log_in(&house).await.login();
    assert_eq!(house.list("users").await.keys(), ["ann", "bob"]);
    let wanted = json!({"details": "true", "after": "", "limit": 5});
    let (names, about) = house.ask(Operation::List, "users", wanted).await.details();
    assert_eq!(names, ["ann", "bob"]);
    let changed = "2026-02-01T10:00:00.5Z";
    assert_eq!(about["ann"], json!({"disabled": true, "password_changed": changed}));
    assert_eq!(about["bob"], json!({"last_login": changed, "password_changed": changed}));
}

#[tokio::test]
async fn addresses_are_names_only_where_the_mount_takes_them() {
    let house = house_with_bob().await;
    let ann = "Ann.Lee+vault@Example.com";
    let doors = |name: &str| {
        ["users/NAME", "users/NAME/password", "users/NAME/policies", "login/NAME"]
            .map(|door| door.replace("NAME", name))
    };
    for door in doors(ann) {
        let answer = house.write(&door, json!({"password": "hunter2"})).await;
        assert_eq!(answer.operation, Operation::Update, "{door}");
        assert_eq!(answer.error(), Error::UnsupportedPath, "{door}");
    }
    for operation in [Operation::Read, Operation::Delete] {
        let answer = house.ask(operation, &format!("users/{ann}"), json!({})).await;
        assert_eq!(answer.error(), Error::UnsupportedPath);
    }
    house.write("config", json!({"email_names": true})).await.done();
    let created = house.write(&format!("users/{ann}"), json!({"password": "hunter2"})).await;
    assert_eq!(created.operation, Operation::Create);
    created.done();
    let login = house.write(&format!("login/{ann}"), json!({"password": "hunter2"})).await.login();
    assert_eq!(login.alias, "ann.lee+vault@example.com");
    assert_eq!(house.list("users").await.keys(), ["ann.lee+vault@example.com", "bob"]);
    for name in ["@ann", "ann@", "a%20b", "a+"] {
        let answer = house.read(&format!("users/{name}")).await;
        assert_eq!(answer.error(), Error::UnsupportedPath, "{name}");
    }
}

#[tokio::test]
async fn times_are_shown_as_they_are_kept() {
    let house = house_with_bob().await;
    house.write("users/bob", json!({"valid_until": "1900000000"})).await.done();
    let expected: Value = Moment::from_unix(1_900_000_000).to_string().into();
    assert_eq!(house.read("users/bob").await.data()["valid_until"], expected);
    let Error::Invalid(text) =
        house.write("users/bob", json!({"valid_until": "hunter2"})).await.error()
    else {
        panic!()
    };
    assert!(text.starts_with("error converting input for field \"valid_until\": "), "{text}");
    assert!(!text.contains("hunter2"));
}
