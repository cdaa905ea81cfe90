//! The decisions, each with the evidence that leads to it.

use super::*;
use crate::queue::Asked;
use crate::refusal::NotHeld;
use net::Time;
use smtp::{ByMode, Hold, MailParameters};

fn policy() -> Policy {
    Policy {
        max_message_bytes: 1_000,
        max_recipients: 100,
        max_deliveries: 200,
        max_hops: 100,
        max_own_hops: 10,
        elsewhere: Elsewhere::Taken,
        highest_priority: Priority::USUAL,
        longest_hold: Duration::from_secs(3_600),
        most_held: Amount {
            count: 2,
            bytes: 1_000,
        },
    }
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn stranger() -> SenderEvidence {
    SenderEvidence {
        role: Role::Exchange,
        proof: Proof::Stranger,
        whose: Whose::Nobodys,
        written_in: Charset::Ascii,
        asked: Charset::Ascii,
        size_bytes: None,
    }
}

#[test]
fn strangers_may_send_to_us_but_not_submit() {
    // [rfc6409 4.3]
    assert_eq!(sender(stranger(), &policy()), Ok(()));
    let submission = SenderEvidence {
        role: Role::Submission,
        ..stranger()
    };
    assert_eq!(sender(submission, &policy()), Err(Refusal::LoginNeeded));
}

fn wished(role: Role, policy: &Policy, parameters: &MailParameters) -> Result<Asked, Refusal> {
    let now = Time::from_seconds(1_000);
    let evidence = AskedEvidence {
        role,
        parameters,
        now,
        held: Amount::default(),
    };
    asked(&evidence, policy)
}

#[test]
fn nobody_makes_mail_more_urgent_than_the_operator_allows() {
    // [rfc6710 4.1]
    let granted = |highest: i8, wanted: i8| {
        let policy = Policy {
            highest_priority: Priority::new(highest).unwrap(),
            ..policy()
        };
        let parameters = MailParameters {
            priority: Priority::new(wanted),
            ..MailParameters::default()
        };
        let asked = wished(Role::Submission, &policy, &parameters);
        asked.unwrap().priority.number()
    };
    assert_eq!(granted(0, 9), 0);
    assert_eq!(granted(4, 9), 4);
    assert_eq!(granted(4, 3), 3);
    assert_eq!(granted(0, -9), -9);
}

#[test]
fn only_those_who_submit_may_ask_and_only_where_there_is_a_queue() {
    // [rfc6710 4.1] [rfc4865 4.2]
    let parameters = MailParameters {
        priority: Priority::new(-1),
        ..MailParameters::default()
    };
    let refused = Err(Refusal::NotOffered("MT-PRIORITY"));
    assert_eq!(wished(Role::Exchange, &policy(), &parameters), refused);
    assert_eq!(wished(Role::Lmtp, &policy(), &parameters), refused);
    let without = Policy {
        elsewhere: Elsewhere::Refused,
        ..policy()
    };
    assert_eq!(wished(Role::Submission, &without, &parameters), refused);
    assert!(wished(Role::Submission, &policy(), &parameters).is_ok());
    let nothing = MailParameters::default();
    assert!(wished(Role::Exchange, &policy(), &nothing).is_ok());
}

#[test]
fn a_span_of_time_becomes_a_moment_of_ours() {
    // [rfc2852 4]
    let by = |value: &str| {
        let parameters = MailParameters {
            by: smtp::By::read(value),
            ..MailParameters::default()
        };
        let asked = wished(Role::Submission, &policy(), &parameters);
        let by = asked.unwrap().deliver_by.unwrap();
        (by.by.seconds(), by.mode, by.trace)
    };
    assert_eq!(by("120;R"), (1_120, ByMode::Return, false));
    assert_eq!(by("-20;NT"), (980, ByMode::Notify, true));
}

#[test]
fn mail_is_held_as_long_and_as_much_as_may_be() {
    // [rfc4865 4.2] [rfc4865 5.2.2] [rfc4865 6]
    let now = Time::from_seconds(1_000_000_000);
    let check = |hold: Hold, by: Option<&str>, count: usize| {
        let held = Amount { count, bytes: 0 };
        let parameters = MailParameters {
            hold: Some(hold),
            by: by.and_then(smtp::By::read),
            ..MailParameters::default()
        };
        let evidence = AskedEvidence {
            role: Role::Submission,
            parameters: &parameters,
            now,
            held,
        };
        let asked = asked(&evidence, &policy());
        asked.map(|asked| asked.hold.unwrap().until.seconds() - now.seconds())
    };
    let until = |after: i64| Hold::Until(now.seconds() + after);
    assert_eq!(check(Hold::For(3_600), None, 1), Ok(3_600));
    assert_eq!(check(until(3_600), None, 1), Ok(3_600));
    assert_eq!(check(until(-60), None, 1), Ok(-60), "it goes at once");
    let too_long = Err(Refusal::NotHeld(NotHeld::TooLong { most_s: 3_600 }));
    assert_eq!(check(Hold::For(3_601), None, 0), too_long);
    assert_eq!(check(until(3_601), None, 0), too_long);
    assert_eq!(
        check(Hold::For(60), None, 2),
        Err(Refusal::NotHeld(NotHeld::TooMany))
    );
    assert_eq!(check(Hold::For(60), Some("60;R"), 0), Ok(60));
    assert_eq!(
        check(Hold::For(61), Some("60;R"), 0),
        Err(Refusal::NotHeld(NotHeld::TooLate))
    );
    assert_eq!(
        check(until(61), Some("60;N"), 0),
        Err(Refusal::NotHeld(NotHeld::TooLate))
    );
    let more = |bytes: u64, more: u64| {
        let held = Amount { count: 1, bytes };
        may_hold_more(held, more, &policy())
    };
    assert_eq!(more(900, 100), Ok(()));
    assert_eq!(more(900, 101), Err(Refusal::NotHeld(NotHeld::TooMuch)));
    assert_eq!(more(1_000, 0), Err(Refusal::NotHeld(NotHeld::TooMuch)));
    let none = Policy {
        longest_hold: Duration::ZERO,
        ..policy()
    };
    assert!(!offers(Role::Submission, Wish::Hold, &none));
    assert!(offers(Role::Local, Wish::Hold, &policy()));
    assert!(offers(Role::Submission, Wish::Hold, &policy()));
    assert!(!offers(Role::Exchange, Wish::Hold, &policy()));
}

#[test]
fn a_login_sends_only_as_itself() {
    // [rfc6409 6.1]
    let login = |whose| SenderEvidence {
        role: Role::Submission,
        proof: Proof::LoggedIn,
        whose,
        ..stranger()
    };
    assert_eq!(sender(login(Whose::Theirs), &policy()), Ok(()));
    assert_eq!(
        sender(login(Whose::Nobodys), &policy()),
        Ok(()),
        "the null path"
    );
    let bob = address("bob@example.test");
    let refused = sender(login(Whose::NotTheirs(bob.clone())), &policy());
    assert_eq!(refused, Err(Refusal::SenderNotYours(bob)));
}

#[test]
fn a_declared_size_above_the_limit_is_refused_at_mail() {
    // [rfc1870 6.1]
    let declared = |bytes| SenderEvidence {
        size_bytes: Some(bytes),
        ..stranger()
    };
    assert_eq!(sender(declared(1_000), &policy()), Ok(()));
    let refused = sender(declared(1_001), &policy());
    assert_eq!(refused, Err(Refusal::TooLarge { max_bytes: 1_000 }));
}

#[test]
fn utf8_paths_need_smtputf8() {
    // [rfc6531 3.5]
    let utf8 = SenderEvidence {
        written_in: Charset::Utf8,
        ..stranger()
    };
    assert_eq!(sender(utf8, &policy()), Err(Refusal::Utf8NotAsked));
    let asked = SenderEvidence {
        written_in: Charset::Utf8,
        asked: Charset::Utf8,
        ..stranger()
    };
    assert_eq!(sender(asked, &policy()), Ok(()));
}

fn recipient(local: &str) -> RecipientEvidence<'_> {
    RecipientEvidence {
        local: Some(local),
        written_in: Charset::Ascii,
        asked: Charset::Ascii,
        recipients: 0,
        right: Right::Deliver,
    }
}

