//! Every place has one spelling, and what is decided about it is what is done there.

use std::fmt::Write;

use serde_json::json;

use super::doors::{Door, VERBS, is_write};
use super::house::{House, NAME, expect_unchanged};
use super::wire::{Message, Wire};

/// More than a path may have.
const SEGMENTS: usize = 65;
const LETTERS: usize = 4097;

/// Spellings that careless hands turn into `place`, or into its neighbour.
fn doubtful(place: &str) -> Vec<String> {
    let (head, last) = place.rsplit_once('/').unwrap();
    let mut all: Vec<String> =
        ["//", "/./", "/%2e/", "/x/../", "/x/%2e%2e/", "/x/.%2E/", "%2f", "%2F"]
            .iter()
            .map(|between| format!("{head}{between}{last}"))
            .collect();
    for before in ["/", "./", "../v1/", "x/../", "%2e%2e/v1/", "%2f", "x%2f..%2f", "%00"] {
        all.push(format!("{before}{place}"));
    }
    for after in [
        "/.",
        "/..",
        "/%2e%2e",
        "//",
        "%2f",
        "%2f..",
        "%00",
        "%0a",
        "%0d%0a",
        "%09",
        "%7f",
        "%c2%85",
        "%",
        "%2",
        "%zz",
        "%ff",
        "%c0%af",
        "%ed%a0%80",
        "e%cc%81",
    ] {
        all.push(format!("{place}{after}"));
    }
    all.push(format!("{place}{}", "/x".repeat(SEGMENTS)));
    all.push(format!("{place}/{}", "x".repeat(LETTERS)));
    all
}

#[test]
fn rows_3_and_32_no_doubtful_spelling_of_a_place_reaches_a_door() {
    let house = House::furnished();
    let before = house.census();
    let mut root = house.root();
    for door in &house.doors {
        for spelling in doubtful(&door.with(NAME)) {
            for message in door.messages(&spelling) {
                let answer = root.say(&message);
                assert_eq!(answer.status, 400, "{} {spelling:.200}", message.verb);
            }
        }
        for verb in door.writes() {
            let folder = format!("{}/", door.with(NAME));
            let answer = root.say(&Message::new(verb, &folder).in_its_notation().body("{}"));
            assert_eq!(answer.status, 400, "{verb} {folder}");
        }
    }
    expect_unchanged(&house, &before, "doubtful spellings");
}

/// Other ways to write the same place, none of them doubtful.
fn same(place: &str) -> Vec<String> {
    let letter = |(number, byte): (usize, u8)| match byte {
        b'/' => "/".to_owned(),
        // Digits of either case mean the same.
        _ if number % 2 == 0 => format!("%{byte:02x}"),
        _ => format!("%{byte:02X}"),
    };
    let encoded = place.bytes().enumerate().map(letter).collect();
    vec![place.to_owned(), encoded, format!("{place}?path=other")]
}

/// What looks like `place`, or becomes it in careless hands, but is another one.
fn look_alikes(place: &str) -> Vec<String> {
    let (head, last) = place.rsplit_once('/').unwrap();
    let mut all = vec![];
    for after in [
        "%20",
        ".",
        "%20%20",
        "%252e",
        "%252f",
        "%2500",
        ";",
        ";x",
        "%5c",
        "%3f",
        "%23",
        "*",
        "+",
        "%e2%80%8b",
        "%ef%bb%bf",
        "%c2%a0",
        "%c2%ad",
    ] {
        all.push(format!("{head}/{last}{after}"));
        all.push(format!("{head}/{after}{last}"));
    }
    // Full width, Cyrillic, dotless, and with a letter that folds into two.
    let wide = last.chars().fold(String::new(), |mut text, letter| {
        let code = u32::from(letter).wrapping_add(0xfee0);
        let wide = char::from_u32(code).filter(|_| letter.is_ascii_graphic()).unwrap_or(letter);
        for byte in wide.to_string().bytes() {
            write!(text, "%{byte:02x}").unwrap();
        }
        text
    });
    all.push(format!("{head}/{wide}"));
    for (letter, other) in [("a", "%d0%b0"), ("o", "%d0%be"), ("i", "%c4%b1"), ("s", "%c3%9f")] {
        all.push(format!("{head}/{}", last.replace(letter, other)));
    }
    all.retain(|spelling| spelling != place);
    all
}

