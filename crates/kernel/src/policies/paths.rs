//! `sys/policies/acl` and `sys/policy`: writing, reading and listing policies.

use std::fmt;

use api::{Data, Error, Keys, Moment, NoContent, Page, Path, Reply, Result, Seconds};
use data_encoding::BASE64;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, json};

use super::store::{self, EXPIRING, POLICIES, RESPONSE_WRAPPING_NAME, Record};
use super::{RESPONSE_WRAPPING, capabilities, explain, parse};
use crate::visit::Visit;

/// The longest policy text, in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Letters of the longest policy name.
pub(crate) const NAME_MAX: usize = 256;

/// Everything that can be done with policies.
pub(crate) fn paths() -> Vec<Path<Visit>> {
    let mut paths = vec![
        Path::new("policies/acl").help("List the policies.", "By name.").in_batch().list(list),
        Path::new("policies/acl/{name...}")
            .help(
                "Read, write and remove a policy.",
                "Changes hold for every token that has the policy, from this moment on.",
            )
            .in_batch()
            .folds_names()
            .read(read)
            .write(write)
            .patch(patch)
            .delete(delete)
            .list(list_below),
        Path::new("policies/detailed/acl")
            .help("List the policies, and how things stand with them.", "By name.")
            .in_batch()
            .list(list_detailed),
        Path::new("policy")
            .help("List the policies.", "The older form of sys/policies/acl.")
            .in_batch()
            .top_level()
            .read(list_old)
            .list(list_old),
        Path::new("policy/{name...}")
            .help("Read, write and remove a policy.", "The older form of sys/policies/acl.")
            .in_batch()
            .top_level()
            .folds_names()
            .read(read_old)
            .write(write_old)
            .delete(delete),
    ];
    paths.extend(capabilities::paths());
    paths.push(explain::path());
    paths
}

#[derive(Deserialize, JsonSchema)]
struct Named {
    /// Name of the policy. Not case sensitive.
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct Text {
    /// The policy, in HCL or JSON, plain or in base64.
    #[serde(default)]
    policy: String,
}

#[derive(Deserialize, JsonSchema)]
struct OldText {
    /// An older name of "policy".
    #[schemars(extend("x-older-name-of" = "policy"))]
    #[serde(default)]
    rules: String,
}

/// How long a policy holds, and what must be so for it to be written.
#[derive(Deserialize, JsonSchema)]
struct Terms {
    /// When it ends, as "2030-01-31T12:00:00Z" or in seconds since 1970.
    #[serde(default)]
    expiration: Option<When>,
    /// How long it holds; instead of "expiration".
    ttl: Option<Seconds>,
    /// The version that is there, or -1 for none: else nothing is written.
    #[serde(default, deserialize_with = "said")]
    cas: Option<i64>,
    /// Whether every later write must name the version that is there.
    cas_required: Option<bool>,
    /// Values with slashes are never filled into paths; only false can be said.
    #[serde(default)]
    allow_slashes_in_identity_templates: bool,
    /// Values with wildcards are never filled into paths; only false can be said.
    #[serde(default)]
    allow_wildcards_in_identity_templates: bool,
}

/// A number that was given. `null` is none: whoever meant to be held to something is not let go.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<i64>, D::Error> {
    i64::deserialize(deserializer).map(Some)
}

/// A point in time, as clients write it; nothing for none.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct When(Option<Moment>);

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Written;
        impl de::Visitor<'_> for Written {
            type Value = When;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a time such as \"2030-01-31T12:00:00Z\"")
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> std::result::Result<When, E> {
                Ok(When(Some(Moment::from_unix(seconds))))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<When, E> {
                if text.is_empty() {
                    return Ok(When(None));
                }
                let seconds = text.parse().map(Moment::from_unix).map_err(|_| ());
                let moment = seconds.or_else(|()| text.parse()).map_err(E::custom)?;
                Ok(When(Some(moment)))
            }
        }
        deserializer.deserialize_any(Written)
    }
}

/// A policy as the newer form shows it.
#[derive(JsonSchema, Serialize)]
struct PolicyView {
    /// Its name.
    name: String,
    /// Its text.
    policy: String,
    #[serde(flatten)]
    state: StateView,
}

/// A policy as the older form shows it.
#[derive(JsonSchema, Serialize)]
struct RulesView {
    /// Its name.
    name: String,
    /// Its text.
    rules: String,
    #[serde(flatten)]
    state: StateView,
}

/// How things stand with a policy.
#[derive(Default, JsonSchema, Serialize)]
struct StateView {
    /// How many times it has been written.
    version: u64,
    /// Whether every write must name the version that is there.
    cas_required: bool,
    /// When it was last written.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<Moment>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<Moment>,
    /// Whether values with slashes are filled into paths: never.
    allow_slashes_in_identity_templates: bool,
    /// Whether values with wildcards are filled into paths: never.
    allow_wildcards_in_identity_templates: bool,
}

