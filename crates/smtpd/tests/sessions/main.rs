//! Whole sessions: what dialogue files cannot say (what lies in the mailbox afterwards, time, the
//! server's end, lost connections).
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../client/mod.rs"]
mod client;
mod content;
mod local;
mod trouble;

use client::Client;
use dialogs::house::House;
use dialogs::script::Script;
use dialogs::turns::order_of_ending;
use mail::{Access, Cursor, MailboxName, Message, View, Want};
use net::{Bounds, Conn, Listener, Stop};
use post::{Post, PostSettings};
use smtpd::{BareNewline, ClearText, Door, Role, Settings};
use std::sync::Arc;
use std::time::Duration;
use store::Db;
use tokio::time::Instant;

const ALICE: &str = "AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=";

const CAROL: &str = "carol@example.org";
const BOB: &[&str] = &["bob@example.test"];

fn took_less_than(began: Instant, seconds: u64) {
    let took = began.elapsed();
    assert!(took < Duration::from_secs(seconds), "{took:?}");
}

struct Server {
    house: House,
    exchange: Arc<Door>,
    submission: Arc<Door>,
    lmtp: Arc<Door>,
    stop: Stop,
}

impl Server {
    async fn new() -> Server {
        Server::over(Db::memory()).await
    }

    async fn over(db: Db) -> Server {
        let script = "# Sessions.\n@listener smtp\n@account alice secret\n@account bob secret\n\
            @alias team alice,bob\n";
        let script = Script::parse("sessions", script).unwrap();
        let house = House::over(db, &script).await.unwrap();
        let parts = (
            house.mail.clone(),
            house.clock.clone(),
            house.random.clone(),
        );
        let post = Post::new(parts.0, parts.1, parts.2, PostSettings::new("example.test"));
        let door = |role| {
            let mut settings = Settings::new("example.test", role);
            settings.clear_text = ClearText::Allowed;
            settings.bare_newline = BareNewline::Normalize {
                networks: Vec::new(),
            };
            Arc::new(Door::new(post.clone(), house.mail.clone(), None, settings))
        };
        Server {
            exchange: door(Role::Exchange),
            submission: door(Role::Submission),
            lmtp: door(Role::Lmtp),
            house,
            stop: Stop::new(),
        }
    }

    async fn view(&self, name: &str) -> View {
        let inbox = MailboxName::inbox();
        let account = self.house.account(name);
        account.select(&inbox, Access::ReadOnly).await.unwrap()
    }

    async fn messages(&self, name: &str) -> Vec<Message> {
        let view = self.view(name).await;
        view.fetch(view.uids(), Want::Ready, &mut Cursor::start(), 1_000)
            .unwrap()
    }

    /// All messages of an INBOX as they would be read.
    async fn texts(&self, name: &str) -> Vec<String> {
        let text = |message: &Message| {
            let content = message.ready.as_ref().unwrap().content();
            let bytes = content
                .read(0, usize::try_from(content.len()).unwrap())
                .unwrap();
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        self.messages(name).await.iter().map(text).collect()
    }

    async fn connect(&self, door: &Arc<Door>) -> Client {
        let (client, server) = Conn::pipe(4_096);
        tokio::spawn(smtpd::session(server, door.clone(), self.stop.clone()));
        let mut client = Client::new(client);
        client.expect("220").await;
        client
    }

    /// A stranger who has said EHLO.
    async fn stranger(&self) -> Client {
        let mut client = self.connect(&self.exchange).await;
        client.ask("EHLO x", "250").await;
        client
    }
}

impl Client {
    async fn envelope(&mut self, from: &str, to: &[&str]) {
        self.ask(&format!("MAIL FROM:<{from}>"), "250").await;
        for to in to {
            self.ask(&format!("RCPT TO:<{to}>"), "250").await;
        }
        self.ask("DATA", "354").await;
    }

