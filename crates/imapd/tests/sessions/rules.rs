//! The session's own rules: time, limits, the server's stop, several sessions at once.

use crate::client::{Client, Server};
use dialogs::turns::order_of_ending;
use std::time::Duration;
use store::{Db, Files, SimFailure};

const MESSAGE: &[u8] = b"Subject: x\r\n\r\nhello\r\n";

fn elapsed_s(since: net::time::Instant) -> u64 {
    since.elapsed().as_secs()
}

/// `net::serve` needs sessions that can move between threads.
#[test]
fn a_session_can_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let make = |conn, door, stop| {
        let future = imapd::session(conn, door, stop);
        is_send(&future);
        future
    };
    let _ = make;
}

/// Thousands of sessions wait at a time; a command's room must not be held while none runs.
#[tokio::test]
async fn a_session_that_waits_holds_no_room_for_commands() {
    let server = Server::new().await;
    let (conn, _peer) = net::Conn::pipe(1);
    let session = imapd::session(conn, server.door.clone(), server.stop.clone());
    let bytes = size_of_val(&session);
    assert!(bytes < 6 * 1024, "a session takes {bytes} octets");
}

#[tokio::test]
async fn a_client_that_does_not_log_in_is_let_go() {
    let server = Server::new().await;
    let mut client = server.connect();
    tokio::time::pause();
    let began = net::time::Instant::now();
    client.ok_or_greeting().await;
    let said = client.end().await;
    assert!(said.starts_with("* BYE "), "{said}");
    assert!((59..62).contains(&elapsed_s(began)), "{began:?}");
}

impl Client {
    async fn ok_or_greeting(&mut self) {
        assert!(self.response().await.starts_with(b"* OK "));
    }
}

/// [rfc3501 5.4] [rfc9051 5.4]
/// [rfc9051 5.4 #1]
/// [rfc3501 3.4 #2] [rfc3501 5.4 #1]
#[tokio::test]
async fn a_silent_session_is_let_go_after_thirty_minutes_and_not_before() {
    let server = Server::new().await;
    let client = server.selected().await;
    tokio::time::pause();
    let began = net::time::Instant::now();
    let said = client.end().await;
    assert!(said.starts_with("* BYE "), "{said}");
    assert!((1800..1802).contains(&elapsed_s(began)));
}

/// [rfc2177 3]
#[tokio::test]
async fn idle_gives_signs_of_life_and_ends_with_the_autologout() {
    let server = Server::new().await;
    let mut client = server.selected().await;
    client.start(b"IDLE").await;
    assert!(client.response().await.starts_with(b"+ "));
    tokio::time::pause();
    let began = net::time::Instant::now();
    assert_eq!(client.response().await, b"* OK still here");
    assert!((119..122).contains(&elapsed_s(began)));
    let said = client.end().await;
    assert!(said.contains("* BYE "), "{said}");
    assert!((1799..1802).contains(&elapsed_s(began)));
}

/// [rfc9051 5.3 #1 #2]
/// [rfc3501 5.3 #1 #2]
#[tokio::test]
async fn a_client_that_does_not_read_is_let_go() {
    let server = Server::new().await;
    let mut client = server.selected().await;
    client
        .append("INBOX", &[MESSAGE, &vec![b'x'; 200_000]].concat())
        .await;
    client.start(b"FETCH 1 BODY[]").await;
    tokio::time::pause();
    let began = net::time::Instant::now();
    let Client { conn, session, .. } = client;
    session.await.unwrap();
    assert!((179..190).contains(&elapsed_s(began)));
    drop(conn);
}

/// [rfc3501 3.4 #2]
#[tokio::test]
async fn a_stop_is_told_to_every_session_whatever_it_does() {
    let server = Server::new().await;
    let waiting = server.connect();
    let selected = server.selected().await;
    let mut idle = server.selected().await;
    idle.start(b"IDLE").await;
    assert!(idle.response().await.starts_with(b"+ "));
    let mut appending = server.log_in("bob").await;
    appending.start(b"APPEND INBOX {100}").await;
    assert!(appending.response().await.starts_with(b"+ "));
    server.stop.stop();
    for client in [waiting, selected, idle, appending] {
        let said = client.end().await;
        assert!(said.contains("* BYE [UNAVAILABLE] "), "{said}");
    }
}

