//! neomutt: sends by submission and files a copy; searches on the server, reads, flags, moves and
//! deletes by IMAP with a cache of headers; all over TLS, driven by keys on a terminal.
//!
//! What never happens here: a person.

use clients::{Ended, Program, Server, samples};
use std::path::{Path, PathBuf};

fn settings(server: &Server, place: &Path, more: &str) -> PathBuf {
    let alice = server.alice();
    let text = format!(
        "set from={address} realname=Alice use_from=yes use_envelope_from=yes hostname=example.test\n\
         set smtp_url=smtps://{login}:{password}@localhost:{submissions}/\n\
         set imap_user={address} imap_pass={password}\n\
         set folder=imaps://localhost:{imaps}/ spoolfile=imaps://localhost:{imaps}/INBOX\n\
         set record=+Sent ssl_force_tls=yes certificate_file={certificate}\n\
         set header_cache={place}/headers imap_condstore=yes imap_qresync=yes\n\
         set confirmcreate=no confirmappend=no delete=yes quit=yes mark_old=no\n\
         set sort=mailbox-order wait_key=no timeout=5\n{more}\n",
        address = alice.address,
        login = alice.address.replace('@', "%40"),
        password = alice.password,
        submissions = server.port("submissions"),
        imaps = server.port("imaps"),
        certificate = server.certificate().display(),
        place = place.display(),
    );
    let path = place.join("neomuttrc");
    std::fs::write(&path, text).unwrap();
    path
}

/// Opens INBOX and pushes the keys.
fn types(server: &Server, place: &Path, keys: &str) -> Option<Ended> {
    let (_, terminal) = (Program::find("neomutt")?, Program::find("python3")?);
    let rc = settings(server, place, &format!("push \"{keys}\""));
    let on_terminal = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/on_terminal.py");
    let run = terminal
        .arg("-B")
        .arg(on_terminal)
        .args(&["neomutt", "-n", "-F"])
        .arg(rc)
        .env("HOME", place);
    Some(run.run().well())
}

#[test]
fn neomutt_sends_and_files_a_copy() {
    let (Some(_), Some(terminal)) = (Program::find("neomutt"), Program::find("python3")) else {
        return;
    };
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let text = place.path().join("text");
    std::fs::write(&text, "Schöne Grüße\n.\n..zwei\n").unwrap();
    // Recipient and subject stay, the editor changes nothing.
    let keys = [("To: bob", "\r"), ("Subject: ", "\r"), ("y:Send", "y")];
    let script = place.path().join("keys.json");
    std::fs::write(&script, serde_json::to_string(&keys).unwrap()).unwrap();
    let more = "set editor=true abort_unmodified=no send_charset=utf-8";
    let rc = settings(&server, place.path(), more);
    let on_terminal = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/on_terminal.py");
    let run = terminal
        .arg("-B")
        .arg(on_terminal)
        .arg("--script")
        .arg(script)
        .args(&["neomutt", "-n", "-F"])
        .arg(&rc)
        .args(&["-s", "Grüße von neomutt", "-i"])
        .arg(&text)
        .args(&["--", "bob@example.test"])
        .env("HOME", place.path());
    run.run().well();
    let mut bob = server.imap(server.bob());
    let uid = bob.search("FROM alice")[0];
    let arrived = bob.message(uid);
    let mut alice = server.imap(server.alice());
    alice.must("SELECT Sent");
    let filed = alice.message(1);
    let body = |message: &[u8]| {
        let text = String::from_utf8(message.to_vec()).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        body.to_owned()
    };
    assert_eq!(body(&arrived), "Schöne Grüße\r\n.\r\n..zwei\r\n");
    assert_eq!(body(&filed), body(&arrived));
    assert_eq!(alice.flags(1), ["\\Seen"]);
}

#[test]
fn neomutt_searches_flags_moves_and_deletes() {
    let server = Server::start();
    let mut imap = server.imap(server.alice());
    for subject in ["second", "third", "fourth"] {
        let body = format!("Die Größe des {subject}");
        imap.append("INBOX", "", &samples::message(subject, &body));
    }
    let place = tempfile::tempdir().unwrap();
    // What the server finds in the body is read and moved, the last is flagged, the first deleted.
    let keys = "<limit>=b 'des second'<enter><display-message><exit>\
                <tag-pattern>~A<enter><tag-prefix><save-message>=Archive<enter><limit>~A<enter>\
                <last-entry><flag-message><first-entry><delete-message><sync-mailbox><quit>";
    if types(&server, place.path(), keys).is_none() {
        return;
    }
    imap.must("NOOP");
    assert_eq!(imap.search("ALL"), [3, 4]);
    assert_eq!(imap.flags(3), [""; 0]);
    assert_eq!(imap.flags(4), ["\\Flagged"]);

    // Meanwhile another program was here; the cache of headers must not hide it.
    imap.must("UID STORE 4 FLAGS (\\Answered)");
    imap.must("UID STORE 3 +FLAGS (\\Deleted)");
    imap.must("EXPUNGE");
    imap.append("INBOX", "", &samples::message("fifth", "Hello"));
    let shown = types(
        &server,
        place.path(),
        "<refresh><first-entry><flag-message><sync-mailbox><quit>",
    );
    let shown = shown.expect("because it was there before").out_text();
    assert!(
        shown.contains("fourth") && shown.contains("fifth"),
        "{shown}"
    );
    assert!(!shown.contains("third"), "{shown}");
    imap.must("NOOP");
    assert_eq!(imap.flags(4), ["\\Answered", "\\Flagged"]);
    imap.must("SELECT Archive");
    assert_eq!(imap.search("SUBJECT second SEEN").len(), 1);
}