#[test]
fn no_form_of_relaying_reaches_the_directory() {
    for local in [
        "user%other.test",
        "other.test!user",
        "user@other.test",
        "a%b%c",
        "!x",
    ] {
        let refused = recipient_form(recipient(local), &policy());
        assert_eq!(refused, Err(Refusal::RelayForm), "{local}");
    }
    assert_eq!(recipient_form(recipient("user+detail"), &policy()), Ok(()));
}

#[test]
fn the_limits_are_not_below_the_minimum() {
    // [rfc5321 4.5.3.1.7 #1] [rfc5321 4.5.3.1.8 #1]
    // [rfc5321 4.5.3.1.7] [rfc5321 4.5.3.1.8] [rfc5321 6.3] [rfc5321 4.5.3.1 #1]
    const {
        assert!(crate::limits::MESSAGE_BYTES >= 64 * 1024);
        assert!(crate::limits::RECIPIENTS >= 100);
        assert!(crate::limits::HOPS >= 100);
    }
}

#[test]
fn recipients_past_the_limit_are_refused() {
    // [rfc5321 4.5.3.1.10]
    let full = RecipientEvidence {
        recipients: 100,
        ..recipient("bob")
    };
    assert_eq!(
        recipient_form(full, &policy()),
        Err(Refusal::TooManyRecipients)
    );
}

