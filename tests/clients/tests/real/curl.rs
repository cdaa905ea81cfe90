//! curl: sends by submission, reads by IMAP and POP3, each in the clear, with STARTTLS and TLS.
//!
//! What never happens here: a check of what curl shows by curl alone.

use clients::{Ended, Program, Server, samples};

/// curl that trusts the server's certificate and logs in as alice.
fn curl(server: &Server, args: &[&str]) -> Option<Ended> {
    let alice = server.alice();
    let user = format!("{}:{}", alice.address, alice.password);
    let curl = Program::find("curl")?.args(&["-sS", "--max-time", "60", "-u", &user, "--cacert"]);
    Some(curl.arg(server.certificate()).args(args).run())
}

#[test]
fn curl_sends_and_the_other_side_has_it() {
    let server = Server::start();
    let (alice, bob) = (server.alice(), server.bob());
    for (scheme, listener, more) in [
        ("smtp", "submission", vec![]),
        ("smtp", "submission", vec!["--ssl-reqd"]),
        ("smtps", "submissions", vec![]),
    ] {
        let url = format!("{scheme}://localhost:{}", server.port(listener));
        let message = format!(
            "From: <{}>\r\nTo: <{}>\r\nSubject: curl {scheme}\r\n\r\nDots:\r\n.\r\n..\r\n",
            alice.address, bob.address
        );
        let beside = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(beside.path(), &message).unwrap();
        let file = beside.path().to_string_lossy().into_owned();
        let mut args = vec![
            "--mail-from",
            &alice.address,
            "--mail-rcpt",
            &bob.address,
            "-T",
            &file,
            &url,
        ];
        args.extend(more);
        let Some(ended) = curl(&server, &args) else {
            return;
        };
        ended.well();
    }
    let mut imap = server.imap(bob);
    let found = imap.search("HEADER Subject curl");
    assert_eq!(found.len(), 3);
    for uid in found {
        let text = String::from_utf8(imap.message(uid)).unwrap();
        assert!(text.ends_with("\r\n\r\nDots:\r\n.\r\n..\r\n"), "{text}");
    }
}

#[test]
fn curl_reads_octet_for_octet_by_imap_and_pop3() {
    let server = Server::start();
    let message = samples::message("to be read", ".dot\r\nlast line");
    let uid = {
        let mut imap = server.imap(server.alice());
        imap.append("INBOX", "", &message);
        imap.search("HEADER Subject read")[0]
    };
    let (imap, imaps) = (server.port("imap"), server.port("imaps"));
    let (pop3, pop3s) = (server.port("pop3"), server.port("pop3s"));
    for (url, more) in [
        (format!("imap://localhost:{imap}/INBOX;UID={uid}"), vec![]),
        (
            format!("imap://localhost:{imap}/INBOX;UID={uid}"),
            vec!["--ssl-reqd"],
        ),
        (format!("imaps://localhost:{imaps}/INBOX;UID={uid}"), vec![]),
        (format!("pop3://localhost:{pop3}/2"), vec![]),
        (format!("pop3://localhost:{pop3}/2"), vec!["--ssl-reqd"]),
        (format!("pop3s://localhost:{pop3s}/2"), vec![]),
    ] {
        let Some(ended) = curl(&server, &[&[url.as_str()], &more[..]].concat()) else {
            return;
        };
        let ended = ended.well();
        assert_eq!(
            String::from_utf8_lossy(&ended.out),
            String::from_utf8_lossy(&message),
            "{url} {more:?}"
        );
    }
}

#[test]
fn curl_flags_and_deletes() {
    let server = Server::start();
    let inbox = format!("imap://localhost:{}/INBOX", server.port("imap"));
    let Some(ended) = curl(
        &server,
        &[&inbox, "-X", "STORE 1 +FLAGS (\\Flagged $Later)"],
    ) else {
        return;
    };
    ended.well();
    assert_eq!(
        server.imap(server.alice()).flags(1),
        ["$Later", "\\Flagged"]
    );
    let pop3 = format!("pop3://localhost:{}/1", server.port("pop3"));
    if let Some(ended) = curl(&server, &[&pop3, "-X", "DELE", "-l"]) {
        ended.well();
    }
    assert_eq!(server.imap(server.alice()).search("ALL"), [0u32; 0]);
}

#[test]
fn curl_appends_by_imap() {
    let server = Server::start();
    let message = samples::message("by upload", "Hello");
    let beside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(beside.path(), &message).unwrap();
    let drafts = format!("imap://localhost:{}/Drafts", server.port("imap"));
    let file = beside.path().to_string_lossy().into_owned();
    let Some(ended) = curl(&server, &["-T", &file, &drafts]) else {
        return;
    };
    ended.well();
    let mut imap = server.imap(server.alice());
    imap.must("SELECT Drafts");
    assert_eq!(imap.message(1), message);
}
