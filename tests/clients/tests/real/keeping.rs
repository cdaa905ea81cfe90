//! What is acknowledged stays: over a restart, over `kill -9`, and with two processes.
//!
//! What never happens here: a look into the data folder; the server says what it has.

use clients::{Program, Server, Smtp, Start, samples};
use std::sync::mpsc::{Sender, channel};

#[test]
fn the_next_start_finds_mail_accounts_and_certificate() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let first = Start::on(&data).start();
    let password = first.alice().password.clone();
    let certificate = std::fs::read(first.certificate()).unwrap();
    first.smtp().mail(
        "bob@example.test",
        &["alice@example.test"],
        &samples::message("kept", "x"),
    );
    first.imap(first.alice()).must("STORE 2 +FLAGS (\\Flagged)");
    first.stop();

    let second = Start::on(&data).start();
    assert_eq!(second.alice().password, password);
    assert_eq!(std::fs::read(second.certificate()).unwrap(), certificate);
    let mut imap = second.imap(second.alice());
    assert_eq!(imap.search("ALL"), [1, 2], "the welcome is there once only");
    assert_eq!(imap.flags(2), ["\\Flagged"]);
    second.stop();
    verified(&data);
}

#[test]
fn a_second_process_is_refused_with_a_clear_text() {
    let server = Server::start();
    let data = server.data.to_string_lossy().into_owned();
    let binary = clients::server::binary();
    let mut second = std::process::Command::new(&binary);
    let ended = second
        .args(["try", "--any-port", "--data", &data])
        .output()
        .unwrap();
    assert!(!ended.status.success());
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(text.contains("in use by another"), "{text}");
    // The first one does not mind.
    server.smtp().mail(
        "bob@example.test",
        &["alice@example.test"],
        &samples::message("still", "x"),
    );
}

#[test]
fn everything_acknowledged_is_there_after_a_kill() {
    const SENDERS: usize = 8;
    const ENOUGH: usize = 400;
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    for round in 0..3 {
        let server = Start::on(&data).start();
        let (sender, receiver) = channel();
        let senders: Vec<_> = (0..SENDERS)
            .map(|number| {
                let (at, sender) = (server.at("smtp").to_owned(), sender.clone());
                std::thread::spawn(move || send_until_lost(&at, round, number, &sender))
            })
            .collect();
        drop(sender);
        // The kill comes in the middle of the traffic.
        let mut acknowledged: Vec<String> = receiver.iter().take(ENOUGH).collect();
        server.kill();
        acknowledged.extend(receiver.iter());
        for sender in senders {
            sender.join().expect("because no message was refused");
        }
        assert!(acknowledged.len() >= ENOUGH);
        let server = Start::on(&data).start();
        let mut imap = server.imap(server.alice());
        let there = imap
            .must("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]")
            .text();
        for subject in &acknowledged {
            assert!(
                there.contains(&format!("Subject: {subject}\r\n")),
                "{subject} is lost"
            );
        }
        server.stop();
    }
    verified(&data);
}

fn send_until_lost(at: &str, round: usize, sender: usize, acknowledged: &Sender<String>) {
    let mut smtp = Smtp::connect(at);
    for number in 0.. {
        let subject = format!("r{round}s{sender}n{number}e");
        let message = samples::message(&subject, &"Hello. ".repeat(100));
        match smtp.try_mail("bob@example.test", &["alice@example.test"], &message) {
            Ok(reply) if reply.starts_with("250") => {
                acknowledged
                    .send(subject)
                    .expect("because the test waits for all");
            }
            Ok(reply) => panic!("refused: {reply}"),
            Err(_) => return,
        }
    }
}

/// `whimbrel verify` finds nothing wrong.
fn verified(data: &std::path::Path) {
    let binary = clients::server::binary();
    let mut verify = std::process::Command::new(binary);
    let ended = verify
        .args(["verify", "--data"])
        .arg(data)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(
        ended.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    assert!(text.contains("all is well"), "{text}");
}

#[test]
fn verify_does_not_make_a_folder_that_is_not_there() {
    let place = tempfile::tempdir().unwrap();
    let mut verify = std::process::Command::new(clients::server::binary());
    let ended = verify
        .args(["verify", "--data"])
        .arg(place.path().join("none"))
        .output()
        .unwrap();
    assert!(!ended.status.success());
    assert!(!place.path().join("none").exists());
}

#[test]
fn a_copy_of_the_stopped_folder_is_a_backup() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let server = Start::on(&data).start();
    server.smtp().mail(
        "bob@example.test",
        &["alice@example.test"],
        &samples::message("copy", "x"),
    );
    server.stop();
    let Some(copy) = Program::find("cp") else {
        return;
    };
    let backup = place.path().join("backup");
    copy.arg("-a").arg(&data).arg(&backup).run().well();
    std::fs::remove_dir_all(&data).unwrap();
    let server = Start::on(&backup).start();
    assert_eq!(server.imap(server.alice()).search("SUBJECT copy"), [2]);
}
