//! A house to try things in: many nodes, one store, a clock in hand, and randomness from a seed.
//!
//! Tests drive whole kernels through it, the way the network would, without a network. A seed that
//! goes wrong is a bug report.

use std::sync::Arc;

use api::testing::{HeldClock, Seeded};
use api::{
    CanonicalPath, Entropy, Error, Operation, Reply, Request, Result, Seconds, Secret, Wordlists,
    Workshop, unique,
};
use kernel::seal::decode_share;
use kernel::{Answer, Company, Foundation, Kernel, LockoutSettings, Settings, WORKERS};
use serde_json::{Map, Value, json};
use storage::{Memory, Store};

/// When the clock of every house starts: somewhere in 2026.
pub const START_SECONDS: u64 = 1_790_000_000;
/// Rounds of every chore after which a house counts as restless.
const ROUNDS_MAX: usize = 10_000;

/// Nodes on one store, unsealed.
pub struct House {
    /// Where everything is stored.
    pub store: Arc<dyn Store>,
    /// The clock of every node that has none of its own.
    pub clock: Arc<HeldClock>,
    /// The nodes.
    pub nodes: Vec<Arc<Kernel>>,
    /// The share that unseals a node.
    pub share: String,
    /// A token that may do everything.
    pub root: String,
    /// When names are locked; for the nodes of the next restart.
    pub lockout: LockoutSettings,
    seed: u64,
}

/// Somebody who asks one of the nodes.
#[derive(Clone)]
pub struct Caller {
    node: Arc<Kernel>,
    entropy: Arc<dyn Entropy>,
    token: Option<String>,
    address: Option<std::net::SocketAddr>,
    wrap_ttl: Option<Seconds>,
}

impl House {
    /// One node on a store in memory.
    pub async fn new() -> Self {
        Self::on(Arc::new(Memory::default()), 1, 1).await
    }

    /// `count` nodes on `store`, which is empty.
    ///
    /// # Panics
    /// When the store does not let itself be initialised.
    pub async fn on(store: Arc<dyn Store>, count: usize, seed: u64) -> Self {
        let clock = Arc::new(HeldClock::at(START_SECONDS));
        let lockout = LockoutSettings::default();
        let founder = node(&store, (&clock, Company::Alone), (seed, &lockout));
        let made = founder.initialize(1, 1).await.expect("an empty store can be initialised");
        let share = made.shares.first().expect("one share was asked for").as_bytes();
        let share = data_encoding::HEXLOWER.encode(share);
        let root = made.root_token.reveal().to_owned();
        let mut house = Self { store, clock, nodes: vec![], share, root, lockout, seed };
        house.restart(count).await;
        house
    }

    /// Every node is gone as if its power had been cut; `count` new ones take their place. One
    /// alone may count on staying so.
    pub async fn restart(&mut self, count: usize) {
        let company = if count == 1 { Company::Alone } else { Company::Others };
        self.nodes.clear();
        for _ in 0..count {
            self.join(self.clock.clone(), company).await;
        }
    }

    /// One more node, on a machine with a clock of its own.
    pub async fn join(&mut self, clock: Arc<HeldClock>, company: Company) {
        self.seed += 1;
        let node = node(&self.store, (&clock, company), (self.seed, &self.lockout));
        unseal(&node, &self.share).await;
        self.nodes.push(node);
    }

    /// Whoever holds the root token, at the first node.
    pub fn root(&self) -> Caller {
        self.holder(&self.root)
    }

    /// Whoever holds `token`, at the first node.
    pub fn holder(&self, token: &str) -> Caller {
        self.stranger().with_token(token)
    }

    /// Somebody without a token, at the first node.
    ///
    /// # Panics
    /// In a house without nodes.
    pub fn stranger(&self) -> Caller {
        self.at(0)
    }

    /// Somebody without a token, at one of the nodes.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn at(&self, node: usize) -> Caller {
        let node = self.nodes.get(node).expect("the house has that many nodes").clone();
        Caller {
            node,
            entropy: Arc::new(Seeded::new(self.seed)),
            token: None,
            address: None,
            wrap_ttl: None,
        }
    }

    /// Lets time pass.
    pub fn wait(&self, time: u64) {
        self.clock.advance(Seconds(time));
    }

    /// Does every chore until none is left; says how much there was.
    ///
    /// # Errors
    /// The first chore that cannot be done; [`Error::Internal`] when the chores never end.
    pub async fn settle(&self) -> Result<usize> {
        let mut total = 0;
        for _ in 0..ROUNDS_MAX {
            let mut done = 0;
            for node in &self.nodes {
                for worker in WORKERS {
                    done += (worker.work)(node).await?;
                }
            }
            if done == 0 {
                return Ok(total);
            }
            total += done;
        }
        Err(Error::internal("the chores never end"))
    }

    /// Every key in the store.
    ///
    /// # Panics
    /// When the store cannot answer.
    pub async fn census(&self) -> Vec<String> {
        self.store.list("", "", usize::MAX).await.expect("the store answers")
    }
}

