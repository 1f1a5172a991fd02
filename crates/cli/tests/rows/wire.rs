//! Speaking HTTP byte by byte, over one connection for many requests.
//!
//! Clients tidy paths and bodies before they send them; an attacker does not. Whatever is answered
//! here, to whatever was sent, must carry the headers that keep secrets in place.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::story::harness::PATIENCE;

/// What every answer carries, good or bad (row 54).
const KEEPING: &[&str] = &[
    "cache-control: no-store",
    "x-content-type-options: nosniff",
    "content-security-policy: default-src 'none'",
    "strict-transport-security: ",
];

/// Whether this is a mistake of the client's that clients know as one of the server's.
pub(super) fn is_known_fault(answer: &Answer) -> bool {
    answer.status == 500 && answer.text.contains("no token found")
}

/// Somebody with a token, or with an empty one, at one server.
pub(super) struct Wire {
    socket: String,
    token: String,
    stream: Option<BufReader<TcpStream>>,
}

/// What somebody sends.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) verb: String,
    /// All that follows `/v1/`, exactly so.
    pub(super) target: String,
    /// More headers, each with its line end.
    pub(super) headers: String,
    pub(super) body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Headers in lower case.
    pub(super) head: String,
    pub(super) text: String,
}

impl Message {
    pub(super) fn new(verb: &str, target: &str) -> Message {
        Message {
            verb: verb.to_owned(),
            target: target.to_owned(),
            headers: String::new(),
            body: vec![],
        }
    }

    #[must_use]
    pub(super) fn header(mut self, line: &str) -> Message {
        self.headers.push_str(line);
        self.headers.push_str("\r\n");
        self
    }

    #[must_use]
    pub(super) fn body(self, body: impl Into<Vec<u8>>) -> Message {
        Message { body: body.into(), ..self }
    }

    /// The same with the notation that patches must be in.
    #[must_use]
    pub(super) fn in_its_notation(self) -> Message {
        match self.verb.as_str() {
            "PATCH" => self.header("Content-Type: application/merge-patch+json"),
            _ => self,
        }
    }
}

impl Wire {
    pub(super) fn to(address: &str, token: &str) -> Wire {
        let socket = address.strip_prefix("http://").unwrap().to_owned();
        Wire { socket, token: token.to_owned(), stream: None }
    }

    #[track_caller]
    pub(super) fn ask(&mut self, verb: &str, target: &str) -> Answer {
        self.say(&Message::new(verb, target))
    }

    #[track_caller]
    pub(super) fn write(&mut self, target: &str, body: &Value) -> Answer {
        self.say(&Message::new("POST", target).body(body.to_string()))
    }

    /// Says it, and reads the answer.
    #[track_caller]
    pub(super) fn say(&mut self, message: &Message) -> Answer {
        let Message { verb, target, .. } = message;
        let answer = self.try_say(message);
        let answer = answer.unwrap_or_else(|| panic!("no answer to {verb} {target:.200}"));
        for line in KEEPING {
            assert!(answer.head.contains(line), "{verb} {target:.200}: {}", answer.head);
        }
        assert!(answer.is_json(), "{verb} {target:.200}: {}", answer.head);
        answer
    }

    /// The same, where the server may hang up instead.
    pub(super) fn try_say(&mut self, message: &Message) -> Option<Answer> {
        let Message { verb, target, headers, body } = message;
        let token = match self.token.as_str() {
            "" => String::new(),
            token => format!("X-Vault-Token: {token}\r\n"),
        };
        let length = match headers.contains("Content-Length") {
            true => String::new(),
            false => format!("Content-Length: {}\r\n", body.len()),
        };
        let head = format!(
            "{verb} /v1/{target} HTTP/1.1\r\nHost: strongroom\r\n{token}{length}{headers}\r\n"
        );
        // An answer to HEAD is as long as it says, and empty.
        let has_body = verb != "HEAD";
        let answer = self.exchange(&[head.as_bytes(), body].concat(), has_body);
        // Where more was promised than sent, the next request would be taken for the rest.
        self.stream.take_if(|_| length.is_empty());
        answer
    }

    /// The server may have closed what was left open, so a second connection is tried.
    fn exchange(&mut self, bytes: &[u8], has_body: bool) -> Option<Answer> {
        if let Some(stream) = self.stream.take()
            && let Some(answer) = self.over(stream, (bytes, has_body))
        {
            return Some(answer);
        }
        let stream = TcpStream::connect(&self.socket).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        self.over(BufReader::new(stream), (bytes, has_body))
    }

    fn over(
        &mut self,
        mut stream: BufReader<TcpStream>,
        (bytes, has_body): (&[u8], bool),
    ) -> Option<Answer> {
        // A server that has seen enough may hang up before it has everything.
        let _ = stream.get_mut().write_all(bytes);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let head = head.to_lowercase();
        let length = head.split_once("content-length: ").map_or("0", |(_, rest)| rest);
        let length = length.lines().next()?.trim().parse().ok()?;
        let mut body = vec![0; if has_body { length } else { 0 }];
        stream.read_exact(&mut body).ok()?;
        if !head.contains("connection: close") {
            self.stream = Some(stream);
        }
        Some(Answer { status, head, text: String::from_utf8(body).unwrap() })
    }
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(super) fn is_refusal(&self) -> bool {
        (400..500).contains(&self.status)
    }

    #[track_caller]
    pub(super) fn succeeds(&self) -> &Answer {
        assert!((200..300).contains(&self.status), "{self:?}");
        self
    }

    fn is_json(&self) -> bool {
        self.text.is_empty() || self.head.contains("content-type: application/json")
    }
}
