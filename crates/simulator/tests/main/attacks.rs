//! What a hostile and patient reader tried, and what must therefore never work.

use std::sync::Arc;

use api::{Body, BoxFuture, CanonicalPath, Error, Operation, Path, Request, Result, Secret, Trust};
use kernel::Door;
use serde_json::{Map, Value, json};
use simulator::{Caller, House};
use storage::testing::{Busy, Interrupted};
use storage::{Commit, Memory, Store};

async fn make(caller: &Caller, body: Value) -> String {
    let made = caller.write("auth/token/create", body).await.unwrap();
    made["client_token"].as_str().unwrap().to_owned()
}

/// Somebody whose only policy is `text`.
async fn somebody(house: &House, text: &str) -> Caller {
    house.root().write("sys/policies/acl/somebody", json!({ "policy": text })).await.unwrap();
    let body = json!({ "policies": ["somebody"], "no_default_policy": true });
    house.holder(&make(&house.root(), body).await)
}

#[tokio::test]
async fn a_token_that_is_made_again_under_its_old_name_inherits_nothing() {
    let house = House::new().await;
    let root = house.root();
    let again = json!({"id": "again", "policies": ["root"], "ttl": "1h"});
    let first = house.holder(&make(&root, again.clone()).await);
    first.write("cubbyhole/note", json!({"secret": "old"})).await.unwrap();
    let child = house.holder(&make(&first, json!({"ttl": "1h"})).await);
    root.write("auth/token/revoke", json!({"token": "again"})).await.unwrap();
    assert_eq!(child.read("auth/token/lookup-self").await, Err(Error::UnknownToken));

    // Before anybody has cleared up, or after.
    let _ = root.write("auth/token/create", again.clone()).await;
    assert_eq!(child.read("auth/token/lookup-self").await, Err(Error::UnknownToken));
    assert!(first.read("cubbyhole/note").await.is_err());
    house.settle().await.unwrap();
    let second = house.holder(&make(&root, again).await);
    second.write("cubbyhole/note", json!({"secret": "new"})).await.unwrap();
    house.settle().await.unwrap();
    assert_eq!(second.read("cubbyhole/note").await, Ok(json!({"secret": "new"})));
    assert_eq!(child.read("auth/token/lookup-self").await, Err(Error::UnknownToken));
}

/// A batch token is kept nowhere, so nothing clears it up when its parent has ended.
#[tokio::test]
async fn a_batch_token_does_not_come_back_with_a_new_token_of_its_parents_name() {
    let house = House::new().await;
    let root = house.root();
    let again = json!({"id": "again", "policies": ["root"], "ttl": "1h"});
    let first = house.holder(&make(&root, again.clone()).await);
    let batch = json!({"type": "batch", "policies": ["default"], "ttl": "1h"});
    let child = house.holder(&make(&first, batch.clone()).await);
    child.read("auth/token/lookup-self").await.unwrap();
    root.write("auth/token/revoke", json!({"token": "again"})).await.unwrap();
    assert_eq!(child.read("auth/token/lookup-self").await, Err(Error::UnknownToken));
    house.settle().await.unwrap();
    let second = house.holder(&make(&root, again).await);
    assert_eq!(child.read("auth/token/lookup-self").await, Err(Error::UnknownToken));
    let child = house.holder(&make(&second, batch).await);
    child.read("auth/token/lookup-self").await.unwrap();
}

#[tokio::test]
async fn a_parameter_never_leads_a_listing_elsewhere_than_its_path() {
    let house = House::new().await;
    let root = house.root();
    for (engine, options) in [("kv", json!({"version": "2"})), ("kv", json!({"version": "1"}))] {
        let version = options["version"].as_str().unwrap().to_owned();
        let mount = json!({"type": engine, "options": options});
        root.write(&format!("sys/mounts/kv{version}"), mount).await.unwrap();
    }
    root.write("kv2/data/hidden/canary", json!({"data": {"a": "b"}})).await.unwrap();
    root.write("kv1/hidden/canary", json!({"a": "b"})).await.unwrap();
    let text = r#"path "kv2/metadata" { capabilities = ["list"] }
                  path "kv1" { capabilities = ["list"] }"#;
    let caller = somebody(&house, text).await;
    for place in ["kv2/metadata", "kv1"] {
        let body = json!({"path": "hidden"});
        let answer = caller.ask(Operation::List, place, body).await;
        let shown = format!("{answer:?}");
        assert!(answer.outcome.is_ok() && !shown.contains("canary"), "{shown}");
    }
}

