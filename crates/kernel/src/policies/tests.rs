//! What policies promise: the cases that clients rely on, and agreement with a naive evaluator.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;

use api::Operation;
use api::describe::Synonyms;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

const NOW: u64 = 1_000;

/// Policies from short texts: `foo/* read list; bar deny`. A capability may be a legacy `=word`.
fn policy(rules: &str) -> Policy {
    let mut text = String::new();
    for rule in rules.split(';').map(str::trim).filter(|rule| !rule.is_empty()) {
        let mut words = rule.split_whitespace();
        let path = words.next().unwrap();
        let (legacy, capabilities): (Vec<_>, Vec<_>) =
            words.partition(|word| word.starts_with('='));
        write!(text, "path {path:?} {{ capabilities = {capabilities:?}").unwrap();
        for word in legacy {
            write!(text, " policy = {:?}", &word[1..]).unwrap();
        }
        text.push_str(" }\n");
    }
    parse(&text).unwrap()
}

fn compiled(policies: &[&str]) -> Compiled {
    let policies: Vec<Policy> = policies.iter().map(|rules| policy(rules)).collect();
    let names: Vec<String> = (1..=policies.len()).map(|number| format!("p{number}")).collect();
    let named: Vec<_> = names.iter().map(String::as_str).zip(&policies).collect();
    Compiled::new(&named)
}

const NOBODY: &Subject = &Subject { person: None };

fn access(path: &str, operation: Operation) -> Access<'_> {
    Access { path, operation, subject: NOBODY, now_seconds: NOW }
}

fn question(path: &str, operation: Operation) -> Question<'_> {
    let access = access(path, operation);
    let need = Need::Capability;
    Question { access, need, data: None, synonyms: Synonyms::NONE, wrap_ttl: None }
}

fn told(compiled: &Compiled, path: &str, now_seconds: u64) -> String {
    let access = Access { now_seconds, ..access(path, Operation::List) };
    compiled.capabilities(&access).join(" ")
}

/// Everything allowed on `path`, and `sudo` if the rule grants it.
#[track_caller]
fn check(policies: &[&str], path: &str, expected: &str) {
    let compiled = compiled(policies);
    let mut got: Vec<&str> = Operation::ALL
        .into_iter()
        .filter(|operation| *operation != Operation::Help)
        .filter(|operation| compiled.decide(&question(path, *operation)).is_allowed())
        .map(Operation::name)
        .collect();
    if compiled.decide(&question(path, Operation::Read)).has_sudo() {
        got.push("sudo");
    }
    assert_eq!(got.join(" "), expected, "{path:?} under {policies:?}");
}

#[test]
fn case_109_a_capability_allows_itself_only_and_sudo_is_reported() {
    check(&["foo/bar read create sudo"], "foo/bar", "create read sudo");
}

#[test]
fn case_110_patch_is_its_own_capability() {
    check(&["baz/quux read create patch"], "baz/quux", "create read patch");
}

#[test]
fn case_111_scan_does_not_imply_list() {
    check(&["asdf/fdsa scan"], "asdf/fdsa", "scan");
}

#[test]
fn case_112_help_is_always_allowed() {
    assert!(compiled(&[]).decide(&question("any/path", Operation::Help)).is_allowed());
    assert!(compiled(&["* deny"]).decide(&question("any/path", Operation::Help)).is_allowed());
}

#[test]
fn case_113_a_longer_denial_beats_a_shorter_grant() {
    check(&["prod/* =read; prod/aws/* =deny"], "prod/foo", "read list");
    check(&["prod/* =read; prod/aws/* =deny"], "prod/aws/foo", "");
}

#[test]
fn cases_114_to_118_a_plus_stands_for_one_segment() {
    check(&["test/+/segment read"], "test/foo/segment", "read");
    check(&["test/+/segment read"], "test/foo/bar/segment", "");
    check(&["+/segment/at/front read"], "test/segment/at/front", "read");
    check(&["+/segment/at/front read"], "test/segment/at/frond", "");
    check(&["test/segment/at/end/+ read"], "test/segment/at/end/foo", "read");
    check(&["test/segment/at/end/+ read"], "test/segment/at/end/foo/", "");
    check(&["test/segment/at/end/v2/+/ read"], "test/segment/at/end/v2/foo/", "read");
    check(&["test/segment/at/end/v2/+/ read"], "test/segment/at/end/v2/foo", "");
    check(&["test/+/wildcard/+/* read"], "test/segment/wildcard/at/foo/", "read");
    check(&["test/+/wildcard/+/* read"], "test/segment/wildcard/at/end", "read");
    check(&["test/+/wildcard/+/* read"], "test/segment/wildcard/at/end/", "read");
    check(&["test/+/wildcard/+/* read"], "test/segment/wildcard/at", "");
    check(&["foo/+/* read"], "foo/bar", "");
    check(&["foo/+ list"], "foo/", "list");
    check(&["a+b read"], "a+b", "read");
    check(&["a+b read"], "axb", "");
}

