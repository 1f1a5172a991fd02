//! A server that gives the answers it was told to give, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// One answer: to which call, with which status, with which body.
pub(crate) type Answer = (&'static str, u16, &'static str);

/// One run of the binary.
pub(crate) struct Run {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    input: String,
    answers: Vec<Answer>,
    home: tempfile::TempDir,
    name: Option<&'static str>,
}

/// What came of a run.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Verb, target and body of every request, and the token when there was one.
    pub(crate) calls: Vec<String>,
    pub(crate) address: String,
    home: tempfile::TempDir,
}

/// A run with the words of a line, which are separated by white space.
pub(crate) fn run(line: &str) -> Run {
    Run {
        arguments: line.split_whitespace().map(str::to_owned).collect(),
        variables: Vec::new(),
        input: String::new(),
        answers: Vec::new(),
        home: tempfile::tempdir().unwrap(),
        name: None,
    }
}

impl Run {
    pub(crate) fn argument(mut self, word: &str) -> Run {
        self.arguments.push(word.to_owned());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Run {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn input(mut self, text: &str) -> Run {
        self.input = text.to_owned();
        self
    }

    /// A file in the home folder.
    pub(crate) fn file(self, name: &str, content: &str) -> Run {
        std::fs::write(self.home.path().join(name), content).unwrap();
        self
    }

    /// The next answer to a call such as `GET /v1/sys/health`.
    pub(crate) fn answer(mut self, call: &'static str, status: u16, body: &'static str) -> Run {
        self.answers.push((call, status, body));
        self
    }

    /// Calls the binary through a link of this name.
    pub(crate) fn through_a_link(mut self, name: &'static str) -> Run {
        self.name = Some(name);
        self
    }

    fn binary(&self) -> PathBuf {
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_strongroom"));
        let Some(name) = self.name else { return binary };
        let link = self.home.path().join(name);
        std::os::unix::fs::symlink(binary, &link).unwrap();
        link
    }

    pub(crate) fn end(self) -> Ended {
        let mut command = Command::new(self.binary());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers) = (calls.clone(), self.answers);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &answers, &seen);
            }
        });
        command
            .args(&self.arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("VAULT_ADDR", &address)
            .envs(self.variables)
            .current_dir(self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that does not read its input may be gone before all of it is written.
        let _ = child.stdin.take().unwrap().write_all(self.input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let calls = calls.lock().unwrap().clone();
        Ended {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            calls,
            address,
            home: self.home,
        }
    }
}

impl Ended {
    /// The stored token.
    pub(crate) fn stored(&self) -> Option<String> {
        std::fs::read_to_string(self.path(".vault-token")).ok()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Ended {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn prints(&self, expected: &str) -> &Ended {
        assert_eq!(self.stdout, expected, "stderr: {}", self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn complains(&self, expected: &str) -> &Ended {
        assert_eq!(self.stderr, expected.replace("{address}", &self.address));
        self
    }

    #[track_caller]
    pub(crate) fn called(&self, expected: &[&str]) -> &Ended {
        assert_eq!(self.calls, expected, "stderr: {}", self.stderr);
        self
    }
}

fn serve(stream: TcpStream, answers: &[Answer], calls: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(&stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut words = first.split_whitespace();
    let (Some(verb), Some(target)) = (words.next(), words.next()) else { return };
    let call = format!("{verb} {target}");
    let mut length = 0;
    let mut noted = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "x-vault-token" => noted.push_str(&format!(" token={value}")),
            "x-vault-namespace" => noted.push_str(&format!(" namespace={value}")),
            "x-vault-wrap-ttl" => noted.push_str(&format!(" wrap={value}")),
            "x-extra" => noted.push_str(&format!(" extra={value}")),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let asked_before = calls.lock().unwrap().iter().filter(|seen| is(seen, &call)).count();
    let matching: Vec<_> = answers.iter().filter(|(known, _, _)| *known == call).collect();
    let answer = matching.get(asked_before).or(matching.last());
    let (status, text) =
        answer.map_or((404, r#"{"errors":[]}"#), |(_, status, text)| (*status, *text));
    let space = if body.is_empty() { "" } else { " " };
    calls.lock().unwrap().push(format!("{call}{noted}{space}{body}"));
    let length = text.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = (&stream).write_all(format!("{head}{text}").as_bytes());
}

fn is(seen: &str, call: &str) -> bool {
    seen.strip_prefix(call).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}
