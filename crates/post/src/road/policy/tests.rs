//! The table of demands, row by row.

use super::*;
use net::Tlsa;

const HOST: &str = "mx.example.test";

fn domain(text: &str) -> Domain {
    text.parse().expect("a domain")
}

fn policy(mode: &str, mx: &str) -> Arc<sts::Policy> {
    let text = format!("version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 86400\n");
    Arc::new(sts::Policy::read(text.as_bytes()).expect("a policy"))
}

fn records() -> Dane {
    Dane::Records {
        base: "real.example.test".to_owned(),
        records: vec![Tlsa {
            usage: 3,
            selector: 1,
            matching: 1,
            data: vec![1; 32],
        }],
    }
}

/// One question.
struct Asked {
    protection: Protection,
    host_is: Security,
    dane: Dane,
    sts: Option<Arc<sts::Policy>>,
}

impl Asked {
    fn of(dane: Dane, sts: Option<Arc<sts::Policy>>) -> Asked {
        Asked {
            protection: Protection::AsPublished,
            host_is: Security::Unsigned,
            dane,
            sts,
        }
    }

    fn needing(self, protection: Protection) -> Asked {
        Asked { protection, ..self }
    }

    fn signed(self) -> Asked {
        let host_is = Security::Signed;
        Asked { host_is, ..self }
    }

    fn demand(&self) -> Result<Terms, NotHere> {
        demand(&Evidence {
            protection: self.protection,
            domain: &domain("example.test"),
            host: &domain(HOST),
            host_is: self.host_is,
            dane: &self.dane,
            sts: self.sts.as_ref(),
        })
    }

    fn terms(&self) -> Terms {
        self.demand().expect("it may go there")
    }
}

fn by_name(ground: Ground) -> Terms {
    Terms {
        trust: Trust::Names(vec![HOST.to_owned()]),
        without: Without::MustNot,
        ground,
        ..Terms::opportunistic(HOST)
    }
}

#[test]
fn where_nobody_demands_anything_mail_goes_anyway() {
    let plain = Terms::opportunistic(HOST);
    assert_eq!(Asked::of(Dane::Nothing, None).terms(), plain);
    // [rfc8461 5] testing and none change nothing
    for mode in ["testing", "none"] {
        let asked = Asked::of(Dane::Nothing, Some(policy(mode, "other.test")));
        assert_eq!(asked.terms(), plain, "{mode}");
    }
}

#[test]
fn an_enforced_policy_asks_for_a_named_host_and_its_certificate() {
    // [rfc8461 5] [rfc8461 4.2] [rfc8461 5.1]
    let enforced = |mx| Asked::of(Dane::Nothing, Some(policy("enforce", mx)));
    assert_eq!(enforced("*.example.test").terms(), by_name(Ground::Sts));
    let refused = enforced("example.test").demand();
    assert_eq!(refused, Err(NotHere::NotInPolicy));
    assert_eq!(NotHere::NotInPolicy.class(), Class::Transient);
}

#[test]
fn records_are_asked_before_policies() {
    // [rfc7672 2.2] [rfc8461 2] [rfc7672 3.2.2] [rfc7672 8.1]
    let Dane::Records { records: all, .. } = records() else {
        unreachable!()
    };
    let names = ["real.example.test", HOST, "example.test"];
    let by_record = Terms {
        trust: Trust::Dane {
            records: all,
            names: names.map(str::to_owned).to_vec(),
        },
        ask_for: "real.example.test".to_owned(),
        without: Without::MustNot,
        ground: Ground::Dane,
    };
    assert_eq!(Asked::of(records(), None).terms(), by_record);
    let both = Asked::of(records(), Some(policy("enforce", "other.test")));
    assert_eq!(both.terms(), by_record);
}

#[test]
fn records_of_no_use_still_say_that_there_is_tls() {
    // [rfc7672 2.2]
    let terms = Asked::of(Dane::Unusable, None).terms();
    assert_eq!(
        (terms.trust, terms.without),
        (Trust::Anyone, Without::MustNot)
    );
    let enforced = Asked::of(Dane::Unusable, Some(policy("enforce", HOST)));
    assert_eq!(enforced.terms(), by_name(Ground::Sts));
}

#[test]
fn a_look_up_that_fails_puts_the_host_off() {
    // [rfc7672 2.1.2] [rfc3463 3.8]
    let dane = || Dane::Failed("SERVFAIL".to_owned());
    let refused = Asked::of(dane(), Some(policy("enforce", HOST))).demand();
    let why = NotHere::TlsaUnknown("SERVFAIL".to_owned());
    assert_eq!(refused, Err(why.clone()));
    assert_eq!(
        (why.class(), why.status()),
        (Class::Transient, Status(4, 7, 5))
    );
}

#[test]
fn a_message_may_need_no_tls_whatever_the_domain_says() {
    // [rfc8689 4.2.2]
    for dane in [records(), Dane::Failed("gone".to_owned()), Dane::Unusable] {
        let asked = Asked::of(dane, Some(policy("enforce", "other.test")));
        let terms = asked.needing(Protection::NotNeeded).terms();
        assert_eq!(terms, Terms::opportunistic(HOST));
    }
}

#[test]
fn a_message_that_requires_tls_goes_only_where_the_way_is_proven() {
    // [rfc8689 4.2.1]
    let required = |asked: Asked| asked.needing(Protection::Required);
    let refused = required(Asked::of(Dane::Nothing, None)).demand();
    assert_eq!(refused, Err(NotHere::Unproven));
    assert_eq!(NotHere::Unproven.status(), Status(5, 7, 10));
    assert_eq!(NotHere::Unproven.class(), Class::Permanent);
    let signed = required(Asked::of(Dane::Nothing, None)).signed();
    assert_eq!(signed.terms(), by_name(Ground::RequireTls));
    let testing = required(Asked::of(Dane::Nothing, Some(policy("testing", HOST))));
    assert_eq!(testing.terms(), by_name(Ground::RequireTls));
    let other = required(Asked::of(Dane::Nothing, Some(policy("testing", "a.test"))));
    assert_eq!(other.demand(), Err(NotHere::Unproven));
    let none = required(Asked::of(Dane::Nothing, Some(policy("none", HOST))));
    assert_eq!(none.demand(), Err(NotHere::Unproven));
    let by_record = required(Asked::of(records(), None)).signed();
    let plain = Asked::of(records(), None).terms();
    assert_eq!(by_record.terms(), plain);
    // records that prove nothing are not enough for it
    let unusable = required(Asked::of(Dane::Unusable, None)).signed();
    assert_eq!(unusable.terms(), by_name(Ground::RequireTls));
}
