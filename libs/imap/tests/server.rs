//! The server machine, one danger at a time. Never here: sockets.

use imap::*;

fn tag(word: &str) -> Tag {
    Tag::new(word.as_bytes()).expect("a tag")
}

fn receive(server: &mut Server, bytes: impl AsRef<[u8]>) {
    server.receive(bytes.as_ref()).expect("no TLS awaited");
}

fn output(server: &mut Server) -> String {
    String::from_utf8(server.output()).expect("text")
}

/// The next event must be that command.
fn command(server: &mut Server, expect: &str) -> Command {
    match server.next() {
        Some(Event::Command { tag, command }) => {
            assert_eq!(tag.as_str(), expect);
            command
        }
        other => panic!("{other:?} in place of {expect}"),
    }
}

fn refused(server: &mut Server, expect: Option<&str>, what: What) {
    match server.next() {
        Some(Event::Refused { tag, refusal }) => {
            assert_eq!(tag.as_ref().map(Tag::as_str), expect);
            assert_eq!(refusal.what, what);
        }
        other => panic!("{other:?} in place of {what:?}"),
    }
}

#[test]
fn pipelined_commands_come_one_at_a_time() {
    let mut server = Server::new();
    receive(&mut server, "a NOOP\r\nb CAPABILITY\r\nc LOG");
    assert_eq!(command(&mut server, "a"), Command::Noop);
    assert_eq!(command(&mut server, "b"), Command::Capability);
    assert_eq!(server.next(), None);
    receive(&mut server, "OUT\r\n");
    assert_eq!(command(&mut server, "c"), Command::Logout);
    assert_eq!(server.next(), None);
}

#[test]
fn a_bare_lf_ends_a_line_too() {
    let mut server = Server::new();
    receive(&mut server, "a NOOP\nb NOOP\r\n");
    command(&mut server, "a");
    command(&mut server, "b");
}

#[test]
fn synchronizing_literals_are_asked_for() {
    // [rfc3501 7.5]
    let mut server = Server::new();
    receive(&mut server, "A001 LOGIN {11}\r\n");
    assert_eq!(server.next(), None);
    assert_eq!(output(&mut server), "+ OK\r\n");
    receive(&mut server, "FRED FOOBAR {7}\r\n");
    assert_eq!(server.next(), None);
    assert_eq!(output(&mut server), "+ OK\r\n");
    receive(&mut server, "fat man\r\n");
    let login = Command::Login {
        user: "FRED FOOBAR".into(),
        password: b"fat man".to_vec(),
    };
    assert_eq!(command(&mut server, "A001"), login);
    assert_eq!(output(&mut server), "");
}

#[test]
fn non_synchronizing_literals_are_not_answered() {
    // [rfc7888 3] [rfc7888 8]
    let mut server = Server::new();
    receive(
        &mut server,
        "A001 LOGIN {4+}\r\na\r\nb {0+}\r\n\r\nB NOOP\r\n",
    );
    let login = Command::Login {
        user: "a\r\nb".into(),
        password: Vec::new(),
    };
    assert_eq!(command(&mut server, "A001"), login);
    command(&mut server, "B");
    assert_eq!(output(&mut server), "");
}

#[test]
fn a_wrong_command_is_refused_before_its_literal() {
    let mut server = Server::new();
    receive(
        &mut server,
        "a FOO {5}\r\nb NOOP {5+}\r\nc BADc NOOP {2+}\r\n\r\n\r\nd NOOP\r\n",
    );
    refused(&mut server, Some("a"), What::UnknownCommand);
    refused(&mut server, Some("b"), What::TrailingText);
    // "c BAD" was b's literal; "c NOOP {2+}" its rest, which announces two octets more.
    command(&mut server, "d");
    assert_eq!(output(&mut server), "");
}

