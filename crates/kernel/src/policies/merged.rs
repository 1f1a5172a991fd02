//! One rule for one pattern, put together from every policy that has the pattern.

use std::sync::Arc;

use api::Operation;
use api::describe::Synonyms;
use serde_json::{Map, Value};

use super::{Capabilities, Capability, Parameters, Refusal, Rule, Wrapping};

/// The parameter by which listings are asked for a part.
const LIMIT: &str = "limit";

/// Everything that the policies of a token say about one pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedRule {
    pattern: String,
    capabilities: Capabilities,
    wrapping: Wrapping,
    parameters: Parameters,
    pagination_limit: Option<u64>,
    sources: Vec<Source>,
}

/// One of the rules that were put together.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The policy it is in.
    pub policy: Arc<str>,
    /// The line it starts on.
    pub line: u32,
    /// What it grants by itself.
    pub capabilities: Capabilities,
}

/// What a door asks for beyond the capability of its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing more.
    Capability,
    /// `sudo` as well.
    CapabilityAndSudo,
}

impl MergedRule {
    /// The pattern of the rule.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// What the rule lets someone do.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Where the rule comes from, in the order in which the policies were given.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether the rule grants `sudo`, which by itself allows nothing.
    pub fn has_sudo(&self) -> bool {
        self.capabilities.contains(Capability::Sudo)
    }

    /// Whether the rule allows `operation` on a door that has this `need`.
    pub fn allows(&self, operation: Operation, need: Need) -> bool {
        self.judge_access(operation, need).is_ok()
    }

    /// Whether the rule lets someone come with `operation` to a door that has this `need`.
    ///
    /// Parameters and wrapping are questions of their own, asked once the body is read.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn judge_access(&self, operation: Operation, need: Need) -> Result<(), Refusal> {
        let Some(capability) = Capability::needed_for(operation) else { return Ok(()) };
        if self.capabilities.contains(Capability::Deny) {
            return Err(Refusal::Denied);
        }
        if !self.capabilities.contains(capability) {
            return Err(Refusal::Missing(capability));
        }
        match need == Need::Capability || self.has_sudo() {
            true => Ok(()),
            false => Err(Refusal::Missing(Capability::Sudo)),
        }
    }

    /// Whether the request may carry `data`: its body, or the query of a read. For a listing, how
    /// many entries the answer may have, if that is limited. What is said of a parameter holds for
    /// each of its names in `synonyms`.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn judge_parameters(
        &self,
        operation: Operation,
        data: &Map<String, Value>,
        synonyms: &Synonyms,
    ) -> Result<Option<u64>, Refusal> {
        match operation {
            Operation::List | Operation::Scan => self.judge_limit(data),
            _ => self.parameters.judge(operation, data, synonyms).map(|()| None),
        }
    }

    /// How many entries of a listing may be told, if that is limited.
    pub fn pagination_limit(&self) -> Option<u64> {
        self.pagination_limit
    }

    /// Whether the answer may be wrapped for `wrap_ttl` seconds, or go unwrapped.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn judge_wrapping(&self, wrap_ttl: Option<u64>) -> Result<(), Refusal> {
        if self.wrapping.permits(wrap_ttl) { Ok(()) } else { Err(Refusal::Wrapping) }
    }

    /// The policies that grant `operation`, each once, in the order in which they were given.
    pub fn granted_by(&self, operation: Operation) -> Vec<&str> {
        let Some(capability) = Capability::needed_for(operation) else { return Vec::new() };
        let mut policies: Vec<&str> = Vec::new();
        if !self.allows(operation, Need::Capability) {
            return policies;
        }
        for source in &self.sources {
            if source.capabilities.contains(capability)
                && !policies.contains(&source.policy.as_ref())
            {
                policies.push(&source.policy);
            }
        }
        policies
    }

    /// How many entries may be told: fewer if fewer are asked for; `max` and 0 ask for all of them.
    fn judge_limit(&self, data: &Map<String, Value>) -> Result<Option<u64>, Refusal> {
        let Some(most) = self.pagination_limit else { return Ok(None) };
        let asked = match data.get(LIMIT) {
            None if self.parameters.requires(LIMIT) => {
                return Err(Refusal::Required(LIMIT.to_owned()));
            }
            None => return Ok(Some(most)),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) if text == "max" => Some(0),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        match asked {
            Some(0) => Ok(Some(most)),
            Some(asked) if asked <= most => Ok(Some(asked)),
            _ => Err(Refusal::Limit(most)),
        }
    }

    pub(super) fn new(policy: &Arc<str>, rule: &Rule) -> Self {
        Self {
            pattern: rule.pattern.text().to_owned(),
            capabilities: rule.capabilities,
            wrapping: rule.wrapping,
            parameters: rule.parameters.clone(),
            pagination_limit: rule.pagination_limit,
            sources: vec![Source::new(policy, rule)],
        }
    }

    /// Adds a rule with the same pattern that was seen after those in here.
    pub(super) fn merge(&mut self, later: &Self) {
        self.capabilities = self.capabilities.union(later.capabilities);
        self.wrapping = self.wrapping.merged(later.wrapping);
        self.parameters.merge(&later.parameters);
        self.pagination_limit = smaller(self.pagination_limit, later.pagination_limit);
        self.sources.extend(later.sources.iter().cloned());
    }

    /// The rule of whoever may do everything everywhere.
    pub(super) fn everything() -> Self {
        let capabilities = Capabilities::all();
        Self {
            pattern: "*".to_owned(),
            capabilities,
            wrapping: Wrapping::default(),
            parameters: Parameters::default(),
            pagination_limit: None,
            sources: vec![Source { policy: "root".into(), line: 0, capabilities }],
        }
    }
}

impl Source {
    fn new(policy: &Arc<str>, rule: &Rule) -> Self {
        Self { policy: policy.clone(), line: rule.line, capabilities: rule.capabilities }
    }
}

/// The smaller of two limits, where only one is set that one.
pub(super) fn smaller(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
