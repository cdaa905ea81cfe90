//! getmail: fetches by POP3 and by IMAP, hands all to a program, and deletes what it fetched.
//!
//! What never happens here: its own Maildir delivery, which refuses to run as root.

use crate::maildir;
use clients::{Program, Server, samples};
use std::path::Path;

fn fetch(server: &Server, place: &Path, retriever: &str, listener: &str, delete: &str) -> bool {
    let Some(getmail) = Program::find("getmail") else {
        return false;
    };
    let alice = server.alice();
    let trust = match listener {
        "pop3s" | "imaps" => format!("ca_certs = {}\n", server.certificate().display()),
        _ => String::new(),
    };
    let text = format!(
        "[retriever]\ntype = {retriever}\nserver = localhost\nport = {port}\nusername = {user}\n\
         password = {password}\n{trust}\
         [destination]\ntype = MDA_external\npath = /bin/sh\nallow_root_commands = true\n\
         arguments = (\"-c\", \"cat > $(mktemp $0/new/XXXXXX)\", \"{place}/mail\")\n\
         [options]\nread_all = false\ndelete = {delete}\ndelivered_to = false\nreceived = false\n",
        port = server.port(listener),
        user = alice.address,
        password = alice.password,
        place = place.display(),
    );
    std::fs::write(place.join("getmailrc"), text).unwrap();
    let run = getmail
        .arg("--getmaildir")
        .arg(place)
        .args(&["--rcfile", "getmailrc"])
        .env("HOME", place);
    run.run().well();
    true
}

/// First all is fetched and left there, then only what is new, then all that was fetched is deleted.
fn fetches(retriever: &str, listener: &str) {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let mail = place.join("mail");
    maildir::make(&mail);
    let mut alice = server.imap(server.alice());
    let body = ".\r\n..dots\r\nend";
    alice.append("INBOX", "", &samples::message("first", body));
    if !fetch(&server, place, retriever, listener, "false") {
        return;
    }
    assert_eq!(maildir::files(&mail).len(), 2);
    alice.must("NOOP");
    assert_eq!(alice.search("ALL").len(), 2);

    alice.append("INBOX", "", &samples::message("second", body));
    assert!(fetch(&server, place, retriever, listener, "true"));
    maildir::has_all(&mail, 3);
    alice.must("NOOP");
    assert_eq!(alice.search("ALL"), [0u32; 0]);
}

#[test]
fn getmail_fetches_by_pop3() {
    fetches("SimplePOP3Retriever", "pop3");
}

#[test]
fn getmail_fetches_by_pop3_with_tls() {
    fetches("SimplePOP3SSLRetriever", "pop3s");
}

#[test]
fn getmail_fetches_by_imap() {
    fetches("SimpleIMAPRetriever", "imap");
}

#[test]
fn getmail_fetches_by_imap_with_tls() {
    fetches("SimpleIMAPSSLRetriever", "imaps");
}
