//! The machine as a session drives it, whole and in pieces.

use super::*;
use crate::data::DataProblem;
use crate::reply::Status;
use proptest::prelude::*;

const RULES: DataRules = DataRules {
    max_bytes: 1_000,
    bare_newlines: BareNewlines::Reject,
};

/// Answers every event with what lets the dialogue go on; DATA is always welcome.
fn answer(event: &Event) -> Option<Reply> {
    Some(match event {
        Event::Command(Command::Data) => Reply::plain(354, "go"),
        Event::Command(Command::Auth { .. }) => Reply::plain(334, ""),
        Event::Command(Command::Quit) => Reply::plain(221, "bye"),
        Event::Command(Command::StartTls) => Reply::plain(220, "go"),
        Event::Command(Command::Help(_)) => Reply::plain(214, "help"),
        Event::Command(Command::Bdat { .. }) => return None,
        Event::Command(_) | Event::ChunkEnd(_) | Event::DataEnd(_) => Reply::plain(250, "ok"),
        Event::Malformed(_) => Reply::new(500, Status(5, 5, 2), "no"),
        Event::AuthLine(line) if line == b"*" => Reply::plain(501, "cancelled"),
        Event::AuthLine(_) => Reply::plain(235, "in"),
        Event::Data(_) => return None,
    })
}

/// All events of the chunks, neighbouring content joined.
fn events<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut server = Server::new(RULES);
    server.send(Reply::plain(220, "hello"));
    let mut events = Vec::new();
    for chunk in chunks {
        server.receive(chunk);
        while let Some(event) = server.next() {
            if let Some(reply) = answer(&event) {
                server.send(reply);
            }
            match (events.last_mut(), event) {
                (Some(Event::Data(before)), Event::Data(more)) => before.extend(more),
                (_, event) => events.push(event),
            }
        }
        assert!(
            server.buffered() <= AUTH_LINE_BYTES,
            "more than an unfinished line waits"
        );
        if server.awaits_tls() || server.has_turned() {
            break;
        }
    }
    events
}

fn whole(wire: &[u8]) -> Vec<Event> {
    events(std::iter::once(wire))
}

fn rset() -> Event {
    Event::Command(Command::Rset)
}

#[test]
fn reads_a_whole_pipelined_dialogue() {
    // [rfc2920 3.1]
    let wire = b"RSET\r\nDATA\r\nhello\r\n..\r\n.\r\nRSET\r\nQUIT\r\nRSET\r\n";
    let expected = [
        rset(),
        Event::Command(Command::Data),
        Event::Data(b"hello\r\n.\r\n".to_vec()),
        Event::DataEnd(DataEnd {
            bytes: 10,
            problem: None,
        }),
        rset(),
        Event::Command(Command::Quit),
    ];
    assert_eq!(whole(wire), expected);
    assert_eq!(events(wire.chunks(1)), expected);
}

#[test]
fn reads_a_line_that_is_too_long_to_its_end() {
    // [rfc5321 4.5.3.1.9]
    let fits = [
        b"NOOP ".to_vec(),
        vec![b'x'; 2_048 - 7],
        b"\r\nRSET\r\n".to_vec(),
    ]
    .concat();
    assert_eq!(whole(&fits), [Event::Command(Command::Noop), rset()]);
    let long = [
        b"NOOP ".to_vec(),
        vec![b'x'; 2_048 - 6],
        b"\r\nRSET\r\n".to_vec(),
    ]
    .concat();
    for size in [1, 7, 2_047, 2_048, 2_049, 9_999] {
        assert_eq!(
            events(long.chunks(size)),
            [Event::Malformed(Malformed::LineTooLong), rset()]
        );
    }
}

#[test]
fn auth_lines_may_be_longer() {
    // [rfc4954 4.5]
    let response = "A".repeat(12_288);
    let wire = format!("AUTH PLAIN {response}\r\n{response}\r\nRSET\r\n");
    let got = events(wire.as_bytes().chunks(1_000));
    assert!(matches!(&got[0], Event::Command(Command::Auth { .. })));
    assert!(matches!(&got[1], Event::AuthLine(line) if line.len() == 12_288));
    assert_eq!(got[2], rset());
    let wire = format!("AUTH PLAIN\r\n{}\r\nRSET\r\n", "A".repeat(20_000));
    assert_eq!(
        whole(wire.as_bytes())[1..],
        [Event::Malformed(Malformed::LineTooLong), rset()]
    );
}

#[test]
fn a_bare_lf_ends_no_command_and_hides_none() {
    // [rfc5321 2.3.8]
    let wire = b"RSET\nQUIT\nDATA\r\nRSET\r\n";
    for size in [1, 3, 100] {
        assert_eq!(
            events(wire.chunks(size)),
            [Event::Malformed(Malformed::BareNewline), rset()]
        );
    }
}

