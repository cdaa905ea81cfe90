//! Signatures verify, and stop verifying when what they cover is changed.

use super::*;
use crate::sign::gather::Gather;
use crate::sign::key;
use mail::{DkimKey, KeyAlgorithm, KeyState};
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::{
    AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt,
};
use net::time::Duration;
use net::{Resolver, SimDns};
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use store::Body;

pub(super) fn key(algorithm: KeyAlgorithm, selector: &str) -> DkimKey {
    let made = key::make_key(algorithm).unwrap();
    DkimKey {
        selector: selector.parse().unwrap(),
        algorithm,
        public: made.public,
        secret: Some(made.secret),
        replaces: None,
        state: KeyState::Active,
        since: Time::from_seconds(0),
    }
}

fn rsa_and_ed25519() -> [DkimKey; 2] {
    [
        key(KeyAlgorithm::Rsa, "r1"),
        key(KeyAlgorithm::Ed25519, "e1"),
    ]
}

/// The signatures of `MESSAGE` with these fields before it.
fn signed_by(keys: &[DkimKey; 2], added: &str) -> String {
    let domain: Domain = "example.test".parse().unwrap();
    let read = keys
        .each_ref()
        .map(|one| key::read(&domain, one).unwrap().unwrap());
    let at = Time::from_seconds(1_795_396_809);
    signatures(&gathered(MESSAGE), added, read.iter(), at)
}

fn gathered(message: &str) -> Gathered {
    let (mut gather, mut reader) = (Gather::new(), HeaderReader::new("mx.example.test"));
    reader.read(message.as_bytes());
    gather.piece(message.as_bytes(), reader.begins());
    gather.finish(reader.finish().begins).unwrap()
}

/// What the DNS shows.
struct Shown(HashMap<Box<str>, Txt>);

impl ResolverCache<Box<str>, Txt> for Shown {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.get(name).cloned()
    }
    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }
    fn insert(&self, _: Box<str>, _: Txt, _: std::time::Instant) {}
}

