//! A house with one mount: what the engines need of the kernel, and no more.
//!
//! Requests find their path, ask whether what they name exists, run in a transaction of their own,
//! and commit if all went well. There are no tokens and no policies: that is not the engines' job.
//! What an engine asks of the kernel is answered by a [`Desk`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use api::{
    Caller, CanonicalPath, Context, Engine, Entropy, Error, Given, Login, Memory, Moment,
    MountFacts, Operation, Path, Renewal, Reply, Result, Seconds, Warnings, Wordlists, Workshop,
};
use serde_json::{Map, Value, json};
use storage::{Store, Transaction, View};

use crate::desk::Desk;

pub(crate) struct House {
    engine: &'static Engine,
    paths: Vec<Path>,
    pub(crate) store: Arc<storage::Memory>,
    /// What requests see instead of the store, if not the store itself.
    pub(crate) front: Option<Arc<dyn Store>>,
    pub(crate) now: Moment,
    pub(crate) remote: Option<&'static str>,
    pub(crate) wordlists: Wordlists,
    pub(crate) desk: Arc<Desk>,
    caller: Option<Caller>,
    upgraded: Option<Moment>,
    entropy: Arc<Counting>,
    workshop: Arc<Workshop>,
}

/// What to do, where, and with which parameters.
type Wish<'a> = (Operation, &'a str, Value);

/// One answer, and what was said besides.
pub(crate) struct Answer {
    pub(crate) outcome: Result<Reply>,
    pub(crate) warnings: Vec<String>,
    /// What the request was held to be: creation or update.
    pub(crate) operation: Operation,
    /// Who was proved to be there.
    pub(crate) proved: Vec<String>,
}

/// Bytes that differ from call to call and from nothing else.
#[derive(Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let count = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            chunk.copy_from_slice(&count[..chunk.len()]);
        }
    }
}

impl House {
    pub(crate) fn new(name: &str, version: Option<&str>) -> Self {
        let engine = engine(name, version);
        Self {
            engine,
            paths: (engine.paths)(),
            store: Arc::default(),
            front: None,
            now: "2026-02-01T10:00:00.5Z".parse().unwrap(),
            remote: None,
            wordlists: Wordlists::default(),
            desk: Arc::default(),
            caller: None,
            upgraded: None,
            entropy: Arc::default(),
            workshop: Arc::new(Workshop::new(2, 16)),
        }
    }

    /// The mount goes over to another version of its engine, with all that is stored there.
    pub(crate) fn upgrade(&mut self, version: &str) {
        self.engine = engine(self.engine.name, Some(version));
        self.paths = (self.engine.paths)();
        self.upgraded = Some(self.now);
    }

