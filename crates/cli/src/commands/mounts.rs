//! What auth methods and secrets engines have in common: both are enabled at a path, tuned, moved
//! and disabled.

use client::{Request, Secret};
use serde_json::{Map, Value, json};

use crate::command::{Call, own};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Group, Kind};
use crate::output::{self, go_text};
use crate::session::{Doing, Session};

/// How often a move is asked about before the command gives up waiting.
const MOVE_POLLS_MAX: u32 = 3600;

/// One of the two families, and the words that differ.
pub(super) struct Family {
    /// Where the family is listed, enabled and disabled.
    pub(super) system_path: &'static str,
    /// What stands before the paths of the family everywhere else.
    pub(super) prefix: &'static str,
    /// What one of them is called.
    pub(super) noun: &'static str,
}

pub(super) const AUTH_METHODS: Family =
    Family { system_path: "sys/auth", prefix: "auth/", noun: "auth method" };
pub(super) const SECRETS_ENGINES: Family =
    Family { system_path: "sys/mounts", prefix: "", noun: "secrets engine" };

/// The flags that set something up, in `enable` and in `tune`.
pub(super) const TUNING: Group = own(&[
    Flag::text("description", "What it is for, for people."),
    Flag::new(
        Kind::Duration,
        "default-lease-ttl",
        "How long leases and tokens last when nothing else is said.",
    ),
    Flag::new(Kind::Duration, "max-lease-ttl", "How long leases and tokens last at most."),
    Flag::new(
        Kind::List,
        "audit-non-hmac-request-keys",
        "A key of requests that the audit log shows in the clear. May be given several times.",
    ),
    Flag::new(
        Kind::List,
        "audit-non-hmac-response-keys",
        "A key of answers that the audit log shows in the clear. May be given several times.",
    ),
    Flag::text(
        "listing-visibility",
        "Whether it is listed for callers without a token: unauth or hidden.",
    ),
    Flag::new(
        Kind::List,
        "passthrough-request-headers",
        "A header of requests that is passed on. May be given several times.",
    ),
    Flag::new(
        Kind::List,
        "allowed-response-headers",
        "A header it may set in answers. May be given several times.",
    ),
    Flag::new(
        Kind::Map,
        "options",
        "An option of its own, as key=value. May be given several times.",
    ),
    Flag::new(Kind::Integer, "version", "The version of the engine, for kinds that have several."),
    Flag::text("plugin-version", "The version of the plugin."),
]);

/// Lists what is enabled.
pub(super) fn list(call: &Call, family: &Family, doing: &str) -> Result<Option<Secret>, Failure> {
    Session::open(call)?.find(Request::get(family.system_path)).doing(doing)
}

/// The records of a list, by path.
pub(super) fn records(secret: Option<&Secret>) -> Vec<(String, Map<String, Value>)> {
    let data = secret.and_then(|secret| secret.data.as_ref());
    let entries = data.into_iter().flatten();
    entries.filter_map(|(path, record)| Some((path.clone(), record.as_object()?.clone()))).collect()
}

/// Prints a list with the columns of its family.
pub(super) fn show(
    call: &Call,
    found: Option<&Secret>,
    brief: &[(&str, Column)],
    full: &[(&str, Column)],
) -> Outcome {
    if !call.output.is_table() {
        call.output.program(&found.and_then(|secret| secret.data.as_ref()))?;
        return Ok(Exit::SUCCESS);
    }
    let columns = if call.output.detailed { full } else { brief };
    let mut headings = vec!["Path"];
    headings.extend(columns.iter().map(|(heading, _)| *heading));
    let rows = records(found).into_iter().map(|(path, record)| {
        let cells = columns.iter().map(|(_, column)| column.cell(&record));
        std::iter::once(path).chain(cells).collect()
    });
    call.output.say(&output::list(&headings, rows.collect()));
    Ok(Exit::SUCCESS)
}

