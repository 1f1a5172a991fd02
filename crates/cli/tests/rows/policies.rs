//! Whoever may not, may not: whatever they send, by whatever verb, whatever policies are called.

use serde_json::{Value, json};

use super::doors::{Door, VERBS, is_write};
use super::house::{House, NAME, expect_unchanged};
use super::wire::{Message, Wire};

/// Bodies that would be refused by whoever reads them.
const BROKEN: &[&[u8]] =
    &[b"{", b"hello", b"[[[[[[[[", b"{\"type\": [[]], \"ttl\": {}}", b"{\"a\": \xff}", b"\0"];

#[test]
fn rows_21_and_31_who_may_not_touch_a_door_learns_nothing_from_it() {
    let house = House::furnished();
    let powerless = house.somebody("path \"nothing\" { policy = \"read\" }");
    let accessors = house.root().ask("LIST", "auth/token/accessors").json()["data"]["keys"].clone();
    let accessors: Vec<Wire> = accessors
        .as_array()
        .unwrap()
        .iter()
        .map(|one| house.holder(one.as_str().unwrap()))
        .collect();
    assert_eq!(accessors.len(), 2, "that of root, and that of somebody");
    let before = house.census();
    let others = [house.stranger(), house.holder("hvs.unknown"), powerless];
    // What is good for naming a token is good for nothing else (row 21).
    for mut nobody in others.into_iter().chain(accessors) {
        for door in house.private() {
            for verb in VERBS {
                let message = Message::new(verb, &door.with(NAME)).in_its_notation();
                expect_refused(&mut nobody, door, &message);
            }
            for verb in door.writes() {
                let message = Message::new(verb, &door.with(NAME));
                for body in BROKEN {
                    expect_refused(&mut nobody, door, &message.clone().body(*body));
                }
                expect_refused(&mut nobody, door, &message.header("X-Vault-Wrap-TTL: 60"));
            }
        }
    }
    expect_unchanged(&house, &before, "who has no policy");
}

/// Expects that neither body nor verb was looked at. A door of the seal does not even ask who it
/// is before it says that it does not do such things.
#[track_caller]
fn expect_refused(nobody: &mut Wire, door: &Door, message: &Message) {
    let Message { verb, target, .. } = message;
    let is_done = door.verbs.contains(&verb.as_str());
    let answer = nobody.say(message);
    let is_refused = answer.status == 403 || !is_done && answer.status == 405;
    assert!(is_refused, "{verb} {target}: {} {}", answer.status, answer.text);
}

#[test]
fn row_56_a_grant_to_look_changes_nothing() {
    let house = House::furnished();
    let mut looker = house.somebody("path \"*\" { capabilities = [\"read\", \"list\"] }");
    let before = house.census();
    for door in house.private() {
        for message in door.messages(&door.with(NAME)) {
            let answer = looker.say(&message);
            let changes = is_write(&message.verb) || message.verb == "DELETE";
            assert!(!changes || answer.status == 403, "{} {}", message.verb, message.target);
        }
    }
    expect_unchanged(&house, &before, "looking");
}

/// Verbs that mean nothing here, and what others call the things they do inside.
const FOREIGN: &[&str] = &[
    "HEAD",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "get",
    "Delete",
    "CREATE",
    "UPDATE",
    "REVOKE",
    "RENEW",
    "ROLLBACK",
    "RECOVER",
    "ALIAS-LOOKAHEAD",
    "RESOLVE-ROLE",
    "HEADER",
];

/// Headers by which some servers are told to do something else than the request line says.
const OVERRIDES: &[&str] = &[
    "X-HTTP-Method-Override: DELETE",
    "X-HTTP-Method: DELETE",
    "X-Method-Override: DELETE",
    "X-Original-URL: /v1/sys/seal",
    "X-Rewrite-URL: /v1/sys/seal",
];

#[test]
fn row_24_nothing_but_the_verb_says_what_is_to_be_done() {
    let house = House::furnished();
    let before = house.census();
    let mut root = house.root();
    for door in &house.doors {
        let place = door.with(NAME);
        for verb in FOREIGN {
            let answer = root.ask(verb, &place);
            let is_health = place == "sys/health" && *verb == "HEAD";
            assert_eq!(answer.status, if is_health { 200 } else { 405 }, "{verb} {place}");
        }
        for verb in door.verbs.iter().filter(|verb| !is_write(verb) && **verb != "DELETE") {
            for header in OVERRIDES {
                root.say(&Message::new(verb, &place).header(header));
            }
            root.ask(verb, &format!("{place}?_method=DELETE&operation=delete&method=DELETE"));
        }
        for message in door.messages(&place) {
            let inline = message.header("X-Vault-Inline-Auth-Path: auth/ann/login/ann");
            let answer = root.say(&inline.header("X-Vault-Inline-Auth-Operation: update"));
            assert!([400, 405].contains(&answer.status), "{place}: {}", answer.text);
        }
    }
    expect_unchanged(&house, &before, "other verbs");
}

