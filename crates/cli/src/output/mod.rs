//! Where results go: stdout carries results, stderr carries errors and warnings.
//!
//! Formatting is pure (text in, text out) in the modules below; only this file writes.

pub(crate) mod duration;
mod field;
mod json;
mod secret;
mod table;
mod value;
mod yaml;

use std::io::Write;

use client::Secret;
use serde::Serialize;
use serde_json::Value;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::flags::Flags;

pub(crate) use secret::{go_time, rows_of_2016};
pub(crate) use table::{aligned, key_value, key_value_of_2016, list, separated, width};
pub(crate) use value::{go_text, texts};

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
    /// For the few results that have a drawing of their own.
    Pretty,
    /// As the server sent it.
    Raw,
}

impl Format {
    /// Reads the name of a format, in any case of letters.
    pub(crate) fn parse(text: &str) -> Option<Format> {
        match text.to_ascii_lowercase().as_str() {
            "" | "table" => Some(Format::Table),
            "json" => Some(Format::Json),
            "yaml" | "yml" => Some(Format::Yaml),
            "pretty" => Some(Format::Pretty),
            "raw" => Some(Format::Raw),
            _ => None,
        }
    }
}

/// The two streams of a command, and how it was asked to write on them.
pub(crate) struct Output {
    /// The format that was asked for.
    pub(crate) format: Format,
    /// Whether every entry is to be shown in full.
    pub(crate) detailed: bool,
    field: Option<String>,
    terminal: bool,
    colour: bool,
}

impl Output {
    /// The output of a command with these flags.
    pub(crate) fn new(flags: &Flags, environment: &Environment) -> Result<Output, Failure> {
        let named = flags.text("format").or_else(|| environment.setting("FORMAT"));
        let named = named.unwrap_or_default();
        let format = Format::parse(named)
            .ok_or_else(|| Failure::local(format!("Invalid output format: {named}")))?;
        Ok(Output {
            format,
            detailed: flags.switch("detailed"),
            field: flags.text("field").filter(|name| !name.is_empty()).map(str::to_owned),
            terminal: environment.stdout_is_terminal,
            colour: format == Format::Table && environment.wants_colour(),
        })
    }

    /// Whether results are for people.
    pub(crate) fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// The one field that was asked for.
    pub(crate) fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Writes a line, or several, to stdout.
    pub(crate) fn say(&self, text: &str) {
        write_stdout(&format!("{text}\n"));
    }

    /// Writes a result that a script may read whole: the line end is only for people.
    pub(crate) fn say_bare(&self, text: &str) {
        let end = if self.terminal { "\n" } else { "" };
        write_stdout(&format!("{text}{end}"));
    }

    /// Writes bytes to stdout as they are.
    pub(crate) fn say_bytes(&self, bytes: &[u8]) {
        // A reader that went away wants no more; there is nobody to tell.
        let _ = std::io::stdout().write_all(bytes);
    }

    /// Writes a line for a person to stdout, unless a program reads along.
    pub(crate) fn tell(&self, text: &str) {
        if self.is_table() {
            self.say(text);
        }
    }

    /// Writes a warning to stderr.
    pub(crate) fn warn(&self, text: &str) {
        complain(&if self.colour { format!("\u{1b}[33m{text}\u{1b}[0m") } else { text.to_owned() });
    }

    /// Writes an error to stderr.
    pub(crate) fn error(&self, text: &str) {
        complain(&if self.colour { format!("\u{1b}[31m{text}\u{1b}[0m") } else { text.to_owned() });
    }

    /// Prints an answer in full, or the one field of it that was asked for.
    pub(crate) fn secret(&self, secret: &Secret) -> Result<(), Failure> {
        if let Some(name) = self.field() {
            let value = field::of_secret(secret, name)
                .ok_or_else(|| Failure::local(format!("Field {name:?} not present in secret")))?;
            return self.field_value(&value);
        }
        if !self.is_table() {
            return self.program(secret);
        }
        self.warnings(secret.warnings());
        let rows = secret::rows(secret);
        if !rows.is_empty() {
            self.say(&key_value(&rows));
        }
        Ok(())
    }

    /// Prints what the server wants a person to know, on stderr.
    pub(crate) fn warnings(&self, warnings: &[String]) {
        if warnings.is_empty() {
            return;
        }
        let mut text = "WARNING! The following warnings were returned from Vault:\n".to_owned();
        for warning in warnings {
            text.push_str(&format!("\n  * {warning}"));
        }
        text.push('\n');
        self.warn(&text);
    }

    /// Prints one field of a map, such as the seal status.
    pub(crate) fn field_of(&self, map: &Value, name: &str, place: &str) -> Result<(), Failure> {
        let value = map
            .get(name)
            .ok_or_else(|| Failure::local(format!("Field {name:?} not present in {place}")))?;
        self.field_value(value)
    }

    /// Prints one value in the format asked for.
    pub(crate) fn field_value(&self, value: &Value) -> Result<(), Failure> {
        match self.format {
            Format::Table | Format::Raw | Format::Pretty => {
                self.say_bare(&go_text(value));
                Ok(())
            }
            Format::Json | Format::Yaml => self.program(value),
        }
    }

    /// Prints a value in one of the formats for programs.
    pub(crate) fn program(&self, value: &impl Serialize) -> Result<(), Failure> {
        let unprintable =
            |cause: String| Failure::local(format!("Could not parse output: {cause}"));
        match self.format {
            Format::Table | Format::Json => self.say(&json::text(value).map_err(unprintable)?),
            Format::Yaml => self.say(&yaml::text(value).map_err(unprintable)?),
            Format::Pretty => {
                return Err(unprintable(
                    "cannot use the pretty formatter for this type".to_owned(),
                ));
            }
            Format::Raw => {
                let text = "This command does not support the -format=raw option; only `read` \
                            has an answer to show as it came";
                return Err(unprintable(text.to_owned()));
            }
        }
        Ok(())
    }
}

/// Writes an error before it is known how errors should look.
pub(crate) fn complain(text: &str) {
    // A reader that went away wants no more; there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn write_stdout(text: &str) {
    // A reader that went away wants no more; there is nobody to tell.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Format>) {
        assert_eq!(Format::parse(text), expected, "{text}");
    }

    #[test]
    fn formats_are_known_by_name_in_any_case() {
        check("", Some(Format::Table));
        check("TABLE", Some(Format::Table));
        check("json", Some(Format::Json));
        check("Yaml", Some(Format::Yaml));
        check("yml", Some(Format::Yaml));
        check("pretty", Some(Format::Pretty));
        check("raw", Some(Format::Raw));
        check("bogus", None);
    }
}
