//! One command of the command line against a server, and what came of it.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::harness::{BINARY, PATIENCE};

/// A command that has not run yet. Nothing of this machine's environment reaches it.
pub(crate) struct Call {
    program: PathBuf,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    input: String,
    home: PathBuf,
}

/// What came of a command.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Call {
    /// A command with the words of a line, which are separated by white space.
    pub(crate) fn new(line: &str, home: &Path) -> Call {
        Call {
            program: PathBuf::from(BINARY),
            arguments: line.split_whitespace().map(str::to_owned).collect(),
            variables: Vec::new(),
            input: String::new(),
            home: home.to_owned(),
        }
    }

    pub(crate) fn argument(mut self, word: &str) -> Call {
        self.arguments.push(word.to_owned());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Call {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn token(self, token: &str) -> Call {
        self.variable("VAULT_TOKEN", token)
    }

    pub(crate) fn input(mut self, text: &str) -> Call {
        self.input = text.to_owned();
        self
    }

    /// Calls the program through a link of this name.
    pub(crate) fn through_a_link(mut self, name: &str) -> Call {
        let link = self.home.join(name);
        symlink(BINARY, &link).unwrap();
        self.program = link;
        self
    }

    /// The process, for whoever wants to run it in a way of their own.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().env("HOME", &self.home);
        command.envs(self.variables.iter().cloned()).current_dir(&self.home);
        command
    }

    /// Runs it to its end, which must come.
    #[track_caller]
    pub(crate) fn end(self) -> Said {
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that does not read its input may be gone before all of it is written.
        let _ = child.stdin.take().unwrap().write_all(self.input.as_bytes());
        let process = Pid::from_child(&child);
        let (sender, receiver) = channel();
        std::thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
        let Ok(output) = receiver.recv_timeout(PATIENCE) else {
            kill_process(process, Signal::KILL).unwrap();
            panic!("{:?} does not end", self.arguments);
        };
        Said {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Said {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn prints(&self, expected: &str) -> &Said {
        assert_eq!(self.stdout, expected, "stderr: {}", self.stderr);
        self
    }

    /// Expects all of these in what was printed.
    #[track_caller]
    pub(crate) fn mentions(&self, expected: &[&str]) -> &Said {
        for text in expected {
            assert!(self.stdout.contains(text), "{text:?} is not in {}", self.stdout);
        }
        self
    }

    /// Expects all of these in what was complained about.
    #[track_caller]
    pub(crate) fn complains(&self, expected: &[&str]) -> &Said {
        for text in expected {
            assert!(self.stderr.contains(text), "{text:?} is not in {}", self.stderr);
        }
        self
    }

    /// What was printed, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.exits(0).stdout).unwrap()
    }
}
