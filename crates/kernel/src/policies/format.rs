//! The text of a policy, laid out the usual way: one thing a line, two spaces a level, equal signs
//! below each other. Comments stay where they are, and so does the meaning.

use super::{PolicyError, parse};

/// The same policy, laid out the usual way. JSON stays as it is.
///
/// # Errors
/// When it is no policy.
pub fn format(text: &str) -> Result<String, PolicyError> {
    let meant = parse(text)?;
    if text.trim_start().starts_with('{') {
        return Ok(text.to_owned());
    }
    let mut page = Page::default();
    for token in Tokens::new(text) {
        page.take(token);
    }
    let formatted = page.finish();
    // What cannot be laid out without changing it is better left alone.
    match parse(&formatted) {
        Ok(policy) if policy.means_the_same_as(&meant) => Ok(formatted),
        _ => Ok(text.to_owned()),
    }
}

/// A word of the text, as it is written.
#[derive(Clone, Copy)]
struct Token<'text> {
    text: &'text str,
    kind: Kind,
    /// Whether it is the first of its line.
    is_first: bool,
    /// Whether an empty line comes before it.
    after_blank: bool,
    /// All that comes after it.
    after: &'text str,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Word,
    Comment,
    Open,
    Close,
    OpenList,
    CloseList,
    Equal,
    Comma,
}

/// The words of a text that is known to parse.
struct Tokens<'text> {
    rest: &'text str,
    is_start: bool,
}

impl<'text> Tokens<'text> {
    fn new(text: &'text str) -> Self {
        Self { rest: text, is_start: true }
    }
}

impl<'text> Iterator for Tokens<'text> {
    type Item = Token<'text>;

    fn next(&mut self) -> Option<Token<'text>> {
        let start = self.rest.find(|letter: char| !letter.is_whitespace())?;
        let (space, rest) = self.rest.split_at_checked(start)?;
        let lines = space.matches('\n').count();
        let (length, kind) = measure(rest);
        let (text, after) = rest.split_at_checked(length)?;
        let is_first = lines > 0 || self.is_start;
        let after_blank = lines > 1 && !self.is_start;
        (self.rest, self.is_start) = (after, false);
        Some(Token { text: text.trim_end(), kind, is_first, after_blank, after })
    }
}

/// How many bytes the first word of `text` takes, and what it is.
fn measure(text: &str) -> (usize, Kind) {
    let to_end_of_line = || text.find('\n').unwrap_or(text.len());
    match text.as_bytes() {
        [b'#', ..] | [b'/', b'/', ..] => (to_end_of_line(), Kind::Comment),
        [b'/', b'*', ..] => {
            let inside = text.get(2..).and_then(|inside| inside.find("*/"));
            (inside.map_or(text.len(), |length| length + 4), Kind::Comment)
        }
        [b'<', b'<', ..] => (heredoc(text), Kind::Word),
        [b'"', ..] => (quoted(text), Kind::Word),
        [b'{', ..] => (1, Kind::Open),
        [b'}', ..] => (1, Kind::Close),
        [b'[', ..] => (1, Kind::OpenList),
        [b']', ..] => (1, Kind::CloseList),
        [b'=', ..] => (1, Kind::Equal),
        [b',', ..] => (1, Kind::Comma),
        _ => {
            let ends = |letter: char| letter.is_whitespace() || "{}[]=,\"#".contains(letter);
            (text.find(ends).unwrap_or(text.len()).max(1), Kind::Word)
        }
    }
}

fn quoted(text: &str) -> usize {
    let mut is_escaped = false;
    for (place, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return place + 1,
            _ => {}
        }
    }
    text.len()
}

/// To the end of the line that is only the mark.
fn heredoc(text: &str) -> usize {
    let mut length = 0;
    let mut mark = "";
    for line in text.split_inclusive('\n') {
        if mark.is_empty() {
            mark = line.trim().trim_start_matches("<<").trim_start_matches('-');
        } else if line.trim() == mark {
            return length + line.trim_end().len();
        }
        length += line.len();
    }
    text.len()
}

/// Whether a list that has just been opened ends on this line, with plain values only.
fn is_narrow(text: &str) -> bool {
    for token in (Tokens { rest: text, is_start: false }) {
        match token.kind {
            _ if token.is_first => return false,
            Kind::CloseList => return true,
            Kind::Word if !token.text.starts_with("<<") => {}
            Kind::Comma => {}
            _ => return false,
        }
    }
    false
}

