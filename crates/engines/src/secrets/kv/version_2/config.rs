//! The rules a mount has for all its secrets.

use std::borrow::Cow;
use std::fmt;

use api::{Context, Data, Moment, NoContent, Path, Result, Seconds, duration};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use storage::Table;

use super::rules::{RuleFields, Rules};

const CONFIGS: Table<Config> = Table::new("config/");
/// The one name in its table.
const NAME: &str = "mount";

/// What the mount says of all its secrets.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Config {
    pub(super) rules: Rules,
    delete_after: DeleteAfter,
}

/// When new versions delete themselves.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
enum DeleteAfter {
    /// When the secret says so.
    #[default]
    Unset,
    /// Never, whatever the secret says.
    Never,
    /// After this time, or when the secret says so, whichever comes first.
    Time(Seconds),
}

pub(super) fn path() -> Path {
    Path::new("config")
        .help(
            "Read and change the rules for all secrets of this mount.",
            "Each secret can have rules of its own, set with its metadata. Fields that are left \
             out of a change stay as they are.",
        )
        .read(read)
        .write(write)
}

#[derive(Deserialize, JsonSchema)]
struct ConfigFields {
    /// How long after it was written a version deletes itself, such as "720h". 0 means not set,
    /// and less than 0 that no version does, whatever its secret says.
    delete_version_after: Option<SignedDuration>,
}

#[derive(JsonSchema, Serialize)]
struct ConfigView {
    /// How many versions to keep.
    max_versions: u64,
    /// Whether each write must say which version it expects to replace.
    cas_required: bool,
    /// Whether each write of metadata must say which version of it it expects to replace.
    metadata_cas_required: bool,
    /// How long after it was written a version deletes itself.
    delete_version_after: String,
}

async fn read(context: &Context, (): ()) -> Result<Data<ConfigView>> {
    let config = Config::of(context).await?;
    Ok(Data(ConfigView {
        max_versions: config.rules.max_versions,
        cas_required: config.rules.cas_required,
        metadata_cas_required: config.rules.metadata_cas_required,
        delete_version_after: config.delete_after.to_string(),
    }))
}

async fn write(context: &Context, (rules, given): (RuleFields, ConfigFields)) -> Result<NoContent> {
    if rules.are_absent() && given.delete_version_after.is_none() {
        return Ok(NoContent);
    }
    let mut config = Config::of(context).await?;
    config.rules.change(&rules)?;
    if let Some(SignedDuration(after)) = given.delete_version_after {
        config.delete_after = after;
    }
    CONFIGS.put(&context.store, NAME, &config);
    Ok(NoContent)
}

impl Config {
    /// What the mount says; nothing special if it has never been asked to.
    pub(super) async fn of(context: &Context) -> Result<Self> {
        Ok(CONFIGS.get(&context.store, NAME).await?.unwrap_or_default())
    }

    /// When a version deletes itself that is written (or brought back) `now`, to a secret that
    /// says it shall be `after` this time (zero: not set).
    pub(super) fn deletion(&self, now: Moment, after: Seconds) -> Option<Moment> {
        let after = match (self.delete_after, after.set()) {
            (DeleteAfter::Never, _) => None,
            (DeleteAfter::Unset, own) => own,
            (DeleteAfter::Time(time), own) => Some(own.map_or(time, |own| own.min(time))),
        };
        after.map(|after| now.plus(after))
    }
}

impl DeleteAfter {
    /// What is asked for by a duration that has been read, or turned out to be less than nothing.
    fn from_parsed<E: de::Error>(
        parsed: std::result::Result<u64, duration::Error>,
    ) -> std::result::Result<Self, E> {
        match parsed {
            Ok(seconds) => Ok(Seconds(seconds).set().map_or(Self::Unset, Self::Time)),
            Err(duration::Error::Negative(_)) => Ok(Self::Never),
            Err(error) => Err(E::custom(error.discreet())),
        }
    }
}

impl fmt::Display for DeleteAfter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => formatter.write_str("0s"),
            Self::Never => formatter.write_str("-1s"),
            Self::Time(time) => formatter.write_str(&duration::go_style(time.0)),
        }
    }
}

/// A duration that may be less than zero, which has a meaning of its own here.
struct SignedDuration(DeleteAfter);

impl<'de> Deserialize<'de> for SignedDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = SignedDuration;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a duration such as \"1h\", 3600 or -1")
            }

            fn visit_u64<E: de::Error>(
                self,
                seconds: u64,
            ) -> std::result::Result<SignedDuration, E> {
                DeleteAfter::from_parsed(duration::bounded(seconds)).map(SignedDuration)
            }

            fn visit_i64<E: de::Error>(
                self,
                seconds: i64,
            ) -> std::result::Result<SignedDuration, E> {
                match u64::try_from(seconds) {
                    Ok(seconds) => self.visit_u64(seconds),
                    Err(_) => Ok(SignedDuration(DeleteAfter::Never)),
                }
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<SignedDuration, E> {
                DeleteAfter::from_parsed(duration::parse(text.trim())).map(SignedDuration)
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl JsonSchema for SignedDuration {
    fn schema_name() -> Cow<'static, str> {
        "SignedDuration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "format": "seconds" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mount: DeleteAfter, key: u64, expected: Option<u64>) {
        let config = Config { delete_after: mount, ..Config::default() };
        let deletion = config.deletion(Moment::from_unix(1000), Seconds(key));
        assert_eq!(deletion, expected.map(Moment::from_unix), "{mount:?} {key}");
    }

    #[track_caller]
    fn check_read(json: &str, expected: Option<DeleteAfter>) {
        let read = serde_json::from_str::<SignedDuration>(json);
        assert_eq!(read.ok().map(|read| read.0), expected, "{json}");
    }

    #[test]
    fn less_than_a_second_is_neither_nothing_nor_less_than_nothing() {
        let time = |seconds| Some(DeleteAfter::Time(Seconds(seconds)));
        check_read("\"500ms\"", time(1));
        check_read("\" 1h \"", time(3600));
        check_read("90", time(90));
        for zero in ["0", "\"0s\"", "\"\"", "\"-0\""] {
            check_read(zero, Some(DeleteAfter::Unset));
        }
        for negative in ["-1", "\"-1\"", "\"-0.5s\"", "\"-1ns\"", "\"-1h\""] {
            check_read(negative, Some(DeleteAfter::Never));
        }
        for beyond in ["9223372037", "18446744073709551615", "\"9223372037\"", "\"soon\""] {
            check_read(beyond, None);
        }
    }

    #[test]
    fn the_shorter_time_counts_unless_the_mount_says_never() {
        check(DeleteAfter::Unset, 0, None);
        check(DeleteAfter::Unset, 60, Some(1060));
        check(DeleteAfter::Time(Seconds(20)), 0, Some(1020));
        check(DeleteAfter::Time(Seconds(20)), 10, Some(1010));
        check(DeleteAfter::Time(Seconds(20)), 30, Some(1020));
        check(DeleteAfter::Never, 60, None);
    }
}
