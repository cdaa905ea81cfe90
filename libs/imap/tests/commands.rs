//! Tables of command texts and the values that they are. Never here: connections.

use imap::*;

fn parse(text: &str) -> Result<(Tag, Command), (Option<Tag>, Refusal)> {
    parse_command(text.as_bytes(), NameEncoding::ModifiedUtf7)
}

fn check(text: &str, expect: Command) {
    let (tag, command) =
        parse(&format!("A1 {text}")).unwrap_or_else(|(_, refusal)| panic!("{text}: {refusal}"));
    assert_eq!(tag.as_str(), "A1");
    assert_eq!(command, expect, "{text}");
}

/// Refused with its tag.
fn refuse(text: &str, what: What, at_octet: usize) {
    let (tag, refusal) = parse(text).expect_err(text);
    assert_eq!(tag.expect("a tag").as_str(), "A1", "{text}");
    assert_eq!(refusal, Refusal { what, at_octet }, "{text}");
}

fn set(text: &str) -> SequenceSet {
    SequenceSet::parse(text.as_bytes()).expect("a set")
}

fn messages(text: &str) -> MessageSet {
    MessageSet::Numbers(set(text))
}

fn select(name: &str) -> Command {
    Command::Select {
        mailbox: mailbox(name),
        params: SelectParams::default(),
    }
}

fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name)
}

fn keyword(word: &str) -> Keyword {
    Keyword::new(word).expect("a keyword")
}

fn date(year: u16, month: u8, day: u8) -> Date {
    Date::new(year, month, day).expect("a date")
}

/// [rfc3501 6]
#[test]
fn every_example_of_the_rfc_is_understood() {
    for text in [
        "abcd CAPABILITY",
        "efgh STARTTLS",
        "a002 NOOP",
        "A023 LOGOUT",
        "a004 LOGIN joe password",
        "A001 AUTHENTICATE GSSAPI",
        "a001 LOGIN SMITH SESAME",
        "A142 SELECT INBOX",
        "A932 EXAMINE blurdybloop",
        "A003 CREATE owatagusiam/",
        "A004 CREATE owatagusiam/blurdybloop",
        "A682 LIST \"\" *",
        "A683 DELETE blurdybloop",
        "A685 DELETE foo/bar",
        "A86 LIST \"\" %",
        "A683 RENAME blurdybloop sarasoop",
        "Z433 RENAME INBOX old-mail",
        "A002 SUBSCRIBE #news.comp.mail.mime",
        "A002 UNSUBSCRIBE #news.comp.mail.mime",
        "A101 LIST \"\" \"\"",
        "A102 LIST #news.comp.mail.misc \"\"",
        "A103 LIST /usr/staff/jones \"\"",
        "A202 LIST ~/Mail/ %",
        "A002 LSUB \"#news.\" \"comp.mail.*\"",
        "A003 LSUB \"#news.\" \"comp.%\"",
        "A042 STATUS blurdybloop (UIDNEXT MESSAGES)",
        "A003 APPEND saved-messages (\\Seen) {310}",
        "FXXZ CHECK",
        "A341 CLOSE",
        "A202 EXPUNGE",
        "A282 SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
        "A283 SEARCH TEXT \"string not in mailbox\"",
        "A284 SEARCH CHARSET UTF-8 TEXT {6}\r\nXXXXXX",
        "A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])",
        "A003 STORE 2:4 +FLAGS (\\Deleted)",
        "A003 COPY 2:4 MEETING",
        "A999 UID FETCH 4827313:4828442 FLAGS",
        "a441 CAPABILITY",
        "A001 LOGIN {11}\r\nFRED FOOBAR {7}\r\nfat man",
        // RFC 3501 section 8
        "a004 fetch 12 body[header]",
        "a005 store 12 +flags \\deleted",
    ] {
        let (tag, _) = parse(text).unwrap_or_else(|(_, refusal)| panic!("{text}: {refusal}"));
        assert!(text.starts_with(tag.as_str()));
    }
}

