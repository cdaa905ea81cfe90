//! What becomes of content: chunks, binary parts, what came along with it, and who gets it.

use super::*;
use std::path::PathBuf;

/// An envelope, up to where content comes.
async fn envelope(client: &mut Client, mail: &str, rcpt: &str) {
    client.ask(mail, "250").await;
    client.ask(rcpt, "250").await;
}

async fn chunk(client: &mut Client, octets: &[u8], last: &str, begin: &str) -> String {
    let line = format!("BDAT {}{last}\r\n", octets.len());
    client.send(line.as_bytes()).await;
    client.send(octets).await;
    client.expect(begin).await
}

#[tokio::test]
async fn a_message_in_chunks_lies_in_the_mailbox_after_the_last() {
    // [rfc3030 2]
    let server = Server::new().await;
    let mut client = server.stranger().await;
    envelope(&mut client, "MAIL FROM:<>", "RCPT TO:<bob@example.test>").await;
    chunk(&mut client, b"Subject: x\r\n\r", "", "250").await;
    chunk(&mut client, b"\n.\r\nQUIT\r\n", "", "250").await;
    assert_eq!(server.messages("bob").await.len(), 0);
    chunk(&mut client, b"no end", " LAST", "250").await;
    let texts = server.texts("bob").await;
    let end = "Subject: x\r\n\r\n.\r\nQUIT\r\nno end";
    assert!(texts[0].ends_with(end), "{}", texts[0]);
}

#[tokio::test]
async fn chunks_without_a_last_are_nothing() {
    // [rfc3030 2] [rfc5321 4.1.1.10]
    let server = Server::new().await;
    let mut client = server.stranger().await;
    for goes_on in ["RSET", "EHLO x", "QUIT"] {
        envelope(&mut client, "MAIL FROM:<>", "RCPT TO:<bob@example.test>").await;
        chunk(&mut client, b"Subject: x\r\n\r\n", "", "250").await;
        client.ask(goes_on, "2").await;
    }
    assert_eq!(server.messages("bob").await.len(), 0);
}

#[tokio::test]
async fn binary_parts_are_kept_in_base64() {
    // [rfc3030 3]
    let server = Server::new().await;
    let mut client = server.stranger().await;
    let mail = "MAIL FROM:<carol@example.org> BODY=BINARYMIME";
    envelope(&mut client, mail, "RCPT TO:<bob@example.test>").await;
    let head = b"Return-Path: <evil@example.org>\r\nContent-Type: application/octet-stream\r\n\
        Content-Transfer-Encoding: binary\r\n\r\n";
    chunk(&mut client, head, "", "250").await;
    chunk(&mut client, b"\0\n\r.\r", "", "250").await;
    chunk(&mut client, b"\n.\r\n\xff", " LAST", "250").await;
    let texts = server.texts("bob").await;
    let end = "\r\nContent-Type: application/octet-stream\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nAAoNLg0KLg0K/w==\r\n";
    assert!(texts[0].ends_with(end), "{}", texts[0]);
    assert!(!texts[0].contains("evil"));
}

#[tokio::test]
async fn what_is_asked_about_notifications_is_kept() {
    // [rfc3461 5.2.1]
    let server = Server::new().await;
    let mut client = server.stranger().await;
    let mail = "MAIL FROM:<carol@example.org> RET=hdrs ENVID=QQ+2B1";
    let rcpt = "RCPT TO:<bob@example.test> NOTIFY=delay,Success ORCPT=rfc822;Bob@example.test";
    envelope(&mut client, mail, rcpt).await;
    client.ask("RCPT TO:<alice@example.test>", "250").await;
    chunk(&mut client, b"Subject: x\r\n\r\n", " LAST", "250").await;
    let kept = |messages: Vec<Message>| {
        let ready = messages[0].ready.clone().unwrap();
        ready.delivered().unwrap().dsn
    };
    let bob = kept(server.messages("bob").await);
    assert_eq!(bob.ret.as_deref(), Some("HDRS"));
    assert_eq!(bob.envid.as_deref(), Some("QQ+2B1"));
    assert_eq!(bob.notify.as_deref(), Some("SUCCESS,DELAY"));
    assert_eq!(bob.orcpt.as_deref(), Some("rfc822;Bob@example.test"));
    let alice = kept(server.messages("alice").await);
    assert_eq!((alice.notify, alice.orcpt), (None, None));
    assert_eq!(alice.ret.as_deref(), Some("HDRS"));
}

