//! Mail of the users of this machine: by a socket where the system says who comes, and by batches that
//! lie in a folder.

use super::{Client, Server};
use mail::{AccountChange, Fault};
use net::{Listener, dial_unix};
use post::{DroppedFile, Note, Post, PostSettings, Progress};
use smtpd::batch::{self, HandedIn, Patience, Step};
use smtpd::{Door, Role, Settings, Users};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use uucp::Systems;

const JANE: u32 = 1_000;
const UUCP: u32 = 10;

type Name = Result<Option<String>, Fault>;

fn called(uid: u32) -> Name {
    let name = match uid {
        UUCP => "uucp",
        _ => "alice",
    };
    Ok(Some(name.to_owned()))
}

fn door(server: &Server) -> Arc<Door> {
    door_where(server, called)
}

/// Where users are called so.
fn door_where(server: &Server, name: fn(u32) -> Name) -> Arc<Door> {
    let house = &server.house;
    let mut settings = Settings::new("example.test", Role::Local);
    settings.users = Users {
        name,
        trusted: vec!["uucp".to_owned()],
        ways_out: vec!["leaf".to_owned()],
        systems: Arc::new(Systems {
            own: "beta".to_owned(),
            neighbours: vec!["gamma".to_owned()],
        }),
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

/// A file under this name.
fn file(name: &str) -> DroppedFile {
    DroppedFile {
        name: name.as_bytes().to_vec(),
        inode: 1,
        changed: (1_000, 1),
        bytes: 100,
    }
}

/// What came of a batch, step by step, until it is over or waits.
async fn hand_in(server: &Server, uid: u32, file: DroppedFile, batch: &str) -> Vec<String> {
    let mut handed = HandedIn::new(door(server), uid, file, Patience::Waits).unwrap();
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
    let mut client = Client::new(conn);
    client.expect("220").await;
    client.ask("EHLO mail.example.org", "250").await;
    // a path that is written here is followed; nothing is sent on from this door
    client.ask("MAIL FROM:<alice@localhost>", "250").await;
    let refused = [
        ("gamma!dave@localhost", "does not send"),
        ("delta!dave@localhost", "5.1.2"),
        ("beta!nobody@localhost", "5.1.1"),
    ];
    for (path, says) in refused {
        let reply = client.ask(&format!("RCPT TO:<{path}>"), "550").await;
        assert!(reply.contains(says), "{path}: {reply}");
    }
    client.ask("RSET", "250").await;
    client
        .deliver("alice@localhost", &["beta!bob@localhost"], b"\r\n")
        .await;
    // a name alone is somebody here
    client.ask("RCPT TO:<nobody>", "503").await;
    client.ask("MAIL FROM:<alice>", "250").await;
    client.ask("RCPT TO:<nobody>", "550").await;
    client.ask("RCPT TO:<bob>", "250").await;
    client.ask("RSET", "250").await;
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

async fn subjects(server: &Server, name: &str) -> Vec<String> {
    let texts = server.texts(name).await;
    let subject = |text: &String| {
        let mut fields = text
            .lines()
            .filter_map(|line| line.strip_prefix("Subject: "));
        fields.next().unwrap_or_default().to_owned()
    };
    texts.iter().map(subject).collect()
}

#[tokio::test]
async fn of_a_batch_in_a_folder_each_message_enters_once_whenever_the_server_ends() {
    let server = Server::new().await;
    let batch = ["one", "two", "three"]
        .map(|subject| message("alice@localhost", &["bob@localhost"], subject));
    let whole = batch.concat();
    // the server ends with the commit of the second
    let part = batch[..2].concat();
    let steps = hand_in(&server, JANE, file("a"), &part).await;
    assert_eq!(steps, ["done 1", "done 2"]);
    assert_eq!(hand_in(&server, JANE, file("a"), &whole).await, ["done 3"]);
    // and before the file was removed
    assert_eq!(hand_in(&server, JANE, file("a"), &whole).await, [""; 0]);
    assert_eq!(subjects(&server, "bob").await, ["one", "two", "three"]);
}

#[tokio::test]
async fn another_file_under_the_same_name_is_taken() {
    let server = Server::new().await;
    let mail = message("alice@localhost", &["bob@localhost"], "mail");
    let other = |change: fn(&mut DroppedFile)| {
        let mut other = file("a");
        change(&mut other);
        other
    };
    for file in [
        file("a"),
        other(|file| file.inode = 2),
        other(|file| file.changed.1 = 2),
        other(|file| file.bytes = 101),
        file("b"),
    ] {
        assert_eq!(hand_in(&server, JANE, file, &mail).await, ["done 1"]);
    }
    // the very same, but its name was forgotten: it had gone
    batch::forget(&door(&server), b"b").await.unwrap();
    assert_eq!(batch::noted(&door(&server)).unwrap(), [b"a"]);
    assert_eq!(hand_in(&server, JANE, file("b"), &mail).await, ["done 1"]);
    assert_eq!(subjects(&server, "bob").await.len(), 6);
}

#[tokio::test]
async fn whoever_is_left_of_a_message_is_told_of_after_a_crash_and_nobody_gets_it_twice() {
    let server = Server::new().await;
    // the first commit was durable, that of the report was not
    let post = Post::new(
        server.house.mail.clone(),
        server.house.clock.clone(),
        server.house.random.clone(),
        PostSettings::new("example.test"),
    );
    let note = Note {
        file: file("a"),
        progress: Progress::but_for(0, [1].into()),
    };
    post.note(&note).await.unwrap();
    let to = ["bob@example.test", "nobody@example.test"];
    let mail = message("alice@example.test", &to, "half");
    assert_eq!(hand_in(&server, JANE, file("a"), &mail).await, ["done 1"]);
    assert_eq!(subjects(&server, "bob").await, [""; 0]);
    let told = server.texts("alice").await;
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("nobody@example.test"), "{told:?}");
    assert_eq!(hand_in(&server, JANE, file("a"), &mail).await, [""; 0]);
    assert_eq!(server.texts("alice").await.len(), 1);
}

#[tokio::test]
async fn who_cannot_be_looked_up_now_is_told_to_come_again() {
    let server = Server::new().await;
    let not_now = |_| Err(Fault::new("looking up a user", "the directory is away"));
    let door = door_where(&server, not_now);
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("submit.sock");
    let listener = Listener::bind_unix(&path, 0o666).unwrap();
    let conn = dial_unix(&path).await.unwrap();
    let accepted = listener.accept().await.unwrap();
    tokio::spawn(smtpd::session(accepted, door.clone(), server.stop.clone()));
    let mut client = Client::new(conn);
    client.expect("421 4.3.0").await;
    // and what he left waits
    assert!(HandedIn::new(door, JANE, file("a"), Patience::IsOver).is_err());
}

#[tokio::test]
async fn a_user_whose_program_knows_only_his_number_is_he() {
    let server = Server::new().await;
    let mail = message("uid1000@localhost", &["bob@localhost"], "numbered");
    assert_eq!(hand_in(&server, JANE, file("a"), &mail).await, ["done 1"]);
    let texts = server.texts("bob").await;
    assert!(texts[0].starts_with("Return-Path: <alice@example.test>\r\n"));
    // but not another
    let mail = message("uid1001@localhost", &["bob@localhost"], "forged");
    assert_eq!(hand_in(&server, JANE, file("b"), &mail).await, ["done 1"]);
    assert_eq!(server.texts("bob").await.len(), 1);
}

#[tokio::test]
async fn who_leaves_a_batch_in_anothers_name_is_told_himself() {
    let server = Server::new().await;
    let forged = message("bob@example.test", &["bob@example.test"], "forged");
    assert_eq!(hand_in(&server, JANE, file("a"), &forged).await, ["done 1"]);
    assert_eq!(server.messages("bob").await.len(), 0);
    let told = server.texts("alice").await;
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("Return-Path: <>\r\n"), "{told:?}");
    // a trusted user may
    assert_eq!(hand_in(&server, UUCP, file("b"), &forged).await, ["done 1"]);
    assert_eq!(server.messages("bob").await.len(), 1);
}

#[tokio::test]
async fn those_whom_nobody_knows_are_reported_and_the_others_have_it() {
    let server = Server::new().await;
    let to = ["nobody@example.test", "bob@example.test"];
    let mail = message("alice@example.test", &to, "half");
    assert_eq!(hand_in(&server, JANE, file("a"), &mail).await, ["done 1"]);
    assert_eq!(server.messages("bob").await.len(), 1);
    let told = server.texts("alice").await;
    assert!(told[0].contains("nobody@example.test"), "{told:?}");
}

#[tokio::test]
async fn a_sender_whose_mail_goes_on_or_whose_mailbox_is_full_is_told_all_the_same() {
    let server = Server::new().await;
    let house = &server.house;
    let (directory, admin) = (house.mail.directory(), house.admin());
    let goes_on = "away@example.test".parse().unwrap();
    let targets = ["alice@example.test", "alice@else.test"];
    let targets = targets.iter().map(|to| to.parse().unwrap()).collect();
    let made = directory.add_alias(&admin, &goes_on, targets).await;
    made.unwrap();
    let to = ["nobody@example.test"];
    let mail = message("away@example.test", &to, "lost");
    assert_eq!(hand_in(&server, UUCP, file("a"), &mail).await, ["done 1"]);
    assert_eq!(told(&server, "alice").await.len(), 1);
    let full = AccountChange {
        quota_bytes: Some(Some(1)),
        ..AccountChange::default()
    };
    let alice = house.account("alice").id();
    let changed = directory.change_account(&admin, alice, full).await;
    changed.unwrap();
    let mail = message("alice@example.test", &to, "lost");
    assert_eq!(hand_in(&server, JANE, file("b"), &mail).await, ["done 1"]);
    assert_eq!(told(&server, "alice").await.len(), 2);
}

#[tokio::test]
async fn of_a_sender_who_is_nobody_here_the_postmaster_hears() {
    let server = Server::new().await;
    let mail = message("www-data@example.test", &["nobody@example.test"], "lost");
    assert_eq!(hand_in(&server, UUCP, file("a"), &mail).await, ["done 1"]);
    // the first account, where nobody has that name
    let told = told(&server, "alice").await;
    assert_eq!(told.len(), 1, "{told:?}");
}

#[tokio::test]
async fn a_torn_batch_gives_what_was_whole_and_no_more() {
    let server = Server::new().await;
    let whole = message("alice@example.test", &["bob@example.test"], "whole");
    let torn = format!("{whole}{}", &whole[..whole.len() - 2]);
    let steps = hand_in(&server, JANE, file("a"), &torn).await;
    assert_eq!(steps[0], "done 1");
    assert!(steps[1].contains("Torn"), "{steps:?}");
    assert_eq!(server.messages("bob").await.len(), 1);
}

#[tokio::test]
async fn what_a_neighbour_brings_by_uucp_says_so() {
    let server = Server::new().await;
    let mail = message("alice@alpha.uucp", &["bob@example.test"], "by-uucp");
    let batch = format!("EHLO alpha.uucp\n{mail}");
    assert_eq!(hand_in(&server, UUCP, file("a"), &batch).await, ["done 1"]);
    let texts = server.texts("bob").await;
    let text = texts[0].replace("\r\n\t", " ");
    assert!(
        text.contains("Received: from alpha.uucp by example.test via UUCP"),
        "{text}"
    );
}

/// What is told whom, as the fields of the report that programs read.
async fn told(server: &Server, who: &str) -> Vec<(String, String)> {
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.map_or_else(String::new, |line| line[name.len()..].trim().to_owned())
    };
    let texts = server.texts(who).await;
    let reports = texts
        .iter()
        .filter(|text| text.starts_with("Return-Path: <>\r\n"));
    let both = |text: &String| (field(text, "Final-Recipient:"), field(text, "Status:"));
    reports.map(both).collect()
}

