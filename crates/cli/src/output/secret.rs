//! An answer as rows of a table: lease, token, wrapping, data, in this order.

use client::{Auth, Secret, Wrapping};
use serde_json::Value;

use crate::output::duration;
use crate::output::value::{go_text, human};

type Rows = Vec<(String, String)>;

/// The rows of today.
pub(crate) fn rows(secret: &Secret) -> Rows {
    let mut rows = lease(secret);
    rows.extend(secret.auth.iter().flat_map(token));
    rows.extend(secret.wrap_info.iter().flat_map(wrapping));
    let data = secret.data.iter().flatten();
    rows.extend(data.map(|(key, value)| (key.clone(), human(key, value))));
    rows
}

fn row(key: &str, value: impl Into<String>) -> (String, String) {
    (key.to_owned(), value.into())
}

fn lease(secret: &Secret) -> Rows {
    if secret.lease_duration <= 0 {
        return Rows::new();
    }
    let lasts = duration::human(secret.lease_duration);
    if secret.lease_id.is_empty() {
        return vec![row("refresh_interval", lasts)];
    }
    vec![
        row("lease_id", &secret.lease_id),
        row("lease_duration", lasts),
        row("lease_renewable", secret.renewable.to_string()),
    ]
}

fn token(auth: &Auth) -> Rows {
    if let Some(requirement) = auth.mfa_requirement.as_ref().filter(|value| value.is_object()) {
        return second_factor(requirement);
    }
    let mut rows = vec![
        row("token", auth.client_token.expose()),
        row("token_accessor", &auth.accessor),
        row("token_duration", token_duration(auth)),
        row("token_renewable", auth.renewable.to_string()),
        row("token_policies", quoted(&auth.token_policies)),
        row("identity_policies", quoted(&auth.identity_policies)),
        row("policies", quoted(&auth.policies)),
    ];
    let metadata = auth.metadata.iter().flatten();
    rows.extend(metadata.map(|(key, value)| (format!("token_meta_{key}"), go_text(value))));
    rows
}

/// A token without an end has no duration to show.
fn token_duration(auth: &Auth) -> String {
    if auth.lease_duration == 0 { "∞".to_owned() } else { duration::human(auth.lease_duration) }
}

fn quoted(names: &Option<Vec<String>>) -> String {
    let names = names.as_deref().unwrap_or_default();
    let parts: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    format!("[{}]", parts.join(" "))
}

/// What must still be proven before there is a token.
fn second_factor(requirement: &Value) -> Rows {
    let text = |value: Option<&Value>| value.map(go_text).unwrap_or_default();
    let mut rows = vec![row("mfa_request_id", text(requirement.get("mfa_request_id")))];
    let constraints = requirement.get("mfa_constraints").and_then(Value::as_object);
    for (name, constraint) in constraints.into_iter().flatten() {
        let methods = constraint.get("any").and_then(Value::as_array);
        for method in methods.into_iter().flatten() {
            let start = format!("mfa_constraint_{name}_{}", text(method.get("type")));
            rows.push((format!("{start}_id"), text(method.get("id"))));
            rows.push((format!("{start}_uses_passcode"), text(method.get("uses_passcode"))));
            if method.get("name").is_some() {
                rows.push((format!("{start}_name"), text(method.get("name"))));
            }
        }
    }
    rows
}

fn wrapping(wrapping: &Wrapping) -> Rows {
    let mut rows = vec![
        row("wrapping_token:", wrapping.token.expose()),
        row("wrapping_accessor:", &wrapping.accessor),
        row("wrapping_token_ttl:", duration::human(wrapping.ttl)),
        row("wrapping_token_creation_time:", go_time(&wrapping.creation_time)),
        row("wrapping_token_creation_path:", &wrapping.creation_path),
    ];
    if !wrapping.wrapped_accessor.is_empty() {
        rows.push(row("wrapped_accessor:", &wrapping.wrapped_accessor));
    }
    rows
}

/// A moment as Go prints it: `2026-02-03 04:05:06.1 +0000 UTC`. What is no moment stays as it is.
pub(crate) fn go_time(text: &str) -> String {
    let Ok(moment) = text.parse::<jiff::Timestamp>() else {
        return text.to_owned();
    };
    // `%.f` leaves out zeros at the end, and the dot with them.
    moment.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string()
}

