//! `list` and `scan`: the names below a path, one level of them or all.

use client::{Request, Secret};
use serde_json::{Map, Value, json};

use crate::command::{Call, Command, Count, FORMAT, HTTP, Shelf, own};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Kind};
use crate::output::{self, go_text, texts};
use crate::session::{Doing, Session};

pub(crate) static COMMAND: Command = Command {
    words: "list",
    shelf: Shelf::Common,
    synopsis: "List the names below a path.",
    usage: "[options] PATH",
    details: "Lists the names below a path. Names that end in a slash have more below \
              them.\n\n    $ {} list secret/my-app",
    flags: &[HTTP, FORMAT, own(PAGING)],
    arguments: Count::ONE,
    run,
};

pub(crate) static SCAN: Command = Command {
    words: "scan",
    shelf: Shelf::Other,
    synopsis: "List everything below a path.",
    usage: "[options] PATH",
    details: "Lists everything below a path, however deep.\n\n    $ {} scan secret/my-app",
    flags: &[HTTP, FORMAT, own(PAGING)],
    arguments: Count::ONE,
    run: run_scan,
};

/// For lists too long to be fetched whole.
pub(super) const PAGING: &[Flag] = &[
    Flag::text("after", "List only names behind this one."),
    Flag::new(Kind::Integer, "limit", "List at most so many names."),
];

fn run(call: &Call) -> Outcome {
    let path = call.path(0);
    let request = paged(call, Request::list(&path));
    let session = Session::open(call)?;
    let found = session.find(request).doing(&format!("Error listing {path}"))?;
    show(call, &path, found)
}

fn run_scan(call: &Call) -> Outcome {
    let path = call.path(0);
    let request = paged(call, Request::scan(&path));
    let session = Session::open(call)?;
    let found = session.find(request).doing(&format!("Error scanning {path}"))?;
    show(call, &path, found)
}

/// Adds where a list begins and ends.
pub(super) fn paged(call: &Call, mut request: Request) -> Request {
    for name in ["after", "limit"] {
        if let Some(value) = call.flags.text(name) {
            request = request.query(name, value);
        }
    }
    request
}

/// Prints the names of a list, or says that there are none.
pub(super) fn show(call: &Call, path: &str, found: Option<Secret>) -> Outcome {
    let Some(secret) = found else {
        return nothing(call, format!("No value found at {path}"));
    };
    if secret.wrap_info.is_some() {
        call.output.secret(&secret)?;
        return Ok(Exit::SUCCESS);
    }
    let names = texts(secret.value("keys"));
    if names.is_empty() {
        return nothing(call, format!("No entries found at {path}"));
    }
    if !call.output.is_table() {
        match call.output.detailed {
            true => call.output.program(&secret)?,
            false => call.output.program(&names)?,
        }
        return Ok(Exit::SUCCESS);
    }
    call.output.warnings(secret.warnings());
    let facts = secret.value("key_info").and_then(Value::as_object);
    call.output.say(&table(names, facts.filter(|_| call.output.detailed)));
    Ok(Exit::SUCCESS)
}

fn nothing(call: &Call, text: String) -> Outcome {
    if call.output.is_table() {
        return Err(Failure::remote(text));
    }
    call.output.program(&json!({}))?;
    Ok(Exit::NEGATIVE)
}

fn table(mut names: Vec<String>, facts: Option<&Map<String, Value>>) -> String {
    names.sort_unstable();
    let of = |name: &str| facts.and_then(|facts| facts.get(name)).and_then(Value::as_object);
    let mut columns: Vec<&str> = names
        .iter()
        .filter_map(|name| of(name))
        .flat_map(|entry| entry.keys().map(String::as_str))
        .collect();
    columns.sort_unstable();
    columns.dedup();
    let rows = names.iter().map(|name| {
        let cells = columns.iter().map(|column| {
            of(name).and_then(|entry| entry.get(*column)).map(go_text).unwrap_or_default()
        });
        std::iter::once(name.clone()).chain(cells).collect()
    });
    let headings: Vec<&str> = std::iter::once("Keys").chain(columns.iter().copied()).collect();
    output::list(&headings, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_facts_about_them_are_columns() {
        let names = || vec!["b".to_owned(), "a/".to_owned()];
        assert_eq!(table(names(), None), "Keys\n----\na/\nb");
        let facts = json!({"b": {"size": 3, "age": "1h"}});
        assert_eq!(
            table(names(), facts.as_object()),
            "Keys    age    size\n----    ---    ----\na/      n/a    n/a\nb       1h     3"
        );
    }
}
