//! The test's own servers are such that others can speak with them: else what Whimbrel does with
//! them would say nothing.

use roads::{Answer, Letter, PolicyHost, Script, Scripted, Stage, World, exim, postfix, say};
use std::process::Command;

/// Cut in mid-content, put off after the dot, cut after the dot: Postfix comes again each time.
#[test]
fn postfix_comes_again_after_every_failure() {
    let Some(world) = World::begin() else { return };
    let (at_postfix, at_odd) = (world.mail_host("postfix"), world.mail_host("odd"));
    world.start_dns();
    let script = Script::new(|step| match (step.stage, step.visit) {
        (Stage::Greeting, 1) => Answer::Last("421 4.3.2 not now".to_owned()),
        (Stage::Rcpt, 2) => say("450 4.2.1 not now"),
        (Stage::Content, 3) => Answer::Cut,
        (Stage::Dot, 4) => say("451 4.3.0 not now"),
        (Stage::Dot, 5) => Answer::Cut,
        _ => Answer::Go,
    });
    let shown = world.authority.self_signed(&["mx.odd.example"]);
    let odd = Scripted::start(&at_odd, script.showing(&shown));
    // Each attempt meets one failure.
    let postfix = postfix::start(
        &world,
        &at_postfix,
        None,
        "smtp_mx_session_limit = 1\nsmtp_mx_address_limit = 1",
    );
    let letter = Letter::new(
        "ann@postfix.example",
        &["ben@odd.example"],
        "Come again\r\n.and a dot",
    );
    postfix.send(&letter);
    // The fourth and the fifth came whole as well, and were not taken.
    let received = odd.wait_for_messages(3);
    let last = received.last().expect("because three came");
    assert_eq!(last.visit, 6, "{received:?}");
    assert!(letter.is_in(&last.content), "{received:?}");
    assert!(
        last.content.ends_with(b"Come again\r\n.and a dot\r\n"),
        "{received:?}"
    );
}

#[test]
fn exim_reports_what_is_refused_for_good() {
    let Some(world) = World::begin() else { return };
    let (at_exim, at_odd) = (world.mail_host("exim"), world.mail_host("odd"));
    world.start_dns();
    let script = Script::new(|step| match step.stage {
        Stage::Dot => say("554 5.6.0 nobody reads that"),
        _ => Answer::Go,
    });
    let odd = Scripted::start(&at_odd, script.offering(&["CHUNKING", "PIPELINING"]));
    let exim = exim::start(&world, &at_exim, None);
    let letter = Letter::new("ann@exim.example", &["ben@odd.example"], "By BDAT");
    exim.send(&letter);
    let received = odd.wait_for_messages(1);
    assert!(letter.is_in(&received[0].content), "{received:?}");
    assert!(
        odd.lines().iter().any(|line| line.contains("BDAT")),
        "{:?}",
        odd.lines()
    );
    exim.mailbox("ann")
        .wait_for_words(&["nobody reads that", "ben@odd.example"]);
}

#[test]
fn the_policy_host_hands_out_its_policy_to_who_trusts_the_authority() {
    let Some(world) = World::begin() else { return };
    let host = world.host("policies");
    world.addresses("mta-sts.alpha.example", &host);
    world.start_dns();
    let shown = world.authority.certificate(&["mta-sts.alpha.example"]);
    let policies = PolicyHost::start(&host, &shown, "version: STSv1\nmode: enforce\n");
    let authority = world.folder(&host).join("authority.pem");
    std::fs::write(&authority, world.authority.pem()).expect("because the folder is ours");
    let curl = |trust: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["--silent", "--noproxy", "*", "--resolve"]);
        command.arg(format!("mta-sts.alpha.example:443:{}", host.v4));
        command
            .args(trust)
            .arg("https://mta-sts.alpha.example/.well-known/mta-sts.txt");
        let run = command.output().expect("because curl is installed");
        String::from_utf8_lossy(&run.stdout).into_owned()
    };
    let trusted = curl(&["--cacert", &authority.display().to_string()]);
    assert_eq!(trusted, "version: STSv1\r\nmode: enforce\r\n");
    assert_eq!(
        curl(&[]),
        "",
        "who does not trust the authority gets nothing"
    );
    assert_eq!(policies.asked(), 1);
}
