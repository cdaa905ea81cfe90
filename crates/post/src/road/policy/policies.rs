//! What is known of the TLS that domains and hosts ask for: gathered from the DNS and policy hosts,
//! and kept. [rfc8461 3.3]
//!
//! A policy is a row of the road's partition, so that whoever stands in the way of a domain's DNS or
//! policy host after a restart gains nothing. What never happens here: a decision about mail.

use super::dane::{self, Dane};
use super::sts::{Invalid, Policy, policy_id};
use super::{Evidence, NotHere, Terms, demand};
use crate::limits::{STS_AT_ONCE, STS_BODY_BYTES, STS_FAILED, STS_REFRESH, STS_RETRY};
use crate::road::route::Security;
use addr::Domain;
use mail::Mail;
use mail::codec::{Damaged, Decoded, Reader, Record, Writer};
use net::time::{Instant, now};
use net::{Answer, Clock, HttpClient, HttpError, Resolver, Time, Untrusted, Url};
use smtp::Protection;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Fault;
use tokio::sync::Semaphore;

/// The prefix of the rows that hold policies; the domain follows.
const POLICIES: &[u8] = b"s";
const VERSION: u8 = 1;

/// Whom to ask.
#[derive(Clone, Debug)]
pub struct PolicySettings {
    pub resolver: Resolver,
    pub http: HttpClient,
    pub clock: Clock,
}

/// Gathers and keeps policies. Clones are the same.
#[derive(Clone)]
pub struct Policies(Arc<Inner>);

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Policies")
    }
}

struct Inner {
    mail: Mail,
    settings: PolicySettings,
    /// Domains whose policy could not be had: not asked again before, and why.
    failed: Mutex<BTreeMap<Domain, (Instant, FetchError)>>,
    turns: Semaphore,
}

/// Why a policy that a domain tells of could not be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FetchError {
    /// The policy host does not answer, or not with a policy.
    Fetch(String),
    /// Its certificate proves nothing.
    Untrusted(Untrusted),
    Invalid(Invalid),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::Fetch(why) => f.write_str(why),
            FetchError::Untrusted(why) => why.fmt(f),
            FetchError::Invalid(why) => why.fmt(f),
        }
    }
}

/// What MTA-STS says about a domain.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct StsFound {
    pub policy: Option<Arc<Policy>>,
    /// The domain tells of a policy that could not be had now.
    pub trouble: Option<FetchError>,
}

/// What was gathered about a host of a domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gathered {
    pub domain: Domain,
    pub host: Domain,
    pub host_is: Security,
    pub dane: Dane,
    pub sts: StsFound,
}

impl Gathered {
    /// Where nobody is asked.
    pub fn nothing(domain: &Domain, host: &Domain) -> Gathered {
        Gathered {
            domain: domain.clone(),
            host: host.clone(),
            host_is: Security::Unsigned,
            dane: Dane::Nothing,
            sts: StsFound::default(),
        }
    }

    /// On which terms a message may go there.
    pub fn demand(&self, protection: Protection) -> Result<Terms, NotHere> {
        demand(&Evidence {
            protection,
            domain: &self.domain,
            host: &self.host,
            host_is: self.host_is,
            dane: &self.dane,
            sts: self.sts.policy.as_ref(),
        })
    }
}

/// A policy as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Kept {
    id: String,
    fetched: Time,
    policy: Policy,
}

impl Kept {
    fn expires(&self) -> Time {
        let seconds = i64::try_from(self.policy.max_age_s).unwrap_or(i64::MAX);
        let at = self.fetched.seconds().saturating_add(seconds);
        Time::from_seconds(at)
    }

    fn is_old(&self, now: Time) -> bool {
        now > self.fetched.after(STS_REFRESH)
    }
}