/// Names, under both the names clients look for.
#[derive(JsonSchema, Serialize)]
struct NamesView {
    /// Names of policies.
    keys: Vec<String>,
    /// The same.
    policies: Vec<String>,
}

async fn list(visit: &Visit, page: Page) -> Result<Keys> {
    Ok(Keys(names(visit, &page).await?))
}

async fn list_detailed(visit: &Visit, page: Page) -> Result<Reply> {
    let names = names(visit, &page).await?;
    let mut details = Map::new();
    for name in &names {
        let state = match store::current(visit, name).await? {
            Some(record) => StateView::of(&record),
            None => StateView::default(),
        };
        details.insert(name.clone(), json!(state));
    }
    Ok(Reply::Keys(names, details))
}

async fn list_below(visit: &Visit, (named, page): (Named, Page)) -> Result<Keys> {
    let folder = format!("{}/", named.name);
    let after = format!("{folder}{}", page.after);
    let mut below = POLICIES.list(&visit.system, &after, usize::MAX).await?;
    below.retain(|name| name.starts_with(&folder));
    store::leave_out_expired(visit, &mut below).await?;
    below.truncate(page.limit());
    Ok(Keys(
        below.iter().filter_map(|name| name.strip_prefix(&folder)).map(str::to_owned).collect(),
    ))
}

async fn list_old(visit: &Visit, page: Page) -> Result<Data<NamesView>> {
    let names = names(visit, &page).await?;
    Ok(Data(NamesView { keys: names.clone(), policies: names }))
}

/// In the order of the alphabet, but `root` comes last.
async fn names(visit: &Visit, page: &Page) -> Result<Vec<String>> {
    if page.after == "root" {
        return Ok(vec![]);
    }
    let mut names = POLICIES.list(&visit.system, &page.after, usize::MAX).await?;
    store::leave_out_expired(visit, &mut names).await?;
    names.push("root".to_owned());
    names.truncate(page.limit());
    Ok(names)
}

async fn read(visit: &Visit, named: Named) -> Result<Data<PolicyView>> {
    let (policy, state) = seen(visit, &named.name).await?;
    Ok(Data(PolicyView { name: named.name, policy, state }))
}

async fn read_old(visit: &Visit, named: Named) -> Result<Data<RulesView>> {
    let (rules, state) = seen(visit, &named.name).await?;
    Ok(Data(RulesView { name: named.name, rules, state }))
}

async fn seen(visit: &Visit, name: &str) -> Result<(String, StateView)> {
    match name {
        "root" => Ok((String::new(), StateView::default())),
        RESPONSE_WRAPPING_NAME => Ok((RESPONSE_WRAPPING.to_owned(), StateView::default())),
        name => {
            let record = store::current(visit, name).await?.ok_or(Error::Missing)?;
            let state = StateView::of(&record);
            Ok((record.text, state))
        }
    }
}

impl StateView {
    fn of(record: &Record) -> Self {
        Self {
            version: record.version,
            cas_required: record.cas_required,
            modified: Some(record.modified),
            expiration: record.expiration,
            ..Self::default()
        }
    }
}

async fn write(visit: &Visit, (named, given, terms): (Named, Text, Terms)) -> Result<NoContent> {
    save(visit, &named.name, &given.policy, &terms).await?;
    warn_of_folding(visit, &named.name);
    Ok(NoContent)
}

async fn write_old(
    visit: &Visit,
    (named, given, old, terms): (Named, Text, OldText, Terms),
) -> Result<Reply> {
    if !given.policy.is_empty() {
        save(visit, &named.name, &given.policy, &terms).await?;
        warn_of_folding(visit, &named.name);
        return Ok(Reply::Empty);
    }
    save(visit, &named.name, &old.rules, &terms).await?;
    visit.warn("'rules' is deprecated, please use 'policy' instead");
    Ok(Reply::Data(Map::new(), None))
}

/// Changes what is given, and nothing else. Where that is nothing, there is no new version.
async fn patch(
    visit: &Visit,
    (named, given, terms): (Named, Text, Terms),
) -> Result<Data<PolicyView>> {
    check_name(&named.name, "update")?;
    let missing = || Error::MissingBecause("policy not found".to_owned());
    let before = store::current(visit, &named.name).await?.ok_or_else(missing)?;
    let text = match given.policy.is_empty() {
        true => before.text.clone(),
        false => understood(&given.policy)?,
    };
    terms.check(Some(&before))?;
    let expiration = terms.end(visit.now)?.unwrap_or(before.expiration);
    let cas_required = terms.cas_required.unwrap_or(before.cas_required);
    let is_changed =
        (&text, expiration, cas_required) != (&before.text, before.expiration, before.cas_required);
    let record = match is_changed {
        true => Record { cas_required, ..before.followed_by(text, expiration, visit.now) },
        false => before,
    };
    if is_changed {
        put(visit, &named.name, &record);
    }
    let state = StateView::of(&record);
    Ok(Data(PolicyView { name: named.name, policy: record.text, state }))
}

