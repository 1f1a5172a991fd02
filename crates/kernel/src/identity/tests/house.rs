//! Kernels on one store, with an auth method that lets in anyone by the name they give.

use std::sync::{Arc, Mutex};

use api::testing::{HeldClock, Seeded};
use api::{
    CanonicalPath, Class, Context, Corner, Data, Engine, Error, KeyValues, Login, NoContent,
    Operation, Page, Path, Reply, Request, Result, Seconds, Secret, Workshop, unique,
};
use async_trait::async_trait;
use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use storage::{Commit, CommitError, Memory, Record, Revision, Store, Watch};

use crate::identity::owner;
use crate::identity::record::{ALIASES, ENTITIES, ENTITY_NAMES, Entity, alias_name, folded};
use crate::seal::decode_share;
use crate::tokens::{Issue, issue};
use crate::visit::Visit;
use crate::{Foundation, Kernel, LockoutSettings, Settings, WORKERS};

const START_SECONDS: u64 = 1_790_000_000;
const ROUNDS_MAX: usize = 10_000;

/// Lets in anyone, and lets anyone ask for the kernel's services.
const ENGINE: Engine = Engine {
    name: "door",
    version: None,
    class: Class::Auth,
    corner: Corner::Mount,
    help: "Lets in anyone.",
    paths: || {
        vec![
            Path::new("login/{name}").help("Log in.", "As anyone.").public().write(login),
            Path::new("sessions/{name}").help("List sessions.", "Of anyone.").write(sessions),
            Path::new("end/{name}").help("End a session.", "Of anyone.").write(end),
            Path::new("end-all/{name}").help("End all sessions.", "Of anyone.").write(end_all),
            Path::new("flaw/{name}").help("Judge a password.", "By any policy.").write(flaw),
        ]
    },
    renew: Some(|_, renewal| {
        let login = Login { policies: renewal.policies.clone(), ..Login::default() };
        Box::pin(async { Ok(Some(login)) })
    }),
};

#[derive(Deserialize, JsonSchema)]
struct Named {
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct How {
    #[serde(default)]
    ttl: Seconds,
    #[serde(default)]
    alias_metadata: KeyValues,
}

#[derive(Deserialize, JsonSchema)]
struct Which {
    accessor: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Password {
    password: Secret,
}

#[derive(JsonSchema, Serialize)]
struct Told {
    accessors: Vec<String>,
}

async fn login(_: &Context, (named, how): (Named, How)) -> Result<Login> {
    Ok(Login {
        alias: named.name.clone(),
        display_name: named.name,
        policies: vec!["own".to_owned()],
        ttl: how.ttl.set(),
        alias_metadata: how.alias_metadata,
        ..Login::default()
    })
}

async fn sessions(context: &Context, (named, page): (Named, Page)) -> Result<Data<Told>> {
    let found = context.services.sessions(&named.name, &page).await?;
    Ok(Data(Told { accessors: found.into_iter().map(|session| session.accessor).collect() }))
}

async fn end(context: &Context, (named, which): (Named, Which)) -> Result<NoContent> {
    let accessor = which.accessor.unwrap_or_default();
    match context.services.end_session(&named.name, &accessor).await? {
        true => Ok(NoContent),
        false => Err(Error::Missing),
    }
}

async fn end_all(context: &Context, (named, which): (Named, Which)) -> Result<NoContent> {
    context.services.end_sessions(&named.name, which.accessor.as_deref()).await?;
    Ok(NoContent)
}

async fn flaw(context: &Context, (named, given): (Named, Password)) -> Result<NoContent> {
    match context.services.password_flaw(&named.name, &given.password).await? {
        Some(flaw) => Err(Error::Invalid(flaw)),
        None => Ok(NoContent),
    }
}

/// Nodes on one store, with the method at `auth/door/`.
pub(crate) struct House {
    /// What is really stored, for those who want to damage it.
    pub(super) memory: Arc<Memory>,
    /// How many records each commit wrote.
    pub(super) writes: Arc<Writes>,
    pub(super) clock: Arc<HeldClock>,
    pub(crate) nodes: Vec<Arc<Kernel>>,
    root: String,
    share: String,
    seed: u64,
}

impl House {
    /// One node on a store in memory.
    pub(crate) async fn new() -> Self {
        Self::on(1, |memory| memory).await
    }