#[test]
fn case_119_only_the_most_specific_rule_counts() {
    let rules = &["1/2/* create; 1/2/+ read; 1/2/+/+ update"];
    check(rules, "1/2/3", "read");
    check(rules, "1/2/3/4", "update");
    check(rules, "1/2/3/4/5", "create");
}

/// Of two patterns that both match, the second decides, in whichever order they are written.
#[track_caller]
fn check_priority(first: &str, second: &str, path: &str) {
    check(&[&format!("{first} read"), &format!("{second} update")], path, "update");
    check(&[&format!("{second} update; {first} read")], path, "update");
}

#[test]
fn cases_120_to_126_the_more_specific_pattern_decides() {
    check_priority("+/*", "*", "foo/bar/bar/baz");
    check_priority("+/*", "foo/+/*", "foo/bar/bar/baz");
    check_priority("foo/+/+/*", "foo/+/bar/baz", "foo/bar/bar/baz");
    check_priority("foo/+/+/baz", "foo/+/bar/baz", "foo/bar/bar/baz");
    check_priority("foo/+/(ar/baz", "foo/(ar/+/baz", "foo/(ar/(ar/baz");
    check_priority("foo/bar/+/baz*", "foo/bar/+/baz", "foo/bar/bar/baz");
    check_priority("foo/bar/+/b*", "foo/bar/+/ba*", "foo/bar/bar/baz");
    check_priority("*", "f*", "foo/bar");
    check_priority("foo/*", "foo/bar", "foo/bar");
    check_priority("foo/*", "foo/+", "foo/bar");
    check_priority("foo/+", "foo/b*", "foo/bar");
}

#[test]
fn case_127_policies_are_one_pool() {
    let rules = &["dev/* =sudo; sys/* =deny", "dev/hide/* =deny; sys/seal =sudo"];
    check(rules, "dev/foo", "create read update delete list sudo");
    check(rules, "dev/hide/foo", "");
    check(rules, "sys/seal", "create read update delete list sudo");
    check(rules, "sys/status", "");
    let merged = &["prod/* =read; prod/aws/* =deny", "prod/* =write"];
    check(merged, "prod/foo", "create read update delete list");
    check(merged, "prod/aws/foo", "");
}

#[test]
fn cases_127c_and_127d_old_and_new_words_add_up() {
    check(&["foo =deny read sudo"], "foo", "");
    check(&["foo =read update sudo"], "foo", "read update list sudo");
}

#[test]
fn case_128_a_denial_of_the_same_pattern_denies_all() {
    check(&["foo/bar read create", "foo/bar deny"], "foo/bar", "");
    check(&["foo/bar deny", "foo/bar read create sudo"], "foo/bar", "");
    check(&["foo/bar read deny list"], "foo/bar", "");
}

#[test]
fn case_129_listing_a_folder_follows_what_is_inside() {
    for verb in ["list", "scan"] {
        let rules = format!(
            "foo/metadata/* {verb}; foo/metadata/private/* deny; \
             foo/metadata/private/granted/* {verb}"
        );
        check(&[&rules], "foo/metadata/", verb);
        check(&[&rules], "foo/metadata/private/", "");
        check(&[&rules], "foo/metadata/private/internal/", "");
        check(&[&rules], "foo/metadata/private/granted/", verb);
        check(&[&rules], "foo/", "");
    }
}

#[test]
fn a_folder_may_be_named_without_its_slash_for_listing_only() {
    check(&["foo/bar list read"], "foo/bar/", "list");
    check(&["foo/b* list read"], "foo/b/", "read list");
    check(&["foo/+ list read"], "foo/bar/", "list");
    check(&["foo/bar/ list; foo/bar deny"], "foo/bar/", "list");
    check(&["foo/bar list; foo/bar/* deny"], "foo/bar/", "list");
    check(&["foo/bar list"], "foo/bar//", "");
}