#[tokio::test]
async fn a_return_path_that_came_along_is_replaced() {
    // [rfc5321 4.4] [rfc5321 4.4 #7]
    let server = Server::new().await;
    let mut client = server.stranger().await;
    let content = b"Return-Path: <evil@example.org>\r\nSubject: x\r\nreturn-path:\r\n <>\r\n\r\n\
        Return-Path: said\r\n";
    client.deliver(CAROL, BOB, content).await;
    let texts = server.texts("bob").await;
    assert!(texts[0].starts_with("Return-Path: <carol@example.org>\r\nReceived: "));
    let end = "\r\nSubject: x\r\n\r\nReturn-Path: said\r\n";
    assert!(texts[0].ends_with(end), "{}", texts[0]);
    assert!(!texts[0].contains("evil"));
}

#[tokio::test]
async fn lmtp_is_served_at_a_unix_socket() {
    // [rfc2033 4.2] [rfc3848 2]
    let server = Server::new().await;
    let name = format!("whimbrel-lmtp-{}", std::process::id());
    let path: PathBuf = std::env::temp_dir().join(name);
    let listener = Listener::bind_unix(&path, 0o600).unwrap();
    let (door, stop) = (server.lmtp.clone(), server.stop.clone());
    let serving = tokio::spawn(async move {
        let conn = listener.accept().await.unwrap();
        smtpd::session(conn, door, stop).await;
    });
    let mut client = Client::new(net::dial_unix(&path).await.unwrap());
    client.expect("220 example.test LMTP").await;
    client.ask("LHLO relay.example.test", "250").await;
    let to = ["team@example.test", "bob@example.test"];
    client.envelope(CAROL, &to).await;
    client.send(b"Subject: x\r\n\r\n.\r\n").await;
    let first = client.expect("250 2.0.0 ").await;
    assert_eq!(client.expect("250 2.0.0 ").await, first);
    client.ask("QUIT", "221").await;
    serving.await.unwrap();
    for name in ["alice", "bob"] {
        let texts = server.texts(name).await;
        assert_eq!(texts.len(), 1, "{name}");
        assert!(texts[0].contains("([127.0.0.1])"), "{}", texts[0]);
        assert!(texts[0].contains("with LMTP"), "{}", texts[0]);
    }
}

#[tokio::test]
async fn a_client_that_drips_chunks_is_let_go() {
    // [rfc5321 4.5.3.2.5]
    let server = Server::new().await;
    // one whose chunk is taken, and one whose chunk is only read through
    for welcome in ["RCPT TO:<bob@example.test>", "NOOP"] {
        let mut client = server.stranger().await;
        envelope(&mut client, "MAIL FROM:<>", welcome).await;
        client.send(b"BDAT 1000000 LAST\r\n").await;
        tokio::time::pause();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(599) {
            client.send(b"x").await;
            tokio::time::advance(Duration::from_secs(100)).await;
        }
        client.expect("421 4.4.2").await;
        took_less_than(began, 800);
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_client_that_drips_commands_between_chunks_is_let_go() {
    // [rfc5321 4.5.3.2.5]
    let server = Server::new().await;
    let mut client = server.stranger().await;
    envelope(&mut client, "MAIL FROM:<>", "RCPT TO:<bob@example.test>").await;
    chunk(&mut client, b"Subject: x\r\n", "", "250").await;
    tokio::time::pause();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(500) {
        client.ask("NOOP", "250").await;
        tokio::time::advance(Duration::from_secs(100)).await;
    }
    client.expect("421 4.4.2").await;
    took_less_than(began, 700);
}