/// What has been laid out so far.
#[derive(Default)]
struct Page {
    lines: Vec<Line>,
    /// What is open, the innermost last.
    open: Vec<Within>,
    /// The line that is being written.
    line: Option<Line>,
    /// Whether the next value ends the line.
    awaits_value: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Within {
    Block,
    /// On one line.
    NarrowList,
    /// One value a line.
    WideList,
}

/// One line, or a comment or heredoc of several.
#[derive(Default)]
struct Line {
    depth: usize,
    after_blank: bool,
    /// What stands before the equal sign.
    key: Option<String>,
    text: String,
    comment: Option<String>,
    /// Whether the value ends on the line, so that its equal sign lines up with its neighbours'.
    is_whole: bool,
}

impl Page {
    fn take(&mut self, token: Token<'_>) {
        match token.kind {
            Kind::Comment => self.comment(token),
            Kind::Comma => {}
            Kind::Equal => {
                if let Some(line) = &mut self.line {
                    line.key = Some(std::mem::take(&mut line.text));
                }
                self.awaits_value = true;
            }
            Kind::Open => {
                self.add(token);
                self.push_line();
                self.open.push(Within::Block);
                self.awaits_value = false;
            }
            Kind::Close => {
                self.push_line();
                self.open.pop();
                self.close("}");
            }
            Kind::OpenList => {
                self.add(token);
                if is_narrow(token.after) {
                    self.open.push(Within::NarrowList);
                } else {
                    self.push_line();
                    self.open.push(Within::WideList);
                }
            }
            Kind::CloseList => match self.open.pop() {
                Some(Within::NarrowList) => {
                    if let Some(line) = &mut self.line {
                        line.text.push(']');
                    }
                    self.end_value();
                }
                _ => {
                    self.push_line();
                    self.close("]");
                }
            },
            Kind::Word => {
                let is_value = self.awaits_value || self.open.last() == Some(&Within::WideList);
                self.add(token);
                if is_value && self.open.last() != Some(&Within::NarrowList) {
                    self.end_value();
                }
            }
        }
    }

    /// Writes a word, on a new line if none has begun.
    fn add(&mut self, token: Token<'_>) {
        let depth = self.open.len();
        let in_list = self.open.last() == Some(&Within::NarrowList);
        match &mut self.line {
            Some(line) => {
                let space = match (in_list, line.text.ends_with('[')) {
                    (true, true) => "",
                    (true, false) => ", ",
                    (false, _) if line.text.is_empty() => "",
                    (false, _) => " ",
                };
                line.text.push_str(space);
                line.text.push_str(token.text);
            }
            None => {
                let (text, after_blank) = (token.text.to_owned(), token.after_blank);
                self.line = Some(Line { depth, after_blank, text, ..Line::default() });
            }
        }
    }

    /// A comment behind something stays there; any other gets its own line.
    fn comment(&mut self, token: Token<'_>) {
        if !token.is_first
            && let Some(last) = self.line.as_mut().or(self.lines.last_mut())
        {
            let comment = last.comment.get_or_insert_default();
            if !comment.is_empty() {
                comment.push(' ');
            }
            comment.push_str(token.text);
            return;
        }
        self.push_line();
        self.add(token);
        self.push_line();
    }

    /// Writes what closes a block or a list.
    fn close(&mut self, bracket: &str) {
        let depth = self.open.len();
        let is_empty = |line: &&mut Line| {
            line.depth == depth && line.comment.is_none() && line.text.ends_with(['{', '['])
        };
        match self.lines.pop_if(|last| is_empty(&last)) {
            Some(mut opened) => {
                opened.text.push_str(bracket);
                self.line = Some(opened);
            }
            None => self.line = Some(Line { depth, text: bracket.to_owned(), ..Line::default() }),
        }
        self.end_value();
    }

    /// A value is over: so is its line.
    fn end_value(&mut self) {
        self.awaits_value = false;
        if let Some(line) = &mut self.line {
            line.is_whole = line.key.is_some();
            if self.open.last() == Some(&Within::WideList) {
                line.text.push(',');
            }
        }
        self.push_line();
    }

    fn push_line(&mut self) {
        self.lines.extend(self.line.take());
    }

