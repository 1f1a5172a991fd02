//! Guessing passwords does not pay: not in parallel, not on several nodes, not over a restart.

use std::sync::Arc;

use api::{Error, Seconds};
use async_trait::async_trait;
use serde_json::{Value, json};
use simulator::{Caller, House};
use storage::testing::{Busy, Fault, Flaky};
use storage::{Commit, CommitError, Memory, Record, Revision, Store, Watch};

const MINUTES: u64 = 60;
/// More steps than a login takes.
const STEPS_MAX: u64 = 60;

fn wrong() -> Error {
    Error::invalid("invalid username or password")
}

/// How a login with a wrong password ends.
async fn guess(caller: &Caller, name: &str) -> Error {
    caller.login(name, "wrong").await.unwrap_err()
}

/// Guesses `count` times, and is told each time that it was wrong.
async fn guess_wrong(caller: &Caller, name: &str, count: usize) {
    for number in 0..count {
        assert_eq!(guess(caller, name).await, wrong(), "{name}, guess {number}");
    }
}

async fn tune(house: &House, mount: &str, config: Value) {
    let body = json!({ "user_lockout_config": config });
    house.root().write(&format!("sys/auth/{mount}/tune"), body).await.unwrap();
}

async fn accessor(house: &House, mount: &str) -> String {
    let found = house.root().read(&format!("sys/auth/{mount}")).await.unwrap();
    found["accessor"].as_str().unwrap().to_owned()
}

/// Where failures are counted.
async fn counters(house: &House) -> Vec<String> {
    let census = house.census().await;
    census.into_iter().filter(|key| key.starts_with("sys/lockout/")).collect()
}

#[tokio::test]
async fn after_five_wrong_passwords_the_right_one_is_refused_for_a_quarter_of_an_hour() {
    let house = crate::walk::furnished().await;
    let caller = house.stranger();
    guess_wrong(&caller, "mitchellh", 5).await;
    assert_eq!(guess(&caller, "mitchellh").await, Error::LockedOut);
    assert_eq!(caller.login("mitchellh", "foo").await, Err(Error::LockedOut));
    house.wait(15 * MINUTES - 1);
    assert_eq!(caller.login("mitchellh", "foo").await, Err(Error::LockedOut));
    house.wait(1);
    caller.login("mitchellh", "foo").await.unwrap();
    assert_eq!(counters(&house).await, [""; 0]);
}

#[tokio::test]
async fn a_locked_name_hears_nothing_else_that_depends_on_the_right_password() {
    let house = crate::walk::furnished().await;
    let user = json!({"password": "foo", "policies": "response-wrapping"});
    house.root().write("auth/userpass/users/eve", user).await.unwrap();
    let refused = house.stranger().login("eve", "foo").await;
    assert_eq!(refused, Err(Error::invalid("cannot assign policy \"response-wrapping\"")));
    guess_wrong(&house.stranger(), "eve", 5).await;
    assert_eq!(house.stranger().login("eve", "foo").await, Err(Error::LockedOut));
}

#[tokio::test]
async fn a_locked_name_changes_no_password_at_either_door() {
    let house = crate::walk::furnished().await;
    let root = house.root();
    root.write("auth/userpass/config", json!({"self_service": true})).await.unwrap();
    let user = house.holder(&house.stranger().login("mitchellh", "foo").await.unwrap());
    let due = json!({"must_change_password": true});
    root.write("auth/userpass/users/mitchellh", due).await.unwrap();
    guess_wrong(&house.stranger(), "mitchellh", 5).await;
    // Also where the new password would be refused: nobody gets to hear that.
    for (old, new) in [("foo", "bar"), ("foo", "foo"), ("foo", ""), ("wrong", "bar")] {
        let change = json!({"password": old, "new_password": new});
        let login = "auth/userpass/login/mitchellh";
        let refused = house.stranger().write(login, change.clone()).await;
        assert_eq!(refused, Err(Error::LockedOut), "{old} {new}");
        let refused = user.write("auth/userpass/self/password", change).await;
        assert_eq!(refused, Err(Error::LockedOut), "{old} {new}");
    }
}

#[tokio::test]
async fn a_right_password_makes_the_wrong_ones_forgotten() {
    let house = crate::walk::furnished().await;
    let caller = house.stranger();
    for _ in 0..3 {
        guess_wrong(&caller, "mitchellh", 4).await;
        assert_eq!(counters(&house).await.len(), 1);
        caller.login("mitchellh", "foo").await.unwrap();
        assert_eq!(counters(&house).await, [""; 0]);
    }
}

