//! The walk: every request takes it, top to bottom, once.
//!
//! One request, one transaction. An attempt reads through a transaction that remembers what it
//! read, buffers what it writes, and commits once. A lost race starts the attempt over, here and
//! nowhere else. Also what was refused, and what only read, ends with a commit: "all I read is
//! still so". So every answer is of one moment, on every node.

use std::sync::Arc;

use api::{BatchOperation, Body, Error, Given, Memory, Operation, Reply, Request, Result, Trust};
use serde_json::{Map, Value};

use crate::audit::Trail;
use crate::mounts::{Found, Route, find_route, route};
use crate::policies::{self, Granted};
use crate::visit::Visit;
use crate::{Kernel, batch, description, lockout, login, time, tokens, wrapping};

/// Losing this many races in a row means something is wrong; say so instead of spinning.
const ATTEMPTS_MAX: u32 = 64;

/// Whoever has lost this many goes on by turns with others who have. Among many who want the same
/// record only one wins at a time, so some would lose for ever.
const PATIENCE: u32 = 8;

/// What came of a request, and what the edge must know to put it into words.
#[derive(Debug)]
pub struct Answer {
    /// Names this exchange in audit entries and logs: a UUID.
    pub id: String,
    /// The answer itself.
    pub outcome: Result<Reply>,
    /// What the caller should know besides.
    pub warnings: Vec<String>,
    /// How it is put into words.
    pub manner: Manner,
}

/// How an answer is put into words.
#[derive(Clone, Debug, PartialEq)]
pub struct Manner {
    /// Anyone may call this: errors are told plainly.
    pub public: bool,
    /// The fields of `data` stand at the top level of the answer as well.
    pub top_level: bool,
    /// What was done.
    pub operation: Operation,
    /// The type of the mount that answered.
    pub mount_type: Option<String>,
}

/// One request from the first attempt to the last.
struct Exchange {
    request: Request,
    /// Parameters from the body, or why there are none, once it is read.
    sent: Option<Result<Map<String, Value>>>,
    memory: Arc<Memory>,
    trail: Trail,
    warnings: Vec<String>,
    manner: Manner,
    /// A handler that acts outside the store has begun; the attempt is not run again.
    began: bool,
    /// The operations of a batch, each as if it had come alone.
    parts: Vec<Exchange>,
    /// What a part has come to, until the whole is answered.
    outcome: Option<Result<Reply>>,
}

impl Kernel {
    /// Serves one request.
    pub async fn serve(self: &Arc<Self>, request: Request) -> Answer {
        let mut exchange = Exchange::new(request);
        let outcome = match find_open_door(self, &exchange.request) {
            Some(door) => answer_at_open_door(self, &mut exchange, door).await,
            None if self.is_sealed() => Err(Error::Sealed),
            None if !self.is_ready() => Err(Error::NotYet(time::WAITING)),
            None => persist(self, &mut exchange).await,
        };
        let outcome = exchange.close(self, outcome).await;
        self.metrics.note_request(exchange.request.operation, &outcome);
        let Exchange { request, warnings, manner, .. } = exchange;
        Answer { id: request.id, outcome, warnings, manner }
    }
}

/// Starts over whenever another request, on this or another node, changed what this one has read.
async fn persist(kernel: &Arc<Kernel>, exchange: &mut Exchange) -> Result<Reply> {
    let mut turn = None;
    for lost in 0..ATTEMPTS_MAX {
        // A batch may take long, and others should not wait for it to lose once more.
        if lost == PATIENCE && exchange.parts.is_empty() {
            turn = kernel.losers.acquire().await.ok();
        }
        match attempt(kernel, exchange).await {
            Err(Error::Conflict(key)) if !exchange.began => {
                tracing::trace!(key, "lost a race; starting over");
                kernel.forget_copy(&key);
            }
            outcome => return outcome,
        }
    }
    drop(turn);
    Err(Error::Conflict(format!("lost {ATTEMPTS_MAX} races in a row")))
}

