//! Any bytes, in any pieces, through the POP3 server machine: no panic, bounded memory, the same
//! events however they are cut, and answers that stay lines. And the surrogate of any message: the
//! same in any pieces, with headers that are ASCII.
#![no_main]

use pop::{Arguments, Event, Reply, Server, Surrogate, Verb};

fn answer(server: &mut Server, event: &Event, content: &[u8]) {
    match event {
        Event::Command(command) => match (command.verb, &command.arguments) {
            (Verb::Auth, Arguments::Mechanism(Some(_))) => server.send(Reply::Challenge("")),
            (Verb::Retr | Verb::Top, _) => {
                server.send(Reply::Begin("message"));
                let (first, second) = content.split_at(content.len() / 2);
                server.send(Reply::Data(first));
                server.send(Reply::Data(second));
                server.send(Reply::End);
            }
            (Verb::Stls, _) => {
                server.send(Reply::StartTls("begin"));
                server.receive(content);
                assert_eq!(server.next(), None);
                server.tls_started();
            }
            _ => server.send(Reply::Ok(&String::from_utf8_lossy(content))),
        },
        Event::AuthAnswer(_) => server.send(Reply::Ok("")),
        Event::AuthCancelled | Event::Bad(_) => server.send(Reply::Err(None, "no")),
    }
}

fn run<'a>(pieces: impl Iterator<Item = &'a [u8]>, content: &[u8]) -> (Vec<Event>, Vec<u8>) {
    let mut server = Server::new();
    server.send(Reply::Ok("ready"));
    let (mut events, mut out) = (Vec::new(), server.output());
    for piece in pieces {
        server.receive(piece);
        while let Some(event) = server.next() {
            answer(&mut server, &event, content);
            events.push(event);
        }
        out.extend(server.output());
    }
    assert!(out.ends_with(b"\r\n"));
    (events, out)
}

fn surrogate<'a>(pieces: impl Iterator<Item = &'a [u8]>, header_end: u64) -> Vec<u8> {
    let mut surrogate = Surrogate::new(std::iter::once(0..header_end));
    let mut out = Vec::new();
    for piece in pieces {
        surrogate.push(piece, &mut out);
    }
    surrogate.finish(&mut out);
    out
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&cut, bytes)) = data.split_first() else {
        return;
    };
    // STLS drops what came with it, so where the pieces end matters there
    let stls = bytes
        .to_ascii_uppercase()
        .windows(4)
        .any(|word| word == b"STLS");
    let content = &bytes[bytes.len() / 2..];
    let whole = run(std::iter::once(bytes), content);
    let pieces = run(bytes.chunks(usize::from(cut) + 1), content);
    assert!(stls || whole == pieces);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.map_or(bytes.len(), |at| at + 4);
    let made = surrogate(std::iter::once(bytes), end as u64);
    assert_eq!(
        made,
        surrogate(bytes.chunks(usize::from(cut) + 1), end as u64)
    );
    assert!(made.ends_with(&bytes[end..]));
    assert!(made[..made.len() - (bytes.len() - end)].is_ascii());
});
