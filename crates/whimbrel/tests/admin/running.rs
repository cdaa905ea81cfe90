//! What only a running server has: sessions, the log, its own sudden end.

use crate::house::{Server, command, folder, run};
use rustix::thread::{Uid, set_thread_res_uid};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;

fn add(server: &Server, name: &str) {
    let words = ["account", "add", name, "--password-stdin"];
    let done = crate::house::run_with(&server.data, &words, "secret\n");
    assert!(done.succeeded, "{done:?}");
}

fn sessions(server: &Server) -> Vec<Value> {
    let list = run(&server.data, &["session", "list", "--json"]).json();
    let all = list["sessions"].as_array().unwrap().clone();
    all.into_iter()
        .filter(|one| one["listener"] != "control")
        .collect()
}

#[test]
fn an_ended_session_says_its_protocols_goodbye() {
    let (_folder, data) = folder();
    let server = Server::start(&data);
    add(&server, "ann");
    let mut imap = server.dial("imap");
    imap.say("a LOGIN ann@example.test secret", "a OK");
    let mut other = server.dial("imap");
    other.until("* OK");
    let list = sessions(&server);
    let mine = list
        .iter()
        .find(|one| one["account"] == "ann@example.test")
        .unwrap();
    assert_eq!(mine["listener"], "imap");
    assert!(
        mine["bytes_in"].as_u64().unwrap() > 20 && mine["commands"] == 1,
        "{mine}"
    );
    let ended = run(&server.data, &["session", "end", &mine["id"].to_string()]);
    assert!(ended.succeeded, "{ended:?}");
    assert!(imap.until("* BYE").contains("ended by the operator"));
    assert!(imap.is_closed());
    other.say("b NOOP", "b OK");

    let mut pop = server.dial("pop3");
    pop.until("+OK");
    pop.say("USER ann@example.test", "+OK");
    pop.say("PASS secret", "+OK");
    let mut smtp = server.dial("submission");
    smtp.until("220");
    smtp.say("EHLO x.test", "250 ");
    // base64 of NUL ann@example.test NUL secret
    smtp.say("AUTH PLAIN AGFubkBleGFtcGxlLnRlc3QAc2VjcmV0", "235");
    let ended = run(
        &server.data,
        &["session", "end", "--account", "ann@example.test"],
    );
    assert!(ended.out.starts_with("2 sessions"), "{ended:?}");
    assert!(pop.until("-ERR").contains("ended by the operator"));
    assert!(smtp.until("421").contains("ended by the operator"));
}

#[test]
fn who_may_log_in_no_more_is_sent_out_at_once() {
    let (_folder, data) = folder();
    let server = Server::start(&data);
    for words in [
        &["account", "set", "ann", "--login", "off"][..],
        &["account", "set", "ann", "--generate"],
        &["account", "remove", "ann", "--yes"],
    ] {
        let _ = run(&server.data, &["account", "remove", "ann", "--yes"]);
        add(&server, "ann");
        let mut imap = server.dial("imap");
        imap.say("a LOGIN ann@example.test secret", "a OK");
        assert!(run(&server.data, words).succeeded, "{words:?}");
        imap.until("* BYE");
        let mut imap = server.dial("imap");
        imap.say("a LOGIN ann@example.test secret", "a NO");
    }
}