#[tokio::test]
async fn a_message_cut_off_in_the_middle_is_not_kept() {
    let server = Server::new().await;
    let mut client = server.log_in("alice").await;
    client.start(b"APPEND INBOX {100}").await;
    assert!(client.response().await.starts_with(b"+ "));
    client.send(b"Subject: half").await;
    let Client { conn, session, .. } = client;
    conn.close().await;
    session.await.unwrap();
    let mut next = server.selected().await;
    assert_eq!(next.ok("SEARCH ALL").await.lines(), ["SEARCH"]);
}

#[tokio::test]
async fn nobody_sees_the_mail_of_another() {
    let server = Server::new().await;
    let mut alice = server.selected().await;
    alice.append("INBOX", MESSAGE).await;
    let mut bob = server.log_in("bob").await;
    let said = bob.ok("SELECT INBOX").await;
    assert!(said.lines().contains(&"0 EXISTS".to_owned()));
}

/// More messages than a batch holds, in every command that goes through them.
#[tokio::test]
async fn many_messages_are_fetched_searched_and_stored_in_batches() {
    let server = Server::new().await;
    let mut client = server.selected().await;
    const COUNT: u32 = 250;
    for number in 0..COUNT {
        let message = format!("Subject: number {number}\r\n\r\nbody {number}\r\n");
        client.append("INBOX", message.as_bytes()).await;
    }
    let said = client.ok("FETCH 1:* (UID BODY[TEXT])").await;
    let fetched = said.fetched();
    assert_eq!(fetched.len() as u32, COUNT);
    for (at, (seq, items)) in fetched.iter().enumerate() {
        assert_eq!(*seq as usize, at + 1);
        let text = String::from_utf8_lossy(items[3].text().unwrap()).into_owned();
        assert_eq!(text, format!("body {at}\r\n"));
    }
    assert_eq!(client.ok("SEARCH UNSEEN").await.lines(), ["SEARCH"]);
    let said = client.ok("SEARCH BODY \"body 24\"").await;
    assert_eq!(
        said.lines(),
        ["SEARCH 25 241 242 243 244 245 246 247 248 249 250"]
    );
    let said = client.ok("STORE 1:* +FLAGS (\\Deleted)").await;
    assert_eq!(said.untagged.len() as u32, COUNT);
    let said = client.ok("EXPUNGE").await;
    assert_eq!(said.untagged.len() as u32, COUNT);
    assert!(client.ok("NOOP").await.untagged.is_empty());
}

/// [rfc2180 3.1] the other session is told by BYE; the one that deleted goes on.
#[tokio::test]
async fn deleting_the_selected_mailbox_ends_the_selection_of_its_own_session() {
    let server = Server::new().await;
    let mut client = server.log_in("alice").await;
    client.ok("CREATE gone").await;
    client.ok("SELECT gone").await;
    client.ok("DELETE gone").await;
    assert!(client.ask("FETCH 1 UID").await.answer.starts_with("BAD"));
    client.ok("NOOP").await;
}

