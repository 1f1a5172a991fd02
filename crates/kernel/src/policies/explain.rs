//! `sys/policies/explain`: why a request would be allowed, or why not.
//!
//! The answer comes from the evaluator that decides over requests: its verdict, the rule it found,
//! and what it found missing. There is no second opinion that could disagree.
//!
//! Nobody learns here what they could not learn elsewhere. Whoever asks needs `update` on this
//! door, some capability on the path they ask about, for somebody else's token what it takes to
//! look it up, and for policies what it takes to read them. Of a rule in a policy that they may not
//! read they are told the name of the policy, and nothing of what it says.

use api::{
    Data, Error, NameList, Operation, Path, Result, Seconds, Secret, check_policy_names,
    normalize_policies,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::paths::understood;
use super::store::{Powers, compiled_with, of, powers};
use super::{
    Access, Capabilities, MergedRule, Need, Policy, Question, Refusal, Source, Verdict,
    capabilities, parse,
};
use crate::identity;
use crate::mounts::route;
use crate::tokens::{self, Holder, POLICIES_MAX};
use crate::visit::Visit;

/// What a candidate is called unless it is to replace a policy.
const CANDIDATE: &str = "candidate";

pub(super) fn path() -> Path<Visit> {
    Path::new("policies/explain")
        .help(
            "Explain whether a request would be allowed, and why.",
            "Takes a capability on the path that is asked about. Nothing is performed.",
        )
        .write(explain)
}

#[derive(Deserialize, JsonSchema)]
struct Ask {
    /// The path of the request.
    path: String,
    /// What the request does there: create, read, update, patch, delete, list, scan or help; read
    /// when left out.
    #[serde(default)]
    operation: String,
    /// The parameters of the request.
    #[serde(default)]
    #[schemars(extend("x-vault-displayAttrs" = { "sensitive": true }))]
    parameters: Map<String, Value>,
    /// For how long its answer is to be wrapped.
    wrap_ttl: Option<Seconds>,
}

/// Who would make the request: at most one of these; the caller, if there is none.
#[derive(Deserialize, JsonSchema)]
struct Who {
    /// Whoever has this token.
    token: Option<Secret>,
    /// Whoever has the token with this accessor.
    #[serde(default)]
    accessor: String,
    /// Whoever has these policies; templates are filled in for the caller.
    policies: Option<NameList>,
}

/// A policy to try out.
#[derive(Deserialize, JsonSchema)]
struct Candidate {
    /// Its text, plain or in base64. It counts as one of the policies.
    #[serde(default)]
    candidate: String,
    /// The policy whose place it takes.
    #[serde(default)]
    candidate_name: String,
}

#[derive(JsonSchema, Serialize)]
struct Explanation {
    /// Whether the request would be allowed.
    allowed: bool,
    /// The path as it is decided about, names folded.
    path: String,
    /// What the request does there.
    operation: &'static str,
    /// Why, in a sentence.
    reason: String,
    /// What stands in the way, in one word; absent when it is allowed.
    refusal: Option<&'static str>,
    /// The capability or parameter that stands in the way.
    missing: Option<String>,
    /// The rule that decided.
    rule: Option<RuleView>,
    /// When there is none: the rule whose path has most in common with the one asked about.
    nearest: Option<RuleView>,
}

#[derive(JsonSchema, Serialize)]
struct RuleView {
    /// Its path, as far as the caller may read its policies.
    path: Option<String>,
    /// What it grants in all.
    capabilities: Vec<&'static str>,
    /// Where it is written.
    sources: Vec<SourceView>,
}

#[derive(JsonSchema, Serialize)]
struct SourceView {
    /// The name of the policy.
    policy: String,
    /// The line of its text the rule starts on.
    line: Option<u32>,
    /// What it grants by itself.
    capabilities: Vec<&'static str>,
}

/// Whoever explains: what they may see.
struct Reader<'visit> {
    visit: &'visit Visit,
    powers: Powers,
    /// The name of the policy they brought along, which they know.
    candidate: Option<String>,
}

