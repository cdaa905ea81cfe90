//! The harness itself: Debian's servers find each other, and us, by DNS.

use roads::{Letter, Whimbrel, World, exim, postfix};
use std::process::Command;

/// An authoritative answer that nobody validated would let every test of DANE pass or fail by luck.
#[test]
fn the_signed_zones_validate_and_the_broken_one_does_not() {
    let Some(world) = World::begin() else { return };
    world.mail_host("alpha");
    world.record("_25._tcp.mx.alpha.example. TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    world.record("nomail.example. MX 0 .");
    world.record("plain.insecure.example. MX 10 mx.alpha.example.");
    world.record("broken.bogus.example. MX 10 mx.alpha.example.");
    world.start_dns();
    let validated = delv(&world, "alpha.example", "MX");
    assert!(validated.contains("; fully validated"), "{validated}");
    assert!(validated.contains("10 mx.alpha.example."), "{validated}");
    let tlsa = delv(&world, "_25._tcp.mx.alpha.example", "TLSA");
    assert!(
        tlsa.contains("; fully validated") && tlsa.contains("3 1 1 0011"),
        "{tlsa}"
    );
    let null = delv(&world, "nomail.example", "MX");
    assert!(
        null.contains("; fully validated") && null.contains("0 ."),
        "{null}"
    );
    let unsigned = delv(&world, "plain.insecure.example", "MX");
    assert!(unsigned.contains("; unsigned answer"), "{unsigned}");
    let none = delv(&world, "nowhere.example", "MX");
    assert!(
        none.contains("; negative response, fully validated"),
        "{none}"
    );
    let broken = delv(&world, "broken.bogus.example", "MX");
    assert!(broken.contains("resolution failed"), "{broken}");
    let secure = kdig(&world, "alpha.example", "AAAA");
    assert!(
        secure.contains("NOERROR") && secure.contains("ad;"),
        "{secure}"
    );
    let refused = kdig(&world, "broken.bogus.example", "MX");
    assert!(refused.contains("SERVFAIL"), "{refused}");
}

#[test]
fn postfix_and_exim_write_to_each_other() {
    let Some(world) = World::begin() else { return };
    let (at_postfix, at_exim) = (world.mail_host("postfix"), world.mail_host("exim"));
    world.start_dns();
    let shown = world
        .authority
        .certificate(&["mx.postfix.example", "mx.exim.example"]);
    let postfix = postfix::start(&world, &at_postfix, Some(&shown), "");
    let exim = exim::start(&world, &at_exim, Some(&shown));
    let there = Letter::new("ann@postfix.example", &["ben@exim.example"], "To Exim");
    postfix.send(&there);
    let arrived = exim.mailbox("ben").wait_for(&there);
    let text = String::from_utf8_lossy(&arrived);
    assert!(text.contains("mx.postfix.example"), "{text}");
    assert!(text.contains("TLS1.3"), "{text}");
    let back = Letter::new("ben@exim.example", &["ann@postfix.example"], "To Postfix");
    exim.send(&back);
    let arrived = postfix.mailbox("ann").wait_for(&back);
    let text = String::from_utf8_lossy(&arrived);
    assert!(
        text.contains("from mx.exim.example") && text.contains("TLSv1.3"),
        "{text}"
    );
}

/// Both learn their way to a Whimbrel from MX, and what it refuses comes back to who wrote it.
#[test]
fn postfix_and_exim_write_to_whimbrel() {
    let Some(world) = World::begin() else { return };
    let (at_postfix, at_exim) = (world.mail_host("postfix"), world.mail_host("exim"));
    let at_alpha = world.mail_host("alpha");
    let shown = world.authority.certificate(&["mx.alpha.example"]);
    world.record(&format!("_25._tcp.mx.alpha.example. TLSA {}", shown.tlsa()));
    world.start_dns();
    let alpha = Whimbrel::start(&world, &at_alpha, Some(&shown), "");
    let postfix = postfix::start(&world, &at_postfix, None, "");
    let exim = exim::start(&world, &at_exim, None);

    let first = Letter::new(
        "ann@postfix.example",
        &["ann@alpha.example"],
        "From Postfix",
    );
    postfix.send(&first);
    let arrived = alpha.wait_for("ann", &first);
    let text = String::from_utf8_lossy(&arrived);
    assert!(
        text.contains("Return-Path: <ann@postfix.example>"),
        "{text}"
    );
    assert!(
        postfix
            .log()
            .contains("Verified TLS connection established to mx.alpha.example")
    );

    let second = Letter::new(
        "ben@exim.example",
        &["ann@alpha.example", "ben@alpha.example"],
        "From Exim",
    );
    exim.send(&second);
    alpha.wait_for("ann", &second);
    alpha.wait_for("ben", &second);
    assert!(exim.log().contains("CV=dane"), "{}", exim.log());

    let nobody = Letter::new(
        "ann@postfix.example",
        &["nobody@alpha.example"],
        "To nobody",
    );
    postfix.send(&nobody);
    let report = postfix
        .mailbox("ann")
        .wait_for_words(&["nobody@alpha.example", "Status: 5.1.1"]);
    assert!(report.contains("Action: failed"), "{report}");
}

fn delv(world: &World, name: &str, kind: &str) -> String {
    let anchor = std::fs::read_to_string(world.trust_anchor()).expect("because DNS was started");
    // `. DNSKEY 257 3 13 KEY` becomes what BIND reads.
    let words: Vec<&str> = anchor.split_whitespace().collect();
    let at = words
        .iter()
        .position(|word| *word == "DNSKEY")
        .expect("because it is a key");
    let [flags, protocol, algorithm] = [words[at + 1], words[at + 2], words[at + 3]];
    let key = words[at + 4..].concat();
    let file = world.trust_anchor().with_extension("bind");
    let text =
        format!("trust-anchors {{ . static-key {flags} {protocol} {algorithm} \"{key}\"; }};\n");
    std::fs::write(&file, text).expect("because the folder is ours");
    let mut command = tool("delv");
    command
        .arg("-a")
        .arg(&file)
        .arg("+root=.")
        .arg(format!("@{}", world.resolver()));
    said(command.args([name, kind]))
}

fn kdig(world: &World, name: &str, kind: &str) -> String {
    let mut command = tool("kdig");
    said(
        command
            .arg(format!("@{}", world.resolver()))
            .args(["+dnssec", name, kind]),
    )
}

/// One of the packages' programs, with their libraries.
fn tool(name: &str) -> Command {
    let packages = roads::root::packages("dns");
    let libraries = format!(
        "{}/usr/lib/{}-linux-gnu",
        packages.display(),
        std::env::consts::ARCH
    );
    let mut command = Command::new(packages.join("usr/bin").join(name));
    command.env("LD_LIBRARY_PATH", libraries);
    command
}

fn said(command: &mut Command) -> String {
    let run = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    format!(
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    )
}
