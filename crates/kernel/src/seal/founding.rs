//! Making an empty store ours: keys, shares and first records, in one commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use storage::{CommitError, Error, Memory, Store};

use super::{SealError, Share, Shares, shamir};
use crate::barrier::{Barrier, Foundation, Guard, Key32, is_reserved};
use crate::entropy::Entropy;

/// A store that is about to exist. Nothing is stored until [`commit`](Founding::commit); dropping
/// it before leaves no trace.
///
/// The first records are written the usual way, through [`store`](Founding::store), into memory;
/// the commit then seals all of them together with the keys. So a root token exists if and only if
/// the shares do.
#[must_use = "nothing is stored until this is committed"]
pub struct Founding {
    barrier: Arc<Barrier>,
    entropy: Arc<dyn Entropy>,
    foundation: Foundation,
    shares: Shares,
    records: Arc<Memory>,
}

impl Founding {
    pub(super) fn new(barrier: Arc<Barrier>, entropy: Arc<dyn Entropy>, shares: Shares) -> Self {
        let foundation = barrier.foundation();
        Self { barrier, entropy, foundation, shares, records: Arc::default() }
    }

    /// Where to write the first records, in as many transactions as it takes.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.records) as Arc<dyn Store>
    }

    /// What [`Barrier::subkey`] will answer once the node is unsealed.
    pub fn subkey(&self, label: &str) -> Key32 {
        self.foundation.subkey(label)
    }

    /// Stores everything in one commit and hands out the shares, which are nowhere else. The node
    /// stays sealed.
    ///
    /// # Errors
    /// [`SealError::AlreadyInitialized`] when somebody else was faster; [`SealError::Commit`] when
    /// the store refused or cannot say, and then there are no shares either.
    pub async fn commit(self) -> Result<Vec<Share>, SealError> {
        let records = self.first_records().await.map_err(SealError::Store)?;
        let unseal_key = Key32::random(self.entropy.as_ref());
        let shares = shamir::split(unseal_key.as_bytes(), self.shares, self.entropy.as_ref());
        let guard = Guard { unseal_key: &unseal_key, configuration: self.shares.encode() };
        match self.barrier.found(&self.foundation, guard, &records).await {
            Ok(()) => Ok(shares),
            Err(CommitError::Conflict { key }) if is_reserved(&key) => {
                Err(SealError::AlreadyInitialized)
            }
            Err(error) => Err(SealError::Commit(error)),
        }
    }

    async fn first_records(&self) -> Result<BTreeMap<String, Bytes>, Error> {
        let mut records = BTreeMap::new();
        for key in self.records.keys() {
            if let Some(record) = self.records.get(&key).await? {
                records.insert(key, record.value);
            }
        }
        Ok(records)
    }
}