async fn explain(
    visit: &Visit,
    (ask, who, candidate): (Ask, Who, Candidate),
) -> Result<Data<Explanation>> {
    let holder = visit.holder.as_ref().ok_or(Error::Unauthenticated)?;
    if who.policies.as_ref().is_some_and(|names| names.len() > POLICIES_MAX) {
        return Err(Error::invalid(format!(
            "at most {POLICIES_MAX} policies can be asked about at once"
        )));
    }
    check_policy_names("policies", who.policies.iter().flatten())?;
    let operation = operation(&ask.operation)?;
    let path = capabilities::folded(visit, &ask.path, operation).await?.ok_or_else(|| {
        Error::invalid("no request can have this path; see how paths are written")
    })?;
    let path = match operation {
        Operation::List | Operation::Scan if !path.ends_with('/') => format!("{path}/"),
        _ => path,
    };
    let reader = Reader { visit, powers: powers(visit, holder).await?, candidate: None };
    if capabilities::at(visit, &reader.powers, &path) == ["deny"] {
        return Err(Error::Denied);
    }
    let candidate = candidate.understood()?;
    let asked_about = asked_about(&reader, holder, &who, candidate.as_ref()).await?;
    let reader = Reader { candidate: candidate.map(|(name, _)| name), ..reader };
    let Some(need) = need(visit, &path, operation).await? else {
        return Ok(Data(Explanation::of_open_door(path, operation)));
    };
    let (subject, now_seconds) = (&asked_about.subject, visit.now.unix());
    let access = Access { path: &path, operation, subject, now_seconds };
    let wrap_ttl = ask.wrap_ttl.and_then(Seconds::set).map(|ttl| ttl.0);
    let verdict = asked_about.compiled.decide(&Question {
        access,
        need,
        data: Some(&ask.parameters),
        wrap_ttl,
    });
    let nearest = match verdict.refusal {
        Some(Refusal::NoRule) => asked_about.compiled.nearest(&path, now_seconds),
        _ => None,
    };
    let nearest = nearest.filter(|rule| reader.may_read_all(rule.sources()));
    let nearest = nearest.map(|rule| reader.view(&rule));
    Ok(Data(Explanation { nearest, ..reader.explanation(path, operation, &verdict) }))
}

fn operation(word: &str) -> Result<Operation> {
    let word = if word.is_empty() { Operation::Read.name() } else { word };
    Operation::ALL.into_iter().find(|operation| operation.name() == word).ok_or_else(|| {
        let words = Operation::ALL.map(Operation::name).join(", ");
        Error::invalid(format!("no such operation; there are {words}"))
    })
}

/// What the door at `path` asks for beyond the capability; nothing, when it is open to anyone.
async fn need(visit: &Visit, path: &str, operation: Operation) -> Result<Option<Need>> {
    let path = capabilities::canonical(path).ok_or(Error::UnsupportedPath)?;
    let mounts = visit.mounts().await?;
    let Some(mount) = mounts.of(path.as_str()) else { return Ok(Some(Need::Capability)) };
    // A door is found by what requests ask for, and those cannot tell that they will create.
    let asked = if operation == Operation::Create { Operation::Update } else { operation };
    let route = route(&visit.kernel, mount, &path, asked);
    Ok(match (route.is_public(), route.reached().sudo) {
        (true, _) => None,
        (false, true) => Some(Need::CapabilityAndSudo),
        (false, false) => Some(Need::Capability),
    })
}

/// The policies that are asked about, if the caller may ask about them.
async fn asked_about(
    reader: &Reader<'_>,
    holder: &Holder,
    who: &Who,
    candidate: Option<&(String, Policy)>,
) -> Result<Powers> {
    let visit = reader.visit;
    let token = who.token.as_ref().filter(|token| !token.is_empty());
    let (names, holder) = match (token, who.accessor.as_str(), &who.policies) {
        (None, "", None) => (holder.policies().into_owned(), holder.clone()),
        (Some(token), "", None) => {
            let found = tokens::find(visit, token).await?;
            let sent = ("token", token.reveal());
            reader.must_be_able_to_look_up(holder, found, ("auth/token/lookup", sent))?
        }
        (None, accessor, None) => {
            let found = tokens::by_accessor(visit, accessor).await?;
            let sent = ("accessor", accessor);
            reader.must_be_able_to_look_up(holder, found, ("auth/token/lookup-accessor", sent))?
        }
        (None, "", Some(names)) => {
            let names = normalize_policies(names);
            if !names.iter().all(|name| reader.may_read(name)) {
                return Err(Error::Denied);
            }
            (names, holder.clone())
        }
        _ => return Err(Error::invalid("give only one of token, accessor and policies")),
    };
    let compiled = match candidate {
        Some((name, policy)) => compiled_with(visit, &names, (name, policy)).await?,
        None => of(visit, &names).await?,
    };
    let subject = identity::subject(visit, &holder.token).await?;
    Ok(Powers { compiled, subject })
}

impl Candidate {
    fn understood(&self) -> Result<Option<(String, Policy)>> {
        if self.candidate.is_empty() {
            return Ok(None);
        }
        let text = understood(&self.candidate)?;
        let policy = parse(&text).map_err(|error| Error::invalid(error.to_string()))?;
        let name = self.candidate_name.trim().to_lowercase();
        let name = if name.is_empty() { CANDIDATE.to_owned() } else { name };
        match name == "root" {
            true => Err(Error::invalid("cannot update \"root\" policy")),
            false => Ok(Some((name, policy))),
        }
    }
}

