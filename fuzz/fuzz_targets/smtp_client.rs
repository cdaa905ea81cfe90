//! Any bytes as what a server says, in any pieces, to the client machine of SMTP and LMTP: no panic,
//! bounded memory, the same events and commands however the bytes are cut, one outcome for each
//! recipient, and commands that stay lines.
#![no_main]

use addr::{Domain, ForwardPath, ReversePath};
use smtp::client::{Client, Envelope, Event, Extension, Protocol, Recipient, Request};
use smtp::limits::{CHALLENGE_LINE_BYTES, RECEIVED_REPLY_BYTES};
use smtp::{BodyType, Class, MailParameters, RcptParameters};

/// With line ends that must not go out as they are, and without for what is sent as it is.
const LINES: &[u8] = b"Subject: x\r\n\r\n.\nline\r";
const BINARY: &[u8] = b"Subject: x\r\n\r\n.";

/// Asks for as much as the server lets it: TLS, a login, several messages.
struct Driver {
    client: Client,
    events: Vec<Event>,
    sent: Vec<u8>,
    content: &'static [u8],
    asked_tls: bool,
    asked_login: bool,
    begun: usize,
    done: usize,
}

impl Driver {
    fn receive(&mut self, bytes: &[u8]) {
        self.client.receive(bytes);
        while let Some(event) = self.client.next() {
            if !self.client.is_closed() {
                self.answer(&event);
            }
            if let Event::Done(outcomes) = &event {
                assert_eq!(outcomes.len(), 2);
                self.done += 1;
            }
            self.events.push(event);
            self.sent.extend(self.client.output());
        }
        assert!(self.client.buffered() <= CHALLENGE_LINE_BYTES + RECEIVED_REPLY_BYTES);
    }

    fn answer(&mut self, event: &Event) {
        match event {
            Event::Greeting(_) => self.client.send(Request::Hello),
            Event::Hello(reply) if reply.class() != Class::Completion => {
                self.client.send(Request::Quit);
            }
            Event::StartTls(_) if self.client.awaits_tls() => {}
            Event::Challenge(challenge) if challenge.is_empty() => {
                self.client.send(Request::Response("AGEAYg==".to_owned()));
            }
            Event::Challenge(_) => self.client.send(Request::CancelAuth),
            Event::Content => {
                self.client.content(self.content).expect("ASCII");
                self.client.content_end();
            }
            Event::Hello(_) | Event::StartTls(_) | Event::Auth(_) | Event::Done(_) => self.go_on(),
            Event::Quit(_) | Event::Closing(_) | Event::Broken(_) => {}
        }
    }

    fn go_on(&mut self) {
        let offers_tls = self.client.capabilities().offers(Extension::StartTls);
        if offers_tls && !std::mem::replace(&mut self.asked_tls, true) {
            return self.client.send(Request::StartTls);
        }
        if !std::mem::replace(&mut self.asked_login, true) {
            return self.client.send(Request::Auth {
                mechanism: "PLAIN".to_owned(),
                initial_response: None,
            });
        }
        let recipient = |to: &str| Recipient {
            to: ForwardPath::Address(to.parse().expect("an address")),
            parameters: RcptParameters::default(),
        };
        let envelope = |body| Envelope {
            from: ReversePath::Null,
            parameters: MailParameters {
                body,
                ..MailParameters::default()
            },
            recipients: vec![recipient("a@x.test"), recipient("b@x.test")],
        };
        let binary = envelope(Some(BodyType::BinaryMime));
        self.content = match self.begun % 2 == 1 && self.client.begin(binary).is_ok() {
            true => BINARY,
            false => {
                self.client.begin(envelope(None)).expect("nothing special");
                LINES
            }
        };
        self.begun += 1;
    }
}

fn run<'a>(protocol: Protocol, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Vec<u8>) {
    let name: Domain = "client.example".parse().expect("a name");
    let mut driver = Driver {
        client: Client::new(protocol, &name),
        events: Vec::new(),
        sent: Vec::new(),
        content: LINES,
        asked_tls: false,
        asked_login: false,
        begun: 0,
        done: 0,
    };
    for piece in pieces {
        driver.receive(piece);
        if driver.client.awaits_tls() {
            // what follows came too early, in whatever piece
            break;
        }
    }
    driver.client.lost();
    driver.receive(b"");
    assert_eq!(driver.begun, driver.done);
    (driver.events, driver.sent)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&cut, bytes)) = data.split_first() else {
        return;
    };
    if bytes.is_empty() {
        return;
    }
    let protocol = if cut % 2 == 0 {
        Protocol::Smtp
    } else {
        Protocol::Lmtp
    };
    let whole = run(protocol, std::iter::once(bytes));
    assert_eq!(whole, run(protocol, bytes.chunks(usize::from(cut) + 1)));
    for (index, octet) in whole.1.iter().enumerate() {
        match octet {
            b'\r' => assert_eq!(whole.1.get(index + 1), Some(&b'\n')),
            b'\n' => assert_eq!(whole.1[index - 1], b'\r'),
            _ => assert!(octet.is_ascii_graphic() || *octet == b' '),
        }
    }
});