// That the trail tells them, is shown with the trail.
#[test]
fn case_131_the_granting_policies_are_named() {
    let rules = compiled(&["foo read", "foo read list", "foo update; bar read"]);
    let granted_by = |path, operation| {
        let rule = rules.rule_for(&access(path, operation)).unwrap();
        rule.map(|rule| rule.granted_by(operation).join(" ")).unwrap_or_default()
    };
    assert_eq!(granted_by("foo", Operation::Read), "p1 p2");
    assert_eq!(granted_by("foo", Operation::Update), "p3");
    assert_eq!(granted_by("foo", Operation::Delete), "");
    assert_eq!(granted_by("nowhere", Operation::Read), "");
    let denied = compiled(&["foo read", "foo deny"]);
    assert!(
        denied
            .rule_for(&access("foo", Operation::Read))
            .unwrap()
            .unwrap()
            .granted_by(Operation::Read)
            .is_empty()
    );
}

#[track_caller]
fn check_wrapped(text: &str, wrap_ttl: Option<u64>, expected: bool) {
    let policy = parse(text).unwrap();
    let compiled = Compiled::new(&[("p", &policy)]);
    let question = Question { wrap_ttl, ..question("foo", Operation::Read) };
    assert_eq!(compiled.decide(&question).is_allowed(), expected, "{wrap_ttl:?} under {text:?}");
}