#[tokio::test]
async fn a_waiting_idle_hears_of_mail_at_once() {
    let server = Server::new().await;
    let mut idle = server.selected().await;
    let tag = idle.start(b"IDLE").await;
    assert!(idle.response().await.starts_with(b"+ "));
    let mut other = server.log_in("alice").await;
    for count in 1..=3 {
        other.append("INBOX", MESSAGE).await;
        let told = async {
            loop {
                let response = idle.response().await;
                if response == format!("* {count} EXISTS").as_bytes() {
                    break;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), told)
            .await
            .unwrap();
    }
    idle.send(b"DONE\r\n").await;
    assert!(idle.answer(&tag).await.answer.starts_with("OK"));
}

/// After DELETE and after RENAME.
/// [rfc9051 2.3.1.1 #1 #3 #6] [rfc9051 6.3.4 #4] [rfc9051 6.3.5 #3] [rfc9051 6.3.6 #2]
/// [rfc3501 2.3.1.1 #1 #3 #6] [rfc3501 6.3.3 #2] [rfc3501 6.3.4 #3] [rfc3501 6.3.5 #2]
#[tokio::test]
async fn a_mailbox_made_again_has_a_greater_uidvalidity() {
    let server = Server::new().await;
    let mut client = server.log_in("alice").await;
    let mut seen: Vec<u64> = Vec::new();
    for end in ["DELETE again", "RENAME again other", "DELETE again"] {
        client.ok("CREATE again").await;
        client.append("again", MESSAGE).await;
        let said = client.ok("STATUS again (UIDVALIDITY)").await.lines();
        let number = said[0].strip_prefix("STATUS again (UIDVALIDITY ").unwrap();
        seen.push(number.trim_end_matches(')').parse().unwrap());
        client.ok(end).await;
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
}

/// Nothing is said to be kept that may not be, and reading goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_cannot_be_made_durable_is_refused_and_reading_goes_on() {
    let (files, disk) = Files::sim(1);
    let db = Db::open(files, store::Settings::default()).unwrap();
    let server = Server::over(db.clone()).await;
    let mut client = server.selected().await;
    client.append("INBOX", MESSAGE).await;
    disk.fail_at(disk.operations() + 1, SimFailure::InputOutput);
    let head = format!("APPEND INBOX {{{}+}}\r\n", MESSAGE.len());
    let said = client.ask_bytes(&[head.as_bytes(), MESSAGE].concat()).await;
    assert!(
        said.answer.starts_with("NO [UNAVAILABLE] "),
        "{}",
        said.answer
    );
    assert!(said.answer.contains("id "), "{}", said.answer);
    let said = client.ok("FETCH 1:* BODY.PEEK[]").await;
    assert_eq!(said.fetched().len(), 1);
    assert_eq!(said.text_of("BODY[]").unwrap(), MESSAGE);
    assert_eq!(client.ok("SEARCH ALL").await.lines(), ["SEARCH 1"]);
    db.close().await;
}

/// A session that has sent a wrong password, whose answer waits for some ten seconds.
async fn is_delayed(server: &Server) -> Client {
    let mut client = server.connect();
    assert!(client.response().await.starts_with(b"* OK "));
    client.start(b"LOGIN alice wrong").await;
    let waiting = tokio::time::timeout(Duration::from_secs(1), client.response());
    assert!(waiting.await.is_err());
    client
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_delayed_ends_with_its_client_or_the_server() {
    let server = Server::new().await;
    server.house.many_wrong_passwords().await;
    let Client { conn, session, .. } = is_delayed(&server).await;
    drop(conn);
    let began = net::time::Instant::now();
    session.await.unwrap();
    assert!(elapsed_s(began) < 3);

    let client = is_delayed(&server).await;
    let began = net::time::Instant::now();
    server.stop.stop();
    let said = client.end().await;
    assert!(said.starts_with("* BYE [UNAVAILABLE] "), "{said}");
    assert!(elapsed_s(began) < 1);
}

#[tokio::test]
async fn thousands_of_pipelined_commands_of_one_client_let_another_have_its_turn() {
    let server = Server::new().await;
    let greedy = [&b"a NOOP\r\n".repeat(5_000)[..], b"b LOGOUT\r\n"].concat();
    let modest = b"a NOOP\r\nb LOGOUT\r\n".to_vec();
    let session = |conn| imapd::session(conn, server.door.clone(), server.stop.clone());
    let order = order_of_ending([greedy, modest], session).await;
    assert_eq!(order, [1, 0]);
}

#[tokio::test]
async fn a_search_for_many_texts_lets_another_client_have_its_turn() {
    let server = Server::new().await;
    let mut searching = server.selected().await;
    for _ in 0..200 {
        searching.append("INBOX", MESSAGE).await;
    }
    searching.ok("NOOP").await;
    let mut modest = server.connect();
    assert!(modest.response().await.starts_with(b"* OK "));
    // the keys take many turns, and the other client asks and is answered many times meanwhile
    let keys = "OR BODY none BODY hello ".repeat(50) + "ALL";
    let tag = searching.start(format!("SEARCH {keys}").as_bytes()).await;
    let search = async {
        searching.answer(&tag).await;
        net::time::now()
    };
    let asks = async {
        for _ in 0..10 {
            modest.ok("NOOP").await;
        }
        net::time::now()
    };
    let (searched, answered) = tokio::join!(search, asks);
    assert!(answered < searched);
}

/// [rfc7162 3.2.10.1] [rfc7162 3.2.10.2] [rfc7162 4]
#[tokio::test]
async fn many_messages_vanish_in_lines_of_bounded_length() {
    const COUNT: u32 = 2_100;
    let server = Server::new().await;
    let mut client = server.selected().await;
    client.ok("ENABLE QRESYNC").await;
    for _ in 0..COUNT / 700 {
        let message = format!(
            " {{{}+}}\r\n{}",
            MESSAGE.len(),
            "Subject: x\r\n\r\nhello\r\n"
        );
        let said = client
            .ask(&format!("APPEND INBOX{}", message.repeat(700)))
            .await;
        assert!(said.answer.starts_with("OK"), "{}", said.answer);
    }
    // Far more than the 8,192 octets that a client may write in one line.
    let odd: Vec<u32> = (1..COUNT).step_by(2).collect();
    let list: Vec<String> = odd.iter().map(u32::to_string).collect();
    let set = [list.clone(), list].concat().join(",");
    assert!(set.len() > 8_192);
    client
        .ok(&format!("STORE {set} +FLAGS.SILENT (\\Deleted)"))
        .await;
    let check = |lines: Vec<String>, start: &str| {
        let mut gone = Vec::new();
        let mut pieces = 0;
        for line in lines.iter().filter_map(|line| line.strip_prefix(start)) {
            assert!(line.len() < 8_192, "{}", line.len());
            gone.extend(crate::resync::uids(line));
            pieces += 1;
        }
        assert_eq!(gone, odd);
        assert!(pieces > 1);
    };
    check(client.ok("EXPUNGE").await.lines(), "VANISHED ");
    let said = client
        .ok("UID FETCH 1:* UID (CHANGEDSINCE 1 VANISHED)")
        .await;
    check(said.lines(), "VANISHED (EARLIER) ");
}

/// Where the change log no longer reaches back, each message says it itself, and every UID that is
/// missing is told. [rfc7162 3.2.6] [rfc7162 5.1]
#[tokio::test]
async fn a_forgotten_history_costs_octets_and_no_truth() {
    // [rfc7162 3.2.6 #6]
    let server = Server::forgetful().await;
    let mut client = server.selected().await;
    client.ok("ENABLE QRESYNC").await;
    for _ in 0..5 {
        client.append("INBOX", MESSAGE).await;
    }
    for (set, flag) in [("1", "\\Deleted"), ("2", "\\Flagged"), ("4", "\\Deleted")] {
        let store = format!("STORE {set} +FLAGS.SILENT ({flag})");
        client.ok(&store).await;
    }
    client.ok("UID EXPUNGE 1").await;
    let said = client
        .ok("STATUS INBOX (HIGHESTMODSEQ)")
        .await
        .lines()
        .remove(0);
    let modseq = said
        .trim_end_matches(')')
        .rsplit(' ')
        .next()
        .unwrap()
        .to_owned();
    client.ok("UID EXPUNGE 4").await;
    let ask = format!("UID FETCH 1:* UID (CHANGEDSINCE {modseq} VANISHED)");
    assert_eq!(client.ok(&ask).await.lines(), ["VANISHED (EARLIER) 4"]);
    let store = format!("UID STORE 3 (UNCHANGEDSINCE {modseq}) +FLAGS (\\Flagged)");
    client.ok(&store).await;
    let other_flag = format!("UID STORE 3 (UNCHANGEDSINCE {modseq}) +FLAGS (\\Draft)");
    assert!(!client.ok(&other_flag).await.answer.contains("MODIFIED"));

    server.forget().await;
    let said = client.ok(&ask).await;
    assert_eq!(said.lines()[0], "VANISHED (EARLIER) 1,4");
    let changed: Vec<u32> = said.fetched().iter().map(|(seq, _)| *seq).collect();
    assert_eq!(changed, [2], "only the message with UID 3");
    let search = format!("UID SEARCH RETURN (ALL) NOT MODSEQ {modseq}");
    let said = client.ok(&search).await.lines().remove(0);
    assert!(said.contains(" UID ALL 2,5 MODSEQ "), "{said}");
    let answer = client.ok(&other_flag.replace("Draft", "Seen")).await.answer;
    assert!(answer.starts_with("OK [MODIFIED 3] "), "{answer}");
}
