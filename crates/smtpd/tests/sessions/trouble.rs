//! The store's trouble as a sender sees it: put off, with nothing accepted.

use super::*;
use store::{Files, Settings as StoreSettings, SimFailure, State};

const CONTENT: &[u8] = b"Subject: x\r\n\r\n";

fn narrow() -> StoreSettings {
    StoreSettings {
        reserve_bytes: 1_000,
        body_inline_bytes: 1_000,
        ..StoreSettings::default()
    }
}

#[tokio::test]
async fn a_full_store_puts_senders_off() {
    // [rfc3463 3.4] [rfc5321 4.2.5 #1]
    let (files, disk) = Files::sim(21);
    let server = Server::over(Db::open(files, narrow()).unwrap()).await;
    for door in [&server.exchange, &server.lmtp] {
        let mut client = server.connect(door).await;
        let hello = if Arc::ptr_eq(door, &server.lmtp) {
            "LHLO x"
        } else {
            "EHLO x"
        };
        client.ask(hello, "250").await;
        disk.set_free_bytes(999);
        client.ask("MAIL FROM:<>", "250").await;
        client.ask("RCPT TO:<bob@example.test>", "250").await;
        client.ask("DATA", "452 4.3.1 ").await;
        client.ask("BDAT 0 LAST", "452 4.3.1 ").await;
        // full when the content has ended, and in the middle of it
        for lines in [1, 1_000] {
            disk.set_free_bytes(1_000_000);
            client.envelope(CAROL, BOB).await;
            disk.set_free_bytes(999);
            client.send(&b"a line\r\n".repeat(lines)).await;
            client.ask(".", "452 4.3.1 ").await;
        }
        disk.set_free_bytes(1_000_000);
        client.ask("QUIT", "221").await;
    }
    assert_eq!(server.messages("bob").await.len(), 0);
    let mut client = server.stranger().await;
    client.deliver(CAROL, BOB, CONTENT).await;
    assert_eq!(server.messages("bob").await.len(), 1);
}

#[tokio::test]
async fn a_store_that_takes_no_writes_puts_senders_off() {
    // [rfc3463 3.4]
    let (files, disk) = Files::sim(22);
    let server = Server::over(Db::open(files, narrow()).unwrap()).await;
    let mut client = server.stranger().await;
    let mut begun = server.stranger().await;
    begun.envelope(CAROL, BOB).await;
    client.envelope(CAROL, BOB).await;
    client.send(CONTENT).await;
    // the sync of the frame, then the beginning of a new file
    disk.fail_at(disk.operations() + 2, SimFailure::InputOutput);
    disk.fail_at(disk.operations() + 3, SimFailure::NoSpace);
    client.ask(".", "451 4.3.0 ").await;
    assert!(matches!(server.house.db.state(), State::ReadOnly { .. }));
    begun.send(CONTENT).await;
    begun.ask(".", "452 4.3.1 ").await;
    client.ask("MAIL FROM:<>", "250").await;
    client.ask("RCPT TO:<bob@example.test>", "250").await;
    client.ask("DATA", "452 4.3.1 ").await;
    assert_eq!(server.messages("bob").await.len(), 0, "reading goes on");
    // asking is what makes it try again, about once a second
    while !matches!(server.house.db.state(), State::Writable) {
        tokio::task::yield_now().await;
    }
    client.ask("RSET", "250").await;
    client.deliver(CAROL, BOB, CONTENT).await;
    assert_eq!(server.messages("bob").await.len(), 1);
}
