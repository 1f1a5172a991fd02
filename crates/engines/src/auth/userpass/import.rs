//! Many users in one request: all of them, or nobody.
//!
//! Each is a JSON object on a line of its own, with what a write to `users/` takes and the name.
//! The lines are understood one by one, so that what is wrong can be said for each.

use std::collections::{BTreeMap, BTreeSet};

use api::{
    Context, Data, Error, Given, Operation, Path, Result, describe, fold_name, is_name,
    is_name_or_address,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::account::{AccountFields, Ending};
use super::configuration::Configuration;
use super::kinds::Kinds;
use super::password::{Accepted, NewPassword};
use super::rules::{self, Candidate};
use super::user::User;
use super::users::{self, Prepared};
use crate::auth::token_settings::{OldTokenFields, TokenFields};

/// How many users one request can bring: they fit into one commit.
const USERS_MAX: usize = 5_000;
/// How long the line of one user can be.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// How many hashes one request can cost: a few seconds of work.
const HASHES_MAX: usize = 256;
/// Of how many lines it is said what is wrong.
const FLAWS_TOLD_MAX: usize = 20;

pub(super) fn path() -> Path {
    Path::new("users/import")
        .help(
            "Create or change many users at once.",
            "Either all of them are written or nobody; what is wrong is said by the number of the \
             line. Send one JSON object a line as application/x-ndjson, or JSON with \"lines\". \
             It overrides what policies say about single users: neither a \"deny\" for a name nor \
             limits to its parameters hold for the lines. So this needs the sudo capability, and \
             whoever has it here can change every user of the mount.",
        )
        .sudo()
        .write(import)
}

#[derive(Deserialize, JsonSchema)]
struct Wanted {
    /// The users: a text with a JSON object a line, or a list of such lines or of objects. Each has
    /// "username", and what a write to a single user takes.
    #[serde(default)]
    #[schemars(extend("x-vault-displayAttrs" = { "sensitive": true }))]
    lines: Value,
    /// Whether everything is checked and nothing written.
    #[serde(default)]
    dry_run: bool,
}

#[derive(JsonSchema, Serialize)]
struct Outcome {
    /// How many lines there were, empty ones aside.
    lines: usize,
    /// How many users were created.
    created: usize,
    /// How many users were changed.
    updated: usize,
    /// Whether nothing was written because nothing was to be.
    dry_run: bool,
}

/// A line, with its number as editors count.
struct Line {
    number: usize,
    fields: std::result::Result<Map<String, Value>, &'static str>,
}

/// A user that a line describes.
struct Entry {
    number: usize,
    name: String,
    prepared: Prepared,
    ending: Ending,
}

#[derive(Deserialize)]
struct LineName {
    username: String,
}

/// What is known so far while the lines are gone through.
struct Import<'a> {
    context: &'a Context,
    configuration: Configuration,
    kinds: Kinds,
    known_fields: BTreeSet<String>,
    /// On which line each name was seen.
    seen: BTreeMap<String, usize>,
    flaws: BTreeMap<usize, String>,
}

async fn import(context: &Context, wanted: Wanted) -> Result<Data<Outcome>> {
    let lines = lines_of(wanted.lines)?;
    let mut import = Import::begin(context).await?;
    let outcome = |entries: &[Entry]| {
        let created = entries.iter().filter(|entry| entry.prepared.before.is_none()).count();
        let updated = entries.len() - created;
        Outcome { lines: entries.len(), created, updated, dry_run: wanted.dry_run }
    };
    let mut entries = vec![];
    for line in lines {
        let number = line.number;
        match import.understand(line).await {
            Ok(entry) => entries.push(entry),
            Err(Error::Invalid(flaw)) => drop(import.flaws.insert(number, flaw)),
            Err(other) => return Err(other),
        }
    }
    import.check_passwords(&entries).await?;
    import.conclude()?;
    let outcome = outcome(&entries);
    if !wanted.dry_run {
        import.store(entries).await?;
    }
    Ok(Data(outcome))
}

/// The lines of a request, in whatever form they came.
fn lines_of(given: Value) -> Result<Vec<Line>> {
    let lines: Vec<Line> = match given {
        Value::String(text) => {
            let lines = text.lines().map(str::trim).enumerate();
            let filled = lines.filter(|(_, line)| !line.is_empty()).take(USERS_MAX + 1);
            filled.map(|(place, line)| Line { number: place + 1, fields: parse(line) }).collect()
        }
        Value::Array(values) => {
            let lines = values.into_iter().enumerate().filter(|(_, line)| !is_blank(line));
            lines.take(USERS_MAX + 1).map(|(place, line)| Line::of(place + 1, line)).collect()
        }
        _ => vec![],
    };
    match lines.len() {
        0 => Err(Error::invalid("missing lines: one JSON object for each user")),
        count if count > USERS_MAX => {
            Err(Error::Invalid(format!("at most {USERS_MAX} users can be imported at once")))
        }
        _ => Ok(lines),
    }
}

