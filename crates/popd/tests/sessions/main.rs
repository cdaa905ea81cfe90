//! Whole sessions over a pipe in memory: what dialogue files cannot say (other doors' changes,
//! time, the server's end, many messages).
#![allow(clippy::unwrap_used, reason = "a test")]

mod rpop;
mod served;

use dialogs::turns::order_of_ending;
use mail::{
    Access, Cursor, Expunges, FlagChange, Flags, Keyword, Mail, MailboxName, SystemFlags, Update,
    Want,
};
use net::Stop;
use popd::{ClearText, Door, Expire, Settings};
use served::{Client, Server};
use std::sync::Arc;
use std::time::Duration;
use store::{Db, Files, SimFailure};

fn message(n: usize) -> Vec<u8> {
    format!("Subject: {n}\r\n\r\nmessage {n}\r\n").into_bytes()
}

#[tokio::test]
async fn sizes_are_exactly_what_retr_sends_for_every_sample() {
    // [rfc1939 11] [rfc1939 11 #1]
    let server = Server::new().await;
    let samples = dialogs::samples();
    for (_, octets) in &samples {
        server.put("alice", &[octets]).await;
    }
    let mut client = server.connect();
    assert!(client.line().await.starts_with("+OK "));
    client.ok("UTF8").await;
    client.ok("USER alice@example.test").await;
    client.ok("PASS secret").await;
    let listed = client.content("LIST").await.1;
    let listed: Vec<&str> = std::str::from_utf8(&listed).unwrap().lines().collect();
    assert_eq!(listed.len(), samples.len());
    let mut total = 0;
    for (at, (name, octets)) in samples.iter().enumerate() {
        let number = at + 1;
        let (first, content) = client.content(&format!("RETR {number}")).await;
        let size = content.len();
        assert_eq!(first, format!("{size} octets"), "{name}");
        assert_eq!(listed[at], format!("{number} {size}"), "{name}");
        assert_eq!(
            client.ok(&format!("LIST {number}")).await,
            listed[at],
            "{name}"
        );
        let mut expect = octets.clone();
        if !octets.is_empty() && !octets.ends_with(b"\r\n") {
            expect.extend_from_slice(b"\r\n");
        }
        assert!(content == expect, "{name}: the octets differ");
        let (_, all) = client.content(&format!("TOP {number} 4294967295")).await;
        assert!(all == expect, "{name}: TOP of all lines differs from RETR");
        total += size;
    }
    assert_eq!(
        client.ok("STAT").await,
        format!("{} {total}", samples.len())
    );
}

#[tokio::test]
async fn a_client_that_never_says_utf8_gets_headers_in_ascii_of_every_sample() {
    // [rfc6856 2.1] [rfc6856 4]
    let server = Server::new().await;
    let samples = dialogs::samples();
    for (_, octets) in &samples {
        server.put("alice", &[octets]).await;
    }
    let mut client = server.log_in("alice").await;
    let (mut total, mut surrogates) = (0, 0);
    for (at, (name, octets)) in samples.iter().enumerate() {
        let number = at + 1;
        let (first, content) = client.content(&format!("RETR {number}")).await;
        let size = content.len();
        assert_eq!(first, format!("{size} octets"), "{name}");
        let listed = client.ok(&format!("LIST {number}")).await;
        assert_eq!(listed, format!("{number} {size}"), "{name}");
        let (_, header) = client.content(&format!("TOP {number} 0")).await;
        assert!(content.starts_with(header.trim_ascii_end()), "{name}");
        if !name.contains("no_header_at_all") && !name.contains("header_without") {
            assert!(header.is_ascii(), "{name}");
        }
        surrogates += usize::from(!content.starts_with(octets));
        total += size;
    }
    assert!(surrogates >= 2, "{surrogates}");
    let all = client.ok("STAT").await;
    assert_eq!(all, format!("{} {total}", samples.len()));
    let listed = client.content("LIST").await.1;
    let listed = String::from_utf8(listed).unwrap();
    let sizes = listed.lines().map(|line| line.split_once(' ').unwrap().1);
    let sum: usize = sizes.map(|size| size.parse::<usize>().unwrap()).sum();
    assert_eq!(sum, total);
}

