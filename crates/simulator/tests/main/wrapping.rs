//! Response wrapping: an answer is fetched once, by whoever holds its token.
//!
//! Cases are those of the engines; those of `sys/` and of policies say so.

use std::sync::Arc;

use api::{Error, Operation, Reply};
use serde_json::{Value, json};
use simulator::{Caller, House};
use storage::Memory;
use storage::testing::{Busy, Fault, Flaky};
use tokio::task::JoinSet;

use crate::walk::{furnish, furnished};

/// More steps than unwrapping takes.
const STEPS_MAX: u64 = 60;

async fn with_secret(house: &House) {
    house.root().write("kv/app", json!({"key": "value"})).await.unwrap();
}

async fn wrapped_secret(house: &House) -> String {
    let info = house.root().wrapping(60).read("kv/app").await.unwrap();
    info["token"].as_str().unwrap().to_owned()
}

async fn unwrap(caller: &Caller, token: &str) -> Result<Value, Error> {
    caller.write("sys/wrapping/unwrap", json!({"token": token})).await
}

fn used_up() -> Result<Value, Error> {
    Err(Error::invalid("wrapping token is not valid or does not exist"))
}

// Cases 52 and 53, and 63 and 64 of `sys/`.
#[tokio::test]
async fn a_wrapped_answer_is_fetched_once() {
    let house = furnished().await;
    with_secret(&house).await;
    let census = house.census().await;
    let info = house.root().wrapping(90).read("kv/app").await.unwrap();
    assert_eq!(info["ttl"], 90);
    assert_eq!(info["creation_path"], "kv/app");
    assert!(info.get("data").is_none() && info.get("wrapped_accessor").is_none());
    let token = info["token"].as_str().unwrap();
    let answer = unwrap(&house.stranger(), token).await.unwrap();
    assert_eq!(answer["data"], json!({"key": "value"}));
    for nothing in ["auth", "wrap_info", "warnings"] {
        assert_eq!(answer[nothing], Value::Null, "{nothing}");
    }
    assert!(!answer["request_id"].as_str().unwrap().is_empty());
    assert_eq!(unwrap(&house.stranger(), token).await, used_up());
    let body = json!({"token": token});
    for door in ["lookup", "rewrap"] {
        let path = format!("sys/wrapping/{door}");
        assert_eq!(house.stranger().write(&path, body.clone()).await, used_up(), "{door}");
    }
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

// Case 64 of `sys/`, with the token as the caller's own.
#[tokio::test]
async fn the_token_itself_may_be_shown_instead() {
    let house = furnished().await;
    with_secret(&house).await;
    let token = wrapped_secret(&house).await;
    let holder = house.holder(&token);
    let answer = holder.write("sys/wrapping/unwrap", json!({})).await.unwrap();
    assert_eq!(answer["data"], json!({"key": "value"}));
    assert_eq!(holder.write("sys/wrapping/unwrap", json!({})).await, used_up());
}

// Case 21 of userpass, and 59.
#[tokio::test]
async fn a_wrapped_login_holds_a_token_that_works() {
    let house = furnished().await;
    let login = house.stranger().wrapping(60);
    let info = login.write("auth/userpass/login/mitchellh", json!({"password": "foo"})).await;
    let info = info.unwrap();
    let answer = unwrap(&house.stranger(), info["token"].as_str().unwrap()).await.unwrap();
    assert_eq!(answer["auth"]["accessor"], info["wrapped_accessor"]);
    let token = answer["auth"]["client_token"].as_str().unwrap();
    house.holder(token).read("auth/token/lookup-self").await.unwrap();
}

// Cases 53, 57 and 58, and 63 and 67 of `sys/`.
#[tokio::test]
async fn looking_uses_nothing_up_and_wrapping_anew_ends_the_old_token() {
    let house = furnished().await;
    with_secret(&house).await;
    let old = wrapped_secret(&house).await;
    let stranger = house.stranger();
    for _ in 0..3 {
        let about = stranger.write("sys/wrapping/lookup", json!({"token": old})).await.unwrap();
        assert_eq!(
            (&about["creation_ttl"], &about["creation_path"]),
            (&json!(60), &json!("kv/app"))
        );
        assert_eq!(house.holder(&old).read("sys/wrapping/lookup").await.unwrap(), about);
    }
    assert_eq!(stranger.read("sys/wrapping/lookup").await, Err(Error::Unauthenticated));
    let info = stranger.write("sys/wrapping/rewrap", json!({"token": old})).await.unwrap();
    assert_eq!((&info["ttl"], &info["creation_path"]), (&json!(60), &json!("kv/app")));
    assert_eq!(unwrap(&stranger, &old).await, used_up());
    let new = info["token"].as_str().unwrap();
    assert_eq!(unwrap(&stranger, new).await.unwrap()["data"], json!({"key": "value"}));
}

#[tokio::test]
async fn what_nobody_fetches_in_time_is_gone() {
    let house = furnished().await;
    with_secret(&house).await;
    let census = house.census().await;
    let token = wrapped_secret(&house).await;
    house.wait(60);
    assert_eq!(unwrap(&house.stranger(), &token).await, used_up());
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

// Case 54, and 65 of `sys/`.
#[tokio::test]
async fn only_wrapping_tokens_are_unwrapped() {
    let house = furnished().await;
    let user = house.stranger().login("mitchellh", "foo").await.unwrap();
    for token in [house.root.as_str(), &user, "hvs.nonsense", "x"] {
        assert_eq!(unwrap(&house.stranger(), token).await, used_up());
        for door in ["lookup", "rewrap"] {
            let path = format!("sys/wrapping/{door}");
            let body = json!({"token": token});
            assert_eq!(house.stranger().write(&path, body).await, used_up(), "{door}");
            assert_eq!(house.holder(token).write(&path, json!({})).await, used_up(), "{door}");
        }
    }
    for door in ["unwrap", "lookup", "rewrap"] {
        let bare = house.stranger().write(&format!("sys/wrapping/{door}"), json!({})).await;
        assert_eq!(bare, Err(Error::Unauthenticated), "{door}");
    }
    let refused = Error::Forbidden(
        "error validating wrapping token: could not decode token in request body".to_owned(),
    );
    let number = house.stranger().write("sys/wrapping/unwrap", json!({"token": 1})).await;
    assert_eq!(number, Err(refused));
    let empty = house.stranger().write("sys/wrapping/unwrap", json!({"token": ""})).await;
    let refused = "error validating wrapping token: empty token in request body";
    assert_eq!(empty, Err(Error::Forbidden(refused.to_owned())));
}

// Cases 55 and 56, and 66 of `sys/`.
#[tokio::test]
async fn what_is_sent_can_be_wrapped() {
    let house = furnished().await;
    let sent = r#"{"b":{"c":"d"},"big":12345678901234567890123,"one":1.0,"three":2}"#;
    let body: Value = serde_json::from_str(sent).unwrap();
    let bare = house.root().write("sys/wrapping/wrap", body.clone()).await;
    let text = "endpoint requires response wrapping to be used";
    assert_eq!(bare, Err(Error::invalid(text)));
    let info = house.root().wrapping(60).write("sys/wrapping/wrap", body.clone()).await.unwrap();
    let answer = unwrap(&house.stranger(), info["token"].as_str().unwrap()).await.unwrap();
    assert_eq!(answer["data"].to_string(), sent);
}

// Case 173 of policies.
#[tokio::test]
async fn errors_and_empty_answers_are_not_wrapped() {
    let house = furnished().await;
    let census = house.census().await.len();
    let root = house.root().wrapping(60);
    assert_eq!(root.read("kv/nothing").await, Err(Error::Missing));
    assert_eq!(root.list("kv").await, Err(Error::Missing));
    assert!(root.read("nowhere/at/all").await.is_err());
    assert_eq!(house.census().await.len(), census);
    assert_eq!(root.write("kv/a", json!({"b": "c"})).await, Ok(Value::Null));
    assert_eq!(house.census().await.len(), census + 1);
    let unknown = json!({"accessor": "nobody"});
    let told = root.ask(Operation::Update, "auth/token/revoke-accessor", unknown).await;
    assert!(matches!(told.outcome, Ok(Reply::Empty)));
    assert_eq!(told.warnings, ["No token found with this accessor"]);
    let too_long = house.root().wrapping(2_764_801).read("kv/a").await;
    assert_eq!(too_long, Err(Error::invalid("an answer can be wrapped for 768h at most")));
}

// Case 69 of `sys/`.
#[tokio::test]
async fn policies_say_for_how_long_answers_are_wrapped() {
    let house = furnished().await;
    with_secret(&house).await;
    let text =
        r#"path "kv/*" { capabilities = ["read"] min_wrapping_ttl = 50 max_wrapping_ttl = 100 }"#;
    house.root().write("sys/policies/acl/wrapper", json!({"policy": text})).await.unwrap();
    let made = house.root().write("auth/token/create", json!({"policies": ["wrapper"]})).await;
    let holder = house.holder(made.unwrap()["client_token"].as_str().unwrap());
    assert_eq!(holder.read("kv/app").await, Err(Error::Denied));
    for (ttl, allowed) in [(49, false), (50, true), (100, true), (101, false)] {
        assert_eq!(holder.clone().wrapping(ttl).read("kv/app").await.is_ok(), allowed, "{ttl}");
    }
}

/// Who has the store and the unseal keys finds no token in what is kept.
// Case 60, but for what docs/compatibility.md explains.
#[tokio::test]
async fn the_old_way_to_read_the_answer_shows_nothing_and_uses_the_token_up() {
    let house = furnished().await;
    with_secret(&house).await;
    let token = wrapped_secret(&house).await;
    assert_eq!(house.holder(&token).read("cubbyhole/response").await, Err(Error::Missing));
    assert_eq!(unwrap(&house.stranger(), &token).await, used_up());
    // Now it is a token like any other that is gone.
    assert_eq!(house.holder(&token).read("cubbyhole/response").await, Err(Error::UnknownToken));
}

async fn with_versions(house: &House) {
    let mount = json!({"type": "kv", "options": {"version": "2"}});
    house.root().write("sys/mounts/secret", mount).await.unwrap();
}

// Case 37.
#[tokio::test]
async fn a_wrapped_answer_about_what_is_gone_is_still_one_when_it_is_fetched() {
    let house = furnished().await;
    with_versions(&house).await;
    let root = house.root();
    root.write("secret/data/a", json!({"data": {"b": "c"}})).await.unwrap();
    root.delete("secret/data/a").await.unwrap();
    let info = root.clone().wrapping(60).read("secret/data/a").await.unwrap();
    let body = json!({"token": info["token"]});
    let answer = house.stranger().ask(Operation::Update, "sys/wrapping/unwrap", body).await;
    let Ok(Reply::BareAbsent(inner)) = answer.outcome else { panic!("{:?}", answer.outcome) };
    assert_eq!(inner["data"]["data"], Value::Null);
    assert_eq!(inner["data"]["metadata"]["version"], 1);
    assert!(inner["data"]["metadata"]["deletion_time"] != "");
    // What was never there stays a plain answer.
    assert_eq!(root.wrapping(60).read("secret/data/b").await, Err(Error::Missing));
}

#[tokio::test]
async fn warnings_are_wrapped_with_what_they_are_about() {
    let house = furnished().await;
    with_versions(&house).await;
    let root = house.root().wrapping(60);
    let asked = root.ask(Operation::Read, "secret/a", Value::Null).await;
    assert_eq!(asked.warnings, Vec::<String>::new());
    let Ok(Reply::Wrapped(info)) = asked.outcome else { panic!("{:?}", asked.outcome) };
    let inner = unwrap(&house.stranger(), info.token.reveal()).await.unwrap();
    let warning = inner["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("Invalid path for a versioned K/V secrets engine."), "{warning}");
}

// Case 59, with the doors there are.
#[tokio::test]
async fn only_what_holds_a_token_names_an_accessor_inside() {
    let house = furnished().await;
    let root = house.root().wrapping(60);
    let info = root.write("auth/token/create", json!({})).await.unwrap();
    let inner = unwrap(&house.stranger(), info["token"].as_str().unwrap()).await.unwrap();
    assert_eq!(info["wrapped_accessor"], inner["auth"]["accessor"]);
    house.root().write("auth/token/roles/r", json!({})).await.unwrap();
    let info = root.read("auth/token/roles/r").await.unwrap();
    assert_eq!(info.get("wrapped_accessor"), None);
}

// Case 61, with the door there is.
#[tokio::test]
async fn what_comes_without_an_envelope_is_wrapped_and_comes_back_as_it_was() {
    let house = furnished().await;
    let root = house.root();
    for format in ["prometheus", ""] {
        let ask = json!({"format": format});
        let wrapped = root.clone().wrapping(60).ask(Operation::Read, "sys/metrics", ask).await;
        let Ok(Reply::Wrapped(info)) = wrapped.outcome else { panic!("{:?}", wrapped.outcome) };
        let body = json!({"token": info.token.reveal()});
        let inner = house.stranger().ask(Operation::Update, "sys/wrapping/unwrap", body).await;
        match inner.outcome {
            Ok(Reply::Document(content_type, text)) if format == "prometheus" => {
                assert_eq!(content_type, "text/plain; version=0.0.4");
                assert!(text.starts_with("# TYPE vault_core_unsealed gauge\n"), "{text}");
            }
            Ok(Reply::Bare(numbers)) if format.is_empty() => {
                assert!(numbers["Gauges"].is_array() && numbers.get("data").is_none());
            }
            other => panic!("{other:?}"),
        }
    }
    // Help is for whoever asks.
    let help = root.wrapping(60).ask(Operation::Help, "sys/metrics", Value::Null).await;
    assert!(matches!(help.outcome, Ok(Reply::Bare(_))));
}

#[tokio::test]
async fn what_should_have_been_wrapped_never_travels_bare() {
    let house = furnished().await;
    with_secret(&house).await;
    let token = wrapped_secret(&house).await;
    let refused = unwrap(&house.stranger().wrapping(60), &token).await;
    assert!(matches!(refused, Err(Error::Invalid(text)) if text.contains("X-Vault-Wrap-TTL")));
    // And it is not used up by that.
    assert!(unwrap(&house.stranger(), &token).await.is_ok());
}

#[tokio::test]
async fn a_wrapping_token_is_good_for_nothing_else_and_trying_uses_it_up() {
    let house = furnished().await;
    with_secret(&house).await;
    let token = wrapped_secret(&house).await;
    let holder = house.holder(&token);
    assert_eq!(holder.read("auth/token/lookup-self").await, Err(Error::Denied));
    assert_eq!(unwrap(&house.stranger(), &token).await, used_up());
}

/// Row W1 of the security notes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_who_unwrap_on_several_nodes_one_succeeds() {
    let memory = Arc::new(Memory::default());
    let mut house = House::on(memory.clone(), 0, 3).await;
    house.store = Arc::new(Busy::new(memory, 3));
    house.restart(3).await;
    furnish(&house).await;
    with_secret(&house).await;
    let token = wrapped_secret(&house).await;
    let mut tries = JoinSet::new();
    for number in 0..200 {
        let (caller, token) = (house.at(number % 3), token.clone());
        tries.spawn(async move { unwrap(&caller, &token).await });
    }
    let outcomes = tries.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().filter(|outcome| outcome.is_err()).all(|o| *o == used_up()));
}

/// Row W2 of the security notes.
#[tokio::test]
async fn after_a_crash_at_any_step_of_unwrapping_it_is_used_up_or_as_before() {
    for fault in [Fault::Before, Fault::Middle, Fault::After] {
        for step in 1..STEPS_MAX {
            let flaky = Arc::new(Flaky::new(Arc::new(Memory::default())));
            let mut house = House::on(flaky.clone(), 1, step).await;
            furnish(&house).await;
            with_secret(&house).await;
            let token = wrapped_secret(&house).await;
            let before = flaky.operations();
            flaky.crash_at(step, fault);
            let first = unwrap(&house.stranger(), &token).await;
            let steps = flaky.operations() - before;
            flaky.heal();
            house.restart(1).await;
            let second = unwrap(&house.stranger(), &token).await;
            assert!(!(first.is_ok() && second.is_ok()), "fetched twice, step {step} {fault:?}");
            assert_eq!(unwrap(&house.stranger(), &token).await, used_up());
            if steps < step {
                break;
            }
        }
    }
}

/// A read that finds something gone tells of what was there; a write has only failed.
#[tokio::test]
async fn a_write_that_finds_nothing_to_change_is_not_wrapped() {
    let house = furnished().await;
    let two = json!({"type": "kv", "options": {"version": "2"}});
    house.root().write("sys/mounts/two", two).await.unwrap();
    let answer = house.root().wrapping(60).write("two/app", json!({"a": 1})).await;
    assert_eq!(answer, Err(Error::Missing));
}
