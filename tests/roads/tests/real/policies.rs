//! What TLS must prove: certificates that nobody asks for, MTA-STS, DANE.

use roads::{Answer, Letter, PolicyHost, Script, Scripted, Shown, Stage, Whimbrel, World, say};

/// Nobody asked for a proof: bad certificates and failed TLS are better than no mail. [rfc7435 3]
#[test]
fn without_a_policy_no_certificate_is_bad_enough_to_lose_mail() {
    let Some(world) = World::begin() else { return };
    let at_alpha = world.mail_host("alpha");
    let hosts = ["selfsigned", "expired", "othername", "notls"].map(|name| world.mail_host(name));
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, None, "");
    let good = || Script::new(|_| Answer::Go);
    let scripts = [
        good().showing(&world.authority.self_signed(&["mx.selfsigned.example"])),
        good().showing(&world.authority.expired(&["mx.expired.example"])),
        good().showing(&world.authority.certificate(&["elsewhere.example"])),
        Script::new(|step| match step.stage {
            Stage::StartTls => say("454 4.7.0 TLS is broken today"),
            _ => Answer::Go,
        })
        .showing(&world.authority.certificate(&["mx.notls.example"])),
    ];
    let to: Vec<String> = hosts
        .iter()
        .map(|host| format!("ben@{}.example", host.name))
        .collect();
    let servers: Vec<Scripted> = hosts
        .iter()
        .zip(scripts)
        .map(|(host, script)| Scripted::start(host, script))
        .collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let letter = Letter::new("ann@alpha.example", &to, "By any means");
    alpha.send("ann", &letter);
    let tls: Vec<bool> = servers
        .iter()
        .map(|server| server.wait_for_messages(1)[0].tls)
        .collect();
    assert_eq!(tls, [true, true, true, false]);
    alpha.waits_until_empty();
}

/// A key that the domain's signed DNS names is proof enough; any other key is an attacker, and
/// neither that nor a missing STARTTLS leads back to mail in the clear. [rfc7672 2.2] [rfc7672 3.1.1]
#[test]
fn dane_lets_mail_go_only_to_the_key_that_the_dns_names() {
    let Some(world) = World::begin() else { return };
    let at_alpha = world.mail_host("alpha");
    let [right, anchor, wrong, none] =
        ["right", "anchor", "wrong", "none"].map(|name| world.mail_host(name));
    let of_right = world.authority.self_signed(&["whoever.example"]);
    let of_anchor = world.authority.certificate(&["mx.anchor.example"]);
    let of_wrong = world.authority.certificate(&["mx.wrong.example"]);
    let tlsa =
        |name: &str, what: &str| world.record(&format!("_25._tcp.mx.{name}.example. TLSA {what}"));
    tlsa("right", &of_right.tlsa());
    tlsa("anchor", &world.authority.tlsa());
    tlsa("wrong", &of_right.tlsa());
    tlsa("none", &of_right.tlsa());
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, None, "");
    let good = |shown: &Shown| Script::new(|_| Answer::Go).showing(shown);
    let right = Scripted::start(&right, good(&of_right));
    let anchor = Scripted::start(&anchor, good(&of_anchor));
    let wrong = Scripted::start(&wrong, good(&of_wrong));
    let none = Scripted::start(&none, Script::new(|_| Answer::Go));
    let to = [
        "ben@right.example",
        "ben@anchor.example",
        "ben@wrong.example",
        "ben@none.example",
    ];
    let letter = Letter::new("ann@alpha.example", &to, "To who can prove it");
    let id = alpha.send("ann", &letter);
    for server in [&right, &anchor] {
        assert!(server.wait_for_messages(1)[0].tls);
    }
    wrong.wait_for_visits(1);
    none.wait_for_visits(1);
    let why = roads::until("two attempts that DANE forbids", || {
        let why = alpha.why(&id);
        (why.matches("DANE").count() >= 2).then_some(why)
    });
    let queue = roads::until("what may go is noted as sent", || {
        let queue = alpha.queue();
        let has_gone = |domain| !queue.contains(domain);
        (has_gone("right.example") && has_gone("anchor.example")).then_some(queue)
    });
    assert!(
        queue.contains("wrong.example") && queue.contains("none.example"),
        "{queue}\n{why}"
    );
    assert_eq!((wrong.received().len(), none.received().len()), (0, 0));
}

