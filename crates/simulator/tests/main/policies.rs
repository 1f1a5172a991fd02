//! Writing policies, and what they then decide.

use std::sync::Arc;

use api::{Error, Operation, Reply};
use serde_json::{Value, json};
use simulator::{Caller, House};
use storage::Memory;

use crate::walk::furnished;

#[tokio::test]
async fn cases_145_147_and_151_to_153_policies_are_listed_with_root_at_the_end() {
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
    // Case 145: it is there, but nobody is told of it.
    let wrapping = root.read("sys/policies/acl/response-wrapping").await.unwrap();
    assert_eq!(wrapping["name"], "response-wrapping");
    // Case 147.
    assert_eq!(root.read("sys/policies/acl/dEV").await.unwrap()["name"], "dev");
    // Case 152: each form has its own name for the text.
    let old = root.read("sys/policy/DEV").await.unwrap();
    assert_eq!((&old["name"], &old["rules"]), (&json!("dev"), &json!("path \"a\" {}")));
    let new = root.read("sys/policies/acl/dev").await.unwrap();
    assert_eq!((&new["name"], &new["policy"]), (&json!("dev"), &json!("path \"a\" {}")));
    assert!(old.get("policy").is_none() && new.get("rules").is_none());
    // Case 153.
    let power = root.read("sys/policies/acl/root").await.unwrap();
    assert_eq!((&power["policy"], &power["version"]), (&json!(""), &json!(0)));
    assert_eq!((power.get("modified"), power.get("expiration")), (None, None));
    assert_eq!(root.read("sys/policies/acl/nope").await, Err(Error::Missing));
    let base64 = data_encoding::BASE64.encode(b"path \"b\" {}");
    root.write("sys/policies/acl/dev", json!({"policy": base64})).await.unwrap();
    assert_eq!(root.read("sys/policies/acl/dev").await.unwrap()["policy"], "path \"b\" {}");
    root.delete("sys/policies/acl/dev").await.unwrap();
    assert_eq!(root.read("sys/policies/acl/dev").await, Err(Error::Missing));
}

