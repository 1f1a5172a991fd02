//! What configuration files may say, and what they are told when they say something else.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::time::Duration;

use super::*;

const MINIMAL: &str = r#"storage "inmem" {} listener "tcp" { tls_disable = true }"#;

fn parse(text: &str) -> Result<Configuration> {
    Draft::parse(Path::new("a.hcl"), text).and_then(Draft::finish)
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
}

#[test]
fn a_whole_file_is_understood() {
    let configuration = parse(
        r#"
        storage "file" { path = "/var/lib/strongroom" }
        listener "tcp" {
          address          = ":8200"
          tls_cert_file    = "a.pem"
          tls_key_file     = "b.pem"
          tls_min_version  = "tls13"
          max_request_size = 1024
          max_request_duration = "1m30s"
          http_idle_timeout = 7
        }
        listener "tcp" { address = "127.0.0.1:8300" tls_disable = "true" }
        api_addr = "https://strongroom:8200"
        cluster_name = "c1"
        default_lease_ttl = "1h"
        max_lease_ttl = "24h"
        log_level = "debug"
        log_format = "json"
        disable_mlock = true
        pid_file = "/run/strongroom.pid"
        password_lists_directory = "/etc/strongroom/lists"
        ui = true
        "#,
    )
    .unwrap();
    assert_eq!(configuration.storage.kind, "file");
    assert_eq!(configuration.storage.settings["path"], "/var/lib/strongroom");
    let [first, second] = &configuration.listeners[..] else { panic!() };
    assert_eq!(first.address, "[::]:8200");
    let tls = first.tls.as_ref().unwrap();
    assert_eq!((tls.oldest, tls.newest), (TlsVersion::Tls13, TlsVersion::Tls13));
    assert_eq!(tls.certificate.chain, Path::new("a.pem"));
    assert_eq!(first.limits.body_bytes_max, 1024);
    assert_eq!(first.limits.request, Duration::from_secs(90));
    assert_eq!(first.limits.idle, Duration::from_secs(7));
    assert_eq!((second.address.as_str(), &second.tls), ("127.0.0.1:8300", &None));
    assert_eq!(configuration.api_addr.as_deref(), Some("https://strongroom:8200"));
    assert_eq!((configuration.default_lease_ttl, configuration.max_lease_ttl), (3600, 86400));
    assert!(configuration.disable_mlock);
    assert_eq!(configuration.warnings, ["ui has no effect in this release (at a.hcl:22:9)"]);
    let lists = configuration.password_lists_directory.unwrap();
    assert_eq!(lists, Path::new("/etc/strongroom/lists"));
}

use crate::http::TlsVersion;

#[test]
fn json_says_the_same() {
    let text = r#"{"backend": {"file": {"path": "/x", "redirect_addr": "http://a:1"}},
        "listener": [{"tcp": {"address": "a:1", "tls_disable": 1}},
                     {"tcp": {"address": "b:2", "tls_disable": true}}]}"#;
    let configuration = parse(text).unwrap();
    assert_eq!(configuration.storage.settings["path"], "/x");
    assert_eq!(configuration.api_addr.as_deref(), Some("http://a:1"));
    let addresses: Vec<_> = configuration.listeners.iter().map(|l| l.address.as_str()).collect();
    assert_eq!(addresses, ["a:1", "b:2"]);
    assert_eq!(configuration.default_lease_ttl, LEASE_TTL_SECONDS);
}

#[test]
fn unknown_keys_are_named_with_their_place() {
    let unknown = "unknown or unsupported field";
    refused(
        "storag \"inmem\" {}",
        &format!("{unknown} storag found in configuration at a.hcl:1:1"),
    );
    refused(
        "storage \"inmem\" {}\nlistener \"tcp\" {\n  bad_value = 1\n}",
        &format!("{unknown} bad_value found in configuration at a.hcl:3:3"),
    );
    refused(
        "storage \"file\" {\n path = \"/x\"\n pth = 1 }",
        &format!("{unknown} pth found in configuration at a.hcl:3:2"),
    );
}

