//! What is sent is understood in one way or refused, costs what it looks like, and is never
//! repeated.

use serde_json::{Value, json};

use super::doors::Door;
use super::house::{CANARY, House, NAME, expect_unchanged};
use super::wire::{Message, Wire, is_known_fault};

/// More than a list or an object may have.
const ENTRIES: usize = 10_001;
/// More than somebody without a token may send.
const OPEN_BYTES: usize = 1024 * 1024 + 1;
const OPEN_STRINGS: usize = 1001;

const JSON: &str = "Content-Type: application/json";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const LINES: &str = "Content-Type: application/x-ndjson";

/// Objects that are none, could be read in two ways, or cost more than they seem to.
fn unreadable() -> Vec<Vec<u8>> {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let texts = [
        CANARY.to_owned(),
        format!("\"{CANARY}\""),
        format!("[{{\"password\":\"{CANARY}\"}}]"),
        format!("{{\"password\":\"{CANARY}"),
        format!("{{\"password\":{CANARY}}}"),
        format!("{{\"password\":\"{CANARY}\",}}"),
        format!("{{\"password\":\"{CANARY}\"}} {{}}"),
        format!("{{'password':'{CANARY}'}}"),
        format!("{{\"password\":\"{CANARY}\\q\"}}"),
        format!("{{\"password\":\"{CANARY}\\ud800\"}}"),
        format!("{{\"password\":\"{CANARY}\n\"}}"),
        format!("{{\"{CANARY}\"}}"),
        format!("\u{feff}{{\"password\":\"{CANARY}\"}}"),
        format!("{{\"password\":\"{CANARY}\",\"ttl\":NaN}}"),
        format!("{{\"password\":\"{CANARY}\"}} // comment"),
        format!("<password>{CANARY}</password>"),
        format!("password={CANARY}"),
        // The same name twice: who decides and who acts might each take another one.
        format!("{{\"password\":\"{CANARY}\",\"password\":\"x\"}}"),
        format!("{{\"password\":\"{CANARY}\",\"p\\u0061ssword\":\"x\"}}"),
        format!("{{\"data\":{{\"a\":\"{CANARY}\",\"a\":{{\"b\":1}}}}}}"),
        format!("{{\"a\":[{{\"a\":{{\"b\":1,\"c\":2}},\"a\":\"{CANARY}\"}}]}}"),
        nested(32),
        format!("{{\"a\":{}}}", "9".repeat(257)),
        "{\"a\":{\"$serde_json::private::Number\":\"1\"}}".to_owned(),
    ];
    let mut all: Vec<Vec<u8>> = texts.map(String::into_bytes).to_vec();
    all.push([b"{\"password\":\"".as_slice(), CANARY.as_bytes(), b"\xff\"}"].concat());
    all
}

/// Bodies that are large as well; how large they are makes no difference to which door they go.
fn heavy() -> Vec<(&'static str, String)> {
    let names: Vec<String> = (0..ENTRIES).map(|number| format!("\"k{number}\":0")).collect();
    let fields: Vec<String> = (0..ENTRIES).map(|number| format!("k{number}=x")).collect();
    vec![
        (JSON, format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000))),
        (JSON, format!("{{\"a\":[{}0]}}", "0,".repeat(ENTRIES - 1))),
        (JSON, format!("{{\"a\":{}}}", "9".repeat(1_000_000))),
        (JSON, format!("{{{}}}", names.join(","))),
        (FORM, fields.join("&")),
        (LINES, format!("{CANARY}\n").repeat(ENTRIES)),
    ]
}

#[test]
fn row_25_what_costs_more_than_it_seems_is_refused() {
    let house = House::furnished();
    let before = house.census();
    let mut root = house.root();
    for place in ["ann/ann", "versioned/data/ann", "auth/token/create", "auth/ann/login/ann"] {
        for (header, body) in heavy() {
            let answer = root.say(&Message::new("POST", place).header(header).body(body));
            assert_eq!(answer.status, 400, "{place}: {}", answer.text);
        }
    }
    expect_unchanged(&house, &before, "heavy bodies");
}

#[test]
fn rows_25_35_and_41_what_cannot_be_understood_changes_nothing_and_is_not_repeated() {
    let house = House::furnished();
    let before = house.census();
    let mut root = house.root();
    let bodies = unreadable();
    for door in &house.doors {
        for verb in door.writes() {
            let message = Message::new(verb, &door.with(NAME)).in_its_notation();
            for body in &bodies {
                let answer = root.say(&message.clone().body(body.clone()));
                let sent = String::from_utf8_lossy(&body[..body.len().min(200)]);
                assert_eq!(answer.status, 400, "{verb} {} {sent}: {}", door.at, answer.text);
                assert!(
                    !answer.text.contains(CANARY),
                    "{verb} {} {sent}: {}",
                    door.at,
                    answer.text
                );
                assert!(answer.json()["errors"][0].is_string(), "{}", answer.text);
            }
        }
    }
    expect_unchanged(&house, &before, "what cannot be understood");
    expect_nothing_leaked(&house);
}

#[track_caller]
fn expect_nothing_leaked(house: &House) {
    let text = house.written_down();
    let around = text.find(CANARY).map(|place| &text[place.saturating_sub(600)..place + 20]);
    assert_eq!(around, None);
}