/// What the DNS shows of these keys.
fn shown(keys: &[DkimKey]) -> Shown {
    let shown = |key: &DkimKey| {
        let record = DomainKey::parse(key::key_record(key).as_bytes()).unwrap();
        let name = format!("{}._domainkey.example.test.", key.selector);
        (name.into(), Txt::DomainKey(Arc::new(record)))
    };
    Shown(keys.iter().map(shown).collect())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// How many of the message's signatures verify with these keys.
fn verified(message: &str, keys: &[DkimKey]) -> usize {
    let shown = shown(keys);
    let parsed = AuthenticatedMessage::parse(message.as_bytes()).unwrap();
    let outputs = runtime().block_on(async {
        let authenticator = MessageAuthenticator::new_system_conf().unwrap();
        let parameters = Parameters::new(&parsed).with_txt_cache(&shown);
        authenticator.verify_dkim(parameters).await
    });
    let good = outputs
        .iter()
        .filter(|one| *one.result() == DkimResult::Pass);
    good.count()
}

/// What the message's seals are worth.
fn sealed_well(message: &str, keys: &[DkimKey]) -> bool {
    let shown = shown(keys);
    let parsed = AuthenticatedMessage::parse(message.as_bytes()).unwrap();
    runtime().block_on(async {
        let authenticator = MessageAuthenticator::new_system_conf().unwrap();
        let parameters = Parameters::new(&parsed).with_txt_cache(&shown);
        *authenticator.verify_arc(parameters).await.result() == DkimResult::Pass
    })
}

/// The message as it lies in the store.
async fn stored(message: &str) -> Body {
    let db = store::Db::memory();
    let mut writer = db.new_body().await.unwrap();
    writer.write(message.as_bytes()).await.unwrap();
    writer.finish(b"").await.unwrap()
}

/// What is found of the message's signatures, with these keys in the DNS.
fn checked(message: &str, keys: &[DkimKey]) -> check::Checked {
    let dns = SimDns::new(1);
    for key in keys {
        let name = format!("{}._domainkey.example.test", key.selector);
        dns.add_txt(&name, &key::key_record(key));
    }
    runtime().block_on(async {
        let body = stored(message).await;
        let resolver = Resolver::simulated(dns);
        check::check(&gathered(message), &body, &resolver)
            .await
            .unwrap()
    })
}

/// The message with one more seal.
fn sealed(message: &str, by: &DkimKey, keys: &[DkimKey]) -> (String, String) {
    let domain: Domain = "example.test".parse().unwrap();
    let read = key::read(&domain, by).unwrap().unwrap();
    let checked = checked(message, keys);
    let said = arc::Said {
        chain: checked.chain.as_ref().unwrap(),
        hostname: "mx.example.test",
        results: &checked.results,
        at: Time::from_seconds(1_795_396_809),
    };
    let seal = arc::seal(&gathered(message), &read, &said).unwrap();
    (format!("{seal}{message}"), checked.results)
}

#[tokio::test(start_paused = true)]
async fn many_signatures_and_a_slow_dns_hold_nobody_up() {
    let field = |n: usize| {
        format!(
            "DKIM-Signature: v=1; a=rsa-sha256; d=d{n}.example; s=s; h=from; bh=AAAA; b=AAAA\r\n"
        )
    };
    let many: String = (0..2 * crate::limits::SIGNATURES).map(field).collect();
    let message = many + MESSAGE;
    let body = stored(&message).await;
    let dns = SimDns::new(1);
    dns.set_weather(net::DnsWeather {
        latency: Duration::from_secs(30),
        fail_one_in: 0,
    });
    let begun = net::time::now();
    let resolver = Resolver::simulated(dns);
    let checked = check::check(&gathered(&message), &body, &resolver).await;
    let results = checked.unwrap().results;
    let count = results.matches("dkim=").count();
    assert_eq!(count, crate::limits::SIGNATURES, "{results}");
    assert!(net::time::now() - begun <= crate::limits::KEYS_TIME);
}

#[test]
fn a_seal_tells_what_was_found_and_the_next_one_stands_on_it() {
    // [rfc8617 5.1] [rfc8617 4.1.2] [rfc8617 4.2.1] [rfc8617 4.4] [rfc8601 2.7.1]
    let keys = rsa_and_ed25519();
    let signed = signed_by(&keys, "") + MESSAGE;
    let (first, results) = sealed(&signed, &keys[0], &keys);
    assert_eq!(
        results
            .matches("dkim=pass header.d=example.test header.s=")
            .count(),
        2
    );
    assert!(results.ends_with("arc=none"), "{results}");
    assert!(
        first.starts_with("ARC-Seal: i=1; a=rsa-sha256; cv=none;"),
        "{first}"
    );
    assert!(sealed_well(&first, &keys), "{first}");
    assert_eq!(verified(&first, &keys), 2);
    let hop = format!("Received: from z\r\n{first}");
    let (second, results) = sealed(&hop, &keys[0], &keys);
    assert!(results.ends_with("arc=pass"), "{results}");
    assert!(
        second.starts_with("ARC-Seal: i=2; a=rsa-sha256; cv=pass;"),
        "{second}"
    );
    assert!(sealed_well(&second, &keys), "{second}");
    assert!(second.lines().all(|line| line.len() <= 100), "{second}");
    for (from, to) in [
        ("Some", "Same"),
        ("dkim=pass", "dkim=fail"),
        ("Subject:", "Subject: x"),
    ] {
        assert!(!sealed_well(&second.replace(from, to), &keys), "{from}");
    }
    // one who changes it says that it was broken, and nobody seals it any more [rfc8617 5.1.2]
    let changed = second.replace("Some", "Same");
    let (third, results) = sealed(&changed, &keys[0], &keys);
    assert!(results.ends_with("arc=fail"), "{results}");
    assert!(results.contains("dkim=neutral"), "{results}");
    assert!(
        third.starts_with("ARC-Seal: i=3; a=rsa-sha256; cv=fail;"),
        "{third}"
    );
    assert!(checked(&third, &keys).chain.is_none());
}

#[test]
fn what_cannot_be_told_is_not_sealed_and_a_peer_writes_no_words_into_ours() {
    let keys = [key(KeyAlgorithm::Ed25519, "e1")];
    let plain = checked(MESSAGE, &keys);
    assert_eq!(plain.results, "dkim=none;\r\n\tarc=none");
    let odd = format!(
        "DKIM-Signature: v=1; a=rsa-sha256; d=a;b x; s=x(y); h=from; bh=AAAA; b=AAAA\r\n{MESSAGE}"
    );
    let found = checked(&odd, &keys).results;
    assert!(!found.contains('(') && !found.contains("pass"), "{found}");
    let (first, _) = sealed(MESSAGE, &keys[0], &keys);
    let broken = first.replace("ARC-Seal: i=1", "ARC-Seal: i=x");
    assert!(checked(&broken, &keys).chain.is_none());
    assert!(
        checked(&format!("ARC-Seal: i=1; cv=none\r\n{MESSAGE}"), &keys)
            .chain
            .is_none()
    );
}

const MESSAGE: &str = "Received: from x\r\nFrom: Ann <ann@example.test>\r\nTo: bob@example.org,\r\n \
                       carol@example.org\r\nSubject:  Hello\r\n\r\nSome  text \r\n\r\n\r\n";

#[test]
fn rsa_and_ed25519_sign_side_by_side_and_verify() {
    // [rfc6376 5] [rfc6376 3.3.1] [rfc8463 3] [rfc8301 3.1]
    let keys = rsa_and_ed25519();
    let added = "Date: Mon, 23 Nov 2026 01:20:09 +0000\r\nMessage-ID: <x@mx.example.test>\r\n";
    let text = signed_by(&keys, added);
    assert_eq!(text.matches("DKIM-Signature: v=1; a=").count(), 2, "{text}");
    for expect in [
        "a=rsa-sha256; c=relaxed/relaxed; d=example.test;",
        "a=ed25519-sha256; c=relaxed/relaxed; d=example.test;",
        "s=r1;",
        "t=1795396809;",
    ] {
        assert!(text.contains(expect), "{expect} in {text}");
    }
    // [rfc6376 8.2]
    assert!(!text.contains("l="), "{text}");
    assert!(text.lines().all(|line| line.len() <= 78), "{text}");
    let whole = format!("Received: from y\r\n{text}{added}{MESSAGE}");
    assert_eq!(verified(&whole, &keys), 2, "{whole}");
    // what may change on the way
    for (from, to) in [
        ("Received: from x\r\n", ""),
        ("Subject:  Hello", "SUBJECT: Hello "),
        ("Some  text \r\n\r\n\r\n", "Some\ttext\r\n"),
        ("From: Ann", "List-Id: <l.example.org>\r\nFrom: Ann"),
    ] {
        assert_eq!(verified(&whole.replace(from, to), &keys), 2, "{from} {to}");
    }
    // what may not [rfc6376 5.4.1] [rfc6376 8.15]
    for (from, to) in [
        ("Hello", "Hullo"),
        ("Some", "Same"),
        ("From: Ann", "From: eve@example.test\r\nFrom: Ann"),
        ("Subject:", "Cc: eve@example.org\r\nSubject:"),
        ("Message-ID: <x", "Message-ID: <y"),
        ("carol", "karol"),
    ] {
        assert_eq!(verified(&whole.replace(from, to), &keys), 0, "{from} {to}");
    }
}

#[test]
fn the_authors_domains_sign_each_once() {
    // [rfc6376 6.3]
    let value = |text: &str| Value::Whole(text.as_bytes().to_vec());
    let names = |values: &[Value]| {
        let domains = author_domains(values);
        domains.iter().map(Domain::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names(&[value(" Ann <ann@Example.test>")]), ["example.test"]);
    assert_eq!(
        names(&[value(" a@b.test, c@B.test, g: d@e.test;, f@[192.0.2.1]")]),
        ["b.test", "e.test"]
    );
    assert!(names(&[value(" nobody"), Value::Cut]).is_empty());
    let many: Vec<String> = (0..9).map(|i| format!("a@d{i}.test")).collect();
    assert_eq!(names(&[value(&many.join(","))]).len(), AUTHOR_DOMAINS);
}
