//! Any bytes, in any pieces, through the IMAP server machine: no panic, bounded memory, the same
//! events however they are cut, and answers that stay lines.
#![no_main]

use imap::{Command, Event, Response, Server};

fn answer(server: &mut Server, event: &Event, count: usize) {
    match event {
        Event::Command { tag, command } => match command {
            Command::Append(_) if count % 3 == 2 => server.send(&Response::no(tag, None, "no")),
            Command::Append(_) => server.accept_append(),
            Command::Authenticate { .. } => server.challenge(b"x"),
            Command::Idle => server.start_idle(),
            // TLS drops what came along, so that the cut would matter there
            Command::StartTls => server.send(&Response::bad(tag, "no")),
            _ => server.send(&Response::ok(tag, format!("{command:?}"))),
        },
        Event::AppendNext(_) => server.accept_append(),
        Event::Refused { tag, refusal } => server.send(&Response::refused(tag.as_ref(), refusal)),
        Event::Fatal(refusal) => server.send(&Response::bye(refusal.to_string())),
        _ => {}
    }
}

/// The pieces of one message are joined: they depend on the cut.
fn run<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Vec<u8>) {
    let mut server = Server::new();
    let (mut events, mut out): (Vec<Event>, Vec<u8>) = (Vec::new(), Vec::new());
    for piece in pieces {
        server.receive(piece).expect("no TLS awaited");
        while let Some(event) = server.next() {
            answer(&mut server, &event, events.len());
            match (events.last_mut(), event) {
                (Some(Event::AppendChunk(before)), Event::AppendChunk(chunk)) => {
                    before.extend(chunk);
                }
                (_, event) => events.push(event),
            }
        }
        out.extend(server.output());
    }
    assert!(out.is_empty() || out.ends_with(b"\r\n"));
    assert!(out.is_ascii());
    (events, out)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&cut, bytes)) = data.split_first() else {
        return;
    };
    let whole = run(std::iter::once(bytes));
    let pieces = run(bytes.chunks(usize::from(cut) + 1));
    assert_eq!(whole, pieces);
});