#[tokio::test]
async fn a_bad_message_of_a_batch_is_reported_and_those_beside_it_enter() {
    let server = Server::new().await;
    let good = |subject: &str| message("alice@example.test", &["bob@example.test"], subject);
    let from = "MAIL FROM:<alice@example.test>";
    let rest = "RCPT TO:<bob@example.test>\nDATA\nSubject: bad\n\n";
    // the status of each, and who could not get it
    let bad = [
        (
            format!("{from} SIZE=x\n{rest}.\n"),
            "bob@example.test",
            "5.5.4",
        ),
        (
            format!("{from} SIZE=999999999999\n{rest}.\n"),
            "bob@example.test",
            "5.3.4",
        ),
        (
            format!("{from}\n{rest}a\0b\n.\n"),
            "bob@example.test",
            "5.6.0",
        ),
        (
            format!("{from}\nRCPT TO:<b ob@example.test>\n{rest}.\n"),
            "TO:<b ob@example.test>",
            "5.1.3",
        ),
        (
            format!("{from}\nRCPT TO:<b\u{fc}b@\u{1}>\nDATA\n.\n"),
            "TO:<b?b@?>",
            "5.5.2",
        ),
        (
            format!("{from}\nRCPT TO:<x@elsewhere.test>\nDATA\n.\n"),
            "x@elsewhere.test",
            "5.7.1",
        ),
    ];
    let mut batch = "EHLO alpha.uucp\n".to_owned();
    for (number, (bad, _, _)) in bad.iter().enumerate() {
        batch += &good(&format!("good {number}"));
        batch += bad;
    }
    // of these nobody can be told
    for lost in [
        "MAIL FROM:<a b@example.test>\n",
        "MAIL FORM:<alice@example.test>\n",
    ] {
        batch += lost;
        batch += rest;
        batch += ".\n";
    }
    batch += &good("the last");
    let steps = hand_in(&server, UUCP, file("a"), &batch).await;
    let expected: Vec<String> = (1..=15).map(|number| format!("done {number}")).collect();
    assert_eq!(steps, expected);
    let texts = server.texts("bob").await;
    let came = |subject: &str| {
        let line = format!("Subject: {subject}\r\n");
        texts.iter().filter(|text| text.contains(&line)).count()
    };
    for number in 0..bad.len() {
        assert_eq!(came(&format!("good {number}")), 1);
    }
    // one of two recipients can be read
    assert_eq!((came("bad"), came("the last")), (1, 1));
    let mut expected: Vec<(String, String)> = Vec::new();
    for (_, who, status) in &bad {
        let kind = if who.starts_with("TO:") {
            "unknown"
        } else {
            "rfc822"
        };
        expected.push((format!("{kind};{who}"), (*status).to_owned()));
    }
    assert_eq!(told(&server, "alice").await, expected);
    assert_eq!(told(&server, "bob").await, []);
    // and once
    assert_eq!(hand_in(&server, UUCP, file("a"), &batch).await, [""; 0]);
    assert_eq!(told(&server, "alice").await, expected);
}

#[tokio::test]
async fn who_is_not_trusted_is_told_himself_of_what_cannot_be_read() {
    let server = Server::new().await;
    let forged = "EHLO alpha.uucp\nMAIL FROM:<bob@example.test> SIZE=x\n\
                  RCPT TO:<bob@example.test>\nDATA\n.\n";
    assert_eq!(hand_in(&server, JANE, file("a"), forged).await, ["done 1"]);
    assert_eq!(told(&server, "bob").await, []);
    assert_eq!(told(&server, "alice").await.len(), 1);
}
