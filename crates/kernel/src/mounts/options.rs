//! What operators set for the engine behind a mount, `version` before all.
//!
//! A mount of `kv` can go over from version 1 to version 2 while it is used. That is a change of
//! its record in the table and of nothing else: the second version reads what the first has left.

use api::{Class, Error, KeyValues, Moment, Result};

use super::record::Mount;

const VERSION: &str = "version";
/// Where `kv` would put a lease on what it keeps.
const LEASED: &str = "leased_passthrough";
/// How much of a version that is none we repeat.
const QUOTED_CHARACTERS_MAX: usize = 20;

/// A mount went over to version 2.
pub(super) struct Upgrade;

impl Upgrade {
    /// What clients have always been told, but for the time they had to wait.
    pub(super) fn told(&self) -> &'static str {
        "Upgrading mount from version 1 to version 2. This mount stays available meanwhile."
    }
}

/// The engine and the options that are meant by the name and the options of a new mount: `kv-v2` is
/// `kv` with `version` 2, and only `kv` has versions.
///
/// # Errors
/// [`Error::Invalid`].
pub(super) fn resolve(
    class: Class,
    name: String,
    options: Option<KeyValues>,
) -> Result<(String, Option<KeyValues>)> {
    let mut options = options.unwrap_or_default();
    let (name, version) = match name.as_str() {
        "kv-v1" | "generic" => ("kv".to_owned(), Some("1")),
        "kv-v2" => ("kv".to_owned(), Some("2")),
        _ => (name, None),
    };
    if let Some(version) = version {
        options.insert(VERSION.to_owned(), version.to_owned());
    }
    check(class, &name, &options)?;
    Ok((name, Some(options)))
}

/// Takes over `changes` to the options of `mount`; an empty value removes one.
///
/// # Errors
/// [`Error::Invalid`].
pub(super) fn change(
    mount: &mut Mount,
    changes: KeyValues,
    now: Moment,
) -> Result<Option<Upgrade>> {
    check(mount.class, &mount.engine, &changes)?;
    let mut options = mount.options.clone().unwrap_or_default();
    let before = version(&options).to_owned();
    for (name, value) in changes {
        match value.is_empty() {
            true => options.remove(&name),
            false => options.insert(name, value),
        };
    }
    let upgrade = match (before.as_str(), version(&options)) {
        (before, after) if before == after => None,
        ("1", "2") => Some(Upgrade),
        ("2", "1") => return Err(Error::invalid("cannot downgrade mount from version 2")),
        (_, other) => {
            let shown: String = other.chars().take(QUOTED_CHARACTERS_MAX).collect();
            return Err(Error::Invalid(format!("invalid version provided: {shown}")));
        }
    };
    if upgrade.is_some() {
        mount.upgraded = Some(now);
    }
    mount.options = Some(options);
    Ok(upgrade)
}

/// What there is to say about options that nobody looks at. They are kept, as clients expect, but a
/// misspelt `version` must not look as if it were one. They are not repeated: warnings are logged,
/// and nobody knows what was put there.
pub(super) fn without_effect(engine: &str, options: &KeyValues) -> Option<String> {
    let is_kv = engine == "kv";
    let is_known = |name: &str| is_kv && [VERSION, LEASED].contains(&name);
    let mut set = options.iter().filter(|(_, value)| !value.is_empty());
    if set.all(|(name, _)| is_known(name)) {
        return None;
    }
    Some(match is_kv {
        true => "options of kv other than \"version\" have no effect".to_owned(),
        false => format!("{engine} has no options; those given have no effect"),
    })
}

fn version(options: &KeyValues) -> &str {
    options.get(VERSION).map(String::as_str).filter(|text| !text.is_empty()).unwrap_or("1")
}

fn check(class: Class, engine: &str, options: &KeyValues) -> Result<()> {
    if engine != "kv" && options.contains_key(VERSION) {
        return Err(Error::Invalid(match class {
            Class::Secret => {
                format!("secrets engine \"{engine}\" does not allow setting a version")
            }
            Class::Auth => format!("auth method \"{engine}\" does not allow setting a version"),
        }));
    }
    let leased = options.get(LEASED).is_some_and(|text| !["", "false"].contains(&text.as_str()));
    if engine == "kv" && leased {
        let text =
            "'leased_passthrough' is not supported: what kv keeps has no lease; leave it out";
        return Err(Error::invalid(text));
    }
    Ok(())
}
