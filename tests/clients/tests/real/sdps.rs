//! SDPS: fetchmail and getmail bring the mail of a whole host and give each message to the right user.
//!
//! What never happens here: deliveries of getmail's own SDPS retriever, which fail in the program
//! itself (docs/sdps.md); it shows what it was told, and brings mail by the retriever that works.

use clients::{Program, Server, samples};
use std::path::Path;

const HOST: &str = "xyz.demon.test";
/// The number of the user `nobody` on Debian.
const NOBODY: u32 = 65_534;
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
    let text = format!(
        "poll localhost proto sdps port {} auth password no dns localdomains {HOST}\n\
         user \"{user}\" password \"{SECOND}\" {options} fetchall sslproto \"\" \
         mda \"sh -c 'cat >> {}/%T'\"\n",
        server.port("pop3"),
        place.display(),
    );
    clients::fetchmail(fetchmail, place, &text).well();
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

/// What getmail says of a round over the whole host with this retriever.
fn getmail(server: &Server, place: &Path, retriever: &str, destination: &str) -> Option<String> {
    let getmail = Program::find("getmail")?;
    let text = format!(
        "[retriever]\n{retriever}\nserver = 127.0.0.1\nport = {}\nusername = xyz\n\
         password = {SECOND}\n[destination]\n{destination}\n\
         [options]\nread_all = true\ndelete = false\nverbose = 2\n",
        server.port("pop3"),
    );
    std::fs::write(place.join("getmailrc"), text).unwrap();
    let run = getmail
        .arg("--getmaildir")
        .arg(place)
        .args(&["--rcfile", "getmailrc"])
        .env("HOME", place);
    Some(run.run().text())
}

#[test]
fn getmail_gives_each_message_of_a_host_to_the_right_user() {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    host(&server);
    send(&server);
    let to_file = |user: &str| {
        format!(
            "[{user}]\ntype = MDA_external\npath = /bin/sh\nallow_root_commands = true\n\
             arguments = (\"-c\", \"cat >> {}/{user}\")\n",
            place.display()
        )
    };
    let sorter = format!(
        "type = MultiSorter\ndefault = [nobody]\nlocals = ((\"^fred@{HOST}$\", \"[fred]\"), \
         (\"^bob@{HOST}$\", \"[bob]\"))\n{}{}{}",
        to_file("nobody"),
        to_file("fred"),
        to_file("bob"),
    );
    let retriever = "type = MultidropPOP3Retriever\nenvelope_recipient = delivered-to:1";
    if getmail(&server, place, retriever, &sorter).is_none() {
        return;
    }
    assert_eq!(subjects(place, "fred"), ["for both", "for fred"]);
    assert_eq!(subjects(place, "bob"), ["a report for bob", "for both"]);
    assert!(!place.join("nobody").exists());
}

#[test]
fn getmail_hears_the_envelope_of_each_message() {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    host(&server);
    send(&server);
    let mbox = place.join("mbox");
    std::fs::write(&mbox, "").unwrap();
    let mut destination = format!("type = Mboxrd\npath = {}\n", mbox.display());
    if rustix::process::geteuid().is_root() {
        // getmail delivers nothing as root
        destination.push_str("user = nobody\n");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(place, open).unwrap();
        std::os::unix::fs::chown(&mbox, Some(NOBODY), None).unwrap();
    }
    let retriever = "type = MultidropSDPSRetriever";
    let Some(said) = getmail(&server, place, retriever, &destination) else {
        return;
    };
    // Debian's shows texts as Python's octets, and then fails over them
    let said = said.replace("b'", "").replace('\'', "").replace(">,", ">");
    let mut envelopes: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split_once(" from <").map(|(_, rest)| rest))
        .filter_map(|rest| rest.split_once("> deliver").map(|(envelope, _)| envelope))
        .collect();
    envelopes.sort_unstable();
    let expected = [
        "> to <bob@xyz.demon.test",
        "alice@example.org> to <bob@xyz.demon.test",
        "alice@example.org> to <fred@xyz.demon.test",
        "alice@example.org> to <fred@xyz.demon.test",
    ];
    assert_eq!(envelopes, expected, "{said}");
}
