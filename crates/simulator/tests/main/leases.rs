//! Leases: looking at them, and ending them one by one or all below a prefix.
//!
//! The numbers in front of tests are those of the cases that the original's tests pin down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use api::{Error, Operation, Reply};
use serde_json::{Value, json};
use simulator::{Caller, House};
use storage::testing::Busy;
use storage::{Commit, Memory, Store};

async fn make(caller: &Caller, body: Value) -> String {
    let made = caller.write("auth/token/create", body).await.unwrap();
    made["client_token"].as_str().unwrap().to_owned()
}

async fn is_good(house: &House, token: &str) -> bool {
    house.holder(token).read("auth/token/lookup-self").await.is_ok()
}

fn invalid(text: &str) -> Result<Value, Error> {
    Err(Error::invalid(text))
}

/// The ids of all leases in `folder`.
async fn leases(house: &House, folder: &str) -> Vec<String> {
    let found = house.root().list(&format!("sys/leases/lookup/{folder}")).await;
    let found = found.unwrap_or_default();
    let names = found.as_array().cloned().unwrap_or_default();
    names.iter().map(|name| format!("{folder}/{}", name.as_str().unwrap())).collect()
}

async fn lease(house: &House, folder: &str) -> String {
    let found = leases(house, folder).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

async fn with_users(house: &House, names: &[&str]) {
    house.root().write("sys/auth/userpass", json!({"type": "userpass"})).await.unwrap();
    for name in names {
        let user = json!({"password": "foo"});
        house.root().write(&format!("auth/userpass/users/{name}"), user).await.unwrap();
    }
}

/// 107 and the shape of an answer.
#[tokio::test]
async fn a_lease_tells_when_it_began_and_when_it_ends() {
    let house = House::new().await;
    let root = house.root();
    let token = house.holder(&make(&root, json!({"policies": ["default"], "ttl": "1h"})).await);
    let id = lease(&house, "auth/token/create").await;
    let body = json!({ "lease_id": id });
    let seen = token.write("sys/leases/lookup", body.clone()).await.unwrap();
    let own = token.read("auth/token/lookup-self").await.unwrap();
    assert_eq!(
        seen,
        json!({
            "id": id, "issue_time": own["issue_time"], "expire_time": own["expire_time"],
            "last_renewal": null, "renewable": true, "ttl": 3600, "path": "auth/token/create",
        })
    );
    house.wait(60);
    token.write("auth/token/renew-self", json!({})).await.unwrap();
    let seen = token.write("sys/leases/lookup", body).await.unwrap();
    let own = token.read("auth/token/lookup-self").await.unwrap();
    assert_eq!((&seen["last_renewal"], &seen["ttl"]), (&own["last_renewal"], &json!(3600)));
}

#[tokio::test]
async fn what_is_asked_of_no_lease_is_refused_in_the_words_clients_know() {
    let house = House::new().await;
    let root = house.root();
    let write = async |path: &str, body| root.write(&format!("sys/{path}"), body).await;
    for path in ["leases/lookup", "leases/renew", "leases/revoke", "renew", "revoke"] {
        assert_eq!(write(path, json!({})).await, invalid("lease_id must be specified"), "{path}");
    }
    let unknown = json!({"lease_id": "secret/creds/abc"});
    assert_eq!(write("leases/lookup", unknown.clone()).await, invalid("invalid lease"));
    // 97 and 100.
    for prefix in ["", "leases/"] {
        let renewed = write(&format!("{prefix}renew"), unknown.clone()).await;
        assert_eq!(renewed, invalid("lease not found"));
        let renewed = write(&format!("{prefix}renew/secret/creds/abc"), json!({})).await;
        assert_eq!(renewed, invalid("lease not found"));
        assert_eq!(write(&format!("{prefix}revoke"), unknown.clone()).await, Ok(Value::Null));
        assert_eq!(write(&format!("{prefix}revoke/a/b"), json!({})).await, Ok(Value::Null));
        // Policies see the path alone, so the body must not lead elsewhere.
        let elsewhere = write(&format!("{prefix}revoke/a/b"), unknown.clone()).await;
        let text = "the body names another lease than the address; name one of them";
        assert_eq!(elsewhere, invalid(text));
    }
    let read = root.read("sys/leases/lookup").await;
    assert_eq!(read, Err(Error::UnsupportedOperation));
}

/// 97: what can be renewed, and by which door.
#[tokio::test]
async fn leases_of_tokens_are_renewed_as_tokens() {
    let house = House::new().await;
    let root = house.root();
    let renew = async |id: &str| root.write("sys/leases/renew", json!({"lease_id": id})).await;
    make(&root, json!({"ttl": "1h"})).await;
    let id = lease(&house, "auth/token/create").await;
    assert_eq!(renew(&id).await, invalid("tokens cannot be renewed through this endpoint"));
    house.wait(3600);
    assert_eq!(renew(&id).await, invalid("lease expired"));
    house.settle().await.unwrap();
    assert_eq!(renew(&id).await, invalid("lease not found"));
    for body in [json!({"ttl": "1h", "renewable": false}), json!({})] {
        make(&root, body).await;
        let id = lease(&house, "auth/token/create").await;
        assert_eq!(renew(&id).await, invalid("lease is not renewable"));
        root.write("sys/leases/revoke", json!({"lease_id": id})).await.unwrap();
    }
}

#[tokio::test]
async fn the_first_root_token_has_no_lease() {
    let house = House::new().await;
    assert_eq!(house.root().list("sys/leases/lookup").await, Err(Error::Missing));
    let key = house.census().await;
    let key = key.iter().find_map(|key| key.strip_prefix("sys/token/")).unwrap();
    let body = json!({"lease_id": format!("{}/h{key}", "auth/token/root")});
    assert_eq!(house.root().write("sys/leases/lookup", body).await, invalid("invalid lease"));
    make(&house.root(), json!({"ttl": "1h"})).await;
    house.root().write("sys/leases/revoke-prefix/auth", json!({})).await.unwrap();
    house.settle().await.unwrap();
    assert!(is_good(&house, &house.root).await);
}

#[tokio::test]
async fn revoking_a_lease_ends_its_token_and_all_below_it_by_every_door() {
    let house = House::new().await;
    let root = house.root();
    let census = house.census().await;
    for door in ["leases/revoke", "revoke"] {
        for in_path in [true, false] {
            let parent = make(&root, json!({"policies": ["root"], "ttl": "1h"})).await;
            let id = lease(&house, "auth/token/create").await;
            let child = make(&house.holder(&parent), json!({"ttl": "1h"})).await;
            let (path, body) = match in_path {
                true => (format!("sys/{door}/{id}"), json!({})),
                false => (format!("sys/{door}"), json!({"lease_id": id, "sync": true})),
            };
            assert_eq!(root.write(&path, body).await, Ok(Value::Null));
            assert!(!is_good(&house, &parent).await);
            assert!(!is_good(&house, &child).await);
            house.settle().await.unwrap();
            assert_eq!(house.census().await, census);
        }
    }
}

#[tokio::test]
async fn whoever_does_not_want_to_wait_is_told_that_it_is_accepted() {
    let house = House::new().await;
    for path in ["sys/leases/revoke/a/b", "sys/leases/revoke-prefix/a", "sys/revoke-force/a"] {
        let answer = house.root().ask(Operation::Update, path, json!({"sync": false})).await;
        assert!(matches!(answer.outcome, Ok(Reply::Accepted)), "{path}");
        let answer = house.root().ask(Operation::Update, path, json!({})).await;
        assert!(matches!(answer.outcome, Ok(Reply::Empty)), "{path}");
    }
}

#[tokio::test]
async fn leases_are_listed_folder_by_folder() {
    let house = House::new().await;
    with_users(&house, &["bob", "eve"]).await;
    for name in ["bob", "eve", "eve"] {
        house.stranger().login(name, "foo").await.unwrap();
    }
    make(&house.root(), json!({"ttl": "1h"})).await;
    let list = async |folder: &str| house.root().list(&format!("sys/leases/lookup{folder}")).await;
    assert_eq!(list("").await, Ok(json!(["auth/"])));
    assert_eq!(list("/auth").await, Ok(json!(["token/", "userpass/"])));
    assert_eq!(list("/auth/userpass/login").await, Ok(json!(["bob/", "eve/"])));
    assert_eq!(leases(&house, "auth/userpass/login/eve").await.len(), 2);
    assert_eq!(list("/auth/userpass/log").await, Err(Error::Missing));
    assert_eq!(list("/nothing").await, Err(Error::Missing));
}

/// 101 and 104.
#[tokio::test]
async fn a_prefix_ends_what_lies_below_it_and_nothing_beside_it() {
    let house = House::new().await;
    with_users(&house, &["foo", "foobar"]).await;
    let foo = house.stranger().login("foo", "foo").await.unwrap();
    let foobar = house.stranger().login("foobar", "foo").await.unwrap();
    let made = make(&house.root(), json!({"ttl": "1h"})).await;
    let revoke = async |prefix: &str| {
        let path = format!("sys/leases/revoke-prefix/{prefix}");
        assert_eq!(house.root().write(&path, json!({})).await, Ok(Value::Null));
    };
    for prefix in ["auth/token/renew", "auth/userpass/login/fo", "auth/userpass/login/foobarb"] {
        revoke(prefix).await;
    }
    for token in [&foo, &foobar, &made] {
        assert!(is_good(&house, token).await);
    }
    revoke("auth/userpass/login/foo").await;
    assert!(!is_good(&house, &foo).await);
    assert_eq!(leases(&house, "auth/userpass/login/foo").await, Vec::<String>::new());
    assert!(is_good(&house, &foobar).await);
    // A whole id is one lease, whatever begins like it.
    make(&house.root(), json!({"ttl": "1h"})).await;
    let both = leases(&house, "auth/token/create").await;
    revoke(&both[0]).await;
    assert_eq!(leases(&house, "auth/token/create").await, both[1..]);
    house.settle().await.unwrap();
    assert!(is_good(&house, &foobar).await);
}

#[tokio::test]
async fn who_logs_in_after_a_prefix_was_ended_stays() {
    let house = House::new().await;
    with_users(&house, &["bob"]).await;
    let mut census = vec![];
    for _ in 0..3 {
        let old = house.stranger().login("bob", "foo").await.unwrap();
        let child = house.holder(&make(&house.root(), json!({"policies": ["root"]})).await);
        house.root().write("sys/revoke-prefix/auth/userpass", json!({})).await.unwrap();
        let new = house.stranger().login("bob", "foo").await.unwrap();
        assert!(!is_good(&house, &old).await);
        assert!(is_good(&house, &new).await);
        house.settle().await.unwrap();
        assert!(!is_good(&house, &old).await);
        assert!(is_good(&house, &new).await);
        assert_eq!(leases(&house, "auth/userpass/login/bob").await.len(), 1);
        house.holder(&new).write("auth/token/revoke-self", json!({})).await.unwrap();
        child.write("auth/token/revoke-self", json!({})).await.unwrap();
        house.settle().await.unwrap();
        // Nothing piles up.
        let now = house.census().await;
        assert!(census.is_empty() || census == now);
        census = now;
    }
}

#[tokio::test]
async fn children_end_with_a_parent_that_lies_below_the_prefix() {
    let house = House::new().await;
    let root = house.root();
    let policies = json!({"password": "foo", "policies": ["maker"]});
    let text = r#"path "auth/token/create" { capabilities = ["update"] }"#;
    root.write("sys/policies/acl/maker", json!({"policy": text})).await.unwrap();
    root.write("sys/auth/userpass", json!({"type": "userpass"})).await.unwrap();
    root.write("auth/userpass/users/bob", policies).await.unwrap();
    let parent = house.stranger().login("bob", "foo").await.unwrap();
    let child = make(&house.holder(&parent), json!({"ttl": "1h"})).await;
    root.write("sys/leases/revoke-prefix/auth/userpass/login", json!({})).await.unwrap();
    assert!(!is_good(&house, &child).await);
    house.settle().await.unwrap();
    assert!(!is_good(&house, &child).await);
    assert_eq!(leases(&house, "auth/token/create").await, Vec::<String>::new());
}

#[tokio::test]
async fn more_leases_than_fit_into_one_piece_all_end() {
    let house = House::new().await;
    let census = house.census().await;
    let mut tokens = vec![];
    for number in 0..600 {
        let body = json!({"policies": ["default"], "no_parent": number % 2 == 0});
        tokens.push(make(&house.root(), body).await);
    }
    house.root().write("sys/leases/revoke-force/auth/token", json!({})).await.unwrap();
    for token in tokens.iter().step_by(50) {
        assert!(!is_good(&house, token).await);
    }
    let stays = make(&house.root(), json!({"policies": ["default"]})).await;
    house.settle().await.unwrap();
    assert!(is_good(&house, &stays).await);
    house.root().write("auth/token/revoke", json!({"token": stays})).await.unwrap();
    house.settle().await.unwrap();
    let mut left = house.census().await;
    left.retain(|key| key != "sys/ended-prefixes");
    assert_eq!(left, census);
}

#[tokio::test]
async fn one_damaged_token_does_not_hold_up_the_end_of_a_prefix() {
    let memory = Arc::new(Memory::default());
    let house = House::on(memory.clone(), 1, 5).await;
    let before = house.census().await;
    make(&house.root(), json!({"ttl": 60})).await;
    let made = |key: &String| key.starts_with("sys/token/") && !before.contains(key);
    let record = house.census().await.into_iter().find(made).unwrap();
    let commit = Commit { puts: [(record, "damaged".into())].into(), ..Commit::default() };
    memory.commit(commit).await.unwrap();
    make(&house.root(), json!({"ttl": 60})).await;
    house.root().write("sys/leases/revoke-prefix/auth", json!({})).await.unwrap();
    house.settle().await.unwrap();
    assert_eq!(leases(&house, "auth/token/create").await.len(), 1, "the damaged one");
}

/// Everybody logs in as fast as they can while everything they have is revoked.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_somebody_had_before_a_prefix_was_ended_is_refused_and_what_came_later_is_good() {
    let memory = Arc::new(Memory::default());
    let mut house = House::on(memory.clone(), 0, 7).await;
    house.store = Arc::new(Busy::new(memory, 7));
    house.restart(3).await;
    let house = Arc::new(house);
    for round in 0..5 {
        let asked = Arc::new(AtomicBool::new(false));
        let mut tasks = vec![];
        for number in 0..6 {
            let (house, asked) = (house.clone(), asked.clone());
            tasks.push(tokio::spawn(async move {
                let caller = house.at(number % 3).with_token(&house.root);
                let mut before = vec![];
                while !asked.load(Ordering::SeqCst) {
                    let token = make(&caller, json!({"policies": ["default"]})).await;
                    if !asked.load(Ordering::SeqCst) {
                        before.push(token);
                    }
                }
                before
            }));
        }
        // Few are ended by the request itself, many are only refused.
        let enough = if round % 2 == 0 { 300 } else { 20 };
        while leases(&house, "auth/token/create").await.len() < enough {
            tokio::task::yield_now().await;
        }
        asked.store(true, Ordering::SeqCst);
        let root = house.at(round % 3).with_token(&house.root);
        root.write("sys/leases/revoke-prefix/auth/token", json!({})).await.unwrap();
        let later = make(&house.at((round + 1) % 3).with_token(&house.root), json!({})).await;
        for cleared in [false, true] {
            for node in 0..3 {
                let good = house.at(node).with_token(&later);
                good.read("auth/token/lookup-self").await.unwrap();
            }
            if !cleared {
                let mut had = 0;
                for task in std::mem::take(&mut tasks) {
                    for token in task.await.unwrap() {
                        had += 1;
                        let caller = house.at(had % 3).with_token(&token);
                        let refused = caller.read("auth/token/lookup-self").await;
                        assert_eq!(refused, Err(Error::UnknownToken));
                    }
                }
                assert!(had >= 10);
                house.settle().await.unwrap();
            }
        }
        root.write("sys/leases/revoke-prefix/auth/token", json!({})).await.unwrap();
        house.settle().await.unwrap();
    }
}