fn warn_of_folding(visit: &Visit, name: &str) {
    if visit.asked != visit.path {
        visit.warn(format!("policy name was converted to {name}"));
    }
}

/// Writes a policy, whatever it was before; only whether a version must be named stays as it was.
async fn save(visit: &Visit, name: &str, given: &str, terms: &Terms) -> Result<()> {
    check_name(name, "update")?;
    let text = understood(given)?;
    let before = store::current(visit, name).await?;
    terms.check(before.as_ref())?;
    let expiration = terms.end(visit.now)?.flatten();
    let before = before.unwrap_or_default();
    let record = before.followed_by(text, expiration, visit.now);
    let record =
        Record { cas_required: terms.cas_required.unwrap_or(before.cas_required), ..record };
    put(visit, name, &record);
    Ok(())
}

fn put(visit: &Visit, name: &str, record: &Record) {
    POLICIES.put(&visit.system, name, record);
    match record.expiration {
        Some(_) => EXPIRING.put(&visit.system, name, &()),
        None => EXPIRING.delete(&visit.system, name),
    }
}

/// The text of a policy that parses, out of what was given.
pub(super) fn understood(given: &str) -> Result<String> {
    if given.trim().is_empty() {
        return Err(Error::invalid("'policy' parameter not supplied or empty"));
    }
    let text = plain(given);
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::invalid("failed to parse policy: it is longer than 256 KiB"));
    }
    parse(&text).map_err(|error| Error::invalid(error.to_string()))?;
    Ok(text)
}

impl Terms {
    /// Whether they fit what is there.
    fn check(&self, before: Option<&Record>) -> Result<()> {
        if self.allow_slashes_in_identity_templates || self.allow_wildcards_in_identity_templates {
            return Err(Error::invalid(
                "values with slashes or wildcards are never filled into paths; leave the \
                 allow_*_in_identity_templates out",
            ));
        }
        let version = before.map(|record| record.version);
        let problem = match self.cas {
            None if before.is_some_and(|record| record.cas_required) => {
                "check-and-set parameter required for this call"
            }
            Some(-1) if before.is_some() => "check-and-set parameter set to -1 on existing entry",
            None | Some(-1) => return Ok(()),
            Some(cas) if u64::try_from(cas) == Ok(version.unwrap_or(0)) => return Ok(()),
            Some(_) => "check-and-set parameter did not match the current version",
        };
        Err(Error::invalid(problem))
    }

    /// When it shall end, if anything is said about that.
    fn end(&self, now: Moment) -> Result<Option<Option<Moment>>> {
        let end = match (&self.expiration, self.ttl) {
            (Some(_), Some(_)) => {
                let problem = "cannot supply both 'expiration' and 'ttl' for policies";
                return Err(Error::invalid(problem));
            }
            (Some(When(end)), None) => *end,
            (None, Some(ttl)) => ttl.set().map(|ttl| now.plus(ttl)),
            (None, None) => return Ok(None),
        };
        if end.is_some_and(|end| end.unix() <= now.unix()) {
            let problem = "refusing to update policy as expiration time has already elapsed";
            return Err(Error::invalid(problem));
        }
        Ok(Some(end))
    }
}

/// A text that may have been given in base64.
pub(super) fn plain(given: &str) -> String {
    let decoded = BASE64.decode(given.trim().as_bytes()).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    text.unwrap_or_else(|| given.to_owned())
}

async fn delete(visit: &Visit, named: Named) -> Result<NoContent> {
    if named.name == "default" {
        return Err(Error::invalid("cannot delete default policy"));
    }
    check_name(&named.name, "delete")?;
    POLICIES.delete(&visit.system, &named.name);
    EXPIRING.delete(&visit.system, &named.name);
    Ok(NoContent)
}

/// Some names are not for writing, and some are no names.
fn check_name(name: &str, act: &str) -> Result<()> {
    if ["root", RESPONSE_WRAPPING_NAME].contains(&name) {
        return Err(Error::invalid(format!("cannot {act} \"{name}\" policy")));
    }
    if name.trim() != name {
        return Err(Error::invalid("a policy name has no spaces around it"));
    }
    if name.chars().count() > NAME_MAX {
        return Err(Error::invalid("a policy name has at most 256 letters"));
    }
    if name.contains(',') {
        return Err(Error::invalid("a policy name has no comma: lists of names could not hold it"));
    }
    Ok(())
}
