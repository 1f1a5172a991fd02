//! What happens when the command line, the environment or the connection is wrong.

use crate::stub::run;

#[track_caller]
fn check(line: &str, code: i32, stderr: &str) {
    let ended = run(line).end();
    ended.exits(code).complains(stderr).prints("").called(&[]);
}

#[test]
fn every_mistake_on_the_line_is_named_before_anything_is_sent() {
    check("read", 1, "Not enough arguments (expected at least 1, got 0)\n");
    check("status foo", 1, "Too many arguments (expected 0, got 1)\n");
    check("read -nope a", 1, "flag provided but not defined: -nope\n");
    check("read -format=bogus a", 1, "Invalid output format: bogus\n");
    check("status -format bogus", 1, "Invalid output format: bogus\n");
    check("write secret/x", 1, "Must supply data or use -force\n");
    check(
        "write secret/x foo",
        1,
        "Failed to parse K=V data: invalid key/value pair \"foo\": format must be key=value\n",
    );
    check("token revoke", 1, "Not enough arguments (expected 1 or -self)\n");
    check("token revoke -self x", 1, "Too many arguments with -self (expected 0, got 1)\n");
    check("token revoke -mode=banana x", 1, "Invalid mode: banana\n");
    check("token revoke -self -accessor", 1, "Cannot use -self with -accessor!\n");
    check("token revoke -accessor -mode=path x", 1, "Cannot use -accessor with -mode=path!\n");
    check("lease revoke -force x", 1, "Specifying -force requires also specifying -prefix\n");
    check("kv list", 1, "Not enough arguments (expected 1, got 0)\n");
    check("kv put secret/a", 1, "Must supply data\n");
    check("kv rollback a", 1, "Version flag must be specified\n");
    check("kv rollback -version=0 a", 1, "Invalid value 0 for the version flag\n");
    check("login -no-store -no-print t", 1, "-no-store and -no-print cannot be used together\n");
    check(
        "audit enable",
        1,
        "Error enabling audit device: audit type missing. Valid types include 'file', 'socket' and \
            'syslog'.\n",
    );
    check(
        "kv undelete secret/a",
        1,
        "No versions provided, use the \"-versions\" flag to specify the version to undelete.\n",
    );
    check(
        "read -header=X-Vault-Foo=a secret/a",
        2,
        "failed to setup Headers[X-Vault-Foo]: Header starting by 'X-Vault-' are for internal \
            usage only\n",
    );
    check(
        "policy write p missing.hcl",
        2,
        "Error opening policy file: open missing.hcl: No such file or directory (os error 2)\n",
    );
}

#[test]
fn a_command_that_does_not_exist_shows_the_usage() {
    for line in ["", "nope", "nope nope"] {
        let ended = run(line).end();
        ended.exits(127).prints("");
        assert!(
            ended.stderr.starts_with("Usage: strongroom <command> [args]\n\nCommon commands:\n")
        );
    }
    let ended = run("-h").end();
    assert!(ended.exits(0).stdout.starts_with("Usage: strongroom <command> [args]\n"));
}

#[test]
fn called_through_a_link_the_program_goes_by_its_name() {
    for name in ["vault", "bao"] {
        let ended = run("").through_a_link(name).end();
        let usage = format!("Usage: {name} <command> [args]\n");
        assert!(ended.exits(127).stderr.starts_with(&usage));
    }
}

#[test]
fn a_word_with_sub_commands_shows_them() {
    let ended = run("secrets").end();
    assert!(ended.exits(1).stderr.contains("Usage: strongroom secrets <subcommand>"));
    assert!(ended.stderr.contains("\n    enable "));
    let ended = run("secrets -x list").end();
    assert!(ended.exits(1).stderr.starts_with("Invalid flags before the subcommand."));
}

#[test]
fn help_names_every_flag() {
    let ended = run("auth enable -h").end();
    ended.exits(0).called(&[]);
    for part in [
        "HTTP Options:",
        "  -address=<string>\n      ",
        "  -max-lease-ttl=<duration>",
        "Command Options:",
    ] {
        assert!(ended.stdout.contains(part), "{part} is missing in {}", ended.stdout);
    }
    assert_eq!(ended.stdout.matches("Command Options:").count(), 1);
}

#[test]
fn flags_behind_the_first_argument_are_pointed_out_and_the_command_runs() {
    run("policy write p p.hcl -x").file("p.hcl", "").end().exits(1).complains(
        "Command flags must be provided before positional arguments. \
         The following arguments will not be parsed as flags: [-x]\n\
         Too many arguments (expected 2, got 3)\n",
    );
    let ended =
        run("policy write my-policy -").answer("PUT /v1/sys/policies/acl/my-policy", 204, "").end();
    ended.exits(0).complains("");
}

#[test]
fn a_flag_of_the_command_behind_an_argument_is_refused_and_nothing_is_sent() {
    let refused = |line: &str, name: &str, command: &str| {
        let text = format!(
            "the flag -{name} stands behind an argument, where it has no effect; put it directly \
             behind \"{command}\"\n"
        );
        run(line).end().exits(1).called(&[]).complains(&text);
    };
    refused("kv put secret/a -cas=0 x=9", "cas", "kv put");
    refused("kv get secret/a -version=1", "version", "kv get");
    refused("write sys/rotate -f", "force", "write");
    let ended = run("write a -other=1").answer("PUT /v1/a", 204, "").end();
    ended.exits(0).called(&[r#"PUT /v1/a {"-other":"1"}"#]);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let ended = run("read secret/a").variable("VAULT_ADDR", "http://127.0.0.1:1").end();
    ended.exits(2).complains(
        "Error reading secret/a: Get \"http://127.0.0.1:1/v1/secret/a\": \
         dial tcp 127.0.0.1:1: connect: connection refused\n",
    );
    run("status").variable("VAULT_ADDR", "http://127.0.0.1:1").end().exits(1);
    run("read a").variable("VAULT_ADDR", "nonsense").end().exits(2).complains(
        "Error initializing client: \"nonsense\" is not an address; try one such as \
            \"https://127.0.0.1:8200\"\n",
    );
}

#[test]
fn a_secret_on_the_line_is_never_repeated_in_an_error() {
    let ended = run("login -method=userpass username=ann hunter2").end();
    ended.exits(1).called(&[]);
    assert!(!ended.stderr.contains("hunter2"));
    let ended = run("login s.hunter2")
        .answer("GET /v1/auth/token/lookup-self", 403, r#"{"errors":["permission denied"]}"#)
        .end();
    assert!(!ended.exits(2).stderr.contains("hunter2"));
}
