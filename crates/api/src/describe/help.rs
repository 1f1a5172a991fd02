//! The texts behind `path-help`, in the layout existing clients know.

use std::fmt::Write;

use serde_json::Value;

use super::fields;
use crate::Path;

/// The text for one path, as asked for at `request`.
pub fn path_help<C: Send + Sync + 'static>(path: &Path<C>, request: &str) -> String {
    let mut text = format!("Request:        {request}\nMatching Route: {}\n", path.pattern.regex());
    let _ = write!(text, "\n{}\n", path.summary);
    let fields = fields::all(path);
    if !fields.is_empty() {
        text.push_str("\n## PARAMETERS\n");
    }
    for (name, field) in fields {
        let description = describe(&field).replace('\n', "\n        ");
        let _ = write!(text, "\n    {name} ({})\n\n        {description}\n", kind(&field));
    }
    let _ = write!(text, "\n## DESCRIPTION\n\n{}\n", path.description);
    text
}

/// The text for a mount: what it is, and its paths.
pub fn mount_help<'a>(description: &str, paths: impl Iterator<Item = (String, &'a str)>) -> String {
    let mut text = format!("## DESCRIPTION\n\n{description}\n\n## PATHS\n\n");
    text.push_str("The following paths are supported by this backend. To view help for\n");
    text.push_str("any of the paths below, use the help command with any route matching\n");
    text.push_str("the path pattern. Note that depending on the policy of your auth token,\n");
    text.push_str("you may or may not be able to access certain paths.\n");
    for (regex, summary) in paths {
        let _ = write!(text, "\n    {regex}\n        {summary}\n");
    }
    text
}

fn kind(field: &Value) -> &str {
    let name = match &field["type"] {
        Value::Array(names) => names.first().and_then(Value::as_str),
        name => name.as_str(),
    };
    match (name, field["format"].as_str()) {
        (Some("integer"), Some("seconds")) => "duration (sec)",
        (Some("integer"), _) => "int",
        (Some("array"), _) => "slice",
        (Some("boolean"), _) => "bool",
        (Some(other), _) if other != "object" => other,
        _ => "map",
    }
}

fn describe(field: &Value) -> &str {
    field["description"].as_str().unwrap_or("<no description>")
}
