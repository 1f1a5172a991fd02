//! The server that is measured, and what has to be in it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::failure::{Failure, Outcome};
use super::load::{self, Asking, Connection, Enough, Question};
use super::process::{Running, free_address};
use super::rounds::since;

/// How many secrets are read.
pub(super) const KEYS: usize = 1000;
/// How many keys each client that writes takes in turn.
const WRITTEN_KEYS_PER_CLIENT: usize = 1000;
/// How many clients fill the store.
const CLIENTS: usize = 16;

const POLICY: &str = r#"path "one/*" { capabilities = ["create", "read", "update"] }
path "two/data/*" { capabilities = ["create", "read", "update"] }"#;

/// A folder with all that a server needs to start in.
pub(super) struct Place {
    binary: PathBuf,
    folder: PathBuf,
}

/// What is known about a store that was initialised and filled.
pub(super) struct Filled {
    unseal_key: String,
    root: String,
    /// Of a user who may read and write secrets.
    token: String,
}

impl Place {
    pub(super) fn new(binary: &Path, folder: PathBuf) -> Outcome<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { binary: binary.to_owned(), folder })
    }

    /// Starts the server here; says how long it took to answer.
    pub(super) async fn start(&self) -> Outcome<(Running, Duration)> {
        let address = free_address()?;
        let configuration = self.folder.join("server.json");
        fs::write(&configuration, self.configuration(address).to_string())?;
        let mut command = Command::new(&self.binary);
        command.arg("server").arg(format!("-config={}", configuration.display()));
        let mut running = Running::start(&mut command, address, &self.folder)?;
        running.answers(&question(Method::GET, "sys/seal-status")).await?;
        let took = since(running.started);
        Ok((running, took))
    }

    /// Starts the server on what is stored here; says how long it took until somebody could work.
    pub(super) async fn start_unsealed(&self, filled: &Filled) -> Outcome<(Running, Duration)> {
        let (mut running, _) = self.start().await?;
        let mut operator = Operator::to(running.address).await?;
        operator.write("sys/unseal", &json!({ "key": filled.unseal_key })).await?;
        running.answers(&filled.looks_up_its_token()).await?;
        let took = since(running.started);
        Ok((running, took))
    }

    fn configuration(&self, address: SocketAddr) -> Value {
        json!({
            "storage": { "file": { "path": self.folder.join("store") } },
            "listener": { "tcp": { "address": address.to_string(), "tls_disable": true } },
        })
    }
}

/// Initialises and unseals the store of `running`, and puts in what is measured.
pub(super) async fn fill(running: &Running) -> Outcome<Filled> {
    let mut operator = Operator::to(running.address).await?;
    let shares = json!({ "secret_shares": 1, "secret_threshold": 1 });
    let founded = operator.write("sys/init", &shares).await?;
    let unseal_key = text(&founded, "/keys_base64/0")?;
    operator.write("sys/unseal", &json!({ "key": unseal_key })).await?;
    operator.token = text(&founded, "/root_token")?;
    for (mount, version) in [("one", "1"), ("two", "2")] {
        let kv = json!({ "type": "kv", "options": { "version": version } });
        operator.write(&format!("sys/mounts/{mount}"), &kv).await?;
    }
    operator.write("sys/auth/userpass", &json!({ "type": "userpass" })).await?;
    operator.write("sys/policies/acl/bench", &json!({ "policy": POLICY })).await?;
    let user = json!({ "password": "correct horse", "policies": "bench" });
    operator.write("auth/userpass/users/bench", &user).await?;
    let password = json!({ "password": "correct horse" });
    let login = operator.write("auth/userpass/login/bench", &password).await?;
    let root = operator.token.clone();
    let filled = Filled { unseal_key, root, token: text(&login, "/auth/client_token")? };
    for writes in [filled.fills_version_1(), filled.fills_version_2()] {
        let times = Enough::Times(KEYS.div_ceil(CLIENTS));
        load::run(running.address, CLIENTS, times, &writes).await?;
    }
    Ok(filled)
}

/// Makes `count` tokens; gives them out.
pub(super) async fn make_tokens(
    running: &Running,
    filled: &Filled,
    count: usize,
) -> Outcome<Vec<String>> {
    let mut operator = Operator::root(running.address, filled).await?;
    let mut tokens = Vec::with_capacity(count);
    for _ in 0..count {
        let made = operator.write("auth/token/create-orphan", &json!({ "ttl": "1h" })).await?;
        tokens.push(text(&made, "/auth/client_token")?);
    }
    Ok(tokens)
}

/// Every client renews a token of its own, so that nobody waits for anybody.
pub(super) fn renews(tokens: Vec<String>) -> Asking {
    Arc::new(move |client, _| Question {
        token: tokens.get(client).cloned().unwrap_or_default(),
        ..question(Method::POST, "auth/token/renew-self")
    })
}