#[test]
fn drops_what_was_sent_before_tls() {
    // [rfc3207 4.2]
    let mut server = Server::new(RULES);
    server.send(Reply::plain(220, "hello"));
    server.receive(b"STARTTLS\r\nRSET\r\n");
    assert_eq!(server.next(), Some(Event::Command(Command::StartTls)));
    server.send(Reply::plain(220, "go"));
    assert!(server.awaits_tls());
    server.receive(b"QUIT\r\n");
    assert_eq!((server.next(), server.buffered()), (None, 0));
    server.tls_started();
    assert_eq!(server.next(), None);
    server.receive(b"NOOP\r\n");
    assert_eq!(server.next(), Some(Event::Command(Command::Noop)));
}

#[test]
fn a_refused_starttls_loses_nothing() {
    // [rfc2920 3.2 (9)]
    let mut server = Server::new(RULES);
    server.send(Reply::plain(220, "hello"));
    server.receive(b"STARTTLS\r\nRSET\r\n");
    server.next();
    server.send(Reply::new(454, Status(4, 7, 0), "later"));
    assert_eq!(server.next(), Some(rset()));
}

#[test]
fn hands_out_nothing_before_the_answer() {
    // [rfc5321 4.2] [rfc5321 4.2 #1]
    let mut server = Server::new(RULES);
    server.receive(b"RSET\r\nQUIT\r\n");
    assert_eq!(server.next(), None, "the greeting comes first");
    server.send(Reply::plain(220, "hello"));
    assert_eq!(server.next(), Some(rset()));
    assert_eq!(server.next(), None);
}

#[test]
#[should_panic(expected = "a reply 354 to Command(Noop)")]
fn no_code_goes_out_that_its_command_cannot_have() {
    // [rfc5321 4.3.1 #2] [rfc5321 4.3.2]
    let mut server = Server::new(RULES);
    server.send(Reply::plain(220, "hello"));
    server.receive(b"NOOP\r\n");
    server.next();
    server.send(Reply::plain(354, "go on"));
}

#[test]
fn only_replies_to_rset_mail_and_rcpt_may_wait() {
    // [rfc2920 3.2 (2)(5)(6)]
    let mut server = Server::new(RULES);
    server.send(Reply::plain(220, "hello"));
    server.output();
    server.receive(b"RSET\r\nFOO\r\n");
    server.next();
    server.send(Reply::plain(250, "ok"));
    assert_eq!(server.flush(), Flush::Later);
    server.next();
    server.send(Reply::new(500, Status(5, 5, 1), "what"));
    assert_eq!(server.flush(), Flush::Now);
    assert_eq!(server.output(), b"250 ok\r\n500 5.5.1 what\r\n");
    assert_eq!(server.flush(), Flush::Later);
}

#[test]
fn refused_data_leaves_the_machine_at_commands() {
    let mut server = Server::new(RULES);
    server.send(Reply::plain(220, "hello"));
    server.receive(b"DATA\r\nRSET\r\n");
    server.next();
    server.send(Reply::new(503, Status(5, 5, 1), "no recipients"));
    assert_eq!(server.next(), Some(rset()));
}

#[test]
fn a_421_ends_the_connection_at_any_time() {
    // [rfc5321 3.8]
    let mut server = Server::new(RULES);
    server.send(Reply::plain(220, "hello"));
    server.receive(b"DATA\r\n");
    server.next();
    server.send(Reply::plain(354, "go"));
    server.send(Reply::new(421, Status(4, 3, 2), "stopping"));
    assert!(server.is_closed());
    server.receive(b"RSET\r\n");
    assert_eq!((server.next(), server.buffered()), (None, 0));
}

fn bdat(bytes: u64, place: ChunkPlace) -> Event {
    Event::Command(Command::Bdat { bytes, place })
}

fn end(bytes: u64, problem: Option<DataProblem>) -> DataEnd {
    DataEnd { bytes, problem }
}

#[test]
fn reads_a_pipelined_message_in_chunks() {
    // [rfc3030 2] [rfc2920 3.1]
    // the CR at the border of two chunks belongs to the LF behind it
    let wire = b"BDAT 8\r\n.\r\nRSET\rbdat 4 last\r\n\n.\r\nRSET\r\n";
    let expected = [
        bdat(8, ChunkPlace::More),
        Event::Data(b".\r\nRSET".to_vec()),
        Event::ChunkEnd(end(7, None)),
        bdat(4, ChunkPlace::Last),
        Event::Data(b"\r\n.\r\n".to_vec()),
        Event::DataEnd(end(12, None)),
        rset(),
    ];
    for size in [1, 2, 9, 1_000] {
        assert_eq!(events(wire.chunks(size)), expected);
    }
}

