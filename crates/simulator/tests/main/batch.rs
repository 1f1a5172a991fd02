//! Several operations in one request.

use std::sync::Arc;

use api::{Error, Operation};
use serde_json::{Value, json};
use simulator::{Caller, House};
use storage::Memory;
use storage::testing::{Busy, Fault, Flaky, Interrupted};

use crate::tokens::{is_good, make};

const STEPS_MAX: u64 = 120;

async fn house_on(store: Arc<dyn storage::Store>, nodes: usize) -> House {
    let house = House::on(store, nodes, 5).await;
    house.root().write("sys/mounts/kv", json!({"type": "kv"})).await.unwrap();
    let two = json!({"type": "kv", "options": {"version": "2"}});
    house.root().write("sys/mounts/secret", two).await.unwrap();
    house.root().write("sys/auth/userpass", json!({"type": "userpass"})).await.unwrap();
    house
}

async fn furnished() -> House {
    house_on(Arc::new(Memory::default()), 1).await
}

/// A token with the default policy and one of this text.
async fn with_policy(house: &House, text: &str) -> Caller {
    house.root().write("sys/policies/acl/own", json!({"policy": text})).await.unwrap();
    let made = house.root().write("auth/token/create", json!({"policies": ["own"]})).await.unwrap();
    house.holder(made["client_token"].as_str().unwrap())
}

fn write(path: &str, parameters: Value) -> Value {
    json!({"operation": "write", "path": path, "parameters": parameters})
}

fn read(path: &str) -> Value {
    json!({"operation": "read", "path": path})
}

async fn batch(caller: &Caller, operations: &[Value]) -> Result<Vec<Value>, Error> {
    let answer = caller.write("sys/batch", json!({"operations": operations})).await?;
    Ok(answer["results"].as_array().unwrap().clone())
}

fn forbidden(text: &str) -> Result<Vec<Value>, Error> {
    Err(Error::Forbidden(text.to_owned()))
}

fn invalid(text: &str) -> Result<Vec<Value>, Error> {
    Err(Error::invalid(text))
}

