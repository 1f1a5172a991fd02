//! What the system should do for a process that holds secrets.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Keeps secrets out of crash dumps, and other processes of the same user out of this one.
pub(crate) fn forbid_core_dumps() {
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    // Both only ever take away, which nobody is refused; either one suffices for dumps.
    let _ = setrlimit(Resource::Core, nothing);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Allows as many open files as the system lets us: each connection is one.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if setrlimit(Resource::Nofile, raised).is_err() {
        tracing::debug!("the number of open files stays as it is");
    }
}

/// Keeps secrets out of swap space. `Err` says why not, and what would work.
pub(crate) fn lock_memory() -> Result<(), &'static str> {
    // Under a limit, locking would not fail here but when memory runs out later.
    if getrlimit(Resource::Memlock).current.is_some() {
        return Err(
            "memory is not locked, so secrets may be swapped to disk: the limit on locked memory \
             is too low; set LimitMEMLOCK=infinity (ulimit -l unlimited), or turn swap off and set \
             disable_mlock = true",
        );
    }
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    mlockall(flags).map_err(|_| {
        "memory is not locked, so secrets may be swapped to disk: the system refused; allow it \
         (CAP_IPC_LOCK), or turn swap off and set disable_mlock = true"
    })
}