#[test]
fn cases_132_134_and_135_wrapping_is_bounded() {
    let bounded = r#"path "foo" { policy = "read" min_wrapping_ttl = 300 max_wrapping_ttl = 400 }"#;
    check_wrapped(bounded, None, false);
    check_wrapped(bounded, Some(50), false);
    check_wrapped(bounded, Some(450), false);
    check_wrapped(bounded, Some(350), true);
    let open = r#"path "foo" { policy = "read" min_wrapping_ttl = "5m" }"#;
    check_wrapped(open, Some(450), true);
    check_wrapped(open, None, false);
    for short in ["500ms", "0.5s"] {
        let short = format!(r#"path "foo" {{ policy = "read" min_wrapping_ttl = "{short}" }}"#);
        check_wrapped(&short, Some(1), true);
        check_wrapped(&short, None, false);
    }
    let merged = r#"
        path "foo" { policy = "read" min_wrapping_ttl = 100 max_wrapping_ttl = 200 }
        path "foo" { policy = "read" min_wrapping_ttl = 50 max_wrapping_ttl = 300 }
        path "foo" { policy = "read" }"#;
    check_wrapped(merged, Some(49), false);
    check_wrapped(merged, Some(50), true);
    check_wrapped(merged, Some(200), true);
    check_wrapped(merged, Some(201), false);
    check_wrapped(merged, None, false);
    let impossible = r#"
        path "foo" { policy = "read" min_wrapping_ttl = 300 }
        path "foo" { policy = "read" max_wrapping_ttl = 200 }"#;
    check_wrapped(impossible, None, false);
    check_wrapped(impossible, Some(250), false);
}

#[track_caller]
fn check_data(keys: &str, data: Value, expected: bool) {
    let policy = parse(&format!("path \"foo\" {{ policy = \"write\" {keys} }}")).unwrap();
    let compiled = Compiled::new(&[("p", &policy)]);
    let question = Question { data: data.as_object(), ..question("foo", Operation::Update) };
    assert_eq!(compiled.decide(&question).is_allowed(), expected, "{data} under {keys:?}");
}

#[test]
fn cases_136_to_142_parameters_are_held_to_the_rule() {
    check_data(r#"allowed_parameters = { "a" = ["good"] }"#, json!({"a": "good"}), true);
    check_data(r#"allowed_parameters = { "a" = ["good"] }"#, json!({"a": "bad"}), false);
    check_data(r#"allowed_parameters = { "aLLow" = [] }"#, json!({"AlloW": 1}), true);
    check_data(r#"allowed_parameters { a = [] }"#, json!({"b": 1}), false);
    check_data(r#"denied_parameters = { deny = ["bad*"] }"#, json!({"deny": "bad glob"}), false);
    check_data(r#"denied_parameters = { deny = ["bad*"] }"#, json!({"deny": "good"}), true);
    check_data(r#"denied_parameters = { deny = ["bad*"] }"#, json!({"deny": null}), true);
    check_data(r#"denied_parameters = { Deny = [] }"#, json!({"dENY": 1}), false);
    let multiple = r#"allowed_parameters = { a = ["good", "good1", "good2", "*good3"] }"#;
    for (value, expected) in [
        ("good", true),
        ("good1", true),
        ("good2", true),
        ("glob good3", true),
        ("glob good2", false),
        ("bad", false),
    ] {
        check_data(multiple, json!({"a": value}), expected);
    }
    check_data(r#"allowed_parameters = { "*" = [] bar = [false] }"#, json!({"foo": true}), true);
    check_data(r#"allowed_parameters = { "*" = [] bar = [false] }"#, json!({"bar": true}), false);
    check_data(r#"allowed_parameters = { m = [{ a = 1 }] }"#, json!({"m": {"a": 1}}), true);
    check_data(r#"allowed_parameters = { m = [{ a = 1 }] }"#, json!({"m": {"a": 2}}), false);
    check_data(r#"allowed_parameters = { n = [5] }"#, json!({"n": 5}), true);
    check_data(r#"allowed_parameters = { n = [5] }"#, json!({"n": 6}), false);
    check_data(r#"required_parameters = ["Foo"]"#, json!({"bar": 1}), false);
    check_data(r#"required_parameters = ["Foo"]"#, json!({"foo": 1, "bar": 1}), true);
    check_data(r#"required_parameters = ["foo"]"#, Value::Null, false);
}

#[test]
fn case_143_a_mount_is_seen_by_those_with_business_in_it() {
    let sees = |rules: &str, folder: &str| compiled(&[rules]).reaches_below(folder, NOW);
    assert!(sees("secret/data/+/x read", "secret/"));
    assert!(sees("+/data/x read", "secret/"));
    assert!(sees("secret/a read", "secret/"));
    assert!(sees("secret/a* read", "secret/"));
    assert!(sees("* read", "secret/"));
    assert!(!sees("secret/+/x deny", "secret/"));
    assert!(!sees("+/x deny; other/* read", "secret/"));
    assert!(!sees("secretly/a read", "secret/"));
    assert!(!sees("", "secret/"));
    assert!(Compiled::root().reaches_below("secret/", NOW));
}

#[test]
fn root_may_do_everything_everywhere() {
    let root = Compiled::root();
    for operation in Operation::ALL {
        let question =
            Question { need: Need::CapabilityAndSudo, ..question("sys/raw/x", operation) };
        assert!(root.decide(&question).is_allowed(), "{operation}");
    }
    assert_eq!(told(&root, "any", NOW), "root");
    let rule = root.rule_for(&access("any", Operation::Read)).unwrap().unwrap();
    assert_eq!(rule.granted_by(Operation::Read), ["root"]);
}

#[test]
fn a_protected_door_takes_the_capability_and_sudo() {
    let allowed = |rules: &str| {
        let need = Need::CapabilityAndSudo;
        let question = Question { need, ..question("sys/seal", Operation::Update) };
        compiled(&[rules]).decide(&question).is_allowed()
    };
    assert!(allowed("sys/seal update sudo"));
    assert!(!allowed("sys/seal update"));
    assert!(!allowed("sys/seal sudo"));
    assert!(!allowed("sys/seal update sudo deny"));
}

#[test]
fn capabilities_are_told_in_order() {
    let told = |rules: &[&str], path: &str| told(&compiled(rules), path, NOW);
    assert_eq!(told(&["kv/x read list"], "kv/x"), "list read");
    assert_eq!(
        told(&["kv/x update sudo create patch scan"], "kv/x/"),
        "create patch scan sudo update"
    );
    assert_eq!(told(&["kv/x read", "kv/x deny"], "kv/x"), "deny");
    assert_eq!(told(&["kv/x"], "kv/x"), "deny");
    assert_eq!(told(&[], "kv/x"), "deny");
    let limited =
        r#"path "a" { policy = "read" min_wrapping_ttl = 1 required_parameters = ["b"] }"#;
    let limited = parse(limited).unwrap();
    let limited = Compiled::new(&[("p", &limited)]);
    assert_eq!(limited.capabilities(&access("a", Operation::List)), ["list", "read"]);
}

#[test]
fn an_expired_rule_is_as_if_it_were_not_written() {
    let text = r#"
        path "foo" { capabilities = ["deny"] expiration = "1970-01-01T00:10:00Z" }
        path "foo" { capabilities = ["read"] expiration = "1970-01-01T00:20:00Z" }
        path "f*" { capabilities = ["list"] }
        path "g/+" { capabilities = ["read"] expiration = "1970-01-01T01:20:00+01:00" }
        path "g/*" { capabilities = ["list"] expiration = "1970-01-01T00:10:00Z" }"#;
    let policy = parse(text).unwrap();
    let compiled = Compiled::new(&[("p", &policy)]);
    let at = |path, now| told(&compiled, path, now);
    assert_eq!([at("foo", 599), at("foo", 600), at("foo", 1_199)], ["deny", "read", "read"]);
    assert_eq!([at("foo", 1_200), at("foo", u64::MAX)], ["list", "list"]);
    assert_eq!([at("g/x", 599), at("g/x", 1_199), at("g/x", 1_200)], ["read", "read", "deny"]);
    assert_eq!([at("g/x/y", 599), at("g/x/y", 600)], ["list", "deny"]);
    assert!(compiled.reaches_below("g/", 1_199) && !compiled.reaches_below("g/", 1_200));
}

fn person(name: &str, team: Option<&str>) -> Subject {
    let metadata = team.map(|team| ("k".to_owned(), team.to_owned())).into_iter().collect();
    let (id, name, aliases) = ("e-1".to_owned(), name.to_owned(), Vec::new());
    Subject { person: Some(Person { id, name, metadata, aliases }) }
}

/// What `subject` may do on `path`, under rules whose holes are written `<name>`, `<id>` and `<k>`.
#[track_caller]
fn check_as(subject: &Subject, rules: &str, path: &str, expected: &str) {
    let rules = rules
        .replace("<k>", "{{identity.entity.metadata.k}}")
        .replace("<name>", "{{identity.entity.name}}")
        .replace("<id>", "{{identity.entity.id}}");
    let access = Access { subject, ..access(path, Operation::List) };
    let told = compiled(&[&rules]).capabilities(&access).join(" ");
    assert_eq!(told, expected, "{path:?} under {rules:?} for {subject:?}");
}

#[test]
fn case_159_a_template_grants_to_its_subject_only() {
    let alice = &person("alice", Some("red"));
    check_as(alice, "secret/<name>/* read; other read", "secret/alice/x", "read");
    check_as(alice, "secret/<name>/* read; other read", "secret/bob/x", "deny");
    check_as(alice, "secret/<name>/* read; other read", "secret/<name>/x", "deny");
    check_as(alice, "secret/<name>/* read; other read", "other", "read");
    check_as(alice, "secret/<k>-<id> read", "secret/red-e-1", "read");
    // What is filled in is one rule with what has the same pattern, and ranks like any other.
    check_as(alice, "a/<k> read; a/red list", "a/red", "list read");
    check_as(alice, "a/<k> deny; a/* list", "a/red", "deny");
    check_as(alice, "a/<k> deny; a/* list", "a/blue", "list");
    check_as(alice, "a/<k>/* read; a/red/b list; a/+/c update", "a/red/b", "list");
    check_as(alice, "a/<k>/* read; a/red/b list; a/+/c update", "a/red/c", "read");
    check_as(alice, "a/<k>/* read; a/red/c* update", "a/red/c", "update");
    check_as(alice, "+/<k> read; b/* list", "b/red", "list");
}

#[test]
fn what_cannot_be_filled_in_denies_all_it_could_be_about() {
    let alice = &person("alice", None);
    check_as(alice, "a/<k>/* read; other read", "other", "read");
    check_as(alice, "a/<k>/* read; other read", "a/red/x", "deny");
    check_as(alice, "a/<k>/* read; a/* list", "a/red/x", "deny");
    check_as(alice, "a/<k>/* deny; a/* list", "a/red/x", "deny");
    check_as(alice, "a/<k>/* deny; a/* list; a/red/x read", "a/red/x", "deny");
    check_as(alice, "a/<k>/* deny; a/* list", "a/red", "list");
    for widening in ["*", "+", "a/b", "a b", "", "..", "a,b", "a+b"] {
        let mallory = &person(widening, Some(widening));
        check_as(mallory, "s/<name>/x read", "s/any/x", "deny");
        check_as(mallory, "s/<name>/* read; s/* list", "s/any/x", "deny");
        check_as(mallory, "s/<k>* read; t read", "t", "read");
    }
}

#[test]
fn where_nobody_is_behind_the_token_nothing_is_theirs() {
    check_as(NOBODY, "a/<id> read; a/* list", "a/x", "list");
    check_as(NOBODY, "a/<id> read", "a/x", "deny");
    check_as(NOBODY, "a/<id> deny; a/* list", "a/x", "deny");
    check_as(NOBODY, "a/<id> deny; a/* list", "a/x/y", "list");
}

#[test]
fn who_asks_matters_only_where_a_template_could_match() {
    let rules = compiled(&["a/{{identity.entity.id}}/b read; c read"]);
    assert!(rules.has_templates());
    assert!(rules.asks_who("a/x/b", Operation::Read));
    assert!(rules.asks_who("a/x/b/", Operation::List));
    assert!(!rules.asks_who("a/x/b/", Operation::Read));
    assert!(!rules.asks_who("c", Operation::Read));
    assert!(rules.reaches_below("a/", NOW));
    assert!(!rules.reaches_below("b/", NOW));
}

#[test]
fn the_built_in_policies_say_what_they_should() {
    let default = parse(DEFAULT).unwrap();
    let default = Compiled::new(&[("default", &default)]);
    let told = |path| told(&default, path, NOW);
    assert_eq!(told("auth/token/lookup-self"), "read");
    assert_eq!(told("auth/token/renew-self"), "update");
    assert_eq!(told("auth/token/revoke-self"), "update");
    assert_eq!(told("sys/capabilities-self"), "update");
    assert_eq!(told("sys/renew"), "update");
    assert_eq!(told("sys/leases/lookup"), "update");
    assert_eq!(told("cubbyhole/any/thing"), "create delete list read update");
    assert_eq!(told("sys/tools/hash/sha2-256"), "update");
    assert_eq!(told("identity/oidc/provider/mine/authorize"), "read update");
    assert_eq!(told("identity/entity/id/{{identity.entity.id}}"), "deny");
    assert_eq!(told("auth/token/create"), "deny");
    let wrapping = parse(RESPONSE_WRAPPING).unwrap();
    let wrapping = Compiled::new(&[("response-wrapping", &wrapping)]);
    let told = |path| wrapping.capabilities(&access(path, Operation::List)).join(" ");
    assert_eq!(told("cubbyhole/response"), "create read");
    assert_eq!(told("sys/wrapping/unwrap"), "update");
}

#[track_caller]
fn check_refused(text: &str, expected: &str) {
    assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text:?}");
}

#[test]
fn a_policy_that_does_not_parse_says_where() {
    let parse_error = |rest: &str| format!("failed to parse policy: {rest}");
    let check = |text: &str, rest: &str| check_refused(text, &parse_error(rest));
    check("path \"a\" {}\n  bad = 1", "invalid key \"bad\" on line 2, column 3");
    // Case 144.
    check("name {}", "expected a text in double quotes, found a block on line 1, column 6");
    check("path \"p\" {", "expected a key, found the end of the text on line 1, column 11");
    check(
        "path {}\npath = 1",
        "a \"path\" block is written as path \"label\" { … } on line 2, column 1",
    );
    check("path \"p\" {\n x = 1 }", "path \"p\": invalid key \"x\" on line 2, column 2");
    let capability = "path \"p\": invalid capability \"x\" on line 1, column 36";
    check("path \"p\" { capabilities = [\"read\", \"x\"] }", capability);
    check("path \"p\" { policy = \"x\" }", "path \"p\": invalid policy \"x\" on line 1, column 21");
    check(
        "path \"p\" { capabilities = \"read\" }",
        "path \"p\": expected a list in square brackets, found a text on line 1, column 27",
    );
    let wildcards =
        "path \"a+*\": invalid use of wildcards ('+*' is forbidden) on line 1, column 1";
    check("path \"a+*\" {}", wildcards);
    let bounds =
        "path \"p\": max_wrapping_ttl cannot be less than min_wrapping_ttl on line 2, column 20";
    check("path \"p\" { min_wrapping_ttl = \"2m\"\nmax_wrapping_ttl = 60 }", bounds);
    check(
        "path \"p\" { min_wrapping_ttl = -1 }",
        "path \"p\": cannot provide negative value '-1' on line 1, column 31",
    );
    let expiration =
        "path \"p\": invalid expiration time: it is written like \"2030-01-31T12:00:00Z\"";
    check("path \"p\" { expiration = \"soon\" }", &format!("{expiration} on line 1, column 25"));
    check(
        "path \"p\" { expiration = \"2030-01-31T12:00:00\" }",
        &format!("{expiration} on line 1, column 25"),
    );
    check(
        "path \"p\" { expiration = \"9999-12-31T23:59:59Z\" }",
        "path \"p\": invalid expiration time: this is later or earlier than any time there is; at \
         most \"9999-12-30T22:00:00Z\", and a rule without it lasts on line 1, column 25",
    );
    parse("path \"p\" { expiration = \"9999-12-30T22:00:00Z\" }").unwrap();
    check(
        "path \"p\" { capabilities = [] capabilities = [] }",
        "key \"capabilities\" is set a second time on line 1, column 30",
    );
    check(
        "path \"p\" { denied_parameters { A = [] a = [] } }",
        "path \"p\": parameter \"a\" is named a second time on line 1, column 39",
    );
    check(
        "path \"p\" { allowed_parameters = [] }",
        "path \"p\": expected a block in braces, found a list on line 1, column 33",
    );
    check(
        "path \"p\" { allowed_parameters { a = 1 } }",
        "path \"p\": expected a list in square brackets, found a number on line 1, column 37",
    );
    check("{\"path\": {\"p\": {\"x\": 1}}}", "path \"p\": invalid key \"x\" on line 1, column 17");
    let templating = "failed to validate policy templating: unbalanced templating characters \
                      on line 1, column 1";
    for path in ["{{a", "a}}", "{{a{{b}}", "{{a}}}}", "}}{{"] {
        check_refused(&format!("path {path:?} {{}}"), templating);
    }
    for path in ["{{a}}", "{{identity.entity.x}}", "{{ }}", "{{identity.entity.aliases.x}}"] {
        let refused = parse(&format!("path {path:?} {{}}")).unwrap_err().to_string();
        assert!(refused.contains("no such value for a template"), "{refused}");
    }
}

#[test]
fn what_cannot_be_enforced_is_refused() {
    let check = |key: &str, problem: &str| {
        let text = format!("path \"p\" {{ {key} }}");
        check_refused(
            &text,
            &format!("failed to parse policy: path \"p\": {problem} on line 1, column 12"),
        );
    };
    let control = "this server cannot enforce control_group; \
                   leave the rule out, or let a second person hold the capability";
    check("control_group = { ttl = \"4h\" factor \"ops\" {} }", control);
    check("control_group {}", control);
    check(
        "mfa_methods = [\"a\"]",
        "this server cannot enforce mfa_methods; ask for a second factor at login",
    );
    check(
        "list_scan_response_keys_filter_path = \"a\"",
        "this server cannot enforce list_scan_response_keys_filter_path; \
         grant list on narrower paths",
    );
    let harmless =
        "mfa_methods = [] pagination_limit = 0 subscribe_event_types = [] comment = \"\"";
    assert!(parse(&format!("path \"p\" {{ {harmless} }}")).is_ok());
}

#[test]
fn hcl_and_json_give_the_same_policy() {
    let hcl =
        parse("name = \"n\" path \"/kv/x\" { capabilities = [\"read\"], } path \"y\" {}").unwrap();
    let json = parse(r#"{"name":"n","path":{"kv/x":{"capabilities":["read"]},"y":{}}}"#).unwrap();
    let list = parse(r#"{"path":[{"kv/x":[{"capabilities":["read"]}]},{"y":{}}]}"#).unwrap();
    assert_eq!(hcl, json);
    assert_eq!(hcl, list);
    assert_eq!(parse("").unwrap(), Policy::default());
    assert_eq!(parse("{}").unwrap(), Policy::default());
}

const SEGMENTS: &[&str] = &[
    "a",
    "a",
    "b",
    "ab",
    "+",
    "+",
    "",
    "a+b",
    "*",
    "a*",
    "b*",
    "{{identity.entity.id}}",
    "{{identity.entity.name}}",
    "a{{identity.entity.metadata.k}}",
    "{{identity.entity.id}}-{{identity.entity.metadata.k}}b",
];
const NAMES: &[&str] = &["a", "a", "b", "ab", "", "+", "a+b", "*", "abc", "a-b", "a-bb"];
const WORDS: &[&str] = &["create", "read", "update", "patch", "delete", "list", "scan", "sudo"];

fn rule_text() -> impl Strategy<Value = String> {
    let path = prop::collection::vec(prop::sample::select(SEGMENTS), 1..5);
    let glob = prop::sample::select(&["", "", "*", "/*"][..]);
    let words = prop::collection::vec(prop::sample::select(WORDS), 0..6);
    let deny = prop::sample::select(&["", "", "", "", ", \"deny\""][..]);
    let extras: &[&str] = &[
        "min_wrapping_ttl = 5",
        "max_wrapping_ttl = 9",
        "expiration = \"1970-01-01T00:00:50Z\"",
        "expiration = \"1970-01-01T00:01:40Z\"",
        "allowed_parameters = { x = [1, \"y*\"] }",
        "allowed_parameters = { \"*\" = [] X = [2] }",
        "denied_parameters = { x = [\"yes\"] }",
        "denied_parameters = { z = [] }",
        "required_parameters = [\"x\"]",
        "required_parameters = [\"limit\"]",
        "pagination_limit = 3",
        "pagination_limit = 5",
    ];
    let extra = prop_oneof![3 => Just(""), 1 => prop::sample::select(extras)];
    (path, glob, words, deny, extra).prop_map(|(path, glob, words, deny, extra)| {
        let path = format!("{}{glob}", path.join("/")).replace("+*", "+");
        let words = words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(",");
        let words = if words.is_empty() { deny.replace(", ", "") } else { words + deny };
        format!("path {path:?} {{ capabilities = [{words}] {extra} }}\n")
    })
}

/// One request: its path, parameters, wrapping, time, and who makes it.
type Asked = (String, Option<Map<String, Value>>, Option<u64>, u64, Subject);

fn asked() -> impl Strategy<Value = Asked> {
    let path = prop::collection::vec(prop::sample::select(NAMES), 1..6);
    let data = prop::sample::select(vec![
        "",
        "{}",
        r#"{"x":1}"#,
        r#"{"x":"yes"}"#,
        r#"{"X":2,"z":0}"#,
        r#"{"x":"y","w":3}"#,
        r#"{"limit":4}"#,
        r#"{"limit":"max"}"#,
        r#"{"limit":-1,"x":1}"#,
    ]);
    let wrap_ttl = prop::option::of(0..12_u64);
    let who = prop::sample::select(vec![
        Subject::default(),
        person("a", Some("b")),
        person("b", None),
        person("*", Some("+")),
        person("ab", Some("a/b")),
    ]);
    (path, data, wrap_ttl, 0..120_u64, who).prop_map(|(path, data, wrap_ttl, now, who)| {
        (path.join("/"), serde_json::from_str(data).ok(), wrap_ttl, now, who)
    })
}

/// Requests asked in one round. With eight operations and two needs each, that makes 128 decisions,
/// as `cargo xtask agree` counts them.
const ASKED: usize = 8;

proptest! {
    // `cargo xtask agree` makes this a long run.
    #[test]
    fn the_decision_is_that_of_the_naive_evaluator(
        first in prop::collection::vec(rule_text(), 0..12),
        second in prop::collection::vec(rule_text(), 0..12),
        asked in prop::collection::vec(asked(), ASKED),
    ) {
        let (first, second) = (parse(&first.concat()).unwrap(), parse(&second.concat()).unwrap());
        let policies = [("first", &first), ("second", &second)];
        let compiled = Compiled::new(&policies);
        for (path, data, wrap_ttl, now_seconds, subject) in &asked {
            for operation in Operation::ALL {
                for need in [Need::Capability, Need::CapabilityAndSudo] {
                    let access = Access { path, operation, subject, now_seconds: *now_seconds };
                    let (data, wrap_ttl) = (data.as_ref(), *wrap_ttl);
                    let synonyms = Synonyms::NONE;
                    let question = Question { access, need, data, synonyms, wrap_ttl };
                    let verdict = compiled.decide(&question);
                    let got = (verdict.is_allowed(), verdict.has_sudo());
                    prop_assert_eq!(got, reference::decide(&policies, &question), "{:?}", question);
                    // A decision that does not ask who it is for is the same for everybody.
                    if !compiled.asks_who(path, operation) {
                        let access = Access { subject: NOBODY, ..access };
                        let other = compiled.decide(&Question { access, ..question });
                        prop_assert_eq!(got, (other.is_allowed(), other.has_sudo()));
                    }
                }
            }
        }
    }

    #[test]
    fn no_policy_text_is_too_strange(
        text in "(path|policy|capabilities|\"[a+*{}]{0,6}\"|[={}\\[\\],: \n1]){0,24}",
    ) {
        if let Ok(policy) = parse(&text) {
            Compiled::new(&[("p", &policy)]).capabilities(&access("a/b", Operation::List));
        }
    }
}
