//! mutt: sends by submission, reads, flags and deletes by IMAP, driven by keys on a terminal.
//!
//! What never happens here: a person.

use clients::{Account, Program, Server, samples};
use std::path::{Path, PathBuf};

fn settings(server: &Server, account: &Account, place: &Path, more: &str) -> PathBuf {
    let login = account.address.replace('@', "%40");
    let Account { address, password } = account;
    let text = format!(
        "set from={address} realname=Alice use_from=yes envelope_from=yes hostname=example.test\n\
         set smtp_url=smtp://{login}:{password}@127.0.0.1:{submission}/\n\
         set imap_user={address} imap_pass={password}\n\
         set folder=imap://127.0.0.1:{imap}/ spoolfile=imap://127.0.0.1:{imap}/INBOX\n\
         set ssl_starttls=no ssl_force_tls=no copy=no confirmcreate=no confirmappend=no\n\
         set delete=yes quit=yes mark_old=no sort=mailbox-order wait_key=no timeout=5\n{more}\n",
        submission = server.port("submission"),
        imap = server.port("imap"),
    );
    let path = place.join("muttrc");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn mutt_sends_with_an_attachment() {
    let Some(mutt) = Program::find("mutt") else {
        return;
    };
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let rc = settings(&server, server.alice(), place.path(), "");
    let attachment = place.path().join("data.bin");
    std::fs::write(&attachment, [0u8, 1, 2, 255]).unwrap();
    mutt.args(&["-n", "-F"])
        .arg(&rc)
        .args(&["-s", "Grüße von mutt", "-a"])
        .arg(&attachment)
        .args(&["--", "bob@example.test"])
        .env("HOME", place.path())
        .input("Schöne Grüße\n")
        .run()
        .well();
    let mut imap = server.imap(server.bob());
    let uid = *imap
        .search("FROM alice")
        .last()
        .expect("because mutt sent it");
    let text = String::from_utf8_lossy(&imap.message(uid)).into_owned();
    assert!(
        text.contains("multipart/mixed") && text.contains("data.bin"),
        "{text}"
    );
    let structure = imap.must(&format!("UID FETCH {uid} BODYSTRUCTURE")).text();
    assert!(
        structure.contains("\"DATA.BIN\"") || structure.contains("\"data.bin\""),
        "{structure}"
    );
}

#[test]
fn mutt_reads_flags_and_deletes() {
    let (Some(_), Some(terminal)) = (Program::find("mutt"), Program::find("python3")) else {
        return;
    };
    let server = Server::start();
    let mut imap = server.imap(server.alice());
    for subject in ["second", "third"] {
        imap.append("INBOX", "", &samples::message(subject, "Hello"));
    }
    let place = tempfile::tempdir().unwrap();
    let read = place.path().join("read.mbox");
    // The second is read and copied to a file, the third flagged, the first deleted.
    let keys = format!(
        "push \"2<enter><display-message><copy-message>{}<enter><exit>3<enter><flag-message>\
         1<enter><delete-message><sync-mailbox><quit>\"",
        read.display()
    );
    let rc = settings(&server, server.alice(), place.path(), &keys);
    let on_terminal = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/on_terminal.py");
    let ended = terminal
        .arg("-B")
        .arg(on_terminal)
        .args(&["mutt", "-n", "-F"])
        .arg(rc)
        .env("HOME", place.path())
        .env("LINES", "40")
        .env("COLUMNS", "120")
        .run();
    let copied = std::fs::read_to_string(&read)
        .unwrap_or_else(|error| panic!("mutt copied nothing: {error}: {}", ended.text()));
    assert!(copied.contains("Subject: second"), "{copied}");
    assert_eq!(imap.must("NOOP").status.get(..2), Some("OK"));
    assert_eq!(imap.search("ALL"), [2, 3]);
    assert_eq!(imap.flags(2), ["\\Seen"]);
    assert_eq!(imap.flags(3), ["\\Flagged"]);
}