impl Filled {
    /// The token that may do everything.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// Everybody makes tokens that nobody keeps.
    pub(super) fn makes_tokens(&self) -> Asking {
        let (token, body) = (self.root.clone(), Bytes::from_static(br#"{"ttl":"24h"}"#));
        Arc::new(move |_, _| Question {
            token: token.clone(),
            body: body.clone(),
            ..question(Method::POST, "auth/token/create-orphan")
        })
    }

    pub(super) fn logs_in(&self) -> Asking {
        let body = Bytes::from_static(br#"{"password":"correct horse"}"#);
        Arc::new(move |_, _| Question {
            body: body.clone(),
            ..question(Method::POST, "auth/userpass/login/bench")
        })
    }

    pub(super) fn looks_up(&self) -> Asking {
        let question = self.looks_up_its_token();
        Arc::new(move |_, _| question.clone())
    }

    pub(super) fn reads_version_1(&self) -> Asking {
        self.reads("one")
    }

    pub(super) fn reads_version_2(&self) -> Asking {
        self.reads("two/data")
    }

    /// Every client writes to keys of its own, so that nobody waits for anybody.
    pub(super) fn writes(&self) -> Asking {
        self.asks(Method::POST, |client, number| {
            (format!("one/{}", written_key(client, number)), r#"{"value":"written"}"#)
        })
    }

    fn reads(&self, mount: &'static str) -> Asking {
        // A prime, so that clients do not follow each other.
        self.asks(Method::GET, move |client, number| {
            (format!("{mount}/key-{:04}", (client * 7919 + number) % KEYS), "")
        })
    }

    fn fills_version_1(&self) -> Asking {
        self.asks(Method::POST, |client, number| {
            (format!("one/{}", read_key(client, number)), r#"{"value":"nothing"}"#)
        })
    }

    fn fills_version_2(&self) -> Asking {
        self.asks(Method::POST, |client, number| {
            (format!("two/data/{}", read_key(client, number)), r#"{"data":{"value":"nothing"}}"#)
        })
    }

    fn looks_up_its_token(&self) -> Question {
        let token = self.token.clone();
        Question { token, ..question(Method::GET, "auth/token/lookup-self") }
    }

    fn asks(
        &self,
        method: Method,
        what: impl Fn(usize, usize) -> (String, &'static str) + Send + Sync + 'static,
    ) -> Asking {
        asks(&self.token, method, what)
    }

    /// Whoever may do everything asks.
    pub(super) fn asks_as_root(
        &self,
        method: Method,
        what: impl Fn(usize, usize) -> (String, &'static str) + Send + Sync + 'static,
    ) -> Asking {
        asks(&self.root, method, what)
    }
}

fn asks(
    token: &str,
    method: Method,
    what: impl Fn(usize, usize) -> (String, &'static str) + Send + Sync + 'static,
) -> Asking {
    let token = token.to_owned();
    Arc::new(move |client, number| {
        let (path, body) = what(client, number);
        let body = Bytes::from_static(body.as_bytes());
        Question { method: method.clone(), path, token: token.clone(), body }
    })
}

/// The clients that fill share the keys among them.
fn read_key(client: usize, number: usize) -> String {
    format!("key-{:04}", (number * CLIENTS + client) % KEYS)
}

/// Where a client writes.
pub(super) fn written_key(client: usize, number: usize) -> String {
    format!("client-{client}/{:04}", number % WRITTEN_KEYS_PER_CLIENT)
}

/// Somebody who prepares the server, one request after the other.
pub(super) struct Operator {
    connection: Connection,
    token: String,
}

impl Operator {
    /// Somebody with this token.
    pub(super) async fn holding(address: SocketAddr, token: &str) -> Outcome<Self> {
        Ok(Self { connection: Connection::open(address).await?, token: token.to_owned() })
    }

    /// Makes a token that lives for a day.
    pub(super) async fn token(&mut self, path: &str) -> Outcome<String> {
        text(&self.write(path, &json!({ "ttl": "24h" })).await?, "/auth/client_token")
    }

    async fn to(address: SocketAddr) -> Outcome<Self> {
        Ok(Self { connection: Connection::open(address).await?, token: String::new() })
    }

    /// Somebody who may do everything.
    pub(super) async fn root(address: SocketAddr, filled: &Filled) -> Outcome<Self> {
        let token = filled.root.clone();
        Ok(Self { connection: Connection::open(address).await?, token })
    }

    pub(super) async fn write(&mut self, path: &str, body: &Value) -> Outcome<Value> {
        let (token, body) = (self.token.clone(), body.to_string().into());
        let question = Question { token, body, ..question(Method::POST, path) };
        let answer = self.connection.ask(&question).await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&answer)?)
    }
}

/// A question of nobody in particular, without a body.
pub(super) fn question(method: Method, path: &str) -> Question {
    Question { method, path: path.to_owned(), token: String::new(), body: Bytes::new() }
}

fn text(answer: &Value, place: &str) -> Outcome<String> {
    let found = answer.pointer(place).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Failure::new(format!("there is no {place} in the answer")))
}