/// A policy in force: only a certificate for a host of the policy will do. In testing everything
/// goes. [rfc8461 5] [rfc8461 5.1]
#[test]
fn mta_sts_lets_mail_go_only_to_proven_hosts_of_the_policy() {
    let Some(world) = World::begin() else { return };
    let at_alpha = world.mail_host("alpha");
    let cases = [
        // name, mode, host in the policy, whether the certificate is good
        ("good", "enforce", "mx.good.example", true),
        ("forged", "enforce", "mx.forged.example", false),
        ("other", "enforce", "elsewhere.other.example", true),
        ("tested", "testing", "mx.tested.example", false),
    ];
    let mut hosts = Vec::new();
    for (name, ..) in cases {
        let policies = world.host(&format!("{name}p"));
        world.addresses(&format!("mta-sts.{name}.example"), &policies);
        world.record(&format!(
            "_mta-sts.{name}.example. TXT \"v=STSv1; id=20261123T1;\""
        ));
        hosts.push((world.mail_host(name), policies));
    }
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, None, "");
    let (mut servers, mut policy_hosts) = (Vec::new(), Vec::new());
    for ((name, mode, mx, is_good), (host, policies)) in cases.iter().zip(&hosts) {
        let shown = world
            .authority
            .certificate(&[&format!("mta-sts.{name}.example")]);
        let policy = format!("version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 86400\n");
        policy_hosts.push(PolicyHost::start(policies, &shown, &policy));
        let name = format!("mx.{name}.example");
        let shown = match is_good {
            true => world.authority.certificate(&[&name]),
            false => world.authority.self_signed(&[&name]),
        };
        servers.push(Scripted::start(
            host,
            Script::new(|_| Answer::Go).showing(&shown),
        ));
    }
    let to: Vec<String> = cases
        .iter()
        .map(|(name, ..)| format!("ben@{name}.example"))
        .collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let letter = Letter::new("ann@alpha.example", &to, "By policy");
    let id = alpha.send("ann", &letter);
    let [good, forged, other, tested] = &servers[..] else {
        unreachable!()
    };
    for server in [good, tested] {
        assert!(server.wait_for_messages(1)[0].tls);
    }
    let why = roads::until("two attempts that MTA-STS forbids", || {
        let why = alpha.why(&id);
        (why.matches("MTA-STS").count() >= 2).then_some(why)
    });
    let queue = alpha.queue();
    assert!(
        queue.contains("forged.example") && queue.contains("other.example"),
        "{queue}\n{why}"
    );
    assert_eq!((forged.received().len(), other.received().len()), (0, 0));
    assert!(policy_hosts.iter().all(|host| host.asked() >= 1));
    // The policy is remembered: the next letter asks nobody.
    let asked = policy_hosts[0].asked();
    let second = Letter::new("ann@alpha.example", &["ben@good.example"], "Once more");
    alpha.send("ann", &second);
    good.wait_for_messages(2);
    assert_eq!(policy_hosts[0].asked(), asked);
}

/// Where a proof is asked for, each certificate that is not one keeps the mail back, and `why` says
/// what was wrong with it. What a TLSA record of usage 3 names is good whatever else it says.
/// [rfc8461 4.2] [rfc7672 3.1.1] [rfc7672 3.2.2]
#[test]
fn bad_certificates_keep_mail_back_where_a_proof_is_asked_for() {
    let Some(world) = World::begin() else { return };
    let at_alpha = world.mail_host("alpha");
    let (by_policy, by_anchor) = (["sexpired", "sother", "snone"], ["dexpired", "dother"]);
    let [sexpired, sother, snone] = by_policy.map(|name| world.mail_host(name));
    let [dexpired, dother] = by_anchor.map(|name| world.mail_host(name));
    let dkey = world.mail_host("dkey");
    let policies = world.host("policies");
    for name in by_policy {
        world.addresses(&format!("mta-sts.{name}.example"), &policies);
        world.record(&format!(
            "_mta-sts.{name}.example. TXT \"v=STSv1; id=20261123T1;\""
        ));
    }
    for name in by_anchor {
        let tlsa = world.authority.tlsa();
        world.record(&format!("_25._tcp.mx.{name}.example. TLSA {tlsa}"));
    }
    let of_dkey = world.authority.expired(&["elsewhere.example"]);
    world.record(&format!(
        "_25._tcp.mx.dkey.example. TLSA {}",
        of_dkey.tlsa()
    ));
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, None, "");
    let names = by_policy.map(|name| format!("mta-sts.{name}.example"));
    let shown = world
        .authority
        .certificate(&names.each_ref().map(String::as_str));
    let policy = "version: STSv1\nmode: enforce\nmx: *.sexpired.example\nmx: *.sother.example\n\
                  mx: *.snone.example\nmax_age: 86400\n";
    let _policies = PolicyHost::start(&policies, &shown, policy);
    let good = || Script::new(|_| Answer::Go);
    let show = |shown: &Shown| good().showing(shown);
    let bad = [
        Scripted::start(
            &sexpired,
            show(&world.authority.expired(&["mx.sexpired.example"])),
        ),
        Scripted::start(
            &sother,
            show(&world.authority.certificate(&["mx.elsewhere.example"])),
        ),
        Scripted::start(&snone, good()),
        Scripted::start(
            &dexpired,
            show(&world.authority.expired(&["mx.dexpired.example"])),
        ),
        Scripted::start(
            &dother,
            show(&world.authority.certificate(&["mx.elsewhere.example"])),
        ),
    ];
    let dkey = Scripted::start(&dkey, show(&of_dkey));
    let all = ["sexpired", "sother", "snone", "dexpired", "dother", "dkey"];
    let to = all.map(|name| format!("ben@{name}.example"));
    let letter = Letter::new(
        "ann@alpha.example",
        &to.each_ref().map(String::as_str),
        "Prove it",
    );
    let id = alpha.send("ann", &letter);
    assert!(dkey.wait_for_messages(1)[0].tls);
    let why = roads::until("an attempt at each", || {
        let why = alpha.why(&id);
        let is_named = |name: &&str| why.contains(&format!("mx.{name}.example"));
        all.iter().all(is_named).then_some(why)
    });
    println!("{why}");
    for words in ["expired", "does not offer TLS"] {
        assert!(why.contains(words), "{words}: {why}");
    }
    for server in &bad {
        assert_eq!(server.received().len(), 0, "{why}");
    }
}