    /// Sends a message; gives the id.
    async fn deliver(&mut self, from: &str, to: &[&str], content: &[u8]) -> String {
        self.envelope(from, to).await;
        self.send(content).await;
        let reply = self.ask(".", "250 2.0.0 ").await;
        reply.rsplit(' ').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_message_lies_in_the_mailbox_when_it_is_acknowledged() {
    // [rfc5321 4.4 #1 #3 #5 #6 #7]
    // [rfc5321 2.1] [rfc5321 3.7.2] [rfc5321 4.4] [rfc5321 4.5.2] [rfc5321 4.2.5] [rfc5321 2.1 #1]
    let server = Server::new().await;
    let mut client = server.connect(&server.exchange).await;
    client.ask("EHLO mail.example.org", "250").await;
    let content =
        b"Received: from a by b; x\r\nReceived: from c by a; y\r\nSubject: hello\r\n\r\n..dot\r\n";
    let id = client.deliver(CAROL, BOB, content).await;
    let texts = server.texts("bob").await;
    let (prefix, rest) = texts[0].split_at(texts[0].find("Received: from a by b").unwrap());
    assert_eq!(
        rest,
        "Received: from a by b; x\r\nReceived: from c by a; y\r\nSubject: hello\r\n\r\n.dot\r\n"
    );
    let (return_path, received) = prefix.split_once("\r\n").unwrap();
    assert_eq!(return_path, "Return-Path: <carol@example.org>");
    let received = received.replace("\r\n\t", " ");
    let expected = format!(
        "Received: from mail.example.org ([127.0.0.1]) by example.test with ESMTP id {id} \
         for <bob@example.test>; "
    );
    assert!(received.starts_with(&expected), "{received}");
    assert_eq!(texts.len(), 1);
    assert_eq!(server.messages("alice").await.len(), 0);
}

#[tokio::test]
async fn the_envelope_is_kept_beside_the_message() {
    // [rfc5321 2.4 #2] [rfc5321 C #4]
    let server = Server::new().await;
    let mut client = server.connect(&server.exchange).await;
    client.ask("EHLO mail.example.org", "250").await;
    // whom the header names is nobody's recipient
    client
        .deliver(
            "Carol.X@example.org",
            &["Bob+Shop@example.test"],
            b"To: alice@example.test\r\nCc: team@example.test\r\nSubject: x\r\n\r\n",
        )
        .await;
    assert_eq!(server.messages("alice").await.len(), 0);
    assert!(server.texts("bob").await[0].starts_with("Return-Path: <Carol.X@example.org>\r\n"));
    let messages = server.messages("bob").await;
    let kept = messages[0].ready.as_ref().unwrap().delivered().unwrap();
    assert_eq!(kept.sender, "Carol.X@example.org");
    assert_eq!(kept.recipient, "Bob+Shop@example.test");
    assert!(
        kept.client.contains("mail.example.org [127.0.0.1]"),
        "{}",
        kept.client
    );
}

#[tokio::test]
async fn every_account_gets_one_copy() {
    let server = Server::new().await;
    let mut client = server.connect(&server.exchange).await;
    client.ask("HELO x", "250").await;
    let to = [
        "team@example.test",
        "bob@example.test",
        "BOB@example.test",
        "bob+x@example.test",
    ];
    client.deliver(CAROL, &to, b"Subject: x\r\n\r\n").await;
    for name in ["alice", "bob"] {
        let texts = server.texts(name).await;
        assert_eq!(texts.len(), 1, "{name}");
        assert!(
            !texts[0].contains("for <"),
            "the others' addresses are told: {}",
            texts[0]
        );
        assert!(texts[0].contains("with SMTP id"), "{}", texts[0]);
    }
}

#[tokio::test]
async fn a_submission_gets_what_its_program_left_out() {
    // [rfc6409 8.2] [rfc6409 8.3]
    let server = Server::new().await;
    let mut client = server.connect(&server.submission).await;
    client.ask("EHLO pc", "250").await;
    client.ask(ALICE, "235").await;
    let from = "alice@example.test";
    client
        .deliver(from, BOB, b"From: alice@example.test\r\n\r\nhi\r\n")
        .await;
    client.deliver(from, BOB, b"no header\r\n").await;
    let whole = b"From: alice@example.test\r\nDate: x\r\nMessage-ID: <y@z>\r\n\r\nhi\r\n";
    client.deliver(from, BOB, whole).await;
    let texts = server.texts("bob").await;
    assert!(texts[0].contains("with ESMTPA id"), "{}", texts[0]);
    assert!(texts[0].contains("\r\nDate: ") && texts[0].contains("\r\nMessage-ID: <"));
    assert!(texts[0].ends_with("@example.test>\r\nFrom: alice@example.test\r\n\r\nhi\r\n"));
    assert!(
        texts[1].contains("\r\nFrom: alice@example.test\r\n"),
        "{}",
        texts[1]
    );
    assert!(texts[1].ends_with("\r\n\r\nno header\r\n"), "{}", texts[1]);
    assert_eq!(texts[2].matches("Date: ").count(), 1);
    assert_eq!(texts[2].matches("Message-ID: ").count(), 1);
}

#[tokio::test]
async fn repaired_lines_are_stored_with_crlf() {
    let server = Server::new().await;
    let mut client = server.connect(&server.submission).await;
    client.ask("EHLO pc", "250").await;
    client.ask(ALICE, "235").await;
    client.envelope("alice@example.test", BOB).await;
    client
        .send(b"From: alice@example.test\nSubject: x\n\na\n.\nb\r.\rc\r\n")
        .await;
    client.ask(".", "250").await;
    let texts = server.texts("bob").await;
    let end = "From: alice@example.test\r\nSubject: x\r\n\r\na\r\n.\r\nb\r\n.\r\nc\r\n";
    assert!(texts[0].ends_with(end), "{}", texts[0]);
}

#[tokio::test]
async fn a_refused_message_is_nowhere() {
    // [rfc5321 4.2.5] [rfc5321 4.2.5 #2]
    let server = Server::new().await;
    let mut client = server.stranger().await;
    client.envelope(CAROL, BOB).await;
    client
        .send(b"Subject: one\r\n\r\nx\n.\nSubject: two\r\n")
        .await;
    client.ask(".", "554 5.6.0").await;
    client.ask("DATA", "503").await;
    assert_eq!(server.messages("bob").await.len(), 0);
}

#[tokio::test]
async fn a_lost_connection_delivers_nothing_of_what_was_begun() {
    // [rfc5321 3.8] [rfc5321 4.1.1.10] [rfc5321 4.1.1.10 #4]
    let server = Server::new().await;
    let (conn, end) = Conn::pipe(4_096);
    let session = tokio::spawn(smtpd::session(
        end,
        server.exchange.clone(),
        server.stop.clone(),
    ));
    let mut client = Client::new(conn);
    client.expect("220").await;
    client.ask("EHLO x", "250").await;
    client.deliver("", BOB, b"hello\r\n").await;
    client.envelope("", BOB).await;
    client.send(b"hello again\r\n.\r").await;
    client.conn.close().await;
    session.await.unwrap();
    assert_eq!(server.messages("bob").await.len(), 1, "the first is whole");
}

#[tokio::test]
async fn every_octet_that_a_line_may_have_arrives_as_it_was() {
    // [rfc5321 4.5.2 #1]
    let server = Server::new().await;
    let mut client = server.stranger().await;
    let octets = (1..=127_u8).filter(|octet| !matches!(octet, b'\r' | b'\n'));
    let mut content = b"Subject: x\r\n\r\n \t ".to_vec();
    content.extend(octets);
    content.extend(b" \t\r\n");
    client.deliver(CAROL, BOB, &content).await;
    let texts = server.texts("bob").await;
    assert!(texts[0].as_bytes().ends_with(&content), "{}", texts[0]);
}

#[tokio::test]
async fn the_end_of_a_message_is_answered_without_waiting() {
    // [rfc5321 6.1 #8]
    let server = Server::new().await;
    let mut client = server.stranger().await;
    client.envelope(CAROL, &["team@example.test"]).await;
    client.send(b"Subject: x\r\n\r\n").await;
    tokio::time::pause();
    let began = Instant::now();
    client.ask(".", "250").await;
    took_less_than(began, 1);
}

#[tokio::test]
async fn a_large_message_arrives_octet_for_octet_over_tcp() {
    let server = Server::new().await;
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let at = listener.local_addr();
    let (door, stop) = (server.exchange.clone(), server.stop.clone());
    let bounds = Bounds {
        total: 10,
        per_address: 10,
    };
    let serve = net::serve(
        listener,
        None,
        move || bounds,
        smtpd::TURN_AWAY,
        stop.clone(),
        move |conn| smtpd::session(conn, door.clone(), stop.clone()),
    );
    let serve = tokio::spawn(serve);
    let mut client = Client::new(net::dial(at).await.unwrap());
    client.expect("220").await;
    client.ask("EHLO x", "250").await;
    let mut content = String::from("Subject: large\r\n\r\n");
    for number in 0..60_000 {
        content.push_str(&format!(
            "line {number} of a message that does not fit in memory\r\n"
        ));
    }
    client.deliver(CAROL, BOB, content.as_bytes()).await;
    assert!(server.texts("bob").await[0].ends_with(&content));
    server.stop.stop();
    client.expect("421 4.3.2").await;
    assert_eq!(client.line().await, "");
    serve.await.unwrap();
}

#[tokio::test]
async fn tells_a_waiting_client_that_the_server_stops() {
    // [rfc5321 3.8] [rfc5321 3.8 #1]
    let server = Server::new().await;
    let mut idle = server.connect(&server.exchange).await;
    let mut busy = server.stranger().await;
    busy.envelope(CAROL, BOB).await;
    server.stop.stop();
    idle.expect("421 4.3.2").await;
    busy.expect("421 4.3.2").await;
    assert_eq!(idle.line().await, "");
}

#[tokio::test]
async fn a_client_that_drips_a_command_is_let_go_after_five_minutes() {
    // [rfc5321 4.5.3.2.7]
    let server = Server::new().await;
    tokio::time::pause();
    let mut client = server.connect(&server.exchange).await;
    let began = Instant::now();
    let mut dripped = 0;
    while dripped < 20 && client.conn.write_all(b"N").await.is_ok() {
        dripped += 1;
        tokio::time::advance(Duration::from_secs(60)).await;
        if began.elapsed() > Duration::from_secs(299) {
            break;
        }
    }
    client.expect("421 4.4.2").await;
    took_less_than(began, 310);
}

#[tokio::test]
async fn a_client_that_drips_content_is_let_go() {
    // [rfc5321 4.5.3.2.5]
    let server = Server::new().await;
    let mut client = server.stranger().await;
    client.envelope(CAROL, BOB).await;
    tokio::time::pause();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(599) {
        client.send(b"x").await;
        tokio::time::advance(Duration::from_secs(100)).await;
    }
    client.expect("421 4.4.2").await;
    took_less_than(began, 800);
}

/// Sends a wrong password, whose answer waits for some ten seconds.
async fn is_delayed(server: &Server) -> Client {
    let mut client = server.connect(&server.submission).await;
    client.ask("EHLO x", "250").await;
    client.send(b"AUTH PLAIN AGFsaWNlAHdyb25n\r\n").await;
    let waiting = tokio::time::timeout(Duration::from_secs(1), client.line());
    assert!(waiting.await.is_err());
    client
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_delayed_ends_with_its_client_or_the_server() {
    let server = Server::new().await;
    server.house.many_wrong_passwords().await;
    let Client { conn, .. } = is_delayed(&server).await;
    drop(conn);
    let began = Instant::now();
    while Arc::strong_count(&server.submission) > 1 {
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    took_less_than(began, 3);

    let mut client = is_delayed(&server).await;
    let began = Instant::now();
    server.stop.stop();
    client.expect("421 4.3.2").await;
    took_less_than(began, 1);
}

#[tokio::test]
async fn thousands_of_pipelined_commands_of_one_client_let_another_have_its_turn() {
    let server = Server::new().await;
    let greedy = [&b"RSET\r\n".repeat(5_000)[..], b"QUIT\r\n"].concat();
    let modest = b"RSET\r\nQUIT\r\n".to_vec();
    let session = |conn| smtpd::session(conn, server.exchange.clone(), server.stop.clone());
    let order = order_of_ending([greedy, modest], session).await;
    assert_eq!(order, [1, 0]);
}
