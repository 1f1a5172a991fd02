//! Reading and writing what a secret says.

use api::{Context, Data, Error, Found, NoContent, Path, Reply, Respond, Result};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::config::Config;
use super::history::{History, VersionView, Wanted};
use super::object::Object;
use crate::null;
use crate::secrets::Place;

pub(super) fn path() -> Path {
    Path::new("data/{path...}")
        .help(
            "Read, write, change and delete secrets.",
            "Each write makes a new version. Deleting hides the current version; it can be \
             brought back with \"undelete/\".",
        )
        .exists(exists)
        .read(read)
        .write(write)
        .patch(patch)
        .delete(delete)
}

#[derive(Deserialize, JsonSchema)]
struct NewVersion {
    /// The secret itself, an object. In a patch it is merged into the current version, where
    /// `null` removes a field.
    #[serde(default, deserialize_with = "null::counts")]
    data: Option<Option<Object>>,
    /// Set "cas" to the version that this write expects to replace, or to 0 if there must be
    /// none.
    options: Option<Object>,
}

#[derive(JsonSchema)]
struct SecretView {
    /// What the version says; `null` where it is deleted.
    data: Option<Map<String, Value>>,
    /// What is known of the version.
    metadata: VersionView,
}

async fn exists(context: &Context, place: Place) -> Result<bool> {
    Ok(History::find(context, &place.path).await?.is_some())
}

async fn read(context: &Context, (place, wanted): (Place, Wanted)) -> Result<SecretView> {
    let history = History::find(context, &place.path).await?.ok_or(Error::Missing)?;
    let (number, version) = history.wanted(&wanted).await?;
    let metadata = history.view(number, &version);
    if !version.is_live(context.now) {
        return Ok(SecretView { data: None, metadata });
    }
    let data = history.secret(number).await?;
    Ok(SecretView { data: Some(data), metadata })
}

async fn write(context: &Context, (place, new): (Place, NewVersion)) -> Result<Data<VersionView>> {
    let expected = new.expected();
    let secret = new.secret()?;
    let config = Config::of(context).await?;
    let found = History::find(context, &place.path).await?;
    let mut history = match found {
        Some(history) => history,
        None => History::new(context, &place.path)?,
    };
    check_expectation(expected?, &history, &config)?;
    Ok(Data(history.append(&secret, context.now, &config)))
}

async fn patch(context: &Context, (place, new): (Place, NewVersion)) -> Result<Found<VersionView>> {
    let expected = new.expected();
    let change = new.secret()?;
    let config = Config::of(context).await?;
    let found = History::find(context, &place.path).await?;
    let mut history = found.ok_or(Error::Missing)?;
    check_expectation(expected?, &history, &config)?;
    let current = history.key.current;
    let version = history.version(current).await?.ok_or(Error::Missing)?;
    if !version.is_live(context.now) {
        return Ok(Found::Gone(history.view(current, &version)));
    }
    let mut secret = history.secret(current).await?;
    merge(&mut secret, change);
    Ok(Found::Here(history.append(&secret, context.now, &config)))
}

/// Answers alike whether or not there was anything to delete.
async fn delete(context: &Context, place: Place) -> Result<NoContent> {
    if let Some(mut history) = History::find(context, &place.path).await? {
        let current = [history.key.current].into();
        history.change(&current, |version| version.delete(context.now)).await?;
    }
    Ok(NoContent)
}

/// By hand, so that what a version says, however much, goes into the answer without being copied.
impl Respond for SecretView {
    fn into_reply(self) -> Reply {
        let is_there = self.data.is_some();
        let data = self.data.map_or(Value::Null, Value::Object);
        let metadata = Value::Object(self.metadata.into_fields());
        let mut fields = Map::new();
        fields.insert("data".to_owned(), data);
        fields.insert("metadata".to_owned(), metadata);
        match is_there {
            true => Reply::Data(fields, None),
            false => Reply::Absent(Some(fields)),
        }
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl NewVersion {
    fn secret(self) -> Result<Map<String, Value>> {
        let given = self.data.ok_or_else(|| Error::invalid("no data provided"))?;
        Ok(given.unwrap_or_default().0)
    }

    /// The version this write expects to replace, if it says so.
    fn expected(&self) -> Result<Option<i64>> {
        let Some(expected) = self.options.as_ref().and_then(|options| options.0.get("cas")) else {
            return Ok(None);
        };
        let number = match expected {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let unclear = || Error::invalid("error parsing check-and-set parameter");
        number.map(Some).ok_or_else(unclear)
    }
}

fn check_expectation(expected: Option<i64>, history: &History, config: &Config) -> Result<()> {
    let required = history.key.rules.cas_required || config.rules.cas_required;
    match expected {
        None if required => Err(Error::invalid("check-and-set parameter required for this call")),
        Some(expected) if u64::try_from(expected) != Ok(history.key.current) => {
            Err(Error::invalid("check-and-set parameter did not match the current version"))
        }
        _ => Ok(()),
    }
}

/// Merges as RFC 7396 says. As deep as requests may nest, which the edge bounds.
fn merge(target: &mut Map<String, Value>, change: Map<String, Value>) {
    for (name, value) in change {
        match value {
            Value::Null => {
                target.remove(&name);
            }
            Value::Object(inner) => {
                let mut fields = match target.remove(&name) {
                    Some(Value::Object(fields)) => fields,
                    _ => Map::new(),
                };
                merge(&mut fields, inner);
                target.insert(name, Value::Object(fields));
            }
            other => {
                target.insert(name, other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[track_caller]
    fn check(target: &str, change: &str, expected: &str) {
        let mut merged = serde_json::from_str(target).unwrap();
        merge(&mut merged, serde_json::from_str(change).unwrap());
        assert_eq!(serde_json::to_string(&merged).unwrap(), expected);
    }

    #[test]
    fn patches_merge() {
        check(r#"{"a":1}"#, r#"{}"#, r#"{"a":1}"#);
        check(r#"{"a":1}"#, r#"{"a":1.0}"#, r#"{"a":1.0}"#);
        check(r#"{"a":1,"b":{"c":2}}"#, r#"{"a":null}"#, r#"{"b":{"c":2}}"#);
        check(r#"{"b":{"c":2}}"#, r#"{"b":{"c":null}}"#, r#"{"b":{}}"#);
        check(r#"{"b":{"c":2}}"#, r#"{"b":{"d":3}}"#, r#"{"b":{"c":2,"d":3}}"#);
        check(r#"{"b":[1,2]}"#, r#"{"b":[3]}"#, r#"{"b":[3]}"#);
        check(r#"{"b":1}"#, r#"{"b":{"c":null,"d":1}}"#, r#"{"b":{"d":1}}"#);
        check(r#"{}"#, r#"{"a":null}"#, r#"{}"#);
    }
}
