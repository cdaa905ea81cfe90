//! offlineimap: a local copy of everything, alike after changes on either side, over TLS.
//!
//! What never happens here: a change on both sides to the same message; TLS 1.3 after STARTTLS (see
//! `TLS_1_2`).

use crate::maildir;
use clients::{Program, Server, samples};
use std::path::Path;

/// Read by OpenSSL. imaplib2 3.05 reads and writes one TLS connection from two threads without a lock.
/// After STARTTLS the tickets of TLS 1.3 wake its reader just when its writer sends the first command;
/// then OpenSSL says that the command is sent, but its octets never leave the process, and both sides
/// wait. Seen at both ends: the client had sent the 631 octets up to its Finished, the server had
/// received them all, nothing was on its way, the reader sat in `SSL_read`, and the writer was done.
/// A server by Python's own `ssl` module, which shares no code with this one, met the same as often
/// (2 of 190 connections here, 2 of 194 there), none of 300 without tickets, none of 240 with TLS 1.2,
/// whose tickets belong to the handshake. With TLS from the start imaplib2 hears the greeting before
/// it writes. offlineimap's own setting `ssl_version` is of no use: STARTTLS does not heed it.
const TLS_1_2: &str = "openssl_conf = all\n[all]\nssl_conf = tls\n[tls]\nsystem_default = defaults\n\
                       [defaults]\nMaxProtocol = TLSv1.2\n";

fn sync(server: &Server, place: &Path, tls: &str) -> bool {
    let Some(offlineimap) = Program::find("offlineimap") else {
        return false;
    };
    let rc = place.join("offlineimaprc");
    let alice = server.alice();
    let text = format!(
        "[general]\naccounts = all\nmetadata = {place}/state\n\
         [Account all]\nlocalrepository = near\nremoterepository = far\n\
         [Repository near]\ntype = Maildir\nlocalfolders = {place}/mail\n\
         [Repository far]\ntype = IMAP\nremotehost = localhost\nremoteuser = {user}\n\
         remotepass = {password}\nsslcacertfile = {certificate}\n{tls}\n",
        place = place.display(),
        user = alice.address,
        password = alice.password,
        certificate = server.certificate().display(),
    );
    std::fs::write(&rc, text).unwrap();
    let run = offlineimap.arg("-c").arg(&rc).args(&["-o", "-u", "basic"]);
    let run = run.env("HOME", place);
    if !tls.contains("starttls") {
        run.run().well();
        return true;
    }
    let openssl = place.join("openssl.cnf");
    std::fs::write(&openssl, TLS_1_2).unwrap();
    let told = run.args(&["-d", "imap"]).env("OPENSSL_CONF", &openssl);
    let told = told.run().well().text();
    // It would log in without TLS as well, if it did not find STARTTLS.
    assert!(told.contains("Using STARTTLS connection"), "{told}");
    true
}

fn two_way(server: &Server, tls: &str) {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let inbox = place.join("mail/INBOX");
    let mut imap = server.imap(server.alice());
    for subject in ["one", "two", "three"] {
        imap.append("INBOX", "\\Seen", &samples::message(subject, "Hello"));
    }
    imap.must("CREATE Projects/2026");
    imap.append("Projects/2026", "", &samples::message("plan", "Hello"));
    if !sync(server, place, tls) {
        return;
    }
    assert_eq!(maildir::files(&inbox).len(), 4);
    assert_eq!(maildir::files(&place.join("mail/Projects.2026")).len(), 1);

    // Local changes: one is flagged, two is removed, a new one and a new folder appear.
    maildir::set_flags(&inbox, "one", "FS");
    std::fs::remove_file(maildir::find(&inbox, "two")).unwrap();
    let new = samples::message("local", "Hello");
    std::fs::write(inbox.join("cur/1.local.test:2,"), new).unwrap();
    maildir::make(&place.join("mail/Receipts"));
    assert!(sync(server, place, tls));
    imap.must("NOOP");
    let one = imap.search("HEADER Subject one");
    assert_eq!(imap.flags(one[0]), ["\\Flagged", "\\Seen"]);
    assert_eq!(imap.search("HEADER Subject two"), [0u32; 0]);
    let local = imap.search("HEADER Subject local");
    assert_eq!(local.len(), 1);
    assert!(imap.must("LIST \"\" Receipts").text().contains("Receipts"));

    // Far changes: three is answered, local is deleted.
    let three = imap.search("HEADER Subject three");
    imap.must(&format!("UID STORE {} +FLAGS (\\Answered)", three[0]));
    imap.must(&format!("UID STORE {} +FLAGS (\\Deleted)", local[0]));
    imap.must("EXPUNGE");
    assert!(sync(server, place, tls));
    assert_eq!(maildir::files(&inbox).len(), 3);
    assert_eq!(maildir::flags(&inbox, "three"), "RS");
}

#[test]
fn offlineimap_keeps_both_sides_alike_over_tls() {
    let server = Server::start();
    let tls = format!("ssl = yes\nremoteport = {}", server.port("imaps"));
    two_way(&server, &tls);
}

#[test]
fn offlineimap_keeps_both_sides_alike_over_starttls() {
    let server = Server::start();
    let port = server.port("imap");
    two_way(
        &server,
        &format!("ssl = no\nstarttls = yes\nremoteport = {port}"),
    );
}
