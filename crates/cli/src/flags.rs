//! Flags: declared once per command, and parsed, defaulted and explained from that declaration.
//!
//! The grammar is that of Go's flag package, which scripts rely on: one dash or two, `-name=value`
//! or `-name value`, a switch stands alone or takes `=true`/`=false`, and parsing stops at the
//! first word that is not a flag.

use std::collections::BTreeMap;

use crate::environment::Environment;
use crate::output::duration;

/// One flag of a command.
pub(crate) struct Flag {
    /// The name without dashes.
    pub(crate) name: &'static str,
    /// A second name; empty when there is none.
    pub(crate) alias: &'static str,
    /// What kind of value it takes.
    pub(crate) kind: Kind,
    /// The setting of the environment that stands in for the flag, without its prefix; empty when
    /// there is none.
    pub(crate) setting: &'static str,
    /// What happens without the flag; empty when that is nothing.
    pub(crate) default: &'static str,
    /// What it is for.
    pub(crate) help: &'static str,
}

/// What kind of value a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No value: it is there or not.
    Switch,
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// Seconds, a duration such as `1h30m` or `7d`, or the word `system`.
    Duration,
    /// A text; may be given several times.
    List,
    /// `key=value`; may be given several times.
    Map,
}

/// Flags that are explained together.
pub(crate) struct Group {
    /// The heading in the help text.
    pub(crate) title: &'static str,
    /// The flags below it.
    pub(crate) flags: &'static [Flag],
}

impl Flag {
    /// A flag of any kind.
    pub(crate) const fn new(kind: Kind, name: &'static str, help: &'static str) -> Flag {
        Flag { name, alias: "", kind, setting: "", default: "", help }
    }

    /// A flag that is there or not.
    pub(crate) const fn switch(name: &'static str, help: &'static str) -> Flag {
        Flag::new(Kind::Switch, name, help)
    }

    /// A flag that takes a text.
    pub(crate) const fn text(name: &'static str, help: &'static str) -> Flag {
        Flag::new(Kind::Text, name, help)
    }

    /// Gives the flag a second name.
    pub(crate) const fn alias(mut self, alias: &'static str) -> Flag {
        self.alias = alias;
        self
    }

    /// Lets a setting of the environment stand in for the flag.
    pub(crate) const fn setting(mut self, setting: &'static str) -> Flag {
        self.setting = setting;
        self
    }

    /// Says what holds without the flag.
    pub(crate) const fn default(mut self, default: &'static str) -> Flag {
        self.default = default;
        self
    }

    fn goes_by(&self, name: &str) -> bool {
        self.name == name || (!self.alias.is_empty() && self.alias == name)
    }
}

/// The four flags that are understood anywhere on the line, even after arguments.
const ANYWHERE: [(&str, Kind); 4] = [
    ("format", Kind::Text),
    ("detailed", Kind::Switch),
    ("output-curl-string", Kind::Switch),
    ("output-policy", Kind::Switch),
];

/// Takes the flags that are understood anywhere out of the words, up to a `--`.
pub(crate) fn take_those_understood_anywhere(words: Vec<String>) -> (Vec<String>, Vec<String>) {
    let mut taken = Vec::new();
    let mut left = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--" {
            left.push(word);
            left.extend(words);
            break;
        }
        let known = split(&word).and_then(|(name, value)| {
            let (_, kind) = ANYWHERE.iter().find(|(known, _)| *known == name)?;
            Some((*kind, value.is_some()))
        });
        match known {
            None => left.push(word),
            Some((Kind::Text, false)) => {
                let value = words.next().unwrap_or_default();
                taken.push(format!("{word}={value}"));
            }
            Some(_) => taken.push(word),
        }
    }
    (taken, left)
}

/// What was given on the command line, with the environment standing in for what was not.
///
/// It has no `Debug` output, because values may be secrets.
pub(crate) struct Flags {
    given: BTreeMap<&'static str, Vec<String>>,
    fallback: BTreeMap<&'static str, String>,
}