#[test]
fn the_log_is_followed_by_session_account_and_message() {
    let (_folder, data) = folder();
    let server = Server::start(&data);
    add(&server, "ann");
    let follow = |words: &[&str]| {
        let words = [&["log", "follow", "--json"], words].concat();
        let mut command = command(&server.data, &words);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        (BufReader::new(child.stdout.take().unwrap()), child)
    };
    let followers = || {
        let list = run(&server.data, &["session", "list", "--json"]).json();
        let all = list["sessions"].as_array().unwrap().clone();
        all.iter()
            .filter(|one| one["listener"] == "control" && one["commands"] == 1)
            .count()
    };
    let (mut all, mut one) = follow(&["--level", "debug"]);
    let (mut ann, mut two) = follow(&["--account", "ann@example.test"]);
    // This command's own session is the third.
    while followers() < 3 {
        std::thread::yield_now();
    }
    let mut imap = server.dial("imap");
    imap.say("a LOGIN ann@example.test wrong", "a NO");
    imap.say("a LOGIN ann@example.test secret", "a OK");
    let mut smtp = server.dial("smtp");
    smtp.until("220");
    smtp.say("HELO x.test", "250");
    smtp.say("MAIL FROM:<bob@elsewhere.test>", "250");
    smtp.say("RCPT TO:<ann@example.test>", "250");
    smtp.say("DATA", "354");
    let answer = smtp.say("Subject: x\r\n\r\nx\r\n.", "250");
    let id = answer.rsplit(' ').next().unwrap().to_owned();
    imap.say("b LOGOUT", "b OK");

    let next = |from: &mut BufReader<std::process::ChildStdout>| {
        let mut line = String::new();
        assert_ne!(from.read_line(&mut line).unwrap(), 0, "no more lines");
        assert!(!line.contains("secret"), "{line}");
        serde_json::from_str::<Value>(&line).unwrap()
    };
    let accepted = loop {
        let line = next(&mut all);
        if line["message"] == "accepted" {
            break line;
        }
    };
    assert_eq!(accepted["message_id"], id.as_str());
    assert!(
        accepted["session"].is_u64() && accepted["listener"] == "smtp",
        "{accepted}"
    );
    let refused = next(&mut ann);
    let ok = next(&mut ann);
    assert_eq!(
        (&refused["message"], &ok["message"]),
        (&"refused".into(), &"ok".into())
    );
    assert_eq!(refused["session"], ok["session"]);
    let mail = next(&mut ann);
    assert_eq!(
        (&mail["message"], &mail["message_id"]),
        (&"accepted".into(), &id.as_str().into())
    );
    for child in [&mut one, &mut two] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// Accounts that were told to be there are there, whole; others are there whole or not at all.
#[test]
fn a_killed_server_leaves_no_half_account() {
    let (_folder, data) = folder();
    let mut server = Server::start(&data);
    let names: Vec<String> = (0..12).map(|n| format!("n{n}@example.test")).collect();
    let told: Vec<bool> = std::thread::scope(|scope| {
        let data = &data;
        let add = |name: &String| {
            let name = name.clone();
            scope.spawn(move || run(data, &["account", "add", &name, "--no-password"]))
        };
        let first = add(&names[0]);
        let rest: Vec<_> = names[1..].iter().map(add).collect();
        let first = first.join().unwrap().succeeded;
        server.kill();
        let rest = rest.into_iter().map(|one| one.join().unwrap().succeeded);
        std::iter::once(first).chain(rest).collect()
    });
    assert!(told[0]);
    for (name, told) in names.iter().zip(told) {
        let boxes = run(&data, &["mailbox", "list", name, "--json"]);
        assert!(boxes.succeeded || !told, "{name}: {boxes:?}");
        if boxes.succeeded {
            assert_eq!(
                boxes.json()["mailboxes"].as_array().unwrap().len(),
                6,
                "{name}"
            );
        }
    }
    let verified = run(&data, &["verify"]);
    assert!(
        verified.succeeded && verified.out.contains("all is well"),
        "{verified:?}"
    );
}

#[test]
fn the_control_socket_is_the_owners_and_bounded() {
    let (_folder, data) = folder();
    let server = Server::start(&data);
    let socket = data.join("control.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let dial = || UnixStream::connect(&socket).unwrap();
    let line = |stream: UnixStream| {
        let mut line = String::new();
        let _ = BufReader::new(stream).read_line(&mut line);
        line
    };
    let mut nonsense = dial();
    nonsense.write_all(b"{\"request\":\"dance\"}\n").unwrap();
    assert!(line(nonsense).contains("not-understood"));
    // A line without an end is not waited for.
    let mut endless = dial();
    let piece = vec![b'x'; 600 * 1024];
    let _ = endless.write_all(&piece);
    assert!(line(endless).contains("a request is at most"));
    // Silent ones hold their places only; what is above the bound is turned away.
    let silent: Vec<_> = (0..40).map(|_| dial()).collect();
    let mut imap = server.dial("imap");
    imap.until("* OK");
    drop(silent);
    while !run(&data, &["domain", "list"]).succeeded {
        std::thread::yield_now();
    }
}

/// The mode of the socket keeps them away already; this is what holds where somebody changed it.
#[test]
fn a_stranger_at_the_control_socket_is_sent_away_unheard() {
    if !rustix::process::geteuid().is_root() {
        println!("left out: this test needs root");
        return;
    }
    let (folder, data) = folder();
    let server = Server::start(&data);
    let socket = data.join("control.sock");
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    for path in [folder.path(), &data] {
        open(path, 0o755);
    }
    let answer = |user: u32| {
        let socket = socket.clone();
        let ask = move || {
            // This thread only; the others stay root.
            let user = Uid::from_raw(user);
            set_thread_res_uid(user, user, user).unwrap();
            let mut stream = UnixStream::connect(socket)?;
            // A server that has hung up already is an answer as well.
            let _ = stream.write_all(b"{\"request\":\"domain-list\"}\n");
            let mut line = String::new();
            let _ = BufReader::new(stream).read_line(&mut line);
            Ok::<_, std::io::Error>(line)
        };
        std::thread::spawn(ask).join().unwrap()
    };
    let denied = answer(12_345).unwrap_err();
    assert_eq!(denied.kind(), std::io::ErrorKind::PermissionDenied);
    open(&socket, 0o666);
    assert_eq!(answer(12_345).unwrap(), "");
    assert!(answer(0).unwrap().contains("example.test"));
    let strangers = "whimbrel_control_requests_total{outcome=\"stranger\"}";
    assert_eq!(metric(&server, strangers), 1.0);
}

#[test]
fn a_long_path_to_the_data_folder_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("x".repeat(100)).join("y".repeat(100));
    std::fs::create_dir_all(&data).unwrap();
    let server = Server::start(&data);
    let list = run(&server.data, &["session", "list"]);
    assert!(list.succeeded, "{list:?}");
    // A socket in it nobody could reach: the system takes 107 octets for a path.
    assert!(server.ready["listeners"]["lmtp"].is_null());
    let (_other, short) = crate::house::folder();
    let server = Server::start(&short);
    assert_eq!(
        server.ready["listeners"]["lmtp"].as_str(),
        short.join("lmtp").to_str()
    );
}

/// What the metrics listener answers: status line and body.
fn http(server: &Server, path: &str) -> (String, String) {
    let mut client = server.dial("metrics");
    let ask = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    let status = client.say(&ask, "HTTP/1.1");
    (status, client.rest())
}

fn metric(server: &Server, name: &str) -> f64 {
    let (_, text) = http(server, "/metrics");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

#[test]
fn metrics_move_as_mail_does() {
    let (_folder, data) = folder();
    let server = Server::start(&data);
    add(&server, "ann");
    let names = [
        "whimbrel_connections_total{listener=\"smtp\"}",
        "whimbrel_messages_accepted_total{role=\"exchange\"}",
        "whimbrel_deliveries_total",
        "whimbrel_messages_refused_total{stage=\"RCPT\",class=\"permanent\"}",
        "whimbrel_smtp_commands_total{command=\"DATA\"}",
        "whimbrel_imap_commands_total{command=\"Login\"}",
        "whimbrel_logins_total{door=\"imap\",mechanism=\"password\",outcome=\"ok\"}",
        "whimbrel_logins_total{door=\"imap\",mechanism=\"password\",outcome=\"wrong\"}",
    ];
    let before = names.map(|name| metric(&server, name));
    let commits = metric(&server, "whimbrel_commits_total");
    let mut smtp = server.dial("smtp");
    smtp.until("220");
    smtp.say("HELO x.test", "250");
    smtp.say("MAIL FROM:<bob@elsewhere.test>", "250");
    smtp.say("RCPT TO:<nobody@example.test>", "550");
    smtp.say("RCPT TO:<ann@example.test>", "250");
    smtp.say("DATA", "354");
    smtp.say("Subject: x\r\n\r\nx\r\n.", "250");
    let mut imap = server.dial("imap");
    imap.say("a LOGIN ann@example.test wrong", "a NO");
    imap.say("b LOGIN ann@example.test secret", "b OK");
    imap.say("c SELECT INBOX", "c OK");
    let after = names.map(|name| metric(&server, name));
    let expected = [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0];
    for (name, ((before, after), expected)) in
        names.iter().zip(before.iter().zip(after).zip(expected))
    {
        assert!(
            (after - before - expected).abs() < 0.1,
            "{name}: {before} {after}"
        );
    }
    assert!(metric(&server, "whimbrel_commits_total") > commits);
    assert!(metric(&server, "whimbrel_store_sync_seconds_count") >= 1.0);
    assert!((metric(&server, "whimbrel_open_views") - 1.0).abs() < 0.1);
    assert!((metric(&server, "whimbrel_sessions{listener=\"imap\"}") - 1.0).abs() < 0.1);
    let (status, health) = http(&server, "/health");
    assert!(
        status.contains("200") && health.ends_with("fine\n"),
        "{status} {health}"
    );
}