fn answered(
    answer: Resolved,
    to: &str,
    right: Right,
    (queue, elsewhere): (QueueRoom, Elsewhere),
) -> Result<Leads, Refusal> {
    let evidence = ResolvedEvidence {
        to: &ForwardPath::Address(address(to)),
        right,
        relay: match to.ends_with("@customer.example") {
            true => Relay::ForCustomer,
            false => Relay::Denied,
        },
        deliveries_so_far: 0,
        queue,
    };
    let policy = Policy {
        elsewhere,
        ..policy()
    };
    resolved(answer, evidence, &policy)
}

const OPEN: (QueueRoom, Elsewhere) = (QueueRoom::Enough, Elsewhere::Taken);

#[test]
fn mail_for_a_customer_is_taken_from_everybody_while_there_is_room() {
    // [rfc5321 3.6.2]
    let taken = |to, open| answered(Resolved::NotOurs, to, Right::Deliver, open);
    let his = "ann@customer.example";
    assert!(taken(his, OPEN).is_ok());
    for (to, open, refusal) in [
        ("bob@b.example", OPEN, Refusal::RelayDenied),
        (
            his,
            (QueueRoom::CustomerFull, Elsewhere::Taken),
            Refusal::CustomerFull,
        ),
        (his, (QueueRoom::Full, Elsewhere::Taken), Refusal::QueueFull),
        (
            his,
            (QueueRoom::Enough, Elsewhere::Refused),
            Refusal::NoRoad,
        ),
    ] {
        assert_eq!(taken(to, open).err(), Some(refusal), "{to}");
    }
}

#[test]
fn only_a_login_at_submission_sends_elsewhere() {
    // [rfc5321 3.6.2] [rfc6409 3.1]
    assert_eq!(right(Role::Submission, Proof::LoggedIn), Right::Submit);
    assert_eq!(right(Role::Local, Proof::OfThisMachine), Right::Submit);
    for (role, proof) in [
        (Role::Exchange, Proof::Stranger),
        (Role::Exchange, Proof::LoggedIn),
        (Role::Lmtp, Proof::Stranger),
        (Role::Local, Proof::Stranger),
        (Role::Local, Proof::OfNeighbour),
        (Role::Submission, Proof::Stranger),
    ] {
        assert_eq!(right(role, proof), Right::Deliver, "{role:?} {proof:?}");
    }
    let far = "bob@b.example";
    let leads = answered(Resolved::NotOurs, far, Right::Submit, OPEN).unwrap();
    let step = Step {
        to: ForwardPath::Address(address(far)),
        by: By::Itself,
    };
    assert_eq!(leads.onward, [step]);
    assert_eq!(leads.here.len(), 0);
    let refused = answered(Resolved::NotOurs, far, Right::Deliver, OPEN);
    assert_eq!(refused.err(), Some(Refusal::RelayDenied));
}

