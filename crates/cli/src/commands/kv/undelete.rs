//! `kv undelete`: the versions named.

use super::{MOUNT, VERSIONS};
use crate::command::{Command, Count, FIELD, HTTP, Shelf, own};

pub(crate) static COMMAND: Command = Command {
    words: "kv undelete",
    shelf: Shelf::Other,
    synopsis: "Bring back deleted versions.",
    usage: "[options] KEY",
    details: "Brings back deleted versions of a secret.\n\n    $ {} kv undelete -versions=3 \
              secret/app",
    flags: &[HTTP, FIELD, own(&[MOUNT, VERSIONS])],
    arguments: Count::ONE,
    run: |call| super::on_versions(call, "undelete", "Undelete"),
};
