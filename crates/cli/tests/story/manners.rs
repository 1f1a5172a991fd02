//! Other names, other stores, other formats: the same program.

use std::os::unix::fs::PermissionsExt;

use super::harness::{Server, Wire};

#[test]
fn a_link_named_vault_is_the_same_program() {
    let server = Server::ready(Wire::Plain);
    let said = server.strongroom("status").through_a_link("vault").end();
    said.exits(0).mentions(&["Sealed          false\n"]);
}

#[test]
fn the_old_word_for_storage_works() {
    let mut server =
        Server::configured(Wire::Plain, "backend \"file\" { path = \"{folder}/store\" }");
    server.initialize();
    server.unseal();
    server.stop();
    assert!(server.store().join("strongroom.db").exists());
    server.launch();
    server.unseal();
}

#[test]
fn a_server_in_memory_forgets() {
    let mut server = Server::configured(Wire::Plain, "storage \"inmem\" {}");
    server.initialize();
    server.unseal();
    server.stop();
    server.launch();
    let said = server.strongroom("operator init -status").end();
    said.exits(2).prints("Vault is not initialized\n");
}

#[test]
fn a_configuration_may_be_json() {
    let configuration = r#"{
        "storage": {"file": {"path": "{folder}/store"}},
        "listener": [{"tcp": {"address": "{socket}", "tls_disable": 1}}],
        "default_lease_ttl": "1h",
        "max_lease_ttl": "3h"
    }"#;
    let mut server = Server::configured(Wire::Plain, configuration);
    server.initialize();
    server.unseal();
    let made = server.as_root("token create -format=json -policy=default").end().json();
    assert_eq!(made["auth"]["lease_duration"], 3600);
    server.stop();
    server.launch();
    server.unseal();
}

#[test]
fn the_exit_code_of_status_says_whether_it_is_sealed() {
    let mut server = Server::fresh(Wire::Plain);
    server.strongroom("status").end().exits(2).mentions(&["Initialized        false\n"]);
    server.initialize();
    server.strongroom("status").end().exits(2).mentions(&["Sealed             true\n"]);
    let half = server.strongroom("operator unseal").argument(&server.shares[2]).end();
    half.exits(0).mentions(&["Unseal Progress    1/2\n"]);
    server.unseal();
    server.strongroom("status").end().exits(0).mentions(&["Sealed          false\n"]);
    server.as_root("operator seal").end().exits(0).prints("Success! Vault is sealed.\n");
    server.strongroom("status").end().exits(2);
    // Nobody listens on a port that only the system may take.
    let said = server.strongroom("status").variable("VAULT_ADDR", "http://127.0.0.1:1").end();
    said.exits(1).complains(&["connection refused"]);
}

#[test]
fn the_words_of_2016_open_and_close_a_server() {
    let server = Server::fresh(Wire::Plain);
    server.strongroom("init -check").end().exits(2).prints("Vault is not initialized\n");
    let said = server.strongroom("init -key-shares=3 -key-threshold=2").end();
    let lines = said.exits(0).stdout.lines().take(4);
    let fields: Vec<&str> = lines.map(|line| line.split_once(": ").unwrap().1).collect();
    let [first, second, _, root] = fields[..] else { panic!("{}", said.stdout) };
    let said = server.strongroom("unseal").argument(second).end();
    said.exits(0).prints("Sealed: true\nKey Shares: 3\nKey Threshold: 2\nUnseal Progress: 1\n");
    let said = server.strongroom("unseal").argument(first).end();
    said.exits(0).prints("Sealed: false\nKey Shares: 3\nKey Threshold: 2\nUnseal Progress: 0\n");
    let said = server.strongroom("unseal").argument(first).end();
    said.exits(0).prints("Vault is already unsealed.\n");
    server.strongroom("auth").argument(root).end().exits(0);
    server.strongroom("mounts").end().exits(0).mentions(&["\nsys/ ", "\ncubbyhole/ "]);
    server.strongroom("policies").end().exits(0).prints("default\nroot\n");
    server.strongroom("seal").end().exits(0).prints("Vault is now sealed.\n");
    server.strongroom("mounts").end().exits(2).complains(&["Vault is sealed"]);
}

#[test]
fn an_answer_comes_in_the_format_that_was_asked_for() {
    let server = Server::ready(Wire::Plain);
    server.as_root("secrets enable kv").end().exits(0);
    server.as_root("write kv/lamp colour=green").end().exits(0);
    let said = server.as_root("read kv/lamp").variable("VAULT_FORMAT", "json").end();
    assert_eq!(said.json()["data"]["colour"], "green");
    let said = server.as_root("read -format=json kv/lamp").end();
    assert_eq!(said.json()["data"]["colour"], "green");
    let said = server.as_root("read -format=yaml kv/lamp").end();
    said.exits(0).mentions(&["data:\n  colour: green\n"]);
    server.as_root("read -field=colour kv/lamp").end().exits(0).prints("green");
    let said = server.as_root("read -field=size kv/lamp").end();
    said.exits(1).complains(&["Field \"size\" not present in secret"]);
    let said = server.strongroom("status -format=json").end();
    assert_eq!(said.json()["sealed"], false);
}

#[test]
fn the_stored_token_is_for_its_owner_alone() {
    let server = Server::ready(Wire::Plain);
    server.strongroom("login").argument(&server.root).end().exits(0);
    let about = std::fs::metadata(server.home().join(".vault-token")).unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    server.strongroom("token lookup").end().exits(0);
}

#[test]
fn a_server_nobody_vouches_for_is_not_believed() {
    let server = Server::ready(Wire::Tls);
    let bare = || super::call::Call::new("status", &server.home());
    let address = server.address();
    let said = bare().variable("VAULT_ADDR", address).end();
    said.exits(1).complains(&["tls: failed to verify"]);
    bare().variable("VAULT_ADDR", address).variable("VAULT_SKIP_VERIFY", "true").end().exits(0);
    let plain = address.replace("https:", "http:");
    bare().variable("VAULT_ADDR", &plain).end().exits(1);
}