/// What came of parsing a command line.
pub(crate) enum Parsed {
    /// Flags, and the arguments behind them.
    Words(Flags, Vec<String>),
    /// The help text was asked for.
    Help,
}

/// Parses the words of a command by its declaration.
pub(crate) fn parse(
    groups: &'static [Group],
    words: Vec<String>,
    environment: &Environment,
) -> Result<Parsed, String> {
    let declared = || groups.iter().flat_map(|group| group.flags);
    let mut given: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next_if(|word| split(word).is_some()) {
        if word == "--" {
            break;
        }
        let Some((name, value)) = split(&word) else { break };
        let Some(flag) = declared().find(|flag| flag.goes_by(name)) else {
            if matches!(name, "h" | "help") {
                return Ok(Parsed::Help);
            }
            return Err(format!("flag provided but not defined: -{name}"));
        };
        let value = match (flag.kind, value) {
            (_, Some(value)) => value.to_owned(),
            (Kind::Switch, None) => "true".to_owned(),
            (_, None) => words.next().ok_or(format!("flag needs an argument: -{name}"))?,
        };
        check_value(flag, &value)?;
        let values = given.entry(flag.name).or_default();
        if !matches!(flag.kind, Kind::List | Kind::Map) {
            values.clear();
        }
        values.push(value);
    }
    let mut fallback = BTreeMap::new();
    for flag in declared().filter(|flag| !flag.setting.is_empty() && !given.contains_key(flag.name))
    {
        if let Some(value) = environment.setting(flag.setting) {
            // A setting that is not understood must not be passed over: it may be what keeps an
            // answer wrapped.
            check_value(flag, value).map_err(|text| format!("VAULT_{}: {text}", flag.setting))?;
            fallback.insert(flag.name, value.to_owned());
        }
    }
    Ok(Parsed::Words(Flags { given, fallback }, words.collect()))
}

/// Splits `-name=value` and `--name`; anything else, the bare `-` included, is not a flag.
fn split(word: &str) -> Option<(&str, Option<&str>)> {
    if word == "--" {
        return Some(("", None));
    }
    let body = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
    if body.is_empty() || body.starts_with(['-', '=']) {
        return None;
    }
    match body.split_once('=') {
        Some((name, value)) => Some((name, Some(value))),
        None => Some((body, None)),
    }
}

fn check_value(flag: &Flag, value: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("invalid value {value:?} for flag -{}: {why}", flag.name));
    match flag.kind {
        Kind::Text | Kind::List => Ok(()),
        Kind::Switch if switch_value(value).is_none() => wrong("parse error"),
        Kind::Integer if value.parse::<i64>().is_err() => wrong("it is not a whole number"),
        Kind::Duration if duration_value(value).is_none() => {
            wrong("it is not a duration; try \"1h\"")
        }
        Kind::Map if !value.contains('=') => wrong(&format!("missing = in KV pair: {value:?}")),
        Kind::Switch | Kind::Integer | Kind::Duration | Kind::Map => Ok(()),
    }
}

