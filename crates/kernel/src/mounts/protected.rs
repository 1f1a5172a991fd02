//! The mounts that are part of the house.

use api::{Class, Entropy, Error, Result, unique};

use super::accessor;
use super::record::{Mount, MountTable, Room, Tuning};

/// Prefixes under which nothing else can be mounted and nothing unmounted.
const PROTECTED: &[&str] = &["auth/", "sys/", "cubbyhole/", "identity/", "audit/"];

/// Refuses to `act` on a mount that is part of the house.
///
/// # Errors
/// [`Error::Invalid`].
pub(super) fn check(class: Class, path: &str, act: &str) -> Result<()> {
    let is_protected = match class {
        Class::Auth => path.starts_with("auth/token/"),
        Class::Secret => PROTECTED.iter().any(|prefix| path.starts_with(prefix)),
    };
    match is_protected {
        true => Err(Error::invalid(format!("cannot {act} \"{path}\""))),
        false => Ok(()),
    }
}

/// What a new server has mounted.
pub(crate) fn founding_table(entropy: &dyn Entropy) -> MountTable {
    let house = |path: &str, room, engine: &str, class, description: &str| Mount {
        path: path.to_owned(),
        room,
        engine: engine.to_owned(),
        class,
        storage: unique(entropy),
        accessor: accessor(entropy, class, engine),
        description: description.to_owned(),
        options: None,
        local: engine == "cubbyhole",
        seal_wrap: engine == "system",
        tuning: Tuning::default(),
        upgraded: None,
    };
    let system = "system endpoints used for control, policy and debugging";
    MountTable::default()
        .with(house("auth/token/", Room::Token, "token", Class::Auth, "token based credentials"))
        .with(house(
            "cubbyhole/",
            Room::Engine,
            "cubbyhole",
            Class::Secret,
            "per-token private secret storage",
        ))
        .with(house("identity/", Room::Identity, "identity", Class::Secret, "identity store"))
        .with(house("sys/", Room::System, "system", Class::Secret, system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_free(class: Class, path: &str, expected: bool) {
        assert_eq!(check(class, path, "mount").is_ok(), expected, "{path}");
    }

    #[test]
    fn the_house_keeps_its_own_places() {
        for path in ["sys/", "sys/x/", "auth/", "auth/x/", "cubbyhole/", "identity/x/", "audit/"] {
            is_free(Class::Secret, path, false);
        }
        for path in ["system/", "kv/", "auths/"] {
            is_free(Class::Secret, path, true);
        }
        is_free(Class::Auth, "auth/token/", false);
        is_free(Class::Auth, "auth/token/x/", false);
        is_free(Class::Auth, "auth/tokens/", true);
    }

    #[test]
    fn tables_never_overlap() {
        let table = founding_table(&api::SystemEntropy);
        assert_eq!(table.iter().count(), 4);
        assert_eq!(table.of("sys/mounts").map(|mount| mount.path.as_str()), Some("sys/"));
        assert_eq!(table.of("sys").map(|mount| mount.path.as_str()), Some("sys/"));
        assert!(table.of("system").is_none());
        assert!(table.overlapping("sys/x/").is_some());
        assert!(table.overlapping("auth/").is_some());
        assert!(table.overlapping("auth/userpass/").is_none());
    }
}