#[tokio::test]
async fn case_146_some_policies_are_not_for_writing() {
    let house = House::new().await;
    let root = house.root();
    let text = || json!({"policy": "path \"a\" {}"});
    for (outcome, expected) in [
        (root.write("sys/policies/acl/root", text()).await, "cannot update \"root\" policy"),
        (root.write("sys/policy/ROOT", text()).await, "cannot update \"root\" policy"),
        (root.delete("sys/policies/acl/root").await, "cannot delete \"root\" policy"),
        (root.delete("sys/policies/acl/default").await, "cannot delete default policy"),
        (
            root.delete("sys/policies/acl/response-wrapping").await,
            "cannot delete \"response-wrapping\" policy",
        ),
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
async fn case_151_the_older_form_takes_rules_and_says_so() {
    let house = House::new().await;
    let answer = house
        .root()
        .ask(Operation::Update, "sys/policy/x", json!({"rules": "path \"a\" {}"}))
        .await;
    assert_eq!(answer.warnings, ["'rules' is deprecated, please use 'policy' instead"]);
    let answer = house.root().ask(Operation::Update, "sys/policy/x", json!({"rules": ""})).await;
    let empty = Error::invalid("'policy' parameter not supplied or empty");
    assert_eq!(answer.outcome.err(), Some(empty));
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
async fn cases_154_and_156_capabilities_are_what_would_be_decided() {
    let house = House::new().await;
    let root = house.root();
    let ask = async |caller: &Caller, paths: Value| {
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
    let listed = |text: &str| Err(Error::InvalidListed(text.to_owned()));
    for (door, body, expected) in [
        ("", json!({}), Err(Error::Failed("no token found".to_owned()))),
        ("", json!({"token": "unknown"}), listed("invalid token")),
        ("-accessor", json!({}), listed("missing accessor")),
        ("-accessor", json!({"accessor": "unknown"}), listed("invalid accessor")),
    ] {
        let mut body = body;
        body["paths"] = json!(["kv/x"]);
        assert_eq!(root.write(&format!("sys/capabilities{door}"), body).await, expected);
    }
    // A denial is told as if nothing were allowed; what the default policy allows comes besides.
    let text = r#"path "kv/x" { capabilities = ["deny"] } path "cubbyhole/+" { policy = "read" }"#;
    root.write("sys/policies/acl/q", json!({"policy": text})).await.unwrap();
    let made = root.write("auth/token/create", json!({"policies": ["p", "q"]})).await.unwrap();
    let caller = house.holder(made["client_token"].as_str().unwrap());
    assert_eq!(
        ask(&caller, json!(["kv/x", "cubbyhole/y/z", "cubbyhole/y"])).await,
        json!({
            "kv/x": ["deny"],
            "cubbyhole/y": ["list", "read"],
            "cubbyhole/y/z": ["create", "delete", "list", "read", "update"],
        })
    );
}

/// Somebody whose only policies are `names`.
async fn holder_of(house: &House, names: &[&str]) -> Caller {
    let body = json!({"policies": names, "no_default_policy": true});
    let made = house.root().write("auth/token/create", body).await.unwrap();
    house.holder(made["client_token"].as_str().unwrap())
}

async fn put(house: &House, name: &str, text: &str) {
    let path = format!("sys/policies/acl/{name}");
    house.root().write(&path, json!({ "policy": text })).await.unwrap();
}

#[tokio::test]
async fn case_149_a_policy_is_written_over_only_by_who_knows_what_is_there() {
    let house = House::new().await;
    let root = house.root();
    let text = r#"path "a" {}"#;
    let write = async |terms: Value| {
        let mut body = json!({ "policy": text });
        body.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
        root.write("sys/policies/acl/p", body).await.map(|_| ())
    };
    let refused = |text: &str| Err(Error::invalid(text));
    let no_match = "check-and-set parameter did not match the current version";
    assert_eq!(write(json!({"cas": 1})).await, refused(no_match));
    let Err(Error::Invalid(null)) = write(json!({"cas": null})).await else { panic!() };
    assert!(null.contains("\"cas\": expected a whole number, not null"), "{null}");
    write(json!({"cas": -1})).await.unwrap();
    let exists = "check-and-set parameter set to -1 on existing entry";
    assert_eq!(write(json!({"cas": -1})).await, refused(exists));
    let first = root.read("sys/policies/acl/p").await.unwrap();
    assert_eq!((&first["version"], &first["cas_required"]), (&json!(1), &json!(false)));
    house.wait(5);
    write(json!({"cas": 1, "cas_required": true})).await.unwrap();
    let second = root.read("sys/policies/acl/p").await.unwrap();
    assert_eq!((&second["version"], &second["cas_required"]), (&json!(2), &json!(true)));
    assert_ne!(first["modified"], second["modified"]);
    let needed = "check-and-set parameter required for this call";
    assert_eq!(write(json!({})).await, refused(needed));
    assert_eq!(write(json!({"cas": 1})).await, refused(no_match));
    assert_eq!(write(json!({"cas": 0})).await, refused(no_match));
    // What is asked for in vain must not look as if it were done.
    assert!(write(json!({"cas": 2, "allow_slashes_in_identity_templates": true})).await.is_err());
    // Nobody loses the guard by not mentioning it.
    write(json!({"cas": 2})).await.unwrap();
    assert_eq!(write(json!({})).await, refused(needed));
}

#[tokio::test]
async fn case_150_a_policy_with_an_end_vanishes_then() {
    let house = House::new().await;
    let root = house.root();
    let text = r#"path "sys/mounts" { capabilities = ["read"] }"#;
    let write = async |terms: Value| {
        let mut body = json!({ "policy": text });
        body.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
        root.write("sys/policies/acl/p", body).await.map(|_| ())
    };
    let past = "refusing to update policy as expiration time has already elapsed";
    assert_eq!(
        write(json!({"expiration": "2020-01-01T00:00:00Z"})).await,
        Err(Error::invalid(past))
    );
    assert_eq!(write(json!({"expiration": 1})).await, Err(Error::invalid(past)));
    let both = "cannot supply both 'expiration' and 'ttl' for policies";
    let given = json!({"expiration": "2099-01-01T00:00:00Z", "ttl": "1h"});
    assert_eq!(write(given).await, Err(Error::invalid(both)));

    write(json!({"ttl": "1h"})).await.unwrap();
    let caller = holder_of(&house, &["p"]).await;
    assert!(root.read("sys/policies/acl/p").await.unwrap()["expiration"].is_string());
    house.wait(3599);
    caller.read("sys/mounts").await.unwrap();
    house.wait(1);
    assert_eq!(caller.read("sys/mounts").await, Err(Error::Denied));
    assert_eq!(root.read("sys/policies/acl/p").await, Err(Error::Missing));
    assert_eq!(root.list("sys/policies/acl").await.unwrap(), json!(["default", "root"]));
    let patched = root.ask(Operation::Patch, "sys/policies/acl/p", json!({"ttl": "1h"})).await;
    assert_eq!(patched.outcome.err(), Some(Error::MissingBecause("policy not found".to_owned())));
    // As if it had never been: a new one starts anew.
    write(json!({"cas": -1})).await.unwrap();
    assert_eq!(root.read("sys/policies/acl/p").await.unwrap()["version"], 1);
    caller.read("sys/mounts").await.unwrap();
}

#[tokio::test]
async fn a_patch_changes_what_is_given_and_nothing_else() {
    let house = House::new().await;
    let root = house.root();
    let patch = async |body: Value| match root
        .ask(Operation::Patch, "sys/policies/acl/p", body)
        .await
        .outcome
    {
        Ok(Reply::Data(fields, _)) => Ok(Value::from(fields)),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    let missing = Err(Error::MissingBecause("policy not found".to_owned()));
    assert_eq!(patch(json!({"cas_required": true})).await, missing);
    let body = json!({"policy": r#"path "a" {}"#, "ttl": "1h"});
    root.write("sys/policies/acl/p", body).await.unwrap();
    let ends = root.read("sys/policies/acl/p").await.unwrap()["expiration"].clone();
    let patched = patch(json!({"cas_required": true})).await.unwrap();
    assert_eq!((&patched["policy"], &patched["version"]), (&json!(r#"path "a" {}"#), &json!(2)));
    assert_eq!((&patched["expiration"], &patched["cas_required"]), (&ends, &json!(true)));
    assert!(patch(json!({"policy": "path \"b\" {}"})).await.is_err());
    let patched = patch(json!({"policy": "path \"b\" {}", "cas": 2, "expiration": ""})).await;
    let patched = patched.unwrap();
    assert_eq!((&patched["policy"], patched.get("expiration")), (&json!("path \"b\" {}"), None));
    assert!(patch(json!({"policy": "path {", "cas": 3})).await.is_err());
    for nothing in [json!({}), json!({"policy": null}), json!({"policy": "path \"b\" {}"})] {
        let mut nothing = nothing;
        assert!(patch(nothing.clone()).await.is_err(), "the version must still be said");
        nothing["cas"] = json!(3);
        assert_eq!(patch(nothing).await.unwrap()["version"], 3, "nothing is changed");
    }
    for name in ["root", "response-wrapping"] {
        let path = format!("sys/policies/acl/{name}");
        let refused = root.ask(Operation::Patch, &path, json!({"ttl": 1})).await.outcome.err();
        assert_eq!(refused, Some(Error::invalid(format!("cannot update \"{name}\" policy"))));
    }
}

#[tokio::test]
async fn the_detailed_list_says_how_things_stand() {
    let house = House::new().await;
    put(&house, "team/dev", r#"path "a" {}"#).await;
    put(&house, "team/dev", r#"path "b" {}"#).await;
    let root = house.root();
    let answer = root.ask(Operation::List, "sys/policies/detailed/acl", Value::Null).await;
    let Ok(Reply::Keys(names, details)) = answer.outcome else { panic!() };
    assert_eq!(names, ["default", "team/dev", "root"]);
    assert_eq!(details["team/dev"]["version"], 2);
    assert_eq!(root.list("sys/policies/acl/team").await.unwrap(), json!(["dev"]));
    let page = root.ask(Operation::List, "sys/policies/acl", json!({"limit": 1})).await;
    assert!(matches!(page.outcome, Ok(Reply::Keys(names, _)) if names == ["default"]));
    let page = root.ask(Operation::List, "sys/policies/acl", json!({"after": "root"})).await;
    assert!(matches!(page.outcome, Ok(Reply::Keys(names, _)) if names.is_empty()));
}

#[tokio::test]
async fn case_148_a_default_policy_that_was_rewritten_stays_so() {
    let mut house = House::new().await;
    put(&house, "default", r#"path "mine" {}"#).await;
    house.restart(2).await;
    let text = house.root().read("sys/policies/acl/default").await.unwrap()["policy"].clone();
    assert_eq!(text, r#"path "mine" {}"#);
}

#[tokio::test]
async fn case_158_a_listing_is_held_to_its_limit() {
    let house = furnished().await;
    let root = house.root();
    for number in 1..=5 {
        root.write(&format!("kv/box/{number}"), json!({"a": "b"})).await.unwrap();
    }
    let text = r#"path "kv/box" { capabilities = ["list"] pagination_limit = 2 }
        path "sys/policies/acl" { capabilities = ["list"] pagination_limit = 1 }
        path "sys/policy" { capabilities = ["list", "read"] pagination_limit = 1 }"#;
    put(&house, "p", text).await;
    put(&house, "q", r#"path "kv/box" { capabilities = ["list"] pagination_limit = 4 }"#).await;
    put(
        &house,
        "r",
        r#"path "kv/box" { capabilities = ["list"] required_parameters = ["limit"] }"#,
    )
    .await;
    let list = async |caller: &Caller, body: Value| match caller
        .ask(Operation::List, "kv/box", body)
        .await
        .outcome
    {
        Ok(Reply::Keys(names, _)) => Ok(names.join("")),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    let caller = holder_of(&house, &["p", "q"]).await;
    for (body, expected) in [
        (json!({}), Ok("12")),
        (json!({"limit": 1}), Ok("1")),
        (json!({"limit": "1"}), Ok("1")),
        (json!({"limit": 0}), Ok("12")),
        (json!({"limit": "max"}), Ok("12")),
        (json!({"after": "2"}), Ok("34")),
        (json!({"limit": 3}), Err(Error::Denied)),
        (json!({"limit": -1}), Err(Error::Denied)),
        (json!({"limit": "few"}), Err(Error::Denied)),
        (json!({"limit": [2]}), Err(Error::Denied)),
    ] {
        assert_eq!(list(&caller, body.clone()).await, expected.map(str::to_owned), "{body}");
    }
    assert_eq!(list(&root, json!({"limit": "max"})).await.unwrap(), "12345");
    let must_say = holder_of(&house, &["p", "r"]).await;
    assert_eq!(list(&must_say, json!({})).await, Err(Error::Denied));
    assert_eq!(list(&must_say, json!({"limit": 2})).await.unwrap(), "12");
    let named = caller.list("sys/policies/acl").await.unwrap();
    assert_eq!(named, json!(["admins"]));
    let old = json!({"keys": ["admins"], "policies": ["admins"]});
    assert_eq!(caller.list("sys/policy").await.unwrap(), old);
    assert_eq!(caller.read("sys/policy").await.unwrap(), old, "a read that tells names");
}

/// What policies see of whoever logs in by userpass, in a house where `alice` and `bob` can.
async fn logged_in(house: &House, name: &str) -> (Caller, String) {
    let token = house.stranger().login(name, "foo").await.unwrap();
    let caller = house.holder(&token);
    let entity = house.root().write("auth/token/lookup", json!({ "token": token })).await.unwrap();
    (caller, entity["entity_id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn case_159_a_template_is_filled_in_for_whoever_asks() {
    let house = furnished().await;
    let root = house.root();
    let mounts = root.read("sys/auth").await.unwrap();
    let accessor = mounts["userpass/"]["accessor"].as_str().unwrap().to_owned();
    let text = [
        format!("path \"kv/{{{{identity.entity.aliases.{accessor}.name}}}}/*\""),
        " { capabilities = [\"create\", \"read\"] }".to_owned(),
        "path \"kv/by-path/{{identity.entity.aliases.userpass.name}}\"".to_owned(),
        " { capabilities = [\"create\"] }".to_owned(),
        "path \"kv/id/{{identity.entity.id}}\" { capabilities = [\"create\"] }".to_owned(),
        "path \"kv/gone/{{identity.entity.metadata.none}}\"".to_owned(),
        " { capabilities = [\"create\"] }".to_owned(),
        "path \"kv/group/{{identity.groups.names.ops.id}}\"".to_owned(),
        " { capabilities = [\"create\"] }".to_owned(),
        "path \"kv/gone/*\" { capabilities = [\"create\"] }".to_owned(),
        "path \"kv/plain\" { capabilities = [\"create\"] }".to_owned(),
    ];
    put(&house, "own", &text.concat()).await;
    for name in ["alice", "bob"] {
        let user = json!({"password": "foo", "token_policies": ["own"]});
        root.write(&format!("auth/userpass/users/{name}"), user).await.unwrap();
    }
    let (alice, alice_id) = logged_in(&house, "alice").await;
    let (bob, bob_id) = logged_in(&house, "Bob").await;
    let body = || json!({"a": "b"});
    for (caller, own, other, ids) in [
        (&alice, "alice", "bob", (&alice_id, &bob_id)),
        (&bob, "bob", "alice", (&bob_id, &alice_id)),
    ] {
        // Twice: what is kept ready must be as good as what is made anew.
        for round in 0..2 {
            caller.write(&format!("kv/{own}/{round}"), body()).await.unwrap();
            let other_place = format!("kv/{other}/{own}");
            assert_eq!(caller.write(&other_place, body()).await, Err(Error::Denied));
            assert_eq!(caller.write(&format!("kv/id/{}", ids.1), body()).await, Err(Error::Denied));
            let gone = caller.write("kv/gone/none", body()).await;
            assert_eq!(gone, Err(Error::Denied), "what cannot be filled in denies");
            assert_eq!(caller.write("kv/group/ops", body()).await, Err(Error::Denied));
        }
        caller.write(&format!("kv/by-path/{own}"), body()).await.unwrap();
        caller.write(&format!("kv/id/{}", ids.0), body()).await.unwrap();
        caller.write("kv/plain", body()).await.unwrap_or_default();
        let asked = json!({"paths": [format!("kv/{own}/x"), format!("kv/{other}/x")]});
        let told = caller.write("sys/capabilities-self", asked).await.unwrap();
        assert_eq!(told[format!("kv/{own}/x")], json!(["create", "read"]));
        assert_eq!(told[format!("kv/{other}/x")], json!(["deny"]));
    }
    // Nobody is behind a token of root's, so nothing is theirs.
    let nobody = holder_of(&house, &["own"]).await;
    assert_eq!(nobody.write("kv/alice/x", body()).await, Err(Error::Denied));
    nobody.write("kv/gone/x", body()).await.unwrap();
}

#[tokio::test]
async fn no_mount_passes_for_another_by_having_its_accessor_for_a_path() {
    let house = furnished().await;
    let root = house.root();
    let accessor = root.read("sys/auth").await.unwrap()["userpass/"]["accessor"].clone();
    let accessor = accessor.as_str().unwrap().to_owned();
    let text = format!(
        "path \"kv/{{{{identity.entity.aliases.{accessor}.name}}}}/*\" {{ policy = \"write\" }}"
    );
    put(&house, "own", &text).await;
    let body = json!({"type": "userpass"});
    root.write(&format!("sys/auth/{accessor}"), body).await.unwrap();
    let user = json!({"password": "foo", "token_policies": ["own"]});
    root.write("auth/userpass/users/alice", user.clone()).await.unwrap();
    root.write(&format!("auth/{accessor}/users/alice"), user).await.unwrap();
    let (alice, _) = logged_in(&house, "alice").await;
    alice.write("kv/alice/x", json!({"a": "b"})).await.unwrap();
    for _ in 0..2 {
        let path = format!("auth/{accessor}/login/alice");
        let other = house.stranger().write(&path, json!({"password": "foo"})).await.unwrap();
        let other = house.holder(other["client_token"].as_str().unwrap());
        assert_eq!(other.read("kv/alice/x").await, Err(Error::Denied));
        // Nor once the mount with that accessor is gone.
        root.delete("sys/auth/userpass").await.unwrap();
    }
}

/// What happens if such a name comes from elsewhere is shown where templates are filled in.
#[tokio::test]
async fn row_4_nobody_has_a_name_that_could_widen_a_path() {
    let house = furnished().await;
    let root = house.root();
    let names =
        ["*", "+", "a*", "victim*", "+*", "a,b", "a b", "{{x}}", "a+b", "%2a", "a/../b", "a/x"];
    for name in names {
        let Ok(path) = api::CanonicalPath::parse(&format!("auth/userpass/users/{name}")) else {
            continue;
        };
        let user = json!({"password": "foo"});
        assert!(root.write(path.as_str(), user).await.is_err(), "{name:?}");
    }
    let users = root.list("auth/userpass/users").await.unwrap();
    assert_eq!(users, json!(["mitchellh"]));
}

#[tokio::test]
async fn capabilities_are_asked_under_the_names_that_decide() {
    let house = furnished().await;
    let text = r#"path "auth/userpass/users/*" { capabilities = ["update"] }
        path "auth/userpass/users/admin" { capabilities = ["deny"] }"#;
    put(&house, "p", text).await;
    let caller = holder_of(&house, &["p"]).await;
    let asked = json!({"paths": ["auth/userpass/users/ADMIN", "auth/userpass/users/eve", "a//b"]});
    // As root, about the caller: they themselves may not ask.
    let accessor = house.root().write("auth/token/create", json!({"policies": ["p"]})).await;
    let accessor = accessor.unwrap()["accessor"].clone();
    let mut body = asked.clone();
    body["accessor"] = accessor;
    let told = house.root().write("sys/capabilities-accessor", body).await.unwrap();
    assert_eq!(told["auth/userpass/users/ADMIN"], json!(["deny"]));
    assert_eq!(told["auth/userpass/users/eve"], json!(["update"]));
    assert_eq!(told["a//b"], json!(["deny"]));
    assert_eq!(caller.write("sys/capabilities-self", asked).await, Err(Error::Denied));
}

async fn explained(caller: &Caller, body: Value) -> api::Result<Value> {
    caller.write("sys/policies/explain", body).await
}

#[tokio::test]
async fn an_explanation_names_the_policy_the_rule_and_what_is_missing() {
    let house = furnished().await;
    let text = "# first\npath \"kv/a\" {\n  capabilities = [\"read\"]\n}\n\n\
                path \"kv/b/*\" { capabilities = [\"deny\"] }\n\
                path \"kv/c\" { capabilities = [\"update\"] required_parameters = [\"x\"] }\n\
                path \"sys/seal\" { capabilities = [\"update\"] }\n\
                path \"kv/{{identity.entity.metadata.team}}/q/*\" { policy = \"deny\" }";
    put(&house, "p", text).await;
    let root = house.root();
    let ask = async |path: &str, operation: &str, parameters: Value| {
        let body = json!({"policies": ["p"], "path": path, "operation": operation,
                          "parameters": parameters});
        explained(&root, body).await.unwrap()
    };
    let read = ask("kv/a", "read", json!({})).await;
    assert_eq!((&read["allowed"], &read["reason"]), (&json!(true), &json!("the rule grants it")));
    assert_eq!(read["rule"]["path"], "kv/a");
    let source = json!({"policy": "p", "line": 2, "capabilities": ["read"]});
    assert_eq!(read["rule"]["sources"], json!([source]));
    let list = ask("kv/a", "list", json!({})).await;
    assert_eq!((&list["allowed"], &list["missing"]), (&json!(false), &json!("list")));
    assert_eq!((&list["path"], &list["refusal"]), (&json!("kv/a/"), &json!("missing-capability")));
    let denied = ask("kv/b/x", "read", json!({})).await;
    assert_eq!((&denied["refusal"], &denied["rule"]["path"]), (&json!("denied"), &json!("kv/b/*")));
    let without = ask("kv/c", "update", json!({"y": 1})).await;
    let expected = (&json!("required-parameter"), &json!("x"));
    assert_eq!((&without["refusal"], &without["missing"]), expected);
    assert_eq!(ask("kv/c", "update", json!({"x": 1})).await["allowed"], true);
    let sealing = ask("sys/seal", "update", json!({})).await;
    assert_eq!(
        (&sealing["refusal"], &sealing["missing"]),
        (&json!("missing-capability"), &json!("sudo"))
    );
    let nowhere = ask("kv/bb", "read", json!({})).await;
    assert_eq!((&nowhere["refusal"], &nowhere["rule"]), (&json!("no-rule"), &Value::Null));
    assert_eq!(nowhere["nearest"]["path"], "kv/b/*");
    let unfilled = ask("kv/x/q/y", "read", json!({})).await;
    assert_eq!(
        (&unfilled["refusal"], &unfilled["rule"]["sources"][0]["line"]),
        (&json!("unfilled-template"), &json!(9))
    );
    let open = ask("auth/userpass/login/eve", "update", json!({})).await;
    assert_eq!(open["allowed"], true);
    let body = json!({"policies": ["p"], "path": "kv/a", "operation": "update",
                      "candidate": "path \"kv/a\" { policy = \"write\" }", "candidate_name": "p"});
    let tried = explained(&root, body).await.unwrap();
    assert_eq!(
        (&tried["allowed"], &tried["rule"]["sources"][0]["policy"]),
        (&json!(true), &json!("p"))
    );
    for wrong in [
        json!({"path": "kv/a", "operation": "steal"}),
        json!({"path": "kv//a"}),
        json!({"path": "kv/a", "accessor": "x", "policies": ["p"]}),
        json!({"path": "kv/a", "candidate": "path {"}),
        json!({"path": "kv/a", "candidate": "path \"a\" {}", "candidate_name": "Root"}),
        json!({"path": "kv/a", "token": "unknown"}),
    ] {
        let refused = explained(&root, wrong.clone()).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{wrong}: {refused:?}");
    }
}

#[tokio::test]
async fn an_explanation_says_which_policies_do_not_exist() {
    let house = furnished().await;
    put(&house, "p", "path \"kv/a\" { capabilities = [\"update\"] }").await;
    let ask = async |policies: Value| {
        let body = json!({"policies": policies, "path": "kv/a", "operation": "write"});
        explained(&house.root(), body).await.unwrap()
    };
    let told = ask(json!(["Typo", "p", "response-wrapping"])).await;
    assert_eq!(told["unknown_policies"], json!(["typo"]));
    let told = ask(json!(["p"])).await;
    assert_eq!((&told["unknown_policies"], &told["operation"]), (&json!([]), &json!("update")));
    assert_eq!(told["allowed"], true);
}

/// The older name of a parameter is no way around what is said of the newer one, nor the other way.
#[tokio::test]
async fn a_rule_about_a_parameter_holds_for_all_its_names() {
    let house = furnished().await;
    for (path, said, sent, value) in [
        ("auth/userpass/users/bob", "token_policies", "policies", "admin"),
        ("auth/userpass/users/bob", "policies", "token_policies", "admin"),
        ("auth/userpass/users/bob", "token_ttl", "ttl", "60"),
        ("auth/userpass/users/bob/policies", "token_policies", "policies", "admin"),
        ("auth/token/create", "ttl", "lease", "1m"),
        ("auth/token/roles/r", "token_period", "period", "60s"),
        ("sys/policy/q", "policy", "rules", "path \"x\" {}"),
        ("sys/capabilities-self", "paths", "path", "x"),
    ] {
        let text = format!(
            "path {path:?} {{ capabilities = [\"create\", \"update\", \"sudo\"] \
             denied_parameters = {{ {said} = [{value:?}] }} }}"
        );
        put(&house, "p", &text).await;
        let caller = holder_of(&house, &["p"]).await;
        for name in [said, sent] {
            let body = json!({ name: value, "password": "correct horse" });
            assert_eq!(caller.write(path, body.clone()).await, Err(Error::Denied), "{path} {name}");
            let body = json!({"policies": ["p"], "path": path, "operation": "update",
                              "parameters": body});
            let told = explained(&house.root(), body).await.unwrap();
            let refusal = (&told["refusal"], &told["missing"]);
            assert_eq!(refusal, (&json!("denied-parameter"), &json!(name)), "{path} {name}");
        }
    }
}

/// Who declares an older name for people declares it for policies.
#[tokio::test]
async fn whatever_is_called_an_older_name_is_declared_as_one() {
    let document = furnished().await.root().read("sys/internal/specs/openapi").await.unwrap();
    let mut declared = 0;
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        if let Some(description) = value["description"].as_str()
            && (description.contains("older name of") || description.contains("DEPRECATED"))
        {
            let newer = value["schema"]["x-older-name-of"].as_str();
            let newer = newer.or(value["x-older-name-of"].as_str());
            let newer = newer.unwrap_or_else(|| panic!("{value}"));
            assert!(description.contains(&format!("{newer:?}")), "{description}");
            declared += 1;
        }
        open.extend(value.as_object().into_iter().flat_map(|object| object.values()));
        open.extend(value.as_array().into_iter().flatten());
    }
    assert!(declared >= 12, "{declared}");
}

#[tokio::test]
async fn an_explanation_tells_nobody_what_they_may_not_know() {
    let house = furnished().await;
    let asker = r#"path "sys/policies/explain" { capabilities = ["update"] }
        path "kv/mine/*" { capabilities = ["read"] }
        path "sys/policies/acl/known" { capabilities = ["read"] }"#;
    put(&house, "asker", asker).await;
    put(&house, "known", r#"path "kv/mine/x" { capabilities = ["list"] }"#).await;
    put(&house, "hidden", r#"path "kv/mine/canary" { required_parameters = ["canary"] }"#).await;
    let caller = holder_of(&house, &["asker", "hidden"]).await;
    let other = house.root().write("auth/token/create", json!({"policies": ["known"]})).await;
    let other = other.unwrap();
    for refused in [
        // A path they have no business with.
        json!({"path": "kv/other"}),
        json!({"path": "sys/mounts", "policies": ["known"]}),
        // Policies they may not read.
        json!({"path": "kv/mine/x", "policies": ["hidden"]}),
        json!({"path": "kv/mine/x", "policies": ["known", "default"]}),
        // Tokens they may not look up, whether or not there are such tokens.
        json!({"path": "kv/mine/x", "token": other["client_token"]}),
        json!({"path": "kv/mine/x", "accessor": other["accessor"]}),
        json!({"path": "kv/mine/x", "token": "nobody"}),
    ] {
        assert_eq!(explained(&caller, refused.clone()).await, Err(Error::Denied), "{refused}");
    }
    let known = json!({"path": "kv/mine/x", "policies": ["known"], "operation": "list"});
    assert_eq!(explained(&caller, known).await.unwrap()["rule"]["path"], "kv/mine/x");
    // About themselves, of a policy that they may not read: its name, which they know.
    put(
        &house,
        "hidden",
        r#"path "kv/mine/s*" { capabilities = ["update"]
        required_parameters = ["canary"] }"#,
    )
    .await;
    let body = json!({"path": "kv/mine/s1", "operation": "update"});
    let told = explained(&caller, body).await.unwrap();
    assert_eq!(told["allowed"], false);
    assert_eq!(
        told["rule"]["sources"][0],
        json!({"policy": "hidden", "line": null, "capabilities": []})
    );
    assert!(!told.to_string().contains("canary") && told["rule"]["path"].is_null(), "{told}");
    let weak = holder_of(&house, &["known"]).await;
    let refused = explained(&weak, json!({"path": "kv/mine/x"})).await;
    assert_eq!(refused, Err(Error::Denied));
}

#[tokio::test]
async fn an_explanation_is_asked_about_no_more_policies_than_a_token_has() {
    let house = furnished().await;
    let names = |count: usize| (0..count).map(|name| name.to_string()).collect::<Vec<_>>();
    let ask = |policies: Value| json!({"path": "kv/a", "policies": policies});
    let told = explained(&house.root(), ask(json!(names(1000)))).await;
    assert_eq!(told.unwrap()["refusal"], "no-rule");
    for many in [json!(names(1001)), json!(names(1001).join(","))] {
        let refused = explained(&house.root(), ask(many)).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn an_explanation_is_given_about_no_other_tokens_than_may_be_looked_up() {
    let house = furnished().await;
    let root = house.root();
    let body = json!({"policies": ["known"], "no_default_policy": true});
    let mine = root.write("auth/token/create", body.clone()).await.unwrap();
    let other = root.write("auth/token/create", body).await.unwrap();
    put(&house, "known", r#"path "kv/mine/x" { capabilities = ["list"] }"#).await;
    let asker = format!(
        r#"path "sys/policies/explain" {{ capabilities = ["update"] }}
        path "kv/mine/*" {{ capabilities = ["read"] }}
        path "auth/token/lookup-accessor" {{ capabilities = ["update"]
            allowed_parameters = {{ accessor = [{}] }} }}
        path "auth/token/lookup" {{ capabilities = ["update"]
            allowed_parameters = {{ token = [{}] }} }}"#,
        mine["accessor"], mine["client_token"]
    );
    put(&house, "asker", &asker).await;
    let caller = holder_of(&house, &["asker"]).await;
    for (field, shown) in [("accessor", "accessor"), ("token", "client_token")] {
        let ask = |token: &Value| json!({"path": "kv/mine/x", field: token[shown]});
        assert_eq!(explained(&caller, ask(&mine)).await.unwrap()["allowed"], false);
        assert_eq!(explained(&caller, ask(&other)).await, Err(Error::Denied), "{field}");
    }
}

/// The explanation comes from the evaluator that decides, so this can only fail if one of the two
/// asks it something else.
#[tokio::test]
async fn an_explanation_never_disagrees_with_the_decision() {
    let house = furnished().await;
    let root = house.root();
    root.write("kv/a", json!({"x": "y"})).await.unwrap();
    let paths = [
        "kv/a",
        "kv/new",
        "kv/dir/x",
        "sys/mounts",
        "sys/seal-status",
        "sys/audit",
        "auth/userpass/users/EVE",
        "sys/policies/acl/Dev",
        "nowhere/x",
        "auth/token/accessors",
    ];
    let operations = [
        Operation::Read,
        Operation::List,
        Operation::Update,
        Operation::Patch,
        Operation::Delete,
        Operation::Help,
    ];
    let policies = [
        r#"path "*" { capabilities = ["read", "list"] }"#,
        r#"path "kv/+" { capabilities = ["create", "update"] allowed_parameters = { x = ["1"] } }
           path "sys/*" { capabilities = ["read", "update", "list", "sudo"] }"#,
        r#"path "kv/*" { policy = "write" required_parameters = ["x"] }
           path "kv/dir/*" { policy = "deny" } path "auth/+/users/eve" { policy = "write" }
           path "auth/token/accessors" { capabilities = ["list"] }"#,
        r#"path "kv/{{identity.entity.name}}" { policy = "deny" } path "kv/*" { policy = "sudo" }
           path "+/+" { capabilities = ["patch", "read"] min_wrapping_ttl = 5 }
           path "sys/policies/acl/dev" { policy = "write" }"#,
    ];
    for text in policies {
        put(&house, "tried", text).await;
        let caller = holder_of(&house, &["tried"]).await;
        for (path, parameters) in paths.iter().flat_map(|path| {
            [json!({}), json!({"x": "1"}), json!({"x": "2"})].map(|body| (path, body))
        }) {
            for operation in operations {
                let body = json!({"policies": ["tried"], "path": path, "parameters": parameters,
                                  "operation": operation.name()});
                let update = explained(&root, body.clone()).await.unwrap();
                let mut body = body;
                body["operation"] = json!("create");
                let create = explained(&root, body).await.unwrap();
                let outcome = caller.ask(operation, path, parameters.clone()).await.outcome;
                let is_denied = matches!(outcome, Err(Error::Denied));
                let explained = match operation {
                    // Which of the two a write is, depends on what is there.
                    Operation::Update if update["allowed"] != create["allowed"] => continue,
                    _ => update["allowed"] == true,
                };
                assert_eq!(
                    explained, !is_denied,
                    "{operation} {path} {parameters} under {text}: {update} {outcome:?}"
                );
            }
        }
    }
}

/// Row 6: decided anew or kept ready, it is the same, whatever policies are called.
#[tokio::test]
async fn row_6_names_of_policies_are_never_joined() {
    let house = Arc::new(Memory::default());
    let house = House::on(house, 2, 3).await;
    let root = house.root();
    put(&house, "a", r#"path "sys/mounts" { policy = "read" }"#).await;
    put(&house, "b", r#"path "sys/auth" { policy = "read" }"#).await;
    for names in [
        vec!["../a"],
        vec!["a/../a"],
        vec!["x/../../a"],
        vec!["a/"],
        vec!["./a"],
        vec!["a\0b"],
        vec!["a b"],
        vec!["a;b"],
        vec!["a\nb"],
        vec!["sys/policy/a"],
        vec!["../policy/root"],
        vec!["..", "root/../a"],
        vec!["%61"],
        vec!["a,b"],
    ] {
        let body = json!({"policies": names, "no_default_policy": true});
        let Ok(made) = root.write("auth/token/create", body).await else { continue };
        let token = made["client_token"].as_str().unwrap();
        for node in [0, 1, 0, 1] {
            for path in ["sys/mounts", "sys/auth", "sys/policies/acl/a"] {
                let refused = house.at(node).with_token(token).read(path).await;
                assert_eq!(refused, Err(Error::Denied), "{names:?} {path}");
            }
        }
    }
    for name in ["..", "../root", "a/../../b", "a//b", ".", "a\0", "a\n"] {
        let path = format!("sys/policies/acl/{name}");
        assert!(api::CanonicalPath::parse(&path).is_err(), "{name:?}");
    }
}
