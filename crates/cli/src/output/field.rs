//! One field of an answer, by the name the table gives it. Durations and times stay as the server
//! sent them, for scripts.

use client::{Auth, Secret, Wrapping};
use serde_json::{Value, json};

/// The value of a field; names of the token, the wrapping and the lease win over those of the data.
pub(super) fn of_secret(secret: &Secret, name: &str) -> Option<Value> {
    let special = secret.auth.as_ref().and_then(|auth| of_token(auth, name));
    let special = special.or_else(|| of_wrapping(secret.wrap_info.as_ref()?, name));
    special.or_else(|| of_lease(secret, name)).or_else(|| secret.value(name).cloned())
}

fn of_token(auth: &Auth, name: &str) -> Option<Value> {
    let list = |names: &Option<Vec<String>>| json!(names.clone().unwrap_or_default());
    match name {
        "token" => Some(json!(auth.client_token.expose())),
        "token_accessor" => Some(json!(auth.accessor)),
        "token_duration" => Some(json!(auth.lease_duration)),
        "token_renewable" => Some(json!(auth.renewable)),
        "token_policies" => Some(list(&auth.token_policies)),
        "identity_policies" => Some(list(&auth.identity_policies)),
        "policies" => Some(list(&auth.policies)),
        _ => auth.metadata.as_ref()?.get(name.strip_prefix("token_meta_")?).cloned(),
    }
}

fn of_wrapping(wrapping: &Wrapping, name: &str) -> Option<Value> {
    match name {
        "wrapping_token" => Some(json!(wrapping.token.expose())),
        "wrapping_accessor" => Some(json!(wrapping.accessor)),
        "wrapping_token_ttl" => Some(json!(wrapping.ttl)),
        "wrapping_token_creation_time" => Some(json!(wrapping.creation_time)),
        "wrapping_token_creation_path" => Some(json!(wrapping.creation_path)),
        "wrapped_accessor" => Some(json!(wrapping.wrapped_accessor)),
        _ => None,
    }
}

fn of_lease(secret: &Secret, name: &str) -> Option<Value> {
    // Data may have fields of these names, so an answer without a lease must not hide them.
    let lasts = (secret.lease_duration > 0).then_some(secret.lease_duration)?;
    match (name, secret.lease_id.is_empty()) {
        ("lease_id", false) => Some(json!(secret.lease_id)),
        ("lease_duration", false) => Some(json!(lasts)),
        ("lease_renewable", false) => Some(json!(secret.renewable)),
        ("refresh_interval", true) => Some(json!(lasts)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(body: &str, name: &str, expected: Option<Value>) {
        let secret: Secret = serde_json::from_str(body).unwrap();
        assert_eq!(of_secret(&secret, name), expected, "{name}");
    }

    #[test]
    fn a_field_is_found_by_the_name_the_table_gives_it() {
        let token = r#"{"auth":{"client_token":"s.x","policies":["a"],"metadata":{"u":"ann"}}}"#;
        check(token, "token", Some(json!("s.x")));
        check(token, "token_duration", Some(json!(0)));
        check(token, "policies", Some(json!(["a"])));
        check(token, "token_meta_u", Some(json!("ann")));
        check(token, "nope", None);
        let data = r#"{"data":{"lease_id":"mine","n":1}}"#;
        check(data, "lease_id", Some(json!("mine")));
        check(data, "n", Some(json!(1)));
        let lease = r#"{"lease_id":"a/b","lease_duration":5,"data":{"lease_id":"mine"}}"#;
        check(lease, "lease_id", Some(json!("a/b")));
        let wrapped = r#"{"wrap_info":{"token":"s.w","ttl":300}}"#;
        check(wrapped, "wrapping_token", Some(json!("s.w")));
        check(wrapped, "wrapping_token_ttl", Some(json!(300)));
    }
}