/// Decides, writes down what will be done, does it, and commits.
async fn attempt(kernel: &Arc<Kernel>, exchange: &mut Exchange) -> Result<Reply> {
    let mut visit = Visit::of_request(kernel, &exchange.request, &exchange.memory);
    exchange.warnings.clear();
    exchange.trail.find_devices(&visit).await?;
    let granted = permit(kernel, &mut visit, exchange).await?;
    exchange.began = granted.route().reached().once;
    let mount = granted.route().mount.clone();
    let outcome = match perform(&visit, granted).await {
        Ok(Reply::Batch(operations)) => {
            // What is rare is boxed, here and below: room for it is room in every request.
            Box::pin(perform_each(kernel, &visit, exchange, operations)).await
        }
        outcome => outcome,
    };
    let outcome = match outcome {
        Ok(reply) => wrapping::wrap(&visit, reply, &exchange.request.id).await,
        refused => refused,
    };
    exchange.warnings = visit.warnings.take();
    let outcome = match outcome {
        // What acts outside the store commits by itself, before it acts.
        Ok(reply) if exchange.began => Ok(reply),
        Ok(reply) => visit.commit().await.map(|()| reply),
        refused => confirm(&visit, refused).await,
    };
    login::note(&visit, &mount, &outcome);
    outcome
}

/// Decides, and writes down what will be done, or that it will not.
async fn permit<'a>(
    kernel: &'a Arc<Kernel>,
    visit: &mut Visit,
    exchange: &mut Exchange,
) -> Result<Granted<'a>> {
    let decision = decide(kernel, visit, exchange).await;
    let decision = confirm(visit, decision).await;
    let sent = exchange.sent.as_ref().and_then(|sent| sent.as_ref().ok());
    let opened = exchange.trail.open(kernel, sent, &decision).await;
    confirm(visit, opened).await?;
    decision
}

/// A refusal is true only if all that led to it still is; whatever was to be written is dropped.
async fn confirm<T>(visit: &Visit, outcome: Result<T>) -> Result<T> {
    match outcome {
        Err(error) if !error.is_conflict() => {
            visit.commit_refusal().await?;
            Err(error)
        }
        other => other,
    }
}

/// Where does this lead, who asks, and may they?
async fn decide<'a>(
    kernel: &'a Arc<Kernel>,
    visit: &mut Visit,
    exchange: &mut Exchange,
) -> Result<Granted<'a>> {
    exchange.trail.forget_caller();
    let mounts = visit.mounts().await?;
    let route = find_route(kernel, &mounts, &visit.path, visit.operation);
    if let Some(route) = &route {
        exchange.see(route);
        visit.path = route.path.clone();
    }
    if let Some(route) = route.as_ref().filter(|route| route.is_public()) {
        let sent = exchange.read(Trust::Anonymous).await?;
        let given = Given { captured: route.captured(), sent };
        return Granted::to_anyone(route.clone(), given);
    }
    let holder = match visit.holder.take() {
        None => Arc::new(tokens::authenticate(visit).await?),
        // An operation of a batch has spent its use already, but those before it may have ended
        // the token.
        Some(_) => Arc::new(tokens::recognize(visit).await?),
    };
    exchange.trail.note_holder(&holder);
    visit.holder = Some(holder);
    let permission = policies::authorize(visit, route.as_ref(), &mut exchange.trail).await?;
    let route = route.ok_or_else(|| Error::NoRoute(visit.path.to_string()))?;
    let sent = exchange.read(Trust::Authenticated).await?;
    let given = Given { captured: route.captured(), sent };
    permission.grant(route, given, visit.operation)
}

