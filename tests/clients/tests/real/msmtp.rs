//! msmtp: sends by submission with each login it knows that the server has, over STARTTLS and TLS,
//! and checks the certificate.
//!
//! What never happens here: reading; an IMAP client looks.

use clients::{Ended, Program, Server, private_file, samples};
use std::path::Path;

/// One run; `settings` are lines of msmtp's own.
fn send(server: &Server, place: &Path, settings: &str, subject: &str) -> Option<Ended> {
    let msmtp = Program::find("msmtp")?;
    let bob = server.bob();
    let rc = place.join("msmtprc");
    let text = format!(
        "account default\nhost localhost\nfrom {user}\nuser {user}\ntimeout 60\n{settings}\n",
        user = bob.address,
    );
    private_file(&rc, &text);
    let message = samples::message(subject, ".\r\n..dots\r\nend");
    let plain = String::from_utf8(message).unwrap().replace("\r\n", "\n");
    let run = msmtp
        .arg("-C")
        .arg(&rc)
        .args(&["--", "alice@example.test"])
        .input(plain)
        .env("HOME", place);
    Some(run.run())
}

/// Port, kind of TLS and trust.
fn over(server: &Server, listener: &str) -> String {
    let starttls = if listener == "submission" {
        "on"
    } else {
        "off"
    };
    format!(
        "port {}\ntls on\ntls_starttls {starttls}\ntls_trust_file {}",
        server.port(listener),
        server.certificate().display()
    )
}

#[test]
fn msmtp_sends_with_a_checked_certificate_and_login() {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let password = &server.bob().password;
    let mut alice = server.imap(server.alice());
    for listener in ["submission", "submissions"] {
        for auth in ["on", "plain", "login", "scram-sha-1", "scram-sha-256"] {
            let subject = format!("msmtp-{listener}-{auth}");
            let settings = format!(
                "{}\nauth {auth}\npassword {password}",
                over(&server, listener)
            );
            let Some(ended) = send(&server, place.path(), &settings, &subject) else {
                return;
            };
            ended.well();
            alice.must("NOOP");
            let found = alice.search(&format!("HEADER Subject {subject}"));
            assert_eq!(found.len(), 1, "{subject}");
            let text = String::from_utf8(alice.message(found[0])).unwrap();
            assert!(text.ends_with("\r\n\r\n.\r\n..dots\r\nend\r\n"), "{text}");
            assert!(text.contains("with ESMTPSA"), "{text}");
        }
    }
}

#[test]
fn msmtp_sends_nothing_to_a_server_it_does_not_trust_or_with_a_wrong_password() {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let password = &server.bob().password;
    let untrusted = format!(
        "port {}\ntls on\ntls_starttls off\nauth on\npassword {password}",
        server.port("submissions")
    );
    let wrong = format!(
        "{}\nauth plain\npassword x{password}",
        over(&server, "submission")
    );
    // EX_UNAVAILABLE or EX_NOPERM, and why
    for (settings, why) in [(untrusted, "certificate"), (wrong, "535")] {
        let Some(ended) = send(&server, place.path(), &settings, "refused") else {
            return;
        };
        assert_ne!(ended.code, Some(0), "{}", ended.text());
        assert!(ended.text().contains(why), "{}", ended.text());
    }
    let mut alice = server.imap(server.alice());
    assert_eq!(alice.search("HEADER Subject refused"), [0u32; 0]);
}