/// 106, as far as it can be: nothing that a token leads to can fail to end.
#[tokio::test]
async fn nothing_is_irrevocable() {
    let house = House::new().await;
    let root = house.root();
    let read = async |path: &str, body: Value| match root
        .ask(Operation::Read, &format!("sys/{path}"), body)
        .await
        .outcome
    {
        Ok(Reply::Data(data, _)) => Ok(Value::Object(data)),
        Ok(_) => panic!(),
        Err(error) => Err(error),
    };
    let kind = json!({"type": "irrevocable"});
    assert_eq!(
        read("leases/count", kind.clone()).await,
        Ok(json!({"lease_count": 0, "counts": {}}))
    );
    let none = Ok(json!({"lease_count": 0, "leases": []}));
    assert_eq!(read("leases", kind).await, none);
    for limit in [json!("none"), json!(5), json!("5")] {
        let body = json!({"type": "irrevocable", "limit": limit});
        assert_eq!(read("leases", body).await, none);
    }
    for limit in ["0", "-1", "many"] {
        let refused = read("leases", json!({"type": "irrevocable", "limit": limit})).await;
        assert!(matches!(refused, Err(Error::Failed(_))), "{limit}");
    }
    for path in ["leases", "leases/count"] {
        assert_eq!(read(path, json!({})).await, Err(Error::Missing));
        assert_eq!(read(path, json!({"type": "all"})).await, Err(Error::Missing));
    }
}