/// Does the operations of a batch one after the other, each decided and written down by itself, all
/// in this attempt's transaction. The first that is refused refuses them all.
async fn perform_each(
    kernel: &Arc<Kernel>,
    visit: &Visit,
    exchange: &mut Exchange,
    operations: Vec<BatchOperation>,
) -> Result<Reply> {
    let mut outcomes = batch::Outcomes::default();
    let holder = visit.holder.as_deref().ok_or(Error::Unauthenticated)?;
    tokens::hold_on(visit, holder);
    exchange.divide(operations);
    for (index, part) in exchange.parts.iter_mut().enumerate() {
        // Others get their turn between any two.
        tokio::task::yield_now().await;
        let mut inner = visit.beside(&part.request, &part.memory);
        part.trail.follow(&exchange.trail);
        let outcome = match permit(kernel, &mut inner, part).await {
            Ok(granted) => match batch::admit(granted.route()) {
                Ok(()) => perform(&inner, granted).await,
                Err(refused) => Err(refused),
            },
            Err(refused) => Err(refused),
        };
        part.warnings = inner.warnings.take();
        part.outcome = part.trail.is_open().then(|| outcome.clone());
        visit.tally.add(&inner.tally);
        let noted = outcomes.note(&inner, outcome, &part.warnings);
        noted.map_err(|cause| batch::refused(index, &part.request, cause))?;
    }
    tokens::let_go(visit, holder).await?;
    Ok(outcomes.into_reply())
}

/// Does what was granted.
async fn perform(visit: &Visit, granted: Granted<'_>) -> Result<Reply> {
    wrapping::check_time(visit)?;
    let entries_max = granted.entries_max().unwrap_or(usize::MAX);
    let (route, given) = granted.into_parts();
    let reply = call(visit, &route, given).await?;
    Ok(reply.shortened(entries_max))
}

/// Calls what a route leads to, and makes what it answers good.
async fn call(visit: &Visit, route: &Route<'_>, given: Given) -> Result<Reply> {
    if visit.operation == Operation::Help {
        return description::help(visit, route);
    }
    match route.found {
        Found::System(door) => {
            let reply = door.call(visit.operation, visit, &given).await?;
            warn_of_parameters(visit, door, &given, &reply);
            Ok(reply)
        }
        Found::Engine(door) => {
            let context = visit.to_context(&route.mount, visit.corner(route)?);
            let outcome = door.call(visit.operation, &context, &given).await;
            for warning in context.warnings.take() {
                visit.warn(warning);
            }
            let reply = match outcome {
                Err(Error::LoginFailed(failure)) => {
                    return Err(Box::pin(lockout::count(visit, &route.mount, failure)).await?);
                }
                outcome => outcome?,
            };
            warn_of_parameters(visit, door, &given, &reply);
            match reply {
                Reply::Login(proof) => Box::pin(login::complete(visit, route, *proof)).await,
                reply => Ok(reply),
            }
        }
        Found::Nothing | Found::NothingInPublic => Err(Error::UnsupportedPath),
    }
}

/// A door that works whatever the state of the server, if the request leads to one.
fn find_open_door<'a>(kernel: &'a Kernel, request: &Request) -> Option<Route<'a>> {
    let mount = kernel.anteroom.of(request.path.as_str())?;
    let route = route(kernel, mount, &request.path, request.operation);
    let is_open = route.reached().while_sealed && request.operation != Operation::Help;
    is_open.then_some(route)
}

/// What can be done without keys: initialise, unseal, and ask how things are. None of it needs a
/// token or is audited, so that a server can always be unsealed and watched.
async fn answer_at_open_door(
    kernel: &Arc<Kernel>,
    exchange: &mut Exchange,
    route: Route<'_>,
) -> Result<Reply> {
    exchange.see(&route);
    let Found::System(door) = route.found else {
        return Err(Error::UnsupportedPath);
    };
    let visit = Visit::of_request(kernel, &exchange.request, &exchange.memory);
    let sent = exchange.read(Trust::Anonymous).await?;
    let given = Given { captured: route.captured(), sent };
    door.call(visit.operation, &visit, &given).await
}

