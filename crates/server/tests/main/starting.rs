//! What a server needs in order to start.

use std::fs;
use std::net::TcpListener;

use server::{Arguments, Development, run};

fn with(text: &str) -> u8 {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.hcl");
    fs::write(&file, text).unwrap();
    run(Arguments { configuration: vec![file], verify_only: true, ..Arguments::default() })
}

#[test]
fn the_configuration_decides_whether_it_starts() {
    let listener = "listener \"tcp\" { tls_disable = true }";
    assert_eq!(with(&format!("storage \"inmem\" {{}} {listener}")), 0);
    assert_eq!(with(&format!("storage \"inmem\" {{}} {listener} log_level = \"loud\"")), 1);
    assert_eq!(with(&format!("storage \"inmem\" {{}} {listener} lock_level = \"info\"")), 1);
    assert_eq!(with(listener), 1);
    assert_eq!(run(Arguments::default()), 1);
    let missing = Arguments { configuration: vec!["missing.hcl".into()], ..Arguments::default() };
    assert_eq!(run(missing), 1);
}

#[test]
fn an_address_in_use_is_no_place_to_listen() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen_address = Some(taken.local_addr().unwrap().to_string());
    let development = Some(Development { listen_address, ..Development::default() });
    assert_eq!(run(Arguments { development, ..Arguments::default() }), 1);
}
