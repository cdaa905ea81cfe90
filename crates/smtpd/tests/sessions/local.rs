//! Mail of the users of this machine: by a socket where the system says who comes, and by batches that
//! lie in a folder.

use super::{Client, Server};
use bytes::BytesMut;
use net::{Listener, dial_unix};
use post::{Post, PostSettings};
use smtpd::batch::{HandedIn, Patience, Step};
use smtpd::{Door, Role, Settings, Users};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

const JANE: u32 = 1_000;
const UUCP: u32 = 10;

fn called(uid: u32) -> Option<String> {
    let name = match uid {
        UUCP => "uucp",
        _ => "alice",
    };
    Some(name.to_owned())
}

fn door(server: &Server) -> Arc<Door> {
    let house = &server.house;
    let mut settings = Settings::new("example.test", Role::Local);
    settings.users = Users {
        name: called,
        trusted: vec!["uucp".to_owned()],
        ways_out: vec!["leaf".to_owned()],
        ..Users::default()
    };
    let (clock, random) = (house.clock.clone(), house.random.clone());
    let post = PostSettings::new("example.test");
    let post = Post::new(house.mail.clone(), clock, random, post);
    Arc::new(Door::new(post, house.mail.clone(), None, settings))
}

fn message(from: &str, to: &[&str], subject: &str) -> String {
    let to: String = to.iter().map(|to| format!("RCPT TO:<{to}>\n")).collect();
    format!("MAIL FROM:<{from}>\n{to}DATA\nSubject: {subject}\n\n.\n")
}

/// What came of a batch, step by step, until it is over or waits.
async fn hand_in(server: &Server, uid: u32, skipped: u64, batch: &str) -> Vec<String> {
    let mut handed = HandedIn::new(door(server), uid, skipped, Patience::Waits).unwrap();
    handed.receive(batch.as_bytes());
    handed.end();
    let mut steps = Vec::new();
    loop {
        match handed.step().await {
            Step::More => return steps,
            Step::Done(number) => steps.push(format!("done {number}")),
            other => {
                steps.push(format!("{other:?}"));
                return steps;
            }
        }
    }
}

#[tokio::test]
async fn the_system_says_who_a_user_of_this_machine_is_and_nobody_else_comes_in() {
    let server = Server::new().await;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("submit.sock");
    let listener = Listener::bind_unix(&path, 0o666).unwrap();
    let conn = dial_unix(&path).await.unwrap();
    let accepted = listener.accept().await.unwrap();
    tokio::spawn(smtpd::session(accepted, door(&server), server.stop.clone()));
    let mut client = Client {
        conn,
        input: BytesMut::new(),
    };
    client.expect("220").await;
    client.ask("EHLO mail.example.org", "250").await;
    client
        .deliver("alice@localhost", &["bob@localhost"], b"\r\n")
        .await;
    let texts = server.texts("bob").await;
    let uid = std::fs::metadata(place.path()).unwrap().uid();
    let says = format!("(handed in by uid {uid})");
    assert!(texts[0].replace("\r\n\t", " ").contains(&says), "{texts:?}");
    assert!(texts[0].starts_with("Return-Path: <alice@example.test>\r\n"));
    // of a connection that has no user nothing is taken
    let mut nobody = server.connect(&door(&server)).await;
    nobody.ask("EHLO localhost", "250").await;
    nobody.ask("MAIL FROM:<alice@localhost>", "530").await;
}

#[tokio::test]
async fn of_a_batch_in_a_folder_each_message_enters_once() {
    let server = Server::new().await;
    let batch = ["one", "two", "three"]
        .map(|subject| message("alice@localhost", &["bob@localhost"], subject))
        .concat();
    let steps = hand_in(
        &server,
        JANE,
        0,
        &batch[..batch
            .find("MAIL FROM:<alice@localhost>\nRCPT TO:<bob@localhost>\nDATA\nSubject: three")
            .unwrap()],
    )
    .await;
    assert_eq!(steps, ["done 1", "done 2"]);
    let steps = hand_in(&server, JANE, 2, &batch).await;
    assert_eq!(steps, ["done 3"]);
    let texts = server.texts("bob").await;
    for subject in ["one", "two", "three"] {
        let has = |text: &&String| text.contains(&format!("Subject: {subject}\r\n"));
        assert_eq!(texts.iter().filter(has).count(), 1, "{subject}");
    }
}

#[tokio::test]
async fn who_leaves_a_batch_in_anothers_name_is_told_himself() {
    let server = Server::new().await;
    let forged = message("bob@example.test", &["bob@example.test"], "forged");
    assert_eq!(hand_in(&server, JANE, 0, &forged).await, ["done 1"]);
    assert_eq!(server.messages("bob").await.len(), 0);
    let told = server.texts("alice").await;
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("Return-Path: <>\r\n"), "{told:?}");
    // a trusted user may
    assert_eq!(hand_in(&server, UUCP, 0, &forged).await, ["done 1"]);
    assert_eq!(server.messages("bob").await.len(), 1);
}

#[tokio::test]
async fn those_whom_nobody_knows_are_reported_and_the_others_have_it() {
    let server = Server::new().await;
    let to = ["nobody@example.test", "bob@example.test"];
    let mail = message("alice@example.test", &to, "half");
    assert_eq!(hand_in(&server, JANE, 0, &mail).await, ["done 1"]);
    assert_eq!(server.messages("bob").await.len(), 1);
    let told = server.texts("alice").await;
    assert!(told[0].contains("nobody@example.test"), "{told:?}");
}

#[tokio::test]
async fn a_torn_batch_gives_what_was_whole_and_no_more() {
    let server = Server::new().await;
    let whole = message("alice@example.test", &["bob@example.test"], "whole");
    let torn = format!("{whole}{}", &whole[..whole.len() - 2]);
    let steps = hand_in(&server, JANE, 0, &torn).await;
    assert_eq!(steps[0], "done 1");
    assert!(steps[1].contains("Torn"), "{steps:?}");
    assert_eq!(server.messages("bob").await.len(), 1);
}

#[tokio::test]
async fn what_a_neighbour_brings_by_uucp_says_so() {
    let server = Server::new().await;
    let mail = message("alice@alpha.uucp", &["bob@example.test"], "by-uucp");
    let batch = format!("EHLO alpha.uucp\n{mail}");
    assert_eq!(hand_in(&server, UUCP, 0, &batch).await, ["done 1"]);
    let texts = server.texts("bob").await;
    let text = texts[0].replace("\r\n\t", " ");
    assert!(
        text.contains("Received: from alpha.uucp by example.test via UUCP"),
        "{text}"
    );
}
