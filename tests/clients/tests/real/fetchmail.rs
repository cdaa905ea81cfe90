//! fetchmail: takes alice's mail by POP3 and by IMAP and brings it to bob by SMTP, or to a program.
//!
//! What never happens here: a daemon that stays.

use clients::{Ended, Program, Server, samples};
use std::path::Path;

/// How fetchmail ends when a login is refused.
const REFUSED: i32 = 3;

/// Fetches alice's mail; `service` says from where, `options` how and where to.
fn fetch(server: &Server, place: &Path, service: &str, options: &str) -> bool {
    let password = &server.alice().password;
    match fetch_with(server, place, service, password, options) {
        Some(ended) => {
            ended.well();
            true
        }
        None => false,
    }
}

fn fetch_with(
    server: &Server,
    place: &Path,
    service: &str,
    password: &str,
    options: &str,
) -> Option<Ended> {
    let fetchmail = Program::find("fetchmail")?;
    let text = format!(
        "poll localhost {service} user \"{}\" password \"{password}\" sslcertfile \"{}\" fetchall {options}\n",
        server.alice().address,
        server.certificate().display(),
    );
    Some(clients::fetchmail(fetchmail, place, &text))
}

/// alice has a welcome and two messages; all go to bob, and none is left.
fn brings_all(protocol: &str, listener: &str, tls: &str) {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let mut alice = server.imap(server.alice());
    for subject in ["first", "second"] {
        alice.append(
            "INBOX",
            "",
            &samples::message(subject, ".\r\n..dots\r\nend"),
        );
    }
    let service = format!("protocol {protocol} port {}", server.port(listener));
    let smtp = server.port("smtp");
    let options = format!("{tls} smtphost \"localhost/{smtp}\" smtpname \"bob@example.test\"");
    if !fetch(&server, place.path(), &service, &options) {
        return;
    }
    assert_eq!(server.imap(server.alice()).search("ALL"), [0u32; 0]);
    let mut bob = server.imap(server.bob());
    for subject in ["first", "second"] {
        let found = bob.search(&format!("HEADER Subject {subject}"));
        assert_eq!(found.len(), 1, "{subject}");
        let text = String::from_utf8(bob.message(found[0])).unwrap();
        assert!(text.ends_with("\r\n\r\n.\r\n..dots\r\nend\r\n"), "{text}");
    }
}

const WITHOUT_TLS: &str = "sslproto \"\"";
const WITH_TLS: &str = "ssl sslcertck";

#[test]
fn fetchmail_moves_mail_by_pop3() {
    brings_all("pop3", "pop3", WITHOUT_TLS);
}

#[test]
fn fetchmail_moves_mail_by_pop3_with_tls() {
    brings_all("pop3", "pop3s", WITH_TLS);
}

#[test]
fn fetchmail_moves_mail_by_imap() {
    brings_all("imap", "imap", WITHOUT_TLS);
}

#[test]
fn fetchmail_moves_mail_by_imap_with_tls() {
    brings_all("imap", "imaps", WITH_TLS);
}

#[test]
fn fetchmail_moves_mail_by_apop_without_showing_the_password() {
    // [rfc1939 7]
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let password = &server.alice().password;
    let words = [
        "account",
        "set",
        "alice",
        "--password-stdin",
        "--apop",
        "on",
    ];
    server.administer(&words, &format!("{password}\n"));
    let out = place.join("out");
    let service = format!("protocol apop port {}", server.port("pop3"));
    let options = format!("{WITHOUT_TLS} mda \"sh -c 'cat >> {}'\"", out.display());
    let fetched = |password: &str| fetch_with(&server, place, &service, password, &options);
    let Some(refused) = fetched("not-the-password") else {
        return;
    };
    assert_eq!(refused.code, Some(REFUSED), "{}", refused.text());
    assert!(!out.exists());
    let said = fetched(password).unwrap().well().text();
    assert!(said.contains("> APOP alice@example.test "), "{said}");
    assert!(
        !said.contains("> PASS") && !said.contains("> STLS"),
        "{said}"
    );
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.contains("Subject: Welcome"), "{text}");
    assert_eq!(server.imap(server.alice()).search("ALL"), [0u32; 0]);
}

#[test]
fn fetchmail_hands_mail_to_a_program_and_keeps_it() {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let service = format!("protocol imap port {}", server.port("imap"));
    let options = format!(
        "{WITHOUT_TLS} keep mda \"sh -c 'cat >> {}'\"",
        out.display()
    );
    if !fetch(&server, place.path(), &service, &options) {
        return;
    }
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.contains("Subject: Welcome"), "{text}");
    let mut imap = server.imap(server.alice());
    assert_eq!(imap.search("SEEN"), [1]);
}
