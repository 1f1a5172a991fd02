//! From the text of a policy to its rules.

use std::collections::BTreeSet;
use std::fmt;

use api::hcl::{self, Block, Body, Position};

use super::template::Template;
use super::{Capabilities, Capability, Parameters, Pattern, Policy, Rule, Values, Wrapping};

/// What a rule may say.
pub(super) const KEYS: &[&str] = &[
    "allowed_parameters",
    "capabilities",
    "comment",
    "control_group",
    "denied_parameters",
    "expiration",
    "list_scan_response_keys_filter_path",
    "max_wrapping_ttl",
    "mfa_methods",
    "min_wrapping_ttl",
    "pagination_limit",
    "policy",
    "required_parameters",
    "subscribe_event_types",
];

/// What narrows a rule in a way that nothing here enforces, and what to do instead.
///
/// Taking such a rule and ignoring the key would grant more than its author meant to.
const UNENFORCED: &[(&str, &str)] = &[
    ("control_group", "leave the rule out, or let a second person hold the capability"),
    ("list_scan_response_keys_filter_path", "grant list on narrower paths"),
    ("mfa_methods", "ask for a second factor at login"),
];

/// Why a text is not a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// It does not parse, or says something that no policy can say.
    Text(hcl::Error),
    /// The braces of a template in a path do not pair up.
    Templating(Position),
}

/// The policy that `text` is, in HCL or JSON.
///
/// # Errors
/// When it is not a policy, or asks for what this server cannot enforce. The place is named.
pub fn parse(text: &str) -> Result<Policy, PolicyError> {
    let body = hcl::parse(text)?;
    body.allow_only(&["name", "path"])?;
    if let Some(name) = body.value("name")? {
        name.text()?;
    }
    let blocks = body.blocks("path", 1)?;
    let rules = blocks.iter().map(rule).collect::<Result<_, _>>()?;
    Ok(Policy { rules })
}

/// One rule of a policy.
///
/// # Errors
/// When it is none, or asks for what this server cannot enforce.
pub(super) fn rule(block: &Block<'_>) -> Result<Rule, PolicyError> {
    let path = block.labels.first().map_or("", |label| label.text.as_str());
    if !templates_pair_up(path) {
        return Err(PolicyError::Templating(block.position));
    }
    let in_path = |error: hcl::Error| {
        PolicyError::Text(error.position.error(format!("path {path:?}: {}", error.problem)))
    };
    rule_of(path, block).map_err(in_path)
}

fn rule_of(path: &str, block: &Block<'_>) -> Result<Rule, hcl::Error> {
    let body = block.body;
    body.allow_only(KEYS)?;
    refuse_unenforced(body)?;
    if path.contains("+*") {
        return Err(block.position.error("invalid use of wildcards ('+*' is forbidden)"));
    }
    if let Some(comment) = body.value("comment")? {
        comment.text()?;
    }
    // There are no events to subscribe to, so narrowing them down has no effect to enforce.
    if let Some(types) = body.value("subscribe_event_types")? {
        types.texts()?;
    }
    if !Template::new(path).is_understood() {
        let problem = "no such value for a template; there are identity.entity.id, .name and \
                       .metadata.<key>, identity.entity.aliases.<mount>.id, .name, \
                       .metadata.<key> and .custom_metadata.<key>, and identity.groups";
        return Err(block.position.error(problem));
    }
    Ok(Rule {
        pattern: Pattern::new(path),
        capabilities: capabilities(body)?,
        wrapping: wrapping(body)?,
        parameters: parameters(body)?,
        pagination_limit: pagination_limit(body)?,
        expiration: expiration(body)?,
        line: block.labels.first().map_or(block.position, |label| label.position).line,
    })
}

fn refuse_unenforced(body: &Body) -> Result<(), hcl::Error> {
    for item in &body.items {
        let key = item.key.text.as_str();
        let Some((_, instead)) = UNENFORCED.iter().find(|(name, _)| *name == key) else { continue };
        // Spelled out and empty, it says what its absence says.
        let is_empty = key == "mfa_methods" && item.value.list().is_ok_and(<[_]>::is_empty);
        if !is_empty {
            let problem = format!("this server cannot enforce {key}; {instead}");
            return Err(item.key.position.error(problem));
        }
    }
    Ok(())
}

/// What `capabilities` and the older `policy` grant together.
fn capabilities(body: &Body) -> Result<Capabilities, hcl::Error> {
    let mut granted = Capabilities::NONE;
    if let Some(value) = body.value("policy")? {
        granted = legacy(value.text()?)
            .ok_or_else(|| value.position.error(format!("invalid policy {:?}", text_of(value))))?;
    }
    if let Some(values) = body.value("capabilities")? {
        for value in values.list()? {
            let capability = Capability::named(value.text()?).ok_or_else(|| {
                value.position.error(format!("invalid capability {:?}", text_of(value)))
            })?;
            granted = granted.union(Capabilities::from_iter([capability]));
        }
    }
    Ok(granted)
}