/// [rfc9051 4.3.1 #1]
#[test]
fn reads_commands_of_the_session() {
    check("capability", Command::Capability);
    check("NoOp  ", Command::Noop);
    check("IDLE", Command::Idle);
    check("NAMESPACE", Command::Namespace);
    check("UNSELECT", Command::Unselect);
    let login = |user: &str, password: &[u8]| Command::Login {
        user: user.into(),
        password: password.into(),
    };
    check("LOGIN alice secret", login("alice", b"secret"));
    check(
        "LOGIN \"al ice\" \"se\\\"c\\\\ret\"",
        login("al ice", b"se\"c\\ret"),
    );
    check("LOGIN {5}\r\nalice {0+}\r\n", login("alice", b""));
    check(
        "LOGIN bob@example.test ]x",
        login("bob@example.test", b"]x"),
    );
    check("LOGIN  bob   \"\"", login("bob", b""));
    // [rfc9051 4.3.1]
    check(
        "LOGIN \"jürgen\" \"pässe\"",
        login("jürgen", "pässe".as_bytes()),
    );
    let initial = |initial: Option<&[u8]>| Command::Authenticate {
        mechanism: "PLAIN".into(),
        initial: initial.map(<[u8]>::to_vec),
    };
    check("AUTHENTICATE plain", initial(None));
    // [rfc4959 3]
    check("AUTHENTICATE PLAIN =", initial(Some(b"")));
    check("AUTHENTICATE PLAIN AGEAYg==", initial(Some(b"\0a\0b")));
    // [rfc5161 5]
    check(
        "ENABLE condstore UTF8=ACCEPT",
        Command::Enable(vec!["CONDSTORE".into(), "UTF8=ACCEPT".into()]),
    );
    // [rfc2971 4]
    check("ID NIL", Command::Id(vec![]));
    let pairs = vec![
        ("name".to_owned(), Some("x y".to_owned())),
        ("os".to_owned(), None),
    ];
    check("ID (\"name\" \"x y\" \"os\" NIL)", Command::Id(pairs));
}

#[test]
fn passwords_in_literals_may_be_any_octets() {
    let text = b"A1 LOGIN u {3}\r\n\xff\xfe(";
    let (_, command) = parse_command(text, NameEncoding::ModifiedUtf7).expect("a login");
    assert_eq!(
        command,
        Command::Login {
            user: "u".into(),
            password: b"\xff\xfe(".to_vec()
        }
    );
}

#[test]
fn reads_commands_on_mailboxes() {
    check("SELECT inbox", select("INBOX"));
    check("SELECT \"Entw&APw-rfe\"", select("Entwürfe"));
    let examine = Command::Examine {
        mailbox: mailbox("a b"),
        params: SelectParams::default(),
    };
    check("EXAMINE {3}\r\na b", examine);
    check(
        "CREATE a/b",
        Command::Create(Create {
            mailbox: mailbox("a/b"),
            uses: Vec::new(),
        }),
    );
    check(
        "RENAME a \"b c\"",
        Command::Rename {
            from: mailbox("a"),
            to: mailbox("b c"),
        },
    );
    let list = |reference: &str, pattern: &str| {
        Command::List(List::basic(mailbox(reference), ListPattern::new(pattern)))
    };
    check("LIST \"\" *", list("", "*"));
    check("LIST \"\" \"\"", list("", ""));
    check("LIST a/ %/x]*", list("a/", "%/x]*"));
    check("LIST \"\" \"&APw-%\"", list("", "ü%"));
    let items = vec![StatusItem::Messages, StatusItem::UidNext];
    check(
        "STATUS a ( messages UIDNEXT )",
        Command::Status {
            mailbox: mailbox("a"),
            items,
        },
    );
}

#[test]
fn reads_commands_on_messages() {
    let store = |operation, telling, flags| {
        Command::Store(Store {
            ids: Ids::Sequence,
            set: messages("1:*"),
            unchanged_since: None,
            operation,
            telling,
            flags,
        })
    };
    let flags = vec![Flag::Seen, Flag::Keyword(keyword("$Junk"))];
    check(
        "STORE 1:* +FLAGS (\\SEEN $Junk)",
        store(StoreOperation::Add, Telling::Told, flags.clone()),
    );
    check(
        "STORE 1:* -flags.silent \\Seen $Junk",
        store(StoreOperation::Remove, Telling::Silent, flags),
    );
    check(
        "STORE 1:* FLAGS ()",
        store(StoreOperation::Replace, Telling::Told, vec![]),
    );
    let unknown = vec![Flag::Extension(keyword("Foo"))];
    check(
        "STORE 1:* FLAGS \\Foo",
        store(StoreOperation::Replace, Telling::Told, unknown),
    );
    check(
        "UID COPY 3 x",
        Command::Copy {
            ids: Ids::Uid,
            set: messages("3"),
            mailbox: mailbox("x"),
        },
    );
    // [rfc6851 4.1]
    check(
        "MOVE 3,5:* x",
        Command::Move {
            ids: Ids::Sequence,
            set: messages("3,5:*"),
            mailbox: mailbox("x"),
        },
    );
    // [rfc4315 4]
    check("UID EXPUNGE 1:4", Command::UidExpunge(messages("1:4")));
    check("EXPUNGE", Command::Expunge);
}

