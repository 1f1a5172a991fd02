//! What a rule lets pass for now. The list may only shrink.

use crate::source::{Finding, Text};

const LIST: &str = include_str!("allowances.txt");

/// One line of the list.
#[derive(Debug)]
pub(crate) struct Allowance {
    pub(crate) rule: String,
    pub(crate) path: String,
    /// What in that file: the name of a function, say.
    pub(crate) what: String,
    pub(crate) number: usize,
}

pub(crate) fn all() -> Vec<Allowance> {
    parse(LIST)
}

/// What is wrong with these `measured` things of `text`, given what is allowed.
///
/// `measured` holds the name, the line and the number of each thing that is over `limit`.
pub(crate) fn judge(
    rule: &str,
    text: &Text,
    limit: usize,
    measured: &[(String, usize, usize)],
) -> Vec<Finding> {
    judge_by(&all(), rule, text, (limit, measured))
}

fn judge_by(
    allowances: &[Allowance],
    rule: &str,
    text: &Text,
    (limit, measured): (usize, &[(String, usize, usize)]),
) -> Vec<Finding> {
    let here = || allowances.iter().filter(|it| it.rule == rule && it.path == text.path);
    let mut findings = Vec::new();
    for (what, line, number) in measured {
        match here().find(|allowance| allowance.what == *what) {
            None => findings.push(text.finding(*line, format!("{what}: {number}, over {limit}"))),
            Some(allowed) if allowed.number != *number => {
                let change = if *number > allowed.number { "grew" } else { "shrank: lower it" };
                let told = format!("{what}: {number}, {} allowed; it {change}", allowed.number);
                findings.push(text.finding(*line, told));
            }
            Some(_) => {}
        }
    }
    for allowed in here().filter(|allowed| measured.iter().all(|(what, ..)| *what != allowed.what))
    {
        findings.push(text.finding(1, format!("{}: its allowance is not needed", allowed.what)));
    }
    findings
}

fn parse(list: &str) -> Vec<Allowance> {
    let lines = list.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(parse_line).collect()
}

fn parse_line(line: &str) -> Allowance {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [rule, path, what, number] = words[..] else {
        panic!("{line:?} is not <rule> <path> <what> <number>");
    };
    let owned = |word: &str| word.to_owned();
    let number = number.parse().unwrap();
    Allowance { rule: owned(rule), path: owned(path), what: owned(what), number }
}

#[test]
fn the_list_may_only_shrink() {
    let allowed = parse("# why\nrule a.rs long 90\n");
    let text = Text::sample("a.rs", "");
    let count = |measured: &[(&str, usize)]| {
        let named = |(what, number): &(&str, usize)| ((*what).to_owned(), 1, *number);
        let measured: Vec<_> = measured.iter().map(named).collect();
        judge_by(&allowed, "rule", &text, (70, &measured)).len()
    };
    assert_eq!(count(&[("long", 90)]), 0);
    assert_eq!(count(&[("long", 91)]), 1);
    assert_eq!(count(&[("long", 89)]), 1);
    assert_eq!(count(&[]), 1);
    assert_eq!(count(&[("long", 90), ("other", 71)]), 1);
}
