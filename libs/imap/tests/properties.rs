//! Laws of the parser and the machine: no bytes make them panic, no cut of the bytes changes the
//! events, and what a client writes is what is read.

use imap::*;
use proptest::prelude::*;

/// A session that takes everything it is asked for; equal chunks of a message are joined.
fn run<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Vec<u8>) {
    let mut server = Server::new();
    let mut events: Vec<Event> = Vec::new();
    for piece in pieces {
        if server.receive(piece).is_err() {
            break;
        }
        while let Some(event) = server.next() {
            answer(&mut server, &event, events.len());
            match (events.last_mut(), event) {
                (Some(Event::AppendChunk(before)), Event::AppendChunk(chunk)) => {
                    before.extend(chunk)
                }
                (_, event) => events.push(event),
            }
        }
    }
    (events, server.output())
}

fn answer(server: &mut Server, event: &Event, count: usize) {
    let (tag, command) = match event {
        Event::Command { tag, command } => (tag, command),
        Event::AppendNext(_) => return server.accept_append(),
        _ => return,
    };
    match command {
        Command::Append(_) if count % 3 == 2 => server.send(&Response::no(tag, None, "no")),
        Command::Append(_) => server.accept_append(),
        Command::Authenticate { .. } => server.challenge(b"x"),
        Command::Idle => server.start_idle(),
        // TLS drops what came along, so that the cut matters there; refuse it.
        Command::StartTls => server.send(&Response::bad(tag, "no")),
        _ => server.send(&Response::ok(tag, "done")),
    }
}

/// Pieces of dialogues, right and wrong.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("a1 NOOP\r\n".to_owned()),
        Just("a2 LOGIN {3}\r\nabc {4+}\r\nde\r\n\r\n".to_owned()),
        Just("a3 APPEND x {5+}\r\nab\ncd\r\n".to_owned()),
        Just("a4 APPEND x {2}\r\nab x {3+}\r\nabc\r\n".to_owned()),
        Just("a4 APPEND x (\\Seen) ~{3+}\r\na\0b UTF8 (~{1+}\r\n\0)\r\n".to_owned()),
        Just("a5 IDLE\r\nDONE\r\n".to_owned()),
        Just("a6 AUTHENTICATE PLAIN\r\nAGEAYg==\r\n".to_owned()),
        Just("a7 STARTTLS\r\n".to_owned()),
        Just("a8 SEARCH CHARSET UTF-8 (OR SUBJECT \"x\" NOT 1:*)\r\n".to_owned()),
        Just("a9 FETCH 1:* (BODY.PEEK[1.HEADER.FIELDS (a b)]<1.2> FLAGS)\r\n".to_owned()),
        Just("b1 APPEND x {9999999999+}\r\n".to_owned()),
        Just("\r".to_owned()),
        Just("\n".to_owned()),
        Just("\0".to_owned()),
        Just("{7+}\r\n".to_owned()),
        (65_500usize..65_600).prop_map(|len| " ".repeat(len)),
        "[a-zA-Z0-9 ()\"{}+*%\\\\\\[\\]<>.:,]{0,20}",
    ];
    proptest::collection::vec(word, 0..12).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #[test]
    fn any_cut_of_the_bytes_gives_the_same_events(bytes in bytes(), cuts in proptest::collection::vec(1usize..40, 1..20)) {
        let whole = run(std::iter::once(bytes.as_slice()));
        let mut rest = bytes.as_slice();
        let mut pieces = Vec::new();
        for cut in cuts.iter().cycle() {
            // Long runs of spaces in longer pieces, or the test takes its time.
            let len = if rest.starts_with(b"    ") { cut * 997 } else { *cut };
            let (piece, more) = rest.split_at(len.min(rest.len()));
            pieces.push(piece);
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(run(pieces.into_iter()), whole);
    }

    #[test]
    fn no_bytes_make_the_machine_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        run(bytes.chunks(7));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "a (UID )?(FETCH|SEARCH|STORE|LIST|STATUS|APPEND|ID|LOGIN)[ -~\r\n]{0,60}") {
        let _ = parse_command(text.as_bytes(), NameEncoding::ModifiedUtf7);
    }

    #[test]
    fn what_a_client_writes_is_what_is_read(command in any_command()) {
        let mut text = b"a ".to_vec();
        write_command(&command, &mut text);
        let parsed = parse_command(&text, NameEncoding::ModifiedUtf7);
        prop_assert_eq!(parsed.map(|(_, command)| command), Ok(command), "{}", String::from_utf8_lossy(&text));
    }
}

fn any_mailbox() -> impl Strategy<Value = Mailbox> {
    "\\PC{0,12}".prop_map(|name| Mailbox::new(&name))
}