#[test]
fn reads_append_up_to_its_message() {
    let (_, command) =
        parse("A1 APPEND a (\\Seen \\Recent k) \" 7-Feb-1994 21:52:25 -0800\" {310+}")
            .expect("append");
    let Command::Append(append) = command else {
        panic!("{command:?}")
    };
    assert_eq!(append.mailbox, mailbox("a"));
    // A client that copies a message sends its \Recent along; it is left out.
    let message = append.message;
    assert_eq!(message.flags, [Flag::Seen, Flag::Keyword(keyword("k"))]);
    assert_eq!(
        message.date.expect("a date").to_string(),
        " 7-Feb-1994 21:52:25 -0800"
    );
    assert_eq!((message.size, message.form), (310, AppendForm::Literal));
    refuse("A1 APPEND a (\\Seen) x", What::Expected("a literal"), 20);
    refuse(
        "A1 APPEND a \"32-Feb-1994 21:52:25 -0800\" {3}",
        What::BadDate,
        12,
    );
    refuse(
        "A1 APPEND a {3} x",
        What::Expected("the end of the line"),
        15,
    );
}

#[test]
fn reads_fetch_items_and_macros() {
    let fetch = |items: &[FetchItem]| Command::Fetch {
        ids: Ids::Sequence,
        set: messages("1"),
        items: items.to_vec(),
        modifiers: FetchModifiers::default(),
    };
    use FetchItem::*;
    // [rfc3501 6.4.5]
    check("FETCH 1 FAST", fetch(&[Flags, InternalDate, Rfc822Size]));
    check(
        "FETCH 1 all",
        fetch(&[Flags, InternalDate, Rfc822Size, Envelope]),
    );
    check(
        "FETCH 1 FULL",
        fetch(&[Flags, InternalDate, Rfc822Size, Envelope, Body]),
    );
    check(
        "FETCH 1 (UID BODYSTRUCTURE BODY modseq)",
        fetch(&[Uid, BodyStructure, Body, ModSeq]),
    );
    check("FETCH 1 RFC822", fetch(&[Rfc822]));
    check(
        "FETCH 1 (RFC822.HEADER RFC822.TEXT RFC822.SIZE)",
        fetch(&[Rfc822Header, Rfc822Text, Rfc822Size]),
    );
    let section =
        |path: &[u32], text: SectionText, partial: Option<(u64, u64)>, peek| FetchItem::Section {
            section: imap::Section {
                path: path.to_vec(),
                text,
            },
            partial: partial.map(|(origin, octets)| Partial { origin, octets }),
            peek,
        };
    use Peek::*;
    check(
        "FETCH 1 BODY[]",
        fetch(&[section(&[], SectionText::Whole, None, SetsSeen)]),
    );
    check(
        "FETCH 1 body.peek[]<0.1024>",
        fetch(&[section(
            &[],
            SectionText::Whole,
            Some((0, 1024)),
            LeavesUnseen,
        )]),
    );
    check(
        "FETCH 1 BODY[1.2.MIME]",
        fetch(&[section(&[1, 2], SectionText::Mime, None, SetsSeen)]),
    );
    check(
        "FETCH 1 (BODY[TEXT] BODY[4])",
        fetch(&[
            section(&[], SectionText::Text, None, SetsSeen),
            section(&[4], SectionText::Whole, None, SetsSeen),
        ]),
    );
    let fields = SectionText::HeaderFields(vec!["From".into(), "x-y".into()]);
    check(
        "FETCH 1 BODY.PEEK[3.HEADER.FIELDS (From \"x-y\")]",
        fetch(&[section(&[3], fields, None, LeavesUnseen)]),
    );
    let fields = SectionText::HeaderFieldsNot(vec!["To".into()]);
    check(
        "FETCH 1 BODY[HEADER.FIELDS.NOT ({2}\r\nTo)]",
        fetch(&[section(&[], fields, None, SetsSeen)]),
    );
}

