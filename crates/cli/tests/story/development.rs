//! Dev mode: ready at once, and nothing is kept.

use super::harness::Development;

#[test]
fn dev_mode_says_how_to_get_in() {
    let server = Development::start(&[]);
    // Its first answer comes after everything it has to say to its operator.
    server.strongroom("status").end().exits(0).mentions(&["inmem", "Threshold       1\n"]);
    let stored = std::fs::read_to_string(server.home.path().join(".vault-token")).unwrap();
    // The token of the server is stored, so that the next command is logged in already.
    let put = server.strongroom("kv put secret/door opens=inward").end();
    put.exits(0).mentions(&["secret/data/door"]);
    server.strongroom("kv get -field=opens secret/door").end().exits(0).mentions(&["inward"]);
    server.strongroom("operator seal").end().exits(0);
    server.strongroom("status").end().exits(2);
    let address = server.address.clone();
    let home = server.home.path().to_owned();
    let unseal = |key: &str| {
        super::call::Call::new("operator unseal", &home)
            .variable("VAULT_ADDR", &address)
            .argument(key)
            .end()
    };
    let key = field(&std::fs::read_to_string(home.join("log-0")).unwrap(), "Unseal Key: ");
    unseal(&key).exits(0).mentions(&["Sealed          false\n"]);
    let said = server.stop();
    assert_eq!(field(&said, "Root Token: "), stored);
    assert!(said.contains(&format!("\n    $ export VAULT_ADDR='{address}'\n")), "{said}");
    assert!(said.contains("WARNING! dev mode is enabled!"), "{said}");
}

#[test]
fn the_root_token_of_dev_mode_may_be_chosen() {
    let server = Development::start(&["-dev-root-token-id=root", "-dev-no-store-token"]);
    assert!(!server.home.path().join(".vault-token").exists());
    let lookup = "read -field=id auth/token/lookup-self";
    server.strongroom(lookup).end().exits(2);
    server.strongroom(lookup).token("root").end().exits(0).mentions(&["root"]);
    // The token it replaces is gone.
    let accessors = server.strongroom("list -format=json auth/token/accessors").token("root").end();
    assert_eq!(accessors.json().as_array().unwrap().len(), 1);
    assert_eq!(field(&server.stop(), "Root Token: "), "root");
}

/// What follows `name` on the line that begins with it.
#[track_caller]
fn field(text: &str, name: &str) -> String {
    let mut lines = text.lines();
    let found = lines.find_map(|line| line.strip_prefix(name));
    found.unwrap_or_else(|| panic!("no {name:?} in {text}")).to_owned()
}
