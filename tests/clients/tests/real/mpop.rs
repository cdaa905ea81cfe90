//! mpop: fetches by POP3 over STLS and TLS with a checked certificate; keeps or deletes.
//!
//! What never happens here: a server that is not POP3.

use crate::maildir;
use clients::{Ended, Program, Server, private_file, samples};
use std::path::Path;

fn fetch(server: &Server, place: &Path, settings: &str) -> Option<Ended> {
    let mpop = Program::find("mpop")?;
    let alice = server.alice();
    let rc = place.join("mpoprc");
    let text = format!(
        "account default\nhost localhost\nuser {}\npassword {}\ntimeout 60\nreceived_header off\n\
         delivery maildir {place}/mail\nuidls_file {place}/uidls\n{settings}\n",
        alice.address,
        alice.password,
        place = place.display(),
    );
    private_file(&rc, &text);
    Some(mpop.arg("-C").arg(&rc).env("HOME", place).run())
}

/// Fetched and kept, then what is new and all deleted.
fn fetches(listener: &str, auth: &str) {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let mail = place.join("mail");
    maildir::make(&mail);
    let mut alice = server.imap(server.alice());
    let body = ".\r\n..dots\r\nend";
    alice.append("INBOX", "", &samples::message("first", body));
    let starttls = if listener == "pop3" { "on" } else { "off" };
    let settings = format!(
        "port {}\ntls on\ntls_starttls {starttls}\ntls_trust_file {}\nauth {auth}",
        server.port(listener),
        server.certificate().display()
    );
    let Some(ended) = fetch(&server, place, &format!("{settings}\nkeep on")) else {
        return;
    };
    ended.well();
    assert_eq!(maildir::files(&mail).len(), 2);
    alice.append("INBOX", "", &samples::message("second", body));
    let ended = fetch(&server, place, &format!("{settings}\nkeep off"));
    ended.expect("because it was there before").well();
    maildir::has_all(&mail, 3);
    alice.must("NOOP");
    assert_eq!(alice.search("ALL"), [0u32; 0]);
}

#[test]
fn mpop_fetches_over_stls() {
    fetches("pop3", "user");
}

#[test]
fn mpop_fetches_over_tls_with_the_login_it_likes_best() {
    fetches("pop3s", "on");
}

#[test]
fn mpop_fetches_over_tls_with_auth_plain() {
    fetches("pop3s", "plain");
}

#[test]
fn mpop_fetches_nothing_from_a_server_it_does_not_trust() {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    maildir::make(&place.path().join("mail"));
    let settings = format!("port {}\ntls on\ntls_starttls off", server.port("pop3s"));
    let Some(ended) = fetch(&server, place.path(), &settings) else {
        return;
    };
    assert_ne!(ended.code, Some(0), "{}", ended.text());
    assert!(ended.text().contains("certificate"), "{}", ended.text());
    assert_eq!(server.imap(server.alice()).search("ALL"), [1]);
}