#[test]
fn large_literals_are_refused_and_read_over() {
    let mut server = Server::new();
    receive(&mut server, "a LOGIN {65537}\r\nb NOOP\r\n");
    refused(&mut server, Some("a"), What::LiteralTooLarge);
    command(&mut server, "b");
    receive(&mut server, "c LOGIN {40000+}\r\n");
    assert_eq!(server.next(), None);
    receive(&mut server, vec![b'x'; 40_000]);
    receive(&mut server, " {30000+}\r\n");
    refused(&mut server, Some("c"), What::LiteralTooLarge);
    receive(&mut server, vec![b'\n'; 30_000]);
    receive(&mut server, "\r\nd NOOP\r\n");
    command(&mut server, "d");
    assert_eq!(output(&mut server), "");
}

#[test]
fn many_literals_are_refused() {
    let mut server = Server::new();
    receive(&mut server, "a SEARCH");
    for _ in 0..limits::LITERALS + 1 {
        receive(&mut server, " BODY {1+}\r\nx");
    }
    receive(&mut server, "\r\nb NOOP\r\n");
    refused(&mut server, Some("a"), What::TooManyLiterals);
    command(&mut server, "b");
}

#[test]
fn a_client_that_sends_on_what_was_refused_is_cut_off() {
    let mut server = Server::new();
    receive(&mut server, "a LOGIN {9999999999+}\r\n");
    refused(&mut server, Some("a"), What::LiteralTooLarge);
    assert!(matches!(
        server.next(),
        Some(Event::Fatal(Refusal {
            what: What::TooMuchRefused,
            ..
        }))
    ));
    receive(&mut server, "b NOOP\r\n");
    assert_eq!(server.next(), None);
}

#[test]
fn an_endless_line_is_refused_once_and_never_kept() {
    let mut server = Server::new();
    receive(&mut server, "a1 NOOP ");
    let mut events = Vec::new();
    for _ in 0..100 {
        receive(&mut server, vec![b'x'; 16 * 1024]);
        events.extend(std::iter::from_fn(|| server.next()));
    }
    let refusal = Refusal {
        what: What::LineTooLong,
        at_octet: 0,
    };
    let fatal = Event::Fatal(Refusal {
        what: What::TooMuchRefused,
        at_octet: 0,
    });
    assert_eq!(
        events,
        [
            Event::Refused {
                tag: Some(tag("a1")),
                refusal
            },
            fatal
        ]
    );
}

#[test]
fn after_a_long_line_the_next_command_is_understood() {
    for (length, good) in [
        (limits::COMMAND_LINE_BYTES, true),
        (limits::COMMAND_LINE_BYTES + 1, false),
    ] {
        for end in ["\n", "\r\n"] {
            let mut server = Server::new();
            let line = format!("a NOOP{}", " ".repeat(length - 6));
            receive(&mut server, format!("{line}{end}b NOOP\r\n"));
            if good {
                command(&mut server, "a");
            } else {
                refused(&mut server, Some("a"), What::LineTooLong);
            }
            command(&mut server, "b");
        }
    }
}

#[test]
fn the_literal_of_a_long_line_is_read_over() {
    let mut server = Server::new();
    let line = format!("a NOOP {} {{8+}}\r\n", "x".repeat(70_000));
    receive(&mut server, line + "b NOOP\r\n\r\nc NOOP\r\n");
    refused(&mut server, Some("a"), What::LineTooLong);
    command(&mut server, "c");
}

#[test]
fn append_streams_its_message() {
    // [rfc3501 6.3.11]
    let mut server = Server::new();
    receive(&mut server, "A003 APPEND saved-messages (\\Seen) {10}\r\n");
    let Command::Append(append) = command(&mut server, "A003") else {
        panic!("no append")
    };
    let message = append.message;
    assert_eq!((message.size, message.flags), (10, vec![Flag::Seen]));
    assert_eq!(server.next(), None);
    server.accept_append();
    assert_eq!(output(&mut server), "+ OK\r\n");
    receive(&mut server, "12345");
    assert_eq!(server.next(), Some(Event::AppendChunk(b"12345".to_vec())));
    assert_eq!(server.next(), None);
    receive(&mut server, "678\r\n\r\nb NOOP\r\n");
    assert_eq!(server.next(), Some(Event::AppendChunk(b"678\r\n".to_vec())));
    assert_eq!(server.next(), Some(Event::AppendEnd));
    server.send(&Response::ok(&tag("A003"), "done"));
    command(&mut server, "b");
}

