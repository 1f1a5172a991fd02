//! A name is a name: it widens no path, stands for no other name, and takes nobody's place.

use serde_json::{Value, json};

use super::house::{CANARY, House, NAME, expect_unchanged};
use super::wire::{Message, Wire};

/// Names that would be read as something else, were they put into a path or a pattern.
const GREEDY: &[&str] = &[
    "*",
    "+",
    "%2b",
    "b*",
    "+ob",
    "ann/../bob",
    "ann/x",
    "%2e%2e",
    "..",
    "a,bob",
    "bob,",
    "%20bob",
    "bob%20",
    "{bob}",
    "%7b%7bidentity.entity.id%7d%7d",
    "%7b%7bidentity.entity.name%7d%7d",
    "%2a",
    "bo%3fb",
    "[b]ob",
    "bob%5c",
    "bob%00",
    "b%0aob",
    "bob/",
    "/bob",
    "b%d0%beb",
];

#[test]
fn row_4_no_name_of_a_user_widens_what_a_template_grants() {
    let house = House::furnished();
    let mut root = house.root();
    let by_accessor = root.ask("GET", "sys/auth").json()["data"]["ann/"]["accessor"].clone();
    let accessor = by_accessor.as_str().unwrap();
    let own =
        ["identity.entity.name".to_owned(), format!("identity.entity.aliases.{accessor}.name")];
    let rule = |inner: &String| {
        format!("path \"versioned/data/{{{{{inner}}}}}/*\" {{ policy = \"read\" }}")
    };
    let text: Vec<String> = own.iter().map(rule).collect();
    root.write("sys/policies/acl/own", &json!({ "policy": text.join("\n") })).succeeds();
    root.write("versioned/data/bob/x", &json!({"data": {"value": CANARY}})).succeeds();
    let user = json!({"password": "right", "token_policies": "own"});
    let mut refused = 0;
    for name in GREEDY {
        if root.write(&format!("auth/ann/users/{name}"), &user).is_refusal() {
            refused += 1;
        }
        let login = house.stranger().write(&format!("auth/ann/login/{name}"), &user);
        expect_nothing_of_bob(&house, &login.json(), name);
    }
    assert!(refused >= GREEDY.len() - 1, "{refused} names were refused");
    // The one it belongs to reads it, so the rule is no empty one.
    root.write("auth/ann/users/bob", &user).succeeds();
    let login = house.stranger().write("auth/ann/login/bob", &user).json();
    let mut bob = house.holder(login["auth"]["client_token"].as_str().unwrap());
    assert!(bob.ask("GET", "versioned/data/bob/x").text.contains(CANARY));
    assert_eq!(bob.ask("GET", "versioned/data/ann/x").status, 403);
}

#[test]
fn row_4_nor_does_one_that_comes_in_a_list() {
    let house = House::furnished();
    let mut root = house.root();
    let rule = "path \"versioned/data/{{identity.entity.name}}/*\" { policy = \"read\" }";
    root.write("sys/policies/acl/own", &json!({ "policy": rule })).succeeds();
    root.write("versioned/data/bob/x", &json!({"data": {"value": CANARY}})).succeeds();
    let hash = "$2b$05$abcdefghijklmnopqrstuuZ2Wl4cTzvyjNR4oHYxuk0FGOhIhNSmK";
    for name in
        ["*", "+", "b*", "bob/../bob", "ann/x", "a,bob", " bob", "{{identity.entity.id}}", "root"]
    {
        let line = json!({"username": name, "password_hash": hash, "token_policies": "own"});
        let import = Message::new("POST", "auth/ann/users/import")
            .header("Content-Type: application/x-ndjson");
        let answer = root.say(&import.body(line.to_string())).text;
        let users = root.ask("LIST", "auth/ann/users").json();
        let keys = users["data"]["keys"].as_array().unwrap().clone();
        let is_known = keys.iter().all(|key| [json!("ann"), json!("root")].contains(key));
        assert!(is_known, "{name:?}: {answer} {users}");
    }
}

#[track_caller]
fn expect_nothing_of_bob(house: &House, login: &Value, name: &str) {
    let Some(token) = login["auth"]["client_token"].as_str() else { return };
    let mut holder = house.holder(token);
    for place in ["bob/x", "ann/../bob/x", "%2a/x", "+/x"] {
        let answer = holder.ask("GET", &format!("versioned/data/{place}"));
        assert!(!answer.text.contains(CANARY), "{name:?} {place}: {}", answer.text);
    }
    assert_eq!(holder.ask("GET", "versioned/data/bob/x").status, 403, "{name:?}");
}

/// Names that no policy can have, but that become one in careless hands.
fn winding() -> Vec<String> {
    let plain = [
        "..",
        ".",
        "../root",
        "./root",
        "a/../../b",
        "a/../root",
        "root/..",
        "root/.",
        "a//b",
        "/root",
        "root/",
        "//root",
        "ro\0ot",
        "ro\not",
        "root\u{7f}/x",
        "e\u{301}",
    ];
    plain.map(str::to_owned).to_vec()
}

