//! fetchmail: takes alice's mail by POP3 and by IMAP and brings it to bob by SMTP, or to a program.
//!
//! What never happens here: a daemon that stays.

use clients::{Program, Server, samples};
use std::path::Path;

fn fetch(server: &Server, place: &Path, poll: &str) -> bool {
    let Some(fetchmail) = Program::find("fetchmail") else {
        return false;
    };
    let rc = place.join("fetchmailrc");
    let alice = server.alice();
    let text = format!(
        "poll localhost {poll} user \"{}\" password \"{}\" sslcertfile \"{}\" fetchall\n",
        alice.address,
        alice.password,
        server.certificate().display(),
    );
    let (kind, target) = poll
        .rsplit_once(" to ")
        .expect("because each poll names its target");
    let text = text.replace(&format!(" to {target}"), "") + &format!("  {target}\n");
    assert!(text.contains(kind));
    std::fs::write(&rc, text).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&rc, private).unwrap();
    fetchmail
        .arg("-f")
        .arg(&rc)
        .args(&["--nodetach", "--nosyslog", "-v", "--pidfile"])
        .arg(place.join("pid"))
        .args(&["--idfile"])
        .arg(place.join("ids"))
        .env("HOME", place)
        .env("FETCHMAILHOME", place)
        .run()
        .well();
    true
}

/// alice has a welcome and two messages; all go to bob, and none is left.
fn brings_all(poll: &str) {
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
    let poll = poll
        .replace("POP3S", server.port("pop3s"))
        .replace("POP3", server.port("pop3"))
        .replace("IMAPS", server.port("imaps"))
        .replace("IMAP", server.port("imap"));
    let target = format!(
        "smtphost \"localhost/{}\" smtpname \"bob@example.test\"",
        server.port("smtp")
    );
    if !fetch(&server, place.path(), &format!("{poll} to {target}")) {
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

#[test]
fn fetchmail_moves_mail_by_pop3() {
    brings_all("protocol pop3 port POP3 sslproto \"\"");
}

#[test]
fn fetchmail_moves_mail_by_pop3_with_tls() {
    brings_all("protocol pop3 port POP3S ssl sslcertck");
}

#[test]
fn fetchmail_moves_mail_by_imap() {
    brings_all("protocol imap port IMAP sslproto \"\"");
}

#[test]
fn fetchmail_moves_mail_by_imap_with_tls() {
    brings_all("protocol imap port IMAPS ssl sslcertck");
}

#[test]
fn fetchmail_hands_mail_to_a_program_and_keeps_it() {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let poll = format!("protocol imap port {} sslproto \"\"", server.port("imap"));
    let target = format!("keep mda \"sh -c 'cat >> {}'\"", out.display());
    if !fetch(&server, place.path(), &format!("{poll} to {target}")) {
        return;
    }
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.contains("Subject: Welcome"), "{text}");
    let mut imap = server.imap(server.alice());
    assert_eq!(imap.search("SEEN"), [1]);
}
