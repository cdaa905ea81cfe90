//! A failure in every phase: what follows is what the RFC asks, and the mail is there in the end or
//! its sender knows.

use roads::{Answer, Letter, Script, Scripted, Stage, Whimbrel, World, say};

/// A Whimbrel `alpha`, and a server `odd` that does as it is told. They end in this order.
struct Case {
    odd: Scripted,
    alpha: Whimbrel,
    _world: World,
}

fn case(script: Script) -> Option<Case> {
    case_with(script, Shows::Nothing)
}

enum Shows {
    Nothing,
    Certificate,
}

fn case_with(script: Script, shows: Shows) -> Option<Case> {
    let world = World::begin()?;
    let (at_alpha, at_odd) = (world.mail_host("alpha"), world.mail_host("odd"));
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, None, "");
    let script = match shows {
        Shows::Certificate => script.showing(&world.authority.self_signed(&["mx.odd.example"])),
        Shows::Nothing => script,
    };
    let odd = Scripted::start(&at_odd, script);
    Some(Case {
        odd,
        alpha,
        _world: world,
    })
}

fn letter() -> Letter {
    Letter::new(
        "ann@alpha.example",
        &["ben@odd.example"],
        "First line\r\n.a dot\r\nLast line",
    )
}

/// What fails for now in each phase is tried again, and arrives.
#[test]
fn what_fails_for_now_is_tried_again_until_it_arrives() {
    let last = |words: &str| Answer::Last(words.to_owned());
    let script = Script::failing(vec![
        (Stage::Greeting, last("421 4.3.2 not now")),
        (Stage::Greeting, Answer::Cut),
        (Stage::Ehlo, Answer::Cut),
        (Stage::Mail, say("451 4.3.0 not now")),
        (Stage::Rcpt, say("450 4.2.1 not now")),
        (Stage::Data, say("451 4.3.0 not now")),
        (Stage::Content, Answer::Cut),
        (Stage::Dot, say("451 4.3.0 not now")),
        (Stage::Dot, last("421 4.3.2 not now")),
    ]);
    let Some(case) = case(script) else { return };
    let letter = letter();
    let id = case.alpha.send("ann", &letter);
    case.alpha.waits_until_empty();
    let received = case.odd.received();
    let last = received.last().expect("because nothing waits any more");
    assert!(letter.is_in(&last.content), "{received:?}");
    assert!(
        last.content
            .ends_with(b"First line\r\n.a dot\r\nLast line\r\n"),
        "{received:?}"
    );
    // Twice it came whole and was put off; then it was taken, once.
    assert_eq!(received.len(), 3, "{received:?}");
    assert_eq!(
        case.alpha.messages("ann").len(),
        0,
        "no report of what arrived"
    );
    let why = case.alpha.why(&id);
    for words in ["421", "451", "450"] {
        assert!(why.contains(words), "{words}: {why}");
    }
}

/// Nobody knows whether it was taken: it is sent again, which is better than lost. [rfc5321 4.5.3.2.6]
#[test]
fn a_connection_lost_after_the_final_dot_brings_a_second_copy_and_no_report() {
    let script = Script::failing(vec![(Stage::Dot, Answer::Cut)]);
    let Some(case) = case(script) else { return };
    let letter = letter();
    let id = case.alpha.send("ann", &letter);
    case.odd.wait_for_messages(1);
    case.alpha.waits_until_empty();
    let received = case.odd.received();
    assert_eq!(received.len(), 2, "{received:?}");
    let why = case.alpha.why(&id);
    let tried = why.matches("mx.odd.example").count();
    assert!(tried >= 2 && why.contains("250"), "{why}");
    assert!(
        received
            .iter()
            .all(|received| letter.is_in(&received.content)),
        "{received:?}"
    );
    assert_eq!(case.alpha.messages("ann").len(), 0);
}

/// Each refusal for good ends in one report with what was said; nothing is tried a second time.
/// [rfc5321 4.2.1] [rfc3464 2.3.6]
#[test]
fn what_is_refused_for_good_comes_back_with_the_words_of_the_server() {
    for (stage, answer, status) in [
        (
            Stage::Greeting,
            Answer::Last("554 5.3.2 no mail here".to_owned()),
            "5.3.2",
        ),
        (Stage::Mail, say("550 5.7.1 no mail of yours"), "5.7.1"),
        (Stage::Rcpt, say("550 5.1.1 no such person"), "5.1.1"),
        (Stage::Data, say("554 5.5.0 not like that"), "5.5.0"),
        (Stage::Dot, say("554 5.6.0 nobody reads that"), "5.6.0"),
    ] {
        let words = match &answer {
            Answer::Say(words) | Answer::Last(words) => words.clone(),
            _ => unreachable!(),
        };
        let script = Script::new(move |step| match step.stage == stage {
            true => answer.clone(),
            false => Answer::Go,
        });
        let Some(case) = case(script) else { return };
        let letter = letter();
        let id = case.alpha.send("ann", &letter);
        let report = case
            .alpha
            .wait_for_words("ann", &["Action: failed", &letter.subject]);
        let said = words
            .split_once(' ')
            .map_or("", |(_, said)| said)
            .split_once(' ')
            .map_or("", |(_, said)| said);
        assert!(report.contains(said), "{stage:?}: {report}");
        let why = case.alpha.why(&id);
        assert!(why.contains(said), "{stage:?}: {why}");
        assert!(
            report.contains(&format!("Status: {status}")),
            "{stage:?}: {report}"
        );
        assert!(report.contains("mx.odd.example"), "{stage:?}: {report}");
        case.alpha.waits_until_empty();
        assert_eq!(
            case.alpha.count_words("ann", "Action: failed"),
            1,
            "{stage:?}"
        );
    }
}

