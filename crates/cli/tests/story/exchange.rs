//! Speaking HTTP to a server: through the client of the house, and byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;

use client::{Client, Error, Request, Settings, Token, Trust};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::harness::{PATIENCE, Server};

/// A connection to a server, as somebody or nobody.
pub(crate) struct Line {
    client: Client,
    runtime: Runtime,
}

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The body, or null when there was none or it was no JSON.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
}

impl Line {
    /// A line to `server`, by whoever holds `token`.
    pub(crate) fn with(server: &Server, token: &str) -> Line {
        let trust = match server.certificate() {
            Some(file) => Trust::File(file),
            None => Trust::Anyone,
        };
        let token = Some(Token::new(token)).filter(|token| !token.is_empty());
        let settings = Settings {
            address: server.address().to_owned(),
            token,
            trust,
            timeout: PATIENCE,
            ..Settings::default()
        };
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Line { client: Client::new(settings).unwrap(), runtime }
    }

    /// A line by nobody.
    pub(crate) fn open(server: &Server) -> Line {
        Line::with(server, "")
    }

    /// Sends a request that must be answered.
    #[track_caller]
    pub(crate) fn ask(&self, request: Request) -> Answer {
        self.try_ask(request).unwrap()
    }

    /// Sends a request while the server may go away.
    pub(crate) fn try_ask(&self, request: Request) -> Result<Answer, Error> {
        let response = self.runtime.block_on(self.client.exchange(request))?;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        Ok(Answer::new(response.status, text))
    }

    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> Answer {
        self.ask(Request::get(path))
    }

    #[track_caller]
    pub(crate) fn write(&self, path: &str, body: &Value) -> Answer {
        self.ask(Request::post(path).json(body).unwrap())
    }
}

impl Answer {
    fn new(status: u16, text: String) -> Answer {
        Answer { status, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &Answer {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Expects a refusal whose only error has all of these texts in it.
    #[track_caller]
    pub(crate) fn refuses(&self, status: u16, texts: &[&str]) -> &Answer {
        self.is(status);
        let errors = self.body["errors"].as_array().unwrap_or_else(|| panic!("{}", self.text));
        let said: Vec<&str> = errors.iter().map(|error| error.as_str().unwrap()).collect();
        for text in texts {
            assert!(said.concat().contains(text), "{text:?} is not in {said:?}");
        }
        self
    }
}

/// Sends bytes as they are over a connection of their own, and reads until the server hangs up.
#[track_caller]
pub(crate) fn raw(server: &Server, message: &[u8]) -> Answer {
    let socket = server.address().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that has seen enough may hang up before it has everything.
    let _ = stream.write_all(message);
    let mut bytes = Vec::new();
    // And then the end of its answer may be cut off; what came before tells.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("answered {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer::new(status, body.to_owned())
}

/// A request line and what must follow it, for [`raw`].
pub(crate) fn message(verb: &str, target: &str, (token, body): (&str, &str)) -> Vec<u8> {
    let length = body.len();
    format!(
        "{verb} {target} HTTP/1.1\r\nHost: strongroom\r\nConnection: close\r\n\
         X-Vault-Token: {token}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
