//! Keys to sign with: made, read from their records, and shown as the DNS has to show them.
//!
//! What never happens here: keeping a key (the directory does), asking the DNS.

use addr::Domain;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::{DkimKey, KeyAlgorithm, KeySecret};
use mail_auth::common::crypto::{DkimKey as Secret, Ed25519Key, RsaKey, Sha256};
use mail_auth::dkim::generate::DkimKeyPair;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer};

/// RFC 8301 section 3.2 asks for 1024 at least and recommends 2048.
const RSA_BITS: usize = 2_048;

/// The object identifier rsaEncryption with its empty parameters. (RFC 3279 section 2.3.1)
const RSA_ENCRYPTION: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// A key that can sign.
pub(crate) struct SigningKey {
    pub domain: Domain,
    pub selector: Domain,
    pub secret: Secret,
}

impl SigningKey {
    /// As signatures name it. [rfc6376 3.3.1] [rfc8463 3]
    pub fn algorithm(&self) -> &'static str {
        match self.secret {
            Secret::Rsa(_) => "rsa-sha256",
            Secret::Ed25519(_) => "ed25519-sha256",
        }
    }
}

/// Both halves of a key.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// As it stands in the DNS before base64.
    pub public: Vec<u8>,
    pub secret: KeySecret,
}

/// Makes a key. An RSA key takes up to some seconds of one processor.
pub fn make_key(algorithm: KeyAlgorithm) -> Result<MadeKey, String> {
    let made = match algorithm {
        KeyAlgorithm::Rsa => DkimKeyPair::generate_rsa(RSA_BITS),
        KeyAlgorithm::Ed25519 => DkimKeyPair::generate_ed25519(),
    };
    let (secret, public) = made.map_err(|error| error.to_string())?.into_inner();
    Ok(MadeKey {
        public: match algorithm {
            KeyAlgorithm::Rsa => subject_public_key_info(&public),
            KeyAlgorithm::Ed25519 => public,
        },
        secret: KeySecret(secret),
    })
}

/// What stands in the TXT record of the key, in one piece. [rfc6376 3.6.1] [rfc8463 4]
pub fn key_record(key: &DkimKey) -> String {
    let kind = match key.algorithm {
        KeyAlgorithm::Rsa => "rsa",
        KeyAlgorithm::Ed25519 => "ed25519",
    };
    format!("v=DKIM1; k={kind}; p={}", STANDARD.encode(&key.public))
}

/// Whether a TXT record shows this key: the same kind, the same octets, not revoked. [rfc6376 3.6.1]
pub fn record_shows(record: &str, key: &DkimKey) -> bool {
    let tag = |name: &str| {
        let tags = record.split(';').filter_map(|tag| tag.split_once('='));
        let mut found = tags.filter(|(tag, _)| tag.trim() == name);
        let value = found.next().map(|(_, value)| value);
        value.map(|value| value.split_ascii_whitespace().collect::<String>())
    };
    let kind = tag("k").unwrap_or_else(|| "rsa".to_owned());
    let is_kind = match key.algorithm {
        KeyAlgorithm::Rsa => kind == "rsa",
        KeyAlgorithm::Ed25519 => kind == "ed25519",
    };
    let shown = tag("p").and_then(|p| STANDARD.decode(p).ok());
    is_kind && tag("v").is_none_or(|v| v == "DKIM1") && shown.as_deref() == Some(&key.public[..])
}

/// Reads the secret of a key that has one.
pub(crate) fn read(domain: &Domain, key: &DkimKey) -> Result<Option<SigningKey>, String> {
    let Some(KeySecret(secret)) = &key.secret else {
        return Ok(None);
    };
    let secret = match key.algorithm {
        KeyAlgorithm::Rsa => {
            let der = PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(secret.as_slice()));
            RsaKey::<Sha256>::from_key_der(der).map(Secret::Rsa)
        }
        KeyAlgorithm::Ed25519 => Ed25519Key::from_pkcs8_der(secret).map(Secret::Ed25519),
    };
    Ok(Some(SigningKey {
        domain: domain.clone(),
        selector: key.selector.clone(),
        secret: secret.map_err(|error| error.to_string())?,
    }))
}

/// The form in which the DNS shows RSA keys, as all who verify expect it.
///
/// ```text
/// SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }
/// ```
fn subject_public_key_info(rsa_public_key: &[u8]) -> Vec<u8> {
    let mut bits = vec![0];
    bits.extend_from_slice(rsa_public_key);
    let mut inside = RSA_ENCRYPTION.to_vec();
    inside.extend(der(0x03, &bits));
    der(0x30, &inside)
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let len = content.len();
    let octets = len.to_be_bytes();
    let first = octets.iter().position(|&octet| octet != 0);
    match first {
        Some(first) if len >= 0x80 => {
            let octets = &octets[first..];
            out.push(0x80 | u8::try_from(octets.len()).unwrap_or(0x7f));
            out.extend_from_slice(octets);
        }
        _ => out.push(u8::try_from(len).unwrap_or(0x7f)),
    }
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::tests::key;

    #[test]
    fn a_key_is_shown_in_the_form_that_verifiers_read() {
        // [rfc6376 3.6.1] [rfc8463 4]
        let rsa = key(KeyAlgorithm::Rsa, "s1");
        let text = key_record(&rsa);
        // how every RSA key of 2048 bits begins there
        assert!(
            text.starts_with("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA"),
            "{text}"
        );
        assert!(text.ends_with("IDAQAB"), "{text}");
        let ed = key(KeyAlgorithm::Ed25519, "s1");
        assert_eq!(key_record(&ed).len(), "v=DKIM1; k=ed25519; p=".len() + 44);
        for one in [&rsa, &ed] {
            let domain = "example.test".parse().unwrap();
            assert!(read(&domain, one).unwrap().is_some());
        }
    }

    #[test]
    fn knows_its_record_however_it_is_written() {
        let ed = key(KeyAlgorithm::Ed25519, "s1");
        let p = STANDARD.encode(&ed.public);
        let mut changed = ed.public.clone();
        changed[31] ^= 1;
        let changed = STANDARD.encode(&changed);
        for shown in [
            key_record(&ed),
            format!("k=ed25519;p={p}"),
            format!(
                " v = DKIM1 ; t=s; k=ed25519 ; p={} {} ;",
                &p[..10],
                &p[10..]
            ),
        ] {
            assert!(record_shows(&shown, &ed), "{shown}");
        }
        for other in [
            "v=DKIM1; k=ed25519; p=".to_owned(),
            format!("v=DKIM1; k=rsa; p={p}"),
            format!("v=DKIM1; p={p}"),
            format!("v=DKIM2; k=ed25519; p={p}"),
            format!("v=DKIM1; k=ed25519; p={changed}"),
            "v=spf1 -all".to_owned(),
        ] {
            assert!(!record_shows(&other, &ed), "{other}");
        }
    }
}