fn ends_a_token(commit: &Commit) -> bool {
    commit.deletes.iter().any(|key| key.starts_with("sys/token/"))
}

#[tokio::test]
async fn what_a_token_leaves_behind_is_cleared_up_even_if_it_came_at_the_last_moment() {
    for write in ["cubbyhole/note", "auth/token/create"] {
        let memory = Arc::new(Memory::default());
        let mut house = House::on(memory.clone(), 1, 5).await;
        let root = house.root();
        let census = house.census().await;
        let token = make(&root, json!({"id": "ending", "policies": ["root"]})).await;
        let store = Arc::new(Interrupted::new(memory, ends_a_token));
        house.store = store.clone();
        house.restart(2).await;
        let late = house.at(1).with_token(&token);
        store.interrupt(async move {
            late.write(write, json!({"secret": "x"})).await.unwrap();
        });
        house.holder(&token).write("auth/token/revoke-self", json!({})).await.unwrap();
        house.settle().await.unwrap();
        assert_eq!(house.census().await, census, "{write}");
    }
}

#[tokio::test]
async fn tokens_that_are_bound_to_networks_show_no_mounts_elsewhere() {
    let house = crate::walk::furnished().await;
    let bound = json!({"token_bound_cidrs": "10.0.0.0/8"});
    house.root().write("auth/userpass/users/mitchellh", bound).await.unwrap();
    let token = house.stranger().from("10.1.2.3").login("mitchellh", "foo").await.unwrap();
    for path in
        ["sys/internal/ui/mounts", "sys/internal/ui/mounts/kv/x", "sys/internal/specs/openapi"]
    {
        house.holder(&token).from("10.1.2.3").read(path).await.unwrap();
        let refused = house.holder(&token).from("192.168.0.1").read(path).await;
        assert_eq!(refused, Err(Error::Unauthenticated), "{path}");
    }
}

#[tokio::test]
async fn strangers_see_of_a_mount_what_it_is_and_no_more() {
    let house = crate::walk::furnished().await;
    let root = house.root();
    let tune = json!({"listing_visibility": "unauth", "description": "for people"});
    root.write("sys/auth/userpass/tune", tune).await.unwrap();
    let seen = house.stranger().read("sys/internal/ui/mounts").await.unwrap();
    let expected = json!({"type": "userpass", "description": "for people", "options": {}});
    assert_eq!(seen, json!({"secret": {}, "auth": {"userpass/": expected}}));
    let seen = root.read("sys/internal/ui/mounts").await.unwrap();
    assert!(seen["auth"]["userpass/"]["accessor"].is_string());
}

#[tokio::test]
async fn one_damaged_record_holds_up_no_chore() {
    let memory = Arc::new(Memory::default());
    let house = House::on(memory.clone(), 1, 5).await;
    let root = house.root();
    let mut rest = house.census().await;
    make(&root, json!({"ttl": 60})).await;
    let damaged = house.census().await.into_iter().filter(|key| !rest.contains(key));
    let damaged: Vec<_> = damaged.collect();
    let record = damaged.iter().find(|key| key.starts_with("sys/token/")).unwrap().clone();
    let commit = Commit { puts: [(record, "damaged".into())].into(), ..Commit::default() };
    memory.commit(commit).await.unwrap();
    let child = make(&root, json!({"ttl": 120})).await;
    house.holder(&child).write("cubbyhole/note", json!({"a": "b"})).await.unwrap();
    house.wait(120);
    house.settle().await.unwrap();
    rest.extend(damaged);
    rest.sort();
    assert_eq!(house.census().await, rest);
}

