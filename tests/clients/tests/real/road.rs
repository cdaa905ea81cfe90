//! Mail that travels on: msmtp and swaks submit, a second Whimbrel or Postfix's smtp-sink is the
//! smarthost, Python's email reads the report, and the commands of administration say the same.
//!
//! What never happens here: a look-up in the DNS, a server outside of this machine.

use clients::{Program, Server, Sink, Start, private_file, samples};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

fn asked(server: &Server, words: &[&str]) -> Value {
    let out = server.administer(&[words, &["--json"]].concat(), "");
    serde_json::from_str(&out).unwrap()
}

/// Asks until the answer is as it should be.
fn until(server: &Server, words: &[&str], is_so: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = asked(server, words);
        if is_so(&answer) {
            return answer;
        }
        assert!(Instant::now() < end, "{words:?}: {answer}");
    }
}

fn over(smarthost: &str) -> Server {
    Start::new().arguments(&["--smarthost", smarthost]).start()
}

/// bob sends by msmtp; false where there is none.
fn msmtp(server: &Server, to: &[&str], subject: &str, extra: &[&str]) -> bool {
    let Some(msmtp) = Program::find("msmtp") else {
        return false;
    };
    let place = tempfile::tempdir().unwrap();
    let rc = place.path().join("msmtprc");
    let bob = server.bob();
    let text = format!(
        "account default\nhost localhost\nport {}\nfrom {user}\nuser {user}\npassword {}\n\
         auth on\ntls on\ntls_starttls on\ntls_trust_file {}\ntimeout 60\n",
        server.port("submission"),
        bob.password,
        server.certificate().display(),
        user = bob.address,
    );
    private_file(&rc, &text);
    let message = samples::message(subject, ".\r\n..dots\r\nend");
    let plain = String::from_utf8(message).unwrap().replace("\r\n", "\n");
    let run = msmtp.arg("-C").arg(&rc).args(extra).arg("--").args(to);
    run.input(plain).env("HOME", place.path()).run().well();
    true
}

/// The id of the newest message that bob sent there.
fn id_to(server: &Server, address: &str) -> String {
    let story = asked(server, &["why", address, "--limit", "1"]);
    let id = story["story"]["messages"][0]["id"].as_str();
    id.unwrap_or_else(|| panic!("{story}")).to_owned()
}

#[test]
fn a_smarthost_brings_it_there_and_says_of_whom_it_knows_nothing() {
    let there = Server::start();
    there.administer(&["domain", "add", "other.test"], "");
    there.administer(&["account", "add", "eve@other.test", "--generate"], "");
    let generated = asked(&there, &["account", "set", "eve@other.test", "--generate"]);
    let here = over(there.at("smtp"));
    let to = ["eve@other.test", "nobody@other.test", "alice@example.test"];
    if !msmtp(&here, &to, "over there", &[]) {
        return;
    }
    let eve = clients::Account {
        address: "eve@other.test".to_owned(),
        password: generated["password"].as_str().unwrap().to_owned(),
    };
    let mut imap = there.imap(&eve);
    let uid = imap.awaited("SUBJECT \"over there\"");
    let text = String::from_utf8(imap.message(uid)).unwrap();
    assert!(
        text.starts_with("Return-Path: <bob@example.test>\r\n"),
        "{text}"
    );
    assert!(text.ends_with("\r\n\r\n.\r\n..dots\r\nend\r\n"), "{text}");
    assert!(
        text.contains("with ESMTPS\r\n") || text.contains("with ESMTPS "),
        "{text}"
    );
    let mut bob = here.imap(here.bob());
    bob.awaited("SUBJECT \"could not be delivered\"");
    assert_eq!(
        here.imap(here.alice())
            .search("SUBJECT \"over there\"")
            .len(),
        1
    );
    let python = Program::find("python3").expect("because msmtp is there as well");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/report_reads.py");
    let run = python.arg("-B").arg(script).arg(&here.ready_file);
    run.args(&["nobody@other.test", "5.1.1", "over there"])
        .run()
        .well();

    let id = id_to(&here, "eve@other.test");
    until(&here, &["queue", "list"], |queue| {
        queue["queue"]["entries"] == Value::Array(vec![])
    });
    let story = asked(&here, &["why", &id])["story"].clone();
    let message = &story["messages"][0];
    assert_eq!(message["login"], "bob@example.test");
    assert_eq!(message["here"][0], "alice@example.test");
    let entry = &message["entries"][0];
    assert_eq!(entry["state"], "over");
    let state = |n: usize| entry["recipients"][n]["state"].as_str().unwrap().to_owned();
    assert_eq!([state(0), state(1)], ["done", "failed"], "{story}");
    assert!(entry["tried"][0]["tls"].is_string(), "{story}");
    let words = here.administer(&["why", "nobody@other.test"], "");
    assert!(words.contains("550 5.1.1"), "{words}");
}

