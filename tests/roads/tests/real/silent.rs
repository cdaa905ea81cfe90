//! Servers that fall silent: in each phase somebody is given up in time, and the mail arrives or goes
//! on waiting.

use roads::{Answer, Letter, Script, Scripted, Stage, Whimbrel, World};
use std::time::{Duration, Instant};

/// The RFC's minutes are for the internet.
const ONE_SECOND: &str = "[road]\nconnect_time = \"1 s\"\ngreeting_time = \"1 s\"\nreply_time = \"1 s\"\n\
                          data_time = \"1 s\"\ncontent_time = \"1 s\"\nend_time = \"1 s\"\n";

/// Each phase, the letters that the host's name ends with, and what was waited for.
const PHASES: [(Stage, &str, &str); 7] = [
    (
        Stage::Greeting,
        "greeting",
        "no answer in time to the connection",
    ),
    (Stage::Ehlo, "ehlo", "no answer in time to EHLO"),
    (Stage::StartTls, "tls", "no answer in time to STARTTLS"),
    (Stage::Mail, "mail", "no answer in time to MAIL"),
    (Stage::Rcpt, "rcpt", "no answer in time to RCPT"),
    (Stage::Data, "data", "no answer in time to DATA"),
    (
        Stage::Dot,
        "dot",
        "no answer in time to the end of the content",
    ),
];

/// One message to seven domains, whose servers are silent once, each in another phase.
/// [rfc5321 4.5.3.2] [rfc5321 4.5.3.2.6]
#[test]
fn who_is_silent_in_any_phase_is_given_up_in_time_and_visited_again() {
    let Some(world) = World::begin() else { return };
    let at_alpha = world.mail_host("alpha");
    let hosts = PHASES.map(|(_, name, _)| world.mail_host(name));
    // packets to the first of its hosts are dropped without a word
    let far = world.mail_host("far");
    world.record("far.example. MX 5 mx.void.example.");
    world.record(&format!("mx.void.example. A {}", roads::namespaces::SILENT));
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, None, ONE_SECOND);
    let servers: Vec<Scripted> = hosts
        .iter()
        .zip(PHASES)
        .map(|(host, (phase, name, _))| {
            let script = Script::new(move |step| match step.visit == 1 && step.stage == phase {
                true => Answer::Silence,
                false => Answer::Go,
            });
            let shown = world
                .authority
                .self_signed(&[&format!("mx.{name}.example")]);
            Scripted::start(host, script.showing(&shown))
        })
        .collect();
    let far = Scripted::start(&far, Script::new(|_| Answer::Go));
    let mut to: Vec<String> = PHASES
        .map(|(_, name, _)| format!("ben@{name}.example"))
        .into();
    to.push("ben@far.example".to_owned());
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let letter = Letter::new("ann@alpha.example", &to, "Is anybody there?");
    let began = Instant::now();
    let id = alpha.send("ann", &letter);
    alpha.waits_until_empty();
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(1), "{took:?}");
    let why = alpha.why(&id);
    for ((phase, name, words), server) in PHASES.iter().zip(&servers) {
        assert!(why.contains(words), "{words}: {why}");
        // of what came whole nobody knows whether it was taken
        let copies = if *phase == Stage::Dot { 2 } else { 1 };
        let received = server.received();
        assert_eq!(received.len(), copies, "{name}: {received:?}");
        assert!(
            received
                .iter()
                .all(|received| letter.is_in(&received.content))
        );
    }
    assert_eq!(far.received().len(), 1);
    assert!(why.contains("mx.void.example"), "{why}");
    assert_eq!(alpha.messages("ann").len(), 0, "no report of what arrived");
}