/// 108, as far as it can be: there is nothing to tidy.
#[tokio::test]
async fn tidying_is_accepted_and_leases_of_a_disabled_mount_end() {
    let house = House::new().await;
    with_users(&house, &["bob"]).await;
    let token = house.stranger().login("bob", "foo").await.unwrap();
    house.root().delete("sys/auth/userpass").await.unwrap();
    assert!(!is_good(&house, &token).await);
    let answer = house.root().ask(Operation::Update, "sys/leases/tidy", json!({})).await;
    assert!(matches!(answer.outcome, Ok(Reply::Accepted)));
    assert!(answer.warnings[0].starts_with("Tidy operation successfully started."));
    house.wait(2_764_800);
    house.settle().await.unwrap();
    assert_eq!(house.root().list("sys/leases/lookup").await, Err(Error::Missing));
}

async fn renewed(house: &House, token: &str, body: Value) -> u64 {
    let answer = house.holder(token).write("auth/token/renew-self", body).await.unwrap();
    answer["lease_duration"].as_u64().unwrap()
}

/// 95.
#[tokio::test]
async fn renewing_gives_the_usual_time_and_never_more_than_the_maximum_from_the_start() {
    let house = House::new().await;
    let tune = json!({"default_lease_ttl": 100, "max_lease_ttl": 250});
    house.root().write("sys/auth/token/tune", tune).await.unwrap();
    let token = make(&house.root(), json!({"policies": ["default"]})).await;
    house.wait(60);
    assert_eq!(renewed(&house, &token, json!({})).await, 100);
    house.wait(95);
    assert_eq!(renewed(&house, &token, json!({})).await, 95);
    house.wait(90);
    assert_eq!(renewed(&house, &token, json!({"increment": 1000})).await, 5);
    house.wait(5);
    assert!(!is_good(&house, &token).await);
}

