//! What a session with a mail server shows of the policies of a domain: successes and failures, by
//! the names of RFC 8460.
//!
//! Pure. What never happens here: a decision about mail, a sum.

use crate::road::policy::dane::Dane;
use crate::road::policy::policies::{FetchError, Gathered};
use crate::road::policy::sts::{Mode, Policy};
use net::{TlsFailure, TlsInfo, Tlsa, Untrusted, Voucher};
use std::fmt::Write;

/// What came of TLS in one session.
#[derive(Debug)]
pub enum Outcome<'a> {
    Secured(&'a TlsInfo),
    /// The server does not offer STARTTLS, or refuses it.
    NotOffered,
    Failed(&'a TlsFailure),
    /// The host was not connected to, because of what was gathered.
    NotTried,
}

/// A policy as a report names it. [rfc8460 4.4]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PolicyShown {
    pub kind: PolicyKind,
    pub lines: Vec<String>,
    /// Of the policy: the recipients', or where the TLSA records stand.
    pub domain: String,
    pub mx: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PolicyKind {
    Tlsa,
    Sts,
    NoneFound,
}

impl PolicyKind {
    /// The value of `policy-type`.
    pub fn word(self) -> &'static str {
        match self {
            PolicyKind::Tlsa => "tlsa",
            PolicyKind::Sts => "sts",
            PolicyKind::NoneFound => "no-policy-found",
        }
    }
}

/// What went wrong. [rfc8460 4.3]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ResultType {
    StartTlsNotSupported,
    CertificateHostMismatch,
    CertificateExpired,
    CertificateNotTrusted,
    ValidationFailure,
    TlsaInvalid,
    DnssecInvalid,
    StsPolicyFetchError,
    StsPolicyInvalid,
    StsWebpkiInvalid,
}

/// All result types, with their words.
pub const RESULT_TYPES: &[(ResultType, &str)] = &[
    (ResultType::StartTlsNotSupported, "starttls-not-supported"),
    (
        ResultType::CertificateHostMismatch,
        "certificate-host-mismatch",
    ),
    (ResultType::CertificateExpired, "certificate-expired"),
    (ResultType::CertificateNotTrusted, "certificate-not-trusted"),
    (ResultType::ValidationFailure, "validation-failure"),
    (ResultType::TlsaInvalid, "tlsa-invalid"),
    (ResultType::DnssecInvalid, "dnssec-invalid"),
    (ResultType::StsPolicyFetchError, "sts-policy-fetch-error"),
    (ResultType::StsPolicyInvalid, "sts-policy-invalid"),
    (ResultType::StsWebpkiInvalid, "sts-webpki-invalid"),
];

impl ResultType {
    pub fn word(self) -> &'static str {
        let row = RESULT_TYPES.iter().find(|(one, _)| *one == self);
        row.expect("because the table has a row for every type").1
    }
}

/// One failure: its type, and more in words.
pub type Failed = (ResultType, Option<String>);

/// What a session shows of each policy that was found; of none found, of the lack. A policy that
/// was not put to the test shows nothing.
pub fn results(
    gathered: &Gathered,
    outcome: &Outcome<'_>,
) -> Vec<(PolicyShown, Result<(), Failed>)> {
    let mut all = Vec::new();
    let domain = gathered.domain.as_str();
    if let Some(shown) = tlsa_shown(gathered) {
        all.extend(of_dane(&gathered.dane, outcome).map(|result| (shown, result)));
    }
    if let Some(why) = &gathered.sts.trouble {
        let policy = gathered.sts.policy.as_deref();
        all.push((sts_shown(domain, policy), Err(fetch_failed(why))));
    }
    let asks = |policy: &&std::sync::Arc<Policy>| policy.mode != Mode::None;
    if let Some(policy) = gathered.sts.policy.as_ref().filter(asks) {
        let result = match policy.names(&gathered.host) {
            false => {
                let text = "mx-mismatch".to_owned();
                Some(Err((ResultType::ValidationFailure, Some(text))))
            }
            true => by_authority(outcome),
        };
        all.extend(result.map(|result| (sts_shown(domain, Some(policy)), result)));
    }
    if all.is_empty() {
        let none = PolicyShown {
            kind: PolicyKind::NoneFound,
            lines: Vec::new(),
            domain: domain.to_owned(),
            mx: Vec::new(),
        };
        all.extend(any_tls(outcome).map(|result| (none, result)));
    }
    all
}