#[tokio::test]
async fn sizes_count_the_line_end_that_is_missing() {
    // [rfc1939 11]
    let server = Server::new().await;
    let header = b"Subject: x\r\n\r\n";
    let ends: [&[u8]; 7] = [b"", b"a", b"a\r", b"a\n", b"\n", b"\r\n", b"a\r\n"];
    for end in ends {
        server.put("alice", &[&[&header[..], end].concat()]).await;
    }
    let mut client = server.log_in("alice").await;
    for (at, end) in ends.iter().enumerate() {
        let (first, content) = client.content(&format!("RETR {}", at + 1)).await;
        assert_eq!(first, format!("{} octets", content.len()), "{end:?}");
        let is_whole = end.is_empty() || end.ends_with(b"\r\n");
        let expect = header.len() + end.len() + if is_whole { 0 } else { 2 };
        assert_eq!(content.len(), expect, "{end:?}");
    }
}

#[tokio::test]
async fn a_delivery_during_a_session_is_invisible_until_the_next() {
    // [rfc1939 8]
    let server = Server::new().await;
    server.put("alice", &[&message(1)]).await;
    let mut client = server.log_in("alice").await;
    server.put("alice", &[&message(2)]).await;
    assert!(client.ok("STAT").await.starts_with("1 "));
    assert_eq!(
        client
            .content("UIDL")
            .await
            .1
            .split(|b| *b == b'\n')
            .count(),
        2
    );
    client.err("RETR 2").await;
    client.content("RETR 1").await;
    client.err("DELE 2").await;
    client.ok("DELE 1").await;
    client.ok("QUIT").await;
    let mut next = server.log_in("alice").await;
    let (_, content) = next.content("RETR 1").await;
    assert_eq!(content, message(2));
}

#[tokio::test]
async fn a_message_that_another_door_removed_is_gone() {
    let server = Server::new().await;
    server
        .put("alice", &[&message(1), &message(2), &message(3)])
        .await;
    let mut client = server.log_in("alice").await;
    let inbox = MailboxName::inbox();
    let mut view = server
        .account("alice")
        .select(&inbox, Access::ReadWrite)
        .await
        .unwrap();
    let second = [view.uid_at(2).unwrap()].into_iter().collect();
    view.expunge_uids(&second).await.unwrap();
    client.err("RETR 2").await;
    client.err("TOP 2 0").await;
    // numbers stay [rfc1939 5]
    assert_eq!(client.content("RETR 3").await.1, message(3));
    client.ok("DELE 2").await;
    client.ok("DELE 3").await;
    client.ok("QUIT").await;
    assert_eq!(server.uids("alice").await.len(), 1);
}

#[tokio::test]
async fn a_session_that_does_not_quit_removes_nothing() {
    // [rfc1939 6] [rfc1939 6 #1]
    let server = Server::new().await;
    server.put("alice", &[&message(1)]).await;
    let mut client = server.log_in("alice").await;
    client.ok("DELE 1").await;
    let Client { conn, session, .. } = client;
    conn.close().await;
    session.await.unwrap();
    assert_eq!(server.uids("alice").await.len(), 1);
}

#[tokio::test]
async fn nobody_sees_the_mail_of_another() {
    let server = Server::new().await;
    server.put("alice", &[&message(1)]).await;
    let mut bob = server.log_in("bob").await;
    assert_eq!(bob.ok("STAT").await, "0 0");
    bob.err("RETR 1").await;
}

#[tokio::test]
async fn a_stop_is_told_and_removes_nothing() {
    let server = Server::new().await;
    server.put("alice", &[&message(1)]).await;
    let mut client = server.log_in("alice").await;
    client.ok("DELE 1").await;
    server.stop.stop();
    assert_eq!(
        client.end().await,
        "-ERR [SYS/TEMP] server is going down\r\n"
    );
    assert_eq!(server.uids("alice").await.len(), 1);
}

