//! Which certificates which demand takes; every handshake is a real one, in memory.

use super::*;
use crate::{Clock, Conn, TlsInfo, TlsServer};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use ring::digest::{SHA256, SHA512, digest};

const HOST: &str = "mx.example.test";

/// An authority with its certificate.
struct Issuer(CertifiedIssuer<'static, KeyPair>);

impl Issuer {
    fn new() -> Issuer {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "Ours");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("made");
        Issuer(CertifiedIssuer::self_signed(params, key).expect("signed"))
    }

    fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Server {
        let mut params = CertificateParams::new(vec![HOST.to_owned()]).expect("a name");
        change(&mut params);
        let key = KeyPair::generate().expect("made");
        let leaf = params.signed_by(&key, &self.0).expect("signed");
        Server {
            pem: leaf.pem() + &self.0.pem(),
            key: key.serialize_pem(),
            leaf: leaf.der().to_vec(),
        }
    }
}

struct Server {
    pem: String,
    key: String,
    leaf: Vec<u8>,
}

impl Server {
    /// What vouches for itself.
    fn alone(names: &[&str]) -> Server {
        let names = names.iter().map(|&name| name.to_owned());
        let names = names.collect::<Vec<_>>();
        let (pem, key) = crate::self_signed(&names, Clock::system().now()).expect("made");
        let leaf = crate::tls::certificates(&pem)
            .expect("PEM")
            .remove(0)
            .to_vec();
        Server { pem, key, leaf }
    }

    async fn shown_to(
        &self,
        trust: Trust,
        authorities: &Authorities,
    ) -> Result<TlsInfo, TlsFailure> {
        let tls = TlsServer::from_pem(&self.pem, &self.key).expect("fits");
        let (client, server) = Conn::pipe(64 * 1024);
        let serving = tokio::spawn(async move { server.start_tls(&tls).await });
        let conn = client.connect_trusting(trust, authorities, HOST).await;
        let _ = serving.await;
        conn.map(|conn| conn.tls().expect("TLS is on"))
    }

    async fn voucher(&self, trust: Trust, authorities: &Authorities) -> Result<Voucher, Untrusted> {
        match self.shown_to(trust, authorities).await {
            Ok(info) => info.voucher.expect("a client knows"),
            Err(TlsFailure::Untrusted(why)) => Err(why),
            Err(other) => panic!("{other}"),
        }
    }
}

fn names(names: &[&str]) -> Trust {
    Trust::Names(names.iter().map(|&name| name.to_owned()).collect())
}

fn dane(records: &[Tlsa]) -> Trust {
    Trust::Dane {
        records: records.to_vec(),
        names: vec!["example.test".to_owned(), HOST.to_owned()],
    }
}

fn record(usage: u8, selector: u8, matching: u8, certificate: &[u8]) -> Tlsa {
    let selected = match selector {
        0 => certificate.to_vec(),
        _ => {
            use x509_parser::prelude::FromDer;
            let parsed = x509_parser::certificate::X509Certificate::from_der(certificate);
            parsed
                .expect("DER")
                .1
                .tbs_certificate
                .subject_pki
                .raw
                .to_vec()
        }
    };
    let data = match matching {
        1 => digest(&SHA256, &selected).as_ref().to_vec(),
        2 => digest(&SHA512, &selected).as_ref().to_vec(),
        _ => selected,
    };
    Tlsa {
        usage,
        selector,
        matching,
        data,
    }
}

fn expired(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
}

#[tokio::test]
async fn whoever_trusts_anyone_is_told_what_was_found() {
    // [rfc7435 1.2]
    let ours = Issuer::new();
    let authorities = Authorities::from_pem(&ours.0.pem()).expect("PEM");
    let good = ours.issue(|_| {});
    let found = good.voucher(Trust::Anyone, &authorities).await;
    assert_eq!(found, Ok(Voucher::Authority));
    let found = good
        .voucher(Trust::Anyone, &Authorities::of_the_web())
        .await;
    assert_eq!(found, Err(Untrusted::NoAuthority));
    let late = ours.issue(expired);
    let found = late.voucher(Trust::Anyone, &authorities).await;
    assert_eq!(found, Err(Untrusted::Expired));
    let other = Server::alone(&["other.test"]);
    let its_own = Authorities::from_pem(&other.pem).expect("PEM");
    let found = other.voucher(Trust::Anyone, &its_own).await;
    assert_eq!(found, Err(Untrusted::OtherName));
}

#[tokio::test]
async fn a_name_must_stand_in_a_certificate_of_a_known_authority() {
    // [rfc8461 4.2]
    let ours = Issuer::new();
    let authorities = Authorities::from_pem(&ours.0.pem()).expect("PEM");
    let good = ours.issue(|_| {});
    let demanded = |trust| good.voucher(trust, &authorities);
    assert_eq!(demanded(names(&[HOST])).await, Ok(Voucher::Authority));
    let several = names(&["a.test", "MX.example.test."]);
    assert_eq!(demanded(several).await, Ok(Voucher::Authority));
    let refused = Err(Untrusted::OtherName);
    assert_eq!(demanded(names(&["example.test"])).await, refused);
    assert_eq!(demanded(names(&[])).await, refused);
    assert_eq!(demanded(names(&["not a name"])).await, refused);
    let web = Authorities::of_the_web();
    let refused = good.voucher(names(&[HOST]), &web).await;
    assert_eq!(refused, Err(Untrusted::NoAuthority));
    let late = ours.issue(expired);
    let refused = late.voucher(names(&[HOST]), &authorities).await;
    assert_eq!(refused, Err(Untrusted::Expired));
}