#[test]
fn chunks_are_read_through_even_if_they_are_not_welcome() {
    // [rfc3030 2]
    let mut server = Server::new(RULES);
    server.send(Reply::plain(220, "hello"));
    server.receive(b"BDAT 6 LAST\r\nQUIT\r\nRSET\r\n");
    assert_eq!(server.next(), Some(bdat(6, ChunkPlace::Last)));
    assert!(server.in_data());
    assert_eq!(server.next(), Some(Event::Data(b"QUIT\r\n".to_vec())));
    assert_eq!(server.next(), Some(Event::DataEnd(end(6, None))));
    server.send(Reply::new(503, Status(5, 5, 1), "MAIL first"));
    assert_eq!(server.next(), Some(rset()));
}

#[test]
fn a_chunk_past_the_size_is_read_to_its_end() {
    // [rfc3030 2] [rfc1870 6.3]
    let wire = [
        b"BDAT 1001\r\n".to_vec(),
        vec![b'x'; 1_001],
        b"RSET\r\n".to_vec(),
    ]
    .concat();
    let got = events(wire.chunks(100));
    let problem = Some(DataProblem::TooLarge);
    assert_eq!(got[2..], [Event::ChunkEnd(end(1_000, problem)), rset()]);
}

#[test]
fn an_empty_last_chunk_ends_the_message() {
    // [rfc3030 2]
    let got = whole(b"BDAT 3\r\nabcBDAT 0 LAST\r\nBDAT 0 LAST\r\n");
    let expected = [
        bdat(3, ChunkPlace::More),
        Event::Data(b"abc".to_vec()),
        Event::ChunkEnd(end(3, None)),
        bdat(0, ChunkPlace::Last),
        Event::DataEnd(end(3, None)),
        bdat(0, ChunkPlace::Last),
        Event::DataEnd(end(0, None)),
    ];
    assert_eq!(got, expected);
}

#[test]
fn a_new_message_begins_its_chunks_anew() {
    let got = whole(b"BDAT 1\r\n\nMAIL FROM:<> BODY=BINARYMIME\r\nBDAT 2 LAST\r\n\n\0");
    assert_eq!(got[1], Event::ChunkEnd(end(0, Some(DataProblem::BareLf))));
    assert_eq!(
        got[4..],
        [Event::Data(b"\n\0".to_vec()), Event::DataEnd(end(2, None))]
    );
    let got = whole(b"MAIL FROM:<> BODY=BINARYMIME\r\nMAIL FROM:<>\r\nBDAT 1 LAST\r\n\0");
    let nul = Event::DataEnd(end(0, Some(DataProblem::Nul)));
    assert_eq!(got.last(), Some(&nul), "the last MAIL counts");
}

#[test]
fn a_mail_that_is_refused_changes_nothing_of_the_chunks_before_it() {
    // [rfc3030 2] [rfc5321 2.3.8]
    let mut server = Server::new(RULES);
    server.send(Reply::plain(220, "hello"));
    let mut say = |wire: &[u8], reply: Reply| {
        server.receive(wire);
        let mut last = None;
        while let Some(event) = server.next() {
            last = Some(event);
        }
        server.send(reply);
        last
    };
    let ok = || Reply::plain(250, "ok");
    say(b"MAIL FROM:<>\r\n", ok());
    let chunk = [&b"BDAT 998\r\n"[..], &[b'x'; 997], b"\r"].concat();
    assert_eq!(say(&chunk, ok()), Some(Event::ChunkEnd(end(997, None))));
    let no = Reply::new(503, Status(5, 5, 1), "A message has been begun");
    say(b"MAIL FROM:<> BODY=BINARYMIME\r\n", no);
    // neither is the size counted from nothing, nor a lone LF content
    assert_eq!(
        say(b"BDAT 1\r\n\n", ok()),
        Some(Event::ChunkEnd(end(999, None)))
    );
    let bare = Some(DataProblem::BareLf);
    assert_eq!(
        say(b"BDAT 1 LAST\r\n\n", ok()),
        Some(Event::DataEnd(end(999, bare)))
    );
}

#[test]
fn a_bdat_that_cannot_be_read_ends_the_connection() {
    // octets of unknown number follow: read as commands, they would be somebody else's
    for line in [
        "BDAT",
        "BDAT x",
        "BDAT -1",
        "BDAT 1 2",
        "BDAT 1 LAST x",
        "BDAT 99999999999999999999",
    ] {
        let wire = format!("{line}\r\nRSET\r\n");
        for size in [1, 1_000] {
            let got = events(wire.as_bytes().chunks(size));
            assert_eq!(got, [Event::Malformed(Malformed::ChunkSize)], "{line}");
        }
    }
    let long = format!(
        "BDAT 6{}\r\nRSET\r\nNOOP\r\n",
        " ".repeat(COMMAND_LINE_BYTES)
    );
    for wire in [
        b"BDAT \0\r\nRSET\r\n",
        &b"BDAT 10\nRSET\r\nNOOP\r\n"[..],
        long.as_bytes(),
    ] {
        for size in [1, 7, 10_000] {
            let got = events(wire.chunks(size));
            assert_eq!(got, [Event::Malformed(Malformed::ChunkSize)]);
        }
    }
}

