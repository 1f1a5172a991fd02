//! Keeping secrets under paths: plainly (version 1), or with their history (version 2).

use api::{CanonicalPath, Class, Context, Corner, Engine, Error, Result};

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

/// The longest word that stands in front of a name in version 2.
const LONGEST_DOOR: &str = "detailed-metadata";

/// Refuses to keep something under a name that not all paths of version 2 could spell: it could be
/// written at one of them, and not be removed at another. Version 1 asks this as well, because the
/// mount may be upgraded.
fn check_reach(context: &Context, name: &str) -> Result<()> {
    let path = format!("{}{LONGEST_DOOR}/{name}", context.mount.path);
    if CanonicalPath::is_within_reach(&path) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "the path is too long for a secret; behind the mount and \"{LONGEST_DOOR}/\" it must fit \
         into {} encoded characters and {} segments",
        CanonicalPath::LENGTH_MAX,
        CanonicalPath::SEGMENTS_MAX,
    )))
}