/// One of two is refused: the other has the mail, and the report names one. [rfc5321 3.3]
#[test]
fn one_refused_recipient_does_not_keep_the_other_from_the_mail() {
    let script = Script::new(|step| match (step.stage, step.line.contains("nobody")) {
        (Stage::Rcpt, true) => say("550 5.1.1 no such person"),
        _ => Answer::Go,
    });
    let Some(case) = case(script) else { return };
    let to = ["ben@odd.example", "nobody@odd.example"];
    let letter = Letter::new("ann@alpha.example", &to, "To two");
    let id = case.alpha.send("ann", &letter);
    let received = case.odd.wait_for_messages(1);
    assert_eq!(received[0].rcpts.len(), 1, "{received:?}");
    let report = case
        .alpha
        .wait_for_words("ann", &["Action: failed", "nobody@odd.example"]);
    assert!(
        !report.contains("Final-Recipient: rfc822; ben@odd.example"),
        "{report}"
    );
    case.alpha.waits_until_empty();
    assert_eq!(case.odd.received().len(), 1);
    let why = case.alpha.why(&id);
    for words in ["no such person", "250"] {
        assert!(why.contains(words), "{words}: {why}");
    }
}

/// Servers that break the protocol: nothing of it is taken for an acceptance, and nothing hangs.
#[test]
fn nothing_that_a_lying_server_says_counts_as_delivered() {
    let script = Script::failing(vec![
        // No SMTP at all.
        (Stage::Greeting, say("SSH-2.0-OpenSSH_9.2")),
        // All answers at once, before anything was asked.
        (
            Stage::Greeting,
            say("220 odd\r\n250 odd\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n221 bye"),
        ),
        // The same in the middle: MAIL is answered for everything that may follow.
        (Stage::Mail, say("250 ok\r\n250 ok\r\n354 go\r\n250 taken")),
        // Words that are no reply, and lines that are none.
        (Stage::Mail, say("certainly, with pleasure")),
        (Stage::Rcpt, say("\u{0}\u{1}\u{2}\r\n\r\n\r\n25")),
        // A code that there is not.
        (Stage::Mail, say("999 whatever")),
        // Content is not asked for, but taken at its word.
        (Stage::Data, say("250 2.0.0 taken already")),
        // A reply without end.
        (Stage::Ehlo, say(&"250-more\r\n".repeat(100_000))),
        // A line without end.
        (Stage::Rcpt, say(&format!("250 {}", "x".repeat(1_000_000)))),
        // Go on, says a server that should say whether it took it.
        (Stage::Dot, say("354 go on")),
    ]);
    let Some(case) = case(script) else { return };
    let letter = letter();
    let id = case.alpha.send("ann", &letter);
    case.alpha.waits_until_empty();
    let received = case.odd.received();
    let last = received.last().expect("because nothing waits any more");
    assert_eq!(received.len(), 2, "{received:?}");
    let why = case.alpha.why(&id);
    let tried = why.matches("mx.odd.example").count();
    assert!(tried >= 2 && why.contains("250"), "{why}");
    assert!(letter.is_in(&last.content), "{received:?}");
    assert_eq!(
        case.alpha.messages("ann").len(),
        0,
        "no report of what arrived"
    );
}

/// Servers that offer what they then refuse: the message goes without it, or the sender is told.
#[test]
fn what_is_offered_and_then_refused_is_done_without_or_told() {
    let script = Script::new(|step| match step.stage {
        Stage::StartTls => say("502 5.5.1 not really"),
        Stage::Mail if step.line.contains("SIZE=") => say("555 5.5.4 no SIZE here"),
        _ => Answer::Go,
    });
    let Some(case) = case_with(script, Shows::Certificate) else {
        return;
    };
    let letter = letter();
    let id = case.alpha.send("ann", &letter);
    case.alpha.waits_until_empty();
    let why = case.alpha.why(&id);
    let is_told = case.alpha.count_words("ann", "Action: failed");
    let copies = case.odd.received().len();
    assert_eq!(copies + is_told, 1, "{why}");
}

/// What was accepted is still there after a power failure, and is sent once.
#[test]
fn a_killed_server_goes_on_with_what_waits() {
    let script = Script::new(|step| match (step.stage, step.visit) {
        (Stage::Rcpt, 1) => say("450 4.2.1 not now"),
        _ => Answer::Go,
    });
    let Some(mut case) = case(script) else { return };
    let letter = letter();
    let id = case.alpha.send("ann", &letter);
    case.odd.wait_for_visits(1);
    case.alpha.crash_and_restart();
    case.alpha.waits_until_empty();
    let received = case.odd.received();
    assert_eq!(received.len(), 1, "{received:?}");
    assert!(letter.is_in(&received[0].content), "{received:?}");
    let why = case.alpha.why(&id);
    assert!(why.contains("250"), "{why}");
}
