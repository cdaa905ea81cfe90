//! Starting and stopping: time, ports, files, what is printed.
//!
//! What never happens here: a fixed port.

use clients::{Program, Server, Start};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

#[test]
fn the_ready_file_names_everything() {
    let server = Server::start();
    let names: Vec<&str> = server.ready.listeners.keys().map(String::as_str).collect();
    let expected = [
        "imap",
        "imaps",
        "lmtp",
        "metrics",
        "pop3",
        "pop3s",
        "smtp",
        "submission",
        "submissions",
        "submit",
    ];
    assert_eq!(names, expected);
    for (name, at) in &server.ready.listeners {
        if name == "submit" {
            assert_eq!(at, &server.data.join("submit.sock").display().to_string());
            let mode = std::fs::metadata(at).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o666, "the system says who connects");
        } else if name == "lmtp" {
            assert_eq!(at, &server.data.join("lmtp").display().to_string());
            let mode = std::fs::metadata(at).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o660, "who may connect is said by the file");
        } else {
            assert!(at.starts_with("127.0.0.1:"), "{name} {at}");
        }
    }
    let addresses: Vec<&str> = server
        .ready
        .accounts
        .iter()
        .map(|a| a.address.as_str())
        .collect();
    assert_eq!(addresses, ["alice@example.test", "bob@example.test"]);
    assert!(
        server
            .ready
            .accounts
            .iter()
            .all(|account| account.password.len() >= 12)
    );
    let mode = std::fs::metadata(server.data.join("try.json"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let pid = server.ready.pid;
    let ready_file = server.ready_file.clone();
    assert!(
        std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .unwrap()
            .contains("try")
    );
    let stopped = server.stop();
    assert!(stopped.status.success(), "{}", stopped.log);
    assert!(!ready_file.exists(), "nobody is ready any more");
}

#[test]
fn lmtp_may_be_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("there").display().to_string();
    let server = Start::new().arguments(&["--lmtp-socket", &path]).start();
    assert_eq!(server.at("lmtp"), path);
    server.stop();
    assert!(
        !folder.path().join("there").exists(),
        "it goes with the server"
    );
    let server = Start::new().arguments(&["--lmtp-port", "0"]).start();
    assert!(server.at("lmtp").starts_with("127.0.0.1:"));
}

#[test]
fn a_thousand_accounts_start_as_fast_as_four() {
    let few = Start::new()
        .arguments(&["--accounts", "4", "--password", "one for all"])
        .start();
    let many = Start::new()
        .arguments(&["--accounts", "1000", "--password", "one for all"])
        .start();
    assert_eq!(many.ready.accounts.len(), 1_002);
    assert_eq!(few.ready.accounts.len(), 6);
    let last = many.account("user1000").clone();
    assert_eq!(last.password, "one for all");
    let mut imap = clients::Imap::open(many.at("imap"), &last.address, "\"one for all\"");
    assert_eq!(
        imap.search("ALL"),
        [0u32; 0],
        "the welcome is for alice and bob only"
    );
    // The bound is loose, for a machine that builds and tests at the same time.
    println!(
        "4 accounts: {:?}, 1,000 accounts: {:?}",
        few.started_in, many.started_in
    );
    assert!(many.started_in < few.started_in + Duration::from_secs(5));
}

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mut command = Command::new(clients::server::binary());
    command
        .args(["try", "--any-port", "--imap-port", &port, "--data"])
        .arg(&data);
    let ended = command.output().unwrap();
    assert!(!ended.status.success());
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    for part in [
        format!("port {port} is taken").as_str(),
        "IMAP",
        "--imap-port",
        "--any-port",
    ] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
    assert!(
        !data.exists(),
        "nothing is made for a server that cannot start"
    );
}

#[test]
fn sigterm_tells_the_sessions_and_ends_within_two_seconds() {
    use clients::wire::Wire;
    use rustix::process::Signal;
    let server = Server::start();
    let mut imap = Wire::connect(server.at("imap"));
    let mut smtp = Wire::connect(server.at("smtp"));
    let mut pop3 = Wire::connect(server.at("pop3"));
    assert!(imap.text_line().starts_with("* OK"));
    assert!(smtp.text_line().starts_with("220 "));
    assert!(pop3.text_line().starts_with("+OK"));
    server.signal(Signal::TERM);
    assert!(imap.text_line().starts_with("* BYE"));
    assert!(smtp.text_line().starts_with("421"));
    // POP3 has no word for it; the connection ends.
    while let Ok(Some(line)) = pop3.try_line() {
        assert!(line.starts_with(b"-ERR"), "{line:?}");
    }
    let stopped = server.stop();
    assert!(stopped.status.success(), "{}", stopped.log);
    assert!(stopped.took < Duration::from_secs(2), "{:?}", stopped.took);
}

#[test]
fn ctrl_c_ends_a_server_that_nobody_uses() {
    let server = Server::start();
    server.signal(rustix::process::Signal::INT);
    let stopped = server.stop();
    assert!(
        stopped.status.success() && stopped.took < Duration::from_secs(2),
        "{stopped:?}"
    );
}

#[test]
fn the_printed_lines_work_when_pasted() {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let mut pasted = 0;
    for line in server.printed.lines().map(str::trim) {
        let program = ["swaks", "curl"]
            .iter()
            .find(|name| line.contains(&format!("{name} -")))
            .or(line.contains(" sendmail --data ").then_some(&"sh"));
        let Some(program) = program else { continue };
        if Program::find(program).is_none() {
            continue;
        }
        let shell = Program::find("sh").expect("because every system has a shell");
        shell.args(&["-ec", line]).folder(place.path()).run().well();
        pasted += 1;
    }
    assert!(
        pasted == 11 || Program::find("swaks").is_none(),
        "{}",
        server.printed
    );
    mutt_starts(&server);
    let mut bob = server.imap(server.bob());
    for subject in ["Two", "Three", "Four", "Five"] {
        assert_eq!(
            bob.search(&format!("SUBJECT {subject}")).len(),
            1,
            "{subject}"
        );
    }
    assert_eq!(server.imap(server.alice()).search("SUBJECT One").len(), 1);
}

/// The line for mutt, on a terminal; a key to leave is added.
fn mutt_starts(server: &Server) {
    let (Some(_), Some(terminal)) = (Program::find("mutt"), Program::find("python3")) else {
        return;
    };
    let line = server
        .printed
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with("mutt "));
    let line = line.expect("because there is one for mutt").to_owned();
    let on_terminal = concat!(env!("CARGO_MANIFEST_DIR"), "/python/on_terminal.py");
    let place = tempfile::tempdir().unwrap();
    let leave = format!("{line} -e 'set quit=yes' -e 'push <quit>'");
    let ended = terminal
        .args(&["-B", on_terminal, "sh", "-c", &leave])
        .env("HOME", place.path());
    let ended = ended.run().well();
    assert!(ended.out_text().contains("Welcome"), "{}", ended.text());
}
