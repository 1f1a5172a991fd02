//! From the unseal key to the keyring.

use std::sync::Arc;

use storage::{Error, Record};

use super::budget::Budget;
use super::key::Key32;
use super::macs::Macs;
use super::records::{self, KEYRING, ROOT_KEY};
use super::{Barrier, Keys};

/// Keys that were opened and are not in use yet.
pub(crate) struct Opened(Keys);

/// Why the keys did not open.
pub(crate) enum OpeningError {
    /// The unseal key is wrong, or a record is not what was put there. One answer for all of it, so
    /// that nobody who can change the store learns anything from asking.
    Refused,
    /// The store did not answer.
    Store(Error),
}

impl Barrier {
    /// Opens the root key and the keyring, and changes nothing.
    pub(crate) async fn open(
        &self,
        unseal_key: &Key32,
        configuration: &[u8],
    ) -> Result<Opened, OpeningError> {
        let sealed = self.stored(ROOT_KEY).await?;
        let root = records::open_root_key(unseal_key, &sealed.value, configuration);
        let root = root.ok_or(OpeningError::Refused)?;
        let sealed = self.stored(KEYRING).await?;
        let keyring = records::open_keyring(&root, &sealed.value);
        let Some(keyring) = keyring else {
            // The shares were right, so their owners should not go looking for better ones.
            tracing::error!("the root key opened, but the record at \"{KEYRING}\" is damaged");
            return Err(OpeningError::Refused);
        };
        let root = Arc::new(root);
        let revision = sealed.revision;
        Ok(Opened(Keys {
            root,
            keyring,
            revision,
            budget: Budget::default(),
            macs: Macs::default(),
        }))
    }

    /// Puts opened keys to use, unless there are some in use already.
    pub(crate) fn install(&self, opened: Opened) {
        self.keys.compare_and_swap(&None::<Arc<Keys>>, Some(Arc::new(opened.0)));
    }

    async fn stored(&self, key: &str) -> Result<Record, OpeningError> {
        self.raw.get(key).await.map_err(OpeningError::Store)?.ok_or(OpeningError::Refused)
    }
}
