//! Everything a node of Strongroom is made of.

use std::sync::Arc;

use api::{
    Class, Clock, Context, Engine, Entropy, Error, KeyValues, Path, Result, Seconds, Wordlists,
    Workshop,
};
use aws_lc_rs::hmac;
use serde::de::DeserializeOwned;
use storage::Store;
use tokio::sync::Semaphore;

use crate::audit::{AuditTable, Devices};
use crate::barrier::{Barrier, Purpose};
use crate::leases::{self, EndedPrefixes};
use crate::lockout::LockoutSettings;
use crate::metrics::Metrics;
use crate::mirror::{Copies, Mirror, Mirrors};
use crate::mounts::{self, Mount, MountTable, Room};
use crate::policies::{self, CompiledCache};
use crate::seal::{Seal, Share, Status};
use crate::system::Rooms;
use crate::time::{self, Company, Time};
use crate::visit::Visit;
use crate::{identity, sealing, tokens};

/// What the texts of policies that are kept parsed may take.
const POLICIES_KEPT_BYTES_MAX: u64 = 32 << 20;
/// What the records of tokens that are kept decoded may take.
const TOKENS_KEPT_BYTES_MAX: u64 = 16 << 20;
/// What the records of entities that are kept decoded may take.
const ENTITIES_KEPT_BYTES_MAX: u64 = 8 << 20;

/// What the records of engines that are kept decoded may take.
const COPIES_KEPT_BYTES_MAX: u64 = 16 << 20;

/// What a node is built on.
pub struct Foundation {
    /// Where everything is stored. The kernel puts the barrier in front of it.
    pub store: Arc<dyn Store>,
    /// Every engine there is: auth methods and secrets engines.
    pub engines: Vec<&'static Engine>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Whether other nodes may use the same store.
    pub company: Company,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
    /// Where slow work is done.
    pub workshop: Arc<Workshop>,
    /// What the operator decided.
    pub settings: Settings,
}

/// What the operator decided, or the defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long things live, unless they or their mount say.
    pub ttl_default: Seconds,
    /// How long things live at most, unless their mount says.
    pub ttl_max: Seconds,
    /// The lists of words on this node.
    pub wordlists: Wordlists,
    /// When names are locked after failed logins, unless their mount says.
    pub lockout: LockoutSettings,
    /// The kind of store, as clients are told.
    pub storage_type: String,
    /// The name of the cluster, given at initialisation; made up when there is none.
    pub cluster_name: Option<String>,
    /// The version of the program.
    pub version: &'static str,
    /// When the program was built, as clients are told.
    pub build_date: &'static str,
}

/// One node. Every node on the same store gives the same answers.
pub struct Kernel {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) barrier: Arc<Barrier>,
    pub(crate) seal: Seal,
    pub(crate) time: Time,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) workshop: Arc<Workshop>,
    pub(crate) settings: Settings,
    pub(crate) mounts: Mirror<MountTable>,
    pub(crate) policies: Mirrors<policies::Policy>,
    pub(crate) tokens: Mirrors<tokens::Token>,
    pub(crate) entities: Mirrors<identity::Entity>,
    /// Records of engines.
    pub(crate) copies: Arc<Copies>,
    pub(crate) compiled: CompiledCache,
    pub(crate) audit: Mirror<AuditTable>,
    pub(crate) ended_prefixes: Mirror<EndedPrefixes>,
    pub(crate) devices: Devices,
    pub(crate) metrics: Metrics,
    /// Lets those who lose races go on by turns. Guards no state: without it there would only be
    /// more races.
    pub(crate) losers: Semaphore,
    /// What is mounted before anything can be read: enough to find the doors that need no keys.
    pub(crate) anteroom: MountTable,
    rooms: Rooms,
    engines: Vec<Shelf>,
}

/// An engine and its doors, made once.
struct Shelf {
    engine: &'static Engine,
    paths: Vec<Path<Context>>,
}

/// A door, for those who look at all of them: its address, and whose it is.
pub enum Door<'a> {
    /// A door of the kernel itself, below this mount.
    System(&'static str, &'a Path<Visit>),
    /// A door of an engine, wherever it is mounted.
    Engine(&'static Engine, &'a Path<Context>),
}

impl Kernel {
    /// A node on `foundation`, sealed.
    pub fn new(foundation: Foundation) -> Arc<Self> {
        let Foundation { store, engines, clock, company, entropy, workshop, settings } = foundation;
        let barrier = Arc::new(Barrier::new(store, entropy.clone()));
        let shelf = |engine: &'static Engine| Shelf { engine, paths: (engine.paths)() };
        Arc::new(Self {
            store: barrier.clone(),
            seal: Seal::new(barrier.clone(), entropy.clone()),
            barrier,
            time: Time::new(clock, company),
            anteroom: mounts::founding_table(&*entropy),
            entropy,
            workshop,
            settings,
            mounts: Mirror::new(mounts::TABLE_KEY),
            policies: Mirrors::new(policies::PREFIX, POLICIES_KEPT_BYTES_MAX, policies::decode),
            tokens: Mirrors::new(tokens::PREFIX, TOKENS_KEPT_BYTES_MAX, decode),
            entities: Mirrors::new(identity::PREFIX, ENTITIES_KEPT_BYTES_MAX, decode),
            copies: Arc::new(Copies::new(COPIES_KEPT_BYTES_MAX)),
            compiled: policies::nothing_compiled(),
            audit: Mirror::new(crate::audit::TABLE_KEY),
            ended_prefixes: Mirror::new(leases::ENDED_PREFIXES_KEY),
            devices: Devices::default(),
            metrics: Metrics::new(),
            losers: Semaphore::new(1),
            rooms: Rooms::new(),
            engines: engines.into_iter().map(shelf).collect(),
        })
    }