#[test]
fn each_recipient_may_be_answered_by_itself() {
    // [rfc2033 4.2]
    let mut server = Server::new(RULES);
    server.send(Reply::plain(220, "hello"));
    server.receive(b"BDAT 0 LAST\r\nRSET\r\n");
    server.next();
    server.next();
    server.output();
    server.send_each(vec![Reply::plain(250, "a"), Reply::plain(452, "b")]);
    assert_eq!(server.output(), b"250 a\r\n452 b\r\n");
    assert_eq!(server.next(), Some(rset()));
}

/// Pieces from which dialogues are made: words, line ends of every kind, content.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b"\r\n.\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b".".to_vec()),
        Just(b"\0".to_vec()),
        Just(b"DATA\r\n".to_vec()),
        Just(b"RSET\r\n".to_vec()),
        Just(b"AUTH PLAIN\r\n".to_vec()),
        Just(b"AUTH ".to_vec()),
        Just(b"BDAT 5\r\n".to_vec()),
        Just(b"BDAT 1000\r\n".to_vec()),
        Just(b"BDAT 3 LAST\r\n".to_vec()),
        Just(b"BDAT 0 LAST\r\n".to_vec()),
        Just(b"BDAT LAST\r\n".to_vec()),
        Just(b"MAIL FROM:<> BODY=BINARYMIME\r\n".to_vec()),
        Just(b"LHLO x\r\n".to_vec()),
        Just(b"STARTTLS\r\n".to_vec()),
        Just(b"MAIL FROM:<a@example.test>".to_vec()),
        Just(vec![b'x'; 2_040]),
        Just(vec![b'x'; 700]),
        proptest::collection::vec(any::<u8>(), 0..8),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn any_chunking_of_the_same_bytes_gives_the_same_events(
        pieces in proptest::collection::vec(piece(), 0..40),
        cuts in proptest::collection::vec(1usize..3_000, 1..60),
    ) {
        let wire = pieces.concat();
        let mut rest = wire.as_slice();
        let mut chunks = Vec::new();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, more) = rest.split_at((*cut).min(rest.len()));
            chunks.push(chunk);
            rest = more;
        }
        prop_assert_eq!(whole(&wire), events(chunks.into_iter()));
        prop_assert_eq!(whole(&wire), events(wire.chunks(1)));
    }
}

#[test]
fn notes_bare_newlines_in_content() {
    let wire = b"DATA\r\na\n.\nb\r\n.\r\n";
    let end = Event::DataEnd(DataEnd {
        bytes: 1,
        problem: Some(DataProblem::BareLf),
    });
    assert_eq!(whole(wire).last(), Some(&end));
}

/// A session that says yes to ATRN, and goes away from the machine then.
fn turned_over(wire: &[u8], cut: usize) -> Vec<u8> {
    let mut server = Server::new(RULES);
    server.send(Reply::plain(220, "hello"));
    let (first, second) = wire.split_at(cut);
    server.receive(first);
    let mut rest = Some(second);
    loop {
        match server.next() {
            Some(event) => {
                if let Some(reply) = answer(&event) {
                    server.send(reply);
                }
            }
            None if server.has_turned() => break,
            None => server.receive(rest.take().expect("because all commands are in it")),
        }
    }
    let mut over = server.turned_over();
    over.extend_from_slice(rest.unwrap_or_default());
    over
}

#[test]
fn after_atrn_nothing_is_read_as_a_command_any_more() {
    // [rfc2645 5.3]
    let greeting = b"220 example.org ready\r\nQUIT\r\n";
    let wire = [b"EHLO example.org\r\nATRN example.org\r\n", &greeting[..]].concat();
    for cut in 0..=wire.len() {
        assert_eq!(turned_over(&wire, cut), greeting, "cut at {cut}");
    }
}

#[test]
fn an_atrn_that_is_refused_changes_nothing() {
    // [rfc2645 5.2.1]
    for code in [450, 451, 453, 502, 530] {
        let mut server = Server::new(RULES);
        server.send(Reply::plain(220, "hello"));
        server.receive(b"ATRN\r\nQUIT\r\n");
        assert_eq!(
            server.next(),
            Some(Event::Command(Command::Atrn(Vec::new())))
        );
        server.send(Reply::plain(code, "no"));
        assert!(!server.has_turned());
        assert_eq!(server.next(), Some(Event::Command(Command::Quit)));
    }
}
