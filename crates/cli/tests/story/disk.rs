//! The disk holds no plaintext.

use std::path::{Path, PathBuf};

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use serde_json::json;

use super::exchange::Line;
use super::harness::{Server, Wire};

const PASSWORD: &str = "canary-password-6f1d8c2b7a";
const SECRET: &str = "canary-secret-93ab5e0c41";
const POLICY: &str = "canary-policy-e58f20a36d";

#[test]
fn the_log_tells_no_secret() {
    let mut server = Server::configured(
        Wire::Plain,
        "storage \"file\" { path = \"{folder}/store\" }\nlog_level = \"trace\"",
    );
    server.initialize();
    server.unseal();
    let token = fill(&server);
    let wrong = json!({"password": SECRET, "unheard-of": POLICY});
    Line::open(&server).write("auth/userpass/login/ann", &wrong).is(400);
    Line::with(&server, SECRET).read("kv/door").is(403);
    server.stop();
    let log = server.log_text();
    assert!(log.contains("initialized"), "{log}");
    for secret in [PASSWORD, SECRET, POLICY, &token, &server.root, &server.shares[0]] {
        assert!(!log.contains(secret), "{secret:?} is in {log}");
    }
}

#[test]
fn the_disk_holds_no_plaintext_of_a_secret() {
    let mut server = Server::ready(Wire::Plain);
    let token = fill(&server);
    let shares = server.shares.iter().map(|share| BASE64.decode(share.as_bytes()).unwrap());
    let mut hidden: Vec<Vec<u8>> = shares.collect();
    for text in [PASSWORD, SECRET, POLICY, &token, &server.root] {
        hidden.push(text.as_bytes().to_vec());
    }
    // While it writes, after it was killed, and after everything is in its place.
    expect_nothing_of(&hidden, &server);
    server.kill();
    expect_nothing_of(&hidden, &server);
    server.launch();
    server.unseal();
    let read = Line::with(&server, &token).read("kv/door");
    assert_eq!(read.is(200).body["data"]["value"], SECRET);
    server.stop();
    expect_nothing_of(&hidden, &server);
}

#[test]
fn the_search_finds_a_secret_however_it_is_written() {
    let secret = SECRET.as_bytes();
    for written in [
        SECRET.to_owned(),
        HEXLOWER.encode(secret),
        HEXUPPER.encode(secret),
        BASE64.encode(secret),
        BASE64.encode(format!("a{SECRET}z").as_bytes()),
        BASE64URL_NOPAD.encode(format!("ab{SECRET}zz").as_bytes()),
        json!({ "value": SECRET }).to_string(),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        std::fs::write(folder.path().join("deep/file"), format!("...{written}...")).unwrap();
        assert_eq!(files_with(secret, folder.path()).len(), 1, "{written}");
    }
}

/// Writes what must not be seen, and logs in.
fn fill(server: &Server) -> String {
    let root = Line::with(server, &server.root);
    root.write("sys/auth/userpass", &json!({"type": "userpass"})).is(204);
    root.write("sys/mounts/kv", &json!({"type": "kv"})).is(204);
    let rules = format!("# {POLICY}\npath \"kv/*\" {{ capabilities = [\"read\", \"list\"] }}");
    root.write("sys/policies/acl/readers", &json!({ "policy": rules })).is(204);
    let user = json!({"password": PASSWORD, "policies": "readers"});
    root.write("auth/userpass/users/ann", &user).is(204);
    root.write("kv/door", &json!({ "value": SECRET })).is(204);
    let login = Line::open(server);
    let login = login.write("auth/userpass/login/ann", &json!({ "password": PASSWORD }));
    login.is(200).body["auth"]["client_token"].as_str().unwrap().to_owned()
}

#[track_caller]
fn expect_nothing_of(hidden: &[Vec<u8>], server: &Server) {
    let size: u64 = files_below(&server.store()).iter().map(|file| file.1.len() as u64).sum();
    assert!(size > 10_000, "the store holds only {size} bytes");
    for secret in hidden {
        let found = files_with(secret, &server.store());
        assert!(found.is_empty(), "{:?} is in {found:?}", String::from_utf8_lossy(secret));
    }
}

/// The files in and below a folder that hold `secret` in some spelling.
fn files_with(secret: &[u8], folder: &Path) -> Vec<PathBuf> {
    let spellings = spellings(secret);
    let mut found = Vec::new();
    for (path, bytes) in files_below(folder) {
        if spellings.iter().any(|spelling| is_within(spelling, &bytes)) {
            found.push(path);
        }
    }
    found
}

/// The bytes themselves, and how they look encoded at any place of a longer text.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut spellings =
        vec![secret.to_vec(), HEXLOWER.encode(secret).into(), HEXUPPER.encode(secret).into()];
    // Base64 takes three bytes at a time; which three depends on what stands before.
    for skipped in 0..3 {
        let whole = &secret[skipped..];
        let whole = &whole[..whole.len() / 3 * 3];
        spellings.push(BASE64_NOPAD.encode(whole).into());
        spellings.push(BASE64URL_NOPAD.encode(whole).into());
    }
    spellings
}

fn files_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            files.push((path, bytes));
        }
    }
    files
}

fn is_within(part: &[u8], whole: &[u8]) -> bool {
    let Some(first) = part.first() else { return true };
    let mut starts = whole.iter().enumerate().filter(|(_, byte)| *byte == first);
    starts.any(|(start, _)| whole[start..].starts_with(part))
}
