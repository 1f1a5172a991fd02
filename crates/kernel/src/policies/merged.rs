//! One rule for one pattern, put together from every policy that has the pattern.

use std::sync::Arc;

use api::Operation;
use serde_json::{Map, Value};

use super::{Capabilities, Capability, Parameters, Rule, Wrapping};

/// Everything that the policies of a token say about one pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedRule {
    pattern: String,
    capabilities: Capabilities,
    wrapping: Wrapping,
    parameters: Parameters,
    contributions: Vec<(Arc<str>, Capabilities)>,
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

    /// Whether the rule grants `sudo`, which by itself allows nothing.
    pub fn has_sudo(&self) -> bool {
        self.capabilities.contains(Capability::Sudo)
    }

    /// Whether the rule allows `operation` on a door that has this `need`.
    ///
    /// Parameters and wrapping are questions of their own, asked once the body is read.
    pub fn allows(&self, operation: Operation, need: Need) -> bool {
        let Some(capability) = Capability::needed_for(operation) else { return true };
        self.capabilities.grant_something()
            && self.capabilities.contains(capability)
            && (need == Need::Capability || self.has_sudo())
    }

    /// Whether the request may carry `data`: its body, or the query of a read.
    pub fn permits_parameters(&self, operation: Operation, data: &Map<String, Value>) -> bool {
        self.parameters.permit(operation, data)
    }

    /// Whether the answer may be wrapped for `wrap_ttl` seconds, or go unwrapped.
    pub fn permits_wrapping(&self, wrap_ttl: Option<u64>) -> bool {
        self.wrapping.permits(wrap_ttl)
    }

    /// The policies that grant `operation`, each once, in the order in which they were given.
    pub fn granted_by(&self, operation: Operation) -> Vec<&str> {
        let Some(capability) = Capability::needed_for(operation) else { return Vec::new() };
        let mut policies: Vec<&str> = Vec::new();
        if !self.allows(operation, Need::Capability) {
            return policies;
        }
        for (policy, capabilities) in &self.contributions {
            if capabilities.contains(capability) && !policies.contains(&policy.as_ref()) {
                policies.push(policy);
            }
        }
        policies
    }

    pub(super) fn new(policy: &Arc<str>, rule: &Rule) -> Self {
        Self {
            pattern: rule.pattern.text().to_owned(),
            capabilities: rule.capabilities,
            wrapping: rule.wrapping,
            parameters: rule.parameters.clone(),
            contributions: vec![(policy.clone(), rule.capabilities)],
        }
    }

    /// Adds a rule with the same pattern that was seen after those in here.
    pub(super) fn merge(&mut self, policy: &Arc<str>, rule: &Rule) {
        self.capabilities = self.capabilities.union(rule.capabilities);
        self.wrapping = self.wrapping.merged(rule.wrapping);
        self.parameters.merge(&rule.parameters);
        self.contributions.push((policy.clone(), rule.capabilities));
    }

    /// The rule of whoever may do everything everywhere.
    pub(super) fn everything() -> Self {
        let capabilities = Capabilities::all();
        Self {
            pattern: "*".to_owned(),
            capabilities,
            wrapping: Wrapping::default(),
            parameters: Parameters::default(),
            contributions: vec![("root".into(), capabilities)],
        }
    }
}