#[test]
fn what_would_not_be_safe_to_ignore_is_refused() {
    for (text, key) in [
        ("audit \"file\" \"a\" {}", "audit"),
        ("listener \"tcp\" { tls_require_and_verify_client_cert = true }", "tls_require"),
        ("listener \"tcp\" { proxy_protocol_behavior = \"use_always\" }", "proxy_protocol"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.starts_with(key) && error.contains("would not be safe"), "{error}");
    }
    let error = parse("seal \"awskms\" {}").unwrap_err().to_string();
    assert!(error.starts_with("Error parsing Seal configuration: only"), "{error}");
    assert!(parse(&format!("seal \"shamir\" {{}} {MINIMAL}")).is_ok());
}

#[test]
fn mistakes_are_named_with_what_would_work() {
    refused(
        "listener \"tcp\" {}",
        "Error initializing listener of type tcp: 'tls_cert_file' must be set, or tls_disable = \
         true, in the listener at a.hcl:1:1",
    );
    refused(
        "listener \"tcp\" { tls_cert_file = \"a\" }",
        "Error initializing listener of type tcp: 'tls_key_file' must be set, or tls_disable = \
         true, in the listener at a.hcl:1:1",
    );
    refused(
        "password_lists_directory = \"lists\"",
        "password_lists_directory: give an absolute path at a.hcl:1:28",
    );
    refused("listener \"unix\" {}", "unknown listener type \"unix\"; use \"tcp\" at a.hcl:1:1");
    refused(
        "listener \"tcp\" { tls_min_version = \"tls10\" }",
        "'tls_min_version' value \"tls10\" not supported, please specify one of [tls12,tls13]",
    );
    refused(
        "listener \"tcp\" { tls_min_version = \"tls13\" tls_max_version = \"tls12\" }",
        "'tls_max_version' must be greater than or equal to 'tls_min_version', in the listener at \
         a.hcl:1:1",
    );
    refused(
        "listener \"tcp\" { tls_disable = true }",
        "A storage backend must be specified; add storage \"file\" { path = \"...\" }",
    );
    refused("storage \"inmem\" {}", "A listener must be specified; add listener \"tcp\" { ... }");
    refused(
        &format!("{MINIMAL} default_lease_ttl = \"2h\" max_lease_ttl = \"1h\""),
        "default_lease_ttl is longer than max_lease_ttl; raise one or lower the other",
    );
    let error = parse("storage \"floppy\" {}").unwrap_err().to_string();
    assert!(error.starts_with("Unknown storage type floppy at a.hcl:1:1: "), "{error}");
    let error = parse("storage \"inmem\" {} storage \"inmem\" {}").unwrap_err().to_string();
    assert!(error.ends_with("a second time at a.hcl:1:20"), "{error}");
    for (text, place) in [
        ("log_level = []", "a.hcl:1:13"),
        ("max_lease_ttl = \"soon\"", "a.hcl:1:17"),
        ("disable_mlock = \"perhaps\"", "a.hcl:1:17"),
        ("storage \"file\" { path = [] }", "a.hcl:1:25"),
        ("listener \"tcp\" { tls_disable = 1 max_request_size = \"many\" }", "a.hcl:1:53"),
        ("storage", "a.hcl:1:"),
        ("a = \"", "a.hcl:1:"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(place), "{text}: {error}");
    }
}

#[test]
fn passwords_in_the_file_stay_out_of_errors_and_debug() {
    let error = parse("log_level = hunter2").unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    let text = "storage \"file\" { path = \"hunter2\" } listener \"tcp\" { tls_disable = true }";
    assert!(!format!("{:?}", parse(text).unwrap()).contains("hunter2"));
}

