//! Every command, one line each. A new one is a file and a line here.

mod audit;
mod auth;
mod delete;
mod kv;
mod lease;
mod list;
mod login;
mod mounts;
mod of_2016;
mod operator;
mod patch;
mod path_help;
mod policy;
mod policy_explain;
mod policy_text;
mod print;
mod read;
mod secrets;
mod server;
mod status;
mod token;
mod unwrap;
pub(crate) mod version;
mod write;

use crate::command::Command;

/// All commands. The common ones stand in the order in which the usage text shows them.
pub(crate) static COMMANDS: &[&Command] = &[
    &read::COMMAND,
    &write::COMMAND,
    &delete::COMMAND,
    &list::COMMAND,
    &login::COMMAND,
    &server::COMMAND,
    &status::COMMAND,
    &unwrap::COMMAND,
    &audit::DISABLE,
    &audit::ENABLE,
    &audit::LIST,
    &auth::DISABLE,
    &auth::ENABLE,
    &auth::HELP,
    &auth::LIST,
    &auth::MOVE,
    &auth::TUNE,
    &kv::delete::COMMAND,
    &kv::destroy::COMMAND,
    &kv::enable_versioning::COMMAND,
    &kv::get::COMMAND,
    &kv::list::COMMAND,
    &kv::metadata::DELETE,
    &kv::metadata::GET,
    &kv::metadata::PATCH,
    &kv::metadata::PUT,
    &kv::patch::COMMAND,
    &kv::put::COMMAND,
    &kv::rollback::COMMAND,
    &kv::list::SCAN,
    &kv::undelete::COMMAND,
    &lease::LOOKUP,
    &lease::RENEW,
    &lease::REVOKE,
    &operator::INIT,
    &operator::KEY_STATUS,
    &operator::ROTATE,
    &operator::SEAL,
    &operator::STEP_DOWN,
    &operator::UNSEAL,
    &patch::COMMAND,
    &path_help::COMMAND,
    &policy::DELETE,
    &policy::LIST,
    &policy::READ,
    &policy::WRITE,
    &policy_explain::EXPLAIN,
    &policy_explain::TEST,
    &policy_text::FMT,
    &policy_text::LINT,
    &print::TOKEN,
    &list::SCAN,
    &secrets::DISABLE,
    &secrets::ENABLE,
    &secrets::LIST,
    &secrets::MOVE,
    &secrets::TUNE,
    &token::CAPABILITIES,
    &token::CREATE,
    &token::LOOKUP,
    &token::RENEW,
    &token::REVOKE,
    &version::COMMAND,
    &of_2016::audit::DISABLE,
    &of_2016::audit::ENABLE,
    &of_2016::audit::LIST,
    &of_2016::authenticate::COMMAND,
    &of_2016::capabilities::COMMAND,
    &of_2016::leases::RENEW,
    &of_2016::leases::REVOKE,
    &of_2016::mounts::AUTH_DISABLE,
    &of_2016::mounts::AUTH_ENABLE,
    &of_2016::mounts::MOUNT,
    &of_2016::mounts::MOUNTS,
    &of_2016::mounts::MOUNT_TUNE,
    &of_2016::mounts::REMOUNT,
    &of_2016::mounts::UNMOUNT,
    &of_2016::policies::DELETE,
    &of_2016::policies::LIST,
    &of_2016::policies::WRITE,
    &of_2016::seal::INIT,
    &of_2016::seal::KEY_STATUS,
    &of_2016::seal::ROTATE,
    &of_2016::seal::SEAL,
    &of_2016::seal::STEP_DOWN,
    &of_2016::seal::UNSEAL,
    &of_2016::tokens::CREATE,
    &of_2016::tokens::LOOKUP,
    &of_2016::tokens::RENEW,
    &of_2016::tokens::REVOKE,
];

/// A word that is no command by itself, but has sub-commands.
pub(crate) struct Parent {
    /// The words.
    pub(crate) words: &'static str,
    /// One line for lists.
    pub(crate) synopsis: &'static str,
    /// What the sub-commands have in common.
    pub(crate) details: &'static str,
}

/// All words that have sub-commands.
pub(crate) static PARENTS: &[Parent] = &[
    Parent {
        words: "audit",
        synopsis: "Enable, list and disable audit devices.",
        details: "An audit device writes down every request and every answer. While none accepts \
                  an entry, nothing is answered.",
    },
    Parent {
        words: "auth",
        synopsis: "Enable, list, tune and disable auth methods.",
        details: "An auth method turns a proof of who somebody is into a token.",
    },
    Parent {
        words: "kv",
        synopsis: "Keep secrets in the key-value store.",
        details: "Both versions of the key-value engine are served; which one a path belongs to \
                  is asked first.",
    },
    Parent {
        words: "kv metadata",
        synopsis: "Show and change how a secret is kept.",
        details: "Metadata is what the versioned engine knows about a secret besides its content.",
    },
    Parent {
        words: "lease",
        synopsis: "Look at, prolong and end leases.",
        details: "Everything that is handed out for a time has a lease, which can be looked at, \
                  prolonged and ended.",
    },
    Parent {
        words: "operator",
        synopsis: "Initialize, unseal, seal and re-key the server.",
        details: "What is needed to bring a server up, to open and close it, and to change its \
                  keys.",
    },
    Parent {
        words: "policy",
        synopsis: "Write, read, explain and check policies.",
        details: "A policy says which paths a token may use, and how.",
    },
    Parent {
        words: "print",
        synopsis: "Show what this program would use.",
        details: "What this program would use if it were called now.",
    },
    Parent {
        words: "secrets",
        synopsis: "Enable, list, tune and disable secrets engines.",
        details: "A secrets engine keeps, makes or transforms secrets below the path where it is \
                  enabled.",
    },
    Parent {
        words: "token",
        synopsis: "Create, look up, renew and revoke tokens.",
        details: "A token is what every request is made with. It has policies and an end.",
    },
];
