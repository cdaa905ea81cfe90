//! Signatures verify, and stop verifying when what they cover is changed.

use super::*;
use crate::sign::key;
use mail::{DkimKey, KeyAlgorithm, KeyState};
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::{
    AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt,
};
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

fn key(algorithm: KeyAlgorithm, selector: &str) -> DkimKey {
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

/// How many of the message's signatures verify with these keys.
fn verified(message: &str, keys: &[DkimKey]) -> usize {
    let shown = |key: &DkimKey| {
        let record = DomainKey::parse(key::key_record(key).as_bytes()).unwrap();
        let name = format!("{}._domainkey.example.test.", key.selector);
        (name.into(), Txt::DomainKey(Arc::new(record)))
    };
    let shown = Shown(keys.iter().map(shown).collect());
    let parsed = AuthenticatedMessage::parse(message.as_bytes()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let outputs = runtime.block_on(async {
        let authenticator = MessageAuthenticator::new_system_conf().unwrap();
        let parameters = Parameters::new(&parsed).with_txt_cache(&shown);
        authenticator.verify_dkim(parameters).await
    });
    let good = outputs
        .iter()
        .filter(|one| *one.result() == DkimResult::Pass);
    good.count()
}

const MESSAGE: &str = "Received: from x\r\nFrom: Ann <ann@example.test>\r\nTo: bob@example.org,\r\n \
                       carol@example.org\r\nSubject:  Hello\r\n\r\nSome  text \r\n\r\n\r\n";

#[test]
fn rsa_and_ed25519_sign_side_by_side_and_verify() {
    // [rfc6376 5] [rfc6376 3.3.1] [rfc8463 3] [rfc8301 3.1]
    let keys = [
        key(KeyAlgorithm::Rsa, "r1"),
        key(KeyAlgorithm::Ed25519, "e1"),
    ];
    let domain: Domain = "example.test".parse().unwrap();
    let read = keys
        .each_ref()
        .map(|one| key::read(&domain, one).unwrap().unwrap());
    let added = "Date: Mon, 23 Nov 2026 01:20:09 +0000\r\nMessage-ID: <x@mx.example.test>\r\n";
    let at = Time::from_seconds(1_795_396_809);
    let text = signatures(&gathered(MESSAGE), added, read.iter(), at);
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
