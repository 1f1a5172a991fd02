//! What must hold for every door there is: doors are data.

use std::collections::BTreeSet;

use api::describe::path_help;
use api::{Error, Operation, Path, Pattern};
use kernel::Door;
use serde_json::json;
use simulator::House;

/// A door, wherever it is, as far as these promises care.
pub(crate) struct Seen {
    mount: String,
    pattern: Pattern,
    pub(crate) at: String,
    pub(crate) example: String,
    summary: &'static str,
    help: String,
    public: bool,
    pub(crate) operations: Vec<Operation>,
}

fn seen<C: Send + Sync + 'static>(mount: &str, path: &Path<C>) -> Seen {
    Seen {
        mount: mount.to_owned(),
        pattern: path.pattern.clone(),
        at: format!("{mount}{}", path.pattern.openapi().trim_start_matches('/')),
        example: format!("{mount}{}", path.pattern.example("x")).trim_end_matches('/').to_owned(),
        summary: path.summary,
        help: path_help(path, "x"),
        public: path.reached.public,
        operations: path.operations().map(|(operation, _)| operation).collect(),
    }
}

/// Every door, with every engine mounted somewhere.
pub(crate) async fn doors() -> (House, Vec<Seen>) {
    let house = House::new().await;
    let root = house.root();
    let mut all = vec![];
    for (number, door) in house.nodes[0].doors().enumerate() {
        match door {
            Door::System(mount, path) => all.push(seen(mount, path)),
            Door::Engine(engine, path) => {
                let version = engine.version.unwrap_or_default();
                let (place, mount) = match engine.class {
                    api::Class::Auth => (
                        format!("sys/auth/{}{version}", engine.name),
                        format!("auth/{}{version}/", engine.name),
                    ),
                    api::Class::Secret => (
                        format!("sys/mounts/{}{version}", engine.name),
                        format!("{}{version}/", engine.name),
                    ),
                };
                let options = engine.version.map(|version| json!({"version": version}));
                let _ = root.write(&place, json!({"type": engine.name, "options": options})).await;
                all.push(seen(&mount, path));
            }
        }
        assert!(number < 10_000);
    }
    (house, all)
}

#[tokio::test]
async fn every_door_is_documented() {
    let (_, doors) = doors().await;
    assert!(doors.len() > 40);
    for door in doors {
        assert!(door.summary.ends_with('.'), "{}", door.at);
        assert!(!door.help.contains("<no description>"), "{} {}", door.at, door.help);
    }
}

#[tokio::test]
async fn every_private_door_refuses_strangers() {
    let (house, doors) = doors().await;
    for door in doors.iter().filter(|door| !door.public) {
        for operation in &door.operations {
            let no_token =
                house.stranger().ask(*operation, &door.example, json!({"x": [[[1]]]})).await;
            assert_eq!(
                no_token.outcome.err(),
                Some(Error::Unauthenticated),
                "{operation} {}",
                door.at
            );
            let bad_token = house.holder("nope").ask(*operation, &door.example, json!({})).await;
            assert_eq!(
                bad_token.outcome.err(),
                Some(Error::UnknownToken),
                "{operation} {}",
                door.at
            );
        }
    }
}

#[tokio::test]
async fn every_private_door_refuses_tokens_without_policies() {
    let (house, doors) = doors().await;
    let body = json!({"policies": ["nothing"], "no_default_policy": true});
    let made = house.root().write("auth/token/create", body).await.unwrap();
    let weak = house.holder(made["client_token"].as_str().unwrap());
    let census = house.census().await;
    for door in doors.iter().filter(|door| !door.public) {
        for operation in &door.operations {
            let refused = weak.ask(*operation, &door.example, json!({"type": [[]]})).await;
            assert_eq!(refused.outcome.err(), Some(Error::Denied), "{operation} {}", door.at);
        }
    }
    assert_eq!(house.census().await, census);
}

