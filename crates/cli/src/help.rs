//! Usage and help texts, made from the declarations of the commands.

use crate::command::{Command, Shelf};
use crate::commands::{COMMANDS, PARENTS};
use crate::flags::{Flag, Group, Kind};

/// The widest line of a description.
const WIDTH: usize = 78;

/// The text for somebody who named no command, or one that does not exist.
pub(crate) fn usage(program: &str) -> String {
    let mut text = format!("Usage: {program} <command> [args]\n");
    let shelves = [
        ("Common commands:", Shelf::Common),
        ("Other commands:", Shelf::Other),
        ("Commands as they were called in 2016:", Shelf::Of2016),
    ];
    for (heading, shelf) in shelves {
        text.push_str(&format!("\n{heading}\n{}", entries(&on_shelf(shelf))));
    }
    text.trim_end().to_owned()
}

/// First words and synopses. Common commands keep the order of the table, the others are sorted.
fn on_shelf(shelf: Shelf) -> Vec<(&'static str, &'static str)> {
    let single = COMMANDS.iter().filter(|command| command.shelf == shelf);
    let single = single.filter(|command| !command.words.contains(' '));
    let mut found: Vec<_> = single.map(|command| (command.words, command.synopsis)).collect();
    if shelf == Shelf::Other {
        let tops = PARENTS.iter().filter(|parent| !parent.words.contains(' '));
        found.extend(tops.map(|parent| (parent.words, parent.synopsis)));
    }
    if shelf != Shelf::Common {
        found.sort_unstable();
    }
    found
}

fn entries(found: &[(&str, &str)]) -> String {
    let longest = found.iter().map(|(words, _)| words.len()).max().unwrap_or(0);
    let lines =
        found.iter().map(|(words, synopsis)| format!("    {words:longest$}      {synopsis}\n"));
    lines.collect()
}

/// The text for a word that has sub-commands, such as `secrets`.
pub(crate) fn of_parent(program: &str, words: &str) -> String {
    let parent = PARENTS.iter().find(|parent| parent.words == words);
    let details = parent.map(|parent| parent.details).unwrap_or_default();
    let start = format!("{words} ");
    let below = COMMANDS.iter().filter_map(|command| {
        let rest = command.words.strip_prefix(&start)?;
        (!rest.contains(' ')).then_some((rest, command.synopsis))
    });
    let deeper = PARENTS
        .iter()
        .filter_map(|parent| Some((parent.words.strip_prefix(&start)?, parent.synopsis)));
    let mut found: Vec<_> = below.chain(deeper).collect();
    found.sort_unstable();
    format!(
        "Usage: {program} {words} <subcommand> [options] [args]\n\n{}\nSubcommands:\n{}",
        indented(details, 2),
        entries(&found)
    )
    .trim_end()
    .to_owned()
}

/// The help text of one command.
pub(crate) fn of_command(program: &str, command: &Command) -> String {
    let usage = format!("Usage: {program} {} {}", command.words, command.usage);
    let details = command.details.replace("{}", program);
    let mut text = format!("{}\n\n{}", usage.trim_end(), indented(&details, 2));
    let mut title = "";
    for group in command.flags {
        // Neighbours of one title are explained together.
        if group.title != title {
            text.push_str(&format!("\n{}:\n", group.title));
        }
        title = group.title;
        text.push_str(&of_group(group));
    }
    text.trim_end().to_owned()
}

fn of_group(group: &Group) -> String {
    let mut text = String::new();
    for flag in group.flags {
        text.push_str(&format!("\n  {}\n{}", spelling(flag), indented(&explanation(flag), 6)));
    }
    text
}

fn spelling(flag: &Flag) -> String {
    let alias = if flag.alias.is_empty() { String::new() } else { format!("-{}, ", flag.alias) };
    let value = match flag.kind {
        Kind::Switch => "",
        Kind::Text | Kind::List => "=<string>",
        Kind::Integer => "=<int>",
        Kind::Duration => "=<duration>",
        Kind::Map => "=<key=value>",
    };
    format!("{alias}-{}{value}", flag.name)
}

fn explanation(flag: &Flag) -> String {
    let mut text = flag.help.to_owned();
    if !flag.default.is_empty() {
        text.push_str(&format!(" The default is {}.", flag.default));
    }
    if !flag.setting.is_empty() {
        text.push_str(&format!(
            " This can also be set by the environment variable VAULT_{}.",
            flag.setting
        ));
    }
    text
}

/// Wraps paragraphs. Lines that start with white space are examples, and stay as they are.
fn indented(text: &str, by: usize) -> String {
    let margin = " ".repeat(by);
    let mut wrapped = String::new();
    for line in text.lines() {
        if line.is_empty() {
            wrapped.push('\n');
            continue;
        }
        if line.starts_with(' ') {
            wrapped.push_str(&format!("{margin}{line}\n"));
            continue;
        }
        for part in wrap(line, WIDTH - by) {
            wrapped.push_str(&format!("{margin}{part}\n"));
        }
    }
    wrapped
}

/// Breaks a paragraph into lines no wider than this, between words.
pub(crate) fn wrap(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A paragraph of advice for a person, as wide as a terminal.
pub(crate) fn paragraph(text: &str) -> String {
    wrap(text, WIDTH).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_explains_itself() {
        for command in COMMANDS {
            assert!(command.synopsis.ends_with('.'), "{}", command.words);
            assert!(!command.details.is_empty(), "{}", command.words);
            let help = of_command("vault", command);
            assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
            for flag in command.flags.iter().flat_map(|group| group.flags) {
                assert!(
                    help.contains(&format!("-{}", flag.name)),
                    "{} {}",
                    command.words,
                    flag.name
                );
                assert!(flag.help.ends_with('.'), "{} {}", command.words, flag.name);
            }
        }
    }

    #[test]
    fn every_word_with_sub_commands_is_explained() {
        for command in COMMANDS {
            if let Some((parent, _)) = command.words.rsplit_once(' ') {
                assert!(PARENTS.iter().any(|known| known.words == parent), "{}", command.words);
            }
        }
    }

    #[test]
    fn paragraphs_are_broken_between_words() {
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("abcdef g", 4), ["abcdef", "g"]);
        assert_eq!(wrap("", 4), Vec::<String>::new());
    }
}
