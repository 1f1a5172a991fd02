//! From characters to words: names, texts, numbers, heredocs, and what lies between them.

use super::{Error, Position};

/// The longest text that is read.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// A text and how far it has been read.
pub(super) struct Scanner<'text> {
    rest: &'text str,
    position: Position,
}

impl<'text> Scanner<'text> {
    pub(super) fn new(text: &'text str) -> Self {
        Self { rest: text, position: Position::START }
    }

    pub(super) fn position(&self) -> Position {
        self.position
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn starts_with(&self, expected: &str) -> bool {
        self.rest.starts_with(expected)
    }

    /// Steps over `expected` if it is next.
    pub(super) fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.take(expected.len_utf8());
        }
        found
    }

    /// The mistake of finding what is next where `expected` should be.
    pub(super) fn unexpected(&self, expected: &str) -> Error {
        let found = match self.peek() {
            None => "the end of the text".to_owned(),
            Some(letter) => format!("'{}'", letter.escape_debug()),
        };
        self.position.error(format!("expected {expected}, found {found}"))
    }

    /// Steps over white space and comments.
    pub(super) fn skip_blank(&mut self) -> Result<(), Error> {
        // Ends: every turn takes at least one character or returns.
        loop {
            self.take_while(|letter| matches!(letter, ' ' | '\t' | '\r' | '\n'));
            if self.starts_with("#") || self.starts_with("//") {
                self.take_while(|letter| letter != '\n');
            } else if self.starts_with("/*") {
                // The star of the opening does not serve as the star of the end: `/*/`.
                let length = self.rest.get(2..).and_then(|inside| inside.find("*/"));
                let never = || self.position.error("this comment never ends; close it with */");
                let length = length.ok_or_else(never)?;
                self.take(length + 4);
            } else {
                return Ok(());
            }
        }
    }

    /// A bare word: a letter or underscore, then also digits, dashes and dots.
    pub(super) fn word(&mut self) -> Option<&'text str> {
        let first = self.peek()?;
        if !first.is_alphabetic() && first != '_' {
            return None;
        }
        Some(
            self.take_while(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.')),
        )
    }

    /// A number as it is written: `-12`, `1.5e3`, `0x1F`.
    pub(super) fn number(&mut self) -> Result<String, Error> {
        let start = self.position;
        let text = self.take_while(|letter| {
            letter.is_ascii_alphanumeric() || matches!(letter, '-' | '+' | '.' | '_')
        });
        if is_decimal(text) || is_hexadecimal(text) {
            return Ok(text.to_owned());
        }
        Err(start.error("this is not a number; put texts and durations in double quotes"))
    }

    /// A text in double quotes, with the escapes of HCL.
    pub(super) fn text(&mut self) -> Result<String, Error> {
        let start = self.position;
        self.take(1);
        let mut text = String::new();
        // Ends: every turn takes at least one character or returns.
        loop {
            text.push_str(self.take_while(|letter| !matches!(letter, '"' | '\\' | '\n')));
            match self.peek() {
                Some('"') => {
                    self.take(1);
                    return Ok(text);
                }
                Some('\\') => text.push(self.escaped()?),
                _ => return Err(start.error("this text never ends; close it with a double quote")),
            }
        }
    }

    /// A text in double quotes, with the escapes of JSON. The whole is known to be valid JSON.
    pub(super) fn json_text(&mut self) -> Result<String, Error> {
        let start = self.position;
        let from = self.rest;
        self.take(1);
        loop {
            self.take_while(|letter| !matches!(letter, '"' | '\\'));
            if self.eat('\\') {
                self.take_character();
            } else {
                break;
            }
        }
        self.take(1);
        let literal = from.get(..from.len() - self.rest.len()).unwrap_or(from);
        serde_json::from_str(literal).map_err(|_| start.error("this text has a broken escape"))
    }

    /// The lines between `<<MARK` and the line that is only `MARK`.
    ///
    /// With `<<-MARK`, the indentation of the last line is taken off all others, if all have it.
    pub(super) fn heredoc(&mut self) -> Result<String, Error> {
        let start = self.position;
        self.take(2);
        let indented = self.eat('-');
        let mark = self.take_while(|letter| letter.is_alphanumeric() || letter == '_');
        self.take_while(|letter| letter == '\r');
        if mark.is_empty() || !self.eat('\n') {
            return Err(start.error("a heredoc opens with a mark alone on its line, like <<EOF"));
        }
        let mut lines: Vec<&str> = Vec::new();
        // Ends: every turn but the last takes at least the new line.
        loop {
            let indentation = self.take_while(|letter| matches!(letter, ' ' | '\t'));
            let line = self.rest.lines().next().unwrap_or_default();
            if line.trim_end() == mark {
                self.take(mark.len());
                let strip = if indented { indentation } else { "" };
                return Ok(joined(&lines, strip));
            }
            lines.push(indentation);
            lines.push(self.take_while(|letter| letter != '\n'));
            if !self.eat('\n') {
                let problem =
                    format!("this heredoc never ends; close it with {mark} on its own line");
                return Err(start.error(problem));
            }
        }
    }

    /// The character that a backslash and what follows stand for.
    fn escaped(&mut self) -> Result<char, Error> {
        let start = self.position;
        self.take(1);
        let digits = |scanner: &mut Self, count: usize, radix: u32| {
            let code = scanner
                .rest
                .get(..count)
                .filter(|code| code.chars().all(|digit| digit.is_digit(radix)));
            let letter = code
                .and_then(|code| u32::from_str_radix(code, radix).ok())
                .and_then(char::from_u32)
                .ok_or_else(|| start.error("this escape does not name a character"))?;
            scanner.take(count);
            Ok(letter)
        };
        if self.peek().is_some_and(|letter| letter.is_digit(8)) {
            return digits(self, 3, 8);
        }
        match self.take_character() {
            Some('x') => digits(self, 2, 16),
            Some('u') => digits(self, 4, 16),
            Some('U') => digits(self, 8, 16),
            Some('n') => Ok('\n'),
            Some('t') => Ok('\t'),
            Some('r') => Ok('\r'),
            Some('a') => Ok('\u{7}'),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('v') => Ok('\u{b}'),
            Some(same @ ('"' | '\\')) => Ok(same),
            _ => Err(start.error("unknown escape; a backslash itself is written twice")),
        }
    }

    fn take_character(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.take(letter.len_utf8());
        Some(letter)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'text str {
        let length = self.rest.find(|letter| !wanted(letter)).unwrap_or(self.rest.len());
        self.take(length)
    }

    /// Steps over `length` bytes, which end between two characters.
    fn take(&mut self, length: usize) -> &'text str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        for letter in taken.chars() {
            if letter == '\n' {
                self.position.line += 1;
                self.position.column = 1;
            } else {
                self.position.column += 1;
            }
        }
        self.rest = rest;
        taken
    }
}

/// Lines, each given as its indentation and the rest, without `strip` if all of them start so.
fn joined(lines: &[&str], strip: &str) -> String {
    let mut text = String::new();
    let strippable = lines.iter().step_by(2).all(|indentation| indentation.starts_with(strip));
    let strip = if strippable { strip } else { "" };
    for (place, part) in lines.iter().enumerate() {
        if place % 2 == 0 {
            text.push_str(part.strip_prefix(strip).unwrap_or(part));
        } else {
            text.push_str(part);
            text.push('\n');
        }
    }
    text
}

/// `-12`, `1.5`, `1e-3`; not `012`, which was octal once, and not `1.`.
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.strip_prefix(['-', '+']).unwrap_or(exponent))
        }
        None => (text, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let are_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    [whole, fraction, exponent].into_iter().all(are_digits) && !leading_zero
}

fn is_hexadecimal(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    digits.is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}
