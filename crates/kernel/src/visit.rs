//! One request as the kernel's own rooms see it.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use api::{
    Caller, CanonicalPath, Context, Corner, Error, Memory, Moment, MountFacts, Operation, Request,
    Result, Seconds, Secret, Warnings,
};
use storage::{Transaction, View};

use crate::lockout::Onset;
use crate::metrics::Tally;
use crate::mounts::{Mount, MountTable, Route};
use crate::tokens::{Holder, Kind};
use crate::{Kernel, services, tokens};

/// Where the kernel keeps its own records.
pub(crate) const SYSTEM: &str = "sys/";
/// Where mounts keep theirs, each under its storage name.
pub(crate) const MOUNTS: &str = "mount/";
/// Where tokens keep their cubbyholes, each under its storage name.
pub(crate) const CUBBYHOLES: &str = "cubbyhole/";

/// One attempt at one request, inside its transaction.
pub struct Visit {
    pub(crate) kernel: Arc<Kernel>,
    /// The kernel's own corner of the store.
    pub(crate) system: View,
    /// The time of this attempt.
    pub(crate) now: Moment,
    /// The whole path as it was asked for.
    pub(crate) asked: CanonicalPath,
    /// The whole path, names folded as declared.
    pub(crate) path: CanonicalPath,
    /// What is being done.
    pub(crate) operation: Operation,
    /// Who asks, where the path needs a token.
    pub(crate) holder: Option<Arc<Holder>>,
    /// Whether they hold the `sudo` capability on this very path.
    pub(crate) sudo: Sudo,
    /// What they showed to prove who they are.
    pub(crate) shown: Option<Secret>,
    pub(crate) remote: Option<SocketAddr>,
    /// For how long the answer is to be kept, where the caller wants it wrapped.
    pub(crate) wrap_ttl: Option<Seconds>,
    /// Whether this is one of several things that are answered together.
    pub(crate) is_part: bool,
    pub(crate) memory: Arc<Memory>,
    pub(crate) warnings: Warnings,
    /// The lock that the failed login sets in, if it is committed.
    pub(crate) onset: OnceLock<Onset>,
    /// What the commit does to tokens.
    pub(crate) tally: Tally,
}

/// Whether a caller holds the `sudo` capability.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sudo {
    Held,
    NotHeld,
}

impl Visit {
    /// A new attempt at `request`; nobody is known yet.
    pub(crate) fn of_request(
        kernel: &Arc<Kernel>,
        request: &Request,
        memory: &Arc<Memory>,
    ) -> Self {
        let mut visit = Self::new(kernel, request.path.clone(), request.operation);
        visit.shown = request.token.clone();
        visit.remote = request.remote;
        visit.wrap_ttl = request.wrap_ttl;
        visit.memory = memory.clone();
        visit
    }

    /// One of several things that are asked for in this attempt, by the same caller.
    pub(crate) fn beside(&self, request: &Request, memory: &Arc<Memory>) -> Self {
        Self {
            asked: request.path.clone(),
            path: request.path.clone(),
            operation: request.operation,
            holder: self.holder.clone(),
            shown: self.shown.clone(),
            remote: self.remote,
            wrap_ttl: self.wrap_ttl,
            is_part: true,
            memory: memory.clone(),
            ..Self::of_service(&self.kernel, &self.system, self.now)
        }
    }

    /// A piece of work that nobody asked for.
    pub(crate) fn of_worker(kernel: &Arc<Kernel>) -> Self {
        let nowhere = CanonicalPath::parse("").expect("the empty path is clear");
        Self::new(kernel, nowhere, Operation::Update)
    }

    /// A piece of work inside an attempt, which is at `now` and whose transaction `system` is of.
    pub(crate) fn of_service(kernel: &Arc<Kernel>, system: &View, now: Moment) -> Self {
        Self { system: system.clone(), now, ..Self::of_worker(kernel) }
    }

