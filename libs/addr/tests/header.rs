//! Address lists of header fields, from clean to broken.

use addr::header::{AddressList, Item, Mailbox, Trouble, parse_list};
use proptest::prelude::*;

fn show(mailbox: &Mailbox) -> String {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let or_nil = |part: &Option<Vec<u8>>| part.as_deref().map_or("NIL".into(), text);
    let (name, adl) = (or_nil(&mailbox.name), or_nil(&mailbox.adl));
    format!(
        "{name}|{adl}|{}|{}",
        text(&mailbox.local),
        text(&mailbox.host)
    )
}

fn shown(list: &AddressList) -> Vec<String> {
    let item = |item: &Item| match item {
        Item::Mailbox(mailbox) => show(mailbox),
        Item::Group { name, members } => {
            let members: Vec<String> = members.iter().map(show).collect();
            format!("{}: {};", String::from_utf8_lossy(name), members.join(", "))
        }
    };
    list.items.iter().map(item).collect()
}

fn clean(raw: &str, expect: &[&str]) {
    let list = parse_list(raw.as_bytes());
    assert_eq!(shown(&list), expect, "{raw:?}");
    assert_eq!(list.trouble, None, "{raw:?}");
}

fn broken(raw: &str, expect: &[&str]) {
    let list = parse_list(raw.as_bytes());
    assert_eq!(shown(&list), expect, "{raw:?}");
    assert_eq!(list.trouble, Some(Trouble::Malformed), "{raw:?}");
}

#[test]
fn reads_the_examples_of_the_standard() {
    // [rfc5322 3.4] [rfc5322 A.1.2] [rfc5322 A.1.3]
    clean(
        "\"Joe Q. Public\" <john.q.public@example.com>",
        &["Joe Q. Public|NIL|john.q.public|example.com"],
    );
    clean(
        " Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>\r\n",
        &[
            "Mary Smith|NIL|mary|x.test",
            "NIL|NIL|jdoe|example.org",
            "Who?|NIL|one|y.test",
        ],
    );
    clean(
        "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
        &[
            "NIL|NIL|boss|nil.test",
            "Giant; \"Big\" Box|NIL|sysservices|example.net",
        ],
    );
    clean(
        "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
        &["A Group: Ed Jones|NIL|c|a.test, NIL|NIL|joe|where.test, John|NIL|jdoe|one.test;"],
    );
    clean("Undisclosed recipients:;", &["Undisclosed recipients: ;"]);
}

#[test]
fn reads_white_space_and_comments_everywhere() {
    // [rfc5322 3.2.2] [rfc5322 3.2.3] [rfc5322 3.2.4] [rfc5322 A.5]
    clean(
        "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
        &["Pete|NIL|pete|silly.test"],
    );
    clean(
        "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
        &[
            "A Group: Chris Jones|NIL|c|public.example, NIL|NIL|joe|example.org, John|NIL|jdoe|one.test;",
        ],
    );
    clean(
        "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
        &["Hidden recipients: ;"],
    );
}

#[test]
fn reads_obsolete_syntax() {
    // [rfc5322 A.6.1] [rfc5322 A.6.3] [rfc5322 4.4] [rfc5322 3.4.1] [rfc9051 7.5.2]
    clean(
        "Joe Q. Public <john.q.public@example.com>",
        &["Joe Q. Public|NIL|john.q.public|example.com"],
    );
    clean(
        "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
        &[
            "Mary Smith|@node.test|mary|example.net",
            "NIL|NIL|jdoe|test.example",
        ],
    );
    clean(
        "John Doe <jdoe@machine(comment).  example>",
        &["John Doe|NIL|jdoe|machine.example"],
    );
    clean(
        "<,@a.test, ,@b.test:u@c.test>",
        &["NIL|@a.test,,@b.test|u|c.test"],
    );
    clean("\"a\" . b @ [192.0.2.1]", &["NIL|NIL|a.b|[192.0.2.1]"]);
}

#[test]
fn takes_a_comment_for_a_name_where_there_is_no_other() {
    clean(
        "jdoe@example.org (John Doe)",
        &["John Doe|NIL|jdoe|example.org"],
    );
    clean(
        "jdoe@example.org (a (b) c), x@y.test",
        &["a (b) c|NIL|jdoe|example.org", "NIL|NIL|x|y.test"],
    );
}

#[test]
fn keeps_raw_octets_of_names() {
    // [rfc5322 2.2.3] [rfc6532 3.2]
    clean(
        "=?utf-8?q?J=C3=B6rg?= =?x?q?y?= <j@x.test>",
        &["=?utf-8?q?J=C3=B6rg?= =?x?q?y?=|NIL|j|x.test"],
    );
    clean(
        "\"folded\r\n name\" <j@x.test>",
        &["folded name|NIL|j|x.test"],
    );
    let list = parse_list(b"J\xf6rg <j@x.test>");
    assert_eq!(
        list.mailboxes().next().and_then(|m| m.name.as_deref()),
        Some(&b"J\xf6rg"[..])
    );
    assert_eq!(list.trouble, None);
}

