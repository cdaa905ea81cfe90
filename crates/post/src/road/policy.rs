//! What TLS is demanded of another server: nothing, a certificate for its name, or a TLSA record
//! that fits; because the domain says so (MTA-STS, DANE), or because the message does (REQUIRETLS).
//!
//! `demand` decides, from evidence that `dane` and `policies` gathered. What never happens here: a
//! connection to a mail server; in `demand` and `sts` any I/O.
//!
//! | Message | DANE | MTA-STS | What is demanded |
//! |---|---|---|---|
//! | needs no TLS | any | any | nothing: TLS where it is offered [rfc8689 4.2.2] |
//! | any other | the look-up fails | any | not this host now [rfc7672 2.1.2] |
//! | any other | usable records | any | one of them fits [rfc7672 2.2] [rfc8461 2] |
//! | any other | only unusable records | not enforced | TLS, unproven [rfc7672 2.2] |
//! | any other | none | enforced, host in it | a certificate for the host's name [rfc8461 5] |
//! | any other | none | enforced, host not in it | not this host [rfc8461 5]; if it needs TLS, for good |
//! | needs TLS | none | none | as by MTA-STS if the MX record is signed, else never this host [rfc8689 4.2.1] |
//! | any other | none | none or testing | nothing: TLS where it is offered |

pub mod dane;
pub mod policies;
pub mod sts;

use crate::road::failure::Class;
use crate::road::route::Security;
use addr::Domain;
use dane::Dane;
use net::Trust;
use smtp::{Protection, Status};
use std::fmt;
use std::sync::Arc;

pub use policies::{Policies, PolicySettings};

/// All that was gathered about one host.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    pub protection: Protection,
    /// Of the recipients.
    pub domain: &'a Domain,
    /// As the MX record names it, or the domain itself.
    pub host: &'a Domain,
    /// Whether DNSSEC proves that this is a host of the domain.
    pub host_is: Security,
    pub dane: &'a Dane,
    pub sts: Option<&'a Arc<sts::Policy>>,
}

/// Whether the mail may go without TLS.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Without {
    /// TLS is tried; what comes of it does not matter.
    May,
    /// No TLS, no mail at this host.
    MustNot,
}

/// What makes a demand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ground {
    Nothing,
    Sts,
    Dane,
    RequireTls,
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ground::Nothing => "nobody",
            Ground::Sts => "MTA-STS",
            Ground::Dane => "DANE",
            Ground::RequireTls => "REQUIRETLS",
        })
    }
}

/// On which terms mail may be given to a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    pub trust: Trust,
    /// The name that TLS asks for. [rfc7672 8.1] [rfc8461 4.2]
    pub ask_for: String,
    pub without: Without,
    pub ground: Ground,
}

impl Terms {
    /// TLS where it is offered, whoever is there.
    pub fn opportunistic(host: &str) -> Terms {
        Terms {
            trust: Trust::Anyone,
            ask_for: host.to_owned(),
            without: Without::May,
            ground: Ground::Nothing,
        }
    }

    /// TLS with a certificate for the host's name.
    fn named(host: &Domain, ground: Ground) -> Terms {
        Terms {
            trust: Trust::Names(vec![host.as_str().to_owned()]),
            without: Without::MustNot,
            ground,
            ..Terms::opportunistic(host.as_str())
        }
    }
}

/// Why a host gets nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotHere {
    /// Its TLSA records cannot be looked up now: why.
    TlsaUnknown(String),
    /// The domain's MTA-STS policy does not name it.
    NotInPolicy,
    /// The message may only go where the way is proven, and nothing proves it.
    Unproven,
}

impl NotHere {
    /// A policy may be changed and a record mended; that a domain proves nothing is for good: the
    /// message is returned. [rfc8461 5.1] [rfc8689 4.2.1]
    pub fn class(&self) -> Class {
        match self {
            NotHere::TlsaUnknown(_) | NotHere::NotInPolicy => Class::Transient,
            NotHere::Unproven => Class::Permanent,
        }
    }

