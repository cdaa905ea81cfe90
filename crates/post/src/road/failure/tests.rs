//! The whole table: every stage, scope and class, with and without hosts left.

use super::*;
use smtp::Reply;

const NOW: Time = Time(1_000_000_000);

fn attempt(hosts_left: HostsLeft, before: Before) -> Attempt {
    Attempt {
        now: NOW,
        earlier: 0,
        expires: NOW.after(Duration::from_secs(5 * 24 * 3_600)),
        hosts_left,
        before,
        others: Others::NoneTaken,
        backoff: Backoff::default(),
        random: 0,
    }
}

/// In one word.
fn word(failure: Failure, attempt: &Attempt) -> &'static str {
    match decide(failure.stage, failure.scope, failure.class, attempt) {
        Decision::Again => "again",
        Decision::NextHost => "next",
        Decision::Retry(_) => "later",
        Decision::Bounce(End::Refused) => "refused",
        Decision::Bounce(End::Expired) => "expired",
    }
}

const STAGES: &[Stage] = &[
    Stage::Route,
    Stage::Connect,
    Stage::Tls,
    Stage::Said(Said::Greeting),
    Stage::Said(Said::Hello),
    Stage::Said(Said::StartTls),
    Stage::Said(Said::Auth),
    Stage::Said(Said::Mail),
    Stage::Said(Said::Rcpt),
    Stage::Said(Said::Data),
    Stage::Said(Said::Content),
    Stage::Said(Said::ContentEnd),
    Stage::Said(Said::Quit),
    Stage::Fit,
    Stage::Program,
];
const SCOPES: &[Scope] = &[
    Scope::Recipient,
    Scope::Transaction,
    Scope::Message,
    Scope::Host,
    Scope::Connection,
];

fn all() -> impl Iterator<Item = Failure> {
    let pairs = |stage| SCOPES.iter().map(move |scope| (stage, *scope));
    let classes = [Class::Transient, Class::Permanent];
    let stages = STAGES.iter().flat_map(move |stage| pairs(*stage));
    stages.flat_map(move |(stage, scope)| {
        classes.map(|class| Failure {
            stage,
            scope,
            class,
        })
    })
}

#[test]
fn a_refusal_of_message_or_recipient_for_good_ends_it_everywhere() {
    // [rfc5321 4.2.5]
    let blamed = |f: &Failure| matches!(f.scope, Scope::Recipient | Scope::Message);
    for failure in all().filter(|f| f.class == Class::Permanent && blamed(f)) {
        for hosts_left in [HostsLeft::Some, HostsLeft::None] {
            for before in [Before::Hope, Before::NoHope] {
                let got = word(failure, &attempt(hosts_left, before));
                assert_eq!(got, "refused", "{failure:?}");
            }
        }
    }
}

#[test]
fn what_failed_before_the_content_ended_goes_to_the_next_host() {
    // [rfc5321 5.1 #10]
    let ends_here = |f: &Failure| {
        let blamed = matches!(f.scope, Scope::Recipient | Scope::Message);
        f.class == Class::Permanent && blamed
    };
    for failure in all().filter(|f| !ends_here(f)) {
        let got = word(failure, &attempt(HostsLeft::Some, Before::NoHope));
        let stays = matches!(
            failure.stage,
            Stage::Route | Stage::Program | Stage::Said(Said::ContentEnd)
        );
        match (stays, failure.class) {
            (false, _) => assert_eq!(got, "next", "{failure:?}"),
            (true, Class::Transient) => assert_eq!(got, "later", "{failure:?}"),
            (true, Class::Permanent) => assert_eq!(got, "refused", "{failure:?}"),
        }
    }
}

#[test]
fn with_no_host_left_what_failed_for_now_waits() {
    // [rfc5321 4.5.4.1 #1]
    for failure in all().filter(|f| f.class == Class::Transient) {
        let got = word(failure, &attempt(HostsLeft::None, Before::NoHope));
        assert_eq!(got, "later", "{failure:?}");
    }
}

#[test]
fn hosts_that_refuse_to_serve_are_the_end_only_if_all_do() {
    let refused = Failure::of_host(Said::Greeting, smtp::Class::Permanent);
    assert_eq!(
        word(refused, &attempt(HostsLeft::Some, Before::NoHope)),
        "next"
    );
    assert_eq!(
        word(refused, &attempt(HostsLeft::None, Before::NoHope)),
        "refused"
    );
    assert_eq!(
        word(refused, &attempt(HostsLeft::None, Before::Hope)),
        "later"
    );
    let unfit = Failure::unfit();
    assert_eq!(
        word(unfit, &attempt(HostsLeft::None, Before::NoHope)),
        "refused"
    );
}

#[test]
fn a_message_lives_until_its_last_attempt_failed() {
    for failure in all().filter(|f| f.class == Class::Transient) {
        let mut late = attempt(HostsLeft::None, Before::NoHope);
        late.expires = NOW;
        assert_eq!(word(failure, &late), "expired", "{failure:?}");
        late.expires = NOW.after(Duration::from_secs(60));
        let Failure {
            stage,
            scope,
            class,
        } = failure;
        assert_eq!(
            decide(stage, scope, class, &late),
            Decision::Retry(late.expires),
            "the last attempt is at the end of its life"
        );
    }
}