#[test]
fn append_waits_for_the_sessions_word() {
    let mut server = Server::new();
    receive(&mut server, "a APPEND x {3+}\r\nabc\r\nb NOOP\r\n");
    command(&mut server, "a");
    assert_eq!(server.next(), None);
    server.accept_append();
    assert_eq!(output(&mut server), "");
    assert_eq!(server.next(), Some(Event::AppendChunk(b"abc".to_vec())));
    assert_eq!(server.next(), Some(Event::AppendEnd));
    command(&mut server, "b");
}

#[test]
fn a_refused_append_is_read_over() {
    // [rfc7888 4]
    let mut server = Server::new();
    receive(&mut server, "a APPEND x {8+}\r\nc NOOP\r\n\r\nb NOOP\r\n");
    command(&mut server, "a");
    server.send(&Response::no(
        &tag("a"),
        Some(ResponseCode::OverQuota),
        "full",
    ));
    command(&mut server, "b");
    // A client that waits for "+" sends nothing.
    receive(&mut server, "c APPEND x {8}\r\nd NOOP\r\n");
    command(&mut server, "c");
    server.send(&Response::no(&tag("c"), None, "no"));
    command(&mut server, "d");
    assert_eq!(output(&mut server), "a NO [OVERQUOTA] full\r\nc NO no\r\n");
}

#[test]
fn an_append_refused_in_its_middle_is_read_over() {
    let mut server = Server::new();
    receive(&mut server, "a APPEND x {13}\r\n");
    command(&mut server, "a");
    server.accept_append();
    receive(&mut server, "12");
    assert_eq!(server.next(), Some(Event::AppendChunk(b"12".to_vec())));
    server.send(&Response::no(
        &tag("a"),
        Some(ResponseCode::Unavailable),
        "disk",
    ));
    receive(&mut server, "3\r\nx NOOP\r\n");
    assert_eq!(server.next(), None);
    receive(&mut server, "\r\nb NOOP\r\n");
    command(&mut server, "b");
}

#[test]
fn text_behind_an_appended_message_spoils_it() {
    let mut server = Server::new();
    receive(
        &mut server,
        "a APPEND x {3+}\r\nabcd {4+}\r\n\r\n\r\n\r\nb NOOP\r\n",
    );
    command(&mut server, "a");
    server.accept_append();
    assert_eq!(server.next(), Some(Event::AppendChunk(b"abc".to_vec())));
    refused(&mut server, Some("a"), What::TrailingText);
    command(&mut server, "b");
}

#[test]
fn nul_in_an_appended_message_is_refused() {
    // [rfc3501 4.3]
    let mut server = Server::new();
    receive(&mut server, "a APPEND x {5+}\r\nab\0\r\n\r\nb NOOP\r\n");
    command(&mut server, "a");
    server.accept_append();
    assert_eq!(server.next(), Some(Event::AppendChunk(b"ab".to_vec())));
    refused(&mut server, Some("a"), What::Nul);
    command(&mut server, "b");
}

#[test]
fn an_empty_append_is_complete_at_once() {
    let mut server = Server::new();
    receive(&mut server, "a APPEND x {0}\r\n\r\n");
    command(&mut server, "a");
    server.accept_append();
    assert_eq!(server.next(), Some(Event::AppendEnd));
}

