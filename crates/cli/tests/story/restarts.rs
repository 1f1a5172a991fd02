//! Whatever was acknowledged is still there after `kill -9`, and a folder has one server.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use client::Request;
use serde_json::json;

use super::call::Call;
use super::exchange::Line;
use super::harness::{PATIENCE, Server, Wire, free_socket};

/// How often to kill; set it higher to look harder.
const ROUNDS: &str = "STRONGROOM_STORY_ROUNDS";
const ROUNDS_DEFAULT: usize = 3;
/// Clients that write at the same time.
const WRITERS: usize = 4;
/// How many writes of a round are acknowledged before the server is killed.
const ENOUGH: usize = 40;
/// Each writer has this many names, so that later rounds write over earlier ones.
const NAMES: usize = 25;

/// The last acknowledged value of every name.
type Ledger = Mutex<BTreeMap<String, usize>>;

#[test]
fn every_acknowledged_write_survives_kill_9() {
    let mut server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    root.write("sys/mounts/kv", &json!({"type": "kv"})).is(204);
    let ledger = Ledger::default();
    for round in 0..rounds() {
        write_until_killed(&mut server, &ledger, round);
        server.launch();
        server.unseal();
        expect_all_of(&ledger, &server, round);
    }
    assert!(!ledger.into_inner().unwrap().is_empty());
}

#[test]
fn a_second_server_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let server = Server::ready(Wire::Plain);
    let text = std::fs::read_to_string(server.path("server.hcl")).unwrap();
    let socket = server.address().strip_prefix("http://").unwrap();
    server.file("second.hcl", &text.replace(socket, &free_socket()));
    let said = Call::new("server -config=second.hcl", &server.home()).end();
    let store = server.store();
    said.exits(1).complains(&[
        "Error initializing storage of type file",
        &format!("{store:?} is in use by another server"),
    ]);
    let root = Line::with(&server, &server.root);
    root.write("sys/mounts/kv", &json!({"type": "kv"})).is(204);
    root.write("kv/after", &json!({"value": 1})).is(204);
}

#[test]
fn a_second_server_on_the_same_port_is_refused_and_the_first_goes_on() {
    let server = Server::ready(Wire::Plain);
    let text = std::fs::read_to_string(server.path("server.hcl")).unwrap();
    server.file("second.hcl", &text.replace("/store", "/other"));
    let said = Call::new("server -config=second.hcl", &server.home()).end();
    let socket = server.address().strip_prefix("http://").unwrap();
    said.exits(1).complains(&["Error initializing listener of type tcp", socket]);
    server.strongroom("status").end().exits(0);
}

#[allow(clippy::disallowed_methods, reason = "whoever runs the tests may ask for more of them")]
fn rounds() -> usize {
    std::env::var(ROUNDS).map_or(ROUNDS_DEFAULT, |rounds| rounds.parse().unwrap())
}

fn write_until_killed(server: &mut Server, ledger: &Ledger, round: usize) {
    let lines: Vec<Line> = (0..WRITERS).map(|_| Line::with(server, &server.root)).collect();
    let (sender, acknowledged) = channel();
    std::thread::scope(|scope| {
        for (writer, line) in lines.into_iter().enumerate() {
            let sender = sender.clone();
            scope.spawn(move || write(&line, ledger, (writer, round), &sender));
        }
        // Not at the same place every time; the exact moment is the scheduler's.
        for _ in 0..ENOUGH + round * 17 % 50 {
            acknowledged.recv_timeout(PATIENCE).unwrap();
        }
        server.kill();
    });
}

/// Writes until nobody answers, and notes what was acknowledged.
fn write(line: &Line, ledger: &Ledger, (writer, round): (usize, usize), noted: &Sender<()>) {
    for count in 0.. {
        let name = format!("{writer}-{}", count % NAMES);
        let value = round * 1_000_000 + count;
        let request = Request::put(&format!("kv/{name}")).json(&json!({"value": value})).unwrap();
        let Ok(answer) = line.try_ask(request) else { return };
        answer.is(204);
        ledger.lock().unwrap().insert(name, value);
        // The round may be over already.
        let _ = noted.send(());
    }
}

/// A name holds its last acknowledged value, or the one whose answer was cut off.
fn expect_all_of(ledger: &Ledger, server: &Server, round: usize) {
    let root = Line::with(server, &server.root);
    let mut ledger = ledger.lock().unwrap();
    assert!(ledger.values().filter(|value| *value / 1_000_000 == round).count() >= WRITERS);
    let mut newer = [0; WRITERS];
    for (name, value) in ledger.iter_mut() {
        let answer = root.read(&format!("kv/{name}"));
        let read = answer.is(200).body["data"]["value"].as_u64().unwrap();
        let read = usize::try_from(read).unwrap();
        assert!(read >= *value, "{name} holds {read}, but {value} was acknowledged");
        let writer: usize = name.split_once('-').unwrap().0.parse().unwrap();
        newer[writer] += usize::from(read > *value);
        *value = read;
    }
    assert!(newer.iter().all(|count| *count <= 1), "each writer had one request under way");
}