fn any_set() -> impl Strategy<Value = SequenceSet> {
    "[1-9][0-9]{0,8}(:(\\*|[1-9]))?(,[1-9]{1,9}|,\\*){0,4}"
        .prop_map(|text| SequenceSet::parse(text.as_bytes()).expect("a set"))
}

fn any_messages() -> impl Strategy<Value = MessageSet> {
    prop_oneof![
        4 => any_set().prop_map(MessageSet::Numbers),
        1 => Just(MessageSet::Saved),
    ]
}

fn any_plain_set() -> impl Strategy<Value = SequenceSet> {
    "[1-9][0-9]{0,8}(:[1-9][0-9]{0,8})?(,[1-9]{1,9}){0,4}"
        .prop_map(|text| SequenceSet::parse(text.as_bytes()).expect("a set"))
}

fn any_params() -> impl Strategy<Value = SelectParams> {
    let resync = (
        1u32..,
        1u64..1 << 62,
        proptest::option::of(any_plain_set()),
        proptest::option::of((any_plain_set(), any_plain_set())),
    );
    let resync = resync.prop_map(|(uid_validity, modseq, known_uids, matches)| Resync {
        uid_validity,
        modseq,
        known_uids,
        matches,
    });
    let condstore = prop_oneof![Just(CondStore::NotAsked), Just(CondStore::Asked)];
    (condstore, proptest::option::of(resync))
        .prop_map(|(condstore, resync)| SelectParams { condstore, resync })
}

fn any_modifiers(ids: Ids) -> impl Strategy<Value = FetchModifiers> {
    let vanished = match ids {
        Ids::Uid => prop_oneof![Just(Vanished::NotAsked), Just(Vanished::Asked)].boxed(),
        Ids::Sequence => Just(Vanished::NotAsked).boxed(),
    };
    prop_oneof![
        Just(FetchModifiers::default()),
        (0u64..1 << 62, vanished).prop_map(|(since, vanished)| FetchModifiers {
            changed_since: Some(since),
            vanished
        }),
    ]
}

fn any_fetch() -> impl Strategy<Value = Command> {
    any_ids().prop_flat_map(|ids| {
        let items = proptest::collection::vec(any_item(), 1..4);
        (any_messages(), items, any_modifiers(ids)).prop_map(move |(set, items, modifiers)| {
            Command::Fetch {
                ids,
                set,
                items,
                modifiers,
            }
        })
    })
}

fn any_returns() -> impl Strategy<Value = Option<Vec<ReturnOption>>> {
    use ReturnOption::*;
    let options = proptest::sample::subsequence(vec![Min, Max, All, Count, Save], 0..=5);
    proptest::option::of(options)
}

fn any_ids() -> impl Strategy<Value = Ids> {
    prop_oneof![Just(Ids::Sequence), Just(Ids::Uid)]
}

fn any_keyword() -> impl Strategy<Value = Keyword> {
    "[!#$&'+-.0-9:-Z^-z|}~]{1,10}".prop_map(|word| Keyword::new(&word).expect("a keyword"))
}

fn any_flags() -> impl Strategy<Value = Vec<Flag>> {
    let flag = prop_oneof![
        Just(Flag::Seen),
        Just(Flag::Deleted),
        any_keyword().prop_map(Flag::Keyword)
    ];
    proptest::collection::vec(flag, 0..4)
}

fn any_item() -> impl Strategy<Value = FetchItem> {
    let fields = || proptest::collection::vec("[!-9;-~]{1,8}", 1..4);
    let text = prop_oneof![
        Just(SectionText::Whole),
        Just(SectionText::Header),
        Just(SectionText::Text),
        fields().prop_map(SectionText::HeaderFields),
        fields().prop_map(SectionText::HeaderFieldsNot),
    ];
    let partial = proptest::option::of(
        (0..1u64 << 62, 1..1u64 << 62).prop_map(|(origin, octets)| Partial { origin, octets }),
    );
    let peek = prop_oneof![Just(Peek::SetsSeen), Just(Peek::LeavesUnseen)];
    let section = (proptest::collection::vec(1u32.., 0..4), text, partial, peek).prop_map(
        |(path, text, partial, peek)| FetchItem::Section {
            section: Section { path, text },
            partial,
            peek,
        },
    );
    prop_oneof![
        Just(FetchItem::Uid),
        Just(FetchItem::Body),
        Just(FetchItem::Rfc822Text),
        section
    ]
}