#[tokio::test]
async fn no_number_makes_a_token_that_outlives_its_mount_s_limit() {
    let house = crate::walk::furnished().await;
    let root = house.root();
    for time in [json!(9_223_372_036_u64), json!("2562047h"), json!("9223372036")] {
        for field in ["ttl", "explicit_max_ttl", "period", "lease"] {
            let body = json!({"policies": ["default"], field: time});
            let made = root.write("auth/token/create", body).await.unwrap();
            assert!(made["lease_duration"].as_u64().unwrap() <= 2_764_800, "{field} {time}");
            let holder = house.holder(made["client_token"].as_str().unwrap());
            let increment = json!({"increment": time});
            let renewed = holder.write("auth/token/renew-self", increment).await.unwrap();
            assert!(renewed["lease_duration"].as_u64().unwrap() <= 2_764_800, "{field} {time}");
        }
        for field in ["token_ttl", "token_max_ttl", "token_explicit_max_ttl", "token_period"] {
            let user = json!({"password": "foo", field: time});
            root.write("auth/userpass/users/eve", user).await.unwrap();
            let login = house.stranger();
            let login = login.write("auth/userpass/login/eve", json!({"password": "foo"})).await;
            assert!(login.unwrap()["lease_duration"].as_u64().unwrap() <= 2_764_800);
            root.delete("auth/userpass/users/eve").await.unwrap();
        }
    }
    let beyond = [json!(u64::MAX), json!(i64::MAX), json!(9_223_372_037_u64), json!("9223372037")];
    let flawed = [json!(-1), json!("-1h"), json!(1.5), json!([1]), json!({})];
    for time in beyond.into_iter().chain(flawed) {
        for (path, field) in [
            ("auth/token/create", "ttl"),
            ("auth/token/create", "explicit_max_ttl"),
            ("auth/token/create", "period"),
            ("auth/token/renew-self", "increment"),
            ("auth/userpass/users/eve", "token_ttl"),
        ] {
            let refused = root.write(path, json!({"password": "foo", field: time})).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{field} {time}");
        }
    }
}

#[tokio::test]
async fn loose_spellings_never_mean_more_than_they_say() {
    let house = House::new().await;
    let text = r#"path "auth/token/create" { capabilities = ["update"] }"#;
    let maker = somebody(&house, text).await;
    for body in [
        json!({"no_parent": "yes"}),
        json!({"no_parent": "1"}),
        json!({"no_parent": [true]}),
        json!({"period": "1"}),
        json!({"policies": "root"}),
        json!({"policies": ["\u{a0}ROOT\u{2003}"]}),
        json!({"policies": ["somebody", "other"]}),
        json!({"policies": "somebody,root"}),
        json!({"policies": {"root": true}}),
        json!({"id": "x"}),
    ] {
        let refused = maker.write("auth/token/create", body.clone()).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{body}: {refused:?}");
    }
    let own = maker.write("auth/token/create", json!({"policies": [" Somebody "]})).await.unwrap();
    assert_eq!(own["policies"], json!(["somebody"]));
}

/// A body that cannot be understood.
pub(crate) struct Broken;

impl Body for Broken {
    fn read(self: Box<Self>, _: Trust) -> BoxFuture<'static, Result<Map<String, Value>>> {
        Box::pin(async { Err(Error::invalid("broken")) })
    }
}

#[tokio::test]
async fn a_broken_body_is_not_an_empty_one_at_the_second_attempt() {
    for seed in 0..16 {
        let memory = Arc::new(Memory::default());
        let mut house = House::on(memory.clone(), 0, 5).await;
        house.store = Arc::new(Busy::new(memory.clone(), seed));
        house.restart(1).await;
        let request = Request {
            id: "1".to_owned(),
            operation: Operation::Update,
            path: CanonicalPath::parse("auth/token/create").unwrap(),
            query: Map::new(),
            body: Some(Box::new(Broken)),
            token: Some(Secret::new(house.root.clone())),
            wrap_ttl: None,
            remote: None,
        };
        let answer = house.nodes[0].serve(request).await;
        assert_eq!(answer.outcome.err(), Some(Error::invalid("broken")), "seed {seed}");
    }
}

#[tokio::test]
async fn a_clock_that_steps_back_revives_nothing_that_was_refused() {
    let house = House::new().await;
    let token = house.holder(&make(&house.root(), json!({"ttl": "1h"})).await);
    house.wait(3600);
    assert_eq!(token.read("auth/token/lookup-self").await, Err(Error::UnknownToken));
    house.clock.step_back(api::Seconds(3600));
    assert_eq!(token.read("auth/token/lookup-self").await, Err(Error::UnknownToken));
}

