//! What only happens at a terminal: being asked for a password that is not shown.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use serde_json::json;

use super::call::Call;
use super::exchange::Line;
use super::harness::{PATIENCE, Server, Wire, until};

const PASSWORD: &str = "typed-by-hand-5b1e";

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let server = Server::ready(Wire::Plain);
    let root = Line::with(&server, &server.root);
    root.write("sys/auth/userpass", &json!({"type": "userpass"})).is(204);
    root.write("auth/userpass/users/ann", &json!({ "password": PASSWORD })).is(204);
    let said = at_a_terminal(&server.strongroom("login -method=userpass username=ann"));
    assert!(said.starts_with("Password (will be hidden): "), "{said}");
    assert!(said.contains("Success! You are now authenticated."), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
    server.strongroom("token lookup").end().exits(0).mentions(&["userpass-ann"]);
    let said = at_a_terminal(&server.strongroom("auth -method=userpass username=ann"));
    assert!(said.starts_with("Password (will be hidden): "), "{said}");
    assert!(said.contains("Successfully authenticated!"), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
}

/// Runs a command at a terminal of its own, and types the password once it is no longer shown.
/// Says everything that could be read there.
fn at_a_terminal(call: &Call) -> String {
    let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&near).unwrap();
    unlockpt(&near).unwrap();
    let name = ptsname(&near, Vec::new()).unwrap().into_string().unwrap();
    let far = File::options().read(true).write(true).open(name).unwrap();
    // Passwords are read from the terminal that controls a process, and only another program can
    // arrange for one without unsafe code.
    let inner = call.command();
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(inner.get_program()).args(inner.get_args());
    command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(inner.get_current_dir().unwrap());
    command.env("PATH", "/usr/bin:/bin").stdin(Stdio::from(far.try_clone().unwrap()));
    command.stdout(Stdio::from(far.try_clone().unwrap())).stderr(Stdio::from(far));
    let mut child = command.spawn().expect("setsid comes with util-linux");
    // The command holds the far side of the terminal; when it ends, reading ends.
    drop(command);
    let mut near = File::from(near);
    let shown = everything_from(near.try_clone().unwrap());
    let visible = |near: &File| tcgetattr(near).unwrap().local_modes.contains(LocalModes::ECHO);
    until("nothing typed is shown", || !visible(&near));
    near.write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    let said = shown.recv_timeout(PATIENCE);
    if said.is_err() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let said = said.unwrap();
    assert!(status.success(), "{status}: {said}");
    said
}

fn everything_from(mut near: File) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A terminal whose far side is gone says so with an error, after everything was read.
        let _ = near.read_to_end(&mut bytes);
        sender.send(String::from_utf8_lossy(&bytes).into_owned())
    });
    receiver
}
