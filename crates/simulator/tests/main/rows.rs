//! Vulnerabilities that were published in this family, each by the number of its row in the list of
//! what must hold, tried at every door that is declared.

use std::collections::BTreeSet;

use api::{CanonicalPath, Error, Operation, Path, Reply};
use kernel::Door;
use serde_json::json;
use simulator::{Caller, House};

/// Stands for a word in a path; no door has it.
const PLACE: &str = "zzz";

/// A door as far as these attacks care.
struct Target {
    /// Where it is, with `{name}` for its places.
    at: String,
    /// The same with [`PLACE`] at every place.
    example: String,
    folds_names: bool,
    public: bool,
    operations: Vec<Operation>,
    /// Its parameters that are lists of policies.
    lists: Vec<String>,
}

impl Target {
    /// The path with this word at every place.
    fn with(&self, word: &str) -> String {
        self.example.replace(PLACE, word)
    }
}

fn target<C: Send + Sync + 'static>(mount: &str, path: &Path<C>) -> Target {
    let example = format!("{mount}{}", path.pattern.example(PLACE));
    let is_list = |name: &&String| name.contains("policies");
    let endpoints = path.operations();
    let lists = endpoints.flat_map(|(_, endpoint)| api::describe::parameter_names(endpoint));
    Target {
        at: format!("{mount}{}", path.pattern.openapi().trim_start_matches('/')),
        lists: lists.filter(is_list).cloned().collect::<BTreeSet<_>>().into_iter().collect(),
        example: example.trim_end_matches('/').to_owned(),
        folds_names: path.reached.folds_names,
        public: path.reached.public,
        operations: path.operations().map(|(operation, _)| operation).collect(),
    }
}

/// A house with everything mounted, and all its doors.
async fn targets() -> (House, Vec<Target>) {
    let house = crate::walk::furnished().await;
    let second = json!({"type": "kv", "options": {"version": "2"}});
    house.root().write("sys/mounts/kv2", second).await.unwrap();
    let mut targets = vec![];
    for door in house.nodes[0].doors() {
        match door {
            Door::System(mount, path) => targets.push(target(mount, path)),
            Door::Engine(engine, path) => {
                let mount = match (engine.class, engine.name, engine.version) {
                    (api::Class::Auth, name, _) => format!("auth/{name}/"),
                    (_, "kv", Some("2")) => "kv2/".to_owned(),
                    (_, name, _) => format!("{name}/"),
                };
                targets.push(target(&mount, path));
            }
        }
    }
    (house, targets)
}

/// What looks like `word`, or becomes it in careless hands.
fn variants(word: &str) -> Vec<String> {
    let mut first = word.to_owned();
    first[..1].make_ascii_uppercase();
    let mut variants = vec![first, word.to_uppercase()];
    for around in ["/", "//", "/./", "/../", "%2e", "%2f", "%252e", "%00", " ", "\t", "\n", "."] {
        variants.push(format!("{word}{around}"));
        variants.push(format!("{around}{word}"));
    }
    for hidden in ["\u{200b}", "\u{feff}", "\u{ad}", "\u{a0}", "\u{2003}"] {
        variants.push(format!("{word}{hidden}"));
        variants.push(format!("{hidden}{word}"));
    }
    // Full width, and letters that fold into or look like those of the alphabet.
    let wide = |letter: char| char::from_u32(letter as u32 + 0xfee0).unwrap_or(letter);
    variants.push(word.chars().map(wide).collect());
    variants.push(word.replace('i', "\u{131}"));
    variants.push(word.replace('i', "\u{130}"));
    variants.push(word.replace('o', "\u{43e}").replace('a', "\u{430}"));
    variants.push(format!("x/../{word}"));
    variants.retain(|variant| variant != word);
    variants
}

async fn holder_of(house: &House, text: &str) -> Caller {
    house.root().write("sys/policies/acl/attacker", json!({ "policy": text })).await.unwrap();
    let body = json!({"policies": ["attacker"], "no_default_policy": true});
    let made = house.root().write("auth/token/create", body).await.unwrap();
    house.holder(made["client_token"].as_str().unwrap())
}

/// All bytes in the store but those of the attacker's own making.
async fn record_of(house: &House, key_part: &str) -> Vec<(String, Vec<u8>)> {
    let mut records = vec![];
    for key in house.census().await.into_iter().filter(|key| key.contains(key_part)) {
        let record = house.store.get(&key).await.unwrap().unwrap();
        records.push((key, record.value.to_vec()));
    }
    records
}