#[test]
fn whoever_writes_to_an_alias_may_be_sent_on() {
    // [rfc5321 3.9.1] [rfc5321 3.9.2]
    let forward = |owner: Option<&str>| mail::Forward {
        to: address("x@far.example"),
        owner: owner.map(address),
        company: mail::Company::Alone,
    };
    let answer = || Resolved::Onward {
        here: Vec::new(),
        onward: vec![forward(None), forward(Some("o@example.test"))],
    };
    let to = "fwd@example.test";
    let leads = answered(answer(), to, Right::Deliver, OPEN).unwrap();
    let by: Vec<_> = leads.onward.into_iter().map(|step| step.by).collect();
    let expect = [
        By::Alias(mail::Company::Alone),
        By::List(address("o@example.test")),
    ];
    assert_eq!(by, expect);
    let nowhere = (QueueRoom::Enough, Elsewhere::Refused);
    let refused = answered(answer(), to, Right::Deliver, nowhere);
    assert_eq!(refused.err(), Some(Refusal::NoRoad));
    let full = (QueueRoom::Full, Elsewhere::Taken);
    let refused = answered(answer(), to, Right::Deliver, full);
    assert_eq!(refused.err(), Some(Refusal::QueueFull));
}

#[test]
fn a_return_address_takes_bounces_only() {
    let back = Ok(address("carol@far.example"));
    let to = address("carol@far.example");
    assert_eq!(returned(&ReversePath::Null, back.clone()), Ok(to));
    let sender = ReversePath::Address(address("eve@far.example"));
    let refused = Err(Refusal::NoReturn);
    assert_eq!(returned(&sender, back), refused);
    for why in [srs::NotOurs::Forged, srs::NotOurs::TooOld] {
        assert_eq!(returned(&ReversePath::Null, Err(why)), refused);
    }
}

#[test]
fn mail_for_elsewhere_is_refused_where_it_cannot_travel_on() {
    let refusal = |how| answered(Resolved::NotOurs, "bob@b.example", Right::Submit, how).err();
    let nowhere = (QueueRoom::Enough, Elsewhere::Refused);
    assert_eq!(refusal(nowhere), Some(Refusal::NoRoad));
    let full = (QueueRoom::Full, Elsewhere::Taken);
    assert_eq!(refusal(full), Some(Refusal::QueueFull));
    assert!(Refusal::QueueFull.is_temporary());
}

#[test]
fn what_another_domain_calls_its_mailboxes_is_its_own_matter() {
    // [rfc5321 2.3.11]
    let odd = "\"bob@c.example\"@b.example";
    let asked = RecipientEvidence {
        right: Right::Submit,
        ..recipient("bob@c.example")
    };
    assert_eq!(recipient_form(asked, &policy()), Ok(()));
    assert!(answered(Resolved::NotOurs, odd, Right::Submit, OPEN).is_ok());
    let ours = answered(Resolved::Local(Vec::new()), odd, Right::Submit, OPEN);
    assert_eq!(ours.err(), Some(Refusal::RelayForm));
}

#[test]
fn whom_the_directory_does_not_know_gets_nothing() {
    for (answer, expect) in [
        (Resolved::UnknownUser, Refusal::UnknownUser),
        (Resolved::Closed, Refusal::MailboxClosed),
        (Resolved::OverQuota, Refusal::MailboxFull),
        (Resolved::TooManyTargets, Refusal::AliasTooWide),
    ] {
        let refused = answered(answer, "bob@example.test", Right::Deliver, OPEN);
        assert_eq!(refused.err(), Some(expect));
    }
}

fn judged(
    facts: &Facts,
    fields: Option<(FieldEvidence, FieldEvidence)>,
) -> Result<Additions, Refusal> {
    message(
        MessageEvidence {
            problem: None,
            facts,
            fields,
            manners: Manners::Refuse,
        },
        &policy(),
    )
}

