//! What a client demands of a server's certificate, and what it found.
//!
//! Between mail servers TLS is worth having even if nobody vouches for the certificate; so the
//! demand is chosen for each connection, and what was found is told even where nothing was
//! demanded. What never happens here: the choice of the demand, a DNS question.

mod dane;

use crate::dns::Tlsa;
use crate::tls::{TlsError, provider, roots, roots_of_the_web};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// What a server's certificate must show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// Nothing: encryption against those who only listen. [rfc7435 1.2]
    Anyone,
    /// An authority vouches for it and for one of these names. [rfc8461 4.2]
    Names(Vec<String>),
    /// One of the TLSA records fits; where it names an authority, the certificate must have one of
    /// the names. [rfc7672 3.1]
    Dane {
        records: Vec<Tlsa>,
        names: Vec<String>,
    },
}

/// Who vouches for a server's certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voucher {
    /// An authority that we trust, for the name that was asked for.
    Authority,
    /// An authority that the host's TLSA record names.
    DaneTa,
    /// The host's TLSA record itself.
    DaneEe,
}

/// Why nobody does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Untrusted {
    /// It is for other names.
    OtherName,
    /// Its time is over, or has not come.
    Expired,
    /// No authority that is trusted vouches for it.
    NoAuthority,
    /// No TLSA record fits.
    NoTlsa,
    /// It is broken; the text says how.
    Broken(String),
}

impl fmt::Display for Voucher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Voucher::Authority => "an authority",
            Voucher::DaneTa => "DANE-TA",
            Voucher::DaneEe => "DANE-EE",
        })
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Untrusted::OtherName => f.write_str("the certificate is for another name"),
            Untrusted::Expired => f.write_str("the certificate is not valid at this time"),
            Untrusted::NoAuthority => f.write_str("no known authority vouches for the certificate"),
            Untrusted::NoTlsa => f.write_str("no TLSA record fits the certificate"),
            Untrusted::Broken(how) => write!(f, "the certificate is broken: {how}"),
        }
    }
}

/// Why there is no TLS. The connection is gone.
#[derive(Debug)]
pub enum TlsFailure {
    /// The certificate is not what was demanded.
    Untrusted(Untrusted),
    /// The two sides agree on nothing, the peer speaks no TLS, went away or is silent.
    Handshake(io::Error),
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsFailure::Untrusted(why) => why.fmt(f),
            TlsFailure::Handshake(error) => write!(f, "the TLS handshake failed: {error}"),
        }
    }
}

impl std::error::Error for TlsFailure {}

/// The authorities that may vouch for a name. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Authorities {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl Authorities {
    /// Those that browsers trust (Mozilla's list).
    pub fn of_the_web() -> Authorities {
        Authorities::all(roots_of_the_web())
    }

    /// These and no others.
    pub fn from_pem(pem: &str) -> Result<Authorities, TlsError> {
        Ok(Authorities::all(roots(pem)?))
    }

    fn all(roots: RootCertStore) -> Authorities {
        Authorities {
            roots: Arc::new(roots),
            provider: provider(),
        }
    }
}

/// What the verifier of one handshake found.
type Found = Option<Result<Voucher, Untrusted>>;

/// One handshake's verifier.
#[derive(Debug)]
pub(crate) struct Verifier {
    trust: Trust,
    authorities: Authorities,
    found: Mutex<Found>,
}

impl Verifier {
    pub fn new(trust: Trust, authorities: &Authorities) -> Arc<Verifier> {
        Arc::new(Verifier {
            trust,
            authorities: authorities.clone(),
            found: Mutex::default(),
        })
    }

    pub fn found(&self) -> Found {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.clone()
    }

    /// Why a demand was not met.
    pub fn refused(&self) -> Option<Untrusted> {
        match (self.found(), &self.trust) {
            (_, Trust::Anyone) | (None | Some(Ok(_)), _) => None,
            (Some(Err(why)), _) => Some(why),
        }
    }

