//! Lines fit the page, functions fit a screen and a sentence, files say what they are.

use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenTree};

use crate::allowances;
use crate::source::{Finding, Scope, Text, walk};

const LINE_WIDTH_MAX: usize = 100;
const FUNCTION_LINES_MAX: usize = 70;
const ARGUMENTS_MAX: usize = 4;

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

/// More arguments than a reader keeps in mind, `self` not counted.
pub(crate) fn functions_with_too_many_arguments(text: &Text) -> Vec<Finding> {
    let mut measured = Vec::new();
    walk(text.tokens(), Scope::All, &mut |rest| {
        let Some((name, rest)) = named_function(rest) else {
            return;
        };
        let count = arguments(rest).map_or(0, count);
        if count > ARGUMENTS_MAX {
            measured.push((name.to_string(), name.span().start().line, count));
        }
    });
    allowances::judge("functions-with-too-many-arguments", text, ARGUMENTS_MAX, &measured)
}

/// The name of the function that begins here, and what follows it.
fn named_function(trees: &[TokenTree]) -> Option<(&Ident, &[TokenTree])> {
    match trees {
        [TokenTree::Ident(word), TokenTree::Ident(name), rest @ ..] if word == "fn" => {
            Some((name, rest))
        }
        _ => None,
    }
}

/// Name, first line and number of lines of the function that begins here, if it has a body.
fn function(trees: &[TokenTree]) -> Option<(String, usize, usize)> {
    let (name, rest) = named_function(trees)?;
    let body = rest.iter().find_map(|tree| match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(Some(group)),
        TokenTree::Punct(mark) if mark.as_char() == ';' => Some(None),
        _ => None,
    })??;
    let first = name.span().start().line;
    Some((name.to_string(), first, body.span_close().end().line - first + 1))
}

/// The arguments of a function: the first parentheses that are not part of its generics.
fn arguments(trees: &[TokenTree]) -> Option<&Group> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for tree in trees {
        match tree {
            TokenTree::Punct(mark) => {
                match mark.as_char() {
                    '<' => depth += 1,
                    '>' if before != '-' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                before = mark.as_char();
            }
            TokenTree::Group(group)
                if depth == 0 && group.delimiter() == Delimiter::Parenthesis =>
            {
                return Some(group);
            }
            _ => before = ' ',
        }
    }
    None
}

/// How many arguments there are: each has one colon that stands alone.
fn count(arguments: &Group) -> usize {
    let trees: Vec<TokenTree> = arguments.stream().into_iter().collect();
    let is_colon = |tree: &TokenTree| matches!(tree, TokenTree::Punct(it) if it.as_char() == ':');
    let is_joint =
        |tree: &TokenTree| matches!(tree, TokenTree::Punct(it) if it.spacing() == Spacing::Joint);
    let mut count = 0;
    for position in 1..trees.len() {
        let (before, tree) = (&trees[position - 1], &trees[position]);
        let doubled = is_colon(before) || is_joint(tree);
        let is_self = matches!(before, TokenTree::Ident(name) if name == "self");
        count += usize::from(is_colon(tree) && !doubled && !is_self);
    }
    count
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

#[test]
fn a_fifth_argument_is_found() {
    let found =
        |content: &str| functions_with_too_many_arguments(&Text::sample("a.rs", content)).len();
    assert_eq!(found("fn a(b: B, c: C, d: D, e: E) {}"), 0);
    assert_eq!(found("fn a(&mut self, b: B, c: C, d: D, e: E);"), 0);
    assert_eq!(found("fn a(self: Arc<Self>, b: b::B, c: C, d: D, e: E);"), 0);
    assert_eq!(found("fn a(b: &'a BTreeMap<B, C>, (d, e): (D, E), f: impl Fn(F) -> G) {}"), 0);
    assert_eq!(found("fn a<T: Fn(B) -> C>(b: B, c: C, d: D, e: E, f: F) {}"), 1);
    assert_eq!(found("impl A { async fn a(&self, b: b::B, c: C, d: D, e: E, f: F); }"), 1);
}