#[tokio::test]
async fn what_a_new_application_needs_is_there_at_once() {
    let house = furnished().await;
    let operations = [
        write(
            "sys/policies/acl/app",
            json!({"policy": r#"path "kv/app" {capabilities=["read"]}"#}),
        ),
        write("auth/userpass/users/App", json!({"password": "long enough", "policies": "app"})),
        write("kv/app", json!({"a": 1})),
        write("secret/data/app", json!({"data": {"a": 2}})),
        write("auth/token/create", json!({"policies": ["app"]})),
    ];
    let results = batch(&house.root(), &operations).await.unwrap();
    assert_eq!(results[1]["path"], "auth/userpass/users/app");
    assert_eq!(
        results[2],
        json!({"operation": "create", "path": "kv/app", "data": null, "warnings": null})
    );
    assert_eq!(results[3]["data"]["version"], 1);
    let token = results[4]["auth"]["client_token"].as_str().unwrap().to_owned();
    for token in [house.stranger().login("app", "long enough").await.unwrap(), token] {
        assert_eq!(house.holder(&token).read("kv/app").await, Ok(json!({"a": 1})));
    }
}

#[tokio::test]
async fn one_that_is_refused_undoes_those_before_it_and_those_behind_it() {
    let house = furnished().await;
    let user = with_policy(&house, r#"path "kv/own/*" {capabilities=["create", "update"]}"#).await;
    let before = house.census().await;
    let operations = [
        write("kv/own/a", json!({"a": 1})),
        write("kv/others", json!({"a": 1})),
        write("kv/own/b", json!({"a": 1})),
    ];
    let refused = forbidden("operations[1] (write kv/others): permission denied");
    assert_eq!(batch(&user, &operations).await, refused);
    assert_eq!(house.census().await, before);
    assert_eq!(
        batch(&user, &[operations[0].clone(), operations[2].clone()]).await.unwrap().len(),
        2
    );

    let wrong = json!({"data": {"a": 1}, "options": {"cas": 5}});
    let operations = [write("kv/a", json!({"a": 1})), write("secret/data/a", wrong)];
    let before = house.census().await;
    let text = "operations[1] (write secret/data/a): check-and-set parameter did not match the \
                current version";
    assert_eq!(batch(&house.root(), &operations).await, invalid(text));
    assert_eq!(house.census().await, before);
}

/// Whether a write creates depends on what those before it have done, and so do the rights.
#[tokio::test]
async fn each_is_decided_by_policy_as_if_it_came_alone() {
    let house = furnished().await;
    let text = r#"
        path "kv/new/*" {capabilities=["create"]}
        path "kv/limited" {capabilities=["create", "update"] denied_parameters={"b"=["2"]}}
        path "kv/wrapped" {capabilities=["create", "read"] min_wrapping_ttl="10s"}
        path "kv/list/" {capabilities=["list"] pagination_limit=1}
    "#;
    let user = with_policy(&house, text).await;
    let new = write("kv/new/a", json!({"a": 1}));
    let refused = forbidden("operations[1] (write kv/new/a): permission denied");
    assert_eq!(batch(&user, &[new.clone(), new.clone()]).await, refused);
    let deleted = json!({"operation": "delete", "path": "kv/new/a"});
    let refused = forbidden("operations[1] (delete kv/new/a): permission denied");
    assert_eq!(batch(&user, &[new.clone(), deleted]).await, refused);
    assert_eq!(batch(&user, &[new]).await.unwrap().len(), 1);

    let refused = forbidden("operations[0] (write kv/limited): permission denied");
    assert_eq!(batch(&user, &[write("kv/limited", json!({"b": "2"}))]).await, refused);
    batch(&user, &[write("kv/limited", json!({"b": "1"}))]).await.unwrap();

    let root = house.root();
    batch(&root, &[write("kv/list/a", json!({"a": 1})), write("kv/list/b", json!({"a": 1}))])
        .await
        .unwrap();
    let list = json!({"operation": "list", "path": "kv/list"});
    let results = batch(&user, std::slice::from_ref(&list)).await.unwrap();
    assert_eq!(results[0]["data"]["keys"], json!(["a"]));
    assert_eq!(batch(&root, &[list]).await.unwrap()[0]["data"]["keys"], json!(["a", "b"]));

    let wrapped = write("kv/wrapped", json!({"a": 1}));
    let refused = forbidden("operations[0] (write kv/wrapped): permission denied");
    assert_eq!(batch(&user, std::slice::from_ref(&wrapped)).await, refused);
    let long = user.wrapping(20);
    let answer = long.write("sys/batch", json!({"operations": [wrapped]})).await.unwrap();
    let fetched = json!({"token": answer["token"]});
    let fetched = house.stranger().write("sys/wrapping/unwrap", fetched).await.unwrap();
    assert_eq!(fetched["data"]["results"][0]["path"], "kv/wrapped");
}

#[tokio::test]
async fn the_door_itself_takes_a_right_too() {
    let house = furnished().await;
    let user = with_policy(&house, r#"path "sys/batch" {capabilities=["deny"]}"#).await;
    assert_eq!(batch(&user, &[read("auth/token/lookup-self")]).await, Err(Error::Denied));
    let nobody = house.stranger();
    assert_eq!(batch(&nobody, &[read("kv/a")]).await, Err(Error::Unauthenticated));
}

#[tokio::test]
async fn each_sees_what_those_before_it_have_done() {
    let house = furnished().await;
    let cas = |cas: u64| json!({"data": {"number": cas}, "options": {"cas": cas}});
    let operations = [
        write("secret/data/a", cas(0)),
        write("secret/data/a", cas(1)),
        json!({"operation": "patch", "path": "secret/data/a", "parameters": {"data": {"b": 2}}}),
        read("secret/data/a"),
        json!({"operation": "read", "path": "secret/data/a", "parameters": {"version": "1"}}),
        json!({"operation": "delete", "path": "secret/metadata/a"}),
        read("secret/data/a"),
        write("kv/x/y", json!({"a": 1})),
        json!({"operation": "list", "path": "kv"}),
        json!({"operation": "scan", "path": "kv/"}),
    ];
    let results = batch(&house.root(), &operations).await.unwrap();
    assert_eq!(results[3]["data"]["data"], json!({"number": 1, "b": 2}));
    assert_eq!(results[3]["data"]["metadata"]["version"], 3);
    assert_eq!(results[4]["data"]["data"], json!({"number": 0}));
    assert_eq!((&results[6]["found"], &results[6]["data"]), (&json!(false), &Value::Null));
    assert_eq!(results[8]["data"]["keys"], json!(["x/"]));
    assert_eq!(results[9]["data"]["keys"], json!(["x/y"]));
    assert_eq!(house.root().read("secret/data/a").await, Err(Error::Missing));
    assert_eq!(house.root().read("kv/x/y").await, Ok(json!({"a": 1})));
}

#[tokio::test]
async fn nothing_there_is_an_answer_to_who_looks_and_a_refusal_to_who_changes() {
    let house = furnished().await;
    let deleted = [
        write("secret/data/a", json!({"data": {"a": 1}})),
        json!({"operation": "delete", "path": "secret/data/a"}),
        read("secret/data/a"),
        read("kv/none"),
        json!({"operation": "list", "path": "kv/none"}),
    ];
    let results = batch(&house.root(), &deleted).await.unwrap();
    assert_eq!(results[2]["found"], false);
    assert_eq!(results[2]["data"]["metadata"]["version"], 1);
    assert_eq!((&results[3]["found"], &results[4]["found"]), (&json!(false), &json!(false)));
    let patch = json!({"operation": "patch", "path": "secret/data/none",
        "parameters": {"data": {"b": 2}}});
    let text = "operations[1] (patch secret/data/none): nothing is there";
    let refused = batch(&house.root(), &[write("kv/a", json!({"a": 1})), patch]).await;
    assert_eq!(refused, Err(Error::MissingBecause(text.to_owned())));
    assert_eq!(house.root().read("kv/a").await, Err(Error::Missing));
}

/// Alone each of these is a 404.
#[tokio::test]
async fn a_change_to_what_is_not_there_refuses_the_batch() {
    let house = furnished().await;
    let root = house.root();
    root.write("secret/data/gone", json!({"data": {"a": 1}})).await.unwrap();
    root.delete("secret/data/gone").await.unwrap();
    let patch = json!({"data": {"b": 2}});
    let patch = json!({"operation": "patch", "path": "secret/data/gone", "parameters": patch});
    let no_such_path = json!({"operation": "delete", "path": "secret/gone"});
    let canary = write("kv/canary", json!({"a": 1}));
    for change in [patch, write("secret/gone", json!({"a": 1})), no_such_path] {
        let refused = batch(&root, &[canary.clone(), change, canary.clone()]).await;
        assert!(
            matches!(&refused, Err(Error::MissingBecause(text))
            if text.starts_with("operations[1] (")),
            "{refused:?}"
        );
        assert_eq!(root.read("kv/canary").await, Err(Error::Missing));
    }
}

#[tokio::test]
async fn nothing_is_done_with_a_token_that_an_operation_before_has_ended() {
    let house = furnished().await;
    let body = json!({"policies": ["root"], "num_uses": 5});
    for body in [json!({"policies": ["root"]}), body] {
        let made = house.root().write("auth/token/create", body).await.unwrap();
        let token = made["client_token"].as_str().unwrap();
        let user = house.holder(token);
        let end = write("auth/token/revoke", json!({"token": token}));
        for next in [write("kv/a", json!({"a": 1})), write("auth/token/create", json!({}))] {
            let refused = batch(&user, &[end.clone(), next.clone()]).await;
            let path = next["path"].as_str().unwrap();
            let text = format!("operations[1] (write {path}): permission denied");
            assert_eq!(refused, forbidden(&text));
        }
        batch(&user, &[write("kv/b", json!({"a": 1})), end]).await.unwrap();
        assert!(user.read("kv/b").await.is_err());
        house.root().delete("kv/b").await.unwrap();
    }
}

/// A token on its last use is not better off than others: what ends others ends it.
#[tokio::test]
async fn the_last_use_lasts_as_long_as_the_batch_and_no_longer() {
    let house = furnished().await;
    let root = house.root();
    let parent = make(&root, json!({"policies": ["root"], "ttl": "1h"})).await;
    let body = json!({"policies": ["root"], "num_uses": 1, "ttl": "1h"});
    let ends: [fn(&str, &str, &str) -> Value; 5] = [
        |_, _, _| write("auth/token/revoke-self", json!({})),
        |token, _, _| write("auth/token/revoke", json!({"token": token})),
        |token, _, _| write("auth/token/revoke-orphan", json!({"token": token})),
        |_, accessor, _| write("auth/token/revoke-accessor", json!({"accessor": accessor})),
        |_, _, parent| write("auth/token/revoke", json!({"token": parent})),
    ];
    let next = write("kv/a", json!({"a": 1}));
    for end in ends {
        let made = house.holder(&parent).write("auth/token/create", body.clone()).await.unwrap();
        let [token, accessor] =
            ["client_token", "accessor"].map(|name| made[name].as_str().unwrap());
        let end = end(token, accessor, &parent);
        let refused = batch(&house.holder(token), &[end.clone(), next.clone()]).await;
        let text = "operations[1] (write kv/a): permission denied";
        assert_eq!(refused, forbidden(text), "{end}");
        assert!(!is_good(&house, token).await, "the use is spent: {end}");
    }
    assert!(is_good(&house, &parent).await);
    // What it is for is done before it ends, and then it has ended.
    house.settle().await.unwrap();
    let census = house.census().await;
    let token = make(&house.holder(&parent), body).await;
    let secret = write("cubbyhole/a", json!({"a": 1}));
    let look = write("auth/token/lookup", json!({"token": token}));
    let renew = write("auth/token/renew-self", json!({}));
    let all = [secret, read("cubbyhole/a"), look, renew];
    let results = batch(&house.holder(&token), &all).await.unwrap();
    assert_eq!(results[1]["data"], json!({"a": 1}));
    assert_eq!(results[2]["data"]["id"], token.as_str());
    assert!(!is_good(&house, &token).await);
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

/// Where a request alone has no room to say so, a batch has.
#[tokio::test]
async fn parameters_without_effect_are_told_of_every_operation() {
    let house = furnished().await;
    let sent = json!({"max_version": 5});
    let alone = house.root().ask(Operation::Update, "secret/metadata/a", sent.clone()).await;
    assert_eq!(alone.warnings, Vec::<String>::new());
    let results = batch(&house.root(), &[write("secret/metadata/a", sent)]).await.unwrap();
    let text = "Endpoint ignored these unrecognized parameters: [max_version]";
    assert_eq!(results[0]["warnings"], json!([text]));
}

/// Whoever may not touch a path learns nothing about it: not whether something is there, nor what
/// kind of mount folds its name.
#[tokio::test]
async fn a_refusal_repeats_what_was_asked_and_nothing_else() {
    let house = furnished().await;
    let root = house.root();
    root.write("secret/data/there", json!({"data": {"a": 1}})).await.unwrap();
    root.write("auth/userpass/users/there", json!({"password": "long enough"})).await.unwrap();
    let user = with_policy(&house, r#"path "kv/own" {capabilities=["read"]}"#).await;
    let paths = ["secret/data/", "secret/metadata/", "auth/userpass/users/", "auth/token/roles/"];
    for folder in paths.into_iter().chain(["nowhere/"]) {
        for name in ["there", "not-there", "THERE"] {
            let path = format!("{folder}{name}");
            let text = format!("operations[0] (write {path}): permission denied");
            let asked = write(&path, json!({"data": {}}));
            assert_eq!(batch(&user, &[asked]).await, forbidden(&text));
        }
    }
}

/// What a batch writes about rights counts from the next request on.
#[tokio::test]
async fn a_batch_cannot_give_itself_rights() {
    let house = furnished().await;
    let text = r#"path "sys/policies/acl/own" {capabilities=["update", "read"]}"#;
    let user = with_policy(&house, text).await;
    let more = json!({"policy": r#"path "kv/*" {capabilities=["create"]}"#});
    let operations = [write("sys/policies/acl/own", more), write("kv/a", json!({"a": 1}))];
    let refused = forbidden("operations[1] (write kv/a): permission denied");
    assert_eq!(batch(&user, &operations).await, refused);
    batch(&user, &operations[..1]).await.unwrap();
    batch(&user, &operations[1..]).await.unwrap();
}

#[tokio::test]
async fn a_policy_written_twice_has_two_versions() {
    let house = furnished().await;
    let path = "sys/policies/acl/twice";
    let text = r#"path "a" {capabilities=["read"]}"#;
    let versions = |first: i64, second: i64| {
        [first, second].map(|cas| write(path, json!({"policy": text, "cas": cas})))
    };
    let text = "operations[1] (write sys/policies/acl/twice): check-and-set parameter set to -1 \
                on existing entry";
    assert_eq!(batch(&house.root(), &versions(-1, -1)).await, invalid(text));
    let [first, second] = versions(-1, 1);
    let results = batch(&house.root(), &[first, second, read(path)]).await.unwrap();
    assert_eq!(results[2]["data"]["version"], 2);
}

#[tokio::test]
async fn what_cannot_be_undone_has_to_come_alone() {
    let house = furnished().await;
    house.root().write("auth/userpass/users/ann", json!({"password": "pw"})).await.unwrap();
    let alone = "this cannot be part of a batch; send it by itself";
    let check = async |path: &str, parameters: Value| {
        let operations = [write("kv/canary", json!({"a": 1})), write(path, parameters)];
        let text = format!("operations[1] (write {path}): {alone}");
        assert_eq!(batch(&house.root(), &operations).await, invalid(&text));
        assert_eq!(house.root().read("kv/canary").await, Err(Error::Missing));
    };
    check("auth/userpass/login/ann", json!({"password": "wrong"})).await;
    check("auth/userpass/login/ann", json!({"password": "pw"})).await;
    check("sys/seal", json!({})).await;
    check("sys/mounts/other", json!({"type": "kv"})).await;
    check("sys/audit/file", json!({"type": "file"})).await;
    check("sys/wrapping/unwrap", json!({"token": "x"})).await;
    check("sys/batch", json!({"operations": [read("kv/a")]})).await;
    assert!(!house.nodes[0].is_sealed());
}

/// Every door there is, as part of a batch: what is refused leaves nothing behind, and what is not
/// is there together with the rest.
#[tokio::test]
async fn at_every_door_all_or_nothing_is_done() {
    let (house, doors) = crate::promises::doors().await;
    house.root().write("sys/mounts/canary", json!({"type": "kv"})).await.unwrap();
    for door in &doors {
        for operation in door.operations.iter().filter(|operation| **operation != Operation::Help) {
            let asked = json!({"operation": operation.name(), "path": door.example,
                "parameters": {"password": "x", "policy": "path \"x\" {}", "data": {"x": 1}}});
            let operations = [write("canary/a", json!({"a": 1})), asked];
            let made = house.root().write("auth/token/create", json!({})).await.unwrap();
            let user = house.holder(made["client_token"].as_str().unwrap());
            let outcome = batch(&user, &operations).await;
            let canary = house.root().read("canary/a").await;
            assert_eq!(outcome.is_ok(), canary.is_ok(), "{operation} {}: {outcome:?}", door.at);
            assert!(!matches!(outcome, Err(Error::Internal(_))), "{outcome:?}");
            let _ = house.root().delete("canary/a").await;
        }
    }
    assert!(!house.nodes[0].is_sealed());
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_before_anything_is_done() {
    let house = furnished().await;
    let check = async |operations: Value, text: &str| {
        let outcome = house.root().write("sys/batch", json!({"operations": operations})).await;
        assert_eq!(outcome, Err(Error::invalid(text)));
    };
    let before = house.census().await;
    check(json!([]), "missing operations: give a list of at least one").await;
    let many = vec![write("kv/a", json!({"a": 1})); 129];
    check(json!(many), "too many operations: a batch has at most 128").await;
    let words = "no such operation; there are write, patch, delete, read, list and scan";
    let odd = json!({"operation": "move", "path": "kv/a"});
    check(json!([many[0], odd]), &format!("operations[1]: {words}")).await;
    let up = "operations[0]: relative paths not supported";
    check(json!([write("kv/../sys/policies/acl/a", json!({}))]), up).await;
    let folder = "operations[0]: cannot write to a path ending in '/'";
    check(json!([write("kv/a/", json!({}))]), folder).await;
    check(json!([read("")]), "operations[0]: missing path").await;
    let empty = "operations[0]: the path has an empty segment; write one slash, not two";
    check(json!([read("//kv/a")]), empty).await;
    let query = "operations[0]: what would stand behind the ? of an address belongs into \
                 \"parameters\"; a name that has such a part is asked for by itself";
    check(json!([read("secret/data/a?version=1")]), query).await;
    check(json!([write("secret/data/a?cas=1&b", json!({}))]), query).await;
    let misspelt = json!({"operation": "write", "path": "kv/a", "data": {"a": 1}});
    let outcome = house.root().write("sys/batch", json!({"operations": [misspelt]})).await;
    assert!(
        matches!(&outcome, Err(Error::Invalid(text)) if text.contains("nothing else")),
        "{outcome:?}"
    );
    assert_eq!(house.census().await, before);
    assert_eq!(batch(&house.root(), &many[..128]).await.unwrap().len(), 128);
}

#[tokio::test]
async fn what_it_answers_is_bounded() {
    let house = furnished().await;
    let too_large = "the answers of this batch are too large together; ask for less at once";
    house.root().write("kv/large", json!({"text": "x".repeat(700_000)})).await.unwrap();
    let text = format!("operations[47] (read kv/large): {too_large}");
    assert_eq!(batch(&house.root(), &vec![read("kv/large"); 128]).await, invalid(&text));
    // Many small values take more memory than their text does.
    let names: serde_json::Map<_, _> = (0..9_000).map(|at| (at.to_string(), at.into())).collect();
    house.root().write("kv/small", names.into()).await.unwrap();
    let text = format!("operations[28] (read kv/small): {too_large}");
    assert_eq!(batch(&house.root(), &vec![read("kv/small"); 128]).await, invalid(&text));
}

#[tokio::test]
async fn numbers_and_texts_come_back_as_they_were_sent() {
    let house = furnished().await;
    let text =
        r#"{"big": 123456789012345678901234567890, "float": 1.10, "e": 1e-400, "ü": "\u0000"}"#;
    let sent: Value = serde_json::from_str(text).unwrap();
    let operations = [write("kv/a", sent.clone()), read("kv/a")];
    let results = batch(&house.root(), &operations).await.unwrap();
    assert_eq!(results[1]["data"].to_string(), sent.to_string());
}

#[tokio::test]
async fn it_costs_a_token_one_use_also_when_it_is_refused() {
    let house = furnished().await;
    let text = json!({"policies": ["root"], "num_uses": 2});
    let made = house.root().write("auth/token/create", text).await.unwrap();
    let user = house.holder(made["client_token"].as_str().unwrap());
    let operations = [write("kv/a", json!({"a": 1})), write("kv/b", json!({"a": 1}))];
    batch(&user, &operations).await.unwrap();
    let refused = batch(&user, &[operations[0].clone(), write("nowhere/a", json!({}))]).await;
    let text = "operations[1] (write nowhere/a): no handler for route";
    assert_eq!(refused, Err(Error::MissingBecause(text.to_owned())));
    assert_eq!(batch(&user, &operations).await, Err(Error::UnknownToken));
}

/// Two nodes, many at once, and a store that loses races: counters that only move together.
#[tokio::test]
async fn whoever_loses_a_race_starts_over_with_all_of_it() {
    let store = Arc::new(Busy::new(Arc::new(Memory::default()), 5));
    let house = Arc::new(house_on(store, 2).await);
    let mut tasks = vec![];
    for number in 0..20 {
        let house = house.clone();
        tasks.push(tokio::spawn(async move {
            let caller = house.at(number % 2).with_token(&house.root);
            let text = number.to_string();
            let both = ["a", "b"]
                .map(|name| write(&format!("secret/data/{name}"), json!({"data": {"by": text}})));
            batch(&caller, &both).await.unwrap();
            let both =
                batch(&caller, &[read("secret/data/a"), read("secret/data/b")]).await.unwrap();
            assert_eq!(both[0]["data"]["data"], both[1]["data"]["data"]);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let seen = house.root().read("secret/data/b").await.unwrap();
    assert_eq!(seen["metadata"]["version"], 20);
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_all_of_it_or_nothing() {
    for fault in [Fault::Before, Fault::Middle, Fault::After] {
        for step in 1..STEPS_MAX {
            let flaky = Arc::new(Flaky::new(Arc::new(Memory::default())));
            let mut house = house_on(flaky.clone(), 1).await;
            let before = flaky.operations();
            flaky.crash_at(step, fault);
            let operations = [
                write("kv/a", json!({"a": 1})),
                write("secret/data/a", json!({"data": {"a": 1}})),
                write("auth/token/create", json!({"policies": ["x"]})),
            ];
            let outcome = batch(&house.root(), &operations).await;
            let steps = flaky.operations() - before;
            flaky.heal();
            house.restart(1).await;
            let root = house.root();
            let there = [
                root.read("kv/a").await.is_ok(),
                root.read("secret/data/a").await.is_ok(),
                house.census().await.iter().filter(|key| key.starts_with("sys/accessor/")).count()
                    > 1,
            ];
            assert!(there == [true; 3] || there == [false; 3], "{fault:?} {step} {there:?}");
            assert!(there[0] || outcome.is_err());
            if steps < step {
                break;
            }
        }
    }
}

/// What an entry of the trail is about.
fn in_short(entry: &Value) -> String {
    let asked = &entry["request"];
    let [kind, operation, path] =
        [&entry["type"], &asked["operation"], &asked["path"]].map(|text| text.as_str().unwrap());
    let refused = if entry["error"].is_null() { "" } else { " refused" };
    format!("{kind} {operation} {path}{refused}")
}

#[tokio::test]
async fn the_trail_shows_every_operation_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let house = furnished().await;
    let file = folder.path().join("audit.log").to_str().unwrap().to_owned();
    let device = json!({"type": "file", "options": {"file_path": file}});
    house.root().write("sys/audit/file", device).await.unwrap();
    let entries = || -> Vec<Value> {
        let text = std::fs::read_to_string(&file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let start = entries().len();
    let operations = [
        write("auth/userpass/users/ann", json!({"password": 271_828_182})),
        write("kv/a", json!({"a": "canary"})),
        read("kv/a"),
        write("nowhere/a", json!({})),
        read("kv/never"),
    ];
    let user = with_policy(&house, r#"path "*" {capabilities=["create", "update", "read"]}"#).await;
    let start = start + 4;
    batch(&user, &operations[..3]).await.unwrap();
    batch(&user, &operations).await.unwrap_err();
    let text = std::fs::read_to_string(&file).unwrap();
    for secret in ["canary", "271828182"] {
        assert!(!text.contains(secret), "{secret} is in the trail");
    }
    let all = entries();
    let told: Vec<_> = all[start..].iter().map(in_short).collect();
    let first = [
        "request update sys/batch",
        "request create auth/userpass/users/ann",
        "request create kv/a",
        "request read kv/a",
        "response create auth/userpass/users/ann",
        "response create kv/a",
        "response read kv/a",
        "response update sys/batch",
    ];
    assert_eq!(told[..8], first);
    let second = [
        "request update sys/batch",
        "request update auth/userpass/users/ann",
        "request update kv/a",
        "request read kv/a",
        "request update nowhere/a refused",
        "response update auth/userpass/users/ann refused",
        "response update kv/a refused",
        "response read kv/a refused",
        "response update nowhere/a refused",
        "response update sys/batch refused",
    ];
    assert_eq!(told[8..], second);
    // What was answered is told once.
    assert!(all[start + 6]["response"]["data"]["a"].is_string());
    assert_eq!(all[start + 7]["response"]["data"], Value::Null);
    let whole = all[start]["request"]["id"].as_str().unwrap();
    assert_eq!(all[start + 1]["request"]["id"], format!("{whole}.0"));
    assert_eq!(all[start + 2]["auth"]["policy_results"]["granting_policies"][0]["name"], "own");
    // What is kept for later is told when it is fetched.
    let kept = json!({"operations": [read("kv/a")]});
    user.wrapping(60).write("sys/batch", kept).await.unwrap();
    let [.., of_part, of_whole] = &entries()[..] else { panic!("nothing was written down") };
    assert_eq!(of_part["request"]["path"], "kv/a");
    assert_eq!(of_part["response"]["data"], Value::Null);
    assert!(of_whole["response"]["wrap_info"]["token"].is_string());
}

/// What an operation came to in an attempt that lost its race is not what it has come to.
#[tokio::test]
async fn the_trail_of_a_refused_batch_says_why_at_every_operation() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.log").to_str().unwrap().to_owned();
    let memory = Arc::new(Memory::default());
    let mut house = house_on(memory.clone(), 1).await;
    let store = Arc::new(Interrupted::new(memory, |commit| !commit.puts.is_empty()));
    house.store = store.clone();
    house.restart(2).await;
    let device = json!({"type": "file", "options": {"file_path": file}});
    house.root().write("sys/audit/file", device).await.unwrap();
    let user = with_policy(&house, r#"path "kv/*" {capabilities=["create", "read"]}"#).await;
    let other = house.at(1).with_token(&house.root);
    store.interrupt(async move {
        let less = json!({"policy": r#"path "kv/none" {capabilities=["read"]}"#});
        other.write("sys/policies/acl/own", less).await.unwrap();
    });
    let refused = batch(&user, &[write("kv/a", json!({"a": 1})), read("kv/none")]).await;
    let text = "operations[0] (write kv/a): permission denied";
    assert_eq!(refused, forbidden(text));
    let trail = std::fs::read_to_string(&file).unwrap();
    let last = trail
        .lines()
        .rev()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|entry| entry["type"] == "response" && entry["request"]["path"] == "kv/none");
    assert_eq!(last.unwrap()["error"], text);
}
