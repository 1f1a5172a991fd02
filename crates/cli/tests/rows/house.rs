//! A server with something behind every door, all of it called `ann`.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::doors::Door;
use super::wire::{Answer, Wire};
use crate::story::harness::{Server, Wire as Transport};

/// What everything is called, so that one word at every place of every door leads somewhere.
pub(super) const NAME: &str = "ann";
/// Nothing that is sent as a secret may turn up anywhere else.
pub(super) const CANARY: &str = "canary-7d0f41c2";

/// Doors whose answers differ from one moment to the next, or from one random number to the next.
const RESTLESS: &[&str] = &[
    "sys/health",
    "sys/metrics",
    "sys/policies/password/{name}/generate",
    "sys/internal/specs/openapi",
];

pub(super) struct House {
    pub(super) server: Server,
    pub(super) doors: Vec<Door>,
    audit: PathBuf,
}

impl House {
    pub(super) fn furnished() -> House {
        let mut server = Server::configured(Transport::Plain, "storage \"inmem\" {}");
        server.initialize();
        server.unseal();
        let audit = server.path("audit.log");
        let mut house = House { server, doors: vec![], audit };
        house.furnish();
        let described = house.root().ask("GET", "sys/internal/specs/openapi").json();
        let paths = described["paths"].as_object().unwrap();
        house.doors = paths.iter().map(|(at, item)| Door::of(at, item)).collect();
        assert!(house.doors.len() > 60, "every mount has doors");
        house
    }

    fn furnish(&self) {
        let mut root = self.root();
        let password = "length = 20\nrule \"charset\" { charset = \"abcdefghij\" }";
        let user = json!({"password": "right", "token_policies": "ann"});
        for (place, body) in [
            ("sys/audit/ann", json!({"type": "file", "options": {"file_path": self.audit}})),
            ("sys/auth/ann", json!({"type": "userpass"})),
            ("sys/mounts/ann", json!({"type": "kv"})),
            ("sys/mounts/versioned", json!({"type": "kv", "options": {"version": "2"}})),
            ("sys/policies/acl/ann", json!({"policy": "path \"ann/ann\" {}"})),
            ("sys/policies/password/ann", json!({ "policy": password })),
            ("auth/ann/users/ann", user),
            ("auth/token/roles/ann", json!({"allowed_policies": "ann"})),
            ("ann/ann", json!({"value": "closed"})),
            ("cubbyhole/ann", json!({"value": "closed"})),
            ("versioned/data/ann", json!({"data": {"value": "closed"}})),
        ] {
            root.write(place, &body).succeeds();
        }
    }

    /// Somebody with this token.
    pub(super) fn holder(&self, token: &str) -> Wire {
        Wire::to(self.server.address(), token)
    }

    pub(super) fn root(&self) -> Wire {
        self.holder(&self.server.root)
    }

    pub(super) fn stranger(&self) -> Wire {
        self.holder("")
    }

    /// Somebody whose only policy is `text`.
    pub(super) fn somebody(&self, text: &str) -> Wire {
        let name = "somebody";
        let mut root = self.root();
        root.write(&format!("sys/policies/acl/{name}"), &json!({ "policy": text })).succeeds();
        let body = json!({"policies": [name], "no_default_policy": true});
        let made = root.write("auth/token/create", &body).json();
        self.holder(made["auth"]["client_token"].as_str().unwrap())
    }

    /// Doors that ask for a token.
    pub(super) fn private(&self) -> impl Iterator<Item = &Door> {
        self.doors.iter().filter(|door| !door.public)
    }

    /// What is there, as far as anybody could tell: all that can be read and listed of `ann`.
    pub(super) fn census(&self) -> Vec<(String, Value)> {
        let mut root = self.root();
        let mut found = vec![];
        for door in self.doors.iter().filter(|door| !RESTLESS.contains(&door.at.as_str())) {
            for verb in door.verbs.iter().filter(|verb| !["POST", "PATCH", "DELETE"].contains(verb))
            {
                let place = door.with(NAME);
                found.push(seen(verb, &place, &root.ask(verb, &place)));
            }
        }
        for folder in ["ann", "cubbyhole", "versioned/metadata", "auth/token/accessors"] {
            found.push(seen("LIST", folder, &root.ask("LIST", folder)));
        }
        found
    }

    /// All that was written down: in the audit log, and by the server about itself.
    pub(super) fn written_down(&self) -> String {
        std::fs::read_to_string(&self.audit).unwrap() + &self.server.log_text()
    }
}

fn seen(verb: &str, place: &str, answer: &Answer) -> (String, Value) {
    let mut body = answer.json();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("request_id");
    }
    (format!("{verb} {place}"), json!([answer.status, body]))
}

/// Expects that what is there is what was there.
#[track_caller]
pub(super) fn expect_unchanged(house: &House, before: &[(String, Value)], what: &str) {
    let after = house.census();
    for ((place, was), (same, is)) in before.iter().zip(&after) {
        assert_eq!((place, was), (same, is), "{what}");
    }
    assert_eq!(before.len(), after.len(), "{what}");
}
