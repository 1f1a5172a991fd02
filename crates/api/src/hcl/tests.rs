//! What the parser promises.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;

/// The tree in one line: labels in round brackets, every kind of value recognisable.
fn shown(body: &Body) -> String {
    let items = body.items.iter().map(|item| {
        let labels: Vec<_> = item.labels.iter().map(|label| label.text.as_str()).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("({})", labels.join(",")) };
        format!("{}{labels}={}", item.key.text, shown_value(&item.value))
    });
    items.collect::<Vec<_>>().join(" ")
}

fn shown_value(value: &Value) -> String {
    match &value.content {
        Content::Text(text) => format!("{text:?}"),
        Content::Number(text) => text.clone(),
        Content::Bool(truth) => truth.to_string(),
        Content::List(values) => {
            format!("[{}]", values.iter().map(shown_value).collect::<Vec<_>>().join(","))
        }
        Content::Object(body) => format!("{{{}}}", shown(body)),
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let got = match parse(text) {
        Ok(body) => shown(&body),
        Err(error) => format!("! {error}"),
    };
    assert_eq!(got, expected, "{text:?}");
}

#[test]
fn every_form_of_hcl_is_read() {
    check("", "");
    check(" \t\r\n", "");
    check("a = 1", "a=1");
    check("a=1 b=2", "a=1 b=2");
    check("a=1,b=2,", "a=1 b=2");
    check("\"a b\" = 1", "a b=1");
    check("a-b.c_d = true", "a-b.c_d=true");
    check("a = false", "a=false");
    check("a = -1.5e3", "a=-1.5e3");
    check("a = 0x1F", "a=0x1F");
    check("a = 0", "a=0");
    check("a = []", "a=[]");
    check("a = [1, \"b\", true, [2], {c = 3}]", "a=[1,\"b\",true,[2],{c=3}]");
    check("a = [\n 1,\n 2,\n]", "a=[1,2]");
    check("a = {}", "a={}");
    check("a {}", "a={}");
    check("a {} a {}", "a={} a={}");
    check("a { b = 1 c = 2 }", "a={b=1 c=2}");
    check("a { b { c { d = 1 } } }", "a={b={c={d=1}}}");
    check("path \"x/*\" { capabilities = [\"read\"] }", "path(x/*)={capabilities=[\"read\"]}");
    check("\"path\" \"x\" {}", "path(x)={}");
    check("audit file \"to-stdout\" {}", "audit(file,to-stdout)={}");
    check("a = { b \"l\" { c = 1 } }", "a={b(l)={c=1}}");
    check("a = { b = 1, c = 2 }", "a={b=1 c=2}");
    check("\u{feff}a = 1", "a=1");
    check("ключ = \"значение\"", "ключ=\"значение\"");
}

#[test]
fn comments_mean_nothing() {
    check("# a = 1", "");
    check("// a = 1\nb = 2 # c\n", "b=2");
    check("/* a\n = 1 */ b = /**/ 2", "b=2");
    check("a = [ # one\n 1, // two\n 2 /* three */ ]", "a=[1,2]");
    check("a = \"# // /* no comment */\"", "a=\"# // /* no comment */\"");
    check("/*/ a = 1", "! this comment never ends; close it with */ on line 1, column 1");
}

#[test]
fn texts_have_escapes_and_heredocs() {
    check(r#"a = "\"\\\n\t\r\x41\101\u00e9\U0001F600""#, "a=\"\\\"\\\\\\n\\t\\rAAé😀\"");
    check("a = \"${b}\"", "a=\"${b}\"");
    check("a = <<EOF\nx\n  y\nEOF\nb = 1", "a=\"x\\n  y\\n\" b=1");
    check("a = <<EOF\nEOF", "a=\"\"");
    check("a = <<EOF\r\nx\r\nEOF\r\n", "a=\"x\\r\\n\"");
    check("a = <<-EOF\n    x\n      y\n    EOF\n", "a=\"x\\n  y\\n\"");
    check("a = <<-EOF\n x\n    y\n  EOF\n", "a=\" x\\n    y\\n\"");
    check("a = [<<EOF\nx\nEOF\n, 1]", "a=[\"x\\n\",1]");
    check("a = <<EOF\nEOFx\nEOF\n", "a=\"EOFx\\n\"");
}

#[test]
fn json_means_the_same() {
    check("{}", "");
    check(" \n{\"a\": 1}", "a=1");
    check(r#"{"a": [1, true, {"c": {}}]}"#, "a=[1,true,{c={}}]");
    check(r#"{"a": "b\u00e9\/\ud83d\ude00"}"#, "a=\"bé/😀\"");
    check(r#"{"a": null, "b": 1}"#, "b=1");
    check(r#"{"path": {"x": {"capabilities": ["read"]}}}"#, "path={x={capabilities=[\"read\"]}}");
    check("{\"a\": 1,}", "! this is not JSON: key must be a string on line 1, column 9");
    check("{\"a\" = 1}", "! this is not JSON: expected `:` on line 1, column 6");
    check("{\"é\": 1, x}", "! this is not JSON: key must be a string on line 1, column 10");
    check("{\n\"a\": 1\n", "! this is not JSON: EOF while parsing an object on line 3, column 1");
    check("{} {}", "! this is not JSON: trailing characters on line 1, column 4");
    check("{\"a\":[null]}", "! a list cannot hold null; leave it out on line 1, column 7");
    check("{\"a\":1,\n \"a\":2}", "! key \"a\" is set a second time on line 2, column 2");
}

#[test]
fn mistakes_name_their_place() {
    check("a", "! expected \"=\", \"{\" or a label, found the end of the text on line 1, column 2");
    check("a =", "! expected a value, found the end of the text on line 1, column 4");
    check("a = \n  ]", "! expected a value, found ']' on line 2, column 3");
    check("a = b", "! texts stand in double quotes on line 1, column 5");
    check("a = null", "! texts stand in double quotes on line 1, column 5");
    check("}", "! expected a key, found '}' on line 1, column 1");
    check("a {\n  b = 1\n", "! expected a key, found the end of the text on line 3, column 1");
    check("1 = 2", "! expected a key, found '1' on line 1, column 1");
    check("a = 1\nb = [1 2]", "! expected \",\" or \"]\", found '2' on line 2, column 8");
    check("a = [,]", "! expected a value, found ',' on line 1, column 6");
    check("a = [1,,2]", "! expected a value, found ',' on line 1, column 8");
    check("a = [1", "! expected \",\" or \"]\", found the end of the text on line 1, column 7");
    check(
        "a \"b\" = 1",
        "! a key with labels opens a block; use { instead of = on line 1, column 1",
    );
    check("a = 1\n a = 2", "! key \"a\" is set a second time on line 2, column 2");
    check(
        "é é é = 1\n",
        "! a key with labels opens a block; use { instead of = on line 1, column 1",
    );
    check(
        "a = \"b\nc\"",
        "! this text never ends; close it with a double quote on line 1, column 5",
    );
    check(
        "é = \"\\q\"",
        "! unknown escape; a backslash itself is written twice on line 1, column 6",
    );
    check("a = \"\\ud83d\"", "! this escape does not name a character on line 1, column 6");
    check("a = \"\\x+1\"", "! this escape does not name a character on line 1, column 6");
    for number in ["10s", "1.", "012", "-", "1e", "1_000", "0x", "--1", "1.2.3"] {
        let problem = "this is not a number; put texts and durations in double quotes";
        check(&format!("a = {number}"), &format!("! {problem} on line 1, column 5"));
    }
    let never = "this heredoc never ends; close it with EOF on its own line on line 1, column 5";
    check("a = <<EOF\nx\n", &format!("! {never}"));
    check("a = <<EOF\nx EOF", &format!("! {never}"));
    let mark = "a heredoc opens with a mark alone on its line, like <<EOF on line 1, column 5";
    check("a = << EOF\nEOF\n", &format!("! {mark}"));
    check("a = <<EOF", &format!("! {mark}"));
}

#[test]
fn limits_are_kept() {
    let nested = |depth: usize| format!("{}{}", "a {".repeat(depth), "}".repeat(depth));
    assert!(parse(&nested(DEPTH_MAX - 1)).is_ok());
    let deep = "this is nested too deeply; at most 32 levels are read";
    assert_eq!(parse(&nested(DEPTH_MAX)).unwrap_err().problem, deep);
    let labels = |count: usize| format!("a {}{{}}", "b ".repeat(count));
    assert!(parse(&labels(LABELS_MAX)).is_ok());
    assert_eq!(parse(&labels(LABELS_MAX + 1)).unwrap_err().problem, "a block has at most 8 labels");
    let list = |count: usize| format!("a = [{}]", "1,".repeat(count));
    assert!(parse(&list(VALUES_MAX - 2)).is_ok());
    let many = "there are too many values; at most 200000 are read";
    assert_eq!(parse(&list(VALUES_MAX)).unwrap_err().problem, many);
    let long = "#".repeat(TEXT_BYTES_MAX + 1);
    let problem = "the text has 1048577 bytes; at most 1048576 are read";
    assert_eq!(parse(&long).unwrap_err().problem, problem);
    assert!(parse(&long[1..]).is_ok());
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    for unit in
        ["a={", "a{", "{\"a\":", "a=[{", "[", "a=[[[[[[[[[[[", "a=\"\\", "/*", "a<<", "{\"a\":[["]
    {
        let bomb = unit.repeat(TEXT_BYTES_MAX / unit.len());
        parse(&bomb).unwrap_err();
    }
    let open_list = "a = ".to_owned() + &"[".repeat(TEXT_BYTES_MAX - 4);
    assert_eq!(parse(&open_list).unwrap_err().position, Position { line: 1, column: 36 });
}

#[track_caller]
fn check_blocks(text: &str, label_count: usize, expected: &str) {
    let got = match parse(text).unwrap().blocks("path", label_count) {
        Ok(blocks) => {
            let shown = blocks.iter().map(|block| {
                let labels: Vec<_> = block.labels.iter().map(|name| name.text.as_str()).collect();
                format!("{}:{}", labels.join(","), shown(block.body))
            });
            shown.collect::<Vec<_>>().join("; ")
        }
        Err(error) => format!("! {error}"),
    };
    assert_eq!(got, expected, "{text:?}");
}

#[test]
fn blocks_are_found_however_they_are_spelled() {
    check_blocks("path \"x\" {a=1} other {} path \"y\" {b=2}", 1, "x:a=1; y:b=2");
    check_blocks("path = { x = {a=1} \"y\" {b=2} }", 1, "x:a=1; y:b=2");
    check_blocks("path { x {a=1} }", 1, "x:a=1");
    check_blocks(r#"{"path":{"x":{"a":1},"y":{"b":2}}}"#, 1, "x:a=1; y:b=2");
    check_blocks(r#"{"path":[{"x":{"a":1}},{"y":{"b":2}}]}"#, 1, "x:a=1; y:b=2");
    check_blocks(r#"{"path":{"x":[{"a":1},{"a":2}]}}"#, 1, "x:a=1; x:a=2");
    check_blocks(r#"{"path":{"x":{"y":{"a":1}}}}"#, 2, "x,y:a=1");
    check_blocks("path \"x\" \"y\" {a=1}", 2, "x,y:a=1");
    check_blocks("path x { y {a=1} }", 2, "x,y:a=1");
    check_blocks("path {a=1}", 0, ":a=1");
    check_blocks(r#"{"path":[{"a":1},{"a":2}]}"#, 0, ":a=1; :a=2");
    check_blocks("a = 1", 1, "");
    let form = "a \"path\" block is written as path \"label\" { … }";
    check_blocks("\npath = \"x\"", 1, &format!("! {form} on line 2, column 1"));
    check_blocks("path \"x\" \"y\" {}", 1, &format!("! {form} on line 1, column 1"));
    check_blocks("path {\n a = 1 }", 1, &format!("! {form} on line 2, column 2"));
    check_blocks("path = [\n1]", 1, &format!("! {form} on line 2, column 1"));
}

#[track_caller]
fn check_value<T: ToString>(text: &str, read: fn(&Value) -> Result<T, Error>, expected: &str) {
    let body = parse(&format!("a = {text}")).unwrap();
    let got = match read(body.value("a").unwrap().unwrap()) {
        Ok(value) => value.to_string(),
        Err(error) => format!("! {error}"),
    };
    assert_eq!(got, expected, "{text:?}");
}

#[test]
fn values_are_read_as_what_is_expected() {
    check_value("true", Value::truth, "true");
    check_value("\"true\"", Value::truth, "true");
    check_value("0", Value::truth, "false");
    check_value("2", Value::truth, "! expected true or false, found a number on line 1, column 5");
    check_value("7", Value::whole_number, "7");
    check_value("\"7\"", Value::whole_number, "7");
    check_value("0xff", Value::whole_number, "255");
    check_value(
        "-1",
        Value::whole_number,
        "! expected a whole number, like 100, found a number below zero on line 1, column 5",
    );
    for inexact in ["1.5", "1e3"] {
        let found = "found a number with a point or an exponent on line 1, column 5";
        let expected = format!("! expected a whole number, like 100, {found}");
        check_value(inexact, Value::whole_number, &expected);
    }
    check_value("\"1h30m\"", Value::seconds, "5400");
    check_value("90", Value::seconds, "90");
    check_value("-90", Value::seconds, "! cannot provide negative value '-90' on line 1, column 5");
    check_value(
        "[]",
        Value::seconds,
        "! expected a duration, like \"1h30m\", found a list on line 1, column 5",
    );
    check_value("[1, \"b\", {c=true}]", Value::to_json, r#"[1,"b",{"c":true}]"#);
    check_value("{b \"l\" {c=0x10}}", Value::to_json, r#"{"b":{"l":{"c":16}}}"#);
    check_value(
        "{b {} b {}}",
        Value::to_json,
        "! key \"b\" is set a second time on line 1, column 11",
    );
}

#[test]
fn a_value_that_is_set_twice_is_refused() {
    let body = parse("a {}\na {}\nb \"c\" {}").unwrap();
    let problem = |key| body.value(key).unwrap_err().to_string();
    assert_eq!(problem("a"), "key \"a\" is set a second time on line 2, column 1");
    assert_eq!(problem("b"), "\"b\" takes no label on line 3, column 3");
    assert_eq!(body.value("c"), Ok(None));
}

#[test]
fn unknown_keys_are_named_with_their_place() {
    let body = parse("good = 1\n  bad = 2").unwrap();
    assert_eq!(body.allow_only(&["good", "bad"]), Ok(()));
    let error = body.allow_only(&["good"]).unwrap_err();
    assert_eq!(error.to_string(), "invalid key \"bad\" on line 2, column 3");
}

#[test]
fn values_stay_out_of_debug_output() {
    let body = parse("token = \"s3cret\" pin = 4711 more = [\"s3cret\"]").unwrap();
    let shown = format!("{body:?}");
    assert!(shown.contains("token") && !shown.contains("s3cret") && !shown.contains("4711"));
}

/// Reads `text` as HCL 2 as well, by other people's parser.
#[track_caller]
fn check_oracle(text: &str) {
    let theirs: serde_json::Value = ::hcl::from_str(text).unwrap();
    let content = Content::Object(parse(text).unwrap());
    let ours = Value { content, position: Position::START }.to_json().unwrap();
    assert_eq!(ours.to_string(), theirs.to_string(), "{text:?}");
}

#[test]
fn another_parser_reads_the_same() {
    check_oracle("a = 1\nb = -2\nc = \"x\"\nd = true\ne = [1, \"y\", false]\n");
    check_oracle("a = 1.5\n");
    check_oracle("a = {\n b = 1, c = [\n1,\n2,\n]\n}\n");
    check_oracle("# one\n// two\n/* three */\na = 1 # four\n");
    check_oracle("path \"secret/*\" {\n  capabilities = [\"read\", \"list\"]\n}\n");
    check_oracle("audit \"file\" \"main\" {\n  options {\n    path = \"stdout\"\n  }\n}\n");
    check_oracle("a = \"\\\"\\\\\\n\\t\\u00e9\"\n");
    check_oracle("a = <<EOF\nx\n  y\nEOF\n");
    check_oracle("a = <<-EOF\n  x\n    y\n  EOF\n");
    check_oracle("listener \"tcp\" {\n  address = \"127.0.0.1:8200\"\n  tls_disable = true\n}\n");
}

fn position_is_inside(text: &str, position: Position) -> bool {
    let line = text.split('\n').nth(position.line as usize - 1);
    line.is_some_and(|line| (1..=line.chars().count() + 1).contains(&(position.column as usize)))
}

const VALID: &[&str] = &[
    "path \"secret/*\" { capabilities = [\"read\", \"list\"], min_wrapping_ttl = \"1m\" }",
    "a = <<-EOF\n  text\n  EOF\nb = { c = [1, -2.5e1, 0x1f, true], } # end\n/* x */ d \"l\" {}",
    r#"{"path": {"x\u00e9": {"capabilities": ["read"], "allowed_parameters": {"a": [1, null]}}}}"#,
];

/// A valid text with a few pieces cut out, doubled or put in.
fn mutated() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), "[\\PC\n]{0,3}");
    let edits = prop::collection::vec(edit, 0..4);
    (prop::sample::select(VALID), edits).prop_map(|(text, edits)| {
        edits.into_iter().fold(text.to_owned(), |text, (from, to, new)| {
            let letters: Vec<char> = text.chars().collect();
            let (from, to) = (from.index(letters.len() + 1), to.index(letters.len() + 1));
            letters[..from]
                .iter()
                .chain(new.chars().collect::<Vec<_>>().iter())
                .chain(&letters[to..])
                .collect()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_is_too_strange(text in prop_oneof![
        "[-a{}\\[\\]=\"\\\\<EOF\n ,#/*:0-9x$]{0,60}",
        "\\{[-a{}\\[\\]\"\\\\,:0-9 \n]{0,30}\\}",
        any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        mutated(),
    ]) {
        match parse(&text) {
            Ok(body) => prop_assert!(!shown(&body).is_empty() || body.items.is_empty()),
            Err(error) => {
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
                prop_assert!(position_is_inside(text, error.position), "{text:?}: {error}");
            }
        }
    }

    #[test]
    fn any_text_in_quotes_comes_back(text in any::<String>()) {
        let quoted = serde_json::to_string(&text).unwrap();
        let json = parse(&format!("{{\"a\":{quoted}}}")).unwrap();
        prop_assert_eq!(json.value("a").unwrap().unwrap().text(), Ok(text.as_str()));
        let hcl = parse(&format!("a = {quoted}")).unwrap();
        prop_assert_eq!(hcl.value("a").unwrap().unwrap().text(), Ok(text.as_str()));
    }
}