/// 96.
#[tokio::test]
async fn where_the_usual_time_is_all_there_is_renewing_adds_nothing() {
    let house = House::new().await;
    let tune = json!({"default_lease_ttl": 10, "max_lease_ttl": 10});
    house.root().write("sys/auth/token/tune", tune).await.unwrap();
    let token = make(&house.root(), json!({"policies": ["default"]})).await;
    house.wait(2);
    assert_eq!(renewed(&house, &token, json!({})).await, 8);
    assert_eq!(renewed(&house, &token, json!({"increment": 60})).await, 8);
}

/// 98 and 105.
#[tokio::test]
async fn a_renewal_in_the_last_second_counts_and_there_is_one_lease_however_many_there_were() {
    let house = House::new().await;
    let census = house.census().await;
    let token = make(&house.root(), json!({"policies": ["default"], "ttl": 60})).await;
    let id = lease(&house, "auth/token/create").await;
    for _ in 0..5 {
        house.wait(59);
        assert_eq!(renewed(&house, &token, json!({})).await, 60);
        house.settle().await.unwrap();
    }
    assert_eq!(lease(&house, "auth/token/create").await, id);
    let due = house.census().await.into_iter().filter(|key| key.starts_with("sys/due/")).count();
    assert_eq!(due, 1);
    house.wait(60);
    house.settle().await.unwrap();
    assert_eq!(house.census().await, census);
}

