//! The house rules of STYLE.md, as tests.
//!
//! A rule is a function from text to findings, with a proof beside it that it can fail. Here every
//! rule meets the whole project. What a rule lets pass for now stands in `allowances.txt`, which
//! may only shrink.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod allowances;
mod edges;
mod map;
mod reach;
mod shape;
mod source;
mod traces;
mod words;

use source::{Finding, Project};

#[test]
fn every_line_fits_the_page() {
    expect_none(rust(shape::lines_too_wide));
}

#[test]
fn every_function_fits_a_screen() {
    expect_none(rust(shape::functions_too_long));
}

#[test]
fn every_function_takes_few_arguments() {
    expect_none(rust(shape::functions_with_too_many_arguments));
}

#[test]
fn every_file_says_what_it_is() {
    expect_none(rust(shape::files_without_opening));
}

#[test]
fn nothing_is_left_for_later() {
    expect_none(rust(words::left_for_later));
}

#[test]
fn unwrap_stays_in_tests() {
    expect_none(rust(words::unwrap_outside_tests));
}

#[test]
fn names_are_whole_words() {
    expect_none(rust(words::clipped_names));
}

#[test]
fn an_exception_from_the_house_rules_says_why() {
    expect_none(rust(words::exceptions_without_reason));
}

#[test]
fn http_words_stay_at_the_edge() {
    expect_none(rust(edges::http_words_inside));
}

#[test]
fn crates_use_what_the_map_says() {
    let project = Project::read();
    expect_none(edges::undeclared(&project.text_of("ARCHITECTURE.md"), &project.manifests()));
}

#[test]
fn the_map_names_what_exists() {
    let project = Project::read();
    let exists = |path: &str| project.root.join(path).exists();
    expect_none(map::dead_ends(&project.text_of("ARCHITECTURE.md"), exists));
}

#[test]
fn no_link_leads_nowhere() {
    let project = Project::read();
    let exists = |path: &str| project.root.join(path).exists();
    let pages = project.texts.iter().filter(|text| text.path.ends_with(".md"));
    expect_none(pages.flat_map(|page| map::dead_links(page, exists)).collect());
}

#[test]
fn no_file_is_dead() {
    let project = Project::read();
    expect_none(reach::dead_files(&project.rust_texts(), &project.manifests()));
}

#[test]
fn no_file_names_a_machine() {
    let project = Project::read();
    expect_none(project.texts.iter().flat_map(traces::of_machines).collect());
}

#[test]
fn no_commit_names_a_machine() {
    expect_none(traces::of_machines(&Project::read().commit_messages()));
}

#[test]
fn allowances_name_a_rule_that_exists() {
    let rules = ["lines-too-wide", "functions-too-long", "functions-with-too-many-arguments"];
    for allowance in allowances::all() {
        assert!(rules.contains(&allowance.rule.as_str()), "{allowance:?} names no rule");
    }
}

/// What `rule` finds in all Rust files.
fn rust(rule: fn(&source::Text) -> Vec<Finding>) -> Vec<Finding> {
    let project = Project::read();
    let texts = project.rust_texts();
    assert!(!texts.is_empty(), "there is something to check");
    texts.iter().flat_map(rule).collect()
}

#[track_caller]
fn expect_none(findings: Vec<Finding>) {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(lines.is_empty(), "{} to mend:\n{}\n", lines.len(), lines.join("\n"));
}