#[test]
fn reads_every_search_key() {
    use SearchKey::*;
    let search = |charset: Option<&str>, key| {
        Command::Search(Search {
            ids: Ids::Sequence,
            returns: None,
            charset: charset.map(str::to_owned),
            key,
        })
    };
    // [rfc3501 6.4.4]
    for (text, key) in [
        ("ALL", All),
        ("ANSWERED", Answered),
        ("BCC x", Bcc(b"x".to_vec())),
        ("BEFORE 1-Feb-1994", Before(date(1994, 2, 1))),
        ("BODY \"a b\"", Body(b"a b".to_vec())),
        ("CC x", Cc(b"x".to_vec())),
        ("deleted", Deleted),
        ("DRAFT", Draft),
        ("FLAGGED", Flagged),
        ("FROM x", From(b"x".to_vec())),
        (
            "HEADER X-Spam \"\"",
            Header {
                field: "X-Spam".into(),
                text: vec![],
            },
        ),
        ("KEYWORD $Junk", Keyword(keyword("$Junk"))),
        ("LARGER 100", Larger(100)),
        ("NEW", New),
        ("NOT SEEN", Not(Box::new(Seen))),
        ("OLD", Old),
        ("ON \"11-Nov-2011\"", On(date(2011, 11, 11))),
        (
            "OR SEEN NOT NEW",
            Or(Box::new(Seen), Box::new(Not(Box::new(New)))),
        ),
        ("RECENT", Recent),
        ("SEEN", Seen),
        ("SENTBEFORE 1-Feb-1994", SentBefore(date(1994, 2, 1))),
        ("SENTON 1-Feb-1994", SentOn(date(1994, 2, 1))),
        ("SENTSINCE 1-Feb-1994", SentSince(date(1994, 2, 1))),
        ("SINCE 01-feb-1994", Since(date(1994, 2, 1))),
        ("SMALLER 5000000000", Smaller(5_000_000_000)),
        ("SUBJECT {3}\r\na\"b", Subject(b"a\"b".to_vec())),
        ("TEXT x", Text(b"x".to_vec())),
        ("TO x", To(b"x".to_vec())),
        ("UID 1:*", Uid(messages("1:*"))),
        ("UNANSWERED", Unanswered),
        ("UNDELETED", Undeleted),
        ("UNDRAFT", Undraft),
        ("UNFLAGGED", Unflagged),
        ("UNKEYWORD a", Unkeyword(keyword("a"))),
        ("UNSEEN", Unseen),
        ("2,4:*", Sequence(messages("2,4:*"))),
        ("* ", Sequence(messages("*"))),
        // [rfc5182 3]
        ("$", Sequence(MessageSet::Saved)),
        ("UID $", Uid(MessageSet::Saved)),
        // [rfc7162 7]
        ("MODSEQ 620162338", ModSeq(620_162_338)),
        ("modseq \"/flags/\\\\draft\" all 0", ModSeq(0)),
        ("MODSEQ \"/Flags/$x\" PRIV 7", ModSeq(7)),
        // [rfc5032 4]
        ("OLDER 60", Older(60)),
        ("YOUNGER 1", Younger(1)),
        ("(SEEN)", Seen),
        (
            "(SEEN (NEW OLD)) ALL",
            And(vec![And(vec![Seen, And(vec![New, Old])]), All]),
        ),
    ] {
        check(&format!("SEARCH {text}"), search(None, key.clone()));
        check(
            &format!("SEARCH CHARSET \"utf-8\" {text}"),
            search(Some("utf-8"), key),
        );
    }
}

#[test]
fn search_strings_stay_as_they_were_sent() {
    let text = b"A1 UID SEARCH CHARSET ISO-8859-1 BODY {1}\r\n\xe4";
    let (_, command) = parse_command(text, NameEncoding::ModifiedUtf7).expect("a search");
    let Command::Search(search) = command else {
        panic!("{command:?}")
    };
    assert_eq!(
        (search.ids, search.key),
        (Ids::Uid, SearchKey::Body(vec![0xe4]))
    );
}