/// 99.
#[tokio::test]
async fn a_periodic_token_ends_a_period_after_its_last_renewal() {
    let house = House::new().await;
    let body = json!({"policies": ["default"], "period": 60});
    let token = make(&house.root(), body).await;
    for _ in 0..50 {
        house.wait(50);
        assert_eq!(renewed(&house, &token, json!({"increment": 1000})).await, 60);
    }
    house.wait(60);
    assert!(!is_good(&house, &token).await);
}

/// Names that are not case sensitive are one name, wherever they stand; and what a policy says of
/// one spelling holds for all.
#[tokio::test]
async fn prefixes_are_folded_as_the_logins_below_them_were_before_policy_decides() {
    let house = House::new().await;
    with_users(&house, &["cas"]).await;
    let root = house.root();
    for door in ["leases/revoke-prefix", "leases/revoke-force", "revoke-prefix", "revoke-force"] {
        let token = house.stranger().login("Cas", "foo").await.unwrap();
        let path = format!("sys/{door}/auth/userpass/login/Cas");
        assert_eq!(root.write(&path, json!({})).await, Ok(Value::Null));
        assert!(!is_good(&house, &token).await, "{door}");
        house.settle().await.unwrap();
    }
    let token = house.stranger().login("cas", "foo").await.unwrap();
    assert_eq!(leases(&house, "auth/userpass/login/CAS").await.len(), 1);
    let below = "sys/leases/revoke-prefix";
    let text = format!(
        r#"path "{below}/*" {{ capabilities = ["update", "sudo"] }}
           path "{below}/auth/userpass/login/cas" {{ capabilities = ["deny"] }}"#
    );
    root.write("sys/policies/acl/somebody", json!({ "policy": text })).await.unwrap();
    let somebody = house.holder(&make(&root, json!({"policies": ["somebody"]})).await);
    for name in ["cas", "Cas", "CAS"] {
        let path = format!("{below}/auth/userpass/login/{name}");
        assert_eq!(somebody.write(&path, json!({})).await, Err(Error::Denied), "{name}");
        let may = json!({ "paths": [path] });
        let may = somebody.write("sys/capabilities-self", may).await.unwrap();
        assert_eq!(may["capabilities"], json!(["deny"]), "{name}");
    }
    assert!(is_good(&house, &token).await);
}