#[test]
fn a_server_that_refuses_or_puts_off_is_seen_in_queue_and_report() {
    let Some(refusing) = Sink::start(&["-f", "rcpt"]) else {
        return;
    };
    let server = over(&refusing.at);
    if !msmtp(&server, &["eve@other.test"], "refused", &[]) {
        return;
    }
    server
        .imap(server.bob())
        .awaited("SUBJECT \"could not be delivered\"");
    let words = server.administer(&["why", "eve@other.test"], "");
    assert!(
        words.contains("500 5.3.0") && words.contains("report to the sender"),
        "{words}"
    );
    drop(refusing);

    let putting_off = Sink::start(&["-r", "rcpt"]).unwrap();
    let server = over(&putting_off.at);
    msmtp(&server, &["eve@other.test"], "put off", &[]);
    let list = ["queue", "list", "--domain", "other.test"];
    let tried = |times: u64| move |queue: &Value| queue["queue"]["entries"][0]["attempts"] == times;
    let queue = until(&server, &list, tried(1));
    let said = &queue["queue"]["entries"][0]["recipients"][0]["said"];
    assert_eq!(said["stage"], "RCPT", "{queue}");
    assert!(
        said["reply"].as_str().unwrap().starts_with("450 4.3.0"),
        "{queue}"
    );
    let id = id_to(&server, "eve@other.test");
    assert!(
        server
            .administer(&["queue", "retry", &id], "")
            .contains("tried now")
    );
    until(&server, &list, tried(2));
    let shown = server.administer(&["queue", "show", &id], "");
    assert_eq!(shown.matches("  tried ").count(), 2, "{shown}");
    server.administer(&["queue", "hold", "--sender", "bob@example.test"], "");
    assert!(
        server.administer(&list, "").contains(" held "),
        "{}",
        server.administer(&list, "")
    );
    server.administer(&["queue", "remove", "--all", "--yes"], "");
    assert_eq!(server.administer(&list, ""), "Mail queue is empty\n");
    let why = server.administer(&["why", &id], "");
    assert!(why.contains("taken out of the queue"), "{why}");
    let bob = server
        .imap(server.bob())
        .search("SUBJECT \"could not be delivered\"");
    assert_eq!(
        bob, [0u32; 0],
        "nobody is told of what the operator takes out"
    );
}

#[test]
fn who_asks_hears_that_it_was_handed_to_a_server_that_will_not_tell() {
    // without ESMTP it has no DSN either
    let Some(sink) = Sink::start(&["-e"]) else {
        return;
    };
    let server = over(&sink.at);
    let asks = ["--dsn-notify=success", "--dsn-return=headers"];
    if !msmtp(
        &server,
        &["eve@other.test", "alice@example.test"],
        "told",
        &asks,
    ) {
        return;
    }
    let mut bob = server.imap(server.bob());
    let relayed = bob.awaited("SUBJECT \"passed on\"");
    let text = String::from_utf8(bob.message(relayed)).unwrap();
    assert!(text.contains("Action: relayed"), "{text}");
    assert!(
        text.contains("Final-Recipient: rfc822;eve@other.test"),
        "{text}"
    );
    let delivered = bob.awaited("SUBJECT \"was delivered\"");
    let text = String::from_utf8(bob.message(delivered)).unwrap();
    assert!(text.contains("Action: delivered"), "{text}");
    assert!(
        text.contains("Final-Recipient: rfc822;alice@example.test"),
        "{text}"
    );
}

#[test]
fn swaks_is_refused_where_nothing_is_sent_and_where_it_has_not_logged_in() {
    let silent = Server::start();
    let sending = over("127.0.0.1:9");
    let cases = [
        (&silent, "submission", true, "5.7.1"),
        (&sending, "smtp", false, "5.7.1"),
        (&sending, "submission", false, "530"),
    ];
    for (server, listener, logs_in, refusal) in cases {
        let Some(swaks) = Program::find("swaks") else {
            return;
        };
        let alice = server.alice();
        let mut run = swaks
            .args(&["--server", server.at(listener), "--helo", "pc.example.test"])
            .args(&["--from", &alice.address, "--to", "eve@other.test"]);
        if logs_in {
            run = run.args(&["--auth", "PLAIN", "--auth-user", &alice.address]);
            run = run.args(&["--auth-password", &alice.password]);
        }
        let ended = run.run();
        assert_ne!(ended.code, Some(0), "{}", ended.text());
        assert!(
            ended.text().contains(refusal),
            "{refusal}: {}",
            ended.text()
        );
    }
}
