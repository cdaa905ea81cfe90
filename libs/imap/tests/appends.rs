//! APPEND of several messages, and of octets that no literal holds, through the machine. Never here:
//! what becomes of the messages.

use imap::*;

fn receive(server: &mut Server, bytes: impl AsRef<[u8]>) {
    server.receive(bytes.as_ref()).expect("no TLS awaited");
}

/// The offered message of an APPEND.
fn offered(server: &mut Server) -> AppendMessage {
    match server.next() {
        Some(Event::Command {
            command: Command::Append(append),
            ..
        }) => append.message,
        Some(Event::AppendNext(message)) => message,
        other => panic!("{other:?}"),
    }
}

fn chunk(server: &mut Server, text: &[u8]) {
    assert_eq!(server.next(), Some(Event::AppendChunk(text.to_vec())));
}

fn refused(server: &mut Server, what: What) {
    match server.next() {
        Some(Event::Refused { tag, refusal }) => {
            assert_eq!(tag.expect("a tag").as_str(), "a");
            assert_eq!(refusal.what, what);
        }
        other => panic!("{other:?}"),
    }
}

fn noop(server: &mut Server) {
    let event = server.next();
    let is_noop = matches!(
        &event,
        Some(Event::Command {
            command: Command::Noop,
            ..
        })
    );
    assert!(is_noop, "{event:?}");
}

fn refuse(server: &mut Server) {
    let tag = Tag::new(b"a").expect("a tag");
    server.send(&Response::no(&tag, Some(ResponseCode::OverQuota), "full"));
}

/// [rfc3502 6.3.11]
#[test]
fn each_message_is_offered_by_itself() {
    let mut server = Server::new();
    receive(&mut server, "a APPEND x (\\Seen) {3}\r\n");
    assert_eq!(offered(&mut server).flags, [Flag::Seen]);
    server.accept_append();
    assert_eq!(server.output(), b"+ OK\r\n");
    receive(
        &mut server,
        "abc (\\Flagged) \" 7-Feb-1994 22:43:04 -0800\" {2}\r\n",
    );
    chunk(&mut server, b"abc");
    let second = offered(&mut server);
    assert_eq!((second.size, second.flags), (2, vec![Flag::Flagged]));
    assert!(second.date.is_some());
    assert_eq!(server.next(), None);
    assert_eq!(server.output(), b"");
    server.accept_append();
    assert_eq!(server.output(), b"+ OK\r\n");
    receive(&mut server, "de\r\nb NOOP\r\n");
    chunk(&mut server, b"de");
    assert_eq!(server.next(), Some(Event::AppendEnd));
    noop(&mut server);
}

/// [rfc7888 7] [rfc3502 6.3.11]
#[test]
fn a_refused_message_takes_the_rest_of_the_command_along() {
    for (command, accepted) in [
        ("a APPEND x {1+}\r\n1 {1+}\r\n2 {1+}\r\n3\r\nb NOOP\r\n", 0),
        ("a APPEND x {1+}\r\n1 {1+}\r\n2 {1+}\r\n3\r\nb NOOP\r\n", 1),
        ("a APPEND x {1+}\r\n1 {1+}\r\n2 {1+}\r\n3\r\nb NOOP\r\n", 2),
        ("a APPEND x {1+}\r\n1 {1}\r\nb NOOP\r\n", 1),
    ] {
        let mut server = Server::new();
        receive(&mut server, command);
        for number in 1..=accepted {
            offered(&mut server);
            server.accept_append();
            chunk(&mut server, number.to_string().as_bytes());
        }
        offered(&mut server);
        refuse(&mut server);
        assert_eq!(server.output(), b"a NO [OVERQUOTA] full\r\n");
        noop(&mut server);
    }
}

#[test]
fn what_follows_a_message_must_be_a_message() {
    for (tail, what) in [
        ("x", What::TrailingText),
        (" x", What::Expected("a literal")),
        (" (\\Seen)", What::Expected("a space")),
        (" \"yesterday\" {1+}", What::BadDate),
        (" {1+} {1+}", What::Expected("the end of the line")),
        (")", What::TrailingText),
    ] {
        let mut server = Server::new();
        let rest = if tail.ends_with('}') { "y\r\n" } else { "" };
        receive(
            &mut server,
            format!("a APPEND x {{1+}}\r\n1{tail}\r\n{rest}b NOOP\r\n"),
        );
        offered(&mut server);
        server.accept_append();
        chunk(&mut server, b"1");
        refused(&mut server, what);
        noop(&mut server);
    }
}

/// [rfc3516 4.4] [rfc6855 4]
#[test]
fn a_literal8_holds_any_octets() {
    let mut server = Server::new();
    receive(
        &mut server,
        b"a APPEND x ~{3+}\r\n1\x002 utf8 (~{2+}\r\n\0\xff) ~{1}\r\n",
    );
    assert_eq!(offered(&mut server).form, AppendForm::Binary);
    server.accept_append();
    chunk(&mut server, b"1\x002");
    assert_eq!(offered(&mut server).form, AppendForm::Utf8);
    server.accept_append();
    chunk(&mut server, b"\0\xff");
    assert_eq!(offered(&mut server).form, AppendForm::Binary);
    assert_eq!(server.output(), b"");
    server.accept_append();
    assert_eq!(server.output(), b"+ OK\r\n");
    receive(&mut server, b"\0\r\nb NOOP\r\n");
    chunk(&mut server, b"\0");
    assert_eq!(server.next(), Some(Event::AppendEnd));
    noop(&mut server);
}

#[test]
fn a_utf8_message_ends_with_its_parenthesis() {
    let mut server = Server::new();
    receive(&mut server, "a APPEND x UTF8 (~{1+}\r\n1\r\nb NOOP\r\n");
    offered(&mut server);
    server.accept_append();
    chunk(&mut server, b"1");
    refused(&mut server, What::Expected(") after the literal"));
    noop(&mut server);
    receive(&mut server, "a APPEND x UTF8 ({1+}\r\n1)\r\nb NOOP\r\n");
    refused(&mut server, What::Expected("~ before the literal"));
    noop(&mut server);
    // Only messages may be sent so.
    receive(&mut server, "a LOGIN ~{1+}\r\n1 x\r\nb NOOP\r\n");
    refused(&mut server, What::Expected("a space"));
    noop(&mut server);
}