    /// `count` nodes on what `wrap` makes of a store in memory, once everything is set up.
    pub(super) async fn on(count: usize, wrap: impl Fn(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        let memory = Arc::new(Memory::default());
        let clock = Arc::new(HeldClock::at(START_SECONDS));
        let founder = node(memory.clone(), &clock, 0);
        let made = founder.initialize(1, 1).await.unwrap();
        let writes = Arc::new(Writes { inner: memory.clone(), sizes: Mutex::default() });
        let mut house = Self {
            memory: memory.clone(),
            writes: writes.clone(),
            clock,
            nodes: vec![],
            root: made.root_token.reveal().to_owned(),
            share: HEXLOWER.encode(made.shares[0].as_bytes()),
            seed: 0,
        };
        house.restart(1, memory).await;
        house.root().write("sys/auth/door", json!({"type": "door"})).await.unwrap();
        house.restart(count, wrap(writes)).await;
        house
    }

    /// `count` new nodes on `store` take the place of those there are.
    pub(super) async fn restart(&mut self, count: usize, store: Arc<dyn Store>) {
        self.nodes.clear();
        for _ in 0..count {
            self.seed += 1;
            let node = node(store.clone(), &self.clock, self.seed);
            node.submit_share(decode_share(&self.share).unwrap()).await.unwrap();
            self.nodes.push(node);
        }
    }

    pub(super) fn root(&self) -> Caller {
        self.holder(&self.root)
    }

    /// Whoever holds `token`, at the first node.
    pub(super) fn holder(&self, token: &str) -> Caller {
        Caller { node: self.nodes[0].clone(), token: Some(token.to_owned()) }
    }

    /// Whoever holds the root token, at one of the nodes.
    pub(super) fn root_at(&self, node: usize) -> Caller {
        Caller { node: self.nodes[node % self.nodes.len()].clone(), ..self.root() }
    }

    /// Logs in at the first node; what is answered.
    pub(super) async fn login(&self, name: &str) -> Result<Value> {
        self.login_at(0, name).await
    }

    pub(super) async fn login_at(&self, node: usize, name: &str) -> Result<Value> {
        let caller = Caller { token: None, ..self.root_at(node) };
        caller.write(&format!("auth/door/login/{name}"), json!({})).await
    }

    /// Logs in at the first node; the token.
    pub(super) async fn token(&self, name: &str) -> String {
        text(&self.login(name).await.unwrap(), "client_token")
    }

    /// Gives `count` more tokens to somebody who has logged in before, faster than by logins; the
    /// last of them.
    pub(super) async fn give(&self, name: &str, count: usize) -> String {
        let entity = self.entity("auth/door/", name).await.unwrap();
        let mount = self.storage_of("auth/door/").await;
        let visit = Visit::of_worker(&self.nodes[0]);
        let owner = owner(&visit, &mount, name).await.unwrap();
        let mut last = String::new();
        for _ in 0..count {
            let new = Issue {
                mount: Some(mount.clone()),
                ttl: Some(Seconds(600)),
                entity: Some(entity.id.clone()),
                owner: owner.clone(),
                policies: vec!["default".to_owned()],
                ..Issue::default()
            };
            last = issue(&visit, new).await.unwrap().client_token;
        }
        visit.transaction().commit().await.unwrap();
        last
    }

    pub(super) fn wait(&self, time: u64) {
        self.clock.advance(Seconds(time));
    }

    pub(super) async fn settle(&self) {
        for _ in 0..ROUNDS_MAX {
            let mut done = 0;
            for worker in WORKERS {
                done += (worker.work)(&self.nodes[0]).await.unwrap();
            }
            if done == 0 {
                return;
            }
        }
        panic!("the chores never end");
    }

    /// Every key, as the barrier names them.
    pub(super) fn census(&self) -> Vec<String> {
        self.memory.keys()
    }

    /// The entity behind a name of a mount.
    pub(super) async fn entity(&self, mount: &str, name: &str) -> Option<Entity> {
        let visit = Visit::of_worker(&self.nodes[0]);
        let place = alias_name(&self.storage_of(mount).await, name);
        let id = ALIASES.get(&visit.system, &place).await.unwrap()?;
        ENTITIES.get(&visit.system, &id).await.unwrap()
    }

    /// Changes the entity behind a name of the method at `auth/door/`, as an operator would.
    pub(super) async fn change(&self, name: &str, change: impl FnOnce(&mut Entity)) {
        let mut entity = self.entity("auth/door/", name).await.unwrap();
        entity.kept = true;
        change(&mut entity);
        let visit = Visit::of_worker(&self.nodes[0]);
        ENTITIES.put(&visit.system, &entity.id, &entity);
        visit.transaction().commit().await.unwrap();
    }

    /// Removes an entity but not what leads to it.
    pub(super) async fn delete_entity(&self, name: &str) {
        let entity = self.entity("auth/door/", name).await.unwrap();
        let visit = Visit::of_worker(&self.nodes[0]);
        ENTITIES.delete(&visit.system, &entity.id);
        ENTITY_NAMES.delete(&visit.system, &folded(&entity.name));
        visit.transaction().commit().await.unwrap();
    }

    pub(super) async fn storage_of(&self, mount: &str) -> String {
        let mounts = Visit::of_worker(&self.nodes[0]).mounts().await.unwrap();
        mounts.by_path(mount).unwrap().storage.clone()
    }

    /// Overwrites what is stored under a key with nonsense.
    pub(super) async fn damage(&self, key: &str) {
        let puts = [(key.to_owned(), "damaged".into())].into();
        self.memory.commit(Commit { puts, ..Commit::default() }).await.unwrap();
    }
}

/// Somebody who asks one of the nodes.
#[derive(Clone)]
pub(super) struct Caller {
    node: Arc<Kernel>,
    token: Option<String>,
}

impl Caller {
    pub(super) async fn read(&self, path: &str) -> Result<Value> {
        self.ask(Operation::Read, path, Value::Null).await
    }