fn any_key() -> impl Strategy<Value = SearchKey> {
    let text = || proptest::collection::vec(1u8.., 0..10);
    let leaf = prop_oneof![
        Just(SearchKey::All),
        Just(SearchKey::Unseen),
        text().prop_map(SearchKey::Body),
        ("[!-9;-~]{1,8}", text()).prop_map(|(field, text)| SearchKey::Header { field, text }),
        any_keyword().prop_map(SearchKey::Unkeyword),
        any_messages().prop_map(SearchKey::Sequence),
        any_messages().prop_map(SearchKey::Uid),
        (0..1u64 << 62).prop_map(SearchKey::ModSeq),
        (1u32..).prop_map(SearchKey::Older),
        (0..1u64 << 62).prop_map(SearchKey::Larger),
        (-700_000i32..2_900_000).prop_map(|days| SearchKey::SentOn(Date::from_days(days))),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|key| SearchKey::Not(Box::new(key))),
            (inner.clone(), inner.clone())
                .prop_map(|(one, other)| SearchKey::Or(Box::new(one), Box::new(other))),
            proptest::collection::vec(inner, 2..4).prop_map(SearchKey::And),
        ]
    })
}

fn any_command() -> impl Strategy<Value = Command> {
    let password = proptest::collection::vec(1u8.., 0..10);
    let operation = prop_oneof![Just(StoreOperation::Add), Just(StoreOperation::Replace)];
    prop_oneof![
        Just(Command::Noop),
        ("\\PC{0,9}", password).prop_map(|(user, password)| Command::Login { user, password }),
        (any_mailbox(), any_params())
            .prop_map(|(mailbox, params)| Command::Select { mailbox, params }),
        (any_mailbox(), "\\PC{0,9}").prop_map(|(reference, pattern)| {
            Command::List(List::basic(reference, ListPattern::new(&pattern)))
        }),
        (any_ids(), any_messages(), any_mailbox()).prop_map(|(ids, set, mailbox)| Command::Copy {
            ids,
            set,
            mailbox
        }),
        (
            any_ids(),
            any_messages(),
            proptest::option::of(0u64..1 << 62),
            operation,
            any_flags()
        )
            .prop_map(|(ids, set, unchanged_since, operation, flags)| {
                Command::Store(Store {
                    ids,
                    set,
                    unchanged_since,
                    operation,
                    telling: Telling::Silent,
                    flags,
                })
            }),
        any_fetch(),
        (any_ids(), any_returns(), any_key()).prop_map(|(ids, returns, key)| Command::Search(
            Search {
                ids,
                returns,
                charset: Some("UTF-8".into()),
                key
            }
        )),
    ]
}

/// The client's side, for those commands.
fn write_command(command: &Command, out: &mut Vec<u8>) {
    let put = |out: &mut Vec<u8>, text: &str| out.extend_from_slice(text.as_bytes());
    let uid = |ids: &Ids| if *ids == Ids::Uid { "UID " } else { "" };
    match command {
        Command::Noop => put(out, "NOOP"),
        Command::Login { user, password } => {
            put(out, "LOGIN ");
            literal(user.as_bytes(), out);
            put(out, " ");
            literal(password, out);
        }
        Command::Select { mailbox, params } => {
            put(out, "SELECT ");
            quoted(&mailbox.to_wire(NameEncoding::ModifiedUtf7), out);
            write_params(params, out);
        }
        Command::List(list) => {
            put(out, "LIST ");
            literal(
                list.reference
                    .to_wire(NameEncoding::ModifiedUtf7)
                    .as_bytes(),
                out,
            );
            put(out, " ");
            quoted(&utf7::encode(list.patterns[0].as_str()), out);
        }
        Command::Copy { ids, set, mailbox } => {
            put(out, &format!("{}COPY {set} ", uid(ids)));
            quoted(&mailbox.to_wire(NameEncoding::ModifiedUtf7), out);
        }
        Command::Store(store) => {
            let sign = if store.operation == StoreOperation::Add {
                "+"
            } else {
                ""
            };
            let flags: Vec<String> = store.flags.iter().map(Flag::to_string).collect();
            put(
                out,
                &format!(
                    "{}STORE {} {}{sign}FLAGS.SILENT ({})",
                    uid(&store.ids),
                    store.set,
                    store
                        .unchanged_since
                        .map(|since| format!("(UNCHANGEDSINCE {since}) "))
                        .unwrap_or_default(),
                    flags.join(" ")
                ),
            );
        }
        Command::Fetch {
            ids,
            set,
            items,
            modifiers,
        } => {
            let items: Vec<String> = items.iter().map(item_text).collect();
            put(
                out,
                &format!("{}FETCH {set} ({})", uid(ids), items.join(" ")),
            );
            if let Some(since) = modifiers.changed_since {
                let vanished = match modifiers.vanished {
                    Vanished::Asked => " VANISHED",
                    Vanished::NotAsked => "",
                };
                put(out, &format!(" (CHANGEDSINCE {since}{vanished})"));
            }
        }
        Command::Search(search) => {
            put(out, &format!("{}SEARCH ", uid(&search.ids)));
            if let Some(options) = &search.returns {
                let options: Vec<String> = options.iter().map(|o| format!("{o:?}")).collect();
                put(out, &format!("RETURN ({}) ", options.join(" ")));
            }
            put(out, "CHARSET UTF-8 ");
            write_key(&search.key, Place::Top, out);
        }
        other => panic!("{other:?} is not written here"),
    }
}

