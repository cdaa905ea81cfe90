//! Any bytes, in any pieces, through the POP3 server machine: no panic, bounded memory, the same
//! events however they are cut, and answers that stay lines. What POP4 names is read again as it is
//! written. And the surrogate of any message: the same in any pieces, with headers that are ASCII.
#![no_main]

use pop::{Arguments, Command, Event, Reply, Server, Surrogate, Verb};

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
            (Verb::Stor | Verb::Xtnd, _) => server.send(Reply::Receive("send it")),
            _ => {
                written_again(command);
                server.send(Reply::Ok(&String::from_utf8_lossy(content)));
            }
        },
        Event::Data(data) => assert!(!data.is_empty()),
        Event::AuthAnswer(_) | Event::DataEnd => server.send(Reply::Ok("")),
        Event::AuthCancelled | Event::Bad(_) => server.send(Reply::Err(None, "no")),
    }
}

/// The arguments of a command, as its words are written: the machine reads the same.
fn written_again(command: &Command) {
    let words = match &command.arguments {
        Arguments::Folder(folder) => folder.to_string(),
        Arguments::Folders(one, other) => format!("{one} {other}"),
        Arguments::FolderAndPlace(folder, place) => format!("{folder} {place}"),
        Arguments::SetAndFolder(set, folder) => format!("{set} {folder}"),
        Arguments::MaybeSet(Some(set)) => set.to_string(),
        Arguments::NumberAndSection(number, section) => format!("{number} {section}"),
        _ => return,
    };
    let line = format!("{} {words}\r\n", pop::word_of(command.verb));
    // what is decoded and written again may be longer than a line
    if line.len() > pop::limits::COMMAND_LINE_BYTES {
        return;
    }
    let mut server = Server::new();
    server.send(Reply::Ok("ready"));
    server.receive(line.as_bytes());
    assert_eq!(server.next(), Some(Event::Command(command.clone())));
}

fn run<'a>(pieces: impl Iterator<Item = &'a [u8]>, content: &[u8]) -> (Vec<Event>, Vec<u8>) {
    let mut server = Server::new();
    server.send(Reply::Ok("ready"));
    let (mut events, mut out) = (Vec::new(), server.output());
    for piece in pieces {
        server.receive(piece);
        while let Some(event) = server.next() {
            answer(&mut server, &event, content);
            match (event, events.last_mut()) {
                // a message may come in any pieces
                (Event::Data(data), Some(Event::Data(before))) => before.extend(data),
                (event, _) => events.push(event),
            }
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