/// Values that next to no field takes.
fn wrong_values() -> Vec<Value> {
    vec![
        json!(CANARY),
        json!([CANARY]),
        json!([{"x": CANARY}]),
        json!({"x": {"x": [CANARY]}}),
        json!(format!("{CANARY}\u{0}")),
        json!(format!("{CANARY}={CANARY}")),
        json!(format!("{{\"{CANARY}\": [\"{CANARY}\"]}}")),
    ]
}

/// What answers and the audit log tell in clear, since it is no secret: names of policies and what
/// they say, paths, and what a token tells about its holder.
const NO_SECRETS: &[&str] = &["meta", "path", "paths", "policies", "policy", "rules"];

#[test]
fn row_35_no_field_tells_what_it_was_given_in_vain() {
    let house = House::furnished();
    let mut root = house.root();
    let mut refused = 0;
    for door in &house.doors {
        for field in door.fields.iter().filter(|field| !NO_SECRETS.contains(&field.as_str())) {
            refused += refusals(&mut root, door, field);
        }
    }
    assert!(refused > 500, "{refused}");
    expect_nothing_leaked(&house);
}

/// How many of the wrong values a field refuses; none of them is repeated.
fn refusals(root: &mut Wire, door: &Door, field: &str) -> usize {
    let mut refused = 0;
    for verb in door.writes() {
        let message = Message::new(verb, &door.with(NAME)).in_its_notation();
        for value in wrong_values() {
            let answer = root.say(&message.clone().body(json!({ field: value }).to_string()));
            let told = format!("{verb} {} {field}: {}", door.at, answer.text);
            assert!(answer.status < 500 || is_known_fault(&answer), "{told}");
            if answer.is_refusal() {
                refused += 1;
                assert!(!answer.text.contains(CANARY), "{told}");
            }
        }
    }
    refused
}

/// Bodies in other notations than JSON, each with its header.
fn other_notations() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (FORM, format!("password={CANARY}%zz").into_bytes()),
        (FORM, format!("password={CANARY}%ff").into_bytes()),
        (FORM, [b"password=".as_slice(), CANARY.as_bytes(), b"\xff"].concat()),
        (FORM, format!("{{\"password\":\"{CANARY}\"").into_bytes()),
        (FORM, format!("{{\"password\":\"{CANARY}\",\"password\":\"x\"}}").into_bytes()),
        (LINES, [CANARY.as_bytes(), b"\xff"].concat()),
        (JSON, format!("password={CANARY}").into_bytes()),
        ("Content-Type: text/xml", format!("<a>{CANARY}</a>").into_bytes()),
        (
            "Content-Type: multipart/form-data; boundary=x",
            format!("--x\r\n\r\n{CANARY}").into_bytes(),
        ),
        ("Content-Encoding: gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec()),
    ]
}

#[test]
fn row_41_no_notation_is_a_way_round() {
    let house = House::furnished();
    let before = house.census();
    let mut root = house.root();
    for door in &house.doors {
        for verb in door.writes() {
            for (header, body) in other_notations() {
                let message = Message::new(verb, &door.with(NAME)).header(header);
                let answer = root.say(&message.body(body.clone()));
                let sent = String::from_utf8_lossy(&body[..body.len().min(100)]);
                let (at, said) = (&door.at, &answer.text);
                let is_refused = [400, 413, 415].contains(&answer.status);
                assert!(is_refused, "{verb} {at} {header} {sent}: {} {said}", answer.status);
                assert!(!said.contains(CANARY), "{verb} {at} {header} {sent}: {said}");
            }
        }
        // A patch says how it is written, and there is one way.
        for header in ["X: y", "Content-Type: application/json", "Content-Type: text/plain"] {
            let patch = Message::new("PATCH", &door.with(NAME)).header(header).body("{}");
            let answer = root.say(&patch);
            assert!(answer.is_refusal(), "{} {header}: {}", door.at, answer.status);
        }
    }
    expect_unchanged(&house, &before, "other notations");
    expect_nothing_leaked(&house);
}

#[test]
fn row_27_what_is_announced_as_too_large_is_not_waited_for() {
    let house = House::furnished();
    let before = house.census();
    let (mut root, mut stranger) = (house.root(), house.stranger());
    for door in &house.doors {
        for verb in door.writes() {
            let message = Message::new(verb, &door.with(NAME)).in_its_notation();
            let message = message.header("Content-Length: 10000000000");
            assert_eq!(root.say(&message).status, 413, "{verb} {}", door.at);
            let answer = stranger.say(&message);
            assert!([403, 413].contains(&answer.status), "{verb} {}: {}", door.at, answer.status);
        }
    }
    expect_unchanged(&house, &before, "large bodies");
}

#[test]
fn row_25_strangers_cost_little() {
    let house = House::furnished();
    let before = house.census();
    let mut stranger = house.stranger();
    let strings = json!({ "a": vec![""; OPEN_STRINGS] }).to_string();
    let large = json!({ "password": "x".repeat(OPEN_BYTES) }).to_string();
    let lists = format!("{{\"a\":[{}[]]}}", "[],".repeat(9_000));
    let public: Vec<&Door> = house.doors.iter().filter(|door| door.public).collect();
    for door in public {
        for verb in door.writes() {
            let message = Message::new(verb, &door.with(NAME)).in_its_notation();
            for (body, status) in [(&strings, 400), (&large, 413), (&lists, 400)] {
                let answer = stranger.say(&message.clone().body(body.as_str()));
                assert_eq!(answer.status, status, "{verb} {}: {}", door.at, answer.text);
            }
        }
    }
    expect_unchanged(&house, &before, "strangers");
}
