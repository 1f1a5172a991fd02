//! Making a new server: keys, shares, and the first records, in one commit.

use std::sync::Arc;

use api::{Error, Moment, Result, Secret, hexadecimal, unique};
use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use storage::{Store, Table, Transaction, View};

use crate::Kernel;
use crate::barrier::Purpose;
use crate::seal::{SealError, Share, Shares};
use crate::visit::SYSTEM;
use crate::{mounts, policies, tokens};

/// What the cluster is called, as [`CLUSTER_NAME`].
pub(super) const CLUSTER: Table<Cluster> = Table::new("");
pub(super) const CLUSTER_NAME: &str = "cluster";

/// What distinguishes this cluster from others.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Cluster {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) since: Moment,
}

/// What comes of initialising, and is nowhere else.
pub struct Initialized {
    /// The shares of the unseal key.
    pub shares: Vec<Share>,
    /// A token that may do everything.
    pub root_token: Secret,
}

/// Why a server cannot be initialised.
pub type InitializeError = SealError;

impl Kernel {
    /// Makes a new server: it stays sealed until enough of the shares are submitted.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is one already, or the numbers make no sense.
    pub async fn initialize(&self, shares: i64, threshold: i64) -> Result<Initialized> {
        let shares = Shares::new(shares, threshold).map_err(told)?;
        let founding = self.seal.initialize(shares).await.map_err(told)?;
        let index = founding.subkey(Purpose::TokenIndex.label());
        let index = hmac::Key::new(hmac::HMAC_SHA256, index.as_bytes());
        let root_token = self.write_first_records(founding.store(), &index).await?;
        let shares = founding.commit().await.map_err(told)?;
        tracing::info!(shares = shares.len(), "initialized; unseal to begin");
        Ok(Initialized { shares, root_token })
    }

    async fn write_first_records(
        &self,
        store: Arc<dyn Store>,
        index: &hmac::Key,
    ) -> Result<Secret> {
        let transaction = Arc::new(Transaction::begin(store));
        let system = View::new(&transaction, SYSTEM);
        let now = self.time.now();
        let entropy = &*self.entropy;
        mounts::found(&system, entropy);
        policies::found(&system, now);
        let root_token = tokens::found_root(&system, index, entropy, now);
        let made_up = || format!("vault-cluster-{}", hexadecimal::<4>(entropy));
        let name = self.settings.cluster_name.clone().unwrap_or_else(made_up);
        CLUSTER.put(&system, CLUSTER_NAME, &Cluster { id: unique(entropy), name, since: now });
        transaction.commit().await?;
        Ok(root_token)
    }
}

/// What the seal says, in the words of the API.
pub(crate) fn told(error: SealError) -> Error {
    match error {
        SealError::Store(error) => error.into(),
        SealError::Commit(error) => error.into(),
        callers => Error::invalid(callers.to_string()),
    }
}