#[tokio::test]
async fn failures_that_are_long_ago_do_not_count_and_those_that_are_not_lock_again() {
    let house = crate::walk::furnished().await;
    let caller = house.stranger();
    guess_wrong(&caller, "mitchellh", 4).await;
    house.wait(15 * MINUTES + 1);
    guess_wrong(&caller, "mitchellh", 5).await;
    assert_eq!(guess(&caller, "mitchellh").await, Error::LockedOut);

    // The lock ends before the failures are forgotten, so one more locks again.
    tune(&house, "userpass", json!({"lockout_duration": "30s"})).await;
    house.wait(30);
    guess_wrong(&caller, "mitchellh", 1).await;
    assert_eq!(caller.login("mitchellh", "foo").await, Err(Error::LockedOut));
    house.wait(30);
    caller.login("mitchellh", "foo").await.unwrap();
}

#[tokio::test]
async fn what_is_locked_writes_nothing_more() {
    let house = crate::walk::furnished().await;
    let caller = house.stranger();
    guess_wrong(&caller, "mitchellh", 5).await;
    let counter = counters(&house).await.remove(0);
    let before = house.store.get(&counter).await.unwrap();
    let census = house.census().await;
    house.wait(60);
    for _ in 0..3 {
        assert_eq!(guess(&caller, "mitchellh").await, Error::LockedOut);
        assert_eq!(caller.login("mitchellh", "foo").await, Err(Error::LockedOut));
    }
    assert_eq!(house.store.get(&counter).await.unwrap(), before);
    assert_eq!(house.census().await, census);
}

#[tokio::test]
async fn a_login_without_a_password_is_not_counted() {
    let house = crate::walk::furnished().await;
    let caller = house.stranger();
    for body in [json!({}), json!({"password": ""}), json!({"password": []})] {
        for _ in 0..6 {
            let refused = caller.write("auth/userpass/login/mitchellh", body.clone()).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{body}");
        }
    }
    assert_eq!(counters(&house).await, [""; 0]);
    caller.login("mitchellh", "foo").await.unwrap();
}

#[tokio::test]
async fn every_spelling_of_a_name_shares_one_counter() {
    let house = crate::walk::furnished().await;
    let caller = house.stranger();
    for name in ["mitchellh", "MitchellH", "MITCHELLH", "mITCHELLH", "mitchellH"] {
        guess_wrong(&caller, name, 1).await;
    }
    for name in ["mitchellh", "MITCHELLH", "MiTcHeLlH"] {
        assert_eq!(caller.login(name, "foo").await, Err(Error::LockedOut), "{name}");
    }
    assert_eq!(counters(&house).await.len(), 1);
}

#[tokio::test]
async fn a_name_that_nobody_has_locks_like_one_that_somebody_has() {
    let house = crate::walk::furnished().await;
    let bound = json!({"password": "foo", "token_bound_cidrs": "10.0.0.0/8"});
    house.root().write("auth/userpass/users/bound", bound).await.unwrap();
    let mut stories = vec![];
    for (name, password) in [("mitchellh", "wrong"), ("bound", "foo"), ("nobody", "foo")] {
        let caller = house.stranger().from("192.168.0.1");
        let mut story = vec![];
        for wait in [0, 0, 0, 1, 0, 0, 899, 1, 0, 1, 0, 0, 0, 900, 901] {
            house.wait(wait);
            story.push(caller.login(name, password).await.unwrap_err());
        }
        stories.push((name, story));
    }
    let locked = stories[0].1.iter().filter(|error| **error == Error::LockedOut).count();
    // When the lock ends, the failures are not forgotten yet: one more locks again.
    assert_eq!(locked, 7, "{stories:?}");
    for (name, story) in &stories {
        assert_eq!(story, &stories[0].1, "{name}");
    }
}

#[tokio::test]
async fn removing_and_making_a_user_gives_nobody_a_fresh_allowance() {
    let house = crate::walk::furnished().await;
    let (root, caller) = (house.root(), house.stranger());
    guess_wrong(&caller, "mitchellh", 3).await;
    root.delete("auth/userpass/users/mitchellh").await.unwrap();
    guess_wrong(&caller, "mitchellh", 1).await;
    root.write("auth/userpass/users/mitchellh", json!({"password": "foo"})).await.unwrap();
    guess_wrong(&caller, "mitchellh", 1).await;
    assert_eq!(caller.login("mitchellh", "foo").await, Err(Error::LockedOut));
    assert_eq!(counters(&house).await.len(), 1);
}