#[test]
fn several_files_are_one_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    file("b.json", r#"{"log_level": "warn", "default_lease_ttl": "1h", "disable_mlock": false}"#);
    file("a.hcl", &format!("{MINIMAL} log_level = \"debug\" default_lease_ttl = \"768h\""));
    file("c.hcl", "disable_mlock = true listener \"tcp\" { address = \"a:1\" tls_disable = 1 }");
    file("d.txt", "not configuration");
    file(".e.hcl", "not configuration");
    fs::create_dir(folder.path().join("f.hcl")).unwrap();
    let configuration = load(&[folder.path().to_owned()]).unwrap().finish().unwrap();
    assert_eq!(configuration.log_level.as_deref(), Some("warn"));
    assert_eq!(configuration.default_lease_ttl, 768 * 3600);
    assert!(configuration.disable_mlock);
    assert_eq!(configuration.listeners.len(), 2);

    file("g.hcl", "storage \"file\" { path = \"/x\" }");
    let configuration = load(&[folder.path().to_owned()]).unwrap().finish().unwrap();
    assert_eq!(configuration.storage.kind, "file");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = |paths: &[PathBuf]| load(paths).unwrap_err().to_string();
    assert_eq!(said(&[]), "Must specify at least one config path using -config");
    assert!(said(&[folder.path().to_owned()]).starts_with("No configuration files found."));
    let missing = folder.path().join("missing.hcl");
    let expected = format!("cannot read configuration from {}: ", missing.display());
    assert!(said(std::slice::from_ref(&missing)).starts_with(&expected));
    fs::write(&missing, [0xff, 0xfe]).unwrap();
    assert!(said(&[missing]).starts_with(&expected));
}

#[test]
fn lockout_is_told_for_all_methods_and_for_each() {
    let seconds = |time| Some(api::Seconds(time));
    let text = format!(
        r#"{MINIMAL}
        user_lockout "all" {{ lockout_threshold = "10" lockout_duration = "10m" }}
        user_lockout "userpass" {{ disable_lockout = "true" lockout_counter_reset = 30 }}"#
    );
    let lockout = parse(&text).unwrap().lockout;
    assert_eq!((lockout.all.threshold, lockout.all.duration), (Some(10), seconds(600)));
    assert_eq!((lockout.all.counter_reset, lockout.all.disabled), (None, None));
    let userpass = lockout.methods["userpass"];
    assert_eq!((userpass.threshold, userpass.disabled), (None, Some(true)));
    assert_eq!(userpass.counter_reset, seconds(30));
    let json = r#"{"storage": {"inmem": {}}, "listener": {"tcp": {"tls_disable": true}},
        "user_lockout": [{"all": {"lockout_threshold": 3}}, {"ldap": {"lockout_duration": 7}}]}"#;
    let lockout = parse(json).unwrap().lockout;
    assert_eq!((lockout.all.threshold, lockout.methods["ldap"].duration), (Some(3), seconds(7)));

    let mut draft = Draft::parse(Path::new("a.hcl"), &text).unwrap();
    let later = r#"user_lockout "all" { lockout_duration = "1m" }
        user_lockout "userpass" { disable_lockout = false }"#;
    draft.merge(Draft::parse(Path::new("b.hcl"), later).unwrap());
    let lockout = draft.finish().unwrap().lockout;
    assert_eq!((lockout.all.threshold, lockout.all.duration), (Some(10), seconds(60)));
    assert_eq!(lockout.methods["userpass"].disabled, Some(false));
    assert_eq!(lockout.methods["userpass"].counter_reset, seconds(30));
}

#[test]
fn mistakes_about_lockout_are_named() {
    refused("user_lockout \"github\" {}", "unsupported auth type \"github\" at a.hcl:1:1");
    let unlabelled = "auth type for user lockout must be specified, if it applies to all auth \
                      methods specify \"all\" at a.hcl:1:";
    for text in ["user_lockout { lockout_threshold = 1 }", "user_lockout = 1"] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.starts_with(unlabelled), "{error}");
    }
    for (words, complaint) in [
        ("lockout_treshold = 1", "unknown or unsupported field lockout_treshold found in"),
        ("lockout_threshold = -1", "lockout_threshold: expected a whole number"),
        ("lockout_duration = \"-1m\"", "lockout_duration: "),
        ("lockout_duration = 0", "lockout_duration: must be longer than nothing"),
        ("lockout_counter_reset = \"0s\"", "lockout_counter_reset: must be longer than nothing"),
        ("disable_lockout = \"perhaps\"", "disable_lockout: expected true or false"),
    ] {
        let error = parse(&format!("user_lockout \"all\" {{ {words} }}")).unwrap_err().to_string();
        assert!(error.starts_with(complaint) && error.contains("a.hcl:1:"), "{error}");
    }
    refused(
        "user_lockout \"all\" {} user_lockout \"all\" {}",
        "user_lockout \"all\" is specified a second time at a.hcl:1:23",
    );
}