fn is_blank(line: &Value) -> bool {
    line.as_str().is_some_and(|text| text.trim().is_empty())
}

fn parse(line: &str) -> std::result::Result<Map<String, Value>, &'static str> {
    if line.len() > LINE_BYTES_MAX {
        return Err("is longer than 64 KiB");
    }
    serde_json::from_str(line).map_err(|_| "is not a JSON object")
}

impl Line {
    fn of(number: usize, value: Value) -> Self {
        let fields = match value {
            Value::Object(fields) => Ok(fields),
            Value::String(text) => parse(&text),
            _ => Err("is not a JSON object"),
        };
        Self { number, fields }
    }
}

impl<'a> Import<'a> {
    async fn begin(context: &'a Context) -> Result<Self> {
        let configuration = Configuration::of(context).await?;
        let kinds = Kinds::of(context, &configuration).await?;
        let door = users::one();
        let endpoint = door.endpoint(Operation::Update).ok_or(Error::UnsupportedOperation)?;
        let known_fields = describe::parameter_names(endpoint).clone();
        let (seen, flaws) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { context, configuration, kinds, known_fields, seen, flaws })
    }

    /// The user a line describes.
    async fn understand(&mut self, line: Line) -> Result<Entry> {
        let number = line.number;
        let sent = line.fields.map_err(Error::invalid)?;
        if !sent.keys().all(|name| self.known_fields.contains(name)) {
            return Err(Error::invalid("has a field that users do not have"));
        }
        let given = Given { sent, ..Given::default() };
        let (LineName { username }, password, new, old, account, ending) = given.parse::<(
            LineName,
            NewPassword,
            TokenFields,
            OldTokenFields,
            AccountFields,
            Ending,
        )>()?;
        let name = self.canonical(&username)?;
        if let Some(first) = self.seen.insert(name.clone(), number) {
            return Err(Error::Invalid(format!("is about the same user as line {first}")));
        }
        let before = User::find(self.context, &name).await?;
        let prepared = Prepared::of(before, (password, new, old, account))?;
        if let Some(Accepted::Hashed(hashed)) = &prepared.password {
            self.kinds.admit(hashed.kind())?;
        }
        Ok(Entry { number, name, prepared, ending })
    }

    fn canonical(&self, username: &str) -> Result<String> {
        let possible = match self.configuration.email_names {
            true => is_name_or_address(username),
            false => is_name(username),
        };
        match possible {
            true => Ok(fold_name(username)),
            false => Err(Error::invalid("has a \"username\" that no user of this mount can have")),
        }
    }

    /// Applies the rules for new passwords to all of them.
    async fn check_passwords(&mut self, entries: &[Entry]) -> Result<()> {
        let mut candidates = vec![];
        let mut numbers = vec![];
        let mut hashes = 0;
        for Entry { number, name, prepared, .. } in entries {
            let Some(Accepted::Plain(password)) = &prepared.password else { continue };
            hashes += 1;
            // Nobody's history: a dry run, or a flaw in another line, would make of it a way to try
            // passwords of others that leaves no trace.
            candidates.push(Candidate { name, user: None, password });
            numbers.push(*number);
        }
        if hashes > HASHES_MAX {
            return Err(Error::Invalid(format!(
                "these passwords would take {hashes} hashes, at most {HASHES_MAX} are made at \
                 once; send fewer users with \"password\" at a time, or give \"password_hash\""
            )));
        }
        let found = rules::flaws(self.context, &self.configuration, &candidates).await?;
        for (number, flaw) in numbers.into_iter().zip(found) {
            self.flaws.extend(flaw.map(|flaw| (number, flaw)));
        }
        Ok(())
    }

    /// Refuses everything when anything is wrong.
    fn conclude(&self) -> Result<()> {
        if self.flaws.is_empty() {
            return Ok(());
        }
        let told = self.flaws.iter().take(FLAWS_TOLD_MAX);
        let told: Vec<_> = told.map(|(number, flaw)| format!("line {number}: {flaw}")).collect();
        let more = match self.flaws.len().saturating_sub(FLAWS_TOLD_MAX) {
            0 => String::new(),
            more => format!("; and {more} more lines"),
        };
        Err(Error::Invalid(format!("nobody was imported: {}{more}", told.join("; "))))
    }

    async fn store(self, entries: Vec<Entry>) -> Result<()> {
        let Self { context, configuration, .. } = self;
        for Entry { name, prepared, ending, .. } in entries {
            prepared.store(context, &configuration, &name).await?;
            if ending.revoke_tokens {
                context.services.end_sessions(&name, None).await?;
            }
        }
        Ok(())
    }
}