/// What might become `root` in careless hands.
fn roots() -> Vec<String> {
    let mut all: Vec<String> =
        ["root", "ROOT", "Root", "rOOt", "default,root", "root,default", "[\"root\"]"]
            .map(str::to_owned)
            .to_vec();
    let around = [
        " ", "\t", "\n", "\0", "/", "//", "./", "../", ",", "\"", "%20", "%00", "\u{a0}",
        "\u{2003}", "\u{200b}", "\u{feff}", "\u{ad}",
    ];
    for around in around {
        all.push(format!("root{around}"));
        all.push(format!("{around}ROOT"));
    }
    all.extend(
        ["r\u{43e}\u{43e}t", "\u{ff52}\u{ff4f}\u{ff4f}\u{ff54}", "ro\u{6f}t\u{301}"]
            .map(str::to_owned),
    );
    all
}

#[test]
fn rows_7_and_8_no_list_of_policies_makes_anybody_root() {
    let house = House::furnished();
    let mut operator = house.somebody(
        "path \"*\" { policy = \"sudo\" }\npath \"sys/seal\" { policy = \"deny\" }\n\
         path \"sys/audit\" { policy = \"deny\" }",
    );
    let mut tried = 0;
    for door in &house.doors {
        for field in door.fields.iter().filter(|field| field.contains("policies")) {
            tried += 1;
            for spelling in roots() {
                for value in [json!(format!("default,{spelling}")), json!([spelling])] {
                    let body = json!({"path": "ann/ann", field.as_str(): value});
                    let answer = operator.write(&door.with(NAME), &body);
                    expect_harmless(&house, &answer.json(), &spelling);
                }
                expect_no_way_round(&house, (&mut operator, door), &spelling);
            }
        }
    }
    assert!(tried >= 10, "{tried}");
}

/// What was written may hold for tokens that are made later.
fn expect_no_way_round(house: &House, (operator, door): (&mut Wire, &Door), spelling: &str) {
    if door.at.starts_with("auth/token/roles") {
        let body = json!({ "policies": [spelling] });
        let made = operator.write("auth/token/create/ann", &body);
        expect_harmless(house, &made.json(), spelling);
    }
    // Logins take their time, so only these are tried that some folding could turn into root.
    let is_likely = ["root", "Root", "\tROOT", "root\u{2003}"].contains(&spelling);
    if door.at.starts_with("auth/ann/users") && is_likely {
        let login = house.stranger().write("auth/ann/login/ann", &json!({"password": "right"}));
        assert!(login.is_refusal(), "{spelling:?}: {}", login.text);
    }
}

#[track_caller]
fn expect_harmless(house: &House, answer: &Value, spelling: &str) {
    let Some(token) = answer["auth"]["client_token"].as_str() else { return };
    let has_root = |names: &Value| names.as_array().is_some_and(|all| all.contains(&json!("root")));
    let auth = &answer["auth"];
    assert!(!has_root(&auth["policies"]) && !has_root(&auth["token_policies"]), "{spelling:?}");
    let mut holder = house.holder(token);
    assert_eq!(holder.ask("GET", "sys/audit").status, 403, "{spelling:?}");
    assert_eq!(holder.ask("POST", "sys/seal").status, 403, "{spelling:?}");
}

#[test]
fn row_9_no_race_between_writes_makes_anybody_root() {
    const WRITES: usize = 25;
    let house = House::furnished();
    let lists = [json!(["default"]), json!([" Root "]), json!("default,ROOT"), json!(["root"])];
    std::thread::scope(|threads| {
        for list in &lists {
            let mut root = house.root();
            threads.spawn(move || {
                for _ in 0..WRITES {
                    let body = json!({ "token_policies": list });
                    root.write("auth/ann/users/ann/policies", &body).succeeds();
                }
            });
        }
        for number in 0..WRITES {
            let body = json!({"password": "right"});
            let login = house.stranger().write("auth/ann/login/ann", &body);
            expect_harmless(&house, &login.json(), &format!("login {number}"));
        }
    });
}