/// [rfc9051 6.4.5.1 #2]
/// [rfc3501 6.4.5 #3]
#[test]
fn refusals_say_what_and_where_and_keep_the_tag() {
    refuse("A1", What::Expected("a space"), 2);
    refuse("A1 ", What::Expected("a command"), 3);
    refuse("A1 FOO", What::UnknownCommand, 3);
    refuse("A1 UID NOOP", What::UnknownCommand, 7);
    refuse("A1 NOOP x", What::TrailingText, 8);
    refuse("A1 LOGIN a", What::Expected("a space"), 10);
    refuse(
        "A1 LOGIN a \"b",
        What::Expected("the end of the quoted string"),
        13,
    );
    refuse(
        "A1 LOGIN a \"b\\c\"",
        What::Expected("\" or \\ after \\"),
        14,
    );
    refuse(
        "A1 LOGIN a {5}\r\nb",
        What::Expected("all of the literal"),
        16,
    );
    refuse("A1 LOGIN a {5}", What::Expected("all of the literal"), 14);
    refuse(
        "A1 LOGIN a {99999999999999999999}\r\n",
        What::NumberTooLarge,
        12,
    );
    refuse("A1 LOGIN a\0 b", What::Nul, 10);
    refuse(
        "A1 LOGIN \"a\r\" b",
        What::Expected("the end of the quoted string"),
        11,
    );
    refuse("A1 SELECT ü", What::Expected("a mailbox name"), 10);
    refuse("A1 SELECT &x", What::MailboxEncoding, 10);
    refuse("A1 LIST &x *", What::MailboxEncoding, 8);
    refuse("A1 STATUS a ()", What::Expected("a status item"), 14);
    refuse("A1 STATUS a (FOO)", What::UnknownStatusItem, 13);
    refuse("A1 FETCH 0 FLAGS", What::Expected("a sequence set"), 9);
    refuse("A1 FETCH 1 (ALL)", What::UnknownFetchItem, 12);
    refuse("A1 FETCH 1 ()", What::Expected("a fetch item"), 13);
    refuse("A1 FETCH 1 BODY[MIME]", What::Expected("a section"), 16);
    refuse("A1 FETCH 1 BODY[0]", What::Expected("a number from 1"), 16);
    refuse("A1 FETCH 1 BODY[1.]", What::Expected("a section"), 18);
    refuse(
        "A1 FETCH 1 BODY[]<0.0>",
        What::Expected("a number from 1"),
        20,
    );
    refuse(
        "A1 FETCH 1 BODY[HEADER.FIELDS ()]",
        What::Expected("a field name"),
        32,
    );
    refuse("A1 FETCH 1 (FLAGS", What::Expected("a space or )"), 17);
    refuse("A1 STORE 1 FLAGS \\Recent", What::RecentFlag, 17);
    refuse(
        "A1 STORE 1 FLAGZ \\Seen",
        What::Expected("FLAGS, +FLAGS or -FLAGS"),
        11,
    );
    refuse("A1 SEARCH", What::Expected("a space"), 9);
    refuse("A1 SEARCH FOO", What::UnknownSearchKey, 10);
    refuse("A1 SEARCH ON 30-Feb-2000", What::BadDate, 13);
    refuse("A1 SEARCH ()", What::Expected("a search key"), 12);
    refuse("A1 AUTHENTICATE PLAIN !", What::BadBase64, 22);
}

#[test]
fn refuses_lines_without_a_readable_tag() {
    for (text, what) in [
        ("", What::EmptyLine),
        ("  ", What::EmptyLine),
        (" A1 NOOP", What::Tag),
        ("+ NOOP", What::Tag),
        ("\u{e4} NOOP", What::Tag),
        ("* NOOP", What::Tag),
    ] {
        let (tag, refusal) = parse(text).expect_err(text);
        assert_eq!((tag, refusal.what), (None, what), "{text}");
    }
}

#[test]
fn search_programs_are_bounded() {
    let nested = |depth: usize| format!("A1 SEARCH {}SEEN", "NOT ".repeat(depth));
    assert!(parse(&nested(limits::SEARCH_DEPTH)).is_ok());
    assert_eq!(
        parse(&nested(limits::SEARCH_DEPTH + 1))
            .expect_err("too deep")
            .1
            .what,
        What::TooDeep
    );
    let parens = format!("A1 SEARCH {}", "(".repeat(60_000));
    assert_eq!(parse(&parens).expect_err("too deep").1.what, What::TooDeep);
    let many = |keys: usize| format!("A1 SEARCH{}", " SEEN".repeat(keys));
    assert!(parse(&many(limits::SEARCH_KEYS)).is_ok());
    let refusal = parse(&many(limits::SEARCH_KEYS + 1))
        .expect_err("too many")
        .1;
    assert_eq!(refusal.what, What::TooMany("search keys"));
}