/// What stands in a column.
#[derive(Clone, Copy)]
pub(super) enum Column {
    /// A value of the record.
    Of(&'static str),
    /// A value of its configuration.
    Configured(&'static str),
    /// A duration of its configuration, which may be that of the system.
    Lasting(&'static str),
    /// Where the record exists.
    Replication,
}

impl Column {
    /// The text for one record.
    pub(super) fn cell(self, record: &Map<String, Value>) -> String {
        let configured = |key: &str| record.get("config").and_then(|settings| settings.get(key));
        match self {
            Column::Of("options") => record
                .get("options")
                .filter(|value| !value.is_null())
                .map_or("map[]".to_owned(), go_text),
            Column::Of(key) => {
                record.get(key).filter(|value| !value.is_null()).map(go_text).unwrap_or_default()
            }
            Column::Configured(key) => configured(key).map(go_text).unwrap_or_default(),
            Column::Lasting(key) => match configured(key).and_then(Value::as_i64) {
                None | Some(0) => "system".to_owned(),
                Some(seconds) => seconds.to_string(),
            },
            Column::Replication => {
                let local = record.get("local").and_then(Value::as_bool).unwrap_or(false);
                if local { "local" } else { "replicated" }.to_owned()
            }
        }
    }
}

/// Enables a type at a path; gives back the path.
pub(super) fn enable(call: &Call, family: &Family, doing: &str) -> Result<String, Failure> {
    let kind = call.argument(0).trim();
    let plugin = call.flags.text("plugin-name").filter(|_| kind == "plugin");
    let own = call.flags.text("path").map(str::to_owned);
    let path = own.unwrap_or_else(|| plugin.unwrap_or(kind).to_owned());
    let path = path.trim_matches('/').to_owned();
    let mut body = tuning(call);
    let settings: Map<String, Value> =
        CONFIGURED.iter().filter_map(|key| Some(((*key).to_owned(), body.remove(*key)?))).collect();
    body.insert("type".to_owned(), json!(plugin.unwrap_or(kind)));
    body.insert("config".to_owned(), Value::Object(settings));
    for (flag, key) in [
        ("local", "local"),
        ("seal-wrap", "seal_wrap"),
        ("external-entropy-access", "external_entropy_access"),
    ] {
        if let Some(chosen) = call.flags.chosen(flag) {
            body.insert(key.to_owned(), json!(chosen));
        }
    }
    let request = Request::post(&format!("{}/{path}", family.system_path));
    let request = super::write::with_body(request, &body)?;
    if let Some(answer) = Session::open(call)?.perform(request).doing(doing)? {
        call.output.warnings(answer.warnings());
    }
    Ok(path)
}

/// Settings that `enable` sends inside of `config`, and `tune` sends as they are.
const CONFIGURED: [&str; 10] = [
    "default_lease_ttl",
    "max_lease_ttl",
    "force_no_cache",
    "audit_non_hmac_request_keys",
    "audit_non_hmac_response_keys",
    "listing_visibility",
    "passthrough_request_headers",
    "allowed_response_headers",
    "token_type",
    "plugin_version",
];

/// The settings that were given on the command line, and no other.
fn tuning(call: &Call) -> Map<String, Value> {
    let mut body = Map::new();
    for name in ["description", "listing-visibility", "token-type", "plugin-version"] {
        if let Some(text) = call.flags.text(name) {
            body.insert(key(name), json!(text));
        }
    }
    for name in ["default-lease-ttl", "max-lease-ttl"] {
        if let Some(text) = call.flags.duration(name) {
            body.insert(key(name), json!(text));
        }
    }
    for name in [
        "audit-non-hmac-request-keys",
        "audit-non-hmac-response-keys",
        "passthrough-request-headers",
        "allowed-response-headers",
    ] {
        if call.flags.given(name) {
            body.insert(key(name), json!(call.flags.list(name)));
        }
    }
    if let Some(chosen) = call.flags.chosen("force-no-cache") {
        body.insert(key("force-no-cache"), json!(chosen));
    }
    let mut options = call.flags.map("options");
    if let Some(version) = call.flags.integer("version") {
        options.insert("version".to_owned(), version.to_string());
    }
    if !options.is_empty() {
        body.insert("options".to_owned(), json!(options));
    }
    body
}

fn key(flag: &str) -> String {
    flag.replace('-', "_")
}

/// Changes the settings of what is at a path; gives back the path.
pub(super) fn tune(call: &Call, family: &Family) -> Result<String, Failure> {
    let path = call.path(0);
    let mut body = tuning(call);
    let lockout = lockout(call);
    if !lockout.is_empty() {
        body.insert("user_lockout_config".to_owned(), Value::Object(lockout));
    }
    let request = Request::post(&format!("sys/mounts/{}{path}/tune", family.prefix));
    let request = super::write::with_body(request, &body)?;
    let doing = format!("Error tuning {} {path}/", family.noun);
    if let Some(answer) = Session::open(call)?.perform(request).doing(&doing)? {
        call.output.warnings(answer.warnings());
    }
    Ok(path)
}

fn lockout(call: &Call) -> Map<String, Value> {
    let mut settings = Map::new();
    if let Some(count) = call.flags.text("user-lockout-threshold") {
        settings.insert("lockout_threshold".to_owned(), json!(count));
    }
    for name in ["duration", "counter-reset-duration"] {
        if let Some(text) = call.flags.duration(&format!("user-lockout-{name}")) {
            settings.insert(key(&format!("lockout-{name}")), json!(text));
        }
    }
    if let Some(chosen) = call.flags.chosen("user-lockout-disable") {
        settings.insert("lockout_disable".to_owned(), json!(chosen));
    }
    settings
}

/// Disables what is at a path; gives back the path.
pub(super) fn disable(call: &Call, family: &Family, doing: &str) -> Result<String, Failure> {
    let path = call.path(0);
    let request = Request::delete(&format!("{}/{path}", family.system_path));
    Session::open(call)?.perform(request).doing(&doing.replace("{}", &path))?;
    Ok(path)
}

/// Moves what is at one path to another, and waits until it is there.
pub(super) fn relocate(call: &Call, family: &Family) -> Outcome {
    let from = format!("{}{}/", family.prefix, call.path(0));
    let to = format!("{}{}/", family.prefix, call.path(1));
    let noun = family.noun;
    let doing = format!("Error moving {noun} {from} to {to}");
    let session = Session::open(call)?;
    let request = Request::post("sys/remount");
    let request = super::write::with_body(request, &json!({ "from": from, "to": to }))?;
    let started = session.perform(request).doing(&doing)?;
    let number = started.as_ref().and_then(|secret| secret.value("migration_id")).map(go_text);
    let Some(number) = number else {
        // A server that moves at once has nothing to wait for.
        call.output.tell(&format!("Success! Finished moving {noun} {from} to {to}"));
        return Ok(Exit::SUCCESS);
    };
    call.output.tell(&format!("Started moving {noun} {from} to {to}, with migration ID {number}"));
    wait(call, &session, &number, &format!("{noun} {from} to {to}"))
}

fn wait(call: &Call, session: &Session, number: &str, what: &str) -> Outcome {
    let ending = format!("{what}, with migration ID {number}");
    for _ in 0..MOVE_POLLS_MAX {
        let request = Request::get(&format!("sys/remount/status/{number}"));
        let answer = session.find(request).doing(&format!("Error checking migration {number}"))?;
        let state = answer.as_ref().and_then(|secret| secret.value("migration_info"));
        match state.and_then(|state| state.get("status")).and_then(Value::as_str) {
            Some("success") => {
                call.output.tell(&format!("Success! Finished moving {ending}"));
                return Ok(Exit::SUCCESS);
            }
            Some("failure") => {
                return Err(Failure::local(format!("Failure! Error encountered moving {ending}")));
            }
            Some(_) | None => {
                call.output.tell(&format!("Waiting for terminal status in migration of {ending}"));
                #[allow(clippy::disallowed_methods, reason = "a person waits at the terminal")]
                std::thread::sleep(std::time::Duration::from_secs(1));
            }
        }
    }
    Err(Failure::remote(format!("the server has not finished moving {ending}; ask it again later")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(column: Column, expected: &str) {
        let record = json!({
            "type": "kv", "description": "", "options": null, "local": true,
            "config": {"default_lease_ttl": 0, "max_lease_ttl": 60, "force_no_cache": false}
        });
        assert_eq!(column.cell(record.as_object().unwrap_or(&Map::new())), expected);
    }

    #[test]
    fn every_column_has_a_text_for_every_record() {
        check(Column::Of("type"), "kv");
        check(Column::Of("description"), "");
        check(Column::Of("options"), "map[]");
        check(Column::Of("uuid"), "");
        check(Column::Configured("force_no_cache"), "false");
        check(Column::Lasting("default_lease_ttl"), "system");
        check(Column::Lasting("max_lease_ttl"), "60");
        check(Column::Replication, "local");
    }
}