/// What every later use of a token, and every request of anybody, would have to carry along.
#[tokio::test]
async fn nobody_makes_every_later_request_dear() {
    let house = crate::walk::furnished().await;
    let root = house.root();
    let names: Vec<_> = (0..1001).map(|number| format!("p{number}")).collect();
    let long = "x".repeat(65_536);
    for body in [
        json!({"policies": names}),
        json!({"policies": ["x".repeat(257)]}),
        json!({"meta": {"a": long}}),
        json!({"meta": {&long: "a"}}),
    ] {
        let refused = root.write("auth/token/create", body).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    let user = json!({"password": "foo", "policies": names});
    let refused = root.write("auth/userpass/users/eve", user).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    for mount in
        [json!({"type": "kv", "description": long}), json!({"type": "kv", "options": {"a": long}})]
    {
        assert!(root.write("sys/mounts/big", mount.clone()).await.is_err());
        assert!(root.write("sys/mounts/kv/tune", mount).await.is_err());
    }
}

/// The parameters of a door that stand in the path of other doors of its mount, but not in its own.
fn misplaced<C: Send + Sync + 'static>(paths: &[&Path<C>]) -> Vec<String> {
    let places: Vec<_> = paths.iter().flat_map(|path| path.pattern.parameters()).collect();
    let mut found = vec![];
    for path in paths {
        for (operation, endpoint) in path.operations() {
            for name in api::describe::parameter_names(endpoint) {
                let own = path.pattern.parameters().any(|place| place == name);
                if !own && places.contains(&name.as_str()) {
                    found.push(format!("{operation} {}: {name}", path.pattern.openapi()));
                }
            }
        }
    }
    found
}

/// What policies are asked about is the path; nothing else may say what a request is about.
#[tokio::test]
async fn what_one_door_has_in_its_path_no_other_takes_as_a_parameter() {
    let house = House::new().await;
    let mut system = vec![];
    for door in house.nodes[0].doors() {
        if let Door::System("sys/", path) = door {
            system.push(path);
        }
    }
    let questions = misplaced(&system);
    let is_question = |found: &String| {
        let questions = ["update /capabilities", "update /policies/explain"];
        questions.iter().any(|question| found.starts_with(question))
            || found == "read /locked-users: mount_accessor"
    };
    assert!(questions.iter().all(is_question), "{questions:?}");
    let engines = engines::AUTH_METHODS.iter().chain(engines::SECRETS_ENGINES);
    for engine in engines {
        let paths = (engine.paths)();
        assert_eq!(misplaced(&paths.iter().collect::<Vec<_>>()), Vec::<String>::new());
    }
}

/// What no handler may be made to stumble over.
fn odd_values() -> Vec<Value> {
    let mut deep = json!({"a": null});
    for _ in 0..30 {
        deep = json!([deep]);
    }
    let texts =
        ["", " ", ",", "=", "\0", "%", "../x", "\u{10ffff}", "\u{130}", "-1", "1e999", "a=b=c"];
    let mut values: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
    let numbers = ["-1", "18446744073709551615", "18446744073709551616", "1e999", "-0.0", "1.5"];
    values.extend(numbers.iter().filter_map(|number| serde_json::from_str(number).ok()));
    values.extend([Value::Null, json!(true), json!([]), json!({}), json!([null]), json!([["a"]])]);
    values.extend([json!({"": ""}), json!({"version": "9"}), json!("x".repeat(100_000)), deep]);
    values
}

#[tokio::test]
async fn no_parameter_makes_a_door_panic() {
    let house = crate::walk::furnished().await;
    let root = house.root();
    let second = json!({"type": "kv", "options": {"version": "2"}});
    root.write("sys/mounts/kv2", second).await.unwrap();
    let mut asked = vec![];
    for door in house.nodes[0].doors() {
        match door {
            Door::System(mount, path) => ask_of(mount, path, &mut asked),
            Door::Engine(engine, path) => {
                let place = match (engine.name, engine.version) {
                    ("userpass", _) => "auth/userpass/",
                    ("kv", Some("2")) => "kv2/",
                    ("kv", _) => "kv/",
                    _ => "cubbyhole/",
                };
                ask_of(place, path, &mut asked);
            }
        }
    }
    assert!(asked.len() > 100);
    for (operation, path, name) in asked {
        for value in odd_values() {
            let (caller, body) = (house.root(), json!({ name.as_str(): value.clone() }));
            let place = path.clone();
            let task = tokio::spawn(async move { caller.ask(operation, &place, body).await });
            let answer = task.await;
            assert!(answer.is_ok(), "{operation} {path} {name} {value}");
        }
    }
}

