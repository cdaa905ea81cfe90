//! The machine's turns, line bounds and the switch to TLS.

use super::*;
use crate::command::{Arguments, Verb};

fn ready() -> Server {
    let mut server = Server::new();
    server.send(Reply::Ok("ready"));
    server.output();
    server
}

fn verb(event: Option<Event>) -> Option<Verb> {
    match event {
        Some(Event::Command(command)) => Some(command.verb),
        Some(other) => panic!("{other:?}"),
        None => None,
    }
}

#[test]
fn takes_pipelined_commands_one_answer_at_a_time() {
    // [rfc2449 6.6]
    let mut server = ready();
    server.receive(b"STAT\r\nNOOP\r\nQU");
    assert_eq!(verb(server.next()), Some(Verb::Stat));
    assert_eq!(server.next(), None, "STAT waits for its answer");
    server.send(Reply::Ok("0 0"));
    assert_eq!(verb(server.next()), Some(Verb::Noop));
    server.send(Reply::Ok(""));
    assert_eq!(server.next(), None);
    server.receive(b"IT\r\n");
    assert_eq!(verb(server.next()), Some(Verb::Quit));
    assert_eq!(server.output(), b"+OK 0 0\r\n+OK\r\n");
}

#[test]
fn a_command_of_255_octets_is_taken_and_one_of_256_is_not() {
    // [rfc2449 4]
    let line = |octets: usize| format!("USER {}\r\n", "a".repeat(octets - 7));
    let mut server = ready();
    server.receive(line(255).as_bytes());
    assert_eq!(verb(server.next()), Some(Verb::User));
    server.send(Reply::Ok(""));
    server.receive(line(256).as_bytes());
    assert_eq!(server.next(), Some(Event::Bad(Bad::TooLong)));
}

#[test]
fn a_line_too_long_is_read_to_its_end_and_changes_nothing() {
    let mut server = ready();
    for _ in 0..1000 {
        server.receive(&[b'x'; 1000]);
        assert_eq!(server.next(), None);
        assert!(server.input.len() <= COMMAND_LINE_BYTES, "it is not kept");
    }
    server.receive(b"\r\nDELE 1\r\n");
    assert_eq!(server.next(), Some(Event::Bad(Bad::TooLong)));
    server.send(Reply::Err(None, "too long"));
    assert_eq!(verb(server.next()), Some(Verb::Dele));
}

#[test]
fn an_auth_line_may_be_longer() {
    let mut server = ready();
    let initial = "A".repeat(2000);
    server.receive(format!("auth plain {initial}\r\n").as_bytes());
    assert_eq!(verb(server.next()), Some(Verb::Auth));
    server.send(Reply::Challenge(""));
    server.receive(format!("{initial}\r\n").as_bytes());
    assert_eq!(
        server.next(),
        Some(Event::AuthAnswer(Secret(initial.into_bytes())))
    );
    server.send(Reply::Challenge(""));
    server.receive(&[b'A'; AUTH_LINE_BYTES + 1]);
    server.receive(b"\r\n");
    assert_eq!(server.next(), Some(Event::Bad(Bad::TooLong)));
    server.send(Reply::Err(None, "too long"));
    server.receive(b"NOOP\r\n");
    assert_eq!(
        verb(server.next()),
        Some(Verb::Noop),
        "the exchange is over"
    );
}

#[test]
fn a_star_cancels_the_exchange() {
    // [rfc5034 4]
    let mut server = ready();
    server.receive(b"AUTH PLAIN\r\n*\r\n");
    assert_eq!(verb(server.next()), Some(Verb::Auth));
    server.send(Reply::Challenge(""));
    assert_eq!(server.next(), Some(Event::AuthCancelled));
}

#[test]
fn a_message_from_the_client_comes_in_pieces_and_then_its_end() {
    let mut server = ready();
    server.receive(b"STOR\r\nSubject: x\r\n..a\r\n.");
    assert_eq!(verb(server.next()), Some(Verb::Stor));
    assert_eq!(server.next(), None, "it waits to be let in");
    server.send(Reply::Receive("send it"));
    let data = Event::Data(b"Subject: x\r\n.a\r\n".to_vec());
    assert_eq!(server.next(), Some(data));
    assert_eq!(server.next(), None);
    server.receive(b"\r\nNOOP\r\n");
    assert_eq!(server.next(), Some(Event::DataEnd));
    assert_eq!(server.next(), None, "the end waits for its answer");
    server.send(Reply::Ok("kept"));
    assert_eq!(verb(server.next()), Some(Verb::Noop));
}

#[test]
fn a_message_that_was_not_let_in_is_no_message() {
    let mut server = ready();
    server.receive(b"STOR\r\nDELE 1\r\n");
    assert_eq!(verb(server.next()), Some(Verb::Stor));
    server.send(Reply::Err(None, "no"));
    assert_eq!(verb(server.next()), Some(Verb::Dele));
}

#[test]
fn what_was_sent_before_the_handshake_is_dropped() {
    // [rfc2595 4]
    let mut server = ready();
    server.receive(b"STLS\r\nUSER mallory\r\n");
    assert_eq!(verb(server.next()), Some(Verb::Stls));
    server.send(Reply::StartTls("begin"));
    server.receive(b"PASS x\r\n");
    assert_eq!(server.next(), None);
    server.tls_started();
    assert_eq!(server.next(), None);
    server.receive(b"CAPA\r\n");
    assert_eq!(verb(server.next()), Some(Verb::Capa));
    assert_eq!(server.output(), b"+OK begin\r\n");
}

#[test]
fn half_a_line_before_the_handshake_does_not_join_one_behind_it() {
    let mut server = ready();
    server.receive(b"STLS\r\nUSER ");
    assert_eq!(verb(server.next()), Some(Verb::Stls));
    server.send(Reply::StartTls(""));
    server.tls_started();
    server.receive(b"QUIT\r\n");
    assert_eq!(verb(server.next()), Some(Verb::Quit));
}

#[test]
fn a_multi_line_answer_is_stuffed_and_ended() {
    // [rfc1939 3]
    let mut server = ready();
    server.receive(b"RETR 1\r\nNOOP\r\n");
    assert_eq!(verb(server.next()), Some(Verb::Retr));
    server.send(Reply::Begin("5 octets"));
    server.send(Reply::Data(b"a\r"));
    assert_eq!(server.next(), None);
    server.send(Reply::Data(b"\n"));
    server.send(Reply::Data(b"."));
    server.send(Reply::Line("x"));
    server.send(Reply::End);
    assert_eq!(server.output(), b"+OK 5 octets\r\na\r\n..x\r\n.\r\n");
    assert_eq!(verb(server.next()), Some(Verb::Noop));
}

#[test]
fn a_line_may_end_in_a_bare_lf() {
    let mut server = ready();
    server.receive(b"LIST 2\n");
    assert_eq!(
        server.next(),
        Some(Event::Command(Command {
            verb: Verb::List,
            arguments: Arguments::MaybeNumber(Some(2))
        }))
    );
}

#[test]
fn nothing_is_said_inside_of_a_multi_line_answer() {
    let mut server = ready();
    server.receive(b"RETR 1\r\n");
    assert!(server.next().is_some());
    server.send(Reply::Begin("5 octets"));
    server.output();
    server.send_last(Reply::Err(None, "going down"));
    assert_eq!(
        server.output(),
        b"",
        "it would be read as part of the message"
    );
}

#[test]
#[should_panic(expected = "no answer is due")]
fn an_answer_to_nothing_is_a_bug() {
    ready().send(Reply::Ok("?"));
}
