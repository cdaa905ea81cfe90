//! What is read from certificates: whom a client's names, what ours binds a login to, and when it
//! ends.
//!
//! A client's certificate is read only after rustls has found that an authority vouches for it.
//! What never happens here: that check, a decision on who may do what.

use crate::clock::Time;
use ring::digest::{self, SHA256, SHA384, SHA512};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::signature_algorithm::SignatureAlgorithm;

/// Of one certificate; nobody has more addresses than this.
const EMAILS: usize = 20;

/// A certificate that a client showed, and for which an authority vouches that we trust.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientCertificate {
    /// The addresses in its subjectAltName, in their order. [rfc5280 4.2.1.6]
    pub emails: Vec<String>,
    /// SHA-256 of the whole certificate.
    pub fingerprint: [u8; 32],
}

impl ClientCertificate {
    pub(crate) fn read(der: &[u8]) -> Option<ClientCertificate> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate.subject_alternative_name().ok()?;
        let names = names.map_or(&[][..], |extension| &extension.value.general_names);
        let emails = names.iter().filter_map(|name| match name {
            GeneralName::RFC822Name(address) => Some((*address).to_owned()),
            _ => None,
        });
        Some(ClientCertificate {
            emails: emails.take(EMAILS).collect(),
            fingerprint: digest::digest(&SHA256, der).as_ref().try_into().ok()?,
        })
    }
}

/// When a certificate ends.
pub(crate) fn not_after(der: &[u8]) -> Option<Time> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    Some(Time::from_seconds(seconds))
}

/// The data of `tls-server-end-point`: the certificate's hash, by the hash function of its
/// signature, or by SHA-256 where that is MD5 or SHA-1. None where the signature has no hash
/// function of its own, as Ed25519's. [rfc5929 4.1]
pub(crate) fn server_end_point(der: &[u8]) -> Option<Vec<u8>> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let signature = &certificate.signature_algorithm;
    let oid = match SignatureAlgorithm::try_from(signature).ok()? {
        SignatureAlgorithm::RSASSA_PSS(params) => params.hash_algorithm_oid().to_id_string(),
        _ => signature.algorithm.to_id_string(),
    };
    let hash = match oid.as_str() {
        // with RSA: MD5, SHA-1, SHA-256; with ECDSA: SHA-1, SHA-256; alone: SHA-1, SHA-256
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2"
        | "1.3.14.3.2.26"
        | "2.16.840.1.101.3.4.2.1" => &SHA256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" | "2.16.840.1.101.3.4.2.2" => &SHA384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" | "2.16.840.1.101.3.4.2.3" => &SHA512,
        _ => return None,
    };
    Some(digest::digest(hash, der).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{
        CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
        SanType,
    };

    fn signed_by(algorithm: &'static rcgen::SignatureAlgorithm) -> Vec<u8> {
        let key = KeyPair::generate_for(algorithm).expect("made");
        let params = CertificateParams::new(vec!["mx.example.test".to_owned()]).expect("a name");
        params.self_signed(&key).expect("signed").der().to_vec()
    }

    #[test]
    fn binds_to_the_certificate_by_the_hash_of_its_signature() {
        // [rfc5929 4.1]
        let der = signed_by(&PKCS_ECDSA_P256_SHA256);
        let expect = digest::digest(&SHA256, &der).as_ref().to_vec();
        assert_eq!(server_end_point(&der), Some(expect));
        let der = signed_by(&PKCS_ECDSA_P384_SHA384);
        let expect = digest::digest(&SHA384, &der).as_ref().to_vec();
        assert_eq!(server_end_point(&der), Some(expect));
        assert_eq!(server_end_point(&signed_by(&PKCS_ED25519)), None);
        assert_eq!(server_end_point(b"nonsense"), None);
    }

    #[test]
    fn reads_the_addresses_of_a_client() {
        // [rfc5280 4.2.1.6]
        let key = KeyPair::generate().expect("made");
        let mut params =
            CertificateParams::new(vec!["alice.example.test".to_owned()]).expect("a name");
        for address in ["alice@example.test", "a.smith@example.test"] {
            let name = address.try_into().expect("ASCII");
            params.subject_alt_names.push(SanType::Rfc822Name(name));
        }
        let der = params.self_signed(&key).expect("signed").der().to_vec();
        let read = ClientCertificate::read(&der).expect("it is one");
        assert_eq!(read.emails, ["alice@example.test", "a.smith@example.test"]);
        assert_eq!(read.fingerprint, digest::digest(&SHA256, &der).as_ref());
        let none = ClientCertificate::read(&signed_by(&PKCS_ED25519)).expect("it is one");
        assert!(none.emails.is_empty());
        assert_eq!(ClientCertificate::read(b"nonsense"), None);
    }
}
