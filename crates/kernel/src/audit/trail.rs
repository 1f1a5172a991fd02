//! One exchange, from the request to the answer.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use api::{CanonicalPath, Error, Operation, Reply, Request, Result, Seconds, Secret};
use serde_json::{Map, Value};

use super::entry;
use super::hash::Hasher;
use super::{AuditTable, Device};
use crate::Kernel;
use crate::mounts::{Mount, Route};
use crate::policies::MergedRule;
use crate::tokens::Holder;
use crate::visit::Visit;

/// What is known of an exchange, and which devices have its first entry.
pub(crate) struct Trail {
    pub(super) id: String,
    pub(super) operation: Operation,
    pub(super) path: CanonicalPath,
    pub(super) remote: Option<SocketAddr>,
    pub(super) wrap_ttl: Option<Seconds>,
    pub(super) shown: Option<Secret>,
    pub(super) mount: Option<Arc<Mount>>,
    pub(super) holder: Option<Arc<Holder>>,
    pub(super) granting: Vec<String>,
    pub(super) sent: Option<Map<String, Value>>,
    /// Which of the parameters are declared as secret.
    pub(super) secrets: BTreeSet<String>,
    pub(super) denial: Option<String>,
    table: Option<Arc<AuditTable>>,
    /// Salts of the devices that have the first entry.
    opened: BTreeSet<String>,
}

impl Trail {
    /// The trail of an exchange that has just begun.
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            id: request.id.clone(),
            operation: request.operation,
            path: request.path.clone(),
            remote: request.remote,
            wrap_ttl: request.wrap_ttl,
            shown: request.token.clone(),
            mount: None,
            holder: None,
            granting: vec![],
            sent: None,
            secrets: BTreeSet::new(),
            denial: None,
            table: None,
            opened: BTreeSet::new(),
        }
    }

    /// Looks up, in this attempt's transaction, which devices there are.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(crate) async fn find_devices(&mut self, visit: &Visit) -> Result<()> {
        let table = visit.kernel.audit.get(visit.transaction()).await?;
        visit.kernel.devices.keep(&table);
        self.go_to(table);
        Ok(())
    }

    /// Goes to the devices that the first entry of `whole` has gone to: what this is a part of.
    pub(crate) fn follow(&mut self, whole: &Self) {
        if let Some(table) = whole.table.clone() {
            self.go_to(table);
        }
    }

    fn go_to(&mut self, table: Arc<AuditTable>) {
        // A device that an earlier attempt saw may have been disabled since.
        self.opened.retain(|salt| table.devices.iter().any(|device| device.salt == *salt));
        self.table = Some(table);
    }

    /// Whether there is a first entry, and so will be a last one.
    pub(crate) fn is_open(&self) -> bool {
        !self.opened.is_empty()
    }

    /// Notes where the request leads.
    pub(crate) fn note_route(&mut self, route: &Route<'_>) {
        self.mount = Some(route.mount.clone());
        self.secrets = route.secrets();
        self.path = route.path.clone();
    }

    /// Forgets who asked and what allowed it: what an attempt that lost its race found out is not
    /// so any more.
    pub(crate) fn forget_caller(&mut self) {
        self.holder = None;
        self.granting.clear();
    }

    /// Notes who asks.
    pub(crate) fn note_holder(&mut self, holder: &Arc<Holder>) {
        self.holder = Some(holder.clone());
    }

    /// Notes whether a write creates.
    pub(crate) fn note_operation(&mut self, operation: Operation) {
        self.operation = operation;
    }

    /// Notes the policies that allow `operation`, where there is anybody to tell.
    pub(crate) fn note_granting(&mut self, rule: &MergedRule, operation: Operation) {
        if self.table.as_ref().is_some_and(|table| !table.devices.is_empty()) {
            self.granting = rule.granted_by(operation).into_iter().map(str::to_owned).collect();
        }
    }

    /// Writes the first entry, where it is not written yet.
    ///
    /// # Errors
    /// [`Error::Internal`] when no device takes it: then the request must not be performed.
    pub(crate) async fn open<T>(
        &mut self,
        kernel: &Kernel,
        sent: Option<&Map<String, Value>>,
        decision: &Result<T>,
    ) -> Result<()> {
        // A lost race is not a decision yet.
        if decision.as_ref().is_err_and(Error::is_conflict) {
            return Ok(());
        }
        let Some(table) = self.table.clone().filter(|table| !table.devices.is_empty()) else {
            return Ok(());
        };
        self.sent = sent.cloned();
        self.denial = decision.as_ref().err().map(entry::error_text);
        for device in &table.devices {
            if self.opened.contains(&device.salt) {
                continue;
            }
            let entry = entry::request(self, &Hasher::new(&device.salt), kernel.time.now());
            if write(kernel, device, &entry).await {
                self.opened.insert(device.salt.clone());
            }
        }
        self.must_have(!self.opened.is_empty())
    }

    /// Writes the last entry, where there is a first.
    ///
    /// # Errors
    /// [`Error::Internal`] when no device takes it: then the answer must not be given.
    pub(crate) async fn close(
        &mut self,
        kernel: &Kernel,
        outcome: &Result<Reply>,
        warnings: &[String],
    ) -> Result<()> {
        let Some(table) = self.table.clone().filter(|_| !self.opened.is_empty()) else {
            return Ok(());
        };
        let mut taken = false;
        for device in &table.devices {
            let (hasher, now) = (&Hasher::new(&device.salt), kernel.time.now());
            let entry = entry::response(self, hasher, now, (outcome, warnings));
            taken |= write(kernel, device, &entry).await;
        }
        self.must_have(taken)
    }

    fn must_have(&self, taken: bool) -> Result<()> {
        match taken {
            true => Ok(()),
            false => Err(Error::internal("no audit device takes the entry; see above")),
        }
    }
}

async fn write(kernel: &Kernel, device: &Device, entry: &Value) -> bool {
    let mut line = entry.to_string().into_bytes();
    line.push(b'\n');
    match kernel.devices.write(device, line).await {
        Ok(()) => true,
        Err(cause) => {
            tracing::error!(device = device.path, cause, "an audit device did not take an entry");
            false
        }
    }
}
