//! imapfilter: a user's own rules, which search on the server, then flag, copy, move and delete.
//!
//! What never happens here: rules of the server.

use clients::{Program, Server, samples};

const RULES: &str = r#"
options.timeout = 60
options.create = true
options.subscribe = true
options.range = 1
local account = IMAP { server = "localhost", port = PORT, username = "USER", password = "PASSWORD" SSL }
local inbox = account.INBOX
inbox:contain_subject("invoice"):move_messages(account["Money/2026"])
inbox:contain_body("Größe"):mark_flagged()
local lists = inbox:contain_field("List-Id", "whimbrel") * inbox:is_unseen()
lists:copy_messages(account["Lists"])
lists:mark_seen()
lists:add_flags({ "$Listed" })
local large = inbox:is_larger(5000) + inbox:contain_from("spammer")
large:delete_messages()
local boxes = account:list_all()
assert(#boxes > 6, "list_all gives " .. #boxes)
local exist, unread, unseen, nextuid = inbox:check_status()
assert(exist == 3, "there are " .. tostring(exist))
assert(#inbox:match_subject("^Re: .*$") == 1, "a regular expression on fetched subjects")
"#;

/// What alice has before: the welcome, and these.
fn messages() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (1..=3)
        .map(|number| samples::message(&format!("invoice {number}"), "Pay"))
        .collect();
    let head = "Subject: Re: size\r\nContent-Type: text/plain; charset=utf-8";
    all.push(format!("{head}\r\n\r\nDie Größe\r\n").into_bytes());
    all.push(b"List-Id: <whimbrel.example.test>\r\nSubject: list\r\n\r\nHello\r\n".to_vec());
    all.push(b"From: spammer@example.org\r\nSubject: buy\r\n\r\nHello\r\n".to_vec());
    all.push(samples::message("long", &"Hello. ".repeat(1_000)));
    all
}

fn filters(listener: &str, ssl: &str) {
    let Some(imapfilter) = Program::find("imapfilter") else {
        return;
    };
    let server = Server::start();
    let alice = server.alice();
    let mut imap = server.imap(alice);
    for message in messages() {
        imap.append("INBOX", "", &message);
    }
    let place = tempfile::tempdir().unwrap();
    let rules = RULES
        .replace("PORT", server.port(listener))
        .replace("USER", &alice.address)
        .replace("PASSWORD", &alice.password)
        .replace("SSL", ssl);
    std::fs::write(place.path().join("rules.lua"), rules).unwrap();
    let run = imapfilter
        .arg("-c")
        .arg(place.path().join("rules.lua"))
        .arg("-t")
        .arg(server.certificate())
        .env("HOME", place.path());
    run.run().well();
    imap.must("NOOP");
    assert_eq!(imap.search("ALL"), [1, 5, 6]);
    assert_eq!(imap.flags(5), ["\\Flagged"]);
    assert_eq!(imap.flags(6), ["$Listed", "\\Seen"]);
    for (mailbox, count) in [("Money/2026", 3), ("Lists", 1)] {
        imap.must(&format!("SELECT {mailbox}"));
        assert_eq!(imap.search("ALL").len(), count, "{mailbox}");
    }
    let subscribed = imap.must("LSUB \"\" *").text();
    assert!(
        subscribed.contains("Money/2026") && subscribed.contains("Lists"),
        "{subscribed}"
    );
}

#[test]
fn imapfilter_flags_copies_moves_and_deletes_over_starttls() {
    filters("imap", "");
}

#[test]
fn imapfilter_flags_copies_moves_and_deletes_over_tls() {
    filters("imaps", ", ssl = \"auto\"");
}
