//! No file and no commit names a machine it was written on, or a host packages came from.

use crate::source::{Finding, Text};

/// Cargo writes where crates came from into it; that is what it is for.
const LOCK: &str = "Cargo.lock";

pub(crate) fn of_machines(text: &Text) -> Vec<Finding> {
    if text.path == LOCK {
        return vec![];
    }
    let mut findings = Vec::new();
    for (above, line) in text.content.lines().enumerate() {
        for trace in traces().iter().filter(|trace| line.contains(trace.as_str())) {
            findings.push(text.finding(above + 1, format!("{trace} is of no use to a reader")));
        }
    }
    findings
}

/// Put together here, so that this file does not hold them.
fn traces() -> Vec<String> {
    let folders = ["work", "root", "Users"].map(|folder| format!("/{folder}/"));
    let hosts = [["crates", "io"], ["npmjs", "org"], ["pypi", "org"]].map(|parts| parts.join("."));
    folders.into_iter().chain(hosts).collect()
}

#[test]
fn a_trace_of_a_machine_is_found() {
    let found = |path: &str, line: &str| of_machines(&Text::sample(path, line)).len();
    assert_eq!(found("README.md", &format!("see {}work/main", "/")), 1);
    assert_eq!(found("docs/a.md", &["https://static.crates", "io"].join(".")), 1);
    assert_eq!(found(LOCK, &["https://static.crates", "io"].join(".")), 0);
    assert_eq!(found("README.md", "run it in /var/lib/strongroom, at work/here"), 0);
}