    fn note(&self, found: Result<Voucher, Untrusted>) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }

    /// The settings of its handshake. Nothing is resumed: what is agreed under one demand proves
    /// nothing under another.
    pub fn config(self: &Arc<Verifier>) -> Arc<ClientConfig> {
        let provider = self.authorities.provider.clone();
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .expect("because the provider has suites of both versions")
            .dangerous()
            .with_custom_certificate_verifier(self.clone())
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Arc::new(config)
    }

    fn look(&self, shown: &Shown<'_>, host: &ServerName<'_>) -> Result<Voucher, Untrusted> {
        let by_authority = |names: &[ServerName<'_>]| {
            shown.chains_to(&self.authorities.roots, self.algorithms())?;
            shown.has_name(names)?;
            Ok(Voucher::Authority)
        };
        match &self.trust {
            Trust::Anyone => by_authority(std::slice::from_ref(host)),
            Trust::Names(names) => by_authority(&server_names(names)),
            Trust::Dane { records, names } => {
                dane::vouch(records, &server_names(names), shown, self.algorithms())
            }
        }
    }

    fn algorithms(&self) -> &rustls::crypto::WebPkiSupportedAlgorithms {
        &self.authorities.provider.signature_verification_algorithms
    }

    /// A handshake whose signature is wrong is refused, except by those who trust anyone: then it
    /// only proves nothing.
    fn signed(
        &self,
        checked: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        checked.or_else(|error| {
            self.note(Err(Untrusted::Broken(error.to_string())));
            match self.trust {
                Trust::Anyone => Ok(HandshakeSignatureValid::assertion()),
                Trust::Names(_) | Trust::Dane { .. } => Err(error),
            }
        })
    }
}

/// Names that cannot stand in a certificate fit none.
fn server_names(names: &[String]) -> Vec<ServerName<'static>> {
    let names = names.iter().filter_map(|name| {
        let name = name.strip_suffix('.').unwrap_or(name);
        ServerName::try_from(name.to_owned()).ok()
    });
    names.collect()
}

/// What a server shows of itself.
struct Shown<'a> {
    leaf: &'a CertificateDer<'a>,
    others: &'a [CertificateDer<'a>],
    now: UnixTime,
}

impl Shown<'_> {
    fn chains_to(
        &self,
        roots: &RootCertStore,
        algorithms: &rustls::crypto::WebPkiSupportedAlgorithms,
    ) -> Result<(), Untrusted> {
        let leaf = ParsedCertificate::try_from(self.leaf).map_err(untrusted)?;
        let (others, now) = (self.others, self.now);
        verify_server_cert_signed_by_trust_anchor(&leaf, roots, others, now, algorithms.all)
            .map_err(untrusted)
    }

    fn has_name(&self, names: &[ServerName<'_>]) -> Result<(), Untrusted> {
        let leaf = ParsedCertificate::try_from(self.leaf).map_err(untrusted)?;
        let fits = |name| verify_server_name(&leaf, name).is_ok();
        match names.iter().any(fits) {
            true => Ok(()),
            false => Err(Untrusted::OtherName),
        }
    }
}

fn untrusted(error: Error) -> Untrusted {
    use CertificateError as C;
    match error {
        Error::InvalidCertificate(
            C::Expired | C::ExpiredContext { .. } | C::NotValidYet | C::NotValidYetContext { .. },
        ) => Untrusted::Expired,
        Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
            Untrusted::OtherName
        }
        // a key of an authority's name that did not sign it vouches no more than a stranger's
        Error::InvalidCertificate(C::UnknownIssuer | C::BadSignature) => Untrusted::NoAuthority,
        other => Untrusted::Broken(other.to_string()),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Shown {
            leaf: end_entity,
            others: intermediates,
            now,
        };
        let found = self.look(&shown, server_name);
        self.note(found.clone());
        match (found, &self.trust) {
            (Ok(_), _) | (Err(_), Trust::Anyone) => Ok(ServerCertVerified::assertion()),
            (Err(_), _) => Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            )),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed(verify_tls12_signature(
            message,
            cert,
            dss,
            self.algorithms(),
        ))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed(verify_tls13_signature(
            message,
            cert,
            dss,
            self.algorithms(),
        ))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}

#[cfg(test)]
mod tests;
