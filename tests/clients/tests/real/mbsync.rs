//! mbsync: both sides alike after changes on either, flags and deletions too.
//!
//! What never happens here: a change on both sides to the same message.

use crate::maildir;
use clients::{Program, Server, samples};
use std::path::Path;

fn sync(server: &Server, place: &Path, far: &str) -> bool {
    let Some(mbsync) = Program::find("mbsync") else {
        return false;
    };
    let rc = place.join("mbsyncrc");
    let alice = server.alice();
    let local = place.join("mail");
    std::fs::create_dir_all(&local).unwrap();
    let text = format!(
        "IMAPStore far\nHost localhost\n{far}\nUser {user}\nPass {password}\n\n\
         MaildirStore near\nPath {local}/\nInbox {local}/INBOX\nSubFolders Verbatim\n\n\
         Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nRemove Both\nExpunge Both\n\
         SyncState *\n",
        user = alice.address,
        password = alice.password,
        local = local.display(),
    );
    std::fs::write(&rc, text).unwrap();
    mbsync
        .arg("-c")
        .arg(&rc)
        .args(&["-V", "all"])
        .env("HOME", place)
        .run()
        .well();
    true
}

fn two_way(server: &Server, far: &str) {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let mut imap = server.imap(server.alice());
    for subject in ["one", "two", "three"] {
        imap.append("INBOX", "\\Seen", &samples::message(subject, "Hello"));
    }
    imap.must("CREATE Projects/2026");
    imap.append("Projects/2026", "", &samples::message("plan", "Hello"));
    if !sync(server, place, far) {
        return;
    }
    let inbox = place.join("mail/INBOX");
    assert_eq!(maildir::files(&inbox).len(), 4);
    assert_eq!(maildir::files(&place.join("mail/Projects/2026")).len(), 1);

    // Local changes: one is flagged, two is removed, a new one appears.
    maildir::set_flags(&inbox, "one", "FS");
    maildir::set_flags(&inbox, "two", "ST");
    let new = place.join("mail/INBOX/cur/1.local.test:2,");
    std::fs::write(new, samples::message("local", "Hello")).unwrap();
    assert!(sync(server, place, far));
    let uid_of = |imap: &mut clients::Imap, subject: &str| {
        imap.search(&format!("HEADER Subject {subject}"))
            .first()
            .copied()
    };
    imap.must("NOOP");
    let one = uid_of(&mut imap, "one").expect("because it stays");
    assert_eq!(imap.flags(one), ["\\Flagged", "\\Seen"]);
    assert_eq!(uid_of(&mut imap, "two"), None);
    assert!(uid_of(&mut imap, "local").is_some());

    // Far changes: three is answered, local is deleted.
    let three = uid_of(&mut imap, "three").expect("because it stays");
    imap.must(&format!("UID STORE {three} +FLAGS (\\Answered)"));
    let gone = uid_of(&mut imap, "local").expect("because it was just there");
    imap.must(&format!("UID STORE {gone} +FLAGS (\\Deleted)"));
    imap.must("EXPUNGE");
    assert!(sync(server, place, far));
    assert_eq!(maildir::files(&inbox).len(), 3);
    assert_eq!(maildir::flags(&inbox, "three"), "RS");
}

#[test]
fn mbsync_keeps_both_sides_alike() {
    let server = Server::start();
    two_way(
        &server,
        &format!(
            "Port {}\nSSLType None\nAuthMechs LOGIN",
            server.port("imap")
        ),
    );
}

#[test]
fn mbsync_keeps_both_sides_alike_over_tls() {
    let server = Server::start();
    let (port, certificate) = (server.port("imaps"), server.certificate());
    let far = format!(
        "Port {port}\nSSLType IMAPS\nCertificateFile {}\nAuthMechs *",
        certificate.display()
    );
    two_way(&server, &far);
}