impl Record for Kept {
    const WHAT: &'static str = "an MTA-STS policy";

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(VERSION);
        w.str(&self.id).time(self.fetched).str(&self.policy.text());
        w.into_vec()
    }

    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let id = r.str()?.to_owned();
        let fetched = r.time()?;
        let policy = Policy::read(r.str()?.as_bytes()).map_err(|_| Damaged)?;
        let kept = Kept {
            id,
            fetched,
            policy,
        };
        r.is_empty().then_some(kept).ok_or(Damaged)
    }
}

fn row(domain: &Domain) -> Vec<u8> {
    [POLICIES, domain.as_str().as_bytes()].concat()
}

impl Policies {
    pub fn new(mail: Mail, settings: PolicySettings) -> Policies {
        Policies(Arc::new(Inner {
            mail,
            settings,
            failed: Mutex::default(),
            turns: Semaphore::new(STS_AT_ONCE),
        }))
    }

    /// Everything about a host that is to get mail for a domain.
    pub async fn gather(&self, domain: &Domain, host: &Domain) -> Gathered {
        let resolver = &self.0.settings.resolver;
        let host_is = host_is(resolver, domain, host).await;
        let (dane, sts) = tokio::join!(
            dane::gather(resolver, domain, host, host_is),
            self.sts(domain)
        );
        Gathered {
            domain: domain.clone(),
            host: host.clone(),
            host_is,
            dane,
            sts,
        }
    }

    /// A domain's policy: the one that its record tells of, or the one that is kept and holds
    /// still, whatever the DNS or the policy host say now. [rfc8461 3.3] [rfc8461 5.1]
    pub async fn sts(&self, domain: &Domain) -> StsFound {
        let now = self.0.settings.clock.now();
        let kept = self.kept(domain).filter(|kept| kept.expires() > now);
        let name = format!("_mta-sts.{}", domain.as_str());
        let id = match self.0.settings.resolver.txt(&name).await {
            Answer::Found { value, .. } => policy_id(&value),
            Answer::NoData { .. } | Answer::NoName { .. } | Answer::Failed(_) => None,
        };
        let is_fresh = |kept: &Kept| match &id {
            Some(id) => *id == kept.id && !kept.is_old(now),
            None => true,
        };
        match (kept, id.clone()) {
            (Some(kept), _) if is_fresh(&kept) => found(kept.policy, None),
            (None, None) => StsFound::default(),
            (kept, id) => {
                let id = id.or_else(|| kept.as_ref().map(|kept| kept.id.clone()));
                self.renewed(domain, kept, id.unwrap_or_default()).await
            }
        }
    }

    async fn renewed(&self, domain: &Domain, kept: Option<Kept>, id: String) -> StsFound {
        match (self.fetch(domain).await, kept) {
            (Ok(policy), _) => {
                let fetched = self.0.settings.clock.now();
                let kept = Kept {
                    id,
                    fetched,
                    policy,
                };
                self.keep(domain, &kept).await;
                found(kept.policy, None)
            }
            (Err(why), Some(kept)) => found(kept.policy, Some(why)),
            (Err(why), None) => StsFound {
                policy: None,
                trouble: Some(why),
            },
        }
    }

    /// From the policy host; whoever failed lately is not asked again yet. [rfc8461 3.3]
    async fn fetch(&self, domain: &Domain) -> Result<Policy, FetchError> {
        let known = self.failed().get(domain).cloned();
        if let Some((until, why)) = known
            && until > now()
        {
            return Err(why);
        }
        let turn = self.0.turns.acquire().await;
        let _turn = turn.expect("because nobody closes the semaphore");
        let fetched = fetch(&self.0.settings.http, domain).await;
        let mut failed = self.failed();
        match &fetched {
            Ok(_) => drop(failed.remove(domain)),
            Err(why) => {
                tracing::warn!(domain = domain.as_str(), %why, "no MTA-STS policy");
                if failed.len() >= STS_FAILED {
                    failed.clear();
                }
                failed.insert(domain.clone(), (now() + STS_RETRY, why.clone()));
            }
        }
        fetched
    }

