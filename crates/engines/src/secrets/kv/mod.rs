//! Keeping secrets under paths: plainly (version 1), or with their history (version 2).

use api::{Class, Corner, Engine};

mod version_1;

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
