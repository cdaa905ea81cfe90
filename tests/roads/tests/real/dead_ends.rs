//! Domains that lead nowhere: whoever writes to them learns it at once, and why.

use roads::{Letter, Script, Scripted, Whimbrel, World};

#[test]
fn a_domain_that_takes_no_mail_or_is_not_there_ends_at_once() {
    let Some(world) = World::begin() else { return };
    let at_alpha = world.mail_host("alpha");
    world.record("null.example. MX 0 .");
    world.record("null.example. A 10.77.0.99");
    world.record("us.example. MX 10 mx.alpha.example.");
    world.record("hollow.example. TXT \"no address and no MX\"");
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, None, "");
    // [rfc7505 4.2] [rfc5321 5.1] [rfc3463 3.2]
    for (domain, status, words) in [
        ("null.example", "Status: 5.1.10", "takes no mail (null MX)"),
        ("nowhere.example", "Status: 5.1.2", "does not exist"),
        ("us.example", "Status: 5.4.6", "comes to this server"),
    ] {
        let to = format!("ben@{domain}");
        let letter = Letter::new("ann@alpha.example", &[&to], "To a dead end");
        let id = alpha.send("ann", &letter);
        let told = ["Action: failed", to.as_str(), letter.subject.as_str()];
        let report = alpha.wait_for_words("ann", &told);
        assert!(report.contains(status), "{status}: {report}");
        let why = alpha.why(&id);
        assert!(why.contains(words), "{words}: {why}");
    }
    alpha.waits_until_empty();
}

/// An answer that DNSSEC shows to be forged is no answer: the mail waits until there is one.
#[test]
fn mail_to_a_bogus_domain_waits() {
    let Some(world) = World::begin() else { return };
    let (at_alpha, at_odd) = (world.mail_host("alpha"), world.mail_host("odd"));
    world.record("broken.bogus.example. MX 10 mx.odd.example.");
    world.record("plain.insecure.example. MX 10 mx.odd.example.");
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, None, "");
    let odd = Scripted::start(&at_odd, Script::new(|_| roads::Answer::Go));
    let forged = Letter::new(
        "ann@alpha.example",
        &["ben@broken.bogus.example"],
        "To a forger",
    );
    let id = alpha.send("ann", &forged);
    let plain = Letter::new(
        "ann@alpha.example",
        &["ben@plain.insecure.example"],
        "To an unsigned domain",
    );
    alpha.send("ann", &plain);
    let received = odd.wait_for_messages(1);
    assert!(plain.is_in(&received[0].content), "{received:?}");
    alpha.waits_for_attempt(&id);
    let queue = roads::until("what was taken is noted as sent", || {
        let queue = alpha.queue();
        (!queue.contains("plain.insecure.example")).then_some(queue)
    });
    assert!(queue.contains("broken.bogus.example"), "{queue}");
    let why = alpha.why(&id);
    assert!(why.contains("looking for the domain's hosts"), "{why}");
    assert_eq!(odd.received().len(), 1);
}

/// The address itself is the way. [rfc5321 2.3.5] [rfc5321 5.1]
#[test]
fn address_literals_and_domains_without_mx_are_reached() {
    let Some(world) = World::begin() else { return };
    let (at_alpha, at_plain) = (world.mail_host("alpha"), world.host("plain"));
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, None, "");
    let plain = Scripted::start(&at_plain, Script::new(|_| roads::Answer::Go));
    let literals = [
        format!("ben@[{}]", at_plain.v4),
        format!("ben@[IPv6:{}]", at_plain.v6),
    ];
    for to in [
        "ben@plain.example",
        literals[0].as_str(),
        literals[1].as_str(),
    ] {
        let letter = Letter::new("ann@alpha.example", &[to], "By its address");
        alpha.send("ann", &letter);
        roads::until(&format!("a message to {to}"), || {
            plain
                .received()
                .iter()
                .any(|received| letter.is_in(&received.content))
                .then_some(())
        });
    }
}