    /// [rfc3463 3.8] [rfc8689 4.2.1]
    pub fn status(&self) -> Status {
        match self {
            NotHere::TlsaUnknown(_) | NotHere::NotInPolicy => Status(4, 7, 5),
            NotHere::Unproven => Status(5, 7, 10),
        }
    }
}

impl fmt::Display for NotHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotHere::TlsaUnknown(why) => write!(f, "looking up the host's TLSA records: {why}"),
            NotHere::NotInPolicy => f.write_str("the domain's MTA-STS policy does not name the host"),
            NotHere::Unproven => f.write_str(
                "the message requires TLS, and neither DNSSEC nor MTA-STS proves the domain's hosts",
            ),
        }
    }
}

impl std::error::Error for NotHere {}

/// The table at the head of this file.
pub fn demand(evidence: &Evidence<'_>) -> Result<Terms, NotHere> {
    if evidence.protection == Protection::NotNeeded {
        return Ok(Terms::opportunistic(evidence.host.as_str()));
    }
    match (published(evidence), evidence.protection) {
        (published, Protection::AsPublished | Protection::NotNeeded) => published,
        (Ok(published), Protection::Required) => required(evidence, published),
        // a host that is not the domain's is none for it [rfc8689 4.2.1]
        (Err(NotHere::NotInPolicy), Protection::Required) => Err(NotHere::Unproven),
        (Err(why), Protection::Required) => Err(why),
    }
}

/// What the domain demands. [rfc7672 2.2] [rfc8461 5]
fn published(evidence: &Evidence<'_>) -> Result<Terms, NotHere> {
    let Evidence { host, dane, .. } = evidence;
    match dane {
        Dane::Failed(why) => return Err(NotHere::TlsaUnknown(why.clone())),
        Dane::Records { base, records } => {
            return Ok(Terms {
                trust: Trust::Dane {
                    records: records.clone(),
                    names: names(base, evidence),
                },
                ask_for: base.clone(),
                without: Without::MustNot,
                ground: Ground::Dane,
            });
        }
        Dane::Unusable | Dane::Nothing => {}
    }
    let enforced = evidence.sts.filter(|p| p.mode == sts::Mode::Enforce);
    match (enforced, dane) {
        (Some(policy), _) if policy.names(host) => Ok(Terms::named(host, Ground::Sts)),
        (Some(_), _) => Err(NotHere::NotInPolicy),
        // the records cannot prove anything to us, but say that there is TLS
        (None, Dane::Unusable) => Ok(Terms {
            without: Without::MustNot,
            ground: Ground::Dane,
            ..Terms::opportunistic(host.as_str())
        }),
        (None, _) => Ok(Terms::opportunistic(host.as_str())),
    }
}

/// The names that a certificate under a DANE-TA record may have: where the records were found, the
/// host's own, and the recipients' domain. [rfc7672 3.2.2]
fn names(base: &str, evidence: &Evidence<'_>) -> Vec<String> {
    let mut names = vec![base.to_owned()];
    for name in [evidence.host, evidence.domain] {
        if !names.iter().any(|other| other == name.as_str()) {
            names.push(name.as_str().to_owned());
        }
    }
    names
}

/// The host must be proven to be the domain's, and its certificate must be proven. [rfc8689 4.2.1]
fn required(evidence: &Evidence<'_>, published: Terms) -> Result<Terms, NotHere> {
    let by_policy =
        |policy: &&Arc<sts::Policy>| policy.mode != sts::Mode::None && policy.names(evidence.host);
    let is_its_host = evidence.host_is == Security::Signed
        || evidence.host == evidence.domain
        || evidence.sts.as_ref().is_some_and(by_policy);
    if !is_its_host {
        return Err(NotHere::Unproven);
    }
    Ok(match published.trust {
        Trust::Anyone => Terms::named(evidence.host, Ground::RequireTls),
        Trust::Names(_) | Trust::Dane { .. } => published,
    })
}

#[cfg(test)]
mod tests;
