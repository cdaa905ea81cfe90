//! Python's smtplib, imaplib and poplib: scripts that send, read, flag and delete.
//!
//! What never happens here: the scripts' own judgement alone; the other side is looked at.

use clients::{Program, Server};
use std::path::Path;

/// Runs `python/NAME` with the ready file and the certificate.
fn python(server: &Server, script: &str) -> bool {
    let Some(python) = Program::find("python3") else {
        return false;
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("python")
        .join(script);
    let run = python
        .arg("-B")
        .arg(path)
        .arg(&server.ready_file)
        .arg(server.certificate());
    run.run().well();
    true
}

#[test]
fn smtplib_sends() {
    let server = Server::start();
    if !python(&server, "smtp_sends.py") {
        return;
    }
    let mut bob = server.imap(server.bob());
    for subject in [
        "smtplib plain",
        "smtplib starttls",
        "smtplib tls",
        "smtplib parts",
    ] {
        assert_eq!(
            bob.search(&format!("SUBJECT \"{subject}\"")).len(),
            1,
            "{subject}"
        );
    }
    let uid = bob.search("SUBJECT \"smtplib parts\"")[0];
    let structure = bob
        .must(&format!("UID FETCH {uid} BODYSTRUCTURE"))
        .text()
        .to_lowercase();
    assert!(
        structure.contains("\"alternative\"") && structure.contains("\"mixed\""),
        "{structure}"
    );
    assert_eq!(
        server
            .imap(server.alice())
            .search("SUBJECT \"smtplib plain\"")
            .len(),
        1
    );
}

#[test]
fn imaplib_reads_flags_moves_and_deletes() {
    let server = Server::start();
    if !python(&server, "imap_changes.py") {
        return;
    }
    // The same, seen by POP3: of three messages the one that was expunged is gone.
    let mut pop3 = server.pop3(server.alice());
    assert_eq!(pop3.count(), 2);
    let mut imap = server.imap(server.alice());
    assert_eq!(imap.search("FLAGGED").len(), 1);
    imap.must("SELECT Archive/2026");
    assert_eq!(imap.search("ALL").len(), 1);
}

#[test]
fn poplib_reads_and_deletes() {
    let server = Server::start();
    let mut smtp = server.smtp();
    for number in 1..=3 {
        let message = clients::samples::message(&format!("pop {number}"), ".dots\r\nend");
        smtp.mail("bob@example.test", &["alice@example.test"], &message);
    }
    if !python(&server, "pop_deletes.py") {
        return;
    }
    let mut imap = server.imap(server.alice());
    assert_eq!(imap.search("ALL").len(), 2);
    assert_eq!(imap.search("SUBJECT \"pop 2\""), [0u32; 0]);
    assert_eq!(imap.search("SUBJECT \"pop 3\"").len(), 1);
}

#[test]
fn poplib_finds_numbers_sizes_and_ids_in_agreement() {
    let server = Server::start();
    let mut smtp = server.smtp();
    for number in 1..=4 {
        let message = clients::samples::message(&format!("pop {number}"), ".\r\n..dots\r\n\r\nend");
        smtp.mail("bob@example.test", &["alice@example.test"], &message);
    }
    if !python(&server, "pop3_session.py") {
        return;
    }
    // each of the three ways in has deleted one of five, the welcome first
    let mut imap = server.imap(server.alice());
    assert_eq!(imap.search("ALL").len(), 2);
    assert_eq!(imap.search("SUBJECT \"pop 4\"").len(), 1);
}

#[test]
fn imaplib_hears_of_new_mail_while_it_idles() {
    let server = Server::start();
    python(&server, "imap_idles.py");
}

#[test]
fn ssl_resumes_sessions() {
    let server = Server::start();
    python(&server, "tls_resumes.py");
}
