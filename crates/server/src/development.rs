//! Dev mode: a server that keeps nothing and is ready at once.

use std::sync::Arc;

use api::{CanonicalPath, Entropy, Operation, Request, Secret};
use data_encoding::{BASE64, HEXLOWER};
use kernel::Kernel;
use serde_json::{Map, Value, json};

use crate::assemble::StartError;
use crate::{Development, complain};

/// What somebody needs who wants to use a server in dev mode.
pub(crate) struct Ready {
    unseal_key: Secret,
    root_token: Secret,
}

/// Initialises and unseals `kernel`, and mounts what a beginner expects.
pub(crate) async fn prepare(
    kernel: &Arc<Kernel>,
    entropy: &dyn Entropy,
    development: &Development,
) -> Result<Ready, StartError> {
    let made = kernel.initialize(1, 1).await.map_err(|error| told("sys/init", &error))?;
    let share = made.shares.first().ok_or_else(|| StartError::new("there is no unseal key"))?;
    let key = Secret::new(HEXLOWER.encode(share.as_bytes()));
    let unseal_key = Secret::new(BASE64.encode(share.as_bytes()));
    let mut hand = Hand { kernel, entropy, token: None };
    hand.write("sys/unseal", json!({ "key": key.reveal() })).await?;
    hand.token = Some(made.root_token.clone());
    let secret = json!({
        "type": "kv",
        "description": "key/value secret storage",
        "options": { "version": "2" },
    });
    hand.write("sys/mounts/secret", secret).await?;
    let root_token = match &development.root_token_id {
        Some(id) => {
            let token = json!({ "id": id.reveal(), "policies": ["root"], "no_parent": true });
            hand.write("auth/token/create", token).await?;
            hand.write("auth/token/revoke-self", json!({})).await?;
            id.clone()
        }
        None => made.root_token,
    };
    Ok(Ready { unseal_key, root_token })
}

/// Somebody inside the process who asks as anyone outside would.
struct Hand<'a> {
    kernel: &'a Arc<Kernel>,
    entropy: &'a dyn Entropy,
    token: Option<Secret>,
}

impl Hand<'_> {
    async fn write(&self, path: &str, body: Value) -> Result<(), StartError> {
        let parameters = match body {
            Value::Object(parameters) => parameters,
            _ => Map::new(),
        };
        let request = Request {
            id: api::unique(self.entropy),
            operation: Operation::Update,
            path: CanonicalPath::parse(path).map_err(|error| told(path, &error))?,
            query: Map::new(),
            body: Some(Box::new(parameters)),
            token: self.token.clone(),
            wrap_ttl: None,
            remote: None,
        };
        let answer = self.kernel.serve(request).await;
        answer.outcome.map(|_| ()).map_err(|error| told(path, &error))
    }
}

fn told(path: &str, error: &api::Error) -> StartError {
    StartError::new(format!("dev mode could not be set up: {path} answered {error:?}"))
}

impl Ready {
    /// Tells the person at the terminal, and the command line's next call, how to get in.
    pub(crate) fn tell(&self, address: &str, development: &mut Development) {
        complain(&self.text(address));
        if let Some(keep) = development.keep_token.take()
            && let Err(problem) = keep(&self.root_token)
        {
            tracing::warn!(problem, "the root token was not kept for the command line");
        }
    }

    fn text(&self, address: &str) -> String {
        let (unseal_key, root_token) = (self.unseal_key.reveal(), self.root_token.reveal());
        format!(
            "
WARNING! dev mode is enabled! In this mode everything is kept in memory and lost
when the server stops. The server is unsealed with a single key, and the command
line is logged in with the root token already.

You may need to set the following environment variables:

    $ export VAULT_ADDR='{address}'

The unseal key and the root token stand below, in case you want to seal and
unseal the server or log in again.

Unseal Key: {unseal_key}
Root Token: {root_token}

Development mode should NOT be used in production installations!
"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_find_key_token_and_address() {
        let ready = Ready { unseal_key: Secret::new("KEY="), root_token: Secret::new("root") };
        let text = ready.text("http://127.0.0.1:8200");
        for line in [
            "Unseal Key: KEY=",
            "Root Token: root",
            "    $ export VAULT_ADDR='http://127.0.0.1:8200'",
            "Development mode should NOT be used in production installations!",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}");
        }
        assert!(text.starts_with("\nWARNING! dev mode is enabled!"));
    }
}