#[test]
fn authenticate_asks_line_by_line() {
    // [rfc3501 6.2.2]
    let mut server = Server::new();
    receive(&mut server, "a AUTHENTICATE PLAIN\r\n");
    command(&mut server, "a");
    server.challenge(b"");
    assert_eq!(output(&mut server), "+ \r\n");
    receive(&mut server, "AGEAYg==\r\n");
    assert_eq!(
        server.next(),
        Some(Event::AuthenticateLine(b"\0a\0b".to_vec()))
    );
    server.challenge(b"more");
    assert_eq!(output(&mut server), "+ bW9yZQ==\r\n");
    receive(&mut server, "\r\n");
    assert_eq!(server.next(), Some(Event::AuthenticateLine(Vec::new())));
    server.challenge(b"");
    receive(&mut server, "*\r\nb NOOP\r\n");
    assert_eq!(server.next(), Some(Event::AuthenticateCancelled));
    server.send(&Response::bad(&tag("a"), "cancelled"));
    command(&mut server, "b");
}

#[test]
fn authenticate_lines_are_bounded_and_must_be_base64() {
    let mut server = Server::new();
    receive(
        &mut server,
        "a AUTHENTICATE PLAIN\r\n!\r\nb AUTHENTICATE PLAIN\r\n",
    );
    command(&mut server, "a");
    server.challenge(b"");
    refused(&mut server, Some("a"), What::BadBase64);
    command(&mut server, "b");
    server.challenge(b"");
    receive(&mut server, vec![b'A'; limits::AUTHENTICATE_LINE_BYTES + 4]);
    refused(&mut server, Some("b"), What::LineTooLong);
    receive(&mut server, "\r\nc NOOP\r\n");
    command(&mut server, "c");
}

/// [rfc9051 6.3.13 #2]
#[test]
fn idle_lasts_until_done() {
    // [rfc2177 4]
    let mut server = Server::new();
    receive(&mut server, "a IDLE\r\n");
    assert_eq!(command(&mut server, "a"), Command::Idle);
    server.start_idle();
    assert_eq!(output(&mut server), "+ idling\r\n");
    assert_eq!(server.next(), None);
    server.send(&Response::Exists(4));
    receive(&mut server, "done\r\nb NOOP\r\n");
    assert_eq!(server.next(), Some(Event::IdleDone));
    server.send(&Response::ok(&tag("a"), "done"));
    command(&mut server, "b");
    assert_eq!(output(&mut server), "* 4 EXISTS\r\na OK done\r\n");
}

#[test]
fn idle_takes_nothing_but_done() {
    let mut server = Server::new();
    receive(&mut server, "a IDLE\r\nb NOOP\r\nc NOOP\r\n");
    command(&mut server, "a");
    server.start_idle();
    refused(&mut server, Some("a"), What::DoneExpected);
    command(&mut server, "c");
}

/// [rfc9051 6.2.1 #3]
#[test]
fn what_came_in_clear_text_behind_starttls_is_dropped() {
    // [rfc3501 6.2.1]
    let mut server = Server::new();
    receive(&mut server, "a STARTTLS\r\nb LOGIN mallory x\r\n");
    assert_eq!(command(&mut server, "a"), Command::StartTls);
    assert_eq!(server.next(), None);
    receive(&mut server, "c NOOP\r\n");
    server.send(&Response::ok(&tag("a"), "go"));
    assert_eq!(server.receive(b"d NOOP\r\n"), Err(BytesBeforeTls));
    assert_eq!(server.next(), None);
    server.tls_started();
    receive(&mut server, "e NOOP\r\n");
    command(&mut server, "e");
    assert_eq!(server.next(), None);
}

#[test]
fn a_refused_starttls_changes_nothing() {
    let mut server = Server::new();
    receive(&mut server, "a STARTTLS\r\nb NOOP\r\n");
    command(&mut server, "a");
    server.send(&Response::bad(&tag("a"), "TLS runs already"));
    command(&mut server, "b");
}

#[test]
fn answers_to_other_commands_do_not_end_an_append() {
    let mut server = Server::new();
    receive(&mut server, "a APPEND x {3+}\r\nabc\r\n");
    command(&mut server, "a");
    server.send(&Response::ok(&tag("z"), "late"));
    server.accept_append();
    assert_eq!(server.next(), Some(Event::AppendChunk(b"abc".to_vec())));
}
