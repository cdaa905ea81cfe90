//! DANE for mail servers: whether a TLSA record vouches for a certificate. [rfc7672 3.1]
//!
//! What never happens here: a DNS question, a look at records that DNSSEC does not prove (the
//! caller has none).

use super::{Shown, Untrusted, Voucher};
use crate::dns::Tlsa;
use ring::digest::{self, SHA256, SHA512};
use rustls::RootCertStore;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::{CertificateDer, Der, ServerName, TrustAnchor};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

const DANE_TA: u8 = 2;
const DANE_EE: u8 = 3;
const WHOLE_CERTIFICATE: u8 = 0;
const PUBLIC_KEY: u8 = 1;

/// How a record's data stands for what was selected. [rfc6698 2.1.3]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Matching {
    Exact,
    Sha256,
    Sha512,
}

impl Tlsa {
    /// Whether it can vouch for a mail server's certificate: DANE-TA or DANE-EE with a selector
    /// and a matching type that are known, and data that can fit. PKIX-TA and PKIX-EE cannot.
    /// [rfc7672 3.1.3]
    pub fn is_usable(&self) -> bool {
        let usage = [DANE_TA, DANE_EE].contains(&self.usage);
        let selector = [WHOLE_CERTIFICATE, PUBLIC_KEY].contains(&self.selector);
        usage && selector && self.matching().is_some()
    }

    fn matching(&self) -> Option<Matching> {
        match (self.matching, self.data.len()) {
            (0, 1..) => Some(Matching::Exact),
            (1, 32) => Some(Matching::Sha256),
            (2, 64) => Some(Matching::Sha512),
            _ => None,
        }
    }

    fn fits(&self, certificate: &[u8]) -> bool {
        let Some(selected) = selected(certificate, self.selector) else {
            return false;
        };
        match self.matching() {
            Some(Matching::Exact) => selected == self.data,
            Some(Matching::Sha256) => digest::digest(&SHA256, &selected).as_ref() == self.data,
            Some(Matching::Sha512) => digest::digest(&SHA512, &selected).as_ref() == self.data,
            None => false,
        }
    }
}

/// What of a certificate a record speaks of. [rfc6698 2.1.2]
fn selected(certificate: &[u8], selector: u8) -> Option<Vec<u8>> {
    match selector {
        WHOLE_CERTIFICATE => Some(certificate.to_vec()),
        PUBLIC_KEY => {
            let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
            Some(certificate.tbs_certificate.subject_pki.raw.to_vec())
        }
        _ => None,
    }
}

/// One record that fits is enough. DANE-EE asks neither for a name nor for a time: the record's
/// owner and its life in the DNS say them [rfc7672 3.1.1]. DANE-TA asks for both [rfc7672 3.1.2].
pub(super) fn vouch(
    records: &[Tlsa],
    names: &[ServerName<'_>],
    shown: &Shown<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<Voucher, Untrusted> {
    let of_usage = |usage| {
        let usable = records.iter().filter(|record| record.is_usable());
        usable.filter(move |record| record.usage == usage)
    };
    if of_usage(DANE_EE).any(|record| record.fits(shown.leaf)) {
        return Ok(Voucher::DaneEe);
    }
    let mut roots = RootCertStore::empty();
    for record in of_usage(DANE_TA) {
        roots.roots.extend(anchors(record, shown));
    }
    if roots.is_empty() {
        return Err(Untrusted::NoTlsa);
    }
    // an anchor that vouches for something else in the chain vouches for nothing
    shown
        .chains_to(&roots, algorithms)
        .map_err(|why| match why {
            Untrusted::NoAuthority => Untrusted::NoTlsa,
            other => other,
        })?;
    if shown.has_name(names).is_err() && !has_common_name(shown.leaf, names) {
        return Err(Untrusted::OtherName);
    }
    Ok(Voucher::DaneTa)
}

/// What a DANE-TA record makes an authority: a certificate that the server shows beside its own,
/// or the one, or the key, that stands in the record. [rfc7671 5.2]
fn anchors(record: &Tlsa, shown: &Shown<'_>) -> Vec<TrustAnchor<'static>> {
    let beside = shown.others.iter().filter(|one| record.fits(one));
    let mut all = beside.filter_map(anchor).collect::<Vec<_>>();
    match (record.matching(), record.selector) {
        (Some(Matching::Exact), WHOLE_CERTIFICATE) => {
            all.extend(anchor(&CertificateDer::from(record.data.as_slice())));
        }
        (Some(Matching::Exact), PUBLIC_KEY) => {
            // the key has no name of its own; it may be that of any issuer in the chain
            let chain = std::iter::once(shown.leaf).chain(shown.others);
            all.extend(chain.filter_map(|one| bare_key(&record.data, one)));
        }
        _ => {}
    }
    all
}

fn anchor(certificate: &CertificateDer<'_>) -> Option<TrustAnchor<'static>> {
    let anchor = webpki::anchor_from_trusted_cert(certificate).ok()?;
    Some(anchor.to_owned())
}

fn bare_key(key: &[u8], issued: &CertificateDer<'_>) -> Option<TrustAnchor<'static>> {
    let (_, issued) = X509Certificate::from_der(issued).ok()?;
    let issuer = inside_sequence(issued.issuer().as_raw())?;
    Some(TrustAnchor {
        subject: Der::from(issuer.to_vec()),
        subject_public_key_info: Der::from(inside_sequence(key)?.to_vec()),
        name_constraints: None,
    })
}

/// The octets of a DER SEQUENCE without its tag and length.
fn inside_sequence(der: &[u8]) -> Option<&[u8]> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag != 0x30 {
        return None;
    }
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 | 0x82 => {
            let (len, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            let len = len
                .iter()
                .fold(0, |len, &octet| len << 8 | usize::from(octet));
            (len, rest)
        }
        _ => return None,
    };
    (rest.len() == len).then_some(rest)
}

/// A certificate without any DNS name in its subjectAltName may have one as its common name.
/// [rfc7672 3.2.3]
fn has_common_name(leaf: &[u8], names: &[ServerName<'_>]) -> bool {
    let Ok((_, leaf)) = X509Certificate::from_der(leaf) else {
        return false;
    };
    let alternatives = leaf.subject_alternative_name().ok().flatten();
    let has_dns_name = alternatives.is_some_and(|found| {
        let mut names = found.value.general_names.iter();
        names.any(|name| matches!(name, GeneralName::DNSName(_)))
    });
    let common = leaf.subject().iter_common_name().next();
    let Some(common) = common.and_then(|name| name.as_str().ok()) else {
        return false;
    };
    let is_it = |name: &ServerName<'_>| match name {
        ServerName::DnsName(name) => name.as_ref().eq_ignore_ascii_case(common),
        _ => false,
    };
    !has_dns_name && names.iter().any(is_it)
}
