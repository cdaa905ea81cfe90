//! swaks: SMTP and submission, in the clear, with STARTTLS and with TLS at once.
//!
//! What never happens here: reading by swaks; an IMAP client looks.

use clients::{Ended, Program, Server};

fn send(server: &Server, listener: &str, subject: &str, more: &[&str]) -> Option<Ended> {
    let swaks = Program::find("swaks")?;
    let at = server.at(listener);
    let header = format!("Subject: {subject}");
    Some(
        swaks
            .args(&["--server", at, "--timeout", "60", "--header", &header])
            .args(more)
            .run(),
    )
}

#[test]
fn swaks_delivers_in_every_way() {
    let server = Server::start();
    let (alice, bob) = (server.alice(), server.bob());
    let login = [
        "--auth-user",
        bob.address.as_str(),
        "--auth-password",
        bob.password.as_str(),
    ];
    let path = [
        "--from",
        bob.address.as_str(),
        "--to",
        alice.address.as_str(),
    ];
    for (listener, subject, more) in [
        ("smtp", "plain", vec![]),
        ("smtp", "starttls", vec!["-tls"]),
        ("smtp", "pipelined", vec!["--pipeline"]),
        (
            "submission",
            "plain-login",
            [&["--auth", "PLAIN"], &login[..]].concat(),
        ),
        (
            "submission",
            "login-login",
            [&["-tls", "--auth", "LOGIN"], &login[..]].concat(),
        ),
        (
            "submissions",
            "tls-login",
            [&["-tlsc", "--auth", "PLAIN"], &login[..]].concat(),
        ),
    ] {
        let Some(ended) = send(&server, listener, subject, &[&path[..], &more].concat()) else {
            return;
        };
        ended.well();
        let mut imap = server.imap(alice);
        let found = imap.search(&format!("HEADER Subject {subject}"));
        let same = found.len();
        assert!(same >= 1, "{subject} did not arrive");
    }
    let with = if_tls_then(&server);
    assert!(with.contains("with ESMTPSA"), "{with}");
}

/// The Received field of the message that came by TLS and login [rfc3848 1].
fn if_tls_then(server: &Server) -> String {
    let mut imap = server.imap(server.alice());
    let uid = imap.search("HEADER Subject tls-login")[0];
    String::from_utf8_lossy(&imap.message(uid)).into_owned()
}

#[test]
fn swaks_is_refused_what_must_be_refused() {
    let server = Server::start();
    let (alice, bob) = (
        server.alice().address.as_str(),
        server.bob().address.as_str(),
    );
    for (listener, more, code) in [
        (
            "smtp",
            vec!["--from", bob, "--to", "nobody@example.test"],
            "550",
        ),
        (
            "smtp",
            vec!["--from", bob, "--to", "someone@elsewhere.test"],
            "550",
        ),
        (
            "smtp",
            vec!["--from", bob, "--to", "someone%elsewhere.test@example.test"],
            "550",
        ),
        ("submission", vec!["--from", bob, "--to", alice], "530"),
        (
            "submission",
            vec![
                "--from",
                bob,
                "--to",
                alice,
                "--auth",
                "PLAIN",
                "--auth-user",
                bob,
                "--auth-password",
                "wrong",
            ],
            "535",
        ),
    ] {
        let Some(ended) = send(&server, listener, "refused", &more) else {
            return;
        };
        assert_ne!(ended.code, Some(0), "{}", ended.text());
        let text = ended.text();
        assert!(
            text.contains(&format!("<** {code} ")) || text.contains(&format!("<~* {code} ")),
            "{more:?}: {text}"
        );
    }
    assert_eq!(
        server.imap(server.alice()).search("HEADER Subject refused"),
        [0u32; 0]
    );
}

#[test]
fn swaks_delivers_by_lmtp_over_a_socket() {
    let server = Server::start();
    let Some(swaks) = Program::find("swaks") else {
        return;
    };
    let (alice, bob) = (server.alice(), server.bob());
    let to = format!("{},{}", alice.address, bob.address);
    let ended = swaks
        .args(&["--protocol", "LMTP", "--socket", server.at("lmtp")])
        .args(&[
            "--from",
            "carol@example.org",
            "--to",
            &to,
            "--timeout",
            "60",
        ])
        .args(&["--header", "Subject: local"])
        .run();
    let told = ended.well().text();
    assert_eq!(
        told.matches("250 2.0.0 ").count(),
        2,
        "one answer each: {told}"
    );
    for account in [alice, bob] {
        let mut imap = server.imap(account);
        assert_eq!(imap.search("HEADER Subject local").len(), 1);
    }
}