fn switch_value(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn duration_value(text: &str) -> Option<i64> {
    if text == "system" {
        return Some(-1);
    }
    duration::parse(text)
}

impl Flags {
    /// Whether the flag stands on the command line; the environment does not count.
    pub(crate) fn given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// The text of a flag.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let given = self.given.get(name).and_then(|values| values.last());
        given.or_else(|| self.fallback.get(name)).map(String::as_str)
    }

    /// Whether a switch is on.
    pub(crate) fn switch(&self, name: &str) -> bool {
        self.text(name).and_then(switch_value).unwrap_or(false)
    }

    /// The setting of a switch that was given, and nothing when it was not.
    pub(crate) fn chosen(&self, name: &str) -> Option<bool> {
        self.given(name).then(|| self.switch(name))
    }

    /// The number of a flag.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// The seconds of a duration; `system` is -1.
    pub(crate) fn seconds(&self, name: &str) -> Option<i64> {
        duration_value(self.text(name)?)
    }

    /// A duration as the API takes it: a Go duration, or the word `system`.
    pub(crate) fn duration(&self, name: &str) -> Option<String> {
        let seconds = self.seconds(name)?;
        Some(if seconds < 0 { "system".to_owned() } else { duration::go(seconds) })
    }

    /// The values of a flag that may be given several times; the environment separates them by
    /// commas.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        if let Some(values) = self.given.get(name) {
            return values.iter().map(|value| value.trim().to_owned()).collect();
        }
        let fallback = self.fallback.get(name).map(String::as_str).unwrap_or_default();
        let parts = fallback.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    /// The keys and values of a flag that may be given several times.
    pub(crate) fn map(&self, name: &str) -> BTreeMap<String, String> {
        let values = self.given.get(name).map(Vec::as_slice).unwrap_or_default();
        values
            .iter()
            .filter_map(|value| value.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }
}

/// The first flag of a command that stands behind its first argument, where it is none any more.
///
/// Words that look like flags are only pointed out, as scripts know it. But these were meant: a
/// check that was asked for would not be made, and `-cas=0` would be stored as a field.
pub(crate) fn misplaced(groups: &[Group], arguments: &[String]) -> Option<&'static str> {
    let late = too_late(arguments);
    let mut names = late.iter().filter_map(|word| split(word)).map(|(name, _)| name);
    names.find_map(|name| {
        let mut flags = groups.iter().flat_map(|group| group.flags);
        flags.find(|flag| flag.goes_by(name)).map(|flag| flag.name)
    })
}