/// Case 33 of the original suites, and counters that have not reached the threshold besides.
#[tokio::test]
async fn a_restart_forgets_neither_failures_nor_locks() {
    let mut house = crate::walk::furnished().await;
    guess_wrong(&house.stranger(), "mitchellh", 4).await;
    house.restart(1).await;
    guess_wrong(&house.stranger(), "mitchellh", 1).await;
    assert_eq!(house.stranger().login("mitchellh", "foo").await, Err(Error::LockedOut));
    house.restart(1).await;
    assert_eq!(house.stranger().login("mitchellh", "foo").await, Err(Error::LockedOut));
    house.wait(15 * MINUTES);
    house.restart(1).await;
    house.stranger().login("mitchellh", "foo").await.unwrap();
    assert_eq!(counters(&house).await, [""; 0]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_unlocks_nobody() {
    let mut house = crate::walk::furnished().await;
    guess_wrong(&house.stranger(), "mitchellh", 5).await;
    house.clock.step_back(Seconds(3600));
    house.restart(1).await;
    assert_eq!(house.stranger().login("mitchellh", "foo").await, Err(Error::LockedOut));
    guess_wrong(&house.stranger(), "eve", 4).await;
    house.clock.step_back(Seconds(3600));
    house.restart(1).await;
    guess_wrong(&house.stranger(), "eve", 1).await;
    assert_eq!(guess(&house.stranger(), "eve").await, Error::LockedOut);
}

async fn three_nodes() -> Arc<House> {
    let memory = Arc::new(Memory::default());
    let mut house = House::on(memory.clone(), 0, 11).await;
    house.store = Arc::new(Busy::new(memory, 11));
    house.restart(3).await;
    crate::walk::furnish(&house).await;
    Arc::new(house)
}

/// Logs in `count` times at once, by turns at every node; what came of it.
async fn all_at_once(
    house: &Arc<House>,
    credentials: (&'static str, &'static str),
    count: usize,
) -> Vec<Result<String, Error>> {
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let house = house.clone();
            let (name, password) = credentials;
            tokio::spawn(async move { house.at(number % 3).login(name, password).await })
        })
        .collect();
    let mut outcomes = vec![];
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

/// Case 32 of the original suites: every node counts the same.
#[tokio::test]
async fn failures_at_several_nodes_add_up() {
    let house = three_nodes().await;
    for node in [0, 1, 2, 0, 1] {
        guess_wrong(&house.at(node), "mitchellh", 1).await;
    }
    for node in 0..3 {
        assert_eq!(house.at(node).login("mitchellh", "foo").await, Err(Error::LockedOut));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_guesses_at_once_no_more_are_answered_than_the_threshold_allows() {
    let house = three_nodes().await;
    for name in ["mitchellh", "nobody"] {
        let outcomes = all_at_once(&house, (name, "wrong"), 100).await;
        let answered = outcomes.iter().filter(|outcome| **outcome == Err(wrong())).count();
        let locked = outcomes.iter().filter(|outcome| **outcome == Err(Error::LockedOut)).count();
        assert_eq!((answered, locked), (5, 95), "{name}");
    }
    // What is told to whoever watches is told once, however many races were lost on the way.
    let (mut failed, mut onsets) = (0, 0);
    for node in 0..3 {
        let caller = house.at(node).with_token(&house.root);
        let document = caller.read("sys/metrics").await.unwrap();
        for counter in document["Counters"].as_array().unwrap() {
            let count = counter["Count"].as_u64().unwrap();
            match counter["Name"].as_str().unwrap() {
                "vault.core.logins" if counter["Labels"]["outcome"] == "failed" => failed += count,
                "vault.core.lockouts" => onsets += count,
                _ => {}
            }
        }
    }
    assert_eq!((failed, onsets), (10, 2));
    // Whoever guesses right among them learns nothing.
    let outcomes = all_at_once(&house, ("mitchellh", "foo"), 20).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Err(Error::LockedOut)), "{outcomes:?}");
}

#[tokio::test]
async fn a_failure_that_was_told_is_counted_wherever_the_power_fails() {
    for fault in [Fault::Before, Fault::Middle, Fault::After] {
        for step in 1..STEPS_MAX {
            let flaky = Arc::new(Flaky::new(Arc::new(Memory::default())));
            let mut house = House::on(flaky.clone(), 1, step).await;
            crate::walk::furnish(&house).await;
            tune(&house, "userpass", json!({"lockout_threshold": 1})).await;
            let before = flaky.operations();
            flaky.crash_at(step, fault);
            let told = guess(&house.stranger(), "mitchellh").await == wrong();
            let steps = flaky.operations() - before;
            flaky.heal();
            house.restart(1).await;
            let after = house.stranger().login("mitchellh", "foo").await;
            assert!(!told || after == Err(Error::LockedOut), "{fault:?} at {step}: {after:?}");
            if steps < step {
                break;
            }
        }
    }
}

/// Cases 26 to 30 of the original suites.
#[tokio::test]
async fn the_environment_wins_over_the_tuning_of_a_mount() {
    for (environment, tuned_off, locks) in [
        (None, false, true),
        (None, true, false),
        (Some(true), false, false),
        (Some(false), true, true),
        (Some(true), true, false),
    ] {
        let mut house = crate::walk::furnished().await;
        house.lockout.disabled = environment;
        house.restart(1).await;
        tune(&house, "userpass", json!({ "lockout_disable": tuned_off })).await;
        guess_wrong(&house.stranger(), "mitchellh", 5).await;
        let expected = if locks { Error::LockedOut } else { wrong() };
        let told = guess(&house.stranger(), "mitchellh").await;
        assert_eq!(told, expected, "{environment:?} {tuned_off}");
        assert_eq!(counters(&house).await.is_empty(), !locks);
    }
}

#[tokio::test]
async fn what_was_tuned_is_shown_and_holds() {
    let house = crate::walk::furnished().await;
    let root = house.root();
    let shown = root.read("sys/auth/userpass/tune").await.unwrap();
    assert!(shown.get("user_lockout_threshold").is_none(), "{shown}");
    let config = json!({
        "lockout_threshold": "2", "lockout_duration": "30s",
        "lockout_counter_reset_duration": "1m", "lockout_disable": false,
    });
    tune(&house, "userpass", config).await;
    let expected = json!({
        "user_lockout_threshold": 2, "user_lockout_duration": 30,
        "user_lockout_counter_reset_duration": 60, "user_lockout_disable": false,
    });
    let shown = root.read("sys/auth/userpass/tune").await.unwrap();
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    let listed = root.read("sys/auth").await.unwrap();
    assert_eq!(listed["userpass/"]["config"]["user_lockout_config"], expected);

    guess_wrong(&house.stranger(), "mitchellh", 2).await;
    assert_eq!(guess(&house.stranger(), "mitchellh").await, Error::LockedOut);
    let refused = root
        .write("sys/mounts/kv/tune", json!({"user_lockout_config": {"lockout_threshold": 3}}))
        .await;
    let text = "tuning of user lockout configuration for auth type \"kv\" not allowed";
    assert_eq!(refused, Err(Error::invalid(text)));
}

/// Case 31 of the original suites.
#[tokio::test]
async fn unlocking_lets_a_user_in_and_forgets_their_failures() {
    let house = crate::walk::furnished().await;
    let (root, caller) = (house.root(), house.stranger());
    let accessor = accessor(&house, "userpass").await;
    for (name, password) in [("mitchellh", "foo"), ("nobody", "any")] {
        let unlock = format!("sys/locked-users/{accessor}/unlock/{name}");
        root.write(&unlock, json!({})).await.unwrap();
        guess_wrong(&caller, name, 5).await;
        let elsewhere = format!("sys/locked-users/auth_userpass_0/unlock/{name}");
        root.write(&elsewhere, json!({})).await.unwrap();
        assert_eq!(caller.login(name, password).await, Err(Error::LockedOut));
        root.write(&unlock, json!({})).await.unwrap();
        guess_wrong(&caller, name, 4).await;
        root.write(&unlock, json!({})).await.unwrap();
    }
    caller.login("mitchellh", "foo").await.unwrap();
    assert_eq!(counters(&house).await, [""; 0]);
    assert_eq!(caller.read("sys/locked-users").await, Err(Error::Unauthenticated));
}

/// Case 34 of the original suites.
#[tokio::test]
async fn the_list_shows_who_is_locked_now_mount_by_mount() {
    let house = crate::walk::furnished().await;
    let root = house.root();
    let nobody = json!({
        "namespace_id": "root", "namespace_path": "", "counts": 0, "mount_accessors": [],
    });
    let empty = root.read("sys/locked-users").await.unwrap();
    assert_eq!(empty, json!({"by_namespace": [nobody], "total": 0}));

    root.write("sys/auth/people", json!({"type": "userpass"})).await.unwrap();
    for mount in ["userpass", "people"] {
        tune(&house, mount, json!({"lockout_threshold": 1, "lockout_duration": 60})).await;
    }
    for user in ["people/users/eve", "people/users/bob", "userpass/users/ann"] {
        root.write(&format!("auth/{user}"), json!({"password": "foo"})).await.unwrap();
    }
    for login in ["userpass/login/ann", "people/login/eve", "people/login/bob", "people/login/x"] {
        let (caller, path) = (house.stranger(), format!("auth/{login}"));
        assert_eq!(caller.write(&path, json!({"password": "bar"})).await, Err(wrong()));
    }
    let (userpass, people) = (accessor(&house, "userpass").await, accessor(&house, "people").await);
    let ann = json!({"mount_accessor": userpass, "counts": 1, "alias_identifiers": ["ann"]});
    let two = json!({"mount_accessor": people, "counts": 2, "alias_identifiers": ["bob", "eve"]});
    let all = root.read("sys/locked-users").await.unwrap();
    assert_eq!(all["by_namespace"][0]["mount_accessors"], json!([two, ann]));
    assert_eq!((&all["by_namespace"][0]["counts"], &all["total"]), (&json!(3), &json!(3)));

    let filtered = async |accessor: &str| {
        let filter = json!({ "mount_accessor": accessor });
        let answer = root.ask(api::Operation::Read, "sys/locked-users", filter).await;
        let api::Reply::Data(fields, _) = answer.outcome.unwrap() else { panic!("no data") };
        fields["by_namespace"][0]["mount_accessors"].clone()
    };
    assert_eq!(filtered(&userpass).await, json!([ann]));
    let none = json!([{"mount_accessor": "none", "counts": 0, "alias_identifiers": []}]);
    assert_eq!(filtered("none").await, none);
    house.wait(60);
    assert_eq!(root.read("sys/locked-users").await.unwrap()["total"], 0);
}

/// A store in which every counter changes as soon as somebody has looked at it.
struct Restless(Memory);

#[async_trait]
impl Store for Restless {
    async fn get(&self, key: &str) -> storage::Result<Option<Record>> {
        let found = self.0.get(key).await?;
        if let Some(record) = found.as_ref().filter(|_| key.starts_with("sys/lockout/")) {
            let puts = [(key.to_owned(), record.value.clone())].into();
            self.0.commit(Commit { puts, ..Commit::default() }).await.unwrap();
        }
        Ok(found)
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> storage::Result<Vec<String>> {
        self.0.list(prefix, after, limit).await
    }

    async fn commit(&self, commit: Commit) -> std::result::Result<Revision, CommitError> {
        self.0.commit(commit).await
    }

    fn watch(&self) -> Watch {
        self.0.watch()
    }
}

#[tokio::test]
async fn a_list_can_be_had_while_somebody_is_guessing() {
    let house = House::on(Arc::new(Restless(Memory::default())), 1, 3).await;
    crate::walk::furnish(&house).await;
    tune(&house, "userpass", json!({"lockout_threshold": 1})).await;
    guess_wrong(&house.stranger(), "mitchellh", 1).await;
    let listed = house.root().read("sys/locked-users").await.unwrap();
    assert_eq!(listed["total"], 1);
}

#[tokio::test]
async fn disabling_a_mount_removes_what_was_counted_there() {
    let house = crate::walk::furnished().await;
    house.root().write("sys/auth/people", json!({"type": "userpass"})).await.unwrap();
    for mount in ["userpass", "people"] {
        for name in ["a", "b", "c"] {
            let path = format!("auth/{mount}/login/{name}");
            house.stranger().write(&path, json!({"password": "x"})).await.unwrap_err();
        }
    }
    assert_eq!(counters(&house).await.len(), 6);
    house.root().delete("sys/auth/people").await.unwrap();
    house.settle().await.unwrap();
    assert_eq!(counters(&house).await.len(), 3);
}

/// The table itself is tried with 100,000 names beside its own code.
#[tokio::test]
async fn names_that_nobody_has_leave_no_more_than_a_bucket_each() {
    let house = crate::walk::furnished().await;
    let census = house.census().await.len();
    for number in 0..60 {
        guess_wrong(&house.stranger(), &format!("stranger{number}"), 1).await;
    }
    let counters = counters(&house).await;
    assert!(counters.len() <= 60 && counters.len() > 50, "{counters:?}");
    assert_eq!(house.census().await.len(), census + counters.len());
    assert!(!format!("{counters:?}").contains("stranger"));
}
