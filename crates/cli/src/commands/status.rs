//! `status`: whether the server is sealed.

use client::Request;
use serde_json::{Map, Value, json};

use crate::command::{Call, Command, Count, FIELD, HTTP, Shelf};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{go_text, key_value};
use crate::session::{Doing, Session, Trouble};

pub(crate) static COMMAND: Command = Command {
    words: "status",
    shelf: Shelf::Common,
    synopsis: "Show whether the server is sealed.",
    usage: "[options]",
    details: "Prints the state of the server. The exit code is 0 when it is unsealed, 2 when it \
              is sealed, and 1 when it cannot be asked.\n\n    $ {} status",
    flags: &[HTTP, FIELD],
    arguments: Count::NONE,
    run,
};

fn run(call: &Call) -> Outcome {
    let session = Session::open(call)?;
    let request = Request::get("sys/seal-status");
    let seal =
        session.bare(request).doing("Error checking seal status").map_err(Failure::into_local)?;
    let status = with_leader(seal, &session)?;
    let sealed = status.get("sealed").and_then(Value::as_bool).unwrap_or(true);
    print(call, &status)
        .or_else(|failure| if sealed { say(call, failure) } else { Err(failure) })?;
    Ok(if sealed { Exit::NEGATIVE } else { Exit::SUCCESS })
}

/// The exit code of a sealed server must not change because a field is missing.
fn say(call: &Call, failure: Failure) -> Result<(), Failure> {
    match failure {
        Failure::Local(text) => {
            call.output.error(&text);
            Ok(())
        }
        other => Err(other),
    }
}

type Status = Map<String, Value>;

/// Adds what is known about other nodes.
pub(super) fn with_leader(mut seal: Status, session: &Session) -> Result<Status, Failure> {
    match session.bare::<Status>(Request::get("sys/leader")) {
        Ok(leader) => {
            for (key, value) in leader {
                seal.entry(key).or_insert(value);
            }
        }
        // Only a server with several nodes refuses to name the leader while it is sealed.
        Err(trouble) if trouble.status() == Some(503) => {
            seal.insert("ha_enabled".to_owned(), json!(true));
        }
        Err(Trouble::Described(text)) => return Err(Failure::Instead(text)),
        Err(trouble) => {
            return Err(trouble.while_doing("Error checking leader status").into_local());
        }
    }
    Ok(seal)
}

/// Prints the state of the server in the format asked for.
pub(super) fn print(call: &Call, status: &Status) -> Result<(), Failure> {
    if let Some(name) = call.output.field() {
        return call.output.field_of(&Value::Object(status.clone()), name, "seal status");
    }
    if !call.output.is_table() {
        return call.output.program(status);
    }
    call.output.say(&key_value(&rows(status)));
    Ok(())
}

fn rows(status: &Status) -> Vec<(String, String)> {
    let mut rows = Rows { status, rows: Vec::new() };
    let recovery = rows.is("recovery_seal");
    let sealed = rows.is("sealed");
    rows.show("Seal Type", "type");
    rows.show_if_known("Recovery Seal Type", "recovery_seal_type");
    rows.show("Initialized", "initialized");
    rows.show("Sealed", "sealed");
    rows.show(if recovery { "Total Recovery Shares" } else { "Total Shares" }, "n");
    rows.show("Threshold", "t");
    if sealed {
        let progress = format!("{}/{}", rows.text("progress"), rows.text("t"));
        rows.add("Unseal Progress", progress);
        rows.show("Unseal Nonce", "nonce");
    }
    if rows.is("migration") {
        rows.show("Seal Migration in Progress", "migration");
    }
    rows.show_if_known("Version", "version");
    rows.show_if_known("Build Date", "build_date");
    rows.show_if_known("Commit Date", "commit_date");
    rows.show_if_known("Storage Type", "storage_type");
    rows.show_if_known("Cluster Name", "cluster_name");
    rows.show_if_known("Cluster ID", "cluster_id");
    rows.show("HA Enabled", "ha_enabled");
    if rows.is("ha_enabled") && !sealed {
        rows.add_nodes();
    }
    rows.rows
}

struct Rows<'a> {
    status: &'a Status,
    rows: Vec<(String, String)>,
}

impl Rows<'_> {
    fn text(&self, key: &str) -> String {
        self.status.get(key).filter(|value| !value.is_null()).map(go_text).unwrap_or_default()
    }

    fn is(&self, key: &str) -> bool {
        self.status.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    fn add(&mut self, title: &str, value: String) {
        self.rows.push((title.to_owned(), value));
    }

    fn show(&mut self, title: &str, key: &str) {
        self.add(title, self.text(key));
    }

    fn show_if_known(&mut self, title: &str, key: &str) {
        if !self.text(key).is_empty() {
            self.show(title, key);
        }
    }

    fn add_nodes(&mut self) {
        self.show("HA Cluster", "leader_cluster_address");
        let active = self.is("is_self");
        self.add("HA Mode", if active { "active" } else { "standby" }.to_owned());
        if active {
            self.show_if_known("Active Since", "active_time");
        } else {
            let address = self.text("leader_address");
            let known = if address.is_empty() { "<none>".to_owned() } else { address };
            self.add("Active Node Address", known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: Value, expected: &str) {
        let status = status.as_object().cloned().unwrap_or_default();
        let shown: Vec<String> =
            rows(&status).iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn the_state_of_a_server_has_its_rows_in_order() {
        check(
            json!({"type":"shamir","initialized":true,"sealed":true,"t":3,"n":5,"progress":1,
                   "nonce":"","version":"1","ha_enabled":false}),
            "Seal Type=shamir Initialized=true Sealed=true Total Shares=5 Threshold=3 \
             Unseal Progress=1/3 Unseal Nonce= Version=1 HA Enabled=false",
        );
        check(
            json!({"type":"shamir","initialized":true,"sealed":false,"t":3,"n":5,"progress":0,
                   "nonce":"","version":"1","storage_type":"file",
                   "cluster_name":"c","cluster_id":"i",
                   "ha_enabled":true,"is_self":true,"leader_cluster_address":"https://a:8201"}),
            "Seal Type=shamir Initialized=true Sealed=false Total Shares=5 Threshold=3 Version=1 \
             Storage Type=file Cluster Name=c Cluster ID=i HA Enabled=true \
             HA Cluster=https://a:8201 HA Mode=active",
        );
    }
}
