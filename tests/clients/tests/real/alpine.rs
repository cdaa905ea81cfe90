//! alpine: reads, flags, files, searches, deletes and sends over TLS, by keys on a terminal.
//!
//! What never happens here: a person.

use clients::{Program, Server, samples};
use std::path::Path;

fn settings(server: &Server) -> String {
    let user = &server.alice().address;
    let mail = format!("localhost:{}/ssl/user={user}", server.port("imaps"));
    format!(
        "personal-name=Alice\nuser-domain=example.test\n\
         smtp-server=localhost:{}/ssl/user={user}\n\
         customized-hdrs=From: Alice <{user}>\n\
         inbox-path={{{mail}}}INBOX\nfolder-collections=Mail {{{mail}}}[]\ndefault-fcc=Sent\n\
         feature-list=quit-without-confirm,expunge-without-confirm,enable-flag-cmd,\
         enable-aggregate-command-set,send-without-confirm\n\
         last-version-used=6.26\n",
        server.port("submissions")
    )
}

/// What to wait for, and the keys then.
fn script(password: &str) -> Vec<(String, String)> {
    let log_in = [
        ("ENTER PASSWORD".to_owned(), format!("{password}\r")),
        ("Preserve password".to_owned(), "n".to_owned()),
    ];
    let reads = [
        // one of both, as it has time
        (r"with 4 messages|\[Opening .INBOX. DONE", "*"),
        (r"Important \?", "*"),
        ("Flagged message 1", "n"),
        ("second", "\r"),
        ("ALL of message", "s"),
        ("SAVE Msg", "\u{15}Archive\r"),
        ("ALL DEL", "i"),
        ("fourth", ";"),
        ("SELECT criteria", "t"),
        (r"All msg text \?", "a"),
        ("TEXT to match", "Hello third\r"),
        ("matched 1", "d"),
        ("DEL", "c"),
        (
            "To AddrBk",
            "bob@example.test\r\r\rfrom alpine\rHello\r.\r..two\r",
        ),
        (r"\.\.two", "\u{18}"),
    ];
    let mut all = log_in.to_vec();
    all.extend(reads.map(|(text, keys)| (text.to_owned(), keys.to_owned())));
    // Submission is another server to it.
    all.extend(log_in);
    all.push(("Message sent".to_owned(), "q".to_owned()));
    all
}

#[test]
fn alpine_reads_flags_files_deletes_and_sends() {
    let (Some(_), Some(terminal)) = (Program::find("alpine"), Program::find("python3")) else {
        return;
    };
    let server = Server::start();
    let mut imap = server.imap(server.alice());
    for subject in ["second", "third", "fourth"] {
        let body = format!("Hello {subject}");
        imap.append("INBOX", "", &samples::message(subject, &body));
    }
    let place = tempfile::tempdir().unwrap();
    let (rc, keys) = (place.path().join("pinerc"), place.path().join("keys.json"));
    std::fs::write(&rc, settings(&server)).unwrap();
    let script = script(&server.alice().password);
    std::fs::write(&keys, serde_json::to_string(&script).unwrap()).unwrap();
    let on_terminal = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/on_terminal.py");
    terminal
        .arg("-B")
        .arg(on_terminal)
        .arg("--script")
        .arg(&keys)
        .args(&["alpine", "-i", "-p"])
        .arg(&rc)
        .env("HOME", place.path())
        .env("SSL_CERT_FILE", server.certificate())
        .run()
        .well();
    imap.must("NOOP");
    assert_eq!(imap.search("ALL"), [1, 4]);
    assert_eq!(imap.flags(1), ["\\Flagged"]);
    imap.must("SELECT Archive");
    assert_eq!(imap.search("SUBJECT second").len(), 1);
    imap.must("SELECT Sent");
    assert_eq!(imap.search("SUBJECT \"from alpine\"").len(), 1);
    let mut bob = server.imap(server.bob());
    let uid = bob.search("FROM alice")[0];
    let text = String::from_utf8(bob.message(uid)).unwrap();
    assert!(text.contains("\r\n\r\nHello\r\n.\r\n..two\r\n"), "{text}");
}
