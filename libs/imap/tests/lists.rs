//! LIST in its extended form, CREATE with special uses, and the answers to both. Never here:
//! connections.

use imap::*;

fn parse(text: &str) -> Result<Command, What> {
    parse_command(text.as_bytes(), NameEncoding::ModifiedUtf7)
        .map(|(_, command)| command)
        .map_err(|(_, refusal)| refusal.what)
}

fn list(text: &str) -> List {
    match parse(&format!("A1 LIST {text}")) {
        Ok(Command::List(list)) => list,
        other => panic!("{text}: {other:?}"),
    }
}

fn refuse(text: &str, what: What) {
    assert_eq!(parse(&format!("A1 {text}")), Err(what), "{text}");
}

/// [rfc5258 3] [rfc9051 6.3.9]
#[test]
fn each_of_three_things_makes_a_list_extended() {
    assert_eq!(list("\"\" \"\"").form, ListForm::Basic);
    assert_eq!(list("() \"\" \"\"").form, ListForm::Extended);
    assert_eq!(list("\"\" (\"\")").form, ListForm::Extended);
    assert_eq!(list("\"\" \"\" RETURN ()").form, ListForm::Extended);
    let patterns = list("a/ (INBOX \"Sent/%\" *)").patterns;
    let patterns: Vec<&str> = patterns.iter().map(ListPattern::as_str).collect();
    assert_eq!(patterns, ["INBOX", "Sent/%", "*"]);
}

/// [rfc5258 3.1] [rfc6154 2]
#[test]
fn selection_options_may_come_in_any_order_and_more_than_once() {
    let all = list("(recursivematch SUBSCRIBED REMOTE special-use SUBSCRIBED) \"\" *").select;
    let expect = ListSelect {
        subscribed: true,
        special_use: true,
        remote: true,
        recursive_match: true,
    };
    assert_eq!(all, expect);
    assert_eq!(list("() \"\" *").select, ListSelect::default());
}

/// [rfc9051 6.3.9.1]
#[test]
fn recursivematch_needs_something_to_match() {
    let alone = What::Expected("another option beside RECURSIVEMATCH");
    refuse("LIST (RECURSIVEMATCH) \"\" *", alone);
    refuse("LIST (REMOTE RECURSIVEMATCH) \"\" *", alone);
}

/// [rfc9051 6.3.9.2] [rfc5819 4]
#[test]
fn return_options_are_read() {
    let give =
        list("\"\" % RETURN (CHILDREN subscribed SPECIAL-USE STATUS (MESSAGES UNSEEN))").give;
    let expect = ListReturn {
        subscribed: true,
        children: true,
        special_use: true,
        status: vec![StatusItem::Messages, StatusItem::Unseen],
    };
    assert_eq!(give, expect);
}

/// [rfc5258 3]: options that are not known are refused.
#[test]
fn refuses_what_is_no_list() {
    refuse("LIST (X-SAMPLE) \"\" *", What::UnknownListOption);
    refuse("LIST \"\" * RETURN (MYRIGHTS)", What::UnknownListOption);
    refuse("LIST \"\" * RETURN (STATUS)", What::Expected("a space"));
    refuse(
        "LIST \"\" * RETURN (STATUS ())",
        What::Expected("a status item"),
    );
    refuse(
        "LIST \"\" * RETURN (STATUS (COLOUR))",
        What::UnknownStatusItem,
    );
    refuse(
        "LIST \"\" * RETURN CHILDREN",
        What::Expected("return options"),
    );
    refuse("LIST \"\" * RETURN", What::Expected("a space"));
    refuse("LIST \"\" * CHILDREN", What::Expected("RETURN"));
    refuse("LIST \"\" ()", What::Expected("a mailbox pattern"));
    refuse("LIST (SUBSCRIBED)\"\" *", What::Expected("a space"));
    refuse(
        "LIST (SUBSCRIBED \"\" *",
        What::Expected("a selection option"),
    );
    let many = vec!["a"; limits::LIST_PATTERNS + 1].join(" ");
    refuse(
        &format!("LIST \"\" ({many})"),
        What::TooMany("members of a list"),
    );
    let long = "a".repeat(1_000);
    refuse(
        &format!("LIST {long} (a b c d e f g h i)"),
        What::TooMany("octets in patterns"),
    );
    assert_eq!(list(&format!("{long} (a b c d e f g h)")).patterns.len(), 8);
}

/// [rfc6154 3] [rfc6154 6] [rfc4466 2.2]
#[test]
fn create_takes_special_uses() {
    let create = |mailbox: &str, uses: &[&str]| {
        Command::Create(Create {
            mailbox: Mailbox::new(mailbox),
            uses: uses.iter().map(|word| (*word).to_owned()).collect(),
        })
    };
    for (text, expect) in [
        ("CREATE a", create("a", &[])),
        ("CREATE a (USE ())", create("a", &[])),
        (
            "CREATE a (use (\\Drafts \\sent))",
            create("a", &["\\Drafts", "\\sent"]),
        ),
        (
            "CREATE \"a b\" (USE (\\X-New))",
            create("a b", &["\\X-New"]),
        ),
    ] {
        assert_eq!(parse(&format!("A1 {text}")), Ok(expect), "{text}");
    }
    refuse("CREATE a (COLOUR (red))", What::UnknownCreateParameter);
    refuse("CREATE a ()", What::Expected("a parameter"));
    refuse("CREATE a (USE (Drafts))", What::Expected("a special use"));
    refuse(
        "CREATE a (USE \\Drafts)",
        What::Expected("a list of special uses"),
    );
    refuse("CREATE a USE", What::Expected("a list of parameters"));
}

/// [rfc9051 6.3.9.6] [rfc9051 6.3.9.7]
#[test]
fn extended_items_follow_the_name() {
    let encoded = |child_info: &[&'static str], old_name: Option<&str>| {
        let entry = ListEntry {
            attributes: vec!["\\NonExistent"],
            separator: Some('/'),
            mailbox: Mailbox::new("Foo"),
            child_info: child_info.to_vec(),
            old_name: old_name.map(Mailbox::new),
        };
        let mut out = Vec::new();
        encode::encode(&Response::List(entry), NameEncoding::ModifiedUtf7, &mut out);
        String::from_utf8(out).expect("text")
    };
    assert_eq!(
        encoded(&["SUBSCRIBED"], None),
        "* LIST (\\NonExistent) \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"
    );
    assert_eq!(
        encoded(&[], Some("Fo ö")),
        "* LIST (\\NonExistent) \"/\" Foo (\"OLDNAME\" (\"Fo &APY-\"))\r\n"
    );
    assert_eq!(
        encoded(&["SUBSCRIBED", "SPECIAL-USE"], Some("x")),
        "* LIST (\\NonExistent) \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\" \"SPECIAL-USE\") \"OLDNAME\" (x))\r\n"
    );
}