    fn failed(&self) -> MutexGuard<'_, BTreeMap<Domain, (Instant, FetchError)>> {
        self.0.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, domain: &Domain) -> Option<Kept> {
        let kept = self.0.mail.road().record::<Kept>(&row(domain));
        kept.unwrap_or_else(|fault| {
            tracing::error!(domain = domain.as_str(), %fault, "an MTA-STS policy is not read");
            None
        })
    }

    async fn keep(&self, domain: &Domain, kept: &Kept) {
        let mut edit = self.0.mail.road_edit().await;
        edit.put(row(domain), kept.encode());
        if let Err(fault) = self.0.mail.road_commit(edit).await {
            tracing::error!(domain = domain.as_str(), %fault, "an MTA-STS policy is not kept");
        }
    }

    /// Forgets policies whose time is over, and renews those that are a day old: a policy that is
    /// kept must not run out because nobody wrote to its domain. [rfc8461 3.3]
    pub async fn upkeep(&self) -> Result<(), Fault> {
        let now = self.0.settings.clock.now();
        let mut old = Vec::new();
        let mut over = Vec::new();
        for entry in self.0.mail.road().below(POLICIES) {
            let (key, value) = entry?;
            let kept = mail::codec::decode::<Kept>(&key, &value)?;
            let name = std::str::from_utf8(&key[POLICIES.len()..]).unwrap_or_default();
            match name.parse::<Domain>() {
                Ok(domain) if kept.expires() > now => {
                    old.extend(kept.is_old(now).then_some(domain));
                }
                _ => over.push(key),
            }
        }
        for some in over.chunks(ROWS_AT_ONCE) {
            let mut edit = self.0.mail.road_edit().await;
            some.iter().for_each(|key| edit.delete(key.to_vec()));
            self.0.mail.road_commit(edit).await?;
        }
        for domain in old {
            self.sts(&domain).await;
        }
        Ok(())
    }
}

/// Rows that one transaction removes.
const ROWS_AT_ONCE: usize = 500;

fn found(policy: Policy, trouble: Option<FetchError>) -> StsFound {
    StsFound {
        policy: Some(Arc::new(policy)),
        trouble,
    }
}

/// Whether DNSSEC proves that mail for the domain goes to this host: its MX records name it, or it
/// has none and is its own host. [rfc7672 2.2.1]
async fn host_is(resolver: &Resolver, domain: &Domain, host: &Domain) -> Security {
    let proven = match resolver.mx(domain.as_str()).await {
        Answer::Found {
            value, is_secure, ..
        } => is_secure && value.iter().any(|mx| mx.host == host.as_str()),
        Answer::NoData { is_secure } => is_secure && host == domain,
        Answer::NoName { .. } | Answer::Failed(_) => false,
    };
    match proven {
        true => Security::Signed,
        false => Security::Unsigned,
    }
}

/// No redirect is followed; what is no plain text is no policy. [rfc8461 3.3]
async fn fetch(http: &HttpClient, domain: &Domain) -> Result<Policy, FetchError> {
    let other = |why: &str| FetchError::Fetch(why.to_owned());
    let url = format!(
        "https://mta-sts.{}/.well-known/mta-sts.txt",
        domain.as_str()
    );
    let url: Url = url
        .parse()
        .map_err(|_| other("the domain has no policy host"))?;
    let reply = http
        .get_as(&url, "text/plain")
        .await
        .map_err(|error| match error {
            HttpError::Untrusted(why) => FetchError::Untrusted(why),
            error => FetchError::Fetch(error.to_string()),
        })?;
    if reply.status != 200 {
        let why = format!("the policy host answers {}", reply.status);
        return Err(FetchError::Fetch(why));
    }
    if reply.media_type.as_deref() != Some("text/plain") {
        return Err(other("the policy host's answer is no plain text"));
    }
    if reply.body.len() > STS_BODY_BYTES {
        return Err(other("the policy is too large"));
    }
    Policy::read(&reply.body).map_err(FetchError::Invalid)
}

#[cfg(test)]
mod tests;