impl Caller {
    /// The same with a token.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    /// The same from an address.
    ///
    /// # Panics
    /// When that is no address.
    #[must_use]
    pub fn from(self, address: &str) -> Self {
        let address = format!("{address}:50000").parse().expect("an address");
        Self { address: Some(address), ..self }
    }

    /// The same, wanting answers wrapped for so many seconds.
    #[must_use]
    pub fn wrapping(self, ttl: u64) -> Self {
        Self { wrap_ttl: Some(Seconds(ttl)), ..self }
    }

    /// Reads.
    ///
    /// # Errors
    /// As answered.
    pub async fn read(&self, path: &str) -> Result<Value> {
        shown(self.ask(Operation::Read, path, Value::Null).await.outcome)
    }

    /// Writes.
    ///
    /// # Errors
    /// As answered.
    pub async fn write(&self, path: &str, body: Value) -> Result<Value> {
        shown(self.ask(Operation::Update, path, body).await.outcome)
    }

    /// Deletes.
    ///
    /// # Errors
    /// As answered.
    pub async fn delete(&self, path: &str) -> Result<Value> {
        shown(self.ask(Operation::Delete, path, Value::Null).await.outcome)
    }

    /// Lists; the names alone.
    ///
    /// # Errors
    /// As answered.
    pub async fn list(&self, path: &str) -> Result<Value> {
        shown(self.ask(Operation::List, path, Value::Null).await.outcome)
    }

    /// Logs in by userpass; the token.
    ///
    /// # Errors
    /// As answered.
    pub async fn login(&self, name: &str, password: &str) -> Result<String> {
        let path = format!("auth/userpass/login/{name}");
        let auth = self.write(&path, json!({ "password": password })).await?;
        auth.get("client_token")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| Error::internal("a login without a token"))
    }

    /// Asks for anything, and gets the whole answer.
    ///
    /// # Panics
    /// When the path is not clear.
    pub async fn ask(&self, operation: Operation, path: &str, body: Value) -> Answer {
        let path = CanonicalPath::parse(path).expect("a clear path");
        let fields = body.as_object().cloned();
        let listing = matches!(operation, Operation::List | Operation::Scan);
        let in_query = listing || matches!(operation, Operation::Read | Operation::Delete);
        let (query, body) = match fields {
            Some(fields) if in_query => (fields, None),
            Some(fields) => (Map::new(), Some(fields)),
            None => (Map::new(), None),
        };
        let request = Request {
            id: unique(&*self.entropy),
            operation,
            path: if listing { path.into_folder() } else { path },
            query,
            body: body.map(|fields| Box::new(fields) as _),
            token: self.token.clone().map(Secret::new),
            wrap_ttl: self.wrap_ttl,
            remote: self.address,
        };
        self.node.serve(request).await
    }
}

/// A node like any other, but for clock, randomness and a workshop of one bench.
fn node(
    store: &Arc<dyn Store>,
    (clock, company): (&Arc<HeldClock>, Company),
    (seed, lockout): (u64, &LockoutSettings),
) -> Arc<Kernel> {
    let engines = engines::AUTH_METHODS.iter().chain(engines::SECRETS_ENGINES);
    Kernel::new(Foundation {
        store: store.clone(),
        engines: engines.copied().collect(),
        clock: clock.clone(),
        company,
        entropy: Arc::new(Seeded::new(seed)),
        workshop: Arc::new(Workshop::new(1, 1000)),
        settings: Settings {
            ttl_default: Seconds(2_764_800),
            ttl_max: Seconds(2_764_800),
            wordlists: Wordlists::default(),
            lockout: lockout.clone(),
            storage_type: "inmem".to_owned(),
            cluster_name: None,
            version: "0.0.0",
            build_date: "2026-01-01T00:00:00Z",
        },
    })
}

async fn unseal(node: &Arc<Kernel>, share: &str) {
    let share = decode_share(share).expect("a share as it was given out");
    node.submit_share(share).await.expect("the store answers");
}

/// What an answer shows, as one value.
fn shown(outcome: Result<Reply>) -> Result<Value> {
    let told = |error| match error {
        Error::LoginFailed(failure) => Error::invalid(failure.text),
        error => error,
    };
    Ok(match outcome.map_err(told)? {
        Reply::Data(fields, _) => fields.into(),
        Reply::Keys(names, _) if names.is_empty() => return Err(Error::Missing),
        Reply::Keys(names, _) => names.into(),
        Reply::Bare(value) | Reply::BareAbsent(value) => value,
        Reply::Wrapped(info) => serde_json::to_value(info).expect("plain data"),
        Reply::Document(_, text) => text.into(),
        Reply::Auth(auth) => serde_json::to_value(auth).expect("plain data"),
        Reply::Absent(_) => return Err(Error::Missing),
        Reply::Empty | Reply::Accepted | Reply::Login(_) | Reply::Batch(_) => Value::Null,
    })
}