/// The doors that need `sudo` besides the capability, as clients know them; the import is our own.
const PROTECTED: [&str; 14] = [
    "auth/token/accessors",
    "auth/userpass/users/import",
    "sys/audit",
    "sys/audit/{path}",
    "sys/auth/{path}",
    "sys/auth/{path}/tune",
    "sys/leases",
    "sys/leases/lookup/{prefix}",
    "sys/leases/revoke-force/{prefix}",
    "sys/leases/revoke-prefix/{prefix}",
    "sys/revoke-force/{prefix}",
    "sys/revoke-prefix/{prefix}",
    "sys/seal",
    "sys/step-down",
];

// Case 42 of `sys/`. The explanation is asked, since these doors do harm.
#[tokio::test]
async fn the_protected_doors_are_those_that_clients_know() {
    let (house, doors) = doors().await;
    let root = house.root();
    let all = r#"["create", "read", "update", "patch", "delete", "list", "scan"]"#;
    for (name, capabilities) in [("all", all), ("sudo", r#"["sudo"]"#)] {
        let text = format!("path \"*\" {{ capabilities = {capabilities} }}");
        root.write(&format!("sys/policies/acl/{name}"), json!({ "policy": text })).await.unwrap();
    }
    let mut found = BTreeSet::new();
    for door in doors.iter().filter(|door| !door.public) {
        for operation in &door.operations {
            let ask = async |policies: &[&str]| {
                let body = json!({"policies": policies, "path": door.example,
                                  "operation": operation.name()});
                root.write("sys/policies/explain", body).await.unwrap()
            };
            let about = format!("{operation} {}", door.at);
            assert_eq!(ask(&["sudo"]).await["allowed"], false, "{about}");
            assert_eq!(ask(&["all", "sudo"]).await["allowed"], true, "{about}");
            let without = ask(&["all"]).await;
            if without["allowed"] == false {
                assert_eq!(without["missing"], "sudo", "{about}");
                found.insert(door.at.as_str());
            }
        }
    }
    assert_eq!(found, BTreeSet::from(PROTECTED));
}

/// A grant to look must never be enough to change anything.
#[tokio::test]
async fn reading_and_listing_change_nothing() {
    let (house, doors) = doors().await;
    let text = r#"path "*" { capabilities = ["read", "list"] }"#;
    house.root().write("sys/policies/acl/looker", json!({"policy": text})).await.unwrap();
    let body = json!({"policies": ["looker"], "no_default_policy": true});
    let made = house.root().write("auth/token/create", body).await.unwrap();
    let looker = house.holder(made["client_token"].as_str().unwrap());
    let before = house.census().await;
    for door in &doors {
        for operation in &door.operations {
            if !door.public {
                let _ = looker.ask(*operation, &door.example, json!({})).await;
            }
        }
    }
    assert_eq!(house.census().await, before);
}

/// Keeping an answer costs the store some records, so who has no token gets only logins kept.
#[tokio::test]
async fn strangers_who_want_answers_wrapped_leave_nothing_behind() {
    let (house, doors) = doors().await;
    // Failed logins are counted, and the counters are bounded.
    let census = async || {
        let mut keys = house.census().await;
        keys.retain(|key| !key.starts_with("sys/lockout/"));
        keys
    };
    let root = house.root().wrapping(600);
    let token = root.read("sys/mounts").await.unwrap()["token"].clone();
    let before = census().await;
    let stranger = house.stranger().wrapping(600);
    for door in doors.iter().filter(|door| door.public) {
        for operation in &door.operations {
            for body in [json!({}), json!({"token": "nope", "password": "x"})] {
                let _ = stranger.ask(*operation, &door.example, body).await;
                assert_eq!(census().await, before, "{operation} {}", door.at);
            }
        }
    }
    let text = "only logins are wrapped where no token is asked for; \
                send the request without X-Vault-Wrap-TTL";
    let refused = Err(Error::invalid(text));
    let look = json!({ "token": token });
    assert_eq!(stranger.read("sys/internal/ui/mounts").await, refused);
    assert_eq!(stranger.write("sys/wrapping/lookup", look).await, refused);
    // A token that the door does not look at is none.
    assert_eq!(root.read("sys/internal/ui/mounts").await, refused);
    assert_eq!(census().await, before);
}

#[tokio::test]
async fn no_request_fits_two_doors_equally_well() {
    let (_, doors) = doors().await;
    for (number, one) in doors.iter().enumerate() {
        for other in doors.iter().skip(number + 1).filter(|other| other.mount == one.mount) {
            let both_can = one.operations.iter().any(|can| other.operations.contains(can));
            let fit = |path: &str| {
                one.pattern.captures(path).is_some() && other.pattern.captures(path).is_some()
            };
            let overlap = [&one.pattern, &other.pattern]
                .into_iter()
                .any(|pattern| ["x", "y"].iter().any(|word| fit(&pattern.example(word))));
            let alike = one.pattern.generality() == other.pattern.generality();
            assert!(!(both_can && overlap && alike), "{} and {}", one.at, other.at);
        }
    }
}

#[tokio::test]
async fn while_sealed_only_the_seal_answers() {
    let (house, doors) = doors().await;
    house.nodes[0].seal();
    for door in &doors {
        for operation in &door.operations {
            let answer = house.root().ask(*operation, &door.example, json!({})).await;
            let is_open = ["init", "seal-status", "unseal", "health", "leader"]
                .iter()
                .any(|name| door.at == format!("sys/{name}"));
            let sealed = answer.outcome.err() == Some(Error::Sealed);
            assert_eq!(sealed, !is_open, "{operation} {}", door.at);
        }
    }
}

#[tokio::test]
async fn wrong_types_are_refused_by_field_and_never_repeated() {
    let (house, doors) = doors().await;
    for door in &doors {
        for operation in door.operations.iter().filter(|operation| **operation == Operation::Update)
        {
            if door.at == "sys/seal" {
                continue;
            }
            let api = house.root().read("sys/internal/specs/openapi").await.unwrap();
            let post = &api["paths"][format!("/{}", door.at)]["post"];
            let body = &post["requestBody"]["content"]["application/json"];
            let item = &body["schema"]["properties"];
            for field in item.as_object().into_iter().flat_map(|fields| fields.keys()) {
                for wrong in [json!({"x": {"x": "canary-5f0e"}}), json!([["canary-5f0e"]])] {
                    let answer = house
                        .root()
                        .ask(*operation, &door.example, json!({ field.as_str(): wrong }))
                        .await;
                    if let Err(error) = answer.outcome {
                        assert!(
                            !format!("{error:?}").contains("canary-5f0e"),
                            "{} {field}: {error:?}",
                            door.at
                        );
                    }
                }
            }
        }
    }
}

// Case 170 of policies, and 7 of engines.
#[tokio::test]
async fn help_is_there_for_every_token_and_needs_one() {
    let (house, doors) = doors().await;
    let body = json!({"policies": ["nothing"], "no_default_policy": true});
    let made = house.root().write("auth/token/create", body).await.unwrap();
    let weak = house.holder(made["client_token"].as_str().unwrap());
    for door in &doors {
        let help = weak.ask(Operation::Help, &door.example, json!({})).await.outcome;
        let Ok(api::Reply::Bare(help)) = help else { panic!("{}: {help:?}", door.at) };
        assert!(help["help"].as_str().unwrap().contains("## DESCRIPTION"), "{}", door.at);
        let stranger = house.stranger().ask(Operation::Help, &door.example, json!({})).await;
        assert_eq!(stranger.outcome.err(), Some(Error::Unauthenticated), "{}", door.at);
    }
    // A mount tells of all its paths.
    for (mount, patterns) in [("sys", "policies/acl/(?P<name>"), ("auth/token", "roles/(?P<name>")]
    {
        let help = weak.ask(Operation::Help, mount, json!({})).await.outcome;
        let Ok(api::Reply::Bare(help)) = help else { panic!("{mount}: {help:?}") };
        let text = help["help"].as_str().unwrap();
        assert!(text.contains("## PATHS") && text.contains(patterns), "{text}");
    }
}