#[test]
fn content_with_bare_newlines_or_nul_is_refused() {
    // [rfc5321 2.3.8]
    let facts = Facts::default();
    let with = |problem| {
        message(
            MessageEvidence {
                problem: Some(problem),
                facts: &facts,
                fields: None,
                manners: Manners::Refuse,
            },
            &policy(),
        )
    };
    assert_eq!(with(DataProblem::BareCr), Err(Refusal::BareNewline));
    assert_eq!(with(DataProblem::BareLf), Err(Refusal::BareNewline));
    assert_eq!(with(DataProblem::Nul), Err(Refusal::Nul));
    assert_eq!(with(DataProblem::LineTooLong), Err(Refusal::LineTooLong));
    assert_eq!(
        with(DataProblem::TooLarge),
        Err(Refusal::TooLarge { max_bytes: 1_000 })
    );
}

#[test]
fn a_message_that_goes_in_circles_is_refused() {
    // [rfc5321 6.3] [rfc5321 6.3 #1]
    let hops = |hops, own_hops| Facts {
        hops,
        own_hops,
        ..Facts::default()
    };
    assert!(judged(&hops(99, 9), None).is_ok());
    assert_eq!(judged(&hops(100, 0), None), Err(Refusal::Loop));
    assert_eq!(judged(&hops(10, 10), None), Err(Refusal::Loop));
}

#[test]
fn strangers_messages_get_nothing_added() {
    assert_eq!(judged(&Facts::default(), None), Ok(Additions::default()));
}

#[test]
fn a_submission_gets_what_is_missing() {
    // [rfc6409 8.2] [rfc6409 8.3]
    let fields = Some((FieldEvidence::Missing, FieldEvidence::Missing));
    let additions = judged(&Facts::default(), fields).unwrap();
    assert_eq!(
        (additions.from, additions.date, additions.message_id),
        (Add::Yes, Add::Yes, Add::Yes)
    );
    assert_eq!((additions.sender, additions.empty_line), (Add::No, Add::No));
    let two = Some((FieldEvidence::Theirs(2), FieldEvidence::Missing));
    assert_eq!(judged(&Facts::default(), two).unwrap().sender, Add::Yes);
}

#[test]
fn a_submission_with_a_foreign_from_is_refused() {
    let bob = address("bob@example.test");
    let foreign = Some((
        FieldEvidence::NotTheirs(bob.clone()),
        FieldEvidence::Missing,
    ));
    assert_eq!(
        judged(&Facts::default(), foreign),
        Err(Refusal::FromNotYours(bob.clone()))
    );
    let sender = Some((
        FieldEvidence::Theirs(1),
        FieldEvidence::NotTheirs(bob.clone()),
    ));
    assert_eq!(
        judged(&Facts::default(), sender),
        Err(Refusal::SenderFieldNotYours(bob))
    );
    let broken = Some((FieldEvidence::Unreadable, FieldEvidence::Missing));
    assert_eq!(
        judged(&Facts::default(), broken),
        Err(Refusal::FieldUnreadable("From"))
    );
}

#[test]
fn reads_from_fields_with_suspicion() {
    let alice = address("alice@example.test");
    let check = |raw: &str, expected: FieldEvidence| {
        let values = [Value::Whole(raw.as_bytes().to_vec())];
        assert_eq!(field(&values, |a| *a == alice), expected, "{raw}");
    };
    check(" alice@example.test", FieldEvidence::Theirs(1));
    check(
        " \"Bob <bob@example.test>\" <alice@example.test>",
        FieldEvidence::Theirs(1),
    );
    check(
        " Alice <alice@example.test>, alice@example.test",
        FieldEvidence::Theirs(2),
    );
    let evil = FieldEvidence::NotTheirs(address("evil@example.org"));
    check(" alice@example.test, evil@example.org", evil.clone());
    check(
        " <alice@example.test> <evil@example.org>",
        FieldEvidence::Unreadable,
    );
    check(
        " alice@example.test <evil@example.org>",
        FieldEvidence::Unreadable,
    );
    check(" undisclosed: evil@example.org;", evil);
    check(" nobody:;", FieldEvidence::Unreadable);
    check(" ", FieldEvidence::Unreadable);
    let two = [
        Value::Whole(b"alice@example.test".to_vec()),
        Value::Whole(b"x".to_vec()),
    ];
    assert_eq!(field(&two, |a| *a == alice), FieldEvidence::Unreadable);
    assert_eq!(field(&[Value::Cut], |_| true), FieldEvidence::Unreadable);
    assert_eq!(field(&[], |_| true), FieldEvidence::Missing);
}