    /// Whether this node can answer anything.
    pub fn is_sealed(&self) -> bool {
        self.barrier.is_sealed()
    }

    /// Takes one share of the unseal key; with enough of them, the node is unsealed.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a share that cannot be or did not fit.
    pub async fn submit_share(&self, share: Share) -> Result<Status> {
        let status = self.seal.submit(share).await.map_err(sealing::told)?;
        if status.sealed {
            tracing::info!(progress = status.progress, needed = status.threshold, "took a share");
        } else {
            self.forget_copies();
            tracing::info!("unsealed");
            // The keys are in use whatever comes of this; the worker tries again.
            if let Err(error) = time::keep(self).await {
                tracing::warn!(?error, "the time that was last noted cannot be read");
            }
        }
        Ok(status)
    }

    /// Whether this node has keys and knows the time, and so answers.
    pub fn is_ready(&self) -> bool {
        !self.is_sealed() && self.time.is_known()
    }

    /// Forgets the keys: from now on this node answers nothing until it is unsealed again.
    pub fn seal(&self) {
        self.seal.seal();
        self.forget_copies();
    }

    /// Opens the audit files anew at their next use: somebody moved them aside.
    pub fn reopen_audit_files(&self) {
        self.devices.close_all();
    }

    /// Every door there is, mounted or not.
    pub fn doors(&self) -> impl Iterator<Item = Door<'_>> {
        let system = self.rooms.iter().map(|(mount, path)| Door::System(mount, path));
        let engines = self
            .engines
            .iter()
            .flat_map(|shelf| shelf.paths.iter().map(|path| Door::Engine(shelf.engine, path)));
        system.chain(engines)
    }

    /// The key by which the names of token records are made from tokens.
    pub(crate) fn token_index(&self) -> Result<Arc<hmac::Key>> {
        Ok(self.barrier.mac(Purpose::TokenIndex)?)
    }

    /// The key that the keys of batch tokens are made with.
    pub(crate) fn batch_tokens(&self) -> Result<Arc<hmac::Key>> {
        Ok(self.barrier.mac(Purpose::BatchTokens)?)
    }

    /// Forgets the copy of the record at `key`, if there is one: it is stale.
    pub(crate) fn forget_copy(&self, key: &str) {
        self.mounts.forget_if(key);
        self.audit.forget_if(key);
        self.ended_prefixes.forget_if(key);
        self.policies.forget_if(key);
        self.tokens.forget_if(key);
        self.entities.forget_if(key);
        self.copies.forget(key);
    }

    /// Forgets every copy of a record.
    pub(crate) fn forget_copies(&self) {
        self.mounts.forget();
        self.audit.forget();
        self.ended_prefixes.forget();
        self.policies.forget_all();
        self.tokens.forget_all();
        self.entities.forget_all();
        self.copies.forget_all();
    }

    /// The doors of one of the kernel's own rooms.
    pub(crate) fn room_paths(&self, room: Room) -> &[Path<Visit>] {
        self.rooms.paths(room)
    }

    /// The doors of the engine behind `mount`.
    pub(crate) fn engine_paths(&self, mount: &Mount) -> &[Path<Context>] {
        self.shelf(mount).map_or(&[], |shelf| shelf.paths.as_slice())
    }

    /// The engine behind `mount`.
    pub(crate) fn engine(&self, mount: &Mount) -> Option<&'static Engine> {
        self.shelf(mount).map(|shelf| shelf.engine)
    }

    /// The engine clients call `name`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none, or it is not of this class.
    pub(crate) fn engine_by_name(
        &self,
        class: Class,
        name: &str,
        options: &KeyValues,
    ) -> Result<&'static Engine> {
        if ["cubbyhole", "system", "token", "identity"].contains(&name) {
            return Err(Error::invalid(format!("mount type of \"{name}\" is not mountable")));
        }
        let named = || self.engines.iter().map(|shelf| shelf.engine).filter(|e| e.name == name);
        let found = named().find(|engine| engine.answers_to(name, options));
        match (found, named().next()) {
            (Some(engine), _) if engine.class == class => Ok(engine),
            (Some(_), _) => Err(Error::invalid(match class {
                Class::Auth => {
                    format!("cannot mount \"{name}\" of type \"secret\" as an auth backend")
                }
                Class::Secret => {
                    format!("cannot mount \"{name}\" of type \"auth\" as a secrets engine")
                }
            })),
            (None, Some(_)) => Err(Error::invalid("invalid version provided; say 1 or 2")),
            (None, None) => Err(Error::invalid(format!("plugin not found in the catalog: {name}"))),
        }
    }

    fn shelf(&self, mount: &Mount) -> Option<&Shelf> {
        let none = KeyValues::new();
        let options = mount.options.as_ref().unwrap_or(&none);
        self.engines.iter().find(|shelf| shelf.engine.answers_to(&mount.engine, options))
    }
}

/// A record as tables keep it.
fn decode<T: DeserializeOwned>(bytes: &[u8]) -> std::result::Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}