#[tokio::test]
async fn a_silent_client_is_let_go_after_ten_minutes_and_removes_nothing() {
    // [rfc1939 3] [rfc1939 3 #5] [rfc1939 6 #1]
    let server = Server::new().await;
    server.put("alice", &[&message(1)]).await;
    let mut client = server.log_in("alice").await;
    client.ok("DELE 1").await;
    tokio::time::pause();
    let began = net::time::Instant::now();
    // half a command does not count as one
    client.conn.write_all(b"NOO").await.unwrap();
    let said = client.end().await;
    assert!(said.starts_with("-ERR "), "{said}");
    let waited = began.elapsed();
    assert!((600..610).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(server.uids("alice").await.len(), 1);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_let_go() {
    let server = Server::new().await;
    let large = [&b"Subject: large\r\n\r\n"[..], &b"x".repeat(900_000)].concat();
    server.put("alice", &[&large]).await;
    let mut client = server.log_in("alice").await;
    tokio::time::pause();
    client.say("RETR 1").await;
    let Client { session, conn, .. } = client;
    let ended = net::time::timeout(Duration::from_secs(700), session).await;
    assert!(ended.is_ok(), "the session waits for ever");
    drop(conn);
}

#[tokio::test]
async fn long_lists_come_whole_in_batches() {
    let server = Server::new().await;
    let messages: Vec<Vec<u8>> = (1..=1203).map(message).collect();
    for some in messages.chunks(100) {
        let some: Vec<&[u8]> = some.iter().map(Vec::as_slice).collect();
        server.put("alice", &some).await;
    }
    let mut client = server.log_in("alice").await;
    client.ok("DELE 600").await;
    for (word, expect) in [("LIST", "1203 31"), ("UIDL", "1203 ")] {
        let (_, list) = client.content(word).await;
        let list = String::from_utf8(list).unwrap();
        let lines: Vec<&str> = list.lines().collect();
        assert_eq!(lines.len(), 1202, "{word}");
        assert!(
            lines[0].starts_with("1 ") && lines[599].starts_with("601 "),
            "{word}"
        );
        assert!(lines[1201].starts_with(expect), "{word}: {}", lines[1201]);
    }
    let octets: usize = messages.iter().map(Vec::len).sum::<usize>() - messages[599].len();
    assert_eq!(client.ok("STAT").await, format!("1202 {octets}"));
}

#[tokio::test]
async fn unique_ids_fit_the_grammar() {
    // [rfc1939 7]
    let server = Server::new().await;
    server.put("alice", &[&message(1)]).await;
    let mut client = server.log_in("alice").await;
    let answer = client.ok("UIDL 1").await;
    let id = answer.strip_prefix("1 ").unwrap();
    assert!((1..=pop::limits::UNIQUE_ID_BYTES).contains(&id.len()));
    assert!(id.bytes().all(|b| (0x21..=0x7e).contains(&b)), "{id}");
}

#[tokio::test]
async fn many_marked_messages_are_all_removed_at_quit() {
    let server = Server::new().await;
    let messages: Vec<Vec<u8>> = (1..=50).map(message).collect();
    let some: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    server.put("alice", &some).await;
    let mut client = server.log_in("alice").await;
    for number in 1..=49 {
        client.ok(&format!("DELE {number}")).await;
    }
    client.ok("QUIT").await;
    assert_eq!(client.end().await, "");
    assert_eq!(server.uids("alice").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quit_that_cannot_be_made_durable_is_refused_and_removes_nothing() {
    // [rfc1939 6]
    let (files, disk) = Files::sim(1);
    let db = Db::open(files, store::Settings::default()).unwrap();
    let server = Server::over(db.clone()).await;
    server.put("alice", &[&message(1), &message(2)]).await;
    let mut client = server.log_in("alice").await;
    client.ok("DELE 1").await;
    disk.fail_at(disk.operations() + 1, SimFailure::InputOutput);
    let answer = client.err("QUIT").await;
    assert!(answer.starts_with("-ERR [SYS/TEMP] "), "{answer}");
    assert_eq!(client.end().await, "");
    assert_eq!(server.uids("alice").await.len(), 2);
    let mut next = server.log_in("alice").await;
    // reading goes on
    assert_eq!(next.content("RETR 1").await.1, message(1));
    db.close().await;
}

#[tokio::test]
async fn pop3_claims_no_recent() {
    let server = Server::new().await;
    server.put("alice", &[&message(1)]).await;
    let mut client = server.log_in("alice").await;
    client.content("RETR 1").await;
    client.ok("QUIT").await;
    let inbox = MailboxName::inbox();
    let view = server
        .account("alice")
        .select(&inbox, Access::ReadWrite)
        .await
        .unwrap();
    assert_eq!(view.recent(), 1);
    assert_eq!(view.first_unseen(), Some(1), "RETR sets no \\Seen");
}

impl Client {
    /// Sends a wrong password, whose answer waits.
    async fn is_delayed(&mut self) {
        assert!(self.line().await.starts_with("+OK "));
        self.ok("USER alice@example.test").await;
        self.say("PASS wrong").await;
        let waiting = net::time::timeout(Duration::from_secs(1), self.line());
        assert!(waiting.await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_delayed_ends_with_its_client_or_the_server() {
    let server = Server::new().await;
    server.house.many_wrong_passwords().await;
    let mut client = server.connect();
    client.is_delayed().await;
    let Client { conn, session, .. } = client;
    drop(conn);
    let began = net::time::now();
    session.await.unwrap();
    assert!(began.elapsed().as_secs() < 3, "{:?}", began.elapsed());

    let mut client = server.connect();
    client.is_delayed().await;
    let began = net::time::now();
    server.stop.stop();
    let said = client.end().await;
    assert_eq!(said, "-ERR [SYS/TEMP] server is going down\r\n");
    assert!(began.elapsed().as_secs() < 1, "{:?}", began.elapsed());
}

#[tokio::test]
async fn thousands_of_pipelined_commands_of_one_client_let_another_have_its_turn() {
    let server = Server::new().await;
    let greedy = [&b"CAPA\r\n".repeat(5_000)[..], b"QUIT\r\n"].concat();
    let modest = b"CAPA\r\nQUIT\r\n".to_vec();
    let session = |conn| popd::session(conn, server.door.clone(), server.stop.clone());
    let order = order_of_ending([greedy, modest], session).await;
    assert_eq!(order, [1, 0]);
}

impl Server {
    /// The same house, so many days later, behind a door that lets mail expire.
    async fn later(&self, days: u64, expire: Expire) -> Server {
        let now = self.house.clock.now();
        let clock = net::Clock::manual(now.after(Duration::from_secs(days * 86_400)));
        let random = self.house.random.clone();
        let db = self.house.db.clone();
        let settings = mail::MailSettings {
            weak_passwords: mail::WeakPasswords::Allowed,
            ..mail::MailSettings::default()
        };
        let mail = Mail::open(db, clock, random, settings);
        let mail = mail.await.unwrap();
        let mut settings = Settings::new("example.test");
        settings.clear_text = ClearText::Allowed;
        settings.expire = expire;
        let door = Arc::new(Door::new(mail.clone(), None, settings));
        let mut house = self.house.clone();
        house.mail = mail;
        Server {
            house,
            door,
            stop: Stop::new(),
        }
    }
}

#[tokio::test]
async fn messages_past_their_days_go_at_quit_and_only_then() {
    // [rfc2449 6.7]
    let server = Server::new().await;
    server.put("alice", &[&message(1), &message(2)]).await;
    let early = server.later(29, Expire::Days(30)).await;
    let mut client = early.log_in("alice").await;
    client.ok("QUIT").await;
    assert_eq!(client.end().await, "");
    assert_eq!(server.uids("alice").await.len(), 2);
    let late = server.later(31, Expire::Days(30)).await;
    late.put("alice", &[&message(3)]).await;
    let mut client = late.log_in("alice").await;
    // what came after the login is not looked at
    late.put("alice", &[&message(4)]).await;
    assert!(client.ok("STAT").await.starts_with("3 "));
    let Client { conn, session, .. } = client;
    conn.close().await;
    session.await.unwrap();
    assert_eq!(late.uids("alice").await.len(), 4, "it was lost, not ended");
    let mut client = late.log_in("alice").await;
    client.ok("QUIT").await;
    assert_eq!(client.end().await, "");
    assert_eq!(late.uids("alice").await, [3, 4]);
}

#[tokio::test]
async fn nothing_expires_unless_it_is_set() {
    let server = Server::new().await;
    server.put("alice", &[&message(1)]).await;
    let late = server.later(10_000, Expire::Never).await;
    let mut client = late.log_in("alice").await;
    client.content("RETR 1").await;
    client.ok("QUIT").await;
    assert_eq!(client.end().await, "");
    assert_eq!(late.uids("alice").await.len(), 1);
}

#[tokio::test]
async fn what_was_read_goes_at_quit_where_nothing_may_be_left() {
    // [rfc2449 6.7]
    let server = Server::new().await;
    let all = [message(1), message(2), message(3)];
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    server.put("alice", &all).await;
    let now = server.later(0, Expire::Days(0)).await;
    let mut client = now.log_in("alice").await;
    client.content("RETR 2").await;
    client.content("TOP 1 1").await;
    client.ok("DELE 3").await;
    client.ok("RSET").await;
    client.ok("QUIT").await;
    assert_eq!(client.end().await, "");
    assert_eq!(now.uids("alice").await, [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_next_login_waits_for_its_delay_and_no_other_account_does() {
    // [rfc2449 6.5]
    let mut server = Server::new().await;
    let mut settings = Settings::new("example.test");
    settings.clear_text = ClearText::Allowed;
    settings.login_delay = Duration::from_secs(60);
    server.door = Arc::new(Door::new(server.mail().clone(), None, settings.clone()));
    let client = server.log_in("alice").await;
    // other settings do not forget who was here
    server.door = Arc::new(server.door.successor(settings));
    server.log_in("bob").await;
    tokio::time::advance(Duration::from_secs(59)).await;
    let mut early = server.connect();
    assert!(early.line().await.starts_with("+OK "));
    early.ok("USER alice@example.test").await;
    let refused = early.err("PASS secret").await;
    assert!(refused.starts_with("-ERR [LOGIN-DELAY] "), "{refused}");
    // being refused does not begin it anew
    tokio::time::advance(Duration::from_secs(1)).await;
    early.ok("USER alice@example.test").await;
    early.ok("PASS secret").await;
    drop(client);
}

#[tokio::test]
async fn last_goes_on_from_what_other_programs_have_seen() {
    let server = Server::new().await;
    let all = [message(1), message(2), message(3)];
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    server.put("alice", &all).await;
    let inbox = MailboxName::inbox();
    let account = server.account("alice");
    let mut view = account.select(&inbox, Access::ReadWrite).await.unwrap();
    let first_two: roaring::RoaringBitmap = view.uids().iter().take(2).collect();
    let seen = Flags {
        system: mail::SystemFlags::SEEN,
        ..Flags::default()
    };
    view.store(&first_two, &mail::FlagChange::Add(seen), None)
        .await
        .unwrap();
    let mut client = server.log_in("alice").await;
    assert_eq!(client.ok("LAST").await, "2");
    client.content("RETR 1").await;
    assert_eq!(client.ok("LAST").await, "2");
    client.content("RETR 3").await;
    assert_eq!(client.ok("LAST").await, "3");
    client.ok("RSET").await;
    assert_eq!(client.ok("LAST").await, "2");
}

/// What IMAP sees of a mailbox: UIDs and names of flags.
async fn seen(server: &Server, mailbox: &str) -> Vec<(u32, Vec<String>)> {
    let name = MailboxName::try_from(mailbox).unwrap();
    let account = server.account("alice");
    let view = account.select(&name, Access::ReadOnly).await.unwrap();
    let mut cursor = Cursor::start();
    let messages = view.fetch(view.uids(), Want::Flags, &mut cursor, 100);
    let names = |flags: &Flags| flags.names().map(str::to_owned).collect();
    let messages = messages.unwrap().into_iter();
    messages.map(|m| (m.uid, names(&m.flags))).collect()
}

#[tokio::test]
async fn what_pop4_makes_renames_and_deletes_is_subscribed_as_it_is_there() {
    let server = Server::new().await;
    let account = server.account("alice");
    let before = account.subscriptions().unwrap().len();
    let subscribed = || {
        let names = account.subscriptions().unwrap();
        let names: Vec<String> = names.iter().map(|name| name.as_str().to_owned()).collect();
        let ours = |name: &String| name.starts_with("Work") || name.starts_with("Old");
        names.into_iter().filter(ours).collect::<Vec<_>>()
    };
    let mut client = server.log_in("alice").await;
    client.ok("CFLD Work/New").await;
    assert_eq!(subscribed(), ["Work", "Work/New"]);
    client.ok("RENF Work Old/Work").await;
    assert_eq!(subscribed(), ["Old", "Old/Work", "Old/Work/New"]);
    client.ok("MOVF Old/Work/New /").await;
    client.ok("RENF New Worked").await;
    client.ok("DFLD Old/Work").await;
    assert_eq!(subscribed(), ["Old", "Worked"]);
    client.ok("DFLD Old").await;
    client.ok("DFLD Worked").await;
    assert_eq!(account.subscriptions().unwrap().len(), before);
}

#[tokio::test]
async fn what_pop4_does_is_seen_at_once_by_others_and_the_other_way_round() {
    let server = Server::new().await;
    server
        .put("alice", &[b"Subject: 1\r\n\r\n", b"Subject: 2\r\n\r\n"])
        .await;
    let inbox = MailboxName::inbox();
    // a session of IMAP that has INBOX open
    let account = server.account("alice");
    let mut other = account.select(&inbox, Access::ReadWrite).await.unwrap();
    let mut client = server.log_in("alice").await;

    client.ok("CFLD Work/New").await;
    let work = MailboxName::try_from("Work/New").unwrap();
    let made = account.mailbox(&work).unwrap().unwrap();
    assert!(made.selectable && made.subscribed);

    client.ok("SFLG 1 +flagged,$Todo").await;
    let updates = other.advance(Expunges::Tell).unwrap();
    let [Update::Flags { uid, flags, .. }] = &updates[..] else {
        panic!("{updates:?}")
    };
    let names: Vec<&str> = flags.names().collect();
    assert_eq!((*uid, names), (1, vec!["\\Flagged", "$Todo"]));

    client.ok("MOVE 2 Work/New").await;
    assert_eq!(seen(&server, "Work/New").await, [(1, vec![])]);
    assert!(
        other.advance(Expunges::Tell).unwrap().is_empty(),
        "not before QUIT"
    );

    // and back: keywords without $ and \Deleted stay out of POP4's sight, and as they are
    let keyword = Keyword::new("NonJunk").unwrap();
    let mut flags = Flags::system(SystemFlags::SEEN | SystemFlags::DELETED);
    flags.keywords.push(keyword);
    let first = [1].into_iter().collect();
    other
        .store(&first, &FlagChange::Add(flags), None)
        .await
        .unwrap();
    client.say("LFLG 1").await;
    assert!(client.line().await.starts_with("+OK"));
    assert_eq!(client.line().await, "1 seen,flagged,$Todo\r\n");
    assert_eq!(client.line().await, ".\r\n");
    client.ok("SFLG 1 =answered").await;
    let mut kept = seen(&server, "INBOX").await.remove(0).1;
    kept.sort();
    assert_eq!(kept, ["NonJunk", "\\Answered", "\\Deleted"]);

    account
        .rename(&work, &MailboxName::try_from("Done").unwrap())
        .await
        .unwrap();
    client.say("SFLD Work/New").await;
    assert!(client.line().await.starts_with("-ERR no such folder"));
    client.ok("SFLD Done").await;
    client.ok("QUIT").await;
    assert_eq!(
        other.advance(Expunges::Tell).unwrap().len(),
        2,
        "the flags of 1, and 2 is gone"
    );
    assert_eq!(seen(&server, "INBOX").await.len(), 1);
}

#[tokio::test]
async fn a_lost_connection_leaves_a_moved_message_in_both_folders() {
    let server = Server::new().await;
    server.put("alice", &[b"Subject: 1\r\n\r\n"]).await;
    let mut client = server.log_in("alice").await;
    client.ok("MOVE 1 Archive").await;
    client.ok("SFLD Archive").await;
    client.ok("DELE 1").await;
    client.say("STOR").await;
    assert!(client.line().await.starts_with("+OK"));
    client.say("Subject: cut short").await;
    drop(client.conn);
    client.session.await.unwrap();
    assert_eq!(seen(&server, "INBOX").await.len(), 1);
    assert_eq!(seen(&server, "Archive").await.len(), 1);
}

#[tokio::test]
async fn marks_in_more_folders_than_the_bound_wait_for_quit() {
    let server = Server::new().await;
    let account = server.account("alice");
    server.put("alice", &[b"Subject: 1\r\n\r\n"]).await;
    let mut client = server.log_in("alice").await;
    for number in 0..101 {
        let name = MailboxName::try_from(format!("f{number}").as_str()).unwrap();
        account.create(&name, None).await.unwrap();
        client.ok("SFLD INBOX").await;
        client.ok(&format!("COPY 1 f{number}")).await;
        client.say(&format!("SFLD f{number}")).await;
        let line = client.line().await;
        match number {
            // INBOX waits as well
            100 => assert!(
                line.starts_with("-ERR messages are deleted in too many"),
                "{line}"
            ),
            _ => {
                assert!(line.starts_with("+OK 1 "), "{number}: {line}");
                client.ok("DELE 1").await;
            }
        }
    }
    client.ok("QUIT").await;
    for number in 0..100 {
        assert!(seen(&server, &format!("f{number}")).await.is_empty());
    }
}

#[tokio::test]
async fn a_folder_that_others_delete_or_rename_does_not_hold_up_quit() {
    let server = Server::new().await;
    let account = server.account("alice");
    server.put("alice", &[b"Subject: 1\r\n\r\n"]).await;
    let mut client = server.log_in("alice").await;
    for folder in ["Archive", "Trash"] {
        client.ok(&format!("COPY 1 {folder}")).await;
        client.ok(&format!("SFLD {folder}")).await;
        client.ok("DELE 1").await;
        client.ok("SFLD INBOX").await;
    }
    let name = |name: &str| MailboxName::try_from(name).unwrap();
    account.delete(&name("Archive")).await.unwrap();
    account.rename(&name("Trash"), &name("Bin")).await.unwrap();
    client.ok("DELE 1").await;
    client.ok("QUIT").await;
    assert!(seen(&server, "INBOX").await.is_empty());
    assert!(seen(&server, "Bin").await.is_empty());
}

#[tokio::test]
async fn no_greeting_makes_fetchmail_believe_that_it_must_speak_sdps() {
    let mut server = Server::new().await;
    for (hostname, greeted) in [
        ("mail.demon.test", "mail"),
        ("Punt.Demon.test", "Punt"),
        ("demon.test", "demon"),
        ("daemon.example.test", "daemon.example.test"),
        ("mail.demonstration.test", "mail.demonstration.test"),
    ] {
        server.set(|settings| hostname.clone_into(&mut settings.hostname));
        let greeting = server.connect().line().await;
        assert_eq!(greeting, format!("+OK {greeted} POP3 POP4 rev 0 ready\r\n"));
    }
}
