//! `policy explain` and `policy test`: why a request would be allowed, or why not.

use client::Request;
use serde_json::{Map, Value, json};

use crate::arguments;
use crate::command::{Call, Command, Count, FORMAT, HTTP, Shelf, own};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};
use crate::output::texts;
use crate::session::{Doing, Session};

pub(crate) static EXPLAIN: Command = Command {
    words: "policy explain",
    shelf: Shelf::Other,
    synopsis: "Explain why a request is allowed or not.",
    usage: "[options] PATH [DATA K=V...]",
    details: "Tells whether a request would be allowed, and which rule of which policy decides; \
              for the token in use, unless another or a list of policies is given. Nothing is \
              performed. Ends with exit code 2 when the request would be denied.\n\n    \
              $ {} policy explain -operation=update secret/data/app",
    flags: &[
        HTTP,
        FORMAT,
        own(&[
            OPERATION,
            WRAPPED_FOR,
            Flag::text("token", "Explain for whoever has this token."),
            Flag::text("accessor", "Explain for whoever has the token with this accessor."),
            Flag::new(
                Kind::List,
                "policy",
                "Explain for whoever has this policy. May be given \
                                             several times.",
            ),
            Flag::text("candidate", "File with a policy to count in, as if it were stored."),
            CANDIDATE_NAME,
        ]),
    ],
    arguments: Count::at_least(1, "at least 1"),
    run: explain,
};

pub(crate) static TEST: Command = Command {
    words: "policy test",
    shelf: Shelf::Other,
    synopsis: "Try out a policy file before it is stored.",
    usage: "[options] FILE PATH [DATA K=V...]",
    details: "Tells whether a request would be allowed to whoever has the policy in a file, and \
              which rule decides. Nothing is stored or performed. The file - stands for the \
              standard input. Ends with exit code 2 when the request would be denied.\n\n    \
              $ {} policy test -operation=list admins.hcl secret/metadata/",
    flags: &[
        HTTP,
        FORMAT,
        own(&[
            OPERATION,
            WRAPPED_FOR,
            Flag::new(
                Kind::List,
                "policy",
                "A stored policy they have besides. May be given \
                                             several times.",
            ),
            CANDIDATE_NAME,
        ]),
    ],
    arguments: Count::at_least(2, "at least 2"),
    run: test,
};

const OPERATION: Flag = Flag::text(
    "operation",
    "What the request does: create, read, update (or write), patch, delete, list or scan.",
)
.default("read");
const WRAPPED_FOR: Flag =
    Flag::new(Kind::Duration, "wrapped-for", "For how long the request has its answer wrapped.");
const CANDIDATE_NAME: Flag =
    Flag::text("candidate-name", "The stored policy whose place the file takes.");

fn explain(call: &Call) -> Outcome {
    let mut body = question(call, 0)?;
    for name in ["token", "accessor"] {
        if let Some(text) = call.flags.text(name).filter(|text| !text.is_empty()) {
            body.insert(name.to_owned(), json!(text));
        }
    }
    let policies = call.flags.list("policy");
    if !policies.is_empty() {
        body.insert("policies".to_owned(), json!(policies));
    }
    if let Some(path) = call.flags.text("candidate").filter(|path| !path.is_empty()) {
        body.insert("candidate".to_owned(), json!(candidate(call, path)?));
    }
    ask(call, body)
}

fn test(call: &Call) -> Outcome {
    let mut body = question(call, 1)?;
    body.insert("policies".to_owned(), json!(call.flags.list("policy")));
    body.insert("candidate".to_owned(), json!(candidate(call, call.argument(0).trim())?));
    ask(call, body)
}

/// The request that is asked about: its path is the argument at `position`, its data all behind.
fn question(call: &Call, position: usize) -> Result<Map<String, Value>, Failure> {
    let data = arguments::parse(call.rest(position + 1), &super::write::input(call))?;
    let mut body = Map::new();
    body.insert("path".to_owned(), json!(call.argument(position).trim()));
    body.insert("operation".to_owned(), json!(call.flags.text("operation").unwrap_or("read")));
    body.insert("parameters".to_owned(), data.into());
    if let Some(ttl) = call.flags.duration("wrapped-for") {
        body.insert("wrap_ttl".to_owned(), json!(ttl));
    }
    if let Some(name) = call.flags.text("candidate-name").filter(|name| !name.is_empty()) {
        body.insert("candidate_name".to_owned(), json!(name));
    }
    Ok(body)
}

fn candidate(call: &Call, path: &str) -> Result<String, Failure> {
    let text = match path {
        "-" => super::write::input(call).read(),
        path => arguments::file(path),
    };
    text.map_err(|cause| Failure::local(format!("Error opening policy file: {cause}")))
}

fn ask(call: &Call, body: Map<String, Value>) -> Outcome {
    let request = super::write::with_body(Request::put("sys/policies/explain"), &body)?;
    let found = Session::open(call)?.perform(request).doing("Error explaining policies")?;
    let data = found.map(|secret| Value::Object(secret.data.unwrap_or_default()));
    let data = data.ok_or_else(|| Failure::remote("the server has no explanation"))?;
    if call.output.is_table() {
        call.output.say(&told(&data));
    } else {
        call.output.program(&data)?;
    }
    let is_allowed = data.get("allowed") == Some(&Value::Bool(true));
    Ok(if is_allowed { Exit::SUCCESS } else { Exit::NEGATIVE })
}

/// An explanation in a few lines.
fn told(data: &Value) -> String {
    let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default();
    let word = if data.get("allowed") == Some(&Value::Bool(true)) { "Allowed" } else { "Denied" };
    let mut lines = vec![format!("{word}: {} {}", text("operation"), text("path"))];
    lines.push(format!("  {}", text("reason")));
    for (key, what) in [("rule", "rule"), ("nearest", "nearest rule")] {
        let Some(rule) = data.get(key).filter(|rule| !rule.is_null()) else { continue };
        let path = rule.get("path").and_then(Value::as_str);
        let path = path.map_or("not to be read".to_owned(), |path| format!("{path:?}"));
        lines.push(format!("  {what}: {path}"));
        for source in rule.get("sources").and_then(Value::as_array).into_iter().flatten() {
            let policy = source.get("policy").and_then(Value::as_str).unwrap_or_default();
            let line = source.get("line").and_then(Value::as_u64);
            let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
            let capabilities = texts(source.get("capabilities")).join(", ");
            let capabilities = match capabilities.is_empty() {
                true => String::new(),
                false => format!(": {capabilities}"),
            };
            lines.push(format!("    policy {policy}{line}{capabilities}"));
        }
    }
    for policy in texts(data.get("unknown_policies")) {
        lines.push(format!("  there is no policy {policy:?}"));
    }
    lines.join("\n")
}
