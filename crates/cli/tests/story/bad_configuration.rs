//! A configuration that cannot be used: the server says why and where, and starts nothing.

use std::path::Path;

use tempfile::TempDir;

use super::call::{Call, Said};

/// Starts a server on a file with this content, which is called `server.hcl` unless it is JSON.
fn start(content: &str) -> (Said, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let name = if content.starts_with('{') { "server.json" } else { "server.hcl" };
    std::fs::write(folder.path().join(name), content).unwrap();
    (start_in(folder.path(), name), folder)
}

fn start_in(folder: &Path, configuration: &str) -> Said {
    Call::new("server", folder).argument(&format!("-config={configuration}")).end()
}

/// Expects these words of complaint, and that the folder holds nothing but the file.
#[track_caller]
fn check(content: &str, complaint: &str) {
    let (said, folder) = start(content);
    said.exits(1).prints("");
    assert_eq!(said.stderr.trim_end(), complaint);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was written");
}

#[test]
fn a_mistake_in_a_configuration_is_named_with_its_place() {
    check(
        "storage \"file\" {\n  path = \"store\"\n",
        "expected a key, found the end of the text at server.hcl:3:1",
    );
    check("storage \"file\" {\n  path = \n}", "expected a value, found '}' at server.hcl:3:1");
    check(
        "storage \"file\" {\n  path = \"store\"\n  colour = 1\n}",
        "unknown or unsupported field colour found in configuration at server.hcl:3:3",
    );
    check(
        "storage \"file\" { path = \"store\" }\nlistener \"tcp\" {\n  adress = \"x\"\n}",
        "unknown or unsupported field adress found in configuration at server.hcl:3:3",
    );
    check(
        "storrage \"inmem\" {}",
        "unknown or unsupported field storrage found in configuration at server.hcl:1:1",
    );
    check(
        r#"{"storage": {"inmem": {}}, "colour": 1}"#,
        "unknown or unsupported field colour found in configuration at server.json:1:28",
    );
    check(
        "storage \"inmem\" {}\nbackend \"inmem\" {}",
        "storage is specified a second time at server.hcl:1:1",
    );
    check(
        "storage \"inmem\" {}\nlistener \"tcp\" { tls_disable = 1 }\nmax_lease_ttl = \"soon\"",
        "max_lease_ttl: time: invalid duration \"soon\"; try \"1h30m\" at server.hcl:3:17",
    );
    let (said, _) = start(r#"{"storage": {"inmem": {}}, }"#);
    said.exits(1).complains(&["this is not JSON", "at server.json:1:28"]);
    let (said, _) = start("storage \"tape\" {}");
    said.exits(1).complains(&["Unknown storage type tape at server.hcl:1:1", "file, inmem"]);
}

#[test]
fn what_is_missing_is_named() {
    check(
        "listener \"tcp\" {\n  tls_disable = true\n}",
        "A storage backend must be specified; add storage \"file\" { path = \"...\" }",
    );
    check("", "A storage backend must be specified; add storage \"file\" { path = \"...\" }");
    check(
        "storage \"file\" { path = \"store\" }",
        "A listener must be specified; add listener \"tcp\" { ... }",
    );
    check(
        "storage \"file\" { path = \"store\" }\nlistener \"tcp\" {}",
        "Error initializing listener of type tcp: 'tls_cert_file' must be set, or tls_disable = \
         true, in the listener at server.hcl:2:1",
    );
    let (said, _) = start("storage \"file\" {}\nlistener \"tcp\" { tls_disable = true }");
    said.exits(1).complains(&["'path' must be set to the folder that holds the data"]);
}

#[test]
fn a_configuration_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    start_in(path, "missing.hcl").exits(1).complains(&["cannot read", "missing.hcl", "No such"]);
    std::fs::create_dir(path.join("empty")).unwrap();
    std::fs::write(path.join("empty/notes.txt"), "storage \"inmem\" {}").unwrap();
    start_in(path, "empty").exits(1).complains(&["No configuration files found"]);
    std::fs::write(path.join("binary.hcl"), b"\xff\xfe\x00").unwrap();
    start_in(path, "binary.hcl").exits(1).complains(&["cannot read", "binary.hcl", "UTF-8"]);
    let said = Call::new("server", path).end();
    said.exits(1).complains(&["Must specify at least one config path using -config"]);
}