    pub(crate) async fn write(&self, path: &str, body: Value) -> Answer {
        self.ask(Operation::Update, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask(Operation::Patch, path, body).await
    }

    pub(crate) async fn read(&self, path: &str) -> Answer {
        self.ask(Operation::Read, path, json!({})).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(Operation::Delete, path, json!({})).await
    }

    pub(crate) async fn list(&self, path: &str) -> Answer {
        self.ask(Operation::List, path, json!({})).await
    }

    pub(crate) async fn scan(&self, path: &str) -> Answer {
        self.ask(Operation::Scan, path, json!({})).await
    }

    pub(crate) async fn ask(&self, operation: Operation, path: &str, sent: Value) -> Answer {
        let memory = Arc::new(Memory::default());
        self.attempt((operation, path, sent), &memory).await.commit().await
    }

    /// A request up to its commit, with what earlier attempts at it remember.
    pub(crate) async fn attempt(&self, wish: Wish<'_>, memory: &Arc<Memory>) -> Attempt {
        let (operation, path, sent) = wish;
        let store = self.front.clone().unwrap_or_else(|| self.store.clone());
        let transaction = Arc::new(Transaction::begin(store));
        let path = CanonicalPath::parse(&format!("mount/{path}")).unwrap();
        let Value::Object(sent) = sent else { panic!("parameters are an object") };
        let (warnings, proved) = (vec![], vec![]);
        let mut answer =
            Answer { outcome: Err(Error::UnsupportedPath), warnings, operation, proved };
        if let Some((declared, captured, path)) = self.route(&path) {
            let context = self.context(&transaction, path, memory);
            let captured = captured.into_iter().map(|(name, value)| (name, value.into()));
            let given = Given { captured: captured.collect(), sent };
            if operation == Operation::Update
                && !declared.ask_existence(&context, &given).await.unwrap()
            {
                answer.operation = Operation::Create;
            }
            answer.outcome = declared.call(answer.operation, &context, &given).await;
            answer.warnings = context.warnings.take();
            answer.proved = self.desk.take_proved();
        }
        Attempt { transaction, answer }
    }

    pub(crate) async fn renew(
        &self,
        metadata: &[(&str, &str)],
        policies: &[&str],
    ) -> Result<Option<Login>> {
        let transaction = Arc::new(Transaction::begin(self.store.clone()));
        let path = CanonicalPath::parse("auth/token/renew-self").unwrap();
        let context = self.context(&transaction, path, &Arc::default());
        let metadata = metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let policies = policies.iter().map(|name| (*name).to_owned()).collect();
        self.engine.renew.unwrap()(&context, &Renewal { metadata, policies }).await
    }

    /// From now on whoever asks holds the token with this accessor, which the mount gave `alias`.
    pub(crate) fn come_as(&mut self, alias: &str, accessor: &str) {
        self.caller = Some(Caller { accessor: accessor.into(), alias: Some(alias.into()) });
    }

    /// From now on nobody in particular asks.
    pub(crate) fn come_as_anybody(&mut self) {
        self.caller = None;
    }

    /// Nothing can be hashed any more: whatever would have to be is refused.
    pub(crate) fn close_the_workshop(&mut self) {
        self.workshop = Arc::new(Workshop::new(1, 0));
    }

    /// Everything can be hashed again.
    pub(crate) fn open_the_workshop(&mut self) {
        self.workshop = Arc::new(Workshop::new(2, 16));
    }

    /// Keys in the store, for counting.
    pub(crate) fn census(&self) -> usize {
        self.store.keys().len()
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus(Seconds(seconds));
    }

    fn route(&self, path: &CanonicalPath) -> Option<(&Path, api::Captures, CanonicalPath)> {
        let found = self.paths.iter().filter_map(|declared| {
            declared.matches("mount/", path).map(|(captures, path)| (declared, captures, path))
        });
        found.min_by_key(|(declared, _, _)| declared.pattern.generality())
    }

    fn context(
        &self,
        transaction: &Arc<Transaction>,
        path: CanonicalPath,
        memory: &Arc<Memory>,
    ) -> Context {
        Context {
            store: View::new(transaction, "mount/0/"),
            now: self.now,
            entropy: self.entropy.clone(),
            mount: MountFacts {
                path: "mount/".into(),
                ttl_default: Seconds(2_764_800),
                ttl_max: Seconds(2_764_800),
                upgraded: self.upgraded,
            },
            path,
            caller: self.caller.clone(),
            remote: self.remote.map(|remote| remote.parse().unwrap()),
            services: self.desk.clone(),
            wordlists: self.wordlists.clone(),
            workshop: self.workshop.clone(),
            memory: memory.clone(),
            warnings: Warnings::default(),
        }
    }
}

fn engine(name: &str, version: Option<&str>) -> &'static Engine {
    let options = version.map(|v| ("version".into(), v.into())).into_iter().collect();
    let mut engines = engines::AUTH_METHODS.iter().chain(engines::SECRETS_ENGINES);
    engines.find(|engine| engine.answers_to(name, &options)).unwrap()
}

/// A request that has been performed, but not committed.
pub(crate) struct Attempt {
    transaction: Arc<Transaction>,
    pub(crate) answer: Answer,
}

impl Attempt {
    pub(crate) async fn commit(mut self) -> Answer {
        if self.answer.outcome.is_err() {
            self.transaction.discard_writes();
        }
        if let Err(lost) = self.transaction.commit().await {
            self.answer.outcome = Err(lost.into());
        }
        self.answer
    }
}

impl Answer {
    /// Done, and nothing to say.
    #[track_caller]
    pub(crate) fn done(self) {
        assert!(matches!(self.outcome, Ok(Reply::Empty)), "{:?}", self.outcome);
    }

    #[track_caller]
    pub(crate) fn data(self) -> Value {
        match self.outcome {
            Ok(Reply::Data(fields, _)) => Value::Object(fields),
            other => panic!("no data: {other:?}"),
        }
    }

    /// What is said of something that is gone.
    #[track_caller]
    pub(crate) fn gone(self) -> Value {
        match self.outcome {
            Ok(Reply::Absent(Some(fields))) => Value::Object(fields),
            other => panic!("not gone: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn keys(self) -> Vec<String> {
        match self.outcome {
            Ok(Reply::Keys(keys, more)) if more == Map::new() => keys,
            other => panic!("no keys: {other:?}"),
        }
    }

    /// Keys, and what is said about each.
    #[track_caller]
    pub(crate) fn details(self) -> (Vec<String>, Value) {
        match self.outcome {
            Ok(Reply::Keys(keys, details)) => (keys, Value::Object(details)),
            other => panic!("no keys: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn login(self) -> Login {
        match self.outcome {
            Ok(Reply::Login(login)) => *login,
            other => panic!("no login: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn error(self) -> Error {
        self.outcome.map(|reply| format!("{reply:?}")).unwrap_err()
    }

    /// Refused as a login that proves nothing.
    #[track_caller]
    pub(crate) fn login_failed(self) {
        let Error::LoginFailed(failure) = self.error() else { panic!("refused otherwise") };
        assert_eq!(failure.text, "invalid username or password");
    }

    /// Refused as a request that makes no sense, with this text.
    #[track_caller]
    pub(crate) fn refused(self, text: &str) {
        assert_eq!(self.error(), Error::Invalid(text.to_owned()));
    }

    #[track_caller]
    pub(crate) fn missing(self) {
        assert_eq!(self.error(), Error::Missing);
    }
}