/// Tells the caller which parameters had no effect, where there is an answer to tell it with.
fn warn_of_parameters<C: Send + Sync + 'static>(
    visit: &Visit,
    door: &api::Path<C>,
    given: &Given,
    reply: &Reply,
) {
    if !visit.is_part && !reply.has_envelope() {
        return;
    }
    let Some(endpoint) = door.endpoint(visit.operation) else { return };
    if !api::describe::accepts_anything(endpoint) {
        let known = api::describe::parameter_names(endpoint);
        let sent = given.sent.keys().filter(|name| !given.is_captured(name));
        let unknown: Vec<_> = sent.filter(|name| !known.contains(*name)).cloned().collect();
        if !unknown.is_empty() {
            visit.warn(format!(
                "Endpoint ignored these unrecognized parameters: [{}]",
                unknown.join(" ")
            ));
        }
        let replaced = given.sent.keys().filter(|name| given.is_captured(name));
        let replaced: Vec<_> = replaced.cloned().collect();
        if !replaced.is_empty() {
            visit.warn(format!(
                "Endpoint replaced the value of these parameters with the values captured from \
                 the endpoint's path: [{}]",
                replaced.join(" ")
            ));
        }
    }
}

impl Exchange {
    fn new(request: Request) -> Self {
        let manner = Manner {
            public: false,
            top_level: false,
            operation: request.operation,
            mount_type: None,
        };
        Self {
            trail: Trail::of(&request),
            request,
            sent: None,
            memory: Arc::default(),
            warnings: vec![],
            manner,
            began: false,
            parts: vec![],
            outcome: None,
        }
    }

    /// Takes the operations of a batch for parts; they are the same at every attempt, and have come
    /// to nothing yet.
    fn divide(&mut self, operations: Vec<BatchOperation>) {
        if self.parts.is_empty() {
            let numbered = operations.into_iter().enumerate();
            let part = |(index, operation)| batch::request(&self.request, index, operation);
            self.parts = numbered.map(part).map(Self::new).collect();
        }
        for part in &mut self.parts {
            part.outcome = None;
        }
    }

    /// Writes the last entries, those of parts first, and gives out the answer.
    async fn close(&mut self, kernel: &Kernel, outcome: Result<Reply>) -> Result<Reply> {
        // Each part has told what it answered.
        let parted = Ok(Reply::Empty);
        let told = match &outcome {
            Ok(Reply::Data(..)) if !self.parts.is_empty() => &parted,
            outcome => outcome,
        };
        let mut written = Ok(());
        // What is kept for later is told to nobody yet.
        let is_kept = matches!(outcome, Ok(Reply::Wrapped(_)));
        for part in &mut self.parts {
            let came_to = match (&outcome, part.outcome.take()) {
                (Ok(_), Some(Ok(_))) if is_kept => Ok(Reply::Empty),
                (Ok(_), Some(own)) | (Err(_), Some(own @ Err(_))) => own,
                (_, None) | (Err(_), Some(Ok(_))) => outcome.clone(),
            };
            written = written.and(part.trail.close(kernel, &came_to, &part.warnings).await);
        }
        written.and(self.trail.close(kernel, told, &self.warnings).await)?;
        outcome
    }

    /// Notes where the request leads.
    fn see(&mut self, route: &Route<'_>) {
        let reached = route.reached();
        self.manner.public = route.is_public();
        self.manner.top_level = reached.top_level;
        self.manner.mount_type = Some(route.mount.engine.clone());
        self.trail.note_route(route);
    }

    /// The parameters that were sent. A body is read once, however many attempts there are; one
    /// that could not be understood is no better at the next attempt, and never an empty one.
    async fn read(&mut self, trust: Trust) -> Result<Map<String, Value>> {
        if let Some(sent) = &self.sent {
            return sent.clone();
        }
        let sent = match self.request.body.take() {
            Some(body) => Body::read(body, trust).await,
            None => Ok(self.request.query.clone()),
        };
        self.sent = Some(sent.clone());
        sent
    }
}