    fn finish(mut self) -> String {
        self.push_line();
        let mut text = String::new();
        let mut before: Option<&Line> = None;
        for (place, line) in self.lines.iter().enumerate() {
            let closes = line.text.starts_with(['}', ']']);
            let after_block =
                line.depth == 0 && before.is_some_and(|last| last.depth == 0 && last.text == "}");
            let opens = before.is_some_and(|last| last.text.ends_with(['{', '[']));
            if (line.after_blank && !opens && !closes) || after_block {
                text.push('\n');
            }
            text.push_str(&"  ".repeat(line.depth));
            if let Some(key) = &line.key {
                let width = if line.is_whole { self.width_around(place) } else { 0 };
                text.push_str(&std::format!("{key:width$} = "));
            }
            text.push_str(&line.text);
            if let Some(comment) = &line.comment {
                text.push(' ');
                text.push_str(comment);
            }
            text.push('\n');
            before = Some(line);
        }
        text
    }

    /// The longest key among the neighbours of a line, up to the first that is of another kind.
    fn width_around(&self, place: usize) -> usize {
        let depth = self.lines.get(place).map(|line| line.depth);
        let width = |line: &Line| match &line.key {
            Some(key) if line.is_whole && Some(line.depth) == depth => Some(key.chars().count()),
            _ => None,
        };
        let (before, from) = self.lines.split_at_checked(place).unwrap_or_default();
        // A blank line parts neighbours; it stands before the line that says so.
        let below = from.iter().enumerate();
        let below = below.take_while(|(number, line)| *number == 0 || !line.after_blank);
        let below = below.map_while(|(_, line)| width(line)).max();
        let parted = from.first().is_some_and(|line| line.after_blank);
        let mut above = None;
        for line in before.iter().rev().take_while(|_| !parted) {
            let Some(width) = width(line) else { break };
            above = above.max(Some(width));
            if line.after_blank {
                break;
            }
        }
        above.max(below).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let formatted = format(text).unwrap();
        assert_eq!(formatted, expected);
        assert_eq!(format(&formatted).unwrap(), expected, "a second time changes nothing");
    }

    #[test]
    fn one_thing_a_line_and_equal_signs_below_each_other() {
        check(
            "path \"a\" {capabilities=[\"read\",\"list\"] comment = \"x\"}path \"b\" { }",
            "path \"a\" {\n  capabilities = [\"read\", \"list\"]\n  comment      = \"x\"\n}\n\n\
             path \"b\" {}\n",
        );
        check(
            "path \"a\" {\n\n allowed_parameters = {\n  \"x\" = [ 1,\n 2 ]\n    yy=[]\n\
             \n\n z = []}\n}",
            "path \"a\" {\n  allowed_parameters = {\n    \"x\" = [\n      1,\n      2,\n    ]\n    \
             yy = []\n\n    z = []\n  }\n}\n",
        );
        check("", "");
        check("{\"path\": {}}", "{\"path\": {}}");
    }

    #[test]
    fn comments_stay() {
        check(
            "# top\npath \"a\" { // behind\n# inside\n policy = \"read\" /* so */ # and so\n\n\n\
             // last\n}\n\n# end",
            "# top\npath \"a\" { // behind\n  # inside\n  policy = \"read\" /* so */ # and so\n\n  \
             // last\n}\n\n# end\n",
        );
        check(
            "path \"a\" {\n capabilities = [\n # why\n \"read\", # so\n \"list\"\n ]\n}\n",
            "path \"a\" {\n  capabilities = [\n    # why\n    \"read\", # so\n    \"list\",\n  \
             ]\n}\n",
        );
    }

    #[test]
    fn what_is_strange_keeps_its_meaning() {
        for text in [
            "path \"a # b { \\\" =\" { policy = \"read\" }",
            "path \"a\" { comment = <<EOF\n  x = {\nEOF\n policy = \"read\" }",
            "path \"a\" { denied_parameters { x = [{ a = 1 }, [2, 3]] } }",
            "path a { policy = \"read\" }",
            "path = { \"x\" = { policy = \"read\" } }",
            "name = \"x\", path \"é\" { min_wrapping_ttl = 10, }",
        ] {
            let formatted = format(text).unwrap();
            assert!(parse(&formatted).unwrap().means_the_same_as(&parse(text).unwrap()), "{text}");
            assert_eq!(format(&formatted).unwrap(), formatted, "{text}");
        }
        assert!(format("path {").is_err());
    }
}