#[test]
fn sets_and_lists_are_bounded() {
    let ranges = vec!["1"; limits::SEQUENCE_RANGES + 1].join(",");
    let refusal = parse(&format!("A1 FETCH {ranges} FLAGS"))
        .expect_err("too many")
        .1;
    assert_eq!(
        refusal,
        Refusal {
            what: What::TooMany("ranges"),
            at_octet: 9
        }
    );
    let items = " UID".repeat(limits::FETCH_ITEMS + 1);
    let refusal = parse(&format!("A1 FETCH 1 ({items})"))
        .expect_err("too many")
        .1;
    assert_eq!(refusal.what, What::TooMany("members of a list"));
    let keyword = "k".repeat(limits::KEYWORD_BYTES + 1);
    let refusal = parse(&format!("A1 STORE 1 FLAGS {keyword}"))
        .expect_err("too long")
        .1;
    assert_eq!(refusal.what, What::TooMany("octets in a keyword"));
}

#[test]
fn names_may_be_utf8_once_the_client_asked_for_it() {
    let (_, command) =
        parse_command("A1 SELECT \"a & ü\"".as_bytes(), NameEncoding::Utf8).expect("select");
    assert_eq!(command, select("a & ü"));
}

#[test]
fn id_may_have_thirty_pairs() {
    // [rfc2971 3.3]
    let pairs = |pairs: usize| {
        (0..pairs)
            .map(|n| format!("\"{n}\" NIL"))
            .collect::<Vec<_>>()
    };
    let text = |count: usize| format!("A1 ID ({})", pairs(count).join(" "));
    assert!(parse(&text(30)).is_ok());
    assert_eq!(
        parse(&text(31)).expect_err("too many").1.what,
        What::TooMany("members of a list")
    );
    refuse(
        "A1 ID (\"a\" NIL \"A\" NIL)",
        What::Expected("each field once"),
        6,
    );
    let long = format!("A1 ID (\"{}\" NIL)", "a".repeat(31));
    refuse(&long, What::TooMany("octets in a field name"), 7);
    let long = format!("A1 ID (\"a\" \"{}\")", "a".repeat(1_025));
    refuse(&long, What::TooMany("octets in a value"), 11);
}

/// [rfc9051 6.3.9]
#[test]
fn a_pattern_that_fits_no_name_is_no_error() {
    let (_, command) = parse("A1 LIST \"\" &x*").expect("a command");
    let Command::List(list) = command else {
        panic!("{command:?}")
    };
    assert!(!list.patterns[0].matches("&x", '/'));
    assert!(!list.patterns[0].matches("", '/'));
}

#[test]
fn every_command_has_its_verb() {
    let (_, command) = parse("A1 UID EXPUNGE 1").expect("a command");
    assert_eq!(command.verb(), Verb::UidExpunge);
    let (_, command) = parse("A1 UID FETCH 1 FLAGS").expect("a command");
    assert_eq!(command.verb(), Verb::Fetch);
}

/// [rfc4466 2.1]
#[test]
fn reads_the_parameters_of_select() {
    // [rfc7162 7 #1]
    let select = |params| Command::Select {
        mailbox: mailbox("INBOX"),
        params,
    };
    let condstore = SelectParams {
        condstore: CondStore::Asked,
        resync: None,
    };
    // [rfc7162 3.1.8]
    check("SELECT inbox (condstore)", select(condstore));
    let resync = |known_uids: Option<&str>, matches: Option<(&str, &str)>| {
        select(SelectParams {
            condstore: CondStore::NotAsked,
            resync: Some(Resync {
                uid_validity: 67_890_007,
                modseq: 90_060_115_194_045_000,
                known_uids: known_uids.map(set),
                matches: matches.map(|(numbers, uids)| (set(numbers), set(uids))),
            }),
        })
    };
    // [rfc7162 3.2.5]
    let text = "SELECT INBOX (QRESYNC (67890007 90060115194045000";
    check(&format!("{text}))"), resync(None, None));
    check(
        &format!("{text} 41,43:211))"),
        resync(Some("41,43:211"), None),
    );
    // [rfc7162 3.2.5.2]
    check(
        &format!("{text} 1:29997 (5000,7500 15000,22500)))"),
        resync(Some("1:29997"), Some(("5000,7500", "15000,22500"))),
    );
    check(
        &format!("{text} (5000 15000)))"),
        resync(None, Some(("5000", "15000"))),
    );
    for bad in [
        "(X)",
        "(QRESYNC)",
        "(QRESYNC (1))",
        "(QRESYNC (0 1))",
        "(QRESYNC (1 0))",
        "(QRESYNC (1 1 1:*))",
        "(QRESYNC (1 1 1 (1)))",
        "(QRESYNC (1 1 1 (* 1)))",
        "(QRESYNC (1 1 1 (1 1) 1))",
        "(CONDSTORE",
        "CONDSTORE",
    ] {
        let text = format!("A1 SELECT a {bad}");
        let (_, refusal) = parse(&text).expect_err(bad);
        assert!(
            matches!(refusal.what, What::Expected(_)),
            "{bad}: {refusal}"
        );
    }
}

