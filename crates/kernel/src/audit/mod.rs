//! The audit trail: one entry before a request is performed and one after, however many attempts
//! it takes.
//!
//! It fails closed. Where devices are enabled and none of them takes the entry, the request is not
//! performed, or its answer is not given. Every text value is replaced by a keyed hash, so that
//! entries can be searched for a value one knows, and tell nothing else.
//!
//! Reading order: [`Trail`] (one exchange), `entry` (its layout), `hash`, `device` (where entries
//! go), `paths`.

mod device;
mod entry;
mod file;
mod hash;
mod paths;
mod trail;

use api::{KeyValues, Moment};
use serde::{Deserialize, Serialize};
use storage::Table;

pub(crate) use device::Devices;
pub(crate) use paths::paths;
pub(crate) use trail::Trail;

/// Where the table of devices is stored.
pub(crate) const TABLE_KEY: &str = "sys/audit";
const TABLE: Table<AuditTable> = Table::new("");
const TABLE_NAME: &str = "audit";

/// Every device there is.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct AuditTable {
    devices: Vec<Device>,
}

/// Where entries go.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Device {
    /// Its name, with a slash at its end.
    path: String,
    kind: Kind,
    description: String,
    options: KeyValues,
    local: bool,
    /// The key of its hashes, as text. It also tells this device from an earlier one of its name.
    salt: String,
    since: Moment,
}

/// What kind of device it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    File,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::File => "file",
        }
    }
}