    pub(super) async fn write(&self, path: &str, body: Value) -> Result<Value> {
        self.ask(Operation::Update, path, body).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Value> {
        self.ask(Operation::Delete, path, Value::Null).await
    }

    /// What the token is, as it sees itself.
    pub(super) async fn look(&self) -> Result<Value> {
        self.read("auth/token/lookup-self").await
    }

    async fn ask(&self, operation: Operation, path: &str, body: Value) -> Result<Value> {
        let request = Request {
            id: unique(&*self.node.entropy),
            operation,
            path: CanonicalPath::parse(path).unwrap(),
            query: Map::new(),
            body: body.as_object().cloned().map(|fields| Box::new(fields) as _),
            token: self.token.clone().map(Secret::new),
            remote: None,
            wrap_ttl: None,
        };
        Ok(match self.node.serve(request).await.outcome? {
            Reply::Data(fields, _) => fields.into(),
            Reply::Auth(auth) => serde_json::to_value(auth).unwrap(),
            _ => Value::Null,
        })
    }
}

/// A store that remembers how many records each commit wrote or removed.
pub(super) struct Writes {
    inner: Arc<dyn Store>,
    sizes: Mutex<Vec<usize>>,
}

impl Writes {
    /// How much each commit since the last look has written or removed, but for those that did not.
    pub(super) fn take(&self) -> Vec<usize> {
        std::mem::take(&mut *self.sizes.lock().unwrap())
    }
}

#[async_trait]
impl Store for Writes {
    async fn get(&self, key: &str) -> storage::Result<Option<Record>> {
        self.inner.get(key).await
    }

    async fn list(&self, prefix: &str, after: &str, max: usize) -> storage::Result<Vec<String>> {
        self.inner.list(prefix, after, max).await
    }

    async fn commit(&self, commit: Commit) -> std::result::Result<Revision, CommitError> {
        let size = commit.puts.len() + commit.deletes.len();
        let outcome = self.inner.commit(commit).await;
        if outcome.is_ok() && size > 0 {
            self.sizes.lock().unwrap().push(size);
        }
        outcome
    }

    fn watch(&self) -> Watch {
        self.inner.watch()
    }
}

/// A field of an answer, as text.
#[track_caller]
pub(super) fn text(answer: &Value, field: &str) -> String {
    answer[field].as_str().unwrap().to_owned()
}

fn node(store: Arc<dyn Store>, clock: &Arc<HeldClock>, seed: u64) -> Arc<Kernel> {
    Kernel::new(Foundation {
        store,
        engines: vec![&ENGINE],
        clock: clock.clone(),
        company: crate::Company::Others,
        entropy: Arc::new(Seeded::new(seed)),
        workshop: Arc::new(Workshop::new(1, 1000)),
        settings: Settings {
            ttl_default: Seconds(2_764_800),
            ttl_max: Seconds(2_764_800),
            lockout: LockoutSettings::default(),
            storage_type: "inmem".to_owned(),
            cluster_name: None,
            version: "0.0.0",
            build_date: "2026-01-01T00:00:00Z",
            wordlists: api::Wordlists::default(),
        },
    })
}