fn write_params(params: &SelectParams, out: &mut Vec<u8>) {
    let mut words = Vec::new();
    if params.condstore == CondStore::Asked {
        words.push("CONDSTORE".to_owned());
    }
    if let Some(resync) = &params.resync {
        let mut inner = vec![resync.uid_validity.to_string(), resync.modseq.to_string()];
        inner.extend(resync.known_uids.as_ref().map(SequenceSet::to_string));
        let matches = resync.matches.as_ref();
        inner.extend(matches.map(|(numbers, uids)| format!("({numbers} {uids})")));
        words.push(format!("QRESYNC ({})", inner.join(" ")));
    }
    if !words.is_empty() {
        out.extend_from_slice(format!(" ({})", words.join(" ")).as_bytes());
    }
}

fn literal(octets: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{{}}}\r\n", octets.len()).as_bytes());
    out.extend_from_slice(octets);
}

fn quoted(text: &str, out: &mut Vec<u8>) {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    out.extend_from_slice(format!("\"{text}\"").as_bytes());
}

fn item_text(item: &FetchItem) -> String {
    let FetchItem::Section {
        section,
        partial,
        peek,
    } = item
    else {
        return match item {
            FetchItem::Uid => "UID",
            FetchItem::Body => "BODY",
            _ => "RFC822.TEXT",
        }
        .to_owned();
    };
    let mut words: Vec<String> = section.path.iter().map(u32::to_string).collect();
    let list = |fields: &[String]| {
        let quoted: Vec<String> = fields
            .iter()
            .map(|field| field.replace('\\', "\\\\").replace('"', "\\\""))
            .collect();
        format!(" (\"{}\")", quoted.join("\" \""))
    };
    match &section.text {
        SectionText::Whole => {}
        SectionText::Header => words.push("HEADER".into()),
        SectionText::Text => words.push("TEXT".into()),
        SectionText::Mime => words.push("MIME".into()),
        SectionText::HeaderFields(fields) => words.push(format!("HEADER.FIELDS{}", list(fields))),
        SectionText::HeaderFieldsNot(fields) => {
            words.push(format!("HEADER.FIELDS.NOT{}", list(fields)))
        }
    }
    let peek = if *peek == Peek::LeavesUnseen {
        ".PEEK"
    } else {
        ""
    };
    let partial = partial.map_or(String::new(), |partial| {
        format!("<{}.{}>", partial.origin, partial.octets)
    });
    format!("BODY{peek}[{}]{partial}", words.join("."))
}

/// Only at the top several keys stand without parentheses.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    Inside,
}

fn write_key(key: &SearchKey, place: Place, out: &mut Vec<u8>) {
    let put = |out: &mut Vec<u8>, text: &str| out.extend_from_slice(text.as_bytes());
    match key {
        SearchKey::All => put(out, "ALL"),
        SearchKey::Unseen => put(out, "UNSEEN"),
        SearchKey::Body(text) => {
            put(out, "BODY ");
            literal(text, out);
        }
        SearchKey::Header { field, text } => {
            put(out, "HEADER ");
            quoted(field, out);
            put(out, " ");
            literal(text, out);
        }
        SearchKey::Unkeyword(keyword) => put(out, &format!("UNKEYWORD {}", keyword.as_str())),
        SearchKey::Sequence(set) => put(out, &set.to_string()),
        SearchKey::Uid(set) => put(out, &format!("UID {set}")),
        SearchKey::ModSeq(modseq) => put(out, &format!("MODSEQ {modseq}")),
        SearchKey::Older(seconds) => put(out, &format!("OLDER {seconds}")),
        SearchKey::Larger(octets) => put(out, &format!("LARGER {octets}")),
        SearchKey::SentOn(date) => put(out, &format!("SENTON {date}")),
        SearchKey::Not(key) => {
            put(out, "NOT ");
            write_key(key, Place::Inside, out);
        }
        SearchKey::Or(one, other) => {
            put(out, "OR ");
            write_key(one, Place::Inside, out);
            put(out, " ");
            write_key(other, Place::Inside, out);
        }
        SearchKey::And(keys) => {
            let (open, close) = if place == Place::Top {
                ("", "")
            } else {
                ("(", ")")
            };
            put(out, open);
            for (index, key) in keys.iter().enumerate() {
                put(out, if index == 0 { "" } else { " " });
                write_key(key, Place::Inside, out);
            }
            put(out, close);
        }
        other => panic!("{other:?} is not written here"),
    }
}
