//! Lines fit the page, functions fit a screen, files say what they are.

use proc_macro2::{Delimiter, TokenTree};

use crate::allowances;
use crate::source::{Finding, Scope, Text, walk};

const LINE_WIDTH_MAX: usize = 100;
const FUNCTION_LINES_MAX: usize = 70;

pub(crate) fn lines_too_wide(text: &Text) -> Vec<Finding> {
    let widths = text.content.lines().map(|line| line.chars().count()).enumerate();
    let wide = widths.filter(|(_, width)| *width > LINE_WIDTH_MAX);
    let measured: Vec<_> =
        wide.map(|(above, width)| (format!("line-{}", above + 1), above + 1, width)).collect();
    allowances::judge("lines-too-wide", text, LINE_WIDTH_MAX, &measured)
}

pub(crate) fn functions_too_long(text: &Text) -> Vec<Finding> {
    let mut measured = Vec::new();
    walk(text.tokens(), Scope::All, &mut |rest| {
        if let Some((name, line, length)) = function(rest)
            && length > FUNCTION_LINES_MAX
        {
            measured.push((name, line, length));
        }
    });
    allowances::judge("functions-too-long", text, FUNCTION_LINES_MAX, &measured)
}

pub(crate) fn files_without_opening(text: &Text) -> Vec<Finding> {
    if text.content.starts_with("//! ") {
        return vec![];
    }
    vec![text.finding(1, "open with //! and one line that says what this file is")]
}

/// Name, first line and number of lines of the function that begins here, if one does.
fn function(trees: &[TokenTree]) -> Option<(String, usize, usize)> {
    let [TokenTree::Ident(word), TokenTree::Ident(name), rest @ ..] = trees else {
        return None;
    };
    if word != "fn" {
        return None;
    }
    let body = rest.iter().find_map(|tree| match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(Some(group)),
        TokenTree::Punct(mark) if mark.as_char() == ';' => Some(None),
        _ => None,
    })??;
    let first = word.span().start().line;
    Some((name.to_string(), first, body.span_close().end().line - first + 1))
}

#[test]
fn a_wide_line_is_found() {
    let found = lines_too_wide(&Text::sample("a.rs", &format!("\n// {}\n", "é".repeat(98))));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].line, 2);
    assert_eq!(lines_too_wide(&Text::sample("a.rs", &"é".repeat(100))), []);
}

#[test]
fn a_long_function_is_found_wherever_it_stands() {
    let body = |lines: usize| "\n".repeat(lines - 1);
    let found = |content: String| functions_too_long(&Text::sample("a.rs", &content)).len();
    assert_eq!(found(format!("fn a() {{{}}}", body(70))), 0);
    assert_eq!(found(format!("fn a() {{{}}}", body(71))), 1);
    assert_eq!(found(format!("impl A {{ #[test] async fn a() {{{}}} }}", body(71))), 1);
    assert_eq!(found(format!("fn a() {{ let a = \"fn b() {{\"; {}}}", body(71))), 1);
    assert_eq!(found(format!("trait A {{ fn a(); {}fn b(); }}", body(71))), 0);
}

#[test]
fn a_file_that_does_not_say_what_it_is_is_found() {
    assert_eq!(files_without_opening(&Text::sample("a.rs", "use b;\n//! Late.\n")).len(), 1);
    assert_eq!(files_without_opening(&Text::sample("a.rs", "//!\n")).len(), 1);
    assert_eq!(files_without_opening(&Text::sample("a.rs", "//! Says it.\n")), []);
}