fn text_of(value: &hcl::Value) -> &str {
    value.text().unwrap_or_default()
}

/// What the words of the first policies stand for.
fn legacy(word: &str) -> Option<Capabilities> {
    use Capability::{Create, Delete, Deny, List, Read, Sudo, Update};
    Some(match word {
        "deny" => Capabilities::from_iter([Deny]),
        "read" => Capabilities::from_iter([Read, List]),
        "write" => Capabilities::from_iter([Create, Read, Update, Delete, List]),
        "sudo" => Capabilities::from_iter([Create, Read, Update, Delete, List, Sudo]),
        _ => return None,
    })
}

fn wrapping(body: &Body) -> Result<Wrapping, hcl::Error> {
    let bound = |key| -> Result<Option<u64>, hcl::Error> {
        let seconds = body.value(key)?.map(hcl::Value::seconds).transpose()?;
        Ok(seconds.filter(|seconds| *seconds > 0))
    };
    let wrapping = Wrapping {
        min_seconds: bound("min_wrapping_ttl")?,
        max_seconds: bound("max_wrapping_ttl")?,
    };
    match (wrapping.min_seconds, wrapping.max_seconds, body.value("max_wrapping_ttl")?) {
        (Some(min), Some(max), Some(value)) if max < min => {
            Err(value.position.error("max_wrapping_ttl cannot be less than min_wrapping_ttl"))
        }
        _ => Ok(wrapping),
    }
}

fn pagination_limit(body: &Body) -> Result<Option<u64>, hcl::Error> {
    let limit = body.value("pagination_limit")?.map(hcl::Value::whole_number).transpose()?;
    Ok(limit.filter(|limit| *limit > 0))
}

fn parameters(body: &Body) -> Result<Parameters, hcl::Error> {
    let required = match body.value("required_parameters")? {
        Some(names) => names.texts()?.into_iter().map(str::to_lowercase).collect(),
        None => BTreeSet::new(),
    };
    let allowed = values_by_name(body, "allowed_parameters")?;
    let denied = values_by_name(body, "denied_parameters")?;
    Ok(Parameters::new(allowed, denied, required))
}

fn values_by_name(body: &Body, key: &str) -> Result<Values, hcl::Error> {
    let mut by_name = Values::new();
    let Some(named) = body.value(key)? else { return Ok(by_name) };
    for item in &named.object()?.items {
        if let Some(label) = item.labels.first() {
            return Err(label.position.error(format!("{:?} takes no label", item.key.text)));
        }
        let values =
            item.value.list()?.iter().map(hcl::Value::to_json).collect::<Result<_, _>>()?;
        if by_name.insert(item.key.text.to_lowercase(), values).is_some() {
            let problem = format!("parameter {:?} is named a second time", item.key.text);
            return Err(item.key.position.error(problem));
        }
    }
    Ok(by_name)
}

fn expiration(body: &Body) -> Result<Option<u64>, hcl::Error> {
    let Some(value) = body.value("expiration")? else { return Ok(None) };
    let text = value.text()?;
    let moment = text.parse::<jiff::Timestamp>().map_err(|_| {
        let problem = match is_written_well(text) {
            true => {
                "invalid expiration time: this is later or earlier than any time there is; at \
                 most \"9999-12-30T22:00:00Z\", and a rule without it lasts"
            }
            false => "invalid expiration time: it is written like \"2030-01-31T12:00:00Z\"",
        };
        value.position.error(problem)
    })?;
    // Before 1970 is long ago, which is all that matters.
    Ok(Some(u64::try_from(moment.as_second()).unwrap_or(0)))
}

/// Whether this is a date with a time and an offset, be it one beyond all measure.
fn is_written_well(text: &str) -> bool {
    let pieces = jiff::fmt::temporal::Pieces::parse(text);
    pieces.is_ok_and(|pieces| pieces.time().is_some() && pieces.offset().is_some())
}

/// Whether each `{{` has its `}}` and none are nested.
fn templates_pair_up(path: &str) -> bool {
    let mut parts = path.split("{{");
    let before_any = parts.next().unwrap_or_default();
    !before_any.contains("}}") && parts.all(|part| part.matches("}}").count() == 1)
}

impl From<hcl::Error> for PolicyError {
    fn from(error: hcl::Error) -> Self {
        Self::Text(error)
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(error) => write!(formatter, "failed to parse policy: {error}"),
            Self::Templating(position) => {
                let problem = "unbalanced templating characters";
                write!(formatter, "failed to validate policy templating: {problem} on {position}")
            }
        }
    }
}

impl std::error::Error for PolicyError {}
