//! Command lines, good and bad.

use super::*;

fn good(line: &str) -> Command {
    match parse_command(line.as_bytes()) {
        Ok(command) => command,
        Err(malformed) => panic!("{line}: {malformed:?}"),
    }
}

fn bad(line: &str) -> ArgumentError {
    match parse_command(line.as_bytes()) {
        Err(Malformed::Argument { error, .. }) => error,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn reads_words_in_any_case() {
    // [rfc5321 2.4]
    for line in ["quit", "QUIT", "QuIt", "QUIT  "] {
        assert_eq!(good(line), Command::Quit);
    }
    assert!(matches!(
        good("mail from:<a@example.test>"),
        Command::Mail { .. }
    ));
}

#[test]
fn reads_mail_with_its_parameters() {
    // [rfc5321 4.1.1.2] [rfc1870 5] [rfc6152 2] [rfc3030 3] [rfc6531 3.4] [rfc4954 5] [rfc3461 4]
    let line =
        "MAIL FROM:<a@example.test> SIZE=1234 body=8bitmime SMTPUTF8 AUTH=e+3Dmc2@example.com";
    let Command::Mail {
        from,
        written_in,
        parameters,
    } = good(line)
    else {
        panic!()
    };
    assert_eq!(from.to_string(), "<a@example.test>");
    assert_eq!(written_in, Charset::Ascii);
    assert_eq!(parameters.size_bytes, Some(1234));
    assert_eq!(parameters.body, Some(BodyType::EightBitMime));
    assert_eq!(parameters.charset, Charset::Utf8);
    assert_eq!(parameters.auth.as_deref(), Some("e=mc2@example.com"));
}

#[test]
fn reads_that_tls_is_required() {
    // [rfc8689 2]
    let protection = |line: &str| match good(line) {
        Command::Mail { parameters, .. } => parameters.protection,
        other => panic!("{other:?}"),
    };
    let asked = protection("MAIL FROM:<a@example.test> RequireTLS");
    assert_eq!(asked, Protection::Required);
    let not_asked = protection("MAIL FROM:<a@example.test>");
    assert_eq!(not_asked, Protection::AsPublished);
    assert_eq!(
        bad("MAIL FROM:<> REQUIRETLS=YES"),
        ArgumentError::ParameterValue("REQUIRETLS")
    );
    assert_eq!(
        bad("MAIL FROM:<> REQUIRETLS REQUIRETLS"),
        ArgumentError::ParameterTwice("REQUIRETLS")
    );
}

#[test]
fn reads_what_is_asked_of_notifications() {
    // [rfc3461 4.1] [rfc3461 4.2] [rfc3461 4.3] [rfc3461 4.4]
    let Command::Mail { parameters, .. } = good("MAIL FROM:<> ret=hdrs ENVID=QQ+20314") else {
        panic!()
    };
    assert_eq!(parameters.ret, Some(Ret::Hdrs));
    assert_eq!(parameters.envid.unwrap().as_str(), "QQ+20314");
    let line = "RCPT TO:<bob@example.test> NOTIFY=SUCCESS,DELAY orcpt=rfc822;Bob@example.test";
    let Command::Rcpt { parameters, .. } = good(line) else {
        panic!()
    };
    assert_eq!(parameters.notify.unwrap().to_string(), "SUCCESS,DELAY");
    assert_eq!(
        parameters.orcpt.unwrap().as_str(),
        "rfc822;Bob@example.test"
    );
    // [rfc3461 4.5]
    assert_eq!(
        bad("MAIL FROM:<> RET=FULL RET=FULL"),
        ArgumentError::ParameterTwice("RET")
    );
    let twice = "RCPT TO:<a@example.test> NOTIFY=NEVER NOTIFY=NEVER";
    assert_eq!(bad(twice), ArgumentError::ParameterTwice("NOTIFY"));
    for (line, name) in [
        ("MAIL FROM:<> RET=ALL", "RET"),
        ("MAIL FROM:<> ENVID", "ENVID"),
        ("MAIL FROM:<> ENVID=+0A", "ENVID"),
        ("RCPT TO:<a@example.test> NOTIFY=NEVER,DELAY", "NOTIFY"),
        ("RCPT TO:<a@example.test> ORCPT=bob", "ORCPT"),
    ] {
        assert_eq!(bad(line), ArgumentError::ParameterValue(name), "{line}");
    }
}

#[test]
fn an_original_recipient_may_need_smtputf8() {
    // [rfc6533 3]
    let line = "RCPT TO:<a@example.test> ORCPT=utf-8;jürgen@example.test";
    let Command::Rcpt { written_in, .. } = good(line) else {
        panic!()
    };
    assert_eq!(written_in, Charset::Utf8);
}

#[test]
fn reads_chunk_sizes() {
    // [rfc3030 2]
    let chunk = |bytes, place| Command::Bdat { bytes, place };
    assert_eq!(good("BDAT 0"), chunk(0, ChunkPlace::More));
    assert_eq!(good("bdat 007 last "), chunk(7, ChunkPlace::Last));
    assert_eq!(
        good("BDAT 18446744073709551615"),
        chunk(u64::MAX, ChunkPlace::More)
    );
    for line in [
        "BDAT",
        "BDAT  1",
        "BDAT +1",
        "BDAT 1 FIRST",
        "BDAT 18446744073709551616",
    ] {
        assert_eq!(
            parse_command(line.as_bytes()),
            Err(Malformed::ChunkSize),
            "{line}"
        );
    }
    assert_eq!(
        parse_command(b"BDATA 1"),
        Err(Malformed::UnknownWord("BDATA".into()))
    );
}

#[test]
fn reads_the_null_path_and_forgives_a_space() {
    for line in ["MAIL FROM:<>", "MAIL FROM: <>"] {
        let Command::Mail { from, .. } = good(line) else {
            panic!()
        };
        assert_eq!(from, ReversePath::Null);
    }
}

#[test]
fn ignores_a_source_route() {
    // [rfc5321 4.1.1.3] [rfc5321 C] [rfc5321 F.2] [rfc5321 3.3 #2]
    let Command::Rcpt { to, .. } = good("RCPT TO:<@a.test,@b.test:bob@example.test>") else {
        panic!()
    };
    assert_eq!(to.to_string(), "<bob@example.test>");
}

#[test]
fn reads_postmaster_without_a_domain() {
    // [rfc5321 4.1.1.3]
    let Command::Rcpt { to, .. } = good("RCPT TO:<PostMaster>") else {
        panic!()
    };
    assert_eq!(to, ForwardPath::Postmaster);
}

#[test]
fn tells_in_which_octets_a_path_was_written() {
    // [rfc6531 3.2]
    let Command::Rcpt { written_in, .. } = good("RCPT TO:<jürgen@example.test>") else {
        panic!()
    };
    assert_eq!(written_in, Charset::Utf8);
}

#[test]
fn refuses_unknown_parameters() {
    // [rfc5321 4.1.1.11]
    assert_eq!(
        bad("MAIL FROM:<> FOO=1"),
        ArgumentError::UnknownParameter("FOO".into())
    );
    assert_eq!(
        bad("RCPT TO:<a@example.test> SIZE=1"),
        ArgumentError::UnknownParameter("SIZE".into())
    );
}

#[test]
fn refuses_bad_values_and_parameters_given_twice() {
    for value in [
        "SIZE=",
        "SIZE=x",
        "SIZE",
        "SIZE=123456789012345678901",
        "SIZE=-1",
    ] {
        assert_eq!(
            bad(&format!("MAIL FROM:<> {value}")),
            ArgumentError::ParameterValue("SIZE")
        );
    }
    assert_eq!(
        bad("MAIL FROM:<> BODY=9BIT"),
        ArgumentError::ParameterValue("BODY")
    );
    assert_eq!(
        bad("MAIL FROM:<> SMTPUTF8=1"),
        ArgumentError::ParameterValue("SMTPUTF8")
    );
    assert_eq!(
        bad("MAIL FROM:<> AUTH=+3x"),
        ArgumentError::ParameterValue("AUTH")
    );
    assert_eq!(
        bad("MAIL FROM:<> SIZE=1 SIZE=1"),
        ArgumentError::ParameterTwice("SIZE")
    );
    let many = format!("MAIL FROM:<>{}", " A".repeat(17));
    assert_eq!(bad(&many), ArgumentError::TooManyParameters);
}

#[test]
fn a_size_past_all_bounds_is_the_largest_size() {
    let Command::Mail { parameters, .. } = good("MAIL FROM:<> SIZE=99999999999999999999") else {
        panic!()
    };
    assert_eq!(parameters.size_bytes, Some(u64::MAX));
}

#[test]
fn refuses_paths_without_angle_brackets_or_keyword() {
    assert!(matches!(
        bad("MAIL FROM:a@example.test"),
        ArgumentError::Address(_)
    ));
    assert!(matches!(
        bad("RCPT TO:<a@example.test>x"),
        ArgumentError::Address(_)
    ));
    assert!(matches!(bad("RCPT TO:<>"), ArgumentError::Address(_)));
    assert_eq!(bad("MAIL TO:<a@example.test>"), ArgumentError::Keyword);
    assert_eq!(bad("MAIL <a@example.test>"), ArgumentError::Keyword);
    assert_eq!(bad("MAIL"), ArgumentError::Missing);
    assert_eq!(bad("RCPT TO:"), ArgumentError::Missing);
}

#[test]
fn refuses_arguments_where_there_are_none() {
    // [rfc5321 4.1.1.5] [rfc3207 4]
    for line in ["DATA x", "RSET x", "QUIT x", "STARTTLS x"] {
        assert_eq!(bad(line), ArgumentError::Unexpected);
    }
    assert_eq!(good("NOOP whatever"), Command::Noop);
    assert_eq!(bad("VRFY"), ArgumentError::Missing);
    // [rfc6531 3.7.4.2]
    assert_eq!(good("VRFY bob smtputf8"), Command::Vrfy("bob".into()));
    assert_eq!(bad("EHLO"), ArgumentError::Missing);
}

#[test]
fn reads_whose_mail_is_asked_for() {
    // [rfc1985 5] [rfc1985 5.3]
    let node = |line: &str| match good(line) {
        Command::Etrn(node) => node,
        other => panic!("{other:?}"),
    };
    let domain: addr::Domain = "example.org".parse().expect("because it is one");
    assert_eq!(node("ETRN example.org"), Node::Domain(domain.clone()));
    assert_eq!(node("etrn @example.org "), Node::Subtree(domain));
    assert_eq!(node("ETRN #uucp"), Node::Queue("uucp".into()));
    assert_eq!(bad("ETRN"), ArgumentError::Missing);
    for line in [
        "ETRN localname",
        "ETRN @com",
        "ETRN @",
        "ETRN #",
        "ETRN #a b",
        "ETRN a..b",
        "ETRN a.b c.d",
        "ETRN é.example",
    ] {
        assert_eq!(bad(line), ArgumentError::Node, "{line}");
    }
}

#[test]
fn reads_client_names_loosely() {
    // [rfc5321 4.1.4] [rfc5321 4.5.3.1.2]
    for name in [
        "mail.example.test",
        "[192.0.2.1]",
        "[IPv6:2001:db8::1]",
        "odd_host",
        "münchen",
    ] {
        assert!(matches!(good(&format!("EHLO {name}")), Command::Ehlo(n) if n.as_str() == name));
    }
    for name in ["a b", "a(b)", "<a>", "a;b", &"x".repeat(256)] {
        assert_eq!(bad(&format!("HELO {name}")), ArgumentError::ClientName);
    }
}

#[test]
fn reads_for_which_domains_a_connection_is_turned() {
    // [rfc2645 5.2.1]
    let domains = |line: &str| match good(line) {
        Command::Atrn(domains) => domains.iter().map(ToString::to_string).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(domains("ATRN"), [""; 0]);
    assert_eq!(domains("atrn example.org "), ["example.org"]);
    assert_eq!(
        domains("ATRN example.org,example.com"),
        ["example.org", "example.com"]
    );
    for line in [
        "ATRN org",
        "ATRN example.org, example.com",
        "ATRN example.org,",
        "ATRN ,",
        "ATRN @example.org",
        "ATRN é.example",
    ] {
        assert_eq!(bad(line), ArgumentError::Node, "{line}");
    }
}

#[test]
fn reads_auth_with_and_without_initial_response() {
    // [rfc4954 4] [rfc4422 3.1]
    let auth = |mechanism: &str, response: Option<&[u8]>| Command::Auth {
        mechanism: mechanism.into(),
        initial_response: response.map(<[u8]>::to_vec),
    };
    assert_eq!(good("AUTH plain"), auth("PLAIN", None));
    assert_eq!(good("AUTH PLAIN ="), auth("PLAIN", Some(b"=")));
    assert_eq!(good("AUTH LOGIN YQ=="), auth("LOGIN", Some(b"YQ==")));
    assert_eq!(bad("AUTH"), ArgumentError::Missing);
    assert_eq!(bad("AUTH PL/AIN"), ArgumentError::Mechanism);
    assert_eq!(
        bad(&format!("AUTH {}", "A".repeat(21))),
        ArgumentError::Mechanism
    );
    assert_eq!(bad("AUTH PLAIN a b"), ArgumentError::Unexpected);
}

#[test]
fn tells_unknown_words_from_those_not_implemented_and_from_http() {
    // [rfc5321 4.2.4]
    let line = |l: &str| parse_command(l.as_bytes());
    assert_eq!(line("FOO bar"), Err(Malformed::UnknownWord("FOO".into())));
    assert_eq!(line(""), Err(Malformed::UnknownWord(String::new())));
    assert_eq!(line("expn staff"), Err(Malformed::NotImplemented("EXPN")));
    assert_eq!(line("POST / HTTP/1.1"), Err(Malformed::OtherProtocol));
    assert_eq!(parse_command(b"NOOP \0"), Err(Malformed::ControlOctet));
    assert_eq!(parse_command(b"NOOP a\rb"), Err(Malformed::ControlOctet));
    assert_eq!(parse_command(b"NOOP \xff"), Err(Malformed::NotUtf8));
}