/// Words behind the first argument that look like flags, and are none any more.
pub(crate) fn too_late(arguments: &[String]) -> Vec<String> {
    let behind = arguments.iter().skip(1).take_while(|word| *word != "--");
    behind.filter(|word| word.len() > 1 && word.starts_with('-')).cloned().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    static GROUPS: [Group; 1] = [Group {
        title: "Command Options",
        flags: &[
            Flag::switch("force", "").alias("f"),
            Flag::text("path", "").setting("PATH"),
            Flag::new(Kind::Integer, "count", ""),
            Flag::new(Kind::Duration, "ttl", ""),
            Flag::new(Kind::List, "policy", "").setting("POLICY"),
            Flag::new(Kind::Map, "metadata", ""),
        ],
    }];

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    /// Shows what was understood as one line.
    fn understood(line: &str) -> String {
        let environment =
            Environment::made_of(&[("VAULT_PATH", "from/env"), ("VAULT_POLICY", "a, b")]);
        match parse(&GROUPS, words(line), &environment) {
            Err(text) => text,
            Ok(Parsed::Help) => "help".to_owned(),
            Ok(Parsed::Words(flags, arguments)) => format!(
                "force={} path={} count={:?} ttl={:?} policy={:?} metadata={:?} | {}",
                flags.switch("force"),
                flags.text("path").unwrap(),
                flags.integer("count"),
                flags.duration("ttl"),
                flags.list("policy"),
                flags.map("metadata"),
                arguments.join(" ")
            ),
        }
    }

    #[track_caller]
    fn check(line: &str, expected: &str) {
        assert_eq!(understood(line), expected, "{line}");
    }

    #[test]
    fn flags_are_understood_as_go_understands_them() {
        let nothing = r#"count=None ttl=None policy=["a", "b"] metadata={}"#;
        check("", &format!("force=false path=from/env {nothing} | "));
        check("-force x", &format!("force=true path=from/env {nothing} | x"));
        check("--f x", &format!("force=true path=from/env {nothing} | x"));
        check("-f=false x", &format!("force=false path=from/env {nothing} | x"));
        check("-path=p x", &format!("force=false path=p {nothing} | x"));
        check("--path p x", &format!("force=false path=p {nothing} | x"));
        check("-path= x", &format!("force=false path= {nothing} | x"));
        check("-path a -path b", &format!("force=false path=b {nothing} | "));
        check("x -force", &format!("force=false path=from/env {nothing} | x -force"));
        check("- -force", &format!("force=false path=from/env {nothing} | - -force"));
        check("-- -force", &format!("force=false path=from/env {nothing} | -force"));
        check("-h", "help");
        check("--help", "help");
        check("-nope", "flag provided but not defined: -nope");
        check("-path", "flag needs an argument: -path");
        check("-f=maybe", "invalid value \"maybe\" for flag -force: parse error");
        check("-count=x", "invalid value \"x\" for flag -count: it is not a whole number");
        check(
            "-ttl=soon",
            "invalid value \"soon\" for flag -ttl: it is not a duration; try \"1h\"",
        );
        check("-metadata=x", "invalid value \"x\" for flag -metadata: missing = in KV pair: \"x\"");
        check(
            "-count -3 -ttl=1d -policy=c -policy d -metadata a=b -metadata=c=d=e y",
            "force=false path=from/env count=Some(-3) ttl=Some(\"24h0m0s\") policy=[\"c\", \"d\"] \
             metadata={\"a\": \"b\", \"c\": \"d=e\"} | y",
        );
        check(
            "-ttl=system",
            concat!(
                "force=false path=from/env count=None ttl=Some(\"system\") ",
                "policy=[\"a\", \"b\"] metadata={} | "
            ),
        );
    }

    #[test]
    fn a_setting_of_the_environment_is_checked_like_the_flag() {
        let parsed = |setting: &str, line: &str| {
            let environment = Environment::made_of(&[("VAULT_WRAP_TTL", setting)]);
            parse(&WRAPPING, words(line), &environment).err()
        };
        assert_eq!(parsed("5m", ""), None);
        assert_eq!(parsed("soon", "-wrap-ttl=5m"), None);
        let refusal = "VAULT_WRAP_TTL: invalid value \"soon\" for flag -wrap-ttl: \
                       it is not a duration; try \"1h\"";
        assert_eq!(parsed("soon", "").as_deref(), Some(refusal));
    }

    static WRAPPING: [Group; 1] = [Group {
        title: "HTTP Options",
        flags: &[Flag::new(Kind::Duration, "wrap-ttl", "").setting("WRAP_TTL")],
    }];

    #[track_caller]
    fn check_anywhere(line: &str, taken: &str, left: &str) {
        let (found, rest) = take_those_understood_anywhere(words(line));
        assert_eq!((found.join(" "), rest.join(" ")), (taken.to_owned(), left.to_owned()));
    }

    #[test]
    fn four_flags_are_understood_anywhere() {
        check_anywhere("status -format json", "-format=json", "status");
        check_anywhere("-format=yaml status", "-format=yaml", "status");
        check_anywhere("list a -detailed", "-detailed", "list a");
        check_anywhere("read a -- -format json", "", "read a -- -format json");
        check_anywhere("write a b=-format", "", "write a b=-format");
        check_anywhere("read -output-policy a", "-output-policy", "read a");
    }

    #[test]
    fn flags_of_the_command_behind_its_first_argument_are_found() {
        let check = |line: &str, expected| {
            assert_eq!(misplaced(&GROUPS, &words(line)), expected, "{line}");
        };
        check("a -count=0 x=1", Some("count"));
        check("a x=1 --f", Some("force"));
        check("a -x=1 - -cou=1 force count=1 x=-count", None);
        check("a -- -count=0", None);
        check("-count=0", None);
    }

    #[test]
    fn flags_behind_the_first_argument_are_noticed() {
        assert_eq!(too_late(&words("my-policy -")), Vec::<String>::new());
        assert_eq!(too_late(&words("my-policy p.hcl -x -y")), ["-x", "-y"]);
        assert_eq!(too_late(&words("a -- -x")), Vec::<String>::new());
    }
}
