//! What each outcome shows of each policy.

use super::*;
use crate::road::policy::policies::StsFound;
use crate::road::policy::sts::Invalid;
use crate::road::route::Security;
use std::sync::Arc;

fn gathered(dane: Dane, policy: Option<&str>) -> Gathered {
    let policy = policy.map(|text| Arc::new(Policy::read(text.as_bytes()).expect("a policy")));
    Gathered {
        domain: "there.test".parse().expect("a domain"),
        host: "mx.there.test".parse().expect("a domain"),
        host_is: Security::Signed,
        dane,
        sts: StsFound {
            policy,
            trouble: None,
        },
    }
}

fn info(voucher: Result<Voucher, Untrusted>) -> TlsInfo {
    TlsInfo {
        version: "TLSv1.3",
        cipher: String::new(),
        sni: None,
        voucher: Some(voucher),
    }
}

/// Type of policy and result, of each.
fn shown(gathered: &Gathered, outcome: &Outcome<'_>) -> Vec<(PolicyKind, &'static str)> {
    let all = results(gathered, outcome).into_iter();
    let word = |result: Result<(), Failed>| result.map_or_else(|(kind, _)| kind.word(), |()| "ok");
    all.map(|(policy, result)| (policy.kind, word(result)))
        .collect()
}

const TESTING: &str = "version: STSv1\nmode: testing\nmx: mx.there.test\nmax_age: 1\n";
const OTHER: &str = "version: STSv1\nmode: enforce\nmx: other.test\nmax_age: 1\n";

fn records() -> Dane {
    Dane::Records {
        base: "mx.there.test".to_owned(),
        records: vec![Tlsa {
            usage: 3,
            selector: 1,
            matching: 1,
            data: vec![0xab; 32],
        }],
    }
}

#[test]
fn without_a_policy_only_tls_itself_counts() {
    // [rfc8460 4.3.1] [rfc8460 4.4]
    let none = gathered(Dane::Nothing, None);
    let of = |outcome: &Outcome<'_>| shown(&none, outcome);
    let secured = info(Err(Untrusted::NoAuthority));
    let kind = PolicyKind::NoneFound;
    assert_eq!(of(&Outcome::Secured(&secured)), [(kind, "ok")]);
    let not_offered = [(kind, "starttls-not-supported")];
    assert_eq!(of(&Outcome::NotOffered), not_offered);
    let broken = TlsFailure::Handshake(std::io::Error::other("odd"));
    assert_eq!(
        of(&Outcome::Failed(&broken)),
        [(kind, "validation-failure")]
    );
    assert_eq!(of(&Outcome::NotTried), []);
}

#[test]
fn a_policy_shows_what_certificates_prove() {
    // [rfc8460 4.3] [rfc8460 4.3.2.2]
    let policy = gathered(Dane::Nothing, Some(TESTING));
    for (voucher, word) in [
        (Ok(Voucher::Authority), "ok"),
        (Err(Untrusted::OtherName), "certificate-host-mismatch"),
        (Err(Untrusted::Expired), "certificate-expired"),
        (Err(Untrusted::NoAuthority), "certificate-not-trusted"),
        (Err(Untrusted::Broken("x".to_owned())), "validation-failure"),
    ] {
        let expect = [(PolicyKind::Sts, word)];
        let secured = info(voucher.clone());
        assert_eq!(shown(&policy, &Outcome::Secured(&secured)), expect);
        if let Err(why) = voucher {
            let failed = TlsFailure::Untrusted(why);
            assert_eq!(shown(&policy, &Outcome::Failed(&failed)), expect);
        }
    }
    let other = gathered(Dane::Nothing, Some(OTHER));
    let expect = [(PolicyKind::Sts, "validation-failure")];
    assert_eq!(shown(&other, &Outcome::NotTried), expect);
}

#[test]
fn a_policy_that_cannot_be_had_is_told() {
    // [rfc8460 4.3.2.2]
    for (why, word) in [
        (
            FetchError::Fetch("404".to_owned()),
            "sts-policy-fetch-error",
        ),
        (
            FetchError::Untrusted(Untrusted::Expired),
            "sts-webpki-invalid",
        ),
        (FetchError::Invalid(Invalid::Mode), "sts-policy-invalid"),
    ] {
        let mut none = gathered(Dane::Nothing, None);
        none.sts.trouble = Some(why);
        let found = shown(&none, &Outcome::NotOffered);
        assert_eq!(found, [(PolicyKind::Sts, word)]);
    }
}

#[test]
fn records_show_whether_they_fit() {
    // [rfc8460 4.3] [rfc8460 4.3.2.1] [rfc6698 2.2]
    let by_record = gathered(records(), None);
    let secured = info(Ok(Voucher::DaneEe));
    let all = results(&by_record, &Outcome::Secured(&secured));
    let (policy, result) = all.into_iter().next().expect("one");
    assert_eq!(policy.lines, [format!("3 1 1 {}", "ab".repeat(32))]);
    assert_eq!((policy.domain.as_str(), result), ("mx.there.test", Ok(())));
    let failed = TlsFailure::Untrusted(Untrusted::NoTlsa);
    let word = |gathered: &Gathered, outcome: &Outcome<'_>| shown(gathered, outcome)[0].1;
    assert_eq!(
        word(&by_record, &Outcome::Failed(&failed)),
        "validation-failure"
    );
    assert_eq!(
        word(&by_record, &Outcome::NotOffered),
        "starttls-not-supported"
    );
    let unusable = gathered(Dane::Unusable, None);
    let secured = info(Err(Untrusted::NoAuthority));
    assert_eq!(word(&unusable, &Outcome::Secured(&secured)), "tlsa-invalid");
    let lost = gathered(Dane::Failed("bogus".to_owned()), None);
    assert_eq!(word(&lost, &Outcome::NotTried), "dnssec-invalid");
    // with records the authorities were not asked, so the policy shows nothing
    let both = gathered(records(), Some(TESTING));
    let secured = info(Ok(Voucher::DaneTa));
    let found = shown(&both, &Outcome::Secured(&secured));
    assert_eq!(found, [(PolicyKind::Tlsa, "ok")]);
}