impl Reader<'_> {
    fn may(&self, path: &str, operation: Operation) -> bool {
        self.may_with(path, operation, &Map::new())
    }

    fn may_with(&self, path: &str, operation: Operation, data: &Map<String, Value>) -> bool {
        let (subject, now_seconds) = (&self.powers.subject, self.visit.now.unix());
        let access = Access { path, operation, subject, now_seconds };
        let need = Need::Capability;
        let question = Question { access, need, data: Some(data), wrap_ttl: None };
        self.powers.compiled.decide(&question).is_allowed()
    }

    fn may_read(&self, policy: &str) -> bool {
        self.candidate.as_deref() == Some(policy)
            || self.may(&format!("sys/policies/acl/{policy}"), Operation::Read)
    }

    fn may_read_all(&self, sources: &[Source]) -> bool {
        sources.iter().all(|source| self.may_read(&source.policy))
    }

    /// The policies of a token, if it is the caller's own or they could look it up.
    fn must_be_able_to_look_up(
        &self,
        caller: &Holder,
        found: Option<Holder>,
        (door, (field, shown)): (&str, (&str, &str)),
    ) -> Result<(NameList, Holder)> {
        let is_own = found.as_ref().is_some_and(|found| found.key == caller.key);
        // A policy may let them look up some tokens only, so it is asked about this very one.
        let data = Map::from_iter([(field.to_owned(), shown.into())]);
        if !is_own && !self.may_with(door, Operation::Update, &data) {
            return Err(Error::Denied);
        }
        let found = found.ok_or_else(|| Error::invalid("there is no such token"))?;
        Ok((found.policies().into_owned(), found))
    }

    fn explanation(&self, path: String, operation: Operation, verdict: &Verdict) -> Explanation {
        let sources = verdict.rule.as_ref().map_or(&[][..], |rule| rule.sources());
        let is_unfilled_hidden = matches!(
            &verdict.refusal,
            Some(Refusal::Unfilled { policy, .. }) if !self.may_read(policy)
        );
        let hidden = !self.may_read_all(sources) || is_unfilled_hidden;
        let refusal = verdict.refusal.as_ref();
        let reason = match refusal {
            None if operation == Operation::Help => "anyone with a token may ask for help".into(),
            None => "the rule grants it".to_owned(),
            Some(_) if hidden => "a policy that the caller may not read decides".to_owned(),
            Some(refusal) => refusal.to_string(),
        };
        let unfilled = match refusal {
            Some(Refusal::Unfilled { policy, line, pattern }) if !hidden => Some(RuleView {
                path: Some(pattern.clone()),
                capabilities: vec![],
                sources: vec![SourceView {
                    policy: policy.to_string(),
                    line: Some(*line),
                    capabilities: vec![],
                }],
            }),
            _ => None,
        };
        Explanation {
            allowed: verdict.is_allowed(),
            path,
            operation: operation.name(),
            reason,
            refusal: refusal.map(Refusal::word).filter(|_| !hidden),
            missing: refusal.and_then(Refusal::missing).filter(|_| !hidden).map(str::to_owned),
            rule: verdict.rule.as_ref().map(|rule| self.view(rule)).or(unfilled),
            nearest: None,
        }
    }

    /// A rule as far as its policies may be read.
    fn view(&self, rule: &MergedRule) -> RuleView {
        let shown = |capabilities: Capabilities, sources: &[Source]| {
            let is_shown = self.may_read_all(sources);
            if is_shown { capabilities.names() } else { vec![] }
        };
        let source = |source: &Source| {
            let shows = self.may_read(&source.policy);
            SourceView {
                policy: source.policy.to_string(),
                line: Some(source.line).filter(|line| shows && *line > 0),
                capabilities: shown(source.capabilities, std::slice::from_ref(source)),
            }
        };
        let shows = self.may_read_all(rule.sources());
        RuleView {
            path: shows.then(|| rule.pattern().to_owned()),
            capabilities: shown(rule.capabilities(), rule.sources()),
            sources: rule.sources().iter().map(source).collect(),
        }
    }
}

impl Explanation {
    fn of_open_door(path: String, operation: Operation) -> Self {
        Self {
            allowed: true,
            path,
            operation: operation.name(),
            reason: "anyone may come here, with a token or without".to_owned(),
            refusal: None,
            missing: None,
            rule: None,
            nearest: None,
        }
    }
}