/// Grants everything but the doors themselves, each by its own name.
fn denial_of<'a>(doors: impl Iterator<Item = &'a Door>) -> String {
    let mut text = "path \"*\" { policy = \"sudo\" }\n".to_owned();
    for door in doors {
        writeln!(text, "path {:?} {{ policy = \"deny\" }}", door.with(NAME)).unwrap();
    }
    text
}

#[test]
fn row_1_a_denied_place_is_denied_however_it_is_written() {
    let house = House::furnished();
    let mut attacker = house.somebody(&denial_of(house.private()));
    let before = house.census();
    for door in house.private() {
        let place = door.with(NAME);
        for verb in VERBS {
            for spelling in same(&place) {
                expect_denied(&mut attacker, verb, &spelling);
            }
            if !is_write(verb) {
                expect_denied(&mut attacker, verb, &format!("{place}/"));
            }
        }
        for flag in ["list", "scan"] {
            for spelling in [&place, &format!("{place}/")] {
                expect_denied(&mut attacker, "GET", &format!("{spelling}?{flag}=true"));
            }
        }
    }
    expect_unchanged(&house, &before, "denied places");
}

/// Where paths stand in a body instead of the address.
const BATCH: &str = "sys/batch";

#[test]
fn rows_1_and_3_a_batch_is_no_way_round() {
    let house = House::furnished();
    let others = || house.private().filter(|door| door.at != BATCH);
    let mut attacker = house.somebody(&denial_of(others()));
    let before = house.census();
    for door in others() {
        let place = door.with(NAME);
        let folded = FOLDING.iter().any(|head| door.at.starts_with(head)) && door.has_places();
        let same = [place.clone(), format!("{place}/")];
        for spelling in same.into_iter().chain(folded.then(|| door.with("ANN"))) {
            for operation in ["write", "patch", "delete", "read", "list", "scan"] {
                expect_no_batch(&mut attacker, operation, &spelling);
            }
        }
        let plain = doubtful(&place).into_iter().filter(|spelling| !spelling.contains('%'));
        for spelling in plain.chain([format!("{place}\0"), format!("{place}e\u{301}")]) {
            expect_no_batch(&mut attacker, "write", &spelling);
        }
    }
    // What is not denied is done, so it was not the batch that was refused.
    let one = json!({"operation": "read", "path": "ann/other", "parameters": {}});
    attacker.write(BATCH, &json!({ "operations": [one] })).succeeds();
    expect_unchanged(&house, &before, "batches");
}

#[track_caller]
fn expect_no_batch(attacker: &mut Wire, operation: &str, place: &str) {
    let one = json!({"operation": operation, "path": place, "parameters": {"value": "open"}});
    let answer = attacker.write(BATCH, &json!({ "operations": [one] }));
    let is_refused = [400, 403].contains(&answer.status);
    assert!(is_refused, "{operation} {place:.200}: {}", answer.text);
}

/// Doors that take no notice of case.
const FOLDING: &[&str] = &["auth/ann/users/", "sys/policies/acl/", "sys/policy/"];

#[test]
fn row_1_names_that_are_folded_are_folded_before_they_are_decided_on() {
    let house = House::furnished();
    let mut attacker = house.somebody(&denial_of(house.private()));
    let before = house.census();
    let mut folding = 0;
    let folds = |door: &&Door| FOLDING.iter().any(|head| door.at.starts_with(head));
    for door in house.private().filter(folds).filter(|door| door.has_places()) {
        folding += 1;
        for name in ["Ann", "ANN", "aNN", "%41nn", "%41%4e%4E"] {
            for verb in VERBS {
                expect_denied(&mut attacker, verb, &door.with(name));
            }
        }
    }
    assert!(folding >= 5, "{folding}");
    expect_unchanged(&house, &before, "other case");
}

