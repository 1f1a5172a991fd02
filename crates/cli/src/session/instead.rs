//! A request described instead of sent: as a curl command line, or as the policy that would allow
//! it.

use client::{Client, Request, Trust};
use serde_json::Value;

/// System paths that need `sudo` beside the capability of the verb. A `*` at the end stands for
/// anything.
const SUDO: [&str; 18] = [
    "auth/token/accessors",
    "auth/token/revoke-orphan",
    "sys/audit",
    "sys/audit/*",
    "sys/auth/*",
    "sys/config/auditing/*",
    "sys/config/cors",
    "sys/config/ui/headers/*",
    "sys/leases",
    "sys/leases/lookup/*",
    "sys/leases/revoke-force/*",
    "sys/leases/revoke-prefix/*",
    "sys/plugins/catalog/*",
    "sys/raw/*",
    "sys/remount",
    "sys/rotate",
    "sys/seal",
    "sys/step-down",
];

/// A curl command line that sends the request. The token stays out of it: the shell fetches it when
/// it runs the line.
pub(super) fn curl(client: &Client, request: &Request, program: &str) -> String {
    let settings = client.settings();
    let mut words = vec!["curl".to_owned()];
    match &settings.trust {
        Trust::Anyone => words.push("--insecure".to_owned()),
        Trust::File(path) => words.push(format!("--cacert {}", quoted(&path.to_string_lossy()))),
        Trust::Folder(path) => words.push(format!("--capath {}", quoted(&path.to_string_lossy()))),
        Trust::Platform | Trust::Pem(_) => {}
    }
    if let Some(own) = &settings.client_certificate {
        words.push(format!("--cert {}", quoted(&own.certificate.to_string_lossy())));
        words.push(format!("--key {}", quoted(&own.key.to_string_lossy())));
    }
    if request.method != "GET" {
        words.push(format!("-X {}", request.method));
    }
    words.push("-H \"X-Vault-Request: true\"".to_owned());
    if settings.token.is_some() {
        words.push(format!("-H \"X-Vault-Token: $({program} print token)\""));
    }
    if let Some(namespace) = &settings.namespace {
        words.push(header("X-Vault-Namespace", namespace));
    }
    if let Some(wrap_ttl) = &settings.wrap_ttl {
        words.push(header("X-Vault-Wrap-TTL", wrap_ttl));
    }
    let headers = settings.headers.iter().chain(&request.headers);
    words.extend(headers.map(|(name, value)| header(name, value)));
    if let Some(body) = &request.body {
        words.push(format!("-d {}", quoted(&String::from_utf8_lossy(body))));
    }
    // Between double quotes the shell would still see these three; a URL has none of them by
    // itself.
    words.push(double_quoted(&client.url(request)));
    words.join(" ")
}

fn header(name: &str, value: &str) -> String {
    format!("-H {}", quoted(&format!("{name}: {value}")))
}

/// A text that the shell hands over as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn double_quoted(url: &str) -> String {
    let safe = url.replace('\\', "%5C").replace('`', "%60").replace('$', "%24");
    format!("\"{safe}\"")
}

/// The policy that allows the request and nothing else.
pub(super) fn policy(request: &Request) -> String {
    let asks =
        |flag: &str| request.query.iter().any(|(name, value)| name == flag && value == "true");
    let (lists, scans) = (asks("list"), asks("scan"));
    let mut capabilities = match request.method.as_str() {
        "GET" if lists => vec!["list"],
        "GET" if scans => vec!["scan"],
        "PUT" | "POST" => vec!["create", "update"],
        "PATCH" => vec!["patch"],
        "DELETE" => vec!["delete"],
        _ => vec!["read"],
    };
    if SUDO.iter().any(|pattern| covers(pattern, &request.path)) {
        capabilities.push("sudo");
    }
    let slash = if lists || scans { "/" } else { "" };
    let path = Value::String(format!("{}{slash}", request.path));
    let names: Vec<String> = capabilities.iter().map(|name| format!("{name:?}")).collect();
    format!("path {path} {{\n  capabilities = [{}]\n}}", names.join(", "))
}

fn covers(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => pattern == path,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use client::{Settings, Token};
    use serde_json::json;

    #[track_caller]
    fn check(request: Request, line: &str, rule: &str) {
        let settings = Settings {
            address: "http://127.0.0.1:8200".to_owned(),
            token: Some(Token::new("s.secret")),
            ..Settings::default()
        };
        let client = Client::new(settings).unwrap();
        let start = r#"-H "X-Vault-Request: true" -H "X-Vault-Token: $(vault print token)""#;
        assert_eq!(curl(&client, &request, "vault"), line.replace("{}", start));
        assert_eq!(policy(&request), rule);
    }

    #[test]
    fn a_request_is_described_without_the_token() {
        check(
            Request::get("secret/a"),
            "curl {} \"http://127.0.0.1:8200/v1/secret/a\"",
            "path \"secret/a\" {\n  capabilities = [\"read\"]\n}",
        );
        check(
            Request::list("secret/"),
            "curl {} \"http://127.0.0.1:8200/v1/secret?list=true\"",
            "path \"secret/\" {\n  capabilities = [\"list\"]\n}",
        );
        check(
            Request::scan("secret/"),
            "curl {} \"http://127.0.0.1:8200/v1/secret?scan=true\"",
            "path \"secret/\" {\n  capabilities = [\"scan\"]\n}",
        );
        check(
            Request::put("secret/a").json(&json!({"k": "it's"})).unwrap(),
            r#"curl -X PUT {} -d '{"k":"it'\''s"}' "http://127.0.0.1:8200/v1/secret/a""#,
            "path \"secret/a\" {\n  capabilities = [\"create\", \"update\"]\n}",
        );
        check(
            Request::delete("sys/auth/userpass"),
            "curl -X DELETE {} \"http://127.0.0.1:8200/v1/sys/auth/userpass\"",
            "path \"sys/auth/userpass\" {\n  capabilities = [\"delete\", \"sudo\"]\n}",
        );
    }
}
