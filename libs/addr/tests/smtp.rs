//! Addresses and paths as SMTP has them.

use addr::{
    Address, AddressError, AddressLiteral, Charset, Domain, ForwardPath, Host, LocalPart,
    ReversePath,
};
use proptest::prelude::*;

fn ascii(text: &str) -> Result<String, AddressError> {
    Address::parse(text.as_bytes(), Charset::Ascii).map(|address| address.to_string())
}

fn check(input: &str, expect: &str) {
    assert_eq!(ascii(input).as_deref(), Ok(expect), "{input}");
}

fn refused(input: &str, expect: AddressError) {
    assert_eq!(ascii(input), Err(expect), "{input}");
}

#[test]
fn writes_addresses_with_as_few_quotes_as_possible() {
    // [rfc5321 2.4 #2] [rfc5321 4.1.2 #2]
    // [rfc5321 4.1.2] all quoted forms are equivalent; [rfc5321 2.4] the case is kept
    check("user@example.test", "user@example.test");
    check(r#""user"@example.test"#, "user@example.test");
    check(r#""u\ser"@example.test"#, "user@example.test");
    check(r#""a b"@example.test"#, r#""a b"@example.test"#);
    check(r#""a\"b\\"@example.test"#, r#""a\"b\\"@example.test"#);
    check(
        r#""Joe\,Smith"@example.test"#,
        r#""Joe,Smith"@example.test"#,
    );
    check(r#"""@example.test"#, r#"""@example.test"#);
    check(r#""a..b"@example.test"#, r#""a..b"@example.test"#);
    check("User+Tag@EXAMPLE.Test", "User+Tag@example.test");
    check("a!b%c@example.test", "a!b%c@example.test");
}

#[test]
fn refuses_malformed_local_parts() {
    // [rfc5321 4.1.2] [rfc5321 4.1.1 #1] [rfc5321 4.1.2 #3]
    for local in [
        ".a",
        "a.",
        "a..b",
        "a b",
        "a(b",
        "a\tb",
        r#"a"b""#,
        r#""a""#.trim_end_matches('"'),
        "\"a\x01\"",
        "\"a\\\x7f\"",
    ] {
        refused(&format!("{local}@example.test"), AddressError::LocalPart);
    }
    refused("@example.test", AddressError::LocalPart);
    refused("user", AddressError::NoAt);
    refused("", AddressError::Empty);
}

#[test]
fn refuses_malformed_domains() {
    // [rfc5321 4.1.2] the underscore is not permitted [rfc5321 4.1.2 #5]
    for domain in [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "-a",
        "a-",
        "a_b",
        "a@b",
        "a b",
        "exa\0mple",
        "xn--a",
    ] {
        let error = ascii(&format!("u@{domain}"));
        let known = matches!(error, Err(AddressError::Domain | AddressError::Trailing));
        assert!(known, "{domain:?}: {error:?}");
    }
    refused("user@example.test more", AddressError::Trailing);
}

#[test]
fn holds_the_limits() {
    // [rfc5321 4.5.3.1] [rfc5321 4.5.3.1.1] [rfc1035 2.3.4] [rfc5321 4.5.3.1 #1]
    let local = "x".repeat(64);
    check(
        &format!("{local}@example.test"),
        &format!("{local}@example.test"),
    );
    refused(
        &format!("{local}x@example.test"),
        AddressError::LocalPartTooLong,
    );
    let label = "d".repeat(63);
    let long = format!("{label}.{label}.{label}");
    check(
        &format!("{}@{long}.d", &local[..60]),
        &format!("{}@{long}.d", &local[..60]),
    );
    let domain = format!("{long}.{}", &label[..61]);
    assert_eq!(domain.len(), 253);
    assert!(domain.parse::<Domain>().is_ok());
    assert_eq!(
        format!("{domain}d").parse::<Domain>(),
        Err(AddressError::DomainTooLong)
    );
    assert_eq!(
        format!("{label}d.test").parse::<Domain>(),
        Err(AddressError::Domain)
    );
    refused(&format!("{local}@{domain}"), AddressError::AddressTooLong);
}

#[test]
fn reads_address_literals() {
    // [rfc5321 4.1.3]
    check("u@[192.0.2.1]", "u@[192.0.2.1]");
    check("u@[ipv6:2001:DB8::1]", "u@[IPv6:2001:db8::1]");
    check("u@[IPv6:::ffff:192.0.2.1]", "u@[IPv6:::ffff:192.0.2.1]");
    check("u@[x-tag:some.thing]", "u@[x-tag:some.thing]");
    for literal in [
        "[]",
        "[1.2.3]",
        "[1.2.3.256]",
        "[1.2.3.04]",
        "[2001:db8::1]",
        "[IPv6:2001:db8]",
        "[x-:y]",
        "[x:]",
        "[1.2.3.4",
        "[x:[y]",
    ] {
        let error = ascii(&format!("u@{literal}"));
        let known = matches!(error, Err(AddressError::Literal));
        // a name of hexadecimal digits may stand before a colon
        assert!(known || literal == "[2001:db8::1]", "{literal}: {error:?}");
    }
    let address: Address = "u@[192.0.2.1]".parse().expect("valid");
    assert_eq!(address.domain(), None);
    let Host::Literal(literal) = address.host() else {
        panic!("{address}")
    };
    assert_eq!(literal.ip(), Some([192, 0, 2, 1].into()));
    assert!(matches!(literal, AddressLiteral::V4(_)));
}

#[test]
fn turns_u_labels_into_a_labels() {
    // [rfc5891 5]
    let domain: Domain = "Bücher.Example".parse().expect("valid");
    assert_eq!(domain.as_str(), "xn--bcher-kva.example");
    assert_eq!(domain.to_unicode(), "bücher.example");
    assert_eq!("XN--BCHER-KVA.example".parse(), Ok(domain.clone()));
    assert_eq!(
        Domain::parse("bücher.example".as_bytes(), Charset::Ascii),
        Err(AddressError::NotAscii)
    );
    assert_eq!(
        "例え。テスト".parse::<Domain>().expect("valid").as_str(),
        "xn--r8jz45g.xn--zckzah"
    );
    assert!("a\u{200b}@b".parse::<Domain>().is_err());
    assert!("exa＠mple.test".parse::<Domain>().is_err());
}

#[test]
fn takes_utf8_local_parts_only_under_smtputf8() {
    // [rfc6531 3.3]
    let text = "jörg@example.test";
    assert_eq!(ascii(text), Err(AddressError::NotAscii));
    let address: Address = text.parse().expect("valid");
    assert!(address.needs_utf8());
    assert_eq!(address.to_string(), text);
    assert!(
        !"u@bücher.example"
            .parse::<Address>()
            .expect("valid")
            .needs_utf8()
    );
    assert_eq!(
        Address::parse(b"j\xf6rg@example.test", Charset::Utf8),
        Err(AddressError::NotUtf8)
    );
    assert_eq!(
        "a\u{85}b@example.test".parse::<Address>(),
        Err(AddressError::LocalPart)
    );
}

#[test]
fn looks_up_by_one_key_for_all_spellings() {
    let key = |text: &str| text.parse::<Address>().expect(text).key();
    assert_eq!(key(r#""Alice"@EXAMPLE.test"#), "alice@example.test");
    assert_eq!(key(r#""A b"@example.test"#), r#""a b"@example.test"#);
    assert_eq!(key("JÖRG@bücher.example"), "jörg@xn--bcher-kva.example");
    assert_eq!(key("jo\u{308}rg@example.test"), key("jörg@example.test"));
}

#[test]
fn splits_detail_at_the_first_plus() {
    let split = |text: &str| {
        let address: Address = text.parse().expect(text);
        (
            address.without_detail().to_string(),
            address.detail().map(str::to_owned),
        )
    };
    assert_eq!(
        split("u+a+b@x.test"),
        ("u@x.test".into(), Some("a+b".into()))
    );
    assert_eq!(split("u+@x.test"), ("u@x.test".into(), Some(String::new())));
    assert_eq!(split("u@x.test"), ("u@x.test".into(), None));
    assert_eq!(split("+u@x.test"), ("+u@x.test".into(), None));
    assert_eq!(
        split(r#""a b+c"@x.test"#),
        (r#""a b"@x.test"#.into(), Some("c".into()))
    );
}

#[test]
fn takes_a_path_from_the_front_of_a_command() {
    let text = b"<User@example.test> SIZE=100";
    let taken = ReversePath::take(text, Charset::Ascii).expect("valid");
    assert_eq!(taken.path.to_string(), "<User@example.test>");
    assert_eq!(&text[taken.len..], b" SIZE=100");
    assert!(taken.route.is_empty());
    let taken = ReversePath::take(b"<> BODY=8BITMIME", Charset::Ascii).expect("valid");
    assert_eq!((taken.path, taken.len), (ReversePath::Null, 2));
    let taken = ForwardPath::take(br#"<"a>b"@example.test>"#, Charset::Ascii).expect("valid");
    assert_eq!(taken.path.to_string(), r#"<"a>b"@example.test>"#);
}

#[test]
fn knows_postmaster_without_a_domain() {
    // [rfc5321 2.3.5] [rfc5321 4.1.1.3]
    let parse = |text: &[u8]| ForwardPath::parse(text, Charset::Ascii);
    assert_eq!(parse(b"<PostMaster>"), Ok(ForwardPath::Postmaster));
    assert!(matches!(
        parse(b"<postmaster@example.test>"),
        Ok(ForwardPath::Address(_))
    ));
    assert_eq!(parse(b"<postmasters>"), Err(AddressError::NoAt));
    assert_eq!(parse(b"<>"), Err(AddressError::Empty));
    assert_eq!(
        ReversePath::parse(b"<postmaster>", Charset::Ascii),
        Err(AddressError::NoAt)
    );
}

#[test]
fn tells_source_routes_apart() {
    // [rfc5321 4.1.2] [rfc5321 C] [rfc5321 4.1.2 #1]
    let text = b"<@a.test,@[192.0.2.1],@[IPv6:::1]:user@example.test> X=Y";
    let taken = ForwardPath::take(text, Charset::Ascii).expect("valid");
    assert_eq!(taken.path.to_string(), "<user@example.test>");
    let route: Vec<String> = taken.route.iter().map(Host::to_string).collect();
    assert_eq!(route, ["a.test", "[192.0.2.1]", "[IPv6:::1]"]);
    assert_eq!(&text[taken.len..], b" X=Y");
    assert_eq!(
        ForwardPath::parse(b"<@a.test:u@b.test>", Charset::Ascii),
        Err(AddressError::SourceRoute)
    );
    for broken in [
        "<@a.test u@b.test>",
        "<@a.test,:u@b.test>",
        "<@:u@b.test>",
        "<@a.test>",
        "<@a.test:>",
    ] {
        assert!(
            ForwardPath::take(broken.as_bytes(), Charset::Ascii).is_err(),
            "{broken}"
        );
    }
}

#[test]
fn refuses_paths_without_brackets_or_with_spaces() {
    let parse = |text: &str| ReversePath::parse(text.as_bytes(), Charset::Ascii);
    assert_eq!(parse("u@example.test"), Err(AddressError::NoAngle));
    assert_eq!(parse("<u@example.test"), Err(AddressError::NoAngle));
    assert_eq!(parse("<u@example.test >"), Err(AddressError::NoAngle));
    assert_eq!(parse("< u@example.test>"), Err(AddressError::LocalPart));
    assert_eq!(parse("<u@example.test>>"), Err(AddressError::Trailing));
    assert_eq!(parse("<<u@example.test>>"), Err(AddressError::LocalPart));
    assert_eq!(parse("<>x"), Err(AddressError::Trailing));
    assert_eq!(parse("<@a.test:"), Err(AddressError::Empty));
}

#[test]
fn refuses_paths_over_256_octets() {
    // [rfc5321 4.5.3.1.3] [rfc5321 4.5.3.1 #1]
    let route = |len: usize| {
        let hops = "@a.test,".repeat(40);
        format!("<{}:u@b.test>", &hops[..len])
    };
    assert!(ForwardPath::take(route(31 * 8 - 1 - 8).as_bytes(), Charset::Ascii).is_ok());
    assert_eq!(
        ForwardPath::take(route(32 * 8 - 1).as_bytes(), Charset::Ascii),
        Err(AddressError::PathTooLong)
    );
}

proptest! {
    #[test]
    fn any_local_part_comes_back_from_the_wire(content in "[ -~äé名]{0,20}") {
        let local = LocalPart::from_content(&content).expect("short and without controls");
        prop_assert_eq!(LocalPart::parse(local.to_string().as_bytes(), Charset::Utf8), Ok(local.clone()));
        let key = LocalPart::parse(local.key().as_bytes(), Charset::Utf8).expect("a key is a local part");
        prop_assert_eq!(key.key(), local.key());
    }

    #[test]
    fn any_address_comes_back_from_the_wire(text in r#"([a-zA-Z0-9.+!"\\ä ]{1,8}|"([a-z @]|\\[ -~]){0,8}")@([a-zA-Z0-9ü-]{1,5}(\.[a-z]{1,3})?|\[(1\.2\.3\.4|IPv6:::[0-9a-f]{1,4})\])"#) {
        if let Ok(address) = text.parse::<Address>() {
            let wire = address.to_string();
            prop_assert_eq!(wire.parse::<Address>(), Ok(address.clone()));
            let path = ForwardPath::Address(address.clone()).to_string();
            prop_assert_eq!(ForwardPath::parse(path.as_bytes(), Charset::Utf8), Ok(ForwardPath::Address(address)));
        }
    }

    #[test]
    fn never_panics_on_any_octets(octets in any::<Vec<u8>>(), text in r#"[<>@,:"\\a.\[\]IPv6:é-]{0,40}"#) {
        for input in [&octets[..], text.as_bytes()] {
            for charset in [Charset::Ascii, Charset::Utf8] {
                let _ = Address::parse(input, charset);
                let _ = Domain::parse(input, charset);
                for taken in [ForwardPath::take(input, charset).map(|t| t.len), ReversePath::take(input, charset).map(|t| t.len)].into_iter().flatten() {
                    prop_assert!(taken <= input.len() && input[taken - 1] == b'>');
                }
            }
        }
    }
}