#[tokio::test]
async fn a_record_of_the_certificate_itself_asks_for_no_name_and_no_time() {
    // [rfc7672 3.1] [rfc7672 3.1.1] [rfc6698 2.1.2] [rfc6698 2.1.3]
    let ours = Issuer::new();
    let nobody = Authorities::of_the_web();
    let late = ours.issue(|params| {
        expired(params);
        params.subject_alt_names.clear();
    });
    for selector in [0, 1] {
        for matching in [0, 1, 2] {
            let fits = record(3, selector, matching, &late.leaf);
            let found = late
                .voucher(dane(std::slice::from_ref(&fits)), &nobody)
                .await;
            assert_eq!(found, Ok(Voucher::DaneEe), "3 {selector} {matching}");
            // the certificate of the authority is not the server's
            let other = record(3, selector, matching, &ours.der());
            let found = late
                .voucher(dane(std::slice::from_ref(&other)), &nobody)
                .await;
            assert_eq!(found, Err(Untrusted::NoTlsa), "3 {selector} {matching}");
            let found = late.voucher(dane(&[other, fits]), &nobody).await;
            assert_eq!(found, Ok(Voucher::DaneEe), "3 {selector} {matching}");
        }
    }
}

#[tokio::test]
async fn a_record_of_an_authority_asks_for_name_and_time() {
    // [rfc7672 3.1.2] [rfc7671 5.2]
    let (ours, nobody) = (Issuer::new(), Authorities::of_the_web());
    let good = ours.issue(|_| {});
    let late = ours.issue(expired);
    let other = ours.issue(|params| {
        let name = "other.test".try_into().expect("ASCII");
        params.subject_alt_names = vec![rcgen::SanType::DnsName(name)];
    });
    for selector in [0, 1] {
        for matching in [0, 1, 2] {
            let demand = || dane(&[record(2, selector, matching, &ours.der())]);
            let found = good.voucher(demand(), &nobody).await;
            assert_eq!(found, Ok(Voucher::DaneTa), "2 {selector} {matching}");
            let found = late.voucher(demand(), &nobody).await;
            assert_eq!(found, Err(Untrusted::Expired), "2 {selector} {matching}");
            let found = other.voucher(demand(), &nobody).await;
            assert_eq!(found, Err(Untrusted::OtherName), "2 {selector} {matching}");
        }
    }
    let stranger = dane(&[record(2, 0, 0, &Issuer::new().der())]);
    let found = good.voucher(stranger, &nobody).await;
    assert_eq!(found, Err(Untrusted::NoTlsa));
}

#[tokio::test]
async fn a_common_name_counts_only_where_there_is_no_other_name() {
    // [rfc7672 3.2.3]
    let (ours, nobody) = (Issuer::new(), Authorities::of_the_web());
    let demand = || dane(&[record(2, 0, 1, &ours.der())]);
    let old = ours.issue(|params| {
        params.subject_alt_names.clear();
        params
            .distinguished_name
            .push(DnType::CommonName, "Example.test");
    });
    assert_eq!(old.voucher(demand(), &nobody).await, Ok(Voucher::DaneTa));
    let both = ours.issue(|params| {
        let name = "other.test".try_into().expect("ASCII");
        params.subject_alt_names = vec![rcgen::SanType::DnsName(name)];
        params
            .distinguished_name
            .push(DnType::CommonName, "example.test");
    });
    let found = both.voucher(demand(), &nobody).await;
    assert_eq!(found, Err(Untrusted::OtherName));
}

#[test]
fn knows_which_records_are_of_use() {
    // [rfc7672 3.1.3]
    let is_usable = |usage, selector, matching, len| {
        let record = Tlsa {
            usage,
            selector,
            matching,
            data: vec![0; len],
        };
        record.is_usable()
    };
    for usage in [2, 3] {
        assert!(is_usable(usage, 0, 0, 1));
        assert!(is_usable(usage, 1, 1, 32));
        assert!(is_usable(usage, 1, 2, 64));
        assert!(!is_usable(usage, 2, 1, 32), "no such selector");
        assert!(!is_usable(usage, 1, 3, 32), "no such matching type");
        assert!(!is_usable(usage, 1, 1, 31), "a hash cut off");
        assert!(!is_usable(usage, 1, 0, 0), "nothing");
    }
    assert!(!is_usable(0, 1, 1, 32), "PKIX-TA");
    assert!(!is_usable(1, 1, 1, 32), "PKIX-EE");
    assert!(!is_usable(4, 1, 1, 32), "no such usage");
}

#[tokio::test]
async fn a_peer_without_tls_is_no_matter_of_certificates() {
    let (client, mut server) = Conn::pipe(64 * 1024);
    let says = tokio::spawn(async move {
        let _ = server.write_all(b"220 not TLS\r\n").await;
        server
    });
    let authorities = Authorities::of_the_web();
    let failed = client.connect_trusting(Trust::Anyone, &authorities, HOST);
    assert!(matches!(failed.await, Err(TlsFailure::Handshake(_))));
    drop(says.await);
}
