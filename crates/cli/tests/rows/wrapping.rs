//! A wrapped answer is read once, by whoever holds its token, and by nobody else in any way.

use serde_json::json;

use super::doors::{Door, is_write};
use super::house::{CANARY, House, NAME, expect_unchanged};
use super::wire::{Message, Wire, is_known_fault};
use crate::story::harness::{Server, Wire as Transport, until};

const INVALID: &str = "wrapping token is not valid or does not exist";
const FOR_A_WHILE: &str = "X-Vault-Wrap-TTL: 600";
/// Doors that a wrapping token is for.
const ITS_OWN: &[&str] = &["sys/wrapping/unwrap", "sys/wrapping/lookup", "sys/wrapping/rewrap"];

/// A token that fetches the canary.
#[track_caller]
fn wrapped(root: &mut Wire) -> String {
    let body = json!({ "value": CANARY }).to_string();
    let message = Message::new("POST", "sys/wrapping/wrap").header(FOR_A_WHILE).body(body);
    root.say(&message).json()["wrap_info"]["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_wrapping_token_is_good_for_nothing_else_and_trying_uses_it_up() {
    let house = House::furnished();
    let mut root = house.root();
    for door in house.private().filter(|door| !ITS_OWN.contains(&door.at.as_str())) {
        for place in [door.with(NAME), door.with("response")] {
            for message in door.messages(&place) {
                let token = wrapped(&mut root);
                let answer = house.holder(&token).say(&message);
                let told = format!("{} {place}: {}", message.verb, answer.text);
                // Its policy lets it write its answer down in its cubbyhole, were there anything.
                let is_refused = [403, 404].contains(&answer.status)
                    || place == "cubbyhole/response" && answer.status == 400;
                assert!(is_refused, "{told}");
                assert!(!answer.text.contains(CANARY), "{told}");
                let late = root.write("sys/wrapping/unwrap", &json!({ "token": token }));
                assert_eq!((late.status, late.text.contains(INVALID)), (400, true), "{told}");
            }
        }
    }
}

/// Spellings of a time that mean none, or more than one.
const UNCLEAR: &[&str] = &[
    "-1",
    "-1s",
    "soon",
    "1e3",
    "5x",
    "1,5",
    "0x10",
    "99999999999999999999",
    "\u{663}",
    "5m;",
    "60 60",
];

#[test]
fn an_unclear_wish_for_wrapping_is_refused_at_every_door() {
    let house = House::furnished();
    let before = house.census();
    let mut root = house.root();
    for door in &house.doors {
        for message in door.messages(&door.with(NAME)) {
            for time in UNCLEAR {
                let answer =
                    root.say(&message.clone().header(&format!("X-Vault-Wrap-TTL: {time}")));
                assert_eq!(answer.status, 400, "{} {} {time}", message.verb, door.at);
            }
            let twice = message.clone().header("X-Vault-Wrap-TTL: 0").header(FOR_A_WHILE);
            let answer = root.say(&twice);
            assert_eq!(answer.status, 400, "{} {}: {}", message.verb, door.at, answer.text);
            let formed = message.clone().header(FOR_A_WHILE).header("X-Vault-Wrap-Format: jwt");
            assert_eq!(root.say(&formed).status, 400, "{} {}", message.verb, door.at);
        }
    }
    expect_unchanged(&house, &before, "unclear wishes");
}

#[test]
fn nothing_is_kept_for_longer_than_the_server_keeps_anything() {
    let house = House::furnished();
    let before = house.census();
    let mut root = house.root();
    for door in house.private() {
        for message in door.messages(&door.with(NAME)) {
            let answer = root.say(&message.header("X-Vault-Wrap-TTL: 769h"));
            let is_refused = answer.is_refusal() || is_known_fault(&answer);
            assert!(is_refused, "{}: {} {}", door.at, answer.status, answer.text);
        }
    }
    expect_unchanged(&house, &before, "long wishes");
}

#[test]
fn who_asks_for_wrapping_gets_nothing_bare() {
    let house = House::furnished();
    let mut operator = house.somebody("path \"*\" { policy = \"sudo\" }");
    // These end the server, or the one who asks.
    let ends = |door: &&Door| ["sys/seal", "auth/token/revoke-self"].contains(&door.at.as_str());
    for door in house.doors.iter().filter(|door| !ends(door)) {
        for message in door.messages(&door.with(NAME)) {
            let told = format!("{} {}", message.verb, door.at);
            let answer = operator.say(&message.header(FOR_A_WHILE));
            let body = answer.json();
            let is_wrapped = body["wrap_info"]["token"].is_string() && body["data"].is_null();
            let is_nothing = answer.text.is_empty() || answer.status >= 400;
            assert!(is_wrapped || is_nothing || door.public, "{told}: {}", answer.text);
            assert!(body["auth"].is_null(), "{told}: {}", answer.text);
        }
    }
}

#[test]
fn row_w1_of_many_who_unwrap_at_once_one_succeeds() {
    const ROUNDS: usize = 5;
    const CALLERS: usize = 40;
    let house = House::furnished();
    let mut root = house.root();
    for _ in 0..ROUNDS {
        let body = json!({ "token": wrapped(&mut root) });
        let answers = std::thread::scope(|threads| {
            let begin = |_| {
                let (mut caller, body) = (house.root(), &body);
                threads.spawn(move || caller.write("sys/wrapping/unwrap", body))
            };
            let asking: Vec<_> = (0..CALLERS).map(begin).collect();
            asking.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        });
        let got = answers.iter().filter(|answer| answer.text.contains(CANARY)).count();
        let refused = answers.iter().filter(|answer| answer.text.contains(INVALID)).count();
        assert_eq!((got, refused), (1, CALLERS - 1));
    }
}

#[test]
fn row_w2_what_was_used_up_stays_so_when_the_power_fails() {
    let mut server = Server::ready(Transport::Plain);
    let mut root = Wire::to(server.address(), &server.root);
    let used = json!({ "token": wrapped(&mut root) });
    let kept = json!({ "token": wrapped(&mut root) });
    root.write("sys/wrapping/unwrap", &used).succeeds();
    server.kill();
    server.launch();
    server.unseal();
    let mut root = Wire::to(server.address(), &server.root);
    let late = root.write("sys/wrapping/unwrap", &used);
    assert_eq!((late.status, late.text.contains(INVALID)), (400, true), "{late:?}");
    assert!(root.write("sys/wrapping/unwrap", &kept).succeeds().text.contains(CANARY));
}

#[test]
fn row_w4_what_nobody_fetches_in_time_is_gone_and_so_is_what_was_wrapped_anew() {
    let house = House::furnished();
    let mut root = house.root();
    let body = json!({ "value": CANARY }).to_string();
    let brief = Message::new("POST", "sys/wrapping/wrap").header("X-Vault-Wrap-TTL: 1").body(body);
    let token = root.say(&brief).json()["wrap_info"]["token"].clone();
    until("the wrapping token ends", || {
        root.write("sys/wrapping/lookup", &json!({ "token": token })).status == 400
    });
    let late = root.write("sys/wrapping/unwrap", &json!({ "token": token }));
    assert_eq!((late.status, late.text.contains(INVALID)), (400, true), "{late:?}");

    let old = json!({ "token": wrapped(&mut root) });
    let new = root.write("sys/wrapping/rewrap", &old).json()["wrap_info"]["token"].clone();
    for door in ITS_OWN {
        let refused = root.write(door, &old);
        assert_eq!((refused.status, refused.text.contains(INVALID)), (400, true), "{refused:?}");
    }
    let given = root.write("sys/wrapping/unwrap", &json!({ "token": new }));
    assert_eq!(given.succeeds().json()["data"]["value"], CANARY);
}

#[test]
fn row_w5_what_is_wrapped_is_written_down_nowhere() {
    let house = House::furnished();
    let mut root = house.root();
    root.write("ann/ann", &json!({ "value": CANARY })).succeeds();
    let body = json!({"password": "right"}).to_string();
    let login = Message::new("POST", "auth/ann/login/ann").header(FOR_A_WHILE).body(body);
    let login = house.stranger().say(&login).json()["wrap_info"]["token"].clone();
    let read = root.say(&Message::new("GET", "ann/ann").header(FOR_A_WHILE)).json();
    let mut told = vec![CANARY.to_owned()];
    for token in [&login, &read["wrap_info"]["token"], &json!(wrapped(&mut root))] {
        told.push(token.as_str().unwrap().to_owned());
        let given = root.write("sys/wrapping/unwrap", &json!({ "token": token })).json();
        told.extend(given["auth"]["client_token"].as_str().map(str::to_owned));
    }
    assert_eq!(told.len(), 5, "three wrapping tokens, and the token of the login");
    let text = house.written_down();
    for secret in told {
        assert!(!text.contains(&secret), "{secret} was written down");
    }
}

#[test]
fn strangers_get_nothing_but_logins_wrapped() {
    let house = House::furnished();
    let before = house.census();
    let mut stranger = house.stranger();
    for door in house.doors.iter().filter(|door| door.public) {
        for message in door.messages(&door.with(NAME)) {
            let body = if is_write(&message.verb) { "{\"password\":\"wrong\"}" } else { "" };
            let answer = stranger.say(&message.header(FOR_A_WHILE).body(body));
            assert!(answer.json()["wrap_info"].is_null(), "{}: {}", door.at, answer.text);
        }
    }
    expect_unchanged(&house, &before, "strangers who want wrapping");
}
