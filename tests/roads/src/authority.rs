//! Certificates: an authority of the test's own, and good and bad ones for servers.
//!
//! What never happens here: a certificate that anybody outside a test trusts.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, PublicKeyData,
};
use ring::digest::{SHA256, digest};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;

pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A server's certificate, chain and key.
pub struct Shown {
    pub chain: String,
    pub key: String,
    ders: Vec<CertificateDer<'static>>,
    key_der: Vec<u8>,
    spki: Vec<u8>,
}

impl Default for Authority {
    fn default() -> Authority {
        Authority::new()
    }
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Authority of the roads");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            rcgen::KeyUsagePurpose::KeyCertSign,
            rcgen::KeyUsagePurpose::CrlSign,
        ];
        let issuer =
            CertifiedIssuer::self_signed(params, key()).expect("because it is well formed");
        Authority { issuer }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A good certificate for these names.
    pub fn certificate(&self, names: &[&str]) -> Shown {
        self.signed(params(names))
    }

    /// One that ended years ago.
    pub fn expired(&self, names: &[&str]) -> Shown {
        let mut params = params(names);
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        self.signed(params)
    }

    /// One for which nobody vouches.
    pub fn self_signed(&self, names: &[&str]) -> Shown {
        let key = key();
        let certificate = params(names)
            .self_signed(&key)
            .expect("because it is well formed");
        Shown::new(vec![certificate.der().clone()], certificate.pem(), &key)
    }

    fn signed(&self, params: CertificateParams) -> Shown {
        let key = key();
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("because it is well formed");
        let chain = format!("{}{}", certificate.pem(), self.issuer.pem());
        let ders = vec![certificate.der().clone(), self.issuer.der().clone()];
        Shown::new(ders, chain, &key)
    }

    /// `2 0 1 …`: this authority and nobody else (DANE-TA).
    pub fn tlsa(&self) -> String {
        format!("2 0 1 {}", hex(digest(&SHA256, self.issuer.der()).as_ref()))
    }
}

impl Shown {
    fn new(ders: Vec<CertificateDer<'static>>, chain: String, key: &KeyPair) -> Shown {
        Shown {
            chain,
            key: key.serialize_pem(),
            ders,
            key_der: key.serialize_der(),
            spki: key.subject_public_key_info(),
        }
    }

    /// `3 1 1 …`: this key and no other (DANE-EE).
    pub fn tlsa(&self) -> String {
        format!("3 1 1 {}", hex(digest(&SHA256, &self.spki).as_ref()))
    }

    /// For a server of the test's own.
    pub fn server(&self) -> Arc<rustls::ServerConfig> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_der.clone()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("because the provider has suites of both versions")
            .with_no_client_auth()
            .with_single_cert(self.ders.clone(), key)
            .expect("because the key is the certificate's");
        Arc::new(config)
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names.clone()).expect("because names are names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, names[0].clone());
    params.use_authority_key_identifier_extension = true;
    params
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("because there is randomness")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
