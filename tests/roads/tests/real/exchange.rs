//! Mail both ways between Whimbrels, Postfix and Exim, as the DNS leads them.

use roads::{Letter, Script, Scripted, Whimbrel, World, exim, postfix};

/// One message to three servers: each gets it over TLS, and each one's answer finds the way back.
#[test]
fn two_whimbrels_and_both_peers_write_to_each_other_by_tls() {
    let Some(world) = World::begin() else { return };
    let [at_alpha, at_beta, at_postfix, at_exim] =
        ["alpha", "beta", "postfix", "exim"].map(|name| world.mail_host(name));
    let names = [
        "mx.alpha.example",
        "mx.beta.example",
        "mx.postfix.example",
        "mx.exim.example",
    ];
    let shown = world.authority.certificate(&names);
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, Some(&shown), "");
    let beta = Whimbrel::start(&world, &at_beta, Some(&shown), "");
    let postfix = postfix::start(&world, &at_postfix, Some(&shown), "");
    let exim = exim::start(&world, &at_exim, Some(&shown));

    let to = [
        "ben@beta.example",
        "ben@postfix.example",
        "ben@exim.example",
        "ben@alpha.example",
    ];
    let letter = Letter::new("ann@alpha.example", &to, "To everybody");
    let id = alpha.send("ann", &letter);
    alpha.wait_for("ben", &letter);
    let received = [
        ("with ESMTPS", beta.wait_for("ben", &letter)),
        ("TLSv1.3", postfix.mailbox("ben").wait_for(&letter)),
        ("TLS1.3", exim.mailbox("ben").wait_for(&letter)),
    ];
    for (words, message) in &received {
        let text = String::from_utf8_lossy(message);
        assert!(
            text.contains("mx.alpha.example") && text.contains(words),
            "{text}"
        );
        assert!(
            text.contains("Return-Path: <ann@alpha.example>")
                || text.contains("Return-path: <ann@alpha.example>"),
            "{text}"
        );
    }
    alpha.waits_until_empty();
    let why = alpha.why(&id);
    for host in ["mx.beta.example", "mx.postfix.example", "mx.exim.example"] {
        assert!(why.contains(host), "{why}");
    }

    let from_beta = Letter::new("ben@beta.example", &["ann@alpha.example"], "From Whimbrel");
    beta.send("ben", &from_beta);
    let from_postfix = Letter::new(
        "ben@postfix.example",
        &["ann@alpha.example"],
        "From Postfix",
    );
    postfix.send(&from_postfix);
    let from_exim = Letter::new("ben@exim.example", &["ann@alpha.example"], "From Exim");
    exim.send(&from_exim);
    for letter in [&from_beta, &from_postfix, &from_exim] {
        let message = alpha.wait_for("ann", letter);
        let text = String::from_utf8_lossy(&message);
        assert!(text.contains("with ESMTPS"), "{text}");
    }
}

/// TLS is used where it is offered; without an offer the mail goes all the same. [rfc3207 4]
#[test]
fn servers_without_tls_get_their_mail_as_well() {
    let Some(world) = World::begin() else { return };
    let [at_alpha, at_postfix, at_exim] =
        ["alpha", "postfix", "exim"].map(|name| world.mail_host(name));
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, None, "");
    let postfix = postfix::start(&world, &at_postfix, None, "smtp_tls_security_level = none");
    let exim = exim::start(&world, &at_exim, None);
    let to = ["ann@postfix.example", "ann@exim.example"];
    let letter = Letter::new("ben@alpha.example", &to, "In the clear");
    alpha.send("ben", &letter);
    let message = postfix.mailbox("ann").wait_for(&letter);
    let text = String::from_utf8_lossy(&message);
    assert!(text.contains("with ESMTP id"), "{text}");
    exim.mailbox("ann").wait_for(&letter);
    let back = Letter::new(
        "ann@postfix.example",
        &["ben@alpha.example"],
        "In the clear too",
    );
    postfix.send(&back);
    let message = alpha.wait_for("ben", &back);
    let text = String::from_utf8_lossy(&message);
    assert!(text.contains("with ESMTP id"), "{text}");
}

/// What three servers refuse comes back to the sender in one mailbox, each with what was said.
#[test]
fn an_unknown_recipient_comes_back_as_a_report() {
    let Some(world) = World::begin() else { return };
    let [at_alpha, at_beta, at_postfix, at_exim] =
        ["alpha", "beta", "postfix", "exim"].map(|name| world.mail_host(name));
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, None, "");
    let beta = Whimbrel::start(&world, &at_beta, None, "");
    let postfix = postfix::start(&world, &at_postfix, None, "");
    let _exim = exim::start(&world, &at_exim, None);
    for domain in ["beta.example", "postfix.example", "exim.example"] {
        let nobody = format!("nobody@{domain}");
        let letter = Letter::new("ann@alpha.example", &[&nobody], "To nobody");
        let id = alpha.send("ann", &letter);
        let words = [
            "Action: failed",
            nobody.as_str(),
            &letter.subject,
            "multipart/report",
        ];
        let report = alpha.wait_for_words("ann", &words);
        assert!(report.contains("Status: 5."), "{report}");
        assert!(report.contains(&format!("mx.{domain}")), "{report}");
        assert!(report.contains("Diagnostic-Code: smtp; 550"), "{report}");
        let why = alpha.why(&id);
        assert!(why.contains("550"), "{why}");
    }
    // A report that cannot be delivered ends there, and nobody writes back to it. [rfc5321 4.5.5]
    let letter = Letter::new(
        "nobody@postfix.example",
        &["nobody@beta.example"],
        "From nobody",
    );
    postfix.send(&letter);
    alpha.waits_until_empty();
    beta.waits_until_empty();
    assert_eq!(beta.messages("ann").len() + beta.messages("ben").len(), 0);
}

#[test]
fn the_next_host_gets_what_the_first_cannot_take() {
    let Some(world) = World::begin() else { return };
    let at_alpha = world.mail_host("alpha");
    let [nobody, tired, good] = ["nobody", "tired", "good"].map(|name| world.host(name));
    world.record("many.example. MX 10 nobody.example.");
    world.record("many.example. MX 20 tired.example.");
    world.record("many.example. MX 30 good.example.");
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, None, "");
    // Nothing listens at the first.
    assert_ne!(nobody.v4, tired.v4);
    let tired = Scripted::start(
        &tired,
        Script::new(|step| match step.stage {
            roads::Stage::Greeting => roads::Answer::Last("421 4.3.2 tired".to_owned()),
            _ => roads::Answer::Go,
        }),
    );
    let good = Scripted::start(&good, Script::new(|_| roads::Answer::Go));
    let letter = Letter::new("ann@alpha.example", &["ben@many.example"], "To any of them");
    let id = alpha.send("ann", &letter);
    let received = good.wait_for_messages(1);
    assert!(letter.is_in(&received[0].content), "{received:?}");
    assert!(tired.visits() >= 1);
    alpha.waits_until_empty();
    let why = alpha.why(&id);
    for words in ["nobody.example", "tired.example", "421", "good.example"] {
        assert!(why.contains(words), "{words}: {why}");
    }
}
