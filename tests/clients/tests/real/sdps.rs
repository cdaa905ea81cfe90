//! SDPS: fetchmail brings the mail of a whole host and gives each message to the right user.
//!
//! What never happens here: getmail's deliveries, which fail with SDPS in the program itself; its
//! words are a dialogue (`sdps_as_getmail_asks.txt`).

use clients::{Program, Server, samples};
use std::path::Path;

const HOST: &str = "xyz.demon.test";
const SECOND: &str = "the host's second one";

/// bob's account gets all mail of the host; it is empty.
fn host(server: &Server) {
    server.administer(&["domain", "add", HOST, "--no-dkim"], "");
    let add = ["host", "add", HOST, "bob@example.test", "--password-stdin"];
    server.administer(&add, &format!("{SECOND}\n"));
    let mut bob = server.imap(server.bob());
    bob.must("STORE 1:* +FLAGS (\\Deleted)");
    bob.must("EXPUNGE");
}

/// Fetches as `user`, each message to the file of the local user that it is for.
fn fetch(server: &Server, place: &Path, user: &str, options: &str) -> bool {
    let Some(fetchmail) = Program::find("fetchmail") else {
        return false;
    };
    let rc = place.join("fetchmailrc");
    let text = format!(
        "poll localhost proto sdps port {} auth password no dns localdomains {HOST}\n\
         user \"{user}\" password \"{SECOND}\" {options} fetchall sslproto \"\" \
         mda \"sh -c 'cat >> {}/%T'\"\n",
        server.port("pop3"),
        place.display(),
    );
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

fn subjects(place: &Path, user: &str) -> Vec<String> {
    let text = std::fs::read_to_string(place.join(user)).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("Subject: "));
    let mut subjects: Vec<String> = lines.map(str::to_owned).collect();
    subjects.sort();
    subjects
}

fn send(server: &Server) {
    let mut smtp = server.smtp();
    let both = ["fred@xyz.demon.test", "bob@xyz.demon.test"];
    let mail = |subject: &str| samples::message(subject, "text");
    let from = "alice@example.org";
    for (from, to, subject) in [
        (from, &both[..], "for both"),
        (from, &both[..1], "for fred"),
        ("", &both[1..], "a report for bob"),
    ] {
        let answer = smtp.try_mail(from, to, &mail(subject)).unwrap();
        assert!(answer.starts_with("250"), "{answer}");
    }
}

#[test]
fn fetchmail_gives_each_message_of_a_host_to_the_right_user() {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    host(&server);
    send(&server);
    if !fetch(&server, place, "xyz", "is fred bob * here") {
        return;
    }
    // what stands behind the asterisk lets names through as they came
    let (fred, bob) = ("fred@xyz.demon.test", "bob@xyz.demon.test");
    assert_eq!(subjects(place, fred), ["for both", "for fred"]);
    assert_eq!(subjects(place, bob), ["a report for bob", "for both"]);
    assert_eq!(server.imap(server.bob()).search("ALL"), [0u32; 0]);
}

#[test]
fn fetchmail_takes_the_mail_of_one_user_of_a_host_and_leaves_the_rest() {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    host(&server);
    send(&server);
    if !fetch(&server, place, "fred@xyz", "is fred here") {
        return;
    }
    assert_eq!(subjects(place, "fred"), ["for both", "for fred"]);
    assert_eq!(server.imap(server.bob()).search("ALL").len(), 2);
}