/// Everything that can be said to a door: what, where, and by which name.
fn ask_of<C: Send + Sync + 'static>(
    mount: &str,
    path: &Path<C>,
    asked: &mut Vec<(Operation, String, String)>,
) {
    let place = format!("{mount}{}", path.pattern.example("x"));
    let place = place.trim_end_matches('/');
    // Sealing ends the walk; that it may be sealed is shown elsewhere.
    for (operation, endpoint) in path.operations().filter(|_| place != "sys/seal") {
        let names = api::describe::parameter_names(endpoint);
        let names = names.iter().cloned().chain(["anything".to_owned()]);
        asked.extend(names.map(|name| (operation, place.to_owned(), name)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_renewing_and_revoking_at_once_the_revocation_stays() {
    let memory = Arc::new(Memory::default());
    let mut house = House::on(memory.clone(), 0, 9).await;
    house.store = Arc::new(Busy::new(memory, 9));
    house.restart(3).await;
    let census = house.census().await;
    for _ in 0..20 {
        let token = make(&house.root(), json!({"ttl": "1h"})).await;
        let mut tasks = vec![];
        let acts = ["auth/token/renew-self", "auth/token/create", "cubbyhole/note"];
        for (node, path) in acts.into_iter().enumerate() {
            let caller = house.at(node).with_token(&token);
            let body = json!({"ttl": "1h"});
            tasks.push(tokio::spawn(async move { caller.write(path, body).await.map(|_| ()) }));
        }
        let holder = house.holder(&token);
        holder.write("auth/token/revoke-self", json!({})).await.unwrap();
        for task in tasks {
            let _ = task.await.unwrap();
        }
        assert_eq!(holder.read("auth/token/lookup-self").await, Err(Error::UnknownToken));
    }
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_choose_the_same_token_one_gets_it() {
    let memory = Arc::new(Memory::default());
    let mut house = House::on(memory.clone(), 0, 9).await;
    house.store = Arc::new(Busy::new(memory, 9));
    house.restart(4).await;
    let mut tasks = vec![];
    for number in 0..16 {
        let caller = house.at(number % 4).with_token(&house.root);
        let body = json!({"id": "chosen", "ttl": "1h"});
        tasks.push(tokio::spawn(async move { caller.write("auth/token/create", body).await }));
    }
    let mut made = 0;
    for task in tasks {
        made += usize::from(task.await.unwrap().is_ok());
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn no_spelling_of_a_policy_passes_by_its_denial() {
    let house = crate::walk::furnished().await;
    let text = r#"path "auth/userpass/users/*" {
        capabilities = ["create", "update"]
        denied_parameters = { policies = ["admins"], token_policies = ["admins"] }
    }"#;
    let caller = somebody(&house, text).await;
    for name in ["policies", "token_policies"] {
        for spelling in
            [json!("ADMINS"), json!(["admins "]), json!("dev, Admins"), json!([" admins"])]
        {
            let body = json!({"password": "x", name: spelling.clone()});
            let refused = caller.write("auth/userpass/users/eve", body).await;
            assert_eq!(refused, Err(Error::Denied), "{name} {spelling}");
        }
    }
    let body = json!({"password": "x", "policies": "dev"});
    caller.write("auth/userpass/users/eve", body).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_write_the_same_secret_nobody_is_sent_away() {
    let memory = Arc::new(Memory::default());
    let mut house = House::on(memory.clone(), 0, 7).await;
    house.store = Arc::new(Busy::losing_one_in(u64::MAX, memory, 7));
    house.restart(2).await;
    let mount = json!({"type": "kv", "options": {"version": "2"}});
    house.root().write("sys/mounts/kv2", mount).await.unwrap();
    let mut tasks = vec![];
    for number in 0..300 {
        let caller = house.at(number % 2).with_token(&house.root);
        let body = json!({"data": {"number": number}});
        tasks.push(tokio::spawn(async move { caller.write("kv2/data/hot", body).await }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let hot = house.root().read("kv2/metadata/hot").await.unwrap();
    assert_eq!(hot["current_version"], 300);
}