/// The rows of 2016: fewer, with durations and lists as Go prints them.
pub(crate) fn rows_of_2016(secret: &Secret) -> Rows {
    let mut rows = Rows::new();
    if secret.lease_duration > 0 {
        if secret.lease_id.is_empty() {
            rows.push(row("refresh_interval", duration::go(secret.lease_duration)));
        } else {
            rows.push(row("lease_id", &secret.lease_id));
            rows.push(row("lease_duration", duration::go(secret.lease_duration)));
            rows.push(row("lease_renewable", secret.renewable.to_string()));
        }
    }
    if let Some(auth) = &secret.auth {
        let policies = auth.policies.as_deref().unwrap_or_default();
        rows.push(row("token", auth.client_token.expose()));
        rows.push(row("token_accessor", &auth.accessor));
        rows.push(row("token_duration", duration::go(auth.lease_duration)));
        rows.push(row("token_renewable", auth.renewable.to_string()));
        rows.push(row("token_policies", format!("[{}]", policies.join(" "))));
        let metadata = auth.metadata.iter().flatten();
        rows.extend(metadata.map(|(key, value)| (format!("token_meta_{key}"), go_text(value))));
    }
    rows.extend(secret.wrap_info.iter().flat_map(wrapping));
    let data = secret.data.iter().flatten();
    rows.extend(data.map(|(key, value)| (key.clone(), go_text(value))));
    rows
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(rows: Rows) -> String {
        rows.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
    }

    #[track_caller]
    fn check(body: &str, today: &str, in_2016: &str) {
        let secret: Secret = serde_json::from_str(body).unwrap();
        assert_eq!(shown(rows(&secret)), today);
        assert_eq!(shown(rows_of_2016(&secret)), in_2016);
    }

    #[test]
    fn leases_come_before_data() {
        check(r#"{"data":null}"#, "", "");
        check(
            r#"{"lease_id":"a/b","lease_duration":3600,"renewable":true,"data":{"b":"x","a":[1]}}"#,
            "lease_id=a/b\nlease_duration=1h\nlease_renewable=true\na=[1]\nb=x\n",
            "lease_id=a/b\nlease_duration=1h0m0s\nlease_renewable=true\na=[1]\nb=x\n",
        );
        check(
            r#"{"lease_duration":2764800,"data":{"ttl":60}}"#,
            "refresh_interval=768h\nttl=1m\n",
            "refresh_interval=768h0m0s\nttl=60\n",
        );
    }

    #[test]
    fn a_token_shows_what_it_is() {
        check(
            r#"{"auth":{"client_token":"s.x","accessor":"a","policies":["default","dev"],
                "token_policies":["default","dev"],"metadata":{"username":"ann"},
                "renewable":true}}"#,
            "token=s.x\ntoken_accessor=a\ntoken_duration=∞\ntoken_renewable=true\n\
             token_policies=[\"default\" \"dev\"]\nidentity_policies=[]\n\
             policies=[\"default\" \"dev\"]\ntoken_meta_username=ann\n",
            "token=s.x\ntoken_accessor=a\ntoken_duration=0s\ntoken_renewable=true\n\
             token_policies=[default dev]\ntoken_meta_username=ann\n",
        );
    }

    #[test]
    fn a_wrapped_answer_shows_where_it_waits() {
        let rows = "wrapping_token:=s.w\nwrapping_accessor:=a\nwrapping_token_ttl:=5m\n\
                    wrapping_token_creation_time:=2026-02-03 04:05:06.1 +0000 UTC\n\
                    wrapping_token_creation_path:=sys/x\n";
        check(
            r#"{"wrap_info":{"token":"s.w","accessor":"a","ttl":300,
                "creation_time":"2026-02-03T04:05:06.100Z","creation_path":"sys/x"}}"#,
            rows,
            rows,
        );
    }

    #[test]
    fn a_moment_looks_as_go_prints_it() {
        assert_eq!(go_time("2026-02-03T04:05:06Z"), "2026-02-03 04:05:06 +0000 UTC");
        assert_eq!(go_time("2026-02-03T05:05:06.25+01:00"), "2026-02-03 04:05:06.25 +0000 UTC");
        assert_eq!(go_time("soon"), "soon");
    }
}
