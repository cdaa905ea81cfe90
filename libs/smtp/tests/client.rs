//! The client's machine against the server's: what is sent arrives octet for octet, whatever is
//! offered and however the bytes are cut; and against servers that say anything.

use addr::{ForwardPath, ReversePath};
use proptest::prelude::*;
use smtp::client::{Client, Envelope, Event, Outcome, Protocol, Recipient, Request, Stage};
use smtp::{
    BareNewlines, BodyType, Class, ClientName, Command, DataRules, MailParameters, RcptParameters,
    Reply, Server, Status,
};

fn client(protocol: Protocol) -> Client {
    let domain: addr::Domain = "client.example".parse().expect("a domain");
    Client::new(protocol, ClientName::from(&domain))
}

/// How a message's content is handed over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Feed {
    /// As there is room for it.
    AsWanted,
    /// All of it in answer to the event, so that nothing depends on when bytes come.
    AtOnce,
}

/// Drives a client until it awaits bytes: says hello, sends these messages, quits.
struct Driver {
    client: Client,
    feed: Feed,
    sent: Vec<u8>,
    messages: Vec<(Envelope, Vec<u8>)>,
    content: Vec<u8>,
    events: Vec<Event>,
    begun: usize,
}

impl Driver {
    fn new(protocol: Protocol, feed: Feed, mut messages: Vec<(Envelope, Vec<u8>)>) -> Driver {
        messages.reverse();
        Driver {
            client: client(protocol),
            feed,
            sent: Vec::new(),
            messages,
            content: Vec::new(),
            events: Vec::new(),
            begun: 0,
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.client.receive(bytes);
        loop {
            while let Some(event) = self.client.next() {
                self.answer(&event);
                self.events.push(event);
            }
            self.sent.extend(self.client.output());
            if !self.client.wants_content() {
                return;
            }
            // a piece at a time, as from a disk
            let piece: Vec<u8> = self
                .content
                .drain(..self.content.len().min(40_000))
                .collect();
            match piece.is_empty() {
                true => self.client.content_end(),
                false => self.client.content(&piece).expect("as the envelope says"),
            }
        }
    }

    fn answer(&mut self, event: &Event) {
        if self.client.is_closed() {
            return;
        }
        match event {
            Event::Greeting(reply) if reply.class() == Class::Completion => {
                self.client.send(Request::Hello);
            }
            Event::Hello(reply) if reply.class() == Class::Completion => self.begin(),
            Event::Done(_) => self.begin(),
            Event::Content if self.feed == Feed::AtOnce => {
                let content = std::mem::take(&mut self.content);
                self.client.content(&content).expect("as the envelope says");
                self.client.content_end();
            }
            Event::Greeting(_) | Event::Hello(_) => self.client.send(Request::Quit),
            _ => {}
        }
    }

    /// The next message, or the next but one if the server cannot take it.
    fn begin(&mut self) {
        while let Some((envelope, content)) = self.messages.pop() {
            self.content = content;
            if self.client.begin(envelope).is_ok() {
                self.begun += 1;
                return;
            }
        }
        self.client.send(Request::Quit);
    }

    fn outcomes(&self) -> Vec<&Vec<Outcome>> {
        let done = self.events.iter().filter_map(|event| match event {
            Event::Done(outcomes) => Some(outcomes),
            _ => None,
        });
        done.collect()
    }
}

/// A server that refuses whom it is told to, and keeps what it gets.
struct Receiver {
    server: Server,
    protocol: Protocol,
    keywords: Vec<&'static str>,
    accepted: usize,
    sender: Option<(ReversePath, MailParameters)>,
    recipients: Vec<(ForwardPath, RcptParameters)>,
    content: Vec<u8>,
    got: Vec<Got>,
}

#[derive(Debug, PartialEq, Eq)]
struct Got {
    sender: (ReversePath, MailParameters),
    recipients: Vec<(ForwardPath, RcptParameters)>,
    content: Vec<u8>,
}

impl Receiver {
    fn new(protocol: Protocol, keywords: &[&'static str]) -> Receiver {
        let rules = DataRules {
            max_bytes: 1 << 30,
            bare_newlines: BareNewlines::Reject,
        };
        let mut server = Server::new(rules);
        server.send(Reply::plain(220, "ready"));
        Receiver {
            server,
            protocol,
            keywords: keywords.to_vec(),
            accepted: 0,
            sender: None,
            recipients: Vec::new(),
            content: Vec::new(),
            got: Vec::new(),
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.server.receive(bytes);
        while let Some(event) = self.server.next() {
            match event {
                smtp::Event::Command(command) => self.command(command),
                smtp::Event::Data(octets) => self.content.extend(octets),
                smtp::Event::ChunkEnd(end) => {
                    assert_eq!(end.problem, None);
                    self.server.send(Reply::new(250, Status(2, 0, 0), "more"));
                }
                smtp::Event::DataEnd(end) => {
                    assert_eq!(end.problem, None);
                    self.taken();
                }
                other => panic!("the client said {other:?}"),
            }
        }
    }

    fn taken(&mut self) {
        let ok = Reply::new(250, Status(2, 0, 0), "taken");
        self.got.push(Got {
            sender: self.sender.take().expect("a sender"),
            recipients: std::mem::take(&mut self.recipients),
            content: std::mem::take(&mut self.content),
        });
        match self.protocol {
            Protocol::Smtp => self.server.send(ok),
            Protocol::Lmtp => self.server.send_each(vec![ok; self.accepted]),
        }
        self.accepted = 0;
    }

    fn command(&mut self, command: Command) {
        let ok = Reply::new(250, Status(2, 0, 0), "ok");
        let reply = match command {
            Command::Ehlo(_) | Command::Lhlo(_) => {
                let name = Reply::plain(250, "server");
                self.keywords
                    .iter()
                    .fold(name, |reply, word| reply.and(*word))
            }
            Command::Mail {
                from, parameters, ..
            } => {
                assert_eq!(self.sender, None, "RSET is missing");
                self.sender = Some((from, parameters));
                ok
            }
            Command::Rcpt { to, .. } if to.to_string().starts_with("<no") => {
                Reply::new(550, Status(5, 1, 1), "no such user")
            }
            Command::Rcpt { to, parameters, .. } => {
                self.accepted += 1;
                self.recipients.push((to, parameters));
                ok
            }
            Command::Data if self.accepted == 0 => Reply::new(503, Status(5, 5, 1), "for whom?"),
            Command::Data => Reply::plain(354, "go"),
            Command::Rset => {
                (self.sender, self.accepted) = (None, 0);
                self.recipients.clear();
                ok
            }
            Command::Quit => Reply::new(221, Status(2, 0, 0), "bye"),
            Command::Bdat { .. } => return,
            other => panic!("the client said {other:?}"),
        };
        self.server.send(reply);
    }
}

/// Both, until nothing is said any more; what goes over is cut into pieces of this size.
fn converse(driver: &mut Driver, receiver: &mut Receiver, cut: usize) {
    loop {
        let replies = receiver.server.output();
        replies.chunks(cut).for_each(|piece| driver.receive(piece));
        let said = std::mem::take(&mut driver.sent);
        said.chunks(cut).for_each(|piece| receiver.receive(piece));
        if replies.is_empty() && said.is_empty() {
            return;
        }
    }
}

fn keywords() -> impl Strategy<Value = Vec<&'static str>> {
    let all = vec![
        "PIPELINING",
        "CHUNKING",
        "BINARYMIME",
        "8BITMIME",
        "SIZE 100000",
        "DSN",
    ];
    proptest::sample::subsequence(all, 0..=6)
}

/// Content as it may lie, and what it is.
fn content() -> impl Strategy<Value = (BodyType, Vec<u8>)> {
    let line = |octets: &'static str| proptest::string::bytes_regex(octets).expect("a pattern");
    let lines = |octets| {
        let lines = proptest::collection::vec(line(octets), 0..8);
        lines.prop_map(|lines: Vec<Vec<u8>>| {
            lines
                .iter()
                .flat_map(|line| [line, &b"\r\n"[..]].concat())
                .collect::<Vec<u8>>()
        })
    };
    prop_oneof![
        lines("[.a-z ]{0,9}").prop_map(|content| (BodyType::SevenBit, content)),
        lines("(?-u)[.a-z\\x80-\\xff]{0,9}").prop_map(|content| (BodyType::EightBitMime, content)),
        proptest::collection::vec(any::<u8>(), 0..60).prop_map(|c| (BodyType::BinaryMime, c)),
        // of several chunks
        (1usize..7).prop_map(|n| (BodyType::SevenBit, b".0123456789\r\n".repeat(n * 3_000))),
    ]
}

fn message() -> impl Strategy<Value = (Envelope, Vec<u8>)> {
    let recipients = proptest::collection::vec("(no|to)[a-z]{1,4}", 1..5);
    (recipients, content()).prop_map(|(to, (body, content))| {
        let recipient = |to: &String| Recipient {
            to: ForwardPath::Address(format!("{to}@x.test").parse().expect("an address")),
            parameters: RcptParameters::default(),
        };
        let envelope = Envelope {
            from: ReversePath::Null,
            parameters: MailParameters {
                body: Some(body),
                size_bytes: Some(content.len() as u64),
                ..MailParameters::default()
            },
            recipients: to.iter().map(recipient).collect(),
        };
        (envelope, content)
    })
}

/// What must have arrived of these, and the outcomes of each that was begun.
fn check(messages: &[(Envelope, Vec<u8>)], driver: &Driver, receiver: &Receiver) {
    let mut got = receiver.got.iter();
    let mut outcomes = driver.outcomes().into_iter();
    for (envelope, content) in messages {
        if driver.client.fits(envelope).is_err() {
            continue;
        }
        let outcomes = outcomes.next().expect("outcomes of every transaction");
        assert_eq!(outcomes.len(), envelope.recipients.len());
        let mut wanted = Vec::new();
        for (recipient, outcome) in envelope.recipients.iter().zip(outcomes) {
            let refused = recipient.to.to_string().starts_with("<no");
            let expect = match refused {
                true => (Stage::Rcpt, Class::Permanent),
                false => (Stage::ContentEnd, Class::Completion),
            };
            assert_eq!((outcome.stage(), outcome.class()), expect);
            if !refused {
                wanted.push((recipient.to.clone(), RcptParameters::default()));
            }
        }
        if wanted.is_empty() {
            continue;
        }
        let got = got.next().expect("every message");
        assert_eq!(got.recipients, wanted);
        assert!(
            got.content == *content,
            "the content has changed on its way"
        );
    }
    assert_eq!((got.next(), outcomes.next()), (None, None));
    assert!(matches!(driver.events.last(), Some(Event::Quit(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn what_is_sent_arrives_octet_for_octet(
        messages in proptest::collection::vec(message(), 1..4),
        keywords in keywords(),
        lmtp in any::<bool>(),
        cut in prop_oneof![1usize..40, Just(1 << 20)],
    ) {
        // [rfc5321 4.5.2 #1] [rfc2920 3.1] [rfc3030 2] [rfc2033 4.2]
        let protocol = if lmtp { Protocol::Lmtp } else { Protocol::Smtp };
        let mut driver = Driver::new(protocol, Feed::AsWanted, messages.clone());
        let mut receiver = Receiver::new(protocol, &keywords);
        converse(&mut driver, &mut receiver, cut);
        check(&messages, &driver, &receiver);
    }
}

/// What a server may say at any time, mostly something that fits.
fn replies() -> impl Strategy<Value = Vec<u8>> {
    let reply = prop_oneof![
        6 => Just("250 2.0.0 ok\r\n"),
        2 => Just("354 go\r\n"),
        1 => Just("250-server\r\n250-PIPELINING\r\n250 CHUNKING\r\n"),
        1 => Just("250-server\r\n250 PIPELINING\r\n"),
        1 => Just("550-5.1.1 no\r\n550 5.1.1 user\r\n"),
        1 => Just("452 4.5.3 too many\r\n"),
        1 => Just("503 5.5.1 what\r\n"),
        1 => Just("421 4.3.2 bye\r\n"),
        1 => Just("250\n"),
        1 => Just("x\r\n"),
    ];
    proptest::collection::vec(reply, 0..24).prop_map(|replies| replies.concat().into_bytes())
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_events(
        messages in proptest::collection::vec(message(), 1..4),
        replies in replies(),
        lmtp in any::<bool>(),
        cut in 1usize..30,
    ) {
        let protocol = if lmtp { Protocol::Lmtp } else { Protocol::Smtp };
        let wire = [b"220 hi\r\n250-server\r\n250 PIPELINING\r\n", &replies[..]].concat();
        let run = |cut: usize| {
            let mut driver = Driver::new(protocol, Feed::AtOnce, messages.clone());
            for piece in wire.chunks(cut) {
                driver.receive(piece);
            }
            driver.client.lost();
            while let Some(event) = driver.client.next() {
                driver.events.push(event);
            }
            // every transaction has its one end
            assert_eq!(driver.outcomes().len(), driver.begun);
            (driver.events, driver.sent)
        };
        prop_assert_eq!(run(wire.len()), run(cut));
    }
}
