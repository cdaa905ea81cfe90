//! Hosts of SDPS and passwords for APOP, by command on a running server: who gets in by POP3 then.

use crate::house::{Done, Server, folder, run, run_with};
use serde_json::json;

const HOST: &str = "xyz.demon.test";

/// Whether POP3 lets this name in.
fn gets_in(server: &Server, name: &str, password: &str) -> bool {
    let mut client = server.dial("pop3");
    client.until("+OK");
    client.say(&format!("USER {name}"), "+OK");
    client
        .say(&format!("PASS {password}"), "")
        .starts_with("+OK")
}

fn well(done: Done) -> Done {
    assert!(done.succeeded, "{done:?}");
    done
}

#[test]
fn a_host_is_made_changed_and_taken_back_by_command() {
    let (_folder, data) = folder();
    let server = Server::start(&data);
    let command = |words: &[&str], input: &str| run_with(&data, words, input);
    well(command(&["domain", "add", HOST, "--no-dkim"], ""));
    let add = ["account", "add", "office@example.test", "--password-stdin"];
    well(command(&add, "first-one\n"));
    let add = [
        "host",
        "add",
        HOST,
        "office@example.test",
        "--password-stdin",
    ];
    well(command(&add, "second-one\n"));
    let hosts = || run(&data, &["host", "list", "--json"]).json()["hosts"].clone();
    let shown = |account: &str, passwords: u8| json!([{ "host": HOST, "account": account, "passwords": passwords }]);
    assert_eq!(hosts(), shown("office@example.test", 2));
    for password in ["first-one", "second-one"] {
        assert!(gets_in(&server, "xyz", password), "{password}");
        assert!(gets_in(&server, "fred@xyz", password), "{password}");
    }
    // once more is not a way to lose the second password
    let again = command(&add, "third-one\n");
    assert!(
        !again.succeeded && again.err.contains("host set"),
        "{again:?}"
    );

    let made = command(&["host", "set", HOST, "--generate", "--json"], "");
    let made = well(made).json()["password"].as_str().unwrap().to_owned();
    assert!(gets_in(&server, "xyz", &made));
    assert!(!gets_in(&server, "xyz", "second-one"));
    let set = ["host", "set", HOST, "--account", "bob@example.test"];
    well(command(&set, ""));
    assert_eq!(hosts(), shown("bob@example.test", 2));
    assert!(gets_in(&server, "xyz", &made) && !gets_in(&server, "xyz", "first-one"));
    let mut inside = server.dial("pop3");
    inside.until("+OK");
    inside.say("USER xyz", "+OK");
    inside.say(&format!("PASS {made}"), "+OK");
    well(command(&["host", "set", HOST, "--no-second"], ""));
    let last = inside.rest();
    assert!(last.contains("ended by the operator"), "{last}");
    assert_eq!(hosts(), shown("bob@example.test", 1));
    assert!(!gets_in(&server, "xyz", &made));

    well(command(&["host", "remove", HOST, "--yes"], ""));
    assert_eq!(hosts(), json!([]));
    assert!(!gets_in(&server, "xyz", "first-one"));
    assert!(gets_in(&server, "office@example.test", "first-one"));
}

#[test]
fn the_greeting_has_a_stamp_as_long_as_an_account_asks_for_apop() {
    // [rfc1939 7]
    let (_folder, data) = folder();
    let server = Server::start(&data);
    let has_stamp = || {
        let greeting = server.dial("pop3").until("+OK");
        greeting.contains(" <") && greeting.ends_with('>')
    };
    assert!(!has_stamp());
    let set = [
        "account",
        "set",
        "bob@example.test",
        "--generate",
        "--apop",
        "on",
    ];
    let said = well(run(&data, &set));
    assert!(said.out.contains("kept readable"), "{said:?}");
    assert!(has_stamp());
    let shown = run(&data, &["account", "show", "bob@example.test", "--json"]);
    assert_eq!(shown.json()["account"]["apop"], json!(true));
    // a new password is not kept readable unless that is said again
    let said = well(run(
        &data,
        &["account", "set", "bob@example.test", "--generate"],
    ));
    assert!(
        said.out.contains("cannot log in by APOP any more"),
        "{said:?}"
    );
    assert!(!has_stamp());
}
