//! `auth`, as it logged in before there was `login`, and listed before there was `auth list`.

use client::Secret;

use crate::command::{Call, Command, Count, HTTP, Shelf, own};
use crate::commands::mounts::{self, AUTH_METHODS};
use crate::commands::{auth, login};
use crate::failure::{Exit, Failure, Outcome};
use crate::flags::Flag;
use crate::prompt;

pub(crate) static COMMAND: Command = Command {
    words: "auth",
    shelf: Shelf::Of2016,
    synopsis: "Log in with a token or by an auth method; list the methods.",
    usage: "[options] [TOKEN | K=V...]",
    details: "Logs in with a token, or by an auth method, and stores the token that comes of it. \
              Without TOKEN it is asked for; - stands for the standard input. Today this is \
              called \"login\", and \"auth\" has sub-commands.\n\n    $ {} auth \
              0e9ae6c9-6ac1-4d8a\n    $ {} auth -method=userpass username=ann\n    \
              $ {} auth -methods",
    flags: &[HTTP, own(FLAGS)],
    arguments: Count::at_least(0, "at least 0"),
    run,
};

const FLAGS: &[Flag] = &[
    Flag::text("method", "The kind of auth method to log in with.").default("token"),
    Flag::text("path", "Where the method is enabled, when that is not its own name."),
    Flag::switch("methods", "List the auth methods that are enabled."),
    Flag::switch("method-help", "Show how to log in by the method named by -method."),
    Flag::switch("no-verify", "Store the token without trying it."),
];

fn run(call: &Call) -> Outcome {
    if call.flags.switch("methods") {
        return list(call);
    }
    if call.flags.switch("method-help") {
        return help(call);
    }
    if login::is_overruled(call) {
        call.output.say(
            "==> WARNING: VAULT_TOKEN environment variable set!\n\n  The environment variable \
             takes precedence over the token of this login.\n  Unset it to use the new token.\n",
        );
    }
    log_in(call)
}

fn log_in(call: &Call) -> Outcome {
    if call.flags.switch("no-verify") {
        login::keep(call, &login::unverified(call, prompt::hidden_of_2016)?)?;
        call.output.say("Authenticated - no token verification has been performed.");
        return Ok(Exit::SUCCESS);
    }
    let by_method =
        call.flags.text("method").is_some_and(|name| !name.is_empty() && name != "token");
    let secret = login::authenticate(call, prompt::hidden_of_2016, login::Wrapped::Fetch)
        .map_err(|failure| if by_method { failure } else { reworded(failure) })
        .map_err(Failure::into_local)?;
    login::keep(call, &secret)?;
    call.output.say(&announcement(&secret, by_method));
    Ok(Exit::SUCCESS)
}

fn reworded(failure: Failure) -> Failure {
    let reword = |text: String| text.replacen("Error authenticating", "Error validating token", 1);
    match failure {
        Failure::Local(text) => Failure::Local(reword(text)),
        Failure::Remote(text) => Failure::Remote(reword(text)),
        other => other,
    }
}

fn announcement(secret: &Secret, by_method: bool) -> String {
    let mut lines = vec!["Successfully authenticated! You are now logged in.".to_owned()];
    if by_method {
        lines.push("The token below is already saved in the session. You do not".to_owned());
        lines.push("need to \"vault auth\" again with the token: the commands".to_owned());
        lines.push("that follow use it by themselves.".to_owned());
    }
    if let Some(auth) = &secret.auth {
        let policies = auth.policies.as_deref().unwrap_or_default();
        lines.push(format!("token: {}", auth.client_token.expose()));
        lines.push(format!("token_duration: {}", auth.lease_duration));
        if !policies.is_empty() {
            lines.push(format!("token_policies: [{}]", policies.join(" ")));
        }
    }
    lines.join("\n")
}

fn list(call: &Call) -> Outcome {
    let found = mounts::list(call, &AUTH_METHODS, "Error reading auth table")?;
    call.output.say(&super::mounts::table(&mounts::records(found.as_ref())));
    Ok(Exit::SUCCESS)
}

fn help(call: &Call) -> Outcome {
    let kind = call.flags.text("method").unwrap_or("token");
    let text = auth::how_to_log_in(kind)
        .ok_or_else(|| Failure::local(format!("Unknown authentication method: {kind}")))?;
    call.output.say(text);
    Ok(Exit::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::{Auth, Token};

    #[test]
    fn a_login_of_2016_shows_the_token_as_it_did() {
        let auth = Auth {
            client_token: Token::new("s.x"),
            lease_duration: 60,
            policies: Some(vec!["default".to_owned(), "root".to_owned()]),
            ..Auth::default()
        };
        let secret = Secret { auth: Some(auth), ..Secret::default() };
        assert_eq!(
            announcement(&secret, false),
            "Successfully authenticated! You are now logged in.\ntoken: s.x\ntoken_duration: 60\n\
             token_policies: [default root]"
        );
        assert_eq!(announcement(&secret, true).lines().count(), 7);
    }
}