#[test]
fn recipients_beyond_what_a_server_takes_at_once_follow_at_once() {
    // [rfc5321 4.5.3.1.10]
    let rcpt = |code, status: Option<Status>| {
        let reply = match status {
            Some(status) => Reply::new(code, status, "no"),
            None => Reply::plain(code, "no"),
        };
        let outcome = Outcome::Answered {
            stage: Said::Rcpt,
            reply,
        };
        Failure::of(&outcome).unwrap()
    };
    let beside = |others| Attempt {
        others,
        ..attempt(HostsLeft::Some, Before::NoHope)
    };
    let crowded = [
        rcpt(452, None),
        rcpt(452, Some(Status(4, 5, 3))),
        rcpt(552, None),
        rcpt(552, Some(Status(5, 2, 2))),
    ];
    for failure in crowded {
        assert_eq!(word(failure, &beside(Others::SomeTaken)), "again");
        assert_eq!(word(failure, &beside(Others::NoneTaken)), "next");
    }
    // of its own accord it would be the same again
    for failure in [
        rcpt(452, Some(Status(4, 2, 2))),
        rcpt(452, Some(Status(4, 3, 1))),
        rcpt(450, None),
        rcpt(451, None),
    ] {
        assert_eq!(failure.scope, Scope::Recipient);
        assert_eq!(word(failure, &beside(Others::SomeTaken)), "next");
    }
}

#[test]
fn who_is_to_blame_is_seen_from_stage_and_reply() {
    let answered = |stage, code| {
        let reply = Reply::plain(code, "so");
        Failure::of(&Outcome::Answered { stage, reply })
    };
    let check = |stage, code, scope, class| {
        let expected = Failure {
            stage: Stage::Said(stage),
            scope,
            class,
        };
        assert_eq!(answered(stage, code), Some(expected), "{stage:?} {code}");
    };
    use Class::{Permanent, Transient};
    check(Said::Mail, 451, Scope::Message, Transient);
    check(Said::Mail, 550, Scope::Message, Permanent);
    check(Said::Mail, 421, Scope::Host, Transient);
    check(Said::Rcpt, 450, Scope::Recipient, Transient);
    check(Said::Rcpt, 550, Scope::Recipient, Permanent);
    check(Said::Rcpt, 421, Scope::Host, Transient);
    check(Said::Data, 451, Scope::Message, Transient);
    check(Said::Data, 554, Scope::Message, Permanent);
    check(Said::Content, 552, Scope::Message, Permanent);
    check(Said::ContentEnd, 451, Scope::Message, Transient);
    check(Said::ContentEnd, 554, Scope::Message, Permanent);
    check(Said::ContentEnd, 421, Scope::Host, Transient);
    assert_eq!(answered(Said::ContentEnd, 250), None, "taken");
}

#[test]
fn without_an_answer_to_the_content_nobody_else_is_asked() {
    // it may have been taken [rfc5321 6.1]
    let lost = |stage| Failure::of(&Outcome::Unanswered { stage }).unwrap();
    let hosts = attempt(HostsLeft::Some, Before::NoHope);
    assert_eq!(word(lost(Said::ContentEnd), &hosts), "later");
    for stage in [Said::Mail, Said::Rcpt, Said::Data, Said::Content] {
        assert_eq!(word(lost(stage), &hosts), "next", "{stage:?}");
    }
}

#[test]
fn logins_and_tls_that_fail_are_never_the_end() {
    // [rfc4954 4] [rfc7672 2.2] [rfc8461 5]
    let alone = attempt(HostsLeft::None, Before::NoHope);
    for said in [Said::Auth, Said::StartTls] {
        let failure = Failure::of_host(said, smtp::Class::Permanent);
        assert_eq!(word(failure, &alone), "later");
    }
    assert_eq!(word(Failure::of_tls(), &alone), "later");
}

#[test]
fn waits_grow_to_a_bound_and_differ() {
    // [rfc5321 4.5.4.1 #2 #3]
    let at = |earlier, random| {
        let attempt = Attempt {
            earlier,
            random,
            ..attempt(HostsLeft::None, Before::NoHope)
        };
        wait(&attempt).as_secs()
    };
    let waits: Vec<u64> = (0..8).map(|earlier| at(earlier, 0)).collect();
    assert_eq!(waits, [262, 525, 1_050, 2_100, 4_200, 8_400, 9_450, 9_450]);
    assert_eq!(at(u32::MAX, 0), 9_450);
    // five minutes, an eighth less or more
    let spread: Vec<u64> = (0..100).map(|n| at(0, n * 750_001)).collect();
    assert!(spread.iter().all(|s| (262..=338).contains(s)), "{spread:?}");
    assert!(spread.iter().any(|s| *s < 270) && spread.iter().any(|s| *s > 325));
}

#[test]
fn a_5yz_to_mail_is_said_of_this_message_only() {
    // [rfc5321 4.5.4.1 #4] the host is asked again for the next one
    let reply = Reply::plain(550, "no");
    let refused = Outcome::Answered {
        stage: Said::Mail,
        reply,
    };
    assert_eq!(Failure::of(&refused).unwrap().scope, Scope::Message);
}