fn tlsa_shown(gathered: &Gathered) -> Option<PolicyShown> {
    let (domain, lines) = match &gathered.dane {
        Dane::Nothing => return None,
        Dane::Records { base, records } => (base.clone(), records.iter().map(line).collect()),
        Dane::Unusable | Dane::Failed(_) => (gathered.host.as_str().to_owned(), Vec::new()),
    };
    Some(PolicyShown {
        kind: PolicyKind::Tlsa,
        lines,
        domain,
        mx: Vec::new(),
    })
}

/// As a zone file has it. [rfc6698 2.2]
fn line(record: &Tlsa) -> String {
    let Tlsa {
        usage,
        selector,
        matching,
        data,
    } = record;
    let mut line = format!("{usage} {selector} {matching} ");
    for octet in data {
        // a String takes everything
        let _ = write!(line, "{octet:02x}");
    }
    line
}

fn sts_shown(domain: &str, policy: Option<&Policy>) -> PolicyShown {
    let text = policy.map(Policy::text).unwrap_or_default();
    let mx = policy.map(|p| p.mx.iter().map(ToString::to_string).collect());
    PolicyShown {
        kind: PolicyKind::Sts,
        lines: text.lines().map(str::to_owned).collect(),
        domain: domain.to_owned(),
        mx: mx.unwrap_or_default(),
    }
}

fn of_dane(dane: &Dane, outcome: &Outcome<'_>) -> Option<Result<(), Failed>> {
    match (dane, outcome) {
        (Dane::Failed(why), _) => Some(Err((ResultType::DnssecInvalid, Some(why.clone())))),
        (Dane::Unusable, Outcome::NotOffered) => Some(Err(not_offered())),
        (Dane::Unusable, _) => Some(Err((ResultType::TlsaInvalid, None))),
        (_, Outcome::Secured(info)) => match &info.voucher {
            Some(Ok(Voucher::DaneTa | Voucher::DaneEe)) => Some(Ok(())),
            // the message wanted no proof
            _ => None,
        },
        (_, other) => any_tls(other),
    }
}

/// Whether an authority vouches for the host's name.
fn by_authority(outcome: &Outcome<'_>) -> Option<Result<(), Failed>> {
    match outcome {
        Outcome::Secured(info) => match &info.voucher {
            Some(Ok(Voucher::Authority)) => Some(Ok(())),
            Some(Err(why)) => Some(Err(untrusted(why))),
            // the authorities were not asked
            Some(Ok(Voucher::DaneTa | Voucher::DaneEe)) | None => None,
        },
        other => any_tls(other),
    }
}

/// Whether there is TLS at all.
fn any_tls(outcome: &Outcome<'_>) -> Option<Result<(), Failed>> {
    match outcome {
        Outcome::Secured(_) => Some(Ok(())),
        Outcome::NotOffered => Some(Err(not_offered())),
        Outcome::Failed(TlsFailure::Untrusted(why)) => Some(Err(untrusted(why))),
        Outcome::Failed(TlsFailure::Handshake(error)) => {
            let text = error.to_string();
            Some(Err((ResultType::ValidationFailure, Some(text))))
        }
        Outcome::NotTried => None,
    }
}

fn not_offered() -> Failed {
    (ResultType::StartTlsNotSupported, None)
}

fn untrusted(why: &Untrusted) -> Failed {
    let kind = match why {
        Untrusted::OtherName => ResultType::CertificateHostMismatch,
        Untrusted::Expired => ResultType::CertificateExpired,
        Untrusted::NoAuthority => ResultType::CertificateNotTrusted,
        Untrusted::NoTlsa | Untrusted::Broken(_) => {
            return (ResultType::ValidationFailure, Some(why.to_string()));
        }
    };
    (kind, None)
}

/// [rfc8460 4.3.2.2]
fn fetch_failed(why: &FetchError) -> Failed {
    let kind = match why {
        FetchError::Fetch(_) => ResultType::StsPolicyFetchError,
        FetchError::Untrusted(_) => ResultType::StsWebpkiInvalid,
        FetchError::Invalid(_) => ResultType::StsPolicyInvalid,
    };
    (kind, Some(why.to_string()))
}

#[cfg(test)]
mod tests;
