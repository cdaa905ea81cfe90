//! Any bytes, in any pieces, through the server machine of SMTP and LMTP: no panic, bounded memory, the same
//! events however they are cut, and replies that stay lines.
#![no_main]

use smtp::{BareNewlines, Command, DataRules, Event, Reply, Server, Status};

/// What lets the dialogue go as far as it can.
fn answer(event: &Event) -> Option<Reply> {
    Some(match event {
        Event::Command(Command::Data) => Reply::plain(354, "go on"),
        Event::Command(Command::Auth { .. }) => Reply::plain(334, ""),
        Event::Command(Command::StartTls) => Reply::new(220, Status(2, 0, 0), "begin"),
        Event::Command(Command::Quit) => Reply::new(221, Status(2, 0, 0), "bye"),
        Event::Command(Command::Vrfy(name)) => Reply::new(252, Status(2, 0, 0), name.as_str()),
        Event::Command(Command::Help(_)) => Reply::new(214, Status(2, 0, 0), "help"),
        Event::Command(Command::Bdat { .. }) => return None,
        Event::Command(_) | Event::ChunkEnd(_) | Event::DataEnd(_) => {
            Reply::new(250, Status(2, 0, 0), "ok")
        }
        Event::AuthLine(_) => Reply::new(235, Status(2, 7, 0), "in"),
        Event::Malformed(malformed) => Reply::new(500, Status(5, 5, 2), format!("{malformed:?}")),
        Event::Data(_) => return None,
    })
}

fn run<'a>(rules: DataRules, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Vec<u8>) {
    let mut server = Server::new(rules);
    server.send(Reply::plain(220, "ready"));
    let (mut events, mut out) = (Vec::new(), server.output());
    let mut speaks_lmtp = false;
    for piece in pieces {
        server.receive(piece);
        while let Some(event) = server.next() {
            speaks_lmtp |= matches!(event, Event::Command(Command::Lhlo(_)));
            match answer(&event) {
                Some(reply) if speaks_lmtp && matches!(event, Event::DataEnd(_)) => {
                    server.send_each(vec![reply; 3]);
                }
                Some(reply) => server.send(reply),
                None => {}
            }
            match (events.last_mut(), event) {
                (Some(Event::Data(before)), Event::Data(more)) => before.extend(more),
                (_, event) => events.push(event),
            }
        }
        assert!(server.buffered() <= smtp::limits::AUTH_LINE_BYTES);
        out.extend(server.output());
        if server.awaits_tls() || server.has_turned() {
            // what follows came too early, or is not for this machine, in whatever piece
            break;
        }
    }
    (events, out)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&cut, bytes)) = data.split_first() else {
        return;
    };
    if bytes.is_empty() {
        // no piece at all, so not even the greeting is taken
        return;
    }
    let bare_newlines = if cut % 2 == 0 {
        BareNewlines::Reject
    } else {
        BareNewlines::Normalize
    };
    let rules = DataRules {
        max_bytes: 4_096,
        bare_newlines,
    };
    let whole = run(rules, std::iter::once(bytes));
    assert_eq!(whole, run(rules, bytes.chunks(usize::from(cut) + 1)));
    let lines = whole.1.strip_suffix(b"\r\n").expect("replies end in CRLF");
    for line in lines.split(|&octet| octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(line.len() <= 510 && line.iter().all(|octet| (b' '..=b'~').contains(octet)));
    }
    for event in &whole.0 {
        if let Event::Data(content) = event {
            assert!(content.len() <= 4_096);
        }
    }
});
