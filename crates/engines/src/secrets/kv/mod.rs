//! Keeping secrets under paths: plainly (version 1), or with their history (version 2).

use api::{Class, Corner, Engine};

mod version_1;
mod version_2;

/// The `kv` secrets engine without history.
pub(crate) const VERSION_1: Engine = Engine {
    name: "kv",
    version: Some("1"),
    class: Class::Secret,
    corner: Corner::Mount,
    help: "Keeps secrets under paths of your choice.\n\n\
           A write replaces what was there before; nothing of it is kept.",
    paths: version_1::paths,
    renew: None,
};

/// The `kv` secrets engine with history.
pub(crate) const VERSION_2: Engine = Engine {
    name: "kv",
    version: Some("2"),
    class: Class::Secret,
    corner: Corner::Mount,
    help: "Keeps secrets and their history under paths of your choice.\n\n\
           Each write makes a new version. Versions can be deleted and brought back, or destroyed \
           for good; the oldest make room for new ones.",
    paths: version_2::paths,
    renew: None,
};