#[track_caller]
fn expect_denied(attacker: &mut Wire, verb: &str, place: &str) {
    let message = Message::new(verb, place).in_its_notation();
    let answer = attacker.say(&if is_write(verb) { message.body("{}") } else { message });
    // What a door of the seal does not do is refused before anybody is asked for a policy.
    let is_refused = answer.status == 403 || answer.status == 405 && answer.text.contains("[]");
    assert!(is_refused, "{verb} {place}: {} {}", answer.status, answer.text);
}

#[test]
fn row_1_what_only_looks_like_a_denied_place_leaves_it_as_it_is() {
    let house = House::furnished();
    let mut attacker = house.somebody(&denial_of(house.private()));
    // What looks like it may well be made; lists would show it.
    let about_ann = |house: &House| {
        let mut census = house.census();
        census.retain(|(place, _)| place.starts_with("GET "));
        census.retain(|(place, _)| {
            house
                .private()
                .any(|door| door.has_places() && *place == format!("GET {}", door.with(NAME)))
        });
        census
    };
    let before = about_ann(&house);
    assert!(before.len() > 10, "{before:?}");
    for door in house.private().filter(|door| door.has_places()) {
        for spelling in look_alikes(&door.with(NAME)) {
            for verb in &door.verbs {
                let body =
                    json!({"password": "stolen", "policy": "path \"b\" {}", "value": "open"});
                let message = Message::new(verb, &spelling).in_its_notation();
                let answer = match is_write(verb) {
                    true => attacker.say(&message.body(body.to_string())),
                    false => attacker.say(&message),
                };
                assert!(answer.status < 500, "{verb} {spelling}: {}", answer.text);
            }
        }
    }
    assert_eq!(about_ann(&house), before);
}

/// Doors that take almost any word; whatever is no word is refused before it is known which door.
const MANY_WORDS: &[&str] = &["ann/{path}", "versioned/data/{path}", "sys/policies/acl/{name}"];

#[test]
fn row_32_no_path_is_too_much_for_a_door() {
    let house = House::furnished();
    let before = house.census();
    let mut root = house.root();
    for door in house.doors.iter().filter(|door| door.has_places()) {
        for length in [1, 255, 256, 257, 1000, 4000, 4096, 8192, 12_000] {
            let answer = root.ask("GET", &door.with(&"x".repeat(length)));
            let is_too_long = length >= 4096;
            assert!(answer.status < 500, "{} {length}: {}", door.at, answer.text);
            let is_refused = [400, 414].contains(&answer.status);
            assert!(!is_too_long || is_refused, "{} {length}: {}", door.at, answer.status);
        }
        for segments in [2, 40, 63, 64, 65, 1000] {
            let answer = root.ask("GET", &door.with(&vec!["x"; segments].join("/")));
            assert!(answer.status < 500, "{} {segments}: {}", door.at, answer.text);
            assert!(segments < 64 || answer.status == 400, "{} {segments}", door.at);
        }
        let bytes = if MANY_WORDS.contains(&door.at.as_str()) { 0..=255 } else { 126..=128 };
        for byte in bytes.chain([0, 10, 31, 255]) {
            let answer = root.ask("GET", &door.with(&format!("x%{byte:02x}y")));
            assert!(answer.status < 500, "{} {byte}: {}", door.at, answer.text);
            let is_clear = (32..127).contains(&byte) && byte != 47;
            assert!(is_clear || answer.status == 400, "{} {byte}: {}", door.at, answer.text);
        }
    }
    // Where a line is longer than anybody reads, there may be no answer at all.
    let endless = Message::new("GET", &format!("ann/{}", "x".repeat(65_536)));
    assert!(root.try_say(&endless).is_none_or(|answer| answer.is_refusal()));
    expect_unchanged(&house, &before, "long paths");
}