#[test]
fn reads_broken_lists_as_well_as_it_can() {
    broken("John Doe john@x.test", &["John Doe|NIL|john|x.test"]);
    broken("john@x.test John", &["NIL|NIL|john|x.test"]);
    broken("\"John <john@x.test>", &["John|NIL|john|x.test"]);
    broken(
        "John (unclosed <john@x.test>",
        &["John unclosed|NIL|john|x.test"],
    );
    broken(
        "John <john@x.test, <b@y.test>",
        &["John|NIL|john|x.test", "NIL|NIL|b|y.test"],
    );
    broken("root", &["NIL|NIL|root|"]);
    broken("<>", &["NIL|NIL||"]);
    broken("<@x.test>", &["NIL|NIL||x.test"]);
    broken("a@b@c.test", &["NIL|NIL|a@b|c.test"]);
    broken("a..b@c.test", &["NIL|NIL|a..b|c.test"]);
    broken("<a@b.test> <c@d.test>", &["NIL|NIL|a|b.test"]);
    broken("A: b@c.test", &["A: NIL|NIL|b|c.test;"]);
    broken("b@c.test;", &["NIL|NIL|b|c.test"]);
    broken("A: B: b@c.test;", &["A: B|NIL|b|c.test;"]);
    broken(
        "me@bank.test <thief@evil.test>",
        &["me@bank.test|NIL|thief|evil.test"],
    );
    clean("[List] John <j@x.test>", &["[List] John|NIL|j|x.test"]);
    clean("", &[]);
    clean(" \r\n", &[]);
}

#[test]
fn gives_an_address_only_where_it_is_one() {
    let address = |raw: &str| {
        let list = parse_list(raw.as_bytes());
        list.mailboxes()
            .next()
            .and_then(Mailbox::address)
            .map(|address| address.to_string())
    };
    assert_eq!(
        address("\"A b\"@Example.test").as_deref(),
        Some("\"A b\"@example.test")
    );
    assert_eq!(
        address("J <jörg@bücher.example>").as_deref(),
        Some("jörg@xn--bcher-kva.example")
    );
    assert_eq!(address("root"), None);
    assert_eq!(address("a@b_c.test"), None);
    assert_eq!(address("<@x.test>"), None);
}

#[test]
fn stops_at_its_limits() {
    let many = "a@b.test,".repeat(addr::limits::LIST_ITEMS + 5);
    let list = parse_list(many.as_bytes());
    assert_eq!(
        (list.items.len(), list.trouble),
        (addr::limits::LIST_ITEMS, Some(Trouble::TooMany))
    );
    let long = format!("a@b.test,{}", " ".repeat(addr::limits::LIST_BYTES));
    assert_eq!(parse_list(long.as_bytes()).trouble, Some(Trouble::TooLong));
    let wordy = format!(
        "{} <a@b.test>, c@d.test",
        "x ".repeat(addr::limits::ENTRY_TOKENS + 1)
    );
    let list = parse_list(wordy.as_bytes());
    assert_eq!(
        (list.items.len(), list.trouble),
        (2, Some(Trouble::TooLong))
    );
}

#[test]
fn takes_time_in_proportion_on_hostile_lists() {
    // each would take hours if time grew with the square of the length
    for unit in [
        "(", "\"", "[", "<@", "<@,", "@", "a:", "((\\", ".", "(\"[", ">", "<", "a ",
    ] {
        parse_list(unit.repeat(500_000).as_bytes());
    }
}

proptest! {
    #[test]
    fn never_panics_and_shows_nothing_that_was_not_there(raw in any::<Vec<u8>>(), text in "[a .,:;<>@()\"\\\\\\[\\]\r\n\u{e9}]{0,60}") {
        for raw in [&raw[..], text.as_bytes()] {
            let list = parse_list(raw);
            let total: usize = list.mailboxes().map(|m| m.local.len() + m.host.len()).sum();
            prop_assert!(total <= raw.len());
            for mailbox in list.mailboxes() {
                let _ = mailbox.address();
            }
        }
    }

    #[test]
    fn addresses_come_back_from_a_list(locals in prop::collection::vec("[ -~]{1,12}", 1..6)) {
        let addresses: Vec<addr::Address> = locals.iter().map(|local| {
            let local = addr::LocalPart::from_content(local).expect("short");
            addr::Address::new(local, "x.test".parse().map(addr::Host::Name).expect("valid")).expect("short")
        }).collect();
        let texts: Vec<String> = addresses.iter().enumerate().map(|(n, a)| match n % 3 {
            0 => a.to_string(),
            1 => format!("<{a}>"),
            _ => format!("\"N, {n}\" <{a}>\r\n "),
        }).collect();
        let list = parse_list(texts.join(", ").as_bytes());
        prop_assert_eq!(list.trouble, None);
        let back: Vec<addr::Address> = list.mailboxes().filter_map(Mailbox::address).collect();
        prop_assert_eq!(back, addresses);
    }
}
