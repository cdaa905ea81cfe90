//! Properties: any chunking gives the same events and the same bytes; stuffing is undone exactly.

use pop::{Arguments, Event, Reply, Server, Stuffer, Surrogate, Top, Unstuffer, Verb};
use proptest::prelude::*;

/// Answers an event as a door might, so that every turn of the machine is reached.
fn answer(server: &mut Server, event: &Event) {
    match event {
        Event::Command(command) => match (command.verb, &command.arguments) {
            (Verb::Auth, Arguments::Mechanism(Some(_))) => server.send(Reply::Challenge("")),
            (Verb::Retr | Verb::Top, _) => {
                server.send(Reply::Begin("message"));
                server.send(Reply::Data(b".a\r\n.\n."));
                server.send(Reply::End);
            }
            (Verb::Stor | Verb::Xtnd, _) => server.send(Reply::Receive("send it")),
            _ => server.send(Reply::Ok("")),
        },
        Event::Data(_) => {}
        Event::AuthAnswer(_) | Event::DataEnd => server.send(Reply::Ok("")),
        Event::AuthCancelled | Event::Bad(_) => server.send(Reply::Err(None, "no")),
    }
}

fn run(chunks: &[&[u8]]) -> (Vec<Event>, Vec<u8>) {
    let (mut events, mut out) = (Vec::new(), Vec::new());
    let mut server = Server::new();
    server.send(Reply::Ok("ready"));
    for chunk in chunks {
        server.receive(chunk);
        while let Some(event) = server.next() {
            answer(&mut server, &event);
            match (event, events.last_mut()) {
                // a message may come in any pieces
                (Event::Data(data), Some(Event::Data(before))) => before.extend(data),
                (event, _) => events.push(event),
            }
        }
        out.extend(server.output());
    }
    (events, out)
}

fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

fn stuff(chunks: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut stuffer = Stuffer::new();
    for chunk in chunks {
        stuffer.push(chunk, &mut out);
    }
    stuffer.finish(&mut out);
    out
}

/// Lines as a client or an attacker might send them.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        "(USER|PASS|RETR|TOP|LIST|UIDL|DELE|STAT|NOOP|QUIT|AUTH|UTF8|LANG|LAST)( [a-z0-9=*]{1,6}){0,3}\r?\n",
        "(auth (plain|login))( [A-Za-z0-9+/=]{0,400})?\r\n",
        "(LFLD|SFLD|CFLD|DFLD|MOVF|RENF|MOVE|COPY|LFLG|SFLG|LPRT|RPRT|\\*ENV)( [a-z0-9:*,/+=%.]{1,6}){0,2}\r\n",
        "(stor|XTND XMIT)\r\n(\\.?[a-z]{0,5}\r?\n|\\.\r\n){0,6}",
        "\\*\r\n",
        "[ -~]{0,300}\r\n",
    ]
    .prop_map(String::into_bytes);
    let noise = proptest::collection::vec(any::<u8>(), 0..300);
    proptest::collection::vec(prop_oneof![4 => line, 1 => noise], 0..12)
        .prop_map(|lines| lines.concat())
}

fn surrogate(chunks: &[&[u8]], header_end: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut surrogate = Surrogate::new(std::iter::once(0..header_end));
    for chunk in chunks {
        surrogate.push(chunk, &mut out);
    }
    surrogate.finish(&mut out);
    out
}

/// Fields as they may be, broken ones too, without an empty line among them.
fn header() -> impl Strategy<Value = Vec<u8>> {
    let name = "(Subject|From|To|Content-Type|Content-Disposition|Received|X-Any|no field)";
    let value = "[ -~öü€\\t]{0,30}(\r\n [a-zö\"<>@(),;=]{1,20})?";
    let field = proptest::string::string_regex(&format!("{name}: {value}\r\n"))
        .expect("because it is one")
        .prop_map(String::into_bytes);
    let noise = proptest::collection::vec(
        any::<u8>().prop_filter("in a line", |b| !b"\r\n".contains(b)),
        1..40,
    )
    .prop_map(|mut line| {
        line.extend_from_slice(b"\r\n");
        line
    });
    proptest::collection::vec(prop_oneof![4 => field, 1 => noise], 0..6)
        .prop_map(|fields| fields.concat())
}

fn dotted() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(
        prop_oneof![
            Just(b'.'),
            Just(b'\r'),
            Just(b'\n'),
            Just(b'a'),
            any::<u8>()
        ],
        0..200,
    )
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_events(bytes in lines(), cuts in proptest::collection::vec(any::<usize>(), 0..20)) {
        prop_assert_eq!(run(&cut(&bytes, &cuts)), run(&[&bytes]));
    }

    #[test]
    fn any_chunking_is_stuffed_to_the_same_bytes(content in dotted(), cuts in proptest::collection::vec(any::<usize>(), 0..20)) {
        prop_assert_eq!(stuff(&cut(&content, &cuts)), stuff(&[&content]));
    }

    #[test]
    fn unstuffing_gives_back_what_was_stuffed(content in dotted(), cuts in proptest::collection::vec(any::<usize>(), 0..20)) {
        let wire = stuff(&[&content]);
        let mut expect = content.clone();
        if !content.is_empty() && !content.ends_with(b"\r\n") {
            expect.extend_from_slice(b"\r\n");
        }
        let mut got = Vec::new();
        let mut unstuffer = Unstuffer::new();
        let mut read = 0;
        for chunk in cut(&wire, &cuts) {
            read += unstuffer.push(chunk, &mut got);
        }
        prop_assert!(unstuffer.is_ended());
        prop_assert_eq!(read, wire.len(), "the answer ends at its own final dot only");
        prop_assert_eq!(got, expect);
    }

    #[test]
    fn a_surrogate_is_the_same_in_any_pieces_and_its_headers_are_ascii(
        header in header(), body in proptest::collection::vec(any::<u8>(), 0..50),
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let message = [&header[..], b"\r\n", &body].concat();
        let end = header.len() as u64 + 2;
        let whole = surrogate(&[&message], end);
        prop_assert_eq!(&surrogate(&cut(&message, &cuts), end), &whole);
        prop_assert!(whole.ends_with(&body));
        let made = &whole[..whole.len() - body.len()];
        prop_assert!(made.is_ascii());
        prop_assert!(made.ends_with(b"\r\n"));
        // no empty line comes in before its end
        let lines = |octets: &[u8]| octets.split(|b| *b == b'\n').filter(|l| *l == b"\r").count();
        prop_assert_eq!(lines(made), lines(&message[..header.len() + 2]));
        if header.is_ascii() {
            prop_assert_eq!(whole, message);
        }
    }

    #[test]
    fn top_takes_the_same_octets_in_any_pieces(content in dotted(), lines in 0u64..5, cuts in proptest::collection::vec(any::<usize>(), 0..20)) {
        let whole = Top::new(lines).take(&content);
        let mut top = Top::new(lines);
        let pieces: usize = cut(&content, &cuts).into_iter().map(|chunk| top.take(chunk)).sum();
        prop_assert_eq!(pieces, whole);
    }
}