    fn new(kernel: &Arc<Kernel>, path: CanonicalPath, operation: Operation) -> Self {
        let transaction = Transaction::begin(kernel.store.clone()).sharing(kernel.copies.clone());
        let transaction = Arc::new(transaction);
        Self {
            kernel: kernel.clone(),
            system: View::new(&transaction, SYSTEM),
            now: kernel.time.now(),
            asked: path.clone(),
            path,
            operation,
            holder: None,
            sudo: Sudo::NotHeld,
            shown: None,
            remote: None,
            wrap_ttl: None,
            is_part: false,
            memory: Arc::default(),
            warnings: Warnings::default(),
            onset: OnceLock::new(),
            tally: Tally::default(),
        }
    }

    /// The transaction of this attempt.
    pub(crate) fn transaction(&self) -> &Arc<Transaction> {
        self.system.transaction()
    }

    /// Does all that was to be written, and counts what that did to tokens.
    ///
    /// # Errors
    /// When somebody else was faster, or the store cannot answer.
    pub(crate) async fn commit(&self) -> Result<()> {
        self.write().await?;
        self.kernel.metrics.note_tokens(&self.tally);
        Ok(())
    }

    /// Makes sure that all that led to a refusal is still so, and drops what was to be written, but
    /// for what is kept whatever comes of a request.
    ///
    /// # Errors
    /// As [`Visit::commit`].
    pub(crate) async fn commit_refusal(&self) -> Result<()> {
        self.transaction().discard_writes();
        self.write().await
    }

    async fn write(&self) -> Result<()> {
        let written = self.transaction().written_keys();
        tokens::empty_cubbyholes(self, &written).await?;
        self.transaction().commit().await?;
        written.iter().for_each(|key| self.kernel.forget_copy(key));
        Ok(())
    }

    /// What is mounted where.
    pub(crate) async fn mounts(&self) -> Result<Arc<MountTable>> {
        self.kernel.mounts.get(self.transaction()).await
    }

    /// Tells the caller something besides the answer.
    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.warnings.add(text);
    }

    /// The same attempt as an engine mounted at `mount` sees it, with its records in `store`.
    pub(crate) fn to_context(&self, mount: &Arc<Mount>, store: View) -> Context {
        Context {
            store,
            now: self.now,
            entropy: self.kernel.entropy.clone(),
            mount: self.facts(mount),
            path: self.path.clone(),
            caller: self.holder.as_ref().map(|holder| caller(holder, mount)),
            services: services::of(self, mount),
            remote: self.remote,
            wordlists: self.kernel.settings.wordlists.clone(),
            workshop: self.kernel.workshop.clone(),
            memory: self.memory.clone(),
            warnings: Warnings::default(),
        }
    }

    /// Where the records of the engine behind a route are.
    ///
    /// # Errors
    /// [`Error::UnsupportedPath`] when there is no such engine. Where its corner is the caller's:
    /// [`Error::Unauthenticated`] when there is none, [`Error::Invalid`] when they can have none.
    pub(crate) fn corner(&self, route: &Route<'_>) -> Result<View> {
        let engine = self.kernel.engine(&route.mount).ok_or(Error::UnsupportedPath)?;
        let prefix = match engine.corner {
            Corner::Mount => [MOUNTS, &route.mount.storage, "/"].concat(),
            Corner::Token => {
                let holder = self.holder.as_ref().ok_or(Error::Unauthenticated)?;
                if holder.token.kind == Kind::Batch {
                    return Err(Error::invalid(
                        "cubbyhole operations are only supported by 'service' type tokens",
                    ));
                }
                [CUBBYHOLES, &holder.key, "/"].concat()
            }
        };
        Ok(View::new(self.transaction(), prefix))
    }

    /// What an engine may know of its mount.
    pub(crate) fn facts(&self, mount: &Mount) -> MountFacts {
        let settings = &self.kernel.settings;
        let ttl_max = mount.tuning.ttl_max.set().unwrap_or(settings.ttl_max);
        let ttl_default = mount.tuning.ttl_default.set().unwrap_or(settings.ttl_default);
        MountFacts {
            path: mount.path.clone(),
            ttl_default: ttl_default.min(ttl_max),
            ttl_max,
            upgraded: mount.upgraded,
        }
    }
}

fn caller(holder: &Holder, mount: &Mount) -> Caller {
    let is_own = holder.token.mount.as_ref() == Some(&mount.storage);
    let owner = holder.token.owner.as_ref().filter(|_| is_own);
    Caller { accessor: holder.token.accessor.clone(), alias: owner.map(|owner| owner.name.clone()) }
}