#[test]
fn row_6_names_that_lead_elsewhere_are_refused_at_every_door() {
    let house = House::furnished();
    let before = house.census();
    let mut root = house.root();
    let mut tried = 0;
    for door in &house.doors {
        for field in door.fields.iter().filter(|field| field.contains("policies")) {
            tried += 1;
            for name in winding() {
                for value in [json!(name), json!([name]), json!(["default", name])] {
                    let body =
                        json!({"path": "ann/ann", "operation": "read", field.as_str(): value});
                    let answer = root.write(&door.with(NAME), &body);
                    let told = format!("{} {field} {name:?}: {}", door.at, answer.text);
                    assert_eq!(answer.status, 400, "{told}");
                }
            }
        }
    }
    assert!(tried >= 10, "{tried}");
    expect_unchanged(&house, &before, "names that lead elsewhere");
}

#[test]
fn row_12_guesses_count_for_a_name_however_it_is_written() {
    let house = House::furnished();
    let spellings = ["ann", "Ann", "aNN", "%41nn", "%61%6E%6e"];
    let mut stranger = house.stranger();
    for name in spellings {
        let login =
            stranger.write(&format!("auth/ann/login/{name}"), &json!({"password": "wrong"}));
        assert_eq!(login.status, 400, "{name}: {}", login.text);
    }
    for name in spellings {
        let login =
            stranger.write(&format!("auth/ann/login/{name}"), &json!({"password": "right"}));
        assert_eq!(login.status, 403, "{name}: {}", login.text);
    }
}

/// Names that mean something to the server itself.
const RESERVED: &[&str] =
    &["root", "Root", "ROOT", "%72oot", "response-wrapping", "Response-Wrapping"];

#[test]
fn nobody_takes_the_place_of_a_policy_that_is_built_in() {
    let house = House::furnished();
    let mut root = house.root();
    let before = house.census();
    let all = json!({"policy": "path \"*\" { policy = \"sudo\" }"});
    for head in ["sys/policies/acl", "sys/policy"] {
        for name in RESERVED {
            let place = format!("{head}/{name}");
            for verb in ["POST", "PUT", "DELETE"] {
                let answer = root.say(&Message::new(verb, &place).body(all.to_string()));
                assert_eq!(answer.status, 400, "{verb} {place}: {}", answer.text);
            }
            let patch = Message::new("PATCH", &place).in_its_notation().body(all.to_string());
            assert!(root.say(&patch).is_refusal(), "{place}");
        }
        assert_eq!(root.ask("DELETE", &format!("{head}/default")).status, 400);
    }
    for name in ["response-wrapping", " Response-Wrapping "] {
        let body = json!({ "policies": [name] });
        assert_eq!(root.write("auth/token/create", &body).status, 400, "{name:?}");
    }
    expect_unchanged(&house, &before, "built-in policies");
}

#[test]
fn nobody_takes_the_place_of_a_mount_that_is_built_in() {
    let house = House::furnished();
    let mut root = house.root();
    let rule = "path \"ann/*\" { policy = \"sudo\" }\npath \"a/*\" { policy = \"sudo\" }";
    let mut neighbour = house.somebody(rule);
    let before = house.census();
    for place in [
        "mounts/sys",
        "mounts/auth",
        "mounts/cubbyhole",
        "mounts/identity",
        "mounts/sys/x",
        "mounts/auth/x",
        "mounts/cubbyhole/x",
        "auth/token",
        "auth/token/x",
        "mounts/ann/x",
        "auth/ann/x",
        "mounts/%73ys",
        "mounts/a%2cb",
        "mounts/a%20",
        "mounts/%2a",
        "mounts/+",
        "mounts/%7b%7bx%7d%7d",
        "mounts/a%5cb",
    ] {
        for kind in ["kv", "userpass"] {
            let answer = root.write(&format!("sys/{place}"), &json!({ "type": kind }));
            let is_odd = place.contains('%') || place.contains('+');
            if answer.is_refusal() {
                continue;
            }
            assert!(is_odd && kind == "kv", "{kind} at {place}: {}", answer.text);
            expect_own_place(&mut root, &mut neighbour, place);
        }
    }
    for place in ["sys/mounts/sys", "sys/mounts/cubbyhole", "sys/auth/token", "sys/mounts/identity"]
    {
        let answer = root.ask("DELETE", place);
        assert!(answer.is_refusal(), "{place}: {}", answer.text);
    }
    expect_unchanged(&house, &before, "built-in mounts");
}

/// A mount may be called by a sign that means more in a policy; it still is one place only.
#[track_caller]
fn expect_own_place(root: &mut Wire, neighbour: &mut Wire, place: &str) {
    let name = place.strip_prefix("mounts/").unwrap();
    root.write(&format!("{name}/note"), &json!({ "value": CANARY })).succeeds();
    assert_eq!(neighbour.ask("GET", &format!("{name}/note")).status, 403, "{place}");
    for other in ["ann/note", "sys/note", "a/note", "cubbyhole/note"] {
        assert!(!root.ask("GET", other).text.contains(CANARY), "{place}");
    }
    root.ask("DELETE", &format!("sys/{place}")).succeeds();
}