/// [rfc4466 2.4] [rfc4466 2.5]
#[test]
fn reads_the_modifiers_of_fetch_and_store() {
    let fetch = |ids, changed_since, vanished| Command::Fetch {
        ids,
        set: messages("1:*"),
        items: vec![FetchItem::Flags],
        modifiers: FetchModifiers {
            changed_since,
            vanished,
        },
    };
    // [rfc7162 3.1.4.1]
    check(
        "FETCH 1:* FLAGS (CHANGEDSINCE 12345)",
        fetch(Ids::Sequence, Some(12_345), Vanished::NotAsked),
    );
    // [rfc7162 3.2.6]
    for text in ["changedsince 5 VANISHED", "VANISHED CHANGEDSINCE 5"] {
        check(
            &format!("UID FETCH 1:* (FLAGS) ({text})"),
            fetch(Ids::Uid, Some(5), Vanished::Asked),
        );
    }
    let alone = What::Expected("UID FETCH and CHANGEDSINCE with VANISHED");
    refuse("A1 UID FETCH 1 FLAGS (VANISHED)", alone, 21);
    refuse("A1 FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)", alone, 17);
    // [rfc7162 3.1.3]
    check(
        "STORE $ (UNCHANGEDSINCE 320162338) +FLAGS (\\Deleted)",
        Command::Store(Store {
            ids: Ids::Sequence,
            set: MessageSet::Saved,
            unchanged_since: Some(320_162_338),
            operation: StoreOperation::Add,
            telling: Telling::Told,
            flags: vec![Flag::Deleted],
        }),
    );
    let twice = "A1 STORE 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 2) FLAGS ()";
    refuse(twice, What::Expected("one UNCHANGEDSINCE"), 11);
    let none = "A1 STORE 1 () FLAGS ()";
    refuse(none, What::Expected("one UNCHANGEDSINCE"), 11);
    let other = "A1 STORE 1 (OTHER 1) FLAGS ()";
    refuse(other, What::Expected("UNCHANGEDSINCE"), 12);
    let large = "A1 STORE 1 (UNCHANGEDSINCE 9223372036854775808) FLAGS ()";
    refuse(large, What::NumberTooLarge, 27);
}

/// [rfc4731 4] [rfc5182 3] [rfc4466 2.6.1]
#[test]
fn reads_what_a_search_shall_return() {
    use ReturnOption::*;
    for (text, options) in [
        ("()", vec![]),
        ("(MIN count)", vec![Min, Count]),
        ("(ALL SAVE MAX ALL)", vec![All, Save, Max]),
    ] {
        check(
            &format!("UID SEARCH RETURN {text} CHARSET UTF-8 SEEN"),
            Command::Search(Search {
                ids: Ids::Uid,
                returns: Some(options),
                charset: Some("UTF-8".into()),
                key: SearchKey::Seen,
            }),
        );
    }
    let unknown = What::Expected("MIN, MAX, ALL, COUNT or SAVE");
    refuse("A1 SEARCH RETURN (MOST) ALL", unknown, 18);
    refuse("A1 SEARCH RETURN (MIN)", What::Expected("a space"), 22);
    refuse("A1 SEARCH RETURN ALL", What::Expected("return options"), 17);
    let item = What::Expected("/flags/ and a flag");
    refuse("A1 SEARCH MODSEQ \"x\" all 1", item, 17);
    let kind = What::Expected("priv, shared or all");
    refuse("A1 SEARCH MODSEQ \"/flags/x\" any 1", kind, 28);
    let seconds = What::Expected("a number of seconds from 1");
    refuse("A1 SEARCH OLDER 0", seconds, 16);
}
