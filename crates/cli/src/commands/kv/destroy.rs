//! `kv destroy`: the versions named.

use super::{MOUNT, VERSIONS};
use crate::command::{Command, Count, FIELD, HTTP, Shelf, own};

pub(crate) static COMMAND: Command = Command {
    words: "kv destroy",
    shelf: Shelf::Other,
    synopsis: "Remove versions for good.",
    usage: "[options] KEY",
    details: "Removes versions of a secret for good.\n\n    $ {} kv destroy -versions=3 secret/app",
    flags: &[HTTP, FIELD, own(&[MOUNT, VERSIONS])],
    arguments: Count::ONE,
    run: |call| super::on_versions(call, "destroy", "Destroy"),
};