#[tokio::test]
async fn row_1_no_spelling_of_a_name_passes_by_its_denial() {
    let (house, targets) = targets().await;
    let root = house.root();
    let admin = json!({"password": "foo", "token_policies": ["admins"]});
    root.write("auth/userpass/users/admin", admin).await.unwrap();
    root.write("sys/policies/acl/admin", json!({"policy": "path \"a\" {}"})).await.unwrap();
    let mut folding = 0;
    for target in targets.iter().filter(|target| target.folds_names && !target.public) {
        folding += 1;
        let text = format!(
            "path \"*\" {{ policy = \"sudo\" }}\npath \"+/+/admin*\" {{ policy = \"deny\" }}\n\
             path {:?} {{ policy = \"deny\" }}",
            target.with("admin")
        );
        let attacker = holder_of(&house, &text).await;
        let before =
            (record_of(&house, "user/admin").await, record_of(&house, "policy/admin").await);
        for variant in variants("admin") {
            let place = target.with(&variant);
            let Ok(path) = CanonicalPath::parse(&place) else { continue };
            for operation in &target.operations {
                let body = json!({"password": "stolen", "policy": "path \"b\" {}"});
                let answer = attacker.ask(*operation, &place, body).await;
                if path.as_str().to_lowercase() == target.with("admin") {
                    let denied = answer.outcome.err();
                    assert_eq!(denied, Some(Error::Denied), "{operation} {place:?}");
                }
            }
        }
        let after =
            (record_of(&house, "user/admin").await, record_of(&house, "policy/admin").await);
        let only = |records: &Vec<(String, Vec<u8>)>, end: &str| {
            records.iter().find(|(key, _)| key.ends_with(end)).cloned()
        };
        for end in ["user/admin", "policy/admin"] {
            assert_eq!(only(&after.0, end), only(&before.0, end), "{}", target.at);
            assert_eq!(only(&after.1, end), only(&before.1, end), "{}", target.at);
        }
    }
    assert!(folding >= 4, "userpass and policies fold names");
    let kept = root.read("sys/policies/acl/admin").await.unwrap();
    assert_eq!(kept["policy"], "path \"a\" {}");
}

#[tokio::test]
async fn row_3_no_dots_or_slashes_lead_out_of_a_grant() {
    let (house, targets) = targets().await;
    let root = house.root();
    root.write("kv2/data/db", json!({"data": {"a": "b"}})).await.unwrap();
    root.write("kv/db", json!({"a": "b"})).await.unwrap();
    let spellings = [
        "app/../db",
        "app/./../db",
        "app//../db",
        "app/%2e%2e/db",
        "app/%2E%2E/db",
        "app/.%2e/db",
        "app%2f..%2fdb",
        "app/..%2fdb",
        "app/%2e%2e%2fdb",
        "app/..\\db",
        "app/\u{2025}/db",
        "app/..;/db",
        "app/..\0/db",
        "app/%00/../db",
        "app/..//db",
        "app/\u{ff0e}\u{ff0e}/db",
        "app/%252e%252e/db",
        "app/..%252fdb",
    ];
    let mut tried = 0;
    for target in targets.iter().filter(|target| !target.public && target.at.contains('{')) {
        let text = format!("path \"{}/*\" {{ policy = \"sudo\" }}", target.with("app"));
        let attacker = holder_of(&house, &text).await;
        for spelling in spellings {
            let place = target.with(spelling);
            // What is refused here never gets past the door: 400.
            let Ok(path) = CanonicalPath::parse(&place) else { continue };
            let has_dots = path.as_str().split('/').any(|segment| matches!(segment, "." | ".."));
            assert!(!has_dots, "{place:?}");
            tried += 1;
            for operation in &target.operations {
                let _ = attacker.ask(*operation, &place, json!({"versions": [1]})).await;
            }
        }
        for operation in &target.operations {
            let answer = attacker.ask(*operation, &target.with("db"), json!({})).await;
            assert_eq!(answer.outcome.err(), Some(Error::Denied), "{operation} {}", target.at);
        }
    }
    assert!(tried > 0, "some spellings are names like any other");
    assert_eq!(root.read("kv2/data/db").await.unwrap()["data"], json!({"a": "b"}));
    assert_eq!(root.read("kv/db").await.unwrap(), json!({"a": "b"}));
}

