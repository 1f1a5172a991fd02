//! `server`: the server itself, in the same binary.

use std::path::PathBuf;

use client::Token;
use server::{Arguments, Development, KeepToken};

use crate::command::{Call, Command, Count, Shelf};
use crate::environment::Environment;
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::{Flag, Group, Kind};
use crate::token_helper;

const CONFIGURATION: Group = Group {
    title: "Command Options",
    flags: &[
        Flag::new(
            Kind::List,
            "config",
            "Configuration file, or a folder of them. May be given several times.",
        ),
        Flag::text("log-level", "How much is logged: trace, debug, info, warn or error.")
            .setting("LOG_LEVEL"),
        Flag::text("log-format", "How it is logged: standard or json.").setting("LOG_FORMAT"),
        Flag::switch("test-verify-only", "Check the configuration, and do nothing.")
            .alias("verify-only"),
    ],
};

const DEVELOPMENT: Group = Group {
    title: "Dev Options",
    flags: &[
        Flag::switch("dev", "Keep everything in memory, and be initialized and unsealed at once."),
        Flag::text("dev-root-token-id", "The text of the root token in dev mode.")
            .setting("DEV_ROOT_TOKEN_ID"),
        Flag::text("dev-listen-address", "Where the server listens in dev mode.")
            .setting("DEV_LISTEN_ADDRESS")
            .default("127.0.0.1:8200"),
        Flag::switch("dev-no-store-token", "Leave the stored token alone in dev mode."),
    ],
};

pub(crate) static COMMAND: Command = Command {
    words: "server",
    shelf: Shelf::Common,
    synopsis: "Start a server.",
    usage: "[options]",
    details: "Starts a server that answers until it is stopped. It begins sealed; see \"operator \
              init\" and \"operator unseal\". In dev mode it keeps nothing, and is ready at \
              once.\n\n    $ {} server -config=/etc/strongroom/config.hcl\n    $ {} server -dev",
    flags: &[CONFIGURATION, DEVELOPMENT],
    arguments: Count::NONE,
    run,
};

fn run(call: &Call) -> Outcome {
    let flags = &call.flags;
    let configuration: Vec<PathBuf> = flags.list("config").iter().map(PathBuf::from).collect();
    let development = flags.switch("dev").then(|| development(call));
    if configuration.is_empty() && development.is_none() {
        return Err(Failure::local("Must specify at least one config path using -config"));
    }
    let code = server::run(Arguments {
        configuration,
        development,
        log_level: flags.text("log-level").map(str::to_owned),
        log_format: flags.text("log-format").map(str::to_owned),
        verify_only: flags.switch("test-verify-only"),
        environment: call.environment.settings(),
    });
    Ok(Exit(code))
}

fn development(call: &Call) -> Development {
    let flags = &call.flags;
    let keep = !flags.switch("dev-no-store-token");
    Development {
        listen_address: flags.text("dev-listen-address").map(str::to_owned),
        root_token_id: flags.text("dev-root-token-id").map(server::Secret::new),
        keep_token: keep.then(|| keep_token(call.environment)),
    }
}

/// Stores the root token as a login would, so that the next command is already authenticated.
fn keep_token(environment: &Environment) -> KeepToken {
    let path = environment.token_file();
    Box::new(move |token| {
        let path = path.ok_or("the token cannot be stored: HOME is not set")?;
        token_helper::store_at(&path, &Token::new(token.reveal()))
    })
}