/// Every parameter that is a list of policies, and what becomes of the policies it names.
///
/// Row 8: whoever adds one adds it here, and so to the attack of row 7 below.
const LISTS: &[(&str, &str, Becomes)] = &[
    ("auth/token/roles/{name}", "allowed_policies", Becomes::Role),
    ("auth/token/roles/{name}", "allowed_policies_glob", Becomes::Role),
    ("auth/token/roles/{name}", "disallowed_policies", Becomes::Role),
    ("auth/token/roles/{name}", "disallowed_policies_glob", Becomes::Role),
    ("auth/token/create", "policies", Becomes::Answer),
    ("auth/token/create-orphan", "policies", Becomes::Answer),
    ("auth/token/create/{role}", "policies", Becomes::Answer),
    ("auth/userpass/users/{username}", "policies", Becomes::User),
    ("auth/userpass/users/{username}", "token_policies", Becomes::User),
    ("auth/userpass/users/{username}/policies", "policies", Becomes::User),
    ("auth/userpass/users/{username}/policies", "token_policies", Becomes::User),
    ("sys/policies/explain", "policies", Becomes::Nothing),
];

#[derive(Clone, Copy)]
enum Becomes {
    /// The token in the answer has them.
    Answer,
    /// The tokens of the role may have them.
    Role,
    /// The tokens of the user have them.
    User,
    /// They are only asked about.
    Nothing,
}

#[tokio::test]
async fn row_8_every_list_of_policies_is_known_here() {
    let (_, targets) = targets().await;
    let found: BTreeSet<(String, String)> = targets
        .iter()
        .flat_map(|target| target.lists.iter().map(|list| (target.at.clone(), list.clone())))
        .collect();
    let known = LISTS.iter().map(|(at, list, _)| ((*at).to_owned(), (*list).to_owned())).collect();
    assert_eq!(found, known, "a list of policies was added or removed: see LISTS");
}

#[tokio::test]
async fn row_7_no_spelling_of_root_makes_a_token_powerful() {
    let (house, targets) = targets().await;
    // An operator who may do everything but what only root may.
    let text = "path \"*\" { policy = \"sudo\" }\npath \"sys/seal\" { policy = \"deny\" }\n\
                path \"sys/audit\" { policy = \"deny\" }";
    let operator = holder_of(&house, text).await;
    let eve = json!({"password": "foo"});
    house.root().write("auth/userpass/users/eve", eve).await.unwrap();
    let mut spellings = variants("root");
    spellings.extend(["root", "default,root", "root,default", "[\"root\"]"].map(str::to_owned));
    for (at, list, becomes) in LISTS {
        let place = targets.iter().find(|target| target.at == *at).unwrap().with("eve");
        let mut harmless = vec!["default".to_owned()];
        for spelling in &spellings {
            for value in [json!(spelling), json!([spelling]), json!(["default", spelling])] {
                let body = json!({"path": "kv/x", *list: value});
                let answer = operator.ask(Operation::Update, &place, body).await.outcome;
                let answer = match becomes {
                    Becomes::Role => {
                        let body = json!({ "policies": [spelling] });
                        operator.ask(Operation::Update, "auth/token/create/eve", body).await.outcome
                    }
                    _ => answer,
                };
                if let Ok(Reply::Auth(auth)) = answer {
                    check_harmless(&house, &auth.client_token, spelling).await;
                }
            }
            // Logins take their time: one for each spelling that may mean root, one for all others.
            let is_likely = spelling.trim().to_lowercase() == "root";
            match becomes {
                Becomes::User if is_likely => {
                    log_in_with(&house, (&operator, &place, list), std::slice::from_ref(spelling))
                        .await
                }
                _ => harmless.push(spelling.clone()),
            }
        }
        if matches!(becomes, Becomes::User) {
            harmless.retain(|spelling| !spelling.split(',').any(|name| name == "root"));
            log_in_with(&house, (&operator, &place, list), &harmless).await;
        }
    }
}

/// Gives a user these policies, and sees what their token may do, if they get one.
async fn log_in_with(
    house: &House,
    (operator, place, list): (&Caller, &str, &str),
    policies: &[String],
) {
    let written = operator.write(place, json!({ list: policies })).await;
    if let (Ok(_), Ok(token)) = (written, house.stranger().login("eve", "foo").await) {
        check_harmless(house, &token, &policies.join(" ")).await;
    }
}

async fn check_harmless(house: &House, token: &str, spelling: &str) {
    let caller = house.holder(token);
    assert_eq!(caller.read("sys/audit").await, Err(Error::Denied), "{spelling:?}");
    assert_eq!(caller.write("sys/seal", json!({})).await, Err(Error::Denied), "{spelling:?}");
    let own = house.root().write("auth/token/lookup", json!({ "token": token })).await.unwrap();
    for names in [&own["policies"], &own["identity_policies"]] {
        let has_root = names.as_array().is_some_and(|names| names.contains(&json!("root")));
        assert!(!has_root, "{spelling:?}");
    }
}
